"""Reading the warehouse for the pages: rows as mappings, from one consistent moment, absent relations as empty."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.rows import dict_row

from connectors.chain import Head, head
from connectors.database import connect

Row = Mapping[str, Any]


class Warehouse:
    """Read-only access to `mart`, `catalogue` and `quality` as they were at one moment."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        """Use an open connection, whose transaction is the moment."""
        self._connection = connection

    def rows(self, query: str, parameters: Mapping[str, Any] | None = None) -> list[Row]:
        """Return the rows of a query as mappings by column name."""
        with self._connection.cursor(row_factory=dict_row) as cursor:
            return list(cursor.execute(query.encode(), parameters))

    def has(self, *relations: str) -> bool:
        """Say whether all the relations exist: a warehouse without a run has no mart yet."""
        found = self.rows(
            "select bool_and(to_regclass(name) is not null) as found from unnest(%(names)s::text[]) as name",
            {"names": list(relations)},
        )
        return bool(found[0]["found"])

    def chain_head(self) -> Head | None:
        """Return the head of the hash chain at this moment."""
        return head(self._connection)


@contextmanager
def warehouse(dsn: str) -> Iterator[Warehouse]:
    """Open the warehouse read-only, at one consistent moment."""
    with connect(dsn) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        yield Warehouse(connection)


def as_json(value: Any) -> Any:
    """Return the content of a JSON column, be it of type json or text; None where it is empty."""
    return json.loads(value) if isinstance(value, str) and value else (value or None)
