"""Who works for whom in the city, and the short list of new-IT classes of industry that it delivers."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl

from connectors.sample.city import RELEVANT, City
from connectors.sample.operands import Operands, Registers, annual_figures, count_operand, yearly_operands
from connectors.sample.topic import Topic

_PENSION_AGE = {"男": 60, "女": 55}
EMPLOYED = 0.42
"""Share of those of working age who are employees, of their own or of a company."""
_NEW_IT = "新一代信息技术产业"
_CLASSES = (
    (_NEW_IT, "1.2", "3985", "电子专用材料制造", True),
    (_NEW_IT, "1.3", "6440", "互联网安全服务", False),
    (_NEW_IT, "1.3", "6513", "应用软件开发", False),
    (_NEW_IT, "1.3", "6531", "信息系统集成服务", False),
    (_NEW_IT, "1.4", "6550", "信息处理和存储支持服务", False),
    ("高端装备制造产业", "2.5", "3731", "金属船舶制造", True),
)
"""Of the sample, not the official table: some classes that the city's companies have."""


def ended_month(as_of: date) -> str:
    """Return the last month (YYYYMM) that has ended by a date."""
    return f"{(as_of + timedelta(days=1)).replace(day=1) - timedelta(days=1):%Y%m}"


def is_payee() -> pl.Expr:
    """Tell who reached the age of a pension, the dead included."""
    return pl.col("age") >= pl.col("sex").replace_strict(_PENSION_AGE, return_dtype=pl.Int32)


def employees(city: City) -> pl.DataFrame:
    """Return everybody who is employed, with the employer and its industry.

    Returns:
        The columns of `City.present`, and employer_no, employer_uscc, employer_name, employer_industry; alone: has no
        employer.
    """
    people, count = city.present, len(city.people)
    companies = city.entities.filter(
        (pl.col("kind") == "91")
        & (pl.col("established_on") <= city.first_as_of)
        & (pl.col("cancelled_on").is_null() | (pl.col("cancelled_on") > city.first_as_of))
    )
    weight = city.stream("employers").random(count) ** 2
    employer = companies[(weight * len(companies)).astype(np.int64)]
    alone = city.marks("no employer", city.noise.without_employer)
    working = pl.col("is_here") & pl.col("age").is_between(20, 59) & ~is_payee() & city.marks("employed", EMPLOYED)
    return (
        people.lazy()
        .with_columns(
            employer_no=employer["entity_no"],
            employer_uscc=employer["uscc"],
            employer_name=employer["name"],
            employer_industry=employer["industry_code"],
            alone=alone,
        )
        .filter(working)
        .collect()
    )


def is_new_it() -> pl.Expr:
    """Tell which employees work in an industry of the list."""
    listed = [industry for group, _, industry, _, _ in _CLASSES if group == _NEW_IT]
    return ~pl.col("alone") & pl.col("employer_industry").is_in(listed)


def classes(_: City) -> pl.DataFrame:
    """Make statistics__strategic_industry_class."""
    columns = ["industry_group", "strategic_code", "industry_code", "industry_name", "is_partial"]
    return pl.DataFrame(list(_CLASSES), schema=columns, orient="row").with_columns(pl.lit(value=True).alias(RELEVANT))


def operands(city: City, registers: Registers) -> Operands:
    """Compute indicator 28."""
    counted = employees(city).filter(is_new_it())
    annual = annual_figures(registers["statistics__annual_indicator"], "总就业人口", city.as_of)
    return {
        "newgen_it_employment_share": {
            "newgen_it_employees": count_operand(counted["person_no"].n_unique(), ended_month(city.as_of)),
            **yearly_operands({"total_employed": annual}, city.as_of),
        }
    }


TOPIC = Topic({"statistics__strategic_industry_class": classes}, operands)
