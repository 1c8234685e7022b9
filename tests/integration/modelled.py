"""Deliveries put straight into `raw`, as intake would leave them, and runs opened over them."""

from __future__ import annotations

import hashlib
import itertools
import json
import uuid
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from psycopg import sql

from connectors.contract import Contract, Contracts
from connectors.database import Connection
from connectors.record_columns import MENTION_KEY

AS_OF = date(2021, 9, 30)
_numbers = itertools.count(1)


def deliver(
    connection: Connection,
    contracts: Contracts,
    contract_id: str,
    rows: Sequence[Mapping[str, Any]],
    *,
    as_of: date = AS_OF,
    withdrawn: Sequence[str] = (),
) -> int:
    """Apply one delivery: open a version per row, close the open versions on the same key and the withdrawn keys.

    Args:
        rows: column values; a row's key is its `_key`, else the text of the contract's key columns.
        withdrawn: keys whose open versions end with this delivery.

    Returns:
        The batch id.
    """
    contract = contracts[contract_id]
    seq = connection.execute("select coalesce(max(seq), 0) + 1 from quality.event").fetchone()[0]  # type: ignore[index]
    connection.execute("insert into quality.event values (%s, 'apply', 0, 'test', 'test', now())", (seq,))
    batch_id: int = connection.execute(
        "insert into quality.batch (department, extract, file_name, sha256, as_of, received_at, status, applied_seq)"
        " values (%s, %s, %s, %s, %s, now(), 'accepted', %s) returning batch_id",
        (contract.department, contract.extract, f"{contract.title}.csv", f"{seq:064x}", as_of, seq),
    ).fetchone()[0]  # type: ignore[index]
    keyed = [(_key(contract_id, row.get("_key") or [row.get(k) for k in contract.key]), row) for row in rows]
    closed = {key: "replaced" for key, _ in keyed} | {_key(contract_id, text): "withdrawn" for text in withdrawn}
    table = sql.Identifier("raw", contract_id)
    for key, kind in closed.items():
        connection.execute(
            sql.SQL(
                "insert into quality.version_closing select %s, _record_key, _batch_id, %s, %s, %s, %s, now() from {}"
                " where _record_key = %s and _closed_batch_id is null"
            ).format(table),
            (contract_id, batch_id, kind, as_of, seq, key),
        )
        connection.execute(
            sql.SQL("update {} set _closed_batch_id = %s where _record_key = %s and _closed_batch_id is null").format(
                table
            ),
            (batch_id, key),
        )
    for number, (key, row) in enumerate(keyed, start=2):
        values = {k: v for k, v in row.items() if k not in ("_key", "_issues")} | {
            "_record_key": key,
            "_row_hash": hashlib.sha256(repr(row).encode()).digest()[:16],
            "_batch_id": batch_id,
            "_row_no": number,
            "_as_of": as_of,
            "_applied_seq": seq,
            **_mention_key(contract, row),
            "_issues": json.dumps(row.get("_issues", [])),
        }
        connection.execute(
            sql.SQL("insert into {} ({}) values ({})").format(
                table,
                sql.SQL(", ").join(map(sql.Identifier, values)),
                sql.SQL(", ").join(sql.Placeholder() * len(values)),
            ),
            list(values.values()),
        )
    return batch_id


def _mention_key(contract: Contract, row: Mapping[str, Any]) -> dict[str, uuid.UUID]:
    return {MENTION_KEY: _key(contract.id, [row.get(c) for c in contract.grain])} if contract.grain else {}


def _key(contract_id: str, parts: Any) -> uuid.UUID:
    return uuid.UUID(bytes=hashlib.sha256(f"{contract_id}{parts}".encode()).digest()[:16])


def open_run(
    connection: Connection,
    run_id: str,
    *,
    as_of: date = AS_OF,
    known_at: int | None = None,
    parameters: Mapping[str, str] | None = None,
) -> None:
    """Open the run that models read their clocks from; the one before is published."""
    publish(connection)
    connection.execute(
        "insert into mart.run (run_id, as_of, known_at, rule_version, parameters, project_version, started_at, state)"
        " select %s, %s, coalesce(%s, max(seq), 0), 'rules', %s, '0', now(), 'running' from quality.event",
        (run_id, as_of, known_at, json.dumps(parameters or {})),
    )
    connection.commit()


def publish(connection: Connection) -> None:
    """Publish the running run."""
    connection.execute(
        "update mart.run set state = 'published', verdict = 'passed', finished_at = clock_timestamp()"
        " where state = 'running'"
    )
    connection.commit()


def operands(connection: Connection, indicator: str, **run: Any) -> dict[str, tuple[Decimal | None, str | None]]:
    """Value and reason by operand, for a new run."""
    open_run(connection, f"run-{next(_numbers)}", **run)
    rows = connection.execute(f"select operand, value, reason from mart.ind_{indicator}".encode()).fetchall()
    return {operand: (value, reason) for operand, value, reason in rows}


def values(connection: Connection, indicator: str, **run: Any) -> dict[str, Decimal | None]:
    """Value by operand, for a new run."""
    return {operand: value for operand, (value, _) in operands(connection, indicator, **run).items()}


def periods(connection: Connection, indicator: str) -> dict[str, str | None]:
    """Period used by operand, for the run that is open."""
    rows = connection.execute(f"select operand, period_used from mart.ind_{indicator}".encode()).fetchall()
    return dict(rows)
