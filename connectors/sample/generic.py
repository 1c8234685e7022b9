"""A plausible register from a contract alone, for extracts that the city does not know by name."""

from __future__ import annotations

import re._constants as sre
import re._parser as sre_parser
from collections.abc import Mapping
from datetime import date, timedelta
from itertools import product
from typing import Any

import numpy as np
import polars as pl

from connectors.contract import CodeList, Column, ColumnType, Contract, DateOrder, Reference, RequiredIf, Unique
from connectors.sample.city import RELEVANT, City
from connectors.sample.draws import choose, some

_EMPTY_SHARE = 0.05
_ROWS = 400
_ENUMERABLE = frozenset(
    {ColumnType.CODE, ColumnType.PERIOD, ColumnType.BOOL, ColumnType.DIVISION, ColumnType.DATE, ColumnType.DATETIME}
)
_PEOPLE = ("name", "guardian_name", "owner_name", "mother_name", "father_name", "husband_name", "wife_name", "holder_name")


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
    person = rng.permutation(len(city.population))[:count]
    entity = rng.permutation(len(city.entities))[: min(count, len(city.entities))]
    if any(contract.columns[n].type is ColumnType.USCC for n in unique):
        count = min(count, len(entity))
        person = person[:count]
    entity = np.resize(entity, count)
    columns: dict[str, pl.Series] = {}
    for name, column in contract.columns.items():
        if name == "operation":
            continue
        if keys is not None and name in keys:
            columns[name] = pl.Series(keys[name])
        elif (known := _referred(contract, name, others)) is not None:
            columns[name] = known.gather(rng.integers(0, len(known), count))
        else:
            values = _column(name, column, codes, city, rng, count, person, entity, is_unique=name in unique)
            may_be_empty = column.required is False and name not in _never_empty(contract)
            empty = pl.Series(some(rng, count, _EMPTY_SHARE)) if may_be_empty else pl.Series([False] * count)
            columns[name] = values.to_frame("v").select(pl.when(~empty).then("v").alias("v"))["v"]
    for rule in contract.rules.values():
        if isinstance(rule, DateOrder) and rule.earlier in columns and rule.later in columns:
            columns[rule.earlier], columns[rule.later] = _ordered(columns[rule.earlier], columns[rule.later])
    frame = pl.DataFrame([series.alias(name) for name, series in columns.items()])
    return frame.with_columns(pl.lit(value=False).alias(RELEVANT))


def fill_required(
    table: pl.DataFrame, contract: Contract, codes: Mapping[str, CodeList], city: City
) -> pl.DataFrame:
    """Add the required columns that a register made by name does not have yet."""
    missing = [n for n, c in contract.columns.items() if c.required is True and n not in table.columns]
    rng = city.stream("fill", contract.id)
    count = len(table)
    person = rng.integers(0, len(city.population), count)
    entity = rng.integers(0, len(city.entities), count)
    return table.with_columns(
        **{
            name: _column(name, contract.columns[name], codes, city, rng, count, person, entity, is_unique=False)
            for name in missing
        }
    )


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
        open_ones = [n for n in group if contract.columns[n].type not in _ENUMERABLE]
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
    if any(contract.columns[name].type not in _ENUMERABLE for name in contract.key):
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
            case ColumnType.DIVISION:
                ranges.append(city.places.streets["code"].to_list())
            case _:
                ranges.append([city.as_of - timedelta(days=n) for n in range(count)])
    rows = [row for row, _ in zip(product(*ranges), range(count), strict=False)]
    return {name: list(values) for name, values in zip(contract.key, zip(*rows, strict=True), strict=True)}


def _is_yearly(column: Column) -> bool:
    return column.pattern is None or re_matches(column.pattern, "2020")


def re_matches(pattern: str, text: str) -> bool:
    """Tell whether the whole text fits the pattern."""
    return re_compile(pattern).fullmatch(text) is not None


def re_compile(pattern: str) -> Any:
    """Compile a contract's pattern."""
    import re

    return re.compile(pattern)


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


def _column(
    name: str,
    column: Column,
    codes: Mapping[str, CodeList],
    city: City,
    rng: np.random.Generator,
    count: int,
    person: np.ndarray,
    entity: np.ndarray,
    *,
    is_unique: bool,
) -> pl.Series:
    """Draw `count` values of one column."""
    match column.type:
        case ColumnType.ID:
            return city.population["id_no"].gather(person)
        case ColumnType.USCC:
            return city.entities["uscc"].gather(entity)
        case ColumnType.CODE:
            return choose(rng, list(codes[column.codes or ""].words), count)
        case ColumnType.DIVISION:
            return city.places.streets["code"].gather(rng.integers(0, len(city.places.streets), count))
        case ColumnType.DATE:
            return _days(city.as_of, rng, count)
        case ColumnType.DATETIME:
            seconds = pl.Series(rng.integers(8 * 3600, 18 * 3600, count))
            return _days(city.as_of, rng, count).cast(pl.Datetime("us")) + pl.duration(seconds=seconds)
        case ColumnType.PERIOD:
            years = pl.Series(rng.integers(city.as_of.year - 5, city.as_of.year, count)).cast(pl.String)
            return years if _is_yearly(column) else years + pl.Series(rng.integers(1, 13, count)).cast(pl.String).str.zfill(2)
        case ColumnType.BOOL:
            return pl.Series(some(rng, count, 0.6))
        case ColumnType.INT | ColumnType.MONEY:
            return _integers(column, rng, count, is_unique=is_unique)
        case ColumnType.DECIMAL | ColumnType.QUANTITY:
            low, high = _bounds(column)
            return pl.Series(np.round(rng.uniform(low, high, count), 2))
        case ColumnType.TEXT:
            return _text(name, column, city, rng, count, person, is_unique=is_unique)


def _days(as_of: date, rng: np.random.Generator, count: int) -> pl.Series:
    return pl.Series(np.datetime64(as_of) - rng.integers(1, 1500, count).astype("timedelta64[D]"))


def _bounds(column: Column) -> tuple[float, float]:
    low = 0.0 if column.minimum is None else column.minimum
    high = low + 1000.0 if column.maximum is None else column.maximum
    return low, high


def _integers(column: Column, rng: np.random.Generator, count: int, *, is_unique: bool) -> pl.Series:
    low, high = _bounds(column)
    if is_unique:
        return pl.Series(np.arange(count) + int(low) + 1)
    return pl.Series(rng.integers(int(low), max(int(high), int(low) + 1), count))


def _text(
    name: str,
    column: Column,
    city: City,
    rng: np.random.Generator,
    count: int,
    person: np.ndarray,
    *,
    is_unique: bool,
) -> pl.Series:
    if column.pattern is not None:
        drawn = matching(column.pattern, rng, count * 3 if is_unique else count)
        return drawn.unique(maintain_order=True)[:count] if is_unique else drawn
    if is_unique or name.endswith(("_no", "_code", "_id")):
        return f"{column.header[:2]}" + pl.Series(np.arange(count) + 371_000_001 if is_unique else rng.integers(10**8, 10**9, count)).cast(pl.String)
    if name in _PEOPLE or name.endswith("_person"):
        return city.population["name"].gather(person)
    if "phone" in name:
        return city.population["phone"].gather(person)
    if "address" in name:
        return city.population["address"].gather(person)
    return pl.Series([f"{column.header}样例{n % 97}" for n in range(count)])


def matching(pattern: str, rng: np.random.Generator, count: int) -> pl.Series:
    """Draw texts that fit a regular expression of literals, classes, groups, alternatives and repetitions.

    Raises:
        ValueError: the expression uses something else.
    """
    return _draw(sre_parser.parse(pattern), rng, count)


def _draw(nodes: Any, rng: np.random.Generator, count: int) -> pl.Series:
    text = pl.Series([""] * count, dtype=pl.String)
    for kind, value in nodes:
        text = text + _draw_node(kind, value, rng, count)
    return text


def _draw_node(kind: Any, value: Any, rng: np.random.Generator, count: int) -> pl.Series:
    if kind is sre.AT:
        return pl.Series([""] * count, dtype=pl.String)
    if kind is sre.LITERAL:
        return pl.Series([chr(value)] * count, dtype=pl.String)
    if kind is sre.IN:
        return choose(rng, _class_members(value), count)
    if kind is sre.ANY:
        return choose(rng, "abcdefghij", count)
    if kind in (sre.MAX_REPEAT, sre.MIN_REPEAT):
        low, high, nodes = value
        times = low if high is not sre.MAXREPEAT and high == low else max(low, min(int(high), 6))
        parts = [_draw(nodes, rng, count) for _ in range(times)]
        return sum(parts[1:], parts[0]) if parts else pl.Series([""] * count, dtype=pl.String)
    if kind is sre.SUBPATTERN:
        return _draw(value[-1], rng, count)
    if kind is sre.BRANCH:
        return _draw(value[1][int(rng.integers(len(value[1])))], rng, count)
    raise ValueError(f"不能按此正则表达式生成样例：{kind}")


def _class_members(items: Any) -> list[str]:
    members: list[str] = []
    for kind, value in items:
        if kind is sre.LITERAL:
            members.append(chr(value))
        elif kind is sre.RANGE:
            members += [chr(c) for c in range(value[0], min(value[1], value[0] + 60) + 1)]
        elif kind is sre.CATEGORY and value is sre.CATEGORY_DIGIT:
            members += list("0123456789")
        elif kind is sre.CATEGORY and value is sre.CATEGORY_WORD:
            members += list("ABCDEFGH0123456789")
        else:
            raise ValueError(f"不能按此字符类生成样例：{kind}")
    return members
