"""`weihai sql`: one read-only question to the warehouse."""

from __future__ import annotations

import csv
import getpass
import json
import re
import sys
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any

import psycopg
import typer
from rich.console import Console
from rich.table import Table

from connectors.database import Connection, connect
from connectors.errors import UserError
from connectors.protection import access_log
from connectors.protection.roles import ANALYST, AUDITOR, PUBLIC
from connectors.settings import Settings, load_settings
from weihai.roles import role_dsn

_QUESTIONS = ("select", "with", "values", "table", "explain", "show")


class QuestionRefusedError(UserError):
    """The statement is no question, or the database did not accept it."""


class Format(StrEnum):
    """How rows are printed."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


def register(app: typer.Typer) -> None:
    """Add the commands `sql` and `dsn`."""

    @app.command(
        "sql", help="向数据仓库提一个只读问题。读取个人信息明文（L3、L4）须以 --why 说明用途，并记入访问日志。"
    )
    def _sql(
        query: Annotated[str, typer.Argument(help="一条 SELECT 语句。", metavar="SQL")],
        role: Annotated[str, typer.Option("--role", help="以哪个角色查询。")] = ANALYST,
        output: Annotated[Format, typer.Option("--format", help="输出格式。")] = Format.TABLE,
        why: Annotated[str | None, typer.Option("--why", help="读取个人信息明文的用途。")] = None,
    ) -> None:
        headers, rows = ask_as(load_settings(), role, query, why=why)
        show(headers, rows, output)

    @app.command("dsn", help="打印某个角色的连接串（含密码），供 psql、BI 工具和笔记本使用。")
    def _dsn(
        role: Annotated[str, typer.Option("--role", help="哪个角色。")] = ANALYST,
    ) -> None:
        typer.echo(role_dsn(load_settings(), role))


Answer = tuple[tuple[str, ...], list[tuple[Any, ...]]]


def ask_as(settings: Settings, role: str, query: str, *, why: str | None) -> Answer:
    """Log in as a role and run one query; a read of plain L3 or L4 columns is logged before the answer is returned.

    Raises:
        QuestionRefusedError: as `ask`; or it reads personal data and no purpose was given.
        RoleError: this home has no credential of the role.
    """
    with connect(role_dsn(settings, role)) as reader:
        if role in (ANALYST, AUDITOR, PUBLIC):
            return ask(reader, query)
        with connect(settings.dsn()) as owner:
            read = _planned(owner, reader, query)
            if read and not (why or "").strip():
                raise QuestionRefusedError(
                    "这一查询读取个人信息明文：请用 --why 说明用途；不需要明文时查询 *_masked 视图"
                )
            headers, rows = ask(reader, query)
            if read:
                access_log.record(
                    owner,
                    os_user=getpass.getuser(),
                    role=role,
                    program="weihai sql",
                    statement=query,
                    read=read,
                    row_count=len(rows),
                    purpose=why,
                )
    return headers, rows


def _planned(owner: Connection, reader: Connection, query: str) -> access_log.PersonalRead:
    _check_question(query)
    try:
        reader.read_only = True
        read = access_log.personal_reads(owner, reader, query)
        reader.rollback()
    except psycopg.Error as error:
        raise QuestionRefusedError(f"查询未能执行：{_complaint(error)}") from error
    return read


def ask(connection: Connection, query: str) -> Answer:
    """Run one query in a read-only transaction and return its column names and rows.

    Raises:
        QuestionRefusedError: not one query, or an error of the database.
    """
    _check_question(query)
    connection.read_only = True
    try:
        with connection.cursor() as cursor:
            # prepared: the protocol then takes a single statement only
            cursor.execute(query.encode(), prepare=True)
            headers = tuple(column.name for column in cursor.description or ())
            return headers, cursor.fetchall()
    except psycopg.Error as error:
        raise QuestionRefusedError(f"查询未能执行：{_complaint(error)}") from error


def _check_question(query: str) -> None:
    words = query.split(None, 1)
    if not words or words[0].lower().lstrip("(") not in _QUESTIONS:
        raise QuestionRefusedError("只接受一条查询语句（SELECT、WITH、VALUES、TABLE、EXPLAIN 或 SHOW）")


def _complaint(error: psycopg.Error) -> str:
    """What the database says, without the value that some of its messages end with."""
    return re.sub(r': ".*"$', "", error.diag.message_primary or type(error).__name__, flags=re.DOTALL)


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
