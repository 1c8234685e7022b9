"""The parts of an XLSX workbook (ECMA-376), unpacked once and looked through before it is loaded."""

from __future__ import annotations

import posixpath
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from html import unescape
from pathlib import Path
from typing import IO

from lxml import etree

from connectors.readers.archives import BROKEN_ZIP, MAX_RATIO, open_zip
from connectors.readers.model import MergedCells, UnreadableFileError
from connectors.readers.workbook_survey import CORRUPT, PASSWORD, TOO_LARGE, SheetSurvey, Survey, check_size
from connectors.settings import Limits

_PIECE = 1024**2
_OVERLAP = 4096
_INDEX_BYTES = 16 * 1024**2
_CELL = re.compile(rb"""\br\s*=\s*["']([A-Za-z]{1,8})(\d+)["']""")
_EPOCH_1904 = re.compile(rb"""date1904\s*=\s*["'](1|true|on)["']""")
_MERGED = re.compile(rb"""mergeCell\s+ref\s*=\s*["']\$?([A-Za-z]+)\$?(\d+):\$?([A-Za-z]+)\$?(\d+)["']""")
_ERROR = re.compile(rb"""<c\b([^>]*\bt="e"[^>]*)>(?:<f\b[^>]*/>|<f\b[^>]*>[^<]*</f>)?<v>([^<]*)</v>""")


@dataclass
class _Part:
    """What one member of the archive holds, if it is a sheet."""

    sheet: SheetSurvey = field(default_factory=SheetSurvey)
    merged: dict[MergedCells, None] = field(default_factory=dict)
    errors: dict[tuple[int, int], str] = field(default_factory=dict)


def survey_xlsx(path: Path, limits: Limits) -> Survey:
    """Unpack every member once, piece by piece: sizes and places stated in the archive are not trusted.

    Raises:
        UnreadableFileError: corrupt, password-protected, over a limit, or with entities declared in a member.
    """
    parts: dict[str, _Part] = {}
    with open_zip(path, CORRUPT) as archive:
        epoch_1904 = False
        for name, piece in unpacked_pieces(archive, limits):
            _look(piece, parts.setdefault(name, _Part()))
            epoch_1904 = epoch_1904 or (name == "xl/workbook.xml" and _EPOCH_1904.search(piece) is not None)
        order = _sheet_members(archive)
    for part in parts.values():
        part.sheet.merged = tuple(part.merged)
        part.sheet.errors = [(row, column, text) for (row, column), text in sorted(part.errors.items())]
    check_size([part.sheet for part in parts.values()], limits, together=False)
    return Survey(epoch_1904, tuple(parts.get(name, _Part()).sheet for name in order))


def unpacked_pieces(archive: zipfile.ZipFile, limits: Limits) -> Iterator[tuple[str, bytes]]:
    """Yield (lower-case member name, piece) of all members; a piece begins with the tail of the one before it.

    Raises:
        UnreadableFileError: corrupt, password-protected, or it unpacks to more than a workbook may.
    """
    members = archive.infolist()
    if any(member.flag_bits & 1 for member in members):
        raise UnreadableFileError(PASSWORD)
    packed = max(sum(member.compress_size for member in members), 1024)
    bound = min(limits.workbook_unpacked_bytes, packed * MAX_RATIO)
    if sum(member.file_size for member in members) > bound:
        raise UnreadableFileError(TOO_LARGE)
    unpacked = 0
    for member in members:
        with _opened(archive, member) as stream:
            tail = b""
            for piece in iter(partial(_read, stream), b""):
                unpacked += len(piece)
                if unpacked > bound:
                    raise UnreadableFileError(TOO_LARGE)
                whole = tail + piece
                if b"<!ENTITY" in whole:
                    raise UnreadableFileError("工作簿内含自定义实体，可能有害，不予打开，请另存为 XLSX 后重新报送。")
                yield member.filename.lower(), whole
                tail = piece[-_OVERLAP:]


def _opened(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> IO[bytes]:
    try:
        return archive.open(member)
    except (*BROKEN_ZIP, OSError) as error:
        raise UnreadableFileError(CORRUPT) from error


def _read(stream: IO[bytes]) -> bytes:
    try:
        return stream.read(_PIECE)
    except (*BROKEN_ZIP, OSError) as error:
        raise UnreadableFileError(CORRUPT) from error


def _look(piece: bytes, part: _Part) -> None:
    found = _CELL.findall(piece)
    if found:
        letters = {column for column, _ in found}
        rows = {row for _, row in found}
        part.sheet.grow(max(map(_column_number, letters)), max(map(int, rows)))
    for left, top, right, bottom in _MERGED.findall(piece):
        part.merged[int(top) - 1, _column_number(left) - 1, int(bottom) - 1, _column_number(right) - 1] = None
    if b't="e"' in piece:
        for attributes, text in _ERROR.findall(piece):
            if place := _CELL.search(attributes):
                part.errors[int(place[2]) - 1, _column_number(place[1]) - 1] = unescape(text.decode(errors="replace"))


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - 64
    return number


def _sheet_members(archive: zipfile.ZipFile) -> tuple[str, ...]:
    """Return the lower-case names of the members that hold the sheets, in the workbook's order."""
    book, links = _index(archive, "xl/workbook.xml"), _index(archive, "xl/_rels/workbook.xml.rels")
    if book is None or links is None:
        return ()
    targets = {link.get("Id") or "": link.get("Target") or "" for link in links}
    ids = [
        next((str(value) for name, value in sheet.attrib.items() if str(name).endswith("}id")), "")
        for sheet in book.iter("{*}sheet")
    ]
    return tuple(posixpath.normpath(posixpath.join("/xl", targets.get(i, ""))).lstrip("/").lower() for i in ids)


def _index(archive: zipfile.ZipFile, name: str) -> etree._Element | None:
    """Return a small member as a tree; None where it is missing or broken (the library that loads it decides)."""
    try:
        with archive.open(name) as stream:
            content = stream.read(_INDEX_BYTES)
        return etree.fromstring(content, etree.XMLParser(resolve_entities=False, no_network=True))
    except (*BROKEN_ZIP, OSError, KeyError, etree.XMLSyntaxError):
        return None
