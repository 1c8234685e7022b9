"""`weihai contract`: what an engineer sees."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
import yaml
from ruamel.yaml import YAML
from typer.testing import CliRunner, Result

from connectors.contract import Contracts, load_contracts
from connectors.contract_draft import Excerpt, draft_contract, title_of
from connectors.errors import UserError
from connectors.settings import CHECKOUT
from weihai.commands import contract as command

FOLDER = CHECKOUT / "connectors" / "contracts"
Run = Callable[..., Result]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    monkeypatch.setenv("WEIHAI_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("WEIHAI_CONTRACTS", str(tmp_path / "extra"))
    app = typer.Typer()
    command.register(app)
    return lambda *arguments: CliRunner().invoke(app, ["contract", *map(str, arguments)])


def delivered(folder: Path) -> Path:
    path = folder / "展会检查结果_20210930.csv"
    path.write_text(
        "展会检查结果\n"
        "参展编号,统一社会信用代码,检查对象,检查日期,是否合格,保证金金额,值守电话,备注\n"
        "J1,91371000706088534X,甲,2021-09-01,是,3万元,13800000000,\n"
        "J2,91371000706088534X,乙,2021-09-02,否,,13800000001,复查\n",
        encoding="utf-8",
    )
    return path


def test_counts_are_shown_when_every_contract_is_sound(run: Run, contracts: Contracts) -> None:
    result = run("check")
    columns = sum(len(contract.columns) for contract in contracts.values())
    rules = sum(len(contract.rules) for contract in contracts.values())
    assert (result.exit_code, result.output) == (
        0,
        f"{len(contracts)} 份契约，{columns} 列，{rules} 条规则，没有问题\n",
    )


def test_each_problem_is_a_line_and_exit_code_two_when_contracts_are_wrong(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "extra" / "commerce" / "fair.yml"
    path.parent.mkdir(parents=True)
    text = (FOLDER / "commerce" / "ecommerce.yml").read_text(encoding="utf-8")
    path.write_text(text.replace("mode: incremental", "mode: incremental\ncolour: red\nsize: 3"), encoding="utf-8")
    result = run("check")
    assert result.exit_code == 2
    assert result.output.splitlines() == [f"{path}:6: colour: 不认识的键", f"{path}:7: size: 不认识的键"]


def test_schema_is_json_when_printed(run: Run) -> None:
    assert json.loads(run("schema").output)["title"] == "Contract"


def test_sources_are_yaml_when_printed(run: Run, contracts: Contracts) -> None:
    (source,) = yaml.load(run("sources").output, Loader=yaml.CSafeLoader)["sources"]
    assert len(source["tables"]) == len(contracts)


def test_draft_loads_at_once_when_printed_from_a_real_file(run: Run, tmp_path: Path) -> None:
    result = run("new", "market_regulation", "fair", delivered(tmp_path), "--print")
    assert result.exit_code == 0, result.output
    path = tmp_path / "extra" / "market_regulation" / "fair.yml"
    path.parent.mkdir(parents=True)
    path.write_text(result.output, encoding="utf-8")
    contract = load_contracts((FOLDER, tmp_path / "extra"))["market_regulation__fair"]
    assert (contract.title, contract.key) == ("展会检查结果", ("column_1",))
    assert [column.header for column in contract.columns.values()] == [
        "参展编号",
        "统一社会信用代码",
        "检查对象",
        "检查日期",
        "是否合格",
        "保证金金额",
        "值守电话",
        "备注",
    ]
    assert [column.type.value for column in contract.columns.values()] == [
        "text",
        "uscc",
        "text",
        "date",
        "bool",
        "money",
        "int",
        "text",
    ]
    assert contract.level("column_7") == "L3"


def test_check_finds_the_placeholders_when_a_draft_is_not_finished(run: Run, tmp_path: Path) -> None:
    draft = run("new", "market_regulation", "fair", delivered(tmp_path), "--print").output
    path = tmp_path / "extra" / "market_regulation" / "fair.yml"
    path.parent.mkdir(parents=True)
    path.write_text(draft, encoding="utf-8")
    result = run("check")
    assert result.exit_code == 2
    assert "columns.column_1: 起草时的占位列名，请改为英文列名" in result.output


@pytest.mark.parametrize(
    ("department", "extract", "message"),
    [
        ("markets", "fair", "没有部门 markets"),
        ("market_regulation", "enterprise", "契约 market_regulation__enterprise 已有"),
        ("market_regulation", "Inspection", "数据集名“Inspection”"),
    ],
)
def test_draft_is_refused_when_its_place_is_wrong(
    run: Run, tmp_path: Path, department: str, extract: str, message: str
) -> None:
    result = run("new", department, extract, delivered(tmp_path))
    assert isinstance(result.exception, UserError)
    assert message in str(result.exception)


def test_draft_is_refused_when_the_file_has_no_header(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("说明\n一\n二\n", encoding="utf-8")
    result = run("new", "market_regulation", "fair", path)
    assert isinstance(result.exception, UserError)


def test_known_header_brings_its_column_when_drafted(contracts: Contracts) -> None:
    sample = Excerpt(headers=("行业代码", "编号"), columns=(("6510", "6520"), ("1", "2")), rows=2)
    draft = YAML(typ="safe", pure=True).load(draft_contract("试", sample, contracts))
    assert draft["columns"]["industry_code"]["codes"] == "gb_t_4754"
    assert draft["sharing"]["type"] == "有条件共享"


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("市场主体登记信息_20210930.csv", "市场主体登记信息"),
        ("公交线路2021年9月.xlsx", "公交线路"),
        ("学校名录(1).xlsx", "学校名录"),
        ("20210930.csv", "20210930"),
    ],
)
def test_title_is_the_file_name_without_dates_when_guessed(name: str, title: str) -> None:
    assert title_of(Path(name)) == title
