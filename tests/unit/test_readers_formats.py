from __future__ import annotations

import random
from contextlib import suppress
from pathlib import Path

import pytest

from connectors.readers import UnreadableFileError, open_file
from connectors.settings import Limits
from tests.unit.delivered_files import records, write
from tests.unit.delivered_formats import FORMATS

ROWS = [
    ["编号", "姓名", "金额", "日期"],
    ["0012", "王𬱟", "1.10", "2020-08-01"],
    ["371002198506070019", "阿卜来提•阿卜力米提", "12345678901234567890", "长期"],
    ["3", "李四", "", "20200801"],
]


@pytest.mark.parametrize("written", FORMATS)
def test_the_same_table_gives_the_same_cells_and_row_numbers_when_it_comes_in_any_format(
    tmp_path: Path, written: str
) -> None:
    kind, writer = FORMATS[written]
    file = open_file(write(tmp_path, writer(ROWS)), limits=Limits())
    (sheet,) = file.sheets
    assert file.format == kind
    assert records(sheet) == [(number, tuple(row)) for number, row in enumerate(ROWS, 1)]
    assert records(sheet) == records(sheet)


@pytest.mark.parametrize("written", FORMATS)
def test_a_file_is_read_or_answered_when_some_of_its_bytes_are_wrong(tmp_path: Path, written: str) -> None:
    chance = random.Random(written)
    whole = FORMATS[written][1](ROWS * 5)
    for _ in range(12):
        content = bytearray(whole)
        for _ in range(chance.choice((1, 3, 20))):
            content[chance.randrange(len(content))] = chance.randrange(256)
        if chance.random() < 0.3:
            del content[chance.randrange(len(content)) :]
        with suppress(UnreadableFileError):
            sheets = open_file(write(tmp_path, bytes(content)), limits=Limits(workbook_cells=100_000)).sheets
            numbers = [[number for number, _ in records(sheet)] for sheet in sheets]
            assert all(found == list(range(1, len(found) + 1)) for found in numbers)
