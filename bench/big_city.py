"""A city of any size in raw: a sample city taken in by intake, and copies of it with other people and bodies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

import polars as pl

from bench import copies
from connectors.contract import ColumnType, Contract, Contracts
from connectors.database import Connection
from connectors.raw_tables import indexed_afterwards
from connectors.record_columns import MENTION_KEY
from connectors.sql_text import execute, give_memory, one

SEED_PERSONS = 30_000
NEXT = date(2021, 10, 31)
CHANGED = 1_000
"""One record in so many changes in a day."""
_NUMBERS = frozenset(
    {"id_no", "mother_id_no", "father_id_no", "uscc", "registration_no", "organisation_code", "tax_no"}
)
_NAMES = frozenset({"name", "former_name", "mother_name", "father_name", "other_names", "legal_representative"})
_ROWS_APART = 10_000_000
_MANY = 1_000
"""A list of so many things, and not one of a few statistics, grows with the city."""
_OF_THE_AREA = frozenset({"natural_resources__map_sheet"})
"""Grows with the area, not with the people on it."""


def speaking(contracts: Contracts) -> list[Contract]:
    """Return the contracts whose records speak of persons or entities."""
    return [contract for contract in contracts.values() if contract.mentions]


def growing(connection: Connection, contracts: Contracts) -> list[Contract]:
    """Return the contracts of which a larger city delivers more: of persons and entities, and lists of many things."""
    return [
        contract
        for contract in contracts.values()
        if contract.mentions
        or (
            contract.id not in _OF_THE_AREA
            and any(contract.columns[c].type is ColumnType.TEXT for c in contract.key)
            and one(connection, f'select count(*) from raw."{contract.id}"')[0] >= _MANY
        )
    ]


def multiply(connection: Connection, contracts: Contracts, number: int) -> int:
    """Put the city into raw so many times; return the number of its rows.

    Args:
        connection: to a database that holds the sample city.
        contracts: those of the city.
        number: 1 to `copies.MOST_COPIES`.
    """
    give_memory(connection)
    _map(connection, contracts, number)
    rows = sum(_copy(connection, contract, number) for contract in growing(connection, contracts))
    if number > 1:
        execute(
            connection,
            "insert into quality.version_closing select table_name, md5(record_key::text || k)::uuid, version_batch_id,"
            " closing_batch_id, kind, as_of, applied_seq, closed_at from quality.version_closing"
            f" cross join generate_series(1, {number - 1}) as k",
        )
    execute(connection, "drop table bench_text; analyze quality.version_closing")
    connection.commit()
    return rows


def change(connection: Connection, contracts: Contracts) -> int:
    """Apply a day's deliveries: of each extract one record in `CHANGED` says something else; return how many."""
    changed = 0
    for contract in speaking(contracts):
        raw = f'raw."{contract.id}"'
        [seq] = one(connection, "select max(seq) + 1 from quality.event")
        execute(
            connection,
            "insert into quality.event (seq, kind, batch_id, actor, why, happened_at)"
            " values (%(seq)s, 'apply', 0, 'bench', '', now())",
            {"seq": seq},
        )
        [batch] = one(
            connection,
            "insert into quality.batch (department, extract, file_name, sha256, as_of, received_at, status,"
            " applied_seq) values (%(department)s, %(extract)s, 'f', 's', %(as_of)s, now(), 'accepted', %(seq)s)"
            " returning batch_id",
            {"department": contract.department, "extract": contract.extract, "as_of": NEXT, "seq": seq},
        )
        facts = {"batch": batch, "seq": seq, "as_of": NEXT, "table": contract.id}
        execute(connection, "drop table if exists pg_temp.day")
        execute(
            connection,
            f"create temp table day as select * from {raw} v"
            f" where hashtext(_record_key::text) % {CHANGED} = 0 and _closed_batch_id is null",
        )
        execute(connection, "analyze day")
        execute(
            connection,
            "insert into quality.version_closing select %(table)s, _record_key, _batch_id, %(batch)s, 'replaced',"
            " %(as_of)s, %(seq)s, now() from pg_temp.day",
            facts,
        )
        execute(
            connection,
            f"update {raw} v set _closed_batch_id = %(batch)s from pg_temp.day d"
            " where v._record_key = d._record_key and v._batch_id = d._batch_id",
            facts,
        )
        execute(connection, f"update pg_temp.day set {', '.join(_news(contract))}", facts)
        changed += execute(connection, f"insert into {raw} select * from pg_temp.day").rowcount
    connection.commit()
    return changed


def _news(contract: Contract) -> Iterator[str]:
    yield "_batch_id = %(batch)s, _as_of = %(as_of)s, _applied_seq = %(seq)s"
    told = {c for m in contract.mentions.values() for a, c in m.columns.items() if a in ("address", "phone")}
    told |= {c for m in contract.mentions.values() for a, c in m.columns.items() if a == "legal_representative"}
    for column in sorted(told):
        yield f"\"{column}\" = coalesce(\"{column}\", '') || '新'"


def _map(connection: Connection, contracts: Contracts, number: int) -> None:
    """`bench_text (kind, old, news)`: what every number and name is in each copy."""
    execute(connection, "create unlogged table bench_text (kind text, old text, news text[])")
    for kind, columns in (("number", _NUMBERS), ("name", _NAMES)):
        queries = [
            f'select "{column}" as old from raw."{contract.id}" where "{column}" is not null'
            for contract in speaking(contracts)
            for column in sorted(_told(contract, columns))
        ]
        found = execute(connection, " union ".join(queries)).fetchall()
        old = pl.Series("old", [text for (text,) in found], dtype=pl.String)
        change_text = copies.recode if kind == "number" else copies.rename_any
        news = [change_text(old, copy).to_list() for copy in range(number)]
        with connection.cursor() as cursor, cursor.copy("copy bench_text from stdin") as copy:
            for text, *others in zip(old.to_list(), *news, strict=True):
                copy.write_row((kind, text, others))
    execute(connection, "create unique index on bench_text (kind, old); analyze bench_text")


def _told(contract: Contract, attributes: frozenset[str]) -> set[str]:
    texts = {f.name for f in contract.fields if f.sql == "text"}
    found = {c for m in contract.mentions.values() for a, c in m.columns.items() if a in attributes and c in texts}
    if attributes is _NUMBERS:
        found |= {c for c in contract.key if contract.columns[c].type in (ColumnType.ID, ColumnType.USCC)}
    return found


def _copy(connection: Connection, contract: Contract, number: int) -> int:
    raw = f'raw."{contract.id}"'
    execute(connection, f"drop table if exists pg_temp.seed; create temp table seed as select * from {raw}")
    execute(connection, "analyze seed")
    columns = [
        name
        for (name,) in execute(
            connection,
            "select attname from pg_attribute where attrelid = %(raw)s::regclass and attnum > 0 and not attisdropped"
            " order by attnum",
            {"raw": raw},
        )
    ]
    values, joins = _values(contract, columns)
    execute(connection, f"truncate {raw}")
    with indexed_afterwards(connection, contract):
        rows = execute(
            connection,
            f"insert into {raw} ({', '.join(columns)}) select {', '.join(values)} from pg_temp.seed s"
            f" {' '.join(joins)} cross join generate_series(0, {number - 1}) as k",
        ).rowcount
    execute(connection, f"analyze {raw}")
    return rows


def _values(contract: Contract, columns: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the SQL of every column in a copy `k` of the record `s`, and the joins it needs."""
    mapped = dict.fromkeys(_told(contract, _NAMES), "name") | dict.fromkeys(_told(contract, _NUMBERS), "number")
    dates = {f.name for f in contract.fields if f.sql == "date"}
    of = [(a, c) for m in contract.mentions.values() for a, c in m.columns.items()]
    births = {c for a, c in of if a == "birth_date" and c in dates}
    own = {f.name for f in contract.fields if f.sql == "text"} & (
        {*contract.key, *contract.fallback_key, *(c for m in contract.mentions.values() for c in m.grain)}
        | {c for a, c in of if a == "household_no"}
    )
    own -= {c for c in contract.columns if contract.columns[c].type in (ColumnType.CODE, ColumnType.PERIOD)}
    values: list[str] = []
    joins: list[str] = []
    for name in columns:
        if name in mapped:
            alias = f"m{len(joins)}"
            joins.append(
                f"left join bench_text {alias} on {alias}.kind = '{mapped[name]}' and {alias}.old = s.\"{name}\""
            )
            values.append(f"{alias}.news[k + 1]")
        elif name in births:
            column = f's."{name}"'
            values.append(f"({copies.shift_births(column, 'k')})::date")
        elif name in own:
            values.append(f'case when k = 0 then s."{name}" else s."{name}" || \'-\' || k end')
        elif name in ("_record_key", MENTION_KEY):
            values.append(f"case when k = 0 then s.{name} else md5(s.{name}::text || k)::uuid end")
        elif name == "_row_no":
            values.append(f"s._row_no + k * {_ROWS_APART}")
        else:
            values.append(f's."{name}"')
    return values, joins
