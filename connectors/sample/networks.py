"""Registers of networks: broadband subscriptions, speed samples, and 5G in key public areas."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from functools import partial

import numpy as np
import polars as pl

from connectors.sample.calendar import same_day_before
from connectors.sample.city import City, Profile
from connectors.sample.draws import chances, choose
from connectors.sample.geography import homes
from connectors.sample.operands import (
    Operand,
    Operands,
    Registers,
    annual_figures,
    count_operand,
    yearly_operands,
)
from connectors.sample.topic import Topic, begun, by_profile, in_use, marked

OPERATORS = {"china_mobile": 0.42, "china_unicom": 0.33, "china_telecom": 0.19, "broadcast_network": 0.06}
"""Departments that deliver the extracts of this topic, and their shares of the households."""
_SPEEDS = (100, 200, 300, 500, 1000)
_SPEED_SHARES = (0.17, 0.24, 0.3, 0.2, 0.09)
_FAILING_SPEED_SHARES = (0.45, 0.2, 0.2, 0.1, 0.05)
_SUBSCRIBED, _SECOND, _CANCELLED, _COMPANIES = 0.945, 0.07, 0.05, 0.06
"""Share of homes with broadband, with a second subscription, with one given up; companies' lines per home."""
_YEARS_BACK = 3_000
_DAYS_AHEAD = 40
_SCENES = ("三甲医院", "交通枢纽", "知名商圈", "大型公园", "居民区", "其他公共场所")
_CAMPAIGNS = (2, 5, 8, 11)
"""Months in which every operator's network is sampled: always four campaigns in the twelve months to a month's end."""
_SAMPLES = 100
"""Samples of an operator in a campaign, so that the mean over four operators and campaigns is a finite decimal."""
_MIDDLES = (31.2, 27.4, 26.0, 23.8)
"""Mbit/s that each operator reaches on average; the same in every profile, as samples are only ever added."""
_AREAS, _CLOSED_AREAS = 150, 8
_AREA_KINDS = {"公园广场": "公园", "医院": "医院", "学校": "学校", "旅游景点": "景区", "图书馆": "图书馆"}


def subscriptions(city: City) -> pl.DataFrame:
    """Return every broadband subscription of all operators.

    One home may have several; some were given up, some belong to companies, some begin after the date.

    Returns:
        The contract's columns and `operator`, the place in `OPERATORS`.
    """
    all_homes = homes(city)
    count = len(all_homes)
    number = np.arange(count)

    def draw(*names: str) -> np.ndarray:
        return chances(city.seed, ("broadband", *names), number)

    edges = np.cumsum(list(OPERATORS.values()))
    first = np.minimum(np.searchsorted(edges, draw("operator"), side="right"), len(OPERATORS) - 1)
    shares = _FAILING_SPEED_SHARES if city.profile is Profile.FAILING else _SPEED_SHARES
    speed_edges = np.cumsum(shares)
    speed = np.asarray(_SPEEDS)[np.minimum(np.searchsorted(speed_edges, draw("speed")), len(_SPEEDS) - 1)]
    is_fiber = draw("fiber") < by_profile(city, 0.935, 0.8)
    inhabited = all_homes["is_inhabited"].to_numpy()
    lived_in = inhabited & (draw("subscribed") < _SUBSCRIBED)
    opened = (draw("opened") * (_YEARS_BACK + _DAYS_AHEAD)).astype(np.int64) - _YEARS_BACK
    nothing = np.zeros(count, dtype=np.bool_)
    kinds = (
        (lived_in, first, speed, is_fiber, "居民", True),
        (lived_in & (draw("second") < _SECOND), (first + 1) % 4, speed // 2, nothing, "居民", True),
        (~lived_in & (draw("cancelled") < _CANCELLED), first, speed, ~nothing, "居民", False),
        (draw("company") < _COMPANIES, (first + 2) % 4, np.full(count, 1000), ~nothing, "企业", True),
    )
    parts = [
        pl.DataFrame(
            {
                "number": number[rows] + kind * count,
                "address_code": all_homes["address_code"].gather(number[rows]),
                "operator": operator[rows],
                "speed_mbps": rate[rows],
                "is_fiber": fiber[rows],
                "opened": opened[rows],
            }
        ).with_columns(customer_kind=pl.lit(customer), status=pl.lit("在用" if works else "注销"))
        for kind, (rows, operator, rate, fiber, customer, works) in enumerate(kinds)
    ]
    return pl.concat(parts).select(
        pl.concat_str(pl.lit("KD"), pl.col("number") + 3_710_000_001).alias("account_no"),
        "customer_kind",
        "address_code",
        pl.when("is_fiber").then(pl.lit("光纤")).otherwise(pl.lit("其他")).alias("access_kind"),
        "speed_mbps",
        (pl.lit(city.first_as_of) + pl.duration(days=pl.col("opened"))).cast(pl.Date).alias("opened_on"),
        "status",
        "operator",
    )


def broadband_users(city: City, operator: str) -> pl.DataFrame:
    """Make <operator>__broadband_user."""
    place = list(OPERATORS).index(operator)
    return subscriptions(city).filter(pl.col("operator") == place).drop("operator")


def speed_samples(city: City, operator: str) -> pl.DataFrame:
    """Return an operator's speed samples to the date; the speed in kbit/s as `kbps`, a multiple of 80."""
    place = list(OPERATORS).index(operator)
    years = range(city.first_as_of.year - 2, city.first_as_of.year + 3)
    parts = [_campaign(city, operator, place, year, month) for year in years for month in _CAMPAIGNS]
    table = pl.concat(parts).filter(pl.col("tested_at").dt.date() <= city.as_of)
    number = pl.int_range(1, pl.len() + 1).cast(pl.String).str.zfill(6)
    return table.select(pl.concat_str(pl.lit(f"CS{place + 1}"), number).alias("sample_no"), pl.all())


def _campaign(city: City, operator: str, place: int, year: int, month: int) -> pl.DataFrame:
    rng = city.stream("speed samples", operator, year, month)
    steps = np.maximum(np.round(rng.normal(_MIDDLES[place], 6.0, _SAMPLES) / 0.08), 5).astype(np.int64)
    start = np.datetime64(f"{year}-{month:02d}-05T08:00:00", "us")
    minutes = np.arange(_SAMPLES) * 250 + rng.integers(0, 200, _SAMPLES)
    scene = choose(rng, _SCENES, _SAMPLES)
    return pl.DataFrame(
        {
            "scene": scene,
            "site": scene + pl.Series(rng.integers(1, 30, _SAMPLES)).cast(pl.String) + "号点位",
            "tested_at": pl.Series(start + minutes.astype("timedelta64[m]")),
            "kbps": steps * 80,
        }
    )


def speed_tests(city: City, operator: str) -> pl.DataFrame:
    """Make <operator>__speed_test; one speed in three is written in MB/s."""
    mbit, megabytes = pl.col("kbps") / 1_000, pl.col("kbps") / 8_000
    written = (
        pl.when(pl.int_range(pl.len()) % 3 == 0)
        .then(megabytes.cast(pl.String) + "MB/s")
        .otherwise(mbit.cast(pl.String) + "Mbit/s")
    )
    return speed_samples(city, operator).with_columns(download_mbps=written).drop("kbps")


def key_public_areas(city: City) -> pl.DataFrame:
    """Make big_data_center__key_public_area: 150 in use, 8 closed."""
    total = _AREAS + _CLOSED_AREAS
    streets = city.places.streets
    place = pl.Series(np.arange(total) % len(streets))
    kinds = pl.Series(np.arange(total) // len(streets) + np.arange(total)) % len(_AREA_KINDS)
    return pl.DataFrame(
        {
            "area_code": [f"WG{n:04d}" for n in range(1, total + 1)],
            "name": streets["name"].gather(place)
            + pl.Series(list(_AREA_KINDS.values())).gather(kinds)
            + pl.Series([str(n // len(streets) + 1) for n in range(total)]),
            "kind": pl.Series(list(_AREA_KINDS)).gather(kinds),
            "division_code": streets["code"].gather(place),
            "status": ["在用"] * _AREAS + ["停用"] * _CLOSED_AREAS,
        }
    )


def coverage_5g(city: City, operator: str) -> pl.DataFrame:
    """Make <operator>__coverage_5g: each operator covers a part of what all cover together, and the closed areas."""
    place, rng = list(OPERATORS).index(operator), city.stream("5g")
    covered = marked(city, "covered by 5g", _AREAS, by_profile(city, 0.88, 0.7), monthly=1).to_numpy()
    owner = rng.integers(0, 3, _AREAS)
    also = city.stream("5g", operator).random(_AREAS) < 0.35
    is_covered = np.r_[covered & ((owner == place) | also), np.ones(_CLOSED_AREAS, dtype=np.bool_)]
    days = city.stream("5g checks", operator).integers(3, 80, len(is_covered)).astype("timedelta64[D]")
    return pl.DataFrame(
        {
            "area_code": key_public_areas(city)["area_code"],
            "is_covered": is_covered,
            "checked_on": pl.Series(np.datetime64(city.first_as_of) - days),
        }
    )


def operands(city: City, registers: Registers) -> Operands:
    """Compute indicators 29, 30, 36 and 38."""
    annual = registers["statistics__annual_indicator"]
    households = yearly_operands({"households": annual_figures(annual, "总户数", city.as_of)}, city.as_of)
    online = yearly_operands({"internet_households": annual_figures(annual, "上网家庭数", city.as_of)}, city.as_of)
    connected = subscriptions(city).filter(
        in_use() & begun("opened_on", city.as_of) & (pl.col("customer_kind") == "居民")
    )
    fiber, fast = pl.col("access_kind") == "光纤", pl.col("speed_mbps") >= 200
    areas = registers["big_data_center__key_public_area"].filter(in_use())
    checks = pl.concat([registers[f"{operator}__coverage_5g"] for operator in OPERATORS])
    covered = checks.filter(pl.col("is_covered") & begun("checked_on", city.as_of))["area_code"]
    return {
        "ftth_coverage": {"fiber_households": _homes(connected.filter(fiber)), **online},
        "broadband_200m_share": {"broadband_users_ge200m": _homes(connected.filter(fast)), **households},
        "mobile_download_speed": {
            "avg_mbps": mean_speed(pl.concat([speed_samples(city, operator) for operator in OPERATORS]), city.as_of)
        },
        "coverage_5g": {
            "key_public_areas": count_operand(len(areas)),
            "key_areas_with_5g": count_operand(len(set(areas["area_code"]) & set(covered))),
        },
    }


def _homes(connected: pl.DataFrame) -> Operand:
    return count_operand(connected["address_code"].n_unique())


def mean_speed(samples: pl.DataFrame, as_of: date) -> Operand:
    """Return the mean of the samples of the twelve months to a date, in Mbit/s.

    Args:
        samples: columns tested_at and kbps.
        as_of: the as-of date.
    """
    since = same_day_before(as_of, months=12)
    taken = samples.filter((pl.col("tested_at").dt.date() > since) & (pl.col("tested_at").dt.date() <= as_of))["kbps"]
    period = f"{since + timedelta(days=1)}/{as_of}"
    return Operand(Decimal(int(taken.sum())) / (1_000 * len(taken)) if len(taken) else None, period)


TOPIC = Topic(
    {
        **{f"{operator}__broadband_user": partial(broadband_users, operator=operator) for operator in OPERATORS},
        **{f"{operator}__speed_test": partial(speed_tests, operator=operator) for operator in OPERATORS},
        **{f"{operator}__coverage_5g": partial(coverage_5g, operator=operator) for operator in OPERATORS},
        "big_data_center__key_public_area": key_public_areas,
    },
    operands,
)
