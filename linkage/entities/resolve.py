"""Deciding which mentions mean the same legal entity: by valid credit codes."""

from __future__ import annotations

from connectors.sql_text import execute
from linkage.step import Step


def resolve(step: Step) -> None:
    """One entity per valid credit code; a mention without one is an entity of its own, or nobody."""
    reached = ""
    if not step.full:
        execute(
            step.connection,
            "insert into pg_temp.reached select m.source_id, m.mention_key from linkage.entity_mention m"
            " where m.uscc in (select uscc from pg_temp.before union select n.uscc from linkage.entity_mention n"
            " join pg_temp.altered a on a.source_id = n.source_id and a.mention_key = n.mention_key)"
            " union select n.source_id, n.mention_key from linkage.entity_mention n"
            " join pg_temp.altered a on a.source_id = n.source_id and a.mention_key = n.mention_key",
        )
        reached = " join pg_temp.reached r on r.source_id = m.source_id and r.mention_key = m.mention_key"
    execute(
        step.connection,
        "insert into pg_temp.decided select m.source_id, m.mention_key,"
        " case when m.is_uscc_usable then md5(m.uscc)::uuid"
        " else md5(m.source_id || m.mention_key::text)::uuid end,"
        " case when m.is_uscc_usable then 'number' else 'own' end, null"
        f" from linkage.entity_mention m{reached} join linkage.source s on s.source_id = m.source_id"
        " where m.is_uscc_usable or s.unlinked = 'own'",
    )
