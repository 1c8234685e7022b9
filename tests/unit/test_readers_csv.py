from __future__ import annotations

import ast
import csv
import io
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from connectors.readers import UnreadableFileError, delimited, encoding, open_file
from connectors.readers.lines import Lines
from connectors.readers.model import Looked
from connectors.readers.records import split_records
from connectors.settings import Limits
from tests.unit.delivered_files import records, write

LIMITS = Limits()


def read(path: Path) -> list[tuple[int, tuple[str, ...] | None]]:
    return records(open_file(path, limits=LIMITS).sheets[0])


CELL = st.text(st.sampled_from('ab威海,;"\n \u3000·𬱟'), max_size=6)
ROWS = st.lists(st.one_of(st.just([]), st.lists(CELL, min_size=3, max_size=3)), max_size=12)


@given(rows=ROWS, line_end=st.sampled_from(["\n", "\r\n"]), codec=st.sampled_from(["utf-8", "utf-8-sig", "gb18030"]))
@example(rows=[['a"', "b\r\nc,d\ne", '""']], line_end="\r\n", codec="gb18030")
@example(rows=[["", "", '"'], [], ['\n"', ",", "a"]], line_end="\n", codec="utf-8")
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_cells_and_row_numbers_are_as_written_when_a_csv_writer_wrote_them(
    tmp_path: Path, rows: list[list[str]], line_end: str, codec: str
) -> None:
    out = io.StringIO()
    header = ["编号", "名称", "备注"]
    csv.writer(out, lineterminator=line_end).writerows([header, *rows])
    expected = [(number, tuple(row)) for number, row in enumerate([header, *rows], 1)]
    assert read(write(tmp_path, out.getvalue(), codec)) == expected


@given(data=st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_rows_after_a_bad_one_keep_their_numbers_when_fields_are_missing_or_a_quote_is_stray(
    tmp_path: Path, data: st.DataObject
) -> None:
    lines, expected = ["k,a,b"], [(1, ("k", "a", "b"))]
    for number in range(2, 12):
        kind = data.draw(st.sampled_from(["good", "quoted", "short", "long", "stray", "blank", "two lines"]))
        text, cells = {
            "good": (f"{number},x,y", (str(number), "x", "y")),
            "quoted": (f'{number},"x, ""y""",z', (str(number), 'x, "y"', "z")),
            "short": (f"{number},x", (str(number), "x")),
            "long": (f"{number},1992-10-22,5,000(万美元)", (str(number), "1992-10-22", "5", "000(万美元)")),
            "stray": (f'{number},"x,y', None),
            "blank": ("", ()),
            "two lines": (f'{number},"x\ny",z', (str(number), "x\ny", "z")),
        }[kind]
        lines.append(text)
        expected.append((number, cells))
    lines += ["12,x,y", "13,x,y"]
    expected += [(12, ("12", "x", "y")), (13, ("13", "x", "y"))]
    assert read(write(tmp_path, "\n".join(lines) + "\n")) == expected


def test_the_rest_of_the_file_is_read_when_a_quote_is_never_closed(tmp_path: Path) -> None:
    body = "".join(f"{i},名称{i},备注\n" for i in range(2, 5000))
    rows = read(write(tmp_path, 'k,a,b\n"1,名称,备注\n' + body))
    assert rows[1] == (2, None)
    assert rows[-1] == (5000, ("4999", "名称4999", "备注"))


def test_a_quote_inside_a_cell_is_kept_when_the_cell_is_not_quoted(tmp_path: Path) -> None:
    assert read(write(tmp_path, 'k,a\n1,威海"金海"公司\n2,x\n'))[1] == (2, ("1", '威海"金海"公司'))


@pytest.mark.parametrize("chunk", [64, 200, 1000])
def test_nothing_is_lost_between_chunks_when_records_cross_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    rows = [[str(i), f'第{i}行\n"引用", 逗号', ""] if i % 3 else [] for i in range(200)]
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([["k", "a", "b"], *rows])
    path = write(tmp_path, out.getvalue())
    monkeypatch.setattr(encoding, "CHUNK_BYTES", (chunk,))
    assert read(path) == [(n, tuple(r)) for n, r in enumerate([["k", "a", "b"], *rows], 1)]


def test_last_chunks_are_smaller_and_nothing_is_lost_when_a_file_is_read_in_chunks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encoding, "CHUNK_BYTES", (100, 1600))
    monkeypatch.setattr(encoding, "_SOON_BYTES", 200)
    text = "".join(f"{i},第{i}行\n" for i in range(1000)).encode()
    path = tmp_path / "a.csv"
    path.write_bytes(text)

    chunks = list(encoding.Text(path, encoding.detect_encoding(path)).chunks())

    assert b"".join(chunks) == text
    sizes = [len(chunk) for chunk in chunks]
    assert sizes[0] < 200 < 1600 <= sizes[1] < 1700
    assert sizes[-3] > sizes[-2] >= sizes[-1]
    assert sizes[-1] < 300


@pytest.mark.parametrize("part", [1, 2, 7, 1000])
def test_characters_are_counted_and_found_when_bytes_are_looked_at_in_parts(
    monkeypatch: pytest.MonkeyPatch, part: int
) -> None:
    monkeypatch.setattr(encoding, "_PART_BYTES", part)
    text = "甲,乙（丙）\n，,".encode()
    assert encoding.occurrences(text, ",") == 2
    assert encoding.occurrences(b"", ",") == 0
    for at in range(len("甲,乙（丙）\n，,") + 1):
        damaged = "甲,乙（丙）\n，,"[:at] + encoding.UNDECODABLE + "甲,乙（丙）\n，,"[at:]
        assert delimited._has_undecodable(damaged.encode())
    assert not delimited._has_undecodable(text)


@pytest.mark.parametrize("codec", ["utf-8", "gb18030", "utf-16"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("quoted", [False, True])
def test_wanted_records_are_read_as_among_all_when_others_are_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line_end: str, codec: str, *, quoted: bool
) -> None:
    lines = [f'{i},第{i}行,"甲\n乙"' if quoted and i % 50 == 0 else f"{i},第{i}行" * (i % 7 > 0) for i in range(400)]
    monkeypatch.setattr(encoding, "CHUNK_BYTES", (100, 300))
    text = line_end.join(["k,a", *lines]).encode(codec)
    # the first byte of two, without the other, before the end of a line
    whole = codec == "utf-16" or line_end == "\r"
    damaged = text if whole else text.replace("300,第300行".encode(codec), b"300,\xb5", 1)
    sheet = open_file(write(tmp_path, damaged), limits=LIMITS).sheets[0]
    every = dict(records(sheet))
    wanted = [2, 57, 58, 211, len(every)]
    passing = dict(records(replace(sheet, open=lambda: sheet.batches_with(wanted))))
    assert {n: passing[n] for n in wanted} == {n: every[n] for n in wanted}
    assert passing.items() <= every.items()
    assert quoted or line_end == "\r" or len(passing) < len(every)


@pytest.mark.parametrize(
    ("delimiter", "cell"), [(",", "x"), (";", "x"), ("\t", "a,b"), ("|", "3,100(万)")], ids=["，", "；", "tab", "|"]
)
def test_the_delimiter_is_found_when_every_row_agrees_on_it(tmp_path: Path, delimiter: str, cell: str) -> None:
    lines = [delimiter.join(row) for row in (["编号", "名称", "金额"], ["1", "甲", cell], ["2", "乙", cell])]
    file = open_file(write(tmp_path, "\n".join(lines)), limits=LIMITS)
    assert file.delimiter == delimiter
    assert records(file.sheets[0])[1] == (2, ("1", "甲", cell))


@pytest.mark.parametrize(("codec", "named"), [("utf-8", "utf-8"), ("utf-8-sig", "utf-8-sig"), ("gb18030", "gb18030")])
def test_four_byte_characters_survive_when_the_encoding_is(tmp_path: Path, codec: str, named: str) -> None:
    file = open_file(write(tmp_path, "姓名,地址\n王𬱟,㛃•镕\n", codec), limits=LIMITS)
    assert file.encoding == named
    assert records(file.sheets[0]) == [(1, ("姓名", "地址")), (2, ("王𬱟", "㛃•镕"))]


@pytest.mark.parametrize(("codec", "foreign"), [("utf-8", "gb18030"), ("gb18030", "utf-8")])
def test_only_the_damaged_row_is_faulty_when_the_file_is_otherwise_clean(
    tmp_path: Path, codec: str, foreign: str
) -> None:
    lines = [f"{i},威海市环翠区第{i}街道".encode(codec) for i in range(200)]
    lines[57] = "57,荣成".encode(foreign) + b"\xff\xff"
    rows = read(write(tmp_path, "编号,地址\n".encode(codec) + b"\n".join(lines) + b"\n"))
    assert [no for no, cells in rows if cells is None] == [59]
    assert rows[59] == (60, ("58", "威海市环翠区第58街道"))


def test_rows_are_the_same_when_gb18030_is_decoded_in_small_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [f"{i},王𬱟{'㛃' * (i % 9)}•镕".encode("gb18030") for i in range(300)]
    lines[57] = "57,荣成".encode("gb18030") + b"\xff\xff"
    path = write(tmp_path, "编号,姓名\n".encode("gb18030") + b"\n".join(lines))
    at_once = read(path)
    monkeypatch.setattr(encoding, "_DECODED_BYTES", 16)
    assert read(path) == at_once
    assert [no for no, cells in at_once if cells is None] == [59]


def test_the_first_bad_line_is_named_when_no_encoding_fits(tmp_path: Path) -> None:
    content = b"k,a\n" + b"1,\xff\xff\n" * 50
    with pytest.raises(UnreadableFileError, match="既不是 UTF-8 也不是 GB18030（第 2 行"):
        open_file(write(tmp_path, content), limits=LIMITS)


def test_old_mac_line_ends_are_line_ends_when_there_is_no_line_feed(tmp_path: Path) -> None:
    assert read(write(tmp_path, b"a,b\r1,2\r3,4")) == [(1, ("a", "b")), (2, ("1", "2")), (3, ("3", "4"))]


def test_a_line_of_delimiters_only_is_not_taken_apart_when_it_has_thousands_of_fields(tmp_path: Path) -> None:
    rows = read(write(tmp_path, "a,b\n1,2\n" + "," * 100_000 + "\n3,4\n"))
    assert [no for no, _ in rows] == [1, 2, 3, 4]
    assert rows[3] == (4, ("3", "4"))


@given(text=st.text(st.sampled_from('a,"\n\r'), max_size=40), width=st.integers(1, 4))
@settings(max_examples=400, deadline=None)
def test_records_tile_the_text_when_it_is_arbitrary(text: str, width: int) -> None:
    buffer = text.encode()
    found = split_records(buffer, ",", widths=(width,), final=True)
    assert found.consumed == len(buffer)
    ends = (found.starts + found.lengths).tolist()
    assert found.starts.tolist() == [0, *ends][: len(ends)]
    assert (found.lengths > 0).all()


@pytest.mark.parametrize("codec", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_a_wide_encoding_is_read_like_utf8_when_it_has_a_mark_or_begins_in_ascii(tmp_path: Path, codec: str) -> None:
    path = tmp_path / "wide.csv"
    path.write_bytes('no,姓名\r\n1,𠮷野\r\n2,"换\n行"\r\n'.encode(codec))

    rows = read(path)

    assert rows == [(1, ("no", "姓名")), (2, ("1", "𠮷野")), (3, ("2", "换\n行"))]


def test_a_large_file_is_answered_when_its_damage_begins_behind_the_first_look(tmp_path: Path) -> None:
    path = tmp_path / "late.csv"
    good = "编号,名称\n" + "1,威海\n" * 1_500_000
    path.write_bytes(good.encode("gb18030") + b"2,\xff\xff\xff\n" * 200_000)

    with pytest.raises(UnreadableFileError, match=r"第 1500002 行起"):
        read(path)


@given(text=st.text(st.sampled_from("ab,\n\r #'\u3000\ufdd0威"), max_size=24), final=st.booleans())
@example(text="a,b,c\nd\n", final=True)
@example(text="a\nb,c,d\n", final=True)
@example(text="\n,,\n", final=True)
@example(text="a,b\r\nc,d", final=True)
def test_even_lines_hold_the_same_cells_when_they_are_not_told_apart_first(text: str, final: bool) -> None:
    buffer = text.encode()
    lines = Lines.of(buffer, final=final)

    even = None if lines is None else delimited._even(lines.text, ",", 2, len(lines))

    if even is not None:
        whole = split_records(buffer, ",", widths=(2,), final=final)
        assert (whole.field_count == 2).all()
        assert even.rows() == delimited._batch(buffer, whole, ",", 1).cells.rows()


LINE = st.sampled_from(
    ["1,x,y", "2,x,y", "3,,", "", "4,x", "5,x,y,z", "合计,,", "\ufeff6,x,y", '7,"x",y', '8,"x', "9,'x, y"]
)


@given(
    lines=st.lists(LINE, min_size=1, max_size=12),
    known=st.sets(LINE, max_size=6),
    line_end=st.sampled_from(["\n", "\r\n"]),
    is_ended=st.booleans(),
    chunk=st.sampled_from([16, 64, 1000]),
)
@example(lines=["\ufeff6,x,y"], known={"1,x,y"}, line_end="\n", is_ended=True, chunk=1000)
@example(lines=["1,x,y", "\ufeff6,x,y"], known={"1,x,y"}, line_end="\n", is_ended=True, chunk=1000)
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_records_are_the_same_but_for_those_left_out_when_lines_are_known(
    tmp_path: Path, lines: list[str], known: set[str], line_end: str, is_ended: bool, chunk: int
) -> None:
    def look(shown: pl.Series, form: str) -> Looked:
        forms.append(form)
        seen.extend(shown.to_list())
        places = pl.Series([0 if line.rstrip("\n") in known else -1 for line in shown], dtype=pl.Int64)
        return Looked(pl.DataFrame({"a": shown.hash(), "b": shown.hash(1)}), places.to_numpy())

    text = line_end.join(["k,a,b", "1,x,y", *lines]) + line_end * is_ended
    path, seen, forms = write(tmp_path, text), list[str](), list[str]()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(encoding, "CHUNK_BYTES", (chunk,))
        [sheet] = open_file(path, limits=LIMITS).sheets
        whole = dict(records(sheet))
        batches = list(sheet.batches_shown(look, 2))

    left_out = [n for b in batches if b.recognised is not None for n in b.recognised.row_no]
    read = dict(records(replace(sheet, open=lambda: iter(batches))))
    assert sorted([*left_out, *read]) == list(whole)
    assert read == {number: whole[number] for number in read}
    assert {",".join(whole[number] or ()) for number in left_out} <= known
    assert min(left_out, default=3) > 2
    if '"' not in text and "\ufeff" not in text:
        assert seen == [",".join(cells or ()) + "\n" for cells in whole.values()]
        assert left_out == [n for n, cells in whole.items() if n > 2 and ",".join(cells or ()) in known]
    for batch in batches:
        if batch.prints is not None:
            assert (
                batch.prints["a"].is_not_null().to_list()
                == (batch.field_count == ast.literal_eval(forms[0])[1]).to_list()
            )
