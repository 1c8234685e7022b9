"""`weihai drop`, `receipt`, `release`, `refuse`: deliveries as people handle them."""

from __future__ import annotations

import getpass
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from connectors import batches, intake, landing, receipts
from connectors.as_of import CITY_TIME
from connectors.batches import Batch
from connectors.contract import load_contracts
from connectors.database import connect
from connectors.errors import UserError
from connectors.receipts.content import SEVERITY_WORDS, STATUS_WORDS
from connectors.settings import load_settings

SHOWN_ISSUES = 20


def register(app: typer.Typer) -> None:
    """Add the commands about deliveries."""
    app.command("drop")(drop)
    app.command("receipt")(receipt)
    app.command("release")(release)
    app.command("refuse")(refuse)


def drop(  # noqa: PLR0917  a command takes its arguments by position
    department: Annotated[str, typer.Argument(help="部门，如 market_regulation；或 weihai sample 生成的文件夹。")],
    extract: Annotated[str | None, typer.Argument(help="数据，即契约名 __ 之后的部分，如 enterprise。")] = None,
    files: Annotated[list[Path] | None, typer.Argument(help="一个或多个文件；多个文件是同一次报送的各份。")] = None,
    as_of: Annotated[str | None, typer.Option("--as-of", help="数据日期，如 2021-09-30。")] = None,
    scope: Annotated[
        list[str] | None, typer.Option("--scope", help="报送范围，如 division_code=371002；可重复。")
    ] = None,
    part: Annotated[str | None, typer.Option("--part", help="第几份/共几份，如 1/3。")] = None,
) -> None:
    """把一次报送放入收件区（整份放入，不会被读到一半）。"""
    settings = load_settings()
    if extract is None:
        folder = Path(department)
        if not folder.is_dir():
            raise UserError(f"没有文件夹 {folder}；或者写全：weihai drop 部门 数据 文件…")
        placed = landing.drop_folder(settings, folder)
    elif not files:
        raise UserError("请写明要报送的文件：weihai drop 部门 数据 文件…")
    else:
        placed = landing.drop(
            settings,
            department,
            extract,
            files,
            as_of=_date(as_of),
            scope=_scope(scope or []),
            part=_part(part),
        )
    print(f"已放入收件区 {len(placed)} 个文件：{settings.landing}")


def receipt(
    batch: Annotated[int | None, typer.Argument(help="批次号；不写则列出最近的批次。")] = None,
) -> None:
    """查看一个批次的回执，或最近的批次。"""
    settings = load_settings()
    with connect(settings.dsn()) as connection:
        if batch is None:
            _print_recent(batches.recent(connection))
            return
        found = batches.load(connection, batch)
        _print_receipt(receipts.read_json(connection, found))
    if found.status == "held":
        print(f"放行：weihai release {batch} --why 理由　退回：weihai refuse {batch} --why 理由")


def release(
    batch: Annotated[int, typer.Argument(help="暂缓入库的批次号。")],
    why: Annotated[str, typer.Option("--why", help="理由，记入台账。")],
) -> None:
    """放行一个暂缓入库的批次。"""
    settings = load_settings()
    contracts = load_contracts(settings.contract_folders)
    status = intake.release(settings, contracts, batch, actor=_actor(), why=why, now=_now())
    print(f"批次 {batch} {STATUS_WORDS[status]}；运行 weihai run 后指标随之更新。")


def refuse(
    batch: Annotated[int, typer.Argument(help="暂缓入库的批次号。")],
    why: Annotated[str, typer.Option("--why", help="理由，记入台账。")],
) -> None:
    """退回一个暂缓入库的批次。"""
    settings = load_settings()
    contracts = load_contracts(settings.contract_folders)
    intake.refuse(settings, contracts, batch, actor=_actor(), why=why, now=_now())
    print(f"批次 {batch} 已退回，回执已重写。")


def _print_recent(found: list[Batch]) -> None:
    if not found:
        print("还没有任何报送；用 weihai drop 放入文件，再 weihai run。")
        return
    table = Table(box=None)
    for title in ("批次", "数据", "文件", "数据日期", "结果"):
        table.add_column(title, no_wrap=title != "文件")
    for title in ("读入", "入库", "得分"):
        table.add_column(title, justify="right")
    for b in found:
        score = "" if b.score is None else f"{float(b.score):.1%}"
        name = b.contract_id or b.department or "未知部门"
        counts = ["" if n is None else f"{n:,}" for n in (b.rows_read, b.rows_loaded)]
        table.add_row(str(b.batch_id), name, b.file_name, str(b.as_of or ""), STATUS_WORDS[b.status], *counts, score)
    Console().print(table)


def _print_receipt(document: dict[str, Any]) -> None:
    rows = document["rows"]
    print(f"批次 {document['batch_id']}　{document['department'] or '未知部门'} {document['extract'] or ''}")
    print(f"文件 {document['file_name']}　数据日期 {document['as_of'] or '未定'}　{STATUS_WORDS[document['status']]}")
    print(document["summary"])
    skipped = sum(rows["skipped"].values())
    print(
        f"文件 {rows['physical']:,} 行 = 表头 {rows['header']:,} + 略过 {skipped:,} + 数据 {rows['read']:,}；"
        f"数据 = 入库 {rows['loaded']:,} + 未变 {rows['unchanged']:,} + 重复 {rows['duplicate']:,}"
        f" + 退回 {rows['rejected']:,}；撤回 {rows['withdrawn']:,}"
    )
    if document["quality"]["score"] is not None:
        print(f"质量得分 {document['quality']['score']:.2%}，目标 {document['quality']['target'] or 0:.0%}")
    for issue in document["issues"][:SHOWN_ISSUES]:
        where = f"第 {issue['row']} 行" if issue["row"] is not None else "整份"
        value = f"（{issue['value_masked']}）" if issue["value_masked"] else ""
        severity = SEVERITY_WORDS.get(issue["severity"], issue["severity"])
        print(f"  {where} {issue['header'] or ''}：{issue['message']}{value} [{severity}]")
    if len(document["issues"]) > SHOWN_ISSUES:
        print("  …… 更多见部门收件夹中的回执")


def _date(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise UserError(f"--as-of {text} 不是日期，应写作 2021-09-30") from error


def _scope(pairs: list[str]) -> dict[str, list[str]] | None:
    scope: dict[str, list[str]] = {}
    for pair in pairs:
        column, equals, value = pair.partition("=")
        if not equals or not column or not value:
            raise UserError(f"--scope {pair} 应写作 列=值，如 division_code=371002")
        scope.setdefault(column, []).append(value)
    return scope or None


def _part(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    number, _, total = text.partition("/")
    if not (number.isdecimal() and total.isdecimal()):
        raise UserError(f"--part {text} 应写作 第几份/共几份，如 1/3")
    return int(number), int(total)


def _actor() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # an account without a name
        return "unknown"


def _now() -> datetime:
    return datetime.now(CITY_TIME)
