"""`weihai portal`: build the static pages again."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import typer

from connectors.settings import load_settings


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def portal() -> None:
        """重建静态门户（指标、部门质量、目录、审计页），并打印首页位置。"""
        from portal import build

        typer.echo(build(load_settings(), now=datetime.now(ZoneInfo("Asia/Shanghai"))))
