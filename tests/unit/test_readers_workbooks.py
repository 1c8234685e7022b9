from __future__ import annotations

import datetime as dt
import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest
import xlwt

from connectors.readers import TextFile, UnreadableFileError, open_file
from connectors.settings import Limits
from tests.unit.delivered_files import records, write, write_workbook
from tests.unit.delivered_formats import ods, ods_row, ods_table, xls, xlsx

LIMITS = Limits()
ROWS = [["编号", "名称"], ["1", "甲"]]
DAY, MOMENT = dt.date(2020, 8, 1), dt.datetime(2020, 8, 1, 12, 30)  # noqa: DTZ001
ENTITIES = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
REPEATED = "table:number-columns-repeated"


def opened(folder: Path, content: bytes, limits: Limits = LIMITS) -> TextFile:
    return open_file(write(folder, content), limits=limits)


def refusal(folder: Path, content: bytes, limits: Limits = LIMITS) -> str:
    with pytest.raises(UnreadableFileError) as caught:
        read_whole(folder, content, limits)
    return str(caught.value)


def read_whole(folder: Path, content: bytes, limits: Limits) -> None:
    for sheet in opened(folder, content, limits).sheets:
        list(sheet.batches())


def saved(book: xlwt.Workbook | openpyxl.Workbook) -> bytes:
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def typed_xls(*, epoch_1904: bool) -> bytes:
    book = xlwt.Workbook()
    book.dates_1904 = epoch_1904
    sheet = book.add_sheet("数据")
    sheet.write_merge(0, 1, 0, 0, "户一")
    cells = [(DAY, "yyyy-mm-dd"), (MOMENT, "yyyy-mm-dd hh:mm"), (0.25, "0%"), (3.0, "0.00"), (1.25, "[h]:mm")]
    for column, (value, form) in enumerate(cells, 1):
        sheet.write(0, column, value, xlwt.easyxf(num_format_str=form))
    sheet.write(0, 6, True)
    sheet.row(0).set_cell_error(7, 0x2A)
    sheet.write(1, 1, "二")
    book.add_sheet("旧").visibility = 1
    return saved(book)


def typed_xlsx(*, epoch_1904: bool) -> bytes:
    book = openpyxl.Workbook()
    if epoch_1904:
        book.epoch = openpyxl.utils.datetime.CALENDAR_MAC_1904
    book.active.append(["户一", DAY, MOMENT, 0.25, 3.0, dt.timedelta(hours=30), True, "#N/A"])
    book.active["D1"].number_format = "0%"
    book.active["H1"].data_type = "e"
    book.active.append([None, "二"])
    book.active.merge_cells("A1:A2")
    book.create_sheet("旧").sheet_state = "veryHidden"
    return saved(book)


def typed_ods(*, epoch_1904: bool) -> bytes:
    assert not epoch_1904
    cell = "<table:table-cell office:value-type="
    row = (
        f'<table:table-row>{cell}"string" table:number-rows-spanned="2"><text:p>户一</text:p></table:table-cell>'
        f'{cell}"date" office:date-value="2020-08-01"/>{cell}"date" office:date-value="2020-08-01T12:30:00"/>'
        f'{cell}"percentage" office:value="0.25"/>{cell}"float" office:value="3"/>'
        f'{cell}"string"><text:p>30:00:00</text:p></table:table-cell>{cell}"boolean" office:boolean-value="true"/>'
        f'{cell}"string"><text:p>#N/A</text:p></table:table-cell></table:table-row>'
    )
    covered = f'<table:covered-table-cell/>{cell}"string"><text:p>二</text:p></table:table-cell>'
    second = f"<table:table-row>{covered}</table:table-row>"
    return ods(ods_table(row, second), ods_table(ods_row(["x"]), name="旧", more='table:style-name="hidden"'))


@pytest.mark.parametrize(
    ("write_typed", "epoch_1904"),
    [(typed_xls, False), (typed_xls, True), (typed_xlsx, False), (typed_xlsx, True), (typed_ods, False)],
)
def test_cells_read_as_the_department_sees_them_when_they_are_typed(
    tmp_path: Path, write_typed: Callable[..., bytes], epoch_1904: bool
) -> None:
    file = opened(tmp_path, write_typed(epoch_1904=epoch_1904))
    sheet = file.sheets[0]
    assert records(sheet) == [
        (1, ("户一", "2020-08-01", "2020-08-01 12:30:00", "0.25", "3", "30:00:00", "是", "#N/A")),
        (2, ("", "二", "", "", "", "", "", "")),
    ]
    assert sheet.merged == ((0, 0, 1, 0),)
    assert [s.hidden for s in file.sheets] == [False, True]
    assert sheet.epoch_1904 is epoch_1904


def test_every_sheet_keeps_its_own_merges_when_a_workbook_has_several(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for name, merged in (("甲", "A1:C1"), ("乙", "B2:B4"), ("丙", None)):
        sheet = book.create_sheet(name, 0)
        sheet["B2"] = name
        if merged:
            sheet.merge_cells(merged)
    found = {sheet.name: sheet.merged for sheet in opened(tmp_path, saved(book)).sheets}
    assert found == {"丙": (), "乙": ((1, 1, 3, 1),), "甲": ((0, 0, 0, 2),), "Sheet": ()}


def test_what_is_repeated_behind_the_table_costs_nothing_when_an_ods_is_padded(tmp_path: Path) -> None:
    padding = f'<table:table-cell {REPEATED}="16384"/>'
    rest = f'<table:table-row table:number-rows-repeated="1048574">{padding}</table:table-row>'
    (sheet,) = opened(tmp_path, ods(ods_table(*(ods_row(row, padding) for row in ROWS), rest))).sheets
    assert records(sheet) == [(1, ("编号", "名称")), (2, ("1", "甲"))]


@pytest.mark.parametrize(
    ("cell", "row", "named"),
    [
        (f'{REPEATED}="16384"', "", "16384 列，超过上限"),
        (f'{REPEATED}="1000"', 'table:number-rows-repeated="1048576"', "个单元格，超过上限"),
        (f'{REPEATED}="99999999999999999999"', "", "超过上限"),
    ],
)
def test_an_ods_is_refused_unopened_when_a_filled_cell_is_repeated_over_the_sheet(
    tmp_path: Path, cell: str, row: str, named: str
) -> None:
    filled = (
        f'<table:table-cell office:value-type="float" office:value="1" {cell}><text:p>1</text:p></table:table-cell>'
    )
    assert named in refusal(tmp_path, ods(ods_table(f"<table:table-row {row}>{filled}</table:table-row>")))


def test_an_ods_is_refused_unopened_when_a_long_text_is_repeated(tmp_path: Path) -> None:
    text = f'<table:table-cell {REPEATED}="1000"><text:p>{"x" * 100_000}</text:p></table:table-cell>'
    rows = f'<table:table-row table:number-rows-repeated="1000">{text}</table:table-row>'
    assert "解压后的大小异常" in refusal(tmp_path, ods(ods_table(rows, *(ods_row(["y" * 99]) for _ in range(99)))))


def test_an_xls_is_refused_unopened_when_far_cells_span_its_sheets(tmp_path: Path) -> None:
    book = xlwt.Workbook()
    for number in range(3):
        sheet = book.add_sheet(str(number))
        sheet.write(0, 0, "a")
        sheet.write(65_535, 255, "z")
    assert "个单元格，超过上限" in refusal(tmp_path, saved(book))


@pytest.mark.parametrize("member", ["xl/worksheets/sheet1.xml", "xl/sharedStrings.xml", "xl/workbook.xml"])
def test_entities_do_not_expand_when_a_member_of_an_xlsx_declares_them(tmp_path: Path, member: str) -> None:
    source, target = write_workbook(tmp_path, {"数据": ROWS}), io.BytesIO()
    with zipfile.ZipFile(source) as archive, zipfile.ZipFile(target, "w") as changed:
        for name in archive.namelist():
            content = archive.read(name).decode()
            if name == member:
                head, tail = content.split("?>", 1)
                content = f"{head}?>{ENTITIES}{tail.replace('甲', '&b;')}"
            changed.writestr(name, content)
    assert "自定义实体" in refusal(tmp_path, target.getvalue())


def test_entities_do_not_expand_when_an_ods_declares_them(tmp_path: Path) -> None:
    assert "自定义实体" in refusal(tmp_path, ods(ods_table(ods_row(ROWS[0])), declarations=ENTITIES))


def password_ods() -> bytes:
    return ods(manifest='<m:file-entry m:full-path="content.xml"><m:encryption-data/></m:file-entry>')


def password_xls() -> bytes:
    """Return an XLS workbook whose first record after the beginning of its file is FILEPASS."""
    content = xls(ROWS)
    start = content.index(b"\x09\x08\x10\x00\x00\x06\x05\x00")
    return content[: start + 20] + b"\x2f\x00\x00\x00" + content[start + 24 :]


@pytest.mark.parametrize("write_locked", [password_ods, password_xls])
def test_a_password_is_named_when_a_workbook_has_one(tmp_path: Path, write_locked: Callable[[], bytes]) -> None:
    assert "密码" in refusal(tmp_path, write_locked())


def test_a_password_is_named_when_an_xlsx_is_encrypted(tmp_path: Path) -> None:
    name, wanted = "Workbook".encode("utf-16-le"), "EncryptedPackage".encode("utf-16-le")
    content = xls(ROWS)
    at = content.rindex(name)
    entry = bytearray(content[at : at + 128])
    entry[: len(wanted)] = wanted
    entry[64:66] = (len(wanted) + 2).to_bytes(2, "little")
    assert "密码" in refusal(tmp_path, content[:at] + bytes(entry) + content[at + 128 :])


def test_an_xls_is_answered_when_its_sectors_go_round_in_a_circle(tmp_path: Path) -> None:
    content = bytearray(xls(ROWS))
    fat = 512 * (int.from_bytes(content[76:80], "little") + 1)
    content[fat : fat + 8] = (1).to_bytes(4, "little") + (0).to_bytes(4, "little")
    assert "损坏" in refusal(tmp_path, bytes(content))


@pytest.mark.parametrize("write_whole", [xls, xlsx, lambda rows: ods(ods_table(*map(ods_row, rows)))])
@pytest.mark.parametrize("kept", [0.05, 0.3, 0.9])
def test_one_sentence_says_what_to_do_when_only_a_part_of_a_workbook_arrived(
    tmp_path: Path, write_whole: Callable[[list[list[str]]], bytes], kept: float
) -> None:
    content = write_whole(ROWS * 500)
    message = refusal(tmp_path, content[: int(len(content) * kept)])
    assert "损坏" in message
    assert message.endswith("重新报送。")
