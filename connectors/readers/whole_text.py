"""The encoding of a text that is not made of lines (JSON, HTML): decided over the whole file, never loading it."""

from __future__ import annotations

import codecs
from functools import partial
from pathlib import Path

from connectors.readers.encoding import UNDECODABLE
from connectors.readers.model import UnreadableFileError

ERRORS = "weihai_undecodable"
"""How undecodable bytes are read: as `UNDECODABLE` (registered by `encoding`)."""
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (b"\x84\x31\x95\x33", "gb18030"),
)
_CHUNK = 4 * 1024**2
_TOLERATED = 0.01


def wide_or_marked_codec(head: bytes) -> str | None:
    """Return the codec that a byte order mark, or the NULs of UTF-16 in text that begins in ASCII, tell; else None."""
    for mark, codec in _BOMS:
        if head.startswith(mark):
            return codec
    if len(head) >= 2 and head[0] == 0 and head[1] != 0:
        return "utf-16-be"
    return "utf-16-le" if len(head) >= 2 and head[0] != 0 and head[1] == 0 else None


def head_text(head: bytes) -> str:
    """Return the beginning of a file as text, good enough to see its syntax (which is ASCII)."""
    return head.decode(wide_or_marked_codec(head) or "latin-1", errors="ignore").lstrip("\ufeff")


def text_codec(path: Path) -> str:
    """Return the Python codec of a text file: by its mark, else UTF-8 or GB18030, whichever decodes all of it.

    What a page says about itself is not asked: pages saved again in UTF-8 still claim GB2312, and Chinese text in
    GB18030 is never valid UTF-8. A file that is clean but for a few damaged characters takes the codec with the
    fewest of them.

    Raises:
        UnreadableFileError: none fits.
    """
    with path.open("rb") as file:
        marked = wide_or_marked_codec(file.read(64))
    damage: dict[str, float] = {}
    for codec in (marked,) if marked else ("utf-8", "gb18030"):
        damage[codec] = _damage(path, codec)
        if damage[codec] == 0:
            return codec
    best = min(damage, key=lambda codec: damage[codec])
    if damage[best] > _TOLERATED:
        raise UnreadableFileError("文件编码无法识别：不是 UTF-8、UTF-16 或 GB18030，请另存为 UTF-8 编码后重新报送。")
    return best


def _damage(path: Path, codec: str) -> float:
    """Return the share of the text that cannot be decoded."""
    decoder = codecs.getincrementaldecoder(codec)(errors=ERRORS)
    length = damaged = 0
    with path.open("rb") as file:
        for chunk in iter(partial(file.read, _CHUNK), b""):
            text = decoder.decode(chunk)
            length += len(text)
            damaged += text.count(UNDECODABLE)
            if damaged > 1000 and damaged > length * _TOLERATED:
                break
    return damaged / max(length, 1)
