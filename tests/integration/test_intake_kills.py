"""Every step of a delivery may be killed and run again: the outcome is that of a run nobody disturbed."""

from __future__ import annotations

import errno
from datetime import date, datetime
from pathlib import Path
from typing import Any

import adbc_driver_manager
import psycopg
import pytest

from connectors import apply, archive, batches, intake, reading, receipts, splitting, staging
from connectors.receipts import place
from connectors.settings import Settings
from tests.integration.office import Office, csv_bytes, with_test_contracts

STEPS: list[tuple[Any, str, str]] = [
    (archive, "copy", "before"),
    (archive, "copy", "after"),
    (place, "remember", "after"),
    (batches, "register", "after"),
    (archive, "keep", "before"),
    (archive, "keep", "after"),
    (place, "take", "before"),
    (place, "take", "after"),
    (reading, "stage", "before"),
    (staging, "create", "after"),
    (staging, "load", "after"),
    (splitting, "split", "after"),
    (reading, "store_results", "after"),
    (reading, "stage", "after"),
    (apply, "apply_versions", "before"),
    (apply, "apply_versions", "after"),
    (receipts, "write", "before"),
    (receipts, "write", "after"),
    (staging, "drop", "before"),
    (place, "forget", "before"),
]


class Killed(BaseException):
    """Stands for SIGKILL: nothing catches it."""


@pytest.fixture
def office(settings: Settings, tmp_path: Path, clock: datetime) -> Office:
    extended, contracts = with_test_contracts(settings, tmp_path / "contracts")
    return Office(extended, contracts, clock)


def outcome(office: Office) -> Any:
    return (
        office.rows(
            "select code, value, _key_no, _row_no, _as_of, _applied_seq, _batch_id, _closed_batch_id, _issues"
            ' from raw."test_office__change" order by code, _batch_id'
        ),
        office.rows(
            "select version_batch_id, closing_batch_id, kind, as_of, applied_seq from quality.version_closing"
            " order by 1, 2, 3"
        ),
        office.rows(
            "select batch_id, status, rows_physical, rows_loaded, rows_unchanged, rows_rejected, applied_seq, summary,"
            " is_taken, answered_at is not null from quality.batch order by 1"
        ),
        office.rows("select batch_id, row_no, rule from quality.issue order by 1, 2, 3"),
        office.rows("select batch_id, rule, checked, passed from quality.check_result order by 1, 2"),
        office.rows("select seq, kind, batch_id from quality.event order by 1"),
        office.rows("select relname from pg_class where relnamespace = 'staging'::regnamespace and relkind = 'r'"),
        sorted(p.name for p in office.settings.landing.rglob("*") if p.is_file()),
        sorted(p.name for p in office.settings.archive.rglob("*") if p.is_file()),
    )


def deliver(office: Office) -> None:
    rows = [{"code": "a", "value": 2}, {"code": "c", "value": "x"}, {"code": ""}, {"code": "b", "operation": "撤销"}]
    office.put("二.csv", csv_bytes(office.contracts["test_office__change"], rows), "change", as_of=date(2021, 9, 30))


def first_delivery(office: Office) -> None:
    office.deliver("change", [{"code": "a", "value": 1}, {"code": "b", "value": 1}], date(2021, 8, 31))


CALM: list[Any] = []
"""The outcome of the undisturbed run: the same in every fresh warehouse."""


@pytest.fixture
def undisturbed(office: Office) -> Any:
    if CALM:
        return CALM[0]
    first_delivery(office)
    deliver(office)
    office.run()
    found = outcome(office)
    for statement in ("truncate quality.batch restart identity cascade", "delete from quality.closing_total"):
        office.execute(statement)
    office.execute("delete from quality.event")
    office.execute('truncate quality.version_closing; drop table raw."test_office__change"')
    for path in sorted(office.settings.landing.rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    for path in office.settings.archive.rglob("*"):
        if path.is_file():
            path.unlink()
    CALM.append(found)
    return found


@pytest.mark.parametrize(("module", "step", "when"), STEPS, ids=[f"{when}_{step}" for _, step, when in STEPS])
def test_outcome_is_the_same_when_killed(
    office: Office, undisturbed: Any, monkeypatch: pytest.MonkeyPatch, module: Any, step: str, when: str
) -> None:
    first_delivery(office)
    deliver(office)
    real = getattr(module, step)

    def die(*args: Any, **facts: Any) -> Any:
        if when == "after":
            real(*args, **facts)
        raise Killed

    monkeypatch.setattr(module, step, die)
    with pytest.raises(Killed):
        office.run()
    monkeypatch.setattr(module, step, real)
    office.run()
    assert outcome(office) == undisturbed
    assert intake.unfinished(office.settings) == []


def cut_off_before_durable(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Deliver; before the archive's copy is durable the machine loses its power, and the end of the copy."""

    def die(*args: Any) -> None:
        raise Killed

    deliver(office)
    with monkeypatch.context() as patch:
        patch.setattr(archive, "keep", die)
        with pytest.raises(Killed):
            office.run()
    [(sha256,)] = office.rows("select sha256 from quality.batch where not is_taken")
    copy = archive.path_of(office.settings.archive, sha256)
    copy.chmod(0o600)
    copy.write_bytes(copy.read_bytes()[:5])


def test_delivery_is_archived_once_more_when_the_power_failed_before_its_copy_was_durable(
    office: Office, undisturbed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    first_delivery(office)
    cut_off_before_durable(office, monkeypatch)
    office.run()
    assert outcome(office) == undisturbed
    assert intake.unfinished(office.settings) == []


def test_department_is_asked_again_when_nobody_has_the_whole_file_any_more(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut_off_before_durable(office, monkeypatch)
    for path in office.settings.landing.rglob("*.csv"):
        path.unlink()
    office.run()
    [(status, is_taken, summary)] = office.rows("select status, is_taken, summary from quality.batch")
    assert (status, is_taken) == ("rejected", True)
    assert "请重新报送" in summary
    assert intake.unfinished(office.settings) == []


TROUBLES = [
    psycopg.errors.DiskFull("could not extend file"),
    psycopg.OperationalError("server closed the connection unexpectedly"),
    adbc_driver_manager.OperationalError("[libpq] could not extend file", status_code=10, sqlstate="53100"),
    adbc_driver_manager.OperationalError("server closed the connection unexpectedly", status_code=10),
    OSError(errno.ENOSPC, "No space left on device"),
]


@pytest.mark.parametrize("trouble", TROUBLES, ids=["full", "gone", "full for Arrow", "gone for Arrow", "full for us"])
def test_the_delivery_waits_when_the_machine_fails_it(
    office: Office, undisturbed: Any, monkeypatch: pytest.MonkeyPatch, trouble: Exception
) -> None:
    first_delivery(office)
    deliver(office)

    def fail(*args: Any, **facts: Any) -> Any:
        raise trouble

    with monkeypatch.context() as patch:
        patch.setattr(staging, "load", fail)
        with pytest.raises(type(trouble)):
            office.run()
    assert office.batch(2) == "received"
    office.run()
    assert outcome(office) == undisturbed


def test_redropped_file_is_a_new_delivery_when_the_first_was_taken(office: Office) -> None:
    deliver(office)
    office.run(passes=False)
    deliver(office)
    office.run()
    assert office.rows("select batch_id, status from quality.batch order by 1") == [
        (1, "held"),
        (2, "accepted_with_issues"),
    ]
