from __future__ import annotations

from pathlib import Path

import pytest

from connectors.readers import FAULT_ENCODING, FAULT_RECORD, TextSheet, UnreadableFileError, json_records, open_file
from connectors.settings import Limits
from tests.unit.delivered_files import records, write
from tests.unit.delivered_formats import json_text

LIMITS = Limits(record_bytes=4096, columns=100)


def sheet(folder: Path, content: str | bytes) -> TextSheet:
    (found,) = open_file(write(folder, content), limits=LIMITS).sheets
    return found


def faults(found: TextSheet) -> dict[int, str]:
    rows = [row for b in found.batches() for row in zip(b.row_no.to_list(), b.fault.to_list(), strict=True)]
    return {number: fault for number, fault in rows if fault is not None}


def refusal(folder: Path, content: str | bytes) -> str:
    with pytest.raises(UnreadableFileError) as caught:
        list(sheet(folder, content).batches())
    return str(caught.value)


def test_numbers_keep_their_written_form_when_they_are_long_or_padded(tmp_path: Path) -> None:
    found = sheet(tmp_path, '[{"a": 1.10, "b": 371002198506070019123, "c": 1E5, "d": -0, "e": 0.0000001}]')
    assert records(found)[1] == (2, ("1.10", "371002198506070019123", "1E5", "-0", "0.0000001"))


def test_values_are_cells_when_they_are_no_text(tmp_path: Path) -> None:
    found = sheet(tmp_path, '[{"a": true, "b": false, "c": null, "d": {"x": [1.50, "甲", null]}, "e": []}]')
    assert records(found)[1] == (2, ("是", "否", "", '{"x":[1.50,"甲",null]}', "[]"))


def test_the_header_is_every_key_in_order_of_first_appearance_when_objects_differ(tmp_path: Path) -> None:
    found = sheet(tmp_path, '[{"b": "1"}, {"a": "2", "b": "3"}, {"c": "4"}]')
    assert records(found) == [(1, ("b", "a", "c")), (2, ("1", "", "")), (3, ("3", "2", "")), (4, ("", "", "4"))]


def test_only_that_record_is_faulty_when_it_is_no_object_or_names_a_key_twice(tmp_path: Path) -> None:
    found = sheet(tmp_path, '[{"a": "1"}, 5, {"a": "2", "a": "3"}, ["x"], {"a": "\\ud800"}, {"a": "6"}]')
    assert faults(found) == {3: FAULT_RECORD, 4: FAULT_RECORD, 5: FAULT_RECORD, 6: FAULT_ENCODING}
    assert records(found)[-1] == (7, ("6",))


def test_only_that_line_is_faulty_when_it_is_broken_or_damaged(tmp_path: Path) -> None:
    lines = ['{"a": "甲"}', '{"a": ', "", '{"a": "乙"}', '{"a": "丙"} {}', "[" * 3000, '{"a": "丁"}']
    content = "\n".join(lines).encode() + b'\n{"a": "\xff"}\n'
    found = sheet(tmp_path, content)
    assert faults(found) == {3: FAULT_RECORD, 6: FAULT_RECORD, 7: FAULT_RECORD, 9: FAULT_ENCODING}
    assert [r for r in records(found) if r[1] is not None] == [
        (1, ("a",)),
        (2, ("甲",)),
        (4, ("",)),
        (5, ("乙",)),
        (8, ("丁",)),
    ]


def test_the_fields_are_counted_when_records_are_arrays(tmp_path: Path) -> None:
    assert records(sheet(tmp_path, '[["k", "v"], ["1"], [], 5, ["2", "x", "y"]]')) == [
        (1, ("k", "v")),
        (2, ("1",)),
        (3, ()),
        (4, None),
        (5, ("2", "x", "y")),
    ]


def test_records_are_the_same_when_they_cross_chunks_and_batches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [{"编号": str(i), "名称": "名" * (i % 5), "数": i} for i in range(100)]
    content = json_text({"n": 12345, "data": rows})
    whole = records(sheet(tmp_path, content))
    for size in (1, 2, 7, 64):
        monkeypatch.setattr(json_records, "_CHUNK", size)
        monkeypatch.setattr(json_records, "BATCH_ROWS", size)
        assert records(sheet(tmp_path, content)) == whole
    assert whole[100] == (101, ("99", "名" * 4, "99"))


def test_a_flat_object_is_one_record_when_there_is_no_array(tmp_path: Path) -> None:
    assert records(sheet(tmp_path, '{"a": 1, "b": "x"}')) == [(1, ("a", "b")), (2, ("1", "x"))]


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ('[{"a": 1}, {"a": 2}', "不完整"),
        ('[{"a": 1}, {"a"', "不完整"),
        ('[{"a": 1}] x', "语法错误"),
        ('[{"a": 1},]', "语法错误"),
        ("[]", "没有记录"),
        ('{"code": 0, "data": []}', "没有记录"),
        ('{"a": [{"x": 1}], "b": [{"x": 1}]}', "“a”、“b”"),
        ('{"data": {"list": [{"x": 1}]', "不完整"),
        ('[{"a": "' + "x" * 3_000_000, "语法错误"),
        ('{"a": ' + "[" * 3000 + "]" * 3000 + "}", "嵌套过深"),
        ("[" + ",".join(f'{{"k{i}": 1}}' for i in range(101)) + "]", "键超过上限 100 个"),
        ('{"a": 1}\n{"a": 2}\n{"a": "' + "x" * 5000 + '"}\n', "第 3 行超过"),
    ],
)
def test_the_reason_is_said_when_a_file_is_no_list_of_records(tmp_path: Path, content: str, named: str) -> None:
    assert named in refusal(tmp_path, content)
