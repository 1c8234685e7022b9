"""Registers of local features: pilots, publicity, experience promoted elsewhere, and smart communities."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl

from connectors.sample.calendar import same_day_before
from connectors.sample.city import City, Profile
from connectors.sample.draws import choose
from connectors.sample.operands import Operand, Operands, Registers, count_operand
from connectors.sample.topic import Topic, begun, by_profile, in_use, marked

_PER_STREET, _VILLAGES_PER_STREET = 4, 3
_CLOSED = 6
"""Communities of the list that were closed; all of them had been recognised."""


def pilots(city: City) -> pl.DataFrame:
    """Make big_data_center__pilot: two national and three provincial ones count; one is both, one has ended."""
    day, year = city.first_as_of, city.first_as_of.year
    rows = [
        ("新型智慧城市试点", "国家级", date(year - 4, 8, 1), "在用"),
        ("智慧社区治理试点", "国家级", day, "在用"),
        ("电子证照应用试点", "国家级", date(year - 6, 5, 1), "停用"),
        ("新型智慧城市试点", "省级", date(year - 5, 3, 12), "在用"),
        ("数字政府综合试点", "省级", date(year - 1, 12, 8), "在用"),
        ("公共数据开放试点", "省级", date(year - 2, 6, 30), "在用"),
        ("智慧海洋试点", "省级", date(year - 2, 10, 17), "在用"),
        ("城市大脑试点", "省级", day + timedelta(days=14), "在用"),
        ("智慧停车试点", "市级", date(year - 1, 4, 2), "在用"),
    ]
    if city.profile is Profile.FAILING:
        rows = [row for row in rows if row[1] != "国家级"]
    table = pl.DataFrame(rows, schema=["name", "level", "approved_on", "status"], orient="row")
    number = pl.int_range(1, pl.len() + 1).cast(pl.String)
    return table.select(
        pl.concat_str(pl.lit("SD"), number.str.zfill(3)).alias("pilot_no"),
        "name",
        "level",
        pl.concat_str(pl.lit("试点函〔"), pl.col("approved_on").dt.year(), pl.lit("〕"), number, pl.lit("号")).alias(
            "document_no"
        ),
        "approved_on",
        "status",
    )


def publicity(city: City) -> pl.DataFrame:
    """Make big_data_center__publicity: four events and two exhibits within two years, others too old or too local."""
    day, year = city.first_as_of, city.first_as_of.year
    event, exhibit = "宣传体验活动", "省数据大厅展示"
    limit = same_day_before(day, months=24)
    rows = [
        ("数字山东建设宣传周威海分会场", event, "省级", limit),
        ("智慧城市体验日", event, "省级", limit + timedelta(days=1)),
        ("国家网络安全宣传周威海活动", event, "国家级", date(year - 1, 9, 15)),
        ("政务服务体验活动", event, "省级", date(year, 3, 20)),
        ("智慧城市博览会威海展区", event, "国家级", date(year, 5, 26)),
        ("进社区体验活动", event, "市级", date(year, 4, 10)),
        ("海洋大数据展示", exhibit, "省级", date(year, 6, 1)),
        ("精准医疗展示", exhibit, "省级", date(year - 1, 11, 11)),
        ("早期成果展示", exhibit, "省级", date(year - 3, 11, 11)),
    ]
    if city.profile is Profile.FAILING:
        rows = [row for row in rows if row[3].year < year]
    table = pl.DataFrame(rows, schema=["title", "kind", "level", "held_on"], orient="row")
    number = pl.int_range(1, pl.len() + 1).cast(pl.String)
    return table.filter(pl.col("held_on") <= city.as_of).select(
        pl.concat_str(pl.lit("XC"), number.str.zfill(3)).alias("activity_no"),
        pl.all(),
        pl.concat_str(pl.lit("鲁数〔"), pl.col("held_on").dt.year(), pl.lit("〕"), number, pl.lit("号")).alias(
            "document_no"
        ),
    )


def demonstrations(city: City) -> pl.DataFrame:
    """Make big_data_center__demonstration: three experiences at provincial level, one of them at national level too."""
    day, year = city.first_as_of, city.first_as_of.year
    rows = [
        ("SF001", "海贝分信用应用", "优政", "省级", date(year - 2, 7, 1)),
        ("SF001", "海贝分信用应用", "优政", "国家级", date(year - 1, 10, 9)),
        ("SF002", "精致城市一网统管", "惠民", "省级", date(year - 1, 5, 20)),
        ("SF003", "海洋牧场数字化", "兴业", "省级", day),
        ("SF004", "智慧养老", "惠民", "市级", date(year - 1, 8, 8)),
        ("SF005", "智慧渔港", "兴业", "省级", day + timedelta(days=20)),
    ]
    if city.profile is Profile.FAILING:
        rows = [row for row in rows if row[0] != "SF001"]
    table = pl.DataFrame(rows, schema=["experience_no", "title", "field", "level", "promoted_on"], orient="row")
    number = pl.int_range(1, pl.len() + 1).cast(pl.String)
    return table.with_columns(
        document_no=pl.concat_str(
            pl.lit("推广函〔"), pl.col("promoted_on").dt.year(), pl.lit("〕"), number, pl.lit("号")
        )
    )


def communities(city: City) -> pl.DataFrame:
    """Make civil_affairs__community: communities and villages of every street, some communities closed."""
    streets = city.places.streets
    per_street = _PER_STREET + _VILLAGES_PER_STREET
    street = np.repeat(np.arange(len(streets)), per_street)
    number = np.tile(np.arange(per_street), len(streets))
    is_village = pl.Series(number >= _PER_STREET)
    table = pl.DataFrame(
        {"code": streets["code"].gather(street), "number": number, "street": streets["name"].gather(street)}
    )
    kind = pl.when(is_village).then(pl.lit("村委会")).otherwise(pl.lit("社区居委会"))
    serial = pl.when(is_village).then(pl.col("number") + 200).otherwise(pl.col("number") + 1)
    listed = table.select(
        pl.concat_str("code", serial.cast(pl.String).str.zfill(3)).alias("community_code"),
        pl.concat_str(
            "street", pl.col("number") + 1, pl.when(is_village).then(pl.lit("村")).otherwise(pl.lit("社区"))
        ).alias("name"),
        kind.alias("kind"),
    )
    place = pl.int_range(pl.len()).over("kind")
    is_closed = (pl.col("kind") == "社区居委会") & (place < _CLOSED)
    return listed.with_columns(status=pl.when(is_closed).then(pl.lit("撤销")).otherwise(pl.lit("在用")))


def smart_communities(city: City) -> pl.DataFrame:
    """Make big_data_center__smart_community: 42 % of the communities; also closed ones, villages, revoked, to come."""
    rng, listed = city.stream("smart communities"), communities(city)
    past = np.datetime64(city.first_as_of) - rng.integers(0, 900, len(listed)).astype("timedelta64[D]")
    facts = listed.select(
        "community_code",
        "name",
        choose(rng, ("省级", "市级"), len(listed), (0.7, 0.3)).alias("level"),
        pl.Series(past).alias("recognised_on"),
        pl.lit("在用").alias("status"),
    )
    is_own = listed.select((pl.col("kind") == "社区居委会") & in_use()).to_series()
    own = facts.filter(is_own)
    smart = marked(city, "smart communities", len(own), by_profile(city, 0.42, 0.22), monthly=2)
    # the same order in every round, so that these never become smart
    never = own.filter(~marked(city, "smart communities", len(own), 0.9))
    to_come = pl.lit(date(city.first_as_of.year + 2, 6, 1)).alias("recognised_on")
    table = pl.concat(
        [
            own.filter(smart),
            facts.filter(listed["status"] != "在用"),
            facts.filter(listed["kind"] == "村委会")[:5],
            never[:4].with_columns(status=pl.lit("撤销")),
            never[4:8].with_columns(to_come),
        ]
    )
    every_sixth = pl.Series(np.arange(len(own)) % 6 == 0)
    second = own.filter(smart & every_sixth).with_columns(level=pl.lit("国家级"))
    return pl.concat([table, second]).with_columns(
        document_no=pl.concat_str(
            pl.lit("智慧社区函〔"),
            pl.col("recognised_on").dt.year(),
            pl.lit("〕"),
            pl.col("community_code").str.slice(6),
            pl.lit("号"),
        )
    )


def operands(city: City, registers: Registers) -> Operands:
    """Compute indicators 46 to 49."""
    running = registers["big_data_center__pilot"].filter(in_use() & begun("approved_on", city.as_of))
    national = set(running.filter(pl.col("level") == "国家级")["name"])
    provincial = set(running.filter(pl.col("level") == "省级")["name"]) - national
    promoted = registers["big_data_center__demonstration"].filter(begun("promoted_on", city.as_of))
    listed = registers["civil_affairs__community"].filter((pl.col("kind") == "社区居委会") & in_use())
    smart = registers["big_data_center__smart_community"].filter(in_use() & begun("recognised_on", city.as_of))

    def at_level(level: str) -> Operand:
        return count_operand(promoted.filter(pl.col("level") == level)["experience_no"].n_unique())

    return {
        "pilot_programmes": {
            "national_pilots": count_operand(len(national)),
            "provincial_pilots": count_operand(len(provincial)),
        },
        "publicity_experience": _publicity(registers["big_data_center__publicity"], city.as_of),
        "innovation_demonstration": {
            "provincial_promoted": at_level("省级"),
            "national_promoted": at_level("国家级"),
        },
        "smart_community_coverage": {
            "communities": count_operand(len(listed)),
            "smart_communities": count_operand(len(set(listed["community_code"]) & set(smart["community_code"]))),
        },
    }


def _publicity(activities: pl.DataFrame, as_of: date) -> dict[str, Operand]:
    since = same_day_before(as_of, months=24)
    counted = activities.filter(
        (pl.col("held_on") > since) & (pl.col("held_on") <= as_of) & pl.col("level").is_in(["国家级", "省级"])
    )
    period = f"{since + timedelta(days=1)}/{as_of}"
    return {
        operand: Operand(count_operand(len(counted.filter(pl.col("kind") == kind))).value, period)
        for operand, kind in (("activities", "宣传体验活动"), ("province_hall_exhibits", "省数据大厅展示"))
    }


TOPIC = Topic(
    {
        "big_data_center__pilot": pilots,
        "big_data_center__publicity": publicity,
        "big_data_center__demonstration": demonstrations,
        "civil_affairs__community": communities,
        "big_data_center__smart_community": smart_communities,
    },
    operands,
)
