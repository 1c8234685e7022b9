"""A table of counts with all its totals, as figures over cells."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

TOTAL = "合计"
"""The label of a dimension that was summed over."""

Labels = tuple[str, ...]
Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Figures:
    """The figures of a table: its cells in row-major order, then a total for every choice of dimensions summed over.

    Attributes:
        domains: the labels of each dimension, in order; fixed, so that they tell nothing of who is counted.
    """

    domains: tuple[Labels, ...]

    @cached_property
    def cells(self) -> tuple[Labels, ...]:
        """The labels of every cell."""
        return tuple(itertools.product(*self.domains))

    @cached_property
    def labels(self) -> tuple[Labels, ...]:
        """The labels of every figure; `TOTAL` where a dimension is summed over."""
        totals = (
            labels
            for summed in self._summed
            for labels in itertools.product(
                *((TOTAL,) if dimension in summed else domain for dimension, domain in enumerate(self.domains))
            )
        )
        return (*self.cells, *totals)

    @cached_property
    def matrix(self) -> Counts:
        """Figures × cells: 1 where the cell counts towards the figure."""
        place = {labels: number for number, labels in enumerate(self.labels)}
        counted = np.zeros((len(self.labels), len(self.cells)), dtype=np.int64)
        for column, cell in enumerate(self.cells):
            for summed in ((), *self._summed):
                labels = tuple(TOTAL if d in summed else label for d, label in enumerate(cell))
                counted[place[labels], column] = 1
        return counted

    def values(self, cells: Counts) -> Counts:
        """Return every figure's value for the counts of the cells."""
        summed: Counts = self.matrix @ cells
        return summed

    @property
    def _summed(self) -> Sequence[tuple[int, ...]]:
        count = len(self.domains)
        return [d for size in range(1, count + 1) for d in itertools.combinations(range(count), size)]
