"""Archives: members unpacked, piece by piece and counted, to files that have no name and end with the process."""

from __future__ import annotations

import gzip
import lzma
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import IO, BinaryIO, cast

from connectors.readers.model import UnreadableFileError
from connectors.settings import Limits

MAX_RATIO = 500
"""Files of real deliveries shrink 3 to 60 times; far beyond that one is a bomb."""
_HARMLESS_BYTES = 64 * 1024**2
"""What unpacks to less is never called a bomb."""
_PIECE = 1024**2
_DIRECTORY_BYTES = 8 * 1024**2
_END_RECORD = struct.Struct("<4s4H2LH")
_JUNK_NAMES = frozenset({".ds_store", "thumbs.db", "desktop.ini"})
_JUNK_PREFIXES = ("~$", "._")
_TOO_LARGE = "压缩包解压后的大小异常，超过上限，不予解压，请检查文件后分份报送。"
_CORRUPT = "压缩包已损坏或没有传完整，无法解压，请确认后重新报送。"
BROKEN_ZIP = (zipfile.BadZipFile, EOFError, NotImplementedError, ValueError, zlib.error, lzma.LZMAError)
"""What reading a damaged archive raises (and OSError)."""


class Unpacked:
    """One unpacked file; its path is valid as long as this object lives.

    Attributes:
        name: the member's name as people know it; empty where the archive names none.
        path: of the content, for opening; tells nothing about where it came from.
    """

    def __init__(self, name: str, content: IO[bytes]) -> None:
        self.name = name
        self.path = Path(f"/dev/fd/{content.fileno()}")
        self._content = content

    def __del__(self) -> None:
        self._content.close()


@dataclass
class _Budget:
    """Counts what is unpacked; what an archive states about sizes is not trusted."""

    limit: int
    packed: int
    spent: int = 0

    def spend(self, size: int) -> None:
        self.spent += size
        too_dense = self.spent > max(_HARMLESS_BYTES, self.packed * MAX_RATIO)
        if self.spent > self.limit or too_dense:
            raise UnreadableFileError(_TOO_LARGE)


def unpack_gzip(path: Path, limits: Limits) -> Unpacked:
    """Unpack a gzip file.

    Raises:
        UnreadableFileError: corrupt, cut off, or over a limit.
    """
    with gzip.open(path) as packed:
        return _unpack("", cast("IO[bytes]", packed), _Budget(limits.unpacked_bytes, path.stat().st_size))


def unpack_zip(path: Path, limits: Limits) -> Iterator[Unpacked]:
    """Unpack the files of a zip archive in their order, without what only a file manager put there.

    Raises:
        UnreadableFileError: corrupt, encrypted, empty, or over a limit.
    """
    budget = _Budget(limits.unpacked_bytes, path.stat().st_size)
    with open_zip(path, _CORRUPT) as archive:
        members = [
            (name, m)
            for m in archive.infolist()
            if not m.filename.endswith("/") and not _is_junk(name := member_name(m))
        ]
        if not members:
            raise UnreadableFileError("压缩包里没有文件，请检查后重新报送。")
        if len(members) > limits.members:
            raise UnreadableFileError(f"压缩包里有 {len(members)} 个文件，超过上限 {limits.members} 个，请分份报送。")
        if any(member.flag_bits & 1 for _, member in members):
            raise UnreadableFileError("压缩包设有密码，无法解压，请取消密码后重新报送。")
        if _overlap([member for _, member in members]):
            raise UnreadableFileError(_TOO_LARGE)
        for name, member in members:
            try:
                packed = archive.open(member)
            except (*BROKEN_ZIP, OSError) as error:
                raise UnreadableFileError(_CORRUPT) from error
            with packed:
                yield _unpack(name, packed, budget)


def _overlap(members: list[zipfile.ZipInfo]) -> bool:
    """Say whether one stretch of the archive is unpacked several times; newer Pythons see that too."""
    places = sorted((member.header_offset, member.compress_size) for member in members)
    return any(start + size > following for (start, size), (following, _) in pairwise(places))


def open_zip(path: Path, corrupt: str) -> zipfile.ZipFile:
    """Open a zip archive whose directory is of a sane size (it is held in memory).

    Raises:
        UnreadableFileError: with the sentence given.
    """
    try:
        with path.open("rb") as file:
            if _directory_bytes(file) > _DIRECTORY_BYTES:
                raise UnreadableFileError("压缩包里的文件过多，不予解压，请分份报送。")
        return zipfile.ZipFile(path)
    except (*BROKEN_ZIP, OSError) as error:
        raise UnreadableFileError(corrupt) from error


def member_name(member: zipfile.ZipInfo) -> str:
    """Return a member's name as people know it: of GBK where it is not marked as UTF-8, without `..` and drives."""
    name = member.filename
    if not member.flag_bits & 0x800:
        raw = name.encode("cp437", errors="replace")
        try:
            name = raw.decode()
        except UnicodeDecodeError:
            name = raw.decode("gb18030", errors="replace")
    parts = PurePosixPath(name.replace("\\", "/")).parts
    kept = [part for part in parts if part not in {"/", ".", ".."} and not part.endswith(":")]
    return "".join(c for c in "/".join(kept) if c.isprintable())


def _is_junk(name: str) -> bool:
    parts = name.lower().split("/")
    return "__macosx" in parts[:-1] or parts[-1] in _JUNK_NAMES or parts[-1].startswith(_JUNK_PREFIXES)


def _unpack(name: str, packed: IO[bytes], budget: _Budget) -> Unpacked:
    content = tempfile.TemporaryFile()  # noqa: SIM115 (it lives as long as the sheets that are read from it)
    unpacked = Unpacked(name, content)
    for piece in iter(partial(_read, packed), b""):
        budget.spend(len(piece))
        content.write(piece)
    content.flush()
    return unpacked


def _read(packed: IO[bytes]) -> bytes:
    try:
        return packed.read(_PIECE)
    except (*BROKEN_ZIP, OSError) as error:
        raise UnreadableFileError(_CORRUPT) from error


def _directory_bytes(file: BinaryIO) -> int:
    """Return the size of a zip archive's directory as its end records state it, which is what would be loaded."""
    size = file.seek(0, 2)
    file.seek(max(size - _END_RECORD.size - 65_535, 0))
    tail = file.read()
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or at + _END_RECORD.size > len(tail):
        raise zipfile.BadZipFile
    stated = int(_END_RECORD.unpack_from(tail, at)[5])
    if tail[max(at - 20, 0) : at].startswith(b"PK\x06\x07") and at >= 76:
        return max(stated, int(struct.unpack_from("<Q", tail, at - 36)[0]))
    return stated
