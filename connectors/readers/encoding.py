"""Which encoding a text file is in, and its bytes as UTF-8, chunk by chunk."""

from __future__ import annotations

import codecs
import os
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from itertools import chain, repeat
from pathlib import Path
from typing import BinaryIO

import numpy as np
import polars as pl
from numpy.typing import NDArray

from connectors.readers.model import UnreadableFileError

_SOON_BYTES = 6 * 1024**2
CHUNK_BYTES = (256 * 1024, _SOON_BYTES, 24 * 1024**2)
"""In about such pieces a file is read; the last size repeats. The first is enough to see the header, and all that is
read of a file that is not taken; the second is soon there for those who wait for rows."""
MAX_LINE_BYTES = 64 * 1024**2
UNDECODABLE = "\ufdd0"
"""Stands for bytes that are not text; a Unicode non-character, so it is in no real file."""
_DECODED_BYTES = 1024**2
"""So much is decoded at a time: meanwhile no other thread runs Python."""
_PART_BYTES = 256 * 1024
_FIRST_LOOK_BYTES = 64 * 1024
_TRIAL_BYTES = 16 * 1024**2
"""Of a file that is not clean UTF-8 so much is read in each encoding to choose one."""
_MARKS = {
    "utf-8": codecs.BOM_UTF8,
    "gb18030": b"\x84\x31\x95\x33",
    "utf-16-le": codecs.BOM_UTF16_LE,
    "utf-16-be": codecs.BOM_UTF16_BE,
    "utf-32-le": codecs.BOM_UTF32_LE,
    "utf-32-be": codecs.BOM_UTF32_BE,
}
_HANDLER = "weihai_undecodable"
codecs.register_error(
    _HANDLER,
    lambda error: (UNDECODABLE, error.end) if isinstance(error, UnicodeDecodeError) else ("", 0),
)


@dataclass(frozen=True)
class Encoding:
    """A text file's encoding.

    Attributes:
        codec: `utf-8`, `gb18030`, `utf-16-le`, `utf-16-be`, `utf-32-le` or `utf-32-be`.
        bom: the byte order mark the file begins with.
    """

    codec: str
    bom: bytes

    @property
    def name(self) -> str:
        """The name people know: `utf-8-sig` where there is a byte order mark, `utf-16` of either byte order."""
        if self.codec == "utf-8" and self.bom:
            return "utf-8-sig"
        return self.codec.removesuffix("-le").removesuffix("-be")


@dataclass
class _Damage:
    """Lines with bytes that are no text, counted while reading."""

    lines: int = 0
    damaged: int = 0
    first: int | None = None

    def count(self, text: str) -> None:
        """Count the lines of a text that ends with a line, or is the last."""
        if UNDECODABLE in text:
            hits = [number for number, line in enumerate(text.split("\n"), 1) if UNDECODABLE in line]
            self.first = self.lines + hits[0] if self.first is None else self.first
            self.damaged += len(hits)
        self.lines += text.count("\n") + (not text.endswith("\n"))

    @property
    def is_hopeless(self) -> bool:
        """More lines are damaged than reading on could make up for."""
        return self.damaged > 100 and self.damaged * 10 > self.lines

    @property
    def is_acceptable(self) -> bool:
        """At most one line in a hundred (one in a small file, never the first) may be damaged."""
        few = self.damaged <= max(1, self.lines // 100)
        return self.damaged == 0 or (few and self.lines > 2 and self.first != 1)

    def refusal(self) -> UnreadableFileError:
        """Return the answer to a file that is text in no encoding."""
        return UnreadableFileError(
            f"文件编码无法识别：既不是 UTF-8 也不是 GB18030（第 {self.first} 行起有无法识别的字节），"
            "请另存为 UTF-8 编码的 CSV 后重新报送。"
        )


def detect_encoding(path: Path) -> Encoding:
    """Choose by the mark, else UTF-8 or GB18030, whichever damages fewer lines of the file's beginning.

    The beginning reaches as far as the first characters beyond ASCII at least. GB18030 and not GBK: four-byte
    characters are real.

    Raises:
        UnreadableFileError: neither fits; the message names the first damaged line.
    """
    with path.open("rb") as file:
        head = file.read(_FIRST_LOOK_BYTES)
    wide = _wide_codec(head)
    if wide is not None:
        return Encoding(wide, _MARKS[wide] if head.startswith(_MARKS[wide]) else b"")
    trials: dict[str, _Damage] = {}
    for codec in ("utf-8", "gb18030"):
        trials[codec] = _try(path, codec)
        if trials[codec].damaged == 0:
            break
    codec, best = min(trials.items(), key=lambda t: (not t[1].is_acceptable, t[1].damaged / max(t[1].lines, 1)))
    if not best.is_acceptable:
        raise best.refusal()
    return Encoding(codec, _MARKS[codec] if head.startswith(_MARKS[codec]) else b"")


def _wide_codec(head: bytes) -> str | None:
    """Return UTF-32 or UTF-16 by its mark, or by the NULs of UTF-16 text that begins in ASCII."""
    for codec in ("utf-32-le", "utf-32-be", "utf-16-le", "utf-16-be"):
        if head.startswith(_MARKS[codec]):
            return codec
    if len(head) < 2 or (head[0] == 0) == (head[1] == 0):
        return None
    return "utf-16-be" if head[0] == 0 else "utf-16-le"


class Text:
    """The text of a file, chunk by chunk; what nobody looks at need not be decoded."""

    def __init__(self, path: Path, encoding: Encoding) -> None:
        """Take a file and what `detect_encoding` says of it."""
        self._path, self._encoding, self._damage = path, encoding, _Damage()

    def chunks(self) -> Iterator[bytes]:
        """Yield the file cut after line feeds; ASCII stands for itself in it, among other bytes as the file has them.

        Raises:
            UnreadableFileError: a line is too long.
        """
        codec = self._encoding.codec
        with self._path.open("rb") as file:
            file.seek(len(self._encoding.bom))
            if codec == "utf-8":
                yield from _line_chunks(file, *CHUNK_BYTES)
            elif codec == "gb18030":
                # no character of it has a line feed or a quote among its later bytes,
                # and what it has in two bytes has three in UTF-8, in which a chunk is to be no larger
                yield from _line_chunks(file, *(size * 3 // 4 for size in CHUNK_BYTES))
            else:
                for text in _decoded(file, codec):
                    yield self._encoded(text)

    def utf8(self, chunk: bytes) -> bytes:
        """Return a chunk as UTF-8; undecodable bytes become `UNDECODABLE`.

        Raises:
            UnreadableFileError: so many lines are damaged that reading on is of no use.
        """
        codec = self._encoding.codec
        if codec == "gb18030":
            pieces = _line_chunks(BytesIO(chunk), _DECODED_BYTES)
            chunk = b"".join(self._encoded(piece.decode(codec, errors=_HANDLER)) for piece in pieces)
        elif codec == "utf-8" and not _is_utf8(chunk):
            chunk = self._encoded(chunk.decode(codec, errors=_HANDLER))
        elif codec == "utf-8":
            self._damage.lines += occurrences(chunk, "\n") + (not chunk.endswith(b"\n"))
        if self._damage.is_hopeless:
            raise self._damage.refusal()
        return chunk

    def judge(self) -> None:
        """Say whether a file can be taken all of which was decoded.

        Raises:
            UnreadableFileError: too many of its lines are damaged.
        """
        if not self._damage.is_acceptable:
            raise self._damage.refusal()

    def _encoded(self, text: str) -> bytes:
        self._damage.count(text)
        return text.encode("utf-8", "replace")


def _decoded(file: BinaryIO, codec: str) -> Iterator[str]:
    """Yield the rest of a file in UTF-16 or UTF-32 as text, cut after line feeds."""
    decoder, carry = codecs.getincrementaldecoder(codec)(errors=_HANDLER), ""
    for piece in _pieces(file):
        text = carry + decoder.decode(piece)
        cut = text.rfind("\n") + 1
        carry = text[cut:]
        if len(carry) > MAX_LINE_BYTES:
            raise _too_long()
        if cut:
            yield text[:cut]
    if carry := carry + decoder.decode(b"", final=True):
        yield carry


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    sizes = iter(CHUNK_BYTES)
    while piece := file.read(next(sizes, CHUNK_BYTES[-1])):
        yield piece


def _line_chunks(file: BinaryIO, *sizes: int) -> Iterator[bytes]:
    """Read in about the given sizes (the last one repeats), each chunk up to the end of a line.

    Towards the end large ones become smaller: nothing is read any more beside what is done with the last of them.
    """
    start = file.tell()
    end = file.seek(0, os.SEEK_END)
    file.seek(start)
    for size in chain(sizes, repeat(sizes[-1])):
        half = (end - file.tell()) // 2
        chunk = file.read(_to_line_end(file, min(size, max(half, _SOON_BYTES))))
        if not chunk:
            return
        if len(chunk) > MAX_LINE_BYTES and chunk.rfind(b"\n", 0, -1) < len(chunk) - MAX_LINE_BYTES - 1:
            raise _too_long()
        yield chunk


def _to_line_end(file: BinaryIO, size: int) -> int:
    """Return how many bytes from here reach the end of the line that so many bytes reach into."""
    start = file.tell()
    file.seek(size - 1, os.SEEK_CUR)
    file.readline(MAX_LINE_BYTES + 1)
    size = file.tell() - start
    file.seek(start)
    return size


def _too_long() -> UnreadableFileError:
    return UnreadableFileError("文件中有一行超过 64 MB，不像表格数据，请检查文件后重新报送。")


def occurrences(text: bytes, character: str) -> int:
    """Count an ASCII character."""
    return sum(int(np.count_nonzero(part == ord(character))) for part in in_parts(text))


def in_parts(text: bytes, overlap: int = 0) -> Iterator[NDArray[np.uint8]]:
    """Yield the bytes part by part: what is made of so few at a time stays in the processor's cache.

    Args:
        text: in which ASCII stands for itself.
        overlap: bytes that a part shares with the one behind it.
    """
    data = np.frombuffer(text, dtype=np.uint8)
    for start in range(0, len(data), _PART_BYTES):
        yield data[start : start + _PART_BYTES + overlap]


def _is_utf8(chunk: bytes) -> bool:
    """Say whether all bytes are UTF-8 (polars checks them many at a time)."""
    try:
        pl.Series([chunk], dtype=pl.Binary).cast(pl.String)
    except pl.exceptions.ComputeError:
        return False
    return True


def _try(path: Path, codec: str) -> _Damage:
    """Count what of a file's beginning is no text in an encoding."""
    damage, left, is_ascii = _Damage(), _TRIAL_BYTES, True
    with path.open("rb") as file:
        if file.read(len(_MARKS[codec])) != _MARKS[codec]:
            file.seek(0)
        for chunk in _line_chunks(file, _FIRST_LOOK_BYTES, CHUNK_BYTES[0]):
            left -= len(chunk)
            is_ascii &= chunk.isascii()
            if codec == "utf-8" and _is_utf8(chunk):
                damage.lines += chunk.count(b"\n")
            else:
                damage.count(chunk.decode(codec, errors=_HANDLER))
            if damage.is_hopeless or (left <= 0 and not is_ascii):
                break
    return damage
