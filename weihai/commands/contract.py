"""`weihai contract`: check, draft and export the data contracts."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Annotated

import typer

from connectors.contract import load_contracts
from connectors.contract_draft import draft_contract, excerpt, title_of
from connectors.contract_lint import lint
from connectors.contract_schema import SCHEMA_FILE, schema_text
from connectors.errors import UserError
from connectors.model_sources import render_sources
from connectors.readers import open_file
from connectors.settings import CHECKOUT, load_settings

EXIT_PROBLEMS = 2
DEPARTMENTS_FILE = CHECKOUT / "seeds" / "departments.csv"


def register(app: typer.Typer) -> None:
    """Add `contract` to the command line."""
    group = typer.Typer(no_args_is_help=True, help="数据契约：检查、起草、导出。")
    group.command()(check)
    group.command()(new)
    group.command()(schema)
    group.command()(sources)
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
