"""The rows a receipt shows again: read once more from the archive, as the department sent them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from connectors.contract import Contract
from connectors.readers import open_file
from connectors.receipts.workbook import SHEET_ROWS, OffendingRows
from connectors.settings import Limits
from connectors.tables import find_table


def offending_rows(
    path: Path, contract: Contract, row_nos: Sequence[int], *, file_no: int, limits: Limits
) -> OffendingRows:
    """Return the named rows of an archived file with its header, at most `SHEET_ROWS` of them.

    Raises:
        UnreadableFileError, HeaderError: the file cannot be read as a table of the contract.
    """
    table = find_table(open_file(path, limits=limits), [contract])
    wanted = pl.Series(sorted(set(row_nos))[:SHEET_ROWS], dtype=pl.Int64)
    last = wanted.max()
    rows: dict[int, Sequence[str | None]] = {}
    for batch in table.batches:
        hits = batch.row_no.is_in(wanted.implode())
        if hits.any():
            rows |= dict(zip(batch.row_no.filter(hits).to_list(), batch.cells.filter(hits).rows(), strict=True))
        if last is None or (len(batch) and batch.row_no[-1] >= last):
            break
    positions = {name: match.position for name, match in table.header.matched().items()}
    return OffendingRows(file_no, table.header_cells, rows, positions)
