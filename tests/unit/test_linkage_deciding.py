"""Persons from weights, by hand-made pairs; and parameters that hang together."""

from __future__ import annotations

from math import isclose
from pathlib import Path

import pytest

from linkage.persons import engines, weighing
from linkage.persons.deciding import Doubt, Pair, decide
from linkage.persons.model import Model, load

MODEL = load().model_copy(update={"link": 4.0, "margin": 5.0, "review": -2.0})
A, B, C = "1:a", "2:b", "1:c"
ONCE = {A: 1, B: 2, C: 1}
N, OTHER = "371002199003074518", "371002198505126022"


def clusters(pairs: list[Pair], model: Model = MODEL) -> dict[str, str]:
    return {v.item: v.cluster for v in decide(pairs, model, ONCE)[0]}


def reasons(pairs: list[Pair]) -> set[tuple[str, str, str]]:
    return {(d.item, d.candidate, d.reason) for d in decide(pairs, MODEL, ONCE)[1]}


def test_best_person_is_chosen_when_the_next_is_far_behind() -> None:
    assert clusters([Pair(A, N, 9.0), Pair(A, OTHER, 4.0)]) == {A: N}


def test_nobody_is_chosen_when_the_next_is_within_the_margin() -> None:
    pairs = [Pair(A, N, 9.0), Pair(A, OTHER, 4.1)]
    assert clusters(pairs) == {}
    assert reasons(pairs) == {(A, N, "several_candidates"), (A, OTHER, "several_candidates")}


def test_candidate_is_only_reviewed_when_evidence_is_weak() -> None:
    assert clusters([Pair(A, N, 3.9)]) == {}
    assert decide([Pair(A, N, 3.9)], MODEL, ONCE)[1] == [Doubt(A, N, "weak_evidence", 3.9)]


def test_mention_follows_a_mistyped_number_to_its_owner() -> None:
    assert clusters([Pair(OTHER, N, 12.0), Pair(A, OTHER, 8.0)]) == {OTHER: N, A: N}


def test_two_supported_numbers_stay_two_however_alike() -> None:
    pairs = [Pair(N, OTHER, 30.0, is_weak=False)]
    assert clusters(pairs) == {}
    assert reasons(pairs) == {(N, OTHER, "two_numbers")}


def test_clearly_nearer_mention_stays_when_a_register_would_have_a_person_twice() -> None:
    assert clusters([Pair(A, N, 20.0), Pair(C, N, 10.0)]) == {A: N}
    assert clusters([Pair(A, N, 20.0), Pair(C, N, 19.0)]) == {}


def test_mention_is_torn_when_somebody_without_a_number_is_as_near() -> None:
    assert clusters([Pair(A, N, 10.0), Pair(A, B, 9.0)]) == {}
    assert clusters([Pair(A, N, 10.0), Pair(A, B, 9.0), Pair(B, N, 11.0)]) == {A: N, B: N}


def test_mentions_without_numbers_are_one_when_no_register_has_two_of_them() -> None:
    assert clusters([Pair(A, B, 8.0)]) == {A: A, B: A}
    assert clusters([Pair(A, B, 8.0), Pair(B, C, 7.0)]) == {}


@pytest.mark.parametrize("name", load().comparisons)
def test_levels_of_a_comparison_cover_all_outcomes(name: str) -> None:
    levels = load().comparisons[name]
    assert set(list(levels)[:-1]) == set(weighing._CONDITIONS[name])
    assert isclose(sum(level.m for level in levels.values()), 1.0, abs_tol=1e-9)
    assert isclose(sum(level.u for level in levels.values()), 1.0, abs_tol=1e-5)


def test_duckdb_fetches_nothing_and_spills_into_the_given_folder(tmp_path: Path) -> None:
    with engines.opened(tmp_path) as database:
        for name in ("autoinstall_known_extensions", "autoload_known_extensions"):
            assert database.execute(f"select current_setting('{name}')").fetchone() == (False,)
        assert database.execute("select current_setting('temp_directory')").fetchone() == (str(tmp_path),)
