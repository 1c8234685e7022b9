"""Registers of safeguards: evidence of checklists, investment, supported projects, security incidents."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from hashlib import sha256
from pathlib import Path

import numpy as np
import polars as pl

from connectors.sample.city import City, Profile
from connectors.sample.draws import choose
from connectors.sample.operands import Operand, Operands, Registers, count_operand
from connectors.sample.topic import Topic, by_profile

_ISSUER = {
    "institution_mechanism": "市大数据中心",
    "planning": "市委网信办",
    "talent_guarantee": "市委组织部",
    "funding": "市财政局",
}
_WITHOUT_EVIDENCE = {
    ("planning", "annual_plan"),
    ("planning", "task_division"),
    ("planning", "assessment_mechanism"),
    ("funding", "special_fund"),
}
"""Items that no document is about: the first three follow from the stricter wording, the last has an alternative."""
_NOT_SATISFIED = {("planning", "annual_summary")}
_EXPIRED = {("talent_guarantee", "incentives")}
_FAILING = {
    ("institution_mechanism", "operator_unified"),
    ("planning", "top_plan_published"),
    ("talent_guarantee", "cio_system"),
    ("funding", "fiscal_special_fund_designated"),
}
"""Items that are not satisfied in a city that fails."""
_SUPPORTERS = {
    "development_reform": "省级重大项目专项",
    "finance": "数字经济发展专项资金",
    "industry_it": "工业互联网创新发展专项",
    "commerce": "电子商务示范专项",
    "science_technology": "重点研发计划",
}
"""Departments that deliver supported projects, and the fund that each of them names."""
_FIELDS = ("智慧城市", "大数据", "工业互联网", "人工智能", "其他")
_PROJECTS, _FAILING_PROJECTS = 262, 148
_INVESTED = 26


def checklist_items(seeds: Path) -> dict[tuple[str, str], str]:
    """Return the label of every (indicator, item) of the checklists of annex 2, table five."""
    table = pl.read_csv(seeds / "indicators.csv", infer_schema=False).filter(pl.col("metric_class") == "checklist")
    return {
        (indicator, operand["name"]): operand["label"]
        for indicator, operands in table.select("indicator_id", "operands").iter_rows()
        for operand in json.loads(operands)
        if operand["unit"] == "项"
    }


def evidence(city: City) -> pl.DataFrame:
    """Make big_data_center__evidence: a document per item, some that expired or do not satisfy, one misplaced."""
    day, is_failing = city.first_as_of, city.profile is Profile.FAILING
    rows: list[tuple[str, str, str, date, date | None, bool]] = []
    for place, ((indicator, item), label) in enumerate(checklist_items(city.seeds).items()):
        key = (indicator, item)
        if key in _WITHOUT_EVIDENCE:
            continue
        issued = day - timedelta(days=120 + 37 * (place % 20))
        satisfied = key not in _NOT_SATISFIED and not (is_failing and key in _FAILING)
        expires = day if key in _EXPIRED else day + timedelta(days=400) if place % 4 == 0 else None
        rows.append((indicator, item, f"关于{label}的通知", issued, expires, satisfied))
    rows.append(
        ("planning", "special_fund", "关于设立专项资金的通知（归类有误）", day - timedelta(days=80), None, True)
    )
    table = pl.DataFrame(
        rows, schema=["indicator_id", "item_code", "title", "issued_on", "expires_on", "is_satisfied"], orient="row"
    )
    number = pl.int_range(1, pl.len() + 1).cast(pl.String)
    return table.select(
        pl.concat_str(pl.lit("ZM"), number.str.zfill(4)).alias("evidence_no"),
        "indicator_id",
        "item_code",
        pl.concat_str(pl.lit("威数字〔"), pl.col("issued_on").dt.year(), pl.lit("〕"), number, pl.lit("号")).alias(
            "document_no"
        ),
        "title",
        pl.col("indicator_id").replace_strict(_ISSUER).alias("issuer"),
        "issued_on",
        pl.col("expires_on").cast(pl.Date),
        "is_satisfied",
        city.population["name"][: len(table)].alias("assessor"),
        pl.col("indicator_id").replace_strict(_ISSUER).alias("owner"),
        pl.when("is_satisfied").then(pl.lit("材料齐全")).otherwise(pl.lit("内容未达到评价要点的要求")).alias("reason"),
        pl.Series([sha256(title.encode()).hexdigest() for title in table["title"]]).alias("attachment_sha256"),
    )


def investments(city: City) -> pl.DataFrame:
    """Make finance__smart_city_investment: this year's and last year's money, public and private."""
    rng, year = city.stream("investments"), city.first_as_of.year
    projects = np.arange(1, _INVESTED + 1)
    private = np.round(rng.dirichlet(np.full(_INVESTED, 2.0)) * by_profile(city, 6_480, 3_150), 2)
    public = np.round(rng.uniform(20, 900, _INVESTED), 2)
    growth = 1 + 0.05 * (city.round_no - 1)
    parts = [
        pl.DataFrame({"number": projects, "amount_wan_cny": np.round(amounts * factor, 2)}).with_columns(
            year=pl.lit(str(of)), fund_source=pl.lit(source)
        )
        for amounts, source, of, factor in (
            (private, "社会资本", year, growth),
            (public, "财政资金", year, 1.0),
            (private, "社会资本", year - 1, 0.8),
        )
    ]
    number = pl.col("number").cast(pl.String)
    return pl.concat(parts).select(
        pl.concat_str(pl.lit("TZ"), number.str.zfill(3)).alias("project_no"),
        pl.concat_str(pl.lit("智慧城市建设项目"), number).alias("project_name"),
        "year",
        "fund_source",
        "amount_wan_cny",
        pl.concat_str(pl.lit("威财〔"), "year", pl.lit("〕"), number, pl.lit("号")).alias("document_no"),
    )


def supported_projects(city: City, department: str) -> pl.DataFrame:
    """Make <department>__supported_project.

    A fifth of the projects is supported by the next department too, some twice by one; last year's do not count.
    """
    rng, year = city.stream("supported projects"), city.first_as_of.year
    wanted = round(by_profile(city, _PROJECTS, _FAILING_PROJECTS)) + 3 * (city.round_no - 1)
    total = wanted + 70
    founding = (pl.col("kind") == "91") & (pl.col("established_on") <= city.first_as_of)
    companies = city.entities.filter(founding)[["name", "uscc"]]
    unit = companies[rng.integers(0, len(companies), 500)][:total]
    field = choose(rng, _FIELDS, 500, (0.24, 0.2, 0.26, 0.2, 0.1))[:total]
    number = np.arange(total)
    owner = rng.integers(0, len(_SUPPORTERS), 500)[:total]
    place = list(_SUPPORTERS).index(department)
    fund = _SUPPORTERS[department]
    table = unit.select(pl.col("name").alias("unit_name"), "uscc").with_columns(
        project_name=pl.concat_str(field, pl.lit("应用项目"), pl.Series(number + 1).cast(pl.String)),
        field=field,
        year=pl.Series(np.where(number < wanted, str(year), str(year - 1))),
    )
    lists = [
        (number[owner == place], fund),
        (number[(owner == (place - 1) % len(_SUPPORTERS)) & (number % 5 == 0)], fund),
        (number[(owner == place) & (number % 9 == 0)], f"{fund}（第二批）"),
    ]
    return pl.concat([table[rows, :].with_columns(special_fund=pl.lit(name)) for rows, name in lists]).select(
        "project_name",
        "unit_name",
        "uscc",
        "special_fund",
        pl.concat_str(pl.lit("鲁财〔"), "year", pl.lit("〕18号")).alias("document_no"),
        "year",
        "field",
    )


def security_incidents(city: City) -> pl.DataFrame:
    """Make cyberspace__security_incident: a leak of this year, one of last year, and what is no leak."""
    day = city.first_as_of
    this_year, last_year = date(day.year, 1, 1), date(day.year - 1, 12, 31)
    rows = [
        ("AQ0001", last_year, "失泄密", "某单位", "已办结"),
        ("AQ0002", this_year, "其他", None, "已办结"),
        ("AQ0003", max(this_year, day - timedelta(days=120)), "失泄密", "某单位", "已办结"),
        ("AQ0004", day + timedelta(days=9), "其他", None, "处理中"),
    ]
    table = pl.DataFrame(rows, schema=["incident_no", "occurred_on", "nature", "unit_name", "status"], orient="row")
    return table.filter(pl.col("occurred_on") <= city.as_of)


def operands(city: City, registers: Registers) -> Operands:
    """Compute indicators 40 to 45."""
    year = str(city.as_of.year)
    investment = registers["finance__smart_city_investment"].filter(
        (pl.col("year") == year) & (pl.col("fund_source") == "社会资本")
    )
    capital = sum((Decimal(str(amount)) for amount in investment["amount_wan_cny"]), Decimal(0))
    projects = pl.concat([registers[f"{department}__supported_project"] for department in _SUPPORTERS])
    incidents = registers["cyberspace__security_incident"].filter(
        (pl.col("nature") == "失泄密") & pl.col("occurred_on").is_between(date(city.as_of.year, 1, 1), city.as_of)
    )
    checklists = checklist_operands(
        registers["big_data_center__evidence"], checklist_items(city.seeds), _implications(city.seeds), city.as_of
    )
    checklists["funding"]["social_capital_wan_yuan"] = Operand(capital, year)
    supported = projects.filter(pl.col("year") == year).select("project_name", "unit_name").unique()
    return {
        **checklists,
        "supported_projects": {"count": Operand(Decimal(len(supported)), year)},
        "security_incident_deduction": {
            "incident_count": Operand(
                count_operand(incidents["incident_no"].n_unique()).value, f"{year}-01-01/{city.as_of}"
            )
        },
    }


def _implications(seeds: Path) -> dict[tuple[str, str], str]:
    """Return the looser item that each stricter (indicator, item) implies."""
    table = pl.read_csv(seeds / "indicators.csv", infer_schema=False)
    return {
        (indicator, strict): loose
        for indicator, formula in table.select("indicator_id", "formula").iter_rows()
        for strict, loose in json.loads(formula).get("implications", {}).items()
    }


def checklist_operands(
    documents: pl.DataFrame,
    items: Mapping[tuple[str, str], str],
    implications: Mapping[tuple[str, str], str],
    as_of: date,
) -> Operands:
    """Return 1 or 0 for each item of the checklists.

    Args:
        documents: big_data_center__evidence.
        items: (indicator, item) -> label.
        implications: (indicator, stricter item) -> looser item of the same indicator.
        as_of: the as-of date.
    """
    met = {
        (indicator, item)
        for indicator, item, issued, expires, satisfied in documents.select(
            "indicator_id", "item_code", "issued_on", "expires_on", "is_satisfied"
        ).iter_rows()
        if satisfied and issued <= as_of and (expires is None or expires > as_of)
    }
    met |= {(indicator, loose) for (indicator, strict), loose in implications.items() if (indicator, strict) in met}
    found: Operands = {}
    for indicator, item in items:
        found.setdefault(indicator, {})[item] = count_operand(int((indicator, item) in met))
    return found


TOPIC = Topic(
    {
        "big_data_center__evidence": evidence,
        "finance__smart_city_investment": investments,
        **{f"{name}__supported_project": partial(supported_projects, department=name) for name in _SUPPORTERS},
        "cyberspace__security_incident": security_incidents,
    },
    operands,
)
