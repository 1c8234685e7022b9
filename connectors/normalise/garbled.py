"""Text that was decoded wrongly somewhere on its way: it reads as characters, but its words are lost."""

from __future__ import annotations

import re

import polars as pl

from connectors.normalise.text import put

_FROM_CP1252 = "€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ"
"""What a byte between 0x80 and 0x9F becomes where Latin-1 text was read as Windows-1252."""
_REPLACED = r"\x{fffd}|锟斤|[烫屯]{4}|^[烫屯]{3,}$|^[?？]{2,}$"
_TRAIL = rf"[\x{{80}}-\x{{bf}}{_FROM_CP1252}]"
_UTF8_AS_LATIN = rf"(?:[\x{{e2}}-\x{{e9}}\x{{ef}}] ?{_TRAIL} ?{_TRAIL}? ?){{2}}|â€{_TRAIL}"
_GBK_AS_LATIN = r"[\x{b0}-\x{f7}][\x{a1}-\x{fe}]{3}"
_CERTAIN = f"{_REPLACED}|{_UTF8_AS_LATIN}"
_ENOUGH = 0.6
"""Share of the suspicious bytes that must read as common Chinese characters once decoded rightly."""


def _class(leads: range, trails: range) -> str:
    """Return a regular expression class of the characters with these GBK bytes."""
    pairs = (bytes([lead, trail]).decode("gbk", errors="ignore") for lead in leads for trail in trails)
    return f"[{''.join(c for c in pairs if len(c) == 1)}]"


_UTF8_AS_GBK = _class(range(0xE4, 0xEA), range(0x80, 0xC0)) + _class(range(0x81, 0xC0), range(0xE4, 0xEA))
"""Two Chinese characters in UTF-8 read as GBK begin with a pair like this (three bytes each, of which the first is
0xE4 to 0xE9); few true words hold one."""
_MISREAD = f"{_GBK_AS_LATIN}|{_UTF8_AS_GBK}"
_AMONG_CHINESE = f"锟斤|烫|屯屯|{_UTF8_AS_GBK}"
_PRIVATE_USE = r"[\x{e000}-\x{f8ff}]"


def may_be_garbled(texts: pl.Series) -> pl.Series:
    """Say which texts may be garbled though all their characters are Chinese or ASCII."""
    return texts.str.contains(_AMONG_CHINESE)


def damage(texts: pl.Series) -> pl.Series:
    """Say what is wrong with the characters of each text: `text_garbled`, `text_damaged` (private use) or null.

    Args:
        texts: String, without nulls.
    """
    places = texts.str.contains(f"{_PRIVATE_USE}|{_CERTAIN}|{_MISREAD}").arg_true()
    found = pl.Series([None], dtype=pl.String).new_from_index(0, len(texts))
    if not len(places):
        return found
    hit = texts.gather(places)
    told = pl.select(
        pl.when(garbled(hit))
        .then(pl.lit("text_garbled"))
        .when(hit.str.contains(_PRIVATE_USE))
        .then(pl.lit("text_damaged"))
    ).to_series()
    return put(found, places, told)


def garbled(texts: pl.Series) -> pl.Series:
    """Say which texts are mojibake: 锟斤拷, 烫烫烫, replacement characters, GBK or UTF-8 read as something else.

    Foreign scripts, accented letters, rare and private-use characters are not: what is suspicious counts only where
    its bytes, decoded as they should have been, are common Chinese characters (GB 2312).

    Args:
        texts: String, without nulls.
    """
    suspicious = texts.str.contains(f"{_CERTAIN}|{_MISREAD}")
    places = suspicious.arg_true()
    if not len(places):
        return suspicious
    found = texts.gather(places)
    certain = found.str.contains(_CERTAIN)
    misread = pl.Series([_is_misread(text) for text in found], dtype=pl.Boolean)
    return put(suspicious, places, certain | misread)


def _is_misread(text: str) -> bool:
    for run in re.findall(r"[\xa1-\xfe]{4,}", text):
        if _reads_as_chinese(run.encode("latin-1"), "gbk"):
            return True
    return _reads_as_chinese(text.encode("gb18030", errors="replace"), "utf-8")


def _reads_as_chinese(raw: bytes, codec: str) -> bool:
    """Say whether most of the bytes beyond ASCII are common Chinese characters in this encoding, two at least."""
    width = len("海".encode(codec))
    levels = (0xB0, 0xD7) if width == 2 else (0xB0, 0xF7)
    common = sum(levels[0] <= _gb2312_lead(c) <= levels[1] for c in raw.decode(codec, errors="ignore"))
    return common >= 2 and common * width >= _ENOUGH * sum(byte > 0x7F for byte in raw)


def _gb2312_lead(character: str) -> int:
    return (character.encode("gb2312", errors="ignore") or b"\0")[0]
