"""Deliveries in which identifiers hide wherever a department can put them, and the search for them afterwards."""

from __future__ import annotations

import csv
import gzip
import io
import json
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import openpyxl
import psycopg
from psycopg import sql

NUMBERS = ("371002198507153334", "371082199112035567", "371083197702148817", "371081196003098841")
BROKEN_NUMBER = "371002198507153330"
OLD_NUMBER = "371002600309884"
NAMES = ("司徒雪迎", "诸葛晚晴", "淳于牧野", "闾丘采薇")
PHONES = ("13987650123", "18866327741")
STUDENT_NUMBERS = ("G371002201306158870", "L371002201407192234")
LICENCE_NUMBERS = ("LH77310042961", "1.2.156.3005.2.11100000000013338W011.11371000004360000X.LH77310042961.001.K")
NEEDLES = (*NUMBERS, BROKEN_NUMBER, OLD_NUMBER, *NAMES, *PHONES, *STUDENT_NUMBERS, *LICENCE_NUMBERS)

Rows = Sequence[Sequence[object]]
_HOUSEHOLD = [
    *("公民身份号码", "姓名", "性别", "民族", "出生日期", "户号", "户籍地址", "婚姻状况", "更新时间"),
    *("户籍地区划", "与户主关系"),
]


def put(landing: Path) -> list[Path]:
    """Put the planted deliveries into the landing zone, each whole at once; return where they lay."""
    shop = [["年份", "电商交易额（亿元）"], ["2020", NUMBERS[1]], [NAMES[2], "1"]]
    files = {
        ("public_security", "household_population", f"户籍_{NUMBERS[0]}_{PHONES[0]}.xlsx"): _workbook(),
        ("education", "student", f"学籍 {STUDENT_NUMBERS[0]}.csv"): _csv(_students()),
        ("administrative_approval", "electronic_licence", f"证照_{PHONES[1]}.zip"): _archive(),
        ("market_regulation", "enterprise", f"{OLD_NUMBER}的企业.csv"): _csv(_enterprises()),
        ("development_reform", "administrative_penalty", f"处罚（{NUMBERS[2]}）.csv"): _csv(_penalties()),
        # in the wrong inbox, under the wrong contract, and broken
        ("commerce", "", f"人员名册{NUMBERS[3]}.csv"): _csv(_households()),
        ("commerce", "ecommerce", "电商.csv"): _csv(shop),
        ("health", "birth_certificate", "损坏.xlsx"): b"PK\x03\x04" + "".join(NEEDLES).encode(),
    }
    placed = []
    for (department, extract, name), content in files.items():
        inbox = landing / department / "inbox" / extract
        inbox.mkdir(parents=True, exist_ok=True)
        (inbox / ".planted").write_bytes(content)
        placed.append((inbox / ".planted").rename(inbox / name))
    return placed


def _csv(rows: Rows) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode("utf-8")


def _households() -> list[list[object]]:
    """Good rows, and cells that stand one column too far, fail their check or hold somebody else's number."""
    address = f"威海市环翠区竹岛街道9号 {PHONES[0]}"
    rest = [address, "已婚", "2021-09-01", "371002", "户主"]
    good = [
        [n, NAMES[k], "男", "汉族", f"{n[6:10]}-{n[10:12]}-{n[12:14]}", f"H{k}", *rest] for k, n in enumerate(NUMBERS)
    ]
    one: list[object] = [
        BROKEN_NUMBER,
        NAMES[0],
        NUMBERS[1],
        NAMES[2],
        NAMES[3],
        OLD_NUMBER,
        address,
        PHONES[1],
        NAMES[1],
    ]
    two: list[object] = [
        NAMES[1],
        NUMBERS[1],
        PHONES[0],
        NUMBERS[2],
        OLD_NUMBER,
        NAMES[1],
        NUMBERS[3],
        NAMES[0],
        NUMBERS[0],
    ]
    bad: list[list[object]] = [
        [*one, NAMES[0], NUMBERS[3]],
        [*two, PHONES[1], NAMES[2]],
        ["", NAMES[2], "女", f"汉族{NUMBERS[0]}", "1985-07-15", "", "", "", f"{NUMBERS[2]} {PHONES[1]}", "", ""],
    ]
    return [_HOUSEHOLD, *good, *bad]


def _workbook() -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = f"户籍{NUMBERS[1]}"
    sheet.append([f"户籍人口名册（填报人 {NAMES[1]}，电话 {PHONES[1]}，身份证 {NUMBERS[2]}）"])
    head, *rows = _households()
    sheet.append([*head, f"备注（联系{PHONES[0]}，{NUMBERS[3]}）"])
    for row in rows:
        sheet.append([*row, f"{NAMES[3]} {NUMBERS[3]}"])
    sheet.append(["合计", NAMES[0], NUMBERS[0]])
    other = book.create_sheet(f"说明 {PHONES[1]}")
    other.append([f"本表由{NAMES[0]}（{NUMBERS[0]}）填报"])
    found = io.BytesIO()
    book.save(found)
    return found.getvalue()


def _students() -> Rows:
    head = ["学籍号", "身份证件号", "姓名", "出生日期", "学校标识码", "年级", "学籍状态", "监护人姓名", "监护人电话"]
    first, second = STUDENT_NUMBERS
    return [
        [*head, f"学号旧 {second}"],
        [first, first[1:], NAMES[0], "2013-06-15", "2137000123", "三年级", "在读", NAMES[1], PHONES[0], second],
        [second, second, NAMES[2], second, first, NAMES[3], second, PHONES[1], NAMES[1], first],
        [first[:-1], NUMBERS[0], second, NAMES[2], NAMES[0], first, first, NUMBERS[1], NUMBERS[2], ""],
    ]


def _licences() -> Rows:
    number, identifier = LICENCE_NUMBERS
    office = "威海市行政审批服务局"
    head = ["电子证照标识", "证照类型代码", "证照类型名称", "证照编号", "持证主体", "持证主体代码", "持证主体代码类型"]
    head += ["证照颁发机构", "证照颁发日期", "证照有效期起始", "证照有效期截止", "证照状态"]
    good = [identifier, "11100000000013338W011", "驾驶证", number, NAMES[0], NUMBERS[0], "公民身份号码"]
    bad = [number, PHONES[0], NUMBERS[1], identifier, NUMBERS[2], NAMES[1], NUMBERS[3]]
    return [
        head,
        [*good, office, "2021-01-01", "2021-01-01", "长期", "有效"],
        [*bad, NUMBERS[2], number, NAMES[3], PHONES[0], NAMES[2]],
    ]


def _archive() -> bytes:
    found = io.BytesIO()
    with zipfile.ZipFile(found, "w") as packed:
        packed.writestr(f"{NUMBERS[1]}_名单_{PHONES[0]}.csv", _csv(_licences()))
    return found.getvalue()


def _enterprises() -> Rows:
    head = [
        "统一社会信用代码",
        "企业名称",
        "法定代表人",
        "成立日期",
        "经营范围",
        "住所",
        "所属区划",
        "登记状态",
        "注销日期",
    ]
    scope = f"零售；联系人{NUMBERS[0]},{NUMBERS[1]}，电话{PHONES[0]}／+86 {PHONES[1]}"
    address = f"新威路2号{PHONES[1]}"
    return [
        head,
        ["92371002MA3C000016", "春晓小吃店", NAMES[0], "2019-05-01", scope, "新威路1号", "371002", "在业", ""],
        [NUMBERS[2], "夏至小吃店", NAMES[1], NAMES[2], scope, address, NAMES[0], NUMBERS[1], PHONES[1]],
        [BROKEN_NUMBER, "秋分小吃店", NUMBERS[3], NUMBERS[0], "", NUMBERS[2], NAMES[3], NAMES[0], NUMBERS[1]],
    ]


def _penalties() -> Rows:
    head = ["行政处罚决定书文号", "行政相对人名称", "行政相对人类别", "证件号码", "违法事实", "处罚类别", "处罚内容"]
    head += ["罚款金额（万元）", "处罚决定日期", "处罚机关", "处罚依据"]
    fact = f"{NAMES[1]}（{NUMBERS[1]}，{PHONES[1]}）无证经营"
    basis = f"条例第三条；当事人 {NUMBERS[0]}"
    good = ["威罚〔2021〕1号", NAMES[1], "自然人", NUMBERS[1], fact, "罚款", fact]
    bad = [NUMBERS[2], NUMBERS[3], NAMES[2], NAMES[0], fact, NUMBERS[0], NAMES[3]]
    return [
        head,
        [*good, "0.5", "2021-08-02", "威海市综合执法局", basis],
        [*bad, NAMES[0], PHONES[0], NUMBERS[1], basis],
    ]


def found_in(text: bytes, needles: Iterable[str] = NEEDLES) -> set[str]:
    """Return the needles that stand in a text as UTF-8, GB18030, or escaped as JSON and HTML do."""
    hits = set()
    for needle in needles:
        spelt = {
            needle.encode(),
            needle.encode("gb18030"),
            json.dumps(needle)[1:-1].encode(),
            json.dumps(json.dumps(needle)[1:-1])[1:-1].encode(),
            "".join(f"&#{ord(c)};" for c in needle).encode(),
        }
        if any(form in text for form in spelt):
            hits.add(needle)
    return hits


def in_files(folders: Iterable[Path], needles: Iterable[str] = NEEDLES) -> dict[str, set[str]]:
    """Return the files whose name or content (unpacked where it is packed) holds a needle, with the needles."""
    hits = {}
    for path in sorted(p for folder in folders for p in folder.rglob("*") if p.is_file()):
        found = found_in(str(path).encode("utf-8", "surrogateescape"), needles)
        for content in _contents(path):
            found |= found_in(content, needles)
        if found:
            hits[str(path)] = found
    return hits


def _contents(path: Path) -> Iterator[bytes]:
    content = path.read_bytes()
    if content.startswith(b"\x1f\x8b"):
        yield gzip.decompress(content)
    elif zipfile.is_zipfile(io.BytesIO(content)):
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            for member in packed.infolist():
                yield member.filename.encode() + b"\n" + packed.read(member)
    else:
        yield content


def relations_of(
    connection: psycopg.Connection[tuple[object, ...]], *, but: Iterable[str] = ()
) -> list[tuple[str, str]]:
    """Return all tables and views by schema and name.

    Args:
        but: schemas of which only the masked views are wanted.
    """
    relations = connection.execute(
        "select n.nspname, c.relname from pg_class as c inner join pg_namespace as n on n.oid = c.relnamespace"
        " where c.relkind in ('r', 'p', 'v', 'm') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'"
        " and (n.nspname <> all(%s) or c.relname like '%%\\_masked') order by 1, 2",
        (list(but),),
    )
    return [(str(schema), str(name)) for schema, name in relations]


def in_tables(
    connection: psycopg.Connection[tuple[object, ...]],
    relations: Iterable[tuple[str, str]],
    needles: Iterable[str] = NEEDLES,
) -> dict[str, set[str]]:
    """Return the tables and views that hold a needle, with the needles; those that may not be read are left out."""
    hits = {}
    for schema, name in relations:
        readable = connection.execute(
            "select has_schema_privilege(%(s)s, 'usage') and has_table_privilege(format('%%I.%%I', %(s)s::text,"
            " %(t)s::text), 'select')",
            {"s": schema, "t": name},
        ).fetchone()
        if readable != (True,):
            continue
        query = sql.SQL("copy (select * from {}) to stdout").format(sql.Identifier(schema, name))
        with connection.cursor().copy(query) as rows:
            found = found_in(b"".join(rows), needles)
        if found:
            hits[f"{schema}.{name}"] = found
    return hits
