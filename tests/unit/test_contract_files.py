"""Contract files: what they inherit, and how their problems are named."""

from __future__ import annotations

import re
from pathlib import Path
from textwrap import dedent

import pytest

from connectors.contract import ContractError, Contracts, Level, load_contracts

CODES = """\
status:
  title: 使用状态
  default: 在用
  words:
    在用: [正常]
    停用: []
open_category:
  title: 开放类别
  words:
    市场监管: []
"""
ELEMENTS = """\
uscc:
  header: 统一社会信用代码
  type: uscc
  aliases: [信用代码]
published_on:
  header: 发布日期
  type: date
"""
CONTRACT = """\
title: 检查结果
description: 检查结果，每次检查一行。
key: [inspection_no]
mode: append
cycle: daily
sharing: {type: 无条件共享}
columns:
  inspection_no: {header: 检查编号, type: text, required: true}
  uscc:
  status: {header: 状态, type: code, codes: status}
  is_closed: {header: 是否办结, type: bool}
  closed_on: {header: 办结日期, type: date}
  published_on: {header: 公布日期}
rules:
  closed_on_given:
    kind: required_if
    column: closed_on
    when: {is_closed: [是]}
    dimension: "0201"
    message: 已办结的应填写办结日期。
"""
PLACE = "market_regulation/inspection.yml"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "_codes.yml").write_text(CODES, encoding="utf-8")
    (tmp_path / "_elements.yml").write_text(ELEMENTS, encoding="utf-8")
    write(tmp_path, PLACE, CONTRACT)
    return tmp_path


def write(folder: Path, place: str, text: str) -> None:
    path = folder / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def problems(*folders: Path) -> list[str]:
    with pytest.raises(ContractError) as caught:
        load_contracts(folders)
    return [line.replace(f"{folders[0]}/", "") for line in str(caught.value).splitlines()]


def loaded(folder: Path) -> Contracts:
    return load_contracts((folder,))


def test_contract_is_named_by_its_place_when_loaded(folder: Path) -> None:
    contract = loaded(folder)["market_regulation__inspection"]
    assert (contract.department, contract.extract, contract.title) == ("market_regulation", "inspection", "检查结果")


def test_column_is_its_element_when_left_empty(folder: Path) -> None:
    column = loaded(folder)["market_regulation__inspection"].columns["uscc"]
    assert (column.header, column.aliases) == ("统一社会信用代码", ("信用代码",))


def test_element_header_becomes_an_alias_when_the_column_has_its_own(folder: Path) -> None:
    column = loaded(folder)["market_regulation__inspection"].columns["published_on"]
    assert (column.header, column.aliases, column.type) == ("公布日期", ("发布日期",), "date")


def test_inherited_alias_is_dropped_when_another_column_states_it(folder: Path) -> None:
    text = CONTRACT.replace("  status:", "  other_code: {header: 信用代码, type: text}\n  status:")
    write(folder, PLACE, text)
    assert loaded(folder)["market_regulation__inspection"].columns["uscc"].aliases == ()


def test_aliases_are_not_inherited_when_the_element_has_another_name(folder: Path) -> None:
    text = CONTRACT.replace("  status:", "  owner_uscc: {header: 建设单位信用代码, element: uscc}\n  status:")
    write(folder, PLACE, text)
    column = loaded(folder)["market_regulation__inspection"].columns["owner_uscc"]
    assert (column.type, column.aliases) == ("uscc", ())


def test_department_defaults_apply_when_the_contract_is_silent(folder: Path) -> None:
    write(folder, "market_regulation/_defaults.yml", "cycle: weekly\nquality_target: 0.95\nmode: full\n")
    write(folder, PLACE, CONTRACT.replace("mode: append\n", ""))
    contract = loaded(folder)["market_regulation__inspection"]
    assert (contract.cycle, contract.quality_target, contract.mode) == ("daily", 0.95, "full")


def test_every_department_gets_the_contract_when_it_is_shared(folder: Path) -> None:
    write(folder, "shared/meter.yml", "by: [water_group, power_supply]\n" + CONTRACT)
    assert set(loaded(folder)) == {
        "market_regulation__inspection",
        "water_group__meter",
        "power_supply__meter",
    }


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("mode: append", "mode: append\ncolour: red", f"{PLACE}:5: colour: 不认识的键"),
        ("type: bool}", "type: bool, lenght: 3}", f"{PLACE}:11: columns.is_closed.lenght: 不认识的键"),
        (
            'dimension: "0201"',
            'dimension: "0201"\n    weight: 2',
            f"{PLACE}:20: rules.closed_on_given.required_if.weight: 不认识的键",
        ),
        (
            "{type: 无条件共享}",
            "{type: 无条件共享, wy: x}",
            f"{PLACE}:6: sharing.wy: 不认识的键",
        ),
        ("mode: append", "mode: total", "mode: 应为其中之一：'full', 'incremental' or 'append'"),
        ("codes: status", "codes: statuses", f"{PLACE}:10: columns.status.codes: 没有代码表 statuses"),
        ("when: {is_closed: [是]}", "when: {is_closed: [yes]}", "when.is_closed: “yes”不是 is_closed 的取值"),
        ("when: {is_closed: [是]}", "when: {status: [正常]}", "when.status: “正常”不是 status 的取值"),
        ("kind: required_if", "kind: needed", f"{PLACE}:15: rules.closed_on_given: kind 应为其中之一"),
        ("key: [inspection_no]", "key: [inspection]", "没有定义的列：inspection"),
        ("header: 办结日期", "header: 状态", "表头“状态”同时属于 status 和 closed_on"),
        ("type: date}", "type: date, minimum: 3}", f"{PLACE}:12: columns.closed_on: minimum、maximum 只用于数值列"),
        (
            "{header: 公布日期}",
            "{header: 公布日期, element: nothing}",
            "columns.published_on.element: 没有数据元 nothing",
        ),
        ("title: 检查结果", "department: health\ntitle: 检查结果", f"{PLACE}:1: department: 由文件所在位置决定"),
        ("cycle: daily", "cycle: daily\nopening: {is_open: true, category: 未知}", "“未知”不是开放类别"),
        ("cycle: daily", "cycle: daily\nopening: {is_open: true}", f"{PLACE}:6: opening: 开放的资源"),
        ("description: 检查结果，每次检查一行。\n", "", "description: 缺少"),
        ("key: [", "key: [[", f"{PLACE}:4: 文件: 不是有效的 YAML"),
    ],
)
def test_problem_names_file_and_line_when_the_contract_is_wrong(
    folder: Path, old: str, new: str, expected: str
) -> None:
    assert old in CONTRACT
    write(folder, PLACE, CONTRACT.replace(old, new))
    assert expected in "\n".join(problems(folder))


@pytest.mark.parametrize(
    ("place", "text", "expected"),
    [
        ("_elements.yml", ELEMENTS + "  colour: red\n", "_elements.yml:8: published_on.colour: 不认识的键"),
        ("_codes.yml", CODES + "  colour: red\n", "_codes.yml:11: open_category.colour: 不认识的键"),
        ("_codes.yml", CODES.replace("停用: []", "停用: [正常]"), "“正常” 同时属于 在用 和 停用"),
        (
            "_codes.yml",
            CODES.replace("[正常]", "[ok]").replace("停用: []", "停用: [ＯＫ]"),
            "“ＯＫ” 同时属于 在用 和 停用",
        ),
        ("_codes.yml", "x:\n  title: x\n  file: nowhere.csv\n", "_codes.yml:3: x.file: 没有文件"),
        ("market_regulation/_defaults.yml", "cycle: daily\ncolour: red\n", "_defaults.yml:2: colour: 不认识的键"),
        ("shared/meter.yml", "by: [a_b, c_d]\ncolour: red\n" + CONTRACT, "shared/meter.yml:2: colour: 不认识的键"),
        ("shared/meter.yml", CONTRACT, "shared/meter.yml:1: by: 共用契约须列出提供部门"),
        ("shared/inspection.yml", "by: [market_regulation]\n" + CONTRACT, "market_regulation__inspection 已经定义过"),
    ],
)
def test_problem_names_the_other_file_when_that_is_wrong(folder: Path, place: str, text: str, expected: str) -> None:
    write(folder, place, text)
    found = problems(folder)
    assert any(expected in line for line in found)
    assert sum(expected in line for line in found) == 1


def test_all_problems_are_named_at_once_when_several_files_are_wrong(folder: Path) -> None:
    write(folder, PLACE, CONTRACT + "colour: red\n")
    write(folder, "health/hospital.yml", CONTRACT + "colour: red\n")
    assert [line.split(":")[0] for line in problems(folder)] == ["health/hospital.yml", PLACE]


def test_reference_is_refused_when_the_other_column_is_unknown(folder: Path) -> None:
    rule = dedent("""\
        rules:
          known:
            kind: reference
            column: uscc
            extract: market_regulation__enterprise
            to: uscc
            dimension: "0402"
            message: 应在登记信息中。
        """)
    write(folder, PLACE, CONTRACT[: CONTRACT.index("rules:")] + rule)
    assert problems(folder) == [f"{PLACE}:15: rules.known: 没有 market_regulation__enterprise.uscc"]


def test_words_come_from_the_file_when_a_code_list_names_one(folder: Path) -> None:
    write(
        folder, "industries.csv", "code,name\nA,农业\n01,农业\n02,林业\n021,林木育种\n0211,林木育种\n03,其他\n04,其他\n"
    )
    write(folder, "_codes.yml", CODES + "industry:\n  title: 行业\n  file: industries.csv\n")
    words = loaded(folder).codes["industry"].words
    assert words == {"A": [], "01": [], "02": ["林业"], "021": [], "0211": ["林木育种"], "03": [], "04": []}


def test_version_changes_when_a_code_list_in_use_does(folder: Path) -> None:
    before = loaded(folder)["market_regulation__inspection"].version
    write(folder, "_codes.yml", CODES.replace("停用: []", "停用: [停止使用]"))
    assert loaded(folder)["market_regulation__inspection"].version != before
    write(folder, "_codes.yml", CODES.replace("市场监管: []", "市场监管: [监管]"))
    assert loaded(folder)["market_regulation__inspection"].version == before


def test_level_follows_column_then_contract_then_person_when_asked(folder: Path) -> None:
    write(folder, "a/plain.yml", CONTRACT)
    write(folder, "a/person.yml", CONTRACT + "person: true\n")
    write(folder, "a/open.yml", CONTRACT.replace("type: bool", "type: bool, level: L4") + "default_level: L1\n")
    contracts = loaded(folder)
    assert contracts["a__plain"].level("status") is Level.L2
    assert contracts["a__person"].level("status") is Level.L3
    assert contracts["a__open"].level("status") is Level.L1
    assert contracts["a__open"].level("is_closed") is Level.L4


def test_money_is_stored_as_three_fields_when_the_contract_has_it(folder: Path) -> None:
    write(folder, PLACE, CONTRACT.replace("  status:", "  base_cny: {header: 基数, type: money, unit: CNY}\n  status:"))
    fields = loaded(folder)["market_regulation__inspection"].fields
    assert [f.name for f in fields if f.source == "base_cny"] == ["base_cny", "base_amount", "base_currency"]


def test_contract_of_a_later_folder_uses_the_earlier_elements_when_both_load(folder: Path, tmp_path: Path) -> None:
    extra = tmp_path / "extra"
    write(folder, "market_regulation/_defaults.yml", "quality_target: 0.8\n")
    write(extra, "market_regulation/other.yml", CONTRACT)
    contract = load_contracts((folder, extra))["market_regulation__other"]
    assert contract.columns["uscc"].type == "uscc"
    assert contract.quality_target == 0.8


def test_message_is_free_of_english_jargon_when_a_value_has_the_wrong_type(folder: Path) -> None:
    write(folder, PLACE, CONTRACT.replace("columns:\n", "columns: 3\nnote:\n"))
    assert not re.search(r"Input should|Field required", "\n".join(problems(folder)))
