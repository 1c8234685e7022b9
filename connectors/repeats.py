"""Whether anything repeats itself in a delivery, seen while it is read: what cannot repeat need not be looked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from connectors.contract import Contract, Unique
from connectors.record_columns import BASE

KEY = ""
"""Stands for the record key among the names of rules."""
_MAX_BYTES = 128 * 1024**2
"""Of deliveries for which it would take more nothing is remembered: the database finds out."""


Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Repeated:
    """What was seen of a content that should be of one row only.

    Attributes:
        filled: how many rows have any content.
        rows: numbers of those whose content another row may have too; of all others none has.
    """

    filled: int
    rows: Rows


class Repeats:
    """Fingerprints (64 bits) of each row's record key, and of its columns that a `unique` rule names.

    Equal contents have equal fingerprints; so where fingerprints differ, contents do. Rows whose columns are all empty
    are not judged by the rule.
    """

    def __init__(self, contract: Contract) -> None:
        """Begin without any row."""
        self._columns: Mapping[str, Sequence[str]] = {
            name: rule.columns for name, rule in contract.rules.items() if isinstance(rule, Unique)
        }
        self._seen: dict[str, list[tuple[NDArray[np.uint64], NDArray[np.uint32]]]]
        self._seen = {name: [] for name in (KEY, *self._columns)}
        self._bytes = 0

    def look(self, rows: pa.RecordBatch, offset: int = 0) -> pl.DataFrame:
        """Take the fingerprints of staged rows, and return them: `KEY` and rules, UInt64.

        Args:
            rows: `row_schema` and hashes.
            offset: added to their numbers.
        """
        frame = pl.DataFrame(pl.from_arrow(rows))
        prints = [_of_filled(columns).alias(name) for name, columns in self._columns.items()]
        found = frame.select(pl.lit(pl.Series(KEY, _first_halves(rows.column(BASE)))), *prints)
        self.take(found, frame["_row_no"].to_numpy() + offset)
        return found

    def take(self, fingerprints: pl.DataFrame, row_no: Rows) -> None:
        """Take fingerprints of rows, as `look` returns them, and the numbers of the rows."""
        numbers = row_no.astype(np.uint32)
        self._bytes += numbers.nbytes + 8 * len(numbers) * len(self._seen)
        if self._bytes > _MAX_BYTES:
            self._seen = {}
        for name, parts in self._seen.items():
            column = fingerprints[name]
            filled = numbers if not column.null_count() else numbers[column.is_not_null().to_numpy()]
            parts.append((column.drop_nulls().to_numpy().copy(), filled))

    def found(self) -> dict[str, Repeated]:
        """Return what was seen of `KEY` and each `unique` rule; nothing where there were too many rows."""
        with ThreadPoolExecutor(2) as others:
            return dict(zip(self._seen, others.map(_repeated, self._seen.values()), strict=True))


def _first_halves(keys: pa.Array[Any]) -> NDArray[np.uint64]:
    """Return the first 8 bytes of each 16 (binary(16), without nulls)."""
    data: Any = keys.buffers()[1]
    return np.frombuffer(memoryview(data), dtype=np.uint64)[2 * keys.offset :: 2][: len(keys)].copy()


def _of_filled(columns: Sequence[str]) -> pl.Expr:
    filled = pl.any_horizontal(pl.col(column).is_not_null() for column in columns)
    return pl.when(filled).then(_fingerprint(columns))


def _fingerprint(columns: Sequence[str]) -> pl.Expr:
    together = pl.col(columns[0]).hash(seed=0)
    for seed, column in enumerate(columns[1:], 1):
        together = together.xor(pl.col(column).hash(seed=seed))
    return together


def _repeated(parts: Sequence[tuple[NDArray[np.uint64], NDArray[np.uint32]]]) -> Repeated:
    ordered = np.concatenate([prints for prints, _ in parts] or [np.empty(0, dtype=np.uint64)])
    ordered.sort()
    twice = ordered[1:][ordered[1:] == ordered[:-1]]
    if not len(twice):
        return Repeated(len(ordered), np.empty(0, dtype=np.int64))
    named = [numbers[twice[np.searchsorted(twice[:-1], prints)] == prints] for prints, numbers in parts]
    return Repeated(len(ordered), np.concatenate(named).astype(np.int64))
