"""Where the rules run, in one text: PostgreSQL for what a change reaches, DuckDB when all mentions are compared."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import duckdb
import polars as pl

from connectors.database import Connection
from connectors.sql_text import execute
from linkage.bulk import indexed_afterwards

_MEMORY = "2500MB"
_MENTION = {
    "source_id": "smallint", "mention_key": "uuid", "id_no": "text", "is_id_usable": "boolean", "name": "text",
    "former_name": "text", "sex": "text", "birth_date": "date", "division": "text", "address": "text", "phone": "text",
    "household_no": "text", "mother_id_no": "text", "father_id_no": "text",
}  # fmt: skip
_DERIVED = {
    "linkage.person_weak": "source_id smallint, mention_key uuid, item text",
    "linkage.person_weak_key": "key uuid, item text",
}


class Rows(Protocol):
    """What a query returns."""

    def fetchall(self) -> list[tuple[Any, ...]]:
        """Return all rows."""
        ...


class Engine(Protocol):
    """Runs statements over `linkage.person_mention`, `linkage.person_weak`, `linkage.person_weak_key` and `pg_temp`."""

    def run(self, text: str) -> Rows:
        """Run one statement that both engines understand."""
        ...

    def fill(self, table: str, rows: Iterable[Sequence[object]]) -> None:
        """Append rows, columns in the table's order."""
        ...

    def analyze(self, table: str) -> None:
        """Let the planner know the table."""
        ...


class Server:
    """PostgreSQL: its indexes find the few mentions that a change reaches."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def run(self, text: str) -> Rows:
        """Run one statement."""
        return execute(self._connection, text)

    def fill(self, table: str, rows: Iterable[Sequence[object]]) -> None:
        """Append rows by COPY."""
        with self._connection.cursor() as cursor, cursor.copy(f"copy {table} from stdin".encode()) as copy:
            for row in rows:
                copy.write_row(row)

    def analyze(self, table: str) -> None:
        """Sample the table."""
        execute(self._connection, f"analyze {table}")


class Columns:
    """DuckDB: reads all mentions once, joins and hashes them by column on all processors."""

    def __init__(self, database: duckdb.DuckDBPyConnection) -> None:
        self.database = database

    def run(self, text: str) -> Rows:
        """Run one statement."""
        return self.database.execute(text)

    def fill(self, table: str, rows: Iterable[Sequence[object]]) -> None:
        """Append rows; keys travel as text."""
        texts = [[None if value is None else str(value) for value in row] for row in rows]
        if texts:
            frame = pl.DataFrame(texts, orient="row", schema=[f"c{n}" for n in range(len(texts[0]))])
            self.database.register("filling", frame)
            self.database.execute(f"insert into {table} select * from filling")
            self.database.unregister("filling")

    def analyze(self, table: str) -> None:
        """Do nothing: it counts as it reads."""


@contextmanager
def opened(folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Give a DuckDB database whose tables lie in the folder."""
    with duckdb.connect(folder / "compared.duckdb", config=_settings(folder)) as database:
        yield database


def _settings(folder: Path) -> dict[str, str | bool | int | float | list[str]]:
    """No extension is fetched or loaded; what does not fit into memory goes to the folder."""
    return {
        "memory_limit": _MEMORY,
        "temp_directory": str(folder),
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "preserve_insertion_order": False,
        "threads": 2,
    }


def read_all(database: duckdb.DuckDBPyConnection, connection: Connection, folder: Path) -> Columns:
    """Read all mentions as the transaction sees them, and make the tables that follow from them."""
    path = folder / "mention.csv"
    write(connection, f"select {', '.join(_MENTION)} from linkage.person_mention", path)
    database.execute("create schema linkage; create schema pg_temp")
    types = ", ".join(f"'{name}': '{kind}'" for name, kind in _MENTION.items())
    database.execute(
        f"create table linkage.person_mention as select * from read_csv(?, header = false, columns = {{{types}}})",
        [str(path)],
    )
    path.unlink()
    for table, columns in _DERIVED.items():
        database.execute(f"create table {table} ({columns})")
    return Columns(database)


def give_back(columns: Columns, connection: Connection, folder: Path) -> None:
    """Replace what follows from the mentions in PostgreSQL by what was found."""
    path = folder / "derived.csv"
    for table in _DERIVED:
        columns.database.execute(f"copy {table} to '{path}' (format csv, header false)")
        with indexed_afterwards(connection, table):
            read(connection, path, table)
        execute(connection, f"analyze {table}")
    path.unlink()


def write(connection: Connection, query: str, path: Path) -> None:
    """Write the rows of a query to a CSV file without header."""
    copying = f"copy ({query}) to stdout (format csv)".encode()
    with connection.cursor() as cursor, path.open("wb") as target, cursor.copy(copying) as copy:
        for block in copy:
            target.write(block)


def read(connection: Connection, path: Path, table: str) -> None:
    """Append the rows of a CSV file without header to a table."""
    copying = f"copy {table} from stdin (format csv)".encode()
    with connection.cursor() as cursor, path.open("rb") as source, cursor.copy(copying) as copy:
        while block := source.read(1 << 20):
            copy.write(block)
