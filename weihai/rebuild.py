"""Building `raw` again from the archive: the same deliveries, in the order of their applications, at the same clocks.

It is built in a database of its own and compared with what stands, delivery by delivery; the account (`quality`) is
read and never written. Only where asked to, tables that differ are replaced by those that were built.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import psycopg
from psycopg import sql

from connectors import apply, batches, reading, staging
from connectors.contract import Contract, Contracts
from connectors.database import APPLY_LOCK, Connection, connect, migrate
from connectors.errors import RefusedError, UserError
from connectors.headers import HeaderError
from connectors.raw_migration import MigrationRefusedError
from connectors.raw_tables import ensure_raw_tables
from connectors.readers import UnreadableFileError
from connectors.settings import Settings
from weihai.metadata import uri_of

Tell = Callable[[int, int], None]

_ACCOUNT = ("quality.event", "quality.batch", "quality.batch_file", "catalogue.code_list")
_VERSION = (
    *("_record_key", "_key_no", "_row_hash", "_batch_id", "_row_no", "_as_of", "_applied_seq"),
    *("_closed_batch_id", "_loaded_at"),
)
_CLOSING = ("record_key", "version_batch_id", "closing_batch_id", "kind", "as_of", "applied_seq")
_UNREADABLE = (
    RefusedError, HeaderError, UnreadableFileError, MigrationRefusedError, UserError, reading.DuplicateError,
)  # fmt: skip


@dataclass(frozen=True)
class Difference:
    """Versions of a delivery in one raw table that are not the same when built again.

    Attributes:
        stands, built: how many there are.
        why: what explains it, as far as it is known: contract, erasure, or a file that cannot be read.
    """

    contract_id: str
    batch_id: int
    stands: int
    built: int
    why: str


@dataclass
class Rebuilt:
    """What building again came to."""

    deliveries: int = 0
    versions: int = 0
    differences: list[Difference] = field(default_factory=list)
    replaced: list[str] = field(default_factory=list)


def rebuild(settings: Settings, contracts: Contracts, *, replaces: bool, tell: Tell) -> Rebuilt:
    """Build all raw tables again and compare; no delivery is applied meanwhile.

    Args:
        replaces: whether tables that differ are replaced, in one transaction.
        tell: told how many deliveries of how many are built.

    Raises:
        UserError: the role may not create a database.
    """
    done = Rebuilt()
    with connect(settings.dsn(), autocommit=True) as standing:
        standing.execute("select pg_advisory_lock(%s)", (APPLY_LOCK,))
        with _scratch(standing, settings) as workshop, connect(workshop.dsn(), autocommit=True) as built:
            _copy_account(standing, built)
            ensure_raw_tables(built, contracts)
            unread = _apply_all(workshop, contracts, built, done, tell)
            done.differences += _compare(standing, built, contracts, unread)
            if replaces and done.differences:
                done.replaced += _replace(standing, built, sorted({d.contract_id for d in done.differences}))
    return done


@contextmanager
def _scratch(standing: Connection, settings: Settings) -> Iterator[Settings]:
    """A database of our own beside the warehouse, gone afterwards; one that a kill left is made anew."""
    name = f"{standing.info.dbname}_rebuild"
    drop = sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name))
    standing.execute(drop)
    try:
        standing.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    except psycopg.errors.InsufficientPrivilege as error:
        raise UserError(f"无权建立数据库 {name}：请数据库管理员授予 createdb，再重试") from error
    try:
        workshop = replace(settings, warehouse_dsn=uri_of(settings.dsn(), name))
        migrate(workshop.dsn())
        yield workshop
    finally:
        standing.execute(drop)


def _copy_account(standing: Connection, built: Connection) -> None:
    """The deliveries as registered, none of them applied yet."""
    with built.transaction():
        for table in _ACCOUNT:
            name = sql.Identifier(*table.split("."))
            built.execute(sql.SQL("alter table {} disable trigger user").format(name))
            _copy(standing, built, sql.SQL("select * from {}").format(name), name)
        built.execute("update quality.batch set applied_seq = null, status = 'received', answered_at = received_at")


def _copy(source: Connection, target: Connection, query: sql.Composable, table: sql.Composable) -> None:
    with source.cursor() as reading_cursor, target.cursor() as writing_cursor:
        out = sql.SQL("copy ({}) to stdout (format binary)").format(query)
        into = sql.SQL("copy {} from stdin (format binary)").format(table)
        with reading_cursor.copy(out) as blocks, writing_cursor.copy(into) as sink:
            for block in blocks:
                sink.write(block)


def _apply_all(
    workshop: Settings, contracts: Contracts, built: Connection, done: Rebuilt, tell: Tell
) -> dict[int, str]:
    """Read and apply every applied delivery at its own clocks; return why some could not be read, by batch."""
    events = built.execute(
        "select e.seq, e.batch_id, e.happened_at from quality.event as e where e.kind = 'apply' order by e.seq"
    ).fetchall()
    unread: dict[int, str] = {}
    for seq, batch_id, moment in events:
        batch = replace(batches.load(built, batch_id), as_of_source="declared")
        contract = contracts.get(batch.contract_id or "")
        if contract is None or batch.as_of is None:
            unread[batch_id] = f"已没有契约 {batch.contract_id}"
            continue
        try:
            reading.stage(workshop, contracts, batch, now=moment)
        except _UNREADABLE as error:
            unread[batch_id] = f"现行契约下不能读取：{error}"
            continue
        with built.transaction():
            apply.lock(built)
            application = apply.Application(contract, batch_id, batch.as_of, seq, moment)
            opened, _ = apply.apply_versions(built, application)
            batches.update(built, batch_id, applied_seq=seq, status="accepted")
        staging.drop(built, batch_id)
        done.deliveries, done.versions = done.deliveries + 1, done.versions + opened
        tell(done.deliveries, len(events))
    return unread


def _compare(
    standing: Connection, built: Connection, contracts: Contracts, unread: dict[int, str]
) -> Iterator[Difference]:
    erased = {
        b for (b,) in standing.execute(
            "select batch_id from quality.erased_row union select f.batch_id from quality.batch_file as f"
            " inner join quality.redacted_file as r on r.old_sha256 = f.sha256"
        )
    }  # fmt: skip
    read_under: dict[int, str | None] = dict(standing.execute("select batch_id, contract_version from quality.batch"))
    for contract_id, contract in sorted(contracts.items()):
        left, right = _fingerprints(standing, contract), _fingerprints(built, contract)
        for batch_id in sorted(left.keys() | right.keys()):
            stands, rebuilt = left.get(batch_id, (0,)), right.get(batch_id, (0,))
            if stands == rebuilt:
                continue
            why = "内容被改动"
            if batch_id in unread:
                why = unread[batch_id]
            elif erased:
                why = "有个人信息被依法删除（可能由此不同）"
            elif read_under.get(batch_id) != contract.version:
                why = "入库以后契约已修改"
            yield Difference(contract_id, batch_id, stands[0], rebuilt[0], why)


def _fingerprints(connection: Connection, contract: Contract) -> dict[int, tuple[int, ...]]:
    """Number of versions and an order-free sum of their hashes, and the same of their closings, by delivery."""
    if connection.execute("select to_regclass(%s) is null", (f'raw."{contract.id}"',)).fetchone() == (True,):
        return {}
    query = """
        select batch_id, count(*) filter (where not is_closing), sum(hash) filter (where not is_closing),
            count(*) filter (where is_closing), sum(hash) filter (where is_closing)
        from (
            select _batch_id, false, {versions} from {table} where not _issues @> '[{{"rule": "erased"}}]'
            union all
            select version_batch_id, true, {closings} from quality.version_closing
            where table_name = {name} and kind <> 'erased'
        ) as found (batch_id, is_closing, hash)
        group by 1
    """
    rows = connection.execute(
        sql.SQL(query).format(
            versions=_hash([*(f.name for f in contract.fields), *_VERSION]),
            closings=_hash(_CLOSING),
            table=sql.Identifier("raw", contract.id),
            name=sql.Literal(contract.id),
        )
    )
    return {batch_id: tuple(int(figure or 0) for figure in figures) for batch_id, *figures in rows}


def _hash(columns: Sequence[str]) -> sql.Composable:
    """The first 60 bits of a SHA-256 over a row's columns, as a number."""
    return sql.SQL(
        "('x' || left(encode(sha256(convert_to(row({})::text, 'UTF8')), 'hex'), 15))::bit(60)::bigint"
    ).format(sql.SQL(", ").join(sql.Identifier(column) for column in columns))


def _replace(standing: Connection, built: Connection, contract_ids: Sequence[str]) -> Iterator[str]:
    """Put what was built in place of what stands: versions, closings and silences of these tables."""
    with standing.transaction():
        standing.execute("alter table quality.version_closing disable trigger total_closings")
        for contract_id in contract_ids:
            table = sql.Identifier("raw", contract_id)
            standing.execute(sql.SQL("delete from {}").format(table))
            columns = _shared_columns(standing, built, contract_id)
            into = sql.SQL("{} ({})").format(table, columns)
            _copy(built, standing, sql.SQL("select {} from {}").format(columns, table), into)
            for account in ("version_closing", "silent_key"):
                name = sql.Identifier("quality", account)
                mine = sql.SQL("table_name = {}").format(sql.Literal(contract_id))
                standing.execute(sql.SQL("delete from {} where {}").format(name, mine))
                _copy(built, standing, sql.SQL("select * from {} where {}").format(name, mine), name)
        standing.execute("alter table quality.version_closing enable trigger total_closings")
    yield from contract_ids


def _shared_columns(standing: Connection, built: Connection, contract_id: str) -> sql.Composable:
    query = (
        "select attname from pg_attribute where attrelid = %s::regclass and attnum > 0 and not attisdropped"
        " and attgenerated = '' order by attnum"
    )
    there = [{name for (name,) in c.execute(query, (f'raw."{contract_id}"',))} for c in (standing, built)]
    return sql.SQL(", ").join(sql.Identifier(name) for name in sorted(there[0] & there[1]))
