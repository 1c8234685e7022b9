"""Damaged files of every format are read to the row or answered in a sentence; `make soak` tries many more."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.soak.examination import outcome
from tests.soak.hunting import hunt
from tests.soak.mutation import WRITERS
from tests.unit.delivered_files import write

CASES = 100


def test_nothing_crashes_hangs_or_is_lost_when_bytes_of_a_file_are_wrong(tmp_path: Path) -> None:
    bag = hunt(tmp_path, first=1, cases=CASES)
    assert [str(finding) for finding in bag.findings] == []
    assert bag.cases.total() == CASES
    assert {told for _, told in bag.cases} == {"read", "answered"}


@pytest.mark.parametrize(
    "written", ["xlsx", "typed xls", "repeating ods", "parquet, zstd", "json", "spanned html", "gz"]
)
def test_a_file_is_answered_when_it_was_cut_off_anywhere(tmp_path: Path, written: str) -> None:
    whole = WRITERS[written]()
    assert outcome(write(tmp_path, whole)) == "read"
    for sixteenth in range(1, 16):
        assert outcome(write(tmp_path, whole[: len(whole) * sixteenth // 16])) == "answered", f"{sixteenth}/16"


def test_a_cut_off_text_is_read_to_its_end_when_nothing_tells_that_more_was_meant(tmp_path: Path) -> None:
    whole = WRITERS["csv"]()
    for sixteenth in range(1, 16):
        assert outcome(write(tmp_path, whole[: len(whole) * sixteenth // 16])) in {"read", "answered"}
