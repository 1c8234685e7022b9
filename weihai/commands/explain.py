"""`weihai explain`: from a star back to the files it rests on, and from a record back to the cells it is made of."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from getpass import getpass
from typing import Annotated
from uuid import UUID

import typer
from rich.console import Console

from connectors.database import connect
from connectors.errors import UserError
from connectors.protection.roles import ANALYST, OWNER
from connectors.settings import load_settings
from weihai import explain as explaining
from weihai import explain_record, explain_rows
from weihai.commands.sql import ask_as

KINDS: Mapping[str, explain_record.Kind] = {"person": "person", "entity": "entity"}
"""What may be named in the place of an indicator."""


class Which(StrEnum):
    """Which source rows are listed."""

    ALL = "all"
    COUNTED = "counted"
    EXCLUDED = "excluded"


EXCLUDED: Mapping[Which, bool | None] = {Which.ALL: None, Which.COUNTED: False, Which.EXCLUDED: True}


def register(app: typer.Typer) -> None:
    """Add the command `explain`."""

    @app.command(
        "explain",
        help="说明一项指标：星级 → 规则 → 度量 → 操作数 → 数据 → 批次与文件；"
        "explain person [ID] 与 explain entity [USCC] 说明一条基础库记录：每个字段取自哪里，按什么规则，落选的是什么。"
        "自然人的号码按提示输入，不写在命令行上。",
    )
    def _explain(
        what: Annotated[
            str, typer.Argument(help="指标编号、序号（1–49）或名称；person；entity。", metavar="INDICATOR")
        ],
        key: Annotated[
            str | None, typer.Argument(help="person_id；统一社会信用代码或 entity_id。", metavar="ID")
        ] = None,
        *,
        as_of: Annotated[
            datetime | None, typer.Option("--as-of", formats=["%Y-%m-%d"], help="业务日期，缺省为最近一次已发布的。")
        ] = None,
        role: Annotated[str, typer.Option("--role", help="person、entity：以哪个角色查询；etl 可见明文。")] = ANALYST,
        why: Annotated[str | None, typer.Option("--why", help="person、entity：读取个人信息明文的用途。")] = None,
        rows: Annotated[
            str | None, typer.Option("--rows", help="列出这一操作数看到的原始行：计入的，未计入的及其原因。")
        ] = None,
        which: Annotated[Which, typer.Option("--which", help="--rows：全部、计入的或未计入的行。")] = Which.ALL,
        limit: Annotated[int, typer.Option("--limit", min=1, help="--rows：最多列几行。")] = 50,
        offset: Annotated[int, typer.Option("--offset", min=0, help="--rows：略过前几行。")] = 0,
    ) -> None:
        if what in KINDS:
            _record(KINDS[what], key, role, why)
            return
        if key is not None:
            raise UserError(
                f"多余的参数：指标只需一个；要看基础库记录用 explain person 或 explain entity（给的是 {what}）"
            )
        with connect(load_settings().dsn()) as connection:
            found = explaining.explain(connection, what, as_of.date() if as_of else None)
            if rows is None:
                told = explaining.lines(found)
            else:
                told = explain_rows.lines(connection, found, rows, excluded=EXCLUDED[which], limit=limit, offset=offset)
            for line in told:
                typer.echo(line)


def _record(kind: explain_record.Kind, key: str | None, role: str, why: str | None) -> None:
    if key is not None and kind == "person" and not _is_id(key):
        raise UserError("号码写在命令行上会留在历史记录里：请运行 weihai explain person，按提示输入")
    settings, is_plain = load_settings(), role == OWNER

    def ask(query: str) -> tuple[tuple[str, ...], list[tuple[object, ...]]]:
        return ask_as(settings, role, query, why=why)

    wanted = key if key is not None else _asked_for()
    record_id = explain_record.find(ask, kind, wanted, is_plain=is_plain)
    Console().print(explain_record.table(explain_record.explain(ask, kind, record_id, is_plain=is_plain)))


def _is_id(key: str) -> bool:
    try:
        UUID(key)
    except ValueError:
        return False
    return True


def _asked_for() -> str:
    """Ask without showing what is typed; a pipe is read to its first line."""
    return getpass("号码或标识：") if sys.stdin.isatty() else sys.stdin.readline()
