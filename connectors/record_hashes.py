"""Record keys and content hashes of checked rows, column-wise; `sql_text` says the same in SQL for stored rows."""

from __future__ import annotations

from binascii import unhexlify
from collections.abc import Sequence
from typing import Any

import polars as pl
import polars_hash as plh
import pyarrow as pa

from connectors.contract import Contract
from connectors.record_columns import BASE, MENTION_KEY, ROW_HASH

_BYTES = 16
_FIELD_END, _NAME_END = "\x1f", "\x1e"
_GROUP = 12
_MENTION = "mention"
"""Tells a mention's key from a record's on equal columns."""


def with_hashes(rows: pa.RecordBatch, contract: Contract, secret: str) -> pa.RecordBatch:
    """Return checked rows with `_base`, the record key of number 1, and `_row_hash`; 16 bytes each.

    Where the contract's mentions have a grain, `_mention_key` is the third: records of one holder share it.

    Args:
        rows: `checks.row_schema(contract)`.
        secret: key of the record-key HMAC, ASCII.
    """
    frame = pl.from_arrow(rows)
    assert isinstance(frame, pl.DataFrame)
    texts = {
        BASE: pl.concat_str(_key_text(contract), pl.lit(f"{_FIELD_END}1")),
        ROW_HASH: _together(_contents(contract, frame)),
    }
    if contract.grain:
        texts[MENTION_KEY] = pl.concat_str(_joined(contract, contract.grain), pl.lit(f"{_FIELD_END}{_MENTION}"))
    digests = frame.select(**texts).select(
        (plh.col(name).chash.sha2_256() if name == ROW_HASH else _keyed(name, secret)).alias(name) for name in texts
    )
    columns = [*rows.columns, *(_first_bytes(digests[name]) for name in texts)]
    return pa.RecordBatch.from_arrays(columns, schema=hashed_schema(rows.schema, contract))


def hashed_schema(rows: pa.Schema, contract: Contract) -> pa.Schema:
    """Return the schema of `with_hashes`, made of that of the rows."""
    names = [BASE, ROW_HASH, *([MENTION_KEY] if contract.grain else [])]
    return pa.schema([*rows, *(pa.field(name, pa.binary(_BYTES)) for name in names)])


def _together(parts: Sequence[pl.Expr]) -> pl.Expr:
    """Return the parts behind one another, nulls left out; polars is slow where they are many at once."""
    groups = [parts[start : start + _GROUP] for start in range(0, len(parts), _GROUP)]
    return pl.concat_str([pl.concat_str(group, ignore_nulls=True) for group in groups])


def _keyed(column: str, secret: str) -> pl.Expr:
    return plh.col(column).chash.hmac_sha256(key=secret)


def key_part(contract: Contract, name: str) -> pl.Expr:
    """Return a field as the text that record keys are made of (`sql_text.field_text`)."""
    kind = _kind(contract, name)
    column = pl.col(name)
    if pa.types.is_timestamp(kind):
        return column.dt.convert_time_zone("UTC").dt.strftime("%Y-%m-%d %H:%M:%S%.6f")
    if pa.types.is_decimal(kind):
        return column.cast(pl.Decimal(38, 6)).cast(pl.String)
    return column.cast(pl.String)


def _key_text(contract: Contract) -> pl.Expr:
    main = _joined(contract, contract.key)
    if not contract.fallback_key:
        return main
    own = [c for c in contract.key if c not in contract.fallback_key] or list(contract.key)
    usable = pl.any_horizontal(pl.col(c).is_not_null() for c in contract.fallback_key)
    missing = pl.any_horizontal(pl.col(c).is_null() for c in own)
    fallback = pl.concat_str(_joined(contract, contract.fallback_key), pl.lit(f"{_FIELD_END}fallback"))
    return pl.when(missing & usable).then(fallback).otherwise(main)


def _joined(contract: Contract, columns: Sequence[str]) -> pl.Expr:
    parts = [key_part(contract, c).fill_null("").str.replace_all(_FIELD_END, " ", literal=True) for c in columns]
    return pl.concat_str([pl.lit(contract.id), *parts], separator=_FIELD_END)


def _contents(contract: Contract, frame: pl.DataFrame) -> list[pl.Expr]:
    """Return what a content hash is made of, nulls left out: the filled fields in name order, each after its name."""
    parts = [pl.lit("")]
    for name in sorted(f.name for f in contract.fields if f.source != "operation"):
        empty = frame[name].null_count()
        if empty < len(frame) or not len(frame):
            label = pl.lit(f"{_FIELD_END}{name}{_NAME_END}")
            parts += [pl.when(pl.col(name).is_not_null()).then(label) if empty else label, _hashed_part(contract, name)]
    return parts


def _hashed_part(contract: Contract, name: str) -> pl.Expr:
    """Return a field as the text that content hashes are made of (`sql_text.hashed_text`)."""
    kind = _kind(contract, name)
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return pl.col(name).to_physical().cast(pl.String)
    return key_part(contract, name)


def _kind(contract: Contract, name: str) -> pa.DataType:
    return next(f.arrow for f in contract.fields if f.name == name)


def _first_bytes(digests: pl.Series) -> pa.Array[Any]:
    """Return the first bytes of digests in hex."""
    _, _, text = digests.str.slice(0, 2 * _BYTES).to_arrow().buffers()
    data = unhexlify(text) if text is not None else b""
    return pa.Array.from_buffers(pa.binary(_BYTES), len(digests), [None, pa.py_buffer(data)])
