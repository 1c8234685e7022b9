"""`weihai replay`: a past run computed again and compared to the byte."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from connectors.settings import load_settings

if TYPE_CHECKING:
    from dags.support.assessing.replaying import Replay

EXIT_DIFFERENT = 1


def register(app: typer.Typer) -> None:
    """Add the command `replay`."""

    @app.command("replay")
    def _replay(
        run: Annotated[str, typer.Argument(help="运行编号，见评分表标题或 weihai status。", metavar="RUN")],
    ) -> None:
        """按当时的规则、口径和已知数据重算一次过去的运行，与当时留存的评分表逐字节比较；不改动已发布的结果。

        退出码：0 相同；1 不同，或归档文件缺失、被改动；2 用法有误。

        例：weihai replay run-20211008T090000
        """
        from dags.support.assessing import export, replaying

        settings = load_settings()
        found = replaying.replay(settings, run)
        archive = replaying.check_archive(settings, run)
        typer.echo(f"运行 {run}  业务日期 {found.run.as_of}  已知至第 {found.run.known_at} 次入库")
        typer.echo(f"规则版本 {found.run.rule_version}  当时留存 SHA-256 {export.digest(found.kept)}")
        typer.echo(f"现在重算 SHA-256 {export.digest(found.computed)}：{'相同' if found.is_same else '不同'}")
        for line in _differences(found):
            typer.echo(line)
        typer.echo(
            f"归档文件 {archive.files} 份：缺失 {len(archive.missing)}，内容与 SHA-256 不符 {len(archive.altered)}"
        )
        for sha256 in (*archive.missing, *archive.altered):
            typer.echo(f"  {sha256}")
        if not found.is_same or archive.missing or archive.altered:
            raise typer.Exit(EXIT_DIFFERENT)


def _differences(found: Replay) -> Iterator[str]:
    if not found.is_same:
        kept, computed = (text.decode("utf-8").splitlines() for text in (found.kept, found.computed))
        yield from difflib.unified_diff(kept, computed, "当时", "现在", n=0, lineterm="")
