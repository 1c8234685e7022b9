"""Cells that are taken as they stand must mean what the full reading makes of them."""

from __future__ import annotations

from datetime import date

import polars as pl
from hypothesis import example, given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from connectors.contract import CodeList, Column, ColumnType
from connectors.normalise import ColumnReader, Context, Normalised, _taken_apart, normalise
from connectors.normalise.identifiers import ID_CHECKS, ID_WEIGHTS

AS_OF = date(2021, 9, 30)
CONTEXT = Context({"colour": CodeList(title="颜色", words={"红": ["1"], "绿": ["2"]})}, AS_OF)
COLUMNS = {
    "name": Column(header="姓名", type=ColumnType.TEXT),
    "text": Column(header="名称", type=ColumnType.TEXT),
    "may_be_none": Column(header="备注", type=ColumnType.TEXT, values=("无", "/")),
    "id": Column(header="证件号码", type=ColumnType.ID),
    "uscc": Column(header="统一社会信用代码", type=ColumnType.USCC),
    "date": Column(header="日期", type=ColumnType.DATE),
    "datetime": Column(header="时间", type=ColumnType.DATETIME),
    "int": Column(header="数量", type=ColumnType.INT),
    "decimal": Column(header="比率", type=ColumnType.DECIMAL),
    "money": Column(header="金额", type=ColumnType.MONEY, unit="CNY"),
    "quantity": Column(header="长度", type=ColumnType.QUANTITY, unit="公里"),
    "code": Column(header="颜色", type=ColumnType.CODE, codes="colour"),
}


def citizen_number(first: int) -> str:
    digits = f"{first:017d}"
    return digits + ID_CHECKS[sum(int(d) * int(w) for d, w in zip(digits, ID_WEIGHTS, strict=True)) % 11]


days = st.dates(date(1700, 1, 1), date(2300, 1, 1)).map(date.isoformat)
moments = st.datetimes().map(lambda m: m.isoformat(sep=" ", timespec="seconds"))
born = st.dates(date(1830, 1, 1), date(2022, 1, 1)).map(lambda d: f"{d:%Y%m%d}")
ids = st.builds(
    lambda a, b, c: citizen_number(int(f"{a}{b}{c:03d}")), st.integers(100_000, 999_999), born, st.integers(0, 999)
)
numbers = st.from_regex(r"\A-?[0-9]{1,17}(\.[0-9]{1,8})?\Z")
words = st.text(alphabet=" '　威海市环翠区烫屯锟斤拷鍖椾含.·?/无-0x&;é\ufffd\ue863\u200b王（）", max_size=8)
placeholders = st.sampled_from(
    ["", "无", "/", "-", "0000", "1" * 18, "长期", "2099-12-31", "9999-12-31", "1988-07-10 00:30:00"]
)
cells = st.one_of(days, moments, ids, numbers, words, placeholders, st.text(max_size=20), st.none())


@given(st.sampled_from(sorted(COLUMNS)), st.lists(cells, min_size=1, max_size=8))
@example("uscc", ["1" * 18, "91371000MA3C1A2B3C", ""])
@example("date", ["2020-02-30", "2020-02-29", "1900-01-00", "1900-02-29"])
@example("datetime", ["1942-01-31 00:00:00", "1949-05-01 00:00:00", "1986-05-04 00:00:00", "1986-09-14 00:00:00"])
@example("datetime", ["2020-02-29 24:00:00", "1991-08-01 12:00:00", "2020-02-29T23:59:59", "2020-02-29 23:59:60"])
@example("decimal", ["-0", "007", "1.1234567", "1e3", "12.", ".5", "999999999999999.999999"])
def test_the_quick_reading_equals_the_full_one_when_cells_are_of_any_kind(name: str, texts: list[str | None]) -> None:
    series = pl.Series(texts, dtype=pl.String)
    column = COLUMNS[name]

    quick = as_frame(normalise(series, column, CONTEXT))

    full = _taken_apart(series, column, CONTEXT, None)
    assert_frame_equal(quick, full.select(quick.columns))


@given(st.lists(st.lists(st.sampled_from(["红", "1", "蓝", "", None, " 2 "]), max_size=5), min_size=1, max_size=4))
def test_a_code_reads_the_same_when_it_was_met_in_an_earlier_batch(batches: list[list[str | None]]) -> None:
    reader = ColumnReader(COLUMNS["code"], CONTEXT)

    for batch in batches:
        series = pl.Series(batch, dtype=pl.String)
        assert_frame_equal(as_frame(reader.read(series)), as_frame(normalise(series, COLUMNS["code"], CONTEXT)))


@given(
    st.sampled_from(["name", "text", "may_be_none", "code"]),
    st.lists(
        st.lists(st.sampled_from(["甲", "乙·丙", "无", "烫烫烫", "红", "", None, " 丁"]), max_size=40), max_size=4
    ),
)
def test_a_text_reads_the_same_when_it_was_met_in_an_earlier_batch(name: str, batches: list[list[str | None]]) -> None:
    reader = ColumnReader(COLUMNS[name], CONTEXT)

    for batch in [["甲", "乙·丙", "红"] * 10, *batches]:
        series = pl.Series(batch, dtype=pl.String)
        read = reader.read(series)
        assert_frame_equal(as_frame(read), as_frame(normalise(series, COLUMNS[name], CONTEXT)))
        if read.distinct is not None:
            assert set(read.values["value"].drop_nulls()) <= set(read.distinct)


def as_frame(read: Normalised) -> pl.DataFrame:
    parts = {**read.values, "missing": read.missing, "finding": read.finding, "suggestion": read.suggestion}
    return pl.DataFrame([series.alias(name) for name, series in parts.items()])
