"""A first large delivery: its staged table becomes the raw table, so that millions of rows are written once.

The rest of a raw table is made anew around it in the same transaction: control columns (constants, which PostgreSQL
adds without touching a row), indexes, comments, grants, row policies, and the views that read it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from psycopg import Rollback, sql

from connectors import raw_tables
from connectors.contract import Contract
from connectors.database import Connection, connect
from connectors.dependent_views import UnmovableViewError, grant, put_back, take_down
from connectors.record_columns import BASE, MENTION_KEY
from connectors.sql_text import execute, give_memory, one
from connectors.staging import drop_one, issues_of_rows, table, whole

_FEW = 0.1
"""Share of the rows that may have to be changed: of more a second copy of the table costs less."""
_NOT_PLAIN = "disposition <> 'new' or withdraws or key_no > 1"
_SHAPE = """
select a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid)
from pg_attribute as a
left join pg_attrdef as d on d.adrelid = a.attrelid and d.adnum = a.attnum
where a.attrelid = %(table)s::regclass and a.attnum > 0 and not a.attisdropped
order by a.attname
"""
_GRANTS = """
select g.privilege_type, coalesce(pg_get_userbyid(nullif(g.grantee, 0)), 'public'), g.is_grantable::text
from pg_class as c cross join lateral aclexplode(c.relacl) as g
where c.oid = %(table)s::regclass and g.grantee <> c.relowner
"""
_GUARDS = "select relrowsecurity, relforcerowsecurity from pg_class where oid = %(table)s::regclass"
_POLICIES = """
select p.policyname, p.permissive, p.cmd, p.roles, p.qual, p.with_check
from pg_policies as p
inner join pg_class as c on c.relname = p.tablename and c.relnamespace = to_regnamespace(quote_ident(p.schemaname))
where c.oid = %(table)s::regclass
"""


def may_become_raw(connection: Connection, contract: Contract, batch_id: int) -> bool:
    """Say whether the staged table was made to be kept, the raw table is still empty, and most rows stay as they are.

    Never on a Citus cluster: its raw tables are distributed while they are empty. Runs where
    `apply` has found what later deliveries say (`pg_temp.ending`).
    """
    kept = (
        "select relpersistence = 'p' and relkind = 'r' and to_regproc('create_distributed_table') is null"
        " from pg_class where oid = to_regclass(%(table)s)"
    )
    staged = whole(connection, batch_id)
    if execute(connection, kept, {"table": staged}).fetchone() != (True,):
        return False
    if raw_tables.has_rows(connection, contract) or one(connection, "select exists (select from pg_temp.ending)")[0]:
        return False
    # the number of rows as last analysed: it need not be exact
    rows, other, told = one(
        connection,
        f"select (select reltuples from pg_class where oid = '{staged}'::regclass),"
        f" (select count(*) from {table(batch_id, '_key')} where {_NOT_PLAIN}),"
        f" (select count(distinct row_no) from {table(batch_id, '_issue')})",
    )
    return bool(other + told <= _FEW * rows)


@contextmanager
def indexed_meanwhile(dsn: str, contract: Contract, staged: str) -> Iterator[None]:
    """Make each index that holds all rows of a staged table, on a connection of its own, while something else is done.

    Args:
        dsn: of the warehouse.
        contract: of the rows, no two of which share their record key.
        staged: name of the table; committed, and nothing may change it meanwhile.
    """
    names = raw_tables.full_indexes(contract)
    with ThreadPoolExecutor(len(names)) as others:
        # two processors are kept busy by one index with a helper, or by two
        made = [others.submit(index, dsn, contract, staged, name, helpers=int(len(names) == 1)) for name in names]
        yield
        for one_made in made:
            one_made.result()


def index(dsn: str, contract: Contract, staged: str, name: str, *, helpers: int) -> None:
    """Make one of the indexes that hold all rows of a staged table, and commit it."""
    with connect(dsn) as connection:
        give_memory(connection)
        execute(connection, f"set local max_parallel_maintenance_workers = {helpers}")
        raw_tables.index_staged(connection, contract, staged, name)


def become_raw(connection: Connection, contract: Contract, batch_id: int, values: Mapping[str, Any]) -> bool:
    """Put the batch's staged table in the place of the empty raw table.

    Args:
        values: of the control columns that are the same in all rows, or in most.

    Returns:
        False, with nothing changed, where the raw table has other columns than its contract, or something other than
        a plain view reads it.
    """
    raw, staged = f'raw."{contract.id}"', whole(connection, batch_id)
    with connection.transaction() as savepoint:
        _complete(connection, contract, staged, values)
        if _facts(connection, _SHAPE, staged) != _facts(connection, _SHAPE, raw):
            raise Rollback(savepoint)
        try:
            views = take_down(connection, raw)
        except UnmovableViewError as error:
            raise Rollback(savepoint) from error
        _change_the_others(connection, batch_id)
        drop_one(connection, table(batch_id))
        grants, policies = _facts(connection, _GRANTS, raw), _facts(connection, _POLICIES, raw)
        [guards] = _facts(connection, _GUARDS, raw)
        execute(connection, f'drop table {raw}; alter table {staged} rename to "{contract.id}"')
        execute(connection, f'alter table staging."{contract.id}" set schema raw')
        raw_tables.finish(connection, contract, staged)
        grant(connection, sql.Identifier("raw", contract.id), grants)
        _guard(connection, contract, guards, policies)
        put_back(connection, views)
        return True
    return False


def _change_the_others(connection: Connection, batch_id: int) -> None:
    """Remove the rows that open no version, number those that share their key, and note findings on rows."""
    staged, key = whole(connection, batch_id), table(batch_id, "_key")
    execute(
        connection,
        f"delete from {staged} r using {key} k where k.row_no = r._row_no and (k.disposition <> 'new' or k.withdraws)",
    )
    execute(
        connection,
        f"update {staged} r set _record_key = k.record_key, _key_no = k.key_no from {key} k"
        " where k.row_no = r._row_no and k.key_no > 1",
    )
    # an update looks at all rows with one process, a query with several
    execute(connection, "drop table if exists pg_temp.told")
    execute(
        connection,
        f"create temp table told as select r.ctid as place, i.found from {staged} r"
        f" join ({issues_of_rows(batch_id)}) i on i.row_no = r._row_no",
    )
    execute(connection, "analyze told")
    execute(connection, f"update {staged} r set _issues = t.found from pg_temp.told t where r.ctid = t.place")


def _facts(connection: Connection, query: str, table: str) -> list[tuple[Any, ...]]:
    return execute(connection, query, {"table": table}).fetchall()


def _complete(connection: Connection, contract: Contract, staged: str, values: Mapping[str, Any]) -> None:
    """Give a staged table the columns and defaults of a raw one."""
    execute(connection, f"alter table {staged} rename column {BASE} to _record_key")
    if contract.grain:
        execute(connection, f"alter table {staged} alter {MENTION_KEY} drop not null")
    added, defaults = [], []
    there = {name for name, *_ in _facts(connection, _SHAPE, staged)}
    for name, (kind, _) in raw_tables.control_columns(contract).items():
        column = sql.Identifier(name)
        own, _, default = kind.partition(" default ")
        if name not in there:
            value = sql.SQL(" default {}").format(sql.Literal(values[name])) if name in values else sql.SQL("")
            added.append(sql.SQL("add column {} {}{}").format(column, sql.SQL(own), value))
        after = sql.SQL(f"set default {default}" if default else "drop default")
        defaults.append(sql.SQL("alter column {} {}").format(column, after))
    for actions in (added, defaults):
        connection.execute(sql.SQL("alter table {} {}").format(sql.SQL(staged), sql.SQL(", ").join(actions)))


def _guard(
    connection: Connection, contract: Contract, guards: tuple[Any, ...], policies: list[tuple[Any, ...]]
) -> None:
    table = sql.Identifier("raw", contract.id)
    for is_on, what in zip(guards, ("enable", "force"), strict=True):
        if is_on:
            connection.execute(sql.SQL("alter table {} {} row level security").format(table, sql.SQL(what)))
    for name, permissive, command, roles, using, check in policies:
        readers = sql.SQL(", ").join(sql.SQL("public") if r == "public" else sql.Identifier(r) for r in roles)
        conditions = [f"{word} ({told})" for word, told in (("using", using), ("with check", check)) if told]
        connection.execute(
            sql.SQL("create policy {} on {} as {} for {} to {} {}").format(
                sql.Identifier(name),
                table,
                sql.SQL(permissive),
                sql.SQL(command),
                readers,
                sql.SQL(" ".join(conditions)),
            )
        )
