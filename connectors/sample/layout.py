"""From a register's text to the file a department makes of it, and where in that file each record stands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from connectors.contract import ColumnType, Contract
from connectors.sample.city import RELEVANT
from connectors.sample.dirt import DirtList, Effect
from connectors.sample.draws import stream
from connectors.sample.identifiers import credit_codes
from connectors.sample.writers import Format, Insert, Sheet

_NUMBERS = frozenset(
    {ColumnType.INT, ColumnType.DECIMAL, ColumnType.MONEY, ColumnType.QUANTITY, ColumnType.PERIOD}
)
_ALIAS_SHARE = 0.15
IntArray = npt.NDArray[np.int64]


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
    headers: dict[str, str]
    defects: tuple[RowDefect, ...]
    duplicates: int
    rejected_rows: int


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


def lay_out(
    text: pl.DataFrame, contract: Contract, dirt: DirtList, form: Format, seed: int, round_no: int, as_of: date
) -> LaidOut:
    """Arrange a register as a file.

    Args:
        text: the register as text, damaged cells included, and `_relevant`.
        contract: its contract.
        dirt: the declared list; its row entries are used here.
        form: the file's format; short rows exist in CSV only.
        seed: seed of the city.
        round_no: number of the round; header, order and title rows are the same in all.
        as_of: date in title rows and notes.
    """
    headers = headers_of(contract, [c for c in text.columns if c != RELEVANT], seed)
    habits = stream(seed, contract.id, "habits")
    has = {
        name: bool(habits.random() < entry.chance)
        for name in ("title_rows", "notes", "total_row", "extra_columns")
        if (entry := dirt.row(name, contract)) is not None
    }
    rng = stream(seed, contract.id, "rows", round_no)
    repeated = _copies(text, contract, dirt, "duplicate_row", rng, np.ones(len(text), dtype=np.bool_))
    tested = _copies(text, contract, dirt, "test_row", rng, ~text[RELEVANT].to_numpy())
    body = text.select(list(headers))
    parts = [body, body[repeated], _test_rows(body[tested], round_no)]
    origin = np.concatenate([np.arange(len(body)), _after(rng, repeated, len(body)), _after(rng, tested, len(body))])
    order = np.argsort(origin, kind="stable")
    body = pl.concat(parts)[order]
    record = np.full(len(body), -1, dtype=np.int64)
    record[: len(order)] = np.where(order < len(text), order, -1)
    cuts = _short_rows(text, contract, dirt, form, rng, record, repeated, len(headers))
    kinds = [_kind(contract.columns[name].type) for name in headers]
    shown = list(headers.values())
    if has.get("extra_columns"):
        body, kinds, shown, cuts = _extra_columns(body, contract, kinds, shown, cuts)
    body.columns = [f"c{n}" for n in range(body.width)]
    width = body.width
    preamble = _title_rows(contract, as_of, width, padded=bool(habits.random() < 0.5)) if has.get("title_rows") else ()
    notes_padded = bool(habits.random() < 0.5)
    inserts = _inserts(contract, dirt, rng, body, tuple(shown), has, as_of, notes_padded)
    sheet = Sheet(tuple(shown), body, tuple(kinds), preamble, inserts, cuts)
    numbers = sheet.row_numbers()
    rows = np.zeros(len(text), dtype=np.int64)
    rows[record[record >= 0]] = numbers[record >= 0]
    defects = [
        *(RowDefect(n + 1, "title_rows", Effect.SKIPPED) for n in range(len(preamble))),
        *(
            RowDefect(row, insert.kind, Effect.SKIPPED)
            for row, insert in zip(sheet.insert_row_numbers(), inserts, strict=True)
        ),
        *(RowDefect(int(numbers[n]), "short_row", Effect.REJECTED) for n in cuts),
    ]
    for place, source in enumerate(order):
        if source >= len(text):
            is_copy = source < len(text) + len(repeated)
            name, effect = ("duplicate_row", Effect.DUPLICATE) if is_copy else ("test_row", Effect.FLAGGED)
            defects.append(RowDefect(int(numbers[place]), name, effect))
    return LaidOut(sheet, rows, headers, tuple(sorted(defects, key=lambda d: d.row)), len(repeated), len(cuts))


def _kind(type_: ColumnType) -> Literal["text", "number", "date"]:
    if type_ in _NUMBERS:
        return "number"
    return "date" if type_ is ColumnType.DATE else "text"


def _copies(
    text: pl.DataFrame, contract: Contract, dirt: DirtList, defect: str, rng: np.random.Generator, allowed: np.ndarray
) -> IntArray:
    """Draw records to be repeated; never one whose required cells are missing."""
    entry = dirt.row(defect, contract)
    if entry is None:
        return np.zeros(0, dtype=np.int64)
    required = [n for n, c in contract.columns.items() if c.required is True and n in text.columns]
    if required:
        allowed = allowed & text.select(pl.all_horizontal(pl.col(required).is_not_null()))[required[0]].to_numpy()
    count = max(int(rng.binomial(len(text), entry.rate)), entry.at_least)
    return np.sort(rng.permutation(np.flatnonzero(allowed))[:count])


def _after(rng: np.random.Generator, sources: IntArray, count: int) -> npt.NDArray[np.float64]:
    """Draw a place after each source and before the end."""
    places: npt.NDArray[np.float64] = sources + 0.5 + np.floor(rng.random(len(sources)) * (count - sources))
    return places


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


def _short_rows(
    text: pl.DataFrame,
    contract: Contract,
    dirt: DirtList,
    form: Format,
    rng: np.random.Generator,
    record: IntArray,
    repeated: IntArray,
    width: int,
) -> dict[int, int]:
    """Draw records of which the end is missing: position in the body -> cells left."""
    entry = dirt.row("short_row", contract)
    if entry is None or form.kind != "csv" or width < 4:
        return {}
    allowed = ~text[RELEVANT].to_numpy()
    allowed[repeated] = False
    places = np.flatnonzero((record >= 0) & allowed[np.maximum(record, 0)])
    count = max(int(rng.binomial(len(text), entry.rate)), entry.at_least)
    return {int(p): int(rng.integers(2, width)) for p in np.sort(rng.permutation(places)[:count])}


def _extra_columns(
    body: pl.DataFrame,
    contract: Contract,
    kinds: list[Literal["text", "number", "date"]],
    shown: list[str],
    cuts: dict[int, int],
) -> tuple[pl.DataFrame, list[Literal["text", "number", "date"]], list[str], dict[int, int]]:
    """Add a running number in front and an empty column behind, as spreadsheets grow them."""
    known = {h for c in contract.columns.values() for h in (c.header, *c.aliases)}
    number = pl.int_range(1, len(body) + 1, eager=True).cast(pl.String).alias("_number")
    if "序号" not in known:
        body = pl.DataFrame([number, *body.get_columns()])
        kinds, shown, cuts = ["number", *kinds], ["序号", *shown], {k: v + 1 for k, v in cuts.items()}
    empty = f"F{len(shown) + 1}"
    return body.with_columns(pl.lit(None, dtype=pl.String).alias("_empty")), [*kinds, "text"], [*shown, empty], cuts


def _pad(cells: Sequence[str], width: int) -> tuple[str, ...]:
    return (*cells, *[""] * (width - len(cells)))


def _title_rows(contract: Contract, as_of: date, width: int, *, padded: bool) -> tuple[tuple[str, ...], ...]:
    size = width if padded else 1
    return (
        _pad((f"威海市{contract.title}",), size),
        _pad((f"制表日期：{as_of.year}年{as_of.month}月{as_of.day}日",), size),
    )


def _inserts(
    contract: Contract,
    dirt: DirtList,
    rng: np.random.Generator,
    body: pl.DataFrame,
    header: tuple[str, ...],
    has: dict[str, bool],
    as_of: date,
    padded: bool,
) -> tuple[Insert, ...]:
    count, width = len(body), body.width
    middle: list[Insert] = []
    if (entry := dirt.row("blank_line", contract)) is not None and count > 1:
        blank = max(int(rng.binomial(count, entry.rate)), entry.at_least)
        middle += [Insert(int(p), "blank_line", ()) for p in rng.integers(1, count, blank)]
    if (entry := dirt.row("repeated_header", contract)) is not None and count >= max(entry.smallest_file, 2):
        middle += [Insert(int(p), "repeated_header", header) for p in rng.integers(1, count, entry.at_least)]
    end: list[Insert] = []
    if has.get("total_row"):
        end.append(Insert(count, "total_row", _pad(("合计",), width)))
    if has.get("notes"):
        size = width if padded else 1
        end.append(Insert(count, "notes", _pad((f"注：数据截至{as_of.year}年{as_of.month}月{as_of.day}日。",), size)))
        end.append(Insert(count, "notes", _pad(("填表说明：空白表示没有数据。",), size)))
    by_place: Callable[[Insert], int] = lambda insert: insert.before  # noqa: E731
    return (*sorted(middle, key=by_place), *end)
