"""Text cells of a CSV that a spreadsheet would take for a formula: marked with an apostrophe, and read back.

The apostrophe goes before one more that stands there already, so that no two texts are written alike.
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute
from psycopg import sql

_MARK = "'"
_BEGINNING = "[' \u3000]*[=+@\t\r\n＝＋－＠-]"
"""Of a text that is marked: what opens a formula or a new cell, behind what a program may drop."""
NOTE = (
    f"CSV 中以 =、+、-、@、制表符或换行开头的文本，前面加一个 {_MARK}，以免表格软件当作公式执行；"
    "JSON 和 Parquet 为原值。"
)
"""What readers of the open data are told."""


def marked(column: sql.Composable) -> sql.Composed:
    """Return the SQL of a text column's cells as the CSV has them."""
    return sql.SQL("case when {0} ~ {1} then {2} || {0} else {0} end").format(
        column, sql.Literal(f"^{_BEGINNING}"), sql.Literal(_MARK)
    )


def plain(cells: pa.Array[Any]) -> pa.Array[Any]:
    """Return text cells of the CSV as they were before."""
    is_marked = pyarrow.compute.match_substring_regex(cells, f"^{_MARK}{_BEGINNING}")
    found: pa.Array[Any] = pyarrow.compute.if_else(is_marked, pyarrow.compute.utf8_slice_codeunits(cells, 1), cells)
    return found
