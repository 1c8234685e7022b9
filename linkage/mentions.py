"""Keeping the mentions in step with raw: all of them again, or those of the records that deliveries touched."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from connectors.database import Connection
from connectors.sql_text import execute, one
from linkage.bulk import drop_indexes
from linkage.libraries import Library
from linkage.mention_sql import Role, mention_key, mention_rows

_PLACE = ("source_id", "mention_key", "record_key", "key_no", "batch_id", "row_no", "as_of")


def take_all(connection: Connection, library: Library, roles: Sequence[Role]) -> Callable[[], None]:
    """Replace the mentions of these roles by those in the records in force; return what makes their indexes."""
    kept = one(
        connection,
        f"select exists (select from {library.mention} where source_id <> all(%(sources)s))",
        {"sources": [role.source_id for role in roles]},
    )[0]
    if kept:
        sources = {"sources": [role.source_id for role in roles]}
        execute(connection, f"delete from {library.mention} where source_id = any(%(sources)s)", sources)
    else:
        execute(connection, f"truncate {library.mention}")
    index = drop_indexes(connection, library.mention)
    for role in roles:
        execute(connection, f"insert into {library.mention} ({_columns(library)}) {mention_rows(role, library)}")
    execute(connection, f"analyze {library.mention}")
    return index


def take_touched(connection: Connection, library: Library, roles: Sequence[Role], since: int) -> bool:
    """Take in the records touched by applications after `since`; say whether there was any.

    Leaves for the rest of the transaction, in `pg_temp`:
        touched: source_id, mention_key of every mention whose record was touched, those that are gone included.
        before: the rows that `touched` mentions had, columns of the mention table.
        altered: the part of `touched` that is new, gone, or has another attribute now.
    """
    _find_touched(connection, roles, since)
    execute(
        connection,
        f"create temp table before as select m.* from {library.mention} m"
        " join pg_temp.touched t on t.source_id = m.source_id and t.mention_key = m.mention_key",
    )
    execute(
        connection,
        f"delete from {library.mention} m using pg_temp.touched t"
        " where t.source_id = m.source_id and t.mention_key = m.mention_key",
    )
    for role in roles:
        wanted = f"(select mention_key from pg_temp.touched where source_id = {role.source_id})"
        rows = mention_rows(role, library, only=wanted)
        execute(connection, f"insert into {library.mention} ({_columns(library)}) {rows}")
    attributes = ", ".join(library.columns)
    execute(
        connection,
        "create temp table altered as select t.source_id, t.mention_key from pg_temp.touched t"
        f" left join (select source_id, mention_key, row({attributes}) as told from pg_temp.before) b"
        " on b.source_id = t.source_id and b.mention_key = t.mention_key"
        f" left join (select source_id, mention_key, row({attributes}) as told from {library.mention}) m"
        " on m.source_id = t.source_id and m.mention_key = t.mention_key"
        " where b.told is distinct from m.told",
    )
    for name in ("touched", "before", "altered"):
        execute(connection, f"analyze {name}")
    return bool(one(connection, "select exists (select from pg_temp.touched)")[0])


def _find_touched(connection: Connection, roles: Sequence[Role], since: int) -> None:
    """`touched`: the mentions that any version of a touched record is part of."""
    for name in ("touched", "before", "altered", "touched_record"):
        execute(connection, f"drop table if exists pg_temp.{name}")
    execute(
        connection,
        "create temp table touched (source_id smallint, mention_key uuid, primary key (source_id, mention_key))",
    )
    facts: dict[str, Any] = {"since": since}
    for contract_id in dict.fromkeys(role.contract.id for role in roles):
        own = [role for role in roles if role.contract.id == contract_id]
        raw = own[0].raw
        new = execute(
            connection,
            "select batch_id from quality.batch where applied_seq > %(since)s"
            " and department = %(department)s and extract = %(extract)s",
            facts | {"department": own[0].contract.department, "extract": own[0].contract.extract},
        ).fetchall()
        if not new:
            continue
        facts |= {"batches": [batch for (batch,) in new], "table": contract_id}
        execute(connection, "drop table if exists pg_temp.touched_record")
        execute(
            connection,
            f"create temp table touched_record as select _record_key as record_key from {raw}"
            " where _batch_id = any(%(batches)s)"
            " union select record_key from quality.version_closing where applied_seq > %(since)s"
            " and table_name = %(table)s",
            facts,
        )
        execute(connection, "analyze touched_record")
        for role in own:
            key = mention_key(role.contract, role.name, "r")
            execute(
                connection,
                f"insert into pg_temp.touched select distinct {role.source_id}::smallint, {key} from {raw} r"
                " join pg_temp.touched_record t on t.record_key = r._record_key",
            )
    execute(connection, "analyze touched")


def _columns(library: Library) -> str:
    return ", ".join((*_PLACE, *library.columns))
