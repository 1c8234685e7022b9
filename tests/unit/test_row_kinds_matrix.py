"""Every kind of dirty row that was seen in real files: which rows are taken, and what is said of the others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest
import xlsxwriter

from connectors.contract import Contracts
from connectors.fill_down import FillDown
from connectors.readers import open_file
from connectors.settings import Limits
from connectors.tables import find_tables
from tests.unit.delivered_files import checked, contract, write

PEOPLE = contract(
    {
        "household_no": {"header": "户号", "type": "text", "required": True, "fill_down": True},
        "id_no": {"header": "身份证号", "type": "id", "required": "warning"},
        "name": {"header": "姓名", "type": "text", "required": True},
        "sex": {"header": "性别", "type": "code", "codes": "sex"},
        "born": {"header": "出生日期", "type": "date"},
        "income": {"header": "收入", "type": "money", "unit": "CNY"},
        "left": {"header": "迁出日期", "type": "date"},
        "phone": {"header": "电话", "type": "text"},
        "note": {"header": "说明事项", "type": "text"},
    },
    key=["id_no"],
    fallback_key=["household_no", "name", "born"],
    rules={
        "order": {
            "kind": "date_order",
            "earlier": "id_no",
            "later": "left",
            "dimension": "0503",
            "message": "迁出日期不应早于出生日期。",
        }
    },
)
HEADER = "户号,身份证号,姓名,性别,出生日期,收入,迁出日期,电话,说明事项"
ZHANG = "H1,371002198506070019,张三,男,1985-06-07,5000元,,13812345678,"
LI = "H1,371002198506070027,李四,女,1985-06-07,6000元,,,"
TAKEN = ["张三", "李四"]


def other(name: str, sex: str = "男", rest: str = ",,,") -> str:
    return f"H2,371002199001010031,{name},{sex},1990-01-01,{rest}"


GONE = "H2,371002199001010031,男,1990-01-01,5000元,2001-01-01,1,,"
TORN, TEST, FLAGGED = (3, "row.structure"), (3, "row.test_data"), (2, "note.format")
BYTES = "\n".join((HEADER, ZHANG, other(""), LI)).encode().replace(b",,\xe7\x94\xb7", b",\xff\xfe,\xc4\xd0")
FOREIGN = [
    "H1,,김철수,男,1985-06-07,,,,",
    "H1,,Ångström Émile,男,1985-06-07,,,,Владивосток",
    "H1,,𬱟䶮,男,1985-06-07,,,,😀",
]


def case(name: str, lines: list[str] | bytes, taken: list[str | None], *issues: tuple[int | None, str]) -> Any:
    return pytest.param(lines, taken, list(issues), id=name)


@pytest.mark.parametrize(
    ("lines", "taken", "issues"),
    [
        case("clean", [ZHANG, LI], TAKEN),
        case("test row by name", [ZHANG, other("测试"), LI], TAKEN, TEST),
        case("test row in English", [ZHANG, other("test01"), LI], TAKEN, TEST),
        case("placeholder phone", [ZHANG.replace("13812345678", "13800138000"), LI], TAKEN, (2, "row.test_data")),
        case("unquoted comma", [ZHANG, other("王五", rest="5,000(万美元),,1,"), LI], TAKEN, TORN),
        case("unquoted comma, last cell empty", [ZHANG, other("王五", rest="5,000(万美元),,,"), LI], TAKEN, TORN),
        case("surplus comma at the end", [ZHANG, other("王五") + ",", LI], ["张三", "王五", "李四"]),
        case("unquoted comma, last field gone", [ZHANG, other("王,五", rest="5000元,,1"), LI], TAKEN, TORN),
        case("a value gone, the rest moved left", [ZHANG, GONE, LI], TAKEN, TORN),
        case("a value twice, the rest moved right", [ZHANG, f"H1,{ZHANG[:-1]}", LI], TAKEN, TORN),
        case("dirty but aligned", ["H1,办理中,张三,冻结,1985-13-07,若干,无此日,13812345678,", LI], TAKEN,
             *((2, f"{name}.{kind}") for name, kind in (
                 ("id_no", "format"), ("sex", "code"), ("born", "format"), ("income", "format"), ("left", "format")))),
        case("quoted line break", [ZHANG + '"第一行\n第二行"', LI], TAKEN),
        case("stray quote", [ZHANG, other('"王五'), LI], TAKEN, TORN),
        case("bytes of no encoding", BYTES, TAKEN, TORN),
        case("GBK read as Latin-1", [ZHANG, other("ÕÅÈý", "ÄÐ"), LI], TAKEN, TORN),
        case("UTF-8 read as GBK", [ZHANG, other("寮犱笁", "鐢?"), LI], TAKEN, TORN),
        case("UTF-8 read as Latin-1", [ZHANG, other("å¼\xa0ä¸‰", "ç”·"), LI], TAKEN, TORN),
        case("锟斤拷 for a name", [ZHANG, other("锟斤拷"), LI], TAKEN, TORN),
        case("two optional cells garbled", [ZHANG, other("王五", rest=",,烫烫烫,锟斤拷锟斤拷"), LI], TAKEN, TORN),
        case("one optional cell garbled", [ZHANG + "锟斤拷锟斤拷", LI], TAKEN, FLAGGED),
        case("foreign and rare names", FOREIGN, ["김철수", "Ångström Émile", "𬱟䶮"],
             *((row, "id_no.required") for row in (2, 3, 4))),
        case("key empty, fallback serves", ["H1,,张三,男,1985-06-07,,,,", LI], TAKEN, (2, "id_no.required")),
        case("required cell empty", [ZHANG, other(""), LI], TAKEN, (3, "name.required")),
        case("one number on two people", [ZHANG, ZHANG.replace("张三", "王五")], ["张三", "王五"]),
        case("left before birth", [ZHANG.replace(",,1381", ",1980-01-01,1381"), LI], TAKEN, (2, "order")),
        case("header again, total, blank, note", [
            ZHANG, HEADER, "小计,,,,,5000元,,,", "", LI, "注：以上为户籍人口,,,,,,,,"], TAKEN),
    ],
)  # fmt: skip
def test_a_dirty_row_is_taken_or_told_as_promised_when_it_stands_among_others(
    tmp_path: Path, lines: list[str] | bytes, taken: list[str | None], issues: list[tuple[int | None, str]]
) -> None:
    content = lines if isinstance(lines, bytes) else "\n".join((HEADER, *lines)) + "\n"
    found = checked(write(tmp_path, content), PEOPLE)
    assert [row["name"] for row in found.rows] == taken
    assert found.found("row_no", "rule") == issues
    for issue in found.issues:
        if issue["rule"] == "row.structure":
            assert (issue["severity"], issue["dimension"], issue["value"]) == ("critical", "0302", None)


FAMILY = [
    "H1,371002198506070019,张三,男,1985-06-07,,,,",
    ",371002198506070027,李四,女,1985-06-07,,,,",
    ",371002199001010031,张小三,男,1990-01-01,,,,",
    "H2,371002199001010090,王五,男,1990-01-01,,,,",
]


def households(folder: Path, lines: list[str]) -> tuple[list[str | None], list[tuple[Any, ...]]]:
    path = write(folder, "\n".join((HEADER, *lines)) + "\n")
    found = checked(path, PEOPLE)
    told = [i["message"] for i in found.totals.issues.to_pylist() if i["rule"] == "household_no.fill_down"]
    return [row["household_no"] for row in found.rows], told


def test_blanks_take_the_value_above_when_a_list_was_merged(tmp_path: Path) -> None:
    numbers, told = households(tmp_path, FAMILY)
    assert numbers == ["H1", "H1", "H1", "H2"]
    assert told == ["有 2 个空白格是合并单元格留下的，已取上一行的值。"]


@pytest.mark.parametrize("end", ["合计,,,,,1元,,,", "", HEADER, "H9,坏行"], ids=["total", "blank", "header", "broken"])
def test_blanks_stay_blank_when_what_stands_above_is_no_data(tmp_path: Path, end: str) -> None:
    numbers, told = households(tmp_path, [*FAMILY[:2], end, *FAMILY[2:]])
    assert numbers == ["H1", "H1", "H2"]
    assert "有 1 个" in told[0]


def test_blanks_are_missing_values_when_the_list_writes_its_value_in_every_row(tmp_path: Path) -> None:
    repeated = [FAMILY[0], "H1" + FAMILY[1], FAMILY[2], FAMILY[3]]
    assert households(tmp_path, repeated) == (["H1", "H1", "H2"], [])
    single = [f"H{n},,某人{n},男,1990-01-01,,,," for n in range(20)]
    single[7] = ",,某人7,男,1990-01-01,,,,"
    numbers, told = households(tmp_path, single)
    assert (len(numbers), None in numbers, told) == (19, False, [])


def test_only_merged_cells_are_filled_when_the_workbook_says_which_they_are(tmp_path: Path) -> None:
    path = tmp_path / "merged.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet("名单")
        for number, line in enumerate((HEADER, *FAMILY, ",371002199001010058,赵六,男,1990-01-01,,,,")):
            sheet.write_row(number, 0, line.split(","))
        sheet.merge_range(1, 0, 3, 0, "H1")
    found = checked(path, PEOPLE)
    assert [(row["name"], row["household_no"]) for row in found.rows] == [
        ("张三", "H1"),
        ("李四", "H1"),
        ("张小三", "H1"),
        ("王五", "H2"),
    ]
    assert (6, "household_no.required") in found.found("row_no", "rule")


def test_the_value_above_is_remembered_when_a_family_spans_two_batches(tmp_path: Path) -> None:
    path = write(tmp_path, "\n".join((HEADER, *FAMILY)) + "\n")
    [table] = find_tables(open_file(path, limits=Limits()), [PEOPLE])
    filling = FillDown(table)
    filled: list[str] = []
    for part in (["H1", ""], ["", "", "H2"], ["", "H3"]):
        rows = filling.fill(
            pl.DataFrame({"0": part}), pl.Series(range(2, 2 + len(part))), pl.Series([True] * len(part))
        )
        filled += rows["0"].to_list()
    assert filled == ["H1", "H1", "H1", "H1", "H2", "H2", "H3"]
    assert filling.filled == {"household_no": 4}


def test_rule_counts_leave_out_torn_rows_when_a_delivery_has_some(tmp_path: Path) -> None:
    lines = [ZHANG, "H2,371002199001010031,锟斤拷,男,1990-01-01,,,,", LI]
    found = checked(write(tmp_path, "\n".join((HEADER, *lines)) + "\n"), PEOPLE)
    assert (found.result("row.structure"), found.result("name.required")) == ((3, 2), (2, 2))
    assert (found.totals.read, found.totals.rejected) == (3, 1)


@pytest.mark.parametrize(
    ("industries", "suspected"),
    [
        (["111", "5211", "5212"], 1),
        (["0111", "111", "5211", "5212"], 0),
        (["111", "112", "5211"], 0),
        (["5211", "5212"], 0),
    ],
    ids=["no code begins with 0", "one does", "mostly groups", "no short code"],
)
def test_lost_zeros_are_told_of_the_column_when_short_codes_would_be_others(
    tmp_path: Path, contracts: Contracts, industries: list[str], suspected: int
) -> None:
    wanted = contract(
        {"no": {"header": "编号", "type": "text"}, "industry": {"header": "行业", "type": "code", "codes": "gb_t_4754"}}
    )
    lines = ["编号,行业", *(f"{number},{code}" for number, code in enumerate(industries))]
    found = checked(write(tmp_path, "\n".join(lines) + "\n"), wanted, codes=contracts.codes)
    told = [i for i in found.totals.issues.to_pylist() if i["rule"] == "industry.code"]
    assert len(told) == min(suspected, 1)
    assert all(f"有 {suspected} 个" in issue["message"] for issue in told)
    assert [row["industry"] for row in found.rows] == industries
