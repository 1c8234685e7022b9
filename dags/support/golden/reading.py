"""Reads `seeds/survivorship.csv` and holds it against the contracts."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from connectors.contract import ColumnType, Contract
from connectors.settings import CHECKOUT
from dags.support.golden.cells import TRANSFORMS
from dags.support.golden.declaration import (
    LIBRARIES,
    RECORD,
    Check,
    Choice,
    Condition,
    Declaration,
    LibraryName,
    Rule,
)

SEED = CHECKOUT / "seeds" / "survivorship.csv"
MOST_RANK = 99
"""Winners are kept as source × 100 + rank."""

_NUMBERS = frozenset({ColumnType.ID, ColumnType.USCC, ColumnType.TEXT})
Refuse = Callable[[str], "SurvivorshipError"]


class SurvivorshipError(ValueError):
    """A row of the declaration cannot be carried out; says which row and why."""


def load(contracts: Mapping[str, Contract], path: Path = SEED) -> Mapping[LibraryName, Declaration]:
    """Read the declaration and hold it against the contracts.

    Raises:
        SurvivorshipError: an unknown contract, role, column, rule, condition or transform; ambiguous ranks.
    """
    with path.open(encoding="utf-8", newline="") as text:
        rows = list(enumerate(csv.DictReader(text), start=2))
    if unknown := sorted({row["contract_id"] for _, row in rows} - set(contracts)):
        raise SurvivorshipError(f"survivorship.csv：没有契约 {'、'.join(unknown)}")
    choices = [_choice(number, row, contracts) for number, row in rows]
    _check_ranks(choices)
    return {name: Declaration(name, tuple(c for c in choices if c.library == name)) for name in LIBRARIES}


def _choice(number: int, row: Mapping[str, str], contracts: Mapping[str, Contract]) -> Choice:
    def refuse(why: str) -> SurvivorshipError:
        return SurvivorshipError(f"survivorship.csv 第 {number} 行（{row['field']}，{row['contract_id']}）：{why}")

    contract = contracts[row["contract_id"]]
    mention = contract.mentions.get(row["role"])
    if mention is None:
        raise refuse(f"契约的 mentions 中没有角色 {row['role']}；有 {'、'.join(contract.mentions)}")
    if row["library"] != mention.library:
        raise refuse(f"角色 {row['role']} 属于 {mention.library}，不属于 {row['library']}")
    stored = {field.name for field in contract.fields}
    for column in filter(None, (row["column_name"], row["dated_by"])):
        if column not in stored:
            raise refuse(f"没有列 {column}")
    if row["rule"] not in list(Rule):
        raise refuse(f"没有规则 {row['rule']}；可用 {'、'.join(Rule)}")
    if row["transform"] and row["transform"] not in TRANSFORMS:
        raise refuse(f"没有转换 {row['transform']}；可用 {'、'.join(TRANSFORMS)}")
    if not row["rank"].isdigit() or not 1 <= int(row["rank"]) <= MOST_RANK:
        raise refuse(f"rank 须为 1–{MOST_RANK} 的整数")
    rule = Rule(row["rule"])
    conditions = tuple(_condition(text, contract, refuse) for text in row["condition"].split())
    if rule is Rule.VALIDITY and not conditions:
        raise refuse("规则 validity 须写明 condition")
    if row["dated_by"] and rule is not Rule.RECENCY:
        raise refuse("dated_by 只用于规则 recency")
    if rule is Rule.RECENCY and row["field"] != RECORD and not row["dated_by"]:
        raise refuse("规则 recency 须写明 dated_by")
    if row["field"] == RECORD and rule not in (Rule.VALIDITY, Rule.RECENCY):
        raise refuse("选取记录只用 validity 和 recency")
    library: LibraryName = mention.library
    return Choice(
        library, row["field"], int(row["rank"]), contract, row["role"], row["column_name"], rule, conditions,
        row["transform"], row["dated_by"],
    )  # fmt: skip


def _condition(text: str, contract: Contract, refuse: Refuse) -> Condition:
    kind, _, subject = text.partition(":")
    if kind not in list(Check):
        raise refuse(f"没有条件 {kind}；可用 {'、'.join(Check)}")
    check = Check(kind)
    subject, _, words = subject.partition("=")
    name = subject.partition(".")[0]
    known = name in contract.columns or any(name == f.name for f in contract.fields)
    if not known and not (check is Check.SOUND and subject in contract.rules):
        raise refuse(f"条件 {text} 所指的列或规则不存在")
    if (check is Check.IS) != bool(words):
        raise refuse("条件 is 须写成 is:列=词|词，其余条件不带词")
    if check in (Check.USABLE, Check.UNUSABLE) and contract.columns[name].type not in _NUMBERS:
        raise refuse(f"条件 {text} 只用于号码列")
    return Condition(check, subject, tuple(words.split("|")) if words else ())


def _check_ranks(choices: Iterable[Choice]) -> None:
    """Within a field, cells share a rank only to be weighed against each other, and a source stands once per rank."""
    seen: dict[tuple[str, str, int], list[Choice]] = {}
    for choice in choices:
        if choice.rule is Rule.COLLECT:
            continue
        key = (choice.library, choice.field if choice.field != RECORD else f"{RECORD}{choice.source}", choice.rank)
        seen.setdefault(key, []).append(choice)
    for (_, field, rank), sharing in seen.items():
        rules = {c.rule for c in sharing}
        if len(sharing) > 1 and rules not in ({Rule.RECENCY}, {Rule.COMPLETENESS}):
            raise SurvivorshipError(
                f"survivorship.csv：{field} 的 rank {rank} 有多行；只有 recency、completeness 可同级"
            )
        if len({c.source for c in sharing}) < len(sharing):
            raise SurvivorshipError(f"survivorship.csv：{field} 的 rank {rank} 中同一来源出现两次")
