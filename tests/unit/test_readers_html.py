from __future__ import annotations

from pathlib import Path

import pytest

from connectors.readers import TextSheet, UnreadableFileError, html_tables, open_file
from connectors.settings import Limits
from tests.unit.delivered_files import records, write
from tests.unit.delivered_formats import html

LIMITS = Limits()


def sheets(folder: Path, page: str | bytes, limits: Limits = LIMITS) -> tuple[TextSheet, ...]:
    return open_file(write(folder, page), limits=limits).sheets


def refusal(folder: Path, page: str, limits: Limits = LIMITS) -> str:
    with pytest.raises(UnreadableFileError) as caught:
        sheets(folder, page, limits)
    return str(caught.value)


def test_cells_keep_their_columns_when_others_span_rows_and_columns(tmp_path: Path) -> None:
    page = (
        "<table><tr><th rowspan=2>户号<th colspan=2>户主<th rowspan=9>备注</tr><tr><th>姓名<th>证件号</tr>"
        "<tr><td rowspan='2'>1<td>甲<td>x</tr><tr><td>乙<td>y</tr></table>"
    )
    (sheet,) = sheets(tmp_path, page)
    assert records(sheet) == [
        (1, ("户号", "户主", "", "备注")),
        (2, ("", "姓名", "证件号", "")),
        (3, ("1", "甲", "x", "")),
        (4, ("", "乙", "y", "")),
    ]
    assert sheet.merged == ((0, 0, 1, 0), (0, 1, 0, 2), (0, 3, 3, 3), (2, 0, 3, 0))


def test_texts_are_as_shown_when_they_hold_markup(tmp_path: Path) -> None:
    page = (
        "<html xmlns:x='urn:schemas-microsoft-com:office:excel'><body><table><!-- x --><tr>"
        "<td> 甲 &amp;\n 乙 </td><td>第一<br/>第二</td><td><b>粗</b>体<script>1</script></td>"
        "<td>&nbsp;</td><td>&unknown;</td><td>阿卜&#8226;力</td></tr></table></body></html>"
    )
    (sheet,) = sheets(tmp_path, page)
    assert records(sheet) == [(1, ("甲 & 乙", "第一\n第二", "粗体", "", "&unknown;", "阿卜•力"))]


def test_each_table_is_a_sheet_when_a_page_holds_several(tmp_path: Path) -> None:
    inner = "<table><tr><td>编号</td></tr><tr><td>1</td></tr></table>"
    page = f"<table><tr><td>标题</td></tr></table><table><tr><td>{inner}</td></tr></table><table><tr></tr></table>"
    found = sheets(tmp_path, page)
    assert [sheet.name for sheet in found] == ["表格1", "表格2"]
    assert [records(sheet) for sheet in found] == [[(1, ("标题",))], [(1, ("编号",)), (2, ("1",))]]


def test_rows_are_the_same_when_they_cross_chunks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [[str(i), "名称" * (i % 3)] for i in range(50)]
    monkeypatch.setattr(html_tables, "_CHUNK", 7)
    monkeypatch.setattr(html_tables, "BATCH_ROWS", 8)
    (sheet,) = sheets(tmp_path, html(rows))
    assert records(sheet) == [(number, tuple(row)) for number, row in enumerate(rows, 1)]


@pytest.mark.parametrize(
    ("page", "limits", "named"),
    [
        ("<html><table><tr><td>1</td></tr><tr><td>2", LIMITS, "没有传完整"),
        ("<html><table><tr></tr></table></html>", LIMITS, "没有表格"),
        ("<table><tr><td colspan=9999>1</td></tr></table>", LIMITS, "列的上限"),
        ("<table>" + "<tr><td>1<td>2</tr>" * 9 + "</table>", Limits(workbook_cells=17), "单元格的上限"),
        ("<table><tr><td>1</td></tr></table>" * 3, Limits(members=2), "3 个表格，超过上限"),
        ("<table><tr><td>1</td></tr></table>", Limits(workbook_bytes=10), "上限"),
    ],
)
def test_a_page_is_refused_when_it_is_cut_off_or_over_a_limit(
    tmp_path: Path, page: str, limits: Limits, named: str
) -> None:
    assert named in refusal(tmp_path, page, limits)


def test_nothing_expands_or_is_fetched_when_a_page_declares_entities(tmp_path: Path) -> None:
    page = '<!DOCTYPE html [<!ENTITY a SYSTEM "file:///etc/passwd">]><html><table><tr><td>&a;</td></tr></table></html>'
    (sheet,) = sheets(tmp_path, page)
    assert records(sheet) == [(1, ("&a;",))]
