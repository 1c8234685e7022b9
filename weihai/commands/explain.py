"""`weihai explain`: from a star back to the files it rests on."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from connectors.database import connect
from connectors.settings import load_settings
from weihai import explain as explaining


def register(app: typer.Typer) -> None:
    """Add the command `explain`."""

    @app.command("explain", help="说明一项指标：星级 → 规则 → 度量 → 操作数 → 数据 → 批次与文件。")
    def _explain(
        indicator: Annotated[str, typer.Argument(help="指标编号、序号（1–49）或名称。", metavar="INDICATOR")],
        as_of: Annotated[
            datetime | None, typer.Option("--as-of", formats=["%Y-%m-%d"], help="业务日期，缺省为最近一次已发布的。")
        ] = None,
    ) -> None:
        with connect(load_settings().dsn()) as connection:
            found = explaining.explain(connection, indicator, as_of.date() if as_of else None)
        for line in explaining.lines(found):
            typer.echo(line)
