"""Killed at any moment, out of disk at any moment, and run again: the tables of a run that nobody disturbed."""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import date, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from connectors import apply, intake, reading, receipts, splitting, staging
from connectors.database import connect, migrate
from connectors.settings import CHECKOUT, Settings
from tests.integration.office import Office, csv_bytes, with_test_contracts
from weihai import postgres
from weihai.processes import processes_in

ROUNDS = int(os.environ.get("SOAK_ROUNDS", "6"))
SEED = int(os.environ.get("SOAK_SEED", "1"))
MIB = 1024**2


@pytest.fixture
def office(settings: Settings, tmp_path: Path, clock: datetime) -> Office:
    extended, contracts = with_test_contracts(settings, tmp_path / "contracts")
    return Office(extended, contracts, clock)


@pytest.fixture
def own_server(open_folder: Path, clock: datetime) -> Iterator[Office]:
    """An office whose server may be killed: it writes to disk as the real one does."""
    home = Path(tempfile.mkdtemp(dir=open_folder))
    home.chmod(0o755)
    with serving(Settings(home=home), clock) as found:
        yield found


@contextmanager
def serving(settings: Settings, clock: datetime) -> Iterator[Office]:
    try:
        postgres.start(settings, {"shared_buffers": "32MB", "max_wal_size": "64MB", "min_wal_size": "32MB"})
        migrate(settings.dsn())
        extended, contracts = with_test_contracts(settings, settings.home / "contracts")
        yield Office(extended, contracts, clock)
    finally:
        postgres.stop(settings)


@contextmanager
def small_disk(folder: Path, size: int) -> Iterator[Path]:
    """A disk of its own at a folder; skips where mounting is not allowed."""
    folder.mkdir(parents=True, exist_ok=True)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], check=False).returncode:
        pytest.skip("only root mounts a disk")
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def fill(folder: Path, *, leave: int) -> Path:
    """Fill the disk of a folder up to so many bytes."""
    ballast = folder / "ballast"
    free = shutil.disk_usage(folder).free
    with ballast.open("wb") as file:
        for _ in range(max(0, free - leave) // 65_536):
            file.write(bytes(65_536))
    return ballast


def deliver(office: Office) -> None:
    """Put three deliveries down: one applied before, one with every kind of row, and a full list."""
    change = office.contracts["test_office__change"]
    first = [{"code": f"c{n}", "value": n} for n in range(4000)]
    second = [{"code": f"c{n}", "value": n + (n % 3 == 0)} for n in range(1000, 6000)]
    second += [{"code": "bad", "value": "x"}, {"code": ""}, {"code": "c5", "operation": "撤销"}]
    people = [{"name": f"张{n}", "born_on": "1980-01-01"} for n in range(3000)]
    office.put("一.csv", csv_bytes(change, first), "change", as_of=date(2021, 8, 31))
    office.put("二.csv", csv_bytes(change, second), "change", as_of=date(2021, 9, 30))
    office.put("名单.csv", csv_bytes(office.contracts["test_office__list"], people), "list", as_of=date(2021, 9, 30))


def outcome(office: Office) -> Any:
    """Return everything a run left, with batches and applications by their order: a killed try may use up a number."""
    ranks = (
        "with b as (select batch_id, file_name as n from quality.batch),"
        " e as (select seq, (select file_name from quality.batch where batch_id = event.batch_id) as n"
        " from quality.event)"
    )
    versions = [
        office.rows(
            f"{ranks} select {columns}, v._row_no, v._as_of, v._issues, e.n, o.n, c.n"
            f' from raw."test_office__{extract}" v'
            " join b o on o.batch_id = v._batch_id left join b c on c.batch_id = v._closed_batch_id"
            " join e on e.seq = v._applied_seq order by 1, 2, o.n"
        )
        for extract, columns in (("change", "code, value"), ("list", "name, born_on"))
    ]
    return (
        versions,
        office.rows(
            f"{ranks} select o.n, c.n, kind, as_of, e.n, count(*) from quality.version_closing v"
            " join b o on o.batch_id = v.version_batch_id join b c on c.batch_id = v.closing_batch_id"
            " join e on e.seq = v.applied_seq group by 1, 2, 3, 4, 5 order by 1, 2, 3"
        ),
        office.rows(
            "select file_name, status, rows_physical, rows_header, rows_read, rows_loaded, rows_unchanged,"
            " rows_duplicate, rows_rejected, rows_withdrawn, summary, is_taken, answered_at is not null"
            " from quality.batch order by 1"
        ),
        office.rows(
            f"{ranks} select b.n, row_no, rule, message, value_masked from quality.issue join b using (batch_id)"
            " order by 1, 2, 3"
        ),
        office.rows(
            f"{ranks} select b.n, rule, checked, passed from quality.check_result join b using (batch_id) order by 1, 2"
        ),
        office.rows("select kind, count(*) from quality.event group by 1"),
        office.rows("select count(*) from pg_class where relnamespace = 'staging'::regnamespace and relkind = 'r'"),
        sorted(
            re.sub(r"\.\d+\.receipt", ".receipt", p.name) for p in office.settings.landing.rglob("*") if p.is_file()
        ),
        sorted(p.name for p in office.settings.archive.rglob("*") if p.is_file()),
    )


CALM: list[Any] = []


def undisturbed(server: str, folder: Path, clock: datetime) -> Any:
    """Return the outcome of a run that nobody disturbs: the same in every fresh warehouse."""
    if not CALM:
        from tests.conftest import create_database, drop_database, dsn_of

        create_database(server, "weihai_calm")
        try:
            settings = Settings(folder / "calm", dsn_of(server, "weihai_calm"))
            migrate(settings.dsn())
            extended, contracts = with_test_contracts(settings, folder / "calm" / "contracts")
            office = Office(extended, contracts, clock)
            deliver(office)
            office.run()
            CALM.append(outcome(office))
        finally:
            drop_database(server, "weihai_calm")
    return CALM[0]


@pytest.fixture
def calm(server: str, tmp_path: Path, clock: datetime) -> Any:
    return undisturbed(server, tmp_path, clock)


def finish(office: Office, calm: Any) -> None:
    """Run again, and compare."""
    office.run()
    found = outcome(office)
    for mine, theirs in zip(found, calm, strict=True):
        assert mine == theirs
    assert intake.unfinished(office.settings) == []


@pytest.mark.parametrize("round_no", range(ROUNDS))
def test_the_outcome_is_the_same_when_the_process_is_killed_at_random(office: Office, calm: Any, round_no: int) -> None:
    chance = random.Random(SEED * 1000 + round_no)
    deliver(office)
    arguments = [office.settings.home, office.settings.dsn(), *office.settings.contract_folders]
    delays = [chance.uniform(0, 6) for _ in range(4)]
    for delay in delays:
        worker = subprocess.Popen(
            [sys.executable, "-m", "tests.soak.office_worker", *map(str, arguments)],
            cwd=CHECKOUT,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
        with suppress(subprocess.TimeoutExpired):
            worker.wait(delay)
        worker.send_signal(signal.SIGKILL)
        worker.wait()
        worker.stdout.close()
    finish(office, calm)


def kill_server(office: Office) -> None:
    for process in processes_in(office.settings.postgres / "data", program="postgres"):
        process.signal(signal.SIGKILL)


def kill_backend(office: Office) -> None:
    """Kill one process that serves us: the server then ends all connections and recovers by itself."""
    with suppress(psycopg.Error), connect(office.settings.dsn()) as connection:
        found = connection.execute(
            "select pid from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
            " order by backend_start desc limit 1"
        ).fetchone()
        if found is not None:
            with suppress(ProcessLookupError):
                os.kill(found[0], signal.SIGKILL)


STEPS = [(reading, "stage"), (staging, "load"), (splitting, "split"), (apply, "apply_versions"), (receipts, "write")]


@pytest.mark.parametrize("kill", [kill_server, kill_backend])
@pytest.mark.parametrize("delay", [0.0, 0.05, 0.3])
@pytest.mark.parametrize(("module", "step"), STEPS, ids=[step for _, step in STEPS])
def test_the_outcome_is_the_same_when_the_database_is_killed(
    own_server: Office, calm: Any, monkeypatch: pytest.MonkeyPatch, module: Any, step: str, delay: float, kill: Any
) -> None:
    office = own_server
    deliver(office)
    real = getattr(module, step)
    timers: list[threading.Timer] = []

    def disturbed(*args: Any, **facts: Any) -> Any:
        if not timers:
            timers.append(threading.Timer(delay, kill, (office,)))
            timers[0].start()
            if delay == 0:
                timers[0].join()
        return real(*args, **facts)

    with monkeypatch.context() as patch, suppress(Exception):
        patch.setattr(module, step, disturbed)
        office.run()
    timers[0].join()
    recover(office)
    finish(office, calm)


def recover(office: Office) -> None:
    """Start the server where it is down, and wait until it serves."""
    for _ in range(300):
        if postgres.running(office.settings.postgres / "data") is None:
            try:
                postgres.start(office.settings)
            except postgres.PostgresError as error:
                error.add_note((office.settings.logs / "postgres.log").read_text(encoding="utf-8")[-2000:])
                raise
        with suppress(psycopg.OperationalError), connect(office.settings.dsn()):
            return
        time.sleep(0.1)
    raise AssertionError("the server does not come back")


@pytest.mark.parametrize("leave", [0, 256 * 1024, 2 * MIB, 6 * MIB, 12 * MIB])
def test_the_outcome_is_the_same_when_the_database_runs_out_of_disk(
    open_folder: Path, clock: datetime, calm: Any, leave: int
) -> None:
    with (
        small_disk(Path(tempfile.mkdtemp(dir=open_folder)), 300 * MIB) as disk,
        serving(Settings(home=disk), clock) as office,
    ):
        deliver(office)
        ballast = fill(disk, leave=leave)
        with suppress(Exception):
            office.run()
        ballast.unlink()
        recover(office)
        finish(office, calm)


@pytest.mark.parametrize("leave", [0, 64 * 1024, 192 * 1024, 400 * 1024])
def test_the_outcome_is_the_same_when_the_home_runs_out_of_disk(
    settings: Settings, tmp_path: Path, clock: datetime, calm: Any, leave: int
) -> None:
    with small_disk(tmp_path / "disk", 16 * MIB) as disk:
        home = Settings(disk, settings.dsn())
        extended, contracts = with_test_contracts(home, tmp_path / "contracts")
        office = Office(extended, contracts, clock)
        deliver(office)
        ballast = fill(disk, leave=leave)
        with suppress(OSError):
            office.run()
        ballast.unlink()
        finish(office, calm)


@pytest.mark.parametrize("size", [1024, 50_000, 120_000])
def test_the_outcome_is_the_same_when_no_file_may_grow(office: Office, calm: Any, size: int) -> None:
    deliver(office)
    arguments = [office.settings.home, office.settings.dsn(), *office.settings.contract_folders]
    limited = (
        f"import resource, runpy; resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, {size}));"
        " runpy.run_module('tests.soak.office_worker', run_name='__main__')"
    )
    ended = subprocess.run(
        [sys.executable, "-c", limited, *map(str, arguments)], cwd=CHECKOUT, capture_output=True, text=True, check=False
    )
    assert "done" not in ended.stdout
    finish(office, calm)
