"""`weihai rebuild`: the raw tables once more from the archive."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from connectors.contract import load_contracts
from connectors.settings import load_settings

EXIT_DIFFERS = 1
_SHOWN = 50


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def rebuild(
        replace: Annotated[bool, typer.Option("--replace", help="用重建的内容替换不同的原始表。")] = False,
    ) -> None:
        """由归档文件按入库次序重建全部原始表（另建一库，完成即删），逐批与现有内容对照；其间不入库新报送。

        退出码：0 相同，或已替换；1 有不同而未替换。替换后运行 `weihai run --full-refresh` 重算各库。
        """
        from weihai.rebuild import rebuild as build

        settings = load_settings()

        def tell(done: int, total: int) -> None:
            if sys.stderr.isatty() or done == total:
                typer.echo(f"… {done}/{total} 批", err=True)

        found = build(settings, load_contracts(settings.contract_folders), replaces=replace, tell=tell)
        for difference in found.differences[:_SHOWN]:
            typer.echo(
                f"{difference.contract_id} 批次 {difference.batch_id}：现有 {difference.stands:,} 个版本，"
                f"重建 {difference.built:,} 个；{difference.why}"
            )
        if len(found.differences) > _SHOWN:
            typer.echo(f"……另有 {len(found.differences) - _SHOWN} 处")
        typer.echo(f"已由归档重建 {found.deliveries:,} 批、{found.versions:,} 个版本，{len(found.differences)} 处不同")
        if found.replaced:
            typer.echo(f"已替换 {'、'.join(found.replaced)}；请运行 `weihai run --full-refresh`，再 `weihai verify`")
        elif found.differences:
            raise typer.Exit(EXIT_DIFFERS)
