"""A contract that the city does not know by name gets a sample all the same."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.contract import load_contracts
from connectors.sample import write_city
from connectors.sample.patterns import matching
from connectors.sample.registers import KNOWN
from connectors.settings import CHECKOUT

EXTRACT = """
title: 街道便民网点
description: 测试用的新契约。
key: [point_no]
mode: full
cycle: monthly
sharing: {type: 无条件共享}
columns:
  point_no: {header: 网点编号, type: text, required: true, pattern: '^WD[0-9]{4}-(甲|乙)[A-F]$'}
  name: {header: 网点名称, type: text, required: true}
  operator_uscc: {header: 运营单位代码, type: uscc, required: true}
  kind: {header: 网点状态, type: code, codes: status, required: true}
  division: {header: 所在街道, type: division}
  opened_on: {header: 开办日期, type: date}
  closed_on: {header: 停办日期, type: date}
  seen_at: {header: 巡查时间, type: datetime}
  staff: {header: 人数, type: int, minimum: 1, maximum: 9}
  rent: {header: 租金, type: money, unit: CNY}
  area: {header: 面积, type: quantity, unit: m2, required: true}
  is_open: {header: 是否营业, type: bool, required: true}
  department_code: {header: 主管部门, required: true}
  reason: {header: 停办原因, type: text}
rules:
  order: {kind: date_order, earlier: opened_on, later: closed_on, dimension: "0503", message: 次序有误。}
  why: {kind: required_if, column: reason, when: {kind: [停用]}, dimension: "0201", message: 应写原因。}
  known: {kind: reference, column: department_code, extract: institution_staffing__department, to: department_code,
          dimension: "0402", message: 部门不在名录中。}
"""
YEARLY = """
title: 街道年度台账
description: 测试用的年度契约。
key: [year, kind]
mode: incremental
cycle: yearly
sharing: {type: 无条件共享}
columns:
  year: {header: 年份, type: period, required: true, pattern: '^\\d{4}$'}
  kind: {header: 网站类别, type: code, codes: website_kind, required: true}
  value: {header: 数值, type: decimal, required: true}
"""
PERSON = """
title: 志愿者登记
description: 测试用的个人契约。
person: true
key: [id_no]
mode: full
cycle: monthly
sharing: {type: 不予共享, basis: 个人信息保护法}
columns:
  id_no: {header: 身份证号, type: id, required: true, level: L4}
  name: {header: 姓名, type: text, required: true}
  phone: {header: 联系电话, type: text}
"""


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    """A clean city of which three contracts were added in a folder of their own, and its rows by extract."""
    folder = tmp_path_factory.mktemp("added")
    for name, text in (("point", EXTRACT), ("ledger", YEARLY), ("volunteer", PERSON)):
        path = folder / "contracts" / "street" / f"{name}.yml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    contracts = load_contracts([CHECKOUT / "connectors" / "contracts", folder / "contracts"])
    for seed in range(20):
        out = folder / f"out-{seed}"
        truth = folder / f"truth-{seed}"
        write_city(contracts, out, persons=400, seed=seed, profile="clean", truth=truth, everything=True)
        files = json.loads((truth / "deliveries.json").read_text(encoding="utf-8"))
        added = {f["contract"]: f for f in files if f["contract"].startswith("street__")}
        if all(f["encoding"] != "xlsx" for f in added.values()):
            return contracts, truth, {name: table(out / f["file"], f["encoding"]) for name, f in added.items()}
    raise AssertionError("every seed made one of the three a workbook")


def table(path: Path, encoding: str) -> list[dict[str, str]]:
    with path.open(encoding=encoding, newline="") as file:
        return list(csv.DictReader(file))


def test_file_has_the_contracts_headers_when_a_contract_is_added(city):
    contracts, _, rows = city
    assert set(rows) == {"street__point", "street__ledger", "street__volunteer"}
    for name, content in rows.items():
        assert set(content[0]) == {c.header for c in contracts[name].columns.values()}
        assert len(content) > 10


def test_values_obey_the_contract_when_a_contract_is_added(city):
    contracts, truth, rows = city
    points = rows["street__point"]
    numbers = [p["网点编号"] for p in points]
    assert len(set(numbers)) == len(numbers)
    assert all(re.fullmatch(r"WD[0-9]{4}-(甲|乙)[A-F]", n) for n in numbers)
    assert {p["网点状态"] for p in points} <= set(contracts.codes["status"].words)
    assert all(p["停办原因"] for p in points if p["网点状态"] == "停用")
    assert all(p["开办日期"] <= p["停办日期"] for p in points if p["开办日期"] and p["停办日期"])
    assert all(1 <= int(p["人数"]) <= 9 for p in points if p["人数"])
    assert {p["是否营业"] for p in points} == {"是", "否"}
    entities = set(pl.read_parquet(truth / "entities.parquet")["uscc"])
    assert {p["运营单位代码"] for p in points} <= entities
    assert all(p["主管部门"].startswith("3710") for p in points)


def test_keys_do_not_repeat_when_all_their_parts_have_a_known_range(city):
    rows = city[2]["street__ledger"]
    keys = [(r["年份"], r["网站类别"]) for r in rows]
    assert len(set(keys)) == len(keys) == 15


def test_persons_are_the_citys_own_when_a_contract_names_persons(city):
    _, truth, rows = city
    people = {r["id_no"]: r["name"] for r in pl.read_parquet(truth / "persons.parquet").iter_rows(named=True)}
    volunteers = rows["street__volunteer"]
    assert len({v["身份证号"] for v in volunteers}) == len(volunteers) == 100
    assert all(people[v["身份证号"]] == v["姓名"] for v in volunteers)


@pytest.mark.parametrize(
    "pattern",
    [
        r"^\d{6}[0-9A-Za-z]*/[0-9A-Za-z]+$",
        r"^\d{4}$",
        r"^[A-Z]{2}\d{3}(-\d{1,2})?$",
        r"^(甲|乙)[一二三]+$",
        r"^[0-9A-Za-z一-龥\-]+(\.[0-9A-Za-z一-龥\-]+)+$",
        r"^\w+$",
    ],
)
@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 1000))
def test_drawn_texts_fit_the_pattern_when_it_is_a_plain_one(pattern, seed):
    drawn = matching(pattern, np.random.default_rng(seed), 20)
    assert all(re.fullmatch(pattern, text) for text in drawn)


def test_pattern_is_refused_when_it_looks_ahead():
    with pytest.raises(ValueError, match="不能按此正则表达式"):
        matching("(?=a)b", np.random.default_rng(0), 1)


def test_only_extracts_the_city_knows_are_written_when_not_everything_is_asked_for(city, tmp_path):
    contracts = city[0]
    report = write_city(contracts, tmp_path / "some", persons=100, profile="clean")
    known = {f.contract for f in report.files}
    assert known == KNOWN
    assert not any(contract_id.startswith("street__") for contract_id in known)
    report = write_city(contracts, tmp_path / "all", persons=100, profile="clean", everything=True)
    assert {f.contract for f in report.files} == set(contracts)


def test_known_extracts_are_the_same_rows_when_everything_is_written(city, tmp_path):
    contracts = city[0]
    some = write_city(contracts, tmp_path / "some", persons=100, profile="clean")
    everything = write_city(contracts, tmp_path / "all", persons=100, profile="clean", everything=True)
    rows = {f.contract: f.rows_read for f in everything.files}
    assert {f.contract: f.rows_read for f in some.files}.items() <= rows.items()
