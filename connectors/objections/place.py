"""What an objection is about: a row of a delivery as it was taken into `raw`, found directly or through a library."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from psycopg import sql

from connectors.contract import Contract
from connectors.database import Connection
from connectors.errors import UserError

_PROVENANCE: Mapping[str, tuple[str, str]] = {
    "population": ("person_provenance", "person_id"),
    "legal_entity": ("entity_provenance", "entity_id"),
}
"""Libraries whose fields say which cell they come from."""
_RECORDS: Mapping[str, tuple[str, ...]] = {
    "credit": ("administrative_permit", "administrative_penalty", "list_entry", "subject_score"),
    "licence": ("licence",),
}
"""Libraries of which a record is one delivered record."""
LIBRARIES = (*_PROVENANCE, *_RECORDS)


@dataclass(frozen=True)
class Place:
    """A row of a delivery, and one of its fields; no field means the record as a whole.

    Attributes:
        library: where it was seen, and under which field.
    """

    contract_id: str
    batch_id: int
    row_no: int
    column: str | None
    library: str | None = None
    library_field: str | None = None


def in_library(connection: Connection, library: str, record: UUID, field: str | None) -> Place:
    """Return the delivered row behind a library's record.

    Args:
        library: one of `LIBRARIES`.
        record: person_id or entity_id; of permits, penalties, list entries, scores and licences the record_key.
        field: of the library; of a person or entity it decides which delivery is meant.

    Raises:
        UserError: there is no such library or record, or its field comes from no delivery.
    """
    if library in _PROVENANCE:
        return _from_provenance(connection, library, record, field)
    if library in _RECORDS:
        return _from_record(connection, library, record, field)
    raise UserError(f"没有基础库 {library}，可用：{'、'.join(LIBRARIES)}")


def _from_provenance(connection: Connection, library: str, record: UUID, field: str | None) -> Place:
    table, key = _PROVENANCE[library]
    if field is None:
        raise UserError("人口库、法人库的记录由多个来源合成：请用 --field 指明哪个字段")
    rows = connection.execute(
        sql.SQL("select contract_id, batch_id, row_no, column_name from {} where {} = %s and field = %s").format(
            sql.Identifier(library, table), sql.Identifier(key)
        ),
        (record, field),
    ).fetchall()
    if len(rows) != 1:
        raise UserError(f"{library} 中这条记录没有取自报送的字段 {field}；weihai explain 列出各字段的来源")
    contract_id, batch_id, row_no, column = rows[0]
    if batch_id is None:
        raise UserError(f"字段 {field} 不是直接取自某一次报送，请对其来源数据提出异议")
    return Place(contract_id, batch_id, row_no, column, library, field)


def _from_record(connection: Connection, library: str, record: UUID, field: str | None) -> Place:
    for table in _RECORDS[library]:
        found = connection.execute(
            sql.SQL("select contract_id from {} where record_key = %s").format(sql.Identifier(library, table)),
            (record,),
        ).fetchone()
        if found is None:
            continue
        row = connection.execute(
            sql.SQL("select _batch_id, _row_no from {} where _record_key = %s and _closed_batch_id is null").format(
                sql.Identifier("raw", found[0])
            ),
            (record,),
        ).fetchone()
        if row is not None:
            return Place(found[0], row[0], row[1], field, library, field)
    raise UserError(f"{library} 中没有记录 {record}")


def source_of(contract: Contract, field: str) -> str:
    """Return the contract column that a stored field comes from.

    Raises:
        UserError: there is no such field.
    """
    for stored in contract.fields:
        if stored.name == field:
            return stored.source
    known = "、".join(stored.name for stored in contract.fields)
    raise UserError(f"数据集 {contract.id} 没有字段 {field}，现有：{known}")
