"""What a contract's new version does to its raw table: columns added or widened, or refused with the reason.

Record keys and row hashes are made of column texts. So the key stays as long as there are rows, and where a column is
widened the rows are hashed again in the same transaction: what did not change stays unchanged at the next delivery.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import psycopg
from psycopg import sql

from connectors.contract import ColumnType, Contract, StoredField
from connectors.database import Connection
from connectors.dependent_views import UnmovableViewError, put_back, take_down
from connectors.errors import UserError
from connectors.sql_text import execute, row_hash

_TYPE_NAMES: Mapping[str, str] = {"timestamptz": "timestamp with time zone"}
"""The types of our DDL that PostgreSQL reports under another name."""

_WIDENINGS: Mapping[tuple[str, str], str] = {
    ("bigint", "numeric(24,6)"): "{column}::numeric(24,6)",
    ("date", "timestamp with time zone"): "{column}::timestamp at time zone 'Asia/Shanghai'",
}
"""How stored values become those of a wider type; a date becomes the beginning of its day in the city."""

_KIND_WORDS: Mapping[str, str] = {
    "text": "文本",
    "bigint": "整数",
    "numeric(24,6)": "小数",
    "date": "日期",
    "timestamp with time zone": "日期时间",
    "boolean": "是否",
}
_READ_AGAIN: Mapping[str, ColumnType] = {
    "bigint": ColumnType.INT,
    "numeric(24,6)": ColumnType.DECIMAL,
    "date": ColumnType.DATE,
    "timestamp with time zone": ColumnType.DATETIME,
    "boolean": ColumnType.BOOL,
}


class MigrationRefusedError(UserError):
    """A raw table cannot follow its contract; one Chinese sentence says why and what to do."""


@dataclass(frozen=True)
class StoredTable:
    """A raw table as it stands.

    Attributes:
        kinds: type by column, as PostgreSQL names them; control columns included.
        key: columns its record keys are made of.
        fallback_key: those used where the key is empty.
        has_rows: whether any record was ever stored.
    """

    kinds: Mapping[str, str]
    key: tuple[str, ...]
    fallback_key: tuple[str, ...]
    has_rows: bool


@dataclass(frozen=True)
class Migration:
    """What has to be done to a raw table."""

    added: tuple[StoredField, ...] = ()
    retyped: tuple[StoredField, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.retyped)


def kind_of(stored: StoredField) -> str:
    """Return the field's type as PostgreSQL names it."""
    return _TYPE_NAMES.get(stored.sql, stored.sql)


def plan(contract: Contract, stored: StoredTable) -> Migration:
    """Say what makes a raw table match its contract.

    Raises:
        MigrationRefusedError: it cannot be done without losing something.
    """
    if found := problems(contract, stored):
        raise MigrationRefusedError("；".join(found.values()))
    return Migration(tuple(f for f in contract.fields if f.name not in stored.kinds), tuple(_retyped(contract, stored)))


def problems(contract: Contract, stored: StoredTable) -> dict[str, str]:
    """Say why a raw table cannot follow its contract: a Chinese sentence by column, `key` or `fallback_key`."""
    if not stored.has_rows:
        return {}
    found = {
        name: f"契约 {contract.id} 的{word}由（{_listed(before)}）改为（{_listed(now)}），而库中已有记录："
        "同一记录的新旧版本将对不上，请恢复原来的键，或以新的数据集名另立契约"
        for name, word, before, now in (
            ("key", "主键", stored.key, contract.key),
            ("fallback_key", "替代主键", stored.fallback_key, contract.fallback_key),
        )
        if before != now
    }
    for changed in _retyped(contract, stored):
        before = stored.kinds[changed.name]
        what = f"契约 {contract.id} 的列 {changed.name} 由{_KIND_WORDS.get(before, before)}改为{_word(changed)}"
        if (before, kind_of(changed)) not in _WIDENINGS:
            found[changed.name] = f"{what}：已入库的值不能这样改，请恢复原类型，或以新列名增加一列"
        elif changed.name in (*contract.key, *contract.fallback_key):
            found[changed.name] = f"{what}：它是键列，已入库记录的键会改变，请恢复原类型"
    return found


def _retyped(contract: Contract, stored: StoredTable) -> Iterator[StoredField]:
    return (f for f in contract.fields if stored.kinds.get(f.name, kind_of(f)) != kind_of(f))


def _word(changed: StoredField) -> str:
    return _KIND_WORDS.get(kind_of(changed), kind_of(changed))


def _listed(columns: tuple[str, ...]) -> str:
    return "、".join(columns) or "无"


def migrate(connection: Connection, contract: Contract, stored: StoredTable, migration: Migration) -> None:
    """Add and retype columns, hash rows again, keep the views that read them; in a transaction of its own.

    Raises:
        MigrationRefusedError: a value does not fit, or a view cannot follow; nothing was changed.
    """
    with connection.transaction():
        if migration.retyped:
            _retype(connection, contract, stored, migration.retyped)
        if migration.added:
            _alter(
                connection,
                contract,
                [sql.SQL("add column {} {}").format(sql.Identifier(f.name), sql.SQL(f.sql)) for f in migration.added],
            )
        if migration.retyped and stored.has_rows:
            _hash_again(connection, contract, stored, migration.retyped)


def _retype(connection: Connection, contract: Contract, stored: StoredTable, fields: tuple[StoredField, ...]) -> None:
    columns = [f.name for f in fields]
    what = f"契约 {contract.id} 的列 {'、'.join(columns)} 不能改类型"
    try:
        views = take_down(connection, f'raw."{contract.id}"', columns)
        _alter(connection, contract, [_type_change(f, stored) for f in fields])
        put_back(connection, views)
    except UnmovableViewError as error:
        raise MigrationRefusedError(f"{what}：物化视图 {error} 用到它，请先删除该视图，改完后重建") from error
    except (psycopg.errors.DataError, psycopg.errors.ProgrammingError) as error:
        cause = "已有的值超出新类型的范围" if isinstance(error, psycopg.errors.DataError) else "用到它的视图无法重建"
        raise MigrationRefusedError(f"{what}：{cause}（{type(error).__name__}），请恢复原类型") from error


def _type_change(changed: StoredField, stored: StoredTable) -> sql.Composed:
    column = sql.Identifier(changed.name)
    using = _WIDENINGS.get((stored.kinds[changed.name], kind_of(changed)), f"null::{changed.sql}")
    return sql.SQL("alter column {} type {} using {}").format(
        column, sql.SQL(changed.sql), sql.SQL(using).format(column=column)
    )


def _alter(connection: Connection, contract: Contract, actions: list[sql.Composed]) -> None:
    connection.execute(
        sql.SQL("alter table {} {}").format(sql.Identifier("raw", contract.id), sql.SQL(", ").join(actions))
    )


def _hash_again(
    connection: Connection, contract: Contract, stored: StoredTable, fields: tuple[StoredField, ...]
) -> None:
    """Columns that left the contract are part of the hashes made while they were in it."""
    known = {f.name for f in contract.fields}
    left = {
        name: {"header": f"（已停用）{name}", "type": _READ_AGAIN.get(kind, ColumnType.TEXT)}
        for name, kind in stored.kinds.items()
        if name not in known and not name.startswith("_") and name != "operation"
    }
    facts = contract.model_dump()
    everything = Contract.model_validate(facts | {"columns": facts["columns"] | left})
    filled = " or ".join(f'v."{f.name}" is not null' for f in fields)
    execute(connection, f'update raw."{contract.id}" v set _row_hash = {row_hash(everything, "v")} where {filled}')
