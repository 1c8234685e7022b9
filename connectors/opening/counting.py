"""Counting a declared table in the warehouse, and what earlier releases said of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import numpy as np
from psycopg import sql

from connectors.contract import CodeList
from connectors.database import Connection
from connectors.opening.declaration import Aggregate, Dimension
from connectors.opening.figures import Counts, Figures
from connectors.opening.suppression import Release


def count(connection: Connection, aggregate: Aggregate, codes: Mapping[str, CodeList], as_of: date) -> Counts:
    """Return the true count of every cell, in the order of the figures.

    Args:
        as_of: the day on which ages are reached.
    """
    schema, relation = aggregate.counts.split(".")
    limits: list[sql.Composable] = [sql.SQL("true")]
    if schema == "raw":
        limits.append(sql.SQL("_closed_batch_id is null"))
    limits += [
        sql.SQL("{}::text = any({})").format(sql.Identifier(column), sql.Literal(list(words)))
        for column, words in aggregate.where.items()
    ]
    limits += [sql.SQL("{} is null").format(sql.Identifier(column)) for column in aggregate.absent]
    labels = [_label(d, d.labels(codes), as_of) for d in aggregate.dimensions.values()]
    query = sql.SQL("select array[{}]::text[] as labels, count(*) from {} where {} group by 1").format(
        sql.SQL(", ").join(labels), sql.Identifier(schema, relation), sql.SQL(" and ").join(limits)
    )
    counted = {tuple(found): number for found, number in connection.execute(query)}
    return np.array([counted.get(cell, 0) for cell in aggregate.figures(codes).cells], dtype=np.int64)


def _label(dimension: Dimension, labels: tuple[str, ...], as_of: date) -> sql.Composable:
    column = sql.Identifier(dimension.column)
    if dimension.codes is not None:
        return sql.SQL("case when {0}::text = any({1}) then {0}::text else {2} end").format(
            column, sql.Literal(list(labels)), sql.Literal(dimension.other)
        )
    if not dimension.ages:
        cases = [
            sql.SQL("when {}::text ^@ any({}) then {}").format(column, sql.Literal(list(texts)), sql.Literal(label))
            for label, texts in dimension.beginnings.items()
        ]
    else:
        age = sql.SQL("extract(year from age({}, {}))").format(sql.Literal(as_of), column)
        cases = [
            sql.SQL("when {} >= {} then {}").format(age, sql.Literal(first), sql.Literal(label))
            for first, label in reversed([*zip(dimension.ages, labels, strict=False)])
        ]
    return sql.SQL("case {} else {} end").format(sql.SQL(" ").join(cases), sql.Literal(dimension.other))


def former_releases(connection: Connection, aggregate: Aggregate, figures: Figures) -> list[Release]:
    """Return all releases of a table, oldest first."""
    rows = connection.execute(
        "select array_agg(figure.value order by figure.figure_no),"
        " array_agg(figure.is_published order by figure.figure_no)"
        " from disclosure.figure inner join disclosure.release using (release_id)"
        " where release.dataset_id = %s group by release_id order by release_id",
        (aggregate.id,),
    ).fetchall()
    cells = len(figures.cells)
    return [Release(np.array(values[:cells], dtype=np.int64), np.array(published)) for values, published in rows]


def other_definition(connection: Connection, aggregate: Aggregate, codes: Mapping[str, CodeList]) -> str | None:
    """Return the table under which the same relation was released by another definition; None where there is none."""
    row = connection.execute(
        "select dataset_id from disclosure.release where counted_relation = %s"
        " and (dataset_id, definition_sha256) <> (%s, %s) limit 1",
        (aggregate.counts, aggregate.id, aggregate.definition_sha256(codes)),
    ).fetchone()
    return row[0] if row else None


def remember(
    connection: Connection, aggregate: Aggregate, codes: Mapping[str, CodeList], release_id: int, release: Release
) -> None:
    """Store what a release says and withholds; commit is the caller's."""
    figures = aggregate.figures(codes)
    values = figures.values(release.cells)
    connection.execute(
        "insert into disclosure.release values (%s, %s, %s, %s)",
        (release_id, aggregate.id, aggregate.counts, aggregate.definition_sha256(codes)),
    )
    with connection.cursor() as cursor:
        cursor.executemany(
            "insert into disclosure.figure values (%s, %s, %s, %s, %s)",
            [
                (release_id, number, list(labels), int(values[number]), bool(release.published[number]))
                for number, labels in enumerate(figures.labels)
            ],
        )
