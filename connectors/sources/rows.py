"""What every source yields."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa

from connectors.sources.watermark import Watermark


@dataclass(frozen=True)
class Rows:
    """The rows of a source, read once.

    Attributes:
        columns: names as the source has them.
        expected: rows that the batches must hold together.
        batches: record batches of text columns, in the source's order.
        newest: the newest watermark among the rows.
    """

    columns: tuple[str, ...]
    expected: int
    batches: Iterator[pa.RecordBatch]
    newest: Watermark | None = None
