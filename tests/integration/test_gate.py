"""The batch gate on real staging tables: what passes, what is held and why, and what it leaves for auditors."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest

from connectors.contract import Contract
from connectors.database import Connection, connect
from connectors.errors import UserError
from connectors.settings import Settings
from expectations import gate
from tests.conftest import create_database, drop_database, dsn_of
from tests.integration.staged_batches import CONTRACT, RESULTS, Result, changed, insert_batch, stage, store_results
from weihai.commands.gate import batch_lines

CONTRACTS = {CONTRACT.id: CONTRACT}
RUN = "run-20210930-20211008T090000"
NOTHING_CHECKED = tuple(replace(r, checked=0, passed=0) for r in RESULTS)


@pytest.fixture
def connection(settings: Settings):
    with connect(settings.dsn(), autocommit=True) as opened:
        yield opened


def judge(settings: Settings, clock: datetime, *batch_ids: int, contracts: dict[str, Contract] = CONTRACTS):
    return gate.judge_batches(settings, contracts, batch_ids, run_id=RUN, now=clock)


def failed(connection: Connection, batch_id: int) -> dict[str, str]:
    """Observed text of each failed expectation."""
    return dict(
        connection.execute(
            "select expectation, observed from quality.gate_result where batch_id = %s and not success", (batch_id,)
        ).fetchall()
    )


def test_batch_passes_when_staging_rules_and_ledger_agree(settings, connection, clock):
    batch_id = stage(connection, clock)

    (verdict,) = judge(settings, clock, batch_id)

    assert (verdict.passed, verdict.reasons) == (True, ())
    assert failed(connection, batch_id) == {}
    # 02: keys 100, codes 100, names 90 of 300; 03: structure 100, check 96, duplicates 98, keys 98 of 398; 05: all
    expected = (Fraction(290, 300) + Fraction(392, 398) + 1) / 3
    assert verdict.score == pytest.approx(float(expected))
    stored = connection.execute("select score, target from quality.batch where batch_id = %s", (batch_id,)).fetchone()
    assert stored == (Decimal("0.983863"), Decimal("0.900000"))
    assert connection.execute(
        "select dimension, passed, checked, score from quality.score where batch_id = %s order by 1", (batch_id,)
    ).fetchall() == [
        ("02", 290, 300, Decimal("0.966666")),
        ("03", 392, 398, Decimal("0.984924")),
        ("05", 100, 100, Decimal("1.000000")),
    ]


def test_every_rule_has_one_gate_result_when_judged_twice(settings, connection, clock):
    batch_id = stage(connection, clock)

    judge(settings, clock, batch_id)
    judge(settings, clock, batch_id)

    names = [
        name
        for (name,) in connection.execute(
            "select expectation from quality.gate_result where batch_id = %s and kind = 'rule'", (batch_id,)
        )
    ]
    assert sorted(names) == sorted(r.rule for r in RESULTS)


CORRUPTIONS = (
    ("alter table staging.batch_{id} drop column name", "columns_match_contract", "缺少 name"),
    ("alter table staging.batch_{id} add column extra text", "columns_match_contract", "多出 extra"),
    ("alter table staging.batch_{id} alter opened_on type text", "types_match_contract", "opened_on 应为 date"),
    (
        (
            "update staging.batch_{id}_key k set record_key = o.record_key from staging.batch_{id}_key o"
            " where k.row_no = 50 and o.row_no = 51"
        ),
        "record_keys_unique",
        "2 / 98 行不符",
    ),
    (
        "update staging.batch_{id}_key set record_key = null where row_no = 50",
        "record_keys_filled",
        "1 / 100 行不符",
    ),
    ("delete from staging.batch_{id} where _row_no > 90", "staged_rows_match_ledger", "对不上的 11 个"),
    ("delete from staging.batch_{id}_key where row_no > 90", "staged_rows_match_ledger", "入库：台账 98，暂存 87"),
    (
        "update staging.batch_{id}_key set disposition = 'unchanged' where row_no = 50",
        "staged_rows_match_ledger",
        "未变：台账 0，暂存 1",
    ),
    (
        (
            "insert into staging.batch_{id}_issue (row_no, rule, dimension, severity, message)"
            " values (500, 'row.key', '0201', 'warning', '缺键')"
        ),
        "staged_rows_match_ledger",
        "退回：台账 0，列入问题清单 1",
    ),
    ("update quality.batch set rows_physical = 107 where batch_id = {id}", "ledger_balances", "物理 107"),
    ("update quality.batch set rows_read = null where batch_id = {id}", "ledger_balances", "台账缺少：rows_read"),
    (
        """update quality.batch set rows_skipped = '{{"blank": 4}}' where batch_id = {id}""",
        "ledger_balances",
        "跳过 4",
    ),
    ("update quality.batch set rows_loaded = 97 where batch_id = {id}", "ledger_balances", "入库 97"),
    (
        "update quality.check_result set passed = 99 where batch_id = {id} and rule = 'name.required'",
        "rule_results_match_rows",
        "name.required：检查 100，合格 99，问题清单 10 行",
    ),
    (
        (
            "update quality.check_result set checked = 1000, passed = 996"
            " where batch_id = {id} and rule = 'credit_code.check'"
        ),
        "rule_results_match_rows",
        "credit_code.check：检查 1000",
    ),
    (
        "delete from quality.check_result where batch_id = {id} and rule = 'opened_before_closed'",
        "rule_results_complete",
        "缺少 opened_before_closed",
    ),
    ("delete from staging.batch_{id}_issue", "rule_results_match_rows", "问题清单 0 行"),
    ("drop table staging.batch_{id}_issue", "rule_results_match_rows", "未能评定（UndefinedTable）"),
)


@pytest.fixture(scope="module")
def corrupted(server, warehouse_template, tmp_path_factory):
    """One batch per corruption, all judged at once: for each what failed, and the reasons."""
    name = f"{warehouse_template}_gate"
    create_database(server, name, template=warehouse_template)
    settings = Settings(home=tmp_path_factory.mktemp("home"), warehouse_dsn=dsn_of(server, name))
    now = datetime(2021, 10, 8, 9, 0, tzinfo=ZoneInfo("Asia/Shanghai"))
    with connect(settings.dsn(), autocommit=True) as connection:
        batch_ids = [stage(connection, now) for _ in CORRUPTIONS]
        for batch_id, (corruption, _, _) in zip(batch_ids, CORRUPTIONS, strict=True):
            connection.execute(corruption.format(id=batch_id))
        verdicts = judge(settings, now, *batch_ids)
        yield [(verdict, failed(connection, verdict.batch_id)) for verdict in verdicts]
    drop_database(server, name)


@pytest.mark.parametrize("case", range(len(CORRUPTIONS)))
def test_guard_holds_the_batch_when_staging_is_corrupted(corrupted, case):
    _, guard, observed = CORRUPTIONS[case]
    verdict, found = corrupted[case]

    assert not verdict.passed
    assert observed in found[guard]
    assert any(observed in reason for reason in verdict.reasons)


def test_other_batches_are_judged_when_one_cannot_be(settings, connection, clock):
    first, broken, last = stage(connection, clock), stage(connection, clock), stage(connection, clock)
    connection.execute(f"drop table staging.batch_{broken}")

    verdicts = judge(settings, clock, first, broken, 9_999, last)

    assert [v.batch_id for v in verdicts] == [first, broken, 9_999, last]
    assert [v.passed for v in verdicts] == [True, False, False, True]
    assert verdicts[1].reasons == (f"批次 {broken} 的暂存数据不存在，无法评定，请重新接收。",)
    assert failed(connection, broken) == {"gate_evaluated": verdicts[1].reasons[0]}


def test_nothing_is_stored_when_the_batch_was_decided_before(settings, connection, clock):
    batch_id = stage(connection, clock)
    connection.execute("update quality.batch set status = 'accepted' where batch_id = %s", (batch_id,))

    (verdict,) = judge(settings, clock, batch_id)

    assert not verdict.passed
    assert "accepted" in verdict.reasons[0]
    assert connection.execute("select count(*) from quality.gate_result").fetchone() == (0,)


def test_batch_is_held_when_a_critical_rule_is_under_its_threshold(settings, connection, clock):
    batch_id = stage(connection, clock, results=changed(RESULTS, "opened_before_closed", checked=100, passed=79))

    (verdict,) = judge(settings, clock, batch_id)

    assert verdict.reasons == (
        "“下云日期”合格比例不低于 80%，实际 79 / 100（79%）（规则 opened_before_closed：上云日期不应晚于下云日期）。",
    )


def test_batch_passes_when_a_critical_rule_equals_its_threshold(settings, connection, clock):
    batch_id = stage(connection, clock, results=changed(RESULTS, "opened_before_closed", checked=100, passed=80))

    (verdict,) = judge(settings, clock, batch_id)

    assert verdict.passed


def test_batch_passes_when_only_a_warning_rule_misses_its_threshold(settings, connection, clock):
    batch_id = stage(connection, clock, results=changed(RESULTS, "name.required", checked=100, passed=89))

    (verdict,) = judge(settings, clock, batch_id)

    assert verdict.passed
    assert failed(connection, batch_id) == {"name.required": "89 / 100（89%）"}


def test_rule_says_not_checked_when_it_judged_no_row(settings, connection, clock):
    batch_id = stage(connection, clock, results=changed(RESULTS, "opened_before_closed", checked=0, passed=0))

    (verdict,) = judge(settings, clock, batch_id)

    assert verdict.passed
    assert connection.execute(
        "select success, observed from quality.gate_result where batch_id = %s and expectation = %s",
        (batch_id, "opened_before_closed"),
    ).fetchone() == (True, "未检查")


@pytest.mark.parametrize(("passed", "is_held"), [(80, False), (79, True)])
def test_score_decides_exactly_when_it_is_at_or_just_under_target(settings, connection, clock, passed, is_held):
    """Accuracy 100 of 100, completeness `passed` of 100: the mean is 0.9 or 0.895."""
    results = [replace(r, checked=0, passed=0) for r in RESULTS]
    results = changed(results, "row.structure", checked=100, passed=100)
    results = changed(results, "name.required", checked=100, passed=passed)
    batch_id = stage(connection, clock, results=results, duplicate=0)

    (verdict,) = judge(settings, clock, batch_id)

    assert verdict.passed is not is_held
    low = "质量得分 89.5%，低于目标 90%；合格率最低的规则：“企业名称” name.required 79 / 100（79%）。"
    assert verdict.reasons == ((low,) if is_held else ())


@pytest.mark.parametrize(
    "finding",
    [
        ("credit_code.check", "info", "小写字母已改为大写。"),
        ("credit_code.check", "warning", "代码前两位不是已知的登记管理部门和机构类别。"),
        ("header.unknown", "info", "契约中没有这一列，未采用。"),
    ],
)
def test_batch_passes_when_a_finding_is_only_told(settings, connection, clock, finding):
    batch_id = stage(connection, clock)
    connection.execute(
        f"insert into staging.batch_{batch_id}_issue (row_no, column_name, rule, dimension, severity, message)"
        " values (77, 'credit_code', %s, '0301', %s, %s)",
        finding,
    )

    (verdict,) = judge(settings, clock, batch_id)

    assert (verdict.passed, verdict.reasons) == (True, ())


def test_batch_passes_when_a_column_that_only_should_be_filled_was_not_delivered(settings, connection, clock):
    results = changed(RESULTS, "name.required", checked=100, passed=0)
    batch_id = stage(connection, clock, results=results)
    issues = f"staging.batch_{batch_id}_issue"
    connection.execute(f"delete from {issues} where rule = 'name.required'")
    connection.execute(
        f"insert into {issues} (column_name, rule, dimension, severity, message)"
        " values ('name', 'header.missing', '0201', 'warning', '没有这一列。')"
    )

    judge(settings, clock, batch_id)

    assert failed(connection, batch_id) == {
        "name.required": "0 / 100（0%）",
        "score_reaches_target": "88.38%",
        "score_clear_of_target": "88.38%",
    }


def test_score_is_null_when_nothing_was_checked(settings, connection, clock):
    batch_id = stage(connection, clock, results=NOTHING_CHECKED, duplicate=0)

    (verdict,) = judge(settings, clock, batch_id)

    assert (verdict.passed, verdict.score) == (True, None)
    assert connection.execute("select score from quality.batch where batch_id = %s", (batch_id,)).fetchone() == (None,)


FEW_CHECKED = tuple(
    Result(r.rule, r.column, r.dimension, 100, 98) if r.rule == "row.duplicate" else replace(r, checked=1, passed=1)
    for r in RESULTS
)


@pytest.mark.parametrize(
    ("rows", "unchanged", "withdrawn", "is_held"),
    [
        (100, 90, 10, False),  # exactly the allowed tenth
        (100, 90, 11, False),  # more than a tenth, but fewer than 20 records
        (300, 180, 20, False),
        (300, 179, 21, True),
    ],
)
def test_full_delivery_is_held_when_it_withdraws_too_much(
    settings, connection, clock, rows, unchanged, withdrawn, is_held
):
    batch_id = stage(connection, clock, rows=rows, unchanged=unchanged, withdrawn=withdrawn, results=FEW_CHECKED)

    (verdict,) = judge(settings, clock, batch_id)

    assert verdict.passed is not is_held
    if is_held:
        assert verdict.reasons == ("全量交付撤回的现有记录过多，须由人确认：撤回 21 / 200（10.5%）。",)


def test_full_delivery_is_held_when_it_is_empty(settings, connection, clock):
    batch_id = stage(
        connection, clock, rows=0, duplicate=0, results=[Result(r.rule, None, "0201", 0, 0) for r in RESULTS]
    )

    (verdict,) = judge(settings, clock, batch_id)

    assert verdict.reasons == ("全量交付不得为空，否则现有记录会被全部撤回：0 行。",)


def test_empty_delivery_passes_when_the_extract_is_incremental(settings, connection, clock):
    contract = CONTRACT.model_copy(update={"mode": "incremental", "extract": "gate_increments"})
    batch_id = stage(connection, clock, contract=contract, rows=0, duplicate=0, results=NOTHING_CHECKED)

    (verdict,) = judge(settings, clock, batch_id, contracts={contract.id: contract})

    assert verdict.passed
    assert verdict.score is None


def test_volume_is_only_a_warning_when_far_from_history(settings, connection, clock):
    for seq, rows in enumerate((900, 1000, 1100), start=1):
        earlier = insert_batch(connection, clock, CONTRACT, rows=rows)
        connection.execute("insert into quality.event values (%s, 'apply', %s, 'etl', '', %s)", (seq, earlier, clock))
        connection.execute(
            "update quality.batch set status = 'accepted', applied_seq = %s where batch_id = %s", (seq, earlier)
        )
    batch_id = stage(connection, clock)

    (verdict,) = judge(settings, clock, batch_id)

    assert verdict.passed
    assert failed(connection, batch_id) == {"volume_near_history": "读取 100 行，最近 3 批中位数 1,000 行"}


def test_evidence_holds_counts_and_no_values_when_written(settings, connection, clock):
    results = changed(RESULTS, "opened_before_closed", checked=100, passed=1)
    batch_id = stage(connection, clock, results=results)

    (verdict,) = judge(settings, clock, batch_id)

    text = (settings.reports / "gates" / RUN / f"batch-{batch_id}.json").read_text(encoding="utf-8")
    evidence = json.loads(text)
    assert evidence["passed"] is verdict.passed is False
    assert evidence["reasons"] == list(verdict.reasons)
    assert evidence["subject"]["contract"] == CONTRACT.id
    assert evidence["statistics"] == {"evaluated": 27, "successful": 24, "unsuccessful": 3}
    assert evidence["score"]["dimensions"][1]["name"] == "准确性"
    unique = next(e for e in evidence["expectations"] if e["name"] == "record_keys_unique")
    assert unique["figures"]["unexpected_count"] == 0
    assert "91371000MA3ABCDE1X" not in text
    stored = connection.execute("select string_agg(r::text, ' ') from quality.gate_result r").fetchone()
    assert "91371000MA3ABCDE1X" not in stored[0]
    assert not logging.getLogger("great_expectations").propagate


def test_rule_is_judged_when_it_stands_in_no_contract(settings, connection, clock):
    batch_id = stage(connection, clock)
    store_results(
        connection, batch_id, [Result("row.scope", None, "0104", 100, 40, "critical", 0.5, "不在报送范围内。")]
    )

    (verdict,) = judge(settings, clock, batch_id)

    assert "整行合格比例不低于 50%，实际 40 / 100（40%）（规则 row.scope：不在报送范围内）。" in verdict.reasons


def test_command_lists_what_failed_when_a_batch_was_judged(settings, connection, clock):
    batch_id = stage(connection, clock, results=changed(RESULTS, "name.required", checked=100, passed=89))
    judge(settings, clock, batch_id)

    lines = batch_lines(settings, batch_id, everything=False)

    assert lines[0].startswith(f"批次 {batch_id}（industry_it__gate_sample）：27 项检查，通过 26 项；得分 0.98")
    assert lines[1:] == [
        "未通过 [提示·契约规则] name.required：“企业名称”应填写。",
        "    要求：合格比例不低于 90%；实际：89 / 100（89%）",
    ]
    assert len(batch_lines(settings, batch_id, everything=True)) == 55


def test_command_says_so_when_a_batch_was_not_judged(settings, connection, clock):
    with pytest.raises(UserError, match="没有批次 77"):
        batch_lines(settings, 77, everything=False)
    with pytest.raises(UserError, match="还没有质量门结果"):
        batch_lines(settings, stage(connection, clock), everything=False)
