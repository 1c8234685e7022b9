"""`python -m bench.libraries`: how long the libraries of people and entities take to build, whole and after a day."""

from __future__ import annotations

import argparse
import json
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import psutil
from rich.console import Console
from rich.table import Table

from bench import library_rows
from bench.entity_linkage import fresh_database
from connectors.contract import load_contracts
from connectors.database import connect
from connectors.settings import CHECKOUT, Settings, load_settings
from dags.support import models
from weihai import postgres

_SIZES = "30000,300000"
_ENTITIES_PER_PERSON = 400_000 / 3_000_000
_MEGABYTE = 1024**2
_SHOWN_MODELS = 3


@dataclass
class Measured:
    """One build: wall seconds, processor seconds of this process and of the server, peak megabytes, slowest models."""

    what: str
    seconds: float = 0.0
    client_seconds: float = 0.0
    server_seconds: float = 0.0
    megabytes: float = 0.0
    slowest: list[tuple[str, float]] = field(default_factory=list)


def main() -> None:
    """Load cities of several sizes, build their libraries whole and after a day's changes; print."""
    parser = argparse.ArgumentParser(prog="python -m bench.libraries", description="人口库、法人库的构建用时。")
    parser.add_argument("--persons", default=_SIZES, help="人口数，可用逗号分隔多个")
    options = parser.parse_args()
    shown = Table(title="人口库与法人库的构建（全量；千分之一变化后的增量）")
    for header in ("人口", "构建", "秒", "处理器秒：客户端", "服务端", "服务端与客户端内存峰值 MB", "最慢的模型（秒）"):
        shown.add_column(header, overflow="fold")
    for persons in map(int, options.persons.split(",")):
        for measured in _measure(persons):
            slowest = "，".join(f"{name} {seconds:.1f}" for name, seconds in measured.slowest)
            shown.add_row(
                f"{persons:,}", measured.what, f"{measured.seconds:.1f}", f"{measured.client_seconds:.1f}",
                f"{measured.server_seconds:.1f}",
                f"{measured.megabytes:,.0f}", slowest,
            )  # fmt: skip
    Console().print(shown)


def _measure(persons: int) -> Iterator[Measured]:
    folder = load_settings().home / "bench" / "libraries"
    server = postgres.start(Settings(home=folder))
    contracts = load_contracts((CHECKOUT / "connectors" / "contracts",))
    entities = int(persons * _ENTITIES_PER_PERSON)
    try:
        settings = Settings(home=folder / "work", warehouse_dsn=fresh_database(server.dsn))
        shutil.rmtree(settings.home, ignore_errors=True)
        settings.home.mkdir(parents=True)
        with connect(settings.dsn()) as connection:
            rows = library_rows.load(connection, contracts, persons=persons, entities=entities)
        print(f"{persons:,} 人，{entities:,} 个主体，{rows:,} 行", flush=True)
        models.run_models(settings, contracts, "seeds")
        for day in ("全量", "增量"):
            if day == "增量":
                with connect(settings.dsn()) as connection:
                    library_rows.change(connection, contracts, persons=persons, entities=entities)
            for library in ("population", "legal_entity"):
                measured = Measured(f"{day} {library}")
                with _watched(measured, _server_process(settings)):
                    report = models.run_models(settings, contracts, library)
                if report.failed:
                    raise RuntimeError(f"{library}: {'、'.join(report.failed)}")
                measured.slowest = _slowest(settings)
                yield measured
    finally:
        postgres.stop(Settings(home=folder))


def _server_process(settings: Settings) -> psutil.Process:
    """The postmaster: parent of whatever process serves a connection."""
    with connect(settings.dsn()) as connection:
        parent = psutil.Process(connection.info.backend_pid).parent()
    if parent is None:
        raise RuntimeError("the server's process is gone")
    return parent


@contextmanager
def _watched(measured: Measured, server: psutil.Process) -> Iterator[None]:
    """Measure time, and memory once a second: what this process and the server's processes hold alone."""
    stop = threading.Event()
    own = psutil.Process()

    def watch() -> None:
        while not stop.wait(1.0):
            held = sum(_alone(p) for p in (own, server, *server.children()))
            measured.megabytes = max(measured.megabytes, held / _MEGABYTE)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    began, used, served = time.perf_counter(), own.cpu_times(), server.cpu_times()
    yield
    now, ended = own.cpu_times(), server.cpu_times()
    measured.seconds = time.perf_counter() - began
    measured.client_seconds = now.user + now.system - used.user - used.system
    # dbt's sessions have ended with it: their time is the server's children's
    measured.server_seconds = (
        ended.children_user + ended.children_system - served.children_user - served.children_system
    )
    stop.set()
    watcher.join()


def _alone(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().uss)
    except psutil.Error:
        return 0


def _slowest(settings: Settings) -> list[tuple[str, float]]:
    results = json.loads((models.target_path(settings) / "run_results.json").read_text(encoding="utf-8"))["results"]
    timed = [(str(r["unique_id"]).split(".")[-1], float(r["execution_time"])) for r in results]
    return sorted(timed, key=lambda pair: -pair[1])[:_SHOWN_MODELS]


if __name__ == "__main__":
    main()
