"""What officers write about a record: without the personal values that the record, or the objection itself, states."""

from __future__ import annotations

import re

from connectors.contract import ColumnType, Contract, Level
from connectors.database import Connection
from connectors.objections.values import Cell
from connectors.privacy import mask_identifiers, mask_kind
from connectors.sql_text import execute, field_text

_PUBLIC_WORDS = (ColumnType.CODE, ColumnType.BOOL)
_TOO_COMMON = "^(.|[0-9.]{1,3})$"
"""Single characters and short numbers: they stand in any text."""


def masked(
    connection: Connection, contract: Contract, cell: Cell | None, text: str, *, column: str | None, stated: str | None
) -> str:
    """Return a reason with identifiers masked, and every value of level L3 or L4 of all versions of the record.

    Args:
        cell: of the record; None where it is gone.
        column: the field objected to, `stated` what it should be, as stored; None where nothing is stated.
    """
    masks = {} if cell is None else _masks(connection, contract, cell, column, stated)
    if not masks:
        return mask_identifiers(text)
    longest_first = sorted(masks, key=len, reverse=True)
    spelled = re.compile("|".join(r"\s*".join(map(re.escape, value)) for value in longest_first))
    return mask_identifiers(spelled.sub(lambda found: masks[_joined(found[0])], text))


def _masks(
    connection: Connection, contract: Contract, cell: Cell, column: str | None, stated: str | None
) -> dict[str, str]:
    """Return by personal value, written without blanks, how it is shown."""
    kinds = {
        field.name: mask_kind(contract, field.source)
        for field in contract.fields
        if field.level in (Level.L3, Level.L4) and contract.columns[field.source].type not in _PUBLIC_WORDS
    }
    if not kinds:
        return {}
    values = ", ".join(field_text(contract, name, "r") for name in kinds)
    own = stated is not None and column is not None and column in kinds
    rows = execute(
        connection,
        "select said.value, quality.mask_value(said.value, said.kind) from ("
        f" select unnest(array[{values}]) as value, unnest(%(kinds)s::text[]) as kind"
        f' from raw."{contract.id}" as r where r._record_key = %(key)s'
        " union select %(stated)s, %(stated_kind)s) as said"
        " where said.value !~ %(too_common)s",
        {
            "kinds": list(kinds.values()),
            "key": cell.record_key,
            "stated": stated if own else None,
            "stated_kind": kinds[column] if own and column is not None else None,
            "too_common": _TOO_COMMON,
        },
    )
    return {_joined(value): mask for value, mask in rows if _joined(value)}


def _joined(value: str) -> str:
    return "".join(value.split())
