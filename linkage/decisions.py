"""What people decided about mentions in doubt, obeyed in every linking from then on (ADR 19)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from uuid import UUID, uuid4

import networkx as nx

from connectors.sql_text import execute, one
from linkage.step import Step

Mention = tuple[int, UUID]
"""Source and mention key."""
Node = Mention | UUID
"""A mention, or the cluster that the rules put mentions into."""


@dataclass(frozen=True)
class Ruling:
    """A decision in force, the mentions that speak for its sides, and the clusters that the rules put these into."""

    is_same: bool
    mention: Mention
    candidate: Mention
    mention_cluster: UUID | None = None
    candidate_cluster: UUID | None = None


@dataclass(frozen=True)
class Obeyed:
    """What decisions change of what the rules decided.

    Attributes:
        clusters: old cluster → the one that it becomes part of.
        mentions: mention → its cluster; whether the rules had put it elsewhere.
    """

    clusters: dict[UUID, UUID]
    mentions: dict[Mention, tuple[UUID, bool]]


def obey_rulings(rulings: Iterable[Ruling]) -> Obeyed:
    """Say which clusters and mentions come together and which part.

    Sides that are the same come together with all of their clusters. Where sides that are different are then together,
    the mention on the way from one to the other that the rules put there leaves its cluster.

    Args:
        rulings: by number of decision; those of whole clusters.
    """
    rulings = list(rulings)
    graph: nx.Graph[Node] = nx.Graph()
    for ruling in rulings:
        sides = ((ruling.mention, ruling.mention_cluster), (ruling.candidate, ruling.candidate_cluster))
        graph.add_nodes_from(mention for mention, _ in sides)
        graph.add_edges_from((mention, cluster) for mention, cluster in sides if cluster is not None)
    graph.add_edges_from((r.mention, r.candidate) for r in rulings if r.is_same)
    left: set[Mention] = set()
    for ruling in (r for r in rulings if not r.is_same):
        while (leaves := _first_to_leave(graph, ruling)) is not None:
            graph.remove_edge(*leaves)
            left.add(leaves[0])
    same = [r for r in rulings if r.is_same]
    placed = left | {r.mention for r in same} | {r.candidate for r in same if r.candidate_cluster is None}
    obeyed = Obeyed({}, {})
    for group in nx.connected_components(graph):
        clusters = sorted(node for node in group if isinstance(node, UUID))
        cluster = clusters[0] if clusters else uuid4()
        obeyed.clusters.update(dict.fromkeys(clusters[1:], cluster))
        members = [node for node in group if not isinstance(node, UUID) and node in placed]
        obeyed.mentions.update({mention: (cluster, mention in left) for mention in members})
    return obeyed


def _first_to_leave(graph: nx.Graph[Node], ruling: Ruling) -> tuple[Mention, UUID] | None:
    """Return the first mention and cluster on the way between two sides; none where people alone put them together."""
    if not nx.has_path(graph, ruling.mention, ruling.candidate):
        return None
    way = nx.shortest_path(graph, ruling.mention, ruling.candidate)
    for node, following in pairwise(way):
        if isinstance(following, UUID) and not isinstance(node, UUID):
            return node, following
    return None


def take(step: Step, since: int = 0) -> bool:
    """Fill `pg_temp.ruling` and `ruling_key`; say whether anything was decided after `since`.

    In an incremental linking the mentions of what was decided since, and of decisions of which one mention is
    altered, are altered too.
    """
    connection, library = step.connection, step.library
    facts = {"library": library.name, "since": since}
    execute(
        connection,
        "insert into pg_temp.ruling with held as (select d.decision_no, d.verdict from linkage.decision d"
        " where d.library = %(library)s and d.verdict <> 'open'"
        " and not exists (select from linkage.decision l where l.replaces = d.decision_no)),"
        " speaking as (select distinct on (s.decision_no, s.side) s.* from linkage.decision_mention s"
        " join held h on h.decision_no = s.decision_no"
        f" join {library.mention} m on m.source_id = s.source_id and m.mention_key = s.mention_key"
        " order by s.decision_no, s.side, s.place)"
        " select h.decision_no, h.verdict = 'same', s.source_id, s.mention_key, c.source_id, c.mention_key from held h"
        " join speaking s on s.decision_no = h.decision_no and s.side = 'mention'"
        " join speaking c on c.decision_no = h.decision_no and c.side = 'candidate'",
        facts,
    )
    graph: nx.Graph[Mention] = nx.Graph()
    rows = execute(
        connection,
        "select source_id, mention_key, candidate_source_id, candidate_mention_key from pg_temp.ruling where is_same"
        " order by decision_no",
    )
    graph.add_edges_from(((s, k), (cs, ck)) for s, k, cs, ck in rows)
    with connection.cursor() as cursor, cursor.copy("copy pg_temp.ruling_key from stdin") as copy:
        for key, group in enumerate(nx.connected_components(graph)):
            for mention in group:
                copy.write_row((key, *mention))
    if step.full:
        return False
    execute(
        connection,
        "insert into pg_temp.altered select distinct s.source_id, s.mention_key from linkage.decision_mention s"
        " join linkage.decision d on d.decision_no = s.decision_no"
        f" join {library.mention} m on m.source_id = s.source_id and m.mention_key = s.mention_key"
        " where d.library = %(library)s and (d.seq > %(since)s or d.decision_no in (select o.decision_no"
        " from linkage.decision_mention o join pg_temp.altered a on a.source_id = o.source_id"
        " and a.mention_key = o.mention_key)) and not exists (select from pg_temp.altered a"
        " where a.source_id = s.source_id and a.mention_key = s.mention_key)",
        facts,
    )
    return bool(
        one(
            connection,
            "select exists (select from linkage.decision where library = %(library)s and seq > %(since)s)",
            facts,
        )[0]
    )


def obey(step: Step) -> None:
    """Bring `pg_temp.decided` and `pg_temp.doubt` in line with the decisions."""
    connection = step.connection
    rows = execute(
        connection,
        "select r.is_same, r.source_id, r.mention_key, r.candidate_source_id, r.candidate_mention_key, d.cluster,"
        " c.cluster from pg_temp.ruling r"
        " left join pg_temp.decided d on d.source_id = r.source_id and d.mention_key = r.mention_key"
        " left join pg_temp.decided c on c.source_id = r.candidate_source_id"
        f" and c.mention_key = r.candidate_mention_key{_in_reach(step)} order by r.decision_no",
    ).fetchall()
    if not rows:
        return
    obeyed = obey_rulings(Ruling(same, (s, k), (cs, ck), of, candidate) for same, s, k, cs, ck, of, candidate in rows)
    _place(step, obeyed)
    _settle_doubts(step)


def _in_reach(step: Step) -> str:
    """The rulings on mentions that are decided now; whom they bring together is reached together."""
    if step.full:
        return ""
    return (
        " where exists (select from pg_temp.reached x"
        " where x.source_id = r.source_id and x.mention_key = r.mention_key)"
        " and exists (select from pg_temp.reached x where x.source_id = r.candidate_source_id"
        " and x.mention_key = r.candidate_mention_key)"
    )


def _place(step: Step, obeyed: Obeyed) -> None:
    """Move clusters and mentions. What is left of a cluster is nobody, unless a contract or a number founds it."""
    connection = step.connection
    execute(
        connection,
        "create temp table regrouped (old uuid primary key, new uuid not null) on commit drop;"
        "create temp table replaced (source_id smallint, mention_key uuid, cluster uuid not null, has_left boolean,"
        " was uuid, primary key (source_id, mention_key)) on commit drop",
    )
    with connection.cursor() as cursor:
        with cursor.copy("copy pg_temp.regrouped from stdin") as copy:
            for pair in obeyed.clusters.items():
                copy.write_row(pair)
        with cursor.copy("copy pg_temp.replaced (source_id, mention_key, cluster, has_left) from stdin") as copy:
            for mention, (cluster, has_left) in obeyed.mentions.items():
                copy.write_row((*mention, cluster, has_left))
    execute(
        connection,
        "update pg_temp.replaced p set was = d.cluster from pg_temp.decided d"
        " where d.source_id = p.source_id and d.mention_key = p.mention_key;"
        "update pg_temp.decided d set cluster = r.new from pg_temp.regrouped r where d.cluster = r.old;"
        "delete from pg_temp.decided d using pg_temp.replaced p"
        " where d.source_id = p.source_id and d.mention_key = p.mention_key;"
        "insert into pg_temp.decided (source_id, mention_key, cluster, method)"
        " select source_id, mention_key, cluster, 'decision' from pg_temp.replaced;"
        "delete from pg_temp.decided d where d.cluster in (select cluster from pg_temp.replaced"
        " union all select was from pg_temp.replaced) and not exists (select from pg_temp.decided o"
        " join linkage.source s on s.source_id = o.source_id where o.cluster = d.cluster"
        " and (s.unlinked = 'own' or o.method in ('number', 'crosswalk')));"
        "drop table pg_temp.regrouped, pg_temp.replaced",
    )


def _settle_doubts(step: Step) -> None:
    """Doubts about two sides that are different, and about whom a mention means that is said, are settled."""
    clusters = (
        "select r.*, d.cluster as mention_cluster, c.cluster as candidate_cluster from pg_temp.ruling r"
        " left join pg_temp.decided d on d.source_id = r.source_id and d.mention_key = r.mention_key"
        " left join pg_temp.decided c on c.source_id = r.candidate_source_id"
        " and c.mention_key = r.candidate_mention_key"
    )

    def is_side(doubt: str, side: str) -> str:
        key = "" if side == "mention" else "candidate_"
        return (
            f"((q.{doubt}source_id, q.{doubt}mention_key) = (r.{key}source_id, r.{key}mention_key)"
            f" or q.{doubt}cluster = r.{side}_cluster)"
        )

    execute(
        step.connection,
        "delete from pg_temp.doubt t using ("
        " select q.* from (select t.*, a.cluster, b.cluster as candidate_cluster from pg_temp.doubt t"
        " left join pg_temp.decided a on a.source_id = t.source_id and a.mention_key = t.mention_key"
        " left join pg_temp.decided b on b.source_id = t.candidate_source_id"
        f" and b.mention_key = t.candidate_mention_key) q join ({clusters}) r on not r.is_same"
        f" and ({is_side('', 'mention')} and {is_side('candidate_', 'candidate')}"
        f" or {is_side('', 'candidate')} and {is_side('candidate_', 'mention')})"
        " union all select q.*, null, null from pg_temp.doubt q join pg_temp.ruling r on r.is_same"
        " and r.source_id = q.source_id and r.mention_key = q.mention_key"
        " where q.reason in ('weak_evidence', 'several_candidates')) s"
        " where t.source_id = s.source_id and t.mention_key = s.mention_key"
        " and t.candidate_source_id = s.candidate_source_id and t.candidate_mention_key = s.candidate_mention_key",
    )
