"""The suites as people read them, and as Great Expectations builds them: whole, or a clear refusal."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest
from great_expectations.expectations import registry

from connectors.contract import Contract
from connectors.rule_tally import RowRule
from connectors.settings import CHECKOUT
from expectations import checkpoint, custom, suites
from tests.integration.staged_batches import CONTRACT

GOLDEN = Path(__file__).parent.parent / "fixtures" / "golden" / "batch_suite.yml"


@pytest.fixture
def edited(tmp_path):
    """Return a function that writes a suite with one text replaced."""

    def edit(name: str, old: str, new: str) -> Path:
        text = (suites.FOLDER / name).read_text(encoding="utf-8")
        assert old in text
        path = tmp_path / name
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
        return path

    return edit


def line_of(path: Path, text: str) -> int:
    return next(n for n, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1) if text in line)


def test_compiled_suite_reads_as_agreed_when_rendered():
    assert suites.render(CONTRACT) == GOLDEN.read_text(encoding="utf-8")


def test_every_contract_has_a_suite_when_built_for_great_expectations(contracts):
    template = suites.load_batch_suite()
    for contract in contracts.values():
        compiled = suites.compile_batch(contract, (), template)
        built = {table: checkpoint.build(contract.id, compiled.of_table(table)) for table in compiled.tables}
        assert sum(len(suite.expectations) for suite in built.values()) == len(compiled.expectations)
        assert {e.name for e in compiled.expectations} >= {*contract.rules, "row.structure", "row.key"}


def test_gate_demands_a_result_of_every_rule_when_the_contract_states_several_kinds(contracts):
    stated = {rule.kind: (contract, name) for contract in contracts.values() for name, rule in contract.rules.items()}

    assert set(stated) == {"date_order", "number_order", "agrees_with_id", "required_if", "unique", "reference"}
    for contract, name in stated.values():
        compiled = suites.compile_batch(contract, (), suites.load_batch_suite())
        (expectation,) = [e for e in compiled.expectations if e.name == name]
        assert name in suites.required_results(contract)
        assert (expectation.rule.dimension, expectation.severity) == (
            contract.rules[name].dimension,
            contract.rules[name].severity,
        )
        assert contract.rules[name].message in expectation.message


@pytest.mark.parametrize(("mode", "applies"), [("full", True), ("incremental", False), ("append", False)])
def test_withdrawal_is_only_guarded_when_the_mode_withdraws(mode, applies):
    contract: Contract = CONTRACT.model_copy(update={"mode": mode})

    compiled = suites.compile_batch(contract, (), suites.load_batch_suite())

    assert ("withdrawal_within_limit" in {e.name for e in compiled.expectations}) is applies


def test_contract_decides_when_a_stored_rule_claims_another_threshold():
    lenient = RowRule("opened_before_closed", "closed_on", "0503", "info", 0.1, "上云日期不应晚于下云日期。")

    compiled = suites.compile_batch(CONTRACT, [lenient], suites.load_batch_suite())

    (rule,) = [e for e in compiled.expectations if e.name == "opened_before_closed"]
    assert (rule.severity, rule.kwargs["threshold"]) == ("critical", 0.8)


def test_file_and_line_are_named_when_a_key_is_unknown(edited):
    path = edited("batch.yml", "    only: [full]\n", "    onyl: [full]\n")

    with pytest.raises(suites.SuiteError) as error:
        suites.load_batch_suite(path)

    assert f"{path}:{line_of(path, 'onyl')}: guards.10.onyl: 不认识的键" in str(error.value)


def test_file_and_line_are_named_when_a_type_is_unknown(edited):
    path = edited("batch.yml", "expect_ledger_to_balance", "expect_ledger_to_sing")

    with pytest.raises(suites.SuiteError) as error:
        suites.load_batch_suite(path)

    line = line_of(path, "expect_ledger_to_sing")
    assert str(error.value) == f"{path}:{line}: guards.6.type: 没有名为 expect_ledger_to_sing 的检查类型"


def test_file_and_line_are_named_when_a_placeholder_is_unknown(edited):
    path = edited("batch.yml", "column_set: ${columns}", "column_set: ${colums}")

    with pytest.raises(suites.SuiteError) as error:
        suites.load_batch_suite(path)

    assert f"{path}:{line_of(path, 'colums')}: " in str(error.value)
    assert "${colums}" in str(error.value)


def test_file_and_line_are_named_when_it_is_no_yaml(edited):
    path = edited("targets.yml", "targets:\n", "targets: [\n")

    with pytest.raises(suites.SuiteError, match=r"targets\.yml:\d+: 不是有效的 YAML"):
        suites.load_target_suite(path)


@pytest.mark.parametrize(("suite", "load"), [("batch", suites.load_batch_suite), ("targets", suites.load_target_suite)])
def test_loading_fails_loudly_when_a_custom_class_is_not_imported(monkeypatch, suite, load):
    name = {"batch": "expect_ledger_to_balance", "targets": "expect_target_reading_to_be_met"}[suite]
    monkeypatch.delitem(registry._registered_expectations, name)

    with pytest.raises(suites.SuiteError, match=name):
        load()


def test_building_fails_loudly_when_great_expectations_would_leave_one_out(monkeypatch):
    compiled = suites.compile_batch(CONTRACT, (), suites.load_batch_suite())
    monkeypatch.delitem(registry._registered_expectations, "expect_ledger_to_balance")
    monkeypatch.setattr(checkpoint, "is_registered", lambda _: True)

    with pytest.raises(suites.SuiteError, match="ledger_balances"):
        checkpoint.build("sample", compiled.of_table("rows"))


def test_building_fails_loudly_when_an_argument_is_wrong():
    compiled = suites.compile_batch(CONTRACT, (), suites.load_batch_suite())
    (guard,) = [e for e in compiled.expectations if e.name == "types_match_contract"]
    wrong = replace(guard, kwargs={"batch": 1, "typos": {}})

    with pytest.raises(suites.SuiteError, match="ExpectStagedColumnTypesToMatch"):
        checkpoint.build("sample", (wrong,))


def test_targets_agree_with_the_readings_that_the_mart_computes():
    with (CHECKOUT / "seeds" / "target_readings.csv").open(encoding="utf-8", newline="") as lines:
        seeded = {row["reading"]: row for row in csv.DictReader(lines)}
    targets = {t.name: t for t in suites.load_target_suite().targets if "reading" in t.kwargs}

    assert list(targets) == list(seeded)
    for name, target in targets.items():
        assert target.kwargs["reading"] == name
        assert target.kwargs["threshold_pct"] == int(seeded[name]["threshold_pct"])
        assert (target.meta.source, target.meta.quote) == (seeded[name]["source"], seeded[name]["quote"])
        assert (target.severity == "critical") is (seeded[name]["is_binding"] == "true")


def test_target_is_tried_in_other_readings_when_the_plan_leaves_one_open():
    """Four stars stand for the target: the rule of each of these indicators is 90 %."""

    def seeded(name: str) -> list[dict[str, str]]:
        with (CHECKOUT / "seeds" / name).open(encoding="utf-8", newline="") as lines:
            return list(csv.DictReader(lines))

    judged = {i for row in seeded("target_readings.csv") for i in row["indicator_ids"].split("|")}
    tried = {t.kwargs["indicator"]: t for t in suites.load_target_suite().targets if "indicator" in t.kwargs}
    rules = {
        row["indicator_id"]: json.loads(row["four_star_rule"])
        for row in seeded("indicators.csv")
        if row["indicator_id"] in tried
    }
    opened = {i for row in seeded("parameters.csv") for i in row["applies_to"].split("|")}

    assert set(tried) == judged <= opened
    assert all(target.severity == "warning" for target in tried.values())
    assert {(rules[i]["op"], rules[i]["threshold_pct"]) for i in tried} == {(">=", 90)}


@pytest.mark.parametrize(
    ("rows", "success", "observed"),
    [
        ([("a", "1", 4), ("a", "2", 5)], True, "2 种其他读法均达到"),
        ([("a", "1", 4), ("a", "2", 0)], False, "a=2 时为 89%"),
        ([("a", "1", None)], False, "a=1 时为 89%"),
        ([], False, "无法评定：本次运行没有其他读法的结果"),
    ],
)
def test_other_readings_are_named_when_they_would_miss_the_target(rows, success, observed):
    expectation = custom.ExpectTargetToHoldInOtherReadings(run="r", indicator="i")
    found = [
        {"indicator_id": name, "parameter": p, "reading": r, "value_text": "89%", "star": star}
        for name, shown in (("i", rows), ("other", [("a", "9", 0)]))
        for p, r, star in shown
    ]
    assert expectation.judge(found) == (success, observed)
