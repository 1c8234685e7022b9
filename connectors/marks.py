"""What was counted of each row while it was judged, one bit for each count: so it can be counted again without it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

Mark = tuple[str, str]
"""A count and the rule or column it is of: `("checked", "name.required")`."""
Words = NDArray[np.uint64]
_BITS = 64


def word_names(marks: Sequence[Mark]) -> list[str]:
    """Return the names of the words that hold so many marks."""
    return [f"marks_{n}" for n in range(-(-len(marks) // _BITS))]


def packed(marks: Sequence[Mark], set_for: Mapping[Mark, pl.Series], rows: int) -> pl.DataFrame:
    """Return the marks of each row as words (UInt64).

    Args:
        marks: all there are, in order.
        set_for: for which rows a mark is set (Boolean); for none where it is absent.
        rows: how many there are.
    """
    words = {name: np.zeros(rows, dtype=np.uint64) for name in word_names(marks)}
    for place, mark in enumerate(marks):
        if mark in set_for:
            bits = set_for[mark].to_numpy().astype(np.uint64)
            words[f"marks_{place // _BITS}"] |= bits << np.uint64(place % _BITS)
    return pl.DataFrame(words)


def counted(marks: Sequence[Mark], words: pl.DataFrame) -> dict[Mark, int]:
    """Return for how many rows each mark is set."""
    arrays = [words[name].to_numpy() for name in word_names(marks)]
    return {
        mark: int(np.count_nonzero(arrays[place // _BITS] & np.uint64(1 << place % _BITS)))
        for place, mark in enumerate(marks)
    }
