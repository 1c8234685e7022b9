"""What a contract must obey beyond its model: readable, addressable, and careful with personal data."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from connectors.contract_files import ContractFiles, SourcedContract, read_contract_files
from connectors.contract_model import Column, ColumnType, Level
from connectors.yaml_files import Problem

_PERSONAL_HEADER = re.compile(r"姓名|法定代表人|法人代表|联系人|电话|手机|身份证|证件号|银行账号")
_PLACEHOLDER_NAME = re.compile(r"column_\d+")


def lint(folders: Sequence[Path], departments: Collection[str]) -> tuple[ContractFiles, list[Problem]]:
    """Read every contract below the folders and return them with all problems, in file and line order.

    Args:
        folders: as for `load_contracts`.
        departments: the known department ids.
    """
    files = read_contract_files(folders)
    problems = set(files.problems)
    for sourced in files.contracts.values():
        for check in (_wording, _keys, _levels, _headers):
            problems.update(check(sourced))
        if sourced.contract.department not in departments:
            problems.add(
                sourced.file.problem((), f"没有部门 {sourced.contract.department}（见 seeds/departments.csv）")
            )
    return files, sorted(problems)


def _wording(sourced: SourcedContract) -> Iterator[Problem]:
    contract, problem = sourced.contract, sourced.file.problem
    if not contract.description.endswith("。"):
        yield problem(("description",), "应为一两句话，以“。”结尾")
    for name in contract.columns:
        if _PLACEHOLDER_NAME.fullmatch(name):
            yield problem(("columns", name), "起草时的占位列名，请改为英文列名")
    for name, rule in contract.rules.items():
        if not rule.message.endswith("。"):
            yield problem(("rules", name, "message"), "应为一句话，以“。”结尾")


def _keys(sourced: SourcedContract) -> Iterator[Problem]:
    contract, problem = sourced.contract, sourced.file.problem
    for key in ("key", "fallback_key"):
        parts = [contract.columns[name] for name in getattr(contract, key)]
        addressed = any(part.required for part in parts) or (key == "key" and contract.fallback_key)
        if parts and not addressed:
            yield problem((key,), "至少一个键列须为 required，或另有 fallback_key")


def _levels(sourced: SourcedContract) -> Iterator[Problem]:
    contract, problem = sourced.contract, sourced.file.problem
    if contract.person and contract.default_level in (Level.L1, Level.L2):
        yield problem(("default_level",), "涉及个人的契约不能以 L1、L2 为默认级别")
    levels = {name: contract.level(name) for name in contract.columns}
    for name, column in contract.columns.items():
        least = _least_level(column)
        if levels[name] < least:
            yield problem(("columns", name), f"{column.header} 的级别不能低于 {least}，现为 {levels[name]}")
        if levels[name] is Level.L1 and not contract.opening.is_open:
            yield problem(("columns", name), f"{column.header} 为 L1（公开），而资源不开放")
    if contract.opening.is_open and Level.L1 not in levels.values():
        yield problem(("opening",), "资源开放，却没有一列为 L1（公开）")


def _least_level(column: Column) -> Level:
    if column.type is ColumnType.ID:
        return Level.L4
    return Level.L3 if _PERSONAL_HEADER.search(column.header) else Level.L1


def _headers(sourced: SourcedContract) -> Iterator[Problem]:
    """Headers of different columns must differ by more than width, case and spaces."""
    holders: dict[str, str] = {}
    for name, column in sourced.contract.columns.items():
        for header in (column.header, *column.aliases):
            folded = re.sub(r"\s", "", unicodedata.normalize("NFKC", header)).casefold()
            if (holder := holders.setdefault(folded, name)) != name:
                yield sourced.file.problem(("columns", name), f"表头“{header}”与 {holder} 的表头几乎相同")
