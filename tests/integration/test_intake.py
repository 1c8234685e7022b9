"""Deliveries from inbox to raw, with a pretended gate and everything else real."""

from __future__ import annotations

import hashlib
import json
from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from connectors import archive, intake, landing, reading, receipts
from connectors.errors import UserError
from connectors.settings import Settings
from tests.integration.office import Office, csv_bytes, with_test_contracts

AUGUST, SEPTEMBER, OCTOBER = date(2021, 8, 31), date(2021, 9, 30), date(2021, 10, 7)
ZHANG, LI = "371002198001010016", "371002199002020024"
RECEIPT_KEYS = [
    "batch_id", "department", "extract", "file_name", "sha256", "received_at", "as_of", "status", "rows", "quality",
    "issues", "summary", "chain",
]  # fmt: skip


@pytest.fixture
def office(settings: Settings, tmp_path: Path, clock: datetime) -> Office:
    extended, contracts = with_test_contracts(settings, tmp_path / "contracts")
    return Office(extended, contracts, clock)


def person(code: str | None, name: str, born_on: str = "1980-01-01", **more: Any) -> dict[str, Any]:
    return {"code": code, "name": name, "born_on": born_on, **more}


def test_good_delivery_is_applied_archived_and_answered_when_it_passes(office: Office) -> None:
    rows = [{"code": "b", "value": 2}, {"code": "a", "value": "1,000"}]
    path = office.put("变更.csv", content := csv_bytes(office.contracts["test_office__change"], rows), "change")
    [batch_id] = office.run()
    assert not path.exists()
    sha256 = hashlib.sha256(content).hexdigest()
    assert archive.path_of(office.settings.archive, sha256).read_bytes() == content
    assert office.current("change", "code, value, _row_no, _as_of") == [
        ("a", 1000, 3, OCTOBER),
        ("b", 2, 2, OCTOBER),
    ]
    document = office.receipt(batch_id)
    assert list(document) == RECEIPT_KEYS
    assert document["file_name"] == "变更.csv"
    assert document["sha256"] == sha256
    assert document["as_of"] == "2021-10-07"
    assert document["rows"] == {
        "physical": 3, "header": 1, "skipped": dict.fromkeys(document["rows"]["skipped"], 0), "read": 2, "loaded": 2,
        "unchanged": 0, "duplicate": 0, "rejected": 0, "withdrawn": 0,
    }  # fmt: skip
    assert document["summary"].startswith("已接收：共 2 行，入库 2 行，")
    assert "数据日期 2021-10-07（按报送周期推定）" in document["summary"]
    assert office.batch(batch_id, "applied_seq, is_taken, answered_at is not null") == (1, True, True)
    assert office.rows("select to_regclass(%s)", f"staging.batch_{batch_id}") == [(None,)]
    place = office.settings.landing / "test_office" / "receipts"
    assert place.stat().st_mode & 0o777 == 0o700
    assert (place / "change").stat().st_mode & 0o777 == 0o700
    assert intake.unfinished(office.settings) == []


def test_a_receipt_shows_the_rows_of_its_findings_when_others_were_looked_up(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [{"code": "a", "value": 1}, {"code": "b", "value": "多"}, {"code": "c", "value": 3}]

    def shown(batch_id: int) -> list[tuple[Any, ...]]:
        sheets = openpyxl.load_workbook(office.workbook(batch_id)).worksheets
        return [
            row for sheet in sheets if sheet.title.startswith("问题行") for row in sheet.iter_rows(values_only=True)
        ]

    looked_up = shown(office.deliver("change", rows, SEPTEMBER))
    monkeypatch.setattr(receipts, "look_up", lambda *_: receipts.Shown([], []))

    assert len(looked_up) > 1
    assert shown(office.deliver("change", rows, OCTOBER)) == looked_up


def test_old_version_stays_when_a_worse_delivery_is_held(office: Office) -> None:
    office.deliver("change", [{"code": "a", "value": 1}])
    held = office.deliver("change", [{"code": "a", "value": 2}], passes=False)
    assert office.current("change") == [("a", 1)]
    document = office.receipt(held)
    assert document["status"] == "held"
    assert document["rows"]["loaded"] == 1
    assert document["summary"].startswith("暂缓入库：质量得分 42%，低于目标 90%。此前的数据保持不变")
    assert intake.unfinished(office.settings) == []
    assert office.rows("select count(*) from quality.event") == [(1,)]


def test_held_delivery_is_applied_with_its_own_events_when_released(office: Office) -> None:
    office.deliver("change", [{"code": "a", "value": 1}])
    held = office.deliver("change", [{"code": "a", "value": 2}], passes=False, name="二次.csv")
    intake.release(office.settings, office.contracts, held, actor="王", why="已电话核实", now=office.tick())
    assert office.current("change") == [("a", 2)]
    assert office.rows("select seq, kind, batch_id, actor, why from quality.event order by seq")[1:] == [
        (2, "release", held, "王", "已电话核实"),
        (3, "apply", held, "王", ""),
    ]
    document = office.receipt(held)
    assert (document["status"], document["file_name"]) == ("accepted", "二次.csv")
    assert document["summary"].startswith("经人工放行，已接收")
    with pytest.raises(UserError, match="只有暂缓入库的批次"):
        intake.release(office.settings, office.contracts, held, actor="王", why="再来", now=office.tick())


def test_held_delivery_changes_nothing_when_refused(office: Office) -> None:
    held = office.deliver("change", [{"code": "a", "value": 2}], passes=False)
    with pytest.raises(UserError, match="--why"):
        intake.refuse(office.settings, office.contracts, held, actor="王", why=" ", now=office.tick())
    intake.refuse(office.settings, office.contracts, held, actor="王", why="错表", now=office.tick())
    assert office.current("change") == []
    assert office.receipt(held)["status"] == "rejected"
    assert office.rows("select seq, kind from quality.event") == [(1, "refuse")]
    assert office.rows("select to_regclass(%s)", f"staging.batch_{held}") == [(None,)]


def test_same_content_is_a_duplicate_only_when_it_is_the_latest_applied(office: Office) -> None:
    a, b = [{"code": "a", "value": 1}], [{"code": "a", "value": 2}]
    first = office.deliver("change", a, SEPTEMBER)
    again = office.deliver("change", a, SEPTEMBER, name="另一个名字.csv")
    assert office.batch(again, "status, rows_read, rows_duplicate, applied_seq") == ("duplicate", 1, 1, None)
    assert f"批次 {first}" in office.receipt(again)["summary"]
    next_month = office.deliver("change", a, OCTOBER)
    assert office.batch(next_month, "status, rows_unchanged") == ("accepted", 1)
    office.deliver("change", b, OCTOBER)
    back = office.deliver("change", a, OCTOBER)
    assert office.batch(back) == "accepted"
    assert office.current("change") == [("a", 1)]
    assert office.rows('select count(*) from raw."test_office__change"') == [(3,)]


def test_absent_records_are_withdrawn_when_a_full_delivery_lacks_them(office: Office) -> None:
    office.deliver("list", [person(ZHANG, "张三"), person(LI, "李四")], AUGUST)
    second = office.deliver("list", [person(LI, "李四")], SEPTEMBER)
    assert office.current("list", "name") == [("李四",)]
    assert office.batch(second, "rows_loaded, rows_unchanged, rows_withdrawn, rows_in_force") == (0, 1, 1, 2)
    assert office.rows("select kind, as_of, applied_seq from quality.version_closing") == [("withdrawn", SEPTEMBER, 2)]


def test_only_the_delivered_years_are_replaced_when_year_is_part_of_the_key(office: Office) -> None:
    office.deliver(
        "yearly", [{"year": y, "code": c, "value": n} for n, (y, c) in enumerate(["2019", "a"] for _ in "x")]
    )
    office.deliver("yearly", [{"year": "2020", "code": "a", "value": 5}, {"year": "2020", "code": "b", "value": 6}])
    last = office.deliver("yearly", [{"year": "2020", "code": "b", "value": 7}])
    assert office.current("yearly", "year, code, value") == [("2019", "a", 0), ("2020", "b", 7)]
    assert office.batch(last, "rows_withdrawn, scope") == (1, {"year": ["2020"]})


def test_declared_scope_limits_withdrawal_and_outsiders_are_flagged(office: Office) -> None:
    rows = [{"year": y, "code": "a", "value": 1} for y in ("2018", "2019")]
    office.deliver("yearly", rows)
    scoped = [{"year": "2019", "code": "b", "value": 2}, {"year": "2020", "code": "c", "value": 3}]
    batch_id = office.deliver("yearly", scoped, scope={"year": "2019"})
    assert [r[:2] for r in office.current("yearly", "year, code")] == [("2018", "a"), ("2019", "b"), ("2020", "c")]
    assert office.rows("select row_no from quality.issue where rule = 'row.scope'") == [(3,)]
    assert office.batch(batch_id, "rows_withdrawn") == 1


def test_record_ends_when_an_incremental_delivery_withdraws_it(office: Office) -> None:
    office.deliver("change", [{"code": "a", "value": 1}, {"code": "b", "value": 2}])
    batch_id = office.deliver(
        "change", [{"code": "a", "operation": "撤销"}, {"code": "z", "operation": "撤销"}, {"code": "c", "value": 3}]
    )
    assert office.current("change") == [("b", 2), ("c", 3)]
    assert office.batch(batch_id, "rows_loaded, rows_unchanged, rows_withdrawn") == (2, 1, 1)


def test_event_is_a_new_version_and_an_issue_when_its_key_comes_again(office: Office) -> None:
    office.deliver("event", [{"code": "a", "value": 1}])
    batch_id = office.deliver("event", [{"code": "a", "value": 2}, {"code": "b", "value": 1}])
    assert office.current("event") == [("a", 2), ("b", 1)]
    assert office.rows("select row_no, rule from quality.issue where batch_id = %s", batch_id) == [(2, "key.repeated")]
    assert office.rows('select _issues from raw."test_office__event" where value = 2') == [
        ([{"rule": "key.repeated", "column": "code"}],)
    ]


def test_two_people_on_one_number_both_stay_when_delivered_together(office: Office) -> None:
    rows = [person(ZHANG, "张三"), person(ZHANG, "赵六", "1985-05-05"), person(ZHANG, "张三")]
    batch_id = office.deliver("list", rows, AUGUST)
    assert sorted(office.current("list", "name, _key_no"))[0][0] == "张三"
    assert {n for _, n in office.current("list", "name, _key_no")} == {1, 2}
    assert office.batch(batch_id, "rows_loaded, rows_duplicate") == (2, 1)
    assert office.rows(
        "select rule, row_no from quality.issue where rule in ('key.unique', 'row.duplicate') order by 1, 2"
    ) == [("key.unique", 2), ("key.unique", 3), ("row.duplicate", 4)]
    before = office.rows('select _record_key, name from raw."test_office__list" order by name')
    again = office.deliver("list", [person(ZHANG, "赵六", "1985-05-05"), person(ZHANG, "张三")], SEPTEMBER)
    assert office.batch(again, "rows_unchanged, rows_withdrawn") == (2, 0)
    one_left = office.deliver("list", [person(ZHANG, "赵六", "1985-05-06")], OCTOBER)
    assert office.batch(one_left, "rows_loaded, rows_withdrawn") == (1, 1)
    [(key, name)] = office.current("list", "_record_key, name")
    assert (key, name) in before


def test_stranger_on_a_known_number_stays_beside_the_record_when_nothing_of_its_identity_fits(office: Office) -> None:
    office.deliver("list", [person(ZHANG, "张三"), person(LI, "李四")], AUGUST)
    batch_id = office.deliver("list", [person(ZHANG, "赵六", "1985-05-05"), person(LI, "李思")], SEPTEMBER)
    assert office.rows(
        "select rule, row_no from quality.issue where batch_id = %s and rule like 'key%%'", batch_id
    ) == [("key.identity", 2)]
    keys = dict(office.rows('select name, _record_key from raw."test_office__list"'))
    assert keys["李四"] == keys["李思"]
    assert keys["张三"] != keys["赵六"]


def test_fallback_key_serves_when_the_key_cell_is_unusable(office: Office) -> None:
    office.deliver("list", [person("无", "张三"), person("3.71002E+17", "李四", "1990-02-02")], AUGUST)
    batch_id = office.deliver("list", [person(None, "张三", note="新"), person(None, "李四", "1990-02-02")], SEPTEMBER)
    assert office.batch(batch_id, "rows_loaded, rows_unchanged, rows_withdrawn") == (1, 1, 0)


def test_rules_between_rows_and_extracts_are_judged_when_there_is_something_to_judge_by(office: Office) -> None:
    rows = [
        {"year": "2020", "code": c, "value": v, "of": o} for c, v, o in (("a", 1, "x"), ("b", 1, "y"), ("c", 2, None))
    ]
    first = office.deliver("yearly", rows)
    facts = "select rule, checked, passed from quality.check_result where batch_id = %s and rule = any(%s) order by 1"
    rules = ["of_known", "value_once"]
    assert office.rows(facts, first, rules) == [("of_known", 0, 0), ("value_once", 3, 1)]
    office.deliver("change", [{"code": "x", "value": 1}], SEPTEMBER)
    second = office.deliver("yearly", [*rows, {"year": "2020", "code": "d", "value": 9, "of": "x"}], OCTOBER)
    assert office.rows(facts, second, rules) == [("of_known", 3, 2), ("value_once", 4, 2)]
    assert office.rows(
        "select row_no, header, value_masked from quality.issue where batch_id = %s and rule = 'of_known'", second
    ) == [(3, "所属编号", "y")]


def test_parts_are_one_delivery_when_all_are_in(office: Office) -> None:
    contract = office.contracts["test_office__list"]
    office.put("名单_第1份共2份.csv", csv_bytes(contract, [person(ZHANG, "张三")]), as_of=SEPTEMBER)
    assert office.run() == []
    office.put("名单_第2份共2份.csv", csv_bytes(contract, [person(LI, "李四"), person(LI, "")]), as_of=SEPTEMBER)
    [batch_id] = office.run()
    assert office.current("list", "name, _row_no") == [("张三", 2), ("李四", 4)]
    document = office.receipt(batch_id)
    assert document["rows"]["physical"] == 5
    assert document["rows"]["rejected"] == 1
    rejected = [(i["row"], i["message"][:4]) for i in document["issues"] if i["rule"] == "name.required"]
    assert rejected == [(3, "第 2 ")]


def test_plain_values_stay_in_the_departments_folder_when_they_are_personal(office: Office, caplog: Any) -> None:
    broken = ZHANG[:-1] + "9"
    rows = [
        person(broken, "张三", "1980-13-01", phone="13812345678", note="请联系13912345678"),
        person(ZHANG, "张三", "不是日期"),
    ]
    batch_id = office.deliver("list", rows, SEPTEMBER, name=f"张三_{ZHANG}.csv")
    stored = json.dumps(
        [
            office.rows(f"select to_jsonb(t) from {table} t")
            for table in (
                "quality.batch",
                "quality.batch_file",
                "quality.issue",
                "quality.check_result",
                "quality.event",
            )
        ],
        default=str,
    )
    for secret in (broken, ZHANG, "13812345678", "13912345678", "1980-13-01", "不是日期"):
        assert secret not in stored
        assert secret not in caplog.text
    assert "371***********001*" in stored
    document = office.receipt(batch_id)
    assert document["file_name"] == f"张三_{ZHANG}.csv"
    masked = {i["value_masked"] for i in document["issues"] if i["column"] == "code"}
    assert "371***********001*" in masked
    book = openpyxl.load_workbook(office.workbook(batch_id))
    text = "\n".join(str(c.value) for sheet in book for line in sheet.iter_rows() for c in line)
    assert broken in text


def test_workbook_shows_bad_cells_and_starts_no_formula_when_cells_try_to(office: Office) -> None:
    rows = [{"code": "=1+1", "value": "=cmd|' /C calc'!A0"}, {"code": "b", "value": 1}, {"code": "+x", "value": "@y"}]
    batch_id = office.deliver("change", rows)
    book = openpyxl.load_workbook(office.workbook(batch_id))
    assert book.sheetnames == ["回执", "问题清单", "问题行"]
    assert {c.data_type for sheet in book for line in sheet.iter_rows() for c in line} <= {"s", "n"}
    offending = book["问题行"]
    assert [c.value for c in offending[1]] == ["行号", "编号", "数值", "操作类型"]
    assert [c.value for c in offending[2]][:3] == ["2", "=1+1", "=cmd|' /C calc'!A0"]
    assert offending["C2"].comment is not None
    assert offending["C2"].quotePrefix
    assert offending["B2"].quotePrefix
    assert "已接收：共 3 行" in book["回执"]["A2"].value


@pytest.mark.parametrize("step", ["check", "recall"])
def test_one_file_is_answered_and_the_next_goes_on_when_something_unforeseen_happens(
    office: Office, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    real = getattr(reading, step)

    def fail_once(*args: Any, **facts: Any) -> Any:
        monkeypatch.setattr(reading, step, real)
        raise ZeroDivisionError("张三 371002198001010016")

    monkeypatch.setattr(reading, step, fail_once)
    office.put("1.csv", csv_bytes(office.contracts["test_office__change"], [{"code": "a", "value": 1}]), "change")
    office.put("2.csv", csv_bytes(office.contracts["test_office__change"], [{"code": "b", "value": 1}]), "change")
    first, second = office.run()
    assert office.batch(first) == "rejected"
    summary = office.receipt(first)["summary"]
    assert summary.startswith("未接收：系统无法处理这个文件（ZeroDivisionError）")
    assert "张三" not in summary
    assert office.batch(second) == "accepted"


def test_delivery_is_read_again_when_a_crash_emptied_its_staging(office: Office) -> None:
    office.deliver("list", [person(ZHANG, "张三"), person(LI, "李四")], AUGUST)
    held = office.deliver("list", [person(ZHANG, "张三丰")], SEPTEMBER, passes=False)
    office.put("b.csv", csv_bytes(office.contracts["test_office__list"], [person(LI, "李四")]), as_of=OCTOBER)
    [delivery] = landing.scan(office.settings.landing, office.contracts, settle_seconds=0)
    staged = intake.receive(office.settings, office.contracts, delivery, run_id="r", now=office.tick())
    for batch_id in (held, staged):
        for suffix in ("", "_key", "_gone", "_issue"):
            office.execute(f"truncate staging.batch_{batch_id}{suffix}")
    verdict = intake.GateVerdict(staged, True, None, ())
    assert intake.decide(office.settings, office.contracts, verdict, now=office.tick()) == "received"
    assert len(office.current("list", "name")) == 2
    intake.release(office.settings, office.contracts, held, actor="王", why="核实", now=office.tick())
    assert office.current("list", "name") == [("张三丰",)]
    office.run()
    assert office.batch(staged, "rows_loaded, rows_withdrawn") == (1, 1)
    assert office.current("list", "name") == [("李四",)]


def test_split_is_settled_anew_when_another_delivery_was_applied_meanwhile(office: Office) -> None:
    contract = office.contracts["test_office__change"]
    for name, value in (("1.csv", 1), ("2.csv", 1)):
        office.put(name, csv_bytes(contract, [{"code": "a", "value": value}]), "change", as_of=SEPTEMBER)
        office.now = office.tick()
    first, second = office.run()
    assert office.batch(first, "rows_loaded, rows_unchanged") == (1, 0)
    assert office.batch(second, "rows_loaded, rows_unchanged") == (0, 1)


def test_half_a_list_is_held_when_the_whole_one_was_judged_in_the_same_run(office: Office) -> None:
    contract = office.contracts["test_office__list"]
    people = [person(None, f"某{n}", "1980-01-01") for n in range(60)]
    office.put("1.csv", csv_bytes(contract, people), as_of=SEPTEMBER)
    office.put("2.csv", csv_bytes(contract, people[:30]), as_of=SEPTEMBER)
    whole, half = office.run()
    assert office.batch(whole).startswith("accepted")
    assert office.batch(half, "status, rows_withdrawn, rows_unchanged, rows_in_force") == ("held", 30, 30, 60)
    assert "现有 60 条记录中有 30 条本次未出现，超过允许的 10%" in office.receipt(half)["summary"]
    assert len(office.current("list", "name")) == 60
    intake.release(office.settings, office.contracts, half, actor="王", why="已核实", now=office.tick())
    assert len(office.current("list", "name")) == 30
