"""What a rejected row may have said: the record it speaks of must not be taken for absent."""

from __future__ import annotations

from typing import Any

import polars as pl
import pyarrow as pa

from connectors.contract import ColumnType, Contract
from connectors.findings_log import to_record_batch
from connectors.normalise import Context, normalise
from connectors.record_hashes import key_part

_FIELDS: list[pa.Field[Any]] = [
    pa.field("row_no", pa.int64()),
    pa.field("column_name", pa.string()),
    pa.field("value", pa.string()),
    pa.field("is_read", pa.bool_()),
]
CANDIDATE_SCHEMA = pa.schema(_FIELDS)
"""One row per rejected row, key or fallback-key column and text the row may have there (empty: nothing). `is_read`:
the cell as read under its header; else a piece of text of a row whose columns cannot be told apart, folded: half-width,
upper case, without spaces."""

NO_CANDIDATES = pa.RecordBatch.from_pylist([], schema=CANDIDATE_SCHEMA)
_SEPARATORS = r"[,;|\t\r\n\"'，；]"
_ANY_TEXT = frozenset({ColumnType.TEXT, ColumnType.CODE, ColumnType.DIVISION, ColumnType.BOOL})
_SHORT_WITH_DIGIT = (pl.col("piece").str.len_bytes() <= 60) & pl.col("piece").str.contains(r"\d")
"""What numbers, dates and identifiers look like: the rest need not be read."""
_LONGEST = 200
"""Longer pieces of text are no keys."""


def candidates(
    contract: Contract, context: Context, *, torn: tuple[pl.DataFrame, pl.Series], unfit: pl.DataFrame
) -> pa.RecordBatch:
    """Return what the rejected rows of a batch may have as their keys; nothing unless the delivery is a full list.

    Args:
        torn: cells and row numbers of the rows whose columns cannot be told apart.
        unfit: typed rows (`row_schema`) that were read and rejected.
    """
    columns = tuple(dict.fromkeys((*contract.key, *contract.fallback_key)))
    cells, row_no = torn
    if contract.mode != "full" or not (len(row_no) or len(unfit)):
        return NO_CANDIDATES
    parts = [
        _listed(name, unfit["_row_no"], _text(contract, name, unfit[name]).fill_null(""), is_read=True)
        for name in columns
    ]
    pieces = _pieces(cells, row_no)
    for name in columns:
        likely = pieces if contract.columns[name].type in _ANY_TEXT else pieces.filter(_SHORT_WITH_DIGIT)
        read = likely["piece"]
        if contract.columns[name].type is not ColumnType.TEXT:
            read = _text(contract, name, normalise(read, contract.columns[name], context).values["value"])
        parts += [
            _listed(name, row_no, pl.Series([""]).new_from_index(0, len(row_no)), is_read=False),
            _listed(name, likely["row_no"], _folded(read), is_read=False).drop_nulls("value"),
        ]
    return to_record_batch(pl.concat(parts).unique(maintain_order=True), CANDIDATE_SCHEMA)


def _listed(name: str, row_no: pl.Series, value: pl.Series, *, is_read: bool) -> pl.DataFrame:
    return pl.DataFrame({"row_no": row_no.cast(pl.Int64), "value": value.cast(pl.String)}).select(
        "row_no", pl.lit(name).alias("column_name"), "value", pl.lit(is_read).alias("is_read")
    )


def _folded(texts: pl.Series) -> pl.Series:
    return texts.str.normalize("NFKC").str.to_uppercase().str.replace_all(r"\s", "")


def _text(contract: Contract, name: str, values: pl.Series) -> pl.Series:
    return pl.DataFrame({name: values}).select(key_part(contract, name)).to_series()


def _pieces(cells: pl.DataFrame, row_no: pl.Series) -> pl.DataFrame:
    """Return every cell whole and in pieces, with the number of its row: `row_no`, `piece`."""
    whole = (
        cells.with_columns(row_no=row_no)
        .unpivot(index="row_no", value_name="piece")
        .select(pl.col("row_no").cast(pl.Int64), pl.col("piece").cast(pl.String))
        .drop_nulls()
    )
    torn = whole.with_columns(pl.col("piece").str.replace_all(_SEPARATORS, "\x1f").str.split("\x1f")).explode("piece")
    sizes = pl.col("piece").str.len_chars()
    return pl.concat([whole, torn]).filter((sizes > 0) & (sizes <= _LONGEST)).unique(maintain_order=True)
