"""Web pages that pass for workbooks: every table of the page is a sheet, spans are merged cells."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path

import polars as pl
from lxml import etree

from connectors.readers.cells import BATCH_ROWS, rectangular_batch
from connectors.readers.model import MergedCells, TextBatch, TextFile, TextSheet, UnreadableFileError
from connectors.readers.whole_text import ERRORS, text_codec
from connectors.settings import Limits

_CHUNK = 1024**2
_MAX_ROW_SPAN = 65_534
"""HTML Living Standard, 4.9.11: a larger rowspan is taken as this."""
_SPACE = re.compile(r"[ \t\r\n\f]+")
_CORRUPT = "网页（HTML）格式的表格已损坏或没有传完整，请在电子表格软件中打开确认、另存为 XLSX 后重新报送。"
_UNSEEN = frozenset({"script", "style", "noscript", "template"})


_Cell = tuple[str, int, int]
"""Text, columns and rows of a table cell."""


@dataclass
class _Span:
    """A cell that reaches down: columns from `left`, `width` of them, for `rows` more rows."""

    left: int
    width: int
    rows: int


@dataclass
class _Grid:
    """Places the cells of one table; holds one row and the spans that reach below it."""

    limits: Limits
    rows: int = 0
    width: int = 0
    spans: list[_Span] = field(default_factory=list)
    merged: list[MergedCells] = field(default_factory=list)

    def place(self, cells: Sequence[_Cell]) -> list[str]:
        """Return the texts of the next row by column."""
        taken = {c for span in self.spans for c in range(span.left, span.left + span.width)}
        for span in self.spans:
            span.rows -= 1
        self.spans = [span for span in self.spans if span.rows > 0]
        row: list[str] = []
        for text, across, down in cells:
            at = len(row)
            while at in taken:
                at += 1
            row += [""] * (at - len(row)) + [text] + [""] * (across - 1)
            if len(row) > self.limits.columns:
                raise UnreadableFileError(f"表格超过 {self.limits.columns} 列的上限，请检查文件后重新报送。")
            if down > 1:
                self.spans.append(_Span(at, across, down - 1))
            if down > 1 or across > 1:
                self.merged.append((self.rows, at, self.rows + down - 1, at + across - 1))
        self.rows += 1
        self.width = max(self.width, len(row))
        if self.rows * self.width > self.limits.workbook_cells:
            raise UnreadableFileError(
                f"表格超过 {self.limits.workbook_cells:,} 个单元格的上限，请改用 CSV 或分份报送。"
            )
        return row

    def merged_cells(self) -> tuple[MergedCells, ...]:
        """Return the merged cells, cut at the last row."""
        return tuple((top, left, min(bottom, self.rows - 1), right) for top, left, bottom, right in self.merged)


def open_html(path: Path, limits: Limits) -> TextFile:
    """Open an HTML page: one sheet per table that holds text; row n is the table's n-th row.

    Raises:
        UnreadableFileError: no table, broken, or over a limit.
    """
    if path.stat().st_size > limits.workbook_bytes:
        raise UnreadableFileError(f"网页表格超过 {limits.workbook_bytes // 1024**2} MB 的上限，请改用 CSV 或分份报送。")
    codec = text_codec(path)
    grids: dict[int, _Grid] = {}
    filled: set[int] = set()
    for table, row in _rows(path, codec):
        if any(grids.setdefault(table, _Grid(limits)).place(row)):
            filled.add(table)
    if not filled:
        raise UnreadableFileError("网页（HTML）里没有表格数据，请在电子表格软件中另存为 XLSX 后重新报送。")
    if len(filled) > limits.members:
        raise UnreadableFileError(
            f"网页里有 {len(filled)} 个表格，超过上限 {limits.members} 个，请只保留要报送的表格。"
        )
    several = len(filled) > 1
    sheets = tuple(
        TextSheet(
            name=f"表格{number}" if several else "",
            hidden=False,
            epoch_1904=False,
            open=partial(_batches, path, codec, table, grids[table].width, limits),
            encoding=codec,
            merged=grids[table].merged_cells(),
        )
        for number, table in enumerate(sorted(filled), 1)
    )
    return TextFile("html", codec, None, sheets)


def _rows(path: Path, codec: str) -> Iterator[tuple[int, list[_Cell]]]:
    """Yield (number of the table, cells) of every table row that holds no other table; keeps nothing of the page.

    Only HTML's own entities are known to the parser, so nothing can expand; it loads nothing by itself.
    """
    parser = etree.HTMLPullParser(
        events=("start", "end"), tag=("table", "tr"), encoding="utf-8", no_network=True, huge_tree=False
    )
    within: list[int] = []
    tables = 0
    for piece in _pieces(path, codec):
        try:
            parser.feed(piece)
        except etree.LxmlError as error:
            raise UnreadableFileError(_CORRUPT) from error
        for event, element in _events(parser):
            if event == "start" and element.tag == "table":
                within.append(tables)
                tables += 1
            elif event == "end" and element.tag == "table" and within:
                within.pop()
            elif event == "end" and element.tag == "tr":
                if within and element.find(".//table") is None:
                    yield within[-1], [_cell(cell) for cell in element if cell.tag in {"td", "th"}]
                _forget(element)
    if within or any(entry.level == etree.ErrorLevels.FATAL for entry in parser.feed_error_log):
        raise UnreadableFileError(_CORRUPT)


def _events(parser: etree.HTMLPullParser) -> Iterator[tuple[str, etree._Element]]:
    yield from parser.read_events()  # type: ignore[misc]


def _pieces(path: Path, codec: str) -> Iterator[bytes]:
    with path.open(encoding=codec, errors=ERRORS) as file:
        for text in iter(partial(file.read, _CHUNK), ""):
            yield text.encode()


def _forget(row: etree._Element) -> None:
    row.clear()
    parent = row.getparent()
    while parent is not None and row.getprevious() is not None:
        del parent[0]


def _cell(cell: etree._Element) -> _Cell:
    return _text(cell), _span(cell.get("colspan"), 10_000), _span(cell.get("rowspan"), _MAX_ROW_SPAN)


def _span(stated: str | None, most: int) -> int:
    """Return how far a cell reaches; 0 is to the end."""
    digits = (stated or "").strip()
    if not (digits.isascii() and digits.isdigit()):
        return 1
    return min(int(digits[:9]) or most, most)


def _text(cell: etree._Element) -> str:
    if len(cell) == 0:
        return _SPACE.sub(" ", cell.text or "").strip()
    parts: list[str] = []
    for element in cell.iter():
        if isinstance(element.tag, str) and element.tag not in _UNSEEN:
            parts.append("\0" if element.tag == "br" else element.text or "")
        if element is not cell:
            parts.append(element.tail or "")
    lines = _SPACE.sub(" ", "".join(parts)).split("\0")
    return "\n".join(line.strip() for line in lines).strip()


def _batches(path: Path, codec: str, table: int, width: int, limits: Limits) -> Iterator[TextBatch]:
    grid, row_no = _Grid(limits), 1
    rows = (grid.place(cells) for number, cells in _rows(path, codec) if number == table)
    while chunk := list(islice(rows, BATCH_ROWS)):
        padded = zip(*(row + [""] * (width - len(row)) for row in chunk), strict=True)
        yield rectangular_batch(pl.DataFrame({str(i): column for i, column in enumerate(padded)}), row_no)
        row_no += len(chunk)
