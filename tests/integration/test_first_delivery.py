"""A first large delivery becomes the raw table: the same table as if its rows had been inserted."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from connectors import apply, first_delivery, intake, reading, receipts, splitting, staging
from connectors.database import connect
from connectors.normalise.identifiers import ID_CHECKS, ID_WEIGHTS
from connectors.raw_tables import ensure_raw_tables
from connectors.settings import Settings
from tests.integration.office import Office, with_test_contracts

RAW = 'raw."test_office__list"'
AUGUST, SEPTEMBER = date(2021, 8, 31), date(2021, 9, 30)
READERS = f"""
create view quality.test_names as select v.code, v.name from {RAW} as v where v._closed_batch_id is null;
create view quality.test_count with (security_barrier = true) as
select (select count(*) from {RAW}) as versions, (select count(*) from quality.test_names) as names;
comment on view quality.test_count is '多少';
grant select on quality.test_count, {RAW} to pg_monitor with grant option;
grant select on {RAW} to public;
alter table {RAW} enable row level security;
create policy readers on {RAW} for select using ((select 1) = 1);
create policy writers on {RAW} as restrictive for all to pg_monitor using (name <> 'x') with check (false);
"""
"""What reads the table, and who may."""


def person(number: int, **more: Any) -> dict[str, Any]:
    born = date(1980, 1, number % 28 + 1)
    digits = f"371002{born:%Y%m%d}{number + 1:03d}"
    check = ID_CHECKS[sum(int(d) * int(w) for d, w in zip(digits, ID_WEIGHTS, strict=True)) % 11]
    facts = {"code": digits + check, "name": f"人{number}", "born_on": born, "phone": f"0631{number:07d}"}
    return facts | more


PEOPLE = [
    *map(person, range(90)),
    person(3),
    person(4, phone="06319999999"),
    person(90, born_on="1980-13-01"),
    person(91, name=None),
]
"""Two rows that are equal, two that share a key, one with a finding, one that is rejected."""
NOBODY_TWICE = [*PEOPLE[:90], *PEOPLE[92:]]
NEXT = [person(0, phone="06310001111"), *map(person, range(1, 86)), person(99)]


@pytest.fixture
def office(settings: Settings, tmp_path: Path, clock: datetime) -> Office:
    extended, contracts = with_test_contracts(settings, tmp_path / "contracts")
    return Office(extended, contracts, clock)


def begin(office: Office) -> None:
    """Empty the warehouse and the home, and put readers on the empty table."""
    office.execute("drop view if exists quality.test_count, quality.test_names")
    office.execute(f"drop table if exists {RAW}")
    office.execute("truncate quality.batch restart identity cascade; delete from quality.closing_total")
    office.execute("delete from quality.event; truncate quality.version_closing, quality.silent_key")
    for folder in (office.settings.landing, office.settings.archive, office.settings.known):
        shutil.rmtree(folder, ignore_errors=True)
    with connect(office.settings.dsn()) as connection:
        contract = office.contracts["test_office__list"]
        ensure_raw_tables(connection, {contract.id: contract})
    office.execute(READERS)


def outcome(office: Office) -> dict[str, list[tuple[Any, ...]]]:
    """Return everything about the table but the time at which its rows came."""
    table = f"'{RAW}'::regclass"
    return {
        "columns": office.rows(
            "select attname, format_type(atttypid, atttypmod), attnotnull, pg_get_expr(adbin, adrelid),"
            f" col_description(attrelid, attnum) from pg_attribute left join pg_attrdef on adrelid = attrelid"
            f" and adnum = attnum where attrelid = {table} and attnum > 0 order by attnum"
        ),
        "table": office.rows(
            "select obj_description(oid), relpersistence, relrowsecurity, relforcerowsecurity, relowner,"
            f" (select array_agg(a::text order by a::text) from unnest(relacl) as a) from pg_class where oid = {table}"
        ),
        "indexes": office.rows(f"select pg_get_indexdef(indexrelid) from pg_index where indrelid = {table} order by 1"),
        "policies": office.rows("select * from pg_policies where schemaname = 'raw' order by policyname"),
        "views": office.rows(
            "select relname, reloptions, relacl::text, obj_description(oid), pg_get_viewdef(oid) from pg_class"
            " where relnamespace = 'quality'::regnamespace and relname like 'test_%%' order by 1"
        ),
        "read": office.rows("select * from quality.test_count"),
        "rows": office.rows(
            f"select (to_jsonb(v) - '_loaded_at' - '_closed_at')::text from {RAW} v order by _row_no, _batch_id"
        ),
        "batches": office.rows(
            "select status, summary, rows_loaded, rows_unchanged, rows_duplicate, rows_rejected, rows_withdrawn"
            " from quality.batch order by batch_id"
        ),
        "closings": office.rows("select record_key, kind from quality.version_closing order by 1, 2"),
        "staging": office.rows("select relname from pg_class where relnamespace = 'staging'::regnamespace"),
    }


def whole_life(office: Office) -> list[dict[str, list[tuple[Any, ...]]]]:
    begin(office)
    return [outcome(office) for rows, day in ((PEOPLE, AUGUST), (NEXT, SEPTEMBER)) if office.deliver("list", rows, day)]


def oid(office: Office) -> int:
    return int(office.rows(f"select '{RAW}'::regclass::oid::int8")[0][0])


def test_the_table_is_the_same_when_a_staged_table_becomes_it(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    inserted = whole_life(office)
    assert inserted[0]["batches"][0][2:5] == (92, 0, 1)
    monkeypatch.setattr(reading, "_LARGE_BYTES", 0)
    begin(office)
    before = oid(office)

    became = [outcome(office) for _ in [office.deliver("list", PEOPLE, AUGUST)]]

    assert oid(office) != before
    office.deliver("list", NEXT, SEPTEMBER)
    for what, found in outcome(office).items():
        assert found == inserted[1][what], what
    assert became[0] == inserted[0]


def test_the_table_is_the_same_when_its_indexes_are_made_while_it_is_judged(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(office)
    office.deliver("list", NOBODY_TWICE, AUGUST)
    inserted = outcome(office)
    monkeypatch.setattr(reading, "_LARGE_BYTES", 0)
    begin(office)

    batch_id = office.deliver("list", NOBODY_TWICE, AUGUST, passes=False)

    made = "select count(*) from pg_index where indrelid = %s::regclass"
    assert office.rows(made, staging.table(batch_id, "_whole")) == [(len(inserted["indexes"]),)]
    begin(office)
    office.deliver("list", NOBODY_TWICE, AUGUST)
    assert outcome(office) == inserted


def test_rows_are_inserted_when_the_staged_table_does_not_fit(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_LARGE_BYTES", 0)
    for obstacle in (
        f"create materialized view quality.test_stored as select code from {RAW}",
        f"drop materialized view quality.test_stored; alter table {RAW} add column left_behind text",
    ):
        begin_with(office, obstacle)
        before = oid(office)

        batch_id = office.deliver("list", PEOPLE, AUGUST)

        assert oid(office) == before
        assert office.batch(batch_id, "status, rows_loaded") == ("accepted_with_issues", 92)
        assert office.rows("select versions, names from quality.test_count") == [(92, 92)]
        assert office.rows("select count(*) from pg_class where relnamespace = 'staging'::regnamespace") == [(0,)]
        office.execute("drop view quality.test_count, quality.test_names")


def begin_with(office: Office, obstacle: str) -> None:
    if office.rows("select 1 from pg_class where relname = 'test_stored'"):
        drop, _, obstacle = obstacle.partition(";")
        office.execute(drop)
    begin(office)
    office.execute(obstacle)


@pytest.mark.parametrize("large_bytes", [0, 16 * 1024**2])
def test_the_gate_sees_the_same_columns_when_rows_may_become_the_table(
    office: Office, monkeypatch: pytest.MonkeyPatch, large_bytes: int
) -> None:
    monkeypatch.setattr(reading, "_LARGE_BYTES", large_bytes)
    begin(office)

    batch_id = office.deliver("list", PEOPLE, AUGUST, passes=False)

    contract = office.contracts["test_office__list"]
    seen = "select attname from pg_attribute where attrelid = %s::regclass and attnum > 0 order by attnum"
    found = [name for (name,) in office.rows(seen, staging.table(batch_id))]
    assert found == [*staging.row_columns(contract), *(field.name for field in contract.fields)]
    with connect(office.settings.dsn()) as connection:
        assert staging.exists(connection, batch_id, "_whole") == (large_bytes == 0)


# the first two only where nobody is there twice
STEPS: list[tuple[Any, str, str]] = [
    (first_delivery, "index", "before"),
    (first_delivery, "index", "after"),
    (staging, "load", "after"),
    (splitting, "judge_keys", "after"),
    (first_delivery, "become_raw", "before"),
    (first_delivery, "become_raw", "after"),
    (apply, "apply_versions", "after"),
    (receipts, "write", "before"),
    (staging, "drop", "before"),
]


class Killed(BaseException):
    """Stands for SIGKILL: nothing catches it."""


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    monkeypatch.setattr(reading, "_LARGE_BYTES", 0)
    with monkeypatch.context() as patch:
        yield patch


@pytest.mark.parametrize("people", [PEOPLE, NOBODY_TWICE], ids=["some twice", "nobody twice"])
def test_the_table_is_the_same_when_killed_on_the_way(
    office: Office, large: pytest.MonkeyPatch, people: list[dict[str, Any]]
) -> None:
    begin(office)
    office.deliver("list", people, AUGUST)
    undisturbed = outcome(office)
    for module, step, when in STEPS[2 * (people is PEOPLE) :]:
        begin(office)
        real = getattr(module, step)

        def die(*args: Any, **facts: Any) -> Any:
            if when == "after":  # noqa: B023
                real(*args, **facts)  # noqa: B023
            raise Killed

        large.setattr(module, step, die)
        with pytest.raises(Killed):
            office.deliver("list", people, AUGUST)
        large.setattr(module, step, real)
        office.run()

        assert outcome(office) == undisturbed, f"{when} {step}"
        assert intake.unfinished(office.settings) == []
