"""Finding the tables of a delivered file: their sheets, their header rows, and what stands above them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial

from connectors.contract import Contract
from connectors.header_rows import Reading, lengthened, readings
from connectors.headers import (
    MINIMUM_CONFIDENCE,
    HeaderError,
    HeaderMatch,
    best_fitting,
    header_problem,
    is_telling,
    match_headers,
    with_lookalikes,
)
from connectors.readers.model import Look, MergedCells, TextBatch, TextFile, TextSheet, UnreadableFileError

HEAD_ROWS = 30
"""The header stands within so many records of the top."""
RECEIPT_SHEET = "回执"
RECEIPT_TITLE = "数据报送回执"
RECEIPT_DATE = "数据日期"
"""First sheet of a receipt, its first cell, and the label of its as-of date: only its sheets of rows are read."""
ROWS_SHEET = "问题行"
"""How the names of a receipt's sheets of rows begin."""
_HEADLESS_ROWS = 3
_LABEL_CHARS = 1000
"""What follows in a cell of the head is not looked at: no header is longer, and reading one takes its time."""


@dataclass(frozen=True)
class OtherSheet:
    """A sheet that is not read.

    Attributes:
        name: as `sheet_title` says it.
        hidden: not shown to whoever opens the workbook.
        looks_filled: it has rows as wide as the table, but no header.
    """

    name: str
    hidden: bool
    looks_filled: bool = False

    @property
    def told(self) -> str:
        """What the receipt says of it."""
        if self.hidden:
            return f"隐藏的{self.name}未采用。"
        if self.looks_filled:
            return f"{self.name}有数据而没有可以识别的表头，未采用；如是同一份数据，请补上表头后重新报送。"
        return f"{self.name}不是要报送的表，未采用。"


@dataclass(frozen=True)
class Table:
    """One table of a delivered file, its header found and understood.

    Attributes:
        contract: as given or recognised.
        sheet: name of the sheet; empty for a text file.
        header: the match.
        header_row_no: number of the header's first record.
        header_rows: the header's records as delivered, each as long as it has fields.
        preamble: texts of the title rows above the header, one per row (hints for the as-of date); of a corrected
            receipt also its date.
        preamble_rows: number of filled records above the header.
        blank_rows: number of blank ones.
        batches: reads all records below the header; where a look is given, lines that it knows are left out.
        epoch_1904: bare day numbers count from 1904-01-01.
        merged: merged cells of the sheet, as `TextSheet.merged`.
        member: the file inside the delivered archive; empty where there is no archive.
        sheet_no: 0-based place among all sheets of the file.
        other_sheets: of the file's first table: the sheets that are not read.
    """

    contract: Contract
    sheet: str
    header: HeaderMatch
    header_row_no: int
    header_rows: tuple[tuple[str, ...], ...]
    preamble: tuple[str, ...]
    preamble_rows: int
    blank_rows: int
    batches: Callable[[Look | None], Iterator[TextBatch]]
    epoch_1904: bool = False
    merged: tuple[MergedCells, ...] = ()
    member: str = ""
    sheet_no: int = 0
    other_sheets: tuple[OtherSheet, ...] = ()

    @property
    def header_cells(self) -> tuple[str, ...]:
        """The header's widest record, as delivered."""
        return max(self.header_rows, key=len)


@dataclass(frozen=True)
class _Head:
    sheet: TextSheet
    number: int
    rows: tuple[tuple[str, ...], ...]

    @property
    def title(self) -> str:
        return sheet_title(self.sheet.member, self.sheet.name)

    @cached_property
    def merged(self) -> tuple[MergedCells, ...]:
        return tuple(cells for cells in self.sheet.merged if cells[0] < HEAD_ROWS)


@dataclass(frozen=True)
class _Candidate:
    head: _Head
    reading: Reading
    contract: Contract
    match: HeaderMatch


def find_tables(file: TextFile, contracts: Sequence[Contract]) -> tuple[Table, ...]:
    """Find the header within the first 30 records of each visible sheet; return every sheet that holds the table.

    Args:
        file: an opened file.
        contracts: exactly one where the extract is known, else all of the department (the header decides).

    Raises:
        HeaderError: no header row, none or several contracts fit, a key column (and no fallback key) or a required
            column is missing; or a sheet is nearly the table, or holds another one.
        UnreadableFileError: the file is empty, or turns out unreadable in its first records.
    """
    sheets = _delivered_sheets(file)
    heads = [_head(sheet, number) for number, sheet in sheets if not sheet.hidden]
    if not any(any(map(any, head.rows)) for head in heads):
        raise UnreadableFileError("文件里没有任何数据（可见的工作表都是空的），请检查后重新报送。")
    located = {head.number: _locate(head, contracts) for head in heads}
    candidates = [c for found in located.values() for c in found]
    chosen = [c for head in heads if (c := _fitting(located[head.number])) is not None]
    if not chosen:
        raise HeaderError(_why_not(candidates, contracts))
    _refuse_mixture(chosen)
    taken = {c.head.number for c in chosen}
    _refuse_half_read([c for c in candidates if c.head.number not in taken and c.contract is chosen[0].contract])
    others = tuple(
        OtherSheet(sheet_title(sheet.member, sheet.name), sheet.hidden, _looks_filled(number, heads, chosen[0]))
        for number, sheet in sheets
        if number not in taken
    )
    hints = _receipt_page(file) if is_receipt(file) else ()
    tables = [_table(c, hints) for c in chosen]
    return (replace(tables[0], other_sheets=others), *tables[1:])


def is_receipt(file: TextFile) -> bool:
    """Say whether a file is a receipt's workbook, corrected and dropped again."""
    first = file.sheets[0] if file.sheets else None
    if first is None or first.name != RECEIPT_SHEET:
        return False
    batch = next(first.batches(), None)
    return batch is not None and len(batch) > 0 and batch.cells[batch.cells.columns[0]][0] == RECEIPT_TITLE


def _receipt_page(file: TextFile) -> tuple[str, ...]:
    """Return what the first page of a receipt says, so that its rows speak for the date they were first sent for."""
    head = _head(file.sheets[0], 0)
    return tuple(" ".join(row[:2]) for row in head.rows if row and row[0] == RECEIPT_DATE)


def sheet_title(member: str, name: str) -> str:
    """Return what people call a sheet of a delivery: 压缩包内“甲.xlsx”的工作表“乳山”."""
    parts = [f"压缩包内“{member}”" if member else "", f"工作表“{name}”" if name else ""]
    return "的".join(part for part in parts if part)


def _delivered_sheets(file: TextFile) -> list[tuple[int, TextSheet]]:
    sheets = list(enumerate(file.sheets))
    if is_receipt(file):
        return [(number, sheet) for number, sheet in sheets if sheet.name.startswith(ROWS_SHEET)]
    return sheets


def _head(sheet: TextSheet, number: int) -> _Head:
    rows: list[tuple[str, ...]] = []
    for batch in sheet.batches():
        wanted = HEAD_ROWS - len(rows)
        fields = batch.field_count.head(wanted).to_list()
        cells = batch.cells.head(wanted).rows()
        rows += [
            tuple((cell or "")[:_LABEL_CHARS] for cell in row[:count]) for row, count in zip(cells, fields, strict=True)
        ]
        if len(rows) >= HEAD_ROWS:
            break
    return _Head(sheet, number, tuple(rows))


def _locate(head: _Head, contracts: Sequence[Contract]) -> list[_Candidate]:
    """Return for each contract the records that read best as its header: those that name most columns.

    Of equals the shortest, then the first.
    """
    possible = list(readings(head.rows, head.merged))
    found = []
    for contract in contracts:
        best: _Candidate | None = None
        for reading in possible:
            match = match_headers(reading.labels, contract, reading.units)
            rank = (match.weight, -reading.count)
            if match.weight > 0 and (best is None or rank > (best.match.weight, -best.reading.count)):
                best = _Candidate(head, reading, contract, match)
        if best is not None:
            found.append(_explained(best))
    return found


def _explained(found: _Candidate) -> _Candidate:
    """Return a candidate with the records that explain its header counted to it."""
    head, reading = found.head, lengthened(found.reading, found.match, found.head.rows, found.head.merged)
    if reading is found.reading:
        return found
    return replace(
        found, reading=reading, match=match_headers(reading.labels, found.contract, reading.units), head=head
    )


def _fitting(candidates: Sequence[_Candidate]) -> _Candidate | None:
    """Return the one candidate of a sheet that can be taken, or None where none or several can."""
    if len(candidates) == 1:
        only = candidates[0]
        return only if header_problem(only.match, only.contract) is None else None
    best = best_fitting([(c.contract, c.match) for c in candidates])
    return next((c for c in candidates if best is not None and c.match is best[1]), None)


def _refuse_mixture(chosen: Sequence[_Candidate]) -> None:
    titles = list(dict.fromkeys(c.contract.title for c in chosen))
    if len({c.contract.id for c in chosen}) > 1:
        held = "；".join(f"{c.head.title}是{c.contract.title}" for c in chosen)
        raise HeaderError(f"一个文件里有 {len(titles)} 种数据（{held}），请分成几个文件报送。")


def _refuse_half_read(others: Sequence[_Candidate]) -> None:
    """A sheet that is nearly the table must not be left out in silence: its records would be taken as gone."""
    for candidate in others:
        nearly = candidate.match.confidence >= MINIMUM_CONFIDENCE and is_telling(candidate.match)
        if nearly and (
            problem := header_problem(with_lookalikes(candidate.match, candidate.contract), candidate.contract)
        ):
            raise HeaderError(f"{candidate.head.title}：{problem}不是要报送的表的，请从文件中删去。")


def _looks_filled(number: int, heads: Sequence[_Head], chosen: _Candidate) -> bool:
    """Say whether a visible sheet has rows as wide as the table: perhaps its continuation without a header."""
    width = len(chosen.match.matched())
    rows = next((head.rows for head in heads if head.number == number), ())
    wide = sum(sum(bool(cell.strip()) for cell in row) >= max(2, width) for row in rows)
    return wide >= _HEADLESS_ROWS


def _why_not(candidates: Sequence[_Candidate], contracts: Sequence[Contract]) -> str:
    if len(contracts) > 1 or not contracts:
        titles = "、".join(c.title for c in contracts) or "（无）"
        return f"无法根据表头认出是哪一份数据：本部门报送的有{titles}，请核对表头，或放入对应的数据目录。"
    contract = contracts[0]
    seen = [c for c in candidates if len(c.match.matched()) + any(m.reason for m in c.match.columns) > 1]
    if not seen:
        wanted = "、".join(f"“{column.header}”" for column in list(contract.columns.values())[:20])
        return f"前 {HEAD_ROWS} 行里没有找到{contract.title}的表头：应有{wanted}，请在第一行写明列名后重新报送。"
    best = max(seen, key=lambda c: c.match.confidence)
    return header_problem(with_lookalikes(best.match, contract), contract) or ""


def _table(chosen: _Candidate, hints: tuple[str, ...]) -> Table:
    head, reading = chosen.head, chosen.reading
    above = [" ".join(cell.strip() for cell in cells if cell.strip()) for cells in head.rows[: reading.first]]
    return Table(
        contract=chosen.contract,
        sheet=head.sheet.name,
        header=with_lookalikes(chosen.match, chosen.contract),
        header_row_no=reading.first + 1,
        header_rows=tuple(tuple(c.strip() for c in row) for row in head.rows[reading.first : reading.end]),
        preamble=(*hints, *(text for text in above if text)),
        preamble_rows=sum(bool(text) for text in above),
        blank_rows=sum(not text for text in above),
        batches=partial(_below, head.sheet, reading.end),
        epoch_1904=head.sheet.epoch_1904,
        merged=head.sheet.merged,
        member=head.sheet.member,
        sheet_no=head.number,
    )


def _below(sheet: TextSheet, skip: int, look: Look | None) -> Iterator[TextBatch]:
    """Read the sheet again, without its first `skip` records."""
    batches = sheet.batches() if look is None else sheet.batches_shown(look, skip)
    for batch in batches:
        above = min(skip, len(batch))
        skip -= above
        if above < len(batch) or batch.recognised is not None:
            yield batch.behind(above) if above else batch
