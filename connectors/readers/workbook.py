"""XLSX, XLS and ODS workbooks: cell positions and row numbers as the spreadsheet shows them, within stated limits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path

import polars as pl
from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, PasswordError, SheetVisibleEnum

from connectors.readers.cells import BATCH_ROWS, rectangular_batch, text_column
from connectors.readers.model import TextBatch, TextFile, TextSheet, UnreadableFileError
from connectors.readers.ods_parts import survey_ods
from connectors.readers.workbook_survey import CORRUPT, PASSWORD, SheetSurvey, Survey
from connectors.readers.xls_parts import survey_xls
from connectors.readers.xlsx_parts import survey_xlsx
from connectors.settings import Limits


def open_xlsx(path: Path, limits: Limits) -> TextFile:
    """Open an XLSX workbook.

    Raises:
        UnreadableFileError: corrupt, password-protected, or over a limit.
    """
    return _open("xlsx", path, limits, survey_xlsx)


def open_xls(path: Path, limits: Limits) -> TextFile:
    """Open an XLS workbook of Excel 95 to 2003.

    Raises:
        UnreadableFileError: another old Office document, corrupt, password-protected, or over a limit.
    """
    return _open("xls", path, limits, survey_xls)


def open_ods(path: Path, limits: Limits) -> TextFile:
    """Open an OpenDocument spreadsheet.

    Raises:
        UnreadableFileError: corrupt, password-protected, or over a limit.
    """
    return _open("ods", path, limits, survey_ods)


def _open(kind: str, path: Path, limits: Limits, survey: Callable[[Path, Limits], Survey]) -> TextFile:
    if path.stat().st_size > limits.workbook_bytes:
        raise UnreadableFileError(f"工作簿超过 {limits.workbook_bytes // 1024**2} MB 的上限，请改用 CSV 或分份报送。")
    facts = survey(path, limits)
    book = _Book(path)
    sheets = tuple(
        TextSheet(
            name=meta.name,
            hidden=meta.visible is not SheetVisibleEnum.Visible,
            epoch_1904=facts.epoch_1904,
            open=partial(_sheet_batches, book, meta.name, facts.sheet(place)),
            merged=facts.sheet(place).merged,
        )
        for place, meta in enumerate(_load(path).sheets_metadata)
    )
    return TextFile(kind, None, None, sheets)


class _Book:
    """Loads sheets, keeping the last one until it was read to its end: its head is read first, then all of it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._last: tuple[str, CalamineSheet] | None = None

    def sheet(self, name: str) -> CalamineSheet:
        if self._last is None or self._last[0] != name:
            self._last = None
            try:
                self._last = name, _load(self._path).get_sheet_by_name(name)
            except (CalamineError, ValueError) as error:
                raise UnreadableFileError(CORRUPT) from error
            except BaseException as error:
                raise _unless_panic(error) from error
        return self._last[1]

    def forget(self) -> None:
        self._last = None


def _load(path: Path) -> CalamineWorkbook:
    try:
        return CalamineWorkbook.from_path(str(path))
    except PasswordError as error:
        raise UnreadableFileError(PASSWORD) from error
    except (CalamineError, OSError, ValueError) as error:
        raise UnreadableFileError(CORRUPT) from error
    except BaseException as error:
        raise _unless_panic(error) from error


def _unless_panic(error: BaseException) -> BaseException:
    return UnreadableFileError(CORRUPT) if type(error).__name__ == "PanicException" else error


def _sheet_batches(book: _Book, name: str, facts: SheetSurvey) -> Iterator[TextBatch]:
    sheet = book.sheet(name)
    if sheet.start is not None:
        offset, row_no, rows = sheet.start[1], 1, iter(sheet.iter_rows())
        while chunk := list(islice(rows, BATCH_ROWS)):
            for row, column, text in facts.errors_within(row_no - 1, row_no - 1 + len(chunk)):
                chunk[row - row_no + 1][column - offset] = text
            yield _batch(chunk, offset, row_no)
            row_no += len(chunk)
    book.forget()


def _batch(rows: Sequence[Sequence[object]], offset: int, row_no: int) -> TextBatch:
    blank = pl.Series([""], dtype=pl.String).new_from_index(0, len(rows))
    columns = [blank] * offset + [text_column(column) for column in zip(*rows, strict=True)]
    return rectangular_batch(pl.DataFrame({str(i): column for i, column in enumerate(columns)}), row_no)
