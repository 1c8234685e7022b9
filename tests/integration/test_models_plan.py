"""The plan's targets and projects, judged by hand-computed rows on both sides of every boundary."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from connectors.contract import Contracts
from connectors.database import Connection, connect
from tests.conftest import create_database, drop_database, dsn_of
from tests.integration.modelled import deliver, open_run

PLAN, PROJECTS = "big_data_center__plan_progress", "big_data_center__project_progress"
ITEMS, SYSTEMS = "administrative_approval__service_item", "big_data_center__information_system"
COMMUNITIES, SMART = "civil_affairs__community", "big_data_center__smart_community"
RANCHES = "ocean_development__marine_ranch"
DELIVERED = (PLAN, PROJECTS, ITEMS, SYSTEMS, COMMUNITIES, SMART, RANCHES)
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def warehouse(server: str, built: str) -> Iterator[Connection]:
    """A connection to one copy of the built warehouse, for all tests of this file."""
    name = f"{built}_plan"
    create_database(server, name, template=built)
    with connect(dsn_of(server, name)) as opened:
        yield opened
    drop_database(server, name)


@pytest.fixture
def connection(warehouse: Connection) -> Connection:
    """The warehouse before any delivery."""
    warehouse.rollback()
    tables = ", ".join(f"raw.{contract_id}" for contract_id in DELIVERED)
    warehouse.execute(f"truncate {tables}, quality.batch, quality.version_closing cascade".encode())
    warehouse.execute("delete from quality.closing_total")
    warehouse.execute("delete from quality.event")
    warehouse.commit()
    return warehouse


def target(connection: Connection, target_id: str, as_of: str, **parameters: str) -> dict[str, Any]:
    """A target as a new run judges it."""
    open_run(connection, f"plan-{next(_numbers)}", as_of=date.fromisoformat(as_of), parameters=parameters)
    cursor = connection.execute("select * from mart.int_plan_target__judged where target_id = %s", (target_id,))
    columns = [column.name for column in cursor.description or ()]
    row = cursor.fetchone()
    assert row is not None
    return dict(zip(columns, row, strict=True))


def statuses(connection: Connection, target_id: str, *as_of: str, **parameters: str) -> list[str]:
    """Statuses of a target at several dates."""
    return [target(connection, target_id, day, **parameters)["status"] for day in as_of]


def _report(target_id: str, day: str, value: float | None, state: str | None = None) -> dict[str, Any]:
    return {"target_id": target_id, "period_end": day, "value": value, "state": state}


def test_target_says_there_is_no_source_when_nothing_is_delivered(connection: Connection) -> None:
    found = target(connection, "bs5g_2022_a1", "2021-09-30")
    assert (found["value_source"], found["value"], found["status"]) == (None, None, "no_data")
    assert found["reason"] == "尚无数据来源"
    computed = target(connection, "zsb_2021_a1", "2021-09-30")
    assert (computed["value_source"], computed["status"]) == ("computed:target_zsb_2021_a1", "no_data")
    assert computed["reason"] == "尚未报送：政务服务事项清单"


def test_computed_value_wins_and_the_difference_is_shown_when_both_are_there(
    connection: Connection, contracts: Contracts
) -> None:
    items = [{"item_code": str(n), "item_name": str(n), "is_mobile": n <= 200} for n in range(1, 206)]
    items.append({"item_code": "x", "item_name": "x", "is_mobile": True, "status": "废止"})
    deliver(connection, contracts, ITEMS, items, as_of=date(2020, 12, 31))
    deliver(connection, contracts, PLAN, [_report("zsb_2020_a1", "2020-12-31", 230)], as_of=date(2020, 12, 31))
    found = target(connection, "zsb_2020_a1", "2020-12-31")
    assert (found["value"], found["reported_value"], found["difference"]) == (200, 230, -30)
    assert (found["value_source"], found["status"]) == ("computed:target_zsb_2020_a1", "met")
    # C07: 200 meets the annex, not the main text's 300
    assert target(connection, "zsb_2020_main", "2020-12-31")["status"] == "behind"


def test_reported_progress_is_met_from_the_threshold_on(connection: Connection, contracts: Contracts) -> None:
    rows = [_report("bs5g_2020_a1", "2020-12-31", 1499), _report("bs5g_2020_main", "2020-12-31", 1500)]
    deliver(connection, contracts, PLAN, rows, as_of=date(2020, 12, 31))
    assert statuses(connection, "bs5g_2020_a1", "2020-12-31") == ["behind"]
    assert statuses(connection, "bs5g_2020_main", "2020-12-31") == ["met"]
    assert target(connection, "bs5g_2020_main", "2020-12-31")["value_source"] == f"reported:{PLAN}"


def test_course_is_a_straight_line_when_the_date_is_to_come(connection: Connection, contracts: Contracts) -> None:
    # 1 096 days to the end of 2022; the 548th ends with 2021-07-01, where half of 5 000 is due
    deliver(connection, contracts, PLAN, [_report("bs5g_2022_a1", "2021-06-30", 2500)], as_of=date(2021, 6, 30))
    assert statuses(connection, "bs5g_2022_a1", "2021-07-01", "2021-07-02") == ["on_course", "behind"]
    assert statuses(connection, "bs5g_2022_a1", "2022-12-30", "2022-12-31", plan_course="until_due") == [
        "on_course",
        "behind",
    ]


@pytest.mark.parametrize(
    ("target_id", "parameter", "enough", "short"),
    [
        ("dc_area_2022_a1", "plan_approximate_tolerance_pct", 7600, 7599),
        ("sdt_2020_a1", "plan_basic_tolerance_pct", 90, Decimal("89.9")),
    ],
)
def test_tolerance_decides_when_the_plan_says_about_or_basically(
    connection: Connection, contracts: Contracts, target_id: str, parameter: str, enough: Any, short: Any
) -> None:
    due = "2022-12-31"
    for value, status, strict in ((enough, "met", "behind"), (short, "behind", "behind")):
        deliver(connection, contracts, PLAN, [_report(target_id, due, value)], as_of=date(2022, 12, 31))
        assert statuses(connection, target_id, due) == [status]
        assert statuses(connection, target_id, due, **{parameter: "0"}) == [strict]


def test_state_decides_when_no_value_is_reported(connection: Connection, contracts: Contracts) -> None:
    rows = [
        _report("hazwaste_2020_a1", "2020-12-31", None, "基本实现"),
        _report("network_space_2021_a1", "2021-12-31", None, "基本实现"),
        _report("uav_2022_a1", "2021-12-31", None, "未启动"),
    ]
    deliver(connection, contracts, PLAN, rows, as_of=date(2021, 12, 31))
    assert statuses(connection, "hazwaste_2020_a1", "2021-12-31") == ["behind"]
    assert statuses(connection, "network_space_2021_a1", "2021-12-31") == ["met"]
    assert statuses(connection, "uav_2022_a1", "2021-12-31", "2022-01-01") == ["on_course", "behind"]


def test_yearly_target_counts_only_its_own_year(connection: Connection, contracts: Contracts) -> None:
    yearly = "star_estates_yearly_a1"
    deliver(connection, contracts, PLAN, [_report(yearly, "2020-12-31", 100)], as_of=date(2020, 12, 31))
    assert statuses(connection, yearly, "2020-12-31", "2021-01-01") == ["met", "no_data"]
    assert statuses(connection, yearly, "2021-01-01", "2021-12-31", plan_recurrence="rolling") == ["met", "no_data"]
    assert target(connection, yearly, "2021-05-01")["due_on"] == date(2021, 12, 31)


def test_assessments_count_in_their_year_or_two_years(connection: Connection, contracts: Contracts) -> None:
    def system(code: str, level: str, day: str | None, **facts: Any) -> dict[str, Any]:
        return {"system_code": code, "mlps_level": level, "last_assessed_on": day, "is_classified": False} | facts

    rows = [
        system("1", "第三级", "2021-01-01"),
        system("2", "第三级", "2020-12-31"),
        system("3", "第二级", "2020-01-01"),
        system("4", "第二级", "2021-12-31"),
        system("5", "第三级", None, is_classified=True),
    ]
    deliver(connection, contracts, SYSTEMS, rows, as_of=date(2021, 12, 31))
    assert target(connection, "mlps3_a1", "2021-12-31")["value"] == Decimal("0.5")
    assert target(connection, "mlps2_a1", "2021-12-31")["status"] == "met"
    assert target(connection, "mlps2_a1", "2022-01-01")["value"] == 0
    assert target(connection, "mlps2_a1", "2022-01-01", plan_recurrence="rolling")["value"] == Decimal("0.5")
    whole = target(connection, "mlps_annual_main", "2021-12-31")
    assert (whole["numerator"], whole["denominator"], whole["status"]) == (2, 4, "behind")


def test_standing_target_is_due_at_once_when_it_holds_from_2020(connection: Connection, contracts: Contracts) -> None:
    deliver(connection, contracts, PLAN, [_report("estate_new_a1", "2020-06-30", 3)], as_of=date(2020, 6, 30))
    assert statuses(connection, "estate_new_a1", "2020-06-30", "2020-06-29") == ["behind", "no_data"]


def test_share_of_words_is_exact_when_it_is_computed(connection: Connection, contracts: Contracts) -> None:
    def item(number: int, **facts: Any) -> dict[str, Any]:
        return {"item_code": str(number), "level": "市级", "is_on_application": True, "is_online": number <= 9} | facts

    rows = [item(n) for n in range(1, 11)]
    rows += [item(11, level="县级"), item(12, is_on_application=False), item(13, status="停用")]
    deliver(connection, contracts, ITEMS, rows, as_of=date(2021, 12, 31))
    found = target(connection, "ywtb_2021_main", "2021-12-31")
    assert (found["value"], found["value_unit"], found["status"]) == (90, "%", "met")
    assert target(connection, "ywtb_2021_main", "2021-12-31", plan_basic_tolerance_pct="5")["status"] == "behind"
    # C06: the annex gives a year more
    assert statuses(connection, "ywtb_2022_a1", "2021-12-31", plan_basic_tolerance_pct="0") == ["on_course"]


def test_rate_of_provincial_communities_leaves_out_municipal_ones(connection: Connection, contracts: Contracts) -> None:
    communities = [{"community_code": f"3710020{n:05d}", "kind": "社区居委会"} for n in range(10)]
    smart = [
        {"community_code": f"3710020{n:05d}", "level": level, "recognised_on": day}
        for n, level, day in (
            (0, "省级", "2021-12-31"),
            (1, "国家级", None),
            (1, "省级", None),
            (2, "市级", None),
            (3, "省级", "2022-01-01"),
        )
    ]
    deliver(connection, contracts, COMMUNITIES, communities)
    deliver(connection, contracts, SMART, smart)
    found = target(connection, "smart_community_2021_main", "2021-12-31")
    assert (found["numerator"], found["denominator"], found["status"]) == (2, 10, "behind")


def test_ranches_decide_only_when_they_reach_the_target_alone(connection: Connection, contracts: Contracts) -> None:
    def ranches(count: int) -> list[dict[str, Any]]:
        return [{"ranch_code": str(n), "is_smart": True, "built_on": "2022-12-31"} for n in range(count)]

    deliver(connection, contracts, RANCHES, ranches(19))
    found = target(connection, "smart_farms_2022_main", "2022-12-31")
    assert (found["status"], found["reason"]) == ("no_data", "智慧海洋牧场 19 个；智慧农场尚无数据来源")
    deliver(connection, contracts, RANCHES, ranches(20))
    assert statuses(connection, "smart_farms_2022_main", "2022-12-30", "2022-12-31") == ["no_data", "met"]


def _node(seq: int, number: int, status: str, day: str | None = None, year: str = "2020") -> dict[str, Any]:
    return {"project_seq": seq, "milestone_no": number, "year": year, "status": status, "completed_on": day}


def test_milestones_are_judged_by_their_year(connection: Connection, contracts: Contracts) -> None:
    rows = [
        _node(1, 1, "完成", "2021-01-01"),
        _node(1, 2, "推进中"),
        _node(33, 1, "未启动"),
        _node(9, 1, "完成"),
        _node(10, 1, "完成"),
    ]
    deliver(connection, contracts, PROJECTS, rows, as_of=date(2021, 3, 31))

    def judged(as_of: str) -> dict[tuple[int, int], tuple[str, bool | None]]:
        open_run(connection, f"plan-{next(_numbers)}", as_of=date.fromisoformat(as_of))
        query = "select project_seq, milestone_no, status, is_late from mart.int_project_milestone__judged"
        return {(seq, number): (status, late) for seq, number, status, late in connection.execute(query).fetchall()}

    found = judged("2021-12-31")
    assert len(found) == 79  # 78 of the plan, and the one reported of a project for which it lists none
    assert found[1, 1] == ("met", True)
    assert found[1, 2] == ("on_course", False)
    assert found[33, 1] == ("on_course", False)
    assert found[2, 1] == ("no_data", None)
    later = judged("2022-12-31")
    assert (later[1, 2][0], later[33, 1][0]) == ("behind", "behind")
    # network security is complete; the group of data resources is due at the end of 2021, that of infrastructure later
    systems = target(connection, "action_1313_systems", "2021-12-30")
    assert (systems["numerator"], systems["status"]) == (1, "on_course")
    assert statuses(connection, "action_1313_systems", "2021-12-31", "2022-12-31") == ["behind", "behind"]
    projects = connection.execute(
        "select project_seq, status, milestone_count, met_count from mart.int_project__judged"
        " where project_seq in (1, 9, 47) order by 1"
    ).fetchall()
    assert projects == [(1, "behind", 2, 1), (9, "met", 1, 1), (47, "no_data", 0, 0)]


def test_milestone_stands_in_when_a_target_has_no_report(connection: Connection, contracts: Contracts) -> None:
    deliver(connection, contracts, PROJECTS, [_node(24, 1, "完成", "2020-11-30")], as_of=date(2020, 12, 31))
    found = target(connection, "hazwaste_2020_a1", "2020-12-31")
    assert (found["value_source"], found["status"]) == (f"reported:{PROJECTS}", "met")
