r"""`make bench`: intake against psql \\copy, pandas and dlt; prints ratios of medians of interleaved rounds."""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from statistics import median

import psycopg
from psutil import Process
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from rich.console import Console
from rich.table import Table

from bench import data, peers
from connectors.contract import load_contracts
from connectors.database import migrate
from connectors.settings import CHECKOUT, Settings, load_settings
from weihai import postgres
from weihai.postgres import Server

_SAMPLE_ROWS = 20_000


def main() -> None:
    """Measure and print."""
    options = _options()
    folder = load_settings().home / "bench"
    contracts = load_contracts((CHECKOUT / "connectors" / "contracts",))
    print(f"写出 {options.rows:,} 行的户籍登记 …", flush=True)
    files = data.write(folder / "files", contracts, options.rows)
    sample = _head(files.utf8, folder / "files" / "sample.csv", min(_SAMPLE_ROWS, options.rows))
    settings = Settings(home=folder / "home")
    server = postgres.start(settings)
    try:
        seconds, facts = _measure(server, folder, files, sample, rounds=options.rounds)
    finally:
        postgres.stop(settings)
    _report(files, seconds, facts, sample_rows=min(_SAMPLE_ROWS, options.rows))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description="接收一份大文件的速度，与 psql \\copy 等相比。")
    parser.add_argument("--rows", type=int, default=1_000_000, help="文件的行数")
    parser.add_argument("--rounds", type=int, default=3, help="轮数，取中位数")
    return parser.parse_args()


def _head(file: Path, sample: Path, rows: int) -> Path:
    with file.open(encoding="utf-8") as lines, sample.open("w", encoding="utf-8") as target:
        target.writelines(line for _, line in zip(range(rows + 1), lines, strict=False))
    return sample


def _measure(
    server: Server, folder: Path, files: data.Deliveries, sample: Path, *, rounds: int
) -> tuple[dict[str, list[float]], dict[str, list[Mapping[str, float]]]]:
    dsn = server.dsn
    process = Process(server.process.pid)
    seconds: dict[str, list[float]] = defaultdict(list)
    facts: dict[str, list[Mapping[str, float]]] = defaultdict(list)
    for number in range(1, rounds + 1):
        print(f"第 {number} 轮，共 {rounds} 轮 …", flush=True)
        facts["copy"].append(peers.psql_copy(dsn, files.utf8, process))
        with _Instance(server, folder, "utf8") as instance:
            facts["first"].append(instance.deliver(files.utf8, str(data.AS_OF)))
            facts["again"].append(instance.deliver(files.changed, str(data.NEXT_AS_OF)))
        facts["copy"].append(peers.psql_copy(dsn, files.utf8, process))
        with _Instance(server, folder, "gb18030") as instance:
            facts["gb18030"].append(instance.deliver(files.gb18030, str(data.AS_OF)))
    with _Instance(server, folder, "gate") as instance:
        facts["gate"].append(instance.deliver(files.utf8, str(data.AS_OF), judged="gate"))
    seconds["pandas"].append(peers.pandas_to_sql(dsn, sample))
    if (loaded := peers.dlt_load(dsn, sample, folder)) is not None:
        seconds["dlt"].append(loaded)
    for name, found in facts.items():
        seconds[name] = [f["seconds"] for f in found]
    return seconds, facts


class _Instance:
    """A fresh warehouse and home, dropped afterwards."""

    def __init__(self, server: Server, folder: Path, name: str) -> None:
        self._server, self._database, self._home = server, f"bench_{name}", folder / f"home-{name}"
        self.dsn = make_conninfo("", **(conninfo_to_dict(server.dsn) | {"dbname": self._database}))

    def __enter__(self) -> _Instance:
        self._drop()
        with psycopg.connect(self._server.dsn, autocommit=True) as connection:
            connection.execute(f"create database {self._database}".encode())
        migrate(self.dsn)
        # else autovacuum would look at the new catalogues while a delivery is measured
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            connection.execute("vacuum (analyze)")
        return self

    def __exit__(self, *_: object) -> None:
        self._drop()

    def _drop(self) -> None:
        # the owner may not end an autovacuum worker
        with psycopg.connect(self._server.superuser_dsn, autocommit=True) as connection:
            connection.execute(f"drop database if exists {self._database} with (force)".encode())
        shutil.rmtree(self._home, ignore_errors=True)

    def deliver(self, file: Path, as_of: str, *, judged: str = "open") -> dict[str, float]:
        """Deliver in a process of its own; return what it took."""
        command = [sys.executable, "-m", "bench.deliver", str(self._home), self.dsn, str(file), as_of, judged]
        before = peers.server_seconds(process := Process(self._server.process.pid))
        done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=CHECKOUT)
        found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
        found["server_cpu"] = peers.server_seconds(process) - before
        found["cpu"] = found["client_cpu"] + found["server_cpu"]
        return found


def _report(
    files: data.Deliveries,
    seconds: Mapping[str, list[float]],
    facts: Mapping[str, list[Mapping[str, float]]],
    *,
    sample_rows: int,
) -> None:
    middle = {name: median(found) for name, found in seconds.items()}
    work = {name: median(f["cpu"] for f in found) for name, found in facts.items()}
    share = files.rows / sample_rows
    table = Table(title=f"{files.rows:,} 行 × 20 列，{files.utf8.stat().st_size / 1e6:.0f} MB，中位数")
    for column in ("做什么", "秒", "相比", "倍数", "目标", "处理器秒", "倍数"):
        table.add_column(column, justify="left" if column in ("做什么", "相比") else "right")
    lines = [
        ("psql \\copy 到空表", "copy", None, "", 1.0),
        ("首次报送：文件 → raw（不含 GX）", "first", "copy", "≤ 2.5", 1.0),
        ("再次报送，0.5 % 有变化", "again", "first", "≤ 0.6", 1.0),
        ("首次报送，GB18030", "gb18030", "first", "≤ 1.2", 1.0),
        ("pandas to_sql（按样本折算）", "pandas", "copy", "", share),
        ("dlt（按样本折算）", "dlt", "copy", "", share),
    ]
    for what, name, base, wanted, factor in lines:
        if name in middle:
            ratio = f"{middle[name] * factor / middle[base]:.2f}" if base else ""
            told = [what, f"{middle[name] * factor:.1f}", _WORDS.get(base or "", ""), ratio, wanted]
            if name in work:
                told += [f"{work[name]:.1f}", f"{work[name] / work[base]:.2f}" if base else ""]
            table.add_row(*told)
    table.add_row("GX 质量门（另计）", f"{facts['gate'][0]['gate']:.1f}")
    peak = max(f["peak_mb"] for name in ("first", "again", "gb18030") for f in facts[name])
    table.add_row("客户端内存峰值（MB）", f"{peak:.0f}", "", "", "< 1000", "", "")
    Console().print(table)
    for name in ("first", "again", "gb18030"):
        parts = {key: median(f[key] for f in facts[name]) for key in ("receive", "decide", "client_cpu", "server_cpu")}
        print(name, "  ".join(f"{key} {value:.1f} s" for key, value in parts.items()))


_WORDS = {"copy": "psql \\copy", "first": "首次报送"}

if __name__ == "__main__":
    main()
