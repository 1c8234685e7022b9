"""`weihai up`, `weihai down`, `weihai status`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from connectors.settings import load_settings

if TYPE_CHECKING:
    from weihai.services import Status

EXIT_NOT_RUNNING = 1
_VERDICTS = {"passed": "全部达标", "target_missed": "有目标未达标"}
_STATES = {"running": "运行中", "built": "已计算", "published": "已发布", "broken": "中断"}


def register(app: typer.Typer) -> None:
    """Add `up`, `down` and `status` to the command line."""

    @app.command()
    def up() -> None:
        """启动数据库与 Airflow（已在运行则不变）。"""
        from weihai import services
        from weihai.airflow_config import ADMIN, admin_password
        from weihai.steps import Steps

        settings = load_settings()
        console = Console(soft_wrap=True)
        started = services.up(settings, steps=Steps(console), inherited=os.environ)
        console.print(f"Airflow  {started.state.url}  用户 {ADMIN}", highlight=False)
        if started.new_administrator:
            console.print(
                f"密码     {admin_password(settings)}  （只显示这一次；保存在 {settings.secrets}）", highlight=False
            )

    @app.command()
    def down() -> None:
        """停止 Airflow 与本机数据库，不留进程；数据保留。"""
        from weihai import services
        from weihai.steps import Steps

        settings = load_settings()
        console = Console(soft_wrap=True)
        if not services.down(settings, steps=Steps(console)):
            console.print("本来就没有在运行的服务")

    @app.command()
    def status(
        show_password: Annotated[bool, typer.Option("--show-password", help="显示数据库与 Airflow 的密码。")] = False,
    ) -> None:
        """显示端口、地址、各组件状态与最近一次运行；未全部运行时退出码为 1。"""
        from weihai import services

        current = services.status(load_settings())
        console = Console(soft_wrap=True)
        for line in lines(current, show_password=show_password):
            console.print(line, highlight=False, markup=False)
        if not (current.database_answers and current.airflow is not None and current.airflow.healthy):
            raise typer.Exit(EXIT_NOT_RUNNING)


def lines(status: Status, *, show_password: bool) -> list[str]:
    """Return what `weihai status` prints."""
    return [
        f"目录     {status.settings.home}",
        *_database_lines(status, show_password=show_password),
        *_airflow_lines(status, show_password=show_password),
        f"内存     {status.memory_bytes / 1024**2:.0f} MB",
        f"最近运行 {_last_run(status)}",
    ]


def _database_lines(status: Status, *, show_password: bool) -> list[str]:
    from weihai.services import hide_password

    if status.dsn is None:
        return ["数据库   未运行（`weihai up` 启动）"]
    kind = f"本机 PostgreSQL，端口 {status.server.port}" if status.server else "WAREHOUSE_DSN 指定的服务器"
    answers = "正常" if status.database_answers else "没有应答"
    found = [
        f"数据库   {answers}（{kind}）",
        f"DSN      {status.dsn if show_password else hide_password(status.dsn)}",
    ]
    if status.server and status.server.data.parent != status.settings.postgres:
        found.append(f"数据在   {status.server.data}（数据库账户进不了 {status.settings.home}）")
    return found


def _airflow_lines(status: Status, *, show_password: bool) -> list[str]:
    from weihai.airflow_config import ADMIN, admin_password

    if status.airflow is None:
        return ["Airflow  未运行（`weihai up` 启动）"]
    password = f" 密码 {admin_password(status.settings)}" if show_password else ""
    found = [f"Airflow  {status.airflow.url}  用户 {ADMIN}{password}"]
    for component in status.airflow.components:
        state = "正常" if component.healthy else "未就绪"
        pid = f"进程 {component.process.pid}" if component.process else "等待重启"
        restarts = f"，重启过 {component.restarts} 次" if component.restarts else ""
        found.append(f"         {component.name:<14}{state}（{pid}{restarts}）")
    return found


def _last_run(status: Status) -> str:
    run = status.last_run
    if run is None:
        return "还没有"
    verdict = f"，{_VERDICTS[run.verdict]}" if run.verdict else ""
    return f"{run.run_id}（业务日期 {run.as_of}）：{_STATES.get(run.state, run.state)}{verdict}"
