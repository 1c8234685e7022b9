"""A topic of the city: extracts that belong together, and what the indicators must show of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

import polars as pl

from connectors.sample.city import RELEVANT, City, Profile
from connectors.sample.draws import exactly
from connectors.sample.operands import Operands, Registers

Make = Callable[[City], pl.DataFrame]
"""Makes a register as its department keeps it on the city's date, without errors; the same one each time."""


@dataclass(frozen=True)
class Topic:
    """Extracts of one subject."""

    registers: Mapping[str, Make]
    """Contract id -> what makes the register; without `_relevant` every row is read by an indicator."""
    operands: Callable[[City, Registers], Operands]
    """Computes the expected operands; may ask for the registers of other topics."""


def in_use() -> pl.Expr:
    """Tell which records are in use."""
    return pl.col("status") == "在用"


def begun(column: str, as_of: date) -> pl.Expr:
    """Tell which records have begun by the date; an empty one has."""
    return (pl.col(column) <= as_of).fill_null(value=True)


def by_profile(city: City, usual: float, failing: float) -> float:
    """Return a share: the usual one, or that of a city that fails."""
    return failing if city.profile is Profile.FAILING else usual


def marked(city: City, name: str, count: int, share: float, *, monthly: int = 0) -> pl.Series:
    """Mark a share of a list, rounded down, and some more every month; who is marked stays so.

    Args:
        city: the city.
        name: of the random stream.
        count: length of the list.
        share: between 0 and 1.
        monthly: how many more every round after the first.
    """
    # the small addition keeps 0.9 × 210 at 189
    wanted = min(int(count * share + 1e-9) + monthly * (city.round_no - 1), count)
    return pl.Series(exactly(city.stream(name), count, wanted))


def make_relevant(make: Make, city: City) -> pl.DataFrame:
    """Make a topic's register with `_relevant`."""
    table = make(city)
    return table if RELEVANT in table.columns else table.with_columns(pl.lit(value=True).alias(RELEVANT))


@dataclass(frozen=True)
class OnDemand(Mapping[str, pl.DataFrame]):
    """Registers by contract id; those of topics are made when asked for, so that one at a time need be in memory."""

    city: City
    named: Mapping[str, pl.DataFrame]
    topics: tuple[Topic, ...]

    def __getitem__(self, contract_id: str) -> pl.DataFrame:
        """Return a register."""
        if contract_id in self.named:
            return self.named[contract_id]
        makes = [topic.registers[contract_id] for topic in self.topics if contract_id in topic.registers]
        if not makes:
            raise KeyError(contract_id)
        return makes[0](self.city)

    def __iter__(self) -> Iterator[str]:
        """Return the contract ids."""
        yield from self.named
        for topic in self.topics:
            yield from topic.registers

    def __len__(self) -> int:
        """Return how many registers there are."""
        return len(self.named) + sum(len(topic.registers) for topic in self.topics)
