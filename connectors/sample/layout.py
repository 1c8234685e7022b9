"""From a register's text to the file a department makes of it, and where in that file each record stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from operator import attrgetter
from typing import Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from connectors.contract import ColumnType, Contract
from connectors.sample.city import RELEVANT, is_hidden
from connectors.sample.dirt import DirtList, Effect
from connectors.sample.draws import stream
from connectors.sample.identifiers import credit_codes
from connectors.sample.writers import Format, Insert, Sheet

_NUMBERS = frozenset({ColumnType.INT, ColumnType.DECIMAL, ColumnType.MONEY, ColumnType.QUANTITY, ColumnType.PERIOD})
_ALIAS_SHARE = 0.15
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
Kind = Literal["text", "number", "date"]


@dataclass(frozen=True)
class RowDefect:
    """A planted row or line that is no faithful record."""

    row: int
    defect: str
    effect: Effect


@dataclass(frozen=True)
class LaidOut:
    """A sheet, and the row number of every record of the register in it."""

    sheet: Sheet
    rows: IntArray
    """Row number of each record of the register, shape (records,)."""
    shown: IntArray
    """Record that each row below the header is, copies included; -1 for tests, shape (rows,)."""
    shown_rows: IntArray
    """Row number of each of them, shape (rows,)."""
    headers: dict[str, str]
    defects: tuple[RowDefect, ...]
    duplicates: int


def headers_of(contract: Contract, columns: Sequence[str], seed: int) -> dict[str, str]:
    """Return the columns in the department's own order, each with the header it writes: its name or an alias."""
    rng = stream(seed, contract.id, "headers")
    chosen: dict[str, str] = {}
    for place in rng.permutation(len(columns)):
        column = contract.columns[columns[int(place)]]
        use_alias = bool(rng.random() < _ALIAS_SHARE) and bool(column.aliases)
        alias = column.aliases[int(rng.integers(len(column.aliases)))] if use_alias else column.header
        chosen[columns[int(place)]] = alias
    return chosen


@dataclass(frozen=True)
class Edition:
    """Which file of which extract is being made."""

    contract: Contract
    dirt: DirtList
    """Its row entries are used here."""
    form: Format
    """Short rows exist in CSV only."""
    seed: int
    round_no: int
    """Header, order and title rows are the same in all rounds."""
    as_of: date
    """Date in title rows and notes."""

    def habits(self) -> dict[str, bool]:
        """Tell what the department always does to its files."""
        rng = stream(self.seed, self.contract.id, "habits")
        names = ("title_rows", "notes", "total_row", "extra_columns")
        entries = {name: self.dirt.row(name, self.contract) for name in names}
        has = {name: entry is not None and bool(rng.random() < entry.chance) for name, entry in entries.items()}
        return {**has, "padded_title": bool(rng.random() < 0.5), "padded_notes": bool(rng.random() < 0.5)}


@dataclass(frozen=True)
class _Records:
    """The records of a file, before the lines that are none are put between them."""

    body: pl.DataFrame
    shown: IntArray
    """Record of the register that each row shows; -1 for tests."""
    kind: IntArray
    """What each row is: place in `_KINDS`."""
    order: IntArray
    """Row of the body that each row of the file is."""
    cuts: dict[int, int]


def lay_out(text: pl.DataFrame, edition: Edition) -> LaidOut:
    """Arrange a register as a file.

    Args:
        text: the register as text, damaged cells included, and `_relevant`.
        edition: which file it becomes.
    """
    contract, habits = edition.contract, edition.habits()
    headers = headers_of(contract, [c for c in text.columns if not is_hidden(c)], edition.seed)
    rng = stream(edition.seed, contract.id, "rows", edition.round_no)
    records = _records(text, list(headers), edition, rng)
    body, cuts = records.body, records.cuts
    kinds = [_kind(contract.columns[name].type) for name in headers]
    shown = list(headers.values())
    if habits["extra_columns"]:
        body, kinds, shown = _extra_columns(records, contract, kinds, shown)
        cuts = {place: left + (body.width - len(headers) - 1) for place, left in cuts.items()}
    body.columns = [f"c{n}" for n in range(body.width)]
    preamble = _title_rows(edition, body.width if habits["padded_title"] else 1) if habits["title_rows"] else ()
    inserts = _inserts(edition, rng, len(body), tuple(shown), habits)
    sheet = Sheet(tuple(shown), body, records.order, tuple(kinds), preamble, inserts, cuts)
    numbers = sheet.row_numbers()
    rows = np.zeros(len(text), dtype=np.int64)
    rows[records.shown[records.kind == 0]] = numbers[records.kind == 0]
    return LaidOut(
        sheet,
        rows,
        records.shown,
        numbers,
        headers,
        _row_defects(sheet, records.kind),
        duplicates=int((records.kind == _KINDS.index("duplicate_row")).sum()),
    )


_KINDS = ("record", "duplicate_row", "test_row")
_EFFECTS = (Effect.IGNORED, Effect.DUPLICATE, Effect.REJECTED)


def _row_defects(sheet: Sheet, kinds: IntArray) -> tuple[RowDefect, ...]:
    numbers = sheet.row_numbers()
    defects = [
        *(RowDefect(n + 1, "title_rows", Effect.SKIPPED) for n in range(len(sheet.preamble))),
        *(
            RowDefect(row, insert.kind, Effect.SKIPPED)
            for row, insert in zip(sheet.insert_row_numbers(), sheet.inserts, strict=True)
        ),
        *(RowDefect(int(numbers[place]), "short_row", Effect.REJECTED) for place in sheet.cuts),
        *(RowDefect(int(numbers[n]), _KINDS[kinds[n]], _EFFECTS[kinds[n]]) for n in np.flatnonzero(kinds)),
    ]
    return tuple(sorted(defects, key=lambda d: d.row))


def _records(text: pl.DataFrame, columns: list[str], edition: Edition, rng: np.random.Generator) -> _Records:
    """Put copies and tests among the records, and cut some short."""
    relevant = text[RELEVANT].to_numpy()
    repeated = _to_repeat(text, edition, "duplicate_row", rng, np.ones(len(text), dtype=np.bool_))
    tested = _to_repeat(text, edition, "test_row", rng, ~relevant)
    body = text.select(columns)
    parts = [body, body[repeated], _test_rows(body[tested], edition.round_no)]
    places = np.concatenate([np.arange(len(body)), *(_after(rng, rows, len(body)) for rows in (repeated, tested))])
    order = np.argsort(places, kind="stable")
    kind = np.repeat([0, 1, 2], [len(body), len(repeated), len(tested)])[order]
    shown = np.concatenate([np.arange(len(body)), repeated, np.full(len(tested), -1)])[order]
    source = np.where(kind == 0, shown, -1)
    may_cut = ~relevant
    may_cut[repeated] = False
    free = np.flatnonzero((source >= 0) & may_cut[np.maximum(source, 0)])
    cuts = _short_rows(edition, rng, free, len(text), len(columns))
    return _Records(pl.concat(parts, rechunk=False), shown, kind, order, cuts)


def _kind(type_: ColumnType) -> Kind:
    if type_ in _NUMBERS:
        return "number"
    return "date" if type_ is ColumnType.DATE else "text"


def _to_repeat(
    text: pl.DataFrame, edition: Edition, defect: str, rng: np.random.Generator, allowed: BoolArray
) -> IntArray:
    """Draw records to be repeated; never one whose required cells are missing."""
    entry = edition.dirt.row(defect, edition.contract)
    if entry is None:
        return np.zeros(0, dtype=np.int64)
    required = [n for n, c in edition.contract.columns.items() if c.required is True and n in text.columns]
    for name in required:
        allowed = allowed & text[name].is_not_null().to_numpy()
    count = max(int(rng.binomial(len(text), entry.rate)), entry.at_least)
    return np.sort(rng.permutation(np.flatnonzero(allowed))[:count])


def _after(rng: np.random.Generator, sources: IntArray, count: int) -> npt.NDArray[np.float64]:
    """Draw a place after each source and before the end."""
    return np.asarray(sources + 0.5 + np.floor(rng.random(len(sources)) * (count - sources)), dtype=np.float64)


def _test_rows(rows: pl.DataFrame, round_no: int) -> pl.DataFrame:
    """Turn copies of records into records of companies that are tests."""
    count = len(rows)
    numbers = 27_000_000 + 10_000 * round_no + np.arange(count)
    changes = {
        "uscc": credit_codes(["91"] * count, np.full(count, 371000), numbers),
        "name": pl.Series(["测试企业"] * count, dtype=pl.String),
        "legal_representative": pl.Series(["test"] * count, dtype=pl.String),
        "registration_no": pl.Series([None] * count, dtype=pl.String),
    }
    return rows.with_columns(**{name: values for name, values in changes.items() if name in rows.columns})


def _short_rows(edition: Edition, rng: np.random.Generator, free: IntArray, records: int, width: int) -> dict[int, int]:
    """Draw records of which the end is missing: place among the rows -> cells left."""
    entry = edition.dirt.row("short_row", edition.contract)
    if entry is None or edition.form.kind != "csv" or width < 4:
        return {}
    count = max(int(rng.binomial(records, entry.rate)), entry.at_least)
    return {int(place): int(rng.integers(2, width)) for place in np.sort(rng.permutation(free)[:count])}


def _extra_columns(
    records: _Records, contract: Contract, kinds: list[Kind], shown: list[str]
) -> tuple[pl.DataFrame, list[Kind], list[str]]:
    """Add a running number in front and an empty column behind, as spreadsheets grow them."""
    body = records.body
    known = {h for c in contract.columns.values() for h in (c.header, *c.aliases)}
    if "序号" not in known:
        place = np.empty(len(body), dtype=np.int64)
        place[records.order] = np.arange(len(body)) + 1
        number = pl.Series("_number", place).cast(pl.String)
        body = pl.DataFrame([number, *body.get_columns()])
        kinds, shown = ["number", *kinds], ["序号", *shown]
    empty = pl.lit(None, dtype=pl.String).alias("_empty")
    return body.with_columns(empty), [*kinds, "text"], [*shown, f"F{len(shown) + 1}"]


def _pad(cells: Sequence[str], width: int) -> tuple[str, ...]:
    return (*cells, *[""] * (width - len(cells)))


def _title_rows(edition: Edition, size: int) -> tuple[tuple[str, ...], ...]:
    day = edition.as_of
    return (
        _pad((f"威海市{edition.contract.title}",), size),
        _pad((f"制表日期：{day.year}年{day.month}月{day.day}日",), size),
    )


def _inserts(
    edition: Edition, rng: np.random.Generator, count: int, header: tuple[str, ...], habits: dict[str, bool]
) -> tuple[Insert, ...]:
    """Draw the lines that are no records: between the records, and after the last."""
    contract, dirt, width = edition.contract, edition.dirt, len(header)
    middle: list[Insert] = []
    if (entry := dirt.row("blank_line", contract)) is not None and count > 1:
        blank = max(int(rng.binomial(count, entry.rate)), entry.at_least)
        middle += [Insert(int(p), "blank_line", ()) for p in rng.integers(1, count, blank)]
    if (entry := dirt.row("repeated_header", contract)) is not None and count >= max(entry.smallest_file, 2):
        middle += [Insert(int(p), "repeated_header", header) for p in rng.integers(1, count, entry.at_least)]
    end: list[Insert] = []
    if habits["total_row"]:
        end.append(Insert(count, "total_row", _pad(("合计",), width)))
    if habits["notes"]:
        size, day = (width if habits["padded_notes"] else 1), edition.as_of
        end.append(Insert(count, "notes", _pad((f"注：数据截至{day.year}年{day.month}月{day.day}日。",), size)))
        end.append(Insert(count, "notes", _pad(("填表说明：空白表示没有数据。",), size)))
    return (*sorted(middle, key=attrgetter("before")), *end)
