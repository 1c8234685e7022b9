from __future__ import annotations

import datetime as dt
import zipfile
from pathlib import Path
from typing import Any

import pytest

from connectors.readers import UnreadableFileError, open_file
from connectors.readers import workbook as workbook_reader
from connectors.readers.cells import cell_text
from connectors.settings import Limits
from tests.unit.delivered_files import records, write, write_workbook
from tests.unit.delivered_formats import write_zip

LIMITS = Limits()
ROWS = [["编号", "名称", "日期", "数量"], ["1", "甲", dt.date(2020, 8, 1), 3], [], ["2", "乙", "长期", 2.5]]


def refusal(path: Path, limits: Limits = LIMITS) -> str:
    with pytest.raises(UnreadableFileError) as caught:
        read_whole(path, limits)
    return str(caught.value)


def read_whole(path: Path, limits: Limits) -> None:
    for sheet in open_file(path, limits=limits).sheets:
        list(sheet.batches())


def cells(path: Path, sheet: int = 0) -> list[tuple[int, tuple[str, ...] | None]]:
    return records(open_file(path, limits=LIMITS).sheets[sheet])


def test_positions_and_row_numbers_are_the_spreadsheets_when_the_table_does_not_start_at_the_top(
    tmp_path: Path,
) -> None:
    path = write_workbook(tmp_path, {"数据": [[], ["", "", "标题"], ["", *ROWS[0]], ["", *ROWS[1]]]})
    rows = cells(path)
    assert rows[1] == (2, ("", "", "标题", "", ""))
    assert rows[3] == (4, ("", "1", "甲", "2020-08-01", "3"))


def test_numbers_and_dates_read_as_their_text_when_they_are_typed_cells(tmp_path: Path) -> None:
    number = 371002198506070019
    moment = dt.datetime(2020, 8, 1, 12, 30, 5)  # noqa: DTZ001
    path = write_workbook(tmp_path, {"数据": [[3.0, 2.5, float(number), True, 1e-7, 44055, "0012"]]})
    assert cells(path)[0][1] == ("3", "2.5", "371002198506070016", "是", "1e-07", "44055", "0012")
    assert cell_text(moment) == "2020-08-01 12:30:05"
    assert cell_text(dt.timedelta(hours=30, minutes=5)) == "30:05:00"


def test_hidden_sheets_are_marked_when_a_workbook_has_them(tmp_path: Path) -> None:
    file = open_file(write_workbook(tmp_path, {"新": ROWS, "旧": ROWS}, hidden=["旧"]), limits=LIMITS)
    assert [(s.name, s.hidden) for s in file.sheets] == [("新", False), ("旧", True)]


def test_batches_continue_the_numbers_when_a_sheet_is_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook_reader, "BATCH_ROWS", 7)
    rows: list[list[Any]] = [["k", "v"], *([str(i), i] if i % 4 else [] for i in range(30))]
    read = cells(write_workbook(tmp_path, {"数据": rows}))
    assert [no for no, _ in read] == list(range(1, 32))
    assert read[29:] == [(30, ("", "")), (31, ("29", "29"))]


def test_the_1904_epoch_is_noticed_when_the_workbook_says_so(tmp_path: Path) -> None:
    path = write_workbook(tmp_path, {"数据": ROWS})
    other = tmp_path / "mac.xlsx"
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(other, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            content = source.read(name)
            target.writestr(name, content.replace(b"<workbookPr ", b'<workbookPr date1904="1" '))
    assert open_file(other, limits=LIMITS).sheets[0].epoch_1904
    assert not open_file(path, limits=LIMITS).sheets[0].epoch_1904


@pytest.mark.parametrize("content", [b"", b"\xef\xbb\xbf", b" \r\n\t\n"], ids=["0 bytes", "BOM", "white space"])
def test_a_file_is_refused_when_it_is_empty(tmp_path: Path, content: bytes) -> None:
    assert "文件是空的" in refusal(write(tmp_path, content))


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (b"%PDF-1.7 ...", "PDF"),
        (b"7z\xbc\xaf\x27\x1c\x00\x04", "7z"),
        (b"Rar!\x1a\x07\x01\x00", "RAR"),
        (b"BZh91AY&SY....", "BZ2"),
        (b"a.csv".ljust(257, b"\0") + b"ustar\x0000", "TAR"),
        (b"\x89PNG\r\n\x1a\n", "图片"),
        (b"\xff\xd8\xff\xe0JFIF", "图片"),
        (b"PARE....PARE", "Parquet"),
        (b"SQLite format 3\x00", "SQLite"),
        (b"a,b\n1,\x00\x01\x02\n", "二进制"),
        (b"<?xml version='1.0'?><list><item/></list>", "XML"),
        (b"<html><body><p>no table</p></body></html>", "没有表格"),
        (
            (
                b'<?xml version="1.0"?><?mso-application progid="Excel.Sheet"?>'
                b'<Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"/>'
            ),
            "XML 表格 2003",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_format_is_named_when_it_is_not_supported(tmp_path: Path, content: bytes, named: str) -> None:
    message = refusal(write(tmp_path, content))
    assert named in message
    assert message.endswith("重新报送。")


@pytest.mark.parametrize(
    ("member", "named"), [("word/document.xml", "DOCX"), ("ppt/presentation.xml", "PPTX"), ("xl/workbook.bin", "XLSB")]
)
def test_an_office_document_is_named_when_it_is_no_table(tmp_path: Path, member: str, named: str) -> None:
    assert named in refusal(write_zip(tmp_path, {member: b"<x/>"}))


@pytest.mark.parametrize("kept", [0.3, 0.9])
def test_a_workbook_is_refused_when_only_a_part_of_it_arrived(tmp_path: Path, kept: float) -> None:
    content = write_workbook(tmp_path, {"数据": ROWS}).read_bytes()
    message = refusal(write(tmp_path, content[: int(len(content) * kept)]))
    assert "损坏或没有传完整" in message


def test_a_workbook_is_refused_when_its_sheet_is_garbage(tmp_path: Path) -> None:
    path = tmp_path / "bad.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook><sheets>")
    assert "损坏" in refusal(path)


def test_a_workbook_is_refused_when_it_unpacks_to_a_bomb(tmp_path: Path) -> None:
    path = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 20_000_000)
    assert "解压后的大小异常" in refusal(path)


def test_a_workbook_is_refused_unopened_when_two_far_cells_span_it(tmp_path: Path) -> None:
    path = tmp_path / "far.xlsx"
    rows = [["k"]]
    source = write_workbook(tmp_path, {"数据": rows})
    cells_far_apart = '<row r="1"><c r="A1"/></row><row r="1048576"><c r="ZZ1048576"/></row>'
    sheet = f"<worksheet><sheetData>{cells_far_apart}</sheetData></worksheet>"
    with zipfile.ZipFile(source) as archive, zipfile.ZipFile(path, "w") as target:
        for name in archive.namelist():
            target.writestr(name, sheet if name.startswith("xl/worksheets/") else archive.read(name))
    assert "个单元格，超过上限" in refusal(path)


@pytest.mark.parametrize(
    ("limits", "named"),
    [
        (Limits(file_bytes=10), "上限"),
        (Limits(workbook_bytes=10), "上限"),
        (Limits(columns=3), "4 列，超过上限 3 列"),
        (Limits(workbook_cells=5), "单元格"),
        (Limits(workbook_unpacked_bytes=100), "解压"),
    ],
)
def test_a_workbook_is_refused_when_it_is_over_a_limit(tmp_path: Path, limits: Limits, named: str) -> None:
    assert named in refusal(write_workbook(tmp_path, {"数据": ROWS}), limits)


def test_a_text_file_is_refused_when_it_has_too_many_columns(tmp_path: Path) -> None:
    assert "3 列，超过上限 2 列" in refusal(write(tmp_path, "a,b,c\n1,2,3\n4,5,6\n"), Limits(columns=2))


def test_a_text_file_is_a_text_file_when_it_begins_like_an_archive(tmp_path: Path) -> None:
    assert open_file(write(tmp_path, "PKID,名称\n1,甲\n"), limits=LIMITS).format == "csv"
