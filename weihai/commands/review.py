"""`weihai review list|show|decide`: mentions that may mean somebody, and a person's word on them."""

from __future__ import annotations

import getpass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from connectors.as_of import CITY_TIME
from connectors.database import connect
from connectors.errors import UserError
from connectors.protection.roles import ANALYST, OWNER
from connectors.settings import load_settings
from linkage import reviewing
from weihai.commands.sql import ask_as

REASONS = {
    "weak_evidence": "依据不足",
    "several_candidates": "符合的不止一个",
    "number_contradicted": "号码属于姓名不同的另一人",
    "two_numbers": "姓名、出生日期相同而号码不同",
    "shared_code": "代码相同而名称不同",
}
VERDICTS = {"same": "相同", "different": "不同", "open": "撤销"}
_SIDES = {True: "疑问中的提及", False: "候选"}
_HIDDEN = ("review_id", "is_in_doubt")


class LibraryName(StrEnum):
    """The two libraries in which records are linked."""

    population = "population"
    legal_entity = "legal_entity"


class Verdict(StrEnum):
    """What a person decides."""

    same = "same"
    different = "different"
    open = "open"


Role = Annotated[str, typer.Option("--role", help="以哪个角色查询；etl 可见明文。")]
Why = Annotated[str | None, typer.Option("--why", help="读取个人信息明文的用途，记入访问日志。")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    review = typer.Typer(
        help="核查归并中的疑问：列出、查看双方所述、作出决定；决定自下次运行（weihai run）起生效，可由后来的决定代替。",
        no_args_is_help=True,
    )
    app.add_typer(review, name="review")
    review.command("list")(list_reviews)
    review.command("show")(show_review)
    review.command("decide")(decide)


def list_reviews(  # noqa: PLR0917  a command takes its options by name
    library: Annotated[LibraryName, typer.Option("--library", help="人口库或法人库。")] = LibraryName.population,
    reason: Annotated[str | None, typer.Option("--reason", help=f"只列一种原因：{'、'.join(REASONS)}。")] = None,
    decided: Annotated[bool, typer.Option("--decided", help="改为列出已作出的决定。")] = False,
    limit: Annotated[int, typer.Option("--limit", help="最多列出多少项。", min=1)] = 50,
    role: Role = ANALYST,
    why: Why = None,
) -> None:
    """列出待核查的提及（权重高的在前），或已作出的决定；姓名已脱敏，--role etl --why 用途 可见明文。"""
    if decided:
        _print_table(*_decisions(library, limit))
        return
    if reason is not None and reason not in REASONS:
        raise UserError(f"没有这种原因：{reason}；有 {'、'.join(REASONS)}")
    condition = "" if reason is None else f" where reason = '{reason}'"
    headers, rows = ask_as(
        load_settings(),
        role,
        "select review_id, reason, weight, contract_id, role, candidate_id, name"
        f" from {library}.link_review{_suffix(role)}{condition} order by weight desc nulls last, review_id"
        f" limit {limit}",
        why=why,
    )
    del headers
    _print_table(
        ("核查编号", "原因", "权重", "来源", "角色", "可能所指", "姓名或名称"),
        [(key, REASONS.get(why_not, why_not), *rest) for key, why_not, *rest in rows],
    )


def _decisions(library: LibraryName, limit: int) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
    with connect(load_settings().dsn()) as connection:
        rows = connection.execute(
            "select d.decision_no, d.verdict, d.replaces, l.decision_no, e.actor, e.happened_at, e.why"
            " from linkage.decision d join quality.event e on e.seq = d.seq"
            " left join linkage.decision l on l.replaces = d.decision_no"
            " where d.library = %s order by d.decision_no desc limit %s",
            (library.value, limit),
        ).fetchall()
    return (
        ("编号", "决定", "代替", "已被代替", "决定人", "时间", "依据"),
        [
            (number, VERDICTS[verdict], replaces, replaced_by, actor, f"{at.astimezone(CITY_TIME):%Y-%m-%d %H:%M}", why)
            for number, verdict, replaces, replaced_by, actor, at, why in rows
        ],
    )


def show_review(
    review: Annotated[str, typer.Argument(help="核查编号，见 weihai review list。", metavar="REVIEW")],
    library: Annotated[LibraryName, typer.Option("--library", help="人口库或法人库。")] = LibraryName.population,
    role: Role = ANALYST,
    why: Why = None,
) -> None:
    """并列双方各自所述；缺省脱敏，--role etl --why 用途 可见明文（读取记入访问日志）。"""
    if reviewing.REVIEW_ID.fullmatch(review) is None:
        raise UserError("这不是核查编号：weihai review list 列出现有的编号")
    headers, rows = ask_as(
        load_settings(),
        role,
        f"select * from {library}.link_review_mention{_suffix(role)} where review_id = '{review}'"
        " order by is_in_doubt desc, contract_id, batch_id, row_no",
        why=why,
    )
    if not rows:
        raise UserError("没有这项待核查，或它已不在疑问中：weihai review list 列出现有的")
    in_doubt = headers.index("is_in_doubt")
    shown = [i for i, name in enumerate(headers) if name not in _HIDDEN]
    _print_table(
        ("一方", *(headers[i] for i in shown)), [(_SIDES[row[in_doubt]], *(row[i] for i in shown)) for row in rows]
    )


def decide(
    review: Annotated[
        str, typer.Argument(help="核查编号；或已作出的决定的编号，由这一次代替。", metavar="REVIEW|DECISION")
    ],
    verdict: Annotated[Verdict, typer.Argument(help="same 是同一个；different 不是；open 撤销已作出的决定。")],
    why: Annotated[str, typer.Option("--why", help="依据，如：已与公安户政电话核实。其中的号码会被遮盖。")],
) -> None:
    """作出决定：追加记录，自下次运行起生效；全量重算也遵守，直到由后来的决定代替。"""
    with connect(load_settings().dsn()) as connection:
        number = reviewing.decide(
            connection, review, verdict.value, actor=getpass.getuser(), why=why, now=datetime.now(CITY_TIME)
        )
    typer.echo(f"已记下第 {number} 号决定：{VERDICTS[verdict]}；运行 `weihai run` 后生效")


def _suffix(role: str) -> str:
    return "" if role == OWNER else "_masked"


def _print_table(headers: tuple[str, ...], rows: list[tuple[Any, ...]]) -> None:
    table = Table()
    for header in headers:
        table.add_column(header, overflow="fold")
    for row in rows:
        table.add_row(*("" if cell is None else str(cell) for cell in row))
    console = Console()
    console.print(table)
    console.print(f"{len(rows)} 项")
