"""Files as departments write them: CSV in three encodings and workbooks, the same bytes for the same sheet."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import polars as pl
import xlsxwriter

_CHUNK = 100_000
WORKBOOK_ROWS = 50_000
"""Larger extracts are always CSV."""
_NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,6})?")
_DAY = re.compile(r"(19|20)[0-9][0-9]-[0-9][0-9]-[0-9][0-9]")


@dataclass(frozen=True)
class Format:
    """How one extract is written."""

    kind: Literal["csv", "xlsx"]
    encoding: Literal["utf-8", "utf-8-sig", "gb18030"] = "utf-8"
    newline: Literal["\n", "\r\n"] = "\n"

    @property
    def suffix(self) -> str:
        """File name ending."""
        return f".{self.kind}"


FORMATS = (
    Format("csv", "utf-8", "\n"),
    Format("csv", "gb18030", "\r\n"),
    Format("xlsx"),
    Format("csv", "utf-8-sig", "\r\n"),
)
LARGE_FORMAT = FORMATS[1]
"""Used where a workbook would be too large."""


@dataclass(frozen=True)
class Insert:
    """A line that is no record, before a record of the body."""

    before: int
    kind: str
    cells: tuple[str, ...]


@dataclass(frozen=True)
class Sheet:
    """What one file shows, from its first row to its last."""

    header: tuple[str, ...]
    body: pl.DataFrame
    """Text; one column per header."""
    order: npt.NDArray[np.int64]
    """Row of the body that each record of the file is: the file is put in order piece by piece, as it may be large."""
    kinds: tuple[Literal["text", "number", "date"], ...]
    """What a workbook stores a clean cell of each column as."""
    preamble: tuple[tuple[str, ...], ...] = ()
    inserts: tuple[Insert, ...] = ()
    """In order; those after the last record have `before` = number of records."""
    cuts: dict[int, int] = field(default_factory=dict)
    """Record -> how many of its cells are there (CSV only)."""

    def part(self, start: int, count: int) -> pl.DataFrame:
        """Return some of the records, in the order of the file."""
        return self.body[self.order[start : start + count]]

    @property
    def physical(self) -> int:
        """Number of rows that a spreadsheet shows."""
        return len(self.preamble) + 1 + len(self.body) + len(self.inserts)

    def row_numbers(self) -> npt.NDArray[np.int64]:
        """Return the row number of every record."""
        places = np.arange(len(self.body))
        above = np.searchsorted(np.array([i.before for i in self.inserts], dtype=np.int64), places, side="right")
        return places + above + len(self.preamble) + 2

    def insert_row_numbers(self) -> list[int]:
        """Return the row number of every insert."""
        return [len(self.preamble) + 2 + insert.before + n for n, insert in enumerate(self.inserts)]


def write(path: Path, sheet: Sheet, form: Format, title: str, created: date) -> None:
    """Write one file.

    Args:
        path: where; its folder exists.
        sheet: what.
        form: in which format.
        title: name of the worksheet.
        created: what a workbook says about when it was made.
    """
    if form.kind == "csv":
        _write_csv(path, sheet, form)
    else:
        _write_workbook(path, sheet, title, created)


def _quote(cell: str) -> str:
    return f'"{cell.replace(chr(34), chr(34) * 2)}"' if re.search(r'[",\r\n]', cell) else cell


def _line(cells: tuple[str, ...]) -> str:
    return ",".join(map(_quote, cells))


def _lines(body: pl.DataFrame) -> list[str]:
    quoted = []
    for name in body.columns:
        cell = pl.col(name).fill_null("")
        marked = pl.concat_str(pl.lit('"'), cell.str.replace_all('"', '""', literal=True), pl.lit('"'))
        quoted.append(pl.when(cell.str.contains(r'[",\r\n]')).then(marked).otherwise(cell).alias(name))
    lines: list[str] = body.select(pl.concat_str(quoted, separator=",").alias("line"))["line"].to_list()
    return lines


def _write_csv(path: Path, sheet: Sheet, form: Format) -> None:
    encoding = "utf-8" if form.encoding == "utf-8-sig" else form.encoding
    with path.open("wb") as file:
        if form.encoding == "utf-8-sig":
            file.write(b"\xef\xbb\xbf")
        for cells in (*sheet.preamble, sheet.header):
            file.write((_line(cells) + form.newline).encode(encoding))
        pending = list(sheet.inserts)
        for start in range(0, len(sheet.body) + 1, _CHUNK):
            part = sheet.part(start, _CHUNK)
            lines = _lines(part) if len(part) else []
            for index, cells_left in sheet.cuts.items():
                if start <= index < start + len(part):
                    lines[index - start] = _line(tuple(c or "" for c in part.row(index - start)[:cells_left]))
            is_last = start + _CHUNK > len(sheet.body)
            out: list[str] = []
            done = 0
            while pending and (is_last or pending[0].before < start + len(part)):
                insert = pending.pop(0)
                out += lines[done : insert.before - start]
                done = insert.before - start
                out.append(_line(insert.cells))
            out += lines[done:]
            file.write("".join(line + form.newline for line in out).encode(encoding))


def _write_workbook(path: Path, sheet: Sheet, title: str, created: date) -> None:
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    book = xlsxwriter.Workbook(str(path), options)
    book.set_properties({"created": datetime(created.year, created.month, created.day), "author": "", "comments": ""})  # noqa: DTZ001
    page = book.add_worksheet(re.sub(r"[\[\]:*?/\\]", "", title)[:31])
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    row = 0
    for cells in (*sheet.preamble, sheet.header):
        for column, cell in enumerate(cells):
            if cell:
                page.write_string(row, column, cell)
        row += 1
    pending = list(sheet.inserts)
    for index, values in enumerate(sheet.part(0, len(sheet.body)).iter_rows()):
        row = _write_inserts(page, row, pending, index)
        for column, (value, kind) in enumerate(zip(values, sheet.kinds, strict=True)):
            if value is None:
                continue
            if kind == "number" and _NUMBER.fullmatch(value):
                page.write_number(row, column, float(value))
            elif kind == "date" and (written := _real_day(value)) is not None:
                page.write_datetime(row, column, written, day)
            else:
                page.write_string(row, column, value)
        row += 1
    _write_inserts(page, row, pending, len(sheet.body))
    book.close()


def _real_day(text: str) -> date | None:
    """Return the day that a clean date cell names; an impossible one stays text."""
    try:
        return date.fromisoformat(text) if _DAY.fullmatch(text) else None
    except ValueError:
        return None


def _write_inserts(page: xlsxwriter.worksheet.Worksheet, row: int, pending: list[Insert], index: int) -> int:
    while pending and pending[0].before <= index:
        for column, cell in enumerate(pending.pop(0).cells):
            if cell:
                page.write_string(row, column, cell)
        row += 1
    return row
