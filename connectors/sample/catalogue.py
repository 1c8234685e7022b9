"""The resource catalogue with its items, and the data sets opened to the public."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import numpy as np
import polars as pl

from connectors.departments import department_names
from connectors.opening.datasets import OpenDataset
from connectors.sample.city import RELEVANT, City, Profile
from connectors.sample.draws import choose, read_table, some

_ONLY_WITHHELD = "市审计局"
_NOT_MOUNTED = "市外办"
_WITHOUT_CATALOGUE = "市信访局"
"""Departments that do not share, each for a reason of its own; the last one in the profile `failing` only."""
_EXPIRED, _EMPTY, _BROKEN_LINKS = "法律服务", "气象服务", "社会救助"
"""Categories that are not open, each for a reason of its own; the last one in the profile `failing` only."""
_AT_THE_LIMIT = "地名地址"
"""Its only data set was updated exactly two cycles ago: still open."""
_RESOURCE_KINDS = ("基本信息", "年度统计", "办理结果", "监督检查", "电子档案")
_ITEMS = (
    ("编号", "字符型", 18, "L2"),
    ("名称", "字符型", 100, "L1"),
    ("所属区划", "字符型", 12, "L1"),
    ("办理日期", "日期型", 8, "L2"),
    ("金额", "数值型", 18, "L2"),
    ("状态", "字符型", 10, "L1"),
    ("备注", "备注型", 500, "L2"),
    ("联系电话", "字符型", 20, "L3"),
)
"""Name, type, length and level of the items that resources have."""
_CYCLES = ("每日", "每周", "每月", "每季度", "每半年", "每年")


def resources(city: City) -> pl.DataFrame:
    """Make big_data_center__resource_catalogue: every department that keeps data lists it, with its terms."""
    rng = city.stream("resources")
    table = (
        read_table("departments.csv")
        .with_columns(subject=pl.col("subjects").str.split("|"))
        .explode("subject")
        .filter(pl.col("subject").fill_null("") != "")
        .with_columns(kind=pl.lit(list(_RESOURCE_KINDS)))
        .explode("kind")
        .with_columns(no=pl.int_range(pl.len()).over("code"))
    )
    count = len(table)
    drawn = choose(rng, ("无条件共享", "有条件共享", "不予共享"), count, (0.55, 0.37, 0.08))
    sharing = (
        pl.when(pl.col("name") == _ONLY_WITHHELD)
        .then(pl.lit("不予共享"))
        .when(pl.col("no") == 0)
        .then(pl.lit("无条件共享"))
        .when(pl.col("no") == 1)
        .then(pl.lit("有条件共享"))
        .otherwise(drawn)
    )
    retired = (pl.col("no") > 4) & pl.Series(some(rng, count, 0.05))
    withheld_mounted = pl.Series(some(rng, count, 0.4))
    published = pl.Series(np.datetime64(city.first_as_of) - rng.integers(800, 1500, count).astype("timedelta64[D]"))
    cycle = choose(rng, _CYCLES, count, (0.1, 0.1, 0.4, 0.25, 0.05, 0.1))
    age = pl.Series((rng.random(count) * _days(city, cycle)).astype(np.int64))
    draw_open = pl.Series(some(rng, count, 0.45))
    formats = choose(rng, ("数据库", "电子表格", "电子文件", "自描述格式"), count, (0.6, 0.25, 0.1, 0.05))
    methods = choose(rng, ("共享平台", "拷盘", "其他"), count, (0.94, 0.04, 0.02))
    table = table.with_columns(sharing_type=sharing, retired=retired, cycle=cycle, published_on=published)
    is_open = (
        (pl.col("sharing_type") == "无条件共享")
        & (pl.col("category").fill_null("") != "")
        & (draw_open | (pl.col("no") == 0))
    ) & ~pl.col("retired")
    fixed = city.round_no > 1
    unmounted = pl.col("retired") | ((pl.col("name") == _NOT_MOUNTED) & (pl.col("no") == 0) & pl.lit(not fixed))
    title = pl.concat_str("subject", "kind")
    result = table.select(
        pl.concat_str(
            pl.lit("3"), pl.col("code").str.slice(4, 3), pl.lit("01/"), (pl.col("no") + 1).cast(pl.String).str.zfill(5)
        ).alias("resource_code"),
        title.alias("title"),
        pl.concat_str(pl.lit("部门信息资源/"), "name").alias("category_path"),
        pl.col("code").alias("department_code"),
        pl.col("name").alias("department_name"),
        pl.concat_str("name", pl.lit("掌握的"), title, pl.lit("，按职责采集。")).alias("abstract"),
        formats.alias("format"),
        "sharing_type",
        pl.when(pl.col("sharing_type") == "有条件共享")
        .then(pl.lit("因履行职责需要，限本部门使用，不得转给第三方。"))
        .alias("sharing_condition"),
        pl.when(pl.col("sharing_type") != "不予共享").then(methods).alias("sharing_method"),
        pl.when(pl.col("sharing_type") == "不予共享")
        .then(pl.lit("《中华人民共和国保守国家秘密法》"))
        .alias("no_sharing_basis"),
        is_open.alias("is_open"),
        pl.when(is_open).then("category").alias("open_category"),
        pl.col("cycle").alias("update_cycle"),
        "published_on",
        pl.when(pl.col("sharing_type") == "不予共享").then(withheld_mounted).otherwise(~unmounted).alias("is_mounted"),
        (pl.lit(city.as_of) - pl.duration(days=pl.lit(age))).cast(pl.Date).alias("last_updated_on"),
        pl.when("retired").then(pl.lit("停用")).otherwise(pl.lit("在用")).alias("status"),
        pl.lit(value=True).alias(RELEVANT),
    )
    if city.profile is Profile.FAILING:
        result = result.filter(pl.col("department_name") != _WITHOUT_CATALOGUE)
    return result


def resource_items(city: City, catalogue: pl.DataFrame) -> pl.DataFrame:
    """Make big_data_center__resource_item: the fields of every resource."""
    rng = city.stream("items")
    names, kinds, lengths, levels = zip(*_ITEMS, strict=True)
    sizes = rng.integers(3, len(names) + 1, len(catalogue))
    owner = np.repeat(np.arange(len(catalogue)), sizes)
    place = np.arange(len(owner)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return pl.DataFrame(
        {
            "resource_code": catalogue["resource_code"].gather(owner),
            "item_name": pl.Series(names).gather(place),
            "item_type": pl.Series(kinds).gather(place),
            "item_length": pl.Series(lengths).gather(place),
            "is_key": pl.Series(place == 0),
            "sharing_type": catalogue["sharing_type"].gather(owner),
            "level": pl.Series(levels).gather(place),
            RELEVANT: pl.Series(np.zeros(len(owner), dtype=np.bool_)),
        }
    )


def open_datasets(city: City, catalogue: pl.DataFrame) -> pl.DataFrame:
    """Make big_data_center__open_dataset: what the opened resources became, 20 of 22 categories of it usable."""
    rng = city.stream("datasets")
    table = (
        catalogue.filter(pl.col("is_open"))
        .sort("resource_code")
        .with_columns(no=pl.int_range(pl.len()).over("open_category"))
    )
    single = pl.col("open_category").is_in([_AT_THE_LIMIT, _EXPIRED, _EMPTY, _BROKEN_LINKS])
    table = table.filter(~single | (pl.col("no") < 2)).filter(
        (pl.col("open_category") != _AT_THE_LIMIT) | (pl.col("no") == 0)
    )
    count = len(table)
    cycle = choose(rng, _CYCLES[2:], count, (0.5, 0.3, 0.05, 0.15))
    table = table.with_columns(
        cycle=pl.when(pl.col("open_category").is_in([_AT_THE_LIMIT, _EXPIRED]))
        .then(pl.lit("每月"))
        .when((pl.col("open_category") == "机构团体") & (pl.col("no") == 0))
        .then(None)
        .otherwise(cycle)
    )
    limit = 2 * pl.Series(_days(city, table["cycle"].fill_null("每月")))
    spoilt = pl.Series(some(rng, count, 0.08)) & (pl.col("no") > 0)
    expired = pl.lit(city.round_no == 1)
    age = (
        pl.when(pl.col("open_category") == _AT_THE_LIMIT)
        .then(limit)
        .when((pl.col("open_category") == _EXPIRED) & expired)
        .then(limit + 1)
        .when(spoilt)
        .then(limit + 40)
        .otherwise(pl.Series(rng.random(count)) * limit * 0.5)
    )
    empty = pl.col("open_category") == _EMPTY
    broken = (pl.col("open_category") == _BROKEN_LINKS) & pl.lit(city.profile is Profile.FAILING)
    dead = broken | (pl.Series(some(rng, count, 0.05)) & (pl.col("no") > 0))
    size = pl.Series(np.exp(rng.normal(7.5, 1.6, count)).astype(np.int64) + 1)
    return table.select(
        pl.concat_str(
            pl.lit("KF"), pl.col("department_code"), pl.lit("-"), pl.col("resource_code").str.slice(-5)
        ).alias("dataset_no"),
        "title",
        "open_category",
        "department_code",
        "published_on",
        (pl.lit(city.as_of) - pl.duration(days=age.cast(pl.Int64))).cast(pl.Date).alias("last_updated_on"),
        pl.col("cycle").alias("update_cycle"),
        pl.when(empty & (pl.col("no") == 0))
        .then(0)
        .when(empty)
        .then(None)
        .otherwise(size)
        .cast(pl.Int64)
        .alias("record_count"),
        pl.when(dead).then(pl.lit("失效")).otherwise(pl.lit("正常")).alias("link_status"),
        pl.lit(value=True).alias(RELEVANT),
    )


def own_datasets(city: City, opened: Sequence[OpenDataset]) -> pl.DataFrame:
    """Make the rows of big_data_center__open_dataset that list what the warehouse opens.

    They stand as the other data sets of their category do, so that they open none. The big data centre publishes for
    companies, which are no department.
    """
    names = department_names()
    codes: dict[str, str] = dict(read_table("departments.csv").select("name", "code").iter_rows())
    centre = codes[names["big_data_center"]]
    owners = [codes.get(names[dataset.department], centre) for dataset in opened]
    count = len(opened)
    table = pl.DataFrame(
        {
            "dataset_no": [f"KF{owner}-9{number:04d}" for number, owner in enumerate(owners)],
            "title": [dataset.title for dataset in opened],
            "open_category": [dataset.category for dataset in opened],
            "department_code": owners,
            "published_on": [city.first_as_of - timedelta(days=800)] * count,
            "cycle": [dataset.cycle for dataset in opened],
            "record_count": np.exp(city.stream("own datasets").normal(7.5, 1.6, count)).astype(np.int64) + 1,
        }
    )
    category = pl.col("open_category")
    late = category == _AT_THE_LIMIT, (category == _EXPIRED) & pl.lit(city.round_no == 1)
    cycle = pl.when(late[0] | late[1]).then(pl.lit("每月")).otherwise("cycle")
    limit = 2 * city.cycle_days["每月"]
    age = pl.when(late[0]).then(limit).when(late[1]).then(limit + 1).otherwise(0)
    is_dead = (category == _BROKEN_LINKS) & pl.lit(city.profile is Profile.FAILING)
    return table.select(
        "dataset_no",
        "title",
        "open_category",
        "department_code",
        "published_on",
        (pl.lit(city.as_of) - pl.duration(days=age.cast(pl.Int64))).cast(pl.Date).alias("last_updated_on"),
        cycle.alias("update_cycle"),
        pl.when(category == _EMPTY).then(0).otherwise("record_count").cast(pl.Int64).alias("record_count"),
        pl.when(is_dead).then(pl.lit("失效")).otherwise(pl.lit("正常")).alias("link_status"),
        pl.lit(value=True).alias(RELEVANT),
    )


def _days(city: City, cycles: pl.Series) -> np.ndarray:
    return cycles.replace_strict(city.cycle_days, return_dtype=pl.Int64).to_numpy()
