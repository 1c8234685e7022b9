"""`python -m bench.libraries`: how long linking, libraries, themes and mart take: whole, after a day, once more."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from multiprocessing import get_context
from typing import Any

import psutil
import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from rich.console import Console
from rich.table import Table

from bench import big_city, city
from bench.copies import MOST_COPIES
from connectors.contract import Contracts, load_contracts
from connectors.database import connect, migrate
from connectors.raw_tables import ensure_raw_tables
from connectors.settings import CHECKOUT, Settings, load_settings
from dags.support import building, linking, models, publishing
from dags.support.databases import DATABASES
from weihai import postgres

_SIZES = "30000,300000"
_SEED, _WORK = "bench_seed", "bench_libraries"
_DAYS = {"全量": date(2021, 9, 30), "增量": date(2021, 10, 31), "再评": date(2021, 8, 31)}
"""Everything for the first time; a day's changes; nothing changed, another day asked for. And as of when."""
_MEGABYTE = 1024**2
_SHOWN_MODELS = 3
_BETWEEN_LOOKS = 0.5
"""Seconds."""
_REAPED_AFTER = 1.0
"""Seconds after which the server counts the time of a session that has ended."""


@dataclass
class Measured:
    """One step: wall seconds, processor seconds of this process and of the server, peak megabytes, slowest models."""

    what: str
    seconds: float = 0.0
    client_seconds: float = 0.0
    server_seconds: float = 0.0
    megabytes: float = 0.0
    slowest: list[tuple[str, float]] = field(default_factory=list)


def main() -> None:
    """For cities of several sizes: link and build everything, then what a day changes; print."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.libraries",
        description="归并、四个基础库、主题库与集市的用时：全量，千分之一变化后的增量，数据不变时再评一次。",
    )
    parser.add_argument(
        "--persons",
        default=_SIZES,
        help=f"人口数，{big_city.SEED_PERSONS:,} 的整数倍（最多 {MOST_COPIES} 倍），可用逗号分隔多个",
    )
    options = parser.parse_args()
    contracts = load_contracts((CHECKOUT / "connectors" / "contracts",))
    home = Settings(home=load_settings().home / "bench" / "libraries")
    server = postgres.start(home)
    try:
        _drop_work(server)
        _take_in_seed(home, server.dsn, contracts)
        for persons in map(int, options.persons.split(",")):
            Console().print(_table(persons, list(_measure(home, server, contracts, persons))))
            _drop_work(server)
    finally:
        postgres.stop(home)


def _take_in_seed(home: Settings, dsn: str, contracts: Contracts) -> None:
    """Have intake take in the sample city that all others are copies of, unless it stands there already."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        found = connection.execute("select from pg_database where datname = %s", (_SEED,)).fetchone()
        if found is not None:
            return
        print(f"写出并接收 {big_city.SEED_PERSONS:,} 人的样例城市 …", flush=True)
        connection.execute(f"create database {_WORK}".encode())
    settings = Settings(home=home.home, warehouse_dsn=_database(dsn, _WORK))
    migrate(settings.dsn())
    folder = city.write(home.home / "city", contracts, big_city.SEED_PERSONS)
    with connect(settings.dsn()) as connection:
        ensure_raw_tables(connection, contracts)
        connection.commit()
    city.take_in(settings, contracts, folder, whole=True)
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(f"alter database {_WORK} rename to {_SEED}".encode())


def _database(dsn: str, name: str) -> str:
    return make_conninfo("", **(conninfo_to_dict(dsn) | {"dbname": name}))


def _measure(home: Settings, server: postgres.Server, contracts: Contracts, persons: int) -> Iterator[Measured]:
    _drop_work(server)
    with psycopg.connect(server.superuser_dsn, autocommit=True) as connection:
        connection.execute(f"create database {_WORK} template {_SEED} owner etl".encode())
    settings = Settings(home=home.home, warehouse_dsn=_database(server.dsn, _WORK))
    shutil.rmtree(models.target_path(settings), ignore_errors=True)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as other:
        # what making the city took of memory is none of what is measured
        other.submit(_make_city, settings, contracts, persons).result()
    os.environ["WEIHAI_HOME"], os.environ["WAREHOUSE_DSN"] = str(settings.home), settings.dsn()
    process = psutil.Process(server.process.pid)
    for day, as_of in _DAYS.items():
        if day == "增量":
            with connect(settings.dsn()) as connection:
                print(f"{big_city.change(connection, contracts):,} 条记录有变化", flush=True)
        for what, act in _steps(f"bench-{as_of}", as_of):
            began = time.time()
            measured = _watched(f"{day} {what}", process, act)
            measured.slowest = _slowest(settings, began)
            yield measured


def _make_city(settings: Settings, contracts: Contracts, persons: int) -> None:
    migrate(settings.dsn())
    began = time.perf_counter()
    with connect(settings.dsn()) as connection:
        ensure_raw_tables(connection, contracts)
        rows = big_city.multiply(connection, contracts, persons // big_city.SEED_PERSONS)
    with psycopg.connect(settings.dsn(), autocommit=True) as connection:
        # a warehouse that has run for a while; autovacuum would do it beside the first build
        connection.execute("vacuum (analyze)")
    print(f"{persons:,} 人，{rows:,} 条记录，写入用时 {time.perf_counter() - began:.0f} 秒", flush=True)


def _steps(run_id: str, as_of: date) -> Iterator[tuple[str, Callable[[], object]]]:
    """What the DAGs do from opening a run to its pages, in their order."""
    yield "开启、种子", partial(_open, run_id, as_of)
    yield "归并", partial(linking.link_libraries, run_id)
    for database in DATABASES:
        yield f"构建 {database}", partial(building.build, run_id, database)
    yield "来源、读法", partial(building.record_lineage, run_id)
    yield "判定、发布", partial(_publish, run_id)
    yield "门户", partial(publishing.build_portal, run_id)


def _open(run_id: str, as_of: date) -> None:
    if not building.open_run(run_id, {"as_of": as_of.isoformat()}):
        raise RuntimeError(f"{run_id} 没有开启")
    building.prepare(run_id)


def _publish(run_id: str) -> None:
    missed = publishing.judge_targets(run_id)
    publishing.judge_across(run_id)
    publishing.publish(run_id, missed)


def _drop_work(server: postgres.Server) -> None:
    with psycopg.connect(server.superuser_dsn, autocommit=True) as connection:
        connection.execute(f"drop database if exists {_WORK} with (force)".encode())


def _watched(what: str, server: psutil.Process, act: Callable[[], object]) -> Measured:
    """Do something and measure it; the server's sessions have ended with it: their time is the server's children's."""
    measured, own = Measured(what), psutil.Process()
    with _peak(measured, own, server):
        began, used, served = time.perf_counter(), own.cpu_times(), server.cpu_times()
        act()
        measured.seconds = time.perf_counter() - began
        time.sleep(_REAPED_AFTER)
        now, ended = own.cpu_times(), server.cpu_times()
    measured.client_seconds = now.user + now.system - used.user - used.system
    measured.server_seconds = (
        ended.children_user + ended.children_system - served.children_user - served.children_system
    )
    print(f"  {what}  {measured.seconds:.1f} 秒", flush=True)
    return measured


@contextmanager
def _peak(measured: Measured, own: psutil.Process, server: psutil.Process) -> Iterator[None]:
    """Twice a second: what this process holds, what the server's hold alone, and once what most of them share."""
    stop = threading.Event()

    def watch() -> None:
        while not stop.wait(_BETWEEN_LOOKS):
            held = [found for p in (server, *server.children()) if (found := _held(p)) is not None]
            alone = sum(memory.rss - memory.shared for memory in held)
            shared = max((memory.shared for memory in held), default=0)
            measured.megabytes = max(measured.megabytes, (own.memory_info().rss + alone + shared) / _MEGABYTE)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    yield
    stop.set()
    watcher.join()


def _held(process: psutil.Process) -> Any:
    """Sizes from `/proc/…/statm`: exact sharing (PSS) is read from all page tables, which holds a large process up."""
    try:
        return process.memory_info()
    except psutil.Error:
        return None


def _slowest(settings: Settings, began: float) -> list[tuple[str, float]]:
    """The slowest models of the dbt invocation that came last, if one did."""
    path = models.target_path(settings) / "run_results.json"
    if not path.is_file() or path.stat().st_mtime < began:
        return []
    results = json.loads(path.read_text(encoding="utf-8"))["results"]
    timed = [(str(r["unique_id"]).split(".")[-1], float(r["execution_time"])) for r in results]
    return sorted(timed, key=lambda pair: -pair[1])[:_SHOWN_MODELS]


def _table(persons: int, steps: list[Measured]) -> Table:
    shown = Table(title=f"{persons:,} 人：归并、建库与评定")
    for header in ("步骤", "秒", "处理器秒：客户端", "服务端", "内存峰值 MB", "最慢的模型（秒）"):
        shown.add_column(header, justify="left" if header in ("步骤", "最慢的模型（秒）") else "right", overflow="fold")
    for day in _DAYS:
        of_day = [m for m in steps if m.what.startswith(day)]
        total = Measured(
            f"{day} 合计",
            sum(m.seconds for m in of_day),
            sum(m.client_seconds for m in of_day),
            sum(m.server_seconds for m in of_day),
            max((m.megabytes for m in of_day), default=0.0),
        )
        for m in (*of_day, total):
            slowest = "，".join(f"{name} {seconds:.1f}" for name, seconds in m.slowest)
            numbers = (f"{x:,.1f}" for x in (m.seconds, m.client_seconds, m.server_seconds))
            shown.add_row(m.what, *numbers, f"{m.megabytes:,.0f}", slowest, end_section=m is total)
    return shown


if __name__ == "__main__":
    main()
