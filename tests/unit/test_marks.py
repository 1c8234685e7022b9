"""What was counted of rows can be counted again from their marks."""

from __future__ import annotations

import numpy as np
import polars as pl

from connectors.marks import Mark, counted, packed


def test_counts_are_the_same_when_they_are_made_of_marks() -> None:
    marks: list[Mark] = [("checked", f"rule {n}") for n in range(130)]
    drawn = np.random.default_rng(7).random((len(marks), 50)) < 0.5
    # the last mark of a word, the first of the next, and one that no row has
    drawn[63], drawn[64], drawn[129] = True, False, True
    rows = {mark: pl.Series(drawn[n]) for n, mark in enumerate(marks) if n != 5}

    words = packed(marks, rows, 50)

    assert words.width == 3
    assert counted(marks, words) == {mark: int(rows[mark].sum()) if mark in rows else 0 for mark in marks}
    assert counted(marks, words.filter(pl.Series(drawn[0]))) == {
        mark: int((drawn[n] & drawn[0]).sum()) if mark in rows else 0 for n, mark in enumerate(marks)
    }
