"""Registers of the city's economy: the enterprise register, cloud enterprises, recognitions and yearly figures."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl

from connectors.sample.city import ENTITY, RELEVANT, City
from connectors.sample.draws import choose, exactly
from connectors.sample.employment import employees, is_new_it
from connectors.sample.entities import make_entities
from connectors.sample.identifiers import credit_codes
from connectors.sample.lives import at

_PROVIDERS = {"浪潮云": 30, "阿里云": 22, "华为云": 18, "天翼云": 12, "移动云": 9, "腾讯云": 5, "联通云": 4}
_CLOUD_TARGET = 2_137
"""Enterprises on the cloud that count, in a city large enough: more than 2,000, fewer than 3,000."""
_REGISTER = (
    "uscc", "registration_no", "name", "entity_type", "legal_representative", "registered_capital", "established_on",
    "business_scope", "operates_from", "operates_to", "address", "division_code", "registration_authority",
    "industry_code", "status", "cancelled_on", "updated_at",
)  # fmt: skip


def later_entities(city: City, before: pl.DataFrame) -> pl.DataFrame:
    """Move the entities one month on: some new, some moved, some cancelled.

    Args:
        city: the city at its new date, still holding the entities of the round before.
        before: those entities.
    """
    rng = city.stream("entities", city.round_no)
    count = len(before)
    born = make_entities(
        max(count // 100, 1), rng, city.as_of, city.population, city.places, first=int(before["entity_no"][-1]) + 1
    )
    opened = pl.Series(np.datetime64(city.as_of) - rng.integers(1, 25, len(born)).astype("timedelta64[D]"))
    born = born.with_columns(
        established_on=opened,
        operates_from=opened,
        operates_to=pl.lit(date(9999, 12, 31)),
        registration_no=pl.lit(None, dtype=pl.String),
        status=pl.lit("在用"),
        cancelled_on=pl.lit(None, dtype=pl.Date),
        updated_at=opened.cast(pl.Datetime("us")).dt.offset_by("10h"),
    )
    draw = pl.Series(rng.random(count))
    alive = pl.col("status") == "在用"
    ends = alive & (draw < 0.003)
    moves = alive & (draw > 0.99)
    day = city.as_of - timedelta(days=int(rng.integers(2, 20)))
    kept = before.with_columns(
        status=pl.when(ends).then(pl.lit("注销")).otherwise("status"),
        cancelled_on=pl.when(ends).then(pl.lit(day)).otherwise("cancelled_on"),
        address=pl.when(moves).then(pl.concat_str("address", pl.lit("之一"))).otherwise("address"),
        updated_at=pl.when(ends | moves)
        .then(pl.lit(day).cast(pl.Datetime("us")).dt.offset_by("15h"))
        .otherwise("updated_at"),
    )
    return pl.concat([kept, born.select(kept.columns)])


def enterprises(city: City, cloud: pl.DataFrame) -> pl.DataFrame:
    """Make market_regulation__enterprise; relevant are the companies on the cloud and the employers in new IT."""
    employers = employees(city).filter(is_new_it())["employer_uscc"]
    listed = pl.col("uscc").is_in([*cloud["uscc"], *employers])
    return city.entities.select(*_REGISTER, listed.alias(RELEVANT), pl.col("entity_no").alias(ENTITY))


def cloud_enterprises(city: City, before: pl.DataFrame | None) -> pl.DataFrame:
    """Make industry_it__cloud_enterprise.

    Besides the companies that count it lists second contracts of the same company with another provider, cancelled
    companies, companies of other cities, codes that no register knows, and contracts that ended.

    Args:
        city: the city.
        before: the list of the round before, which this one continues.
    """
    if before is not None:
        return _later_cloud(city, before)
    rng = city.stream("cloud")
    entities = city.entities
    local = entities["district"].str.starts_with("3710")
    alive = entities["status"] == "在用"
    companies = entities["kind"] == "91"
    pool = (local & alive & companies).arg_true().to_numpy()
    counted = rng.permutation(pool)[: min(_CLOUD_TARGET, max(len(pool) * 9 // 10, 1))]
    rest = np.setdiff1d(pool, counted)
    ended = rng.permutation((local & ~alive).arg_true().to_numpy())[: 2 + len(counted) // 30]
    outside = rng.permutation((~local & alive).arg_true().to_numpy())[: 1 + len(counted) // 50]
    stopped = rng.permutation(rest)[: 1 + len(counted) // 45]
    second = counted[exactly(rng, len(counted), len(counted) // 8)]
    rows = np.r_[counted, second, ended, outside, stopped]
    status = np.full(len(rows), "在用")
    status[len(rows) - len(stopped) :] = "停用"
    kept_as_they_are = np.arange(len(rows)) < len(counted)
    kept_as_they_are[len(rows) - len(stopped) :] = True
    provider = _providers(city, "cloud providers", len(rows))
    own = np.searchsorted(np.sort(counted), second)
    sorted_provider = provider[np.argsort(counted)][own]
    place = slice(len(counted), len(counted) + len(second))
    provider[place] = (sorted_provider + 1 + rng.integers(0, len(_PROVIDERS) - 1, len(second))) % len(_PROVIDERS)
    listed = _rows(city, rng, entities[rows], provider=provider, status=status, relevant=kept_as_they_are)
    unknown = _unknown_companies(city, rng, 2 + len(counted) // 40)
    table = pl.concat([listed, unknown])
    return table[rng.permutation(len(table))]


def _providers(city: City, name: str, count: int) -> np.ndarray:
    weights = np.array(list(_PROVIDERS.values()), dtype=np.float64)
    return city.stream(name).choice(len(_PROVIDERS), count, p=weights / weights.sum())


def _rows(
    city: City,
    rng: np.random.Generator,
    entities: pl.DataFrame,
    *,
    provider: np.ndarray,
    status: np.ndarray,
    relevant: np.ndarray,
) -> pl.DataFrame:
    span = np.minimum((np.datetime64(city.as_of) - entities["established_on"].to_numpy()).astype(np.int64), 1_000)
    migrated = np.datetime64(city.as_of) - (span * rng.uniform(0.02, 0.98, len(span))).astype("timedelta64[D]")
    return pl.DataFrame(
        {
            "uscc": entities["uscc"],
            "name": entities["name"],
            "provider": pl.Series(list(_PROVIDERS)).gather(provider),
            "migrated_on": pl.Series(migrated.astype("datetime64[D]")),
            "status": pl.Series(status, dtype=pl.String),
            RELEVANT: pl.Series(relevant),
            ENTITY: entities["entity_no"],
        }
    )


def _unknown_companies(city: City, rng: np.random.Generator, count: int) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "uscc": credit_codes(["91"] * count, np.full(count, 371000), 25_000_000 + np.arange(count)),
            "name": pl.Series([f"威海未登记样例{n}有限公司" for n in range(1, count + 1)]),
            "provider": choose(rng, list(_PROVIDERS), count),
            "migrated_on": pl.Series(np.datetime64(city.as_of) - rng.integers(30, 600, count).astype("timedelta64[D]")),
            "status": pl.Series(["在用"] * count),
            RELEVANT: pl.Series([False] * count),
            ENTITY: pl.Series([None] * count, dtype=pl.Int32),
        }
    )


def _later_cloud(city: City, before: pl.DataFrame) -> pl.DataFrame:
    """Continue the list: a few contracts are gone, one in a hundred is new."""
    rng = city.stream("cloud", city.round_no)
    kept = before.filter(~pl.Series(exactly(rng, len(before), len(before) // 300)))
    listed = set(before["uscc"])
    entities = city.entities.filter(
        pl.col("district").str.starts_with("3710") & (pl.col("status") == "在用") & (pl.col("kind") == "91")
    ).filter(~pl.col("uscc").is_in(listed))
    count = min(max(len(before) // 60, 1), len(entities))
    fresh = entities[np.sort(rng.permutation(len(entities))[:count])]
    provider = _providers(city, f"cloud providers {city.round_no}", count)
    added = _rows(
        city,
        rng,
        fresh,
        provider=provider,
        status=np.full(count, "在用"),
        relevant=np.ones(count, dtype=np.bool_),
    )
    return pl.concat([kept, added])


def recognitions(city: City) -> pl.DataFrame:
    """Make industry_it__recognition: 3 bases, 2 parks and 2 nodes count; others are revoked, repeated or municipal."""
    year = city.first_as_of.year
    base, park, node = "国家新型工业化产业示范基地", "数字经济园区", "工业互联网标识解析二级节点"
    rows: list[tuple[str, str, str, date, date | None]] = [
        (base, "威海火炬高技术产业开发区医疗器械", "国家级", date(year - 8, 1, 15), None),
        (base, "威海临港区高性能纤维", "国家级", date(year - 6, 2, 20), date(year + 1, 6, 30)),
        (base, "荣成市海洋生物与健康食品", "国家级", date(year - 7, 3, 10), None),
        (base, "荣成市海洋生物与健康食品", "国家级", date(year - 2, 3, 12), None),
        (base, "文登区工模具及机电工具", "国家级", date(year - 9, 11, 5), date(year, 3, 1)),
        (park, "威海服务贸易数字产业园", "省级", date(year - 2, 9, 28), None),
        (park, "威海信息技术应用创新园", "国家级", date(year - 1, 12, 8), None),
        (park, "荣成市海洋大数据园", "市级", date(year - 2, 5, 6), None),
        (park, "乳山市电商直播园", "市级", date(year - 1, 5, 18), None),
        (park, "环翠区软件园", "省级", date(year - 3, 8, 1), city.first_as_of),
        (node, "威海医疗器械行业节点", "国家级", date(year - 1, 7, 1), None),
        (node, "威海智能打印行业节点", "国家级", date(year, 4, 22), None),
    ]
    if city.round_no > 1:
        rows.append((park, "文登区智能制造园", "省级", city.first_as_of + timedelta(days=15), None))
    table = pl.DataFrame(
        rows, schema=["kind", "entity_name", "level", "recognised_on", "revoked_on"], orient="row"
    ).with_columns(pl.col("revoked_on").cast(pl.Date))
    number = pl.int_range(1, pl.len() + 1).cast(pl.String)
    return table.filter(pl.col("recognised_on") <= city.as_of).select(
        "kind",
        "entity_name",
        "level",
        pl.concat_str(
            pl.lit("鲁工信认〔"), pl.col("recognised_on").dt.year(), pl.lit("〕"), number, pl.lit("号")
        ).alias("document_no"),
        "recognised_on",
        "revoked_on",
        pl.lit(value=True).alias(RELEVANT),
    )


def ecommerce(city: City) -> pl.DataFrame:
    """Make commerce__ecommerce: five years, the last of them still running and reported for its first half."""
    year = city.first_as_of.year
    values = {year - 4: 231.7, year - 3: 287.45, year - 2: 352.6, year - 1: 418.95, year: 236.4}
    return pl.DataFrame(
        {
            "year": [str(y) for y in values],
            "transaction_yi_cny": list(values.values()),
            RELEVANT: [True] * len(values),
        }
    )


_YEARLY: dict[str, tuple[str, float, float]] = {
    "地区生产总值": ("亿元", 3017.79, 1.02),
    "社会消费品零售总额": ("亿元", 1396.5, 0.97),
}
"""Unit, value of the year before the as-of date, and growth into it. The sample's own figures, near to public ones."""
_ONLINE, _EMPLOYED = 0.917, 0.579
"""Households with internet per household, and employed persons per inhabitant."""
_REGION_SHARES = {"371002": 0.36, "371003": 0.21, "371082": 0.26, "371083": 0.17}


def _of_people(city: City, year_end: date) -> dict[str, tuple[str, float, float]]:
    """Return the figures that count the city's own people, at the end of a year."""
    residents = at(city.people, year_end).filter("is_here")
    persons, households = len(residents) / 10_000, residents["household_no"].n_unique() / 10_000
    return {
        "年末总人口": ("万人", persons, 1.002),
        "总户数": ("万户", households, 1.008),
        "上网家庭数": ("万户", households * _ONLINE, 1.03),
        "总就业人口": ("万人", persons * _EMPLOYED, 0.995),
    }


def annual_indicators(city: City) -> pl.DataFrame:
    """Make statistics__annual_indicator: six figures by year, region and vintage, as published by the as-of date.

    Retail sales of the last full year: with the preliminary figure e-commerce is over 30 % of them, with the annual
    one exactly 30 %, and with the final one, published after the first round, over 30 % again.
    """
    last = city.first_as_of.year - 1
    rows: list[tuple[str, str, str, str, float, str | None, date]] = []
    for name, (unit, value, growth) in (_YEARLY | _of_people(city, date(last, 12, 31))).items():
        digits = 2 if unit == "亿元" else 4
        for back in range(4):
            year, whole = last - back, value / growth**back
            annual, early = date(year + 1, 8, 20), round(whole * 0.974, digits)
            vintage = "年报" if back % 2 == 0 else None
            rows.append((name, unit, "371000", str(year), round(whole, digits), vintage, annual))
            rows.append((name, unit, "371000", str(year), early, "初步核算", date(year + 1, 3, 15)))
            rows.extend(
                (name, unit, code, str(year), round(whole * share, digits), "年报", annual)
                for code, share in _REGION_SHARES.items()
            )
    retail, unit = "社会消费品零售总额", "亿元"
    rows.append((retail, unit, "371000", str(last), 1350.2, "快报", date(last + 1, 1, 25)))
    rows.append((retail, unit, "371000", str(last + 1), 702.3, "快报", date(last + 1, 7, 20)))
    rows.append((retail, unit, "371000", str(last), 1390.0, "最终核实", date(last + 1, 10, 20)))
    table = pl.DataFrame(
        rows,
        schema=["indicator_name", "unit", "region_code", "year", "value", "vintage", "published_on"],
        orient="row",
    )
    return table.filter(pl.col("published_on") <= city.as_of).with_columns(
        (pl.col("region_code") == "371000").alias(RELEVANT)
    )
