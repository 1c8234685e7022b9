"""A receipt's workbook is corrected and dropped again; deliveries of several sheets are answered in their own rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from connectors import intake, landing
from connectors.settings import Settings
from expectations import gate
from tests.integration.office import Office, csv_bytes, with_test_contracts
from tests.unit.delivered_files import write_workbook

SEPTEMBER = date(2021, 9, 30)


@pytest.fixture
def office(settings: Settings, tmp_path: Path, clock: Any) -> Office:
    extended, contracts = with_test_contracts(settings, tmp_path / "contracts")
    return Office(extended, contracts, clock)


def correct(path: Path, fix: Callable[[Any], None], *, only_rows: bool = False) -> bytes:
    """Do what a department does: open the receipt, correct its rows, save."""
    book = openpyxl.load_workbook(path)
    fix(book["问题行"])
    if only_rows:
        for name in ("回执", "问题清单"):
            del book[name]
    saved = path.with_name("saved.tmp")
    book.save(saved)
    content = saved.read_bytes()
    saved.unlink()
    return content


def red_cells(sheet: Any) -> list[tuple[str, Any, str]]:
    """Return the coloured cells below the header: place, value, comment."""
    return [
        (cell.coordinate, cell.value, cell.comment.text)
        for line in sheet.iter_rows(min_row=2)
        for cell in line
        if cell.fill.fgColor.rgb == "FFFFC7CE"
    ]


def page(path: Path) -> dict[str, str]:
    sheet = openpyxl.load_workbook(path)["回执"]
    return {str(label.value): str(text.value) for label, text in sheet.iter_rows(min_row=4, max_col=2) if label.value}


@pytest.mark.parametrize("only_rows", [False, True])
def test_corrected_rows_are_loaded_and_the_others_stay_when_the_receipt_is_dropped_again(
    office: Office, only_rows: bool
) -> None:
    rows = [{"code": f"{n:03}", "value": n} for n in range(1, 8)]
    rows[2]["value"], rows[5]["value"] = "三十", "=60"
    rows.append({"code": None, "value": 80})
    first = office.deliver("change", rows, SEPTEMBER)
    assert office.current("change") == [(f"{n:03}", None if n in (3, 6) else n) for n in range(1, 8)]
    receipt = office.workbook(first)
    found = red_cells(openpyxl.load_workbook(receipt)["问题行"])
    assert [(at, value) for at, value, _ in found] == [("C2", "三十"), ("C3", "=60"), ("A4", "9"), ("B4", None)]
    assert "放回收件箱" in page(receipt)["怎样改正"]

    def fix(sheet: Any) -> None:
        sheet["C2"], sheet["C3"], sheet["B4"] = 30, "60", "008"

    office.put("回执改正.xlsx", correct(receipt, fix, only_rows=only_rows), "change")
    [second] = office.run()
    assert office.batch(second, "status, rows_read, rows_loaded, as_of") == ("accepted", 3, 3, SEPTEMBER) or only_rows
    assert office.batch(second, "rows_read, rows_loaded, rows_rejected") == (3, 3, 0)
    assert office.current("change") == [("001", 1), ("002", 2), ("003", 30), ("004", 4), ("005", 5), ("006", 60),
                                        ("007", 7), ("008", 80)]  # fmt: skip


def test_the_rest_of_a_list_stays_when_only_its_corrected_rows_are_dropped(office: Office) -> None:
    rows = [{"year": "2020", "code": f"c{n}", "value": n} for n in range(60)]
    rows[4]["value"] = "四"
    first = office.deliver("yearly", rows, SEPTEMBER)
    before = office.current("yearly")
    how = page(office.workbook(first))["怎样改正"]
    assert "完整清单" in how
    assert "不要只报送“问题行”" in how

    def fix(sheet: Any) -> None:
        sheet["D2"] = 4

    office.put("回执.xlsx", correct(office.workbook(first), fix), "yearly")
    [whole] = office.run()
    assert office.batch(whole) == "rejected"
    assert "请在本部门的完整文件中改正这些行" in office.receipt(whole)["summary"]
    office.put("问题行.xlsx", correct(office.workbook(first), fix, only_rows=True), "yearly", as_of=SEPTEMBER)
    [delivery] = landing.scan(office.settings.landing, office.contracts, settle_seconds=0)
    rows_only = intake.receive(office.settings, office.contracts, delivery, run_id="r", now=office.tick())
    [verdict] = gate.judge_batches(office.settings, office.contracts, [rows_only], run_id="r", now=office.tick())
    assert intake.decide(office.settings, office.contracts, verdict, now=office.tick()) == "held"
    assert "撤回 59 / 60" in office.receipt(rows_only)["summary"]
    assert office.current("yearly") == before


def sheet_rows(office: Office, extract: str, *rows: Sequence[Any]) -> list[Sequence[Any]]:
    contract = office.contracts[f"test_office__{extract}"]
    return [[column.header for column in contract.columns.values()], *rows]


def test_each_finding_names_its_sheet_and_row_when_a_workbook_has_several(office: Office, tmp_path: Path) -> None:
    sheets = {
        "说明": [["填报说明"]],
        "环翠": sheet_rows(office, "change", ["a", 1, None], ["b", "x", None]),
        "文登": [["附件"], *sheet_rows(office, "change", ["c", "y", None], ["a", 1, None], ["d", 4, None])],
        "旧": sheet_rows(office, "change", ["z", 9, None]),
    }
    path = write_workbook(tmp_path, sheets, hidden=["旧"])
    office.put("各区.xlsx", path.read_bytes(), "change")
    [batch_id] = office.run()
    assert office.current("change") == [("a", 1), ("b", None), ("c", None), ("d", 4)]
    document = office.receipt(batch_id)
    assert document["rows"] | {} == {
        "physical": 8, "header": 2, "read": 5, "loaded": 4, "unchanged": 0, "duplicate": 1, "rejected": 0,
        "withdrawn": 0, "skipped": {"preamble": 1, "blank": 0, "total": 0, "repeated_header": 0, "note": 0},
    }  # fmt: skip
    assert office.rows("select rows_physical from quality.batch_file where batch_id = %s", batch_id) == [(8,)]
    places = [(i["sheet"], i["row"]) for i in document["issues"] if i["rule"] == "value.format"]
    assert places == [("环翠", 3), ("文登", 3)]
    told = [i["message"] for i in document["issues"] if i["rule"] == "sheet.other"]
    assert told == ["工作表“说明”不是要报送的表，未采用。", "隐藏的工作表“旧”未采用。"]
    book = openpyxl.load_workbook(office.workbook(batch_id))
    assert book.sheetnames == ["回执", "问题清单", "问题行-1", "问题行-2"]
    assert [c.value for c in book["问题行-2"][2]][:3] == ["3", "c", "y"]
    assert page(office.workbook(batch_id))["问题行-2"] == "工作表“文登”"
    assert [c.value for c in book["问题清单"][1]][:2] == ["位置", "行号"]


def test_a_header_of_two_rows_comes_back_in_one_when_rows_under_it_are_corrected(office: Office) -> None:
    text = "编号,数据信息,\n,数值,操作类型\na,1,\nb,x,\n编号,数据信息,\n,数值,操作类型\nc,3,\n"
    office.put("两行.csv", text.encode(), "change", as_of=SEPTEMBER)
    [first] = office.run()
    rows = office.receipt(first)["rows"]
    assert (rows["physical"], rows["header"], rows["skipped"]["repeated_header"], rows["read"]) == (7, 2, 2, 3)
    assert office.current("change") == [("a", 1), ("b", None), ("c", 3)]

    def fix(sheet: Any) -> None:
        assert [c.value for c in sheet[1]] == ["行号", "编号", "数据信息 / 数值", "数据信息 / 操作类型"]
        sheet["C2"] = 2

    office.put("改.xlsx", correct(office.workbook(first), fix), "change")
    office.run()
    assert office.current("change") == [("a", 1), ("b", 2), ("c", 3)]


def test_parts_name_their_file_and_row_when_they_come_together(office: Office) -> None:
    contract = office.contracts["test_office__change"]
    for number, value in ((1, 1), (2, "x")):
        content = csv_bytes(contract, [{"code": f"k{number}", "value": value}])
        office.put(f"表_第{number}份共2份.csv", content, "change", as_of=SEPTEMBER)
    [batch_id] = office.run()
    [found] = [i for i in office.receipt(batch_id)["issues"] if i["rule"] == "value.format"]
    assert (found["file"], found["row"], found["message"][:6]) == ("表_第2份共2份.csv", 2, "第 2 份：")
