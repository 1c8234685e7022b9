"""Filling blanks that merged cells left: the family's number stands in its first row only."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
import polars as pl

from connectors.normalise.text import put
from connectors.tables import Table

_MERGED_SHARE = 0.1
"""Of the rows of a list with merged cells at least so many are blank there; fewer blanks are simply missing values."""
_END = "\x00"
"""Stands in a run of rows for one that is no data: what follows it has no row above."""


@dataclass
class _Run:
    """A column between two batches."""

    last: str | None = None
    rows: int = 0
    blanks: int = 0
    is_repeated: bool = False


class FillDown:
    """Gives blanks of the declared columns the value of the row above, batch by batch.

    Where the workbook says which cells are merged, only those are filled. Where nothing says so, a column is taken to
    have been merged while no row repeats the value of the row above and a tenth of the rows is blank: a list that
    writes its value in every row has blanks for another reason. A total, a blank line, a repeated header or a broken
    row ends a run.

    Attributes:
        filled: cells filled so far, by contract column.
    """

    def __init__(self, table: Table) -> None:
        found = table.header.matched()
        declared = [n for n, column in table.contract.columns.items() if column.fill_down and n in found]
        self._positions = {name: found[name].position for name in declared}
        self._runs = {name: _Run() for name in declared}
        below = table.header_row_no - 1 + len(table.header_rows)
        self._spans = {
            name: sorted(
                (top + 1, bottom + 1)
                for top, left, bottom, right in table.merged
                if left <= p <= right and bottom > top >= below
            )
            for name, p in self._positions.items()
        }
        self.filled: Counter[str] = Counter()

    @property
    def is_settled(self) -> bool:
        """Nothing will be filled any more, whatever follows, nor does it matter what does; true once, true for ever."""
        return not any(self._spans.values()) and all(run.is_repeated for run in self._runs.values())

    def fill(self, cells: pl.DataFrame, row_no: pl.Series, is_data: pl.Series) -> pl.DataFrame:
        """Return the cells of a batch, blanks filled.

        Args:
            cells: String, all records of the batch.
            row_no: Int64, their numbers.
            is_data: Boolean, which of them are data.
        """
        for name, position in self._positions.items():
            if (at := str(position)) in cells.columns:
                cells = cells.with_columns(self._filled(name, cells[at], row_no, is_data).alias(at))
        return cells

    def _filled(self, name: str, cells: pl.Series, row_no: pl.Series, is_data: pl.Series) -> pl.Series:
        run, inside = self._runs[name], self._inside(name, row_no)
        if inside is None and run.is_repeated:
            return cells
        text = cells.fill_null("").str.strip_chars(" \t\u3000\u00a0")
        blank = (text == "") & is_data
        heads = pl.select(pl.when(~is_data).then(pl.lit(_END)).when(~blank).then(text)).to_series()
        above = pl.concat([pl.Series([run.last], dtype=pl.String), heads]).forward_fill()
        run.last = above[-1]
        run.rows += int(is_data.sum())
        run.blanks += int(blank.sum())
        run.is_repeated |= bool((heads.eq(heads.shift(1)) & is_data).fill_null(False).any())
        if inside is None and (run.is_repeated or run.blanks < _MERGED_SHARE * run.rows):
            return cells
        above = above.slice(1)
        wanted = blank & (above != _END).fill_null(False)
        places = (wanted if inside is None else wanted & inside).arg_true()
        self.filled[name] += len(places)
        return put(cells.fill_null(""), places, above.gather(places)) if len(places) else cells

    def _inside(self, name: str, row_no: pl.Series) -> pl.Series | None:
        """Say which rows lie within a merged range below its first row; None where no merged cells are known."""
        spans = self._spans[name]
        if not spans:
            return None
        tops, bottoms = (np.array(ends, dtype=np.int64) for ends in zip(*spans, strict=True))
        numbers = row_no.to_numpy()
        span = np.searchsorted(tops, numbers, side="left") - 1
        return pl.Series((span >= 0) & (numbers <= bottoms[span]))
