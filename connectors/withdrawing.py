"""Which records a full delivery withdraws: in force within its scope, absent from it, and not spoken of by a row that
was rejected. About those last ones the delivery is silent: they stay as they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from connectors import scopes
from connectors.contract import Contract
from connectors.database import Connection
from connectors.scopes import Scope
from connectors.sql_text import execute, field_text, key_text, one, record_key
from connectors.staging import table

_AMONG_ABSENT = (
    " and p.record_key in (select unnest(%(absent)s::uuid[]) union all select base from pg_temp.contested"
    " union all select record_key from pg_temp.numbered)"
)


def write_gone(
    connection: Connection,
    contract: Contract,
    batch_id: int,
    scope: Scope | None,
    facts: Mapping[str, Any],
    *,
    absent: Sequence[UUID] | None = None,
) -> None:
    """Fill the batch's gone table, its silent table, and `pg_temp.spared`: what is silent and was in force.

    Runs in the session of `splitting.split`, after its key table is written. Commit is the caller's.

    Args:
        facts: parameters of the record-key HMAC.
        absent: keys of all records of number 1 that no row has, where that is known: only they, and those whose keys
            are contested, can be withdrawn.
    """
    gone, silent = table(batch_id, "_gone"), table(batch_id, "_silent")
    execute(connection, f"drop table if exists {gone}, {silent}, pg_temp.spared")
    execute(connection, f"create unlogged table {silent} (record_key uuid primary key)")
    execute(connection, "create temp table spared (record_key uuid not null)")
    if contract.mode != "full":
        execute(connection, f"create unlogged table {gone} (record_key uuid, prior_batch_id bigint)")
        return
    # made from a query, which may run in parallel; an insert may not
    execute(
        connection,
        f"create unlogged table {gone} as select p.record_key, p.version_batch_id as prior_batch_id"
        f" from pg_temp.prior p {_within(contract, scope)} and not exists"
        f" (select from {table(batch_id, '_key')} k where k.record_key = p.record_key)"
        f"{'' if absent is None else _AMONG_ABSENT}",
        {**scopes.parameters(scope), "absent": absent},
    )
    if one(connection, f"select exists (select from {table(batch_id, '_rejected')})")[0]:
        execute(connection, f"analyze {gone}; analyze {table(batch_id, '_rejected')}")
        _keep_silent(connection, contract, batch_id, facts)


def spared(connection: Connection) -> int:
    """Return how many records of the split just made stay because a rejected row may speak of them."""
    return int(one(connection, "select count(*) from pg_temp.spared")[0])


def _within(contract: Contract, scope: Scope | None) -> str:
    if scope is None:
        return "where true"
    return (
        f'join raw."{contract.id}" v on v._record_key = p.record_key and v._batch_id = p.version_batch_id'
        f" where {scopes.covers(contract, scope, 'v')}"
    )


def _keep_silent(connection: Connection, contract: Contract, batch_id: int, facts: Mapping[str, Any]) -> None:
    gone, silent = table(batch_id, "_gone"), table(batch_id, "_silent")
    base = record_key(f"({key_text(contract, 'r')})", "1")
    execute(
        connection,
        f"insert into {silent} select n.base from (select distinct {base} as base"
        f" from ({_read_rows(contract, batch_id)}) r) n"
        f" where not exists (select from {table(batch_id, '_key')} k where k.record_key = n.base)",
        facts,
    )
    execute(
        connection,
        f"insert into pg_temp.spared select g.record_key from {gone} g left join pg_temp.numbered n using (record_key)"
        f" where coalesce(n.base, g.record_key) in (select record_key from {silent})"
        f" union {_torn_rows(contract, batch_id)}",
    )
    execute(connection, f"delete from {gone} g using pg_temp.spared s where s.record_key = g.record_key")
    execute(connection, f"insert into {silent} select record_key from pg_temp.spared on conflict do nothing")


def _read_rows(contract: Contract, batch_id: int) -> str:
    """The rejected rows that could be read, with their key columns typed."""
    kinds = {f.name: f.sql for f in contract.fields}

    def cell(column: str) -> str:
        text = f"nullif(max(value) filter (where column_name = '{column}'), '')"
        return f"({text} || '+00')::timestamptz" if kinds[column] == "timestamptz" else f"{text}::{kinds[column]}"

    cells = ", ".join(f'{cell(c)} as "{c}"' for c in _columns(contract))
    rejected = table(batch_id, "_rejected")
    return f"select {cells} from {rejected} where is_read group by row_no having max(value) <> ''"


def _torn_rows(contract: Contract, batch_id: int) -> str:
    """Absent records all of whose key parts stand somewhere in one row whose columns could not be told apart."""
    absent = ", ".join(f'{_folded(field_text(contract, c, "v"))} as "{c}"' for c in _columns(contract))
    own = [c for c in contract.key if c not in contract.fallback_key] or list(contract.key)
    missing = " or ".join(f"a.\"{c}\" = ''" for c in own)
    by_fallback = f"(({missing}) and ({_filled(contract.fallback_key)}))" if contract.fallback_key else "false"
    named = [_named(contract.key, batch_id, f"not {by_fallback} and ({_filled(contract.key)})")]
    if contract.fallback_key:
        named.append(_named(contract.fallback_key, batch_id, by_fallback))
    return (
        f"(with absent as materialized (select g.record_key, {absent} from {table(batch_id, '_gone')} g"
        f' join raw."{contract.id}" v on v._record_key = g.record_key and v._batch_id = g.prior_batch_id)'
        f" {' union '.join(named)})"
    )


def _folded(text: str) -> str:
    return f"coalesce(upper(regexp_replace(normalize({text}, NFKC), '\\s', '', 'g')), '')"


def _named(columns: Sequence[str], batch_id: int, where: str) -> str:
    joins = " ".join(
        f"join {table(batch_id, '_rejected')} r{n} on not r{n}.is_read and r{n}.column_name = '{c}'"
        f' and r{n}.value = a."{c}"' + (f" and r{n}.row_no = r0.row_no" if n else "")
        for n, c in enumerate(columns)
    )
    return f"select a.record_key from absent a {joins} where {where}"


def _filled(columns: Sequence[str]) -> str:
    return " or ".join(f"a.\"{c}\" <> ''" for c in columns)


def _columns(contract: Contract) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*contract.key, *contract.fallback_key)))
