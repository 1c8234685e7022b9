"""Which records below a header are data, and which are totals, notes, repeated headers, blank or broken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from connectors.headers import plain
from connectors.normalise.text import put
from connectors.readers.model import FAULT_ENCODING, FAULT_QUOTE, FAULT_RECORD, TextBatch
from connectors.tables import Table

SKIPPED = ("preamble", "blank", "total", "repeated_header", "note")
"""Kinds of records that hold no data; each is counted in the ledger."""

_TOTAL = r"^\s*(本页|本表|本月|全市|分|总)?\s*(合|小|总|共)\s*计\s*[:：]?\s*$"
_NOTE = r"^\s*[(（【*]?\s*(注|备注|说明|填表|制表|填报|审核|数据来源|资料来源|单位负责人)"
_MARKED_NOTE = (
    r"^\s*(注|备注|说明|填表人|填表单位|填表日期|制表人|制表单位|制表日期|填报人|填报单位|填报日期|审核人|单位负责人|数据来源)"
    r"\s*\d*\s*[:：]"
)
_NOTE_WORDS = "注|说明|填表|制表|填报|审核|来源|负责人"
"""One of them stands in every note."""
_TOTAL_COLUMNS = 3
_BLANK = r"^[\s\x{feff}]*$"
_STRUCTURE_MESSAGES = {
    FAULT_QUOTE: "该行的引号不成对，无法分列，未采用。",
    FAULT_ENCODING: "该行含有无法识别的字节（乱码），无法还原，未采用。",
    FAULT_RECORD: "该条记录不是完整的 JSON 对象，或同一个键出现了两次，未采用。",
}


@dataclass(frozen=True)
class RowKinds:
    """The records of a batch, told apart.

    Attributes:
        kind: String per record: null for data, one of `SKIPPED`, or `broken`.
        trouble: String per record: of a broken one why, one Chinese sentence.
    """

    kind: pl.Series
    trouble: pl.Series


def tell_apart(batch: TextBatch, table: Table) -> RowKinds:
    """Tell data records from all others.

    Args:
        batch: records below the header.
        table: whose header they follow.
    """
    cells = batch.cells
    sound = batch.fault.is_null()
    first = cells[cells.columns[0]].fill_null("")
    uneven = _uneven(batch, table)
    frame = pl.DataFrame(
        {
            "sound": sound,
            "blank": _blank(cells, first) & sound,
            "repeated": _repeats_header(cells, table),
            "total": _total(cells, table),
            "note": _note(cells, first, uneven),
            "uneven": uneven,
            "fault": batch.fault,
            "fields": batch.field_count,
        }
    )
    kind = (
        pl.when("blank")
        .then(pl.lit("blank"))
        .when("repeated")
        .then(pl.lit("repeated_header"))
        .when("total")
        .then(pl.lit("total"))
        .when("note")
        .then(pl.lit("note"))
        .when(~pl.col("sound") | pl.col("uneven"))
        .then(pl.lit("broken"))
    )
    kinds = frame.select(kind).to_series()
    if not (kinds == "broken").any():
        return RowKinds(kinds, frame["fault"])
    counted = pl.format(
        "该行有 {} 个字段，表头有 {} 个，各列已错位，未采用。", "fields", pl.lit(len(table.header_cells))
    )
    trouble = pl.col("fault").replace_strict(_STRUCTURE_MESSAGES, default=None, return_dtype=pl.String)
    return RowKinds(kinds, frame.select(pl.coalesce(trouble, counted)).to_series())


def _note(cells: pl.DataFrame, first: pl.Series, uneven: pl.Series) -> pl.Series:
    if not first.str.contains(_NOTE_WORDS).any():
        return pl.Series([False]).new_from_index(0, len(first))
    alone = _all_empty(first.str.contains(_NOTE), cells.drop(cells.columns[0]))
    return alone | (first.str.contains(_MARKED_NOTE) & (alone | uneven))


def _empty(cells: pl.Series) -> pl.Series:
    return cells.is_null() | cells.str.contains(_BLANK)


def _blank(cells: pl.DataFrame, first: pl.Series) -> pl.Series:
    return _all_empty(_empty(first), cells)


def _all_empty(candidates: pl.Series, cells: pl.DataFrame) -> pl.Series:
    """Say which candidate records have nothing in the given columns; the others are not looked at."""
    places = candidates.arg_true()
    if not len(places) or not cells.width:
        return candidates
    rows = cells[places]
    met = pl.Series([True]).new_from_index(0, len(rows))
    for name in rows.columns:
        met &= _empty(rows[name])
    return put(candidates, places, met)


def _uneven(batch: TextBatch, table: Table) -> pl.Series:
    """Say which records do not have the header's fields; unnamed trailing columns may be there or not."""
    width = len(table.header_cells)
    named = max((m.position + 1 for m in table.header.columns if m.header), default=width)
    counts = batch.field_count
    few = (counts < named).fill_null(False)
    surplus = batch.cells.columns[width:]
    if not surplus:
        return few
    filled = ~batch.cells.select(
        pl.all_horizontal(pl.col(n).is_null() | (pl.col(n) == "") for n in surplus)
    ).to_series()
    return few | ((counts > width).fill_null(False) & filled)


def _repeats_header(cells: pl.DataFrame, table: Table) -> pl.Series:
    """Say which records repeat a row of the header: four fifths of its named cells, two at least."""
    told = pl.Series([False]).new_from_index(0, len(cells))
    for row in table.header_rows:
        told |= _repeats_row(cells, row)
    return told


def _repeats_row(cells: pl.DataFrame, row: Sequence[str]) -> pl.Series:
    named = [(str(p), header) for p, header in enumerate(row) if header and str(p) in cells.columns]
    if len(named) < min(2, cells.width):
        return _repeats_lone_title(cells, dict(named))
    candidate = pl.Series([False]).new_from_index(0, len(cells))
    for name, header in named[:2]:
        candidate |= (cells[name].str.strip_chars() == header).fill_null(False)
    places = candidate.arg_true()
    if not len(places):
        return candidate
    rows = cells[places]
    same = pl.Series([0], dtype=pl.UInt32).new_from_index(0, len(rows))
    for name, header in named:
        same += (_compared(rows[name]) == plain(header)).cast(pl.UInt32)
    return put(candidate, places, same >= max(2, len(named) * 0.8))


def _repeats_lone_title(cells: pl.DataFrame, named: Mapping[str, str]) -> pl.Series:
    """Say which records hold the one title of a header's row, and nothing else."""
    same = pl.Series([bool(named)]).new_from_index(0, len(cells))
    for name, title in named.items():
        same &= (cells[name].str.strip_chars() == title).fill_null(False)
    return _all_empty(same, cells.drop(list(named)))


def _compared(cells: pl.Series) -> pl.Series:
    return cells.fill_null("").map_elements(plain, return_dtype=pl.String)


def _total(cells: pl.DataFrame, table: Table) -> pl.Series:
    """Say which records are totals: the word among the first cells, and no key beside it."""
    told = pl.Series([False]).new_from_index(0, len(cells))
    for name in cells.columns[:_TOTAL_COLUMNS]:
        if cells[name].str.contains("计", literal=True).any():
            told |= cells[name].str.contains(_TOTAL).fill_null(False)
    places = told.arg_true()
    if not len(places):
        return told
    rows, found = cells[places], table.header.matched()
    keyless = pl.Series([True]).new_from_index(0, len(rows))
    for column in table.contract.key:
        if column in found and (name := str(found[column].position)) in rows.columns:
            keyless &= _empty(rows[name]) | rows[name].str.contains(_TOTAL)
    return put(told, places, keyless)
