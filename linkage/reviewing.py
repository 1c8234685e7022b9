"""Mentions in doubt, and what a person decides about them: recorded once, for every linking from then on (ADR 19)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

import networkx as nx

from connectors.apply import lock, next_event
from connectors.database import Connection
from connectors.errors import UserError
from connectors.sql_text import execute, one
from linkage.decisions import Mention
from linkage.libraries import LIBRARIES, Library

Verdict = Literal["same", "different", "open"]
"""`open`: an earlier decision holds no longer."""
REVIEW_ID = re.compile(r"(?P<source>\d+)-(?P<batch>\d+)-(?P<row>\d+)-(?P<candidate>[0-9a-f]{8})")
"""As the models `link_review` make it: where the mention stands, and the beginning of the candidate's id."""


@dataclass(frozen=True)
class Sides:
    """The mentions that speak for whom is in doubt and for who may be meant, in the order in which they speak."""

    library: Library
    mention: tuple[Mention, ...]
    candidate: tuple[Mention, ...]
    replaces: int | None = None


def decide(connection: Connection, what: str, verdict: Verdict, *, actor: str, why: str, now: datetime) -> int:
    """Record a decision and return its number; commit is the caller's.

    Args:
        what: a review, as `link_review.review_id` names it, or the number of an earlier decision, which it replaces.
        verdict: what holds from now on.
        actor: who decides.
        why: the grounds; identifiers in them are masked.

    Raises:
        UserError: no grounds; no such review or decision; the opposite follows from other decisions in force.
    """
    if not why.strip():
        raise UserError("请用 --why 写明依据，如：已与公安户政电话核实")
    lock(connection)
    sides = _of_decision(connection, int(what)) if what.isdecimal() else _of_review(connection, what)
    if verdict == "open" and sides.replaces is None:
        raise UserError("只有作出过的决定才能撤销：weihai review list --decided 列出它们的编号")
    _check(connection, sides, verdict)
    seq = next_event(connection, "decide", None, actor=actor, why=why, now=now)
    [number] = one(
        connection,
        "insert into linkage.decision (seq, library, verdict, replaces) values (%(seq)s, %(library)s, %(verdict)s,"
        " %(replaces)s) returning decision_no",
        {"seq": seq, "library": sides.library.name, "verdict": verdict, "replaces": sides.replaces},
    )
    with connection.cursor() as cursor:
        cursor.executemany(
            "insert into linkage.decision_mention values (%s, %s, %s, %s, %s)",
            [
                (number, side, place, *mention)
                for side, mentions in (("mention", sides.mention), ("candidate", sides.candidate))
                for place, mention in enumerate(mentions)
            ],
        )
    return int(number)


def _of_review(connection: Connection, review_id: str) -> Sides:
    found = REVIEW_ID.fullmatch(review_id.strip().lower())
    if found is None:
        raise UserError("这不是核查编号：weihai review list 列出现有的编号，形如 12-345-6-0a1b2c3d")
    rows = [
        (library, *row)
        for library in LIBRARIES.values()
        for row in execute(
            connection,
            "select r.source_id, r.mention_key, r.candidate_id from linkage.review r"
            f" join {library.mention} m on m.source_id = r.source_id and m.mention_key = r.mention_key"
            " where r.library = %(library)s and r.source_id = %(source)s and m.batch_id = %(batch)s"
            " and m.row_no = %(row)s and starts_with(r.candidate_id::text, %(candidate)s)",
            {"library": library.name, **found.groupdict()},
        )
    ]
    if len(rows) != 1:
        raise UserError("没有这项待核查，或它已不在疑问中：weihai review list 列出现有的")
    [(library, source_id, mention_key, candidate_id)] = rows
    own = execute(
        connection,
        f"select {library.id} from {library.link} where source_id = %(source)s and mention_key = %(key)s",
        {"source": source_id, "key": mention_key},
    ).fetchone()
    first = (source_id, mention_key)
    others = _mentions_of(connection, library, own[0]) if own is not None else ()
    return Sides(library, (first, *(m for m in others if m != first)), _mentions_of(connection, library, candidate_id))


def _mentions_of(connection: Connection, library: Library, of: UUID) -> tuple[Mention, ...]:
    """Return the mentions in force of a person or entity, those linked earliest first."""
    rows = execute(
        connection,
        f"select l.source_id, l.mention_key from {library.link} l join {library.mention} m"
        " on m.source_id = l.source_id and m.mention_key = l.mention_key"
        f" where l.{library.id} = %(id)s order by l.first_no",
        {"id": of},
    )
    return tuple(rows.fetchall())


def _of_decision(connection: Connection, number: int) -> Sides:
    row = execute(
        connection,
        "select library, (select l.decision_no from linkage.decision l where l.replaces = d.decision_no)"
        " from linkage.decision d where decision_no = %(number)s",
        {"number": number},
    ).fetchone()
    if row is None:
        raise UserError(f"没有第 {number} 号决定：weihai review list --decided 列出它们")
    if row[1] is not None:
        raise UserError(f"第 {number} 号决定已被第 {row[1]} 号代替：请写后者的编号")
    sides: dict[str, list[Mention]] = {"mention": [], "candidate": []}
    for side, source_id, mention_key in execute(
        connection,
        "select side, source_id, mention_key from linkage.decision_mention where decision_no = %(number)s"
        " order by side, place",
        {"number": number},
    ):
        sides[side].append((source_id, mention_key))
    if not all(sides.values()):
        raise UserError(f"第 {number} 号决定所涉的人已依法删除")
    return Sides(LIBRARIES[row[0]], tuple(sides["mention"]), tuple(sides["candidate"]), number)


def _check(connection: Connection, sides: Sides, verdict: Verdict) -> None:
    """Refuse what other decisions in force say the opposite of, through others too."""
    rows = execute(
        connection,
        "select d.decision_no, d.verdict, m.source_id, m.mention_key, c.source_id, c.mention_key"
        " from linkage.decision d"
        " join linkage.decision_mention m on m.decision_no = d.decision_no and m.side = 'mention' and m.place = 0"
        " join linkage.decision_mention c on c.decision_no = d.decision_no and c.side = 'candidate' and c.place = 0"
        " where d.library = %(library)s and d.verdict <> 'open' and d.decision_no is distinct from %(replaces)s"
        " and not exists (select from linkage.decision l where l.replaces = d.decision_no) order by d.decision_no",
        {"library": sides.library.name, "replaces": sides.replaces},
    ).fetchall()
    alike: nx.Graph[Mention] = nx.Graph()
    alike.add_nodes_from((sides.mention[0], sides.candidate[0]))
    alike.add_edges_from(((s, k), (cs, ck)) for _, said, s, k, cs, ck in rows if said == "same")
    if verdict == "different" and nx.has_path(alike, sides.mention[0], sides.candidate[0]):
        raise UserError("已有决定说双方相同（直接或经由第三方）：请先用 weihai review decide 编号 open 撤销它")
    if verdict == "same":
        alike.add_edge(sides.mention[0], sides.candidate[0])
        alike.add_nodes_from(side for _, _, s, k, cs, ck in rows for side in ((s, k), (cs, ck)))
        for number, said, s, k, cs, ck in rows:
            if said == "different" and nx.has_path(alike, (s, k), (cs, ck)):
                raise UserError(f"第 {number} 号决定说双方（或与其相同者）不同：请先撤销它")
