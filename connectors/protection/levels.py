"""The protection level of every column that one was declared for, as rows of `catalogue.column_level`."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from connectors.contract import Contract, Level
from connectors.database import Connection

PERSONAL = frozenset({Level.L3, Level.L4})
ColumnLevel = tuple[str, str, str, Level]
"""Schema, table, column, level."""

_CONTROL_LEVELS: Mapping[str, Level] = {"_row_hash": Level.L3}
"""Control columns of raw tables above L2: an unkeyed hash of personal content can be tried against guessed rows."""


def contract_levels(contracts: Mapping[str, Contract]) -> list[ColumnLevel]:
    """Return the levels of the raw tables' columns."""
    from connectors.raw_tables import control_columns

    found: list[ColumnLevel] = []
    for contract in contracts.values():
        found += [("raw", contract.id, field.name, field.level) for field in contract.fields]
        found += [("raw", contract.id, name, _CONTROL_LEVELS.get(name, Level.L2)) for name in control_columns(contract)]
    return found


def model_levels(manifest: Mapping[str, Any]) -> list[ColumnLevel]:
    """Return the levels that models state (`config.meta.level` of their columns).

    Args:
        manifest: dbt's `manifest.json`.
    """
    found: list[ColumnLevel] = []
    for node in manifest["nodes"].values():
        if node["resource_type"] != "model":
            continue
        for name, column in node["columns"].items():
            meta = (column.get("config") or {}).get("meta") or column.get("meta") or {}
            if "level" in meta:
                found.append((node["schema"], node["alias"], name, Level(meta["level"])))
    return found


def publish(connection: Connection, levels: Iterable[ColumnLevel], *, schemas: Collection[str] | None = None) -> None:
    """Make the catalogue say these levels and no others, in one transaction.

    Args:
        schemas: only what lies in these is replaced; None means everything outside `raw`.
    """
    rows = [(schema, table, column, level.value) for schema, table, column, level in levels]
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute("lock table catalogue.column_level in share row exclusive mode")
        if schemas is None:
            cursor.execute("delete from catalogue.column_level where schema_name <> 'raw'")
        else:
            cursor.execute("delete from catalogue.column_level where schema_name = any(%s)", (list(schemas),))
        cursor.executemany("insert into catalogue.column_level values (%s, %s, %s, %s)", rows)
