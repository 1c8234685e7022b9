"""The segments of a delivery: files × members of an archive × sheets; which row of which a staged row number is.

Row numbers in staging and in `quality.*` continue over the segments of a delivery; people are told the row of their own
sheet.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import accumulate
from typing import Any

import polars as pl
import pyarrow as pa

from connectors.findings_log import ISSUE_SCHEMA, to_record_batch
from connectors.header_words import is_unit, wording
from connectors.headers import PATH, ColumnMatch
from connectors.privacy import mask_identifiers
from connectors.tables import Table, sheet_title


@dataclass(frozen=True)
class Segment:
    """One table of a delivery, as `quality.batch.header_match` keeps it; identifiers in names are masked.

    Attributes:
        file_no: of `quality.batch_file`.
        member: the file inside a delivered archive, or empty.
        sheet: the sheet's name, or empty.
        sheet_no: 0-based place among all sheets of the file.
        header_row_no: own row number of the header's first row.
        header_rows: rows of the header.
        labels: the department's header over each column, in one line, with the unit of its numbers.
        positions: contract column → 0-based position in the file.
        physical: rows of the sheet, header included; 0 until it is read.
    """

    file_no: int
    member: str
    sheet: str
    sheet_no: int
    header_row_no: int
    header_rows: int
    labels: Sequence[str]
    positions: Mapping[str, int]
    physical: int = 0

    @property
    def title(self) -> str:
        """What people call it inside its file; empty where the file has nothing else."""
        return sheet_title(self.member, self.sheet)


@dataclass(frozen=True)
class Place:
    """A row as its department finds it.

    Attributes:
        segment: 0-based number of the segment.
        row: the row number its sheet shows; None for the delivery as a whole.
    """

    segment: int
    row: int | None


@dataclass(frozen=True)
class Segments:
    """All segments of a delivery in order."""

    all: tuple[Segment, ...]

    @classmethod
    def of_tables(cls, tables: Sequence[tuple[int, Table]], physical: Sequence[int] = ()) -> Segments:
        """Return the segments of the tables found.

        Args:
            tables: the number of its file, and the table.
            physical: rows of each, once they are read.
        """
        rows = [*physical, *[0] * (len(tables) - len(physical))]
        return cls(tuple(_segment(no, table, count) for (no, table), count in zip(tables, rows, strict=True)))

    @classmethod
    def of_match(cls, header_match: Mapping[str, Any] | None) -> Segments:
        """Return the segments that `quality.batch.header_match` tells of; none where nothing was read.

        Batches read before deliveries had segments tell of parts without a file number: none either.
        """
        parts = (header_match or {}).get("parts", [])
        return cls(tuple(Segment(**part) for part in parts if "file_no" in part))

    def as_json(self) -> list[dict[str, Any]]:
        """Return what `of_match` reads."""
        return [asdict(segment) for segment in self.all]

    def locate(self, row: int | None) -> Place:
        """Return where a staged row number is."""
        if row is None or not self.all:
            return Place(0, row)
        starts = self.starts()
        number = max(bisect_right(starts, row - 1) - 1, 0)
        return Place(number, row - starts[number])

    def starts(self) -> list[int]:
        """Return the rows before each segment."""
        return [0, *accumulate(segment.physical for segment in self.all[:-1])]

    def title(self, number: int) -> str:
        """Return what to call a segment among the others: 第 2 份的工作表“乳山”; empty where it is the only one."""
        if len(self.all) < 2:
            return ""
        segment = self.all[number]
        several = self.all[-1].file_no > 1
        return "的".join(part for part in (f"第 {segment.file_no} 份" if several else "", segment.title) if part)


def _segment(file_no: int, table: Table, physical: int) -> Segment:
    return Segment(
        file_no=file_no,
        member=mask_identifiers(table.member),
        sheet=mask_identifiers(table.sheet),
        sheet_no=table.sheet_no,
        header_row_no=table.header_row_no,
        header_rows=len(table.header_rows),
        labels=[mask_identifiers(_label(match)) for match in table.header.columns],
        positions={name: match.position for name, match in table.header.matched().items()},
        physical=physical,
    )


def _label(match: ColumnMatch) -> str:
    leaf = match.header.rpartition(PATH)[2]
    told = match.unit is None or wording(leaf).unit is not None or is_unit(leaf.strip("()（） "))
    return match.header if told else f"{match.header}（{match.unit}）"


def findings_of_all(segments: Segments, issues: Sequence[pa.RecordBatch]) -> pa.RecordBatch:
    """Return the findings on whole segments as findings on the delivery: what is true of all of them once.

    Args:
        issues: per segment, `ISSUE_SCHEMA`; identifiers of rows are null.
    """
    if len(issues) == 1:
        return issues[0]
    frames = [pl.DataFrame(pl.from_arrow(found)).with_columns(segment=pl.lit(n)) for n, found in enumerate(issues)]
    frame = pl.concat(frames).with_columns(segments=pl.col("segment").n_unique().over(ISSUE_SCHEMA.names))
    everywhere = frame.filter(pl.col("segments") == len(issues)).filter(pl.col("segment") == 0)
    own = frame.filter(pl.col("segments") < len(issues))
    titles = pl.Series([f"{segments.title(n)}：" for n in range(len(issues))], dtype=pl.String).gather(own["segment"])
    named = own.with_columns(
        message=pl.when(pl.col("rule") == "sheet.other").then(pl.col("message")).otherwise(titles + pl.col("message"))
    )
    return to_record_batch(pl.concat([everywhere, named]), ISSUE_SCHEMA)
