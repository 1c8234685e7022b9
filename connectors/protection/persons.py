"""Where data about a person lies: by the number in any column of any table, by its links, and in files."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from psycopg import sql

from connectors.contract import ColumnType, Contract, Contracts
from connectors.contract_model import Mention
from connectors.database import Connection
from connectors.errors import UserError
from connectors.protection import redaction
from connectors.settings import Settings

_COLUMNS = """
select n.nspname, c.relname, array_agg(a.attname::text order by a.attnum), array_agg(format_type(a.atttypid, null))
from pg_class as c
inner join pg_namespace as n on n.oid = c.relnamespace
inner join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
where
    c.relkind in ('r', 'p') and not c.relispartition and c.relpersistence <> 't'
    and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
group by 1, 2
order by 1, 2
"""
_TEXTS = {"text", "character varying", "jsonb", "json", "text[]", "character varying[]", "character"}


@dataclass(frozen=True)
class Table:
    """A table with its columns' types."""

    schema: str
    name: str
    kinds: Mapping[str, str]

    @property
    def full_name(self) -> str:
        """`schema.table`."""
        return f"{self.schema}.{self.name}"

    @property
    def identifier(self) -> sql.Identifier:
        """The quoted name."""
        return sql.Identifier(self.schema, self.name)

    @property
    def texts(self) -> tuple[str, ...]:
        """The columns in which a value can stand as text."""
        return tuple(column for column, kind in self.kinds.items() if kind in _TEXTS)


@dataclass(frozen=True)
class RecordHit:
    """A record version in raw that speaks of the person.

    Attributes:
        columns: where the number stands; empty where the record is linked to the person otherwise.
    """

    contract_id: str
    record_key: UUID
    batch_id: int
    row_no: int
    file_name: str
    columns: tuple[str, ...]


@dataclass(frozen=True)
class Found:
    """Everything that is known of where a person's data lies."""

    numbers: tuple[str, ...]
    person_ids: tuple[UUID, ...] = ()
    records: tuple[RecordHit, ...] = ()
    tables: Mapping[str, int] = field(default_factory=dict)
    """Rows by table, outside raw."""
    archived: tuple[str, ...] = ()
    """SHA-256 of archived files that hold the number."""
    files: tuple[Path, ...] = ()
    """Other files of the home: receipts, files not yet taken."""

    def __bool__(self) -> bool:
        return bool(self.person_ids or self.records or self.tables or self.archived or self.files)


def spellings(number: str) -> tuple[str, ...]:
    """Return the forms under which an identity number may be stored: as it is, with a small x, of 15 digits.

    Raises:
        UserError: too short to search for.
    """
    text = number.strip().upper()
    if not re.fullmatch(r"[0-9A-Z()（）-]{6,32}", text):
        raise UserError("这不像一个证件号码：应为 6 至 32 位数字或字母")
    forms = [text]
    if re.fullmatch(r"\d{17}[\dX]", text):
        forms += [text.lower()] if text.endswith("X") else []
        forms += [text[:6] + text[8:17]] if text[6:8] == "19" else []
    return tuple(forms)


def find(settings: Settings, connection: Connection, contracts: Contracts, number: str) -> Found:
    """Search the whole warehouse and home for a person's number; reads everything, so it takes its time."""
    numbers = spellings(number)
    tables = list(read_tables(connection))
    ids = person_ids(connection, tables, numbers)
    records = []
    rows: dict[str, int] = {}
    for table in tables:
        if table.schema == "raw":
            records += _records(connection, table, contracts.get(table.name), numbers, ids)
        elif count := _count(connection, table, numbers, ids):
            rows[table.full_name] = count
    archived = tuple(
        s for s, path in redaction.contents(settings.archive) if redaction.holds(path.read_bytes(), numbers)
    )
    others = tuple(
        path
        for folder in (settings.landing, settings.pulling)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and (_named(path, numbers) or redaction.holds(path.read_bytes(), numbers))
    )
    return Found(numbers, ids, tuple(records), rows, archived, others)


def read_tables(connection: Connection) -> Iterable[Table]:
    """Return every table with its columns, those of models to come included."""
    for schema, name, columns, kinds in connection.execute(_COLUMNS).fetchall():
        yield Table(schema, name, dict(zip(columns, kinds, strict=True)))


def person_ids(connection: Connection, tables: Iterable[Table], numbers: Sequence[str]) -> tuple[UUID, ...]:
    """Return the opaque ids that the number leads to: by tables that hold both, and by the links of mentions."""
    queries = [
        sql.SQL("select person_id from {} where id_no = any(%(numbers)s)").format(table.identifier)
        for table in tables
        if {"person_id", "id_no"} <= set(table.kinds) and table.schema != "raw"
    ]
    if any(table.full_name == "linkage.person_mention" for table in tables):
        queries.append(
            sql.SQL(
                "select l.person_id from {} l join linkage.person_mention m using (source_id, mention_key)"
                " where m.id_no = any(%(numbers)s)"
            ).format(sql.Identifier("linkage", "person_link"))
        )
    found = {i for query in queries for (i,) in connection.execute(query, {"numbers": list(numbers)}) if i is not None}
    return tuple(sorted(found))


def subject_roles(contract: Contract) -> dict[str, Mention]:
    """Return the contract's roles that are persons."""
    return {name: m for name, m in contract.mentions.items() if m.library == "population"}


def is_about_one_person(contract: Contract) -> bool:
    """Whether a record is one person's as a whole, and not of several or of something else besides."""
    return contract.person and len(subject_roles(contract)) <= 1


def number_columns(contract: Contract) -> tuple[str, ...]:
    """Return the columns that hold the number of whom a record is about."""
    roles = subject_roles(contract)
    if roles:
        return tuple(m.columns["id_no"] for m in roles.values() if "id_no" in m.columns)
    return tuple(name for name, column in contract.columns.items() if column.type is ColumnType.ID)


def text_condition(columns: Sequence[str], alias: str = "t") -> sql.Composed:
    """Return the SQL of: one of the columns has one of `%(numbers)s` somewhere in it."""
    joined = sql.SQL(", ").join(
        sql.SQL("{}.{}::text").format(sql.Identifier(alias), sql.Identifier(column)) for column in columns
    )
    return sql.SQL("concat_ws(chr(31), {}) ~ %(pattern)s").format(joined)


def pattern(numbers: Sequence[str]) -> str:
    """Return the regular expression that finds the numbers, not inside a longer one."""
    return rf"(?<![0-9])({'|'.join(map(re.escape, numbers))})(?![0-9])"


def _records(
    connection: Connection, table: Table, contract: Contract | None, numbers: Sequence[str], ids: Sequence[UUID]
) -> list[RecordHit]:
    said = sql.SQL(", ").join(
        sql.SQL("case when t.{0}::text ~ %(pattern)s then {1} end").format(sql.Identifier(c), sql.Literal(c))
        for c in table.texts
        if not c.startswith("_")
    )
    linked = sql.SQL(
        " or t._record_key in (select m.record_key from linkage.person_link l join linkage.person_mention m"
        " using (source_id, mention_key) join linkage.source s using (source_id)"
        " where l.person_id = any(%(ids)s) and s.contract_id = %(contract)s)"
    )
    query = sql.SQL(
        "select t._record_key, t._batch_id, t._row_no, b.file_name, array_remove(array[{said}]::text[], null)"
        " from {table} t left join quality.batch b on b.batch_id = t._batch_id where {condition}{linked}"
        " order by t._batch_id, t._row_no"
    ).format(
        said=said,
        table=table.identifier,
        condition=text_condition([c for c in table.texts if not c.startswith("_")]),
        linked=linked if contract is not None and ids else sql.SQL(""),
    )
    values = {"pattern": pattern(numbers), "ids": list(ids), "contract": table.name}
    return [
        RecordHit(table.name, key, batch, row, name or "", tuple(columns))
        for key, batch, row, name, columns in connection.execute(query, values)
    ]


def _count(connection: Connection, table: Table, numbers: Sequence[str], ids: Sequence[UUID]) -> int:
    conditions = []
    if table.texts:
        conditions.append(text_condition(table.texts))
    if "person_id" in table.kinds and ids:
        conditions.append(sql.SQL("t.{} = any(%(ids)s)").format(sql.Identifier("person_id")))
    if not conditions:
        return 0
    query = sql.SQL("select count(*) from {} t where {}").format(table.identifier, sql.SQL(" or ").join(conditions))
    row = connection.execute(query, {"pattern": pattern(numbers), "ids": list(ids)}).fetchone()
    return int(row[0]) if row is not None else 0


def _named(path: Path, numbers: Sequence[str]) -> bool:
    return any(number in path.name for number in numbers)
