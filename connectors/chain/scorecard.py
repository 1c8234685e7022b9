"""The fingerprint of a run's published figures."""

from __future__ import annotations

import hashlib

from psycopg import sql

from connectors.chain.canonical import canonical
from connectors.database import Connection

_FIGURES = {
    "indicator_operand_run": ("indicator_id", "operand", "value", "reason"),
    "indicator_value_run": (
        *("indicator_id", "metric", "value", "star", "four_star_met", "five_star_met"),
        *("period_used", "is_estimated", "reason"),
    ),
    "run_export": ("content",),
}
"""Columns by table of `mart`; those that name the row come first."""


def scorecard_sha256(connection: Connection, run_id: str) -> str | None:
    """Return the SHA-256 of a run's operands, values and export; None where the mart has no such tables.

    A line per row: the table's name and the values as texts, in a JSON array; rows in the order of these lines.
    """
    digest = hashlib.sha256()
    for table, columns in _FIGURES.items():
        row = connection.execute("select to_regclass(%s) is not null", (f"mart.{table}",)).fetchone()
        if row != (True,):
            return None
        query = sql.SQL("select {} from mart.{} where run_id = %s").format(
            sql.SQL(", ").join(sql.SQL("{}::text").format(sql.Identifier(column)) for column in columns),
            sql.Identifier(table),
        )
        for line in sorted(canonical([table, *values]) for values in connection.execute(query, (run_id,))):
            digest.update(line + b"\n")
    return digest.hexdigest()
