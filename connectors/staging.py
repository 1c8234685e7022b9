"""The staging tables of one batch: made from the contract, filled by Arrow COPY, judged set-based where rows meet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import pyarrow as pa

from connectors.checks import CheckedBatch, CheckResult
from connectors.contract import Contract, Reference, Unique
from connectors.contract_model import RuleBase
from connectors.database import Connection, arrow_connection
from connectors.in_force import in_force
from connectors.sql_text import execute, names, one

_SUFFIXES = ("", "_issue", "_rejected", "_key", "_gone", "_silent")


def table(batch_id: int, suffix: str = "") -> str:
    """Return the name of a batch's staging table: rows, `_issue`, `_rejected`, `_key`, `_gone` or `_silent`."""
    return f"staging.batch_{batch_id}{suffix}"


def exists(connection: Connection, batch_id: int) -> bool:
    """Say whether the batch's rows are still staged."""
    return one(connection, "select to_regclass(%(name)s) is not null", {"name": table(batch_id)})[0] is True


def create(connection: Connection, contract: Contract, batch_id: int) -> None:
    """Make the batch's staging tables, empty; what an earlier try left is dropped. Commit is the caller's."""
    drop(connection, batch_id)
    fields = ", ".join(f'"{f.name}" {f.sql}' for f in contract.fields)
    execute(connection, f"create unlogged table {table(batch_id)} ({fields}, _row_no bigint not null)")
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


def drop(connection: Connection, batch_id: int) -> None:
    """Drop the batch's staging tables. Commit is the caller's."""
    for suffix in _SUFFIXES:
        execute(connection, f"drop table if exists {table(batch_id, suffix)}")


def load(dsn: str, batch_id: int, batches: Iterable[CheckedBatch], *, offset: int = 0) -> int:
    """Copy checked rows and their findings into staging, batch by batch; return the number of rows.

    Args:
        dsn: of the warehouse.
        batches: from `checks.check`; consumed.
        offset: added to row numbers: physical rows of the delivery's earlier parts.
    """
    loaded = 0
    with arrow_connection(dsn) as connection, connection.cursor() as cursor:
        for batch in batches:
            loaded += batch.rows.num_rows
            _ingest(cursor, table(batch_id), _shifted(batch.rows, "_row_no", offset))
            _ingest(cursor, table(batch_id, "_issue"), _shifted(batch.issues, "row_no", offset))
            _ingest(cursor, table(batch_id, "_rejected"), _shifted(batch.rejected, "row_no", offset))
        connection.commit()
    return loaded


def load_issues(dsn: str, batch_id: int, issues: pa.RecordBatch) -> None:
    """Copy findings on the delivery as a whole into staging."""
    with arrow_connection(dsn) as connection, connection.cursor() as cursor:
        _ingest(cursor, table(batch_id, "_issue"), issues)
        connection.commit()


def _ingest(cursor: Any, name: str, rows: pa.RecordBatch) -> None:
    if rows.num_rows:
        schema, _, plain = name.partition(".")
        cursor.adbc_ingest(plain, rows, mode="append", db_schema_name=schema)


def _shifted(rows: pa.RecordBatch, column: str, offset: int) -> pa.RecordBatch:
    if offset == 0 or rows.num_rows == 0:
        return rows
    position = rows.schema.get_field_index(column)
    numbers = pa.compute.add(rows.column(position), pa.scalar(offset, pa.int64()))
    return rows.set_column(position, rows.schema.field(position), numbers)


def judge_contract_rules(
    connection: Connection, contract: Contract, batch_id: int, headers: Mapping[str, str], *, as_of: date
) -> list[CheckResult]:
    """Evaluate the contract's `unique` and `reference` rules on the staged rows; findings go to the issue table.

    Runs after `splitting.split`. A reference into an extract without any record in force at `as_of` is not judged
    (checked 0).

    Args:
        headers: the department's own header of each delivered column.
    """
    results = []
    for name, rule in contract.rules.items():
        match rule:
            case Unique():
                column = rule.columns[0]
                judged = _unique(batch_id, rule)
                counts = _settle(connection, batch_id, _facts(name, rule, column, headers), judged)
            case Reference():
                column = rule.column
                counts = (0, 0)
                if _find_known(connection, contract, batch_id, rule, as_of):
                    judged = _reference(batch_id, rule)
                    counts = _settle(connection, batch_id, _facts(name, rule, column, headers), judged)
            case _:
                continue
        results.append(
            CheckResult(
                name, column, rule.dimension, str(rule.severity), counts[0], counts[1], rule.threshold, rule.message
            )
        )
    return results


def _unique(batch_id: int, rule: Unique) -> tuple[str, str]:
    """Rows that repeat a whole row of the delivery are not judged again: they are counted by `row.duplicate`."""
    filled = " or ".join(f's."{c}" is not null' for c in rule.columns)
    judged = (
        f'select s._row_no, s."{rule.columns[0]}"::text as value,'
        f" count(*) over (partition by {names(rule.columns, 's')}) as times"
        f" from {table(batch_id)} s join {table(batch_id, '_key')} k on k.row_no = s._row_no"
        f" where k.disposition <> 'duplicate' and ({filled})"
    )
    return judged, "times > 1"


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


def _reference(batch_id: int, rule: Reference) -> tuple[str, str]:
    judged = (
        f'select s._row_no, s."{rule.column}"::text as value, k.value is null as is_unknown'
        f' from {table(batch_id)} s left join pg_temp.known_value k on k.value = s."{rule.column}"::text'
        f' where s."{rule.column}" is not null'
    )
    return judged, "is_unknown"


def _facts(name: str, rule: RuleBase, column: str, headers: Mapping[str, str]) -> dict[str, str | None]:
    return {
        "column": column,
        "header": headers.get(column),
        "rule": name,
        "dimension": rule.dimension,
        "severity": str(rule.severity),
        "message": rule.message,
    }


def _settle(
    connection: Connection, batch_id: int, facts: Mapping[str, str | None], judged: tuple[str, str]
) -> tuple[int, int]:
    """Note every failing row; return how many were judged and how many passed.

    Args:
        judged: a query for `_row_no, value` of the rows to judge, and the condition under which one fails.
    """
    query, failing = judged
    checked, failed = one(
        connection,
        f"with judged as materialized ({query}), noted as (insert into {table(batch_id, '_issue')}"
        " (row_no, column_name, header, rule, dimension, severity, message, value)"
        " select _row_no, %(column)s, %(header)s, %(rule)s, %(dimension)s, %(severity)s, %(message)s, value"
        f" from judged where {failing} returning 1)"
        " select (select count(*) from judged), (select count(*) from noted)",
        facts,
    )
    return int(checked), int(checked) - int(failed)
