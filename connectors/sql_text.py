"""Small pieces of SQL text made from contracts; every name in them comes from a validated contract."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from psycopg import Cursor
from psycopg.rows import TupleRow

from connectors.contract import Contract
from connectors.database import Connection

UNIT_SEPARATOR = "chr(31)"


def execute(connection: Connection, text: str, parameters: Mapping[str, Any] | None = None) -> Cursor[TupleRow]:
    """Run SQL that was put together from contract names; values always travel as parameters."""
    return connection.execute(text.encode(), parameters)


def one(connection: Connection, text: str, parameters: Mapping[str, Any] | None = None) -> TupleRow:
    """Run SQL that returns exactly one row, and return it."""
    row = execute(connection, text, parameters).fetchone()
    if row is None:
        raise RuntimeError("the statement returned no row")
    return row


def give_memory(connection: Connection) -> None:
    """Let the statements of this transaction join and index millions of rows without files, and sample few of them."""
    execute(
        connection,
        "set local work_mem = '256MB'; set local maintenance_work_mem = '256MB';"
        " set local default_statistics_target = 10",
    )


WITHOUT_LOOPS = "enable_nestloop=off"


def join_whole_tables(connection: Connection) -> None:
    """Let the statements of this transaction join without nested loops.

    Conditions on a run's clocks are estimated far too low: a loop over what is thought to be one row is quadratic.
    """
    execute(connection, f"set local {WITHOUT_LOOPS}")


def names(columns: Sequence[str], alias: str = "") -> str:
    """Return quoted column names, comma-separated."""
    prefix = f"{alias}." if alias else ""
    return ", ".join(f'{prefix}"{c}"' for c in columns)


def key_text(contract: Contract, alias: str) -> str:
    """Return the SQL of a record's key text: contract id and key parts, an empty part as the empty string.

    The fallback key serves where a key column that it does not share is empty and it has any content itself.
    """
    main = _joined(contract, contract.key, alias)
    if not contract.fallback_key:
        return main
    own = [c for c in contract.key if c not in contract.fallback_key] or list(contract.key)
    fallback = _joined(contract, contract.fallback_key, alias)
    missing = " or ".join(f'{alias}."{c}" is null' for c in own)
    usable = f"coalesce({', '.join(field_text(contract, c, alias) for c in contract.fallback_key)}) is not null"
    return f"case when ({missing}) and {usable} then {fallback} || {UNIT_SEPARATOR} || 'fallback' else {main} end"


def record_key(text: str, number: str) -> str:
    """Return the SQL of a record key: HMAC-SHA256 (RFC 2104) of key text and number, first 16 bytes as uuid.

    The padded keys are the parameters `inner` and `outer`.
    """
    message = f"convert_to({text} || {UNIT_SEPARATOR} || {number}::text, 'UTF8')"
    digest = f"sha256(%(outer)s::bytea || sha256(%(inner)s::bytea || {message}))"
    return f"encode(substr({digest}, 1, 16), 'hex')::uuid"


def mention_key(contract: Contract, alias: str) -> str:
    """Return the SQL of the key that records with one holder share, keyed as record keys are (`record_hashes`)."""
    return record_key(_joined(contract, contract.grain, alias), "'mention'")


def row_hash(contract: Contract, alias: str) -> str:
    """Return the SQL of a row's content hash: SHA-256 over its filled fields by name, first 16 bytes.

    An added column that is empty leaves the hash as it was; `operation` is about the delivery, not the record.
    """
    fields = sorted(f.name for f in contract.fields if f.source != "operation")
    parts = (f"{UNIT_SEPARATOR} || '{name}' || chr(30) || {hashed_text(contract, name, alias)}" for name in fields)
    return f"substr(sha256(convert_to(concat({', '.join(parts)}), 'UTF8')), 1, 16)"


def hashed_text(contract: Contract, field: str, alias: str) -> str:
    """A field as content hashes take it: days and moments as numbers since 1970, the rest as in keys."""
    column = f'{alias}."{field}"'
    match next(f.sql for f in contract.fields if f.name == field):
        case "timestamptz":
            return f"(extract(epoch from {column}) * 1000000)::bigint::text"
        case "date":
            return f"({column} - date '1970-01-01')::text"
        case _:
            return field_text(contract, field, alias)


def identity(contract: Contract, alias: str) -> str:
    """Return the SQL of the identity columns as a text array (empty where the contract has none)."""
    return f"array[{', '.join(field_text(contract, c, alias) for c in contract.identity)}]::text[]"


def clearly_differ(left: str, right: str) -> str:
    """Return the SQL of: all identity columns stand in both, and every one differs."""
    return (
        f"(cardinality({left}) > 0 and not exists (select from unnest({left}, {right}) as pair (l, r)"
        " where pair.l is null or pair.r is null or pair.l = pair.r))"
    )


def _joined(contract: Contract, columns: Sequence[str], alias: str) -> str:
    cleaned = [f"translate(coalesce({field_text(contract, c, alias)}, ''), {UNIT_SEPARATOR}, ' ')" for c in columns]
    return f"'{contract.id}' || {UNIT_SEPARATOR} || " + f" || {UNIT_SEPARATOR} || ".join(cleaned)


def field_text(contract: Contract, field: str, alias: str) -> str:
    """The field as text that depends on no session setting."""
    kind = next(f.sql for f in contract.fields if f.name == field)
    column = f'{alias}."{field}"'
    match kind:
        case "text":
            return column
        case "timestamptz":
            return f"to_char({column} at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')"
        case "date":
            return f"to_char({column}, 'YYYY-MM-DD')"
        case _:
            return f"{column}::text"
