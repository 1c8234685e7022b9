"""The canonical export of a run's scorecard: made once with the run, the same bytes for the same data and rules."""

from __future__ import annotations

import hashlib
import io
from datetime import date
from enum import StrEnum
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import xlsxwriter
from psycopg import sql

from connectors.database import Connection
from connectors.errors import UserError

_TYPES = {
    "as_of": pa.date32(),
    "seq": pa.int16(),
    "value": pa.float64(),
    "star": pa.int16(),
    "four_star_met": pa.bool_(),
    "five_star_met": pa.bool_(),
    "is_estimated": pa.bool_(),
}
"""Columns that are no texts; `value` is rounded to a double, its exact fraction stands in `metric`."""


class NoExportError(UserError):
    """The run's scorecard was not kept."""


class Format(StrEnum):
    """How a scorecard is written."""

    CSV = "csv"
    XLSX = "xlsx"
    PARQUET = "parquet"


def canonical(connection: Connection, schema: str = "mart") -> bytes:
    """Return the scorecard of the current run as canonical CSV (UTF-8, as PostgreSQL's COPY writes it).

    Args:
        schema: where the models stand.
    """
    connection.execute("set local datestyle to iso")
    statement = sql.SQL("copy (select * from {} order by seq) to stdout with (format csv, header)").format(
        sql.Identifier(schema, "int_scorecard__canonical")
    )
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        return b"".join(bytes(block) for block in copy)


def digest(content: bytes) -> str:
    """Return the SHA-256 of an export."""
    return hashlib.sha256(content).hexdigest()


def keep(connection: Connection, run_id: str) -> str:
    """Keep the export of the run that is being built; return its SHA-256."""
    content = canonical(connection)
    connection.execute(
        "insert into mart.run_export (run_id, content, sha256) values (%s, %s, %s)"
        " on conflict (run_id) do update set content = excluded.content, sha256 = excluded.sha256",
        (run_id, content.decode("utf-8"), digest(content)),
    )
    return digest(content)


def kept(connection: Connection, run_id: str) -> bytes:
    """Return the export that was kept with a run.

    Raises:
        NoExportError: the run was computed before exports were kept.
    """
    row = connection.execute("select content from mart.run_export where run_id = %s", (run_id,)).fetchone()
    if row is None:
        raise NoExportError(f"运行 {run_id} 没有留存评分表导出（早于这一功能）：用 weihai run --full-refresh 重新运行")
    content: str = row[0]
    return content.encode("utf-8")


def table(content: bytes) -> pa.Table:
    """Return a canonical export as a typed table."""
    columns = content.split(b"\n", 1)[0].decode("utf-8").split(",")
    convert = pyarrow.csv.ConvertOptions(
        column_types={name: _TYPES.get(name, pa.string()) for name in columns},
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
        true_values=["t"],
        false_values=["f"],
    )
    parse = pyarrow.csv.ParseOptions(newlines_in_values=True)
    return pyarrow.csv.read_csv(io.BytesIO(content), parse_options=parse, convert_options=convert)


def write(content: bytes, place: Path, output: Format) -> None:
    """Write a canonical export to a file in one of the formats."""
    if output is Format.CSV:
        place.write_bytes(content)
    elif output is Format.PARQUET:
        pyarrow.parquet.write_table(table(content), place)
    else:
        _write_workbook(table(content), place)


def _write_workbook(found: pa.Table, place: Path) -> None:
    with xlsxwriter.Workbook(place) as book:
        sheet = book.add_worksheet("评分表")
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        sheet.freeze_panes(1, 0)
        for column, name in enumerate(found.column_names):
            sheet.write_string(0, column, name)
            for row, value in enumerate(found.column(name).to_pylist(), start=1):
                match value:
                    case None:
                        continue
                    case str():
                        # never a formula
                        sheet.write_string(row, column, value)
                    case date():
                        sheet.write_datetime(row, column, value, day)
                    case bool():
                        sheet.write_boolean(row, column, value)
                    case _:
                        sheet.write_number(row, column, value)
