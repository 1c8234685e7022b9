"""What all registers of the sample city share: its date, its people and its companies."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cached_property
from pathlib import Path

import numpy as np
import polars as pl

from connectors.sample.calendar import Calendar
from connectors.sample.draws import stream
from connectors.sample.lives import at
from connectors.sample.noise import Noise
from connectors.sample.places import Places

RELEVANT = "_relevant"
"""Column of a register: the row is read by an indicator, so nothing planted may take it away."""
PERSON, ENTITY = "_person", "_entity"
"""Columns of a register: person_no or entity_no of whom the row is about."""


def is_hidden(column: str) -> bool:
    """Tell whether a register's column is the generator's own and not delivered."""
    return column.startswith("_")


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
    people: pl.DataFrame
    """Everybody who ever lives in the city, born or not (`lives.make_lives`)."""
    entities: pl.DataFrame
    """Companies, sole traders and cooperatives (`entities.make_entities`)."""
    bodies: pl.DataFrame
    """Institutions, social organisations and branches (`bodies.make_bodies`)."""
    noise: Noise
    seeds: Path
    """Folder of the code tables."""

    @cached_property
    def population(self) -> pl.DataFrame:
        """Return those born by the date."""
        return self.people.filter(pl.col("birth_date") <= self.as_of)

    @cached_property
    def present(self) -> pl.DataFrame:
        """Return everybody as they are on the date (`lives.at`)."""
        return at(self.people, self.as_of)

    def chance(self, *names: str | int) -> np.ndarray:
        """Return a number in [0, 1) for every person, the same in every round."""
        return self.stream(*names).random(len(self.people))

    def days(self, name: str, span: int) -> pl.Expr:
        """Return a duration of 0 to `span - 1` days for every person, the same in every round."""
        drawn = (self.chance(name) * span).astype(np.int64)
        return pl.duration(days=pl.lit(pl.Series(drawn)))

    def marks(self, name: str, share: float) -> pl.Expr:
        """Mark about a share of all persons, the same ones in every round."""
        return pl.lit(pl.Series(self.chance(name) < share))

    def stream(self, *names: str | int) -> np.random.Generator:
        """Return a random stream that is the same in every round."""
        return stream(self.seed, *names)
