"""One very dirty file of each shape, from inbox to raw: exact ledger, exact findings, exact values."""

from __future__ import annotations

import json
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest

from connectors.contract import Contract, Contracts
from connectors.normalise.identifiers import ID_CHECKS, ID_WEIGHTS
from connectors.settings import Settings
from tests.integration.office import Office

AS_OF = date(2021, 9, 30)


@pytest.fixture
def office(settings: Settings, contracts: Contracts, clock: datetime) -> Office:
    return Office(settings, contracts, clock)


def number(birth: str, sequence: str) -> str:
    first = f"371002{birth}{sequence}"
    return first + ID_CHECKS[sum(int(d) * int(w) for d, w in zip(first, ID_WEIGHTS, strict=True)) % 11]


def lines(contract: Contract, *rows: dict[str, str] | str) -> str:
    """Return a CSV: rows of contract columns, or lines as they are."""
    text = [",".join(c.header for c in contract.columns.values())]
    text += [row if isinstance(row, str) else ",".join(row.get(n, "") for n in contract.columns) for row in rows]
    return "\n".join(text) + "\n"


def delivered(office: Office, contract: Contract, content: str | bytes) -> int:
    office.department = contract.department
    raw = content.encode() if isinstance(content, str) else content
    office.put(f"{contract.title}.csv", raw, contract.extract, as_of=AS_OF)
    [batch_id] = office.run()
    return batch_id


def findings(office: Office, batch_id: int) -> list[tuple[Any, ...]]:
    """Return row number and rule of every finding on rows, and of those on the delivery that are no header's."""
    return office.rows(
        "select row_no, rule from quality.issue where batch_id = %s"
        " and (row_no is not null or rule not like 'header.%%')"
        " order by row_no nulls first, rule",
        batch_id,
    )


def stored(office: Office, contract: Contract, *columns: str) -> list[tuple[Any, ...]]:
    return office.rows(f'select {", ".join(("_row_no", *columns))} from raw."{contract.id}" order by 1')


def ledger(office: Office, batch_id: int) -> dict[str, int]:
    found = office.receipt(batch_id)["rows"]
    skipped = {f"skipped {kind}": count for kind, count in found.pop("skipped").items()}
    return {name: count for name, count in (found | skipped).items() if count}


def test_people_are_taken_or_told_when_their_list_is_very_dirty(office: Office) -> None:
    contract = office.contracts["public_security__household_population"]
    zhang, li, child = number("19850607", "001"), number("19860102", "002"), number("20100304", "003")
    wang, double, second_number = number("19700101", "001"), number("19600202", "001"), number("19610303", "005")

    def person(id_no: str, name: str, born: str, **more: str) -> dict[str, str]:
        base = {"household_no": "", "sex_code": "男" if int(id_no[16:17] or 1) % 2 else "女"}
        return base | {"id_no": id_no, "name": name, "birth_date": born} | more

    home = {"household_no": "H1", "registered_division_code": "威海市环翠区", "registered_address": "新威路１号"}
    second = home | {"household_no": "H2", "registered_division_code": "文登市", "registered_address": "文山路2号"}
    batch_id = delivered(
        office,
        contract,
        lines(
            contract,
            person(zhang, "张　三", "1985年6月7日", **home),  # 2
            person(li.lower(), "李四", "31414", ethnicity_code="汉族"),  # 3: Excel serial, merged family
            person("371002100304003", "张小三", "2010/3/4"),  # 4: 15 digits that say 1910
            "合计,,,,,,3,,,,,,,,,,,,,",  # 5
            person(wang, "阿卜来提&#8226;阿卜力米提", "1970.01.01", **second),  # 6
            person(double, "赵六", "19600202", marital_status="已婚"),  # 7
            person(double, "赵 六", "1960-02-02", marital_status="已婚"),  # 8: a near or whole duplicate
            person(double, "钱七", "1961-03-03"),  # 9: another person on one number
            person("3.71002E+17", "孙八", "1975-05-05"),  # 10: digits lost, fallback key
            person("无", "孙八", "1975-05-05"),  # 11: the same by the fallback key
            person(child, "测试", "2010-03-04"),  # 12
            person(child, "寮犱笁", "2010-03-04"),  # 13: mojibake
            person(child, "", "2010-03-04"),  # 14
            person(child, "周九", "2010-03-04", cancelled_on="2009-01-01", moved_in_on="2010-13-45"),  # 15
            lines(contract).strip(),  # 16: repeated header
            "",  # 17
            person(number("19991231", "004"), "吴十", "1999-12-31"),  # 18: nothing above: no household
            person(wang, "王\ufffd", "1970-01-01", **second),  # 19
            person(second_number, "钱七", "1961-03-03"),  # 20: one person on two numbers
            "注：以上为全市户籍人口" + "," * 19,  # 21
        ),
    )
    assert ledger(office, batch_id) == {
        "physical": 21, "header": 1, "read": 16, "loaded": 9, "duplicate": 2, "rejected": 5,
        "skipped blank": 1, "skipped total": 1, "skipped repeated_header": 1, "skipped note": 1,
    }  # fmt: skip
    assert findings(office, batch_id) == [
        *((None, f"{name}.fill_down") for name in ("household_no", "registered_address", "registered_division_code")),
        (4, "birth_date_agrees"), (4, "id_no.check"), (7, "id_no_unique"), (7, "key.unique"), (8, "row.duplicate"),
        (9, "birth_date_agrees"), (9, "id_no_unique"), (9, "key.unique"), (9, "person_once"),
        (10, "id_no.format"),
        (11, "id_no.required"), (11, "row.duplicate"), (12, "row.test_data"), (13, "row.structure"),
        (14, "name.required"), (15, "birth_before_cancelled"), (15, "moved_in_on.format"),
        (18, "household_no.required"), (18, "registered_division_code.required"), (19, "row.structure"),
        (20, "person_once"),
    ]  # fmt: skip
    first, other = ("H1", "371002", "新威路１号"), ("H2", "371081", "文山路2号")
    assert stored(
        office,
        contract,
        "id_no",
        "name",
        "birth_date",
        "household_no",
        "registered_division_code",
        "registered_address",
    ) == [
        (2, zhang, "张三", date(1985, 6, 7), *first),
        (3, li, "李四", date(1986, 1, 2), *first),
        (4, "371002191003040035", "张小三", date(2010, 3, 4), *first),
        (6, wang, "阿卜来提·阿卜力米提", date(1970, 1, 1), *other),
        (7, double, "赵六", date(1960, 2, 2), *other),
        (9, double, "钱七", date(1961, 3, 3), *other),
        (10, None, "孙八", date(1975, 5, 5), *other),
        (15, child, "周九", date(2010, 3, 4), *other),
        (20, second_number, "钱七", date(1961, 3, 3), *other),
    ]
    receipt = json.dumps(office.receipt(batch_id)["issues"], ensure_ascii=False)
    assert not any(text in receipt for text in (zhang, double, child, "寮犱笁"))


def test_companies_are_taken_or_told_when_their_register_is_very_dirty(office: Office) -> None:
    contract = office.contracts["market_regulation__enterprise"]
    one, two, three = "91371000MA3C00011R", "91371000MA3D0366X0", "91371000MA3D00223Y"
    row = {"uscc": one, "name": "威海甲公司", "established_on": "2020-01-01", "status": "在营（开业）企业"}
    batch_id = delivered(
        office,
        contract,
        "市场主体登记信息\n制表单位：登记科\n"
        + lines(
            contract,
            row | {"uscc": one.lower(), "registered_capital": "405万人民币"},  # 4
            row | {"uscc": two, "name": "威海（乙）公司", "registered_capital": '"1,250(万美元)"'},  # 5
            row | {"uscc": two, "name": "威海(乙) 公司", "registered_capital": '"1,250(万美元)"'},  # 6: near duplicate
            row | {"uscc": three, "name": "威海丙公司", "registered_capital": "44(万)"},  # 7
            row | {"uscc": three, "name": "荣成丁公司", "registered_capital": "万人民币"},  # 8: two companies, one code
            row | {"uscc": "91371000MA3C000111", "name": "校验错公司", "registered_capital": "1E-06万人民币"},  # 9
            row | {"uscc": "", "registration_no": "371000200000018", "name": "旧注册公司", "operates_to": "长期"},  # 10
            row | {"uscc": three, "name": "威海戊公司", "registered_capital": "5,000(万美元)"},  # 11: unquoted comma
            row | {"uscc": one.lower(), "registered_capital": "405万人民币"},  # 12: duplicate of 4
            row | {"uscc": "", "name": "无码公司", "established_on": "", "status": "冻结"},  # 13: key by name alone
            row | {"uscc": "N/A", "name": "锟斤拷"},  # 14
            row | {"uscc": "91371000MA3C00013X", "name": "换行公司", "business_scope": '"渔业；\n养殖"'},  # 15
            row | {"uscc": "91371000MA3C00013X", "name": '"没关上的引号'},  # 16
            row | {"uscc": "91371000MA3C00015Q", "name": "倒序公司", "cancelled_on": "2019-01-01"},  # 17
            "总计：,8 户",  # 18
        ),
    )
    assert ledger(office, batch_id) == {
        "physical": 18, "header": 1, "read": 14, "loaded": 10, "duplicate": 1, "rejected": 3,
        "skipped preamble": 2, "skipped total": 1,
    }  # fmt: skip
    assert findings(office, batch_id) == [
        (4, "uscc.check"), (5, "row.near_duplicate"), (6, "row.near_duplicate"), (7, "key.unique"),
        (7, "registered_capital.format"), (8, "key.unique"), (8, "registered_capital.format"), (9, "uscc.check"),
        (10, "uscc.required"), (11, "row.structure"), (12, "row.duplicate"), (12, "uscc.check"), (13, "status.code"),
        (13, "uscc.required"), (14, "row.structure"), (15, "uscc.check"), (16, "row.structure"),
        (17, "established_before_cancelled"), (17, "uscc.check"),
    ]  # fmt: skip
    assert stored(
        office,
        contract,
        "uscc",
        "name",
        "registered_capital",
        "registered_capital_amount",
        "registered_capital_currency",
    ) == [
        (4, one, "威海甲公司", 4_050_000, 4_050_000, "CNY"),
        (5, two, "威海（乙）公司", None, 12_500_000, "USD"),
        (6, two, "威海(乙) 公司", None, 12_500_000, "USD"),
        (7, three, "威海丙公司", None, 440_000, None),
        (8, three, "荣成丁公司", None, None, None),
        (9, "91371000MA3C000111", "校验错公司", Decimal("0.01"), Decimal("0.01"), "CNY"),
        (10, None, "旧注册公司", None, None, None),
        (13, None, "无码公司", None, None, None),
        (15, "91371000MA3C00013X", "换行公司", None, None, None),
        (17, "91371000MA3C00015Q", "倒序公司", None, None, None),
    ]
    assert stored(office, contract, "operates_to", "business_scope", "status")[6:9] == [
        (10, date(9999, 12, 31), None, "在用"),
        (13, None, None, None),
        (15, None, "渔业； 养殖", "在用"),
    ]


def test_months_are_taken_or_told_when_the_statistics_are_very_dirty(office: Office) -> None:
    contract = office.contracts["statistics__monthly_indicator"]
    row = {
        "indicator_name": "社会消费品零售总额", "unit": "万元", "region_code": "威海市", "period": "202102",
        "vintage": "快报", "published_on": "2021-03-20",
    }  # fmt: skip
    same = {"indicator_name": "", "unit": ""}
    batch_id = delivered(
        office,
        contract,
        "威海市主要经济指标\n单位：万元\n"
        + lines(
            contract,
            row
            | {
                "period": "2021年2月",
                "month_value": "-",
                "ytd_value": '"1,234,567.8"',
                "yoy_pct": "5.2%",
            },  # 4: no January
            row
            | same
            | {"period": "2021-03", "month_value": "６１２３４５", "ytd_value": "1846912.8", "yoy_pct": "－1.5"},  # 5
            row | same | {"period": "2021年1-4月", "ytd_value": "2400000"},  # 6: not a month
            row | same | {"period": "202105", "month_value": "约60万", "ytd_value": "1E6"},  # 7
            row | same | {"period": "202105", "month_value": "600000", "ytd_value": "3000000"},  # 8: the month again
            row
            | same
            | {"period": "202106", "month_value": "600000", "ytd_value": "3600000", "published_on": "2021/7/20"},  # 9
            row
            | same
            | {"period": "202106", "month_value": "600000.0", "ytd_value": "3,600,000"},  # 10: unquoted commas
            row
            | same
            | {"period": "202106", "month_value": "610000", "ytd_value": "3610000", "vintage": "最终核实数"},  # 11
            "小计,,,,9999,,,,,",  # 12
            row
            | {"indicator_name": "规模以上工业增加值增速", "unit": "%", "period": "44440", "month_value": "6.1"},  # 13
            row | {"indicator_name": "测试", "period": "202101"},  # 14
            row | {"period": "", "region_code": "", "indicator_name": "", "unit": ""},  # 15
            "数据来源：统计局,,,,,,,,,",  # 16
        ),
    )
    assert ledger(office, batch_id) == {
        "physical": 16, "header": 1, "read": 11, "loaded": 7, "rejected": 4,
        "skipped preamble": 2, "skipped total": 1, "skipped note": 1,
    }  # fmt: skip
    assert findings(office, batch_id) == [
        (None, "indicator_name.fill_down"), (None, "unit.fill_down"), (6, "period.format"), (7, "key.unique"),
        (7, "month_value.format"), (8, "key.unique"), (10, "row.structure"), (11, "indicator_name.required"),
        (11, "unit.required"), (13, "period.format"), (14, "row.test_data"), (15, "period.required"),
        (15, "region_code.required"), (15, "row.test_data"),
    ]  # fmt: skip
    sales, growth = ("社会消费品零售总额", "万元", "371000"), ("规模以上工业增加值增速", "%", "371000")
    assert stored(
        office, contract, "indicator_name", "unit", "region_code", "period", "month_value", "ytd_value", "yoy_pct"
    ) == [
        (4, *sales, "202102", None, Decimal("1234567.8"), Decimal("5.2")),
        (5, *sales, "202103", 612_345, Decimal("1846912.8"), Decimal("-1.5")),
        (6, *sales, None, None, 2_400_000, None),
        (7, *sales, "202105", None, 1_000_000, None),
        (8, *sales, "202105", 600_000, 3_000_000, None),
        (9, *sales, "202106", 600_000, 3_600_000, None),
        (13, *growth, None, Decimal("6.1"), None, None),
    ]


def test_both_rows_stay_when_two_boats_share_one_mmsi(office: Office) -> None:
    contract = office.contracts["ocean_development__fishing_vessel"]
    boat = {"port": "石岛", "owner_code": "371082198808152345", "mmsi": "412331234", "status": "在用"}
    batch_id = delivered(
        office,
        contract,
        lines(
            contract,
            boat | {"vessel_code": "1", "name": "鲁荣渔1"},
            boat | {"vessel_code": "2", "name": "鲁荣渔2"},
            boat | {"vessel_code": "3", "name": "鲁荣渔3", "mmsi": "412331235"},
        ),
    )
    assert findings(office, batch_id) == [(2, "mmsi_unique"), (3, "mmsi_unique")]
    assert len(stored(office, contract)) == 3


def test_marriage_and_divorce_are_both_true_when_they_fall_on_one_day(office: Office) -> None:
    contract = office.contracts["civil_affairs__marriage"]
    pair = {
        "husband_name": "张三", "husband_id_no": "371002198506070019", "wife_name": "李四",
        "wife_id_no": "371002198506070027", "registered_on": "2021-09-01",
    }  # fmt: skip
    batch_id = delivered(
        office,
        contract,
        lines(
            contract, pair | {"registration_no": "J1", "kind": "结婚"}, pair | {"registration_no": "L1", "kind": "离婚"}
        ),
    )
    assert findings(office, batch_id) == []
    assert stored(office, contract, "kind") == [(2, "结婚"), (3, "离婚")]


@pytest.mark.parametrize(
    ("contract_id", "row", "rule"),
    [
        (
            "health__death_certificate",
            {"death_cert_no": "1", "id_no": "371002198506070019", "name": "张三", "died_at": "1980-01-01 08:00"},
            "born_before_died",
        ),
        (
            "civil_affairs__cremation",
            {"cremation_no": "1", "id_no": "371002198506070019", "name": "张三", "cremated_on": "1980-01-01"},
            "born_before_cremated",
        ),
    ],
)
def test_a_death_before_birth_is_kept_and_flagged_when_the_number_says_so(
    office: Office, contract_id: str, row: dict[str, str], rule: str
) -> None:
    contract = office.contracts[contract_id]
    batch_id = delivered(office, contract, lines(contract, row))
    assert findings(office, batch_id) == [(2, rule)]
    assert len(stored(office, contract)) == 1
