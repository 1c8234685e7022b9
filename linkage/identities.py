"""Which id a group of mentions bears: the one given earliest stays, through merges and splits (ADR 9)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from connectors.sql_text import execute, one
from linkage.bulk import indexed_afterwards
from linkage.libraries import Library
from linkage.step import Step


@dataclass(frozen=True)
class Claim:
    """An id that mentions of a cluster bear until now, and the number of the earliest of them."""

    cluster: UUID
    id: UUID
    first_no: int


def keep_earliest(claims: Iterable[Claim]) -> dict[UUID, UUID]:
    """Return which cluster keeps which id: earlier claims first, each cluster one id and each id one cluster."""
    kept: dict[UUID, UUID] = {}
    given: set[UUID] = set()
    for claim in sorted(claims, key=lambda c: (c.first_no, c.id)):
        if claim.cluster not in kept and claim.id not in given:
            kept[claim.cluster] = claim.id
            given.add(claim.id)
    return kept


def assign(step: Step, known_at: int) -> None:
    """Bring links and reviews in line with what the rules decided, and record merges, splits and former links.

    Leaves `pg_temp.changed_id (id)`: the ids whose mentions or reviews changed, vanished ones included.

    Args:
        known_at: number of the event from which on this is known.
    """
    _find_claims(step)
    _name_clusters(step)
    _record_events(step, known_at)
    _write_links(step, known_at)
    _follow_merges(step, known_at)
    _write_reviews(step)


def note_unlinked(step: Step) -> None:
    """Fill `pg_temp.unlinked` with the mentions that mean nobody, before a full linking takes all of them in again."""
    library = step.library
    execute(
        step.connection,
        f"insert into pg_temp.unlinked select m.source_id, m.mention_key from {library.mention} m where not exists"
        f" (select from {library.link} l where l.source_id = m.source_id and l.mention_key = m.mention_key)",
    )


def _find_claims(step: Step) -> None:
    """`claim`: ids that mentions of a cluster bear. An id that mentions out of reach bear stays theirs."""
    connection, library = step.connection, step.library
    for name in ("claim", "named", "vanished", "changed_id"):
        execute(connection, f"drop table if exists pg_temp.{name}")
    execute(connection, "analyze decided")
    outside = ""
    if not step.full:
        execute(connection, "analyze reached")
        outside = (
            f" where not exists (select from {library.link} o"
            f" join {library.mention} m on m.source_id = o.source_id and m.mention_key = o.mention_key"
            f" where o.{library.id} = c.id and not exists (select from pg_temp.reached r"
            # looked up for each claim: joined as a whole, all links would be read
            " where r.source_id = o.source_id and r.mention_key = o.mention_key) offset 0)"
        )
    execute(
        connection,
        "create temp table claim as select * from ("
        f" select d.cluster, l.{library.id} as id, min(l.first_no) as first_no from pg_temp.decided d"
        f" join {library.link} l on l.source_id = d.source_id and l.mention_key = d.mention_key"
        f" group by d.cluster, l.{library.id}) c{outside}",
    )
    execute(connection, "create temp table changed_id (id uuid)")


def _name_clusters(step: Step) -> None:
    """`named`: the id of every cluster that claims one, decided in order where something merged or split.

    Others are new: the cluster itself is the id.
    """
    connection = step.connection
    execute(
        connection,
        "create temp table named as select c.cluster, c.id from ("
        " select cluster, id, count(*) over (partition by cluster) as ids, count(*) over (partition by id) as clusters"
        " from pg_temp.claim) c where c.ids = 1 and c.clusters = 1",
    )
    contested = execute(
        connection,
        "select c.cluster, c.id, c.first_no from ("
        " select *, count(*) over (partition by cluster) as ids, count(*) over (partition by id) as clusters"
        " from pg_temp.claim) c where c.ids > 1 or c.clusters > 1",
    )
    kept = keep_earliest(Claim(*row) for row in contested)
    with connection.cursor() as cursor, cursor.copy("copy pg_temp.named (cluster, id) from stdin") as copy:
        for pair in kept.items():
            copy.write_row(pair)
    execute(
        connection,
        "insert into pg_temp.named select distinct c.cluster, c.cluster from pg_temp.claim c"
        " where not exists (select from pg_temp.named n where n.cluster = c.cluster)",
    )
    execute(connection, "analyze named")


def _record_events(step: Step, known_at: int) -> None:
    """`vanished`: ids that no cluster keeps, and the id that took over their earliest mention."""
    connection, library = step.connection, step.library
    execute(
        connection,
        "create temp table vanished as select distinct on (c.id) c.id as from_id, n.id as to_id, c.cluster"
        " from pg_temp.claim c join pg_temp.named n on n.cluster = c.cluster"
        " where not exists (select from pg_temp.named k where k.id = c.id) order by c.id, c.first_no",
    )
    execute(
        connection,
        "insert into linkage.identity_event (library, kind, from_id, to_id, known_at)"
        " select %(library)s, case when v.cluster is not null then 'merge' else 'split' end, c.id, n.id, %(known_at)s"
        " from pg_temp.claim c join pg_temp.named n on n.cluster = c.cluster and n.id <> c.id"
        " left join pg_temp.vanished v on v.from_id = c.id and v.cluster = c.cluster order by c.first_no",
        {"library": library.name, "known_at": known_at},
    )


def _write_links(step: Step, known_at: int) -> None:
    connection, library = step.connection, step.library
    link, own, facts = library.link, library.id, {"known_at": known_at}
    target = (
        "(select d.source_id, d.mention_key, coalesce(n.id, d.cluster) as id, d.method, d.weight"
        " from pg_temp.decided d left join pg_temp.named n on n.cluster = d.cluster) t"
    )
    reached = (
        "" if step.full else " join pg_temp.reached r on r.source_id = l.source_id and r.mention_key = l.mention_key"
    )
    execute(
        connection,
        f"with gone as (delete from {link} g using (select l.source_id, l.mention_key from {link} l"
        f" join {library.mention} m on m.source_id = l.source_id and m.mention_key = l.mention_key{reached}"
        " where not exists (select from pg_temp.decided d where d.source_id = l.source_id"
        " and d.mention_key = l.mention_key)) x where g.source_id = x.source_id and g.mention_key = x.mention_key"
        f" returning g.source_id, g.mention_key, g.{own}), {_remembered(library, 'gone', own)}"
        f" insert into pg_temp.changed_id select {own} from gone",
        facts,
    )
    execute(
        connection,
        f"with old as (select l.source_id, l.mention_key, l.{own} as was, t.id, t.method, t.weight from {link} l"
        f" join {target} on t.source_id = l.source_id and t.mention_key = l.mention_key"
        f" where (l.{own}, l.method, l.weight) is distinct from (t.id, t.method, t.weight)),"
        f" written as (update {link} l set {own} = o.id, method = o.method, weight = o.weight from old o"
        " where o.source_id = l.source_id and o.mention_key = l.mention_key"
        " returning l.source_id, l.mention_key, o.was, o.id),"
        f" {_remembered(library, 'written', 'was', 'was <> id')}"
        " insert into pg_temp.changed_id select was from written union select id from written",
        facts,
    )
    insert = (
        f"insert into {link} (source_id, mention_key, {own}, method, weight)"
        f" select t.source_id, t.mention_key, t.id, t.method, t.weight from {target}"
    )
    if one(connection, f"select not exists (select from {link})")[0]:
        # what is filled where it was emptied is synced instead of logged
        execute(connection, f"truncate {link}")
        with indexed_afterwards(connection, link):
            execute(connection, insert)
        execute(connection, f"analyze {link}")
        return
    execute(
        connection,
        f"with fresh as ({insert} where not exists (select from {link} l where l.source_id = t.source_id"
        f" and l.mention_key = t.mention_key) returning source_id, mention_key, {own}),"
        f" {_remembered(library, 'fresh', 'null::uuid', _was_known(step, 'fresh'))}"
        f" insert into pg_temp.changed_id select distinct {own} from fresh",
        facts,
    )


def _remembered(library: Library, changed: str, was: str, where: str = "true") -> str:
    """Return the part of a `with` that keeps whom mentions meant until now."""
    return (
        f"remembered as (insert into {library.link_history} (source_id, mention_key, {library.id}, known_to)"
        f" select source_id, mention_key, {was}, %(known_at)s from {changed} where {where} on conflict do nothing)"
    )


def _was_known(step: Step, linked: str) -> str:
    """Return the condition that a mention was there before this linking."""

    def among(table: str) -> str:
        return (
            f"exists (select from pg_temp.{table} o where o.source_id = {linked}.source_id"
            f" and o.mention_key = {linked}.mention_key)"
        )

    return among("unlinked") if step.full else f"({among('before')} or not {among('touched')})"


def _follow_merges(step: Step, known_at: int) -> None:
    """Withdrawn records stay with whom they meant: their links go to the id that took over."""
    library, own = step.library, step.library.id
    execute(
        step.connection,
        f"with moved as (update {library.link} l set {own} = v.to_id from pg_temp.vanished v"
        f" where l.{own} = v.from_id returning l.source_id, l.mention_key, v.from_id),"
        f" {_remembered(library, 'moved', 'from_id')} select count(*) from moved",
        {"known_at": known_at},
    )
    execute(step.connection, "insert into pg_temp.changed_id select from_id from pg_temp.vanished")


def _write_reviews(step: Step) -> None:
    """Replace the reviews of what was decided; where they differ, both sides have changed."""
    connection, library = step.connection, step.library
    facts: dict[str, Any] = {"library": library.name}
    candidates = (
        f"select d.source_id, d.mention_key, l.{library.id} as candidate_id, min(d.reason) as reason,"
        f" max(d.weight) as weight from pg_temp.doubt d join {library.link} l"
        " on l.source_id = d.candidate_source_id and l.mention_key = d.candidate_mention_key"
        f" left join {library.link} own on own.source_id = d.source_id and own.mention_key = d.mention_key"
        f" where own.{library.id} is distinct from l.{library.id} group by 1, 2, 3"
    )
    scope = "library = %(library)s"
    if not step.full:
        # a mention that is gone has no review either
        scope += (
            " and (source_id, mention_key) in (select source_id, mention_key from pg_temp.reached"
            " union all select t.source_id, t.mention_key from pg_temp.touched t where not exists (select"
            f" from {library.mention} m where m.source_id = t.source_id and m.mention_key = t.mention_key))"
        )
    differs = (
        f"(select source_id, mention_key, candidate_id, reason, weight from linkage.review where {scope}"
        " except select * from stated) union all"
        f" (select * from stated except select source_id, mention_key, candidate_id, reason, weight"
        f" from linkage.review where {scope})"
    )
    execute(
        connection,
        f"with stated as ({candidates}), differing as ({differs})"
        " insert into pg_temp.changed_id select candidate_id from differing"
        f" union select l.{library.id} from differing d join {library.link} l"
        " on l.source_id = d.source_id and l.mention_key = d.mention_key",
        facts,
    )
    execute(connection, f"delete from linkage.review where {scope}", facts)
    execute(
        connection,
        "insert into linkage.review (library, source_id, mention_key, candidate_id, reason, weight)"
        f" select %(library)s, s.* from ({candidates}) s",
        facts,
    )
