"""What each indicator of a run rests on: extracts and fields from dbt's manifest, rows in force from the warehouse."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from psycopg import sql

from connectors.contract import Contract
from connectors.database import Connection, connect
from connectors.opening.declaration import Aggregate, load_aggregates
from connectors.settings import Settings
from connectors.sql_text import join_whole_tables
from dags.support.models import manifest

_RAW_SOURCE = "source.weihai.raw."
_MODEL = "model.weihai."
_OPERAND_MODEL = f"{_MODEL}ind_"
_OWN_MACRO = "macro.weihai."
_WORD = re.compile(r"[a-z_][a-z0-9_]*")

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
    found = {}
    for node in sorted(manifest["parent_map"]):
        if node.startswith(_OPERAND_MODEL):
            sources = {parent for reader in _reached(manifest, node) for parent in manifest["parent_map"][reader]}
            contracts = sorted(name.removeprefix(_RAW_SOURCE) for name in sources if name.startswith(_RAW_SOURCE))
            found[node.removeprefix(_OPERAND_MODEL)] = tuple(contracts)
    return found


def fields_read(
    manifest: Mapping[str, Any], contracts: Mapping[str, Contract], model: str
) -> dict[str, tuple[str, ...]]:
    """Return the delivered fields that a model reads, directly or through other models, by contract.

    A model reads a field of an extract that it rests on directly where its code, or a macro that it calls, names it;
    where it names none of the extract's fields it passes them on whole, and all count. Further models on the way are
    taken to use whatever reaches them.

    Args:
        manifest: dbt's `manifest.json`.
        model: its unique id.
    """
    found: dict[str, set[str]] = {}
    for reader in _reached(manifest, model):
        for parent in manifest["parent_map"][reader]:
            contract = contracts.get(parent.removeprefix(_RAW_SOURCE)) if parent.startswith(_RAW_SOURCE) else None
            if contract is not None:
                found.setdefault(contract.id, set()).update(_named(manifest, reader, contract))
    return {contract_id: tuple(sorted(names)) for contract_id, names in sorted(found.items())}


def fields_counted(
    manifest: Mapping[str, Any], contracts: Mapping[str, Contract], aggregate: Aggregate
) -> dict[str, tuple[str, ...]]:
    """Return the delivered fields that an open table of counts rests on, by contract.

    Of an extract those that it counts by or under a condition; of a library those that the library's model reads.
    """
    schema, relation = aggregate.counts.split(".")
    if schema != "raw":
        return fields_read(manifest, contracts, f"{_MODEL}{relation}")
    columns = {*(d.column for d in aggregate.dimensions.values()), *aggregate.where, *aggregate.absent}
    return {relation: tuple(sorted(columns))}


def _reached(manifest: Mapping[str, Any], model: str) -> set[str]:
    """Return the model and all that it rests on, except what comes from outside."""
    parents: Mapping[str, list[str]] = manifest["parent_map"]
    reached, waiting = {model}, [model]
    while waiting:
        for parent in parents.get(waiting.pop(), []):
            if parent in parents and parent not in reached:
                reached.add(parent)
                waiting.append(parent)
    return reached


def _named(manifest: Mapping[str, Any], model: str, contract: Contract) -> set[str]:
    node = manifest["nodes"][model]
    words = set(_WORD.findall(node["raw_code"]))
    waiting, seen = list(node["depends_on"]["macros"]), set()
    while waiting:
        macro = waiting.pop()
        if macro in seen or not macro.startswith(_OWN_MACRO):
            continue
        seen.add(macro)
        words |= set(_WORD.findall(manifest["macros"][macro]["macro_sql"]))
        waiting += manifest["macros"][macro]["depends_on"]["macros"]
    fields = {field.name for field in contract.fields}
    return fields & words or fields


def record(settings: Settings, contracts: Mapping[str, Contract], run_id: str) -> int:
    """Write `mart.indicator_source_run` for a run: deliveries with rows in force, and the latest one of each extract.

    The fields that indicators and open tables of counts rest on are written too (`record_fields`).

    Returns:
        The number of rows written.
    """
    project = manifest(settings)
    extracts = extracts_by_indicator(project)
    with connect(settings.dsn()) as connection:
        record_fields(connection, project, contracts)
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


def record_fields(connection: Connection, manifest: Mapping[str, Any], contracts: Mapping[str, Contract]) -> None:
    """Write `mart.indicator_field` and `catalogue.open_table_field`; commit is the caller's."""
    counted = [
        (aggregate.id, contract_id, name)
        for aggregate in load_aggregates().values()
        for contract_id, names in fields_counted(manifest, contracts, aggregate).items()
        for name in names
    ]
    rows = [
        (model.removeprefix(_OPERAND_MODEL), contract_id, name)
        for model in manifest["parent_map"]
        if model.startswith(_OPERAND_MODEL)
        for contract_id, names in fields_read(manifest, contracts, model).items()
        for name in names
    ]
    connection.execute("delete from mart.indicator_field")
    connection.execute("delete from catalogue.open_table_field")
    with connection.cursor() as cursor:
        cursor.executemany("insert into mart.indicator_field values (%s, %s, %s)", rows)
        cursor.executemany("insert into catalogue.open_table_field values (%s, %s, %s)", counted)


def _used_batches(connection: Connection, run_id: str, contract_id: str) -> list[tuple[int, str, str, int]]:
    department, extract = contract_id.split("__", 1)
    query = sql.SQL(_USED_BATCHES).format(table=sql.Identifier("raw", contract_id))
    named = {"run_id": run_id, "contract_id": contract_id, "department": department, "extract": extract}
    return connection.execute(query, named).fetchall()
