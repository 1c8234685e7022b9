"""Text whose records are whole lines: counted, seen as one column, and left out where they are known."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa

from connectors.readers.encoding import in_parts, occurrences


def line_count(text: bytes, *, final: bool) -> int | None:
    """Return the number of records where each is one whole line, whatever its fields; None where that is not sure.

    Args:
        text: in which ASCII stands for itself.
        final: nothing follows the text.
    """
    if not _are_records(text, final=final):
        return None
    return occurrences(text, "\n") + (not text.endswith(b"\n"))


class Lines:
    """Records that are whole lines, each with a line feed at its end."""

    def __init__(self, text: bytes) -> None:
        """Take UTF-8 text that ends with a line feed and has no other line ends."""
        stops, start = [np.zeros(1, dtype=np.int64)], 0
        for part in in_parts(text):
            stops.append(np.flatnonzero(part == ord("\n")) + (start + 1))
            start += len(part)
        offsets = np.concatenate(stops)
        buffers = [None, pa.py_buffer(offsets.data), pa.py_buffer(text)]
        self._lines: Any = pa.Array.from_buffers(pa.large_utf8(), len(offsets) - 1, buffers)
        self.text = text

    @classmethod
    def of(cls, text: bytes, *, final: bool) -> Lines | None:
        """Return the lines of UTF-8 text; None where it is not sure that each is a record (`line_count`)."""
        if not _are_records(text, final=final):
            return None
        if b"\r" in text:
            text = text.replace(b"\r\n", b"\n")
        return cls(text if text.endswith(b"\n") else text + b"\n")

    def __len__(self) -> int:
        return len(self._lines)

    def column(self) -> pl.Series:
        """Return the lines as String."""
        return pl.Series("line", self._lines)

    def only(self, wanted: pl.Series) -> bytes:
        """Return the text of some lines (Boolean)."""
        data = self._lines.filter(wanted.to_arrow()).buffers()[2]
        return b"" if data is None else bytes(data.to_pybytes())


def _are_records(text: bytes, *, final: bool) -> bool:
    if b'"' in text or (b"\r" in text and text.count(b"\r") != text.count(b"\r\n")):
        return False
    return text.endswith(b"\n") or (final and len(text) > 0)
