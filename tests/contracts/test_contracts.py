"""Every contract of this checkout: complete, careful, and as promised to those who build on its names."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from ruamel.yaml import YAML

from connectors.contract import Column, ColumnType, Contracts
from connectors.contract_lint import lint
from connectors.contract_schema import SCHEMA_FILE, json_schema, schema_text
from connectors.model_sources import render_sources
from connectors.raw_tables import comments, control_columns, create_statement
from connectors.settings import CHECKOUT
from weihai.commands.contract import known_departments

FOLDER = CHECKOUT / "connectors" / "contracts"
FIXTURES = Path(__file__).parents[1] / "fixtures"
FILES = sorted(FOLDER.glob("[!_]*/[!_]*.yml"))
PROMISED: Mapping[str, Mapping[str, Any]] = json.loads((FIXTURES / "promised_columns.json").read_text(encoding="utf-8"))


def test_nothing_is_wrong_when_all_contracts_are_linted() -> None:
    files, problems = lint((FOLDER,), known_departments())
    assert [str(problem) for problem in problems] == []
    assert set(files.contracts) >= set(PROMISED)


@pytest.mark.parametrize("contract_id", sorted(PROMISED))
def test_names_are_as_promised_when_others_build_on_them(contracts: Contracts, contract_id: str) -> None:
    contract, promised = contracts[contract_id], PROMISED[contract_id]
    assert contract.title == promised["title"]
    assert [list(contract.key), list(contract.fallback_key), list(contract.identity)] == [
        promised["key"],
        promised["fallback_key"],
        promised["identity"],
    ]
    assert (contract.mode, contract.cycle) == (promised["mode"], promised["cycle"])
    for name, text in promised["columns"].items():
        header, kind, *level = text.split()
        assert described(contract.columns[name]) == (header, kind)
        assert not level or contract.level(name) == level[0]


def described(column: Column) -> tuple[str, str]:
    unit = f"({column.unit})" if column.unit else ""
    flag = {True: "!", "warning": "!w", False: ""}[column.required]
    return column.header, f"{column.type}{unit}{flag}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}__{path.stem}")
def test_editor_schema_accepts_the_file_when_validated(path: Path) -> None:
    data = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    jsonschema.validate(data, json_schema())


def test_editor_schema_refuses_when_a_key_is_unknown() -> None:
    data = YAML(typ="safe", pure=True).load(FILES[0].read_text(encoding="utf-8"))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**data, "colour": "red"}, json_schema())


def test_committed_schema_is_current_when_the_model_changed() -> None:
    assert SCHEMA_FILE.read_text(encoding="utf-8") == schema_text(), "运行 weihai contract schema --write"


def test_sources_describe_every_stored_column_when_rendered(contracts: Contracts) -> None:
    text = render_sources(contracts)
    (source,) = yaml.load(text, Loader=yaml.CSafeLoader)["sources"]
    assert source["schema"] == "raw"
    assert [table["name"] for table in source["tables"]] == sorted(contracts)
    for table in source["tables"]:
        columns = {column["name"]: column for column in table["columns"]}
        contract = contracts[table["name"]]
        assert list(columns) == [field.name for field in contract.fields] + list(control_columns(contract))
        for field in contract.fields:
            assert columns[field.name]["config"]["meta"]["level"] == field.level
            assert columns[field.name]["description"]


def test_sources_are_the_same_text_when_rendered_in_another_order(contracts: Contracts) -> None:
    backwards = dict(reversed(list(contracts.items())))
    assert render_sources(backwards) == render_sources(contracts)


def test_sources_look_as_in_the_golden_file_when_rendered(contracts: Contracts) -> None:
    golden = FIXTURES / "golden" / "sources_commerce__ecommerce.yml"
    one = {"commerce__ecommerce": contracts["commerce__ecommerce"]}
    assert render_sources(one) == golden.read_text(encoding="utf-8")


def test_ddl_names_every_field_once_when_rendered(contracts: Contracts) -> None:
    for contract in contracts.values():
        statement = create_statement(contract).as_string(None)
        names = [*(field.name for field in contract.fields), *control_columns(contract)]
        assert len(names) == len(set(names))
        assert all(statement.count(f'"{name}" ') == 1 for name in names)
        assert set(comments(contract)) == {None, *names}


def test_binding_words_are_in_the_lists_when_contracts_use_them(contracts: Contracts) -> None:
    words = {name: list(codes.words) for name, codes in contracts.codes.items()}
    assert words["status"] == ["在用", "停用", "注销", "吊销", "撤销", "废止", "关闭", "拆除", "报废", "过期", "迁出"]
    status = contracts.codes["status"]
    assert status.default == "在用"
    assert {"正常", "有效", "存续", "开业", "在营", "在业", "畅通", "完好", "已融合", "联网"} <= set(
        status.words["在用"]
    )
    assert len(words["open_category"]) == 22
    assert words["sharing_type"] == ["无条件共享", "有条件共享", "不予共享"]
    assert words["decision"] == ["同意", "不同意", "待受理"]
    assert words["update_cycle"] == ["实时", "每日", "每周", "每月", "每季度", "每半年", "每年"]
    assert words["vintage_annual"] == ["快报", "初步核算", "年报", "最终核实"]
    assert contracts.codes["vintage_annual"].default == "年报"


def test_industries_are_complete_when_loaded_from_their_file(contracts: Contracts) -> None:
    words = contracts.codes["gb_t_4754"].words
    lengths = [len(code) for code in words]
    assert [lengths.count(n) for n in (2, 3, 4)] == [97, 473, 1380]
    assert words["0111"] == ["稻谷种植"]


def test_every_code_column_has_words_when_loaded(contracts: Contracts) -> None:
    for contract in contracts.values():
        for name, column in contract.columns.items():
            if column.type is ColumnType.CODE:
                assert column.codes is not None
                assert contracts.codes[column.codes].words, (contract.id, name)
