"""The cells of an OpenDocument spreadsheet (ISO/IEC 26300), counted with their repetitions before it is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from lxml import etree

from connectors.readers.archives import BROKEN_ZIP, open_zip
from connectors.readers.model import MergedCells, UnreadableFileError
from connectors.readers.workbook_survey import CORRUPT, PASSWORD, TOO_LARGE, SheetSurvey, Survey, check_size
from connectors.readers.xlsx_parts import unpacked_pieces
from connectors.settings import Limits

_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_SHEET, _ROW, _CELL, _COVERED = (
    f"{_TABLE}table",
    f"{_TABLE}table-row",
    f"{_TABLE}table-cell",
    f"{_TABLE}covered-table-cell",
)
_VALUE_TYPE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}value-type"
_COLUMNS_REPEATED, _ROWS_REPEATED = f"{_TABLE}number-columns-repeated", f"{_TABLE}number-rows-repeated"
_COLUMNS_SPANNED, _ROWS_SPANNED = f"{_TABLE}number-columns-spanned", f"{_TABLE}number-rows-spanned"


def survey_ods(path: Path, limits: Limits) -> Survey:
    """Count the cells of every sheet; what is repeated behind the last filled cell or row costs nothing.

    Raises:
        UnreadableFileError: corrupt, password-protected, over a limit, or with entities declared in a member.
    """
    with open_zip(path, CORRUPT) as archive:
        for name, piece in unpacked_pieces(archive, limits):
            if name == "meta-inf/manifest.xml" and b"encryption-data" in piece:
                raise UnreadableFileError(PASSWORD)
        try:
            with archive.open("content.xml") as content:
                sheets = _sheets(content, limits)
        except (*BROKEN_ZIP, OSError, KeyError, etree.XMLSyntaxError) as error:
            raise UnreadableFileError(CORRUPT) from error
    return Survey(epoch_1904=False, sheets=tuple(sheets))


def _sheets(content: IO[bytes], limits: Limits) -> list[SheetSurvey]:
    sheets, merged, rows, text_bytes = [SheetSurvey()], list[MergedCells](), 0, 0
    for _, element in etree.iterparse(
        content, events=("end",), tag=(_SHEET, _ROW), resolve_entities=False, no_network=True, huge_tree=False
    ):
        if element.tag == _SHEET:
            sheets[-1].merged = tuple(merged)
            sheets, merged, rows = [*sheets, SheetSurvey()], [], 0
        else:
            repeated = _number(dict(element.items()), _ROWS_REPEATED)
            width, size, spans = _row(element, rows, repeated_row=repeated > 1)
            if width > 0:
                sheets[-1].grow(width, rows + repeated)
                text_bytes += size * repeated
            merged += spans
            rows += repeated
            if text_bytes > limits.workbook_unpacked_bytes:
                raise UnreadableFileError(TOO_LARGE)
        _forget(element)
    check_size(sheets, limits, together=True)
    return sheets[:-1]


def _row(row: etree._Element, number: int, *, repeated_row: bool) -> tuple[int, int, list[MergedCells]]:
    """Return a row's columns up to its last filled cell, the length of its repeated text, and its merged cells."""
    column = width = size = 0
    merged: list[MergedCells] = []
    for cell in row.iterchildren(_CELL, _COVERED):
        stated = dict(cell.items())
        repeated = _number(stated, _COLUMNS_REPEATED)
        if len(cell) > 0 or _VALUE_TYPE in stated:
            width = column + repeated
            if repeated > 1 or repeated_row:
                size += repeated * sum(map(len, cell.itertext()))
        across, down = _number(stated, _COLUMNS_SPANNED), _number(stated, _ROWS_SPANNED)
        if across > 1 or down > 1:
            merged.append((number, column, number + down - 1, column + across - 1))
        column += repeated
    return width, size, merged


def _number(stated: Mapping[Any, Any], name: str) -> int:
    number = str(stated.get(name, "1"))
    return int(number) if number.isdecimal() else 1


def _forget(element: etree._Element) -> None:
    element.clear()
    parent = element.getparent()
    while parent is not None and element.getprevious() is not None:
        del parent[0]
