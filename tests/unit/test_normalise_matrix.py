"""Every kind of dirty cell that was seen in real files, through a real file: what is stored, and what is said."""

from __future__ import annotations

import csv
import io
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from connectors.contract import Contract, Contracts
from tests.unit.delivered_files import checked, contract, write

TEXT, DAY, WHOLE, NUMBER = ({"type": t} for t in ("text", "date", "int", "decimal"))
ID, USCC, DIVISION, PERIOD = ({"type": t} for t in ("id", "uscc", "division", "period"))
MONEY, LENGTH = {"type": "money", "unit": "CNY"}, {"type": "quantity", "unit": "m"}
AREA, RATE, ENERGY = ({"type": "quantity", "unit": u} for u in ("m2", "Mbit/s", "kWh"))
MOUNTED = {"type": "bool", "true_words": ["已挂接"], "false_words": ["未挂接"]}
REQUIRED = {"type": "text", "required": True}
LONG_TERM = date(9999, 12, 31)
AUGUST_1 = date(2020, 8, 1)
FORMAT, CHECK, CODE = "v.format", "v.check", "v.code"


def case(name: str, column: dict[str, Any], cell: str, value: Any, *issues: str) -> Any:
    return pytest.param(column, cell, value, list(issues), id=name)


@pytest.mark.parametrize(
    ("column", "cell", "value", "issues"),
    [
        case("full-width digits", WHOLE, "１，２３４", 1234),
        case("full-width letters", USCC, "９１３７１０００ＭＡ３Ｃ０００１１Ｒ", "91371000MA3C00011R"),
        case("full-width brackets of a name stay", TEXT, "威海（甲）公司", "威海（甲）公司"),
        case("U+3000", TEXT, "\u3000威海\u3000", "威海"),
        case("NBSP", TEXT, "威海\u00a0", "威海"),
        case("zero-width", TEXT, "威\u200b海", "威海"),
        case("BOM inside", ID, "\ufeff371002198506070019", "371002198506070019"),
        case("leading apostrophe", ID, "'371002198506070019", "371002198506070019"),
        case("scientific notation, whole", WHOLE, "1.2E+3", 1200),
        case("scientific notation, digits lost", ID, "3.71002E+17", None, FORMAT),
        case("scientific notation, zeros for digits", ID, "371002198506070000", "371002198506070000", CHECK),
        case("scientific notation, code", USCC, "9.1371E+17", None, FORMAT),
        case("lost leading zero, area code", TEXT | {"pattern": r"0\d{2,3}-?\d{7,8}"}, "631-5221234", "631-5221234",
             "v.pattern"),
        case("lost leading zero, industry", {"type": "code", "codes": "gb_t_4754"}, "123", None, CODE),
        case("lost leading digit, division", DIVISION, "71002", None, FORMAT),
        case("trailing x", ID, "37060119301231002x", "37060119301231002X", CHECK),
        case("15 digits", ID, "371002650101001", "371002196501010018", CHECK),
        case("17 digits", ID, "37100219850607001", "37100219850607001", FORMAT),
        case("20200801", DAY, "20200801", AUGUST_1),
        case("2020年8月1日", DAY, "2020年8月1日", AUGUST_1),
        case("2020/8/1", DAY, "2020/8/1", AUGUST_1),
        case("2020.08.01", DAY, "2020.08.01", AUGUST_1),
        case("serial of 1900", DAY, "44044", AUGUST_1),
        case("00000000", DAY, "00000000", None),
        case("1900-01-00", DAY, "1900-01-00", None),
        case("长期", DAY, "长期", LONG_TERM),
        case("2099-12-31", DAY, "2099-12-31", LONG_TERM),
        case("no such day", DAY, "2021-02-30", None, FORMAT),
        case("month only", DAY, "2020-8", None, FORMAT),
        case("thousands, quoted", NUMBER, "1,234.5", Decimal("1234.5")),
        case("wrong thousands", NUMBER, "1,23", None, FORMAT),
        case("万元", MONEY, "405万元", Decimal(4_050_000)),
        case("元", MONEY, "5,000元", Decimal(5000)),
        case("亿元人民币", MONEY, "1.5亿元人民币", Decimal(150_000_000)),
        case("405万人民币", MONEY, "405万人民币", Decimal(4_050_000)),
        case("1,250(万美元)", MONEY, "1,250(万美元)", (None, Decimal(12_500_000), "USD")),
        case("44(万)", MONEY, "44(万)", (None, Decimal(440_000), None), FORMAT),
        case("万人民币", MONEY, "万人民币", None, FORMAT),
        case("1E-06万人民币", MONEY, "1E-06万人民币", Decimal("0.01")),
        case("公里", LENGTH, "1.2公里", Decimal(1200)),
        case("米", LENGTH, "1,200米", Decimal(1200)),
        case("万平方米", AREA, "1.2万平方米", Decimal(12_000)),
        case("公顷", AREA, "3公顷", Decimal(30_000)),
        case("平方公里", AREA, "0.5平方公里", Decimal(500_000)),
        case("MB/s", RATE, "12.5MB/s", Decimal(100)),
        case("Mbps", RATE, "100Mbps", Decimal(100)),
        case("mb/s could be either", RATE, "12.5mb/s", None, FORMAT),
        case("万千瓦时", ENERGY, "3.2万千瓦时", Decimal(32_000)),
        case("another quantity", LENGTH, "5公顷", None, FORMAT),
        *(
            case(f"placeholder {text}", kind, text, None)
            for text in ("无", "暂无", "不详", "未知", "-", "/", "N/A", "NULL", "0000")
            for kind in (TEXT, WHOLE)
        ),
        case("placeholder 1…1", ID, "111111111111111111", None),
        case("无 is true", TEXT | {"values": ["无"]}, "无", "无"),
        case("/ is true", TEXT | {"values": ["/"]}, "/", "/"),
        case("无 of a yes-no column", MOUNTED, "无", False),
        case("a column's own yes", MOUNTED, "已挂接", True),
        case("a column's own no", MOUNTED, "未挂接", False),
        case("another column's yes", MOUNTED, "已上云", None, CODE),
        case("HTML entity", TEXT, "阿卜来提&#8226;阿卜力米提", "阿卜来提·阿卜力米提"),
        case("private use", TEXT, "\ue863某", "\ue863某", FORMAT),
        case("private use, required", REQUIRED, "\ue863某", "\ue863某", FORMAT),
        case("rare characters", REQUIRED, "𬱟䶮", "𬱟䶮"),
        case("old division by name", DIVISION, "文登市", "371081"),
        case("new division by name", DIVISION, "威海市文登区", "371003"),
        case("old division by code", DIVISION, "371082", "371082"),
        case("the city by its full name", DIVISION, "山东省威海市", "371000"),
        case("unknown division", DIVISION, "371099", "371099", CODE),
        case("mojibake, optional", TEXT, "Íþº£ÊÐ", "Íþº£ÊÐ", FORMAT),
        case("a range of months is no month", PERIOD, "2021年1-9月", None, FORMAT),
    ],
)  # fmt: skip
def test_a_dirty_cell_is_stored_and_told_as_promised_when_it_comes_in_a_file(
    tmp_path: Path, contracts: Contracts, column: dict[str, Any], cell: str, value: Any, issues: list[str]
) -> None:
    lines = io.StringIO()
    csv.writer(lines).writerows([("编号", "内容"), ("1", cell)])
    wanted = contract({"no": {"header": "编号", "type": "text"}, "v": {"header": "内容"} | column})
    found = checked(write(tmp_path, lines.getvalue()), wanted, codes=contracts.codes)
    [row] = found.rows
    stored = (row["v"], row["v_amount"], row["v_currency"]) if isinstance(value, tuple) else row["v"]
    assert stored == value
    assert found.found("row_no", "rule") == [(2, rule) for rule in issues]


def test_day_numbers_are_of_the_right_epoch_when_the_workbook_counts_from_1904(tmp_path: Path) -> None:
    wanted = contract({"no": {"header": "编号", "type": "text"}, "v": {"header": "日期", "type": "date"}})
    for epoch_1904, serial in ((False, 44055), (True, 42593)):
        path = tmp_path / f"{epoch_1904}.xlsx"
        with xlsxwriter.Workbook(str(path), {"date_1904": epoch_1904}) as book:
            sheet = book.add_worksheet()
            for number, row in enumerate([("编号", "日期"), ("1", serial), ("2", date(2020, 8, 12))]):
                sheet.write_row(number, 0, row, book.add_format({"num_format": "yyyy-mm-dd"}) if number == 2 else None)
        assert [row["v"] for row in checked(path, wanted).rows] == [date(2020, 8, 12)] * 2


@pytest.mark.parametrize(
    ("longitude", "latitude", "system", "rules"),
    [
        ("122.12", "37.51", "CGCS2000", set()),
        ("122.1261", "37.5133", "火星坐标", set()),
        ("122.1326", "37.5192", "BD09", set()),
        ("37.51", "122.12", "", {"longitude.range", "latitude.range", "position_not_swapped"}),
        ("0", "0", "", {"longitude.range", "latitude.range"}),
    ],
    ids=["sound", "GCJ-02", "BD-09", "swapped", "zero"],
)
def test_coordinates_are_kept_and_flagged_when_they_cannot_be_of_the_city(
    tmp_path: Path, contracts: Contracts, longitude: str, latitude: str, system: str, rules: set[str]
) -> None:
    component: Contract = contracts["housing_construction__city_component"]
    row = {
        "component_code": "3710020101000001", "name": "路灯", "division_code": "371002", "is_urban": "是",
        "is_smart_controlled": "是", "longitude": longitude, "latitude": latitude, "coordinate_system": system,
        "status": "在用", "standard_version": "CJ/T 214-2007",
    }  # fmt: skip
    lines = io.StringIO()
    writer = csv.writer(lines)
    writer.writerow([c.header for c in component.columns.values()])
    writer.writerow([row.get(name, "") for name in component.columns])
    found = checked(write(tmp_path, lines.getvalue()), component, codes=contracts.codes)
    assert (found.rows[0]["longitude"], found.rows[0]["latitude"]) == (Decimal(longitude), Decimal(latitude))
    assert {rule for (rule,) in found.found("rule") if "itude" in rule or "position" in rule} == rules
    stored = {"火星坐标": "GCJ-02", "BD09": "BD-09", "": None}
    assert found.rows[0]["coordinate_system"] == stored.get(system, system)
