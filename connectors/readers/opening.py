"""Opening a delivered file: a reader for each format, and archives by what is in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from connectors.readers.archives import Unpacked, unpack_gzip, unpack_zip
from connectors.readers.delimited import open_delimited
from connectors.readers.detect import detect_format
from connectors.readers.html_tables import open_html
from connectors.readers.json_records import open_json, open_jsonl
from connectors.readers.model import TextBatch, TextFile, TextSheet, UnreadableFileError
from connectors.readers.parquet import open_parquet
from connectors.readers.workbook import open_ods, open_xls, open_xlsx
from connectors.settings import Limits

Opener = Callable[[Path, Limits], TextFile]

READERS: Mapping[str, Opener] = {
    "csv": open_delimited,
    "xlsx": open_xlsx,
    "xls": open_xls,
    "ods": open_ods,
    "html": open_html,
    "json": open_json,
    "jsonl": open_jsonl,
    "parquet": open_parquet,
}
"""The registry: a format is supported when it has a reader here, or is an archive."""


def open_file(path: Path, *, limits: Limits) -> TextFile:
    """Detect the format of an archived file and open it; its name is not looked at.

    Args:
        path: the file.
        limits: what it may cost.

    Raises:
        UnreadableFileError: empty, corrupt, password-protected, over a limit, or of a format not supported; for a
            member of an archive the message begins with its name.
    """
    if path.stat().st_size > limits.file_bytes:
        raise UnreadableFileError(f"文件超过 {limits.file_bytes // 1024**3} GB 的上限，请分份报送。")
    kind = detect_format(path)
    if kind == "gzip":
        member = unpack_gzip(path, limits)
        return replace(_open_member(member, limits), format="gzip")
    if kind == "zip":
        files = [_open_member(member, limits) for member in unpack_zip(path, limits)]
        sheets = tuple(sheet for file in files for sheet in file.sheets)
        encodings, delimiters = {file.encoding for file in files}, {file.delimiter for file in files}
        return TextFile("zip", _only(encodings), _only(delimiters), sheets)
    return _read(kind, path, limits)


def _read(kind: str, path: Path, limits: Limits) -> TextFile:
    file = READERS[kind](path, limits)
    return replace(file, sheets=tuple(replace(s, encoding=s.encoding or file.encoding) for s in file.sheets))


def _only(values: set[str | None]) -> str | None:
    return values.pop() if len(values) == 1 else None


def _open_member(member: Unpacked, limits: Limits) -> TextFile:
    try:
        kind = detect_format(member.path)
        if kind not in READERS:
            raise UnreadableFileError("压缩包里还有压缩包，不予解压，请只压缩一层后重新报送。")
        file = _read(kind, member.path, limits)
    except UnreadableFileError as error:
        raise _named(error, member) from error
    return replace(file, sheets=tuple(_kept(sheet, member) for sheet in file.sheets))


def _kept(sheet: TextSheet, member: Unpacked) -> TextSheet:
    """Return the sheet under its member's name, holding what it is read from."""
    shown = None if sheet.open_shown is None else partial(_batches, sheet.open_shown, member)
    opened = partial(_batches, sheet.open, member)
    return replace(sheet, member=member.name, open=opened, open_for=None, open_shown=shown)


def _batches(opened: Callable[..., Iterator[TextBatch]], member: Unpacked, *how: Any) -> Iterator[TextBatch]:
    try:
        yield from opened(*how)
    except UnreadableFileError as error:
        raise _named(error, member) from error


def _named(error: UnreadableFileError, member: Unpacked) -> UnreadableFileError:
    return UnreadableFileError(f"“{member.name}”：{error}") if member.name else error
