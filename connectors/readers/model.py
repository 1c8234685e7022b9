"""What every reader yields: text cells with the department's own row numbers, in bounded batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from connectors.errors import UserError

FAULT_QUOTE = "quote"
"""The record's quotes do not pair, so its cells cannot be told apart."""
FAULT_ENCODING = "encoding"
"""The record holds bytes that are not text in the file's encoding."""
FAULT_RECORD = "record"
"""The record of a JSON file is no object, is broken, or names a key twice."""

MergedCells = tuple[int, int, int, int]


class UnreadableFileError(UserError):
    """The file cannot be read as a table; one Chinese sentence says what is wrong and what to do."""


@dataclass(frozen=True)
class Looked:
    """What is said of lines that were shown.

    Attributes:
        prints: what each is known by; a row per line.
        places: of each among what is known, -1 where it is not; None where nothing was looked up.
    """

    prints: pl.DataFrame
    places: NDArray[np.int64] | None


Look = Callable[[pl.Series, str], Looked]
"""Takes lines (String, whole, a record each) and what else the cells of a line depend on."""


@dataclass(frozen=True)
class Recognised:
    """Lines that are known, and so were not taken apart.

    Attributes:
        row_no: Int64, as in `TextBatch`.
        places: as in `Looked`.
    """

    row_no: pl.Series
    places: NDArray[np.int64]


@dataclass(frozen=True)
class TextBatch:
    """Consecutive records of one sheet, but for those recognised.

    Attributes:
        cells: string columns named by position (`"0"`, `"1"`, …); `""` is an empty cell, null one that is not there.
            Without NUL, which PostgreSQL holds in no text.
        row_no: Int64, the record's number as a spreadsheet shows it: 1-based, blank lines and header counted, a quoted
            line break starts no new record.
        field_count: Int32, fields of the record as delivered; null where the format is rectangular.
        fault: String, null or one of `FAULT_QUOTE`, `FAULT_ENCODING`, `FAULT_RECORD`; a faulty
            record's cells are not to be used as such.
        prints: what the record's line is known by, of records with the file's usual number of fields (`Looked`); null
            for others, None where lines were not shown.
        recognised: the lines among these records that are known; None where none was looked up.
    """

    cells: pl.DataFrame
    row_no: pl.Series
    field_count: pl.Series
    fault: pl.Series
    prints: pl.DataFrame | None = None
    recognised: Recognised | None = None

    def __len__(self) -> int:
        return len(self.row_no)

    def apart(self) -> tuple[TextBatch, TextBatch]:
        """Return the records of a batch in which lines were looked up, and by themselves the lines recognised."""
        nothing = Recognised(self.row_no.clear(), np.empty(0, dtype=np.int64))
        return replace(self, recognised=nothing), self.behind(len(self))

    def behind(self, count: int) -> TextBatch:
        """Return the batch without its first records; they are not among those recognised."""
        return replace(
            self,
            cells=self.cells.slice(count),
            row_no=self.row_no.slice(count),
            field_count=self.field_count.slice(count),
            fault=self.fault.slice(count),
            prints=None if self.prints is None else self.prints.slice(count),
        )


def joined(batches: Sequence[TextBatch]) -> TextBatch:
    """Return records without recognised lines as one batch; at least one batch is given."""
    if len(batches) == 1:
        return batches[0]
    prints = [batch.prints for batch in batches if batch.prints is not None]
    return TextBatch(
        cells=pl.concat([batch.cells for batch in batches], how="diagonal").rechunk(),
        row_no=pl.concat([batch.row_no for batch in batches]),
        field_count=pl.concat([batch.field_count for batch in batches]),
        fault=pl.concat([batch.fault for batch in batches]),
        prints=pl.concat(prints) if len(prints) == len(batches) else None,
        recognised=batches[0].recognised,
    )


@dataclass(frozen=True)
class TextSheet:
    """One sheet (a text file is one sheet).

    Attributes:
        name: the sheet's name; empty for a text file.
        hidden: not shown to whoever opens the workbook.
        epoch_1904: bare day numbers count from 1904-01-01 (workbooks made on old Macs).
        open: starts reading from the first record; may be called again.
        member: the file inside the delivered archive, by its name as people know it; empty where there is no archive.
        encoding: `utf-8`, `utf-8-sig`, `gb18030`, `utf-16…` of the sheet's text; null for workbooks and Parquet.
        merged: merged cells as (first row, first column, last row, last column), 0-based, inclusive, in order; the
            first cell holds the text. Empty for text formats, and where the format does not tell.
        open_for: as `open`, where records of certain numbers (ascending) are enough; others may be left out.
        open_shown: as `open`, where lines behind the first so many records may be known; None where a record has none.
    """

    name: str
    hidden: bool
    epoch_1904: bool
    open: Callable[[], Iterator[TextBatch]]
    member: str = ""
    encoding: str | None = None
    merged: tuple[MergedCells, ...] = ()
    open_for: Callable[[Sequence[int]], Iterator[TextBatch]] | None = None
    open_shown: Callable[[Look, int], Iterator[TextBatch]] | None = None

    def batches(self) -> Iterator[TextBatch]:
        """Read all records from the first one on, every physical record exactly once."""
        return self.open()

    def batches_shown(self, look: Look, head: int) -> Iterator[TextBatch]:
        """Read all records; where they are lines, `look` is shown them, and those it knows are left out.

        The first `head` records are never left out.
        """
        return self.open() if self.open_shown is None else self.open_shown(look, head)

    def batches_with(self, row_nos: Sequence[int]) -> Iterator[TextBatch]:
        """Read the records of these numbers (ascending), and perhaps others; in order, each once."""
        return self.open() if self.open_for is None else self.open_for(row_nos)


@dataclass(frozen=True)
class TextFile:
    """One delivered file: its format as detected from the content, and its sheets in their order.

    Attributes:
        format: `csv`, `xlsx`, `xls`, `ods`, `html`, `json`, `jsonl`, `parquet`, `zip`, `gzip`.
        encoding: of its text, where all sheets share one; null for workbooks and Parquet.
        delimiter: of a delimited text file.
        sheets: hidden ones included; those of all members of an archive, in order.
    """

    format: str
    encoding: str | None
    delimiter: str | None
    sheets: tuple[TextSheet, ...]
