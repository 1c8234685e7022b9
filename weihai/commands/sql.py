"""`weihai sql`: one read-only question to the warehouse."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any

import psycopg
import typer
from psycopg import sql
from rich.console import Console
from rich.table import Table

from connectors.database import Connection, connect
from connectors.errors import UserError
from connectors.settings import load_settings

DEFAULT_ROLE = "analyst"
_QUESTIONS = ("select", "with", "values", "table", "explain", "show")


class QuestionRefusedError(UserError):
    """The statement is no question, or the database did not accept it."""


class Format(StrEnum):
    """How rows are printed."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


def register(app: typer.Typer) -> None:
    """Add the command `sql`."""

    @app.command("sql", help="向数据仓库提一个只读问题。")
    def _sql(
        query: Annotated[str, typer.Argument(help="一条 SELECT 语句。", metavar="SQL")],
        role: Annotated[str | None, typer.Option("--role", help="以哪个角色查询，缺省为 analyst。")] = None,
        output: Annotated[Format, typer.Option("--format", help="输出格式。")] = Format.TABLE,
    ) -> None:
        with connect(load_settings().dsn()) as connection:
            headers, rows = ask(connection, query, role=role)
        show(headers, rows, output)


def ask(
    connection: Connection, query: str, *, role: str | None = None
) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
    """Run one query in a read-only transaction and return its column names and rows.

    Args:
        role: database role to ask as; None means `analyst` where that role exists, else the connection's own.

    Raises:
        QuestionRefusedError: not one query, unknown role, or an error of the database.
    """
    words = query.split(None, 1)
    if not words or words[0].lower().lstrip("(") not in _QUESTIONS:
        raise QuestionRefusedError("只接受一条查询语句（SELECT、WITH、VALUES、TABLE、EXPLAIN 或 SHOW）")
    connection.read_only = True
    try:
        _become(connection, role)
        with connection.cursor() as cursor:
            # prepared: the protocol then takes a single statement only
            cursor.execute(query.encode(), prepare=True)
            headers = tuple(column.name for column in cursor.description or ())
            return headers, cursor.fetchall()
    except psycopg.Error as error:
        raise QuestionRefusedError(f"查询未能执行：{error.diag.message_primary or type(error).__name__}") from error


def _become(connection: Connection, role: str | None) -> None:
    wanted = role if role is not None else DEFAULT_ROLE
    known = connection.execute("select 1 from pg_roles where rolname = %s", (wanted,)).fetchone()
    if known:
        connection.execute(sql.SQL("set local role {}").format(sql.Identifier(wanted)))
    elif role is not None:
        raise QuestionRefusedError(f"没有数据库角色 {role}")


def show(headers: Sequence[str], rows: Sequence[Sequence[Any]], output: Format) -> None:
    """Print rows to standard output."""
    if output is Format.CSV:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(headers)
        writer.writerows(rows)
    elif output is Format.JSON:
        records = [dict(zip(headers, (plain(v) for v in row), strict=True)) for row in rows]
        typer.echo(json.dumps(records, ensure_ascii=False, indent=1))
    else:
        table = Table()
        for header in headers:
            table.add_column(header, overflow="fold")
        for row in rows:
            table.add_row(*("" if v is None else str(v) for v in row))
        console = Console()
        console.print(table)
        console.print(f"{len(rows)} 行")


def plain(value: Any) -> Any:
    """Return a value as JSON knows it: exact decimals as numbers where a float is exact, else as text."""
    if value is None or isinstance(value, bool | int | float | str | list | dict):
        return value
    if isinstance(value, Decimal):
        if value == value.to_integral_value():
            return int(value)
        return float(value) if Decimal(repr(float(value))) == value else str(value)
    if isinstance(value, date | datetime):
        return value.isoformat()
    return str(value)
