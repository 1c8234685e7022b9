"""Reports on the plan's targets and projects, and what of the targets the warehouse must find by itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl

from connectors.sample.calendar import month_later
from connectors.sample.city import City
from connectors.sample.operands import Operand, Operands, Registers
from connectors.sample.safeguards import evidence
from connectors.sample.topic import Topic, begun, in_use

_START = date(2020, 1, 1)
_UNREPORTED = ("star5_city", "uav_2022_a1", "seven_clouds_2022_a1")
"""Targets nobody reports on; the last two have a project whose milestone does."""
_LATE = 9
"""Every how manieth milestone is reached 400 days later than the others of its year."""
_BASIC, _APPROXIMATE = Fraction(90, 100), Fraction(95, 100)
"""Of a target with 基本 or 约, what still meets it: the defaults of seeds/parameters.csv."""
_SCHOOLS = ("小学", "初中", "高中", "九年一贯制", "完全中学", "职业院校")


@cache
def _table(path: Path) -> pl.DataFrame:
    return pl.read_csv(path, infer_schema=False)


def _nodes(city: City) -> list[tuple[int, int, int]]:
    """Return project, number and year of every milestone; a project without any reports one node of 2020."""
    listed = _table(city.seeds / "project_milestones.csv").select("project_seq", "milestone_no", "year")
    nodes = [(int(seq), int(number), int(year)) for seq, number, year in listed.iter_rows()]
    projects = {int(seq) for seq in _table(city.seeds / "projects.csv")["project_seq"]}
    return sorted(nodes + [(seq, 1, 2020) for seq in projects - {seq for seq, _, _ in nodes}])


def _reached_on(place: int, year: int) -> date:
    """Return the day on which the milestone at this place of the list is reached."""
    day = date(year, 2, 1) + timedelta(days=37 * place % 300)
    return day + timedelta(days=400) if place % _LATE == _LATE - 1 else day


def project_progress(city: City) -> pl.DataFrame:
    """Make big_data_center__project_progress: the state of every milestone on the date."""
    proofs = evidence(city)["evidence_no"]
    rows = []
    for place, (seq, number, year) in enumerate(_nodes(city)):
        reached = _reached_on(place, year)
        is_reached = reached <= city.as_of
        state = "完成" if is_reached else "推进中" if city.as_of.year >= year else "未启动"
        proof = proofs[place % len(proofs)] if is_reached else None
        rows.append((seq, number, str(year), state, reached if is_reached else None, proof))
    schema = {
        "project_seq": pl.Int64, "milestone_no": pl.Int64, "year": pl.String, "status": pl.String,
        "completed_on": pl.Date, "evidence_no": pl.String,
    }  # fmt: skip
    return pl.DataFrame(rows, schema=schema, orient="row")


def plan_progress(city: City) -> pl.DataFrame:
    """Make big_data_center__plan_progress: three months before the first date, and every month since."""
    month_ends = [city.first_as_of]
    for _ in range(2):
        month_ends.append(month_ends[-1].replace(day=1) - timedelta(days=1))
    while (following := month_later(max(month_ends))) <= city.as_of:
        month_ends.append(following)
    rows = [
        (target["target_id"], day, *_report(place, target, day))
        for day in sorted(month_ends)
        for place, target in enumerate(_table(city.seeds / "plan_targets.csv").iter_rows(named=True))
        if target["target_id"] not in _UNREPORTED
    ]
    schema = {
        "target_id": pl.String, "period_end": pl.Date, "value": pl.Float64, "state": pl.String, "reporter": pl.String,
        "note": pl.String,
    }  # fmt: skip
    return pl.DataFrame(rows, schema=schema, orient="row")


def _report(place: int, target: Mapping[str, Any], day: date) -> tuple[float | None, str, str, str | None]:
    reporter = (target["responsible"] or "市大数据中心").split("|")[0]
    threshold, due = _threshold(target), _period(target, day)[1]
    pace = Fraction(70 + 11 * place % 60, 100)
    share = min(pace * _elapsed(target, day), Fraction(1))
    if threshold is None:
        word = "完成" if share == 1 else "基本实现" if share > Fraction(9, 10) else "推进中"
        is_waiting = day.year < due.year and place % 3 == 0
        return None, "未启动" if is_waiting else word, reporter, "列入下一年度计划" if is_waiting else None
    value = round(float(threshold * share), 1 if target["unit"] == "%" else 0)
    return value, "完成" if value >= threshold else "推进中", reporter, None


def _threshold(target: Mapping[str, Any]) -> Fraction | None:
    text = target["target_value"]
    return Fraction(text) if text.replace(".", "").isdigit() else None


def _period(target: Mapping[str, Any], day: date) -> tuple[date, date]:
    """Return first and last day of the period in which the target is to be reached."""
    match target["due"]:
        case "每年":
            return date(day.year, 1, 1), date(day.year, 12, 31)
        case "每两年":
            first = day.year - (day.year - 2020) % 2
            return date(first, 1, 1), date(first + 1, 12, 31)
        case "2020起":
            return _START, _START
        case due:
            return _START, date.fromisoformat(due)


def _elapsed(target: Mapping[str, Any], day: date) -> Fraction:
    start, due = _period(target, day)
    return Fraction((day - start).days + 1, (due - start).days + 1)


@dataclass(frozen=True)
class Measured:
    """What the warehouse finds of a target: a count, or a part of a whole."""

    numerator: Fraction
    denominator: Fraction | None = None
    expected: int | None = None
    """What the plan's own dates expect by the date, where they say."""


def expected_targets(city: City, registers: Registers, operands: Operands) -> dict[str, dict[str, str]]:
    """Compute value, source and status of the targets that follow from these registers or are reported.

    Left out: the target that rests on who is alive (`ss_auto_2022_a1`), and marine ranches.

    Args:
        city: the city at the date.
        registers: as its departments keep them.
        operands: from `expected_operands`.
    """
    measured = _measured(city, registers, operands)
    reported = {
        row["target_id"]: row
        for row in plan_progress(city)
        .filter(pl.col("period_end") <= city.as_of)
        .sort("period_end")
        .iter_rows(named=True)
    }
    milestones = {
        (str(row["project_seq"]), str(row["milestone_no"])): row for row in project_progress(city).iter_rows(named=True)
    }
    found: dict[str, dict[str, str]] = {}
    for target in _table(city.seeds / "plan_targets.csv").iter_rows(named=True):
        target_id = target["target_id"]
        if target_id == "ss_auto_2022_a1":
            continue
        value: Fraction | None = None
        state: str | None = None
        milestone = (target["project_seq"], target["milestone_no"])
        if target_id in measured:
            source, value = f"computed:target_{target_id}", _shown(target, measured[target_id])
        elif target_id in reported:
            source, state = "reported:big_data_center__plan_progress", reported[target_id]["state"]
            number = reported[target_id]["value"]
            value = None if number is None else Fraction(str(number))
        elif milestone in milestones:
            source, state = "reported:big_data_center__project_progress", milestones[milestone]["status"]
        else:
            continue
        found[target_id] = {
            "source": source,
            "value": "" if value is None else format(_decimal(value), "f"),
            "status": _status(city.as_of, target, value, state, measured.get(target_id)),
        }
    return found


def _status(
    day: date, target: Mapping[str, Any], value: Fraction | None, state: str | None, found: Measured | None
) -> str:
    tolerance = {"basically": _BASIC, "approximately": _APPROXIMATE}.get(target["tolerance"], Fraction(1))
    least = (_threshold(target) or 100) * tolerance
    is_met = value >= least if value is not None else state == "完成" or (state == "基本实现" and tolerance == _BASIC)
    due = _period(target, day)[1]
    if is_met:
        return "met"
    if day >= due:
        return "behind"
    if found is not None and found.expected is not None:
        return "on_course" if found.numerator >= found.expected else "behind"
    if value is not None:
        return "on_course" if value / least >= _elapsed(target, day) else "behind"
    return "behind" if state == "未启动" and day >= date(due.year, 1, 1) else "on_course"


def _shown(target: Mapping[str, Any], found: Measured) -> Fraction:
    if found.denominator is None:
        return found.numerator
    is_percent = target["unit"] == "%" or _threshold(target) is None
    return found.numerator / found.denominator * (100 if is_percent else 1)


def _decimal(value: Fraction) -> Decimal:
    return round(Decimal(value.numerator) / Decimal(value.denominator), 6)


def _measured(city: City, registers: Registers, operands: Operands) -> dict[str, Measured]:
    as_of = city.as_of
    items = registers["administrative_approval__service_item"].filter(in_use() & begun("effective_on", as_of))
    asked = items.filter((pl.col("level") == "市级") & pl.col("is_on_application"))
    schools = registers["education__school"].filter(in_use() & pl.col("stage").is_in(_SCHOOLS))
    systems = registers["big_data_center__information_system"].filter(in_use() & ~pl.col("is_classified"))
    listed = registers["civil_affairs__community"].filter((pl.col("kind") == "社区居委会") & in_use())
    smart = registers["big_data_center__smart_community"].filter(
        in_use() & begun("recognised_on", as_of) & pl.col("level").is_in(["省级", "国家级"])
    )
    sharing = _ratio(operands["dept_sharing_rate"], "sharing_departments", "gov_departments")
    opening = _ratio(operands["open_data_category_rate"], "opened_categories", "open_categories_required")
    mobile, online = _part(items, "is_mobile"), _part(asked, "is_online")
    air = Measured(_weighted(operands["env_monitoring_rate"], _ENVIRONMENT), Fraction(1))
    pipes = Measured(_weighted(operands["pipeline_smart_monitoring_rate"], _PIPES), Fraction(1))
    maps = _ratio(operands["map_scale_coverage"], "mapped_area_km2", "planning_area_km2")
    return {
        **{target: Measured(mobile.numerator) for target in _MOBILE},
        **dict.fromkeys(("ywtb_2021_main", "ywtb_2022_a1"), online),
        "school_wlan_2021_main": _part(schools, "has_wlan"),
        "smart_campus_2021_main": _part(schools, "is_smart_campus"),
        "mlps_annual_main": _assessed(systems, date(as_of.year, 1, 1), as_of),
        "mlps3_a1": _assessed(systems.filter(pl.col("mlps_level") == "第三级"), date(as_of.year, 1, 1), as_of),
        "mlps2_a1": _assessed(
            systems.filter(pl.col("mlps_level") == "第二级"), date(as_of.year - as_of.year % 2, 1, 1), as_of
        ),
        "smart_community_2021_main": Measured(
            Fraction(len(set(listed["community_code"]) & set(smart["community_code"]))), Fraction(len(listed))
        ),
        "share_open_2020_main": Measured(min(sharing, opening), Fraction(1)),
        "share_2020_a1": Measured((sharing + opening) / 2, Fraction(1)),
        **dict.fromkeys(("env_auto_2021_main", "env_auto_2021_a1"), air),
        "pipe_2021_a1": pipes,
        "topo_2021_a1": Measured(min(maps, Fraction(1)), Fraction(1)),
        "iid_nodes_2021_a1": Measured(_value(operands["industrial_id_nodes"], "count")),
        **_groups(city),
    }


_MOBILE = ("zsb_2020_main", "zsb_2022_main", "zsb_2020_a1", "zsb_2021_a1", "zsb_2022_a1")
_ENVIRONMENT = (
    ("air_monitored_area", "region_area", Fraction(2, 5)),
    ("water_monitored_area", "region_area", Fraction(2, 5)),
    ("noise_monitored_area", "region_area", Fraction(1, 5)),
)
_PIPES = tuple(
    (f"monitored_{kind}", kind, Fraction(1, 3)) for kind in ("water_pipe_km", "power_line_km", "gas_pipe_km")
)


def _groups(city: City) -> dict[str, Measured]:
    projects = _table(city.seeds / "projects.csv").select("project_seq", "group_no", "category")
    nodes = pl.DataFrame(
        [
            (str(seq), _reached_on(place, year) <= city.as_of, date(year, 12, 31) <= city.as_of)
            for place, (seq, _, year) in enumerate(_nodes(city))
        ],
        schema=["project_seq", "is_reached", "is_due"],
        orient="row",
    )
    groups = (
        nodes.join(projects, on="project_seq")
        .group_by("category", "group_no")
        .agg(pl.col("is_reached", "is_due").all())
    )
    targets = {"指挥中心": "action_1313_center", "支撑体系": "action_1313_systems", "示范工程": "action_1313_projects"}
    return {
        target: Measured(
            Fraction(len(groups.filter((pl.col("category") == category) & pl.col("is_reached")))),
            expected=len(groups.filter((pl.col("category") == category) & pl.col("is_due"))),
        )
        for category, target in targets.items()
    }


def _part(rows: pl.DataFrame, mark: str) -> Measured:
    return Measured(Fraction(int(rows[mark].fill_null(value=False).sum())), Fraction(len(rows)))


def _assessed(systems: pl.DataFrame, since: date, until: date) -> Measured:
    assessed = systems.filter(pl.col("last_assessed_on").is_between(since, until))
    return Measured(Fraction(len(assessed)), Fraction(len(systems)))


def _value(operands: Mapping[str, Operand], name: str) -> Fraction:
    value = operands[name].value
    if value is None:
        raise ValueError(f"{name}: 样例城市应有此值")
    return Fraction(value)


def _ratio(operands: Mapping[str, Operand], numerator: str, denominator: str) -> Fraction:
    return _value(operands, numerator) / _value(operands, denominator)


def _weighted(operands: Mapping[str, Operand], parts: tuple[tuple[str, str, Fraction], ...]) -> Fraction:
    return sum((_ratio(operands, top, bottom) * weight for top, bottom, weight in parts), Fraction(0))


def _no_operands(_city: City, _registers: Registers) -> Operands:
    return {}


TOPIC = Topic(
    {"big_data_center__plan_progress": plan_progress, "big_data_center__project_progress": project_progress},
    _no_operands,
)
