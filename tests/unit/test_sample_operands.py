"""What the sample city must show: the figures by design, and each operand by hand on a tiny register."""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal

import polars as pl
import pytest

from connectors.opening.datasets import open_datasets
from connectors.sample.calendar import load_calendar
from connectors.sample.city import Profile
from connectors.sample.operands import (
    Operand,
    all_operands,
    opened_categories,
    sharing_departments,
    target_readings,
)
from connectors.sample.registers import named_registers, next_round
from connectors.sample.writing import SEEDS, found_city

AS_OF = date(2021, 9, 30)
CYCLES = {"实时": 1, "每日": 1, "每周": 7, "每月": 31, "每季度": 92, "每半年": 183, "每年": 366}


@pytest.fixture(scope="module")
def calendar():
    return load_calendar(SEEDS / "calendar_exceptions.csv")


def operands_of(city):
    registers = named_registers(city, None)
    districts = city.entities.select("uscc", "district")
    return all_operands(registers, city.as_of, city.calendar, city.cycle_days, districts), registers


@pytest.mark.parametrize("seed", [1, 371_000, 99])
def test_city_shows_its_designed_figures_when_profile_is_default(seed):
    city = found_city(persons=20_000, seed=seed, profile=Profile.DEFAULT, as_of=AS_OF)
    operands, _ = operands_of(city)
    found = {i: {n: o.value for n, o in values.items()} for i, values in operands.items()}
    assert found == {
        "dept_sharing_rate": {"gov_departments": 37, "sharing_departments": 34},
        "open_data_category_rate": {"open_categories_required": 22, "opened_categories": 20},
        "gov_cloud_migration_rate": {"gov_systems": 120, "cloud_systems": 115},
        "ipv6_site_rate": {"main_sites": 10, "ipv6_sites": 9},
        "elicense_usage_rate": {"gov_service_items": 800, "elicense_enabled_items": 680},
        "cloud_enterprises": {"count": 2_137},
        "national_industry_bases": {"count": 3},
        "provincial_digital_parks": {"count": 2},
        "industrial_id_nodes": {"count": 2},
        "ecommerce_ratio": {"ecommerce_turnover": Decimal("418.95"), "retail_sales_total": Decimal("1396.5")},
    }
    assert operands["ecommerce_ratio"]["ecommerce_turnover"].period == "2020"
    assert all(reading["met"] for reading in target_readings(operands).values())


@pytest.mark.parametrize(("profile", "opened"), [(Profile.DEFAULT, 20), (Profile.FAILING, 19)])
def test_citys_list_has_what_the_warehouse_opens_and_no_category_is_open_by_it(contracts, profile, opened):
    own = open_datasets(contracts)
    city = found_city(persons=500, seed=3, profile=profile, as_of=AS_OF)
    listed = named_registers(city, None, own)["big_data_center__open_dataset"]
    assert {dataset.title for dataset in own} <= set(listed["title"])
    assert listed["dataset_no"].is_unique().all()
    assert len(opened_categories(listed, AS_OF, CYCLES)) == opened


def test_targets_are_missed_when_profile_is_failing():
    operands, _ = operands_of(found_city(persons=500, seed=3, profile=Profile.FAILING, as_of=AS_OF))
    assert operands["dept_sharing_rate"]["sharing_departments"] == Operand(Decimal(33))
    assert operands["open_data_category_rate"]["opened_categories"] == Operand(Decimal(19))
    assert not any(reading["met"] for reading in target_readings(operands).values())


def test_late_figures_change_the_picture_when_a_month_has_passed():
    city = found_city(persons=500, seed=3, profile=Profile.DEFAULT, as_of=AS_OF)
    first = named_registers(city, None)
    later = next_round(city)
    registers = named_registers(later, first)
    districts = later.entities.select("uscc", "district")
    operands = all_operands(registers, later.as_of, later.calendar, later.cycle_days, districts)
    assert operands["dept_sharing_rate"]["sharing_departments"] == Operand(Decimal(36))
    assert operands["open_data_category_rate"]["opened_categories"] == Operand(Decimal(21))
    assert operands["elicense_usage_rate"]["elicense_enabled_items"] == Operand(Decimal(692))
    assert operands["ecommerce_ratio"]["retail_sales_total"] == Operand(Decimal("1390.0"), "2020")
    assert operands["provincial_digital_parks"]["count"] == Operand(Decimal(3))


def test_decoys_would_change_the_answer_when_read_wrongly():
    city = found_city(persons=20_000, seed=371_000, profile=Profile.DEFAULT, as_of=AS_OF)
    _, registers = operands_of(city)
    cloud = registers["industry_it__cloud_enterprise"]
    assert len(cloud) > cloud["uscc"].n_unique() > 2_137
    systems = registers["big_data_center__information_system"]
    assert systems["is_on_cloud"].sum() * 100 < 90 * len(systems)
    items = registers["administrative_approval__service_item"]
    assert items["uses_elicence"].sum() * 100 > 85 * len(items)
    departments = registers["institution_staffing__department"]
    assert departments["is_government_department"].sum() > 37


def test_working_days_follow_the_official_calendar_when_holidays_and_make_up_days_lie_between(calendar):
    assert calendar.working_days(date(2021, 9, 16), AS_OF) == 10
    assert calendar.working_days(date(2021, 9, 15), AS_OF) == 11
    assert calendar.working_days(date(2021, 9, 30), date(2021, 10, 8)) == 1
    assert calendar.back(AS_OF, 10) == date(2021, 9, 16)
    assert calendar.is_working_day(date(2021, 9, 18))
    assert not calendar.is_working_day(date(2021, 9, 20))


def catalogue(*rows: tuple[str, str, str, bool, str]) -> pl.DataFrame:
    return pl.DataFrame(
        rows, schema=["department_code", "resource_code", "sharing_type", "is_mounted", "status"], orient="row"
    )


def requests(*rows: tuple[str, date, bool, bool, date | None]) -> pl.DataFrame:
    return pl.DataFrame(
        [(code, datetime.combine(day, time(9)), within, given, back) for code, day, within, given, back in rows],
        schema={
            "resource_code": pl.String,
            "requested_at": pl.Datetime,
            "is_within_condition": pl.Boolean,
            "is_authorised": pl.Boolean,
            "withdrawn_on": pl.Date,
        },
        orient="row",
    )


@pytest.mark.parametrize(
    ("resources", "asked", "shares"),
    [
        ([("a", "1", "无条件共享", True, "在用")], [], True),
        ([("a", "1", "无条件共享", False, "在用")], [], False),
        ([("a", "1", "有条件共享", False, "在用")], [], False),
        ([("a", "1", "不予共享", False, "在用")], [], False),
        ([("a", "1", "无条件共享", True, "在用"), ("a", "2", "不予共享", False, "在用")], [], True),
        ([("a", "1", "无条件共享", True, "在用"), ("a", "2", "无条件共享", False, "停用")], [], True),
        ([("a", "1", "有条件共享", True, "在用")], [("1", date(2021, 9, 16), True, False, None)], True),
        ([("a", "1", "有条件共享", True, "在用")], [("1", date(2021, 9, 15), True, False, None)], False),
        ([("a", "1", "有条件共享", True, "在用")], [("1", date(2021, 3, 1), True, True, None)], True),
        ([("a", "1", "有条件共享", True, "在用")], [("1", date(2021, 3, 1), False, False, None)], True),
        ([("a", "1", "有条件共享", True, "在用")], [("1", date(2021, 3, 1), True, False, date(2021, 3, 2))], True),
        ([("a", "1", "无条件共享", True, "在用")], [("1", date(2021, 3, 1), True, False, None)], True),
    ],
)
def test_department_shares_when_all_it_owes_is_given(calendar, resources, asked, shares):
    assert (sharing_departments(catalogue(*resources), requests(*asked), AS_OF, calendar) == {"a"}) is shares


@pytest.mark.parametrize(
    ("published", "link", "records", "updated", "cycle", "is_open"),
    [
        (date(2020, 1, 1), "正常", 1, date(2021, 7, 30), "每月", True),
        (date(2020, 1, 1), "正常", 1, date(2021, 7, 29), "每月", False),
        (date(2020, 1, 1), "失效", 1, date(2021, 9, 1), "每月", False),
        (date(2020, 1, 1), "正常", 0, date(2021, 9, 1), "每月", False),
        (date(2020, 1, 1), "正常", None, date(2021, 9, 1), "每月", False),
        (date(2021, 10, 1), "正常", 1, date(2021, 9, 1), "每月", False),
        (date(2020, 1, 1), "正常", 1, date(2020, 11, 1), None, True),
        (date(2020, 1, 1), "正常", 1, None, "每月", False),
    ],
)
def test_category_is_open_when_one_data_set_can_be_used(published, link, records, updated, cycle, is_open):
    row = {
        "open_category": ["信用服务"],
        "published_on": [published],
        "link_status": [link],
        "record_count": pl.Series([records], dtype=pl.Int64),
        "last_updated_on": pl.Series([updated], dtype=pl.Date),
        "update_cycle": pl.Series([cycle], dtype=pl.String),
    }
    assert (opened_categories(pl.DataFrame(row), AS_OF, CYCLES) == {"信用服务"}) is is_open


def test_a_tiny_city_counts_as_by_hand_when_written_out(calendar):
    city = found_city(persons=100, seed=1, profile=Profile.CLEAN, as_of=AS_OF)
    registers = named_registers(city, None)
    tiny = registers | {
        "market_regulation__enterprise": pl.DataFrame(
            {
                "uscc": ["A", "B", "C", "D"],
                "status": ["在用", "注销", "在用", "在用"],
                "cancelled_on": [None, date(2021, 1, 1), None, AS_OF],
            }
        ),
        "industry_it__cloud_enterprise": pl.DataFrame(
            {
                "uscc": ["A", "A", "B", "C", "D", "X", "E"],
                "status": ["在用"] * 7,
                "migrated_on": [date(2021, 1, 1)] * 6 + [date(2021, 10, 1)],
            }
        ),
    }
    districts = pl.DataFrame({"uscc": ["A", "B", "C", "D"], "district": ["371002", "371002", "370202", "371083"]})
    operands = all_operands(tiny, AS_OF, calendar, CYCLES, districts)
    assert operands["cloud_enterprises"] == {"count": Operand(Decimal(1))}


@pytest.mark.parametrize(
    ("as_of", "year", "retail"),
    [
        (AS_OF, "2020", "1396.5"),
        (date(2021, 8, 19), "2020", "1360.19"),
        (date(2021, 1, 24), "2019", None),
        (date(2021, 1, 25), "2020", "1350.2"),
    ],
)
def test_ecommerce_takes_the_latest_known_year_and_best_vintage_when_graded(calendar, as_of, year, retail):
    city = found_city(persons=100, seed=1, profile=Profile.CLEAN, as_of=AS_OF)
    operands = all_operands(
        named_registers(city, None), as_of, calendar, CYCLES, city.entities.select("uscc", "district")
    )["ecommerce_ratio"]
    assert operands["ecommerce_turnover"].period == operands["retail_sales_total"].period == year
    if retail is not None:
        assert operands["retail_sales_total"].value == Decimal(retail)
