"""JSON and JSON lines: records streamed one by one, every number in its written form."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TextIO

import polars as pl

from connectors.readers.cells import BATCH_ROWS, rectangular_batch
from connectors.readers.encoding import UNDECODABLE
from connectors.readers.model import (
    FAULT_ENCODING,
    FAULT_RECORD,
    TextBatch,
    TextFile,
    TextSheet,
    UnreadableFileError,
)
from connectors.readers.whole_text import ERRORS, head_text, text_codec
from connectors.settings import Limits

_CHUNK = 1024**2
_SPACE = " \t\r\n"
_DEPTH = 2
_WAY_OUT = "请导出为一个对象数组（[{…}, {…}]）或每行一个对象（JSONL）后重新报送。"
_TOO_DEEP = f"JSON 文件嵌套过深，不像表格数据，{_WAY_OUT}"

Element = object
"""One record: a dict, a list, None for a blank line; anything else is faulty."""
Elements = Callable[[], Iterator[tuple[int, Element]]]
"""Reads all records from the first one on, each with its row number."""


class _Number(str):
    """A number as it is written: `1.10` stays so, and a long one loses no digit."""

    __slots__ = ()


class _Repeated(dict[str, object]):
    """An object that names a key twice."""


class _Broken:
    """A line that is no JSON."""


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    return found if len(found) == len(pairs) else _Repeated(found)


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_Number, parse_float=_Number, parse_constant=_Number, strict=False
)


def is_json_lines(head: bytes) -> bool:
    """Say whether most of the first complete lines, at least two, are objects or arrays by themselves."""
    lines = [line for line in head_text(head).split("\n")[:-1][:50] if line.strip()]
    whole = sum(isinstance(_line(line), dict | list) for line in lines)
    return whole >= 2 and whole * 2 > len(lines)


def open_json(path: Path, limits: Limits) -> TextFile:
    """Open a JSON file: an array of objects or of arrays, at the top or under one key, two levels down at most.

    Row 1 is the header: the keys in order of first appearance; object n is row n + 1. Of an array of arrays the first
    one is the header, and array n is row n. A flat object is one record.

    Raises:
        UnreadableFileError: broken, not of that form, or over a limit.
    """
    codec = text_codec(path)
    with path.open(encoding=codec, errors=ERRORS) as file:
        scanner = _Scanner(file, limits.record_bytes)
        found = list(_arrays(scanner, limits))
        scanner.end()
    if len(found) > 1:
        names = "、".join(f"“{'.'.join(place)}”" for place, _ in found[:5])
        raise UnreadableFileError(f"JSON 文件里有多个数组（{names}），无法确定哪个是要报送的数据，请只保留一个。")
    if found:
        place, keys = found[0]
        return _text_file("json", codec, keys, partial(_numbered_elements, path, codec, place, limits.record_bytes))
    with path.open(encoding=codec, errors=ERRORS) as file:
        whole = _Scanner(file, limits.record_bytes).value()
    if not isinstance(whole, dict) or any(isinstance(value, dict | list) for value in whole.values()):
        raise UnreadableFileError(f"JSON 文件里没有记录（没有找到对象数组，或数组是空的），{_WAY_OUT}")
    return _text_file("json", codec, tuple(whole), lambda: iter([(2, whole)]))


def open_jsonl(path: Path, limits: Limits) -> TextFile:
    """Open a file with one JSON object (or array) a line; the object on line n is row n + 1, as row 1 is the keys.

    A line that is no JSON is a faulty record. Of arrays the first line is the header, and line n is row n.

    Raises:
        UnreadableFileError: over a limit.
    """
    codec = text_codec(path)
    elements = partial(_lines, path, codec, limits.record_bytes)
    keys = _keys((element for _, element in elements(1)), limits)
    return _text_file("jsonl", codec, keys, partial(elements, 2 if keys else 1))


def _text_file(kind: str, codec: str, keys: tuple[str, ...], elements: Elements) -> TextFile:
    opener = partial(_batches, keys, elements)
    return TextFile(kind, codec, None, (TextSheet("", hidden=False, epoch_1904=False, open=opener, encoding=codec),))


def _keys(elements: Iterator[Element], limits: Limits) -> tuple[str, ...]:
    """Return the keys of all objects in order of first appearance; none if there is no object."""
    keys: dict[str, None] = {}
    last: Mapping[str, object] = {}
    for element in elements:
        if isinstance(element, dict) and element.keys() != last.keys():
            last = element
            keys.update(dict.fromkeys(element))
            if len(keys) > limits.columns:
                raise UnreadableFileError(f"JSON 记录的键超过上限 {limits.columns} 个，请检查文件后重新报送。")
    return tuple(keys)


class _Scanner:
    """Reads one JSON text value by value, holding one value and a chunk at a time."""

    def __init__(self, file: TextIO, record_bytes: int) -> None:
        self._file, self._limit = file, record_bytes
        self._text, self._at, self._done, self._values = "", 0, False, 0

    def peek(self) -> str:
        """Return the next character that is not white space; empty at the end."""
        while True:
            while self._at < len(self._text):
                if self._text[self._at] not in _SPACE:
                    return self._text[self._at]
                self._at += 1
            if self._done:
                return ""
            self._more()

    def take(self, wanted: str) -> str:
        """Return and pass the next character, one of those wanted."""
        found = self.peek()
        if not found or found not in wanted:
            raise self._broken()
        self._at += 1
        return found

    def value(self) -> object:
        """Return and pass the next value."""
        self.peek()
        while True:
            try:
                value, end = _DECODER.raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                if self._done:
                    raise self._broken() from error
                if len(self._text) - self._at > self._limit:
                    raise UnreadableFileError(
                        f"JSON 文件第 {self._values + 1} 个值有语法错误，或超过 {self._limit // 1024**2} MB，{_WAY_OUT}"
                    ) from error
            except RecursionError as error:
                raise UnreadableFileError(_TOO_DEEP) from error
            else:
                if end < len(self._text) or self._done:
                    self._at, self._values = end, self._values + 1
                    return value
            self._more()

    def elements(self) -> Iterator[object]:
        """Pass an array, value by value."""
        self.take("[")
        if self.peek() == "]":
            self.take("]")
            return
        more = True
        while more:
            yield self.value()
            more = self.take(",]") == ","

    def members(self) -> Iterator[str]:
        """Pass an object, key by key; whoever iterates passes the value of each."""
        self.take("{")
        if self.peek() == "}":
            self.take("}")
            return
        more = True
        while more:
            key = self.value() if self.peek() == '"' else None
            if not isinstance(key, str):
                raise self._broken()
            self.take(":")
            yield key
            more = self.take(",}") == ","

    def end(self) -> None:
        """Check that nothing follows."""
        if self.peek():
            raise self._broken()

    def _more(self) -> None:
        chunk = self._file.read(_CHUNK)
        self._text, self._at, self._done = self._text[self._at :] + chunk, 0, not chunk

    def _broken(self) -> UnreadableFileError:
        return UnreadableFileError(f"JSON 文件不完整或有语法错误（在第 {self._values + 1} 个值处），请确认后重新报送。")


def _arrays(
    scanner: _Scanner, limits: Limits, place: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Pass a value; yield where in it an array of objects or arrays is, and the keys of its objects."""
    opening = scanner.peek()
    if opening == "[":
        elements = scanner.elements()
        first = next(elements, None)
        keys = _keys(_all(first, elements), limits)
        if isinstance(first, dict | list):
            yield place, keys
    elif opening == "{" and len(place) < _DEPTH:
        for key in scanner.members():
            yield from _arrays(scanner, limits, (*place, key))
    else:
        scanner.value()


def _all(first: object, others: Iterator[object]) -> Iterator[object]:
    yield first
    yield from others


def _numbered_elements(
    path: Path, codec: str, place: Sequence[str], record_bytes: int
) -> Iterator[tuple[int, Element]]:
    with path.open(encoding=codec, errors=ERRORS) as file:
        scanner = _Scanner(file, record_bytes)
        for wanted in place:
            for key in scanner.members():
                if key == wanted:
                    break
                scanner.value()
        number = None
        for at, element in enumerate(scanner.elements(), 1):
            number = number or (at if isinstance(element, list) else at + 1)
            yield number, element
            number += 1


def _lines(path: Path, codec: str, record_bytes: int, first_row_no: int) -> Iterator[tuple[int, Element]]:
    with path.open(encoding=codec, errors=ERRORS, newline="\n") as file:
        row_no = first_row_no
        while line := file.readline(record_bytes):
            if len(line) == record_bytes:
                raise UnreadableFileError(
                    f"文件第 {row_no} 行超过 {record_bytes // 1024**2} MB，不像表格数据，请检查文件后重新报送。"
                )
            yield row_no, None if not line.strip() else _line(line)
            row_no += 1


def _line(line: str) -> Element:
    try:
        return _DECODER.decode(line)
    except (json.JSONDecodeError, RecursionError):
        return _Broken()


def _batches(keys: tuple[str, ...], elements: Elements) -> Iterator[TextBatch]:
    if keys:
        yield rectangular_batch(pl.DataFrame({str(i): [_sound(key)] for i, key in enumerate(keys)}), 1)
    rest = elements()
    while chunk := list(islice(rest, BATCH_ROWS)):
        records = [element for _, element in chunk]
        yield _objects_batch(keys, records, chunk[0][0]) if keys else _arrays_batch(records, chunk[0][0])


def _objects_batch(keys: tuple[str, ...], records: Sequence[Element], row_no: int) -> TextBatch:
    faulty = [type(r) is not dict and r is not None for r in records]
    rows: list[dict[str, object]] = [r if type(r) is dict else {} for r in records]
    cells = pl.DataFrame({str(i): _column([row.get(key, "") for row in rows]) for i, key in enumerate(keys)})
    return _with_faults(rectangular_batch(cells, row_no), faulty)


def _arrays_batch(records: Sequence[Element], row_no: int) -> TextBatch:
    faulty = [not isinstance(r, list) and r is not None for r in records]
    rows = [r if isinstance(r, list) else [] for r in records]
    counts = [len(row) for row in rows]
    width = max(*counts, 1)
    padded = [row + [None] * (width - len(row)) for row in rows]
    cells = pl.DataFrame({str(i): _column(column) for i, column in enumerate(zip(*padded, strict=True))})
    batch = rectangular_batch(cells, row_no)
    counted = TextBatch(batch.cells, batch.row_no, pl.Series("field_count", counts, dtype=pl.Int32), batch.fault)
    return _with_faults(counted, faulty)


def _with_faults(batch: TextBatch, faulty: Sequence[bool]) -> TextBatch:
    mark = pl.any_horizontal(pl.all().str.contains(UNDECODABLE, literal=True))
    fault = pl.select(
        pl.when(pl.Series(faulty, dtype=pl.Boolean))
        .then(pl.lit(FAULT_RECORD))
        .when(batch.cells.select(mark).to_series())
        .then(pl.lit(FAULT_ENCODING))
        .alias("fault")
    ).to_series()
    return TextBatch(batch.cells, batch.row_no, batch.field_count, fault)


def _column(values: Sequence[object]) -> pl.Series:
    if not set(map(type, values)) <= {str, _Number}:
        values = list(map(_text, values))
    try:
        return pl.Series(values, dtype=pl.String)
    except UnicodeEncodeError:
        return pl.Series([_sound(str(value)) for value in values], dtype=pl.String)


def _sound(text: str) -> str:
    """Replace halves of surrogate pairs, which an escape can name but no text can hold."""
    return text.encode("utf-8", "surrogatepass").decode("utf-8", errors=ERRORS)


def _text(value: object) -> str:
    """Return a value as the text of a cell: what is nested as JSON, its numbers as they were written."""
    match value:
        case None:
            return ""
        case str():
            return value
        case bool():
            return "是" if value else "否"
        case _:
            return _json(value)


def _json(value: object) -> str:
    match value:
        case _Number():
            return value
        case dict():
            return "{" + ",".join(f"{_json(key)}:{_json(item)}" for key, item in value.items()) + "}"
        case list():
            return "[" + ",".join(map(_json, value)) + "]"
        case _:
            return json.dumps(value, ensure_ascii=False)
