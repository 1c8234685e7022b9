"""The declared dirt: what each defect does to a cell, what intake is to make of it, and where it is planted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import polars as pl
from pydantic import BaseModel, ConfigDict, Field
from ruamel.yaml import YAML

from connectors.contract import CodeList, Column, ColumnType, Contract
from connectors.sample.city import RELEVANT, is_hidden
from connectors.sample.draws import stream

_FULL_WIDTH = {ord(c): ord(c) + 0xFEE0 for c in map(chr, range(0x21, 0x7F))}
_USCC_CHARACTERS = "0123456789ABCDEFGHJKLMNPQRTUWXY"


class Effect(StrEnum):
    """What intake is to make of a defect."""

    RECOVERED = "recovered"
    NULLED = "nulled"
    FLAGGED = "flagged"
    REJECTED = "rejected"
    DUPLICATE = "duplicate"
    SKIPPED = "skipped"
    IGNORED = "ignored"
    KEPT = "kept"
    """Loaded as it stands: nothing in the file says that it is wrong."""


class CellDirt(BaseModel):
    """One kind of damaged cell of `dirt.yml`."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    defect: str
    types: tuple[ColumnType, ...]
    rate: float = Field(gt=0, lt=1)
    at_least: int = 0
    """Number of cells in a file of 200 rows or more."""
    at_most: int = 500
    """Number of cells of one column, however large the file."""
    contracts: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    spares_relevant: bool = False

    def applies(self, contract: Contract, name: str, column: Column) -> bool:
        """Tell whether this dirt falls on that column."""
        if self.contracts and contract.id not in self.contracts:
            return False
        return name in self.columns if self.columns else column.type in self.types


class RowDirt(BaseModel):
    """One kind of row or layout defect of `dirt.yml`."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    defect: Literal[
        "duplicate_row", "test_row", "short_row", "blank_line", "repeated_header", "total_row", "title_rows", "notes",
        "extra_columns",
    ]  # fmt: skip
    rate: float = 0.0
    at_least: int = 0
    chance: float = 1.0
    """Share of the files that have it at all."""
    smallest_file: int = 0
    contracts: tuple[str, ...] = ()


class DirtList(BaseModel):
    """The whole of `dirt.yml`."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    cells: tuple[CellDirt, ...] = ()
    rows: tuple[RowDirt, ...] = ()

    def row(self, defect: str, contract: Contract) -> RowDirt | None:
        """Return the entry for a row defect, where it is declared for that contract."""
        return next(
            (r for r in self.rows if r.defect == defect and (not r.contracts or contract.id in r.contracts)), None
        )


NO_DIRT = DirtList()


DIRT_FILE = Path(__file__).with_name("dirt.yml")


def load_dirt(path: Path = DIRT_FILE) -> DirtList:
    """Read the declared list of dirt."""
    return DirtList.model_validate(YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8")))


@dataclass(frozen=True)
class Planted:
    """One damaged cell, by its row in the register."""

    index: int
    column: str
    defect: str
    effect: Effect
    original: str | None
    planted: str | None


@dataclass(frozen=True)
class _Cell:
    """What a defect may look at besides the text."""

    column: Column
    codes: CodeList | None
    rng: np.random.Generator

    def one_of(self, options: Sequence[str]) -> str:
        return options[int(self.rng.integers(len(options)))]


Damage = Callable[[str, _Cell], str | None]
"""Return the damaged text; the text itself where the defect cannot fall on it."""


def _wan(text: str) -> str:
    return format((Decimal(text) / 10_000).normalize(), "f")


def _date(text: str, cell: _Cell) -> str:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return text
    return cell.one_of(
        (
            f"{day:%Y%m%d}",
            f"{day.year}年{day.month}月{day.day}日",
            f"{day.year}/{day.month}/{day.day}",
            f"{day:%Y.%m.%d}",
        )
    )


def _datetime(text: str, _: _Cell) -> str:
    moment = datetime.fromisoformat(text)
    return f"{moment.year}/{moment.month}/{moment.day} {moment:%H:%M:%S}"


def _money_wording(text: str, cell: _Cell) -> str:
    if not text.isdigit():
        return text
    return cell.one_of(
        (f"{_wan(text)}万元", f"{_wan(text)}万人民币", f"{int(text):,}元", f"{int(text):,}", f"{text}元")
    )


def _unknown_currency(text: str, _: _Cell) -> str:
    return f"{int(text) // 10_000:,}(万)" if text.isdigit() and int(text) % 10_000 == 0 else text


def _foreign(text: str, cell: _Cell) -> str:
    if not text.isdigit() or int(text) % 10_000:
        return text
    return f"{int(text) // 10_000:,}({cell.one_of(('万美元', '万欧元', '万港元'))})"


def _html_entity(text: str, cell: _Cell) -> str:
    place = int(cell.rng.integers(len(text)))
    return f"{text[:place]}&#{ord(text[place])};{text[place + 1 :]}"


def _alias(text: str, cell: _Cell) -> str:
    aliases = cell.codes.words.get(text, []) if cell.codes is not None else []
    words = [a for a in aliases if a]
    return cell.one_of(words) if words else text


def _left_blank(text: str, cell: _Cell) -> str | None:
    may = cell.codes is not None and text == cell.codes.default and cell.column.required is False
    return None if may else text


def _bool_form(text: str, cell: _Cell) -> str:
    yes, no = (("有", "无"), ("1", "0"), ("Y", "N"))[int(cell.rng.integers(3))]
    return yes if text == "是" else no


def _wrong_check(text: str, _: _Cell) -> str:
    place = _USCC_CHARACTERS.find(text[-1])
    return text[:-1] + _USCC_CHARACTERS[(place + 7) % 31]


def _thousands(text: str, _: _Cell) -> str:
    return f"{Decimal(text):,}" if abs(Decimal(text)) >= 1000 else text


def _optional(damage: Damage) -> Damage:
    return lambda text, cell: damage(text, cell) if cell.column.required is not True else text


CELL_DEFECTS: Mapping[str, tuple[Effect, Damage]] = {
    "full_width": (Effect.RECOVERED, lambda text, _: text.translate(_FULL_WIDTH)),
    "lower_case": (Effect.RECOVERED, lambda text, _: text.lower()),
    "padded": (Effect.RECOVERED, lambda text, cell: cell.one_of((f"　{text}", f"{text}\u00a0", f" {text} "))),
    "apostrophe": (Effect.RECOVERED, lambda text, _: f"'{text}"),
    "thousands_separator": (Effect.RECOVERED, _thousands),
    "money_wording": (Effect.RECOVERED, _money_wording),
    "date_form": (Effect.RECOVERED, _date),
    "datetime_form": (Effect.RECOVERED, _datetime),
    "period_form": (Effect.RECOVERED, lambda text, _: f"{text}年" if len(text) == 4 else text),
    "code_alias": (Effect.RECOVERED, _alias),
    "bool_form": (Effect.RECOVERED, _bool_form),
    "left_blank": (Effect.RECOVERED, _left_blank),
    "html_entity": (Effect.RECOVERED, _html_entity),
    "line_break": (Effect.RECOVERED, lambda text, _: text.replace("；", "；\n", 1)),
    "placeholder": (
        Effect.NULLED,
        _optional(lambda _, cell: cell.one_of(("无", "暂无", "不详", "-", "/", "N/A", "NULL"))),
    ),
    "impossible_date": (
        Effect.NULLED,
        _optional(lambda text, cell: cell.one_of((f"{text[:4]}-02-30", f"{text[:4]}-13-01"))),
    ),
    "unknown_code": (Effect.NULLED, _optional(lambda _, cell: cell.one_of(("见附件说明", "待核实填写")))),
    "unknown_division": (Effect.FLAGGED, lambda _, __: "371099"),
    "wrong_check": (Effect.FLAGGED, _wrong_check),
    "bad_number": (Effect.NULLED, _optional(lambda text, _: f"约{text}左右")),
    "money_unknown_currency": (Effect.FLAGGED, _unknown_currency),
    "money_foreign": (Effect.FLAGGED, _foreign),
    "garbled": (Effect.FLAGGED, lambda text, _: text.encode("gbk", "ignore").decode("latin-1")),
    "money_without_number": (Effect.NULLED, _optional(lambda _, __: "万人民币")),
    "missing_required": (Effect.REJECTED, lambda _, __: None),
}
"""Cell defects by name: what intake is to make of them, and how they damage a text."""


def plant_cells(
    text: pl.DataFrame,
    contract: Contract,
    codes: Mapping[str, CodeList],
    dirt: DirtList,
    *,
    seed: tuple[int, str | int],
    spared: Mapping[str, npt.NDArray[np.bool_]],
) -> tuple[pl.DataFrame, list[Planted]]:
    """Damage the declared share of cells; no cell is damaged twice.

    Args:
        text: the register as text, one column per contract column, and hidden ones.
        contract: its contract.
        codes: the code lists.
        dirt: the declared list.
        seed: seed and round.
        spared: by column, the cells that already are not what they should be, shape (rows,).

    Returns:
        The damaged text and what was done to it.
    """
    relevant = text[RELEVANT].to_numpy()
    planted: list[Planted] = []
    rejected = np.zeros(len(text), dtype=np.bool_)
    for name in [c for c in text.columns if not is_hidden(c)]:
        column = contract.columns[name]
        taken = text[name].is_null().to_numpy() | rejected
        if name in spared:
            taken |= spared[name]
        rng = stream(*seed, contract.id, name)
        series = text[name]
        cell = _Cell(column, codes.get(column.codes) if column.codes is not None else None, rng)
        changed: dict[int, str | None] = {}
        for entry in dirt.cells:
            if not entry.applies(contract, name, column):
                continue
            effect, damage = CELL_DEFECTS[entry.defect]
            vouched = bool(entry.columns) and not entry.spares_relevant
            blocked = taken | (relevant & (effect is not Effect.RECOVERED and not vouched))
            for index in _pick(rng, blocked, entry):
                original = series[index]
                damaged = damage(original, cell)
                if damaged == original:
                    continue
                taken[index] = True
                rejected[index] |= effect is Effect.REJECTED
                changed[index] = damaged
                planted.append(Planted(index, name, entry.defect, effect, original, damaged))
        text = replace_cells(text, name, changed)
    return text, planted


def replace_cells(text: pl.DataFrame, name: str, changed: Mapping[int, str | None]) -> pl.DataFrame:
    """Return the table with some cells of one column replaced."""
    if not changed:
        return text
    values = pl.Series(list(changed.values()), dtype=pl.String)
    return text.with_columns(text[name].scatter(list(changed), values).alias(name))


def _pick(rng: np.random.Generator, blocked: np.ndarray, entry: CellDirt) -> list[int]:
    """Draw the declared share of the cells that are there and not blocked."""
    free = np.flatnonzero(~blocked)
    count = int(rng.binomial(len(free), entry.rate))
    if len(blocked) >= 200:
        count = max(count, entry.at_least)
    large = count > entry.at_most
    drawn = rng.choice(free, entry.at_most, replace=False) if large else rng.permutation(free)[:count]
    picked: list[int] = np.sort(drawn).tolist()
    return picked
