"""`weihai clean-logs`: remove logs that need not be kept any longer."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from connectors.as_of import CITY_TIME
from connectors.settings import load_settings


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command("clean-logs")
    def _clean_logs(
        days: Annotated[
            int | None, typer.Option(help="保留天数，至少 184；默认取 WEIHAI_LOG_DAYS，未设为 184。")
        ] = None,
        dry_run: Annotated[bool, typer.Option("--dry-run", help="只列出，不删除。")] = False,
    ) -> None:
        """删除超过保留期的日志文件（本机各服务与 Airflow 任务）；访问日志 quality.access_log 只增不删。"""
        from weihai.logs import outdated

        count = size = 0
        for path in outdated(load_settings(), now=datetime.now(CITY_TIME), days=days):
            count, size = count + 1, size + path.stat().st_size
            if dry_run:
                typer.echo(str(path))
            else:
                path.unlink()
        typer.echo(f"{'应删除' if dry_run else '已删除'} {count:,} 个日志文件，{size / 1024**2:.1f} MB")
