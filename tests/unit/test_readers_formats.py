from __future__ import annotations

from pathlib import Path

import pytest

from connectors.readers import open_file
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
