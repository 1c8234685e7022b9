"""Applying a staged delivery to `raw`: one transaction, versions opened and closed, both clocks kept.

A delivery sets the content of a key from its own as-of date until the next statement about that key. The next
statement is the next opening or closing of the key, and for full deliveries also the next applied full delivery whose
scope covers it and that is not silent about it (`withdrawing`). From there on everything stays as it was: if the
version that was replaced was still in force then, a copy of it is opened under the batch that confirmed it. Every row
written carries the clock of this application, so that what was known before never changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from psycopg.types.json import Jsonb

from connectors import first_delivery, scopes
from connectors.contract import Contract
from connectors.database import APPLY_LOCK, Connection
from connectors.privacy import mask_identifiers
from connectors.raw_tables import indexed_afterwards
from connectors.record_columns import MENTION_KEY
from connectors.sql_text import execute, give_memory, names, one
from connectors.staging import issues_of_rows, table, whole

_CONTROL = (
    "_record_key", "_key_no", "_row_hash", "_batch_id", "_row_no", "_as_of", "_applied_seq", "_loaded_at",
    "_closed_batch_id", "_closed_at", "_issues",
)  # fmt: skip


@dataclass(frozen=True)
class Application:
    """One application of a batch: who it is and at which clocks."""

    contract: Contract
    batch_id: int
    as_of: date
    seq: int
    now: datetime

    @property
    def raw(self) -> str:
        """The raw table's quoted name."""
        return f'raw."{self.contract.id}"'

    @property
    def columns(self) -> list[str]:
        """What a version takes over from its staged row under the same name."""
        grouped = [MENTION_KEY] if self.contract.grain else []
        return [*(f.name for f in self.contract.fields), *grouped]

    def parameters(self) -> dict[str, Any]:
        """Values for the statements."""
        return {
            "table": self.contract.id,
            "department": self.contract.department,
            "extract": self.contract.extract,
            "batch": self.batch_id,
            "as_of": self.as_of,
            "seq": self.seq,
            "now": self.now,
        }


def lock(connection: Connection) -> None:
    """Wait until no other delivery is being applied; held to the end of the transaction."""
    connection.execute("select pg_advisory_xact_lock(%s)", (APPLY_LOCK,))


def next_event(connection: Connection, kind: str, batch_id: int | None, *, actor: str, why: str, now: datetime) -> int:
    """Take the next number of `quality.event` (under `lock`) and record the event; identifiers in `why` are masked.

    Args:
        kind: `apply`, `release` or `refuse` of a batch, or `decide` on a mention in doubt (no batch).
    """
    row = one(
        connection,
        "insert into quality.event (seq, kind, batch_id, actor, why, happened_at)"
        " select coalesce(max(seq), 0) + 1, %(kind)s, %(batch)s, %(actor)s, %(why)s, %(now)s from quality.event"
        " returning seq",
        {"kind": kind, "batch": batch_id, "actor": actor, "why": mask_identifiers(why), "now": now},
    )
    return int(row[0])


def apply_versions(connection: Connection, application: Application) -> tuple[int, int]:
    """Open and close versions as the batch's key and gone tables say. Needs `lock`; commit is the caller's.

    Returns:
        How many versions of its own the batch opened, and how many records it withdrew.
    """
    give_memory(connection)
    for name in ("touched", "later", "ending", "copied"):
        execute(connection, f"drop table if exists pg_temp.{name}")
    is_late = _find_later(connection, application)
    _find_touched(connection, application, with_new=is_late)
    if is_late:
        _find_endings(connection, application)
        _copy_confirmed(connection, application)
    else:
        execute(connection, "create temp table ending (record_key uuid, until date, by_batch bigint, restores boolean)")
    _close_old(connection, application)
    opened = _open_new(connection, application)
    _close_new(connection, application)
    _open_copies(connection, application)
    _remember_silence(connection, application)
    withdrawn = one(connection, "select count(*) from pg_temp.touched where row_no is null")[0]
    return opened, int(withdrawn)


def _find_touched(connection: Connection, application: Application, *, with_new: bool) -> None:
    """`touched`: one row per record key that changes; `row_no` is null where the record is withdrawn.

    Args:
        with_new: keys without a version in force are listed too.
    """
    prior = "" if with_new else " and prior_batch_id is not null"
    execute(
        connection,
        "create temp table touched as select record_key, prior_batch_id,"
        " case when withdraws then null else row_no end as row_no"
        f" from {table(application.batch_id, '_key')} where disposition in ('new', 'changed'){prior}"
        f" union all select record_key, prior_batch_id, null from {table(application.batch_id, '_gone')}",
    )
    execute(connection, "analyze touched")


def _find_later(connection: Connection, application: Application) -> bool:
    """`later`: applied deliveries of the extract with a later as-of date."""
    execute(
        connection,
        "create temp table later as select batch_id, as_of, applied_seq, mode, scope from quality.batch"
        " where department = %(department)s and extract = %(extract)s"
        " and applied_seq is not null and as_of > %(as_of)s",
        application.parameters(),
    )
    return one(connection, "select exists (select from pg_temp.later)")[0] is True


def _find_endings(connection: Connection, application: Application) -> None:
    """`ending`: the next statement about each touched key after the as-of date, and whether it restores the old."""
    statements = (
        f"select t.record_key, v._batch_id as batch_id from pg_temp.touched t join {application.raw} v"
        " on v._record_key = t.record_key and v._as_of > %(as_of)s"
        " union all select t.record_key, c.closing_batch_id from pg_temp.touched t join quality.version_closing c"
        " on c.table_name = %(table)s and c.record_key = t.record_key and c.as_of > %(as_of)s"
        f" union all {_covering(connection, application)}"
    )
    execute(
        connection,
        "create temp table ending as with next as ("
        f" select distinct on (s.record_key) s.record_key, l.as_of as until, l.batch_id as by_batch"
        f" from ({statements}) s join pg_temp.later l on l.batch_id = s.batch_id"
        " order by s.record_key, l.as_of, l.applied_seq desc)"
        " select n.record_key, n.until, n.by_batch, t.prior_batch_id is not null and not exists ("
        "   select from quality.version_closing c where c.table_name = %(table)s and c.record_key = n.record_key"
        "   and c.version_batch_id = t.prior_batch_id and c.as_of <= n.until) as restores"
        " from next n join pg_temp.touched t using (record_key)",
        application.parameters(),
    )


def _covering(connection: Connection, application: Application) -> str:
    """Full deliveries speak about every key in their scope, of the record as it was or as it becomes, unless silent."""
    columns = [
        name
        for (name,) in execute(
            connection,
            "select distinct jsonb_object_keys(scope) from pg_temp.later where mode = 'full' and scope is not null",
        )
    ]
    old, new = (scopes.covers_stored(application.contract, columns, "l.scope", alias) for alias in ("v", "s"))
    return (
        "select t.record_key, l.batch_id from pg_temp.touched t"
        f" left join {application.raw} v on v._record_key = t.record_key and v._batch_id = t.prior_batch_id"
        f" left join {whole(connection, application.batch_id)} s on s._row_no = t.row_no"
        f" join pg_temp.later l on l.mode = 'full' and (l.scope is null or ({old}) or ({new}))"
        " and not exists (select from quality.silent_key q where q.table_name = %(table)s"
        " and q.record_key = t.record_key and q.batch_id = l.batch_id)"
    )


def _copy_confirmed(connection: Connection, application: Application) -> None:
    """`copied`: old versions that the next statement confirmed, as they were before this application."""
    execute(
        connection,
        f"create temp table copied as select v.*, e.until as _until, e.by_batch as _by_batch from {application.raw} v"
        " join pg_temp.touched t on v._record_key = t.record_key and v._batch_id = t.prior_batch_id"
        " join pg_temp.ending e on e.record_key = t.record_key where e.restores",
    )


def _remember_silence(connection: Connection, application: Application) -> None:
    execute(
        connection,
        "insert into quality.silent_key (table_name, record_key, batch_id)"
        f" select %(table)s, record_key, %(batch)s from {table(application.batch_id, '_silent')}",
        application.parameters(),
    )


def _close_old(connection: Connection, application: Application) -> None:
    facts = application.parameters()
    execute(
        connection,
        "insert into quality.version_closing (table_name, record_key, version_batch_id, closing_batch_id, kind, as_of,"
        " applied_seq, closed_at) select %(table)s, record_key, prior_batch_id, %(batch)s,"
        " case when row_no is null then 'withdrawn' else 'replaced' end, %(as_of)s, %(seq)s, %(now)s"
        " from pg_temp.touched where prior_batch_id is not null",
        facts,
    )
    execute(
        connection,
        f"update {application.raw} v set _closed_batch_id = %(batch)s, _closed_at = %(now)s from pg_temp.touched t"
        " where v._record_key = t.record_key and v._batch_id = t.prior_batch_id",
        facts,
    )


def _open_new(connection: Connection, application: Application) -> int:
    if first_delivery.may_become_raw(connection, application.contract, application.batch_id):
        constant = {"_batch_id": application.batch_id, "_as_of": application.as_of, "_applied_seq": application.seq}
        constant |= {"_loaded_at": application.now, "_key_no": 1, "_issues": Jsonb([])}
        if first_delivery.become_raw(connection, application.contract, application.batch_id, constant):
            return int(one(connection, f"select count(*) from {application.raw}")[0])
    fields = application.columns
    staged = whole(connection, application.batch_id)
    insert = (
        f"insert into {application.raw} ({names([*fields, *_CONTROL])}) select {names(fields, 's')}, k.record_key,"
        " k.key_no, k.row_hash, %(batch)s, k.row_no, %(as_of)s, %(seq)s, %(now)s, e.by_batch,"
        " case when e.by_batch is not null then %(now)s::timestamptz end, coalesce(i.found, '[]'::jsonb)"
        f" from {table(application.batch_id, '_key')} k join {staged} s on s._row_no = k.row_no"
        " left join pg_temp.ending e on e.record_key = k.record_key"
        f" left join ({issues_of_rows(application.batch_id)}) i on i.row_no = k.row_no"
        " where k.disposition in ('new', 'changed') and not k.withdraws"
    )
    with indexed_afterwards(connection, application.contract):
        return execute(connection, insert, application.parameters()).rowcount


def _close_new(connection: Connection, application: Application) -> None:
    """A late version ends where the next statement begins: replaced if that has content, else withdrawn."""
    execute(
        connection,
        "insert into quality.version_closing (table_name, record_key, version_batch_id, closing_batch_id, kind, as_of,"
        " applied_seq, closed_at) select %(table)s, e.record_key, %(batch)s, e.by_batch,"
        f" case when e.restores or exists (select from {application.raw} v where v._record_key = e.record_key"
        "   and v._as_of = e.until and not exists (select from quality.version_closing c"
        "     where c.table_name = %(table)s and c.record_key = v._record_key and c.version_batch_id = v._batch_id"
        "     and c.as_of <= e.until)) then 'replaced' else 'withdrawn' end,"
        " e.until, %(seq)s, %(now)s from pg_temp.ending e join pg_temp.touched t using (record_key)"
        " where t.row_no is not null",
        application.parameters(),
    )


def _open_copies(connection: Connection, application: Application) -> None:
    """The row number of a copy is 0: the confirming delivery held the row, but wrote nothing about where."""
    if one(connection, "select to_regclass('pg_temp.copied') is null")[0]:
        return
    facts: Mapping[str, Any] = application.parameters()
    fields = application.columns
    execute(
        connection,
        "insert into quality.version_closing (table_name, record_key, version_batch_id, closing_batch_id, kind, as_of,"
        " applied_seq, closed_at) select c.table_name, c.record_key, o._by_batch, c.closing_batch_id, c.kind, c.as_of,"
        " %(seq)s, %(now)s from pg_temp.copied o join quality.version_closing c on c.table_name = %(table)s"
        " and c.record_key = o._record_key and c.version_batch_id = o._batch_id and c.as_of > o._until",
        facts,
    )
    execute(
        connection,
        f"insert into {application.raw} ({names([*fields, *_CONTROL])}) select {names(fields, 'o')}, o._record_key,"
        " o._key_no, o._row_hash, o._by_batch, 0, o._until, %(seq)s, %(now)s, o._closed_batch_id, o._closed_at,"
        " o._issues from pg_temp.copied o",
        facts,
    )
