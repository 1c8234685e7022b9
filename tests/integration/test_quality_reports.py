"""What the quality database says of deliveries: scores by month, collection, work orders, state of the libraries."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal

import pytest

from connectors import catalogue
from connectors.contract import Contracts
from connectors.database import Connection, connect
from tests.conftest import create_database, drop_database, dsn_of

REGISTER = "market_regulation__enterprise"
CLOUD = "industry_it__cloud_enterprise"
CYCLES = {REGISTER: "daily", CLOUD: "monthly"}
Rule = tuple[str, str, int, int]


@pytest.fixture(scope="module")
def connection(server: str, built: str, contracts: Contracts) -> Iterator[Connection]:
    """A warehouse with two contracts; every test takes back what it adds."""
    name = f"{built}_quality"
    create_database(server, name, template=built)
    with connect(dsn_of(server, name)) as opened:
        catalogue.publish_contracts(opened, contracts, contracts.codes, waiting={})
        opened.execute("delete from catalogue.contract where contract_id <> all(%s)", (list(CYCLES),))
        opened.commit()
        yield opened
    drop_database(server, name)


@pytest.fixture(autouse=True)
def undone(connection: Connection) -> Iterator[None]:
    yield
    connection.rollback()


def arrive(
    connection: Connection,
    contract_id: str,
    as_of: str,
    received_at: str,
    rules: Sequence[Rule] = (),
    *,
    status: str = "accepted",
) -> int:
    """Record a judged delivery and what its rules found: (rule, sub-indicator, passed, checked)."""
    department, extract = contract_id.split("__")
    batch_id: int = connection.execute(
        "insert into quality.batch (department, extract, file_name, sha256, as_of, received_at, status, summary)"
        " values (%s, %s, 'a.csv', '00', %s, %s, %s, '第 3 行起各列错位') returning batch_id",
        (department, extract, as_of, received_at, status),
    ).fetchone()[0]  # type: ignore[index]
    for rule, dimension, passed, checked in rules:
        connection.execute(
            "insert into quality.check_result (batch_id, rule, dimension, severity, checked, passed, threshold,"
            " message) values (%s, %s, %s, 'warning', %s, %s, 0.9, '应当合格。')",
            (batch_id, rule, dimension, checked, passed),
        )
    return batch_id


def scores(connection: Connection, subject: str, month: str = "2021-09-01") -> dict[str, tuple[Decimal, bool]]:
    rows = connection.execute(
        "select indicator, score, is_passed from quality.month_score where subject = %s and month = %s",
        (subject, month),
    )
    return {indicator: (score, is_passed) for indicator, score, is_passed in rows}


def orders(connection: Connection) -> list[tuple[str, int, int | None, str, int]]:
    return connection.execute(
        "select rule, opened_batch_id, closed_batch_id, state, occurrence_no from quality.work_order"
        " order by rule, opened_batch_id"
    ).fetchall()


def test_score_is_the_mean_of_checked_dimensions_when_some_were_not(connection: Connection) -> None:
    rules = [("a", "0301", 90, 100), ("b", "0302", 0, 100), ("c", "0201", 9, 9), ("d", "0402", 0, 0)]
    arrive(connection, CLOUD, "2021-09-30", "2021-10-08 09:00+08", rules)
    found = scores(connection, CLOUD)
    assert found["0301"] == (Decimal("0.9"), True)
    assert found["03"] == (Decimal("0.45"), False)
    assert found["02"] == (Decimal(1), True)
    assert found["0502"] == found["05"] == (Decimal(1), True)
    assert found["total"] == (Decimal("0.816666"), False)
    assert not {"04", "0402", "01", "06"} & set(found)


def test_correction_replaces_what_it_mends_in_the_score(connection: Connection) -> None:
    arrive(connection, CLOUD, "2021-09-30", "2021-10-08 09:00+08", [("a", "0301", 1, 100)], status="held")
    arrive(connection, CLOUD, "2021-09-30", "2021-10-09 09:00+08", [("a", "0301", 99, 100)])
    assert scores(connection, CLOUD)["03"] == (Decimal("0.99"), True)


def test_departments_are_ranked_and_compared_with_the_month_before(connection: Connection) -> None:
    for as_of, cloud, register in (("2021-08-31", 50, 80), ("2021-09-30", 90, 70)):
        arrive(connection, CLOUD, as_of, f"{as_of} 09:00+08", [("a", "0301", cloud, 100)])
        arrive(connection, REGISTER, as_of, f"{as_of} 09:00+08", [("a", "0301", register, 100)])
    rows = connection.execute(
        "select month, department, place, gained from quality.department_rank order by month, place"
    ).fetchall()
    assert [(m.month, d, p) for m, d, p, _ in rows] == [
        (8, "market_regulation", 1),
        (8, "industry_it", 2),
        (9, "industry_it", 1),
        (9, "market_regulation", 2),
    ]
    assert rows[2][3] == Decimal("0.2")
    city = scores(connection, "city")
    assert city["03"] == (Decimal("0.8"), False)


def test_delivery_is_late_by_the_working_day_calendar(connection: Connection) -> None:
    """September's tenth working day lies behind the National Day holiday: 2021-10-20 (make-up work on the 9th)."""
    arrive(connection, CLOUD, "2021-08-31", "2021-09-01 09:00+08")
    arrive(connection, CLOUD, "2021-09-30", "2021-10-20 23:59+08")
    arrive(connection, CLOUD, "2021-10-31", "2021-11-15 00:00+08")
    arrive(connection, CLOUD, "2021-12-31", "2022-01-04 09:00+08")
    found = connection.execute(
        "select starts_on, due_on, state from quality.collection where contract_id = %s order by starts_on", (CLOUD,)
    ).fetchall()
    assert found == [
        (date(2021, 8, 1), date(2021, 9, 14), "按时"),
        (date(2021, 9, 1), date(2021, 10, 20), "按时"),
        (date(2021, 10, 1), date(2021, 11, 12), "迟报"),
        (date(2021, 11, 1), date(2021, 12, 14), "未报"),
        (date(2021, 12, 1), date(2022, 1, 17), "按时"),
    ]
    rate = connection.execute(
        "select month, promised, arrived, on_time from quality.collection_rate where department = 'industry_it'"
        " order by month"
    ).fetchall()
    assert [row[1:] for row in rate] == [(1, 1, 1), (1, 1, 1), (1, 1, 0), (1, 0, 0), (1, 1, 1)]


def test_backlog_is_not_late_when_the_city_begins(connection: Connection) -> None:
    arrive(connection, CLOUD, "2021-09-30", "2026-03-02 09:00+08")
    states = connection.execute("select state from quality.collection where contract_id = %s", (CLOUD,)).fetchall()
    assert states == [("补报",)]
    assert connection.execute("select count(*) from quality.collection_rate").fetchone() == (0,)
    assert "05" not in scores(connection, CLOUD)


def test_daily_extract_is_missed_day_by_day(connection: Connection) -> None:
    arrive(connection, REGISTER, "2021-09-13", "2021-09-13 20:00+08")
    arrive(connection, REGISTER, "2021-09-15", "2021-09-16 20:00+08")
    arrive(connection, REGISTER, "2021-09-15", "2021-09-16 21:00+08")
    found = connection.execute(
        "select starts_on, due_on, delivery_count, state from quality.collection where contract_id = %s"
        " order by starts_on",
        (REGISTER,),
    ).fetchall()
    assert [(d.day, due.day, n, state) for d, due, n, state in found] == [
        (13, 14, 1, "按时"),
        (14, 15, 0, "未报"),
        (15, 16, 2, "按时"),
    ]


def test_work_order_lives_from_the_bad_delivery_to_the_one_that_mends_it(connection: Connection) -> None:
    good, bad, silent = ("a", "0301", 90, 100), ("a", "0301", 89, 100), ("a", "0301", 0, 0)
    first = arrive(connection, CLOUD, "2021-08-31", "2021-09-01 09:00+08", [bad])
    assert orders(connection) == [("a", first, None, "已逾期", 1)]
    due = connection.execute("select due_on, failed_deliveries from quality.work_order").fetchone()
    assert due == (date(2021, 9, 15), 1)
    arrive(connection, CLOUD, "2021-09-15", "2021-09-15 09:00+08", [bad])
    arrive(connection, CLOUD, "2021-09-20", "2021-09-20 09:00+08", [silent])
    assert orders(connection) == [("a", first, None, "已逾期", 1)]
    mended = arrive(connection, CLOUD, "2021-09-30", "2021-09-30 09:00+08", [good])
    assert orders(connection) == [("a", first, mended, "已办结", 1)]
    arrive(connection, CLOUD, "2021-10-31", "2021-10-31 09:00+08", [good])
    again = arrive(connection, CLOUD, "2021-11-30", "2021-11-30 09:00+08", [bad])
    assert orders(connection) == [("a", first, mended, "已办结", 1), ("a", again, None, "已逾期", 2)]


def test_work_order_waits_for_its_due_day_and_says_when_the_fault_is_back(connection: Connection) -> None:
    for status in ("held", "accepted", "rejected"):
        arrive(connection, CLOUD, "2021-09-30", "2026-11-27 09:00+08", status=status)
    found = connection.execute(
        "select rule, state, message, severity, due_on from quality.work_order order by opened_batch_id"
    ).fetchall()
    assert found[0][:2] == ("delivery", "已办结")
    assert found[1][0] == "delivery"
    assert "第 3 行起各列错位" in found[1][2]
    assert found[1][3:] == ("critical", date(2026, 12, 4))


def test_department_sees_its_own_orders_and_scores_only(connection: Connection) -> None:
    bad = [("a", "0301", 1, 100)]
    arrive(connection, CLOUD, "2021-09-30", "2021-10-08 09:00+08", bad)
    arrive(connection, REGISTER, "2021-09-30", "2021-10-08 09:00+08", bad)
    # roles belong to the server: another test may have made it
    if connection.execute("select from pg_roles where rolname = 'department_industry_it'").fetchone() is None:
        connection.execute("create role department_industry_it")
    views = ("work_order", "collection", "month_score")
    connection.execute("grant usage on schema quality to department_industry_it")
    for view in views:
        connection.execute(f"grant select on quality.{view} to department_industry_it".encode())
    connection.execute("set local role department_industry_it")
    for view in views:
        seen = connection.execute(f"select distinct department from quality.{view} order by 1".encode()).fetchall()
        assert {name for (name,) in seen} <= {"industry_it", None}, view
        assert ("industry_it",) in seen


def test_library_status_counts_each_base_library(connection: Connection) -> None:
    rows = connection.execute(
        "select library, records, resolved_share from quality.library_status order by seq"
    ).fetchall()
    assert rows == [("population", 0, None), ("legal_entity", 0, None), ("credit", 0, None), ("licence", 0, None)]
