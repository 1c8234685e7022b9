"""A run is opened only for news, is visible whole, and a killed one never blocks the next."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest

from connectors.contract import Contracts
from connectors.database import connect
from connectors.settings import Settings
from dags.support import runs
from dags.support.assessing.rules import rule_version


def accept_batch(settings: Settings, *, as_of: date, seq: int, now: datetime) -> None:
    with connect(settings.dsn()) as connection:
        row = connection.execute(
            "insert into quality.batch (department, extract, file_name, sha256, as_of, received_at, status)"
            " values ('commerce', 'ecommerce', 'a.csv', 'aa', %s, %s, 'accepted') returning batch_id",
            (as_of, now),
        ).fetchone()
        assert row is not None
        connection.execute("insert into quality.event values (%s, 'apply', %s, 'system', '', %s)", (seq, row[0], now))
        connection.execute("update quality.batch set applied_seq = %s where batch_id = %s", (seq, row[0]))


def state_of(settings: Settings, run_id: str) -> tuple[str, date, int] | None:
    with connect(settings.dsn()) as connection:
        return connection.execute("select state, as_of, known_at from mart.run where run_id = %s", (run_id,)).fetchone()


def open_run(settings: Settings, contracts: Contracts, run_id: str, now: datetime, **changes: object) -> runs.Opening:
    arguments: dict[str, object] = {"as_of": None, "parameters": {}, "full_refresh": False, "now": now} | changes
    return runs.open_run(settings, contracts, run_id, **arguments)  # type: ignore[arg-type]


def finish(settings: Settings, run_id: str, now: datetime) -> None:
    runs.finish_building(settings, run_id)
    runs.publish_run(settings, run_id, "passed", now=now)


def test_no_run_is_opened_when_nothing_was_ever_accepted(
    settings: Settings, contracts: Contracts, clock: datetime
) -> None:
    opening = open_run(settings, contracts, "run-1", clock)
    assert not opening.opened
    assert state_of(settings, "run-1") is None


def test_first_run_takes_the_latest_accepted_as_of(settings: Settings, contracts: Contracts, clock: datetime) -> None:
    accept_batch(settings, as_of=date(2021, 8, 31), seq=1, now=clock)
    accept_batch(settings, as_of=date(2021, 9, 30), seq=2, now=clock)
    assert open_run(settings, contracts, "run-1", clock).opened
    assert state_of(settings, "run-1") == ("running", date(2021, 9, 30), 2)


def test_later_run_keeps_the_as_of_of_the_latest_run(settings: Settings, contracts: Contracts, clock: datetime) -> None:
    accept_batch(settings, as_of=date(2021, 9, 30), seq=1, now=clock)
    open_run(settings, contracts, "run-1", clock)
    finish(settings, "run-1", clock)
    accept_batch(settings, as_of=date(2021, 10, 31), seq=2, now=clock)
    open_run(settings, contracts, "run-2", clock)
    assert state_of(settings, "run-2") == ("running", date(2021, 9, 30), 2)


@pytest.mark.parametrize(
    ("change", "opens"),
    [
        ({}, False),
        ({"full_refresh": True}, True),
        ({"parameters": {"annual_period": "as_of_year"}}, True),
        ({"as_of": date(2021, 8, 31)}, True),
    ],
)
def test_run_is_opened_again_only_when_something_differs(
    settings: Settings, contracts: Contracts, clock: datetime, change: dict[str, object], opens: bool
) -> None:
    accept_batch(settings, as_of=date(2021, 9, 30), seq=1, now=clock)
    open_run(settings, contracts, "run-1", clock)
    finish(settings, "run-1", clock)
    assert open_run(settings, contracts, "run-2", clock + timedelta(hours=1), **change).opened is opens


def test_killed_run_is_broken_when_the_next_opens(settings: Settings, contracts: Contracts, clock: datetime) -> None:
    accept_batch(settings, as_of=date(2021, 9, 30), seq=1, now=clock)
    open_run(settings, contracts, "run-1", clock)
    assert open_run(settings, contracts, "run-2", clock + timedelta(hours=1)).opened
    assert state_of(settings, "run-1") == ("broken", date(2021, 9, 30), 1)


def test_broken_run_is_never_published_over_the_last_good_one(
    settings: Settings, contracts: Contracts, clock: datetime
) -> None:
    accept_batch(settings, as_of=date(2021, 9, 30), seq=1, now=clock)
    open_run(settings, contracts, "run-1", clock)
    finish(settings, "run-1", clock)
    open_run(settings, contracts, "run-2", clock + timedelta(hours=1), full_refresh=True)
    runs.break_run(settings, "run-2", now=clock + timedelta(hours=2))
    with connect(settings.dsn()) as connection:
        assert connection.execute("select run_id from mart.latest_run").fetchall() == [("run-1",)]


def test_run_name_is_safe_in_paths_when_airflow_named_the_run() -> None:
    name = runs.run_name("asset_triggered__2021-10-08T01:00:00.123456+00:00_AbCd")
    assert name == "asset_triggered__2021-10-08T01-00-00-123456-00-00_AbCd"
    assert runs.run_name("run-20211008T090000") == "run-20211008T090000"


def test_rule_version_changes_when_a_seed_changes(contracts: Contracts, tmp_path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "seeds").mkdir()
    seed = tmp_path / "seeds" / "indicators.csv"
    seed.write_text("a", encoding="utf-8")
    before = rule_version(contracts, tmp_path)
    seed.write_text("b", encoding="utf-8")
    assert rule_version(contracts, tmp_path) != before
