"""The raw tables: one per contract, every version of every record, made and extended from the contract alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from psycopg import sql

from connectors.contract import Contract, StoredField
from connectors.database import Connection
from connectors.errors import UserError

_TYPE_NAMES: Mapping[str, str] = {"timestamptz": "timestamp with time zone"}
"""The types of our DDL that PostgreSQL reports under another name."""

CONTROL_COLUMNS: Mapping[str, tuple[str, str]] = {
    "_record_key": ("uuid not null", "记录键：键列文本的带密钥散列（HMAC-SHA256，前 16 字节）"),
    "_key_no": ("smallint not null default 1", "同一次报送中同键不同内容的记录的序号，从 1 起"),
    "_row_hash": ("bytea not null", "所存各列内容的散列（SHA-256，前 16 字节）"),
    "_batch_id": ("bigint not null", "带来本版本的报送"),
    "_row_no": ("bigint not null", "部门文件中的行号，从 1 起，含表头行"),
    "_as_of": ("date not null", "本版本自哪个业务日期起算"),
    "_applied_seq": ("bigint not null", "本版本入库的序号（quality.event.seq）"),
    "_loaded_at": ("timestamptz not null default clock_timestamp()", "入库时间"),
    "_closed_batch_id": ("bigint", "替换或撤回本版本的报送；空白为现行版本"),
    "_closed_at": ("timestamptz", "被替换或撤回的时间"),
    "_issues": ("jsonb not null default '[]'", "本行的问题：[{column, rule}]，不含值"),
}
"""What every raw table has besides its contract's fields: type and comment."""


def ensure_raw_tables(connection: Connection, contracts: Mapping[str, Contract]) -> list[str]:
    """Create the missing raw tables, add new columns to the others, renew comments; commit is the caller's.

    A column that left its contract stays in the table, and stays empty from then on.

    Args:
        connection: to the warehouse, as its owner.
        contracts: by contract id.

    Returns:
        Ids of the contracts whose table was created or extended, in id order.

    Raises:
        UserError: a contract gives a stored column another type; nothing of that contract was changed.
    """
    stored = _stored_types(connection)
    touched = []
    for contract_id, contract in sorted(contracts.items()):
        if contract_id not in stored:
            connection.execute(create_statement(contract))
            touched.append(contract_id)
        elif added := _new_fields(contract, stored[contract_id]):
            connection.execute(_add_statement(contract, added))
            touched.append(contract_id)
    _renew_comments(connection, contracts.values())
    return touched


def create_statement(contract: Contract) -> sql.Composed:
    """Return the DDL of the contract's raw table with its indexes: the open version of a key is unique."""
    table = _table(contract)
    fields = [sql.SQL("{} {}").format(sql.Identifier(f.name), sql.SQL(f.sql)) for f in contract.fields]
    control = [
        sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(kind)) for name, (kind, _) in CONTROL_COLUMNS.items()
    ]
    return sql.SQL(
        "create table {table} (\n    {columns},\n    unique (_record_key, _batch_id)\n);\n"
        "create unique index on {table} (_record_key) where _closed_batch_id is null;\n"
        "create index on {table} (_batch_id);\n"
        "create index on {table} (_closed_batch_id) where _closed_batch_id is not null"
    ).format(table=table, columns=sql.SQL(",\n    ").join([*fields, *control]))


def comments(contract: Contract) -> dict[str | None, str]:
    """Return the comment of every column, and of the table under None."""
    texts: dict[str | None, str] = {None: f"{contract.title}。{contract.description}"}
    texts |= {field.name: f"{field.comment} [{field.level}]" for field in contract.fields}
    return texts | {name: text for name, (_, text) in CONTROL_COLUMNS.items()}


def _table(contract: Contract) -> sql.Identifier:
    return sql.Identifier("raw", contract.id)


def _stored_types(connection: Connection) -> dict[str, dict[str, str]]:
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


def _new_fields(contract: Contract, stored: Mapping[str, str]) -> list[StoredField]:
    for field in contract.fields:
        wanted = _TYPE_NAMES.get(field.sql, field.sql)
        if field.name in stored and stored[field.name] != wanted:
            raise UserError(
                f"契约 {contract.id} 的列 {field.name} 在库中是 {stored[field.name]}，契约要求 {wanted}："
                "已入库的列不能改类型，请恢复原类型，或以新列名增加一列"
            )
    return [field for field in contract.fields if field.name not in stored]


def _add_statement(contract: Contract, fields: Iterable[StoredField]) -> sql.Composed:
    return sql.SQL("alter table {} {}").format(
        _table(contract),
        sql.SQL(", ").join(
            sql.SQL("add column {} {}").format(sql.Identifier(field.name), sql.SQL(field.sql)) for field in fields
        ),
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
