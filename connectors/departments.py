"""The units of the city that deliver, own or publish data."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache

from connectors.settings import CHECKOUT


@cache
def department_names() -> Mapping[str, str]:
    """Return the Chinese names of `seeds/departments.csv` by id."""
    with (CHECKOUT / "seeds" / "departments.csv").open(encoding="utf-8", newline="") as lines:
        return {row["id"]: row["name"] for row in csv.DictReader(lines)}
