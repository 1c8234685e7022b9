"""Cells that already stand as they are stored: read at once, so that only the others are taken apart.

A cell is *certain* where what it means follows from its bytes alone: a date written YYYY-MM-DD that exists, a citizen
number with 18 characters and a right check, a text without anything to tidy, an empty cell. For a certain cell the
reading here and the full reading of `connectors.normalise` give the same value and no finding; a property test says so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from connectors.normalise.dates import ZONE, localised
from connectors.normalise.days import FIRST_DAY, FIRST_YEAR, day_numbers
from connectors.normalise.garbled import may_be_garbled
from connectors.normalise.identifiers import ascii_matrix, right_ids, right_usccs
from connectors.normalise.numbers import STORED
from connectors.normalise.text import missing

Mask = NDArray[np.bool_]

_LAST_YEAR = 2098
"""2099-12-31 and 9999-12-31 mean 长期: not certain."""
_DAY_MICROSECONDS = 86_400_000_000
_UNCERTAIN = -_DAY_MICROSECONDS
_NUMBER = r"^-?(?:0|[1-9]\d{0,14})(?:\.\d{1,6})?$"
_WHOLE = r"^-?(?:0|[1-9]\d{0,14})$"

_TO_LOOK_AT = frozenset([*range(0x20), *b" &'?\x7f", 0xC2, 0xC3, 0xE1, 0xE2, 0xE3, 0xEE, 0xEF, 0xF3, 0xF4])
"""Bytes that a text to tidy, or a damaged one, has among its own: controls, spaces, `&`, `'`, `?`, and the first bytes
of the blocks with invisible characters, odd spaces, name dots, accented letters, private-use and replacement
characters."""
_HARMLESS = bytes(byte for byte in range(256) if byte not in _TO_LOOK_AT)
_HARMLESS_IN_NAMES = _HARMLESS.replace(b".", b"")
_LOOK = r"\x00-\x20&'?\x7f\x{80}-\x{ff}\x{1000}-\x{3fff}\x{e000}-\x{ffff}\x{c0000}-\x{10ffff}"
"""The characters that these bytes are in."""


@dataclass(frozen=True)
class Canonical:
    """What is certain about the cells of a column.

    Attributes:
        certain: which cells; their value is final, and they have no finding.
        missing: which of the certain cells are empty.
        value: typed, null where missing or not certain.
    """

    certain: Mask
    missing: Mask
    value: pl.Series


def read_text(cells: pl.Series, *, person_name: bool) -> Canonical:
    """Read texts: certain where no character has to be looked at, but for words that mean "nothing"."""
    blank = empty(cells)
    data = _bytes(cells)
    uncertain = missing(cells)
    if data.translate(None, _HARMLESS_IN_NAMES if person_name else _HARMLESS):
        uncertain |= cells.str.contains(f"[{_LOOK}.]" if person_name else f"[{_LOOK}]")
    if not data.isascii():
        uncertain |= may_be_garbled(cells)
    certain = ~uncertain.fill_null(True).to_numpy() | blank
    return Canonical(certain, blank, only(cells, certain & ~blank))


def read_ids(cells: pl.Series, as_of: date) -> Canonical:
    """Read citizen numbers: 18 characters, everything about them right (GB 11643-1999)."""
    return _fixed(cells, 18, lambda texts, matrix: (right_ids(matrix, as_of), texts))


def read_usccs(cells: pl.Series) -> Canonical:
    """Read unified social credit codes: 18 characters, everything about them right (GB 32100-2015)."""
    return _fixed(cells, 18, lambda texts, matrix: (right_usccs(matrix), texts))


def read_dates(cells: pl.Series) -> Canonical:
    """Read dates written YYYY-MM-DD."""
    return _fixed(cells, 10, lambda _, matrix: _dates(matrix))


def read_datetimes(cells: pl.Series) -> Canonical:
    """Read points in time written YYYY-MM-DD hh:mm:ss, but for times of day when the city's clock was changed."""
    return _fixed(cells, 19, lambda _, matrix: _datetimes(matrix))


def read_integers(cells: pl.Series) -> Canonical:
    """Read plain whole numbers of at most 15 digits."""
    return _numbers(cells, _WHOLE, pl.Int64())


def read_decimals(cells: pl.Series) -> Canonical:
    """Read plain decimal numbers of at most 15 digits before and six after the point."""
    return _numbers(cells, _NUMBER, STORED)


def read_empty(cells: pl.Series) -> Canonical:
    """Read nothing but empty cells."""
    blank = empty(cells)
    return Canonical(blank, blank, pl.Series([None], dtype=STORED).new_from_index(0, len(cells)))


def _numbers(cells: pl.Series, pattern: str, kind: pl.DataType) -> Canonical:
    blank = empty(cells)
    plain = cells.str.contains(pattern).fill_null(False).to_numpy()
    return Canonical(plain | blank, blank, only(cells, plain).cast(kind, strict=False))


def _fixed(
    cells: pl.Series, width: int, read: Callable[[pl.Series, NDArray[np.uint8]], tuple[Mask, pl.Series]]
) -> Canonical:
    """Read the cells of one width in bytes; `read` says which of them are certain, and their values."""
    lengths = cells.str.len_bytes().fill_null(0)
    blank = (lengths == 0).to_numpy()
    fitting = (lengths == width).to_numpy()
    if fitting.all():
        certain, value = read(cells, ascii_matrix(cells, width))
        return Canonical(certain, blank, only(value, certain))
    places = np.flatnonzero(fitting)
    texts = cells.gather(places)
    right, value = read(texts, ascii_matrix(texts, width))
    source = np.full(len(cells), len(texts), dtype=np.uint32)
    source[places[right]] = np.flatnonzero(right)
    nothing = pl.Series([None], dtype=value.dtype)
    certain = blank.copy()
    certain[places[right]] = True
    return Canonical(certain, blank, pl.concat([value, nothing]).gather(source))


def _dates(matrix: NDArray[np.uint8]) -> tuple[Mask, pl.Series]:
    days, exists = _days(matrix)
    return exists, pl.Series(days).cast(pl.Date)


def _datetimes(matrix: NDArray[np.uint8]) -> tuple[Mask, pl.Series]:
    days, exists = _days(matrix)
    digits = matrix - np.uint8(ord("0"))
    hour, minute, second = (_two(digits, start) for start in (11, 14, 17))
    midnight, all_day = _ahead_of_utc()
    day = np.where(exists, days - FIRST_DAY, 0)
    seconds = (hour.astype(np.int64) * 60 + minute) * 60 + second
    ahead = np.where(seconds == 0, midnight[day], all_day[day])
    certain = exists & (ahead != _UNCERTAIN) & ((matrix[:, 10] == ord(" ")) | (matrix[:, 10] == ord("T")))
    for place in (13, 16):
        certain &= matrix[:, place] == ord(":")
    for place in (11, 12, 14, 15, 17, 18):
        certain &= digits[:, place] <= 9
    certain &= (hour < 24) & (minute < 60) & (second < 60)
    moment = days.astype(np.int64) * _DAY_MICROSECONDS + seconds * 1_000_000 - ahead
    return certain, pl.Series(moment).cast(pl.Datetime("us", "UTC")).dt.convert_time_zone(ZONE)


@cache
def _ahead_of_utc() -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the city's offset from UTC by day since the first year, in microseconds: at midnight, and all day.

    `_UNCERTAIN` where the offset changed on the day; a midnight that comes twice or not at all is placed as in `dates`.
    """
    first, last = (np.datetime64(f"{year}-01-01", "D") for year in (FIRST_YEAR, _LAST_YEAR + 1))
    midnights = pl.Series(np.arange(first, last + 1)).cast(pl.Datetime("us"))
    placed = pl.select(localised(pl.lit(midnights))).to_series()
    starts = (midnights.to_physical() - placed.dt.convert_time_zone("UTC").to_physical()).to_numpy()
    return starts[:-1], np.where(starts[:-1] == starts[1:], starts[:-1], _UNCERTAIN)


def _days(matrix: NDArray[np.uint8]) -> tuple[NDArray[np.int32], Mask]:
    """Return the day number of the first ten characters, and whether YYYY-MM-DD is a day."""
    digits = matrix[:, :10] - np.uint8(ord("0"))
    shaped = (matrix[:, 4] == ord("-")) & (matrix[:, 7] == ord("-"))
    for place in (0, 1, 2, 3, 5, 6, 8, 9):
        shaped &= digits[:, place] <= 9
    years = _two(digits, 0) * 100 + _two(digits, 2)
    numbers, exists = day_numbers(years, _two(digits, 5), _two(digits, 8))
    return numbers, exists & shaped & (years <= _LAST_YEAR)


def _two(digits: NDArray[np.uint8], place: int) -> NDArray[np.int32]:
    return digits[:, place].astype(np.int32) * 10 + digits[:, place + 1]


def empty(cells: pl.Series) -> Mask:
    """Say which cells are empty or not there."""
    blank: Mask = (cells == "").to_numpy()
    return blank if cells.null_count() == 0 else (cells.fill_null("") == "").to_numpy()


def only(values: pl.Series, places: Mask) -> pl.Series:
    """Return the values where the mask holds, null elsewhere."""
    if places.all():
        return values
    nothing = pl.Series([None], dtype=values.dtype)
    return values.zip_with(pl.Series(places), nothing)


def _bytes(cells: pl.Series) -> bytes:
    """Return the bytes of all cells, one after another."""
    array: Any = cells.to_arrow()
    _, _, data = array.buffers()
    return data.to_pybytes() if data is not None else b""
