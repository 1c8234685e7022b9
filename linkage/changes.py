"""Telling the base libraries what changed: every id that is not as it was gets the next change number."""

from __future__ import annotations

from connectors.sql_text import execute
from linkage.bulk import indexed_afterwards
from linkage.step import Step


def record(step: Step) -> int:
    """Note the changed ids and return their number: all of them in a full linking.

    Those are the ids whose links or reviews changed, and those of the mentions whose records deliveries touched.
    """
    connection, library = step.connection, step.library
    if step.full:
        return _record_all(step)
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


def _record_all(step: Step) -> int:
    """Write the table anew: all ids there are, and those that went, since a reader may not have seen them go."""
    connection, library = step.connection, step.library
    execute(connection, "drop table if exists pg_temp.all_id")
    execute(
        connection,
        f"create temp table all_id as select {library.id} as id from {library.link}"
        f" union select id from pg_temp.changed_id union select {library.id} from {library.change}",
    )
    execute(connection, f"truncate {library.change}")
    with indexed_afterwards(connection, library.change):
        written = execute(
            connection,
            f"with number as materialized (select nextval('linkage.change_no') as change_no)"
            f" insert into {library.change} ({library.id}, change_no)"
            " select a.id, n.change_no from pg_temp.all_id a cross join number n",
        )
    return written.rowcount
