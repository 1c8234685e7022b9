"""Tables as departments might send them: any contract, any rows, any junk between them, in any format."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from connectors.contract import Contract
from tests.unit.delivered_files import contract
from tests.unit.delivered_formats import html, json_text, objects, ods, ods_row, ods_table, parquet, xls, xlsx, zipped

KEY = "编号"
_COLUMNS: Mapping[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "姓名": ({"type": "text", "level": "L3"}, ("张三", "阿卜来提•阿卜力米提", "王𬱟", " 李 四 ", "Zhang San")),
    "证件号码": ({"type": "id", "level": "L4"}, ("371002198506070019", "37100219850607001X", "３７1002198506070019")),
    "出生日期": ({"type": "date"}, ("1985-06-07", "1985年6月7日", "19850607", "44055", "长期", "2021-02-30")),
    "注册资本": ({"type": "money", "unit": "CNY"}, ("100万元", "1,234.50", "￥5", "-3", "1e400")),
    "职工人数": ({"type": "int"}, ("12", "1,200", "十二", "3.0", "99999999999999999999")),
    "登记状态": ({"type": "code", "codes": "status"}, ("在用", "正常", "已注销", "吊销")),
    "经营范围": ({"type": "text"}, ("零售，批发", 'a "b" c', "第一行\n第二行", "=1+1", "x" * 3000)),
    "登记机关": ({"type": "text", "required": "warning"}, ("威海市", "无", "某某局（分局）")),
}
"""Header -> (its column, cells that are sound or nearly so)."""
_SOUND = {header: cells[0] for header, (_, cells) in _COLUMNS.items()}
_JUNK = (
    "",
    " ",
    "\u3000",
    "无",
    "/",
    "合计",
    "备注：无",
    "N/A",
    '"',
    ",",
    ";",
    "\t",
    "锟斤拷",
    "\ufeff",
    "0",
    "#REF!",
    "&nbsp;",
)
_TITLES = ("某某情况汇总表", "（2021年9月30日）", "单位：万元")


@dataclass(frozen=True)
class Delivered:
    """A file as written, and what was written.

    Attributes:
        physical: rows that a person counts in it.
        keys: row number -> key, of the data rows.
        is_clean: nothing is in it that could be misunderstood: all of its rows must be read.
    """

    written: str
    content: bytes
    contract: Contract
    physical: int
    keys: Mapping[int, str]
    is_clean: bool


@st.composite
def deliveries(draw: st.DrawFn) -> Delivered:
    """Draw a contract, a table of it, and a format to send it in."""
    is_clean = draw(st.booleans())
    headers = draw(st.lists(st.sampled_from(list(_COLUMNS)), min_size=1, max_size=len(_COLUMNS), unique=True))
    columns = {KEY: {"type": "text", "required": True}} | {header: _COLUMNS[header][0] for header in headers}
    wanted = contract({f"c{n}": {"header": h, **column} for n, (h, column) in enumerate(columns.items())})
    order = draw(st.permutations([KEY, *headers]))
    count = draw(st.integers(1, 25))
    rows = [draw(_row(order, number, is_clean)) for number in range(count)]
    written = draw(st.sampled_from(["csv", "csv", "csv", *_WRITERS]))
    lines: list[list[str]] = [*draw(_above(len(order), written, is_clean)), list(order)]
    keys = {}
    for row in rows:
        if not is_clean and written not in _WITHOUT_JUNK:
            lines += draw(_between(order, ragged=written == "csv"))
        lines.append(row)
        keys[len(lines)] = row[order.index(KEY)]
    content = draw(_delimited(lines)) if written == "csv" else _WRITERS[written](lines)
    return Delivered(written, content, wanted, len(lines), keys, is_clean)


@st.composite
def _row(draw: st.DrawFn, order: list[str], number: int, is_clean: bool) -> list[str]:
    key = f"K{number:04d}"
    if is_clean:
        return [key if header == KEY else _SOUND[header] for header in order]
    cells = {h: st.sampled_from([*_COLUMNS[h][1], *_JUNK]) | _ANY_TEXT for h in order if h != KEY}
    return [key if header == KEY else draw(cells[header]) for header in order]


_ANY_TEXT = st.text(st.characters(codec="gb18030", exclude_categories=["Cc", "Cs", "Co", "Cn"]), max_size=12)


@st.composite
def _above(draw: st.DrawFn, width: int, written: str, is_clean: bool) -> list[list[str]]:
    if is_clean or written in _WITHOUT_JUNK:
        return []
    titles = draw(st.lists(st.sampled_from([*_TITLES, ""]), max_size=4))
    return [[title, *[""] * (width - 1)] for title in titles]


@st.composite
def _between(draw: st.DrawFn, order: list[str], *, ragged: bool) -> list[list[str]]:
    width = len(order)
    kinds = {
        "blank": [""] * width,
        "header": list(order),
        "total": ["合计", *["3"] * (width - 1)],
        "note": ["备注：以上数据由各区市汇总", *[""] * (width - 1)],
        "junk": draw(st.lists(st.sampled_from(_JUNK), min_size=width, max_size=width)),
        "torn": draw(st.lists(st.sampled_from(_JUNK), max_size=width + 3)) if ragged else [""] * width,
    }
    return [kinds[kind] for kind in draw(st.lists(st.sampled_from(list(kinds)), max_size=2))]


@st.composite
def _delimited(draw: st.DrawFn, lines: list[list[str]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(
        text,
        delimiter=draw(st.sampled_from(",,\t|;")),
        quoting=draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])),
        lineterminator=draw(st.sampled_from(["\r\n", "\n"])),
    )
    writer.writerows(lines)
    whole = text.getvalue()
    if draw(st.booleans()):
        whole = whole.rstrip("\r\n")
    encoding = draw(st.sampled_from(["utf-8", "utf-8-sig", "gb18030", "utf-16"]))
    content = whole.encode(encoding)
    packed = draw(st.sampled_from(["", "", "", "gz", "zip"]))
    return gzip.compress(content) if packed == "gz" else zipped({"名单.csv": content}) if packed == "zip" else content


def _ods(lines: list[list[str]]) -> bytes:
    return ods(ods_table(*(ods_row(line) for line in lines)))


_WRITERS = {
    "xlsx": xlsx,
    "xls": xls,
    "ods": _ods,
    "html": html,
    "zip of xlsx": lambda lines: zipped({"名单.xlsx": xlsx(lines)}),
    "json of arrays": json_text,
    "json": lambda lines: json_text(objects(lines)),
    "jsonl": lambda lines: b"".join(json_text(item) + b"\n" for item in objects(lines)),
    "parquet": parquet,
}
_WITHOUT_JUNK = frozenset({"json", "jsonl", "parquet"})
"""Formats that hold records only: no title, no total."""
