"""Telling the base libraries what changed: every id that is not as it was gets the next change number."""

from __future__ import annotations

from connectors.sql_text import execute
from linkage.step import Step


def record(step: Step) -> int:
    """Note the changed ids and return their number: all of them in a full linking.

    Those are the ids whose links or reviews changed, and those of the mentions whose records deliveries touched.
    """
    connection, library = step.connection, step.library
    if step.full:
        changed = f"select {library.id} from {library.link} union select id from pg_temp.changed_id"
    else:
        changed = (
            f"select id from pg_temp.changed_id union select l.{library.id} from pg_temp.touched t"
            f" join {library.link} l on l.source_id = t.source_id and l.mention_key = t.mention_key"
        )
    written = execute(
        connection,
        f"with number as materialized (select nextval('linkage.change_no') as change_no)"
        f" insert into {library.change} ({library.id}, change_no)"
        f" select c.{library.id}, n.change_no from ({changed}) as c ({library.id}) cross join number n"
        f" on conflict ({library.id}) do update set change_no = excluded.change_no",
    )
    return written.rowcount
