"""Scores of a delivery by the quality dimensions of GB/T 36344-2018: exact arithmetic, no rounding before a comparison.

Duplicate and dirty-data rates (0303, 0305) arrive as passed of checked rows, that is already inverted.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction


@dataclass(frozen=True)
class RuleResult:
    """What intake stored about one rule of one batch: `passed` of `checked` rows (A of B)."""

    rule: str
    dimension: str
    checked: int
    passed: int


@dataclass(frozen=True)
class DimensionScore:
    """ΣA of ΣB over the rules of one quality dimension (two digits)."""

    dimension: str
    passed: int
    checked: int

    @property
    def share(self) -> Fraction:
        """ΣA/ΣB."""
        return Fraction(self.passed, self.checked)


@dataclass(frozen=True)
class BatchScore:
    """The checked dimensions in order, and their equal-weight mean; null where nothing was checked."""

    dimensions: tuple[DimensionScore, ...]
    value: Fraction | None


def score(results: Iterable[RuleResult]) -> BatchScore:
    """Return the score of a batch: the mean of ΣA/ΣB over the dimensions that were checked (ΣB > 0)."""
    sums: dict[str, list[int]] = {}
    for result in results:
        entry = sums.setdefault(result.dimension[:2], [0, 0])
        entry[0] += result.passed
        entry[1] += result.checked
    dimensions = tuple(DimensionScore(d, *sums[d]) for d in sorted(sums) if sums[d][1] > 0)
    if not dimensions:
        return BatchScore((), None)
    return BatchScore(dimensions, sum((d.share for d in dimensions), Fraction()) / len(dimensions))


def exact(share: float) -> Fraction:
    """Return the fraction that was written: 0.9 is nine tenths, not the nearest binary number."""
    return Fraction(repr(share))


def six_places(value: Fraction) -> Decimal:
    """Round down to six places, so that a stored figure never looks better than it is."""
    return Decimal(value.numerator * 1_000_000 // value.denominator).scaleb(-6)


def percent(value: Fraction) -> str:
    """Show a share as a percentage with up to two places, rounded down: 89.999 % never reads as 90 %."""
    hundredths = value * 10_000
    whole = hundredths.numerator // hundredths.denominator
    return f"{whole / 100:.2f}".rstrip("0").rstrip(".") + "%"


def rate(passed: int, checked: int) -> str:
    """Show a result in words: `1,080 / 1,200（90%）`, or 未检查 where no row was judged."""
    if checked == 0:
        return "未检查"
    return f"{passed:,} / {checked:,}（{percent(Fraction(passed, checked))}）"
