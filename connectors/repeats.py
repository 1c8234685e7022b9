"""Whether anything repeats itself in a delivery, seen while it is read: what cannot repeat need not be looked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

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

    Equal contents have equal fingerprints; so where all fingerprints differ, all contents do.
    """

    def __init__(self, contract: Contract) -> None:
        """Begin without any row."""
        self._columns: Mapping[str, Sequence[str]] = {
            name: rule.columns for name, rule in contract.rules.items() if isinstance(rule, Unique)
        }
        self._seen: dict[str, list[NDArray[np.uint64]]] = {name: [] for name in (KEY, *self._columns)}
        self._rows = 0

    def look(self, rows: pa.RecordBatch) -> None:
        """Take the fingerprints of staged rows (`row_schema` and hashes)."""
        self._rows += rows.num_rows
        if self._rows > _MAX_ROWS:
            self._seen = {}
            return
        frame = pl.DataFrame(pl.from_arrow(rows))
        prints = frame.select(_fingerprint(columns).alias(name) for name, columns in self._columns.items())
        keys = np.frombuffer(rows.column(BASE).buffers()[1], dtype=np.uint64)[::2]  # type: ignore[arg-type]
        self._seen[KEY].append(keys[: rows.num_rows].copy())
        for name in self._columns:
            self._seen[name].append(prints[name].to_numpy().copy())

    def never(self) -> frozenset[str]:
        """Return the `unique` rules, and `KEY`, of which no two rows have the same content."""
        return frozenset(name for name, parts in self._seen.items() if _all_differ(parts))


def _fingerprint(columns: Sequence[str]) -> pl.Expr:
    together = pl.col(columns[0]).hash(seed=0)
    for seed, column in enumerate(columns[1:], 1):
        together = together.xor(pl.col(column).hash(seed=seed))
    return together


def _all_differ(parts: Sequence[NDArray[np.uint64]]) -> bool:
    seen = np.sort(np.concatenate(parts)) if parts else np.empty(0, dtype=np.uint64)
    return not (seen[1:] == seen[:-1]).any()
