"""Registers of the city's industry: revenue of software and telecommunications, patents for inventions."""

from __future__ import annotations

from decimal import Decimal
from functools import partial

import polars as pl

from connectors.sample.city import City
from connectors.sample.operands import Operands, Registers, annual_figures, yearly_operands
from connectors.sample.topic import Topic

_OPERATORS = {
    "china_mobile": ("威海移动公司", 214_300.5),
    "china_unicom": ("威海联通公司", 128_411.26),
    "china_telecom": ("威海电信公司", 71_240.0),
    "broadcast_network": ("威海广电网络公司", 18_902.75),
}
"""Who reports its own telecommunication revenue, and how much in the year before the first as-of date (万元)."""
_FIRMS = {
    "威海蓝湾软件有限公司": 391_400.0,
    "威海北洋数码股份有限公司": 402_655.4,
    "威海云创信息技术有限公司": 310_870.25,
    "荣成海智软件有限公司": 188_030.0,
    "文登智造软件有限公司": 121_500.12,
    "乳山数科信息有限公司": 64_212.0,
}
_YEARS, _GROWTH = 3, 1.09
_PATENTS = (4_708, 4_189, 3_702)
"""Valid patents for inventions at the end of the year before the first as-of date, and of those before."""
_DEPARTMENTS = ("industry_it", *_OPERATORS)


def software_revenue(city: City, department: str) -> pl.DataFrame:
    """Make <department>__software_revenue: operators report themselves; the list has them too, and otherwise."""
    last = city.first_as_of.year - 1
    rows: list[tuple[str, str, str, float]] = []
    for back in range(_YEARS):
        year, factor = str(last - back), _GROWTH**-back
        if department != "industry_it":
            unit, revenue = _OPERATORS[department]
            rows.append((unit, year, "电信业务", round(revenue * factor, 2)))
            rows.append((unit, year, "信息技术服务", round(revenue * factor * 0.08, 2)))
            continue
        for firm, revenue in _FIRMS.items():
            rows.append((firm, year, "软件业务", round(revenue * factor * 0.7, 2)))
            rows.append((firm, year, "信息技术服务", round(revenue * factor * 0.3, 2)))
        rows.extend((unit, year, "电信业务", round(revenue * factor * 0.9)) for unit, revenue in _OPERATORS.values())
    if department == "industry_it":
        rows.append(("威海蓝湾软件有限公司", str(last + 1), "软件业务", 205_110.0))
    return pl.DataFrame(rows, schema=["reporting_unit", "year", "kind", "revenue_wan_cny"], orient="row")


def patents(city: City) -> pl.DataFrame:
    """Make market_regulation__invention_patent: three full years."""
    last = city.first_as_of.year - 1
    return pl.DataFrame(
        {"year": [str(last - back) for back in range(len(_PATENTS))], "valid_inventions": list(_PATENTS)}
    )


def operands(city: City, registers: Registers) -> Operands:
    """Compute indicators 21 and 26."""
    annual, as_of = registers["statistics__annual_indicator"], city.as_of
    listed = registers["industry_it__software_revenue"]
    own = pl.concat(registers[f"{operator}__software_revenue"] for operator in _OPERATORS)
    people = annual_figures(annual, "年末总人口", as_of)
    valid = {year: Decimal(count) for year, count in registers["market_regulation__invention_patent"].iter_rows()}
    return {
        "software_revenue_gdp_ratio": yearly_operands(
            {
                "software_it_revenue": revenue_by_year(listed, own),
                "regional_gdp": annual_figures(annual, "地区生产总值", as_of),
            },
            as_of,
        ),
        "invention_patents_growth": yearly_operands(
            {
                "valid_invention_patents_end_year": valid,
                "population_end_year": people,
                "valid_invention_patents_end_prev_year": _a_year_later(valid),
                "population_end_prev_year": _a_year_later(people),
            },
            as_of,
        ),
    }


def revenue_by_year(listed: pl.DataFrame, own: pl.DataFrame) -> dict[str, Decimal]:
    """Return the revenue of all units by year in 亿元; what a unit reports itself replaces what the list says of it.

    Args:
        listed: industry_it__software_revenue.
        own: the operators' software_revenue.
    """
    rest = listed.join(own, on=["reporting_unit", "year"], how="anti")
    totals: dict[str, Decimal] = {}
    for year, revenue in pl.concat([rest, own]).select("year", "revenue_wan_cny").iter_rows():
        totals[year] = totals.get(year, Decimal(0)) + Decimal(str(revenue)) / 10_000
    return totals


def _a_year_later(figures: dict[str, Decimal]) -> dict[str, Decimal]:
    return {str(int(year) + 1): value for year, value in figures.items()}


TOPIC = Topic(
    {
        **{
            f"{department}__software_revenue": partial(software_revenue, department=department)
            for department in _DEPARTMENTS
        },
        "market_regulation__invention_patent": patents,
    },
    operands,
)
