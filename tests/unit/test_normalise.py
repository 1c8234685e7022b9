from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from connectors.contract import Column
from connectors.normalise import FINDINGS, Context, Normalised, normalise
from connectors.normalise.codes import Divisions
from connectors.normalise.identifiers import ID_CHECKS, ID_WEIGHTS, normalise_id
from connectors.normalise.numbers import normalise_money
from tests.unit.delivered_files import AS_OF, CODES, texts

ZONE = ZoneInfo("Asia/Shanghai")
DIVISIONS = Divisions(
    frozenset({"371000", "371002", "371003", "371081", "371002001"}),
    {"环翠区": "371002", "文登区": "371003", "文登市": "371081", "环翠楼街道": "371002001"},
)
CONTEXT = Context(CODES, AS_OF, divisions=DIVISIONS)


def read(column_type: str, *cells: str | None, header_unit: str | None = None, **more: Any) -> Normalised:
    column = Column.model_validate({"header": more.pop("header", "列"), "type": column_type} | more)
    return normalise(pl.Series(cells, dtype=pl.String), column, CONTEXT, header_unit=header_unit)


def one(column_type: str, cell: str | None, **more: Any) -> tuple[Any, str | None]:
    found = read(column_type, cell, **more)
    return found.values["value"][0], found.finding[0]


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("\u3000威海\u00a0", "威海"),
        ("\ufeff威\u200b海", "威海"),
        ("'0012", "0012"),
        ("阿卜来提&#8226;阿卜力米提", "阿卜来提·阿卜力米提"),
        ("买买提・艾力", "买买提·艾力"),
        ("A&amp;B公司", "A&B公司"),
        ("第一行\n第二行", "第一行 第二行"),
        ("１２３号（甲）", "１２３号（甲）"),
        ("规定.销售", "规定.销售"),
    ],
)
def test_text_is_tidied_but_not_folded_when_it_carries_invisible_dirt(cell: str, value: str) -> None:
    assert one("text", cell) == (value, None)


def test_spaces_and_dots_go_from_a_persons_name_when_the_header_says_it_is_one() -> None:
    assert one("text", "张　三", header="姓名") == ("张三", None)
    assert one("text", "阿不都.热西提", header="法定代表人") == ("阿不都·热西提", None)
    assert one("text", "欧 阳 修 文", header="姓名") == ("欧阳修文", None)


def test_text_is_kept_and_flagged_when_characters_are_private_or_lost() -> None:
    assert one("text", "\ue863某某") == ("\ue863某某", "text_damaged")
    assert one("text", "王?", header="姓名") == ("王?", "text_damaged")
    assert one("text", "是否办结?") == ("是否办结?", None)


@pytest.mark.parametrize(
    "cell",
    ["锟斤拷", "公司\ufffd", "烫烫烫", "屯屯屯屯", "????", "Íþº£ÊÐ", "ÕÅÈý", "å¨æµ·", "å¼\xa0ä¸‰", "å\xa0\x81å¨\x81",
     "â€œäº¬â€", "濞佹捣", "寮犱笁", "濞佹捣甯?", "鐜繝缈犲尯"],
)  # fmt: skip
def test_text_is_garbled_when_it_was_decoded_wrongly(cell: str) -> None:
    assert read("text", cell).finding[0] == "text_garbled"


@pytest.mark.parametrize(
    "cell",
    ["吕绿 lǜ", "Ångström", "naïve café—né…", "«été»", "ÄÖÜß", "éèêë", "Þjóðvegur", "Владивосток", "김철수", "山田太郎",
     "😀😀", "𬱟䶮", "喆镕㛃", "璐瑜瑾", "瑾璐璇", "威海烫烫烫火锅店", "西屯屯村", "100×200±5℃", "……——“”", "①②③㎡",
     "为什么?"],
)  # fmt: skip
def test_text_is_sound_when_it_is_only_rare_or_foreign(cell: str) -> None:
    assert one("text", cell) == (cell, None)


@pytest.mark.parametrize("cell", ["", None, " ", "无", "暂无", "不详", "-", "/", "N/A", "NULL", "0000"])
@pytest.mark.parametrize("column_type", ["text", "id", "uscc", "date", "int", "money"])
def test_a_cell_is_missing_when_it_is_a_placeholder(cell: str | None, column_type: str) -> None:
    found = read(column_type, cell, "x", **({"unit": "CNY"} if column_type == "money" else {}))
    assert (found.values["value"][0], found.missing[0], found.finding[0]) == (None, True, None)


@pytest.mark.parametrize("column_type", ["text", "id", "uscc"])
def test_an_identifier_is_missing_when_it_was_filled_with_one_digit(column_type: str) -> None:
    assert read(column_type, "1" * 18, "9" * 15).missing.to_list() == [True, True]
    assert one("int", "1" * 18) == (int("1" * 18), None)


def test_a_placeholder_is_a_value_when_the_column_says_so() -> None:
    assert one("text", "无", values=["无"]) == ("无", None)
    assert one("bool", "无") == (False, None)


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("３７１００２１９８５０６０７００１９", ("371002198506070019", None)),
        ("371002 19850607 0019", ("371002198506070019", None)),
        ("办理中", (None, "id_unusable")),
        ("E12345678", ("E12345678", "id_shape")),
        ("991002198506070016", ("991002198506070016", "id_check")),
    ],
)
def test_an_identity_number_is_read_when_it_is_disguised(cell: str, expected: tuple[str | None, str | None]) -> None:
    assert one("id", cell) == expected


@given(
    born=st.dates(date(1850, 1, 1), AS_OF),
    region=st.sampled_from(["371002", "371081", "110101"]),
    no=st.integers(1, 999),
)
@settings(max_examples=80, deadline=None)
def test_a_citizen_number_passes_once_and_fails_when_any_digit_is_changed(born: date, region: str, no: int) -> None:
    first = f"{region}{born:%Y%m%d}{no:03d}"
    check = ID_CHECKS[sum(int(d) * int(w) for d, w in zip(first, ID_WEIGHTS, strict=True)) % 11]
    changed = [first[:i] + str((int(first[i]) + 1) % 10) + first[i + 1 :] + check for i in range(17)]
    found = normalise_id(texts(first + check, *changed), AS_OF)["finding"].to_list()
    assert found[0] is None
    assert None not in found[1:]


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("91371000ma3c00011r", ("91371000MA3C00011R", "uscc_lower")),
        ("91371000-MA3C00011R", ("91371000MA3C00011R", None)),
        ("9.1371E+17", (None, "uscc_scientific")),
        ("见备注", (None, "uscc_unusable")),
        ("办理中123456", (None, "uscc_unusable")),
    ],
)
def test_a_credit_code_is_read_when_it_is_disguised(cell: str, expected: tuple[str | None, str | None]) -> None:
    assert one("uscc", cell) == expected


@given(day=st.dates(date(1927, 5, 18), date(2098, 12, 31)))
@settings(max_examples=60, deadline=None)
def test_a_date_is_the_same_when_written_in_any_form(day: date) -> None:
    y, m, d = day.year, day.month, day.day
    serial = (day - date(1899, 12, 30)).days
    forms = (f"{day:%Y%m%d}", f"{y}年{m}月{d}日", f"{y}/{m}/{d}", f"{y}.{m:02}.{d:02}", f"{day} 08:30", str(serial))
    found = read("date", *forms, f"{y}－{m}－{d}", f"{day}T00:00:00")
    assert found.values["value"].to_list() == [day] * 8
    assert found.finding.null_count() == 8


@pytest.mark.parametrize(
    ("cell", "finding"),
    [
        ("2021-02-29", "date_impossible"),
        ("2021-13-01", "date_impossible"),
        ("20210231", "date_impossible"),
        ("0001-01-01", "date_impossible"),
        ("2021-08", "date_precision"),
        ("2021年", "date_precision"),
        ("202108", "date_precision"),
        ("民国十年", "date_unreadable"),
        ("3.5", "date_unreadable"),
    ],
)
def test_a_date_is_null_with_a_reason_when_it_is_none(cell: str, finding: str) -> None:
    assert one("date", cell) == (None, finding)


@pytest.mark.parametrize("cell", ["00000000", "0000-00-00", "0"])
def test_a_date_is_missing_when_it_is_all_zeros(cell: str) -> None:
    assert read("date", cell).missing.to_list() == [True]


@pytest.mark.parametrize(
    ("cell", "moment"),
    [
        ("2020-08-01 12:30:15", datetime(2020, 8, 1, 12, 30, 15, tzinfo=ZONE)),
        ("20200801123015", datetime(2020, 8, 1, 12, 30, 15, tzinfo=ZONE)),
        ("2020/8/1 9:5", datetime(2020, 8, 1, 9, 5, tzinfo=ZONE)),
        ("2020年8月1日9时5分", datetime(2020, 8, 1, 9, 5, tzinfo=ZONE)),
        ("44055.5", datetime(2020, 8, 12, 12, tzinfo=ZONE)),
        ("2020-07-31T16:00:00.500Z", datetime(2020, 8, 1, 0, 0, 0, 500_000, tzinfo=ZONE)),
        ("2020-08-01T12:00:00+09:00", datetime(2020, 8, 1, 11, tzinfo=ZONE)),
        ("2020-08-01", datetime(2020, 8, 1, tzinfo=ZONE)),
        ("长期", datetime(9999, 12, 31, tzinfo=ZONE)),
    ],
)
def test_a_point_in_time_is_the_citys_when_written_in_any_form(cell: str, moment: datetime) -> None:
    assert one("datetime", cell) == (moment, None)


def test_an_hour_moves_on_when_summer_time_skipped_it() -> None:
    assert one("datetime", "1986-05-04 02:30:00")[0] - datetime(1986, 5, 4, 1, 59, tzinfo=ZONE) < timedelta(hours=2)


@pytest.mark.parametrize(
    ("cell", "expected"),
    [("2020", "2020"), ("202008", "202008"), ("2020年8月", "202008"), ("2020-8", "202008"), ("2020-08-01", "202008")],
)
def test_a_period_is_a_year_or_month_when_written_in_any_form(cell: str, expected: str) -> None:
    assert one("period", cell) == (expected, None)


def test_a_period_is_null_when_it_is_neither_year_nor_month() -> None:
    assert [one("period", cell) for cell in ("2020Q3", "2020-08-15", "13月")] == [(None, "period_unreadable")] * 3


@pytest.mark.parametrize(
    ("cell", "amount", "currency", "cny", "finding"),
    [
        ("405万人民币", "4050000", "CNY", "4050000", None),
        ("3,100(万)", "31000000", None, None, "money_without_currency"),
        ("1,250(万美元)", "12500000", "USD", None, None),
        ("44(万)", "440000", None, None, "money_without_currency"),
        ("3.5（万元人民币）", "35000", "CNY", "35000", None),
        ("7万人民币元", "70000", "CNY", "70000", None),
        ("万人民币", None, None, None, "money_without_number"),
        ("1E-06万人民币", "0.01", "CNY", "0.01", None),
        ("２亿元", "200000000", "CNY", "200000000", None),
        ("￥5,000.50", "5000.5", "CNY", "5000.5", None),
        ("人民币8万元", "80000", "CNY", "80000", None),
        ("100", "100", "CNY", "100", None),
        ("5,00万元", None, None, None, "money_unreadable"),
        ("若干", None, None, None, "money_unreadable"),
        ("9" * 20 + "万元", None, None, None, "number_overflow"),
    ],
)
def test_money_keeps_amount_and_currency_when_it_is_written_in_words(
    cell: str, amount: str | None, currency: str | None, cny: str | None, finding: str | None
) -> None:
    found = read("money", cell, unit="CNY")
    decimals = [None if text is None else Decimal(text) for text in (amount, cny)]
    assert [found.values["amount"][0], found.values["value"][0]] == decimals
    assert (found.values["currency"][0], found.finding[0]) == (currency, finding)


def test_bare_amounts_are_in_the_headers_unit_when_it_names_one() -> None:
    assert one("money", "12.5", unit="CNY", header_unit="万元") == (Decimal(125_000), None)
    assert one("money", "12.5元", unit="CNY", header_unit="万元") == (Decimal("12.5"), None)
    assert one("quantity", "3", unit="m", header_unit="公里") == (Decimal(3000), None)


@pytest.mark.parametrize(
    ("cell", "unit", "value"),
    [
        ("1.5公里", "m", "1500"),
        ("2万平方米", "m2", "20000"),
        ("3公顷", "m2", "30000"),
        ("1平方公里", "m2", "1000000"),
        ("3.5万户", "户", "35000"),
        ("2万人", "人", "20000"),
        ("100M", "Mbit/s", "100"),
        ("12.5MB/s", "Mbit/s", "100"),
        ("1,000 Mbps", "Mbit/s", "1000"),
        ("5万千瓦时", "kWh", "50000"),
        ("7度", "kWh", "7"),
        ("4", "座", "4"),
        ("2万座", "座", "20000"),
        ("10000元", "万元", "1"),
    ],
)
def test_a_quantity_is_stored_in_the_contracts_unit_when_delivered_in_another(cell: str, unit: str, value: str) -> None:
    assert one("quantity", cell, unit=unit) == (Decimal(value), None)


def test_a_quantity_is_null_when_its_unit_measures_something_else() -> None:
    assert one("quantity", "5平方米", unit="m") == (None, "quantity_unit")
    assert one("quantity", "很长", unit="m") == (None, "number_unreadable")


@given(number=st.integers(-(10**15), 10**15))
@settings(max_examples=60, deadline=None)
def test_a_whole_number_is_the_same_when_written_in_any_form(number: int) -> None:
    wide = str(number).translate(str.maketrans("0123456789-", "０１２３４５６７８９－"))
    found = read("int", f"{number} ", f"{number:,}", f"{number}.0", wide)
    assert found.values["value"].to_list() == [number] * 4


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("1.2E+3", (1200, None)),
        ("12.5", (None, "number_fraction")),
        ("12个", (None, "number_unreadable")),
        ("99999999999999999999", (None, "number_overflow")),
    ],
)
def test_a_whole_number_is_null_with_a_reason_when_it_is_none(cell: str, expected: tuple[Any, Any]) -> None:
    assert one("int", cell) == expected


@given(number=st.decimals(-(10**12), 10**12, places=6, allow_nan=False))
@settings(max_examples=60, deadline=None)
def test_a_decimal_is_exact_when_it_has_six_places(number: Decimal) -> None:
    assert read("decimal", f"{number:f}x", f"{number:f}").values["value"].to_list() == [None, number]


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("正常", ("在用", None)),
        (" 在 用 ", ("在用", None)),
        ("已注销", ("注销", None)),
        ("冻结", (None, "code_unknown")),
        ("", ("在用", "code_default")),
        ("-", ("在用", "code_default")),
    ],
)
def test_a_code_becomes_the_lists_word_when_it_is_known(cell: str, expected: tuple[str | None, str | None]) -> None:
    assert one("code", cell, codes="status") == expected


def test_a_code_matches_when_a_spreadsheet_made_a_number_of_it() -> None:
    assert one("code", "1.0", codes="sex") == ("男", None)
    assert one("code", "２", codes="sex") == ("女", None)


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("371002", ("371002", None)),
        ("371002001", ("371002001", None)),
        ("371002001001", ("371002001001", None)),
        ("山东省威海市环翠区", ("371002", None)),
        ("文登市", ("371081", None)),
        ("371099", ("371099", "division_unknown")),
        ("110101", ("110101", None)),
        ("环翠", (None, "division_unreadable")),
        ("37100", (None, "division_unreadable")),
    ],
)
def test_a_division_is_a_code_when_given_by_code_or_name(cell: str, expected: tuple[str | None, str | None]) -> None:
    assert one("division", cell) == expected


def test_yes_and_no_are_read_when_written_in_any_way() -> None:
    found = read("bool", "是", "有", "1", "y", "TRUE", "√", "否", "无", "0", "N", "×", "或许")
    assert found.values["value"].to_list() == [True] * 6 + [False] * 5 + [None]
    assert found.finding[11] == "bool_unknown"


@given(cells=st.lists(st.text(max_size=12), max_size=8))
@example(cells=["0|", "|5", "CNY|5万"])
@settings(max_examples=120, deadline=None)
def test_every_cell_has_a_value_a_finding_or_is_missing_when_the_text_is_arbitrary(cells: list[str]) -> None:
    for kind, more in (
        *((t, {}) for t in ("text", "id", "uscc", "division", "date", "datetime", "period", "int", "decimal", "bool")),
        ("money", {"unit": "CNY"}),
        ("quantity", {"unit": "m2"}),
        ("code", {"codes": "sex"}),
    ):
        delivered = pl.Series(cells, dtype=pl.String)
        found = read(kind, *cells, **more)
        assert delivered.to_list() == cells
        assert all(len(part) == len(cells) for part in (*found.values.values(), found.missing, found.finding))
        explained = found.values["value"].is_not_null() | found.finding.is_not_null() | found.missing
        assert explained.all()
        assert set(found.finding.drop_nulls()) <= set(FINDINGS)


@pytest.mark.parametrize(
    ("header", "cell", "expected"),
    [
        ("同比增长（%）", "5.2%", (Decimal("5.2"), None)),
        ("同比增长（%）", "5.2", (Decimal("5.2"), None)),
        ("罚款金额（万元）", "12万元", (Decimal(12), None)),
        ("罚款金额（万元）", "1.5亿元", (Decimal(15_000), None)),
        ("罚款金额（万元）", "300元", (Decimal("0.03"), None)),
        ("罚款金额（万元）", "300美元", (None, "quantity_unit")),
        ("罚款金额（万元）", "12万", (None, "quantity_unit")),
        ("数值", "12万元", (None, "number_unreadable")),
    ],
)
def test_a_plain_number_may_repeat_the_unit_when_its_header_names_one(
    header: str, cell: str, expected: tuple[Decimal | None, str | None]
) -> None:
    assert one("decimal", cell, header=header) == expected


@pytest.mark.parametrize(
    ("cell", "header_unit", "expected"),
    [
        ("5人民币万元", None, (Decimal(50_000), None)),
        ("亿元人民币", None, (None, "money_without_number")),
        ("5亿元人民币", None, (Decimal(500_000_000), None)),
        ("5万元整", None, (Decimal(50_000), None)),
        ("人民币伍佰万元整", None, (None, "money_unreadable")),
        ("（5）万元", None, (None, "money_unreadable")),
        ("5", "人民币万元", (Decimal(50_000), None)),
        ("5", "亿元人民币", (Decimal(500_000_000), None)),
    ],
)
def test_an_amount_is_read_when_its_currency_stands_on_either_side(
    cell: str, header_unit: str | None, expected: tuple[Decimal | None, str | None]
) -> None:
    assert one("money", cell, unit="CNY", header_unit=header_unit) == expected


@pytest.mark.parametrize(
    ("unit", "cell", "expected"),
    [
        ("m", "1.2KM", (Decimal(1200), None)),
        ("kWh", "3KWH", (Decimal(3), None)),
        ("Mbit/s", "100mbps", (Decimal(100), None)),
        ("Mbit/s", "12.5mb/s", (None, "quantity_unit")),
        ("Mbit/s", "12.5MBPS", (None, "quantity_unit")),
        ("m", "500M", (None, "quantity_unit")),
        ("m2", "1.2万", (Decimal(12_000), None)),
    ],
)
def test_a_unit_is_understood_in_another_case_when_that_cannot_mean_another_unit(
    unit: str, cell: str, expected: tuple[Decimal | None, str | None]
) -> None:
    assert one("quantity", cell, unit=unit) == expected


@pytest.mark.parametrize("cell", ["0|", "|5", "5|元", "¥|5万元", "||5||"])
def test_amount_is_unreadable_when_a_bar_stands_beside_the_number(cell: str) -> None:
    found = normalise_money(pl.Series([cell], dtype=pl.String), "CNY")
    assert found.select("value", "amount", "currency", "finding").rows() == [(None, None, None, "money_unreadable")]
