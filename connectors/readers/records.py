"""Where the records of delimited text begin and end (RFC 4180), without being led astray by a stray quote."""

from __future__ import annotations

import csv
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MAX_RECORD_BYTES = 1024**2
"""A quoted cell that would make its record longer than this counts as a stray quote."""
_MAX_CLOSING_LINES = 200
_QUOTE, _LF, _CR = b'"\n\r'

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Records:
    """Consecutive records that tile `buffer[:consumed]`, each with its line end.

    Attributes:
        starts: byte offsets, Int64.
        lengths: bytes, line end included.
        field_count: fields per record; 0 for an empty line.
        faulty: the record's quotes do not pair.
        multiline: some record holds a quoted line break.
        consumed: bytes used; the rest belongs to a record that is not whole yet.
    """

    starts: Ints
    lengths: Ints
    field_count: Ints
    faulty: NDArray[np.bool_]
    multiline: bool
    consumed: int


def split_records(buffer: bytes, delimiter: str, *, widths: tuple[int, ...], final: bool) -> Records:
    """Split UTF-8 text into records.

    Args:
        buffer: begins at a record's start.
        delimiter: one ASCII character.
        widths: the file's usual field counts, which tell a quoted line break from a stray quote.
        final: nothing follows the buffer.
    """
    data = np.frombuffer(buffer, dtype=np.uint8)
    breaks = _line_breaks(buffer, data)
    delimiters = np.flatnonzero(data == ord(delimiter))
    if b'"' not in buffer:
        return _tile(data, breaks, delimiters, final=final, multiline=False)
    quotes = np.flatnonzero(data == _QUOTE)
    text = _Text(buffer, data, delimiter, widths, breaks, quotes)
    outer_breaks = breaks[_outside(quotes, breaks)]
    records = _tile(
        data,
        outer_breaks,
        delimiters[_outside(quotes, delimiters)],
        final=final and len(quotes) % 2 == 0,
        multiline=len(outer_breaks) < len(breaks),
    )
    if _trustworthy(text, records, final=final):
        return records
    return _split_line_by_line(text, delimiters, final=final)


@dataclass(frozen=True)
class _Text:
    buffer: bytes
    data: NDArray[np.uint8]
    delimiter: str
    widths: tuple[int, ...]
    breaks: Ints
    quotes: Ints


def _line_breaks(buffer: bytes, data: NDArray[np.uint8]) -> Ints:
    """Offsets of the last byte of each line end: LF, CR LF, or a CR on its own."""
    if b"\r" not in buffer:
        return np.flatnonzero(data == _LF)
    following = np.append(data[1:], 0)
    return np.flatnonzero((data == _LF) | ((data == _CR) & (following != _LF)))


def _outside(quotes: Ints, offsets: Ints) -> NDArray[np.bool_]:
    outside: NDArray[np.bool_] = (np.searchsorted(quotes, offsets) & 1) == 0
    return outside


def _tile(data: NDArray[np.uint8], breaks: Ints, delimiters: Ints, *, final: bool, multiline: bool) -> Records:
    stops = breaks + 1
    if final and (len(stops) == 0 or stops[-1] < len(data)) and len(data) > 0:
        stops = np.append(stops, len(data))
    starts = np.concatenate(([0], stops[:-1])) if len(stops) else stops
    lengths = stops - starts
    fields = np.searchsorted(delimiters, stops) - np.searchsorted(delimiters, starts) + 1
    line_end = (data[stops - 1] == _LF).astype(np.int64) | (data[stops - 1] == _CR)
    line_end += (line_end == 1) & (lengths > 1) & (data[stops - 1] == _LF) & (data[np.maximum(stops - 2, 0)] == _CR)
    return Records(
        starts=starts,
        lengths=lengths,
        field_count=np.where(lengths == line_end, 0, fields),
        faulty=np.zeros(len(starts), dtype=np.bool_),
        multiline=multiline,
        consumed=int(stops[-1]) if len(stops) else 0,
    )


def _trustworthy(text: _Text, records: Records, *, final: bool) -> bool:
    """Every quote opens after a delimiter or closes before one, and no quoted line break joins what does not belong."""
    data, delimiter = text.data, ord(text.delimiter)
    pending = len(data) - records.consumed
    if pending > (0 if final else MAX_RECORD_BYTES):
        return False
    opening, closing = text.quotes[0::2], text.quotes[1::2]
    before = data[np.maximum(opening - 1, 0)]
    opens_well = (opening == 0) | np.isin(before, (delimiter, _LF, _CR, _QUOTE))
    after = data[np.minimum(closing + 1, len(data) - 1)]
    closes_well = (closing + 1 == len(data)) | np.isin(after, (delimiter, _LF, _CR, _QUOTE))
    if not (opens_well.all() and closes_well.all()):
        return False
    if not records.multiline:
        return True
    stops = records.starts + records.lengths
    lines = np.searchsorted(text.breaks, stops) - np.searchsorted(text.breaks, records.starts)
    joined = lines > 1
    return not (joined & (~np.isin(records.field_count, text.widths) | (records.lengths > MAX_RECORD_BYTES))).any()


def _split_line_by_line(text: _Text, delimiters: Ints, *, final: bool) -> Records:
    """Take each line by itself; join lines only where the quotes pair and the result is plausible.

    Only lines that hold a quote are looked at one by one.
    """
    lines = _tile(text.data, text.breaks, delimiters, final=final, multiline=False)
    stops = lines.starts + lines.lengths
    quoted = np.flatnonzero(np.searchsorted(text.quotes, lines.starts) < np.searchsorted(text.quotes, stops))
    fields, faulty = lines.field_count.copy(), lines.faulty.copy()
    stops = stops.copy()
    swallowed = np.zeros(len(stops), dtype=np.bool_)
    whole, resume, multiline = len(stops), 0, False
    for at, line in enumerate(quoted):
        if line < resume:
            continue
        start = int(lines.starts[line])
        count = _field_count(text.buffer[start : stops[line]], text.delimiter)
        if count == _UNCLOSED:
            closing = quoted[at + 1 : at + 1 + _MAX_CLOSING_LINES]
            last, count = _join(text, lines, int(line), closing)
            if last is not None:
                swallowed[line + 1 : last + 1] = True
                stops[line], resume, multiline = stops[last], last + 1, True
            elif not final and len(text.data) - start <= MAX_RECORD_BYTES and len(closing) < _MAX_CLOSING_LINES:
                whole = int(line)
                break
        fields[line], faulty[line] = max(count, 0), count < 0
    kept = np.flatnonzero(~swallowed[:whole])
    return Records(
        starts=lines.starts[kept],
        lengths=stops[kept] - lines.starts[kept],
        field_count=fields[kept],
        faulty=faulty[kept],
        multiline=multiline,
        consumed=int(stops[kept[-1]]) if len(kept) else 0,
    )


_UNCLOSED, _MALFORMED = -1, -2


def _field_count(record: bytes, delimiter: str) -> int:
    """Return the record's field count, or `_UNCLOSED` or `_MALFORMED`."""
    text = record.decode(errors="replace").removesuffix("\n").removesuffix("\r")
    try:
        rows = list(csv.reader([text], delimiter=delimiter, strict=True))
    except csv.Error as error:
        return _UNCLOSED if "unexpected end of data" in str(error) else _MALFORMED
    return len(rows[0]) if len(rows) == 1 else _MALFORMED


def _join(text: _Text, lines: Records, line: int, closing: Ints) -> tuple[int | None, int]:
    """Return the line that closes the quoted cell opened on `line` and the record's field count, or None."""
    starts, stops = lines.starts, lines.starts + lines.lengths
    start, usual = int(starts[line]), [width for width in text.widths if width > 1]
    for last in closing:
        if stops[last] - start > MAX_RECORD_BYTES:
            break
        record = text.buffer[start : stops[last]]
        if record.count(b'"') % 2:
            continue
        count = _field_count(record, text.delimiter)
        if count == _UNCLOSED:
            continue
        if count == _MALFORMED:
            break
        swallowed = (text.buffer[starts[i] : stops[i]] for i in range(line + 1, int(last) + 1))
        if count not in text.widths and any(_field_count(s, text.delimiter) in usual for s in swallowed):
            break
        return int(last), count
    return None, _UNCLOSED
