"""`weihai objection raise|list|show|decide`: what departments and users say is wrong in a record, and its ripple."""

from __future__ import annotations

import getpass
import sys
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

import typer
from rich.console import Console
from rich.table import Table

from connectors.as_of import CITY_TIME
from connectors.contract import load_contracts
from connectors.database import Connection, connect
from connectors.errors import UserError
from connectors.objections import deciding, raising
from connectors.objections.place import LIBRARIES, Place, in_library
from connectors.protection.roles import AUDITOR, DEPARTMENT_PREFIX
from connectors.settings import load_settings
from weihai.commands.sql import ask_as

FROM_INPUT = "-"
DECISIONS = {"upheld": "成立", "refused": "不予支持", "referred": "转办"}
KINDS = {"indicator": "指标", "share": "共享", "open_dataset": "开放数据", "library": "基础库"}
_CLOSED = "('不予支持', '已更正')"
_FIELDS = {
    "state": "状态",
    "department": "报送部门",
    "handler": "处理部门",
    "raised_for": "提出部门",
    "contract_id": "数据集",
    "batch_id": "批次",
    "row_no": "行",
    "column_name": "字段",
    "library": "见于",
    "library_field": "库字段",
    "value_masked": "记录中的值",
    "should_be_masked": "应为",
    "why": "依据",
    "raised_by": "登记人",
    "raised_at": "登记时间",
    "due_on": "处理期限",
    "decision": "处理",
    "refer_to": "转往",
    "decision_why": "处理理由",
    "decided_by": "处理人",
    "decided_at": "处理时间",
    "mended_batch_id": "更正批次",
    "is_as_stated": "更正后与所述一致",
    "mended_at": "更正时间",
}


class Decision(StrEnum):
    """What is decided on an objection."""

    upheld = "upheld"
    refused = "refused"
    referred = "referred"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    objection = typer.Typer(
        help="异议：对一条记录提出、处理、查看影响。成立的异议成为报送部门的工单，由更正该值的报送办结。",
        no_args_is_help=True,
    )
    app.add_typer(objection, name="objection")
    objection.command("raise")(raise_)
    objection.command("list")(list_objections)
    objection.command("show")(show)
    objection.command("decide")(decide)


def raise_(  # noqa: PLR0917  a command takes its options by name
    why: Annotated[
        str, typer.Option("--why", help="依据，如：与户口簿不符。其中的号码和该记录的姓名等个人信息会被遮盖。")
    ],
    field: Annotated[str | None, typer.Option("--field", help="哪个字段；不写为整条记录。")] = None,
    extract: Annotated[str | None, typer.Option("--extract", help="数据集，如 market_regulation__enterprise。")] = None,
    batch: Annotated[int | None, typer.Option("--batch", help="批次。")] = None,
    row: Annotated[int | None, typer.Option("--row", help="该批次文件中的行号。")] = None,
    library: Annotated[str | None, typer.Option("--library", help=f"或者：基础库 {'、'.join(LIBRARIES)}。")] = None,
    record: Annotated[
        str | None, typer.Option("--record", help="库中的标识：person_id、entity_id 或 record_key。")
    ] = None,
    should_be: Annotated[
        str | None, typer.Option("--should-be", help="应为何值；- 为从提示或标准输入读取（个人信息勿写在命令行）。")
    ] = None,
    by: Annotated[str | None, typer.Option("--by", help="提出异议的部门；不写为其他用户。")] = None,
) -> None:
    """登记一条异议：对某批次某一行，或基础库的一条记录。

    例：weihai objection raise --extract market_regulation__enterprise --batch 12 --row 345 --field status
    --should-be 注销 --by taxation --why 已办理税务注销
    """
    settings = load_settings()
    contracts = load_contracts(settings.contract_folders)
    with connect(settings.dsn()) as connection:
        place = _place(connection, extract, batch, row, library, record, field)
        objection = raising.Objection(place, _value(should_be), by, why)
        number = raising.raise_objection(
            settings, connection, contracts, objection, actor=getpass.getuser(), now=datetime.now(CITY_TIME)
        )
        [due_on, department] = connection.execute(
            "select due_on, department from quality.objection where objection_id = %s", (number,)
        ).fetchone() or (None, None)
    typer.echo(f"异议 {number} 已登记，由 {department} 于 {due_on or '（工作日历未公布）'} 前处理")
    typer.echo(f"影响：weihai objection show {number}；处理：weihai objection decide {number} …")


def _place(  # noqa: PLR0917  the options of the command
    connection: Connection,
    extract: str | None,
    batch: int | None,
    row: int | None,
    library: str | None,
    record: str | None,
    field: str | None,
) -> Place:
    if library is None and extract is not None and batch is not None and row is not None:
        return Place(extract, batch, row, field)
    if extract is None and library is not None and record is not None:
        try:
            return in_library(connection, library, UUID(record), field)
        except ValueError:
            raise UserError("--record 应是库中的标识（person_id、entity_id 或 record_key），不是号码") from None
    raise UserError("请用 --extract --batch --row 指明报送中的一行，或用 --library --record 指明基础库中的一条记录")


def _value(should_be: str | None) -> str | None:
    if should_be != FROM_INPUT:
        return should_be
    return typer.prompt("应为", hide_input=True) if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")


Role = Annotated[str, typer.Option("--role", help="以哪个角色查看：auditor 看全部，部门角色看与己有关的。")]


def list_objections(
    everything: Annotated[bool, typer.Option("--all", help="不予支持和已更正的也列出。")] = False,
    role: Role = AUDITOR,
) -> None:
    """列出异议和它们的状态，期限近的在前。"""
    columns = ("objection_id", "state", "department", "handler", "contract_id", "column_name", "due_on")
    _, rows = ask_as(
        load_settings(),
        role,
        f"select {', '.join(columns)} from quality.objection"
        + ("" if everything else f" where state not in {_CLOSED}")
        + " order by due_on nulls last, objection_id",
        why=None,
    )
    _print(("异议", "状态", "报送部门", "处理部门", "数据集", "字段", "处理期限"), rows)


def show(
    number: Annotated[int, typer.Argument(help="异议编号，见 weihai objection list。")],
    role: Role = AUDITOR,
    why: Annotated[str | None, typer.Option("--why", help="以部门角色查看所述明文的用途，记入访问日志。")] = None,
) -> None:
    """一条异议、它的处理和影响；值已脱敏，--role department_… --why 用途 可见所述明文。"""
    settings = load_settings()
    _, rows = ask_as(
        settings,
        role,
        f"select {', '.join(_FIELDS)} from quality.objection where objection_id = {number}",
        why=None,
    )
    if not rows:
        raise UserError(f"没有异议 {number}，或与这个角色无关；weihai objection list 列出现有的")
    facts = [(title, value) for title, value in zip(_FIELDS.values(), rows[0], strict=True) if value is not None]
    if role.startswith(DEPARTMENT_PREFIX) and why is not None:
        _, stated = ask_as(
            settings, role, f"select should_be from objection.statement where objection_id = {number}", why=why
        )
        facts += [("应为（明文）", value) for (value,) in stated]
    _print(("项目", "内容"), facts)
    _, rows = ask_as(
        settings,
        role,
        "select kind, subject, title, value_before, star_before, value_after, star_after"
        f" from quality.objection_ripple where objection_id = {number} order by kind, subject",
        why=None,
    )
    typer.echo("影响（由血缘得出）：")
    _print(
        ("种类", "标识", "名称", "更正前的值", "星级", "更正后的值", "星级"),
        [(KINDS.get(kind, kind), *rest) for kind, *rest in rows],
    )


def decide(
    number: Annotated[int, typer.Argument(help="异议编号。")],
    decision: Annotated[Decision, typer.Argument(help="upheld 成立；refused 不予支持；referred 转办。")],
    why: Annotated[str, typer.Option("--why", help="理由。其中的号码和该记录的姓名等个人信息会被遮盖。")],
    to: Annotated[str | None, typer.Option("--to", help="转办给哪个部门。")] = None,
) -> None:
    """处理一条异议：追加记录；成立的即成为报送部门的工单。"""
    settings = load_settings()
    with connect(settings.dsn()) as connection:
        deciding.decide(
            connection,
            load_contracts(settings.contract_folders),
            number,
            decision.value,
            why=why,
            refer_to=to,
            actor=getpass.getuser(),
            now=datetime.now(CITY_TIME),
        )
    typer.echo(f"异议 {number}：{DECISIONS[decision]}" + (f"，转 {to}" if to else ""))


def _print(headers: tuple[str, ...], rows: list[tuple[Any, ...]]) -> None:
    table = Table()
    for header in headers:
        table.add_column(header, overflow="fold")
    for row in rows:
        table.add_row(*(_shown(cell) for cell in row))
    console = Console()
    console.print(table)
    console.print(f"{len(rows)} 项")


def _shown(cell: Any) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "是" if cell else "否"
    if isinstance(cell, datetime):
        return f"{cell.astimezone(CITY_TIME):%Y-%m-%d %H:%M}"
    return str(cell)
