"""A plausible register from a contract alone, for extracts that the city does not know by name."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from connectors.contract import (
    AgreesWithId,
    CodeList,
    Column,
    ColumnType,
    Contract,
    DateOrder,
    NumberOrder,
    Reference,
    RequiredIf,
    Unique,
)
from connectors.normalise.identifiers import birth_dates, sex_words
from connectors.sample.city import RELEVANT, City
from connectors.sample.draws import choose, some
from connectors.sample.patterns import matching

IntArray = npt.NDArray[np.int64]

_EMPTY_SHARE = 0.05
_ROWS = 400
_ENUMERABLE = frozenset(
    {ColumnType.CODE, ColumnType.PERIOD, ColumnType.BOOL, ColumnType.DIVISION, ColumnType.DATE, ColumnType.DATETIME}
)
_PEOPLE = (
    "name",
    "guardian_name",
    "owner_name",
    "mother_name",
    "father_name",
    "husband_name",
    "wife_name",
    "holder_name",
)


def make_register(
    contract: Contract, codes: Mapping[str, CodeList], city: City, others: Mapping[str, pl.DataFrame]
) -> pl.DataFrame:
    """Make a register whose rows satisfy the contract.

    Args:
        contract: the contract.
        codes: the code lists it names.
        city: whose people, companies and places fill it.
        others: registers made before, for references; one that is missing is not referred to.

    Returns:
        One column per contract column as text or typed values, keys without repetition, and `_relevant` (false).
    """
    rng = city.stream("generic", contract.id)
    count = max(len(city.population) // 4, 1) if contract.person else _ROWS
    keys = _enumerated_keys(contract, codes, city, count)
    if keys is not None:
        count = len(next(iter(keys.values())))
    unique = _unique_columns(contract, keys)
    person = np.resize(rng.permutation(len(city.population)), count)
    entity = rng.permutation(len(city.entities))[: min(count, len(city.entities))]
    if any(contract.columns[n].type is ColumnType.USCC for n in unique):
        count = min(count, len(entity))
        person = person[:count]
    draw = _Draw(city, codes, rng, count, person, np.resize(entity, count))
    columns: dict[str, pl.Series] = {}
    for name, column in contract.columns.items():
        if name == "operation":
            continue
        if keys is not None and name in keys:
            columns[name] = pl.Series(keys[name])
        elif (known := _referred(contract, name, others)) is not None:
            columns[name] = _picked(known, rng, count, is_unique=name in unique)
        else:
            values = draw.column(name, column, is_unique=name in unique)
            may_be_empty = column.required is False and name not in _never_empty(contract)
            empty = pl.Series(some(rng, count, _EMPTY_SHARE)) if may_be_empty else pl.Series([False] * count)
            columns[name] = values.to_frame("v").select(pl.when(~empty).then("v").alias("v"))["v"]
    _obey(contract, columns)
    frame = pl.DataFrame([series.alias(name) for name, series in columns.items()])
    return frame.with_columns(pl.lit(value=False).alias(RELEVANT))


def fill_required(table: pl.DataFrame, contract: Contract, codes: Mapping[str, CodeList], city: City) -> pl.DataFrame:
    """Add the required columns that a register made by name does not have yet."""
    missing = [n for n, c in contract.columns.items() if c.required is True and n not in table.columns]
    if not missing:
        return table
    rng = city.stream("fill", contract.id)
    count = len(table)
    person = rng.integers(0, len(city.population), count)
    draw = _Draw(city, codes, rng, count, person, rng.integers(0, len(city.entities), count))
    return table.with_columns(**{name: draw.column(name, contract.columns[name], is_unique=False) for name in missing})


def _never_empty(contract: Contract) -> set[str]:
    names = set(contract.key) | set(contract.fallback_key)
    for rule in contract.rules.values():
        if isinstance(rule, RequiredIf):
            names |= {rule.column, *rule.when}
    return names


def _unique_columns(contract: Contract, keys: Mapping[str, Any] | None) -> set[str]:
    """Return the columns that must not repeat: one open column of the key, and those of every uniqueness rule."""
    groups = [rule.columns for rule in contract.rules.values() if isinstance(rule, Unique)]
    if keys is None:
        groups.append(contract.key)
    unique: set[str] = set()
    for group in groups:
        open_ones = [n for n in group if not _is_enumerable(contract.columns[n])]
        unique.add((open_ones or list(group))[0])
    return unique


def _referred(contract: Contract, name: str, others: Mapping[str, pl.DataFrame]) -> pl.Series | None:
    for rule in contract.rules.values():
        if isinstance(rule, Reference) and rule.column == name and rule.extract in others:
            series = others[rule.extract]
            if rule.to in series.columns and len(series):
                return series[rule.to].drop_nulls().unique(maintain_order=True)
    return None


def _enumerated_keys(
    contract: Contract, codes: Mapping[str, CodeList], city: City, count: int
) -> dict[str, list[Any]] | None:
    """Return key columns as combinations without repetition, where every one of them has a known range."""
    if not all(_is_enumerable(contract.columns[name]) for name in contract.key):
        return None
    ranges: list[list[Any]] = []
    for name in contract.key:
        column = contract.columns[name]
        match column.type:
            case ColumnType.CODE:
                ranges.append(list(codes[column.codes or ""].words))
            case ColumnType.PERIOD:
                years = [str(city.as_of.year - n) for n in range(1, 6)]
                ranges.append(years if _is_yearly(column) else [y + f"{m:02d}" for y in years for m in range(1, 13)])
            case ColumnType.BOOL:
                ranges.append([True, False])
            case ColumnType.INT:
                low, high = _bounds(column)
                ranges.append(list(range(int(low), int(min(high, low + count - 1)) + 1)))
            case ColumnType.DIVISION:
                ranges.append(city.places.streets["code"].to_list())
            case _:
                ranges.append([city.as_of - timedelta(days=n) for n in range(count)])
    rows = [row for row, _ in zip(product(*ranges), range(count), strict=False)]
    return {name: list(values) for name, values in zip(contract.key, zip(*rows, strict=True), strict=True)}


def _picked(known: pl.Series, rng: np.random.Generator, count: int, *, is_unique: bool) -> pl.Series:
    """Draw from known values; without repetition where asked, then null once they are used up."""
    if not is_unique:
        return known.gather(rng.integers(0, len(known), count))
    picked = known.gather(rng.permutation(len(known))[:count])
    return picked.extend_constant(None, count - len(picked))


def _obey(contract: Contract, columns: dict[str, pl.Series]) -> None:
    """Make the columns obey the rules within a row; several passes, because the orders may form chains."""
    for rule in [rule for _ in contract.rules for rule in contract.rules.values()]:
        match rule:
            case DateOrder(earlier=low, later=high) if contract.columns[low].type is ColumnType.ID:
                columns[high] = _not_before(birth_dates(columns[low]), columns[high])
            case DateOrder(earlier=low, later=high) | NumberOrder(smaller=low, larger=high):
                if low in columns and high in columns:
                    columns[low], columns[high] = _ordered(columns[low], columns[high])
            case AgreesWithId():
                value, number = columns[rule.column], columns[rule.id_column]
                stated = birth_dates(number) if value.dtype == pl.Date else sex_words(number)
                columns[rule.column] = pl.select(pl.coalesce(stated, value)).to_series()
            case _:
                pass


def _is_enumerable(column: Column) -> bool:
    bounded = column.minimum is not None and column.maximum is not None
    return column.type in _ENUMERABLE or (column.type is ColumnType.INT and bounded)


def _is_yearly(column: Column) -> bool:
    return column.pattern is None or re.fullmatch(column.pattern, "2020") is not None


def _ordered(earlier: pl.Series, later: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Swap the pairs that stand in the wrong order."""
    frame = pl.DataFrame({"a": earlier, "b": later})
    if frame["a"].dtype != frame["b"].dtype:
        wrong = pl.col("a").cast(pl.Date) > pl.col("b").cast(pl.Date)
        fixed = frame.select("a", pl.when(wrong).then(None).otherwise("b").alias("b"))
    else:
        wrong = pl.col("a") > pl.col("b")
        fixed = frame.select(
            pl.when(wrong).then("b").otherwise("a").alias("a"), pl.when(wrong).then("a").otherwise("b").alias("b")
        )
    return fixed["a"], fixed["b"]


def _not_before(days: pl.Series, moments: pl.Series) -> pl.Series:
    """Move dates or times that lie before their day to that day."""
    zone = getattr(moments.dtype, "time_zone", None)
    day = pl.col("day").cast(moments.dtype if zone is None else pl.Datetime("us"))
    day = day if zone is None else day.dt.replace_time_zone(zone, non_existent="null", ambiguous="earliest")
    frame = pl.DataFrame({"day": days, "moment": moments})
    is_early = pl.col("day") > pl.col("moment").cast(pl.Date)
    return frame.select(pl.when(is_early).then(day).otherwise("moment").alias("moment"))["moment"]


@dataclass(frozen=True)
class _Draw:
    """What the values of a register are drawn from."""

    city: City
    codes: Mapping[str, CodeList]
    rng: np.random.Generator
    count: int
    person: IntArray
    """Which persons the rows are about, shape (count,)."""
    entity: IntArray
    """Which legal entities the rows are about, shape (count,)."""

    def column(self, name: str, column: Column, *, is_unique: bool) -> pl.Series:
        """Draw the values of one column."""
        if column.type is ColumnType.TEXT:
            return self._texts(name, column, is_unique=is_unique)
        if column.type in (ColumnType.INT, ColumnType.MONEY):
            return self._integers(column, is_unique=is_unique)
        return _SIMPLE[column.type](self, column)

    def days(self) -> pl.Series:
        """Draw days of the four years before the as-of date."""
        return pl.Series(
            np.datetime64(self.city.as_of) - self.rng.integers(1, 1500, self.count).astype("timedelta64[D]")
        )

    def moments(self) -> pl.Series:
        """Draw times in office hours of such days."""
        seconds = pl.Series("s", self.rng.integers(8 * 3600, 18 * 3600, self.count))
        return pl.DataFrame({"d": self.days(), "s": seconds}).select(
            (pl.col("d").cast(pl.Datetime("us")) + pl.duration(seconds=pl.col("s"))).alias("d")
        )["d"]

    def periods(self, column: Column) -> pl.Series:
        """Draw years, or months where the column's pattern refuses years."""
        years = pl.Series(self.rng.integers(self.city.as_of.year - 5, self.city.as_of.year, self.count)).cast(pl.String)
        if _is_yearly(column):
            return years
        return years + pl.Series(self.rng.integers(1, 13, self.count)).cast(pl.String).str.zfill(2)

    def divisions(self) -> pl.Series:
        """Draw towns and streets."""
        streets = self.city.places.streets["code"]
        return streets.gather(self.rng.integers(0, len(streets), self.count))

    def decimals(self, column: Column) -> pl.Series:
        """Draw numbers with two decimals within the column's bounds."""
        low, high = _bounds(column)
        return pl.Series(np.round(self.rng.uniform(low, high, self.count), 2))

    def _integers(self, column: Column, *, is_unique: bool) -> pl.Series:
        low, high = _bounds(column)
        if is_unique:
            return pl.Series(np.arange(self.count) + int(low) + 1)
        return pl.Series(self.rng.integers(int(low), max(int(high), int(low) + 1), self.count))

    def _texts(self, name: str, column: Column, *, is_unique: bool) -> pl.Series:
        people, count = self.city.population, self.count
        if column.pattern is not None:
            drawn = matching(column.pattern, self.rng, count * 3 if is_unique else count)
            return drawn.unique(maintain_order=True)[:count] if is_unique else drawn
        if is_unique or name.endswith(("_no", "_code", "_id")):
            numbers = np.arange(count) + 371_000_001 if is_unique else self.rng.integers(10**8, 10**9, count)
            return column.header[:2] + pl.Series(numbers).cast(pl.String)
        if name in _PEOPLE:
            return people["name"].gather(self.person)
        for known in ("phone", "address"):
            if known in name:
                return people[known].gather(self.person)
        return pl.Series([f"{column.header}样例{n % 97}" for n in range(count)])


_SIMPLE: Mapping[ColumnType, Callable[[_Draw, Column], pl.Series]] = {
    ColumnType.ID: lambda draw, _: draw.city.population["id_no"].gather(draw.person),
    ColumnType.USCC: lambda draw, _: draw.city.entities["uscc"].gather(draw.entity),
    ColumnType.CODE: lambda draw, column: choose(draw.rng, list(draw.codes[column.codes or ""].words), draw.count),
    ColumnType.DIVISION: lambda draw, _: draw.divisions(),
    ColumnType.DATE: lambda draw, _: draw.days(),
    ColumnType.DATETIME: lambda draw, _: draw.moments(),
    ColumnType.PERIOD: lambda draw, column: draw.periods(column),
    ColumnType.BOOL: lambda draw, _: pl.Series(some(draw.rng, draw.count, 0.6)),
    ColumnType.DECIMAL: lambda draw, column: draw.decimals(column),
    ColumnType.QUANTITY: lambda draw, column: draw.decimals(column),
}


def _bounds(column: Column) -> tuple[float, float]:
    low = 0.0 if column.minimum is None else column.minimum
    high = low + 1000.0 if column.maximum is None else column.maximum
    return low, high
