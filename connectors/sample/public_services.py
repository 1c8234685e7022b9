"""Registers of services to the public: employment channels, the provincial app's ranking, cross-region insurance."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import polars as pl

from connectors.sample.calendar import month_later
from connectors.sample.city import City
from connectors.sample.operands import Operand, Operands, Registers, count_operand
from connectors.sample.topic import Topic, begun, in_use

_RANKS = (8, 7, 7, 6, 7, 6, 6, 6, 5, 5, 5, 4, 5, 4, 3, 3, 2)
"""Rank in the province, month by month from July of the year before the first as-of date on; the last one stays."""
_ITEMS = (
    "社保关系转移",
    "国家异地就医结算",
    "养老保险待遇状态比对查询",
    "异地居住人员领取社会保险待遇资格协助认证",
)


def employment_channels(city: City) -> pl.DataFrame:
    """Make human_resources__employment_channel: five kinds work, two of them twice; one stopped, one is to come."""
    year, day = city.first_as_of.year, city.first_as_of
    rows = [
        ("互联网", "威海公共就业服务网", "http://job.whsample.gov.cn", date(year - 9, 3, 1), "在用"),
        ("自助服务一体机", "人社自助服务一体机", "全市 86 处", date(year - 4, 6, 18), "在用"),
        ("政务微信", "威海人社微信公众号", "weihairenshe", date(year - 6, 1, 8), "在用"),
        ("政务微信", "威海就业小程序", "威海就业", date(year - 1, 5, 6), "在用"),
        ("政务微博", "威海人社微博", "weibo/whrs", date(year - 8, 2, 2), "停用"),
        ("手机APP", "爱山东威海分厅就业专区", "爱山东", date(year - 2, 12, 1), "在用"),
        ("手机APP", "威海人才", "威海人才", day, "在用"),
        ("电话热线", "人社服务热线", "12333", date(year - 15, 1, 1), "在用"),
        ("其他", "就业大篷车", "各镇巡回", day + timedelta(days=15), "在用"),
    ]
    return pl.DataFrame(rows, schema=["channel_kind", "channel_name", "address", "online_on", "status"], orient="row")


def app_rankings(city: City) -> pl.DataFrame:
    """Make big_data_center__app_ranking: one a month, published on the tenth of the next."""
    rows: list[tuple[str, int, int, date, str]] = []
    month = date(city.first_as_of.year - 1, 7, 31)
    while (published := month_later(month).replace(day=10)) <= city.as_of:
        number = len(rows)
        rank = _RANKS[min(number, len(_RANKS) - 1)]
        rows.append((f"{month:%Y%m}", rank, 800 + 12 * number, published, f"鲁数发〔{month.year}〕{30 + number}号"))
        month = month_later(month)
    return pl.DataFrame(
        rows, schema=["period", "province_rank", "app_count", "published_on", "source_document"], orient="row"
    )


def _services(rows: list[tuple[str, str, date | None, str]]) -> pl.DataFrame:
    schema = {"item_name": pl.String, "platform_level": pl.String, "connected_on": pl.Date, "status": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row")


def insurance_services(city: City) -> pl.DataFrame:
    """Make human_resources__cross_region_service: two listed items work, one is to come, one is not listed."""
    year, day = city.first_as_of.year, city.first_as_of
    return _services(
        [
            (_ITEMS[0], "部级", date(year - 4, 9, 1), "在用"),
            (_ITEMS[0], "省级", date(year - 6, 4, 1), "在用"),
            (_ITEMS[2], "部级", day, "在用"),
            (_ITEMS[3], "省级", day + timedelta(days=20), "在用"),
            (_ITEMS[3], "部级", date(year - 3, 1, 1), "停用"),
            ("失业保险关系转移", "省级", date(year - 2, 5, 1), "在用"),
        ]
    )


def medical_services(city: City) -> pl.DataFrame:
    """Make medical_security__cross_region_service."""
    year = city.first_as_of.year
    return _services(
        [
            (_ITEMS[1], "部级", date(year - 4, 3, 30), "在用"),
            (_ITEMS[1], "省级", date(year - 5, 12, 30), "在用"),
            ("医保关系转移接续", "省级", date(year - 1, 12, 1), "在用"),
        ]
    )


def operands(city: City, registers: Registers) -> Operands:
    """Compute indicators 2, 3 and 6."""
    as_of = city.as_of
    channels = registers["human_resources__employment_channel"].filter(in_use() & begun("online_on", as_of))
    rankings = registers["big_data_center__app_ranking"].filter(pl.col("published_on") <= as_of).sort("period")
    latest = rankings.tail(1).rows(named=True)
    services = pl.concat(
        registers[f"{department}__cross_region_service"] for department in ("human_resources", "medical_security")
    ).filter(in_use() & begun("connected_on", as_of))
    return {
        "employment_service_channels": {"channel_count": count_operand(channels["channel_kind"].n_unique())},
        "ai_shandong_app_rank": {
            "province_rank": Operand(Decimal(latest[0]["province_rank"]), latest[0]["period"])
            if latest
            else Operand(None)
        },
        "social_ins_crossregion_items": {
            "networked_item_count": count_operand(len(set(services["item_name"]) & set(_ITEMS)))
        },
    }


TOPIC = Topic(
    {
        "human_resources__employment_channel": employment_channels,
        "big_data_center__app_ranking": app_rankings,
        "human_resources__cross_region_service": insurance_services,
        "medical_security__cross_region_service": medical_services,
    },
    operands,
)
