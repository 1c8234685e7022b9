"""Every contract as a valid document of the Open Data Contract Standard, every delivered column with a meaning."""

from __future__ import annotations

import importlib.resources
import json
from typing import Any

import pytest
import yaml
from jsonschema.protocols import Validator
from jsonschema.validators import validator_for
from open_data_contract_standard.model import OpenDataContractStandard
from typer.testing import CliRunner

from connectors.contract import Contracts
from weihai.cli import build_app
from weihai.documentation import odcs
from weihai.documentation.dictionary import contract_entries, unit_of


@pytest.fixture(scope="module")
def standard() -> Validator:
    """A validator for the JSON Schema that the standard publishes."""
    package = importlib.resources.files("open_data_contract_standard")
    schema = json.loads((package / "schema.json").read_text(encoding="utf-8"))
    return validator_for(schema)(schema)


def _faults(standard: Validator, document: dict[str, Any]) -> list[str]:
    return [error.message for error in standard.iter_errors(document)]


def test_every_contract_is_valid_odcs_when_exported(standard: Validator, contracts: Contracts) -> None:
    assert len(contracts) > 80
    for contract in contracts.values():
        document = odcs.document(contract, contracts, "某部门")
        assert _faults(standard, document) == [], contract.id
        parsed = OpenDataContractStandard.model_validate(document)
        assert parsed.schema_ is not None
        properties = parsed.schema_[0].properties
        assert properties is not None
        assert [p.name for p in properties] == list(contract.columns)
        assert [p.name for p in properties if p.primaryKey] == [n for n in contract.columns if n in contract.key]
        assert [p.classification for p in properties] == [contract.level(name).value for name in contract.columns]


def test_the_standard_refuses_when_a_document_is_not_valid(standard: Validator, contracts: Contracts) -> None:
    document = odcs.document(contracts["education__school"], contracts, "市教育局")
    assert _faults(standard, document | {"kind": "Something"}) != []
    without_version = {key: value for key, value in document.items() if key != "version"}
    assert _faults(standard, without_version) != []


def test_one_contract_is_printed_when_it_is_named() -> None:
    told = CliRunner().invoke(build_app(), ["contract", "export", "education__school", "--format", "odcs"])
    assert told.exit_code == 0
    [document] = yaml.safe_load_all(told.output)
    assert (document["id"], document["tenant"], document["kind"]) == ("education__school", "市教育局", "DataContract")


def test_every_delivered_column_has_a_meaning_and_a_level(contracts: Contracts) -> None:
    entries = list(contract_entries(contracts, {}))
    assert len(entries) == sum(len(contract.columns) for contract in contracts.values())
    assert [f"{e.table}.{e.column}" for e in entries if not e.description or not e.level or not e.name] == []
    described = {(e.table, e.column): e for e in entries}
    assert described["civil_affairs__marriage", "kind"].description.endswith("结婚、离婚、补领。")
    assert described["education__school", "school_code"].level == "L1"


@pytest.mark.parametrize(
    ("column", "unit"),
    [("fine_cny", "元"), ("fine_wan_cny", "万元"), ("area_sqkm", "平方公里"), ("name", ""), ("milestone_count", "个")],
)
def test_unit_is_that_of_the_longest_known_ending(column: str, unit: str) -> None:
    assert unit_of(column) == unit
