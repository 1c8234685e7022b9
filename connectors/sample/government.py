"""Registers of the city's government: departments, their systems and the main websites."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl

from connectors.sample.city import RELEVANT, City
from connectors.sample.draws import choose, positions, read_table, some
from connectors.sample.identifiers import credit_codes


def departments(city: City) -> pl.DataFrame:
    """Make institution_staffing__department: 37 municipal departments and those that must not count."""
    del city
    table = read_table("departments.csv")
    divisions = (
        table["name"]
        .str.slice(0, 3)
        .replace_strict(
            {"环翠区": 371002, "文登区": 371003, "荣成市": 371082, "乳山市": 371083},
            default=371000,
            return_dtype=pl.Int64,
        )
    )
    numbers = np.arange(len(table)) + 20_000_000
    short = (
        pl.col("name")
        .str.strip_prefix("市")
        .str.replace("人力资源社会保障局", "人社局")
        .str.replace("住房城乡建设局", "住建局")
    )
    return table.select(
        pl.col("code").alias("department_code"),
        credit_codes(["11"] * len(table), divisions.to_numpy(), numbers).alias("uscc"),
        "name",
        short.alias("short_name"),
        "level",
        (pl.col("is_government_department") == "是").alias("is_government_department"),
        "status",
        pl.lit(value=True).alias(RELEVANT),
    )


def information_systems(city: City) -> pl.DataFrame:
    """Make big_data_center__information_system: 115 of 120 on the cloud; retired and classified ones do not count."""
    rng = city.stream("systems")
    counted, retired, classified = 120, 5, 3
    total = counted + retired + classified
    owners = read_table("departments.csv").filter(
        (pl.col("level") == "市级") & (pl.col("subjects").fill_null("") != "")
    )
    names = (
        owners.with_columns(subject=pl.col("subjects").str.split("|"))
        .explode("subject")
        .with_columns(kind=pl.lit(["管理系统", "业务平台"]))
        .explode("kind")
        .select("code", name=pl.concat_str("subject", "kind"))
    )
    picked = names[np.sort(rng.permutation(len(names))[:total])]
    state = rng.permutation(np.repeat(["counted", "retired", "classified"], [counted, retired, classified]))
    on_cloud = np.zeros(total, dtype=np.bool_)
    on_cloud[np.flatnonzero(state == "counted")[: min(115 + city.round_no - 1, counted)]] = True
    is_retired = pl.Series(state == "retired")
    other = pl.Series(some(rng, total, 0.06))
    assessed = pl.Series(np.datetime64(city.first_as_of) - rng.integers(20, 700, total).astype("timedelta64[D]"))
    levels = choose(rng, ("第二级", "第三级", "未定级"), total, (0.55, 0.35, 0.1))
    cloud = pl.Series(on_cloud)
    return pl.DataFrame({"code": picked["code"], "name": picked["name"]}).select(
        pl.concat_str(pl.lit("XT"), pl.int_range(1, pl.len() + 1).cast(pl.String).str.zfill(4)).alias("system_code"),
        "name",
        pl.col("code").alias("department_code"),
        pl.when(cloud & other)
        .then(pl.lit("其他云"))
        .when(cloud)
        .then(pl.lit("政务云"))
        .otherwise(pl.lit("自建机房"))
        .alias("hosting"),
        cloud.alias("is_on_cloud"),
        levels.alias("mlps_level"),
        pl.when(levels != "未定级").then(assessed).alias("last_assessed_on"),
        pl.when(is_retired).then(pl.lit("停用")).otherwise(pl.lit("在用")).alias("status"),
        pl.Series(state == "classified").alias("is_classified"),
        pl.lit(value=True).alias(RELEVANT),
    )


def main_websites(city: City) -> pl.DataFrame:
    """Make big_data_center__main_website: ten sites (1 government, 3 news, 6 other), nine of them with IPv6."""
    kinds = ["政府门户"] + ["新闻媒体"] * 3 + ["其他商业"] * 6
    names = ("政府门户网", "日报网", "广播电视网", "晚报网", "房产网", "人才网", "团购网", "论坛", "旅游网", "海鲜网")
    domains = ("gov", "daily", "tv", "evening", "house", "jobs", "deals", "forum", "travel", "seafood")
    without = int(positions(city.stream("websites"), 6, 1)[0]) + 4
    return pl.DataFrame(
        {
            "domain": [f"www.{d}.whsample.{'gov.cn' if d == 'gov' else 'cn'}" for d in domains],
            "name": [f"威海{n}（样例）" for n in names],
            "kind": kinds,
            "supports_ipv6": [n != without for n in range(10)],
            "checked_on": [city.as_of - timedelta(days=10)] * 10,
            RELEVANT: [True] * 10,
        }
    )
