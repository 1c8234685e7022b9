"""XLSX workbooks: cell positions and row numbers as the spreadsheet shows them, within stated limits."""

from __future__ import annotations

import datetime as dt
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
import polars as pl
from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, PasswordError, SheetVisibleEnum

from connectors.readers.model import TextBatch, TextFile, TextSheet, UnreadableFileError
from connectors.settings import Limits

BATCH_ROWS = 16_384
MAX_RATIO = 500
"""Spreadsheet XML of real deliveries shrinks 5 to 60 times; far beyond that a member is a bomb."""
_PIECE = 1024**2
_SHEET_MEMBER = re.compile(r"xl/worksheets/[^/]+\.xml")
_CELL = re.compile(rb'\br="([A-Z]{1,3})(\d{1,7})"')
_EPOCH_1904 = re.compile(rb'date1904="(1|true|on)"')
_CORRUPT = "工作簿已损坏或没有传完整，无法打开，请在电子表格软件中打开确认、另存为 xlsx 后重新报送。"
PASSWORD = "工作簿设有打开密码，无法读取，请取消密码保护后重新报送。"  # noqa: S105 (a message)


@dataclass(frozen=True)
class _Extent:
    """What a workbook's parts say before any of them is loaded."""

    unpacked_bytes: int
    cells: int
    columns: int
    epoch_1904: bool


def open_workbook(path: Path, limits: Limits) -> TextFile:
    """Open an XLSX workbook.

    Raises:
        UnreadableFileError: corrupt, password-protected, over a limit, or without a visible filled sheet.
    """
    if path.stat().st_size > limits.workbook_bytes:
        raise UnreadableFileError(f"工作簿超过 {limits.workbook_bytes // 1024**2} MB 的上限，请改用 CSV 或分份报送。")
    extent = _measure(path, limits)
    if extent.columns > limits.columns:
        raise UnreadableFileError(
            f"工作表有 {extent.columns} 列，超过上限 {limits.columns} 列，请删去多余的空列后重新报送。"
        )
    if extent.cells > limits.workbook_cells:
        raise UnreadableFileError(
            f"工作表约有 {extent.cells:,} 个单元格，超过上限 {limits.workbook_cells:,}，"
            "请删去表格以外的空行空列，或改用 CSV、分份报送。"
        )
    workbook = _load(path)
    sheets = tuple(
        TextSheet(
            name=meta.name,
            hidden=meta.visible is not SheetVisibleEnum.Visible,
            epoch_1904=extent.epoch_1904,
            open=partial(_sheet_batches, path, meta.name),
        )
        for meta in workbook.sheets_metadata
    )
    return TextFile("xlsx", None, None, sheets)


def _measure(path: Path, limits: Limits) -> _Extent:
    """Unpack every member once, piece by piece: sizes stated in the archive are not trusted."""
    unpacked, cells, columns, epoch_1904 = 0, 0, 0, False
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            if any(member.flag_bits & 1 for member in members):
                raise UnreadableFileError(PASSWORD)
            stated = sum(member.file_size for member in members)
            packed = sum(member.compress_size for member in members)
            if stated > limits.workbook_unpacked_bytes or stated > max(packed, 1024) * MAX_RATIO:
                raise UnreadableFileError("工作簿解压后的大小异常，超过上限，不予打开，请检查文件后重新报送。")
            for member in members:
                sheet = _SHEET_MEMBER.fullmatch(member.filename) is not None
                width = height = 0
                with archive.open(member) as stream:
                    for piece in _overlapping(iter(partial(stream.read, _PIECE), b"")):
                        unpacked += len(piece)
                        if sheet:
                            width, height = _grow(piece, width, height)
                        elif member.filename == "xl/workbook.xml":
                            epoch_1904 = epoch_1904 or _EPOCH_1904.search(piece) is not None
                cells, columns = max(cells, width * height), max(columns, width)
    except (zipfile.BadZipFile, EOFError, OSError, NotImplementedError, ValueError, zlib.error) as error:
        raise UnreadableFileError(_CORRUPT) from error
    return _Extent(unpacked, cells, columns, epoch_1904)


def _overlapping(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Give each piece the tail of the one before, so that nothing is cut in two."""
    tail = b""
    for piece in pieces:
        yield tail + piece
        tail = piece[-64:]


def _grow(piece: bytes, width: int, height: int) -> tuple[int, int]:
    """Widen the extent by the cell references in a piece of sheet XML."""
    found = _CELL.findall(piece)
    if not found:
        return width, height
    letters = {column for column, _ in found}
    return max(width, *map(_column_number, letters)), max(height, *(int(row) for _, row in found))


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def _load(path: Path) -> CalamineWorkbook:
    try:
        return CalamineWorkbook.from_path(str(path))
    except PasswordError as error:
        raise UnreadableFileError(PASSWORD) from error
    except (CalamineError, OSError, ValueError) as error:
        raise UnreadableFileError(_CORRUPT) from error
    except BaseException as error:
        if type(error).__name__ == "PanicException":
            raise UnreadableFileError(_CORRUPT) from error
        raise


def _sheet_batches(path: Path, name: str) -> Iterator[TextBatch]:
    try:
        sheet: CalamineSheet = _load(path).get_sheet_by_name(name)
    except (CalamineError, ValueError) as error:
        raise UnreadableFileError(_CORRUPT) from error
    if sheet.start is None:
        return
    offset, row_no, rows = sheet.start[1], 1, iter(sheet.iter_rows())
    while chunk := list(islice(rows, BATCH_ROWS)):
        yield _batch(chunk, offset, row_no)
        row_no += len(chunk)


def _batch(rows: Sequence[Sequence[object]], offset: int, row_no: int) -> TextBatch:
    columns = [[""] * len(rows)] * offset + [list(map(_text, column)) for column in zip(*rows, strict=True)]
    return TextBatch(
        cells=pl.DataFrame({str(i): pl.Series(c, dtype=pl.String) for i, c in enumerate(columns)}),
        row_no=pl.Series("row_no", np.arange(row_no, row_no + len(rows), dtype=np.int64)),
        field_count=pl.Series("field_count", [None], dtype=pl.Int32).new_from_index(0, len(rows)),
        fault=pl.Series("fault", [None], dtype=pl.String).new_from_index(0, len(rows)),
    )


def _text(value: object) -> str:
    """Return a cell as the text it stands for; whole numbers without `.0`, dates in ISO form."""
    match value:
        case bool():
            text = "是" if value else "否"
        case float():
            text = str(int(value)) if value.is_integer() and abs(value) < 1e22 else repr(value)
        case dt.datetime():
            midnight = value.time() == dt.time()
            text = value.date().isoformat() if midnight else value.isoformat(sep=" ", timespec="seconds")
        case dt.date() | dt.time():
            text = value.isoformat()
        case _:
            text = str(value)
    return text
