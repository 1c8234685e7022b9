"""What the warehouse opens, record by record or counted, each as one relation of schema `open_data`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import pyarrow as pa
from psycopg import sql

from connectors.column_units import unit_of
from connectors.contract import CodeList, ColumnType, Contract, Contracts, Level
from connectors.opening.declaration import Aggregate, load_aggregates
from connectors.opening.figures import TOTAL

SCHEMA = "open_data"
MEASURE = "count"
UPDATE_CYCLES = {
    "daily": "每日", "weekly": "每周", "monthly": "每月",
    "quarterly": "每季度", "half_yearly": "每半年", "yearly": "每年",
}  # fmt: skip
"""How the resource catalogue words a cycle."""


@dataclass(frozen=True)
class OpenColumn:
    """One column of an open data set, as the dictionary shows it; `unit` and `codes` are empty where it has none.

    `labels` are its values in the order in which they are shown, where they are fixed.
    """

    name: str
    header: str
    type: pa.DataType
    description: str
    unit: str = ""
    codes: str = ""
    labels: tuple[str, ...] = ()
    level: str = Level.L1.value


@dataclass(frozen=True)
class OpenDataset:
    """An open data set; its relation is `open_data.<id>`.

    Attributes:
        query: what the relation shows.
        source: the contract or declaration that it follows from.
    """

    id: str
    kind: Literal["record", "aggregate"]
    title: str
    description: str
    category: str
    department: str
    cycle: str
    columns: tuple[OpenColumn, ...]
    query: sql.Composed
    source: Contract | Aggregate


def open_datasets(contracts: Contracts, aggregates: Mapping[str, Aggregate] | None = None) -> list[OpenDataset]:
    """Return every data set that contracts and declarations open, by category's place among them and id."""
    counted = load_aggregates() if aggregates is None else aggregates
    records = [_of_contract(c) for c in contracts.values() if c.opening.is_open]
    tables = [_of_aggregate(a, contracts.codes) for a in counted.values()]
    return sorted((*records, *tables), key=lambda dataset: dataset.id)


def _of_contract(contract: Contract) -> OpenDataset:
    columns = tuple(_record_columns(contract))
    assert contract.opening.category is not None
    return OpenDataset(
        id=contract.id,
        kind="record",
        title=contract.title,
        description=contract.description,
        category=contract.opening.category,
        department=contract.department,
        cycle=UPDATE_CYCLES[contract.cycle],
        columns=columns,
        query=_record_query(contract, columns),
        source=contract,
    )


def _record_columns(contract: Contract) -> Iterator[OpenColumn]:
    for field in contract.fields:
        column = contract.columns[field.source]
        if field.level is Level.L1:
            yield OpenColumn(
                name=field.name,
                header=field.comment,
                type=field.arrow,
                description=column.description or column.header,
                unit=column.unit or unit_of(field.name),
                codes=column.codes or "",
            )


_FREE = (ColumnType.TEXT, ColumnType.USCC)
"""Types whose cells keep what was delivered where it fails its check: identifiers that strayed in are masked."""


def _record_query(contract: Contract, columns: Sequence[OpenColumn]) -> sql.Composed:
    """Return the SELECT of today's versions, the public columns and the rows that are open.

    Where the key is not public, rows that look alike are shown once.
    """
    opening = contract.opening
    sources = {field.name: contract.columns[field.source].type for field in contract.fields}
    shown = [
        sql.SQL("quality.mask_value({0}, 'scan') as {0}" if sources[c.name] in _FREE else "{0}").format(
            sql.Identifier(c.name)
        )
        for c in columns
    ]
    limits: list[sql.Composable] = [sql.SQL("_closed_batch_id is null")]
    limits += [
        sql.SQL("{}::text = any({})").format(sql.Identifier(name), sql.Literal(_stored(contract, name, words)))
        for name, words in opening.rows.items()
    ]
    limits += [sql.SQL("{} is not null").format(sql.Identifier(name)) for name in opening.filled]
    if opening.until is not None:
        limits.append(
            sql.SQL("coalesce({} >= (now() at time zone 'Asia/Shanghai')::date, true)").format(
                sql.Identifier(opening.until)
            )
        )
    names = {c.name for c in columns}
    return sql.SQL("select {} {} from {} where {}").format(
        sql.SQL("" if names >= set(contract.key) else "distinct"),
        sql.SQL(", ").join(shown),
        sql.Identifier("raw", contract.id),
        sql.SQL(" and ").join(limits),
    )


def _stored(contract: Contract, name: str, words: Sequence[str]) -> list[str]:
    """Return the texts under which the words of a condition are stored."""
    if contract.columns[name].type is ColumnType.BOOL:
        return [{"是": "true", "否": "false"}[word] for word in words]
    return list(words)


def _of_aggregate(aggregate: Aggregate, codes: Mapping[str, CodeList]) -> OpenDataset:
    by = {name: (*d.labels(codes), TOTAL) for name, d in aggregate.dimensions.items()}
    columns = (
        *(
            OpenColumn(name, d.title, pa.string(), f"{d.title}；取值：{'、'.join(by[name])}。", labels=by[name])
            for name, d in aggregate.dimensions.items()
        ),
        OpenColumn(
            MEASURE, aggregate.measure, pa.int64(), "空为不公布：数过少，或由它可推出过少的数。", aggregate.unit
        ),
    )
    shown = [
        sql.SQL("figure.labels[{}] as {}").format(sql.Literal(place), sql.Identifier(name))
        for place, name in enumerate(aggregate.dimensions, start=1)
    ]
    query = sql.SQL(
        "select {}, case when figure.is_published then figure.value end as {} from disclosure.figure as figure"
        " where figure.release_id = (select max(latest.release_id) from disclosure.release as latest"
        " where latest.dataset_id = {} and latest.definition_sha256 = {})"
    ).format(
        sql.SQL(", ").join(shown),
        sql.Identifier(MEASURE),
        sql.Literal(aggregate.id),
        sql.Literal(aggregate.definition_sha256(codes)),
    )
    return OpenDataset(
        id=aggregate.id,
        kind="aggregate",
        title=aggregate.title,
        description=aggregate.description,
        category=aggregate.category,
        department=aggregate.department,
        cycle=UPDATE_CYCLES[aggregate.cycle],
        columns=columns,
        query=query,
        source=aggregate,
    )
