"""Scores by hand, exactly."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from expectations.score import BatchScore, RuleResult, exact, percent, rate, score, six_places


def test_score_is_the_mean_over_dimensions_when_several_were_checked():
    result = score(
        [
            RuleResult("a.required", "0201", 100, 90),
            RuleResult("b.required", "0202", 300, 300),
            RuleResult("a.format", "0302", 10, 5),
            RuleResult("row.duplicate", "0303", 10, 10),
        ]
    )

    # completeness 390/400, accuracy 15/20: (0.975 + 0.75) / 2
    assert result.value == Fraction(8625, 10_000)
    assert [(d.dimension, d.passed, d.checked) for d in result.dimensions] == [("02", 390, 400), ("03", 15, 20)]


def test_dimension_counts_nothing_when_it_was_not_checked():
    result = score([RuleResult("a.required", "0201", 10, 9), RuleResult("a.reference", "0402", 0, 0)])

    assert result.value == Fraction(9, 10)
    assert [d.dimension for d in result.dimensions] == ["02"]


@pytest.mark.parametrize("results", [[], [RuleResult("a.required", "0201", 0, 0)]])
def test_score_is_null_when_nothing_was_checked(results):
    assert score(results) == BatchScore((), None)


def test_nine_tenths_reach_the_target_when_the_target_is_written_as_a_float():
    assert score([RuleResult("a.required", "0201", 10, 9)]).value == exact(0.9)


@pytest.mark.parametrize(
    ("value", "stored", "shown"),
    [
        (Fraction(9, 10), "0.900000", "90%"),
        (Fraction(8_999_999_999, 10_000_000_000), "0.899999", "89.99%"),
        (Fraction(2, 3), "0.666666", "66.66%"),
        (Fraction(19, 22), "0.863636", "86.36%"),
        (Fraction(1), "1.000000", "100%"),
        (Fraction(0), "0.000000", "0%"),
        (Fraction(1, 200), "0.005000", "0.5%"),
    ],
)
def test_figure_is_rounded_down_when_stored_or_shown(value, stored, shown):
    assert six_places(value) == Decimal(stored)
    assert percent(value) == shown


def test_rate_says_not_checked_when_no_row_was_judged():
    assert rate(0, 0) == "未检查"
    assert rate(1_080, 1_200) == "1,080 / 1,200（90%）"


@given(st.lists(st.tuples(st.sampled_from(["0201", "0301", "0402"]), st.integers(0, 1000), st.integers(0, 1000))))
def test_score_stays_between_the_worst_and_the_best_dimension_when_anything_was_checked(rows):
    results = [RuleResult(f"r{i}", d, max(a, b), min(a, b)) for i, (d, a, b) in enumerate(rows)]

    found = score(results)

    if found.value is None:
        assert all(r.checked == 0 for r in results)
    else:
        shares = [d.share for d in found.dimensions]
        assert min(shares) <= found.value <= max(shares)
        assert 0 <= found.value - Fraction(six_places(found.value)) < Fraction(1, 1_000_000)
