"""`weihai contract`: check, draft, compare and export the data contracts."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from connectors.catalogue import published_contracts
from connectors.contract import load_contracts
from connectors.contract_diff import Change, Effect, Side, Stored, as_if_stored, compare, removed_words
from connectors.contract_draft import draft_contract, excerpt, title_of
from connectors.contract_lint import lint
from connectors.contract_schema import SCHEMA_FILE, schema_text
from connectors.database import connect
from connectors.errors import UserError
from connectors.model_sources import render_sources
from connectors.raw_tables import count_words, stored_tables
from connectors.readers import open_file
from connectors.settings import CHECKOUT, load_settings

EXIT_PROBLEMS = 2
EXIT_REFUSED = 1
EXIT_CHANGED = 3
_EFFECT_WORDS = {Effect.PLAIN: "今后", Effect.MIGRATES: "自动迁移", Effect.WARNS: "须注意", Effect.REFUSED: "拒绝"}
DEPARTMENTS_FILE = CHECKOUT / "seeds" / "departments.csv"


class Format(StrEnum):
    """How changes are printed."""

    TABLE = "table"
    JSON = "json"


class ExportFormat(StrEnum):
    """What contracts are exported as."""

    ODCS = "odcs"


def register(app: typer.Typer) -> None:
    """Add `contract` to the command line."""
    group = typer.Typer(no_args_is_help=True, help="数据契约：检查、起草、比较、导出。")
    group.command()(check)
    group.command()(new)
    group.command()(diff)
    group.command()(schema)
    group.command()(sources)
    group.command()(export)
    app.add_typer(group, name="contract")


def check() -> None:
    """检查全部契约：每个问题一行（文件:行: 位置: 问题），有问题时退出码为 2。"""
    files, problems = lint(load_settings().contract_folders, known_departments())
    for problem in problems:
        typer.echo(_beside(problem.path, str(problem)))
    if problems:
        raise typer.Exit(EXIT_PROBLEMS)
    contracts = [sourced.contract for sourced in files.contracts.values()]
    columns = sum(len(contract.columns) for contract in contracts)
    rules = sum(len(contract.rules) for contract in contracts)
    typer.echo(f"{len(contracts)} 份契约，{columns} 列，{rules} 条规则，没有问题")


def new(
    department: Annotated[str, typer.Argument(help="部门，如 market_regulation。")],
    extract: Annotated[str, typer.Argument(help="数据集的英文名，如 inspection。")],
    file: Annotated[Path, typer.Argument(help="部门的一个真实文件。")],
    show: Annotated[bool, typer.Option("--print", help="只打印，不写入契约文件夹。")] = False,
) -> None:
    """按一个真实文件起草契约：列名、表头、类型取自文件，其余须人工核对。

    例：weihai contract new market_regulation inspection 双随机检查结果.xlsx
    """
    settings = load_settings()
    if department not in known_departments():
        raise UserError(f"没有部门 {department}：部门见 {DEPARTMENTS_FILE}")
    if not re.fullmatch("[a-z][a-z0-9_]*", extract):
        raise UserError(f"数据集名“{extract}”应由小写英文字母、数字和下划线组成，如 inspection")
    if not file.is_file():
        raise UserError(f"没有文件 {file}")
    target = settings.contract_folders[0] / department / f"{extract}.yml"
    if target.exists():
        raise UserError(f"契约 {department}__{extract} 已有（{target}），请直接修改它")
    sample = excerpt(open_file(file, limits=settings.limits))
    text = draft_contract(title_of(file), sample, load_contracts(settings.contract_folders))
    if show:
        typer.echo(text, nl=False)
        return
    target.parent.mkdir(exist_ok=True)
    target.write_text(text, encoding="utf-8")
    typer.echo(f"已起草 {target}：核对后运行 weihai contract check")


def diff(
    against: Annotated[
        Path | None,
        typer.Option("--against", help="与另一个契约文件夹比较（如另一份检出的 connectors/contracts）；不问数据库。"),
    ] = None,
    output: Annotated[Format, typer.Option("--format", help="输出格式。")] = Format.TABLE,
) -> None:
    """说明契约的改动意味着什么：与库中已发布的契约比较，或与 --against 的文件夹比较。

    只比较契约本身，并统计库中受影响的记录；不重读以前的文件。退出码：0 没有改动；3 有改动，都可以跟进；
    1 有改动被拒绝（raw 表不能跟进，这份数据的报送将暂缓入库）；2 用法有误。

    例：weihai contract diff --against ../main/connectors/contracts
    """
    settings = load_settings()
    now = load_contracts(settings.contract_folders)
    new = Side(now.by_id, now.codes)
    if against is not None:
        if not against.is_dir():
            raise UserError(f"没有文件夹 {against}")
        before = load_contracts([against])
        changes = compare(Side(before.by_id, before.codes), new, Stored(as_if_stored(before.by_id)))
    else:
        with connect(settings.dsn()) as connection:
            old = Side(*published_contracts(connection))
            words = removed_words(old, new)
            stored = Stored(stored_tables(connection, now), count_words(connection, words))
        changes = compare(old, new, stored)
    if output is Format.JSON:
        typer.echo(json.dumps([vars(c) for c in changes], ensure_ascii=False, indent=2))
    else:
        _print_changes(changes)
    if changes:
        refused = any(c.effect is Effect.REFUSED for c in changes)
        raise typer.Exit(EXIT_REFUSED if refused else EXIT_CHANGED)


def _print_changes(changes: Sequence[Change]) -> None:
    if not changes:
        typer.echo("没有改动")
        return
    table = Table("契约", "位置", "改动", "影响", "意味着", show_lines=True)
    previous = ""
    for change in changes:
        shown = change.contract if change.contract != previous else ""
        table.add_row(shown, change.subject, change.what, _EFFECT_WORDS[change.effect], change.means)
        previous = change.contract
    console = Console(highlight=False, markup=False)
    console.print(table)
    contracts = len({c.contract for c in changes})
    refused = len({c.contract for c in changes if c.effect is Effect.REFUSED})
    console.print(f"{contracts} 份契约有改动，{refused} 份被拒绝；影响程度：{'、'.join(_EFFECT_WORDS.values())}")


def schema(
    write: Annotated[bool, typer.Option("--write", help=f"写入 {SCHEMA_FILE.name}；默认只打印。")] = False,
) -> None:
    """打印契约文件的 JSON Schema，供编辑器补全和检查。"""
    if not write:
        typer.echo(schema_text(), nl=False)
        return
    SCHEMA_FILE.write_text(schema_text(), encoding="utf-8")
    typer.echo(f"已写入 {SCHEMA_FILE}")


def sources() -> None:
    """打印由契约生成的 dbt sources。"""
    typer.echo(render_sources(load_contracts(load_settings().contract_folders)), nl=False)


def export(
    contract_id: Annotated[str | None, typer.Argument(help="契约编号，如 education__school；不写则全部。")] = None,
    output: Annotated[ExportFormat, typer.Option("--format", help="导出的格式。")] = ExportFormat.ODCS,
    out: Annotated[Path | None, typer.Option("--out", help="写入这个文件夹，每份契约一个文件；默认打印。")] = None,
) -> None:
    """导出契约为 Open Data Contract Standard 文档（YAML）。

    例：weihai contract export education__school --format odcs
    """
    from connectors.departments import department_names
    from weihai.documentation import odcs

    contracts = load_contracts(load_settings().contract_folders)
    if contract_id is not None and contract_id not in contracts:
        raise UserError(f"没有契约 {contract_id}：全部契约见 weihai contract check 或门户的数据目录")
    departments = department_names()
    for contract in contracts.values():
        if contract_id not in (None, contract.id):
            continue
        document = odcs.document(contract, contracts, departments.get(contract.department, contract.department))
        if out is None:
            typer.echo("---\n" + odcs.text(document), nl=False)
        else:
            out.mkdir(parents=True, exist_ok=True)
            (out / f"{contract.id}.odcs.yaml").write_text(odcs.text(document), encoding="utf-8")
    if out is not None:
        typer.echo(f"已按 {output.value} 写入 {out}")


def known_departments() -> frozenset[str]:
    """Return the department ids of `seeds/departments.csv`."""
    with DEPARTMENTS_FILE.open(encoding="utf-8", newline="") as lines:
        return frozenset(row["id"] for row in csv.DictReader(lines))


def _beside(path: Path, text: str) -> str:
    """Shorten a path below the working folder, so that editors and people can follow it."""
    try:
        return text.replace(str(path), str(path.relative_to(Path.cwd())), 1)
    except ValueError:
        return text
