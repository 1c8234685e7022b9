"""On a Citus cluster, which tables lie on its nodes, and by which key (ADR 39); dbt's models name theirs themselves."""

from __future__ import annotations

from collections.abc import Mapping

from psycopg import sql

from connectors.contract import Contract
from connectors.database import Connection, connect

RAW_KEY = "_record_key"
LINKAGE_KEYS: Mapping[str, str] = {
    "person_mention": "mention_key",
    "person_link": "mention_key",
    "entity_mention": "mention_key",
    "entity_link": "mention_key",
}
"""Large tables of `linkage`: a mention lies beside the record that states it, whose key it has."""


def is_cluster(dsn: str) -> bool:
    """Say whether the warehouse is the coordinator of a Citus cluster."""
    with connect(dsn) as connection:
        return connection.execute("select to_regproc('create_distributed_table') is not null").fetchone() == (True,)


def distribute(connection: Connection, contracts: Mapping[str, Contract]) -> list[str]:
    """Distribute raw tables and links that are not distributed yet; commit is the caller's.

    Returns:
        The names of the tables that are distributed now and were not before.
    """
    keys = {("linkage", table): key for table, key in LINKAGE_KEYS.items()}
    keys |= {("raw", contract_id): RAW_KEY for contract_id in sorted(contracts)}
    there = {
        (schema, table)
        for schema, table in connection.execute(
            "select relnamespace::regnamespace::text, relname from pg_class"
            " where relnamespace in ('raw'::regnamespace, 'linkage'::regnamespace) and relkind = 'r'"
            " and not exists (select from pg_dist_partition where logicalrelid = pg_class.oid)"
        )
    }
    done = []
    for (schema, table), key in keys.items():
        if (schema, table) in there:
            name = sql.Identifier(schema, table).as_string(connection)
            connection.execute("select create_distributed_table(%s::regclass, %s)", (name, key))
            done.append(name)
    return done
