"""The value objected to and the one that should stand there, compared as `raw` stores them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import polars as pl

from connectors.contract import Contract, Contracts
from connectors.database import Connection
from connectors.errors import UserError
from connectors.normalise import Context, normalise
from connectors.objections.place import Place, source_of
from connectors.sql_text import execute, field_text, one

_PARTS = {"_amount": "amount", "_currency": "currency"}


@dataclass(frozen=True)
class Cell:
    """A cell of a row in `raw`, as text; of a whole record its content hash.

    Attributes:
        version_batch_id: the delivery that opened the version.
    """

    record_key: UUID
    value: str | None
    version_batch_id: int


def objected(connection: Connection, contract: Contract, place: Place) -> Cell | None:
    """Return the cell that the objection is about, or None where that delivery opened no version with this row."""
    return _cell(
        connection, contract, place.column, "r._batch_id = %(batch)s and r._row_no = %(row)s",
        batch=place.batch_id, row=place.row_no,
    )  # fmt: skip


def standing(connection: Connection, contract: Contract, column: str | None, record_key: UUID) -> Cell | None:
    """Return the same cell of the record as it stands now, or None where the record is withdrawn."""
    return _cell(connection, contract, column, "r._record_key = %(key)s and r._closed_batch_id is null", key=record_key)


def _cell(connection: Connection, contract: Contract, column: str | None, condition: str, **facts: Any) -> Cell | None:
    value = "encode(r._row_hash, 'hex')" if column is None else field_text(contract, column, "r")
    row = execute(
        connection,
        f'select r._record_key, {value}, r._batch_id from raw."{contract.id}" as r where {condition}',
        facts,
    ).fetchone()
    return None if row is None else Cell(*row)


def understood(
    connection: Connection, contracts: Contracts, contract: Contract, column: str, text: str, *, as_of: date
) -> str:
    """Return what a person wrote as it would be stored, read as intake reads a cell.

    Raises:
        UserError: it is no value of this field; the value is not repeated.
    """
    source = contract.columns[source_of(contract, column)]
    read = normalise(pl.Series([text]), source, Context(contracts.codes, as_of))
    suffix = next((s for s in _PARTS if column.endswith(s) and column != source_of(contract, column)), None)
    value = read.values[_PARTS[suffix] if suffix else "value"][0]
    if value is None or read.finding[0] is not None:
        raise UserError(f"所述的值不合“{source.header}”的要求（{source.type.value}），请核对后再写")
    kind = next(f.sql for f in contract.fields if f.name == column)
    stored = f'(select %(value)s::{kind} as "{column}") as r'
    found: str = one(connection, f"select {field_text(contract, column, 'r')} from {stored}", {"value": value})[0]
    return found
