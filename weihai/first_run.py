"""What `make run` does in its environment: start all, deliver a sample city to a new home, run the pipeline."""

from __future__ import annotations

import os
import shutil
import sys

from connectors.contract import load_contracts
from connectors.database import connect
from connectors.errors import UserError
from connectors.settings import Settings, load_settings
from weihai import services
from weihai.airflow_config import ADMIN, admin_password
from weihai.commands.platform import lines
from weihai.commands.run import EXIT_HELD_OR_MISSED, report_console, run_pipeline
from weihai.steps import Steps

PERSONS = 20_000


def main() -> int:
    """Do it all; return the exit code (a held batch or a missed target is no failure here, and is said)."""
    settings = load_settings()
    console = report_console()
    steps = Steps(console)
    started = services.up(settings, steps=steps, inherited=os.environ)
    if started.new_administrator:
        console.print(f"Airflow  {started.state.url}  用户 {ADMIN}  密码 {admin_password(settings)}（只显示这一次）")
    if never_received(settings):
        with steps.step(f"生成示例城市（{PERSONS:,} 人）并放入落地区"):
            deliver_sample(settings)
    code = run_pipeline(as_of=None, full_refresh=False, only=[], parameters={}, console=console)
    console.print()
    for line in lines(services.status(settings), show_password=False):
        console.print(line, highlight=False, markup=False)
    if code == EXIT_HELD_OR_MISSED:
        console.print("已完成；有批次被暂缓入库或目标未达标，见上（`weihai run` 的退出码为 3，`make run` 视为成功）。")
        return 0
    return code


def never_received(settings: Settings) -> bool:
    """Whether this home never saw a delivery, not even one that still waits in an inbox."""
    if any(path.is_file() for path in settings.landing.glob("*/inbox/**/*")):
        return False
    with connect(settings.dsn()) as connection:
        row = connection.execute("select exists (select from quality.batch)").fetchone()
    return row is not None and not row[0]


def deliver_sample(settings: Settings) -> None:
    """Write the sample city beside the landing zone and drop it, all of it or (killed in between) again."""
    from connectors.landing import drop_folder
    from connectors.sample import write_city

    folder = settings.home / "sample"
    shutil.rmtree(folder, ignore_errors=True)
    write_city(load_contracts(settings.contract_folders), folder, persons=PERSONS)
    drop_folder(settings, folder)
    shutil.rmtree(folder)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except UserError as error:
        print(f"错误：{error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
