"""The companies and sole traders of the sample city, their representatives taken from its people."""

from __future__ import annotations

from datetime import date

import numpy as np
import numpy.typing as npt
import polars as pl

from connectors.sample.draws import choose, positions, read_table, some
from connectors.sample.identifiers import credit_codes, old_registration_numbers
from connectors.sample.places import Places

LONG_TERM = date(9999, 12, 31)
_KINDS = {"91": 0.70, "92": 0.26, "93": 0.04}
"""Companies, sole traders and farmers' cooperatives by the first two characters of their credit code."""
_COMPANY_TYPES = (
    "有限责任公司(自然人投资或控股)",
    "有限责任公司(自然人独资)",
    "有限责任公司(法人独资)",
    "股份有限公司(非上市)",
)
_FIRST = "恒鑫海瑞金宏盛华天泰德润东顺和兴永安嘉鼎汇博诚信远航蓝威鲁光新凯利达福祥昊宇佳康正源通亿百盈"
_SECOND = "达源兴盛通泰昌隆旺丰顺成和信诚德润发荣辉宇航海洋峰林康宁佳美乐科创智联合众禾硕腾翔越阳"
_ELSEWHERE = (370202, 370602, 370682, 370102)
"""Divisions of companies that stand in the register though their seat is in another city."""


def make_entities(
    count: int, rng: np.random.Generator, as_of: date, population: pl.DataFrame, places: Places, *, first: int = 0
) -> pl.DataFrame:
    """Make `count` legal entities with valid credit codes, as of a date.

    Args:
        count: how many.
        rng: the stream to draw from.
        as_of: nobody is registered later than this.
        population: people to choose representatives from.
        places: where the seats are.
        first: number of the first entity; ranges that do not overlap give codes and names that do not repeat.

    Returns:
        One row per entity: entity_no, kind, uscc, registration_no, name, entity_type, legal_representative,
        legal_representative_no, registered_capital (yuan), established_on, business_scope, operates_from,
        operates_to, address, division_code (null for a few: their credit code says it), registration_authority,
        industry_code, status, cancelled_on, updated_at, district (six digits, true also where division_code is null).
    """
    number = np.arange(first, first + count, dtype=np.int64)
    kinds = choose(rng, list(_KINDS), count, list(_KINDS.values()))
    age = (as_of - date(1992, 1, 1)).days
    established = np.datetime64(as_of, "D") - (2 + (age - 2) * rng.beta(1.1, 3.0, count)).astype("timedelta64[D]")
    seats = places.addresses(rng, count)
    outside = some(rng, count, 0.02)
    district = np.where(
        outside,
        np.array(_ELSEWHERE)[rng.integers(0, len(_ELSEWHERE), count)],
        seats["district"].cast(pl.Int64).to_numpy(),
    )
    authority = np.where((district // 100 == 3710) & some(rng, count, 0.12), 371000, district)
    trades = read_table("trades.csv")
    trade = positions(rng, len(trades), count, trades["weight"].cast(pl.Float64).to_list())
    representative = _representatives(rng, population, count, as_of)
    ended, status, cancelled = _endings(rng, established, as_of)
    serials = authority * 10**8 + 200_000_00 + number
    frame = pl.DataFrame(
        {
            "entity_no": pl.Series(number, dtype=pl.Int32),
            "kind": kinds,
            "uscc": credit_codes(kinds.to_list(), authority, number + 1),
            "registration_no": old_registration_numbers(serials),
            "name": _names(number, kinds, trades["word"].gather(trade), pl.Series(district)),
            "entity_type": _types(rng, kinds),
            "legal_representative": population["name"].gather(representative),
            "legal_representative_no": population["person_no"].gather(representative),
            "registered_capital": _capital(rng, kinds),
            "established_on": pl.Series(established),
            "business_scope": trades["scope"].gather(trade).str.replace_all(";", "；")
            + "。（依法须经批准的项目，经相关部门批准后方可开展经营活动）",
            "operates_from": pl.Series(established),
            "address": _addresses(seats["address"], pl.Series(district)),
            "division_code": pl.Series(district).cast(pl.String),
            "registration_authority": pl.Series(authority).replace_strict(_AUTHORITIES, return_dtype=pl.String),
            "industry_code": trades["industry_code"].gather(trade),
            "status": status,
            "cancelled_on": cancelled,
            "district": pl.Series(district).cast(pl.String),
        }
    )
    unsaid = pl.Series(some(rng, count, 0.03) & (authority == district))
    old = pl.col("established_on") < date(2015, 10, 1)
    term = pl.col("established_on").dt.offset_by("30y")
    return frame.with_columns(
        pl.when(old).then("registration_no").alias("registration_no"),
        pl.when(unsaid).then(None).otherwise(pl.col("division_code")).alias("division_code"),
        pl.when(pl.Series(some(rng, count, 0.75))).then(pl.lit(LONG_TERM)).otherwise(term).alias("operates_to"),
        pl.Series("updated_at", _updated(rng, established, ended, as_of)),
    )


_AUTHORITIES = {
    371000: "威海市行政审批服务局",
    371002: "威海市环翠区行政审批服务局",
    371003: "威海市文登区行政审批服务局",
    371082: "荣成市行政审批服务局",
    371083: "乳山市行政审批服务局",
    370202: "青岛市市南区行政审批服务局",
    370602: "烟台市芝罘区行政审批服务局",
    370682: "莱阳市行政审批服务局",
    370102: "济南市历下区行政审批服务局",
}
_SEATS = {"370202": "青岛市市南区", "370602": "烟台市芝罘区", "370682": "烟台市莱阳市", "370102": "济南市历下区"}


def _representatives(
    rng: np.random.Generator, population: pl.DataFrame, count: int, as_of: date
) -> npt.NDArray[np.int64]:
    born = population["birth_date"]
    adults = (born < as_of.replace(year=as_of.year - 22, day=1)).arg_true().to_numpy()
    return adults[rng.integers(0, len(adults), count)].astype(np.int64)


def _endings(
    rng: np.random.Generator, established: npt.NDArray[np.datetime64], as_of: date
) -> tuple[npt.NDArray[np.datetime64], pl.Series, pl.Series]:
    """Draw who is cancelled (with the date) or revoked, and the last day each was alive."""
    count = len(established)
    draw = rng.random(count)
    today = np.datetime64(as_of, "D")
    life = (today - established).astype(np.int64)
    last = established + (life * rng.uniform(0.3, 1.0, count)).astype("timedelta64[D]")
    is_cancelled, is_revoked = draw < 0.055, (draw >= 0.055) & (draw < 0.075)
    status = pl.Series(np.where(is_cancelled, "注销", np.where(is_revoked, "吊销", "在用")))
    cancelled = pl.Series(last)
    ended = np.where(is_cancelled | is_revoked, last, today)
    return ended, status, cancelled.set(pl.Series(~is_cancelled), None)


def _updated(
    rng: np.random.Generator,
    established: npt.NDArray[np.datetime64],
    ended: npt.NDArray[np.datetime64],
    as_of: date,
) -> npt.NDArray[np.datetime64]:
    """Draw the time of the last change, in office hours of the day before the date at the latest."""
    life = (ended - established).astype(np.int64)
    day = established + (life * rng.beta(4, 1.5, len(established))).astype("timedelta64[D]")
    day = np.minimum(day, np.datetime64(as_of, "D") - np.timedelta64(1, "D"))
    moment: npt.NDArray[np.datetime64] = day.astype("datetime64[us]") + rng.integers(
        8 * 3600, 18 * 3600, len(day)
    ).astype("timedelta64[s]")
    return moment


def _names(number: npt.NDArray[np.int64], kinds: pl.Series, words: pl.Series, district: pl.Series) -> pl.Series:
    pairs = len(_FIRST) * len(_SECOND)
    index = number * 1_009 % pairs
    first = pl.Series(list(_FIRST)).gather(index // len(_SECOND))
    second = pl.Series(list(_SECOND)).gather(index % len(_SECOND))
    third = pl.Series(["", *_SECOND]).gather(number // pairs % (len(_SECOND) + 1))
    place = district.replace_strict(
        {371082: "荣成", 371083: "乳山", 370202: "青岛", 370602: "烟台", 370682: "莱阳", 370102: "济南"},
        default="威海",
        return_dtype=pl.String,
    )
    frame = pl.DataFrame({"k": kinds, "p": place, "s": first + second + third, "w": words})
    return frame.select(
        pl.when(pl.col("k") == "92")
        .then(pl.concat_str("p", "s", "w", pl.lit("经营部")))
        .when(pl.col("k") == "93")
        .then(pl.concat_str("p", "s", pl.lit("农产品专业合作社")))
        .otherwise(pl.concat_str("p", "s", "w", pl.lit("有限公司")))
        .alias("name")
    )["name"]


def _types(rng: np.random.Generator, kinds: pl.Series) -> pl.Series:
    company = choose(rng, _COMPANY_TYPES, len(kinds), (0.55, 0.32, 0.1, 0.03))
    return pl.DataFrame({"k": kinds, "c": company}).select(
        pl.col("k")
        .replace_strict({"92": "个体工商户", "93": "农民专业合作社"}, default=None, return_dtype=pl.String)
        .fill_null(pl.col("c"))
    )["k"]


def _capital(rng: np.random.Generator, kinds: pl.Series) -> pl.Series:
    """Draw registered capital in yuan: mostly round sums of 10,000, the rest odd ones."""
    wan = np.exp(rng.normal(4.8, 1.5, len(kinds)))
    steps = np.array([5, 10, 50, 100, 500])
    step = steps[np.searchsorted([20, 100, 500, 5000], wan)]
    yuan = np.maximum(np.round(wan / step), 1).astype(np.int64) * step * 10_000
    odd = some(rng, len(kinds), 0.03)
    yuan = np.where(odd, yuan + rng.integers(1, 10_000, len(kinds)), yuan)
    small = rng.integers(1, 20, len(kinds)) * 10_000
    return pl.Series(np.where((kinds == "92").to_numpy(), small, yuan))


def _addresses(addresses: pl.Series, district: pl.Series) -> pl.Series:
    seats = district.cast(pl.String).replace_strict(_SEATS, default=None, return_dtype=pl.String)
    road = addresses.str.extract(r"([^街道镇乡区市]{2,5}(?:路|大道|街)\d+号)$")
    return pl.DataFrame({"a": addresses, "s": seats, "r": road}).select(
        pl.when(pl.col("s").is_null()).then("a").otherwise(pl.concat_str("s", pl.col("r").fill_null("府前路1号")))
    )["a"]
