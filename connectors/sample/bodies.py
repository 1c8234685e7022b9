"""Legal entities that no market register holds: institutions, social organisations, and companies' branches."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from connectors.sample.draws import choose, read_table
from connectors.sample.identifiers import credit_codes
from connectors.sample.places import Places

FIRST_NUMBER = 5_000_000
"""entity_no from which bodies are numbered; companies stay below."""
_PER_PERSON = {"12": 0.002, "51": 0.0008, "52": 0.001, "53": 0.00005}
"""Institutions, associations, private non-profit units and foundations, by the beginning of their credit code."""
_ENDINGS = {"12": "", "51": "协会", "52": "", "53": "慈善基金会"}
_INSTITUTIONS = (
    "中心小学", "实验初级中学", "卫生院", "文化站", "农业综合服务中心", "社区卫生服务中心", "不动产登记服务站",
    "敬老院", "水利服务站", "林业工作站", "财政经管服务中心", "便民服务中心", "畜牧兽医站", "退役军人服务站",
    "网格化服务中心", "党群服务中心",
)  # fmt: skip
_UNITS = ("养老服务中心", "艺术培训学校", "幼儿园", "社会工作服务中心", "职业培训学校", "康复中心")


def make_bodies(
    rng: np.random.Generator,
    as_of: date,
    people: pl.DataFrame,
    places: Places,
    companies: pl.DataFrame,
    *,
    branches: float,
) -> pl.DataFrame:
    """Make the bodies of a city.

    Args:
        rng: the stream to draw from.
        as_of: nothing is registered later.
        people: representatives are chosen from them.
        places: seats.
        companies: `make_entities`; some have a branch.
        branches: share of companies that have one.

    Returns:
        One row per body: entity_no, kind, uscc, name, other_names, legal_representative, legal_representative_no,
        registered_capital (yuan), established_on, address, division_code, district, status, sponsor, head_no
        (entity_no of a branch's company, else null).
    """
    kinds = [k for k, share in _PER_PERSON.items() for _ in range(max(round(share * len(people)), 12))]
    own = companies.filter((pl.col("kind") == "91") & (pl.col("status") == "在用"))
    heads = own[np.flatnonzero(rng.random(len(own)) < branches)]
    kind = pl.Series([*kinds, *["91"] * len(heads)])
    count, plain = len(kind), len(kinds)
    streets = places.streets
    towns = streets["district_name"] + streets["name"]
    doors = choose(rng, places.roads, count) + pl.Series(rng.integers(1, 400, count)).cast(pl.String) + "号"
    place = np.concatenate([np.arange(kinds.count(k)) for k in _ENDINGS] + [rng.integers(0, len(towns), len(heads))])
    place %= len(towns)
    district = streets["district"].gather(place)
    sponsor = towns.gather(place).str.replace("办事处$", "街道").str.replace("街道街道$", "街道")
    sponsor += pl.select(
        pl.when(sponsor.str.ends_with("镇")).then(pl.lit("人民政府")).otherwise(pl.lit("办事处"))
    ).to_series()
    words = {
        "12": list(_INSTITUTIONS),
        "51": read_table("trades.csv")["word"].to_list(),
        "52": list(_UNITS),
        "53": [""],
    }
    names = []
    for of, ending in _ENDINGS.items():
        number = pl.int_range(kinds.count(of), eager=True)
        turn = number // len(towns)
        again = turn // len(words[of])
        ordinal = pl.select(
            pl.when(again > 0).then("第" + (again + 1).cast(pl.String)).otherwise(pl.lit(""))
        ).to_series()
        names.append(
            towns.gather(number % len(towns)) + ordinal + pl.Series(words[of]).gather(turn % len(words[of])) + ending
        )
    towns_of_branches = pl.Series(("荣成", "乳山", "文登", "环翠")).gather(pl.Series(np.arange(len(heads)) % 4))
    names.append(heads["name"] + towns_of_branches + "分公司")
    adults = people.filter(pl.col("birth_date") < as_of.replace(year=as_of.year - 30, day=1))
    leader = adults[rng.integers(0, len(adults), count)]
    age = (as_of - date(1995, 1, 1)).days
    established = np.datetime64(as_of, "D") - (40 + (age - 40) * rng.random(count)).astype("timedelta64[D]")
    capital = pl.Series(np.round(np.exp(rng.normal(3.5, 1.0, count))).astype(np.int64) * 10_000 + 10_000)
    is_branch = np.arange(count) >= plain
    return pl.DataFrame(
        {
            "entity_no": pl.Series(FIRST_NUMBER + np.arange(count), dtype=pl.Int32),
            "kind": kind,
            "uscc": credit_codes(kind.to_list(), district.cast(pl.Int64).to_numpy(), 22_000_000 + np.arange(count)),
            "name": pl.concat(names),
            "other_names": (towns.gather(place) + "为民服务中心").set(pl.Series(rng.random(count) > 0.15), None),
            "legal_representative": leader["name"],
            "legal_representative_no": leader["person_no"],
            "registered_capital": capital.set(pl.Series(is_branch), None),
            "established_on": established,
            "address": "威海市" + towns.gather(place) + doors,
            "division_code": streets["code"].gather(place),
            "district": district,
            "status": choose(rng, ("在用", "注销"), count, (0.97, 0.03)),
            "sponsor": sponsor,
            "head_no": pl.concat([pl.Series([None] * plain, dtype=pl.Int32), heads["entity_no"]]),
        }
    )
