"""`weihai docs`: documents for analysts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from connectors.settings import load_settings


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def docs(
        out: Annotated[Path | None, typer.Option("--out", help="写入的文件夹；默认为 WEIHAI_HOME 下的 docs。")] = None,
    ) -> None:
        """生成分析人员用的文档：数据字典、ODCS 契约、dbt 文档；都可离线打开。

        须已运行过（weihai run），列的类型取自数据库。
        """
        from weihai.documentation.building import build

        settings = load_settings()
        folder = settings.home / "docs" if out is None else out
        columns = build(settings, folder)
        typer.echo(f"{columns} 列的数据字典、契约和 dbt 文档：{folder}")
