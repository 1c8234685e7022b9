"""Archived files written again without the rows that hold certain values."""

from __future__ import annotations

import io
import re
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import openpyxl

from connectors import archive

_TEXT_ENCODINGS = ("utf-8", "gb18030", "utf-16")
_CELL_TEXT = re.compile(r"[^,;|\t\r\n]")
_BINARY_HEADS = (b"PAR1", b"\xd0\xcf\x11\xe0", b"%PDF", b"\x1f\x8b")


class UnredactableError(Exception):
    """A file of a format that cannot be written again row by row."""


def holds(content: bytes, values: Sequence[str]) -> bool:
    """Say whether a file holds one of the values, in whatever encoding and however packed."""
    return any(_in(part, values) for part in _parts(content))


def redacted(content: bytes, values: Sequence[str]) -> bytes:
    """Return the file with the rows that hold one of the values emptied, every other row where it was.

    Delimited text, workbooks (XLSX) and archives (ZIP) of these.

    Raises:
        UnredactableError: another format.
    """
    if zipfile.is_zipfile(io.BytesIO(content)):
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            is_workbook = "[Content_Types].xml" in packed.namelist()
            return _workbook(content, values) if is_workbook else _archive(packed, values)
    return _text(content, values)


def store(folder: Path, content: bytes) -> str:
    """Put a redacted content into the archive; return its SHA-256."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=folder, prefix=".redacted-") as scratch:
        scratch.write(content)
        scratch.flush()
        return archive.store(folder, Path(scratch.name)).sha256


def contents(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield SHA-256 and path of every archived content."""
    for path in sorted(folder.glob("[0-9a-f][0-9a-f]/*")):
        if path.is_file():
            yield path.name, path


def _in(content: bytes, values: Sequence[str]) -> bool:
    return any(value.encode(encoding) in content for value in values for encoding in ("ascii", "utf-16le", "utf-16be"))


def _parts(content: bytes) -> Iterator[bytes]:
    yield content
    if zipfile.is_zipfile(io.BytesIO(content)):
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            for member in packed.infolist():
                yield member.filename.encode("utf-8", "surrogateescape")
                yield from _parts(packed.read(member))


def _text(content: bytes, values: Sequence[str]) -> bytes:
    if content.startswith(_BINARY_HEADS) or content.lstrip()[:1] in (b"<", b"{", b"["):
        raise UnredactableError
    for encoding in _TEXT_ENCODINGS:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if not any(value in text for value in values):
            continue
        lines = text.splitlines(keepends=True)
        kept = (_CELL_TEXT.sub("", line) if any(value in line for value in values) else line for line in lines)
        return "".join(kept).encode(encoding)
    raise UnredactableError


def _workbook(content: bytes, values: Sequence[str]) -> bytes:
    book = openpyxl.load_workbook(io.BytesIO(content))
    for sheet in book.worksheets:
        for value in values:
            sheet.title = sheet.title.replace(value, "已删除")
        for row in sheet.iter_rows():
            if any(value in str(cell.value) for cell in row if cell.value is not None for value in values):
                for cell in row:
                    if not isinstance(cell, openpyxl.cell.cell.MergedCell):
                        cell.value = None
                        cell.comment = None
    found = io.BytesIO()
    book.save(found)
    if holds(found.getvalue(), values):
        raise UnredactableError
    return found.getvalue()


def _archive(packed: zipfile.ZipFile, values: Sequence[str]) -> bytes:
    found = io.BytesIO()
    with zipfile.ZipFile(found, "w", zipfile.ZIP_DEFLATED) as fresh:
        for member in packed.infolist():
            name, inner = member.filename, packed.read(member)
            for value in values:
                name = name.replace(value, "已删除")
            fresh.writestr(name, redacted(inner, values) if holds(inner, values) else inner)
    return found.getvalue()
