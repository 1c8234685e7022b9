"""A typed register as the text a department would write."""

from __future__ import annotations

from datetime import date

import polars as pl

from connectors.contract import Contract
from connectors.sample.city import is_hidden

_LONG_TERM = date(9999, 12, 31)


def as_text(table: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    """Render every column of the contract that the register has, in contract order, and keep the hidden ones."""
    columns = [written(table[name]) for name in contract.columns if name in table.columns]
    return pl.DataFrame([*columns, *(s for s in table.get_columns() if is_hidden(s.name))])


def written(series: pl.Series) -> pl.Series:
    """Return typed values as a department writes them."""
    frame, column = series.to_frame(), pl.col(series.name)
    if series.dtype == pl.Date:
        text = pl.when(column == _LONG_TERM).then(pl.lit("长期")).otherwise(column.dt.strftime("%Y-%m-%d"))
    elif series.dtype == pl.Datetime:
        text = column.dt.strftime("%Y-%m-%d %H:%M:%S")
    elif series.dtype == pl.Boolean:
        text = pl.when(column).then(pl.lit("是")).when(~column).then(pl.lit("否"))
    elif series.dtype.is_float():
        text = column.cast(pl.String).str.strip_suffix(".0")
    else:
        text = column.cast(pl.String)
    return frame.select(text.alias(series.name))[series.name]
