"""Deliveries made to do harm: each is answered or passed over, and what lies beside it is taken as on any day."""

from __future__ import annotations

import gzip
import io
import json
import os
import socket
import stat
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import xlsxwriter

from connectors import archive, intake, landing
from connectors.settings import CHECKOUT, Settings
from dags.support import deliveries
from tests.integration.office import CONTRACTS, Office, csv_bytes, with_test_contracts
from tests.unit.delivered_formats import html, json_text, ods, ods_row, ods_table, zipped
from tests.unit.test_readers_workbooks import password_ods, password_xls

HEADER = "编号,数值\n"
GOOD = f"{HEADER}a,1\n".encode()
MIB = 1024**2


@pytest.fixture
def office(settings: Settings, tmp_path: Path, clock: datetime) -> Office:
    """A department's desk; beside it another department delivers."""
    beside = tmp_path / "contracts" / "test_bureau"
    beside.mkdir(parents=True)
    (beside / "change.yml").write_text(CONTRACTS["change"], encoding="utf-8")
    extended, contracts = with_test_contracts(settings, tmp_path / "contracts")
    return Office(extended, contracts, clock)


def put_beside(office: Office) -> None:
    """Let the other department deliver something good."""
    path = office.settings.landing / "test_bureau" / "inbox" / "change" / "好.csv"
    path.parent.mkdir(parents=True)
    path.write_bytes(GOOD)


def taken_beside(office: Office) -> bool:
    return office.rows("select status, rows_loaded from quality.batch where department = 'test_bureau'") == [
        ("accepted", 1)
    ]


def answers(office: Office) -> dict[str, str]:
    """Return what each receipt of the department says, by the name of its file."""
    found = {}
    for path in (office.settings.landing / "test_office").glob("receipts/**/*.receipt.json"):
        document = json.loads(path.read_text(encoding="utf-8"))
        assert path.with_suffix(".xlsx").is_file()
        found[document["file_name"]] = document["summary"]
    return found


# --- made by hand, as no program would write them


def overlapping_zip() -> bytes:
    """Return an archive of 190 members that are all the same bytes (D. Fifield, A better zip bomb, 2019)."""
    one = zipped({"a.csv": b"0" * (4 * MIB)})
    end = one.rindex(b"PK\x05\x06")
    at = int.from_bytes(one[end + 16 : end + 20], "little")
    entry = one[at:end]
    tail = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 190, 190, len(entry) * 190, at, 0)
    return one[:at] + entry * 190 + tail


def locked_zip() -> bytes:
    content = bytearray(zipped({"a.csv": GOOD}))
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(mark) + place] |= 1
    return bytes(content)


def with_part(content: bytes, ending: str, change: Callable[[str], str]) -> bytes:
    """Return a workbook with the part of this name's ending changed."""
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        parts = {name: book.read(name) for name in book.namelist()}
    return zipped({n: change(c.decode()).encode() if n.endswith(ending) else c for n, c in parts.items()})


def declaring(entity: str) -> Callable[[str], str]:
    """Put an entity into the text of a part that spells it out."""

    def change(text: str) -> str:
        head, _, tail = text.rpartition("?>")
        return f"{head}{'?>' if head else ''}<!DOCTYPE x [{entity}]>{tail.replace('张三', '&e;')}"

    return change


def laughs() -> str:
    levels = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
    return f'<!ENTITY e0 "哈">{levels}<!ENTITY e "&e9;">'


def workbook(*sheets: str, rows: Sequence[Sequence[str]]) -> bytes:
    content = io.BytesIO()
    with xlsxwriter.Workbook(content, {"strings_to_formulas": False, "strings_to_urls": False}) as book:
        for name in sheets:
            sheet = book.add_worksheet(name)
            for number, row in enumerate(rows):
                sheet.write_row(number, 0, row)
    return content.getvalue()


BOOK = workbook("数据", rows=[["编号", "数值"], ["张三", "1"]])
STRINGS = "sharedStrings.xml"
SHEET = "sheet1.xml"
BOMB = b"a,b\n" + b"0" * (80 * MIB)

REFUSED: Mapping[str, tuple[Callable[[], bytes], str]] = {
    "flat bomb.zip": (lambda: zipped({"a.csv": BOMB}), "解压后的大小异常"),
    "bomb.gz": (lambda: gzip.compress(BOMB), "解压后的大小异常"),
    "nested.zip": (lambda: zipped({"a.zip": zipped({"b.zip": zipped({"c.csv": BOMB})})}), "压缩包里还有压缩包"),
    "nested.gz": (lambda: gzip.compress(gzip.compress(GOOD)), "压缩包里还有压缩包"),
    "overlapping.zip": (overlapping_zip, "解压后的大小异常"),
    "many.zip": (lambda: zipped({f"{n}.csv": GOOD for n in range(201)}), "超过上限 200 个"),
    "locked.zip": (locked_zip, "密码"),
    "locked.xls": (password_xls, "密码"),
    "locked.ods": (password_ods, "密码"),
    "laughs.xlsx": (lambda: with_part(BOOK, STRINGS, declaring(laughs())), "自定义实体"),
    "external.xlsx": (
        lambda: with_part(BOOK, STRINGS, declaring('<!ENTITY e SYSTEM "file:///etc/hostname">')),
        "自定义实体",
    ),
    "laughs.ods": (lambda: ods(ods_table(ods_row(["编号"])), declarations=f"<!DOCTYPE x [{laughs()}]>"), "自定义实体"),
    "million columns.xlsx": (
        lambda: with_part(BOOK, SHEET, lambda text: text.replace('r="B2"', 'r="BDWGN2"')),
        "列，超过上限 2000 列",
    ),
    "last cell.xlsx": (lambda: with_part(BOOK, SHEET, lambda t: t.replace('r="B2"', 'r="XFD1048576"')), "超过上限"),
    "wide.csv": (lambda: ",".join(f"列{n}" for n in range(100_000)).encode() + b"\n", "超过上限 2000 列"),
    "wide.json": (lambda: json_text([{f"列{n}": 1 for n in range(100_000)}]), "超过上限 2000 个"),
    "wide.html": (lambda: html([[f"列{n}" for n in range(100_000)]]), "超过 2000 列的上限"),
    "long header.csv": (lambda: "名称(单位:万元) /-".encode() * (2 * MIB) + b",x\n1,2\n", "没有找到变更的表头"),
    "deep.json": (lambda: b'[{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}]", "嵌套过深"),
    "NUL.csv": (lambda: b"\x00" * 1000 + GOOD, "二进制"),
    "endless line.csv": (lambda: HEADER.encode() + b"x" * MIB, "超过 64 MB"),
}
"""Delivered file -> (its content, words of its answer)."""

WORK = """
import sys
from datetime import datetime, timezone
from pathlib import Path
import resource
from connectors import intake, landing
from connectors.contract import load_contracts
from connectors.settings import Settings
resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
settings = Settings(Path(sys.argv[1]), sys.argv[2], tuple(map(Path, sys.argv[3:])))
contracts = load_contracts(settings.contract_folders)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
now = datetime(2021, 10, 8, 9, tzinfo=timezone.utc)
for delivery in landing.scan(settings.landing, contracts, settle_seconds=0):
    used = resource.getrusage(resource.RUSAGE_SELF)
    intake.receive(settings, contracts, delivery, run_id="r", now=now)
    after = resource.getrusage(resource.RUSAGE_SELF)
    print(delivery.files[0].name, round(after.ru_utime + after.ru_stime - used.ru_utime - used.ru_stime, 1),
          (after.ru_maxrss - used.ru_maxrss) // 1024, sep="\\t", file=sys.stderr)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_bombs_and_locked_files_are_answered_within_bounds_when_they_are_delivered_together(office: Office) -> None:
    path = office.settings.landing
    for name, (content, _) in REFUSED.items():
        path = office.put(name, content(), "change")
    with path.open("r+b") as file:
        file.truncate(512 * MIB)
    put_beside(office)
    arguments = [office.settings.home, office.settings.dsn(), *office.settings.contract_folders]
    ended = subprocess.run(
        [sys.executable, "-c", WORK, *map(str, arguments)],
        cwd=CHECKOUT, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr[-2000:]
    assert int(ended.stdout) < 700 * 1024, f"grew by {int(ended.stdout) // 1024} MB: {ended.stderr}"
    seconds = [float(line.split("\t")[1]) for line in ended.stderr.splitlines() if line.count("\t") == 2]
    assert max(seconds) < 20, ended.stderr
    said = answers(office)
    assert {name: words for name, (_, words) in REFUSED.items() if words not in said.get(name, "")} == {}
    assert all(text.startswith("未接收：") and text.endswith("。") for text in said.values())
    assert office.rows("select count(*) from quality.batch where rows_physical is not null") == [(1,)]
    office.run()
    assert taken_beside(office)


SPREAD = '<dimension ref="A1:XFD1048576"/>'
ACCEPTED: Mapping[str, bytes] = {
    "dimension.xlsx": with_part(BOOK, SHEET, lambda text: text.replace('<dimension ref="A1:B2"/>', SPREAD)),
    "NUL.json": json_text([{"编号": "张三\u0000", "数值": "1\u0000x", "操作类型": "\u0000撤\u0000"}]),
    "NUL header.json": json_text([{"编号": "张三", "数值\u0000": "1", "\u0000其他\u0000": "\u0000"}]),
    "NUL late.csv": HEADER.encode() + (b"a" * 250 + b",1\n") * 1_200 + "张三\0,1\0x\n".encode(),
    "NUL.xlsx": with_part(BOOK, STRINGS, lambda text: text.replace("张三", "张三_x0000_")),
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_rows_are_taken_when_only_the_form_of_the_file_is_wild(office: Office, name: str) -> None:
    office.put(name, ACCEPTED[name], "change")
    [batch_id] = office.run()
    document = office.receipt(batch_id)
    assert document["status"].startswith("accepted"), document["summary"]
    assert ("张三",) in office.current("change", "code")
    rows = document["rows"]
    assert rows["physical"] == rows["header"] + sum(rows["skipped"].values()) + rows["read"]


@pytest.mark.parametrize("plant", ["symlink", "fifo", "socket", "device", "folder", "hard link"])
def test_only_files_are_taken_when_the_inbox_holds_something_else(office: Office, tmp_path: Path, plant: str) -> None:
    inbox = office.settings.landing / "test_office" / "inbox" / "change"
    inbox.mkdir(parents=True)
    secret = tmp_path / "secret.csv"
    secret.write_bytes(GOOD)
    place = inbox / "x.csv"
    match plant:
        case "symlink":
            place.symlink_to(secret)
        case "fifo":
            os.mkfifo(place)
        case "socket":
            with socket.socket(socket.AF_UNIX) as listening:
                here = Path.cwd()
                os.chdir(inbox)
                listening.bind("x.csv")
                os.chdir(here)
        case "device":
            try:
                os.mknod(place, stat.S_IFCHR | 0o600, os.makedev(1, 5))
            except PermissionError:
                pytest.skip("only root makes devices")
        case "folder":
            place.mkdir()
            (place / "y.csv").write_bytes(GOOD)
        case _:
            os.link(secret, place)
    put_beside(office)
    office.run()
    assert taken_beside(office)
    assert secret.read_bytes() == GOOD
    mine = office.rows("select file_name, extract from quality.batch where department = 'test_office'")
    assert mine == {"folder": [("y.csv", "change")], "hard link": [("x.csv", "change")]}.get(plant, [])
    assert os.path.lexists(place) is (plant != "hard link")


@pytest.mark.parametrize("level", ["test_office", "test_office/inbox", "test_office/inbox/change"])
def test_nothing_is_read_through_a_link_when_a_folder_of_the_landing_zone_is_one(
    office: Office, tmp_path: Path, level: str
) -> None:
    outside = tmp_path / "outside"
    for folder in ("inbox/change", "change"):
        (outside / folder).mkdir(parents=True)
        (outside / folder / "x.csv").write_bytes(GOOD)
    place = office.settings.landing / level
    place.parent.mkdir(parents=True)
    place.symlink_to(outside)
    put_beside(office)
    office.run()
    assert taken_beside(office)
    assert office.rows("select count(*) from quality.batch") == [(1,)]
    assert sorted(p.name for p in outside.rglob("*.csv")) == ["x.csv", "x.csv"]


@pytest.mark.parametrize("level", ["receipts", "receipts/change", "receipts/.names"])
@pytest.mark.parametrize("planted", ["link", "file"])
def test_the_receipt_lies_in_a_folder_of_its_own_when_something_else_was_planted_there(
    office: Office, tmp_path: Path, level: str, planted: str
) -> None:
    outside = tmp_path / "outside"
    place = office.settings.landing / "test_office" / level
    place.parent.mkdir(parents=True)
    outside.mkdir()
    if planted == "file":
        place.write_bytes(b"x")
    else:
        place.symlink_to(outside)
    office.put("a.csv", GOOD, "change")
    office.run()
    [batch_id] = [b for (b,) in office.rows("select batch_id from quality.batch where file_name = 'a.csv'")]
    assert office.batch(batch_id) == "accepted"
    assert office.workbook(batch_id).parent == office.settings.landing / "test_office" / "receipts" / "change"
    assert not any(step.is_symlink() for step in (place, place.parent))
    assert list(outside.iterdir()) == []


def test_the_longest_and_strangest_names_are_taken_when_they_lie_side_by_side(office: Office) -> None:
    names = [
        "..x.csv",
        "..%2f..%2fetc%2fpasswd.csv",
        "=cmd|' _C calc'!A0.csv",
        "长" * 83 + ".csv",
        "\u202evsc.csv",
        "a\r\nb\t.csv",
        "-rf.csv",
        "$(reboot).csv",
        "<script>alert(1)<_script>.csv",
        "a.csv" + " " * 200,
        "💥" * 60,
        "CON.csv",
    ]
    for number, name in enumerate(names):
        office.put(name, f"{HEADER}{number},1\n".encode(), "change")
    assert len(office.run()) == len(names)
    assert office.rows("select status, count(*) from quality.batch group by 1") == [("accepted", len(names))]
    receipts = office.settings.landing / "test_office" / "receipts" / "change"
    assert len(list(receipts.glob("*.receipt.json"))) == len(names)
    for path in receipts.glob("*.receipt.xlsx"):
        assert not path.name.startswith(("=", "-", "+", "@"))
        assert path.name.isprintable()
        harmless(path)


def harmless(path: Path) -> None:
    """Check that nothing in a workbook acts: no formula, link, macro, or reference to elsewhere."""
    book = openpyxl.load_workbook(path)
    for sheet in book:
        assert not sheet.title.startswith(("=", "+", "-", "@"))
        for row in sheet.iter_rows():
            assert [c.coordinate for c in row if c.data_type == "f" or c.hyperlink is not None] == []
    with zipfile.ZipFile(path) as parts:
        names = parts.namelist()
        assert not [n for n in names if "externalLink" in n or "vbaProject" in n or "connections" in n]
        assert not [n for n in names if n.endswith(".rels") and b'TargetMode="External"' in parts.read(n)]


INJECTED = [
    *("=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(1)", '=HYPERLINK("http://x.invalid","y")', "\t=1", "\r=1", "{=1}"),
    *("http://x.invalid", "mailto:a@x.invalid", "internal:Sheet1!A1", "＝1+1", "file:///etc/passwd"),
]


@pytest.mark.parametrize("extract", ["change", "list"])
def test_nothing_acts_in_the_receipt_when_headers_cells_and_sheets_hold_formulas(office: Office, extract: str) -> None:
    header = [column.header for column in office.contracts[f"test_office__{extract}"].columns.values()]
    rows = [[*header, *INJECTED], *([text] * (len(header) + len(INJECTED)) for text in INJECTED)]
    office.put("=1.xlsx", workbook("=1+1", "@a", "-b", rows=rows), extract)
    [batch_id] = office.run()
    assert office.receipt(batch_id)["rows"]["physical"] == 3 * (len(INJECTED) + 1)
    harmless(office.workbook(batch_id))


def change_while_read(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """Do something to the source after the first piece of it was read."""
    real, acted = archive.hashlib.sha256, [False]

    class Hash:
        def __init__(self) -> None:
            self.real = real()

        def update(self, piece: bytes) -> None:
            self.real.update(piece)
            if not acted[0]:
                acted[0] = True
                act()

        def hexdigest(self) -> str:
            return self.real.hexdigest()

    monkeypatch.setattr(archive, "hashlib", type("Hashlib", (), {"sha256": Hash}))


@pytest.mark.parametrize("happens", ["grows", "is cut", "is rewritten", "vanishes", "is replaced"])
def test_the_file_is_read_once_whole_when_it_changes_meanwhile(
    office: Office, monkeypatch: pytest.MonkeyPatch, happens: str
) -> None:
    path = office.put("a.csv", GOOD, "change")
    later = f"{HEADER}b,2\n".encode()
    put_beside(office)

    def act() -> None:
        match happens:
            case "grows":
                path.write_bytes(GOOD + b"b,2\n")
            case "is cut":
                path.write_bytes(GOOD[:5])
            case "is rewritten":
                path.write_bytes(later)
                os.utime(path, ns=(0, 0))
            case "vanishes":
                path.unlink()
            case _:
                other = path.with_name(".new")
                other.write_bytes(later)
                os.utime(other, ns=(1, 1))
                other.replace(path)

    waiting = landing.scan(office.settings.landing, office.contracts, settle_seconds=0)
    [mine] = [delivery for delivery in waiting if delivery.department == "test_office"]
    with monkeypatch.context() as patch:
        change_while_read(patch, act)
        if happens in {"grows", "is cut", "is rewritten"}:
            with pytest.raises(archive.NotWholeError):
                intake.receive(office.settings, office.contracts, mine, run_id="r", now=office.tick())
            assert office.rows("select count(*) from quality.batch") == [(0,)]
        else:
            intake.receive(office.settings, office.contracts, mine, run_id="r", now=office.tick())
    office.run()
    office.run()
    assert taken_beside(office)
    found = {"grows": [("a", 1), ("b", 2)], "is cut": [], "is rewritten": [("b", 2)], "vanishes": [("a", 1)]}
    assert office.current("change") == found.get(happens, [("a", 1), ("b", 2)])
    assert not path.exists()


def deep() -> str:
    return '{"scope": ' + "[" * 60_000 + "]" * 60_000 + "}"


SIDES: Mapping[str, str] = {
    "huge": json.dumps({"as_of": "2021-09-30", "scope": {"code": ["x" * 70_000]}}),
    "too deep": deep(),
    "deep": '{"scope": ' + "[" * 20_000 + "]" * 20_000 + "}",
    "no object": "[1, 2, 3]",
    "wrong types": json.dumps({"as_of": {"year": 2021}, "part": "one"}),
    "unknown": json.dumps({"sql": "drop table raw"}),
    "not a number": '{"part": NaN, "parts": Infinity}',
    "enormous number": '{"part": 1' + "0" * 5000 + ', "parts": 2}',
    "far future": json.dumps({"as_of": "9999-12-31"}),
    "far past": json.dumps({"as_of": "0001-01-01"}),
    "no day": json.dumps({"as_of": "2021-02-30"}),
    "unknown scope": json.dumps({"scope": {"x; drop table": ["1"]}}),
    "NUL in scope": json.dumps({"scope": {"code": ["\u0000"]}}),
    "half a character": '{"scope": {"code": ["\\ud800"]}}',
    "bytes": "\x00\x01\x02",
    "many parts": json.dumps({"part": 1, "parts": 2**70}),
    "missing parts": json.dumps({"part": 1, "parts": 9999}),
    "part zero": json.dumps({"part": 0, "parts": 0}),
}


def test_each_side_file_is_answered_in_a_sentence_when_it_cannot_be_meant(office: Office) -> None:
    for name, text in SIDES.items():
        path = office.put(
            f"{name}.csv", csv_bytes(office.contracts["test_office__yearly"], []) + b"2020,a,1,\n", "yearly"
        )
        path.with_name(f"{path.name}.delivery.json").write_bytes(text.encode("utf-8", "surrogatepass"))
        os.utime(path, (1, 1))
    put_beside(office)
    office.run()
    assert taken_beside(office)
    said = answers(office)
    assert said.keys() == {f"{name}.csv" for name in SIDES}
    assert {name: text for name, text in said.items() if not (text.endswith("。") and "Error" not in text)} == {}
    assert {n for n, text in said.items() if not text.startswith("未接收：")} <= {"far past.csv"}


def test_every_value_counts_when_a_scope_names_as_many_as_a_side_file_can_hold(office: Office) -> None:
    scope = {"code": [f"{n:x}" for n in range(6_000)]}
    office.put("a.csv", csv_bytes(office.contracts["test_office__yearly"], [{"year": "2020", "code": "1"}]), "yearly",
               as_of=date(2021, 9, 30), scope=scope)  # fmt: skip
    [batch_id] = office.run()
    assert office.receipt(batch_id)["summary"].endswith("。")
    assert office.batch(batch_id).startswith("accepted"), office.receipt(batch_id)["summary"]


def test_the_next_delivery_is_received_when_one_is_closed_and_one_breaks_down(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = ":".join(map(str, office.settings.contract_folders[1:]))
    home = {"WEIHAI_HOME": office.settings.home, "WAREHOUSE_DSN": office.settings.dsn(), "WEIHAI_CONTRACTS": folders}
    for name, value in home.items():
        monkeypatch.setenv(name, str(value))
    for number, name in enumerate(("closed.csv", "broken.csv", "good.csv"), 1):
        os.utime(office.put(name, GOOD, "change"), (number, number))
    real: Any = archive.os.open

    def opened(path: Any, *rest: Any, **more: Any) -> int:
        if str(path).endswith(("closed.csv", "broken.csv")):
            raise PermissionError if "closed" in str(path) else MemoryError
        return int(real(path, *rest, **more))

    monkeypatch.setattr(archive.os, "open", opened)
    with pytest.raises(RuntimeError, match="delivery 2 of test_office，可重试"):
        deliveries.receive_department("r", "test_office")
    assert office.rows("select file_name, status from quality.batch") == [("good.csv", "staged")]
