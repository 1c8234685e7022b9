"""Records whose field count fits and whose cells cannot be right: garbled rows, and rows shifted by one column.

Both are told to the department and never repaired: what stood where can only be guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import polars as pl
from numpy.typing import NDArray

from connectors.contract import ColumnType, Contract
from connectors.normalise import FINDINGS, Normalised
from connectors.normalise.garbled import garbled
from connectors.normalise.text import put

Flags = NDArray[np.bool_]
Scores = NDArray[np.int64]

GARBLED = "该行有乱码，无法还原，未采用。"
SHIFTED = "该行多个单元格的内容与左右相邻的列相符，各列已错位，未采用。"
_MISFITS = 2
"""So many cells must not fit their columns before a row is looked at."""
_FITS = 3
"""So many must fit the columns beside them, and all that did not fit theirs."""
_WORDS = (ColumnType.CODE, ColumnType.DIVISION)
_LOOSE = (ColumnType.TEXT, ColumnType.BOOL)
"""Types that say nothing about where a cell belongs: nearly anything fits, or 是 fits any column of its kind."""
_NOT_OF_THE_TYPE = [key for key, finding in FINDINGS.items() if finding.fails and finding.rule in ("format", "code")]

Reader = Callable[[str, pl.Series], Normalised]
"""Reads cells as those of a column, by its name."""


def garbled_rows(contract: Contract, cells: Mapping[str, pl.Series], read: Mapping[str, Normalised]) -> pl.Series:
    """Say which rows are lost to mojibake: in their key or a required text, or in two cells at least.

    Args:
        contract: of the table.
        cells: the delivered text of each column.
        read: the same, read.
    """
    length = len(next(iter(cells.values())))
    lost = pl.Series([False]).new_from_index(0, length)
    count = pl.Series([0], dtype=pl.UInt32).new_from_index(0, length)
    for name, column in contract.columns.items():
        if read[name].finding.null_count() == length:
            continue
        if column.type is ColumnType.TEXT:
            hit = (read[name].finding == "text_garbled").fill_null(False)
        elif column.type in _WORDS:
            hit = _failing(read[name])
            if places := hit.arg_true().to_list():
                hit = put(hit, pl.Series(places), garbled(cells[name].gather(places).fill_null("")))
        else:
            continue
        if not hit.any():
            continue
        count += hit.cast(pl.UInt32)
        if name in contract.key or column.required is True:
            lost |= hit
    return lost | (count >= 2)


def shifted_rows(
    contract: Contract,
    delivered: pl.DataFrame,
    positions: Mapping[str, int],
    read: Mapping[str, Normalised],
    *,
    reader: Reader,
    surplus: pl.Series,
) -> pl.Series:
    """Say which rows read clearly better when their cells are moved by one column from some place on.

    Every cell that does not fit its column must be gone there, three cells at least must fit, none may fail, and the
    row must fit better as a whole. In a row with more fields than the header, as an unquoted `5,000` makes it, one cell
    that is gone is enough.

    Args:
        contract: of the table.
        delivered: the cells of all columns of the file, by position.
        positions: position of each contract column that the file has.
        read: the columns as they stand, read.
        reader: reads cells as a column's.
        surplus: Boolean, the record has more fields than the header, the last of them empty.
    """
    strict = {p: n for n, p in sorted(positions.items(), key=lambda item: item[1]) if _is_strict(contract, n)}
    misfits = pl.Series([0], dtype=pl.UInt32).new_from_index(0, len(delivered))
    for name in strict.values():
        misfits += _failing(read[name]).cast(pl.UInt32)
    places = ((misfits >= _MISFITS) | (surplus & (misfits > 0))).arg_true()
    shifted = pl.Series([False]).new_from_index(0, len(delivered))
    if not len(places):
        return shifted
    rows = delivered[places]
    own = np.stack([_score(read[n], places) for n in strict.values()])
    told = np.zeros(len(places), dtype=np.bool_)
    for step in (-1, 1):
        moved = np.stack([_score(reader(n, _column(rows, p + step))) for p, n in strict.items()])
        told |= _fits_better(own, moved, gap=int(step < 0), is_long=surplus.gather(places).to_numpy() & (step > 0))
    return put(shifted, places, pl.Series(told))


def _is_strict(contract: Contract, name: str) -> bool:
    return contract.columns[name].type not in _LOOSE


def _column(rows: pl.DataFrame, position: int) -> pl.Series:
    name = str(position)
    return rows[name] if name in rows.columns else pl.Series([None], dtype=pl.String).new_from_index(0, len(rows))


def _failing(read: Normalised) -> pl.Series:
    """Say which cells cannot be what their column holds."""
    if read.finding.null_count() == len(read.finding):
        return pl.Series([False]).new_from_index(0, len(read.finding))
    return read.finding.is_in(_NOT_OF_THE_TYPE).fill_null(False)


def _score(read: Normalised, places: pl.Series | None = None) -> Scores:
    """Return per cell -1 where it does not fit, 1 where it does, 0 where it is empty."""
    fits = (read.finding.is_null() & ~read.missing).cast(pl.Int64) - _failing(read).cast(pl.Int64)
    return (fits if places is None else fits.gather(places)).to_numpy()


def _fits_better(own: Scores, moved: Scores, *, gap: int, is_long: Flags) -> Flags:
    """Say for which rows the moved reading is clearly better from some column on.

    Args:
        own: (columns, rows) scores as delivered, in file order.
        moved: the same, of the neighbouring cells.
        gap: columns before that one whose own value is missing, so that they may hold anything: 0 or 1.
        is_long: for which rows one cell is enough.
    """
    better = np.zeros(own.shape[1], dtype=np.bool_)
    for start in range(len(own)):
        told = max(0, start - gap)
        before, after, instead = own[:told], own[told:], moved[start:]
        explained = (before >= 0).all(axis=0) & (instead >= 0).all(axis=0)
        enough = ((instead > 0).sum(axis=0) >= _FITS) & ((after < 0).sum(axis=0) >= _MISFITS)
        enough &= instead.sum(axis=0) - own[start:].sum(axis=0) >= 2 * _MISFITS
        better |= explained & (enough | (is_long & (after < 0).any(axis=0)))
    return better
