"""The staging tables of one batch: made from the contract, filled by binary COPY, judged set-based where rows meet."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from types import MappingProxyType
from typing import Any

import pyarrow as pa
from pgpq import ArrowToPostgresBinaryEncoder

from connectors import raw_tables
from connectors.ahead import ahead
from connectors.checks import CheckedBatch, CheckResult, row_schema
from connectors.contract import Contract, Reference, Unique
from connectors.contract_model import RuleBase
from connectors.database import Connection
from connectors.in_force import in_force
from connectors.known_rows import KEYS, PRINTS, VERSION, KnownRows, Notes, hashes
from connectors.record_columns import MENTION_KEY
from connectors.record_hashes import hashed_schema, with_hashes
from connectors.repeats import KEY, Repeated, Repeats
from connectors.sql_text import execute, give_memory, names, one

ROW_COLUMNS: Mapping[str, str] = {"_row_no": "bigint", "_base": "uuid", "_row_hash": "bytea"}
"""What every staged row has besides its contract's fields: number, record key of number 1, content's hash."""
_COPIED_ROWS = 8192
"""So many are encoded while those before them are sent."""
_ASIDE_BYTES = 2 * 1024**2
"""So much for other tables is held back while rows are copied."""
FEW_ROWS = 100_000
"""So many rows are named one by one to the database."""
_SUFFIXES = ("_key", "_keyed", "", "_whole", "_same", "_issue", "_rejected", "_gone", "_silent")
"""Views before what they read."""


def row_columns(contract: Contract) -> dict[str, str]:
    """Return what a staged row of the contract has besides its fields; records of one holder share a mention key."""
    return dict(ROW_COLUMNS) | ({MENTION_KEY: "uuid"} if contract.grain else {})


def table(batch_id: int, suffix: str = "") -> str:
    """Return the name of a batch's staging table: rows, `_issue`, `_rejected`, `_key`, `_gone` or `_silent`.

    The rows are a view of `_whole` ones where known rows are staged too, which `_same` points to in `raw`, and where
    their table may become the raw table and has columns of it already.
    """
    return f"staging.batch_{batch_id}{suffix}"


def issues_of_rows(batch_id: int) -> str:
    """Return the query for what raw keeps of the findings on each row: `row_no`, `found`."""
    return (
        "select row_no, jsonb_agg(distinct jsonb_build_object('column', column_name, 'rule', rule)) as found"
        f" from {table(batch_id, '_issue')} where row_no is not null group by row_no"
    )


def has_same(connection: Connection, batch_id: int) -> bool:
    """Say whether known rows are staged by what they point to."""
    return exists(connection, batch_id, "_same")


def whole(connection: Connection, batch_id: int) -> str:
    """Return the name of the table of the rows that are staged whole."""
    return table(batch_id, "_whole" if exists(connection, batch_id, "_whole") else "")


def exists(connection: Connection, batch_id: int, suffix: str = "") -> bool:
    """Say whether the batch's rows, or another of its tables, are still staged."""
    return one(connection, "select to_regclass(%(name)s) is not null", {"name": table(batch_id, suffix)})[0] is True


def create(
    connection: Connection, contract: Contract, batch_id: int, *, with_same: bool = False, kept: bool = False
) -> None:
    """Make the batch's staging tables, empty; what an earlier try left is dropped. Commit is the caller's.

    Args:
        with_same: known rows will be among the rows.
        kept: the table of the rows may become the raw table (`first_delivery`).
    """
    drop(connection, batch_id)
    fields = ", ".join(f'"{f.name}" {f.sql}' for f in contract.fields)
    rows, own = table(batch_id, "_whole" if with_same or kept else ""), _declared(row_columns(contract))
    if kept:
        # written out while rows are copied, for the commit waits until all of it is
        execute(connection, "set local backend_flush_after = '2MB'")
        own += ", _key_no smallint not null default 1"
        own += f", _batch_id bigint not null default {batch_id}, _closed_batch_id bigint"
    execute(connection, f"create {'' if kept else 'unlogged '}table {rows} ({own}, {fields})")
    if kept:
        raw_tables.begin(connection, contract, rows)
        shown = names([*row_columns(contract), *(f.name for f in contract.fields)])
        execute(connection, f"create view {table(batch_id)} as select {shown} from {rows}")
    if with_same and contract.grain:
        # a version that linkage has not keyed yet has none
        execute(connection, f"alter table {rows} alter {MENTION_KEY} drop not null")
    if with_same:
        same = _declared({**ROW_COLUMNS, "_version": "bigint"})
        execute(
            connection,
            f"create unlogged table {table(batch_id, '_same')} ({same});"
            f" create view {table(batch_id)} as select * from {rows} union all {_same_rows(contract, batch_id)}",
        )
    execute(
        connection,
        f"create unlogged table {table(batch_id, '_issue')} (row_no bigint, column_name text, header text,"
        " rule text not null, dimension text not null, severity text not null, message text not null, value text,"
        " suggestion text)",
    )
    execute(
        connection,
        f"create unlogged table {table(batch_id, '_rejected')} (row_no bigint not null, column_name text not null,"
        " value text not null, is_read boolean not null)",
    )


def _declared(columns: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {kind} not null" for name, kind in columns.items())


def _same_rows(contract: Contract, batch_id: int) -> str:
    fields = names([f.name for f in contract.fields], "v")
    kept = [name for name in row_columns(contract) if name not in ROW_COLUMNS]
    own = ", ".join(part for part in (names(list(ROW_COLUMNS), "s"), names(kept, "v")) if part)
    return (
        f"select {own}, {fields} from {table(batch_id, '_same')} s"
        f' join raw."{contract.id}" v on v._record_key = s._base and v._batch_id = s._version'
    )


def make_whole(connection: Connection, contract: Contract, batch_id: int, wanted: str) -> int:
    """Stage known rows whole; return how many.

    Args:
        wanted: query for the numbers of the rows.
    """
    if not has_same(connection, batch_id):
        return 0
    moved = execute(
        connection,
        f"insert into {table(batch_id, '_whole')} {_same_rows(contract, batch_id)} where s._row_no in ({wanted})",
    ).rowcount
    gone = execute(connection, f"delete from {table(batch_id, '_same')} where _row_no in ({wanted})").rowcount
    if moved != gone:
        raise RuntimeError(f"{gone} known rows are needed whole, {moved} were found in raw")
    return moved


def drop(connection: Connection, batch_id: int) -> None:
    """Drop the batch's staging tables and views. Commit is the caller's."""
    for suffix in _SUFFIXES:
        drop_one(connection, table(batch_id, suffix))


def drop_one(connection: Connection, name: str) -> None:
    """Drop a table or view of staging, if it is there."""
    kind = is_view(connection, name)
    if kind is not None:
        execute(connection, f"drop {'view' if kind else 'table'} {name}")


def is_view(connection: Connection, name: str) -> bool | None:
    """Say whether a relation is a view; None where there is none."""
    query = "select relkind = 'v' from pg_class where oid = to_regclass(%(name)s)"
    found = execute(connection, query, {"name": name}).fetchone()
    return None if found is None else found[0] is True


def load(
    connection: Connection,
    batch_id: int,
    batches: Iterable[CheckedBatch],
    contract: Contract,
    secret: str,
    *,
    offset: int = 0,
    repeats: Repeats | None = None,
    notes: Notes | None = None,
    known: KnownRows | None = None,
) -> int:
    """Copy checked rows with their hashes, and their findings, into staging, batch by batch; return the number of rows.

    Rows are checked while those before them are hashed, and hashed while those before them are copied.

    Args:
        connection: in the transaction that made the tables (`create`); commit is the caller's.
        batches: from `checks.check`; consumed.
        contract: of the rows.
        secret: key of the record-key HMAC.
        offset: added to row numbers: physical rows of the delivery's earlier parts.
        repeats: looks at every row.
        notes: of what rows were read as.
        known: rows that were not read, where `create` was told so.
    """
    loaded = 0
    checked = ahead(_hashed(batches, contract, secret, repeats or Repeats(contract), notes, known=known, offset=offset))
    rows, schema = whole(connection, batch_id), hashed_schema(row_schema(contract), contract)
    batch = next(checked, None)
    while batch is not None:
        aside: list[tuple[str, pa.RecordBatch]] = []
        with _copying(connection, rows, schema) as add:
            while batch is not None and sum(others.nbytes for _, others in aside) < _ASIDE_BYTES:
                loaded += batch.rows.num_rows
                add(_shifted(batch.rows, "_row_no", offset))
                if batch.same is not None:
                    loaded += len(batch.same.row_no)
                    aside.append((table(batch_id, "_same"), _shifted(batch.same.staged(), "_row_no", offset)))
                aside.append((table(batch_id, "_issue"), _shifted(batch.issues, "row_no", offset)))
                aside.append((table(batch_id, "_rejected"), _shifted(batch.rejected, "row_no", offset)))
                batch = next(checked, None)
        for name, others in aside:
            copy(connection, name, others)
    return loaded


def _hashed(
    batches: Iterable[CheckedBatch],
    contract: Contract,
    secret: str,
    repeats: Repeats,
    notes: Notes | None,
    *,
    known: KnownRows | None,
    offset: int,
) -> Iterator[CheckedBatch]:
    for batch in ahead(batches):
        if batch.same is not None:
            repeats.take(batch.same.facts.rename({KEYS[0]: KEY}), batch.same.row_no.to_numpy() + offset)
            if notes is not None:
                notes.note(batch.same.facts.drop(VERSION))
        if not batch.rows.num_rows:
            yield batch
            continue
        rows = with_hashes(batch.rows, contract, secret)
        fingerprints, own = repeats.look(rows, offset), hashes(rows)
        if known is not None:
            known.meet(own)
        if notes is not None and batch.noted is not None:
            notes.note(batch.noted.hstack(own).hstack(fingerprints.drop(KEY)).drop_nulls(PRINTS[0]))
        yield replace(batch, rows=rows)


def analyse(connection: Connection, batch_id: int) -> None:
    """Let the database know how many rows are staged and what their keys are like; commit is the caller's."""
    give_memory(connection)
    for name in (whole(connection, batch_id), table(batch_id, "_same")):
        if is_view(connection, name) is not None:
            execute(connection, f"analyze {name} (_row_no, _base)")


def copy(connection: Connection, name: str, rows: pa.RecordBatch) -> None:
    """Copy rows into a table that this transaction made."""
    if rows.num_rows:
        with _copying(connection, name, rows.schema) as add:
            add(rows)


@contextmanager
def _copying(connection: Connection, name: str, schema: pa.Schema) -> Iterator[Callable[[pa.RecordBatch], None]]:
    """Copy all rows that are added into a table that this transaction made.

    Readers need not look up who wrote them (`freeze`). What one command copies PostgreSQL writes out as it goes on, but
    for the last 16 MB; for the rest the commit waits.
    """
    encoder = ArrowToPostgresBinaryEncoder(schema)
    statement = f"copy {name} ({names(schema.names)}) from stdin with (format binary, freeze)"

    def add(rows: pa.RecordBatch) -> None:
        for start in range(0, rows.num_rows, _COPIED_ROWS):
            sink.write(encoder.write_batch(rows.slice(start, _COPIED_ROWS)))

    with connection.cursor() as cursor, cursor.copy(statement.encode()) as sink:
        sink.write(encoder.write_header())
        yield add
        sink.write(encoder.finish())


def _shifted(rows: pa.RecordBatch, column: str, offset: int) -> pa.RecordBatch:
    if offset == 0 or rows.num_rows == 0:
        return rows
    position = rows.schema.get_field_index(column)
    numbers = pa.compute.add(rows.column(position), pa.scalar(offset, pa.int64()))
    return rows.set_column(position, rows.schema.field(position), numbers)


def judge_contract_rules(
    connection: Connection,
    contract: Contract,
    batch_id: int,
    headers: Mapping[str, str],
    *,
    as_of: date,
    repeated: Mapping[str, Repeated] = MappingProxyType({}),
) -> list[CheckResult]:
    """Evaluate the contract's `unique` and `reference` rules on the staged rows; findings go to the issue table.

    Runs after `splitting.split`. A reference into an extract without any record in force at `as_of` is not judged
    (checked 0).

    Args:
        headers: the department's own header of each delivered column.
        repeated: what was seen of `unique` rules while the rows were read (`Repeats.found`).
    """
    _find_suspects(connection, batch_id, repeated)
    results = []
    for name, rule in contract.rules.items():
        judged: _Judged | None = None
        match rule:
            case Unique():
                column, judged = rule.columns[0], _unique(contract, batch_id, rule, repeated.get(name))
            case Reference():
                column = rule.column
                if _find_known(connection, contract, batch_id, rule, as_of):
                    judged = _reference(batch_id, rule)
            case _:
                continue
        counts = (0, 0)
        if name in repeated and not len(repeated[name].rows):
            counts = (repeated[name].filled, repeated[name].filled)
        elif judged is not None:
            counts = _settle(connection, batch_id, _facts(name, rule, column, headers), judged)
        results.append(
            CheckResult(
                name, column, rule.dimension, str(rule.severity), counts[0], counts[1], rule.threshold, rule.message
            )
        )
    return results


@dataclass(frozen=True)
class _Judged:
    """Queries for how many rows a rule judges, and for `_row_no, value` of those that fail it."""

    checked: str
    failing: str
    facts: Mapping[str, Any] = field(default_factory=dict)


def _find_suspects(connection: Connection, batch_id: int, repeated: Mapping[str, Repeated]) -> None:
    """`suspect`: the rows that any `unique` rule judges, where they are few: all rows are looked at once for them."""
    few = [seen.rows for rule, seen in repeated.items() if rule != KEY and len(seen.rows) <= FEW_ROWS]
    rows = sorted({row for found in few for row in found.tolist()})
    execute(connection, "drop table if exists pg_temp.suspect")
    execute(
        connection,
        f"create temp table suspect as select * from {table(batch_id)}"
        f" where {'_row_no = any(%(rows)s)' if rows else 'false'}",
        {"rows": rows},
    )


def _unique(contract: Contract, batch_id: int, rule: Unique, seen: Repeated | None) -> _Judged:
    """Rows that repeat a whole row of the delivery are not judged again: they are counted by `row.duplicate`.

    Only rows whose columns another row may have too can fail, or be duplicates; where they are not known, and the
    rule's columns hold the whole key, only rows that share their key can.
    """
    rows, first = table(batch_id), f's."{rule.columns[0]}"'
    filled = "(" + " or ".join(f's."{c}" is not null' for c in rule.columns) + ")"
    duplicates = f"select d.row_no from {table(batch_id, '_key')} d where d.disposition = 'duplicate'"
    times = f"count(*) over (partition by {names(rule.columns, 's')})"

    def failing(suspect: str, among: str = rows) -> str:
        judged = f"{filled} and not exists ({duplicates} and d.row_no = s._row_no)"
        return (
            f"select _row_no, value from (select s._row_no, {first}::text as value, {times} as times from {among} s"
            f" where {judged} and {suspect}) judged where times > 1"
        )

    if seen is not None and len(seen.rows) <= FEW_ROWS:
        facts = {"filled": seen.filled, "suspects": seen.rows.tolist()}
        checked = f"select %(filled)s - count(*) from ({duplicates}) d where d.row_no = any(%(suspects)s)"
        return _Judged(checked, failing("s._row_no = any(%(suspects)s)", "pg_temp.suspect"), facts)
    content = f"hash_record_extended(row({names(rule.columns, 's')}), 0)"
    suspect = f"{content} in (select {content} from {rows} s where {filled} group by 1 having count(*) > 1)"
    if (not contract.fallback_key and set(contract.key) <= set(rule.columns)) or rule.columns == contract.key[:1]:
        suspect = "s._base in (select base from pg_temp.repeated)"
    return _Judged(
        f"select (select count(*) from {rows} s where {filled}) - (select count(*) from ({duplicates}) d"
        f" join {rows} s on s._row_no = d.row_no where {filled})",
        failing(suspect),
    )


def _find_known(connection: Connection, contract: Contract, batch_id: int, rule: Reference, as_of: date) -> bool:
    known = f'select o."{rule.to}"::text as value from {in_force(rule.extract, "o")} where o."{rule.to}" is not null'
    if rule.extract == contract.id:
        known += f' union select "{rule.to}"::text from {table(batch_id)} where "{rule.to}" is not null'
    execute(connection, "drop table if exists pg_temp.known_value")
    execute(
        connection,
        f"create temp table known_value as select distinct value from ({known}) known",
        {"as_of": as_of, "table": rule.extract},
    )
    return one(connection, "select exists (select from pg_temp.known_value)")[0] is True


def _reference(batch_id: int, rule: Reference) -> _Judged:
    filled = f'from {table(batch_id)} s where s."{rule.column}" is not null'
    return _Judged(
        f"select count(*) {filled}",
        f'select s._row_no, s."{rule.column}"::text as value {filled}'
        f' and not exists (select from pg_temp.known_value k where k.value = s."{rule.column}"::text)',
    )


def _facts(name: str, rule: RuleBase, column: str, headers: Mapping[str, str]) -> dict[str, str | None]:
    return {
        "column": column,
        "header": headers.get(column),
        "rule": name,
        "dimension": rule.dimension,
        "severity": str(rule.severity),
        "message": rule.message,
    }


def _settle(connection: Connection, batch_id: int, facts: Mapping[str, str | None], judged: _Judged) -> tuple[int, int]:
    """Note every failing row; return how many were judged and how many passed."""
    checked = int(one(connection, judged.checked, judged.facts)[0])
    failed = execute(
        connection,
        f"insert into {table(batch_id, '_issue')}"
        " (row_no, column_name, header, rule, dimension, severity, message, value)"
        " select _row_no, %(column)s, %(header)s, %(rule)s, %(dimension)s, %(severity)s, %(message)s, value"
        f" from ({judged.failing}) failing",
        {**facts, **judged.facts},
    ).rowcount
    return checked, checked - failed
