"""What a workbook's parts tell before any of it is loaded: its size, so that nothing large is; merges and errors."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field

from connectors.readers.model import MergedCells, UnreadableFileError
from connectors.settings import Limits

CORRUPT = "工作簿已损坏或没有传完整，无法打开，请在电子表格软件中打开确认、另存为 xlsx 后重新报送。"
PASSWORD = "工作簿设有打开密码，无法读取，请取消密码保护后重新报送。"  # noqa: S105 (a message)
TOO_LARGE = "工作簿解压后的大小异常，超过上限，不予打开，请检查文件后重新报送。"
MAX_NOTES = 500_000
"""Merged ranges and error cells of a sheet that are remembered; a sheet with more is no table."""


@dataclass
class SheetSurvey:
    """One sheet.

    Attributes:
        width: columns up to the last cell.
        height: rows up to the last cell.
        merged: merged cells, in the file's order.
        errors: (row, column, text) of the cells that hold an error value such as `#N/A`, 0-based.
    """

    width: int = 0
    height: int = 0
    merged: tuple[MergedCells, ...] = ()
    errors: list[tuple[int, int, str]] = field(default_factory=list)

    @property
    def cells(self) -> int:
        """Cells of the rectangle that would be loaded."""
        return self.width * self.height

    def grow(self, width: int, height: int) -> None:
        """Widen the rectangle to hold so many columns and rows."""
        self.width, self.height = max(self.width, width), max(self.height, height)

    def errors_within(self, first: int, stop: int) -> Sequence[tuple[int, int, str]]:
        """Return the errors of the rows from `first` up to, not including, `stop`; the list must be sorted."""
        return self.errors[bisect_left(self.errors, (first,)) : bisect_left(self.errors, (stop,))]


@dataclass(frozen=True)
class Survey:
    """A workbook.

    Attributes:
        epoch_1904: its day numbers count from 1904-01-01.
        sheets: in the workbook's order; empty where the format tells nothing about them.
    """

    epoch_1904: bool
    sheets: tuple[SheetSurvey, ...]

    def sheet(self, place: int) -> SheetSurvey:
        """Return what is known of the sheet at a place."""
        return self.sheets[place] if place < len(self.sheets) else SheetSurvey()


def check_size(sheets: Sequence[SheetSurvey], limits: Limits, *, together: bool) -> None:
    """Refuse a workbook whose sheets (each, or `together` where the library loads all at once) are over a limit.

    Raises:
        UnreadableFileError: it has too many columns or cells.
    """
    width = max((sheet.width for sheet in sheets), default=0)
    if width > limits.columns:
        raise UnreadableFileError(f"工作表有 {width} 列，超过上限 {limits.columns} 列，请删去多余的空列后重新报送。")
    counts = [sheet.cells for sheet in sheets]
    cells = sum(counts) if together else max(counts, default=0)
    if cells > limits.workbook_cells:
        raise UnreadableFileError(
            f"工作表约有 {cells:,} 个单元格，超过上限 {limits.workbook_cells:,}，"
            "请删去表格以外的空行空列，或改用 CSV、分份报送。"
        )
    if any(len(sheet.merged) > MAX_NOTES or len(sheet.errors) > MAX_NOTES for sheet in sheets):
        raise UnreadableFileError(f"工作表里的合并单元格或错误值（如 #N/A）超过 {MAX_NOTES:,} 个，请清理后重新报送。")
