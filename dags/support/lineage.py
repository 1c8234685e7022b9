"""Which deliveries each indicator of a run rests on: extracts from dbt's manifest, rows in force from the warehouse."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from psycopg import sql

from connectors.database import Connection, connect
from connectors.settings import Settings
from connectors.sql_text import join_whole_tables
from dags.support.models import manifest

_RAW_SOURCE = "source.weihai.raw."
_OPERAND_MODEL = "model.weihai.ind_"

_USED_BATCHES = """
with
run as (select as_of, known_at from mart.run where run_id = %(run_id)s),
in_force as (
    select version._batch_id as batch_id, count(*) as rows_in_force
    from {table} as version
    cross join run
    where
        version._as_of <= run.as_of
        and version._applied_seq <= run.known_at
        and not exists (
            select 1
            from quality.version_closing as closing
            where
                closing.table_name = %(contract_id)s
                and closing.record_key = version._record_key
                and closing.version_batch_id = version._batch_id
                and closing.as_of <= run.as_of
                and closing.applied_seq <= run.known_at
        )
    group by version._batch_id
),
latest as (
    select batch.batch_id
    from quality.batch as batch
    cross join run
    where
        batch.department = %(department)s
        and batch.extract = %(extract)s
        and batch.as_of <= run.as_of
        and batch.applied_seq <= run.known_at
    order by batch.as_of desc, batch.applied_seq desc
    limit 1
)
select batch.batch_id, batch.file_name, batch.sha256, coalesce(in_force.rows_in_force, 0)
from quality.batch as batch
left join in_force on batch.batch_id = in_force.batch_id
where in_force.batch_id is not null or batch.batch_id in (select latest.batch_id from latest)
order by batch.batch_id
"""


def extracts_by_indicator(manifest: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Return the contract ids that each indicator's operand model reads, directly or through other models.

    Args:
        manifest: dbt's `manifest.json`.
    """
    parents: Mapping[str, list[str]] = manifest["parent_map"]
    found = {}
    for node in parents:
        if not node.startswith(_OPERAND_MODEL):
            continue
        seen: set[str] = set()
        waiting = [node]
        while waiting:
            for parent in parents.get(waiting.pop(), []):
                if parent not in seen:
                    seen.add(parent)
                    waiting.append(parent)
        contracts = sorted(name.removeprefix(_RAW_SOURCE) for name in seen if name.startswith(_RAW_SOURCE))
        found[node.removeprefix(_OPERAND_MODEL)] = tuple(contracts)
    return dict(sorted(found.items()))


def record(settings: Settings, run_id: str) -> int:
    """Write `mart.indicator_source_run` for a run: deliveries with rows in force, and the latest one of each extract.

    Returns:
        The number of rows written.
    """
    extracts = extracts_by_indicator(manifest(settings))
    with connect(settings.dsn()) as connection:
        join_whole_tables(connection)
        batches = {
            contract_id: _used_batches(connection, run_id, contract_id)
            for contract_id in sorted({name for names in extracts.values() for name in names})
        }
        rows = [
            (run_id, indicator_id, contract_id, *batch)
            for indicator_id, contract_ids in extracts.items()
            for contract_id in contract_ids
            for batch in batches[contract_id]
        ]
        connection.execute("delete from mart.indicator_source_run where run_id = %s", (run_id,))
        with connection.cursor() as cursor:
            cursor.executemany(
                "insert into mart.indicator_source_run"
                " (run_id, indicator_id, contract_id, batch_id, file_name, sha256, rows_in_force)"
                " values (%s, %s, %s, %s, %s, %s, %s)",
                rows,
            )
    return len(rows)


def _used_batches(connection: Connection, run_id: str, contract_id: str) -> list[tuple[int, str, str, int]]:
    department, extract = contract_id.split("__", 1)
    query = sql.SQL(_USED_BATCHES).format(table=sql.Identifier("raw", contract_id))
    named = {"run_id": run_id, "contract_id": contract_id, "department": department, "extract": extract}
    return connection.execute(query, named).fetchall()
