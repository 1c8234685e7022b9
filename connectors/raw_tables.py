"""The raw tables: one per contract, every version of every record, made and extended from the contract alone."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from psycopg import sql

from connectors.contract import Contract
from connectors.database import Connection
from connectors.raw_migration import MigrationRefusedError, StoredTable, migrate, plan
from connectors.record_columns import BASE, MENTION_KEY

_LOCK = 371_000_004

_OF_THE_ROW: Mapping[str, tuple[str, str]] = {
    "_row_no": ("bigint not null", "部门文件中的行号，从 1 起，含表头行"),
    "_record_key": ("uuid not null", "记录键：键列文本的带密钥散列（HMAC-SHA256，前 16 字节）"),
    "_row_hash": ("bytea not null", "所存各列内容的散列（SHA-256，前 16 字节）"),
}
_OF_THE_VERSION: Mapping[str, tuple[str, str]] = {
    "_key_no": ("smallint not null default 1", "同一次报送中同键不同内容的记录的序号，从 1 起"),
    "_batch_id": ("bigint not null", "带来本版本的报送"),
    "_as_of": ("date not null", "本版本自哪个业务日期起算"),
    "_applied_seq": ("bigint not null", "本版本入库的序号（quality.event.seq）"),
    "_loaded_at": ("timestamptz not null default clock_timestamp()", "入库时间"),
    "_closed_batch_id": ("bigint", "替换或撤回本版本的报送；空白为现行版本"),
    "_closed_at": ("timestamptz", "被替换或撤回的时间"),
    "_issues": ("jsonb not null default '[]'", "本行的问题：[{column, rule}]，不含值"),
}
_FIRST = ("_row_no", "_record_key", "_row_hash", MENTION_KEY, "_key_no", "_batch_id", "_closed_batch_id")
"""Before the fields stands what indexes and most statements ask for: no row is taken apart for it."""
_MENTION_KEY = ("uuid", "同一对象的多条记录共有的键：契约 grain 各列文本的带密钥散列（HMAC-SHA256，前 16 字节）")


@dataclass(frozen=True)
class RawTables:
    """What became of the raw tables.

    Attributes:
        touched: ids of the contracts whose table was created or changed, in id order.
        refused: why a table could not follow its contract, by contract id; it is as it was.
    """

    touched: tuple[str, ...]
    refused: Mapping[str, str]


def control_columns(contract: Contract) -> dict[str, tuple[str, str]]:
    """Return what the contract's raw table has besides its fields: type and comment by name."""
    return {**_OF_THE_ROW, **({MENTION_KEY: _MENTION_KEY} if contract.grain else {}), **_OF_THE_VERSION}


def columns(contract: Contract) -> dict[str, str]:
    """Return the columns of the contract's raw table in their order: type and constraints by name.

    A staged table that may become one (`first_delivery`) has the same order: what stands behind the fields is added.
    """
    control = {name: kind for name, (kind, _) in control_columns(contract).items()}
    first = {name: control.pop(name) for name in _FIRST if name in control}
    return first | {field.name: field.sql for field in contract.fields} | control


def ensure_raw_tables(connection: Connection, contracts: Mapping[str, Contract]) -> RawTables:
    """Create the missing raw tables, make the others match their contract, renew comments; commit is the caller's.

    A column that left its contract stays in the table, and stays empty from then on. A table that cannot follow its
    contract stays as it is and stops no other.

    Args:
        connection: to the warehouse, as its owner.
        contracts: by contract id.
    """
    connection.execute("select pg_advisory_xact_lock(%s)", (_LOCK,))
    kinds, keys, grains = _stored_kinds(connection), _stored_keys(connection), _stored_grains(connection)
    touched: list[str] = []
    refused: dict[str, str] = {}
    for contract_id, contract in sorted(contracts.items()):
        if contract_id not in kinds:
            connection.execute(create_statement(contract))
            touched.append(contract_id)
            continue
        key, fallback_key = keys.get(contract_id, (contract.key, contract.fallback_key))
        stored = StoredTable(kinds[contract_id], key, fallback_key, has_rows(connection, contract))
        try:
            if migration := plan(contract, stored):
                migrate(connection, contract, stored, migration)
                touched.append(contract_id)
            _follow_grain(connection, contract, kinds[contract_id], grains.get(contract_id, ()))
        except MigrationRefusedError as error:
            refused[contract_id] = str(error)
    followed = [c for c in contracts.values() if c.id not in refused]
    _renew_comments(connection, followed)
    _register(connection, followed)
    return RawTables(tuple(touched), refused)


def matches(connection: Connection, contract: Contract) -> bool:
    """Say whether the raw table was made by this very version of its contract."""
    row = connection.execute(
        "select version from catalogue.raw_table where contract_id = %s and to_regclass(%s) is not null",
        (contract.id, f'raw."{contract.id}"'),
    ).fetchone()
    return row == (contract.version,)


def stored_tables(connection: Connection, contracts: Mapping[str, Contract]) -> dict[str, StoredTable]:
    """Return the raw tables of these contracts as they stand; those that do not exist are left out."""
    kinds, keys = _stored_kinds(connection), _stored_keys(connection)
    return {
        c.id: StoredTable(kinds[c.id], *keys.get(c.id, (c.key, c.fallback_key)), has_rows(connection, c))
        for c in contracts.values()
        if c.id in kinds
    }


def count_words(
    connection: Connection, words: Mapping[tuple[str, str], Sequence[str]]
) -> dict[tuple[str, str, str], int]:
    """Count the current records that hold certain words.

    Args:
        words: by contract id and column; a table or column that does not exist holds none.
    """
    kinds = _stored_kinds(connection)
    counts: dict[tuple[str, str, str], int] = {}
    for (contract_id, column), wanted in words.items():
        found: dict[str, int] = {}
        if column in kinds.get(contract_id, {}):
            query = sql.SQL(
                "select {column}, count(*) from {table}"
                " where _closed_batch_id is null and {column} = any(%s) group by 1"
            ).format(column=sql.Identifier(column), table=sql.Identifier("raw", contract_id))
            found = dict(connection.execute(query, (list(wanted),)).fetchall())
        counts |= {(contract_id, column, word): found.get(word, 0) for word in wanted}
    return counts


def create_statement(contract: Contract) -> sql.Composed:
    """Return the DDL of the contract's raw table with its indexes: the open version of a key is unique."""
    lines = [sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(kind)) for name, kind in columns(contract).items()]
    return sql.SQL("create table {} (\n    {}\n);\n{}").format(
        _table(contract), sql.SQL(",\n    ").join(lines), _index_statements(contract)
    )


@contextmanager
def indexed_afterwards(connection: Connection, contract: Contract) -> Iterator[None]:
    """Load an empty raw table without its indexes and make them at the end; any other table is left as it is.

    A table emptied in the transaction that fills it is written once: PostgreSQL syncs it at the commit instead of
    logging it (`wal_level = minimal`).
    """
    if has_rows(connection, contract):
        yield
        return
    connection.execute(sql.SQL("truncate {}").format(_table(contract)))
    for name in _indexes(contract):
        connection.execute(sql.SQL("drop index {}").format(sql.Identifier("raw", _index_name(contract, name))))
    yield
    connection.execute(_index_statements(contract))


def begin(connection: Connection, contract: Contract, staged: str) -> None:
    """Give an empty table that may become the raw table those indexes that will hold next to nothing of its rows.

    Made now, they cost less than to look at all rows for them later.

    Args:
        connection: commit is the caller's.
        contract: of the rows.
        staged: name of the table; theirs begin with it.
    """
    for name in _SPARSE:
        index_staged(connection, contract, staged, name)


def full_indexes(contract: Contract) -> list[str]:
    """Return the names of the indexes that hold all rows."""
    return [name for name in _indexes(contract) if name not in _SPARSE]


def index_staged(connection: Connection, contract: Contract, staged: str, name: str) -> None:
    """Make an index of a raw table on a staged one, under a name of its own; commit is the caller's."""
    schema, table = staged.split(".")
    kind, definition = _indexes(contract)[name]
    connection.execute(
        sql.SQL("create {} {} on {} {}").format(
            sql.SQL(kind),
            sql.Identifier(f"{table}_{name}"),
            sql.Identifier(schema, table),
            sql.SQL(definition.replace("_record_key", BASE)),
        )
    )


def finish(connection: Connection, contract: Contract, staged: str) -> None:
    """Give a table that was staged, and has the raw table's place by now, what a raw table has besides.

    Args:
        connection: commit is the caller's.
        contract: of the rows.
        staged: name it had.
    """
    _, table = staged.split(".")
    for name in _indexes(contract):
        statement, made = _index_statement(contract, name), sql.Identifier("raw", f"{table}_{name}")
        if connection.execute("select to_regclass(%s)", (made.as_string(),)).fetchone() != (None,):
            statement = sql.SQL("alter index {} rename to {}").format(made, sql.Identifier(_index_name(contract, name)))
        connection.execute(statement)
    _renew_comments(connection, [contract])


def has_rows(connection: Connection, contract: Contract) -> bool:
    """Say whether the raw table holds any version."""
    row = connection.execute(sql.SQL("select exists (select from {})").format(_table(contract))).fetchone()
    return row == (True,)


_INDEXES: Mapping[str, tuple[str, str]] = {
    "version_once": (
        "unique index",
        "(_record_key, (case when _closed_batch_id is null then 0 else _batch_id end))",
    ),
    "numbered": ("index", "(_record_key) where _key_no > 1 and _closed_batch_id is null"),
    "batch": ("index", "using brin (_batch_id)"),
    "closed": ("index", "(_closed_batch_id) where _closed_batch_id is not null"),
}
"""Kind and definition by name. Of a record one version is open, and of one delivery one is closed. Batches lie one
behind another in the table, so a block index finds theirs."""
_SPARSE = ("numbered", "batch", "closed")
_INDEXES_OF_GROUPED: Mapping[str, tuple[str, str]] = {"mention": ("index", f"({MENTION_KEY})")}


def _indexes(contract: Contract) -> Mapping[str, tuple[str, str]]:
    return {**_INDEXES, **(_INDEXES_OF_GROUPED if contract.grain else {})}


def _index_name(contract: Contract, name: str) -> str:
    """Return a name that fits into PostgreSQL's 63 bytes and is the contract's own."""
    digest = hashlib.sha256(contract.id.encode()).hexdigest()[:8]
    return f"{contract.extract[:40]}_{digest}_{name}"


def _index_statements(contract: Contract) -> sql.Composed:
    return sql.SQL(";\n").join(_index_statement(contract, name) for name in _indexes(contract))


def _index_statement(contract: Contract, name: str) -> sql.Composed:
    kind, definition = _indexes(contract)[name]
    return sql.SQL("create {} {} on {} {}").format(
        sql.SQL(kind), sql.Identifier(_index_name(contract, name)), _table(contract), sql.SQL(definition)
    )


def comments(contract: Contract) -> dict[str | None, str]:
    """Return the comment of every column, and of the table under None."""
    texts: dict[str | None, str] = {None: f"{contract.title}。{contract.description}"}
    texts |= {field.name: f"{field.comment} [{field.level}]" for field in contract.fields}
    return texts | {name: text for name, (_, text) in control_columns(contract).items()}


def _table(contract: Contract) -> sql.Identifier:
    return sql.Identifier("raw", contract.id)


def _stored_kinds(connection: Connection) -> dict[str, dict[str, str]]:
    rows = connection.execute(
        "select c.relname, a.attname, format_type(a.atttypid, a.atttypmod)"
        " from pg_class as c inner join pg_attribute as a on a.attrelid = c.oid"
        " where c.relnamespace = 'raw'::regnamespace and c.relkind in ('r', 'p')"
        " and a.attnum > 0 and not a.attisdropped"
    )
    types: dict[str, dict[str, str]] = {}
    for table, column, kind in rows:
        types.setdefault(table, {})[column] = kind
    return types


def _stored_keys(connection: Connection) -> dict[str, tuple[tuple[str, ...], tuple[str, ...]]]:
    rows = connection.execute("select contract_id, key_columns, fallback_key from catalogue.raw_table")
    return {contract_id: (tuple(key), tuple(fallback)) for contract_id, key, fallback in rows}


def _stored_grains(connection: Connection) -> dict[str, tuple[str, ...]]:
    rows = connection.execute("select contract_id, grain from catalogue.raw_table")
    return {contract_id: tuple(grain) for contract_id, grain in rows}


def _follow_grain(
    connection: Connection, contract: Contract, kinds: Mapping[str, str], stored: tuple[str, ...]
) -> None:
    """Keys of another grain are void; linkage makes those that are missing."""
    if not contract.grain:
        return
    if MENTION_KEY not in kinds:
        kind, _ = _MENTION_KEY
        connection.execute(
            sql.SQL("alter table {} add column {} {}").format(
                _table(contract), sql.Identifier(MENTION_KEY), sql.SQL(kind)
            )
        )
        connection.execute(_index_statement(contract, "mention"))
    elif stored != contract.grain:
        connection.execute(sql.SQL("update {} set {} = null").format(_table(contract), sql.Identifier(MENTION_KEY)))


def _register(connection: Connection, contracts: Iterable[Contract]) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(
            "insert into catalogue.raw_table (contract_id, version, key_columns, fallback_key, grain)"
            " values (%s, %s, %s, %s, %s) on conflict (contract_id) do update set version = excluded.version,"
            " key_columns = excluded.key_columns, fallback_key = excluded.fallback_key, grain = excluded.grain"
            " where raw_table.version <> excluded.version",
            [(c.id, c.version, list(c.key), list(c.fallback_key), list(c.grain)) for c in contracts],
        )


def _renew_comments(connection: Connection, contracts: Iterable[Contract]) -> None:
    known = {
        (table, column): text
        for table, column, text in connection.execute(
            "select c.relname, a.attname, d.description from pg_description as d"
            " inner join pg_class as c on c.oid = d.objoid and d.classoid = 'pg_class'::regclass"
            " left join pg_attribute as a on a.attrelid = c.oid and a.attnum = d.objsubid and d.objsubid > 0"
            " where c.relnamespace = 'raw'::regnamespace"
        )
    }
    statements = []
    for contract in contracts:
        for column, text in comments(contract).items():
            if known.get((contract.id, column)) == text:
                continue
            target = (
                sql.SQL("table {}").format(_table(contract))
                if column is None
                else sql.SQL("column {}").format(sql.Identifier("raw", contract.id, column))
            )
            statements.append(sql.SQL("comment on {} is {}").format(target, sql.Literal(text)))
    if statements:
        connection.execute(sql.SQL(";\n").join(statements))
