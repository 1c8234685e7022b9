"""The rows a receipt shows again: read once more from the archive, as the department sent them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from connectors.readers import open_file
from connectors.receipts.workbook import SHEET_ROWS, OffendingRows
from connectors.settings import Limits


def offending_rows(
    path: Path, place: Mapping[str, Any], row_nos: Sequence[int], *, file_no: int, limits: Limits
) -> OffendingRows:
    """Return the named rows of an archived file with its header, at most `SHEET_ROWS` of them.

    Args:
        place: `sheet`, `header_row_no` and `positions` of the file's table, as intake found them.
        row_nos: the department's own row numbers, in any order.

    Raises:
        UnreadableFileError: the file cannot be read.
    """
    file = open_file(path, limits=limits)
    sheet = next(s for s in file.sheets if s.name == place["sheet"])
    header_no = int(place["header_row_no"])
    wanted = pl.Series([header_no, *sorted(set(row_nos) - {header_no})[:SHEET_ROWS]], dtype=pl.Int64)
    last = max(wanted.to_list())
    rows: dict[int, tuple[str | None, ...]] = {}
    for batch in sheet.batches():
        hits = batch.row_no.is_in(wanted.implode())
        rows |= dict(zip(batch.row_no.filter(hits).to_list(), batch.cells.filter(hits).rows(), strict=True))
        if len(batch) and batch.row_no[-1] >= last:
            break
    header = tuple(cell or "" for cell in rows.pop(header_no, ()))
    return OffendingRows(file_no, header, rows, place["positions"])
