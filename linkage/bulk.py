"""Filling large tables: without their indexes, which are made at the end, and with memory to sort them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from connectors.database import Connection
from connectors.sql_text import execute


@contextmanager
def indexed_afterwards(connection: Connection, table: str) -> Iterator[None]:
    """Drop the table's primary key and indexes, and make them again at the end.

    Args:
        table: its name with the schema.
    """
    index = drop_indexes(connection, table)
    yield
    index()


def drop_indexes(connection: Connection, table: str) -> Callable[[], None]:
    """Drop the table's primary key and indexes; return what makes them again.

    Args:
        table: its name with the schema.
    """
    keys = execute(
        connection,
        "select conname, pg_get_constraintdef(oid) from pg_constraint"
        " where conrelid = %(table)s::regclass and contype in ('p', 'u')",
        {"table": table},
    ).fetchall()
    indexes = execute(
        connection,
        "select indexrelid::regclass::text, pg_get_indexdef(indexrelid) from pg_index"
        " where indrelid = %(table)s::regclass and not exists (select from pg_constraint where conindid = indexrelid)",
        {"table": table},
    ).fetchall()
    for name, _ in keys:
        execute(connection, f'alter table {table} drop constraint "{name}"')
    for name, _ in indexes:
        execute(connection, f"drop index {name}")

    def index() -> None:
        for name, definition in keys:
            execute(connection, f'alter table {table} add constraint "{name}" {definition}')
        for _, definition in indexes:
            execute(connection, definition)

    return index
