"""Registers of transport: bus lines, stops and passengers, and road junctions."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from itertools import product

import numpy as np
import polars as pl

from connectors.sample.city import City
from connectors.sample.draws import choose, read_table, some
from connectors.sample.operands import Operand, Operands, Registers, share_operands
from connectors.sample.topic import Topic, by_profile, in_use, marked

_LINES, _STOPPED_LINES = 96, 8
_URBAN_STOPS, _RURAL_STOPS, _REMOVED_STOPS = 820, 540, 40
_MAJOR, _BRANCH, _CLOSED = 210, 95, 6
_PAYMENTS = {True: (0.38, 0.46, 0.04, 0.12), False: (0.31, 0.24, 0.01, 0.44)}
"""Shares of the kinds of payment in the city and outside it."""
_KINDS = ("一卡通", "移动支付", "NFC", "现金")
_RIDES_PER_PERSON = 0.09
_DAYS_AHEAD = 1_100


def bus_lines(city: City) -> pl.DataFrame:
    """Make bus_group__bus_line: every line in use forecasts arrivals; lines given up did not."""
    total = _LINES + _STOPPED_LINES
    number = pl.int_range(1, total + 1, eager=True)
    forecasts = marked(city, "forecasts", _LINES, by_profile(city, 1.0, 0.85))
    table = pl.DataFrame(
        {
            "line_code": pl.select(pl.lit("XL") + number.cast(pl.String).str.zfill(3)).to_series(),
            "name": number.cast(pl.String) + "路",
            "has_realtime_forecast": pl.concat([forecasts, pl.Series([False] * _STOPPED_LINES)]),
            "status": ["在用"] * _LINES + ["停用"] * _STOPPED_LINES,
        }
    )
    return table.with_columns(channels=pl.when("has_realtime_forecast").then(pl.lit("威海公交手机客户端、网站")))


def bus_stops(city: City) -> pl.DataFrame:
    """Make bus_group__bus_stop: exactly a fifth of the urban stops have an electronic sign, and all removed ones."""
    rng = city.stream("bus stops")
    total = _URBAN_STOPS + _RURAL_STOPS + _REMOVED_STOPS
    signs = pl.concat(
        [
            marked(city, "signs", _URBAN_STOPS, by_profile(city, 0.2, 0.08), monthly=9),
            pl.Series(some(rng, _RURAL_STOPS, 0.05)),
            pl.Series([True] * _REMOVED_STOPS),
        ]
    )
    roads = choose(rng, read_table("roads.csv")["road"].to_list(), total)
    return pl.DataFrame(
        {
            "stop_code": pl.Series([f"ZD{n:05d}" for n in range(1, total + 1)]),
            "name": roads + choose(rng, ("东站", "西站", "南站", "北站", "站"), total),
            "is_urban": [True] * _URBAN_STOPS + [False] * _RURAL_STOPS + [True] * _REMOVED_STOPS,
            "sign_kind": pl.select(pl.when(signs).then(pl.lit("电子站牌")).otherwise(pl.lit("普通站牌"))).to_series(),
            "status": ["在用"] * (_URBAN_STOPS + _RURAL_STOPS) + ["拆除"] * _REMOVED_STOPS,
        }
    )


def ridership(city: City) -> pl.DataFrame:
    """Make bus_group__ridership: every day since the last month of the year before; cash is an estimate."""
    rng, first = city.stream("ridership"), date(city.first_as_of.year - 1, 12, 1)
    days = pl.date_range(first, first + timedelta(days=_DAYS_AHEAD), eager=True)
    season = 1 + 0.15 * np.sin(np.arange(len(days)) / 58.0) + rng.normal(0, 0.04, len(days))
    daily = len(city.people) * _RIDES_PER_PERSON * np.maximum(season, 0.2)
    parts = []
    for (is_urban, shares), (place, kind) in product(_PAYMENTS.items(), enumerate(_KINDS)):
        trips = daily * shares[place] * (1.0 if is_urban else 0.3)
        parts.append(
            pl.DataFrame({"ride_date": days, "trips": np.round(trips).astype(np.int64)}).with_columns(
                payment_kind=pl.lit(kind), is_estimated=pl.lit(kind == "现金"), is_urban=pl.lit(is_urban)
            )
        )
    return pl.concat(parts).filter(pl.col("ride_date") <= city.as_of)


def junctions(city: City) -> pl.DataFrame:
    """Make traffic_police__junction: exactly nine in ten major ones have adaptive signals; branch roads are none."""
    rng = city.stream("junctions")
    total = _MAJOR + _BRANCH + _CLOSED
    roads = read_table("roads.csv")["road"]
    pairs = [(a, b) for a, b in product(roads, roads) if a < b]
    picked = rng.permutation(len(pairs))[:total]
    signals = marked(city, "signals", _MAJOR, by_profile(city, 0.9, 0.6), monthly=2)
    epolice = marked(city, "epolice", _MAJOR, by_profile(city, 0.96, 0.7), monthly=2)
    return pl.DataFrame(
        {
            "junction_code": [f"LK{n:04d}" for n in range(1, total + 1)],
            "name": [f"{pairs[n][0]}与{pairs[n][1]}路口" for n in picked],
            "is_branch_road": [False] * _MAJOR + [True] * _BRANCH + [False] * _CLOSED,
            "has_realtime_signal": pl.concat([signals, pl.Series(some(rng, _BRANCH + _CLOSED, 0.2))]),
            "has_epolice": pl.concat([epolice, pl.Series(some(rng, _BRANCH + _CLOSED, 0.4))]),
            "status": ["在用"] * (_MAJOR + _BRANCH) + ["停用"] * _CLOSED,
        }
    )


def operands(city: City, registers: Registers) -> Operands:
    """Compute indicators 4, 9 and 10."""
    lines = registers["bus_group__bus_line"].filter(in_use())
    stops = registers["bus_group__bus_stop"].filter(in_use() & pl.col("is_urban"))
    stops = stops.with_columns(has_sign=pl.col("sign_kind") == "电子站牌")
    major = registers["traffic_police__junction"].filter(in_use() & ~pl.col("is_branch_road"))
    return {
        "bus_arrival_forecast": {
            **share_operands("bus_lines", "realtime_forecast_lines", lines, "has_realtime_forecast"),
            **share_operands("urban_bus_stops", "esign_equivalent_stops", stops, "has_sign"),
        },
        "realtime_signal_junction_rate": share_operands(
            "major_junctions", "realtime_signal_junctions", major, "has_realtime_signal"
        ),
        "transit_epayment_rate": epayment(registers["bus_group__ridership"], city.as_of),
    }


def epayment(rides: pl.DataFrame, as_of: date) -> dict[str, Operand]:
    """Return the urban trips of the year to the date, and those paid by card or telephone.

    Args:
        rides: bus_group__ridership.
        as_of: the as-of date.
    """
    counted = rides.filter(pl.col("is_urban") & pl.col("ride_date").is_between(date(as_of.year, 1, 1), as_of))
    paid = counted.filter(pl.col("payment_kind").is_in(["一卡通", "移动支付", "NFC"]))
    period = f"{as_of.year}-01-01/{as_of}"
    return {
        name: Operand(Decimal(int(rows["trips"].sum())), period, is_estimated=bool(rows["is_estimated"].any()))
        for name, rows in (("transit_trips", counted), ("epay_trips", paid))
    }


TOPIC = Topic(
    {
        "bus_group__bus_line": bus_lines,
        "bus_group__bus_stop": bus_stops,
        "bus_group__ridership": ridership,
        "traffic_police__junction": junctions,
    },
    operands,
)
