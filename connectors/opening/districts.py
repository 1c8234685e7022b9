"""The city's districts with the division codes that belong to them."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from functools import cache

from connectors.settings import CHECKOUT

_CITY = "371000"


@cache
def city_districts() -> Mapping[str, Sequence[str]]:
    """Return the six-digit codes by district (GB/T 2260), zones and abolished divisions with the district they are of.

    From `seeds/divisions.csv` and `seeds/division_roll_ups.csv`.
    """
    districts = {
        row["code"]: row["name"]
        for row in _rows("divisions.csv")
        if row["parent_code"] == _CITY and row["is_current"] == "true" and row["basis"] == "gb_t_2260"
    }
    found = {name: [code] for code, name in districts.items()}
    for row in _rows("division_roll_ups.csv"):
        found[districts[row["district_code"]]].append(row["division_code"])
    return found


def _rows(seed: str) -> list[dict[str, str]]:
    with (CHECKOUT / "seeds" / seed).open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))
