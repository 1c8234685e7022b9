"""Another record-key secret: everything that was made with the old one is made again, in one transaction.

The new secret lies beside the old one as `record_key.next` until the database has it; while it lies there nobody makes
keys. The database knows by a keyed fingerprint which of the two its keys are made with, so that a rotation that was cut
short is finished, or undone, whichever it was.
"""

from __future__ import annotations

import hmac
import os
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from psycopg import sql

from connectors import archive, known_rows, staging
from connectors.apply import lock
from connectors.contract import Contract
from connectors.database import Connection
from connectors.errors import UserError
from connectors.privacy import hmac_pads, next_key_path, read_record_key, record_key_path
from connectors.record_columns import MENTION_KEY
from connectors.settings import Settings
from connectors.sql_text import execute, give_memory, key_text, mention_key, one, record_key

_UUID_COLUMNS = """
select n.nspname, c.relname, a.attname
from pg_class as c
inner join pg_namespace as n on n.oid = c.relnamespace
inner join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
where
    c.relkind in ('r', 'p') and not c.relispartition and c.relpersistence <> 't'
    and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'staging')
    and a.atttypid = 'uuid'::regtype
order by 1, 2, 3
"""

_ITEMS = (("person_weak", "item"), ("person_weak_key", "item"), ("person_pair", "item"), ("person_pair", "candidate"))
"""Columns of `linkage` whose texts `source:key` name mentions by their keys."""


@dataclass(frozen=True)
class Rotation:
    """What a rotation came to: how many record keys there are, how many cells hold one, by column."""

    record_keys: int
    cells: Mapping[str, int]


def fingerprint(secret: str) -> str:
    """Return 16 hex digits by which a secret is known and from which it cannot be told."""
    return hmac.new(secret.encode(), b"weihai record key", "sha256").hexdigest()[:16]


def rotate(settings: Settings, connection: Connection, contracts: Mapping[str, Contract], *, actor: str) -> Rotation:
    """Make a new secret and all keys with it. Nothing else may be taking in deliveries meanwhile.

    Args:
        connection: to the warehouse, as its owner, outside a transaction.
        actor: who asked for it.

    Raises:
        UserError: a delivery is on its way, or stored keys are not of this home's secret; nothing was changed.
    """
    settle(settings, connection)
    old = read_record_key(settings)
    fresh = secrets.token_hex(32)
    _write_next(settings, fresh)
    try:
        with connection.transaction():
            lock(connection)
            _nothing_on_its_way(connection)
            rotation = _rekey(connection, contracts, old, fresh)
            connection.execute(
                "insert into quality.key_rotation (old_fingerprint, new_fingerprint, record_keys, actor)"
                " values (%s, %s, %s, %s)",
                (fingerprint(old), fingerprint(fresh), rotation.record_keys, actor),
            )
    finally:
        settle(settings, connection)
    known_rows.forget(settings)
    return rotation


def settle(settings: Settings, connection: Connection) -> bool:
    """Finish or undo a rotation that was cut short, whichever the database says; return whether there was one."""
    path = next_key_path(settings)
    if not path.exists():
        return False
    row = connection.execute(
        "select new_fingerprint from quality.key_rotation order by rotation_id desc limit 1"
    ).fetchone()
    connection.commit()
    if row is not None and fingerprint(path.read_text(encoding="ascii").strip()) == row[0]:
        path.replace(record_key_path(settings))
    else:
        path.unlink()
    archive.sync(path.parent)
    return True


def _write_next(settings: Settings, secret: str) -> None:
    path = next_key_path(settings)
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as file:
        file.write(secret)
        file.flush()
        os.fsync(file.fileno())
    scratch.replace(path)
    archive.sync(path.parent)


def _nothing_on_its_way(connection: Connection) -> None:
    waiting = [b for (b,) in connection.execute("select batch_id from quality.batch where not is_taken order by 1")]
    if waiting:
        raise UserError(f"批次 {waiting[0]} 正在接收：先运行 `weihai run` 让它结束，再更换密钥")


def _rekey(connection: Connection, contracts: Mapping[str, Contract], old: str, new: str) -> Rotation:
    give_memory(connection)
    execute(connection, "create temp table rekeyed (old_key uuid primary key, new_key uuid not null) on commit drop")
    for contract in _with_records(connection, contracts):
        _map(connection, contract, old, new)
    execute(connection, "analyze rekeyed")
    cells = replace_keys(connection)
    _read_again(connection)
    # they find a delivery again after a kill and the names on its receipts; answered ones need neither
    execute(
        connection, "update quality.batch set delivery_key = null where status <> 'held' and answered_at is not null"
    )
    return Rotation(int(one(connection, "select count(*) from rekeyed")[0]), cells)


def replace_keys(connection: Connection) -> dict[str, int]:
    """Put the new record keys of the temporary table `rekeyed` (old_key, new_key) in place of the old ones, everywhere.

    Every uuid column of every table is looked at, those of models to come included, and the texts that linkage names
    mentions by; the keys are 128 random bits, so that nothing else is taken for one.

    Returns:
        How many cells were replaced, by `schema.table.column`.
    """
    cells = {}
    for schema, table, column in connection.execute(_UUID_COLUMNS).fetchall():
        changed = connection.execute(
            sql.SQL(
                "update {table} as t set {column} = m.new_key from rekeyed as m where t.{column} = m.old_key"
            ).format(table=sql.Identifier(schema, table), column=sql.Identifier(column))
        ).rowcount
        if changed:
            cells[f"{schema}.{table}.{column}"] = changed
    for table, column in _ITEMS:
        changed = connection.execute(
            sql.SQL(
                "update linkage.{table} as t set {column} = split_part(t.{column}, ':', 1) || ':' || m.new_key"
                " from rekeyed as m where strpos(t.{column}, ':') > 0"
                " and split_part(t.{column}, ':', 2) = m.old_key::text"
            ).format(table=sql.Identifier(table), column=sql.Identifier(column))
        ).rowcount
        if changed:
            cells[f"linkage.{table}.{column}"] = changed
    return cells


def _with_records(connection: Connection, contracts: Mapping[str, Contract]) -> Iterator[Contract]:
    """Yield the contracts with a raw table, each with the key columns that the table was made by."""
    rows = connection.execute("select contract_id, key_columns, fallback_key from catalogue.raw_table").fetchall()
    for contract_id, key, fallback in rows:
        contract = contracts.get(contract_id)
        if contract is None:
            [has_rows] = one(connection, f'select exists (select from raw."{contract_id}")')
            if has_rows:
                raise UserError(
                    f'raw."{contract_id}" 有记录而契约已不在，记录键无法重算：请先恢复契约 {contract_id}，再更换密钥'
                )
            continue
        yield contract.model_copy(update={"key": tuple(key), "fallback_key": tuple(fallback)})


def _map(connection: Connection, contract: Contract, old: str, new: str) -> None:
    """Map the keys of a raw table, and those of number 1 that numbered records stand beside.

    An erased record has a random key, which stays.
    """
    text, pads = key_text(contract, "v"), {}
    for name, secret in (("old", old), ("new", new)):
        pads[f"{name}_inner"], pads[f"{name}_outer"] = hmac_pads(secret)
    made = {
        (name, number): record_key("v.text", number)
        .replace("%(inner)s", f"%({name}_inner)s")
        .replace("%(outer)s", f"%({name}_outer)s")
        for name in ("old", "new")
        for number in ("v.key_no", "1")
    }
    records = (
        f"(select distinct v._record_key as record_key, {text} as text, v._key_no as key_no"
        f""" from raw."{contract.id}" v where not v._issues @> '[{{"rule": "erased"}}]')"""
    )
    [strange] = one(
        connection, f"select count(*) from {records} v where v.record_key <> {made['old', 'v.key_no']}", pads
    )
    if strange:
        raise UserError(
            f'raw."{contract.id}" 中 {strange} 条记录的键不是由本目录的密钥算出的：'
            "请确认 WEIHAI_HOME 与数据库相配（secrets/record_key 是否从备份恢复错了）"
        )
    for number in ("v.key_no", "1"):
        execute(
            connection,
            f"insert into rekeyed select {made['old', number]}, {made['new', number]} from {records} v"
            " on conflict do nothing",
            pads,
        )
    if contract.grain:
        _map_mentions(connection, contract, pads)


def _map_mentions(connection: Connection, contract: Contract, pads: Mapping[str, bytes]) -> None:
    """Map the keys that records with one holder share."""
    made = {
        name: mention_key(contract, "v")
        .replace("%(inner)s", f"%({name}_inner)s")
        .replace("%(outer)s", f"%({name}_outer)s")
        for name in ("old", "new")
    }
    execute(
        connection,
        f'insert into rekeyed select distinct {made["old"]}, {made["new"]} from raw."{contract.id}" v'
        f" where {MENTION_KEY} = {made['old']} on conflict do nothing",
        pads,
    )


def _read_again(connection: Connection) -> None:
    """Staged rows carry keys too: they are dropped, and read again from the archive when they are needed."""
    rows = connection.execute("select batch_id, status from quality.batch where status in ('staged', 'held')")
    for batch_id, status in rows.fetchall():
        staging.drop(connection, batch_id)
        if status == "staged":
            connection.execute("update quality.batch set status = 'received' where batch_id = %s", (batch_id,))
