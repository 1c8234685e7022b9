"""What is withheld from open tables of counts, and that nobody works it out: from totals, or from several releases."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.opening.figures import TOTAL, Figures
from connectors.opening.suppression import MINIMUM, Release, held, release
from tests.attacker import Attacker, File, Labels

GRID = Figures((("甲", "乙", "丙"), ("男", "女", "其他")))


def counts(*cells: int) -> np.ndarray:
    return np.array(cells, dtype=np.int64)


def file_of(figures: Figures, made: Release) -> File:
    values = figures.values(made.cells)
    return {
        labels: int(value) if shown else None
        for labels, value, shown in zip(figures.labels, values, made.published, strict=True)
    }


def attacker_of(figures: Figures, releases: Sequence[Release]) -> Attacker:
    first = [
        {
            cell: next(m for m, earlier in enumerate(releases) if earlier.cells[place] == made.cells[place])
            for place, cell in enumerate(figures.cells)
        }
        for made in releases
    ]
    return Attacker([file_of(figures, r) for r in releases], first)


def small_figures(figures: Figures, releases: Sequence[Release]) -> list[tuple[int, Labels, int]]:
    return [
        (number, labels, int(value))
        for number, made in enumerate(releases)
        for labels, value in zip(figures.labels, figures.values(made.cells), strict=True)
        if 0 < value < MINIMUM
    ]


def release_all(figures: Figures, series: Sequence[np.ndarray]) -> list[Release]:
    made: list[Release] = []
    for counted in series:
        made.append(release(figures, counted, made))
    return made


def test_totals_are_those_of_the_cells() -> None:
    values = dict(zip(GRID.labels, GRID.values(np.arange(9)), strict=True))
    assert values["乙", TOTAL] == 3 + 4 + 5
    assert values[TOTAL, "女"] == 1 + 4 + 7
    assert values[TOTAL, TOTAL] == 36
    assert len(GRID.labels) == (3 + 1) * (3 + 1)


def test_attack_succeeds_when_only_the_small_cell_is_withheld() -> None:
    cells = counts(1, 40, 30, 20, 25, 35, 50, 60, 70)
    naive = Release(cells, (GRID.values(cells) >= MINIMUM) | (GRID.values(cells) == 0))
    assert attacker_of(GRID, [naive]).bounds(0, ("甲", "男")) == (1, 1)


def test_unique_person_cannot_be_worked_out_from_cell_row_column_and_total() -> None:
    made = release(GRID, counts(1, 40, 30, 20, 25, 35, 50, 60, 70))
    least, greatest = attacker_of(GRID, [made]).bounds(0, ("甲", "男"))
    assert least == 0
    assert greatest >= 1 + MINIMUM
    # the totals stay, and no more than a square of four cells is withheld for one person
    withheld = [labels for labels, value in file_of(GRID, made).items() if value is None]
    assert len(withheld) == 4
    assert all(TOTAL not in labels for labels in withheld)


def test_difference_of_two_releases_tells_of_one_person_when_nothing_is_remembered() -> None:
    before, after = counts(10, 40, 30, 20, 25, 35, 50, 60, 70), counts(11, 40, 30, 20, 25, 35, 50, 60, 70)
    first, second = (file_of(GRID, release(GRID, c)) for c in (before, after))
    assert second["甲", "男"] - first["甲", "男"] == 1  # type: ignore[operator]
    remembered = release_all(GRID, [before, after])
    assert file_of(GRID, remembered[1]) == file_of(GRID, remembered[0])


def test_released_before_and_withheld_now_is_not_read_from_the_earlier_release() -> None:
    before = counts(8, 12, 30, 20, 25, 35, 50, 60, 70)
    after = counts(3, 12, 30, 20, 25, 35, 50, 60, 70)
    made = release_all(GRID, [before, after])
    assert made[0].published.all()
    # its neighbours are known from the first release: totals must go
    least, greatest = attacker_of(GRID, made).bounds(1, ("甲", "男"))
    assert least == 0
    assert greatest >= 3 + MINIMUM


def test_nothing_is_released_anew_when_nothing_moved_enough() -> None:
    cells = counts(10, 40, 30, 20, 25, 35, 50, 60, 70)
    first = release(GRID, cells)
    assert release(GRID, cells + 4, [first]) is first
    assert release(GRID, cells + 5, [first]) is not first


@pytest.mark.parametrize(
    ("former", "now", "published"),
    [([10], 14, 10), ([10], 15, 15), ([10, 16], 11, 10), ([10, 16], 13, 16), ([0], 4, 0), ([5], 0, 0), ([4], 0, 4)],
)
def test_cell_moves_by_nobody_or_by_five(former: list[int], now: int, published: int) -> None:
    assert held(counts(now), [counts(value) for value in former]) == published


TABLES = st.sampled_from([(2, 2), (3, 3), (4, 3), (2, 2, 2), (3, 2, 2), (6,)]).map(
    lambda sizes: Figures(tuple(tuple(f"{d}{n}" for n in range(size)) for d, size in enumerate(sizes)))
)
COUNT = st.one_of(st.integers(0, 6), st.integers(0, 12), st.integers(0, 60))


@st.composite
def series(draw: st.DrawFn) -> tuple[Figures, list[np.ndarray]]:
    figures = draw(TABLES)
    size = len(figures.cells)
    told = [np.array(draw(st.lists(COUNT, min_size=size, max_size=size)), dtype=np.int64)]
    for _ in range(draw(st.integers(0, 2))):
        steps = draw(st.lists(st.sampled_from([0, 0, 0, 1, -1, 4, -5, 6, -12, 20]), min_size=size, max_size=size))
        told.append(np.maximum(told[-1] + np.array(steps, dtype=np.int64), 0))
    return figures, told


@settings(max_examples=50)
@given(series())
def test_small_figures_stay_hidden_and_releases_true_within_five(drawn: tuple[Figures, list[np.ndarray]]) -> None:
    figures, told = drawn
    made = release_all(figures, told)
    attacker = attacker_of(figures, made)
    for number, labels, value in small_figures(figures, made):
        assert attacker.files[number][labels] is None
        least, greatest = attacker.bounds(number, labels)
        assert least == 0, (number, labels)
        assert greatest >= value + MINIMUM, (number, labels)
    for one, other in itertools.combinations(made, 2):
        moved = np.abs(one.cells - other.cells)
        assert ((moved == 0) | (moved >= MINIMUM)).all()
    for counted, one in zip(told, made, strict=True):
        assert (np.abs(one.cells - counted) < MINIMUM).all()
        assert (one.cells >= 0).all()
        assert one.published[figures.values(one.cells) == 0].all()
    assert release(figures, told[-1], made) is made[-1]
