"""`weihai run`: the pipeline through the real scheduler, to its end."""

from __future__ import annotations

import json
import os
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer
from rich.console import Console

from connectors.errors import UserError
from connectors.settings import load_settings

EXIT_HELD_OR_MISSED = 3
EXIT_BROKEN = 1


def register(app: typer.Typer) -> None:
    """Add `run` to the command line."""

    @app.command()
    def run(
        as_of: Annotated[
            str | None,
            typer.Option(help="业务日期 YYYY-MM-DD；默认沿用最近一次运行的日期，首次运行取最新已接收批次的日期。"),
        ] = None,
        full_refresh: Annotated[bool, typer.Option("--full-refresh", help="不论有无新数据，全部重算。")] = False,
        only: Annotated[list[str] | None, typer.Option(help="只接收这些部门（可重复）。")] = None,
        parameters: Annotated[Path | None, typer.Option(help="JSON 文件：另一组口径参数 {名称: 取值}。")] = None,
    ) -> None:
        """通过 Airflow 运行：接收 → 建库 → 评定，显示进度，打印评分表。

        退出码：0 全部通过；3 已完成，但本次有批次被暂缓入库或目标未达标；1 中断；2 用法有误。

        例：weihai run --as-of 2021-09-30
        """
        from weihai import services
        from weihai.steps import Steps

        console = report_console()
        wanted, readings = _date(as_of), _parameters(parameters)
        settings = load_settings()
        if settings.airflow_url is None:
            services.up(settings, steps=Steps(console), inherited=os.environ)
        raise typer.Exit(
            run_pipeline(
                as_of=wanted,
                full_refresh=full_refresh,
                only=only or [],
                parameters=readings,
                console=console,
            )
        )


def report_console() -> Console:
    """Return a console that is as wide as the terminal, or wide enough for the scorecard where there is none."""
    found = Console(soft_wrap=True)
    return found if found.is_terminal else Console(soft_wrap=True, width=150)


def _date(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text is not None else None
    except ValueError as error:
        raise UserError(f"--as-of 应为 YYYY-MM-DD 形式的日期，收到的是“{text}”") from error


def _parameters(path: Path | None) -> dict[str, str]:
    from dags.support.assessing.parameters import checked, load_parameters

    if path is None:
        return {}
    try:
        loaded = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError) as error:
        raise UserError(f'读不了参数文件 {path}：应为 JSON 对象，如 {{"annual_period": "as_of_year"}}') from error
    if not isinstance(loaded, dict):
        raise UserError(f"参数文件 {path} 应为 JSON 对象")
    return checked(loaded, load_parameters())


def run_pipeline(
    *, as_of: date | None, full_refresh: bool, only: list[str], parameters: dict[str, str], console: Console
) -> int:
    """Run the pipeline to its end and print what came of it; return the exit code of `interfaces`."""
    from weihai import following, reporting
    from weihai.airflow_api import AirflowClient

    settings = load_settings()
    scheduler = AirflowClient.of(settings)
    started = datetime.now(ZoneInfo("Asia/Shanghai"))
    with reporting.database(settings) as connection:
        watched = reporting.moment(connection)
    run_id = f"run-{started:%Y%m%dT%H%M%S}"
    conf: dict[str, Any] = {"full_refresh": full_refresh, "parameters": parameters}
    if as_of is not None:
        conf["as_of"] = as_of.isoformat()
    if only:
        conf["only"] = only
    scheduler.trigger("intake", run_id, conf)
    console.print(f"运行 {run_id} 已开始")
    outcome = following.follow(scheduler, settings, run_id, console=console)
    with reporting.database(settings) as connection:
        summary = reporting.summarise(connection, since=watched, run_ids=outcome.followed, as_of=as_of)
    reporting.show(summary, outcome, settings, console)
    if outcome.failed_tasks and outcome.failed_tasks != ("assess.verdict",):
        return EXIT_BROKEN
    return EXIT_HELD_OR_MISSED if summary.held_now or summary.missed else 0
