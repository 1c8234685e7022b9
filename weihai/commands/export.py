"""`weihai export`: a run's scorecard as a file."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from connectors import chain
from connectors.database import connect
from connectors.errors import UserError
from connectors.settings import load_settings
from dags.support.assessing.export import Format

SCORECARD = "scorecard"


def register(app: typer.Typer) -> None:
    """Add the command `export`."""

    @app.command("export")
    def _export(
        what: Annotated[str, typer.Argument(help="导出什么：scorecard 评分表。", metavar="WHAT")],
        out: Annotated[Path, typer.Option("--out", help="写到哪个文件。")],
        as_of: Annotated[
            datetime | None, typer.Option("--as-of", formats=["%Y-%m-%d"], help="业务日期，缺省为最近一次已发布的。")
        ] = None,
        run: Annotated[str | None, typer.Option("--run", help="某一次运行，代替 --as-of。")] = None,
        output: Annotated[Format, typer.Option("--format", help="csv 为规范形式：同样的数据、规则逐字节相同。")] = (
            Format.CSV
        ),
    ) -> None:
        """导出一次运行的评分表：CSV（规范形式）、XLSX 或 Parquet。

        例：weihai export scorecard --as-of 2021-09-30 --format xlsx --out 评分表.xlsx
        """
        from dags.support.assessing import export
        from dags.support.assessing.trial import computed_run, published_run

        if what != SCORECARD:
            raise UserError(f"不能导出“{what}”：可用 {SCORECARD}")
        with connect(load_settings().dsn()) as connection:
            found = computed_run(connection, run) if run else published_run(connection, as_of.date() if as_of else None)
            content = export.kept(connection, found.run_id)
            link = chain.of_run(connection, found.run_id)
        try:
            export.write(content, out, output)
        except OSError as error:
            raise UserError(f"写不了 {out}：{error.strerror}") from error
        typer.echo(f"运行 {found.run_id}  业务日期 {found.as_of}  规范导出 SHA-256 {export.digest(content)}")
        if link is not None:
            typer.echo(f"台账链 第 {link.seq} 号 {link.hash}（`weihai verify --head` 可查）")
        typer.echo(f"已写入 {out}")
