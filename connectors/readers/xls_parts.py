"""The records of an XLS workbook (MS-XLS), walked before it is loaded."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import olefile

from connectors.readers.model import UnreadableFileError
from connectors.readers.workbook_survey import CORRUPT, PASSWORD, SheetSurvey, Survey, check_size
from connectors.settings import Limits

# Record numbers and layouts: MS-XLS 2.3.2 and 2.4.
_BOF, _EOF, _FILEPASS, _DATE1904, _BOUNDSHEET = {0x0809, 0x0409, 0x0209, 0x0009}, 0x000A, 0x002F, 0x0022, 0x0085
_FORMULA, _MULRK, _BOOLERR, _MERGED = 0x0006, 0x00BD, 0x0205, 0x00E5
_CELLS = frozenset({_FORMULA, 0x00D6, 0x00FD, 0x0203, 0x0204, _BOOLERR, 0x027E})
_ERRORS = {0: "#NULL!", 7: "#DIV/0!", 0x0F: "#VALUE!", 0x17: "#REF!", 0x1D: "#NAME?", 0x24: "#NUM!", 0x2A: "#N/A"}
_OTHERS = {"WordDocument": "DOC 文档", "PowerPoint Document": "PPT 文档"}
_MALFORMED = (OSError, ValueError, IndexError, KeyError, TypeError, AttributeError, struct.error, RecursionError)


def survey_xls(path: Path, limits: Limits) -> Survey:
    """Walk the records of an XLS workbook.

    Raises:
        UnreadableFileError: another kind of document, corrupt, password-protected, or over a limit.
    """
    stream = _stream(path)
    epoch_1904, starts = False, []
    for kind, at, size in _records(stream, 0):
        if kind == _FILEPASS:
            raise UnreadableFileError(PASSWORD)
        if kind == _DATE1904 and size >= 2:
            epoch_1904 = stream[at] == 1
        elif kind == _BOUNDSHEET and size >= 4:
            starts.append(int.from_bytes(stream[at : at + 4], "little"))
    sheets: list[SheetSurvey] = []
    for start in starts:
        sheets.append(_sheet(stream, start))
        check_size(sheets, limits, together=True)
    return Survey(epoch_1904, tuple(sheets))


def _stream(path: Path) -> bytes:
    try:
        with olefile.OleFileIO(str(path)) as ole:
            _refuse_endless_chains(ole)
            if ole.exists("EncryptedPackage"):
                raise UnreadableFileError(PASSWORD)
            for name in ("Workbook", "Book"):
                if ole.exists(name):
                    return bytes(ole.openstream(name).read())
            title = next((title for name, title in _OTHERS.items() if ole.exists(name)), "旧版 Office 文档")
    except _MALFORMED as error:
        raise UnreadableFileError(CORRUPT) from error
    raise UnreadableFileError(f"文件实际是 {title}，不是表格，请改报 XLSX、XLS 或 CSV 表格。")


def _refuse_endless_chains(ole: Any) -> None:
    """Refuse a file whose chain of sectors (MS-CFB 2.3) returns to itself: the loading library would never end.

    Raises:
        ValueError: there is such a chain.
    """
    if ole.num_mini_fat_sectors:
        ole.loadminifat()
    for chains in (ole.fat, ole.minifat or ()):
        ends = set[int]()
        for start in range(len(chains)):
            passed, sector = set[int](), start
            while sector < len(chains) and sector not in ends:
                if sector in passed:
                    raise ValueError("a chain without an end")
                passed.add(sector)
                sector = chains[sector]
            ends |= passed


def _records(stream: bytes, start: int) -> Iterator[tuple[int, int, int]]:
    """Yield (kind, place of the body, its size) of the records of one substream, without those nested in it."""
    at, depth = start, 0
    while at + 4 <= len(stream):
        kind, size = struct.unpack_from("<HH", stream, at)
        depth += kind in _BOF
        if depth == 1:
            yield kind, at + 4, min(size, len(stream) - at - 4)
        depth -= kind == _EOF
        if depth <= 0:
            return
        at += 4 + size


def _sheet(stream: bytes, start: int) -> SheetSurvey:
    found = SheetSurvey()
    merged: list[tuple[int, int, int, int]] = []
    width = height = 0
    for kind, at, size in _records(stream, start):
        if kind in _CELLS and size >= 6:
            row, column = struct.unpack_from("<HH", stream, at)
            width, height = max(width, column + 1), max(height, row + 1)
            if (code := _error(stream, kind, at, size)) is not None:
                found.errors.append((row, column, _ERRORS.get(code, "#N/A")))
        elif kind == _MULRK and size >= 6:
            row, last = struct.unpack_from("<H", stream, at)[0], struct.unpack_from("<H", stream, at + size - 2)[0]
            width, height = max(width, last + 1), max(height, row + 1)
        elif kind == _MERGED:
            ranges = struct.iter_unpack("<4H", stream[at + 2 : at + 2 + (size - 2) // 8 * 8])
            merged += [(top, left, bottom, right) for top, bottom, left, right in ranges]
    found.grow(width, height)
    found.merged = tuple(merged)
    found.errors.sort()
    return found


def _error(stream: bytes, kind: int, at: int, size: int) -> int | None:
    """Return the code of an error cell: a stated one, or a formula's result."""
    if kind == _BOOLERR and size >= 8 and stream[at + 7] == 1:
        return stream[at + 6]
    if kind == _FORMULA and size >= 14 and stream[at + 12 : at + 14] == b"\xff\xff" and stream[at + 6] == 2:
        return stream[at + 8]
    return None
