"""Where the rules run, in one text: PostgreSQL for what a change reaches, DuckDB when all mentions are compared."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
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
ALL_MENTIONS = f"select {', '.join(_MENTION)} from linkage.person_mention"
KEPT = {
    "linkage.person_weak": "source_id smallint, mention_key uuid, item text",
    "linkage.person_weak_key": "key uuid, item text",
    "linkage.person_pair": "item text, candidate text, weight real",
}
"""Tables and columns of what the next linking starts from."""
ANSWERS = {
    "pg_temp.decided": "source_id smallint, mention_key uuid, cluster uuid, method text, weight real",
    "pg_temp.doubt": "source_id smallint, mention_key uuid, candidate_source_id smallint, candidate_mention_key uuid,"
    " reason text, weight real",
}
"""Those of what was decided (`linkage.step`)."""


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


def read_all(database: duckdb.DuckDBPyConnection, path: Path, unlinked: Iterable[Sequence[object]]) -> Columns:
    """Read all mentions; make the tables that follow from them, empty.

    Args:
        path: a file with the rows of `ALL_MENTIONS`; it is removed.
        unlinked: rows of `linkage.source`: number, and what its contract says of mentions that mean nobody known.
    """
    database.execute("create schema linkage; create schema pg_temp")
    types = ", ".join(f"'{name}': '{kind}'" for name, kind in _MENTION.items())
    database.execute(
        f"create table linkage.person_mention as select * from read_csv(?, header = false, columns = {{{types}}})",
        [str(path)],
    )
    path.unlink()
    for table, declared in {**KEPT, **ANSWERS}.items():
        database.execute(f"create table {table} ({declared})")
    columns = Columns(database)
    columns.run("create table linkage.source (source_id smallint, unlinked text)")
    columns.fill("linkage.source", unlinked)
    return columns


def give_back(
    database: duckdb.DuckDBPyConnection, connection: Connection, folder: Path, tables: Mapping[str, str]
) -> None:
    """Fill empty tables of PostgreSQL with what was found, mentions in the order of their keys.

    Args:
        tables: `KEPT` or `ANSWERS`.
    """
    for table, columns in tables.items():
        order = " order by source_id, mention_key" if "mention_key" in columns else ""
        with indexed_afterwards(connection, table):
            append(database, f"select * from {table}{order}", connection, table, folder)
        execute(connection, f"analyze {table}")


def append(database: duckdb.DuckDBPyConnection, query: str, connection: Connection, table: str, folder: Path) -> None:
    """Append the rows of a DuckDB query to a table of PostgreSQL."""
    path = folder / "rows.csv"
    database.execute(f"copy ({query}) to '{path}' (format csv, header false)")
    copying = f"copy {table} from stdin (format csv)".encode()
    with connection.cursor() as cursor, path.open("rb") as source, cursor.copy(copying) as copy:
        while block := source.read(1 << 20):
            copy.write(block)
    path.unlink()


def write(connection: Connection, query: str, path: Path) -> None:
    """Write the rows of a query to a CSV file without header."""
    copying = f"copy ({query}) to stdout (format csv)".encode()
    with connection.cursor() as cursor, path.open("wb") as target, cursor.copy(copying) as copy:
        for block in copy:
            target.write(block)
