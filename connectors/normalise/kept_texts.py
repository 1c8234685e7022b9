"""Texts of a column that repeats itself and that are stored as they stand: once read, they are known again at once."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

_MAX_KEPT = 10_000
_MAX_SHARE = 0.125
"""A column in which so large a share of a batch is texts not met before does not repeat itself."""


class KeptTexts:
    """Texts whose full reading is the text itself, without any finding.

    Attributes:
        texts: String, each once.
        is_useful: the column repeats itself, as far as it was read.
    """

    def __init__(self) -> None:
        """Begin without any text."""
        self.texts = pl.Series([], dtype=pl.String)
        self.is_useful = True
        self._set = self.texts.implode()

    def holds(self, cells: pl.Series) -> NDArray[np.bool_]:
        """Say which cells are among the texts."""
        held: NDArray[np.bool_] = cells.is_in(self._set).fill_null(False).to_numpy()
        return held

    def learn(self, cells: pl.Series, read: pl.DataFrame, *, rows: int) -> None:
        """Remember the cells that were read as they stand.

        Args:
            cells: String, none of them among the texts.
            read: their reading: `value`, `finding`, `suggestion`, `missing`.
            rows: of the batch they are from.
        """
        same = read.select(
            (pl.col("value") == cells) & pl.col("finding").is_null() & pl.col("suggestion").is_null()
        ).to_series()
        fresh = cells.filter(same.fill_null(False)).unique()
        self.is_useful = len(fresh) <= _MAX_SHARE * rows and len(self.texts) + len(fresh) <= _MAX_KEPT
        self.texts = pl.concat([self.texts, fresh])
        self._set = self.texts.implode()
