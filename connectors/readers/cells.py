"""Typed cells as the text a spreadsheet shows for them, and batches made of such columns."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import numpy as np
import polars as pl

from connectors.readers.model import TextBatch

BATCH_ROWS = 16_384


def cell_text(value: object) -> str:
    """Return a cell as the text it stands for; whole numbers without `.0`, dates in ISO form, durations as H:MM:SS."""
    match value:
        case bool():
            text = "是" if value else "否"
        case float():
            text = str(int(value)) if value.is_integer() and abs(value) < 1e22 else repr(value)
        case dt.datetime():
            midnight = value.time() == dt.time()
            text = value.date().isoformat() if midnight else value.isoformat(sep=" ", timespec="seconds")
        case dt.date() | dt.time():
            text = value.isoformat()
        case dt.timedelta():
            minutes, seconds = divmod(round(value.total_seconds()), 60)
            text = f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"
        case _:
            text = str(value)
    return text


def text_column(values: Sequence[object]) -> pl.Series:
    """Return a column of cells as texts; a column that is text already is taken as it stands."""
    if set(map(type, values)) <= {str}:
        return pl.Series(values, dtype=pl.String)
    return pl.Series(list(map(cell_text, values)), dtype=pl.String)


def rectangular_batch(cells: pl.DataFrame, first_row_no: int) -> TextBatch:
    """Return a batch of sound records that all have the same fields.

    Args:
        cells: string columns in order, whatever their names.
        first_row_no: row number of the first record.
    """
    count = len(cells)
    columns = [column.alias(str(place)) for place, column in enumerate(map(_without_nul, cells.get_columns()))]
    return TextBatch(
        cells=pl.DataFrame(columns),
        row_no=pl.Series("row_no", np.arange(first_row_no, first_row_no + count, dtype=np.int64)),
        field_count=pl.Series("field_count", [None], dtype=pl.Int32).new_from_index(0, count),
        fault=pl.Series("fault", [None], dtype=pl.String).new_from_index(0, count),
    )


def _without_nul(texts: pl.Series) -> pl.Series:
    holds_nul = texts.str.contains("\0", literal=True).any()
    return texts.str.replace_all("\0", "", literal=True) if holds_nul else texts
