"""Damaged files: valid ones of every format with bytes flipped, cut, inserted, repeated and swapped, by a seed."""

from __future__ import annotations

import datetime as dt
import gzip
import io
import random
import re
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

import pyarrow as pa
import pyarrow.parquet as pq
import xlsxwriter
import xlwt

from tests.unit.delivered_formats import FORMATS, ods, ods_row, ods_table, zipped

ROWS = [
    ["证件号码", "姓名", "出生日期", "金额", "数量", "状态", "备注"],
    *(
        [
            f"37100219850607{i:03d}{i % 10}",
            name,
            f"19{50 + i % 50}-0{1 + i % 9}-1{i % 9}",
            f"{i}.50万元",
            str(i * 7),
            ("在用", "注销", "")[i % 3],
            "说明，“引号”",
        ]
        for i, name in enumerate(["王𬱟", "阿卜来提•阿卜力米提", "李四", "张三丰"] * 6, 1)
    ),
]


def _typed_xlsx() -> bytes:
    """Dates, numbers, formulas, errors, merged cells, a hidden sheet and cells far apart."""
    content = io.BytesIO()
    with xlsxwriter.Workbook(content, {"default_date_format": "yyyy-mm-dd"}) as book:
        sheet = book.add_worksheet("数据")
        sheet.merge_range(0, 0, 0, 6, "某某情况汇总表")
        for number, row in enumerate(ROWS, 1):
            sheet.write_row(number, 0, row)
            if number > 1:
                sheet.write_datetime(number, 2, dt.datetime(1985, 6, 7))  # noqa: DTZ001 (a cell has no zone)
                sheet.write_number(number, 4, number * 1.5)
        sheet.write_formula(3, 4, "=1/0", None, "#DIV/0!")
        sheet.write_formula(4, 4, "=SUM(1,2)", None, 3)
        sheet.write(40, 9, "远处")
        hidden = book.add_worksheet("旧")
        hidden.write_row(0, 0, ROWS[0])
        hidden.hide()
    return content.getvalue()


def _typed_xls() -> bytes:
    book = xlwt.Workbook(encoding="utf-8")
    sheet = book.add_sheet("数据")
    sheet.write_merge(0, 0, 0, 6, "某某情况汇总表")
    day = xlwt.easyxf(num_format_str="yyyy-mm-dd")
    for number, row in enumerate(ROWS, 1):
        for column, text in enumerate(row):
            if number > 1 and column == 2:
                sheet.write(number, column, dt.date(1985, 6, 7), day)
            elif number > 1 and column == 4:
                sheet.write(number, column, xlwt.Formula(f"{number}*2") if number % 2 else number * 1.5)
            else:
                sheet.write(number, column, text)
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def _repeating_ods() -> bytes:
    rows = [ods_row(row) for row in ROWS]
    rows.insert(3, '<table:table-row table:number-rows-repeated="5"><table:table-cell/></table:table-row>')
    rows.append(
        '<table:table-row table:number-rows-repeated="1048000">'
        '<table:table-cell table:number-columns-repeated="1024"/></table:table-row>'
    )
    return ods(ods_table(*rows))


def _spanned_html() -> bytes:
    rows = [f"<td>{'</td><td>'.join(row)}</td>" for row in ROWS]
    rows[2] = rows[2].replace("<td>", '<td rowspan="2">', 1)
    rows[3] = rows[3].partition("</td>")[2]
    title = '<td colspan="7">某某情况汇总表</td>'
    return f"<table><tr>{'</tr><tr>'.join([title, *rows])}</tr></table>".encode("gb18030")


def _typed_parquet(compression: str, version: str) -> bytes:
    count = len(ROWS) - 1
    columns: dict[str, pa.Array] = {name: pa.array([r[i] for r in ROWS[1:]]) for i, name in enumerate(ROWS[0])}
    columns["出生日期"] = pa.array([dt.date(1985, 6, 7)] * count)
    columns["数量"] = pa.array(range(count), pa.int64())
    columns["状态"] = pa.array(["在用", None] * (count // 2)).dictionary_encode()
    columns["更新时间"] = pa.array([dt.datetime(2021, 9, 30, tzinfo=dt.UTC)] * count, pa.timestamp("us", "UTC"))
    columns["是否"] = pa.array([True, None] * (count // 2))
    content = io.BytesIO()
    pq.write_table(
        pa.table(columns), content, row_group_size=7, compression=compression, data_page_version=version
    )  # fmt: skip
    return content.getvalue()


WRITERS: Mapping[str, Callable[[], bytes]] = {
    **{name: (lambda write=write: write(ROWS)) for name, (_, write) in FORMATS.items()},
    "typed xlsx": _typed_xlsx,
    "typed xls": _typed_xls,
    "repeating ods": _repeating_ods,
    "spanned html": _spanned_html,
    "parquet, snappy": lambda: _typed_parquet("snappy", "1.0"),
    "parquet, zstd": lambda: _typed_parquet("zstd", "2.0"),
    "parquet, plain": lambda: _typed_parquet("none", "1.0"),
    "zip of several": lambda: zipped({f"{i}.{kind}": FORMATS[kind][1](ROWS) for i, kind in enumerate(("csv", "xlsx"))}),
}
"""How a valid file is made; every format that is read, and what is hard in it."""


@dataclass(frozen=True)
class Case:
    """A damaged file: `case(seed)` makes it again."""

    seed: int
    written: str
    content: bytes


@cache
def _valid(written: str) -> bytes:
    return WRITERS[written]()


def case(seed: int, only: str = "") -> Case:
    """Return the damaged file of a seed; of the formats whose name holds `only`."""
    chance = random.Random(seed)
    written = chance.choice([name for name in WRITERS if only in name])
    content = _valid(written)
    within = content[:2] == b"PK" and chance.random() < 0.7
    if within:
        content = _inside_zip(content, chance)
    elif content[:2] == b"\x1f\x8b" and chance.random() < 0.7:
        content = gzip.compress(mutated(gzip.decompress(content), chance))
    else:
        content = mutated(content, chance)
    return Case(seed, written, content)


def _inside_zip(content: bytes, chance: random.Random) -> bytes:
    """Damage what a member holds, and pack it soundly again: checksums hide nothing from the reader then."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    for name in dict.fromkeys(chance.choices(list(members), k=chance.choice((1, 1, 2)))):
        if members[name][:2] == b"PK" and chance.random() < 0.7:
            members[name] = _inside_zip(members[name], chance)
        else:
            members[name] = mutated(members[name], chance)
    return zipped(members)


def mutated(content: bytes, chance: random.Random) -> bytes:
    """Return the content with one to twenty changes."""
    changed = bytearray(content)
    for _ in range(chance.choice((1, 1, 2, 5, 20))):
        chance.choice(_CHANGES)(changed, chance)
    return bytes(changed)


_TOKENS = (
    b'"', b"'", b"\x00", b"\xff", b"\r", b"\n", b"\xef\xbb\xbf", b"\xef\xb7\x90", b"\xed\xa0\x80", b"<", b">", b"&#0;",
    b"&lt", b"]]>", b"<!--", b"{", b"}", b"[", b"]", b",", b"\t", b"\\u0000", b"\\ud800", b"\x1a", b"\xe2\x80\xa8",
    b"1e999", b"-0", b"NaN", b"=cmd()", "\u202e".encode(), "合计".encode(), "合计".encode("gb18030"), b" " * 300,
)  # fmt: skip
_NUMBERS = (b"0", b"-1", b"1", b"255", b"65536", b"1048577", b"2147483648", b"4294967296", b"99999999999999999999")
_INTEGERS = tuple(
    value.to_bytes(size, "little")
    for size in (1, 2, 4, 8)
    for value in (0, 1, 2 ** (8 * size - 1) - 1, 2 ** (8 * size - 1), 2 ** (8 * size) - 1)
)


def _span(content: bytearray, chance: random.Random) -> tuple[int, int]:
    start = chance.randrange(len(content) + 1)
    return start, min(len(content), start + chance.choice((1, 4, 16, 100, 1000, 10_000)))


def _flip(content: bytearray, chance: random.Random) -> None:
    if content:
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)


def _overwrite(content: bytearray, chance: random.Random) -> None:
    at, value = chance.randrange(len(content) + 1), chance.choice((*_INTEGERS, chance.randbytes(4)))
    content[at : at + len(value)] = value


def _insert(content: bytearray, chance: random.Random) -> None:
    at = chance.randrange(len(content) + 1)
    content[at:at] = chance.choice(_TOKENS)


def _cut_out(content: bytearray, chance: random.Random) -> None:
    start, stop = _span(content, chance)
    del content[start:stop]


def _cut_off(content: bytearray, chance: random.Random) -> None:
    if chance.random() < 0.3:
        del content[chance.randrange(len(content) + 1) :]


def _repeat(content: bytearray, chance: random.Random) -> None:
    start, stop = _span(content, chance)
    content[start:start] = content[start:stop] * chance.choice((1, 1, 3, 50))


def _swap(content: bytearray, chance: random.Random) -> None:
    (a, b), (c, d) = sorted((_span(content, chance), _span(content, chance)))
    if b <= c:
        content[a:d] = content[c:d] + content[b:c] + content[a:b]


def _renumber(content: bytearray, chance: random.Random) -> None:
    """Replace a number that is written out, such as a count, a reference or a repetition."""
    found = [match.span() for match in re.finditer(rb"\d+", content[:200_000])]
    if found:
        start, stop = chance.choice(found)
        content[start:stop] = chance.choice(_NUMBERS)


_CHANGES = (_flip, _flip, _overwrite, _overwrite, _insert, _cut_out, _cut_off, _repeat, _swap, _renumber, _renumber)
