"""What all registers of the sample city share: its date, its people and its companies."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

import numpy as np
import polars as pl

from connectors.sample.calendar import Calendar
from connectors.sample.draws import stream
from connectors.sample.places import Places

RELEVANT = "_relevant"
"""Column of a register: the row is read by an indicator, so nothing planted may take it away."""


class Profile(StrEnum):
    """How the city behaves: with dirt and one bad delivery, spotless, or missing the plan's targets."""

    DEFAULT = "default"
    CLEAN = "clean"
    FAILING = "failing"


@dataclass(frozen=True)
class City:
    """The city at the as-of date of one round of deliveries."""

    seed: int
    profile: Profile
    as_of: date
    first_as_of: date
    """As-of date of the first round: what happened before it never changes from round to round."""
    round_no: int
    places: Places
    calendar: Calendar
    cycle_days: dict[str, int]
    population: pl.DataFrame
    entities: pl.DataFrame

    def stream(self, *names: str | int) -> np.random.Generator:
        """Return a random stream that is the same in every round."""
        return stream(self.seed, *names)
