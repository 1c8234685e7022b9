"""CSV and its kin: streamed in bounded batches, ragged rows, blank lines and stray quotes accounted for."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.csv as pacsv

from connectors.readers.encoding import UNDECODABLE, Encoding, detect_encoding, utf8_chunks
from connectors.readers.model import (
    FAULT_ENCODING,
    FAULT_QUOTE,
    TextBatch,
    TextFile,
    TextSheet,
    UnreadableFileError,
)
from connectors.readers.records import Records, split_records
from connectors.settings import Limits

_DELIMITERS = ",\t|;"
_SAMPLE_BYTES = 256 * 1024
_SAMPLE_ROWS = 200
_SURE = 0.6
"""Share of sampled rows that must agree on a field count before anything but a comma is believed."""
_BLOCK_BYTES = 4 * 1024**2


def open_delimited(path: Path, limits: Limits) -> TextFile:
    """Open a delimited text file.

    Raises:
        UnreadableFileError: no text, an unknown encoding, or too many columns.
    """
    encoding = detect_encoding(path)
    with path.open("rb") as file:
        head = file.read(_SAMPLE_BYTES)[len(encoding.bom) :].decode(encoding.codec, errors="ignore")
    if not head.strip():
        raise UnreadableFileError("文件是空的，没有任何内容，请检查后重新报送。")
    delimiter, width = detect_delimiter(head)
    if width > limits.columns:
        raise UnreadableFileError(f"表格有 {width} 列，超过上限 {limits.columns} 列，请检查文件后重新报送。")
    opener = partial(_batches, path, encoding, delimiter, width)
    return TextFile("csv", encoding.name, delimiter, (TextSheet("", hidden=False, epoch_1904=False, open=opener),))


def detect_delimiter(sample: str) -> tuple[str, int]:
    """Return the delimiter and the usual field count of the sampled rows; a comma unless another is sure."""
    found: list[tuple[float, int, str]] = []
    for delimiter in _DELIMITERS:
        counts = _field_counts(sample, delimiter)
        count, rows = max(counts.items(), key=lambda c: (c[1], c[0]), default=(1, 0))
        if count > 1:
            found.append((rows / counts.total(), count, delimiter))
    share, width, delimiter = max(found, key=lambda f: (f[0], f[1]), default=(0.0, 1, ","))
    if delimiter != "," and share < _SURE:
        comma = next((f for f in found if f[2] == ","), (0.0, 1, ","))
        return ",", comma[1]
    return delimiter, width


def _field_counts(sample: str, delimiter: str) -> Counter[int]:
    counts: Counter[int] = Counter()
    lines = re.split(r"\r\n|\n|\r", sample)
    for line in lines[: max(1, min(len(lines) - 1, _SAMPLE_ROWS))]:
        if line.count('"') % 2:
            continue
        try:
            fields = next(csv.reader([line], delimiter=delimiter), [])
        except csv.Error:
            continue
        if any(fields):
            counts[len(fields)] += 1
    return counts


def _batches(path: Path, encoding: Encoding, delimiter: str, width: int) -> Iterator[TextBatch]:
    row_no, carry = 1, b""
    chunks = utf8_chunks(path, encoding)
    chunk = next(chunks, None)
    while chunk is not None:
        following = next(chunks, None)
        buffer = carry + chunk if carry else chunk
        records = split_records(buffer, delimiter, width=width, final=following is None)
        if len(records.starts):
            yield _batch(buffer, records, delimiter, row_no, damaged=encoding.damaged_lines > 0)
        row_no += len(records.starts)
        carry = buffer[records.consumed :]
        chunk = following


def _batch(buffer: bytes, records: Records, delimiter: str, row_no: int, *, damaged: bool) -> TextBatch:
    count = len(records.starts)
    fault = pl.Series("fault", [None], dtype=pl.String).new_from_index(0, count)
    if records.faulty.any():
        fault = fault.scatter(np.flatnonzero(records.faulty), FAULT_QUOTE)
    if damaged:
        fault = fault.scatter(_undecodable(buffer, records), FAULT_ENCODING)
    return TextBatch(
        cells=_cells(buffer, records, delimiter),
        row_no=pl.Series("row_no", np.arange(row_no, row_no + count, dtype=np.int64)),
        field_count=pl.Series("field_count", records.field_count.astype(np.int32)),
        fault=fault,
    )


def _undecodable(buffer: bytes, records: Records) -> list[int]:
    hits, mark, at = [], UNDECODABLE.encode(), -1
    while (at := buffer.find(mark, at + 1, records.consumed)) >= 0:
        hits.append(at)
    return sorted({int(i) for i in np.searchsorted(records.starts, hits, side="right") - 1})


def _cells(buffer: bytes, records: Records, delimiter: str) -> pl.DataFrame:
    """Parse the records, those of one field count at a time, and put them back in order."""
    count = len(records.starts)
    readable = (records.field_count > 0) & ~records.faulty
    counts = np.unique(records.field_count[readable])
    if readable.all() and len(counts) == 1:
        return _parse(memoryview(buffer)[: records.consumed], records, delimiter, int(counts[0]), count)
    data = np.frombuffer(buffer, dtype=np.uint8)[: records.consumed]
    parts, places = [], []
    for fields in counts:
        chosen = readable & (records.field_count == fields)
        text = data[np.repeat(chosen, records.lengths)].tobytes()
        parts.append(_parse(memoryview(text), records, delimiter, int(fields), int(chosen.sum())))
        places.append(np.flatnonzero(chosen))
    unread = np.flatnonzero(~readable)
    parts.append(pl.DataFrame({"0": pl.Series([None] * len(unread), dtype=pl.String)}))
    places.append(unread)
    frame = pl.concat(parts, how="diagonal")
    names = [str(position) for position in range(frame.width)]
    return frame.select(names)[np.argsort(np.concatenate(places), kind="stable")]


def _parse(text: memoryview, records: Records, delimiter: str, fields: int, count: int) -> pl.DataFrame:
    names = [str(position) for position in range(fields)]
    longest = int(records.lengths.max())
    table = pacsv.read_csv(
        pa.BufferReader(pa.py_buffer(text)),  # type: ignore[arg-type]
        read_options=pacsv.ReadOptions(column_names=names, block_size=max(_BLOCK_BYTES, 2 * longest + 2)),
        parse_options=pacsv.ParseOptions(
            delimiter=delimiter, newlines_in_values=records.multiline, ignore_empty_lines=False
        ),
        convert_options=pacsv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False),
    )
    if table.num_rows != count:
        raise RuntimeError(f"{count} records were split but {table.num_rows} parsed")
    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)
    return frame
