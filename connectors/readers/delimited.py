"""CSV and its kin: streamed in bounded batches, ragged rows, blank lines and stray quotes accounted for."""

from __future__ import annotations

import codecs
import csv
import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.csv as pacsv
from numpy.typing import NDArray

from connectors.readers.encoding import UNDECODABLE, Encoding, Text, detect_encoding, in_parts, occurrences
from connectors.readers.lines import Lines, line_count
from connectors.readers.model import (
    FAULT_ENCODING,
    FAULT_QUOTE,
    Look,
    Recognised,
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
_MAX_FIELDS = 4096
"""A record with more is not taken apart: it cannot be of the table."""
_UNREAD_BYTES = 64 * 1024
"""So much of a record that cannot be taken apart is kept as its only cell."""
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
    delimiter, widths = detect_delimiter(head)
    if (width := max(widths)) > limits.columns:
        raise UnreadableFileError(f"表格有 {width} 列，超过上限 {limits.columns} 列，请检查文件后重新报送。")
    parts = path, encoding, _Form(delimiter, widths)
    opener, shown = partial(_batches, *parts), partial(_shown_batches, *parts)
    sheet = TextSheet("", hidden=False, epoch_1904=False, open=opener, open_for=opener, open_shown=shown)
    return TextFile("csv", encoding.name, delimiter, (sheet,))


def detect_delimiter(sample: str) -> tuple[str, tuple[int, ...]]:
    """Return the delimiter (a comma unless another is sure) and the usual field counts, the first record's included."""
    found = [_fit(sample, delimiter) for delimiter in _DELIMITERS]
    best = max(found, key=lambda fit: (len(fit.counts) > 0, fit.share, max(fit.counts, default=0)))
    if best.share < _SURE:
        best = found[0]
    return best.delimiter, best.counts or (1,)


@dataclass(frozen=True)
class _Fit:
    """How well a delimiter explains a sample: share of the rows with the most frequent field count."""

    delimiter: str
    share: float
    counts: tuple[int, ...]


def _fit(sample: str, delimiter: str) -> _Fit:
    """Read the sample as it stands and, as a stray quote may hide rows, line by line; keep what agrees better."""
    lines = re.split(r"\r\n|\n|\r", sample)[: _SAMPLE_ROWS + 1]
    lines = lines[:-1] if len(lines) > 1 else lines
    single = [line for line in lines if line.count('"') % 2 == 0]
    fits = [_Fit(delimiter, 0.0, ())]
    for source in ([line + "\n" for line in lines], single):
        counts = [len(row) for row in _rows(source, delimiter) if any(row)]
        usual, rows = max(Counter(counts).items(), key=lambda c: (c[1], c[0]), default=(1, 0))
        if usual > 1:
            fits.append(_Fit(delimiter, rows / len(counts), tuple({usual: 0, counts[0]: 0})))
    return max(fits, key=lambda fit: fit.share)


def _rows(lines: list[str], delimiter: str) -> Iterator[list[str]]:
    reader = csv.reader(lines, delimiter=delimiter)
    with suppress(csv.Error):
        yield from reader


@dataclass(frozen=True)
class _Form:
    """How records are taken apart.

    Attributes:
        delimiter: one ASCII character.
        widths: the usual field counts, that of the most records first.
    """

    delimiter: str
    widths: tuple[int, ...]


def _shown_batches(path: Path, encoding: Encoding, form: _Form, look: Look, head: int) -> Iterator[TextBatch]:
    return _batches(path, encoding, form, look=look, head=head)


def _batches(
    path: Path,
    encoding: Encoding,
    form: _Form,
    wanted: Sequence[int] | None = None,
    *,
    look: Look | None = None,
    head: int = 0,
) -> Iterator[TextBatch]:
    """Read the file; where only some records are wanted, others are counted and not taken apart.

    Args:
        wanted: row numbers in order; None for all.
        look: is shown records that are whole lines.
        head: so many records at the top are read though `look` knows them.
    """
    text = Text(path, encoding)
    row_no, carry = 1, b""
    chunks = text.chunks()
    chunk = next(chunks, None)
    while chunk is not None:
        following = next(chunks, None)
        final = following is None
        passed = line_count(chunk, final=final) if wanted is not None and not carry else None
        if wanted is not None and passed and bisect_left(wanted, row_no) == bisect_left(wanted, row_no + passed):
            row_no, chunk = row_no + passed, following
            continue
        chunk = text.utf8(chunk).replace(b"\0", b"")
        if final and wanted is None:
            text.judge()
        buffer = carry + chunk if carry else chunk
        lines = Lines.of(buffer, final=final)
        if lines is not None:
            if wanted is not None:
                yield _some(lines, _numbers(row_no, len(lines)).is_in(pl.Series(wanted).implode()), form, row_no)
            elif look is None or lines.text.startswith(codecs.BOM_UTF8):
                # at the top of what is parsed a mark is left out, so a line that begins with one is not itself there
                yield _whole(lines.text, len(lines), form, row_no)
            else:
                yield _unknown(lines, form, row_no, look, head)
            row_no, carry, chunk = row_no + len(lines), b"", following
            continue
        records = split_records(buffer, form.delimiter, widths=form.widths, final=final)
        if len(records.starts):
            yield _batch(buffer, records, form.delimiter, row_no)
        row_no += len(records.starts)
        carry = buffer[records.consumed :]
        chunk = following


def _unknown(lines: Lines, form: _Form, row_no: int, look: Look, head: int) -> TextBatch:
    """Take apart the lines that are not known, and those at the head of the file."""
    width = form.widths[0]
    looked = look(lines.column(), repr((form.delimiter, width)))
    numbers = _numbers(row_no, len(lines))
    places = np.full(len(lines), -1) if looked.places is None else looked.places
    is_new = pl.Series((places < 0) | (numbers.to_numpy() <= head))
    batch, prints = _some(lines, is_new, form, row_no), looked.prints
    if len(batch) == len(lines):
        is_new = pl.Series([True]).new_from_index(0, len(lines))
    else:
        # known lines have the usual fields: the batch has these columns, as if they were among it
        missing = [str(position) for position in range(batch.cells.width, width)]
        cells = batch.cells.with_columns(pl.lit(None, dtype=pl.String).alias(name) for name in missing)
        batch, prints = replace(batch, cells=cells), prints.filter(is_new)
    is_usual = batch.field_count == width
    if not is_usual.all():
        prints = prints.select(pl.when(is_usual).then(pl.all()))
    recognised = Recognised(numbers.filter(~is_new), places[~is_new.to_numpy()])
    return replace(batch, prints=prints, recognised=None if looked.places is None else recognised)


def _some(lines: Lines, chosen: pl.Series, form: _Form, row_no: int) -> TextBatch:
    """Take the chosen lines (Boolean) apart, or all of them."""
    text = lines.text if chosen.all() else lines.only(chosen)
    if chosen.all() or text.startswith(codecs.BOM_UTF8):
        # such a line was not at the top
        return _whole(lines.text, len(lines), form, row_no)
    batch = _whole(text, int(chosen.sum()), form, row_no)
    return replace(batch, row_no=_numbers(row_no, len(lines)).filter(chosen))


def _whole(text: bytes, count: int, form: _Form, row_no: int) -> TextBatch:
    """Take so many whole lines apart."""
    cells = _even(text, form.delimiter, form.widths[0], count)
    if cells is not None:
        return _even_batch(cells, row_no)
    return _batch(text, split_records(text, form.delimiter, widths=form.widths, final=True), form.delimiter, row_no)


def _numbers(row_no: int, count: int) -> pl.Series:
    return pl.Series("row_no", np.arange(row_no, row_no + count, dtype=np.int64))


def _even(text: bytes, delimiter: str, width: int, rows: int) -> pl.DataFrame | None:
    """Parse lines that have `width` fields each; else None."""
    schema = {str(position): pl.String for position in range(width)}
    if not rows:
        return pl.DataFrame(schema=schema)
    if width < 2 or _has_undecodable(text) or text.startswith(codecs.BOM_UTF8):
        return None
    if occurrences(text, delimiter) != rows * (width - 1):
        return None
    try:
        cells = pl.read_csv(
            text,
            has_header=False,
            schema=schema,
            separator=delimiter,
            quote_char=None,
            empty_string_is_null=False,
            extra_columns="raise",
        )
    except pl.exceptions.PolarsError:
        return None
    # a record with fewer fields is filled up with nulls; with as many delimiters in all none can have more
    if len(cells) != rows or any(column.null_count() for column in cells):
        return None
    return cells.rechunk()


def _has_undecodable(buffer: bytes) -> bool:
    first, second, third = UNDECODABLE.encode()
    for part in in_parts(buffer, overlap=2):
        at = np.flatnonzero(part[:-2] == first)
        if ((part[at + 1] == second) & (part[at + 2] == third)).any():
            return True
    return False


def _even_batch(cells: pl.DataFrame, row_no: int) -> TextBatch:
    count = len(cells)
    return TextBatch(
        cells=cells,
        row_no=_numbers(row_no, count),
        field_count=pl.Series("field_count", [cells.width], dtype=pl.Int32).new_from_index(0, count),
        fault=pl.Series("fault", [None], dtype=pl.String).new_from_index(0, count),
    )


def _batch(buffer: bytes, records: Records, delimiter: str, row_no: int) -> TextBatch:
    count = len(records.starts)
    fault = pl.Series("fault", [None], dtype=pl.String).new_from_index(0, count)
    if records.faulty.any():
        fault = fault.scatter(np.flatnonzero(records.faulty), FAULT_QUOTE)
    if undecodable := _undecodable(buffer, records):
        fault = fault.scatter(undecodable, FAULT_ENCODING)
    return TextBatch(
        cells=_cells(buffer, records, delimiter),
        row_no=_numbers(row_no, count),
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
    readable = (records.field_count > 0) & (records.field_count <= _MAX_FIELDS) & ~records.faulty
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
    parts.append(pl.DataFrame({"0": pl.Series(_plain_text(buffer, records, unread), dtype=pl.String)}))
    places.append(unread)
    frame = pl.concat(parts, how="diagonal")
    names = [str(position) for position in range(frame.width)]
    return frame.select(names)[np.argsort(np.concatenate(places), kind="stable")]


def _plain_text(buffer: bytes, records: Records, places: NDArray[np.intp]) -> list[str]:
    """Return the text of records that cannot be taken apart, as far as it may be of use."""
    starts = records.starts[places]
    stops = starts + np.minimum(records.lengths[places], _UNREAD_BYTES)
    return [buffer[a:b].decode("utf-8", "replace") for a, b in zip(starts.tolist(), stops.tolist(), strict=True)]


def _parse(text: memoryview, records: Records, delimiter: str, fields: int, count: int) -> pl.DataFrame:
    names = [str(position) for position in range(fields)]
    longest = int(records.lengths.max())
    table = pacsv.read_csv(
        pa.BufferReader(pa.py_buffer(text)),  # type: ignore[arg-type]
        read_options=pacsv.ReadOptions(
            column_names=names, block_size=max(_BLOCK_BYTES, 2 * longest + 2), use_threads=False
        ),
        parse_options=pacsv.ParseOptions(
            delimiter=delimiter, newlines_in_values=records.multiline, ignore_empty_lines=False
        ),
        convert_options=pacsv.ConvertOptions(
            # the chunk was made or checked as UTF-8
            check_utf8=False,
            column_types=dict.fromkeys(names, pa.string()),
            strings_can_be_null=False,
        ),
    )
    if table.num_rows != count:
        raise RuntimeError(f"{count} records were split but {table.num_rows} parsed")
    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)
    return frame
