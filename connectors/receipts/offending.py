"""The rows a receipt shows again: read once more from the archive, as the department sent them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from connectors.readers import open_file
from connectors.receipts.workbook import SHEET_ROWS
from connectors.segments import Segment
from connectors.settings import Limits


def offending_rows(
    path: Path, segment: Segment, row_nos: Sequence[int], *, limits: Limits
) -> Mapping[int, Sequence[str | None]]:
    """Return the named rows of a segment of an archived file, at most `SHEET_ROWS` of them, by row number.

    Args:
        row_nos: the department's own row numbers, in any order.

    Raises:
        UnreadableFileError: the file cannot be read.
    """
    file = open_file(path, limits=limits)
    numbers = sorted(set(row_nos))[:SHEET_ROWS]
    wanted = pl.Series(numbers, dtype=pl.Int64)
    rows: dict[int, tuple[str | None, ...]] = {}
    for batch in file.sheets[segment.sheet_no].batches_with(numbers):
        hits = batch.row_no.is_in(wanted.implode())
        rows |= dict(zip(batch.row_no.filter(hits).to_list(), batch.cells.filter(hits).rows(), strict=True))
        if len(batch) and batch.row_no[-1] >= wanted[-1]:
            break
    return rows
