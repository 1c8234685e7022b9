"""Why a person or legal entity stands in its library as it does: field → source, delivery, row, rule, losers."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from rich.table import Table

from connectors.errors import UserError

Kind = Literal["person", "entity"]
Ask = Callable[[str], tuple[tuple[str, ...], list[tuple[Any, ...]]]]
"""Runs one query as the reader's role and returns column names and rows."""

SCHEMAS: Mapping[Kind, str] = {"person": "population", "entity": "legal_entity"}
_TITLES: Mapping[Kind, str] = {"person": "自然人", "entity": "法人或个体工商户"}
_RULES = {
    "priority": "来源优先",
    "validity": "校验有效者优先",
    "recency": "时间最近者优先",
    "completeness": "内容最全者优先",
}
_NUMBER = re.compile(r"[0-9A-Z]{2,30}")


class NoSuchRecordError(UserError):
    """Nobody in the library is meant; the message says how else to ask."""


@dataclass(frozen=True)
class Origin:
    """One field: its value, the cell that won, and the values that lost (None where they may not be seen)."""

    title: str
    value: str
    source: str
    batch_id: int | None
    row_no: int | None
    rule: str
    losers: tuple[str, ...] | None


@dataclass(frozen=True)
class Record:
    """Everything that the library says of one person or entity, and why."""

    kind: Kind
    record_id: UUID
    is_plain: bool
    origins: tuple[Origin, ...]


def find(ask: Ask, kind: Kind, key: str, *, is_plain: bool) -> UUID:
    """Return whom an id or a number means.

    Args:
        key: the library's id, or a number that leads to it; a number of a person is looked for among plain ones only.

    Raises:
        NoSuchRecordError: nobody, or several.
    """
    text = key.strip().upper()
    try:
        return UUID(text)
    except ValueError:
        pass
    if _NUMBER.fullmatch(text) is None:
        raise NoSuchRecordError(f"不是{_TITLES[kind]}的标识，也不是号码")
    schema, column = SCHEMAS[kind], f"{kind}_id"
    if is_plain:
        _, rows = ask(f"select distinct {column} from {schema}.{kind}_identifier where identifier = '{text}'")
    elif kind == "entity":
        _, rows = ask(f"select entity_id from legal_entity.entity_masked where uscc = '{text}'")
    else:
        raise NoSuchRecordError("按号码查找自然人须能读取明文：加 --role etl --why 用途，或改用 person_id")
    if not rows:
        raise NoSuchRecordError(f"没有{_TITLES[kind]}用这个号码")
    if len(rows) > 1:
        ids = "、".join(str(found) for (found,) in rows)
        raise NoSuchRecordError(f"有 {len(rows)} 个{_TITLES[kind]}用这个号码，请按标识查看：{ids}")
    found: UUID = rows[0][0]
    return found


def explain(ask: Ask, kind: Kind, record_id: UUID, *, is_plain: bool) -> Record:
    """Gather every field of a record with its origin.

    Raises:
        NoSuchRecordError: the library holds no such record at present.
    """
    schema, masked = SCHEMAS[kind], "" if is_plain else "_masked"
    headers, rows = ask(f"select * from {schema}.{kind}{masked} where {kind}_id = '{record_id}'")
    if not rows:
        raise NoSuchRecordError(f"{_TITLES[kind]}库中现在没有这个标识；它的历史见 {schema}.{kind}_history")
    values = dict(zip(headers, rows[0], strict=True))
    titles = _titles(ask, schema, kind)
    sources = _sources(ask)
    _, found = ask(
        "select field, contract_id, role, batch_id, row_no, rule, losers"
        f" from {schema}.{kind}_provenance{masked} where {kind}_id = '{record_id}'"
    )
    by_field = {field: origin for field, *origin in found}
    origins = []
    for field, shown in values.items():
        if field not in by_field or shown is None:
            continue
        contract_id, role, batch_id, row_no, rule, losers = by_field[field]
        told = _losers(losers, sources) if is_plain else (() if losers is None else None)
        source = sources.by_role.get((contract_id, role), contract_id or "")
        origins.append(
            Origin(titles.get(field, field), str(shown), source, batch_id, row_no, _RULES.get(rule, rule or ""), told)
        )
    return Record(kind, record_id, is_plain, tuple(origins))


@dataclass(frozen=True)
class _Sources:
    by_role: Mapping[tuple[str, str], str]
    by_number: Mapping[int, str]


def _sources(ask: Ask) -> _Sources:
    _, rows = ask("select source_id, contract_id, role, title from reference.linked_source")
    named = {(contract_id, role): f"{title}（{role}）" for _, contract_id, role, title in rows}
    return _Sources(named, {number: named[contract_id, role] for number, contract_id, role, _ in rows})


def _losers(losers: Sequence[Sequence[Any]] | None, sources: _Sources) -> tuple[str, ...]:
    return tuple(f"{value}（{sources.by_number.get(code // 100, code)}）" for code, value in losers or ())


def _titles(ask: Ask, schema: str, kind: Kind) -> dict[str, str]:
    """Titles of the fields: the first words of the columns' comments."""
    _, rows = ask(
        "select attribute.attname, col_description(attribute.attrelid, attribute.attnum)"
        " from pg_attribute as attribute"
        " join pg_class as relation on attribute.attrelid = relation.oid"
        " join pg_namespace as schema on relation.relnamespace = schema.oid"
        f" where schema.nspname = '{schema}' and relation.relname = '{kind}' and attribute.attnum > 0"
    )
    return {name: re.split("[。；（]", comment)[0] for name, comment in rows if comment}


def table(record: Record) -> Table:
    """Return the record as people read it."""
    shown = Table(
        title=f"{_TITLES[record.kind]} {record.record_id}",
        caption="明文；本次读取已记入访问日志" if record.is_plain else "已脱敏；落选的值不显示",
    )
    for header in ("项目", "值", "来源", "批次", "行", "规则", "落选的值"):
        shown.add_column(header, overflow="fold")
    for origin in record.origins:
        losers = "有，不显示" if origin.losers is None else "\n".join(origin.losers)
        shown.add_row(
            origin.title, origin.value, origin.source,
            "" if origin.batch_id is None else str(origin.batch_id),
            "" if origin.row_no is None else str(origin.row_no),
            origin.rule, losers,
        )  # fmt: skip
    return shown
