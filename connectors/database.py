"""Connections to the warehouse, and the numbered SQL files that make its control tables."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from adbc_driver_manager import OperationalError as ArrowOperationalError
from psycopg.rows import TupleRow

SCHEMA_FOLDER = Path(__file__).parent / "schema"
_MIGRATION_LOCK = 371_000_001
APPLY_LOCK = 371_000_002
"""Advisory lock under which deliveries are applied: one at a time, so that sequence order is commit order."""

_SERVER_TROUBLES = {"08", "40", "53", "55", "57", "58"}
"""SQLSTATE classes (PostgreSQL, appendix A): connection, rollback, resources such as disk, locks, shutdown, system."""
_CANCELLED = "57014"

Connection = psycopg.Connection[TupleRow]


def connect(dsn: str, *, autocommit: bool = False) -> Connection:
    """Open a connection whose clock is the city's (Asia/Shanghai) and whose notices stay out of the logs."""
    return psycopg.connect(
        dsn,
        autocommit=autocommit,
        application_name="weihai",
        options="-c timezone=Asia/Shanghai -c client_min_messages=warning",
    )


@contextmanager
def arrow_connection(dsn: str) -> Iterator[Any]:
    """Open an ADBC connection for Arrow in and out; commit is the caller's."""
    # it imports polars, which most callers of this module do without
    import adbc_driver_postgresql.dbapi as adbc

    connection = adbc.connect(dsn)
    try:
        yield connection
    finally:
        connection.close()


def is_server_trouble(error: Exception) -> bool:
    """Say whether an error is the server's or the connection's, which may pass, and not about what was sent."""
    if not isinstance(error, psycopg.OperationalError | ArrowOperationalError):
        return False
    # a connection that breaks off has no state to tell
    state: str | None = error.sqlstate
    return state is None or (state[:2] in _SERVER_TROUBLES and state != _CANCELLED)


def migrate(dsn: str) -> list[str]:
    """Apply the SQL files not applied yet, in name order, each in one transaction; return their names."""
    applied = []
    with connect(dsn) as connection:
        connection.execute("select pg_advisory_lock(%s)", (_MIGRATION_LOCK,))
        connection.execute("create schema if not exists quality")
        connection.execute(
            "create table if not exists quality.schema_version"
            " (file_name text primary key, applied_at timestamptz not null default now())"
        )
        connection.commit()
        known = {name for (name,) in connection.execute("select file_name from quality.schema_version")}
        for path in sorted(SCHEMA_FOLDER.glob("*.sql")):
            if path.name in known:
                continue
            connection.execute(path.read_text(encoding="utf-8").encode())
            connection.execute("insert into quality.schema_version (file_name) values (%s)", (path.name,))
            connection.commit()
            applied.append(path.name)
    return applied
