"""`weihai pull`: read databases and HTTP interfaces into the landing zone."""

from __future__ import annotations

import os
from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer

from connectors.as_of import CITY_TIME
from connectors.contract import Contract, load_contracts
from connectors.database import connect
from connectors.dropping import known_contract
from connectors.errors import UserError
from connectors.settings import Settings, load_settings

EXIT_BROKEN = 1


def register(app: typer.Typer) -> None:
    """Add `pull` to the command line."""
    app.command("pull")(pull)


def pull(
    department: Annotated[str | None, typer.Argument(help="部门；不写则读取全部到期的来源。")] = None,
    extract: Annotated[str | None, typer.Argument(help="数据，即契约名 __ 之后的部分。")] = None,
    url_file: Annotated[
        Path | None, typer.Option("--url-file", help="从这个文件读地址（含密码，一行），不用 Airflow 连接。")
    ] = None,
    as_of: Annotated[str | None, typer.Option("--as-of", help="数据日期；默认为报送周期中最近一期的期末。")] = None,
    from_start: Annotated[bool, typer.Option("--from-start", help="不看水位，从头读取。")] = False,
) -> None:
    """从契约写明的数据库或接口读取，整份放入收件区；读不到尽头则什么也不放。

    例：weihai pull civil_affairs marriage
    """
    settings = load_settings()
    if (department is None) != (extract is None):
        raise UserError("请写全：weihai pull 部门 数据；或都不写，读取全部到期的来源")
    chosen = _chosen(settings, department, extract)
    if department is None and (url_file is not None or as_of is not None or from_start):
        raise UserError("--url-file、--as-of 和 --from-start 只用于一个来源：weihai pull 部门 数据 …")
    if not chosen:
        print("没有到期应读取的来源")
    failed = 0
    for contract in chosen:
        try:
            print(f"{contract.id}：{_pull(settings, contract, url_file, _date(as_of), from_start=from_start)}")
        except UserError as error:
            if department is not None:
                raise
            failed += 1
            typer.echo(f"{contract.id}：{error}", err=True)
    if failed:
        raise typer.Exit(EXIT_BROKEN)


def _chosen(settings: Settings, department: str | None, extract: str | None) -> list[Contract]:
    from connectors.sources import state

    contracts = load_contracts(settings.contract_folders)
    if department is not None and extract is not None:
        return [known_contract(contracts, department, extract)]
    sourced = [c for c in contracts.values() if c.source is not None]
    with connect(settings.dsn()) as connection:
        return [c for c in sourced if state.is_due(connection, c, datetime.now(CITY_TIME))]


def _pull(
    settings: Settings, contract: Contract, url_file: Path | None, as_of: date | None, *, from_start: bool
) -> str:
    from connectors.sources.endpoint import of_connection, of_url
    from connectors.sources.pull import connection_id, source_of
    from connectors.sources.pull import pull as pull_source
    from weihai.airflow_connection import ask

    kind = source_of(contract).kind
    if url_file is None:
        endpoint = of_connection(kind, ask(settings, connection_id(contract), os.environ))
    else:
        endpoint = of_url(kind, _first_line(url_file))
    report = pull_source(settings, contract, endpoint, now=datetime.now(CITY_TIME), as_of=as_of, from_start=from_start)
    return report.sentence


def _first_line(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise UserError(f"读不了文件 {path}") from error


def _date(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise UserError(f"--as-of {text} 不是日期，应写作 2021-09-30") from error
