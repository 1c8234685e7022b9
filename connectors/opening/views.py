"""The views of schema `open_data`: made, changed and taken away as contracts and declarations say."""

from __future__ import annotations

from psycopg import sql

from connectors.contract import Contracts, Level
from connectors.database import Connection
from connectors.opening.datasets import SCHEMA, OpenDataset, open_datasets
from connectors.protection import levels


def follow(connection: Connection, contracts: Contracts) -> None:
    """Make the views show what is opened today; one of an extract that has no table yet is left out.

    Levels are published with them; commit is the caller's.
    """
    present = {
        name
        for (name,) in connection.execute(
            "select relname from pg_class where relnamespace = 'raw'::regnamespace and relkind = 'r'"
        )
    }
    wanted = {d.id: d for d in open_datasets(contracts) if d.kind == "aggregate" or d.id in present}
    rows = connection.execute(
        "select relname, obj_description(oid) from pg_class where relnamespace = %s::regnamespace and relkind = 'v'",
        (SCHEMA,),
    )
    standing: dict[str, str | None] = dict(rows.fetchall())
    for name in standing.keys() - wanted.keys():
        connection.execute(sql.SQL("drop view {}").format(sql.Identifier(SCHEMA, name)))
    for name, dataset in wanted.items():
        _make(connection, dataset, standing.get(name))
    levels.publish(
        connection,
        [(SCHEMA, dataset.id, column.name, Level.L1) for dataset in wanted.values() for column in dataset.columns],
        schemas=(SCHEMA,),
    )


def _make(connection: Connection, dataset: OpenDataset, standing: str | None) -> None:
    """Make a view again where its definition, which is kept as its comment, is another than the wanted one."""
    query = dataset.query.as_string(connection)
    if standing == query:
        return
    view = sql.Identifier(SCHEMA, dataset.id)
    connection.execute(sql.SQL("drop view if exists {}").format(view))
    connection.execute(sql.SQL("create view {} with (security_barrier) as ").format(view) + dataset.query)
    connection.execute(sql.SQL("comment on view {} is {}").format(view, sql.Literal(query)))
