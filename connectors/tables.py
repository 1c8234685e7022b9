"""Finding the one table of a delivered file: its sheet, its header row, and what stands above it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

import polars as pl

from connectors.contract import Contract
from connectors.headers import HeaderError, HeaderMatch, header_problem, match_headers, recognise
from connectors.readers.model import TextBatch, TextFile, TextSheet, UnreadableFileError

HEAD_ROWS = 30
"""The header row stands within so many records of the top."""


@dataclass(frozen=True)
class Table:
    """The one table of a delivered file, its header found and understood.

    Attributes:
        contract: as given or recognised.
        sheet: name of the sheet; empty for a text file.
        header: the match.
        header_row_no: the header's record number.
        header_cells: the header row as delivered; as many as the header record has fields.
        preamble: texts of the title rows above the header, one per row (hints for the as-of date).
        preamble_rows: number of filled records above the header.
        blank_rows: number of blank ones.
        batches: all records below the header; read once.
        epoch_1904: bare day numbers count from 1904-01-01.
        other_sheets: hidden sheets and visible ones without the table; not read.
    """

    contract: Contract
    sheet: str
    header: HeaderMatch
    header_row_no: int
    header_cells: tuple[str, ...]
    preamble: tuple[str, ...]
    preamble_rows: int
    blank_rows: int
    batches: Iterator[TextBatch]
    epoch_1904: bool = False
    other_sheets: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Head:
    sheet: TextSheet
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class _Candidate:
    head: _Head
    row: int
    contract: Contract
    match: HeaderMatch


def find_table(file: TextFile, contracts: Sequence[Contract]) -> Table:
    """Find the header within the first 30 records of each visible sheet and match it to the contracts.

    Args:
        file: an opened file.
        contracts: exactly one where the extract is known, else all of the department (the header decides).

    Raises:
        HeaderError: no header row, none or several contracts fit, a key column (and no fallback key) or a required
            column is missing, or several visible sheets hold the table.
        UnreadableFileError: the file is empty, or turns out unreadable in its first records.
    """
    heads = [_head(sheet) for sheet in file.sheets if not sheet.hidden]
    if not any(any(map(any, head.rows)) for head in heads):
        raise UnreadableFileError("文件里没有任何数据（可见的工作表都是空的），请检查后重新报送。")
    candidates = [c for head in heads if (c := _locate(head, contracts)) is not None]
    fitting = [c for c in candidates if header_problem(c.match, c.contract) is None]
    if not fitting:
        raise HeaderError(_why_not(candidates, contracts))
    if len(fitting) > 1:
        names = "、".join(f"“{c.head.sheet.name}”" for c in fitting)
        raise HeaderError(f"工作簿中有多张工作表（{names}）都是要报送的表，请只保留一张，或分成几个文件报送。")
    chosen = fitting[0]
    others = tuple(sheet.name for sheet in file.sheets if sheet is not chosen.head.sheet)
    return _table(chosen, others)


def _head(sheet: TextSheet) -> _Head:
    rows: list[tuple[str, ...]] = []
    for batch in sheet.batches():
        wanted = HEAD_ROWS - len(rows)
        fields = batch.field_count.head(wanted).to_list()
        cells = batch.cells.head(wanted).rows()
        rows += [tuple(cell or "" for cell in row[:count]) for row, count in zip(cells, fields, strict=True)]
        if len(rows) >= HEAD_ROWS:
            break
    return _Head(sheet, tuple(rows))


def _locate(head: _Head, contracts: Sequence[Contract]) -> _Candidate | None:
    """Return the record that reads best as a header: the one that names most columns, the first of equals."""
    best: tuple[float, _Candidate] | None = None
    for number, cells in enumerate(head.rows):
        if not any(cells):
            continue
        read = _read_row(cells, contracts)
        if read is None:
            continue
        contract, match = read
        weight = sum(m.confidence for m in match.columns if m.column is not None)
        if weight > 0 and (best is None or weight > best[0]):
            best = weight, _Candidate(head, number, contract, match)
    return best[1] if best is not None else None


def _read_row(cells: Sequence[str], contracts: Sequence[Contract]) -> tuple[Contract, HeaderMatch] | None:
    if len(contracts) == 1:
        return contracts[0], match_headers(cells, contracts[0])
    return recognise(cells, contracts)


def _why_not(candidates: Sequence[_Candidate], contracts: Sequence[Contract]) -> str:
    if len(contracts) > 1 or not contracts:
        titles = "、".join(c.title for c in contracts) or "（无）"
        return f"无法根据表头认出是哪一份数据：本部门报送的有{titles}，请核对表头，或放入对应的数据目录。"
    contract = contracts[0]
    seen = [c for c in candidates if len(c.match.matched()) > 1]
    if not seen:
        wanted = "、".join(f"“{column.header}”" for column in list(contract.columns.values())[:20])
        return f"前 {HEAD_ROWS} 行里没有找到{contract.title}的表头：应有{wanted}，请在第一行写明列名后重新报送。"
    best = max(seen, key=lambda c: c.match.confidence)
    return header_problem(best.match, contract) or ""


def _table(chosen: _Candidate, others: tuple[str, ...]) -> Table:
    head, row = chosen.head, chosen.row
    above = [" ".join(cell.strip() for cell in cells if cell.strip()) for cells in head.rows[:row]]
    return Table(
        contract=chosen.contract,
        sheet=head.sheet.name,
        header=chosen.match,
        header_row_no=row + 1,
        header_cells=tuple(cell.strip() for cell in head.rows[row]),
        preamble=tuple(text for text in above if text),
        preamble_rows=sum(bool(text) for text in above),
        blank_rows=sum(not text for text in above),
        batches=_below(head.sheet, row + 1),
        epoch_1904=head.sheet.epoch_1904,
        other_sheets=others,
    )


def _below(sheet: TextSheet, skip: int) -> Iterator[TextBatch]:
    """Read the sheet again, without its first `skip` records."""
    batches = sheet.batches()
    for batch in batches:
        if skip < len(batch):
            yield from chain([_tail(batch, skip)] if skip else [batch], batches)
            return
        skip -= len(batch)


def _tail(batch: TextBatch, skip: int) -> TextBatch:
    cells: pl.DataFrame = batch.cells.slice(skip)
    return TextBatch(cells, batch.row_no.slice(skip), batch.field_count.slice(skip), batch.fault.slice(skip))
