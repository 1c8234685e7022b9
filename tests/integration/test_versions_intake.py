"""What deliveries do to records already known: rejected rows, scopes, full lists sent as changes, a year of them."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from connectors.contract import Contracts, load_contracts
from connectors.settings import CHECKOUT, Settings
from tests.integration.office import CONTRACTS, Office, csv_bytes

DAY = timedelta(days=1)
JULY, AUGUST, SEPTEMBER, OCTOBER = date(2021, 7, 31), date(2021, 8, 31), date(2021, 9, 30), date(2021, 10, 7)
FACILITY = """
title: 设施
description: 试验用的分区县全量数据。
key: [division_code, code]
fallback_key: [name, opened_on]
mode: full
cycle: monthly
maximum_loss: 1.0
sharing: {type: 无条件共享}
columns:
  division_code: {header: 所在区划, required: warning}
  code: {header: 编号, type: text, required: warning}
  name: {header: 名称, type: text, required: true}
  opened_on: {header: 启用日期, type: date}
  kind: {header: 类型, type: text}
"""
HEADER = "所在区划,编号,名称,启用日期,类型"


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Contracts:
    folder = tmp_path_factory.mktemp("contracts")
    (folder / "test_office").mkdir()
    for name, text in {**CONTRACTS, "facility": FACILITY}.items():
        (folder / "test_office" / f"{name}.yml").write_text(text, encoding="utf-8")
    return load_contracts((CHECKOUT / "connectors" / "contracts", folder))


@pytest.fixture
def office(settings: Settings, known: Contracts, clock: datetime) -> Office:
    return Office(settings, known, clock)


def facility(code: str | None, name: str | None, division: str = "371002", **more: Any) -> dict[str, Any]:
    return {"division_code": division, "code": code, "name": name, **more}


def names(office: Office) -> list[str]:
    return [name for (name,) in office.current("facility", "name")]


def kept(office: Office, batch_id: int) -> list[str]:
    return [i["message"][:8] for i in office.receipt(batch_id)["issues"] if i["rule"] == "delivery.kept"]


REJECTED = {
    "required value missing": ("371002,b2,,2020-05-06,丙", True),
    "test data": ("371002,b2,测试,2020-05-06,丙", True),
    "columns shifted right": ("371002,b2,乙,甲,2020-05-06,丙,丁", True),
    "columns missing, full-width": ("环翠区,Ｂ２,乙", True),
    "columns missing, division by name": ("环翠区, b2 ,乙", True),
    "unpaired quote": ('371002,b2,"乙,2020-05-06,丙', True),
    "mojibake": ("371002,b2,锟斤拷\ufffd,2020-05-06,丙", True),
    "another division": ("371003,b2,,2020-05-06,丙", False),
    "another code": ("371002,z9,,2020-05-06,丙", False),
}


def test_record_stays_when_the_row_that_speaks_of_it_is_rejected(office: Office) -> None:
    as_of = AUGUST
    for number, (case, (line, stays)) in enumerate(REJECTED.items()):
        office.deliver("facility", [facility("a1", "甲"), facility("b2", "乙")], as_of := as_of + DAY)
        content = mojibake(f"{HEADER}\n371002,a1,甲,,\n{line}\n")
        office.put(f"{number}.csv", content, "facility", as_of=(as_of := as_of + DAY))
        [batch_id] = office.run()
        facts = office.batch(batch_id, "rows_read, rows_rejected, rows_withdrawn, rows_in_force")
        assert (case, names(office)) == (case, ["乙", "甲"] if stays else ["甲"])
        assert (case, facts) == (case, (2, 1, not stays, 2))
        assert (case, kept(office, batch_id)) == (case, ["有 1 条已入库"] if stays else [])


def mojibake(text: str) -> bytes:
    return text.encode().replace("\ufffd".encode(), b"\xff\xfe")


def test_record_without_a_code_stays_when_its_rejected_row_names_it_by_the_fallback_key(office: Office) -> None:
    rows = [facility(None, "无号设施", "", opened_on="2020-05-06"), facility("a1", "甲")]
    office.deliver("facility", rows, AUGUST)
    office.put("九月.csv", f"{HEADER}\n371002,a1,甲,,\n,,无号设施,2020年5月6日,丙,丁,戊\n".encode(), "facility",
               as_of=SEPTEMBER)  # fmt: skip
    office.run()
    assert names(office) == ["无号设施", "甲"]


def test_late_content_goes_on_past_a_delivery_that_was_silent_about_it(office: Office) -> None:
    office.deliver("facility", [facility("a1", "甲"), facility("b2", "乙")], JULY)
    office.deliver("facility", [facility("a1", "甲"), facility("b2", None)], SEPTEMBER)
    office.deliver("facility", [facility("a1", "甲"), facility("b2", "乙改")], AUGUST)
    assert names(office) == ["乙改", "甲"]


def test_nothing_is_kept_when_the_delivery_also_holds_a_good_row_of_the_record(office: Office) -> None:
    office.deliver("facility", [facility("a1", "甲"), facility("b2", "乙")], JULY)
    batch_id = office.deliver("facility", [facility("a1", "甲"), facility("b2", "乙"), facility("b2", None)], AUGUST)
    assert office.batch(batch_id, "rows_unchanged, rows_rejected, rows_withdrawn") == (2, 1, 0)
    assert kept(office, batch_id) == []


def test_withdrawal_stays_within_the_declared_scope(office: Office) -> None:
    before = [
        facility("1", "区", kind="学校"),
        facility("2", "街道", "371002001"),
        facility("3", "区外", "371083"),
        facility("4", "市本级", "371000"),
    ]
    scopes: list[tuple[Any, list[str]]] = [
        ({"division_code": "371002"}, ["区外", "市本级"]),
        ({"所在区划": "环翠区"}, ["区外", "市本级"]),
        ({"division_code": "371002001000"}, ["区", "区外", "市本级"]),
        ({"division_code": ["371083", "371002001"]}, ["区", "市本级"]),
        ({"division_code": "371000"}, []),
        ({"kind": "学校"}, ["区外", "市本级", "街道"]),
        ({"division_code": "371002", "kind": "学校"}, ["区外", "市本级", "街道"]),
        (None, []),
    ]
    as_of = AUGUST
    for scope, left in scopes:
        office.deliver("facility", before, as_of := as_of + DAY)
        side = {"scope": scope} if scope is not None else {}
        new = [facility("9", "新", "371002001", kind="学校")]
        batch_id = office.deliver("facility", new, as_of := as_of + DAY, **side)
        assert (scope, names(office)) == (scope, sorted([*left, "新"]))
        assert (scope, office.batch(batch_id, "rows_withdrawn")) == (scope, 4 - len(left))


def test_row_below_the_declared_division_is_within_and_another_is_flagged(office: Office) -> None:
    rows = [facility("1", "街道", "371002001"), facility("2", "区外", "371083"), facility("3", "无区划", "")]
    batch_id = office.deliver("facility", rows, SEPTEMBER, scope={"division_code": "环翠区"})
    assert office.rows("select row_no from quality.issue where rule = 'row.scope'") == [(3,)]
    assert office.batch(batch_id, "rows_loaded, scope") == (3, {"division_code": ["371002"]})


def test_delivery_is_answered_when_its_scope_is_unknown_to_the_contract(office: Office) -> None:
    scopes: list[tuple[Any, str]] = [
        ({"区号": "1"}, "声明的报送范围用了没有的列“区号”，可用的列：所在区划、编号、"),
        ({"division_code": "火星"}, "“火星”不是“所在区划”的取值"),
        ({"opened_on": "今年"}, "“今年”不是“启用日期”的取值"),
        ({"kind": []}, "没有写明“类型”的取值"),
    ]
    for scope, said in scopes:
        batch_id = office.deliver("facility", [facility("1", "甲")], SEPTEMBER, scope=scope)
        assert office.batch(batch_id) == "rejected"
        assert said in office.receipt(batch_id)["summary"]
        assert names(office) == []


def test_same_file_is_no_duplicate_when_it_now_speaks_for_the_whole_list(office: Office) -> None:
    office.deliver("facility", [facility("1", "甲", "371083")], AUGUST)
    office.deliver("facility", [facility("2", "乙")], SEPTEMBER, scope={"division_code": "371002"})
    whole = office.deliver("facility", [facility("2", "乙")], SEPTEMBER)
    assert office.batch(whole, "status, rows_withdrawn") == ("accepted", 1)
    assert names(office) == ["乙"]


def test_nothing_is_applied_while_a_part_is_missing(office: Office) -> None:
    contract = office.contracts["test_office__facility"]
    office.deliver("facility", [facility(str(n), f"甲{n}") for n in range(3)], AUGUST)
    office.put("设施_第2份共2份.csv", csv_bytes(contract, [facility("1", "甲1")]), "facility", as_of=SEPTEMBER)
    assert office.run() == []
    assert len(names(office)) == 3
    office.put("设施_第1份共2份.csv", csv_bytes(contract, [facility("0", "甲0")]), "facility", as_of=SEPTEMBER)
    [batch_id] = office.run()
    assert office.batch(batch_id, "rows_unchanged, rows_withdrawn") == (2, 1)


def test_full_list_is_recognised_and_withdraws_nothing_when_sent_as_changes(office: Office) -> None:
    rows = [{"code": str(n), "value": n} for n in range(40)]
    office.deliver("change", rows, AUGUST)
    for sent, looks_full in ((40, True), (38, True), (37, False), (19, False)):
        batch_id = office.deliver("change", [{"code": "0", "value": 99 + sent}, *rows[1:sent]], SEPTEMBER)
        found = [i["message"][:7] for i in office.receipt(batch_id)["issues"] if i["rule"] == "delivery.looks_full"]
        assert (sent, found) == (sent, ["像是全量名单（"] if looks_full else [])
        assert len(office.current("change")) == 40
        assert office.batch(batch_id, "rows_loaded, rows_unchanged, rows_withdrawn") == (1, sent - 1, 0)


def test_a_year_of_a_departments_behaviour_ends_as_it_should(office: Office) -> None:
    """Late, early, twice a day, unchanged, a correction of last month's, A → B → A, an earlier date after a later."""
    a, b = {"code": "a", "value": 1}, {"code": "a", "value": 2}
    other = {"code": "b", "value": 5}
    story: list[tuple[str, list[dict[str, Any]], date, tuple[str, int, int], list[tuple[str, int]]]] = [
        ("first", [a, other], JULY, ("accepted", 2, 0), [("a", 1), ("b", 5)]),
        ("unchanged next month", [a, other], AUGUST, ("accepted", 0, 2), [("a", 1), ("b", 5)]),
        ("correction of a record of last month", [b], AUGUST, ("accepted", 1, 0), [("a", 2), ("b", 5)]),
        ("twice a day", [{"code": "b", "value": 6}], AUGUST, ("accepted", 1, 0), [("a", 2), ("b", 6)]),
        ("back to what it was", [a], AUGUST, ("accepted", 1, 0), [("a", 1), ("b", 6)]),
        ("the very same again", [a], AUGUST, ("duplicate", 0, 0), [("a", 1), ("b", 6)]),
        ("early for October", [b], OCTOBER, ("accepted", 1, 0), [("a", 2), ("b", 6)]),
        ("September's, late", [{"code": "a", "value": 3}], SEPTEMBER, ("accepted", 1, 0), [("a", 2), ("b", 6)]),
        ("a withdrawal", [{"code": "b", "operation": "撤销"}], OCTOBER, ("accepted", 1, 0), [("a", 2)]),
    ]
    for number, (what, rows, as_of, outcome, current) in enumerate(story):
        batch_id = office.deliver("change", rows, as_of, name=f"{number}.csv")
        assert office.batch(batch_id, "status, rows_loaded, rows_unchanged") == outcome, what
        assert office.current("change") == current, what
    timely = "select count(*) from quality.batch where status like 'accepted%%' and as_of = %s"
    assert office.rows(timely, AUGUST) == [(4,)]
