"""Whether anything repeats itself in a delivery, seen while it is read: what cannot repeat need not be looked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from connectors.contract import Contract, Unique
from connectors.record_hashes import BASE

KEY = ""
"""Stands for the record key among the names of rules."""
_MAX_ROWS = 8_000_000
"""Of larger deliveries nothing is remembered: the database finds out."""


class Repeats:
    """Fingerprints (64 bits) of each row's record key, and of its columns that a `unique` rule names.

    Equal contents have equal fingerprints; so where all fingerprints differ, all contents do. Rows whose columns are
    all empty are not judged by the rule.
    """

    def __init__(self, contract: Contract) -> None:
        """Begin without any row."""
        self._columns: Mapping[str, Sequence[str]] = {
            name: rule.columns for name, rule in contract.rules.items() if isinstance(rule, Unique)
        }
        self._seen: dict[str, list[NDArray[np.uint64]]] = {name: [] for name in (KEY, *self._columns)}
        self._rows = 0

    def look(self, rows: pa.RecordBatch) -> pl.DataFrame:
        """Take the fingerprints of staged rows (`row_schema` and hashes), and return them: `KEY` and rules, UInt64."""
        frame = pl.DataFrame(pl.from_arrow(rows))
        prints = [_of_filled(columns).alias(name) for name, columns in self._columns.items()]
        found = frame.select(pl.lit(pl.Series(KEY, _first_halves(rows.column(BASE)))), *prints)
        self.take(found)
        return found

    def take(self, fingerprints: pl.DataFrame) -> None:
        """Take fingerprints of rows, as `look` returns them."""
        self._rows += len(fingerprints)
        if self._rows > _MAX_ROWS:
            self._seen = {}
        for name, parts in self._seen.items():
            parts.append(fingerprints[name].drop_nulls().to_numpy().copy())

    def never(self) -> dict[str, int]:
        """Return how many rows have any content, of each `unique` rule, and of `KEY`, where no two have the same."""
        return {name: sum(map(len, parts)) for name, parts in self._seen.items() if _all_differ(parts)}


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


def _all_differ(parts: Sequence[NDArray[np.uint64]]) -> bool:
    seen = np.sort(np.concatenate(parts)) if parts else np.empty(0, dtype=np.uint64)
    return not (seen[1:] == seen[:-1]).any()
