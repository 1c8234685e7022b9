"""Parquet: typed values as the text a spreadsheet would show, one slice of a row group at a time."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pyarrow.types as pt

from connectors.readers.cells import BATCH_ROWS, rectangular_batch, text_column
from connectors.readers.model import TextBatch, TextFile, TextSheet, UnreadableFileError
from connectors.settings import Limits

_CORRUPT = "Parquet 文件已损坏、加密或没有传完整，无法读取，请重新导出后报送。"
_TOO_LARGE = "Parquet 文件解压后的大小异常，超过上限，请检查文件后分份报送。"
_CITY_ZONE = "Asia/Shanghai"
_METADATA_BYTES = 64 * 1024**2


def open_parquet(path: Path, limits: Limits) -> TextFile:
    """Open a Parquet file; its column names are the first record.

    Raises:
        UnreadableFileError: corrupt, encrypted, over a limit, or with a nested or binary column.
    """
    with _open(path) as file:
        schema = file.schema_arrow
    if len(schema) > limits.columns:
        raise UnreadableFileError(f"表格有 {len(schema)} 列，超过上限 {limits.columns} 列，请检查文件后重新报送。")
    for field in schema:
        if not _is_plain(field.type):
            raise UnreadableFileError(
                f"Parquet 文件的列“{field.name}”是嵌套或二进制内容，请改为文字、数字或日期后重新报送。"
            )
    sheet = TextSheet("", hidden=False, epoch_1904=False, open=partial(_batches, path, limits))
    return TextFile("parquet", None, None, (sheet,))


def _open(path: Path, texts: list[str] | None = None) -> pq.ParquetFile:
    try:
        file = pq.ParquetFile(path, read_dictionary=texts, thrift_string_size_limit=_METADATA_BYTES)
        _ = file.schema_arrow.names  # decodes them
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise UnreadableFileError(_CORRUPT) from error
    return file


def _is_plain(kind: pa.DataType) -> bool:
    kind = kind.value_type if isinstance(kind, pa.DictionaryType) else kind
    primitive = pt.is_primitive(kind) and not pt.is_interval(kind)
    return primitive or pt.is_decimal(kind) or pt.is_null(kind) or _is_text(kind)


def _is_text(kind: pa.DataType) -> bool:
    return pt.is_string(kind) or pt.is_large_string(kind) or pt.is_string_view(kind)


def _batches(path: Path, limits: Limits) -> Iterator[TextBatch]:
    with _open(path) as file:
        schema = file.schema_arrow
        yield rectangular_batch(pl.DataFrame({str(i): [field.name] for i, field in enumerate(schema)}), 1)
        row_no, unpacked = 2, 0
        try:
            for group in range(file.num_row_groups):
                rows = max(1, min(BATCH_ROWS, limits.batch_text_bytes // _longest_repeated(path, schema, group)))
                for batch in file.iter_batches(batch_size=rows, row_groups=[group]):
                    columns = {str(i): _texts(column) for i, column in enumerate(batch.columns)}
                    cells = pl.DataFrame(columns)
                    unpacked += int(cells.estimated_size())
                    if unpacked > limits.unpacked_bytes:
                        raise UnreadableFileError(_TOO_LARGE)
                    yield rectangular_batch(cells, row_no)
                    row_no += len(batch)
        except (pa.ArrowException, OSError, pl.exceptions.PolarsError) as error:
            raise UnreadableFileError(_CORRUPT) from error


def _longest_repeated(path: Path, schema: pa.Schema, group: int) -> int:
    """Return the bytes of the longest text in a row group's dictionaries: a few stored bytes may stand for it often.

    Only the first row is read; with it comes the whole dictionary.
    """
    texts = [field.name for field in schema if _is_text(field.type)]
    longest = 1
    with _open(path, texts) as file:
        for batch in islice(file.iter_batches(batch_size=1, row_groups=[group], columns=texts), 1):
            for column in batch.columns:
                if isinstance(column, pa.DictionaryArray):
                    lengths = pc.binary_length(column.dictionary)  # type: ignore[call-overload]
                    longest = max(longest, pc.max(lengths).as_py() or 1)
    return longest


def _texts(column: pa.Array[Any]) -> pl.Series:
    column.validate(full=True)  # polars takes a text for UTF-8 unseen, and crashes on one that is not
    if isinstance(column, pa.DictionaryArray):
        column = column.cast(column.type.value_type)
    if pt.is_timestamp(column.type) and column.type.tz is not None:
        column = pc.local_timestamp(column.cast(pa.timestamp("us", _CITY_ZONE)))  # type: ignore[call-overload]
    if pt.is_decimal256(column.type):
        column = column.cast(pa.decimal128(38, column.type.scale))
    return _as_text(pl.Series(column)).fill_null("")


def _as_text(series: pl.Series) -> pl.Series:
    kind = series.dtype
    if kind == pl.Boolean:
        return series.replace_strict({True: "是", False: "否"}, return_dtype=pl.String)
    if kind.is_float():
        return _float_text(series.fill_nan(None))
    if kind.is_decimal():
        return _without_trailing_zeros(series.cast(pl.String))
    if kind == pl.Datetime:
        return series.dt.to_string("%Y-%m-%d %H:%M:%S").str.strip_suffix(" 00:00:00")
    if kind == pl.Duration:
        return text_column([value if value is not None else "" for value in series.to_list()])
    return series.cast(pl.String)


def _float_text(series: pl.Series) -> pl.Series:
    whole = (series == series.round()) & (series.abs() < 1e22)
    return pl.select(
        pl.when(whole)
        .then(series.set(~whole.fill_null(value=False), None).cast(pl.Decimal(38, 0)).cast(pl.String))
        .otherwise(series.cast(pl.String))
    ).to_series()


def _without_trailing_zeros(text: pl.Series) -> pl.Series:
    return text.str.replace(r"(\.\d*?)0+$", "$1").str.strip_suffix(".")
