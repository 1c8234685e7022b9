from __future__ import annotations

import gc
import gzip
import io
import itertools
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from connectors.readers import UnreadableFileError, open_file
from connectors.settings import Limits
from tests.unit.delivered_files import records, write, write_workbook
from tests.unit.delivered_formats import delimited, xlsx, zipped

LIMITS = Limits()
ROWS = [["编号", "名称"], ["1", "甲"]]
CSV = delimited(ROWS)


def refusal(path: Path, limits: Limits = LIMITS) -> str:
    with pytest.raises(UnreadableFileError) as caught:
        read_whole(path, limits)
    return str(caught.value)


def read_whole(path: Path, limits: Limits) -> None:
    for sheet in open_file(path, limits=limits).sheets:
        list(sheet.batches())


def test_every_member_is_read_in_order_when_an_archive_holds_several(tmp_path: Path) -> None:
    book = write_workbook(tmp_path, {"一": ROWS, "二": ROWS}, hidden=["二"]).read_bytes()
    path = write(tmp_path, zipped({"2021/甲.csv": CSV, "乙.xlsx": book, "丙.txt": delimited(ROWS, "|", "gb18030")}))
    file = open_file(path, limits=LIMITS)
    assert [(s.member, s.name, s.hidden, s.encoding) for s in file.sheets] == [
        ("2021/甲.csv", "", False, "utf-8"),
        ("乙.xlsx", "一", False, None),
        ("乙.xlsx", "二", True, None),
        ("丙.txt", "", False, "gb18030"),
    ]
    assert all(records(sheet) == [(1, ("编号", "名称")), (2, ("1", "甲"))] for sheet in file.sheets)


def test_names_lead_nowhere_when_they_are_hostile(tmp_path: Path) -> None:
    names = ["../../etc/名单.csv", "/tmp/x.csv", "C:\\数据\\y.csv", "=1+1 🚤 z.csv", "\x1b[31m红.csv"]
    file = open_file(write(tmp_path, zipped(dict.fromkeys(names, CSV))), limits=LIMITS)
    assert [sheet.member for sheet in file.sheets] == [
        "etc/名单.csv",
        "tmp/x.csv",
        "数据/y.csv",
        "=1+1 🚤 z.csv",
        "[31m红.csv",
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["delivered"]


def test_a_name_is_read_as_gbk_when_its_utf8_flag_is_off(tmp_path: Path) -> None:
    path = tmp_path / "gbk.zip"
    raw = "人员名单.csv".encode("gb18030")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x" * len(raw), CSV)
    path.write_bytes(path.read_bytes().replace(b"x" * len(raw), raw))
    (sheet,) = open_file(path, limits=LIMITS).sheets
    assert sheet.member == "人员名单.csv"


def test_what_file_managers_leave_is_skipped_when_an_archive_holds_it(tmp_path: Path) -> None:
    junk = ["__MACOSX/._名单.csv", ".DS_Store", "空/", "~$名单.xlsx", "Thumbs.db", "子/desktop.ini", "._x.csv"]
    path = write(tmp_path, zipped({**dict.fromkeys(junk, b"\0\1"), "名单.csv": CSV}))
    assert [sheet.member for sheet in open_file(path, limits=LIMITS).sheets] == ["名单.csv"]


def test_the_member_is_named_when_it_cannot_be_read(tmp_path: Path) -> None:
    message = refusal(write(tmp_path, zipped({"名单.csv": CSV, "说明.pdf": b"%PDF-1.7"})))
    assert message.startswith("“说明.pdf”：文件实际是 PDF")


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (zipped({"内.zip": zipped({"名单.csv": CSV})}), "“内.zip”：压缩包里还有压缩包"),
        (gzip.compress(gzip.compress(CSV)), "压缩包里还有压缩包"),
        (zipped({"内.gz": gzip.compress(CSV)}), "压缩包里还有压缩包"),
        (zipped({".DS_Store": b"x"}), "没有文件"),
        (zipped({}), "没有文件"),
        (zipped({"空.csv": b""}), "“空.csv”：文件是空的"),
        (zipped({"名单.csv": CSV * 100})[:-40], "损坏或没有传完整"),
        (gzip.compress(CSV * 100)[:-12], "损坏或没有传完整"),
        (gzip.compress(b""), "文件是空的"),
    ],
    # archives hold the time: an id made of them would name another test in every process
    ids=itertools.count(),
)
def test_the_reason_is_said_when_an_archive_is_not_taken(tmp_path: Path, content: bytes, named: str) -> None:
    assert named in refusal(write(tmp_path, content))


def test_a_damaged_member_is_answered_when_its_checksum_is_wrong(tmp_path: Path) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("名单.csv", CSV)
    assert "损坏" in refusal(write(tmp_path, content.getvalue().replace("甲".encode(), "乙".encode())))


def test_an_archive_is_answered_when_a_member_has_no_name(tmp_path: Path) -> None:
    content = bytearray(zipped({"a.csv": CSV}))
    at = content.index(b"PK\x01\x02")
    content[at + 28 : at + 32] = b"\x00\x00\x05\x00"
    assert "损坏" in refusal(write(tmp_path, bytes(content)))


def test_the_password_is_named_when_an_archive_is_encrypted(tmp_path: Path) -> None:
    content = bytearray(zipped({"a.csv": CSV}))
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(mark) + place] |= 1
    assert "压缩包设有密码" in refusal(write(tmp_path, bytes(content)))


@pytest.mark.parametrize("packed", ["zip", "gzip"])
def test_a_bomb_is_refused_when_it_unpacks_far_beyond_its_size(tmp_path: Path, packed: str) -> None:
    bomb = b"a,b\n" + b"0" * 80 * 1024**2
    content = gzip.compress(bomb) if packed == "gzip" else zipped({"a.csv": bomb})
    assert "解压后的大小异常" in refusal(write(tmp_path, content))


def test_the_total_counts_when_an_archive_of_many_members_is_over_the_limit(tmp_path: Path) -> None:
    path = write(tmp_path, zipped({f"{i}.csv": CSV * 10 for i in range(10)}))
    assert "解压后的大小异常" in refusal(path, Limits(unpacked_bytes=len(CSV) * 95))
    assert "10 个文件，超过上限 9 个" in refusal(path, Limits(members=9))


def test_the_directory_is_not_loaded_when_it_is_of_an_absurd_size(tmp_path: Path) -> None:
    content = bytearray(zipped({"a.csv": CSV}))
    end = content.rindex(b"PK\x05\x06")
    content[end + 12 : end + 16] = (100 * 1024**2).to_bytes(4, "little")
    assert "过多" in refusal(write(tmp_path, bytes(content)))


def test_nothing_stays_on_disk_when_the_process_is_killed_while_a_member_is_open(tmp_path: Path) -> None:
    path, folder = write(tmp_path, zipped({"名单.xlsx": xlsx(ROWS)})), tmp_path / "temporary"
    folder.mkdir()
    code = (
        "import os, signal, sys\nfrom pathlib import Path\nfrom connectors.readers import open_file\n"
        "from connectors.settings import Limits\nfile = open_file(Path(sys.argv[1]), limits=Limits())\n"
        "assert next(file.sheets[0].batches())\nos.kill(os.getpid(), signal.SIGKILL)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code, str(path)], env=os.environ | {"TMPDIR": str(folder)}, check=False, timeout=60
    )
    assert ended.returncode == -9
    assert list(folder.iterdir()) == []


def test_members_are_closed_when_nobody_reads_them_any_more(tmp_path: Path) -> None:
    path = write(tmp_path, zipped({f"{i}.csv": CSV for i in range(20)}))

    def open_files() -> int:
        file = open_file(path, limits=LIMITS)
        sheets = [sheet.batches() for sheet in file.sheets]
        del file
        assert all(len(list(batches)) == 1 for batches in sheets)
        del sheets
        gc.collect()
        return len(os.listdir("/proc/self/fd"))  # noqa: PTH208

    # the first reading also opens what the libraries keep open
    assert open_files() == open_files()
