"""Registers of the city's government: departments, catalogue, sharing, opening, systems and websites."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import numpy as np
import polars as pl

from connectors.sample.city import RELEVANT, City, Profile
from connectors.sample.draws import choose, exactly, positions, read_table, some
from connectors.sample.identifiers import credit_codes

CATEGORIES = (
    "信用服务", "医疗卫生", "社保就业", "公共安全", "城建住房", "交通运输", "教育文化", "科技创新", "资源能源", "生态环境", "工业农业",
    "商贸流通", "财税金融", "安全生产", "市场监管", "社会救助", "法律服务", "生活服务", "气象服务", "地理空间", "地名地址", "机构团体",
)  # fmt: skip
"""The 22 categories of indicator 18 (公共信息资源社会开放水平)."""

_ONLY_WITHHELD = "市审计局"
_NOT_MOUNTED = "市外办"
_OVERDUE = "市国资委"
_WITHOUT_CATALOGUE = "市信访局"
"""Departments that do not share, each for a reason of its own; the last one in the profile `failing` only."""
_LAST_DAY = "市投资促进局"
"""Its pending request is on its tenth working day: still in order."""
_EXPIRED, _EMPTY, _BROKEN_LINKS = "法律服务", "气象服务", "社会救助"
"""Categories that are not open, each for a reason of its own; the last one in the profile `failing` only."""
_AT_THE_LIMIT = "地名地址"
"""Its only data set was updated exactly two cycles ago: still open."""
_RESOURCE_KINDS = ("基本信息", "年度统计", "办理结果", "监督检查", "电子档案")
_CYCLES = ("每日", "每周", "每月", "每季度", "每半年", "每年")


def departments(city: City) -> pl.DataFrame:
    """Make institution_staffing__department: 37 municipal departments and those that must not count."""
    del city
    table = read_table("departments.csv")
    divisions = table["name"].str.slice(0, 3).replace_strict(
        {"环翠区": 371002, "文登区": 371003, "荣成市": 371082, "乳山市": 371083}, default=371000, return_dtype=pl.Int64
    )
    numbers = np.arange(len(table)) + 20_000_000
    short = pl.col("name").str.strip_prefix("市").str.replace("人力资源社会保障局", "人社局").str.replace("住房城乡建设局", "住建局")
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
        (pl.col("sharing_type") == "无条件共享") & (pl.col("category").fill_null("") != "") & (draw_open | (pl.col("no") == 0))
    ) & ~pl.col("retired")
    fixed = city.round_no > 1
    unmounted = pl.col("retired") | ((pl.col("name") == _NOT_MOUNTED) & (pl.col("no") == 0) & pl.lit(not fixed))
    title = pl.concat_str("subject", "kind")
    result = table.select(
        pl.concat_str(pl.lit("30"), pl.col("code").str.slice(5, 2), pl.lit("01/"), (pl.col("no") + 1).cast(pl.String).str.zfill(5))
        .alias("resource_code"),
        title.alias("title"),
        pl.concat_str(pl.lit("部门信息资源/"), "name").alias("category_path"),
        pl.col("code").alias("department_code"),
        pl.col("name").alias("department_name"),
        pl.concat_str("name", pl.lit("掌握的"), title, pl.lit("，按职责采集。")).alias("abstract"),
        formats.alias("format"),
        "sharing_type",
        pl.when(pl.col("sharing_type") == "有条件共享").then(pl.lit("因履行职责需要，限本部门使用，不得转给第三方。")).alias("sharing_condition"),
        pl.when(pl.col("sharing_type") != "不予共享").then(methods).alias("sharing_method"),
        pl.when(pl.col("sharing_type") == "不予共享").then(pl.lit("《中华人民共和国保守国家秘密法》")).alias("no_sharing_basis"),
        is_open.alias("is_open"),
        pl.when(is_open).then("category").alias("open_category"),
        pl.col("cycle").alias("update_cycle"),
        "published_on",
        pl.when(pl.col("sharing_type") == "不予共享").then(withheld_mounted).otherwise(~unmounted).alias("is_mounted"),
        (pl.lit(city.as_of) - pl.duration(days=age)).cast(pl.Date).alias("last_updated_on"),
        pl.when("retired").then(pl.lit("停用")).otherwise(pl.lit("在用")).alias("status"),
        pl.lit(value=True).alias(RELEVANT),
    )  # fmt: skip
    if city.profile is Profile.FAILING:
        result = result.filter(pl.col("department_name") != _WITHOUT_CATALOGUE)
    return result


def resource_items(city: City, catalogue: pl.DataFrame) -> pl.DataFrame:
    """Make big_data_center__resource_item: the fields of every resource."""
    rng = city.stream("items")
    names = ("编号", "名称", "所属区划", "办理日期", "金额", "状态", "备注", "联系电话")
    kinds = ("字符型", "字符型", "字符型", "日期型", "数值型", "字符型", "备注型", "字符型")
    lengths = (18, 100, 12, 8, 18, 10, 500, 20)
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
            "level": pl.Series(("L2", "L1", "L1", "L2", "L2", "L1", "L2", "L3")).gather(place),
            RELEVANT: pl.Series(np.zeros(len(owner), dtype=np.bool_)),
        }
    )


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


_PURPOSES = ("办理依申请事项时核验", "联合监管比对", "统计分析", "信用评价", "减证便民，免于提交证明")


def _drawn_requests(city: City, owned: pl.DataFrame) -> pl.DataFrame:
    applicants = read_table("departments.csv").filter(pl.col("level") == "市级")["code"]
    parts = []
    for round_no in range(1, city.round_no + 1):
        rng = city.stream("requests", round_no)
        count = 2 * len(owned) if round_no == 1 else max(len(owned) // 10, 1)
        resource = rng.integers(0, len(owned), count)
        start, span = (city.first_as_of, 300) if round_no == 1 else (city.as_of, 27)
        if round_no not in (1, city.round_no):
            start = city.as_of - timedelta(days=30 * (city.round_no - round_no))
        days = np.datetime64(start) - rng.integers(0, span, count).astype("timedelta64[D]")
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
        return (code, "3710035", _PURPOSES[0], other.get("within", True), asked, other.get("decided"), other.get("withdrawn"))

    answered = datetime.combine(first + timedelta(days=12), time(9, 0))
    return [
        row(_LAST_DAY, calendar.back(first, 10), decided=datetime.combine(first + timedelta(days=9), time(16, 0))),
        row(_OVERDUE, calendar.back(first, 11), decided=answered),
        row("市林业局", late, withdrawn=late + timedelta(days=1)),
        row("市综合行政执法局", late, within=False, decided=datetime.combine(late + timedelta(days=2), time(9, 0))),
        row("市体育局", late, decided=datetime.combine(calendar.back(first, 3), time(9, 0))),
        row("市人防办", late, kind="无条件共享"),
    ]


def open_datasets(city: City, catalogue: pl.DataFrame) -> pl.DataFrame:
    """Make big_data_center__open_dataset: what the opened resources became, 20 of 22 categories of it usable."""
    rng = city.stream("datasets")
    table = catalogue.filter(pl.col("is_open")).sort("resource_code").with_columns(
        no=pl.int_range(pl.len()).over("open_category")
    )
    single = pl.col("open_category").is_in([_AT_THE_LIMIT, _EXPIRED, _EMPTY, _BROKEN_LINKS])
    table = table.filter(~single | (pl.col("no") < 2)).filter((pl.col("open_category") != _AT_THE_LIMIT) | (pl.col("no") == 0))
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
        pl.concat_str(pl.lit("KF"), pl.col("department_code"), pl.lit("-"), pl.col("resource_code").str.slice(-5)).alias("dataset_no"),
        "title",
        "open_category",
        "department_code",
        "published_on",
        (pl.lit(city.as_of) - pl.duration(days=age.cast(pl.Int64))).cast(pl.Date).alias("last_updated_on"),
        pl.col("cycle").alias("update_cycle"),
        pl.when(empty & (pl.col("no") == 0)).then(0).when(empty).then(None).otherwise(size).cast(pl.Int64).alias("record_count"),
        pl.when(dead).then(pl.lit("失效")).otherwise(pl.lit("正常")).alias("link_status"),
        pl.lit(value=True).alias(RELEVANT),
    )  # fmt: skip


def information_systems(city: City) -> pl.DataFrame:
    """Make big_data_center__information_system: 115 of 120 on the cloud, and retired and classified ones beside them."""
    rng = city.stream("systems")
    counted, retired, classified = 120, 5, 3
    total = counted + retired + classified
    owners = read_table("departments.csv").filter((pl.col("level") == "市级") & (pl.col("subjects").fill_null("") != ""))
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
        pl.when(cloud & other).then(pl.lit("其他云")).when(cloud).then(pl.lit("政务云")).otherwise(pl.lit("自建机房")).alias("hosting"),
        cloud.alias("is_on_cloud"),
        levels.alias("mlps_level"),
        pl.when(levels != "未定级").then(assessed).alias("last_assessed_on"),
        pl.when(is_retired).then(pl.lit("停用")).otherwise(pl.lit("在用")).alias("status"),
        pl.Series(state == "classified").alias("is_classified"),
        pl.lit(value=True).alias(RELEVANT),
    )  # fmt: skip


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


def service_items(city: City) -> pl.DataFrame:
    """Make administrative_approval__service_item: exactly 85 % of 800 items work with electronic licences."""
    rng = city.stream("service items")
    counted, enabled, retired, future = 800, 680, 60, 15
    total = counted + retired + future
    actions = (
        "设立许可", "变更登记", "注销登记", "延续许可", "年度报告", "资格认定", "备案", "证书补发", "信息查询", "补贴申领", "核准", "奖励申报",
    )  # fmt: skip
    kinds = ("行政许可", "其他行政权力", "其他行政权力", "行政许可", "公共服务", "行政确认", "其他行政权力", "公共服务", "公共服务", "行政给付", "行政许可", "行政奖励")  # fmt: skip
    subjects = (
        read_table("departments.csv")
        .filter(pl.col("subjects").fill_null("") != "")
        .with_columns(subject=pl.col("subjects").str.split("|"))
        .explode("subject")
    )
    order = rng.permutation(len(subjects) * len(actions))[:total]
    subject, action = subjects[order // len(actions)], order % len(actions)
    state = rng.permutation(np.repeat(["counted", "retired", "future"], [counted, retired, future]))
    uses = np.zeros(total, dtype=np.bool_)
    own = np.flatnonzero(state == "counted")
    uses[own[exactly(rng, counted, min(enabled + 12 * (city.round_no - 1), counted))]] = True
    uses[np.flatnonzero(state == "retired")[2:]] = True
    uses[state == "future"] = True
    with_other_key = ~uses & some(rng, total, 0.35)
    key = np.where(rng.random(total) < 0.6, "公民身份号码", "统一社会信用代码")
    effective = np.datetime64(city.first_as_of) - rng.integers(30, 1500, total).astype("timedelta64[D]")
    effective = np.where(state == "future", np.datetime64(date(city.first_as_of.year + 3, 1, 1)), effective)
    level = subject["level"].to_numpy()
    return pl.DataFrame(
        {
            "item_code": pl.Series(np.arange(total) + 371_000_100_001).cast(pl.String),
            "item_name": subject["subject"] + pl.Series(actions).gather(action),
            "item_kind": pl.Series(kinds).gather(action),
            "level": pl.Series(level),
            "department_name": subject["name"],
            "is_on_application": pl.Series(some(rng, total, 0.9)),
            "uses_elicence": pl.Series(uses | with_other_key),
            "elicence_key_kind": pl.Series(np.where(with_other_key, "其他", key)).set(pl.Series(~(uses | with_other_key)), None),
            "is_online": pl.Series(some(rng, total, 0.7)),
            "is_mobile": pl.Series(some(rng, total, 0.5)),
            "status": pl.Series(np.where(state == "retired", "废止", "在用")),
            "effective_on": pl.Series(effective).set(pl.Series((state == "counted") & some(rng, total, 0.1)), None),
            RELEVANT: pl.Series(np.ones(total, dtype=np.bool_)),
        }
    )


def _days(city: City, cycles: pl.Series) -> np.ndarray:
    return cycles.replace_strict(city.cycle_days, return_dtype=pl.Int64).to_numpy()
