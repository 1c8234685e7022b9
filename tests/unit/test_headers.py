from __future__ import annotations

import time
from pathlib import Path

import pytest
import xlsxwriter

from connectors.contract import Contract, Contracts
from connectors.headers import HeaderError, HeaderMatch, header_problem, match_headers, recognise
from connectors.readers import UnreadableFileError, open_file
from connectors.settings import Limits
from connectors.tables import Table, find_tables
from tests.unit.delivered_files import contract, write, write_workbook

ENTERPRISE = contract(
    {
        "uscc": {"header": "统一社会信用代码", "type": "uscc"},
        "name": {"header": "企业名称", "type": "text", "required": True, "aliases": ["企业全称（中文）"]},
        "legal_representative": {"header": "法定代表人", "type": "text", "aliases": ["法人代表"]},
        "registered_capital": {"header": "注册资本", "type": "money", "unit": "CNY", "aliases": ["注册资金"]},
        "established_on": {"header": "成立日期", "type": "date", "aliases": ["注册日期"]},
        "status": {"header": "登记状态", "type": "code", "codes": "status"},
    },
    extract="enterprise",
    title="市场主体登记信息",
    fallback_key=["name", "established_on"],
    ignored={"源年份": "汇编者所加。"},
)
COUPLE = contract(
    {
        "no": {"header": "登记证号", "type": "text"},
        "father_name": {"header": "父亲姓名", "type": "text"},
        "mother_name": {"header": "母亲姓名", "type": "text"},
        "started_on": {"header": "开始日期", "type": "date"},
    },
    extract="couple",
    title="出生登记",
)


def matched(match: HeaderMatch) -> dict[str, str]:
    return {column: m.header for column, m in match.matched().items()}


def hows(match: HeaderMatch) -> list[str]:
    return [m.how for m in match.columns]


def table(path: Path, *contracts: Contract) -> Table:
    return tables(path, *contracts)[0]


def tables(path: Path, *contracts: Contract) -> tuple[Table, ...]:
    return find_tables(open_file(path, limits=Limits()), contracts)


def refusal(path: Path, *contracts: Contract) -> str:
    with pytest.raises(HeaderError) as caught:
        table(path, *contracts)
    return str(caught.value)


@pytest.mark.parametrize(
    ("header", "column", "how"),
    [
        ("企业名称", "name", "name"),
        ("企业 名称", "name", "name"),
        ("企业\n名称*", "name", "name"),
        ("\ufeff企业名称", "name", "name"),
        ("企业全称(中文）", "name", "alias"),
        ("企业名称（必填）", "name", "alias"),
        ("registered_capital", "registered_capital", "alias"),
        ("Registered Capital", "registered_capital", "alias"),
        ("注册资金（万元）", "registered_capital", "alias"),
        ("法定代表人姓名", "legal_representative", "similar"),
        ("统一社会信用代码证号", "uscc", "similar"),
        ("地区", None, "unknown"),
        ("注册地址", None, "unknown"),
        ("源年份", None, "ignored"),
        ("F8", None, "empty"),
        ("", None, "empty"),
    ],
)
def test_a_header_leads_to_its_column_when_written_in_many_ways(header: str, column: str | None, how: str) -> None:
    found = match_headers([header], ENTERPRISE).columns[0]
    assert (found.column, found.how) == (column, how)
    assert (found.confidence < 1) == (how not in ("name", "alias", "ignored") or "必填" in header or "万元" in header)


def test_the_first_column_is_taken_when_a_header_is_doubled() -> None:
    match = match_headers(["企业名称", "企业名称", "统一社会信用代码"], ENTERPRISE)
    assert hows(match) == ["name", "duplicate", "name"]
    assert match.matched()["name"].position == 0


def test_an_exact_header_wins_when_a_similar_one_stands_before_it() -> None:
    match = match_headers(["法定代表人姓名", "法定代表人"], ENTERPRISE)
    assert hows(match) == ["duplicate", "name"]


def test_no_column_is_guessed_when_the_header_says_the_opposite() -> None:
    match = match_headers(["登记证号", "父亲姓名", "结束日期"], COUPLE)
    assert matched(match) == {"no": "登记证号", "father_name": "父亲姓名"}
    assert match.missing == ("mother_name", "started_on")
    assert match_headers(["母亲的姓名"], COUPLE).columns[0].column == "mother_name"


def test_the_unit_of_bare_numbers_is_known_when_the_header_names_it() -> None:
    match = match_headers(["注册资本（万元）", "企业名称（全称）"], ENTERPRISE)
    assert [m.unit for m in match.columns] == ["万元", None]


def test_the_real_registers_headers_are_recognised_when_none_is_given() -> None:
    cells = [
        "源年份",
        "企业名称",
        "统一社会信用代码",
        "注册日期",
        "企业类型",
        "法人代表",
        "注册资金",
        "经营范围",
        "所在省份",
        "地区",
        "注册地址",
    ]
    found = recognise(cells, [COUPLE, ENTERPRISE])
    assert found is not None
    assert found[0] is ENTERPRISE
    assert set(found[1].matched()) == {"name", "uscc", "established_on", "legal_representative", "registered_capital"}


def test_nothing_is_recognised_when_two_contracts_fit_equally() -> None:
    twin = ENTERPRISE.model_copy(update={"extract": "twin"})
    assert recognise(["统一社会信用代码", "企业名称", "成立日期"], [ENTERPRISE, twin]) is None
    assert recognise(["甲", "乙"], [ENTERPRISE, COUPLE]) is None


def test_the_header_is_found_when_titles_and_blank_lines_stand_above_it(tmp_path: Path) -> None:
    above = "市场主体登记信息,,\n截至2021年9月30日,,\n\n"
    text = above + "统一社会信用代码,企业名称,成立日期\n91371000MA3C00011R,甲,2020-1-1\n"
    found = table(write(tmp_path, text), ENTERPRISE)
    assert (found.header_row_no, found.preamble_rows, found.blank_rows) == (4, 2, 1)
    assert found.preamble == ("市场主体登记信息", "截至2021年9月30日")
    assert found.header_cells == ("统一社会信用代码", "企业名称", "成立日期")
    assert [batch.row_no.to_list() for batch in found.batches(None)] == [[5]]


def test_the_contract_is_recognised_when_a_department_has_several(tmp_path: Path) -> None:
    path = write(tmp_path, "登记证号,父亲姓名,母亲姓名\n1,张三,李四\n")
    assert table(path, ENTERPRISE, COUPLE).contract is COUPLE


def test_the_visible_sheet_with_the_table_is_read_when_others_hold_notes(tmp_path: Path) -> None:
    rows = [["统一社会信用代码", "企业名称"], ["91371000MA3C00011R", "甲"]]
    path = write_workbook(tmp_path, {"说明": [["填报说明"]], "数据": rows, "上月": rows}, hidden=["上月"])
    found = table(path, ENTERPRISE)
    assert found.sheet == "数据"
    assert [other.told for other in found.other_sheets] == [
        "工作表“说明”不是要报送的表，未采用。",
        "隐藏的工作表“上月”未采用。",
    ]


def test_every_visible_sheet_is_read_when_several_hold_the_table(tmp_path: Path) -> None:
    head, row = ["统一社会信用代码", "企业名称"], ["91371000MA3C00011R", "甲"]
    sheets = {"乳山": [head, row], "荣成": [["名单"], head[::-1], row[::-1]], "续": [row, row, row]}
    found = tables(write_workbook(tmp_path, sheets), ENTERPRISE)
    assert [(t.sheet, t.sheet_no, t.header_row_no) for t in found] == [("乳山", 0, 1), ("荣成", 1, 2)]
    assert [t.header.matched()["name"].position for t in found] == [1, 0]
    assert [(o.name, o.looks_filled) for o in found[0].other_sheets] == [("工作表“续”", True)]
    assert found[1].other_sheets == ()


def test_the_file_is_refused_when_a_sheet_is_nearly_the_table(tmp_path: Path) -> None:
    head, row = ["统一社会信用代码", "企业名称", "成立日期"], ["91371000MA3C00011R", "甲", "2020-01-01"]
    sheets = {"乳山": [head, row], "荣成": [["统一社会信用代码", "企业", "成立日期"], row]}
    message = refusal(write_workbook(tmp_path, sheets), ENTERPRISE)
    assert message.startswith("工作表“荣成”：缺少市场主体登记信息的必填列“企业名称”")


def test_the_file_is_refused_when_its_sheets_hold_different_extracts(tmp_path: Path) -> None:
    sheets = {
        "企业": [["统一社会信用代码", "企业名称"], ["91371000MA3C00011R", "甲"]],
        "出生": [["登记证号", "父亲姓名", "母亲姓名"], ["1", "张三", "李四"]],
    }
    message = refusal(write_workbook(tmp_path, sheets), ENTERPRISE, COUPLE)
    assert message == (
        "一个文件里有 2 种数据（工作表“企业”是市场主体登记信息；工作表“出生”是出生登记），请分成几个文件报送。"
    )


def test_the_columns_looked_for_are_named_when_the_key_is_missing(tmp_path: Path) -> None:
    message = refusal(write(tmp_path, "企业名称,法定代表人,备注\n甲,张三,\n"), ENTERPRISE)
    assert "主键列“统一社会信用代码”" in message
    assert "“成立日期”" in message
    assert "文件的表头是：“企业名称”、“法定代表人”、“备注”" in message


def test_the_fallback_key_serves_when_the_key_column_is_missing(tmp_path: Path) -> None:
    assert table(write(tmp_path, "企业名称,成立日期\n甲,2020-01-01\n"), ENTERPRISE).header.missing[0] == "uscc"


def test_the_file_is_refused_when_a_required_column_is_missing(tmp_path: Path) -> None:
    message = refusal(write(tmp_path, "统一社会信用代码,登记状态\n91371000MA3C00011R,在用\n"), ENTERPRISE)
    assert "必填列“企业名称”" in message


def test_the_refusal_shows_no_data_when_the_file_has_no_header(tmp_path: Path) -> None:
    text = "371002198506070019,张三丰,13812345678\n371002198506070027,李四光,1\n"
    message = refusal(write(tmp_path, text), COUPLE)
    assert "没有找到出生登记的表头" in message
    assert "张三丰" not in message
    assert "371002" not in message


def test_another_departments_sheet_is_refused_when_only_a_few_words_agree(tmp_path: Path) -> None:
    header = ["登记证号", "开始日期", *(f"其他列{c}" for c in "甲乙丙丁戊己庚辛壬癸")]
    wide = COUPLE.model_copy(
        update={"columns": COUPLE.columns | {f"c{i}": ENTERPRISE.columns["status"] for i in range(9)}}
    )
    message = refusal(write(tmp_path, ",".join(header) + "\n" + "1," * 11 + "1\n"), wide)
    assert "表头与出生登记不符" in message


def test_a_workbook_is_refused_when_no_visible_sheet_is_filled(tmp_path: Path) -> None:
    path = write_workbook(tmp_path, {"空": [], "数据": [["登记证号"]]}, hidden=["数据"])
    with pytest.raises(UnreadableFileError, match="没有任何数据"):
        table(path, COUPLE)


TURNOVER = contract(
    {
        "year": {"header": "年份", "type": "period"},
        "turnover_yi_cny": {"header": "交易额（亿元）", "type": "decimal", "required": True, "aliases": ["成交额"]},
        "area_sqkm": {"header": "面积（平方公里）", "type": "decimal"},
    },
    extract="turnover",
    title="交易额",
    key=["year"],
)


@pytest.mark.parametrize("header", ["交易额（亿元）", "交易额(亿元)", "交易额 （单位：亿元）", "成交额"])
def test_plain_number_is_taken_when_its_header_names_the_unit_or_is_an_alias(header: str) -> None:
    assert matched(match_headers(["年份", header], TURNOVER))["turnover_yi_cny"] == header


@pytest.mark.parametrize("header", ["交易额（万元）", "交易额（元）", "交易额", "交易额（平方公里）"])
def test_plain_number_is_not_taken_when_its_header_names_another_unit_or_none(header: str) -> None:
    match = match_headers(["年份", header], TURNOVER)
    assert "turnover_yi_cny" not in matched(match)
    assert "“交易额（亿元）”" in (header_problem(match, TURNOVER) or "")


def test_plain_number_is_taken_when_the_unit_is_the_same_in_other_words() -> None:
    assert matched(match_headers(["年份", "交易额（亿元）", "面积(km2)"], TURNOVER))["area_sqkm"] == "面积(km2)"


def labels_of(tmp_path: Path, rows: list[list[str]], merged: list[tuple[int, int, int, int]], *of: Contract) -> Table:
    """Write a workbook with merged cells and find its table."""
    path = tmp_path / "merged.xlsx"
    book = xlsxwriter.Workbook(str(path))
    sheet = book.add_worksheet("表")
    for number, row in enumerate(rows):
        sheet.write_row(number, 0, row)
    for first_row, first_column, last_row, last_column in merged:
        sheet.merge_range(first_row, first_column, last_row, last_column, rows[first_row][first_column])
    book.close()
    return table(path, *of)


def test_group_titles_belong_to_their_merged_cells_only_when_the_sheet_tells(tmp_path: Path) -> None:
    rows = [
        ["出生登记", "", "", "", ""],
        ["登记证号", "父亲", "", "母亲", "开始日期"],
        ["", "姓名", "单位", "姓名", ""],
        ["1", "张三", "甲", "李四", "2021-01-01"],
    ]
    merged = [(0, 0, 0, 4), (1, 0, 2, 0), (1, 1, 1, 2), (1, 4, 2, 4)]
    found = labels_of(tmp_path, rows, merged, COUPLE)
    assert [m.column for m in found.header.columns] == ["no", "father_name", None, "mother_name", "started_on"]
    assert [m.header for m in found.header.columns][1:3] == ["父亲 / 姓名", "父亲 / 单位"]
    assert (found.preamble_rows, found.header_row_no, len(found.header_rows)) == (1, 2, 2)
    assert [batch.row_no.to_list() for batch in found.batches(None)] == [[4]]


def test_a_group_reaches_to_the_right_when_nothing_is_merged(tmp_path: Path) -> None:
    text = "登记证号,父亲,,母亲,\n,姓名,单位,姓名,单位\n1,张三,甲,李四,乙\n"
    found = table(write(tmp_path, text), COUPLE)
    assert [m.column for m in found.header.columns] == ["no", "father_name", None, "mother_name", None]


@pytest.mark.parametrize(
    ("line", "unit"),
    [("单位：万元", "万元"), ("计量单位:公里、万元", "万元"), ("（金额单位：元）", "元"), ("填报单位：民政局", None)],
)
def test_the_unit_line_serves_amounts_when_their_header_names_none(tmp_path: Path, line: str, unit: str | None) -> None:
    text = f"{line},,\n统一社会信用代码,企业名称,注册资本\n91371000MA3C00011R,甲,5\n"
    assert table(write(tmp_path, text), ENTERPRISE).header.matched()["registered_capital"].unit == unit


def test_a_sheet_in_another_unit_is_answered_when_the_number_is_plain(tmp_path: Path) -> None:
    fits = write(tmp_path, "单位：亿元,\n年份,交易额\n2020,1\n")
    assert matched(table(fits, TURNOVER).header)["turnover_yi_cny"] == "交易额"
    message = refusal(write(tmp_path, "单位：万元,\n年份,交易额\n2020,1\n"), TURNOVER)
    assert "“交易额”“交易额（亿元）”须以契约规定的单位填报" in message


def test_a_lookalike_is_pointed_out_when_it_is_not_taken(tmp_path: Path) -> None:
    text = "统一社会信用代码,企业名称,企业登记状态,注册资本\n91371000MA3C00011R,甲,正常,5\n"
    found = table(write(tmp_path, text), ENTERPRISE).header.columns[2]
    assert (found.column, found.how) == (None, "unknown")
    assert found.reason == "与“登记状态”相近，但不能确定是同一列，未采用；如是，请改用这个列名。"


def test_a_department_with_many_contracts_is_recognised_in_time_when_its_head_is_long(
    contracts: Contracts, tmp_path: Path
) -> None:
    header = (
        "资源代码,资源名称,资源分类,提供方,提供方代码,资源摘要,资源格式,共享类型,是否开放,更新周期,发布日期,是否挂接"
    )
    rows = [
        f"3070{n}/0001,资源{n},人口{n},市局{n},37{n},摘要{n},库,无条件共享,是,每月,2021-01-01,是" for n in range(40)
    ]
    file = open_file(write(tmp_path, "\n".join([header, *rows]) + "\n"), limits=Limits())
    candidates = contracts.of_department("big_data_center")
    find_tables(file, candidates)
    started = time.process_time()
    [found] = find_tables(file, candidates)
    assert found.contract.extract == "resource_catalogue"
    assert time.process_time() - started < 1.0
