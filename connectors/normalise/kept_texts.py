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
        held = cells.is_in(self._set)
        found: NDArray[np.bool_] = (held if cells.null_count() == 0 else held.fill_null(False)).to_numpy()
        return found

    def learn(self, cells: pl.Series, value: pl.Series, finding: pl.Series, *, rows: int) -> None:
        """Remember the cells that were read as they stand.

        Args:
            cells: String, none of them among the texts.
            value: what was read of each, String.
            finding: what was found in each, null where nothing.
            rows: of the batch they are from.
        """
        same = (value == cells).fill_null(False)
        if finding.null_count() < len(cells):
            same &= finding.is_null()
        fresh = cells.filter(same).unique()
        self.is_useful = len(fresh) <= _MAX_SHARE * rows and len(self.texts) + len(fresh) <= _MAX_KEPT
        self.texts = pl.concat([self.texts, fresh])
        self._set = self.texts.implode()
