"""From weights to persons: to whom each weak item belongs, who stands alone, and what a person must look at."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from linkage.persons.model import Model


class Pair(NamedTuple):
    """Two items that may be one person; the first is weak, unless both are numbers with support of their own."""

    item: str
    candidate: str
    weight: float
    is_weak: bool = True


class Verdict(NamedTuple):
    """Whose an item is: `cluster` is an item that stands for the person."""

    item: str
    cluster: str
    method: str
    weight: float | None


class Doubt(NamedTuple):
    """An item that may be the candidate's, and why it was not linked."""

    item: str
    candidate: str
    reason: str
    weight: float


def is_number(item: str) -> bool:
    """Say whether an item is a number, and not one mention."""
    return ":" not in item


def decide(pairs: Sequence[Pair], model: Model, once: Mapping[str, int | None]) -> tuple[list[Verdict], list[Doubt]]:
    """Decide on all items that stand in pairs. What has no verdict stands alone.

    Numbers that one mention alone bears are decided first, then mentions without a number, then these among themselves;
    two well-supported numbers are never made one.

    Args:
        pairs: those of whole groups of items that reach one another, from the review weight on.
        model: thresholds.
        once: for each item that is a mention, its source if a person stands there once.
    """
    verdicts: list[Verdict] = []
    doubts: list[Doubt] = []
    whose: dict[str, str] = {}
    among: list[Pair] = []
    to_numbers: dict[str, list[Pair]] = defaultdict(list)
    of_numbers: dict[str, list[Pair]] = defaultdict(list)
    for pair in pairs:
        if not pair.is_weak:
            doubts.append(Doubt(pair.item, pair.candidate, "two_numbers", pair.weight))
        elif is_number(pair.item) and is_number(pair.candidate):
            of_numbers[pair.item].append(pair)
        elif is_number(pair.item):
            to_numbers[pair.candidate].append(Pair(pair.candidate, pair.item, pair.weight))
        elif is_number(pair.candidate):
            to_numbers[pair.item].append(pair)
        else:
            among.append(pair)
    for found in (of_numbers, to_numbers):
        for item in sorted(found):
            linked, doubted = _choose(item, _by_person(found[item], whose), model)
            doubts += doubted
            if linked is not None:
                verdicts.append(linked)
        whose |= {v.item: v.cluster for v in verdicts}
    torn = _torn(verdicts, among, model) | _crowded(verdicts, model, once)
    doubts += [Doubt(v.item, v.cluster, "several_candidates", v.weight or 0.0) for v in verdicts if v.item in torn]
    verdicts = [v for v in verdicts if v.item not in torn]
    decided = torn | {v.item for v in verdicts}
    alone = [p for p in among if p.item not in decided and p.candidate not in decided]
    joined, doubted = _join(alone, model, once)
    return verdicts + joined, doubts + doubted


def _torn(verdicts: Sequence[Verdict], among: Sequence[Pair], model: Model) -> set[str]:
    """Return the linked items that come as near to a mention of somebody else, who has no number yet."""
    linked = {v.item: v for v in verdicts}
    torn = set()
    for pair in among:
        for one, other in ((pair.item, pair.candidate), (pair.candidate, pair.item)):
            own, others = linked.get(one), linked.get(other)
            if own is None or own.weight is None or pair.weight <= own.weight - model.margin:
                continue
            if others is None or others.cluster != own.cluster:
                torn.add(one)
    return torn


def _crowded(verdicts: Sequence[Verdict], model: Model, once: Mapping[str, int | None]) -> set[str]:
    """Return the items that a person would stand twice with in a register: all but one that is clearly nearer."""
    places: dict[tuple[str, int], list[Verdict]] = defaultdict(list)
    for verdict in verdicts:
        register = once.get(verdict.item)
        if register is not None:
            places[verdict.cluster, register].append(verdict)
    crowded = set()
    for rivals in places.values():
        rivals.sort(key=lambda v: (-(v.weight or 0.0), v.item))
        if len(rivals) > 1:
            clear = (rivals[0].weight or 0.0) - (rivals[1].weight or 0.0) >= model.margin
            crowded |= {v.item for v in rivals[1 if clear else 0 :]}
    return crowded


def _by_person(pairs: Iterable[Pair], whose: Mapping[str, str]) -> list[Pair]:
    """Return the best pair with every person, best first."""
    best: dict[str, Pair] = {}
    for pair in pairs:
        person = whose.get(pair.candidate, pair.candidate)
        if person not in best or pair.weight > best[person].weight:
            best[person] = Pair(pair.item, person, pair.weight)
    return sorted(best.values(), key=lambda p: (-p.weight, p.candidate))


def _choose(item: str, best: Sequence[Pair], model: Model) -> tuple[Verdict | None, list[Doubt]]:
    first = best[0]
    if first.weight < model.link:
        return None, [Doubt(item, p.candidate, "weak_evidence", p.weight) for p in best]
    rivals = [p for p in best if first.weight - p.weight < model.margin]
    if len(rivals) > 1:
        return None, [Doubt(item, p.candidate, "several_candidates", p.weight) for p in rivals]
    return Verdict(item, first.candidate, "model", first.weight), []


def _join(pairs: Sequence[Pair], model: Model, once: Mapping[str, int | None]) -> tuple[list[Verdict], list[Doubt]]:
    """Group mentions without a number, best pairs first; no group holds two mentions of a register of single ones."""
    doubts = [Doubt(p.item, p.candidate, "weak_evidence", p.weight) for p in pairs if p.weight < model.link]
    rivals = _rivals(pairs, model, once)
    group: dict[str, list[str]] = {}
    weight: dict[str, float] = {}
    for pair in sorted(pairs, key=lambda p: (-p.weight, p.item, p.candidate)):
        if pair.weight < model.link:
            continue
        left, right = group.setdefault(pair.item, [pair.item]), group.setdefault(pair.candidate, [pair.candidate])
        if left is right:
            continue
        registers = [once.get(i) for i in (*left, *right) if once.get(i) is not None]
        if (pair.item, pair.candidate) in rivals or len(registers) > len(set(registers)):
            doubts.append(Doubt(pair.item, pair.candidate, "several_candidates", pair.weight))
            continue
        for item in (pair.item, pair.candidate):
            weight.setdefault(item, pair.weight)
        left += right
        for item in right:
            group[item] = left
    verdicts = [
        Verdict(item, min(members), "model", weight.get(item)) for item, members in group.items() if len(members) > 1
    ]
    return verdicts, doubts


def _rivals(pairs: Sequence[Pair], model: Model, once: Mapping[str, int | None]) -> set[tuple[str, str]]:
    """Return the pairs of an item with several mentions of one register that come equally near to it."""
    found: dict[tuple[str, int], list[tuple[float, Pair]]] = defaultdict(list)
    for pair in pairs:
        for one, other in ((pair.item, pair.candidate), (pair.candidate, pair.item)):
            register = once.get(other)
            if register is not None and pair.weight >= model.review:
                found[one, register].append((pair.weight, pair))
    return {
        (pair.item, pair.candidate)
        for near in found.values()
        for weight, pair in near
        if any(other is not pair and abs(weight - rival) < model.margin for rival, other in near)
        or any(other is not pair and rival > weight for rival, other in near)
    }
