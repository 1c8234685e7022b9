"""Reading the warehouse for the pages: rows as mappings or dataclasses, from one moment, absent relations as empty."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from typing import TYPE_CHECKING, Any, TypeVar

import psycopg
from psycopg import sql
from psycopg.rows import args_row, dict_row

from connectors.chain import Head, head
from connectors.database import connect

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Row = Mapping[str, Any]
T = TypeVar("T", bound="DataclassInstance")


class Warehouse:
    """Read-only access to `mart`, `catalogue` and `quality` as they were at one moment."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        """Use an open connection, whose transaction is the moment."""
        self._connection = connection
        self._found: dict[str, bool] = {}

    def rows(self, query: str, parameters: Mapping[str, Any] | None = None) -> list[Row]:
        """Return the rows of a query as mappings by column name."""
        with self._connection.cursor(row_factory=dict_row) as cursor:
            return list(cursor.execute(query.encode(), parameters))

    def read(self, kind: type[T], relation: str, parameters: Mapping[str, Any] | None = None) -> tuple[T, ...]:
        """Return rows as `kind`, a dataclass whose fields are columns of the relation; none where there is no relation.

        Args:
            kind: what a row becomes.
            relation: its name, after which `where`, `order by` and `limit` may follow.
            parameters: of these.
        """
        return tuple(one for _, one in self._keyed("null", kind, relation, parameters))

    def grouped(
        self, key: str, kind: type[T], relation: str, parameters: Mapping[str, Any] | None = None
    ) -> Mapping[Any, tuple[T, ...]]:
        """Return rows as `read` does, by the value of a column; a value that does not occur has none."""
        found: defaultdict[Any, list[T]] = defaultdict(list)
        for value, one in self._keyed(key, kind, relation, parameters):
            found[value].append(one)
        return defaultdict(tuple, {value: tuple(ones) for value, ones in found.items()})

    def _keyed(
        self, key: str, kind: type[T], relation: str, parameters: Mapping[str, Any] | None
    ) -> list[tuple[Any, T]]:
        if not self.has(relation.split(maxsplit=1)[0]):
            return []
        query = f"select {key}, {', '.join(field.name for field in fields(kind))} from {relation}"

        def made(value: Any, *columns: Any) -> tuple[Any, T]:
            return value, kind(*columns)

        with self._connection.cursor(row_factory=args_row(made)) as cursor:
            return list(cursor.execute(query.encode(), parameters))

    def has(self, *relations: str) -> bool:
        """Say whether all the relations exist: a warehouse without a run has no mart yet."""
        for name in relations:
            if name not in self._found:
                [row] = self.rows("select to_regclass(%(name)s) is not null as found", {"name": name})
                self._found[name] = row["found"]
        return all(self._found[name] for name in relations)

    def snapshot(self) -> str:
        """Return this moment's name, by which another connection can read at it."""
        [row] = self.rows("select pg_export_snapshot() as name")
        name: str = row["name"]
        return name

    def chain_head(self) -> Head | None:
        """Return the head of the hash chain at this moment."""
        return head(self._connection)


@contextmanager
def warehouse(dsn: str, *, snapshot: str | None = None) -> Iterator[Warehouse]:
    """Open the warehouse read-only, at one consistent moment.

    Args:
        dsn: of the warehouse.
        snapshot: the moment of another `Warehouse` that is still open; None is now.
    """
    with connect(dsn) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        if snapshot is not None:
            connection.execute(sql.SQL("set transaction snapshot {}").format(sql.Literal(snapshot)))
        yield Warehouse(connection)


def as_json(value: Any) -> Any:
    """Return the content of a JSON column, be it of type json or text; None where it is empty."""
    return json.loads(value) if isinstance(value, str) and value else (value or None)
