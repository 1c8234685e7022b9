"""What a reader of every release of a table works out: he sees files only, and is told which cells stood still."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp

Labels = tuple[str, ...]
File = Mapping[Labels, int | None]
"""A published table: the count by labels, `合计` where a dimension is summed over; None where it is withheld."""

TOTAL = "合计"


@dataclass
class Attacker:
    """A reader of several releases.

    Attributes:
        files: oldest first.
        stood_still: for each release and cell, the number of the first release since which its count is the same; this
            helps the reader more than anything he could know of his own.
    """

    files: Sequence[File]
    stood_still: Sequence[Mapping[Labels, int]]

    def bounds(self, release: int, figure: Labels) -> tuple[int, float]:
        """Return the least and greatest count that a figure can have had, by all that was published; whole numbers."""
        rows, values = self._told
        goal = self._summed(release, figure)
        found = []
        for sign in (1, -1):
            solved = milp(
                sign * goal,
                integrality=np.ones(len(goal)),
                bounds=Bounds(0, np.inf),
                constraints=[LinearConstraint(rows, values, values)] if len(rows) else [],
            )
            # unbounded above: nothing published limits it
            found.append(np.inf if solved.x is None else round(sign * solved.fun))
        return int(found[0]), found[1]

    @cached_property
    def _unknowns(self) -> dict[tuple[Labels, int], int]:
        pairs = [(c, self.stood_still[n][c]) for n, file in enumerate(self.files) for c in file if TOTAL not in c]
        return {pair: number for number, pair in enumerate(dict.fromkeys(pairs))}

    @cached_property
    def _told(self) -> tuple[np.ndarray, np.ndarray]:
        told = [(n, f, v) for n, file in enumerate(self.files) for f, v in file.items() if v is not None]
        return np.array([self._summed(n, f) for n, f, _ in told]), np.array([v for _, _, v in told])

    def _summed(self, n: int, labels: Labels) -> np.ndarray:
        row = np.zeros(len(self._unknowns))
        for cell in self.files[n]:
            if TOTAL not in cell and all(a in (TOTAL, b) for a, b in zip(labels, cell, strict=True)):
                row[self._unknowns[cell, self.stood_still[n][cell]]] = 1
        return row
