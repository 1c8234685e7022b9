"""Which figures of a table of counts may be published, given what was published before (ADR 30).

A figure of 1 to k − 1 is withheld, and with it as many others as it takes that nobody can work it out from the
figures of this release and all former ones: for every small figure there must be two tables of whole numbers that agree
with all that was published, in one of which it is 0 and in the other k more than it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp

from connectors.opening.figures import Counts, Figures

MINIMUM = 5
"""k: the smallest group that a published figure speaks of."""

_SECONDS = 60
"""Until the solver gives the best change that it found, or none."""

Flags = NDArray[np.bool_]
Change = NDArray[np.int64]


@dataclass(frozen=True)
class Release:
    """What one release says.

    Attributes:
        cells: the counts it rests on; confidential where withheld.
        published: by figure.
    """

    cells: Counts
    published: Flags


class UnprotectableError(Exception):
    """What was published before leaves nothing to withhold; the earlier releases were not made by `release`."""


def held(counts: Counts, former: Sequence[Counts], minimum: int = MINIMUM) -> Counts:
    """Return the counts to publish: a cell that moved by less than the minimum stays as it was published.

    A cell that moved farther, but to within the minimum of what an earlier release said, takes the nearest such value
    again. So every cell tells any two releases apart by nobody or by at least the minimum, and is off by less than it.

    Args:
        former: the counts of all releases, oldest first.
    """
    if not former:
        return counts
    said = np.stack(former[::-1])
    distances = np.abs(counts - said)
    nearest = np.argmin(distances, axis=0)
    again = np.take_along_axis(said, nearest[np.newaxis], axis=0)[0]
    moved = np.where(distances.min(axis=0) < minimum, again, counts)
    stands: Counts = np.where(distances[0] < minimum, said[0], moved)
    return stands


def release(figures: Figures, counts: Counts, former: Sequence[Release] = (), minimum: int = MINIMUM) -> Release:
    """Decide what to publish of the counts.

    Args:
        counts: of every cell, true as of this release.
        former: all releases of this table, oldest first.
        minimum: k.

    Returns:
        A former release itself where all cells stand as they stood in it.

    Raises:
        UnprotectableError: see there.
    """
    if (counts < 0).any():
        raise ValueError("a count is negative")
    cells = held(counts, [r.cells for r in former], minimum)
    for earlier in reversed(former):
        if (cells == earlier.cells).all():
            return earlier
    values = figures.values(cells)
    published = ~_is_small(values, minimum)
    for earlier in former:
        # withheld once, withheld while it stands: what an earlier release hid must not be read from this one
        still = figures.values((cells != earlier.cells).astype(np.int64)) == 0
        published &= ~(still & ~earlier.published)
    draft = Release(cells, published | (values == 0))
    return _Search(figures, (*former, draft), minimum).run()


def _is_small(values: Counts, minimum: int) -> Flags:
    small: Flags = (values > 0) & (values < minimum)
    return small


@dataclass
class _Search:
    """Withholds figures of the last release until every small figure of every release is safe.

    A cell is one unknown in all releases in which it has one value: the reader is taken to know which those are. He
    knows the cells of 0, and every cell that was published with this value before; all others are unknowns.
    """

    figures: Figures
    releases: tuple[Release, ...]
    minimum: int
    witnesses: list[Change] = field(default_factory=list)
    """Changes of the unknowns that leave everything published as it is; withholding more keeps them so."""

    def __post_init__(self) -> None:
        cells = range(len(self.figures.cells))
        told = {(c, int(r.cells[c])) for r in self.releases[:-1] for c in cells if r.published[c]}
        told |= {(c, 0) for c in cells}
        pairs = [(c, int(r.cells[c])) for r in self.releases for c in cells]
        self.number = {pair: number for number, pair in enumerate(dict.fromkeys(p for p in pairs if p not in told))}
        self.values = np.array([count for _, count in self.number], dtype=np.int64)
        self.sums = [self._sums(r) for r in self.releases]
        former = [sums[r.published] for sums, r in zip(self.sums[:-1], self.releases[:-1], strict=True)]
        self.former = _distinct(np.vstack([np.zeros((0, len(self.values)), dtype=np.int64), *former]))

    def run(self) -> Release:
        """Return the last release with all that must be withheld."""
        last = self.releases[-1]
        published = last.published.copy()
        for target in self._targets():
            for least in (self.minimum, -int(target @ self.values)):
                if any(_reaches(int(target @ change), least) for change in self.witnesses):
                    continue
                change = self._change(target, least, published)
                if change is None:
                    change = self._cheapest_change(target, least, published)
                if change is None:
                    raise UnprotectableError
                self.witnesses.append(change)
                published &= self.sums[-1] @ change == 0
        return Release(last.cells, published)

    def _sums(self, release: Release) -> Counts:
        """Return a release's figures × unknowns: 1 where the unknown counts towards the figure."""
        sums = np.zeros((len(self.figures.labels), len(self.values)), dtype=np.int64)
        for cell, count in enumerate(release.cells):
            unknown = self.number.get((cell, int(count)))
            if unknown is not None:
                sums[:, unknown] = self.figures.matrix[:, cell]
        return sums

    def _targets(self) -> Counts:
        """Return every small figure of any release once, as the unknowns that it sums."""
        small = [
            sums[_is_small(self.figures.values(release.cells), self.minimum)]
            for sums, release in zip(self.sums, self.releases, strict=True)
        ]
        return _distinct(np.vstack(small))

    def _change(self, target: Counts, least: int, published: Flags) -> Change | None:
        """Return a change that moves the target so far and nothing that is published; None where there is none."""
        shown = _distinct(self.sums[-1][published])
        return self._solved(np.zeros(len(self.values)), np.vstack([self.former, shown]), target, least)

    def _cheapest_change(self, target: Counts, least: int, published: Flags) -> Change | None:
        """Return a change that moves the target so far, nothing published before, and the least of the last release.

        Each unit by which a published figure moves costs as much as the figure is large: its move is what is withheld.
        """
        shown = self.sums[-1][published]
        size = len(shown)
        weights = 1.0 + self.figures.values(self.releases[-1].cells)[published]
        moves = np.hstack([shown, -np.eye(size, dtype=np.int64), np.eye(size, dtype=np.int64)])
        former = np.pad(self.former, ((0, 0), (0, 2 * size)))
        costs = np.concatenate([np.zeros(len(self.values)), weights, weights])
        return self._solved(costs, np.vstack([former, moves]), np.pad(target, (0, 2 * size)), least)

    def _solved(self, costs: NDArray[np.float64], unmoved: Counts, target: Counts, least: int) -> Change | None:
        """Return the unknowns' part of the cheapest whole-numbered change; further variables are parts of moves.

        Args:
            unmoved: sums that must not change, sums × variables.
        """
        unknowns = len(self.values)
        lower = np.zeros(len(costs))
        lower[:unknowns] = -self.values
        conditions = [
            LinearConstraint(target[np.newaxis], *((least, np.inf) if least > 0 else (-np.inf, least))),
            *([LinearConstraint(unmoved, 0, 0)] if len(unmoved) else []),
        ]
        whole = (np.arange(len(costs)) < unknowns).astype(np.int64)
        found = milp(
            costs,
            integrality=whole,
            bounds=Bounds(lower, np.inf),
            constraints=conditions,
            options={"time_limit": _SECONDS},
        )
        return None if found.x is None else np.rint(found.x[:unknowns]).astype(np.int64)


def _reaches(moved: int, least: int) -> bool:
    return moved >= least if least > 0 else moved <= least


def _distinct(sums: Counts) -> Counts:
    """Return each sum once that sums anything, in order."""
    filled = sums[sums.any(axis=1)]
    _, first = np.unique(filled, axis=0, return_index=True)
    kept: Counts = filled[np.sort(first)]
    return kept
