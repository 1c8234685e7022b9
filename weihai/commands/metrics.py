"""`weihai metrics`: numbers for a monitoring system."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from connectors.as_of import CITY_TIME
from connectors.settings import load_settings


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def metrics(
        out: Annotated[
            Path | None, typer.Option(help="整份写入此文件（供 node_exporter 的 textfile 收集器读取），否则打印。")
        ] = None,
    ) -> None:
        """以 Prometheus 文本格式给出运行状况：磁盘余量、数据库、最近运行、各状态批次、最久的暂缓入库。

        例：每分钟运行 weihai metrics --out /var/lib/node_exporter/weihai.prom
        """
        from weihai.metrics import collect, render

        text = render(collect(load_settings(), now=datetime.now(CITY_TIME)))
        if out is None:
            typer.echo(text, nl=False)
            return
        scratch = out.with_name(f".{out.name}.writing")
        scratch.write_text(text, encoding="utf-8")
        scratch.chmod(0o644)
        scratch.replace(out)
