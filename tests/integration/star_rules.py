"""The plan's star rules worked out a second time, with fractions, and operands on both sides of every boundary."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from connectors.settings import CHECKOUT

Operands = dict[str, Fraction | None]
Met = bool | None

SCALE = 1_000_000
"""Denominator of ratios, so that one unit of the numerator is the step around a threshold."""


@dataclass(frozen=True)
class Indicator:
    """An indicator of `seeds/indicators.csv`."""

    indicator_id: str
    formula: Mapping[str, Any]
    options: Mapping[str, Any]
    four: Mapping[str, Any] | None
    five: Mapping[str, Any] | None
    operands: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Case:
    """Operands of an indicator and the stars that follow."""

    indicator_id: str
    operands: Operands
    star: int | None
    four: Met
    five: Met
    leaf: str = field(default="", compare=False)


def indicators() -> list[Indicator]:
    """Return the 49 indicators."""
    with (CHECKOUT / "seeds" / "indicators.csv").open(encoding="utf-8", newline="") as file:
        return [
            Indicator(
                indicator_id=row["indicator_id"],
                formula=json.loads(row["formula"]),
                options=json.loads(row["metric_options"] or "{}"),
                four=json.loads(row["four_star_rule"] or "null"),
                five=json.loads(row["five_star_rule"] or "null"),
                operands={o["name"]: o for o in json.loads(row["operands"])},
            )
            for row in csv.DictReader(file)
        ]


def cases(indicator: Indicator) -> Iterator[Case]:
    """Yield for every condition of both rules its metric below, at and above the threshold, missing, and over nothing;
    each with the other metrics met, failed and missing.
    """
    leaves = [*_leaves(indicator.four), *_leaves(indicator.five)]
    metrics = list(dict.fromkeys(leaf["metric"] for leaf in leaves))
    for leaf in leaves:
        for others in ("met", "failed", "missing"):
            for at in ("below", "at", "above", "missing", "nothing"):
                operands: Operands = dict.fromkeys(indicator.operands)
                for metric in metrics:
                    if metric != leaf["metric"]:
                        _set(indicator, operands, metric, _far(leaves, metric, others))
                _set(indicator, operands, leaf["metric"], _near(indicator, leaf, at), over_nothing=at == "nothing")
                four, five = (_holds(rule, indicator, operands) for rule in (indicator.four, indicator.five))
                star = _star(indicator, four, five)
                yield Case(indicator.indicator_id, operands, star, four, five, f"{leaf} {at}, others {others}")


def _leaves(rule: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    if rule is None:
        return []
    parts = rule.get("all") or rule.get("any")
    return [rule] if parts is None else [leaf for part in parts for leaf in _leaves(part)]


def _threshold(leaf: Mapping[str, Any]) -> Fraction:
    if "threshold_pct" in leaf:
        return Fraction(str(leaf["threshold_pct"])) / 100
    return Fraction(1 if leaf["op"] == "is_true" else str(leaf["value"]))


def _near(indicator: Indicator, leaf: Mapping[str, Any], at: str) -> Fraction | None:
    if at == "missing":
        return None
    definition = indicator.operands.get(leaf["metric"])
    step = Fraction(1, SCALE) if definition is None or not definition["whole"] else Fraction(1)
    sides = {"below": -step, "at": Fraction(0), "above": step, "nothing": Fraction(0)}
    return max(_threshold(leaf) + sides[at], Fraction(0))


def _far(leaves: list[Mapping[str, Any]], metric: str, others: str) -> Fraction | None:
    if others == "missing":
        return None
    mine = [leaf for leaf in leaves if leaf["metric"] == metric]
    falls = mine[0]["op"] in ("<", "<=")
    if mine[0]["op"] == "is_true":
        return Fraction(others == "met")
    thresholds = [_threshold(leaf) for leaf in mine]
    return max(thresholds) * 2 if (others == "met") is not falls else min(thresholds) / 2


def _parts(indicator: Indicator) -> dict[str, Mapping[str, Any]]:
    formula = indicator.formula
    if formula["type"] == "ratio":
        return {"rate": formula}
    return {part["id"]: part for part in formula.get("parts", ()) if part["type"] == "ratio"}


def _set(
    indicator: Indicator, operands: Operands, metric: str, value: Fraction | None, *, over_nothing: bool = False
) -> None:
    """Choose operands that give a metric this value; None leaves them missing."""
    formula, root = indicator.formula, indicator.options.get("square_root", {})
    if value is None:
        return
    if metric in _parts(indicator):
        _set_ratio(operands, _parts(indicator)[metric], value, 0 if over_nothing else SCALE)
    elif metric == formula.get("result"):
        for part in formula["parts"]:
            _set_ratio(operands, part, value, 0 if over_nothing else SCALE)
    elif formula["type"] == "growth":
        _set_ratio(operands, formula["current"], 1 + value, SCALE)
        _set_ratio(operands, formula["previous"], Fraction(0 if over_nothing else 1), SCALE)
    elif metric == root.get("metric"):
        operands[root["numerator"]] = value * value * 100
        operands[root["denominator"]] = Fraction(0 if over_nothing else 100)
    else:
        operands[metric] = value


def _set_ratio(operands: Operands, part: Mapping[str, Any], value: Fraction, over: int) -> None:
    operands[part["numerator"]] = value * (over or SCALE)
    operands[part["denominator"]] = Fraction(over)


def _ratio(part: Mapping[str, Any], operands: Operands, *, is_capped: bool) -> Fraction | None:
    top, bottom = operands[part["numerator"]], operands[part["denominator"]]
    if top is None or bottom is None or bottom <= 0:
        return None
    return min(top / bottom, Fraction(1)) if is_capped else top / bottom


def _metric(indicator: Indicator, operands: Operands, metric: str) -> Fraction | None:
    formula, root = indicator.formula, indicator.options.get("square_root", {})
    is_capped = bool(indicator.options.get("cap"))
    if metric in _parts(indicator):
        return _ratio(_parts(indicator)[metric], operands, is_capped=is_capped)
    if metric == formula.get("result"):
        found = [(_ratio(part, operands, is_capped=is_capped), Fraction(part["weight"])) for part in formula["parts"]]
        known = [ratio * weight for ratio, weight in found if ratio is not None]
        return sum(known, Fraction(0)) if len(known) == len(found) else None
    if formula["type"] == "growth":
        now, before = (_ratio(formula[when], operands, is_capped=False) for when in ("current", "previous"))
        return None if now is None or before is None or before <= 0 else (now - before) / before
    if metric == root.get("metric"):
        # its square
        return _ratio(root, operands, is_capped=False)
    looser = [strict for strict, loose in formula.get("implications", {}).items() if loose == metric]
    return Fraction(1) if any(operands[strict] == 1 for strict in looser) else operands[metric]


def _holds(rule: Mapping[str, Any] | None, indicator: Indicator, operands: Operands) -> Met:
    if rule is None:
        return None
    for word, decisive in (("all", False), ("any", True)):
        if word in rule:
            parts = [_holds(part, indicator, operands) for part in rule[word]]
            return decisive if decisive in parts else None if None in parts else not decisive
    value, threshold = _metric(indicator, operands, rule["metric"]), _threshold(rule)
    if value is None:
        return None
    if rule["metric"] == indicator.options.get("square_root", {}).get("metric"):
        threshold *= threshold
    return {
        ">=": value >= threshold,
        ">": value > threshold,
        "<=": value <= threshold,
        "<": value < threshold,
        "is_true": value == 1,
    }[rule["op"]]


def _star(indicator: Indicator, four: Met, five: Met) -> int | None:
    if indicator.five is None or five is None:
        return None
    if five:
        return 5
    if indicator.four is None:
        return 0
    return None if four is None else 4 if four else 0
