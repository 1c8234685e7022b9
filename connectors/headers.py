"""Finding the header row, and matching the department's headers to the columns of a contract."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from connectors.contract import Contract
from connectors.errors import UserError
from connectors.readers.model import TextBatch, TextFile

How = Literal["name", "alias", "similar", "unknown", "duplicate", "empty"]


class HeaderError(UserError):
    """No usable header; one Chinese sentence names the columns looked for and the headers seen."""


@dataclass(frozen=True)
class ColumnMatch:
    """One column of the file.

    Attributes:
        position: 0-based, of `TextBatch.cells`.
        header: as delivered, trimmed.
        column: the contract column, or None.
        how: `name`, `alias`, `similar` (confidence < 1), `unknown` (kept out), `duplicate` (a second column for a
            contract column already matched; kept out), `empty` (no header; kept out).
        confidence: 0–1.
        unit: a unit the header names in brackets, `注册资本（万元）` → `万元`.
    """

    position: int
    header: str
    column: str | None
    how: How
    confidence: float
    unit: str | None = None


@dataclass(frozen=True)
class HeaderMatch:
    """How a header row reads under one contract.

    Attributes:
        columns: one per file column, in file order.
        missing: contract columns that the file does not have.
        confidence: 0–1, of the whole row.
    """

    columns: tuple[ColumnMatch, ...]
    missing: tuple[str, ...]
    confidence: float

    def matched(self) -> dict[str, ColumnMatch]:
        """Return the file column of each contract column found."""
        return {m.column: m for m in self.columns if m.column is not None}

    def as_json(self) -> dict[str, Any]:
        """Return the match for `quality.batch.header_match`; headers as delivered (mask them before storing)."""
        raise NotImplementedError


@dataclass(frozen=True)
class Table:
    """The one table of a delivered file, its header found and understood.

    Attributes:
        contract: as given or recognised.
        sheet: name of the sheet; empty for a text file.
        header: the match.
        header_row_no: the header's record number.
        header_cells: the header row as delivered.
        preamble: texts of the title rows above the header, one per row (hints for the as-of date).
        preamble_rows: number of non-blank records above the header; `blank_rows` of blank ones.
        batches: all records below the header; read once.
        other_sheets: visible sheets that hold another table or none, and hidden ones; not read.
    """

    contract: Contract
    sheet: str
    header: HeaderMatch
    header_row_no: int
    header_cells: tuple[str, ...]
    preamble: tuple[str, ...]
    preamble_rows: int
    blank_rows: int
    batches: Iterator[TextBatch]
    epoch_1904: bool = False
    other_sheets: tuple[str, ...] = field(default=())


def match_headers(cells: Sequence[str | None], contract: Contract) -> HeaderMatch:
    """Match one header row to a contract by name, alias, English name, then by similarity where it is beyond doubt."""
    raise NotImplementedError


def recognise(cells: Sequence[str | None], contracts: Sequence[Contract]) -> tuple[Contract, HeaderMatch] | None:
    """Return the one contract whose columns the header row holds, or None where none or several fit."""
    raise NotImplementedError


def find_table(file: TextFile, contracts: Sequence[Contract]) -> Table:
    """Find the header within the first 30 records of each visible sheet and match it to the contracts.

    Args:
        file: an opened file.
        contracts: exactly one where the extract is known, else all of the department (the header decides).

    Raises:
        HeaderError: no header row, none or several contracts fit, a key column (and no fallback key) or a required
            column is missing, or several visible sheets hold the table.
        UnreadableFileError: the file turns out unreadable in its first records.
    """
    raise NotImplementedError


def usable_key(found: Mapping[str, object] | set[str], contract: Contract) -> bool:
    """Say whether all key columns, or all of the fallback key, are among the found columns."""
    return any(key and set(key) <= set(found) for key in (contract.key, contract.fallback_key))
