"""Rows of a table or query, in one read-only snapshot and in bounded batches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from urllib.parse import quote

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from connectors.as_of import CITY_TIME
from connectors.sources.endpoint import Endpoint
from connectors.sources.errors import SourceError
from connectors.sources.model import SqlSource
from connectors.sources.rows import Rows
from connectors.sources.values import text_array
from connectors.sources.watermark import Watermark

_CONNECT_SECONDS = 30
_ISOLATION: Mapping[str, str] = {
    "postgresql": "REPEATABLE READ",
    "mysql": "REPEATABLE READ",
    "mariadb": "REPEATABLE READ",
    "oracle": "SERIALIZABLE",
    "sqlite": "AUTOCOMMIT",
}
"""Isolation under which counting and reading see the same rows; SQLite's snapshot is opened by hand."""
_OPENING: Mapping[str, str] = {
    "sqlite": "begin",
    "mysql": "start transaction with consistent snapshot, read only",
    "mariadb": "start transaction with consistent snapshot, read only",
}
"""Statement that opens the read-only snapshot, where the driver has no setting for it."""


@contextmanager
def opened(source: SqlSource, endpoint: Endpoint, *, since: Watermark | None, now: datetime) -> Iterator[Rows]:
    """Open the source's rows.

    Args:
        source: as the contract states it.
        endpoint: with the database's SQLAlchemy URL.
        since: read from here on, and what has no watermark; None reads everything.
        now: aware; a watermark that lies after it is believed of its row only.

    Raises:
        SourceError: the database cannot be reached, refuses the query, or breaks off while it is read.
    """
    start = since.reaching_back(source.overlap) if since is not None else None
    try:
        engine = _engine(endpoint)
        with engine.connect().execution_options(**_options(engine)) as connection:
            if (opening := _OPENING.get(engine.dialect.name)) is not None:
                connection.exec_driver_sql(opening)
            statement = _statement(source, connection, start)
            expected, newest = _measure(connection, source, statement, now)
            streaming = connection.execution_options(stream_results=True, yield_per=source.batch_rows)
            with streaming.execute(statement) as result:
                columns = tuple(result.keys())
                _refuse_ambiguous(columns)
                yield Rows(columns, expected, _batches(result, columns, source.batch_rows), newest)
    except (sa.exc.SQLAlchemyError, ImportError) as error:
        raise SourceError(_explained(error)) from None


def _engine(endpoint: Endpoint) -> sa.Engine:
    url = sa.make_url(endpoint.url)
    arguments: dict[str, Any] = {}
    if url.get_backend_name() == "sqlite":
        # opened read-only: a wrong path must not make an empty database
        url = url.set(database=f"file:{quote(url.database or '')}", query={"mode": "ro", "uri": "true"})
    elif url.get_backend_name() == "postgresql":
        arguments = {"connect_timeout": _CONNECT_SECONDS, "application_name": "weihai"}
    return sa.create_engine(url, poolclass=NullPool, hide_parameters=True, connect_args=arguments)


def _options(engine: sa.Engine) -> dict[str, Any]:
    name = engine.dialect.name
    options: dict[str, Any] = {"isolation_level": _ISOLATION[name]} if name in _ISOLATION else {}
    return options | ({"postgresql_readonly": True} if name == "postgresql" else {})


def _statement(source: SqlSource, connection: sa.Connection, start: Any) -> sa.Select[Any]:
    everything: sa.ColumnClause[Any] = sa.literal_column("*")
    if source.table is not None:
        schema, _, name = source.table.rpartition(".")
        chosen = sa.select(everything).select_from(sa.table(name, schema=schema or None))
        # in a stable order, so that an unchanged source gives an unchanged file
        key = sa.inspect(connection).get_pk_constraint(name, schema=schema or None)["constrained_columns"]
        chosen = chosen.order_by(*(sa.column(part) for part in key))
    else:
        query = (source.query or "").strip().rstrip(";").replace(":", r"\:")
        chosen = sa.select(everything).select_from(sa.text(query).columns().subquery("source_rows"))
    if source.watermark is not None and start is not None:
        column: sa.ColumnClause[Any] = sa.column(source.watermark)
        chosen = chosen.where(sa.or_(column >= sa.literal(start), column.is_(None)))
    return chosen


def _measure(
    connection: sa.Connection, source: SqlSource, statement: sa.Select[Any], now: datetime
) -> tuple[int, Watermark | None]:
    """Count the rows, and let the source itself say which watermark is the newest: it knows its own order of texts.

    A mistyped year 2099 must not hide what changes until then: a time to come is passed over.
    """
    counted = statement.order_by(None).subquery("counted")
    count = connection.execute(sa.select(sa.func.count()).select_from(counted)).scalar_one()
    if source.watermark is None:
        return count, None
    column: sa.ColumnClause[Any] = sa.column(source.watermark)
    asked = sa.select(sa.func.max(column)).select_from(counted)
    newest: Any = connection.execute(asked).scalar_one()
    if newest is not None and Watermark.of(newest, source.watermark).is_after(now):
        newest = connection.execute(asked.where(column <= sa.literal(_same_type(newest, now)))).scalar_one()
    return count, Watermark.of(newest, source.watermark) if newest is not None else None


def _same_type(value: Any, now: datetime) -> Any:
    local = now.astimezone(CITY_TIME)
    if not isinstance(value, datetime):
        return local.date()
    return local if value.tzinfo is not None else local.replace(tzinfo=None)


def _refuse_ambiguous(columns: tuple[str, ...]) -> None:
    if twice := sorted({c for c in columns if columns.count(c) > 1}):
        raise SourceError(f"查询结果中有重名的列：{'、'.join(twice)}，请用 AS 分别命名")


def _batches(result: sa.CursorResult[Any], columns: tuple[str, ...], size: int) -> Iterator[pa.RecordBatch]:
    for rows in result.partitions(size):
        cells = zip(*rows, strict=True)
        yield pa.RecordBatch.from_arrays(
            [text_array(values, name) for name, values in zip(columns, cells, strict=True)], names=list(columns)
        )


def _explained(error: Exception) -> str:
    """Say what kind of trouble it is; the driver's own text can hold addresses, accounts and values."""
    cause = getattr(error, "orig", None) or error
    state = getattr(cause, "sqlstate", None)
    name = f"{type(cause).__name__}，{state}" if state else type(cause).__name__
    match error:
        case ImportError() | sa.exc.NoSuchModuleError():
            return f"没有安装这种数据库的驱动（{name}）"
        case sa.exc.NoSuchTableError():
            return "数据库中没有契约所写的表"
        case sa.exc.ProgrammingError():
            return f"数据库不接受这个查询，请核对表名、列名和权限（{name}）"
        case sa.exc.OperationalError():
            return f"连不上数据库、没有契约所写的表，或读取中断（{name}）"
        case _:
            return f"从数据库读取失败（{name}）"
