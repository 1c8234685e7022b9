"""Registers of how the city is governed: emergencies, merged grids, credit reporting, environmental monitoring."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import polars as pl

from connectors.sample.calendar import Calendar
from connectors.sample.city import City
from connectors.sample.draws import choose, read_table
from connectors.sample.operands import Operand, Operands, Registers, count_operand, yearly_operands
from connectors.sample.topic import Topic, begun, by_profile, in_use

_CATEGORIES = ("自然灾害", "事故灾难", "社会安全事件")
_YEAR_EVENTS, _COMMANDED = 60, 54
"""Counted emergencies of the twelve months to the first as-of date, and those commanded by the system."""
_UNITS, _REPORTING = 42, 38
_COVERAGE = {"空气": 0.92, "水体": 0.83, "噪声": 0.61}
"""Share of the region that was monitored in the year before the first as-of date."""
_REGION_SQKM = 5799.84
_REPORTED_WITHIN = 7
"""Working days within which credit information is reported in real time."""


def incidents(city: City) -> pl.DataFrame:
    """Make emergency__incident: four years, two of them to come; exactly nine in ten of the year's are commanded.

    One incident lies exactly twelve months back and counts no more; public health is another category.
    """
    rng, day = city.stream("incidents"), city.first_as_of
    back = (day - _year_before(day)).days
    offsets = np.r_[
        rng.integers(-back + 1, -30, _YEAR_EVENTS),
        rng.integers(-back + 1, -30, 6),
        [-back],
        rng.integers(-700, -back, 40),
        rng.integers(1, 720, 130),
    ]
    total = len(offsets)
    category = choose(rng, _CATEGORIES, total).to_list()
    category[_YEAR_EVENTS : _YEAR_EVENTS + 6] = ["公共卫生事件"] * 6
    commanded = rng.random(total) < 0.9
    commanded[:_YEAR_EVENTS] = np.arange(_YEAR_EVENTS) < _COMMANDED
    commanded[_YEAR_EVENTS : _YEAR_EVENTS + 7] = True
    streets = city.places.streets["code"]
    table = pl.DataFrame(
        {
            "category": category,
            "offset": offsets,
            "seconds": rng.integers(0, 86_400, total),
            "duration": rng.integers(0, 20, total),
            "is_commanded_by_system": commanded,
            "division_code": streets.gather(rng.integers(0, len(streets), total)),
        }
    ).sort("offset", "seconds")
    occurred_on = pl.lit(day) + pl.duration(days=pl.col("offset"))
    closed_on = (occurred_on + pl.duration(days=pl.col("duration"))).cast(pl.Date)
    return (
        table.with_columns(occurred_on=occurred_on.cast(pl.Date), closed_on=closed_on)
        .filter(pl.col("occurred_on") <= city.as_of)
        .select(
            pl.concat_str(
                pl.lit("YJ"),
                pl.col("occurred_on").dt.year(),
                pl.int_range(1, pl.len() + 1).cast(pl.String).str.zfill(5),
            ).alias("incident_no"),
            "category",
            (pl.col("occurred_on").cast(pl.Datetime("us")) + pl.duration(seconds="seconds")).alias("occurred_at"),
            "division_code",
            "is_commanded_by_system",
            pl.when(pl.col("closed_on") <= city.as_of).then("closed_on").alias("closed_on"),
        )
    )


def _year_before(day: date) -> date:
    """Return the same day of the year before; 28 February for the 29th."""
    return date(day.year - 1, day.month, 28 if (day.month, day.day) == (2, 29) else day.day)


def grid_departments(city: City) -> pl.DataFrame:
    """Make political_legal__grid_department: five merged, the last on the day itself; a sixth follows."""
    year, day = city.first_as_of.year, city.first_as_of
    rows = [
        ("市生态环境局", "划分网格、信息系统、网格队伍", date(year - 1, 6, 1), "在用"),
        ("市应急局", "指挥体系、工作流程", date(year - 1, 6, 1), "在用"),
        ("市市场监管局", "划分网格、热线资源", date(year - 1, 12, 10), "在用"),
        ("市城市管理局", "网格队伍、办理事项", date(year, 3, 5), "在用"),
        ("市公安局", "基础数据、指挥体系", day, "在用"),
        ("市水务局", "划分网格", day + timedelta(days=20), "在用"),
        ("市旅游发展委", "划分网格", date(year - 2, 4, 1), "撤销"),
    ]
    return pl.DataFrame(
        rows, schema=["department_name", "merged_content", "merged_on", "status"], orient="row"
    ).with_columns(document_no=pl.concat_str(pl.lit("威政法〔"), pl.col("merged_on").dt.year(), pl.lit("〕8号")))


def credit_units(city: City) -> pl.DataFrame:
    """Make development_reform__credit_member_unit: 38 of 42 report within seven working days, one of them just so.

    The others have no catalogue, are not connected, share nothing, or reported eight working days ago.
    """
    names = [
        *read_table("departments.csv").filter((pl.col("level") == "市级") & (pl.col("status") == "在用"))["name"],
        "市法院",
        "市检察院",
        "人民银行威海市中心支行",
        "威海海关",
        "市消防救援支队",
    ][-_UNITS:]
    good = min(int(by_profile(city, _REPORTING, 29)) + city.round_no - 1, _UNITS)
    recent = [city.calendar.back(city.as_of, _REPORTED_WITHIN - n % 8) for n in range(good)]
    stale = city.calendar.back(city.as_of, _REPORTED_WITHIN + 1)
    bad = [
        [(False, True, True), (True, False, True), (True, True, False), (True, True, True)][n % 4]
        for n in range(_UNITS - good)
    ]
    marks = [(True, True, True)] * good + bad
    reported = recent + [stale if all(mark) else recent[1] for mark in bad]
    retired = ("旧成员单位", True, True, True, recent[0], "撤销")
    rows = [
        *((name, *mark, day, "在用") for name, mark, day in zip(names, marks, reported, strict=True)),
        retired,
    ]
    return pl.DataFrame(
        [(f"CY{n:03d}", *row) for n, row in enumerate(rows, start=1)],
        schema=["unit_code", "unit_name", "has_catalogue", "is_connected", "is_shared", "reported_on", "status"],
        orient="row",
    ).select(
        pl.exclude("reported_on"),
        (pl.col("reported_on").cast(pl.Datetime("us")) + pl.duration(hours=9)).alias("last_reported_at"),
    )


def monitoring_coverage(city: City) -> pl.DataFrame:
    """Make ecology__monitoring_coverage: three full years; of the running one only the air is reported."""
    last = city.first_as_of.year - 1
    rows = [
        (element, str(last - back), round(_REGION_SQKM * (share - 0.06 * back), 2), 12 + 3 * (2 - back))
        for element, share in _COVERAGE.items()
        for back in range(3)
    ]
    rows.append(("空气", str(last + 1), round(_REGION_SQKM * 0.98, 2), 20))
    return pl.DataFrame(rows, schema=["element", "year", "covered_area_sqkm", "station_count"], orient="row")


def operands(city: City, registers: Registers) -> Operands:
    """Compute indicators 12, 13, 15 and 19."""
    as_of = city.as_of
    departments = registers["political_legal__grid_department"].filter(in_use() & begun("merged_on", as_of))
    return {
        "env_monitoring_rate": _monitoring(
            registers["natural_resources__area"], registers["ecology__monitoring_coverage"], as_of
        ),
        "emergency_command_rate": emergencies(registers["emergency__incident"], as_of),
        "grid_integration_depts": {"merged_dept_count": count_operand(departments["department_name"].n_unique())},
        "credit_realtime_sharing_rate": credit_sharing(
            registers["development_reform__credit_member_unit"], as_of, city.calendar
        ),
    }


def emergencies(incidents_: pl.DataFrame, as_of: date) -> dict[str, Operand]:
    """Return the emergencies of the twelve months to the date, and those commanded by the system and closed.

    Args:
        incidents_: emergency__incident.
        as_of: the as-of date.
    """
    since = _year_before(as_of)
    day = pl.col("occurred_at").dt.date()
    counted = incidents_.filter((day > since) & (day <= as_of) & pl.col("category").is_in(_CATEGORIES))
    closed = (pl.col("closed_on") <= as_of).fill_null(value=False)
    period = f"{since + timedelta(days=1)}/{as_of}"
    return {
        operand: Operand(Decimal(len(rows)), period)
        for operand, rows in (
            ("city_emergency_events", counted),
            ("events_commanded_by_system", counted.filter(pl.col("is_commanded_by_system") & closed)),
        )
    }


def credit_sharing(units: pl.DataFrame, as_of: date, calendar: Calendar) -> dict[str, Operand]:
    """Return the member units, and those that have a catalogue, are connected, share, and reported lately.

    Args:
        units: development_reform__credit_member_unit.
        as_of: the as-of date.
        calendar: working days.
    """
    counted = units.filter(in_use())
    sharing = counted.filter(pl.col("has_catalogue") & pl.col("is_connected") & pl.col("is_shared"))
    lately = [
        reported is not None and calendar.working_days(reported, as_of) <= _REPORTED_WITHIN
        for reported in sharing["last_reported_at"].dt.date()
    ]
    return {
        "credit_system_units": count_operand(len(counted)),
        "credit_sharing_units": count_operand(sum(lately)),
    }


def _monitoring(areas: pl.DataFrame, coverage: pl.DataFrame, as_of: date) -> dict[str, Operand]:
    region = areas.filter((pl.col("area_kind") == "行政区域") & (pl.col("division_code") == "371000"))

    def by_year(rows: pl.DataFrame, column: str) -> dict[str, Decimal]:
        return {year: Decimal(str(value)) for year, value in rows.select("year", column).iter_rows()}

    return yearly_operands(
        {
            "region_area": by_year(region, "area_sqkm"),
            **{
                operand: by_year(coverage.filter(pl.col("element") == element), "covered_area_sqkm")
                for operand, element in (
                    ("air_monitored_area", "空气"),
                    ("water_monitored_area", "水体"),
                    ("noise_monitored_area", "噪声"),
                )
            },
        },
        as_of,
    )


TOPIC = Topic(
    {
        "emergency__incident": incidents,
        "political_legal__grid_department": grid_departments,
        "development_reform__credit_member_unit": credit_units,
        "ecology__monitoring_coverage": monitoring_coverage,
    },
    operands,
)
