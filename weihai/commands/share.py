"""`weihai share request|approve|refuse|end|list`: what one department may see of another's data."""

from __future__ import annotations

import getpass
from datetime import date, datetime
from typing import Annotated

import typer

from connectors.as_of import CITY_TIME
from connectors.contract import load_contracts
from connectors.database import connect
from connectors.errors import UserError
from connectors.protection import sharing
from connectors.protection.protect import protect
from connectors.settings import load_settings


def register(app: typer.Typer) -> None:
    """Add the commands."""
    share = typer.Typer(
        help="部门之间的数据共享：申请、答复、终止、查看。同意后申请部门用自己的角色即可查询 share 下的视图。",
        no_args_is_help=True,
    )
    app.add_typer(share, name="share")

    @share.command("request")
    def _request(  # noqa: PLR0917
        department: Annotated[str, typer.Argument(help="申请部门，如 civil_affairs。")],
        contract: Annotated[str, typer.Argument(help="数据集，如 public_security__household_population。")],
        columns: Annotated[str, typer.Option("--columns", help="字段，逗号分隔。")],
        until: Annotated[str, typer.Option("--until", help="有效期，如 2027-12-31。")],
        why: Annotated[str, typer.Option("--why", help="用途和依据。")],
        where: Annotated[list[str] | None, typer.Option("--where", help="只要这些行：字段=值，可重复。")] = None,
    ) -> None:
        """登记一份共享申请；提供部门应在 10 个工作日内答复。

        例：weihai share request civil_affairs public_security__household_population
        --columns name,household_no --where registered_division_code=371002 --until 2027-12-31 --why 低保核对
        """
        settings = load_settings()
        request = sharing.Request(
            department=department,
            contract_id=contract,
            columns=tuple(name.strip() for name in columns.split(",") if name.strip()),
            condition=dict(_condition(text) for text in where or []),
            purpose=why,
            valid_until=_day(until),
        )
        with connect(settings.dsn()) as connection:
            contracts = load_contracts(settings.contract_folders)
            number = sharing.ask(connection, contracts, request, actor=getpass.getuser(), now=datetime.now(CITY_TIME))
        typer.echo(f"共享申请 {number} 已登记；答复：weihai share approve {number} --why …")

    for decision, words in (("approve", "同意"), ("refuse", "拒绝"), ("end", "终止")):
        _add_decision(share, decision, words)

    @share.command("list")
    def _list(
        everything: Annotated[bool, typer.Option("--all", help="已拒绝、终止和到期的也列出。")] = False,
    ) -> None:
        """列出共享申请和它们的状态。"""
        with connect(load_settings().dsn()) as connection:
            rows = sharing.requests(connection, everything=everything)
        for number, department, contract_id, state, due_on, until in rows:
            due = f"，应于 {due_on or '（工作日历未公布）'} 前答复" if "答复" in state else f"，有效期至 {until}"
            typer.echo(f"{number}  {department} ← {contract_id}  {state}{due}")
        if not rows:
            typer.echo("没有共享申请")


def _add_decision(share: typer.Typer, decision: sharing.Decision | str, words: str) -> None:
    @share.command(decision, help=f"{words}一份共享申请；立即生效，并留下记录。")
    def _decide(
        number: Annotated[int, typer.Argument(help="申请号，见 weihai share list。")],
        why: Annotated[str, typer.Option("--why", help="理由。")],
    ) -> None:
        settings = load_settings()
        with connect(settings.dsn()) as connection:
            sharing.decide(
                connection,
                number,
                decision,  # type: ignore[arg-type]
                why=why,
                actor=getpass.getuser(),
                now=datetime.now(CITY_TIME),
            )
            applied = protect(connection, load_contracts(settings.contract_folders))
        typer.echo(f"共享申请 {number}：已{words}")
        for grant in applied.granted:
            typer.echo(f"  {grant.role} 可读 {grant.schema}.{grant.relation}")
        if decision == "approve" and not applied.granted:
            typer.echo("  尚未授权：该部门的数据库角色还不存在（weihai up），或数据集还没有入库")


def _condition(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign or not name.strip():
        raise UserError(f"--where {text} 应写成 字段=值")
    return name.strip(), value.strip()


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UserError(f"--until {text} 不是日期，应写成 2027-12-31") from None
