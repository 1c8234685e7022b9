"""Whose a number is: all mentions on one number are one person, unless their names clearly differ."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

from linkage.persons.engines import Engine
from linkage.persons.names import clearly_differ


class Bearer(NamedTuple):
    """A mention on a number that bears several names, and how far its source is trusted (0 most)."""

    source_id: int
    mention_key: str
    name: str | None
    former_name: str | None
    trust: int


def find_contradicted(engine: Engine, trust: Mapping[int, int], *, among: str) -> None:
    """Make `pg_temp.contradicted (source_id, mention_key)`.

    A number stays with those bearers of one name whose source is trusted most; the others' number is contradicted.

    Args:
        engine: where the mentions are compared.
        trust: rank by source.
        among: condition on the numbers (`m.id_no`) that are looked at.
    """
    engine.run("drop table if exists pg_temp.contradicted")
    engine.run("create table pg_temp.contradicted (source_id smallint, mention_key uuid)")
    found = engine.run(
        "select m.id_no, m.source_id, m.mention_key::text, m.name, m.former_name from linkage.person_mention m"
        f" join (select m.id_no from linkage.person_mention m where m.is_id_usable{among} group by m.id_no"
        " having min(m.name) <> max(m.name)) g on g.id_no = m.id_no where m.is_id_usable order by m.id_no",
    )
    last = len(trust)
    rows = [
        (bearer.source_id, bearer.mention_key)
        for _, group in groupby(found.fetchall(), key=lambda row: row[0])
        for bearer in contradictions(
            [Bearer(source, key, name, former, trust.get(source, last)) for _, source, key, name, former in group]
        )
    ]
    engine.fill("pg_temp.contradicted", rows)
    engine.analyze("pg_temp.contradicted")


def contradictions(bearers: Sequence[Bearer]) -> list[Bearer]:
    """Return the bearers of one number whose it is not.

    Args:
        bearers: all mentions on the number. One without a name is taken for the holder.
    """
    names = sorted({b.name for b in bearers if b.name is not None})
    same = _same_names(names, bearers)
    groups: dict[str, list[Bearer]] = {}
    for bearer in bearers:
        if bearer.name is not None:
            groups.setdefault(same[bearer.name], []).append(bearer)
    if len(groups) < 2:
        return []
    held = min(groups, key=lambda g: (min(b.trust for b in groups[g]), -len(groups[g]), g))
    return [b for name, group in sorted(groups.items()) if name != held for b in group]


def _same_names(names: Sequence[str], bearers: Iterable[Bearer]) -> dict[str, str]:
    """Return for each name the one that stands for all it may be; a former name ties the names before and after."""
    ties = {(b.name, b.former_name) for b in bearers if b.former_name is not None}
    root = {name: name for name in names}

    def top(name: str) -> str:
        while root[name] != name:
            name = root[name]
        return name

    for n, left in enumerate(names):
        for right in names[n + 1 :]:
            tied = any(
                (a == left and not clearly_differ(b, right)) or (a == right and not clearly_differ(b, left))
                for a, b in ties
                if a is not None and b is not None
            )
            if tied or not clearly_differ(left, right):
                low, high = sorted((top(left), top(right)))
                root[high] = low
    return {name: top(name) for name in names}
