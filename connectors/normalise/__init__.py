"""From delivered text to typed values, column by column, with what was found in each cell."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import lru_cache

import numpy as np
import polars as pl
from numpy.typing import NDArray

from connectors.contract import CodeList, Column, ColumnType
from connectors.normalise import canonical
from connectors.normalise.codes import (
    Divisions,
    known_bool,
    known_word,
    load_divisions,
    normalise_bool,
    normalise_code,
    normalise_division,
)
from connectors.normalise.dates import normalise_date, normalise_datetime, normalise_period
from connectors.normalise.findings import DIMENSION_OF, FINDINGS, Finding
from connectors.normalise.garbled import damage
from connectors.normalise.identifiers import normalise_id, normalise_uscc
from connectors.normalise.kept_texts import KeptTexts
from connectors.normalise.numbers import (
    normalise_decimal,
    normalise_int,
    normalise_money,
    normalise_quantity,
    unit_in_brackets,
)
from connectors.normalise.text import (
    FILLERS,
    Distinct,
    missing,
    over_distinct,
    put,
    tidy,
    tidy_person_names,
)

__all__ = ["DIMENSION_OF", "FINDINGS", "ColumnReader", "Context", "Finding", "Normalised", "normalise"]

_REPETITIVE = frozenset({ColumnType.CODE, ColumnType.BOOL, ColumnType.DIVISION, ColumnType.PERIOD})
_TEXTUAL = frozenset({ColumnType.TEXT, ColumnType.CODE, ColumnType.DIVISION, ColumnType.PERIOD})
"""Types whose cells are stored as texts and may repeat themselves."""
_IDENTIFYING = (ColumnType.TEXT, ColumnType.ID, ColumnType.USCC)
_ZERO_DATE = r"^(0{4}[-/.]00|1900[-/.]0?1)[-/.]0?0( 00:00:00)?$|^0$"
"""00000000 and its kin; 1900-01-00 is how a spreadsheet shows day 0, an empty cell that was made a date."""
_LOST_CHARACTER = r"\p{Han}[?？]|[?？]\p{Han}"
_PERSON_NAME = re.compile(r"姓名|曾用名|代表人|负责人|联系人|经办人|监护人$|申请人$")


@dataclass(frozen=True)
class Context:
    """What the cells of a delivery are read with.

    Attributes:
        codes: code lists by name.
        as_of: business date of the delivery.
        epoch_1904: the workbook counts days from 1904.
        divisions: known administrative divisions.
    """

    codes: Mapping[str, CodeList]
    as_of: date
    epoch_1904: bool = False
    divisions: Divisions = field(default_factory=load_divisions)


@dataclass(frozen=True)
class Normalised:
    """One column, read.

    Attributes:
        values: typed series by part: `value`, for money also `amount` and `currency`.
        missing: Boolean, delivered empty or as a placeholder (before a code list's default is put in).
        finding: String, null or a key of `FINDINGS`.
        suggestion: String, where the cell has one of its own.
        distinct: few texts among which all texts of `value` are, where that is known.
    """

    values: Mapping[str, pl.Series]
    missing: pl.Series
    finding: pl.Series
    suggestion: pl.Series
    distinct: pl.Series | None = None

    def filter(self, kept: pl.Series) -> Normalised:
        """Return the rows of a Boolean mask."""
        values = {name: part.filter(kept) for name, part in self.values.items()}
        found = self.missing.filter(kept), self.finding.filter(kept), self.suggestion.filter(kept)
        return Normalised(values, *found, self.distinct)


def normalise(cells: pl.Series, column: Column, context: Context, *, header_unit: str | None = None) -> Normalised:
    """Read the cells of one column; see `ColumnReader`."""
    return ColumnReader(column, context, header_unit=header_unit).read(cells)


class ColumnReader:
    """Reads one column of a delivery, batch by batch.

    Cells that already stand as they are stored are taken at once, and only the rest is taken apart: texts that were
    read before in a column that repeats itself, and what `canonical` is certain of.
    """

    def __init__(self, column: Column, context: Context, *, header_unit: str | None = None) -> None:
        """Make a reader.

        Args:
            column: its description in the contract.
            context: code lists, as-of date and the like.
            header_unit: the unit that the header names for bare numbers.
        """
        self._column = column
        self._context = context
        self._header_unit = header_unit
        self._known = Distinct(self._take_apart) if column.type in _REPETITIVE else None
        self._kept = KeptTexts() if column.type in _TEXTUAL else None
        self._has_default = column.codes is not None and context.codes[column.codes].default is not None

    def read(self, cells: pl.Series) -> Normalised:
        """Read cells (String, as delivered)."""
        if self._kept is None or not self._kept.is_useful:
            return self._read(cells)
        kept = self._kept.holds(cells)
        empty = np.zeros(len(cells), dtype=np.bool_) if self._has_default else canonical.empty(cells)
        plain = _plain(canonical.Canonical(kept | empty, empty, canonical.only(cells, kept)), self._column)
        rest = np.flatnonzero(~(kept | empty))
        if not len(rest):
            return replace(plain, distinct=self._kept.texts)
        others = cells.gather(rest)
        read = self._read(others)
        self._kept.learn(others, read.values["value"], read.finding, rows=len(cells))
        return _patched(plain, rest, read)

    def _read(self, cells: pl.Series) -> Normalised:
        if self._known is not None:
            return _normalised(self._known.read(cells.fill_null("")))
        sure = _canonical(cells, self._column, self._context, self._header_unit)
        plain = _plain(sure, self._column)
        rest = np.flatnonzero(~sure.certain)
        return _patched(plain, rest, _normalised(self._take_apart(cells.gather(rest)))) if len(rest) else plain

    def _take_apart(self, cells: pl.Series) -> pl.DataFrame:
        return _taken_apart(cells, self._column, self._context, self._header_unit)


def _canonical(cells: pl.Series, column: Column, context: Context, header_unit: str | None) -> canonical.Canonical:
    with_units = canonical.read_empty if header_unit is not None else canonical.read_decimals
    readers: dict[ColumnType, Callable[[pl.Series], canonical.Canonical]] = {
        ColumnType.TEXT: lambda texts: canonical.read_text(texts, person_name=_is_person_name(column)),
        ColumnType.ID: lambda texts: canonical.read_ids(texts, context.as_of),
        ColumnType.USCC: canonical.read_usccs,
        ColumnType.DATE: canonical.read_dates,
        ColumnType.DATETIME: canonical.read_datetimes,
        ColumnType.INT: canonical.read_integers,
        ColumnType.DECIMAL: canonical.read_decimals,
        ColumnType.MONEY: with_units,
        ColumnType.QUANTITY: with_units,
    }
    return readers[column.type](cells)


def _plain(sure: canonical.Canonical, column: Column) -> Normalised:
    """Return the reading of the certain cells; plain amounts of money are in yuan."""
    values = {"value": sure.value}
    if column.type is ColumnType.MONEY:
        given = pl.Series(sure.certain & ~sure.missing)
        values |= {"amount": sure.value, "currency": pl.select(pl.when(given).then(pl.lit("CNY")))["literal"]}
    nothing = _nulls(len(sure.value))
    return Normalised(values, pl.Series(sure.missing), nothing, nothing)


def _patched(plain: Normalised, places: NDArray[np.int64], read: Normalised) -> Normalised:
    """Return the plain reading with the rows at the places read another way."""
    if len(places) == len(plain.missing):
        return read
    source = np.arange(len(plain.missing), dtype=np.uint32)
    source[places] = np.arange(len(source), len(source) + len(places), dtype=np.uint32)
    taken = pl.Series(source)

    def patched(part: pl.Series, instead: pl.Series) -> pl.Series:
        if part is nothing and instead.null_count() == len(instead):
            return part
        return pl.concat([part, instead]).gather(taken)

    nothing = plain.finding
    return Normalised(
        {name: patched(part, read.values[name]) for name, part in plain.values.items()},
        patched(plain.missing, read.missing),
        patched(plain.finding, read.finding),
        patched(plain.suggestion, read.suggestion),
    )


def _taken_apart(cells: pl.Series, column: Column, context: Context, header_unit: str | None) -> pl.DataFrame:
    """Read cells of any form. Returns the column's parts, `missing`, `finding` and `suggestion`."""
    text = tidy(cells)
    nothing = _missing(text, column, context)
    places = (~nothing).arg_true()
    given = text if len(places) == len(text) else text.gather(places)
    read = _read(given, column, context, header_unit)
    if len(places) < len(text):
        read = _spread(read, places, len(text))
    finding = read["finding"]
    if column.codes is not None and (default := context.codes[column.codes].default) is not None:
        read = read.with_columns(value=put(read["value"], nothing.arg_true(), default))
        finding = put(finding, nothing.arg_true(), "code_default")
    suggestion = read["suggestion"] if "suggestion" in read.columns else _nulls(len(text))
    return read.with_columns(finding=finding, suggestion=suggestion, missing=nothing)


def _normalised(read: pl.DataFrame) -> Normalised:
    values = {name: read[name] for name in read.columns if name not in ("finding", "suggestion", "missing")}
    return Normalised(values, read["missing"], read["finding"], read["suggestion"])


def _missing(text: pl.Series, column: Column, context: Context) -> pl.Series:
    nothing = missing(text, column.values if column.type in _IDENTIFYING else {*column.values, *FILLERS})
    match column.type:
        case ColumnType.BOOL:
            return nothing & ~known_bool(text)
        case ColumnType.CODE:
            return nothing & ~known_word(text, context.codes[str(column.codes)])
        case ColumnType.DATE | ColumnType.DATETIME | ColumnType.PERIOD:
            return nothing | text.str.contains(_ZERO_DATE)
        case _:
            return nothing


def _read(text: pl.Series, column: Column, context: Context, header_unit: str | None) -> pl.DataFrame:
    match column.type:
        case ColumnType.TEXT:
            return _read_text(text, column)
        case ColumnType.ID:
            return normalise_id(text, context.as_of)
        case ColumnType.USCC:
            return normalise_uscc(text)
        case _:
            return over_distinct(text, _reader(column, context, header_unit))


def _reader(column: Column, context: Context, header_unit: str | None) -> Callable[[pl.Series], pl.DataFrame]:
    """Return what reads the distinct texts of a column that repeats itself."""
    unit, epoch_1904 = column.unit or "", context.epoch_1904
    fixed = unit_in_brackets(column.header)
    readers: dict[ColumnType, Callable[[pl.Series], pl.DataFrame]] = {
        ColumnType.CODE: lambda words: normalise_code(words, context.codes[str(column.codes)]),
        ColumnType.DIVISION: lambda words: normalise_division(words, context.divisions),
        ColumnType.DATE: lambda words: normalise_date(words, epoch_1904=epoch_1904),
        ColumnType.DATETIME: lambda words: normalise_datetime(words, epoch_1904=epoch_1904),
        ColumnType.PERIOD: normalise_period,
        ColumnType.INT: normalise_int,
        ColumnType.DECIMAL: lambda words: normalise_quantity(words, fixed) if fixed else normalise_decimal(words),
        ColumnType.MONEY: lambda words: normalise_money(words, unit, header_unit),
        ColumnType.QUANTITY: lambda words: normalise_quantity(words, unit, header_unit),
        ColumnType.BOOL: lambda words: normalise_bool(words, column.true_words, column.false_words),
    }
    return readers[column.type]


def _read_text(text: pl.Series, column: Column) -> pl.DataFrame:
    finding = damage(text)
    if _is_person_name(column):
        text = tidy_person_names(text)
        lost = text.str.contains(_LOST_CHARACTER) & finding.is_null()
        finding = put(finding, lost.arg_true(), "text_damaged")
    return pl.DataFrame({"value": text, "finding": finding})


def _is_person_name(column: Column) -> bool:
    return _PERSON_NAME.search(column.header) is not None


def _spread(read: pl.DataFrame, places: pl.Series, length: int) -> pl.DataFrame:
    """Put the read rows at their places among `length` rows, null elsewhere."""
    if read.is_empty():
        return read.clear(length)
    source = pl.Series([None], dtype=pl.UInt32).new_from_index(0, length)
    source = put(source, places, pl.Series(range(len(places)), dtype=pl.UInt32))
    return read.select(pl.all().gather(source))


@lru_cache(maxsize=8)
def _nulls(length: int) -> pl.Series:
    return pl.Series([None], dtype=pl.String).new_from_index(0, length)
