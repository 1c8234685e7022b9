"""An open data set as files: the same bytes for the same rows.

CSV is UTF-8 with a byte order mark and Chinese headers: people open it in spreadsheets, which take a file without the
mark for GB18030, and texts that begin as a formula does for one. JSON (an array, one object per line) and Parquet have
the names of the columns and the texts as they are, for programs; they are read from the CSV.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from psycopg import sql

from connectors.as_of import CITY_TIME
from connectors.database import Connection
from connectors.opening import formulas
from connectors.opening.datasets import SCHEMA, OpenColumn, OpenDataset

FORMATS = ("csv", "json", "parquet")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_YES, _NO = "是", "否"


@dataclass(frozen=True)
class Written:
    """What was written of a data set: rows, and by format name, bytes and SHA-256 of its file."""

    rows: int
    files: tuple[dict[str, Any], ...]


def write(connection: Connection, dataset: OpenDataset, folder: Path) -> Written:
    """Write a data set in every format; rows are sorted by their columns from left to right.

    Args:
        folder: exists; files of the same names are replaced.
    """
    paths = {name: folder / f"{dataset.id}.{name}" for name in FORMATS}
    start = _write_csv(connection, dataset, paths["csv"])
    schema = pa.schema([(column.name, column.type) for column in dataset.columns])
    rows = 0
    with (
        pyarrow.parquet.ParquetWriter(paths["parquet"], schema, compression="zstd") as parquet,
        paths["json"].open("w", encoding="utf-8", newline="\n") as lines,
    ):
        lines.write("[")
        for batch in _batches(paths["csv"], start, dataset.columns, schema):
            parquet.write_batch(batch)
            for record in batch.to_pylist():
                lines.write("\n" if rows == 0 else ",\n")
                lines.write(json.dumps(record, ensure_ascii=False, default=_plain))
                rows += 1
        lines.write("\n]\n")
    return Written(rows, tuple(_described(name, path) for name, path in paths.items()))


def _write_csv(connection: Connection, dataset: OpenDataset, path: Path) -> int:
    """Write the CSV; return where its first record begins."""
    header = io.StringIO()
    csv.writer(header, lineterminator="\n").writerow([column.header for column in dataset.columns])
    first = _BYTE_ORDER_MARK + header.getvalue().encode()
    statement = sql.SQL("copy (select {} from {} order by {}) to stdout with (format csv)").format(
        sql.SQL(", ").join(map(_as_text, dataset.columns)),
        sql.Identifier(SCHEMA, dataset.id),
        sql.SQL(", ").join(map(_sorted, dataset.columns)),
    )
    with path.open("wb") as file, connection.cursor() as cursor, cursor.copy(statement) as copy:
        file.write(first)
        for block in copy:
            file.write(block)
    return len(first)


def _as_text(column: OpenColumn) -> sql.Composable:
    name = sql.Identifier(column.name)
    if pa.types.is_boolean(column.type):
        return sql.SQL("case when {0} then {1} when not {0} then {2} end").format(
            name, sql.Literal(_YES), sql.Literal(_NO)
        )
    if pa.types.is_decimal(column.type):
        return sql.SQL("trim_scale({})").format(name)
    if pa.types.is_date(column.type):
        return sql.SQL("to_char({}, 'YYYY-MM-DD')").format(name)
    if pa.types.is_timestamp(column.type):
        return sql.SQL("to_char({} at time zone 'Asia/Shanghai', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"+08:00\"')").format(
            name
        )
    if pa.types.is_string(column.type):
        return formulas.marked(name)
    return name


def _sorted(column: OpenColumn) -> sql.Composable:
    if column.labels:
        return sql.SQL("array_position({}::text[], {})").format(
            sql.Literal(list(column.labels)), sql.Identifier(column.name)
        )
    collated = sql.SQL('{} collate "C"') if pa.types.is_string(column.type) else sql.SQL("{}")
    return collated.format(sql.Identifier(column.name))


def _batches(path: Path, start: int, columns: Sequence[OpenColumn], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    if path.stat().st_size == start:
        return
    with path.open("rb") as file:
        file.seek(start)
        batches = pyarrow.csv.open_csv(
            file,
            read_options=pyarrow.csv.ReadOptions(column_names=[c.name for c in columns], use_threads=False),
            parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types=schema,
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
                true_values=[_YES],
                false_values=[_NO],
            ),
        )
        for batch in batches:
            cells = [formulas.plain(c) if pa.types.is_string(c.type) else c for c in batch.columns]
            yield pa.RecordBatch.from_arrays(cells, schema=schema)


def _plain(value: object) -> str | int | float:
    match value:
        case datetime():
            return value.astimezone(CITY_TIME).isoformat()
        case date():
            return value.isoformat()
        case Decimal():
            return int(value) if value == value.to_integral_value() else float(value)
        case _:
            raise TypeError(f"no JSON for {type(value).__name__}")


def _described(name: str, path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"format": name, "name": path.name, "bytes": path.stat().st_size, "sha256": digest}
