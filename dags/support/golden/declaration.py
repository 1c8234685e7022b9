"""What `seeds/survivorship.csv` declares: for every field of a base library, the cells that may fill it, in order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from connectors.contract import Contract

RECORD = "*"
"""The field whose rows choose among several records of one source."""

LibraryName = Literal["population", "legal_entity"]
LIBRARIES: tuple[LibraryName, ...] = ("population", "legal_entity")


class Rule(StrEnum):
    """By what a cell is chosen."""

    PRIORITY = "priority"
    """The source stands before the others."""
    VALIDITY = "validity"
    """Only a cell that meets the condition."""
    RECENCY = "recency"
    """Of the cells of one rank, the one dated last."""
    COMPLETENESS = "completeness"
    """Of the cells of one rank, the longest text."""
    COLLECT = "collect"
    """None wins: every value is an identifier of its own."""


class Check(StrEnum):
    """What a condition asks of a record."""

    SOUND = "sound"
    """Intake found nothing on the row by this rule."""
    USABLE = "usable"
    """The number in this column is without fault."""
    UNUSABLE = "unusable"
    """The column holds something that is not a number without fault."""
    EMPTY = "empty"
    """The column is empty."""
    IS = "is"
    """The column holds one of these words: `is:kind=结婚|离婚`."""


@dataclass(frozen=True)
class Condition:
    """One condition on a record: the column, or for `sound` the intake rule, and the words of `is`."""

    check: Check
    subject: str
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class Choice:
    """One row: a cell that may fill a field."""

    library: LibraryName
    field: str
    rank: int
    contract: Contract
    role: str
    column: str
    rule: Rule
    conditions: tuple[Condition, ...]
    transform: str
    dated_by: str

    @property
    def source(self) -> tuple[str, str]:
        """Contract id and role."""
        return self.contract.id, self.role


@dataclass(frozen=True)
class Declaration:
    """How the golden records of one library are chosen."""

    library: LibraryName
    choices: tuple[Choice, ...]

    @property
    def sources(self) -> tuple[tuple[Contract, str], ...]:
        """The contracts and roles, in the order in which they are first named."""
        found = {c.source: (c.contract, c.role) for c in self.choices}
        return tuple(found.values())

    @property
    def fields(self) -> Mapping[str, tuple[Choice, ...]]:
        """By field in declared order, its cells by rank."""
        names = dict.fromkeys(c.field for c in self.choices if c.field != RECORD and c.rule is not Rule.COLLECT)
        return {
            name: tuple(sorted((c for c in self.choices if c.field == name), key=lambda c: c.rank)) for name in names
        }

    @property
    def identifiers(self) -> tuple[Choice, ...]:
        """The cells whose values are kept as identifiers; `field` is their kind."""
        return tuple(c for c in self.choices if c.rule is Rule.COLLECT)

    def records(self, source: tuple[str, str]) -> tuple[Choice, ...]:
        """Return what chooses among the records of a source, first things first."""
        return tuple(
            sorted((c for c in self.choices if c.field == RECORD and c.source == source), key=lambda c: c.rank)
        )
