"""Requests for shared data and what became of them."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import numpy as np
import polars as pl

from connectors.sample.calendar import month_later
from connectors.sample.city import RELEVANT, City
from connectors.sample.draws import choose, read_table, some

_OVERDUE = "市国资委"
"""Its pending request is past the tenth working day: the department does not share."""
_LAST_DAY = "市投资促进局"
"""Its pending request is on its tenth working day: still in order."""
_PURPOSES = ("办理依申请事项时核验", "联合监管比对", "统计分析", "信用评价", "减证便民，免于提交证明")


def sharing_requests(city: City, catalogue: pl.DataFrame) -> pl.DataFrame:
    """Make big_data_center__sharing_request as it stands on the as-of date.

    A drawn request is decided within nine calendar days; the planted ones show each side of the ten-working-day limit.
    """
    owned = catalogue.filter((pl.col("sharing_type") == "有条件共享") & (pl.col("status") == "在用"))
    drawn = _drawn_requests(city, owned)
    planted = pl.DataFrame(_planted_requests(city, catalogue, owned), schema=drawn.schema, orient="row")
    table = pl.concat([drawn, planted]).filter(pl.col("requested_at").dt.date() <= city.as_of)
    day = pl.col("requested_at").dt.date()
    table = table.sort("requested_at", "resource_code", maintain_order=True)
    decided = (pl.col("decided_at").dt.date() <= city.as_of).fill_null(value=False) & pl.col("withdrawn_on").is_null()
    agreed = decided & pl.col("is_within_condition")
    number = pl.int_range(1, pl.len() + 1).over(day).cast(pl.String).str.zfill(3)
    return table.select(
        pl.concat_str(pl.lit("SQ"), day.dt.strftime("%Y%m%d"), pl.lit("-"), number).alias("request_no"),
        "resource_code",
        "applicant_code",
        "purpose",
        "is_within_condition",
        "requested_at",
        pl.when(agreed)
        .then(pl.lit("同意"))
        .when(decided)
        .then(pl.lit("不同意"))
        .otherwise(pl.lit("待受理"))
        .alias("decision"),
        pl.when(decided).then("decided_at").alias("decided_at"),
        agreed.alias("is_authorised"),
        pl.lit("编号、名称、状态").alias("item_names"),
        pl.lit("全市").alias("row_scope"),
        pl.when(agreed).then(pl.lit(city.first_as_of + timedelta(days=730))).alias("valid_until"),
        pl.when(pl.col("withdrawn_on") <= city.as_of).then("withdrawn_on").alias("withdrawn_on"),
        pl.lit(value=True).alias(RELEVANT),
    )


def _drawn_requests(city: City, owned: pl.DataFrame) -> pl.DataFrame:
    applicants = read_table("departments.csv").filter(pl.col("level") == "市级")["code"]
    parts = []
    until = city.first_as_of
    for round_no in range(1, city.round_no + 1):
        rng = city.stream("requests", round_no)
        count, span = (2 * len(owned), 300) if round_no == 1 else (max(len(owned) // 10, 1), 27)
        resource = rng.integers(0, len(owned), count)
        days = np.datetime64(until) - rng.integers(0, span, count).astype("timedelta64[D]")
        asked = days.astype("datetime64[us]") + rng.integers(8 * 3600, 17 * 3600, count).astype("timedelta64[s]")
        answered = asked + rng.integers(3600, 9 * 86_400, count).astype("timedelta64[s]")
        parts.append(
            pl.DataFrame(
                {
                    "resource_code": owned["resource_code"].gather(resource),
                    "applicant_code": applicants.gather(rng.integers(0, len(applicants), count)),
                    "purpose": choose(rng, _PURPOSES, count),
                    "is_within_condition": pl.Series(some(rng, count, 0.93)),
                    "requested_at": pl.Series(asked),
                    "decided_at": pl.Series(answered),
                    "withdrawn_on": pl.Series([None] * count, dtype=pl.Date),
                }
            )
        )
        until = month_later(until)
    return pl.concat(parts)


def _planted_requests(city: City, catalogue: pl.DataFrame, owned: pl.DataFrame) -> list[tuple[object, ...]]:
    """Return requests as rows of `_drawn_requests`: on the last day, overdue, withdrawn, refused, not conditional."""
    first, calendar = city.first_as_of, city.calendar
    late = calendar.back(first, 25)

    def row(owner: str, day: date, **other: object) -> tuple[object, ...]:
        kind = other.get("kind", "有条件共享")
        pool = owned if kind == "有条件共享" else catalogue.filter(pl.col("sharing_type") == kind)
        code = pool.filter(pl.col("department_name") == owner)["resource_code"][0]
        asked = datetime.combine(day, time(10, 30))
        return (
            code,
            "3710035",
            _PURPOSES[0],
            other.get("within", True),
            asked,
            other.get("decided"),
            other.get("withdrawn"),
        )

    answered = datetime.combine(first + timedelta(days=12), time(9, 0))
    return [
        row(_LAST_DAY, calendar.back(first, 10), decided=datetime.combine(first + timedelta(days=9), time(16, 0))),
        row(_OVERDUE, calendar.back(first, 11), decided=answered),
        row("市林业局", late, withdrawn=late + timedelta(days=1)),
        row("市综合行政执法局", late, within=False, decided=datetime.combine(late + timedelta(days=2), time(9, 0))),
        row("市体育局", late, decided=datetime.combine(calendar.back(first, 3), time(9, 0))),
        row("市人防办", late, kind="无条件共享"),
    ]
