"""What the indicators must show: every operand computed from the generator's own registers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import polars as pl

from connectors.sample.calendar import Calendar

Registers = Mapping[str, pl.DataFrame]
"""Contract id -> the records in force, typed, one column per contract column."""


@dataclass(frozen=True)
class Operand:
    """An operand's value, for a yearly one the year it is of, and whether part of it was estimated."""

    value: Decimal | None
    period: str | None = None
    is_estimated: bool = False


Operands = dict[str, dict[str, Operand]]
"""Indicator id -> operand -> value."""


def all_operands(
    registers: Registers, as_of: date, calendar: Calendar, cycle_days: Mapping[str, int], districts: pl.DataFrame
) -> Operands:
    """Compute the operands of the ten indicators that the thirteen registers feed.

    Args:
        registers: the registers as they stand on the as-of date.
        as_of: the as-of date.
        calendar: working days.
        cycle_days: days of each update cycle.
        districts: uscc and district (six digits) of every legal entity, the truth behind an empty division code.
    """
    government = registers["institution_staffing__department"]
    municipal = government.filter(
        pl.col("is_government_department") & (pl.col("level") == "市级") & (pl.col("status") == "在用")
    )
    sharing = sharing_departments(
        registers["big_data_center__resource_catalogue"],
        registers["big_data_center__sharing_request"],
        as_of,
        calendar,
    )
    systems = registers["big_data_center__information_system"].filter(
        (pl.col("status") == "在用") & ~pl.col("is_classified")
    )
    sites = registers["big_data_center__main_website"]
    items = registers["administrative_approval__service_item"].filter(
        (pl.col("status") == "在用") & (pl.col("effective_on").is_null() | (pl.col("effective_on") <= as_of))
    )
    licensed = items.filter(
        pl.col("uses_elicence") & pl.col("elicence_key_kind").is_in(["公民身份号码", "统一社会信用代码"])
    )
    return {
        "dept_sharing_rate": {
            "gov_departments": count_operand(len(municipal)),
            "sharing_departments": count_operand(len(set(municipal["department_code"]) & sharing)),
        },
        "open_data_category_rate": {
            "open_categories_required": count_operand(22),
            "opened_categories": count_operand(
                len(opened_categories(registers["big_data_center__open_dataset"], as_of, cycle_days))
            ),
        },
        "gov_cloud_migration_rate": {
            "gov_systems": count_operand(len(systems)),
            "cloud_systems": count_operand(int(systems["is_on_cloud"].sum())),
        },
        "ipv6_site_rate": {
            "main_sites": count_operand(10),
            "ipv6_sites": count_operand(len(sites.filter(pl.col("supports_ipv6") & (pl.col("checked_on") <= as_of)))),
        },
        "elicense_usage_rate": {
            "gov_service_items": count_operand(len(items)),
            "elicense_enabled_items": count_operand(len(licensed)),
        },
        "cloud_enterprises": {"count": count_operand(_cloud(registers, as_of, districts))},
        **_recognised(registers["industry_it__recognition"], as_of),
        "ecommerce_ratio": _ecommerce(
            registers["commerce__ecommerce"], registers["statistics__annual_indicator"], as_of
        ),
    }


def sharing_departments(catalogue: pl.DataFrame, requests: pl.DataFrame, as_of: date, calendar: Calendar) -> set[str]:
    """Return the codes of departments that share as annex 2, indicator 17, asks.

    At least one resource that is not withheld; all unconditional and all conditional ones mounted; every request
    within condition on a conditional one authorised, or not older than ten working days.
    """
    living = catalogue.filter((pl.col("status") == "在用").fill_null(value=True))
    offered = living.filter(pl.col("sharing_type") != "不予共享")
    conditional = offered.filter(pl.col("sharing_type") == "有条件共享")
    open_requests = requests.filter(
        pl.col("is_within_condition")
        & ~pl.col("is_authorised")
        & (pl.col("withdrawn_on").is_null() | (pl.col("withdrawn_on") > as_of))
        & (pl.col("requested_at").dt.date() <= as_of)
    )
    overdue = [
        code
        for code, asked in open_requests.select("resource_code", pl.col("requested_at").dt.date()).iter_rows()
        if calendar.working_days(asked, as_of) > 10
    ]
    failing = set(offered.filter(~pl.col("is_mounted"))["department_code"]) | set(
        conditional.filter(pl.col("resource_code").is_in(overdue))["department_code"]
    )
    return set(offered["department_code"]) - failing


def opened_categories(datasets: pl.DataFrame, as_of: date, cycle_days: Mapping[str, int]) -> set[str]:
    """Return the categories with a published, reachable, filled data set no older than two of its update cycles."""
    opened = set()
    for category, published, link, records, updated, cycle in datasets.select(
        "open_category", "published_on", "link_status", "record_count", "last_updated_on", "update_cycle"
    ).iter_rows():
        limit = 2 * (366 if cycle is None else cycle_days[cycle])
        fresh = updated is not None and updated >= as_of - timedelta(days=limit)
        if published <= as_of and link == "正常" and (records or 0) > 0 and fresh:
            opened.add(category)
    return opened


def _cloud(registers: Registers, as_of: date, districts: pl.DataFrame) -> int:
    register = registers["market_regulation__enterprise"]
    ended = pl.col("cancelled_on").is_not_null() & (pl.col("cancelled_on") <= as_of)
    alive = register.filter((pl.col("status") == "在用") & ~ended)["uscc"]
    local = districts.filter(pl.col("district").str.starts_with("3710"))["uscc"]
    listed = registers["industry_it__cloud_enterprise"].filter(
        (pl.col("status") == "在用") & (pl.col("migrated_on") <= as_of)
    )["uscc"]
    return len(set(listed) & set(alive) & set(local))


def _recognised(recognitions: pl.DataFrame, as_of: date) -> Operands:
    valid = recognitions.filter(
        (pl.col("recognised_on") <= as_of) & (pl.col("revoked_on").is_null() | (pl.col("revoked_on") > as_of))
    )
    provincial = pl.col("level").is_in(["省级", "国家级"])

    def count(kind: str, rows: pl.DataFrame) -> dict[str, Operand]:
        return {"count": count_operand(rows.filter(pl.col("kind") == kind)["entity_name"].n_unique())}

    return {
        "national_industry_bases": count("国家新型工业化产业示范基地", valid),
        "provincial_digital_parks": count("数字经济园区", valid.filter(provincial)),
        "industrial_id_nodes": count("工业互联网标识解析二级节点", valid),
    }


_VINTAGES = ("快报", "初步核算", "年报", "最终核实")
_FACTORS = {"亿元": 1, "万人": 10_000, "万户": 10_000}
"""Annual figures as the operands want them: money in 亿元, persons and households counted."""


def annual_figures(annual: pl.DataFrame, name: str, as_of: date) -> dict[str, Decimal]:
    """Return the city's figures of that name by year, as published by the date: the best vintage of each.

    Args:
        annual: statistics__annual_indicator.
        name: e.g. 总户数.
        as_of: the as-of date.
    """
    best: dict[str, tuple[int, date, Decimal]] = {}
    for year, value, unit, vintage, published in (
        annual.filter((pl.col("indicator_name") == name) & (pl.col("region_code") == "371000"))
        .select("year", "value", "unit", "vintage", "published_on")
        .iter_rows()
    ):
        candidate = (_VINTAGES.index(vintage or "年报"), published, Decimal(str(value)) * _FACTORS[unit])
        if published <= as_of and (year not in best or candidate > best[year]):
            best[year] = candidate
    return {year: value for year, (_, _, value) in best.items()}


def yearly_operands(figures: Mapping[str, Mapping[str, Decimal]], as_of: date) -> dict[str, Operand]:
    """Return the operands of the latest year that has ended and for which every figure is known.

    Args:
        figures: operand -> year -> value.
        as_of: the as-of date.
    """
    complete = [
        year
        for year in set.intersection(*(set(values) for values in figures.values()))
        if date(int(year), 12, 31) <= as_of
    ]
    if not complete:
        return {operand: Operand(None) for operand in figures}
    year = max(complete)
    return {operand: Operand(values[year], year) for operand, values in figures.items()}


def _ecommerce(turnover: pl.DataFrame, annual: pl.DataFrame, as_of: date) -> dict[str, Operand]:
    turnovers = {year: Decimal(str(value)) for year, value in turnover.select("year", "transaction_yi_cny").iter_rows()}
    retail = annual_figures(annual, "社会消费品零售总额", as_of)
    return yearly_operands({"ecommerce_turnover": turnovers, "retail_sales_total": retail}, as_of)


def count_operand(number: int, period: str | None = None) -> Operand:
    """Return a count as an operand."""
    return Operand(Decimal(number), period)


def share_operands(whole: str, part: str, rows: pl.DataFrame, mark: str) -> dict[str, Operand]:
    """Return two operands: the rows, and those of them that are marked.

    Args:
        whole: operand that counts all rows.
        part: operand that counts the marked ones.
        rows: what counts.
        mark: boolean column.
    """
    return {whole: count_operand(len(rows)), part: count_operand(int(rows[mark].sum()))}


def target_readings(operands: Operands) -> dict[str, dict[str, Any]]:
    """Return the readings of the 90 % target: annex 2 for sharing and for opening, main text, annex 1's mean.

    Annex 2 for credit sharing besides, where the member units are among the registers.
    """
    sharing = _ratio(operands["dept_sharing_rate"], "sharing_departments", "gov_departments")
    opening = _ratio(operands["open_data_category_rate"], "opened_categories", "open_categories_required")
    target = Fraction(9, 10)
    values = {
        "annex2_sharing": (float(sharing), sharing >= target),
        "annex2_opening": (float(opening), opening >= target),
        "main_text": (float(min(sharing, opening)), min(sharing, opening) >= target),
        "annex1_mean": (float((sharing + opening) / 2), (sharing + opening) / 2 >= target),
    }
    if (credit := operands.get("credit_realtime_sharing_rate")) is not None:
        shared = _ratio(credit, "credit_sharing_units", "credit_system_units")
        values["annex2_credit_sharing"] = (float(shared), shared >= target)
    return {name: {"value": value, "met": met} for name, (value, met) in values.items()}


def _ratio(operands: Mapping[str, Operand], numerator: str, denominator: str) -> Fraction:
    top, bottom = operands[numerator].value, operands[denominator].value
    if top is None or bottom is None:
        raise ValueError(f"{numerator}/{denominator}: 样例城市应有此值")
    return Fraction(top) / Fraction(bottom)
