"""Whether two spellings can be one person's name."""

from __future__ import annotations

import re
from functools import cache

from pypinyin import lazy_pinyin

STAND_IN = "[\ue000-\uf8ff\ufffd■□？?*＊]|[A-Za-z]+"
"""What stands for a character that a system does not have: private use, boxes, question marks, or its pinyin."""
_STAND_IN = re.compile(STAND_IN)
_LATIN_NAME = re.compile(r"^[A-Za-z .·'-]+$")


def clearly_differ(left: str, right: str) -> bool:
    """Say whether two names are neither equal, nor one with stand-ins, nor a slip of one character after the surname.

    Args:
        left: a name without spaces, its dots as U+00B7.
        right: another.
    """
    return left != right and not (_stands_for(left, right) or _stands_for(right, left) or _is_slip(left, right))


def _stands_for(written: str, name: str) -> bool:
    """Say whether `written` is `name` with something else for characters that are hard to write."""
    if _LATIN_NAME.match(written) or not _STAND_IN.search(written):
        return False
    return _pattern(written).fullmatch(name) is not None


@cache
def _pattern(written: str) -> re.Pattern[str]:
    parts, last = [], 0
    for found in _STAND_IN.finditer(written):
        parts += [re.escape(written[last : found.start()]), "(?:.|[A-Za-z]+)"]
        last = found.end()
    return re.compile("".join([*parts, re.escape(written[last:])]))


def _is_slip(left: str, right: str) -> bool:
    """One character is another, or all sound alike; the surname's may only sound alike. A dotted name may be cut."""
    if len(left) != len(right):
        shorter, longer = sorted((left, right), key=len)
        return "·" in longer and len(shorter) >= 2 and longer.startswith(shorter)
    if sum(a != b for a, b in zip(left, right, strict=True)) == 1 and left[0] == right[0]:
        return True
    return lazy_pinyin(left) == lazy_pinyin(right)
