"""`weihai person find|erase`: where a person's data lies, and its erasure where the law says so."""

from __future__ import annotations

import getpass
import sys
from collections import Counter
from typing import Annotated

import typer

from connectors.contract import load_contracts
from connectors.database import connect
from connectors.errors import UserError
from connectors.privacy import mask_identifiers
from connectors.protection import access_log
from connectors.protection.persons import Found
from connectors.settings import load_settings


def register(app: typer.Typer) -> None:
    """Add the commands."""
    person = typer.Typer(
        help="查找和依法删除一个人的数据；号码从提示或标准输入读取，不写在命令行。", no_args_is_help=True
    )
    app.add_typer(person, name="person")

    @person.command("find")
    def _find(
        why: Annotated[str, typer.Option("--why", help="用途，记入访问日志。")],
    ) -> None:
        """打印一个人的数据在哪里：数据、批次、行号、基础库标识、归档文件；不显示内容。"""
        from connectors.protection.persons import find

        settings = load_settings()
        number = _ask()
        with connect(settings.dsn()) as connection:
            found = find(settings, connection, load_contracts(settings.contract_folders), number)
            touched = access_log.PersonalRead(tuple(sorted({f"raw.{r.contract_id}" for r in found.records})), ())
            access_log.record(
                connection,
                os_user=getpass.getuser(),
                role="etl",
                program="weihai person find",
                statement=None,
                read=touched,
                row_count=len(found.records),
                purpose=why,
            )
        for line in lines(found):
            typer.echo(line)

    @person.command("erase")
    def _erase(
        why: Annotated[str, typer.Option("--why", help="法律依据和请求，如：本人申请，个人信息保护法第四十七条。")],
        yes: Annotated[bool, typer.Option("--yes", help="不再询问。")] = False,
    ) -> None:
        """删除一个人的数据：原始表各版本、基础库、归档文件；行数仍在台账中。不可恢复。"""
        from connectors.protection.erasing import erase

        settings = load_settings()
        number = _ask()
        if not yes and not (sys.stdin.isatty() and typer.confirm("删除后不可恢复，继续？")):
            raise UserError("没有删除：从标准输入给号码时，请加 --yes 确认")
        with connect(settings.dsn(), autocommit=True) as connection:
            contracts = load_contracts(settings.contract_folders)
            done = erase(settings, connection, contracts, number, actor=getpass.getuser(), reason=why)
        for table, count in sorted(done.tables.items()):
            typer.echo(f"{table}  {count} 行")
        typer.echo(f"归档文件 {done.files['archive']} 个已改写，回执 {done.files['landing']} 个已删除")
        typer.echo("部门系统和已有备份中的数据不在此列；部门再次报送时会重新入库，请同时通知报送部门")


def _ask() -> str:
    return getpass.getpass("证件号码（不显示）：") if sys.stdin.isatty() else sys.stdin.readline().strip()


def lines(found: Found) -> list[str]:
    """Return what was found, as lines, without any value."""
    if not found:
        return ["没有找到"]
    told = [f"自然人标识 {person_id}" for person_id in found.person_ids]
    for hit in found.records:
        where = "、".join(hit.columns) or "归并关系"
        told.append(f"{hit.contract_id}  批次 {hit.batch_id}  第 {hit.row_no} 行  {where}  {hit.file_name}")
    told += [f"{table}  {count} 行" for table, count in sorted(found.tables.items())]
    told += [f"归档文件 {sha256}" for sha256 in found.archived]
    folders = Counter(str(path.parent) for path in found.files)
    return told + [f"{mask_identifiers(folder)}  {count} 个文件" for folder, count in sorted(folders.items())]
