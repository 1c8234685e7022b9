"""What `weihai contract check` finds beyond the model."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.contract_lint import lint

CONTRACT = """\
title: 检查结果
description: 检查结果，每次检查一行。
key: [inspection_no]
mode: append
cycle: daily
sharing: {type: 无条件共享}
columns:
  inspection_no: {header: 检查编号, type: text, required: true}
  name: {header: 检查对象, type: text}
  inspected_on: {header: 检查日期, type: date}
  published_on: {header: 公布日期, type: date}
rules:
  order:
    kind: date_order
    earlier: inspected_on
    later: published_on
    dimension: "0503"
    message: 检查日期不应晚于公布日期。
"""
OPEN = "default_level: L1\nopening: {is_open: true, category: 市场监管}\n"
CODES = "open_category: {title: 开放类别, words: {市场监管: []}}\n"


def found(folder: Path, text: str, department: str = "market_regulation") -> list[str]:
    (folder / "_codes.yml").write_text(CODES, encoding="utf-8")
    path = folder / department / "inspection.yml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    _, problems = lint((folder,), {"market_regulation"})
    return [f"{problem.line}: {problem.where}: {problem.what}" for problem in problems]


@pytest.mark.parametrize("text", [CONTRACT, CONTRACT + OPEN, CONTRACT.replace("mode: append", "mode: append\nnote: x")])
def test_nothing_is_found_when_the_contract_is_sound(tmp_path: Path, text: str) -> None:
    assert found(tmp_path, text) == []


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("每次检查一行。", "每次检查一行", "2: description: 应为一两句话，以“。”结尾"),
        ("公布日期。\n", "公布日期\n", "18: rules.order.message: 应为一句话，以“。”结尾"),
        (", required: true", "", "3: key: 至少一个键列须为 required，或另有 fallback_key"),
        ("key: [inspection_no]", "key: [inspection_no]\nfallback_key: [name]", "4: fallback_key: 至少一个键列须为"),
        ("header: 检查对象", "header: 联系人姓名", "9: columns.name: 联系人姓名 的级别不能低于 L3，现为 L2"),
        ("检查对象, type: text", "证件号码, type: id", "9: columns.name: 证件号码 的级别不能低于 L4，现为 L2"),
        (
            "检查对象, type: text",
            "检查对象, type: text, level: L1",
            "9: columns.name: 检查对象 为 L1（公开），而资源不开放",
        ),
        ("mode: append", "mode: append\nperson: true\ndefault_level: L2", "6: default_level: 涉及个人的契约"),
        (
            "header: 公布日期",
            "header: 检查 日期",
            "11: columns.published_on: 表头“检查 日期”与 inspected_on 的表头几乎相同",
        ),
        ("  name:", "  column_2:", "9: columns.column_2: 起草时的占位列名"),
        (
            "cycle: daily",
            "cycle: daily\nopening: {is_open: true, category: 市场监管}",
            "6: opening: 资源开放，却没有一列为 L1（公开）",
        ),
        ("mode: append", "mode: append\ncolour: red", "5: colour: 不认识的键"),
    ],
)
def test_problem_is_found_when_the_contract_is_careless(tmp_path: Path, old: str, new: str, expected: str) -> None:
    assert old in CONTRACT
    lines = found(tmp_path, CONTRACT.replace(old, new))
    assert [line for line in lines if line.startswith(expected)], lines


def test_personal_column_is_never_opened_when_the_contract_opens_all(tmp_path: Path) -> None:
    text = CONTRACT.replace("header: 检查对象", "header: 法定代表人") + OPEN
    assert found(tmp_path, text) == ["9: columns.name: 法定代表人 的级别不能低于 L3，现为 L1"]


def test_department_is_refused_when_it_is_unknown(tmp_path: Path) -> None:
    assert found(tmp_path, CONTRACT, "markets") == ["1: 文件: 没有部门 markets（见 seeds/departments.csv）"]
