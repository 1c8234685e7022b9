"""Collecting findings as issue rows, column-wise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl
import pyarrow as pa

_TEXTS = ("column_name", "header", "rule", "dimension", "severity", "message", "value", "suggestion")
_FIELDS: list[pa.Field[Any]] = [pa.field("row_no", pa.int64()), *(pa.field(name, pa.string()) for name in _TEXTS)]
ISSUE_SCHEMA = pa.schema(_FIELDS)
"""One row per finding. `value` is the plain delivered cell: for staging only. `row_no` is null for the whole delivery,
`column_name` and `header` are null for a whole row; `header` is the department's own."""


@dataclass(frozen=True)
class Subject:
    """What a finding is about: a column with its delivered header, or a whole row (both None)."""

    column: str | None = None
    header: str | None = None


WHOLE_ROW = Subject()


class FindingsLog:
    """Issue rows of one batch (or of the delivery as a whole), in the order they were found."""

    def __init__(self) -> None:
        self._parts: list[pl.DataFrame] = []

    def add(
        self,
        subject: Subject,
        rule: str,
        *,
        dimension: str,
        severity: str,
        message: str | pl.Series,
        row_no: pl.Series,
        value: pl.Series | None = None,
        suggestion: str | pl.Series | None = None,
    ) -> None:
        """Add one issue per entry of `row_no`; the series run parallel to it."""
        if not len(row_no):
            return
        columns: dict[str, pl.Series | str | None] = {
            "row_no": row_no,
            "column_name": subject.column,
            "header": subject.header,
            "rule": rule,
            "dimension": dimension,
            "severity": severity,
            "message": message,
            "value": value,
            "suggestion": suggestion,
        }
        self._parts.append(
            pl.select(
                [
                    pl.lit(content, dtype=pl.Int64 if name == "row_no" else pl.String).alias(name)
                    if not isinstance(content, pl.Series)
                    else content.alias(name)
                    for name, content in columns.items()
                ]
            )
        )

    def row_numbers(self, rule: str) -> list[int]:
        """Return the rows listed under a rule, ascending."""
        return sorted({n for part in self._parts for n in part.filter(pl.col("rule") == rule)["row_no"].to_list()})

    def rows(self) -> pl.Series:
        """Return the rows listed under any rule."""
        return pl.concat([part["row_no"] for part in self._parts]) if self._parts else pl.Series([], dtype=pl.Int64)

    def record_batch(self) -> pa.RecordBatch:
        """Return everything added, in `ISSUE_SCHEMA`."""
        return to_record_batch(pl.concat(self._parts), ISSUE_SCHEMA) if self._parts else _empty(ISSUE_SCHEMA)


def to_record_batch(frame: pl.DataFrame, schema: pa.Schema) -> pa.RecordBatch:
    """Return a frame as one record batch of exactly this schema."""
    if frame.is_empty():
        return _empty(schema)
    arrow = frame.select(schema.names).rechunk().to_arrow(compat_level=pl.CompatLevel.newest())
    arrays = [arrow.column(field.name).chunks[0] for field in schema]
    arrays = [a if a.type == field.type else a.cast(field.type) for a, field in zip(arrays, schema, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _empty(schema: pa.Schema) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([pa.array([], type=field.type) for field in schema], schema=schema)
