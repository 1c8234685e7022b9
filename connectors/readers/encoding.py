"""Which encoding a text file is in, and its bytes as UTF-8, chunk by chunk."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from connectors.readers.model import UnreadableFileError

CHUNK_BYTES = 16 * 1024**2
MAX_LINE_BYTES = 64 * 1024**2
UNDECODABLE = "\ufdd0"
"""Stands for bytes that are not text; a Unicode non-character, so it is in no real file."""
_FIRST_LOOK_BYTES = 64 * 1024
_BOMS = {"utf-8": codecs.BOM_UTF8, "gb18030": b"\x84\x31\x95\x33"}

codecs.register_error(
    "weihai_undecodable",
    lambda error: (UNDECODABLE, error.end) if isinstance(error, UnicodeDecodeError) else ("", 0),
)


@dataclass(frozen=True)
class Encoding:
    """A text file's encoding.

    Attributes:
        codec: `utf-8` or `gb18030`.
        bom: the byte order mark the file begins with.
        damaged_lines: lines with bytes that are no text in it.
    """

    codec: str
    bom: bytes
    damaged_lines: int

    @property
    def name(self) -> str:
        """The name people know: `utf-8-sig` where there is a byte order mark."""
        return "utf-8-sig" if self.codec == "utf-8" and self.bom else self.codec


@dataclass(frozen=True)
class _Trial:
    encoding: Encoding
    lines: int
    first_damaged: int | None

    @property
    def acceptable(self) -> bool:
        """At most one line in a hundred (one in a small file, never the first) may be damaged."""
        damaged = self.encoding.damaged_lines
        return damaged == 0 or (damaged <= max(1, self.lines // 100) and self.lines > 2 and self.first_damaged != 1)


def detect_encoding(path: Path) -> Encoding:
    """Try strict UTF-8, then strict GB18030 (not GBK: four-byte characters are real) over the whole file.

    A file that is clean but for a few damaged lines takes the encoding with the fewest of them.

    Raises:
        UnreadableFileError: neither fits; the message names the first damaged line.
    """
    trials = []
    for codec in ("utf-8", "gb18030"):
        trial = _try(path, codec)
        if trial.encoding.damaged_lines == 0:
            return trial.encoding
        trials.append(trial)
    best = min(trials, key=lambda t: (not t.acceptable, t.encoding.damaged_lines / t.lines))
    if not best.acceptable:
        raise UnreadableFileError(
            f"文件编码无法识别：既不是 UTF-8 也不是 GB18030（第 {best.first_damaged} 行起有无法识别的字节），"
            "请另存为 UTF-8 编码的 CSV 后重新报送。"
        )
    return best.encoding


def utf8_chunks(path: Path, encoding: Encoding) -> Iterator[bytes]:
    """Yield the file's text as UTF-8, cut after line feeds; undecodable bytes become `UNDECODABLE`."""
    with path.open("rb") as file:
        file.seek(len(encoding.bom))
        for chunk in _line_chunks(file, CHUNK_BYTES):
            if encoding.codec == "utf-8" and encoding.damaged_lines == 0:
                yield chunk
            else:
                yield chunk.decode(encoding.codec, errors="weihai_undecodable").encode()


def _line_chunks(file: BinaryIO, *sizes: int) -> Iterator[bytes]:
    """Read in the given sizes (the last one repeats), cutting after the last line feed of each read."""
    left, carry = list(sizes), b""
    while piece := file.read(left.pop(0) if len(left) > 1 else left[0]):
        cut = piece.rfind(b"\n") + 1
        if cut == 0:
            carry += piece
            if len(carry) > MAX_LINE_BYTES:
                raise UnreadableFileError("文件中有一行超过 64 MB，不像表格数据，请检查文件后重新报送。")
            continue
        yield carry + piece[:cut]
        carry = piece[cut:]
    if carry:
        yield carry


def _try(path: Path, codec: str) -> _Trial:
    with path.open("rb") as file:
        bom = _BOMS[codec] if file.read(4).startswith(_BOMS[codec]) else b""
        file.seek(len(bom))
        lines = damaged = 0
        first: int | None = None
        for chunk in _line_chunks(file, _FIRST_LOOK_BYTES, CHUNK_BYTES):
            try:
                chunk.decode(codec)
            except UnicodeDecodeError:
                text = chunk.decode(codec, errors="weihai_undecodable")
                hits = [number for number, line in enumerate(text.split("\n"), 1) if UNDECODABLE in line]
                first = lines + hits[0] if first is None else first
                damaged += len(hits)
            lines += chunk.count(b"\n") + (not chunk.endswith(b"\n"))
            if damaged > 100 and damaged * 10 > lines:
                break
    return _Trial(Encoding(codec, bom, damaged), max(lines, 1), first)
