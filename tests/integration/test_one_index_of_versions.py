"""Of a record one version is open, and of one delivery one is closed: an index says so, in old homes too."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from connectors.database import migrate
from connectors.settings import Settings
from tests.integration.office import Office, with_test_contracts

RAW = 'raw."test_office__change"'
INDEXES = f"select pg_get_indexdef(indexrelid) from pg_index where indrelid = '{RAW}'::regclass order by 1"
ONCE = f"select indexrelid::regclass::text from pg_index where indrelid = '{RAW}'::regclass and indisunique"
AUGUST, SEPTEMBER = date(2021, 8, 31), date(2021, 9, 30)


@pytest.fixture
def office(settings: Settings, tmp_path: Path, clock: datetime) -> Office:
    extended, contracts = with_test_contracts(settings, tmp_path / "contracts")
    return Office(extended, contracts, clock)


def deliver(office: Office, value: int, as_of: date) -> None:
    office.deliver("change", [{"code": "a", "value": value}], as_of)


def versions(office: Office) -> list[tuple[Any, ...]]:
    return office.rows(f"select value::int, _batch_id, _closed_batch_id from {RAW} order by _batch_id")


def test_the_indexes_are_those_of_a_new_home_when_an_old_one_is_migrated(office: Office) -> None:
    deliver(office, 1, AUGUST)
    deliver(office, 2, SEPTEMBER)
    new = office.rows(INDEXES)
    [(once,)] = office.rows(ONCE)
    begin = once.removeprefix("raw.").removesuffix("version_once")
    office.execute(f"drop index {once}")
    office.execute(f'create unique index "{begin}open" on {RAW} (_record_key) where _closed_batch_id is null')
    office.execute(f'create unique index "{begin}version" on {RAW} (_record_key, _batch_id)')
    office.execute("delete from quality.schema_version where file_name like '034%%'")

    assert migrate(office.settings.dsn()) == ["034_one_index_of_versions.sql"]

    assert office.rows(INDEXES) == new


@pytest.mark.parametrize("batch", ["_batch_id", "_batch_id + 1"], ids=["same delivery", "another delivery"])
def test_a_record_has_no_second_open_version(office: Office, batch: str) -> None:
    deliver(office, 1, AUGUST)
    columns = "_record_key, _row_hash, _row_no, _as_of, _applied_seq, code, value"
    with pytest.raises(psycopg.errors.UniqueViolation):
        office.execute(f"insert into {RAW} (_batch_id, {columns}) select {batch}, {columns} from {RAW}")


def test_a_late_version_ends_where_two_of_one_day_follow(office: Office) -> None:
    """The first of the day is replaced on it, so that its delivery's closing and the late version's are the same."""
    for value, as_of in ((1, AUGUST), (2, SEPTEMBER), (3, SEPTEMBER), (4, date(2021, 9, 15))):
        deliver(office, value, as_of)
    assert versions(office) == [(1, 1, 4), (2, 2, 3), (3, 3, None), (4, 4, 3)]
