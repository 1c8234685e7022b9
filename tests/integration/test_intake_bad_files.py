"""Bad input: one receipt with one clear sentence, nothing else changes; every row of dirty files is found again."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest
import xlsxwriter
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from connectors.settings import Settings
from tests.integration.office import Office, csv_bytes, with_test_contracts


@pytest.fixture
def office(settings: Settings, tmp_path: Path, clock: datetime) -> Office:
    extended, contracts = with_test_contracts(settings, tmp_path / "contracts")
    return Office(extended, contracts, clock)


def workbook(rows: list[list[str]]) -> bytes:
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer) as book:
        sheet = book.add_worksheet("数据")
        for line, cells in enumerate(rows):
            sheet.write_row(line, 0, cells)
    return buffer.getvalue()


def broken_workbook() -> bytes:
    whole = workbook([["编号", "数值"], ["a", "1"]])
    return whole[: len(whole) // 2]


def zip_of_nothing() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("readme", "x")
    return buffer.getvalue()


GOOD = "编号,数值\na,1\n".encode()
BAD: dict[str, tuple[bytes, str]] = {
    "empty": (b"", ""),
    "blank": (b"\n\n\n", ""),
    "unrecognisable_header": ("天气,温度\n晴,20\n".encode(), ""),
    "no_key_column": ("数值,操作类型\n1,新增\n".encode(), "编号"),
    "broken_workbook": (broken_workbook(), ""),
    "no_workbook": (zip_of_nothing(), ""),
    "wrong_encoding": ("编号,数值\n".encode() + b"\xff\xfe\xff\x80\x81\n" * 3, ""),
    "all_rows_rejected": ("编号,数值\n,1\n,2\n".encode(), "2 行数据全部不能使用"),
}


@pytest.mark.parametrize("case", BAD)
def test_one_clear_sentence_answers_when_a_file_cannot_be_used(office: Office, case: str) -> None:
    office.deliver("change", [{"code": "old", "value": 1}])
    content, words = BAD[case]
    office.put("坏.csv", content, "change")
    office.put("好.csv", GOOD, "change")
    bad, good = sorted(office.run())
    document = office.receipt(bad)
    assert document["status"] == "rejected"
    assert document["summary"].startswith("未接收：")
    assert document["summary"].endswith("。")
    assert words in document["summary"]
    assert "Error" not in document["summary"]
    assert office.workbook(bad).is_file()
    assert office.batch(good) == "accepted"
    assert office.current("change") == [("a", 1), ("old", 1)]
    assert [p for p in (office.settings.landing / "test_office" / "inbox").rglob("*") if p.is_file()] == []
    assert office.rows("select count(*) from quality.event") == [(2,)]


def test_nothing_is_withdrawn_when_a_full_delivery_has_only_a_header(office: Office) -> None:
    office.deliver("list", [{"name": "张三", "born_on": "1980-01-01"}])
    batch_id = office.deliver("list", [])
    assert office.batch(batch_id) == "rejected"
    assert "只有表头" in office.receipt(batch_id)["summary"]
    assert len(office.current("list", "name")) == 1


def test_incremental_delivery_says_that_nothing_changed_when_it_has_only_a_header(office: Office) -> None:
    batch_id = office.deliver("change", [])
    assert office.batch(batch_id, "status, rows_read") == ("accepted", 0)


def test_receipt_lies_in_the_unknown_folder_when_no_department_owns_the_inbox(office: Office) -> None:
    office.department = "weather_bureau"
    office.put("a.csv", GOOD, "change")
    [batch_id] = office.run()
    assert office.batch(batch_id, "department, extract, status") == (None, None, "rejected")
    assert office.workbook(batch_id).parent == office.settings.landing / "_unknown" / "receipts"
    assert "不属于任何部门" in office.receipt(batch_id)["summary"]
    assert list((office.settings.landing / "weather_bureau" / "receipts").glob("*")) == []


def test_extract_is_recognised_by_its_header_when_dropped_straight_into_the_inbox(office: Office) -> None:
    office.put(
        "a.csv", csv_bytes(office.contracts["test_office__list"], [{"name": "张三", "born_on": "1980-01-01"}]), None
    )
    office.put("b.csv", "天气,温度\n晴,20\n".encode(), None)
    known, unknown = office.run()
    assert office.batch(known, "extract") == "list"
    assert office.workbook(known).parent.name == "list"
    assert office.batch(unknown, "department, extract, status") == ("test_office", None, "rejected")
    assert office.workbook(unknown).parent.name == "_unrecognised"


@pytest.mark.parametrize(
    "name",
    [
        "..\\..\\etc\\passwd.csv",
        "=cmd|' !A0'.csv",
        "a\nb.csv",
        "\u202egpj.csv",
        "空 格😀.csv",
        "长" * 80 + ".csv",
        "-rf",
    ],
)
def test_file_is_taken_all_the_same_when_its_name_plays_tricks(office: Office, name: str) -> None:
    office.put(name, GOOD, "change")
    [batch_id] = office.run()
    assert office.batch(batch_id) == "accepted"
    assert office.current("change") == [("a", 1)]
    place = office.settings.landing / "test_office" / "receipts" / "change"
    assert office.workbook(batch_id).parent == place
    shown = office.batch(batch_id, "file_name")
    assert not shown.startswith(("=", "-", "."))
    assert "\n" not in shown


def test_name_is_kept_out_of_the_way_when_it_is_no_text(office: Office) -> None:
    inbox = office.settings.landing / "test_office" / "inbox" / "change"
    inbox.mkdir(parents=True)
    Path(os.fsdecode(os.fsencode(inbox) + b"/\xff\xfe.csv")).write_bytes(GOOD)
    [batch_id] = office.run()
    assert office.batch(batch_id) == "accepted"


def test_receipt_is_not_written_through_a_link_when_a_department_plants_one(office: Office, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (office.settings.landing / "test_office").mkdir(parents=True)
    (office.settings.landing / "test_office" / "receipts").symlink_to(outside)
    office.put("a.csv", GOOD, "change")
    [batch_id] = office.run()
    assert office.workbook(batch_id).parent == office.settings.landing / "test_office" / "receipts" / "change"
    assert list(outside.iterdir()) == []


DIRTY_CELLS = st.sampled_from(
    [
        "a",
        "b",
        "c",
        "ａ",
        " d ",
        "",
        "无",
        "1",
        "1,5",
        "１２",
        "x,y",
        '"',
        "合计",
        "=1",
        "\u3000",
        "N/A",
        "撤销",
        "新增",
        "测试",
    ]
)
LINES = st.one_of(
    st.lists(DIRTY_CELLS, min_size=1, max_size=4).map(",".join),
    st.sampled_from(
        ["", ",,", "编号,数值,操作类型", "合计,3,", "备注：以上数据由各区市汇总", "制表人：某某", '"a,1', "a,1,新增"]
    ),
)


def writers() -> Iterator[tuple[str, Callable[[str], bytes]]]:
    yield "utf-8", lambda text: text.encode()
    yield "utf-8-sig", lambda text: text.encode("utf-8-sig")
    yield "gb18030", lambda text: text.encode("gb18030")


@examples(max_examples=25, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(LINES, max_size=12), st.sampled_from([name for name, _ in writers()]), st.sampled_from(["\n", "\r\n"]))
def test_every_row_is_accounted_for_when_the_file_is_dirty(
    office: Office, lines: list[str], encoding: str, line_end: str
) -> None:
    text = line_end.join(["编号,数值,操作类型", *lines]) + line_end
    office.put("脏.csv", dict(writers())[encoding](text), "change")
    [batch_id] = office.run()
    facts = office.receipt(batch_id)
    rows = facts["rows"]
    if facts["status"] == "duplicate" or (facts["status"] == "rejected" and rows["physical"] == 0):
        return
    assert rows["physical"] == rows["header"] + sum(rows["skipped"].values()) + rows["read"]
    assert rows["read"] == rows["loaded"] + rows["unchanged"] + rows["duplicate"] + rows["rejected"]
    listed = {i["row"] for i in facts["issues"] if i["row"] is not None}
    opened = {r for (r,) in office.rows('select _row_no from raw."test_office__change" where _batch_id = %s', batch_id)}
    assert len(opened) + rows["withdrawn"] == rows["loaded"]
    assert rows["rejected"] <= len(listed - opened)
    assert max(listed | opened | {1}) <= rows["physical"]
    if '"' not in text:
        assert rows["physical"] == len(lines) + 1
