"""Hashes made while a delivery is read equal those that the database makes of stored rows."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from decimal import Decimal

import pyarrow as pa
import pytest

from connectors import staging
from connectors.checks import row_schema
from connectors.contract import Contract
from connectors.database import Connection, connect
from connectors.privacy import hmac_pads
from connectors.record_columns import BASE, MENTION_KEY, ROW_HASH
from connectors.record_hashes import with_hashes
from connectors.sql_text import execute, key_text, mention_key, record_key, row_hash
from tests.integration.versioning import SECRET

SHANGHAI = timezone(timedelta(hours=8))
FACTS = {
    "department": "test_office",
    "extract": "all_kinds",
    "title": "各类列",
    "description": "每种存储类型一列。",
    "mode": "incremental",
    "cycle": "daily",
    "sharing": {"type": "无条件共享"},
    "columns": {
        "no": {"header": "编号", "type": "text"},
        "on": {"header": "日期", "type": "date"},
        "at": {"header": "时间", "type": "datetime"},
        "count": {"header": "数量", "type": "int"},
        "rate": {"header": "比率", "type": "decimal"},
        "capital_cny": {"header": "资本", "type": "money", "unit": "CNY"},
        "is_open": {"header": "是否开放", "type": "bool"},
        "operation": {"header": "操作类型", "type": "code", "codes": "operation"},
    },
}
FULL = {
    "no": "甲1",
    "on": date(9999, 12, 31),
    "at": datetime(1988, 7, 10, 3, 4, 5, 678, SHANGHAI),
    "count": -7,
    "rate": Decimal("0.100000"),
    "capital_cny": Decimal("123456789012.345678"),
    "capital_amount": Decimal("5"),
    "capital_currency": "CNY",
    "is_open": True,
    "operation": "新增",
}
OLD = {"no": "乙", "on": date(1899, 1, 2), "at": datetime(1900, 1, 1, 0, 0, 0, 1, SHANGHAI), "is_open": False}


@pytest.mark.parametrize(
    ("key", "fallback"),
    [(["no"], []), (["no", "on"], ["at"]), (["at", "count"], ["no", "rate"]), (["is_open", "capital_cny"], [])],
)
def test_hashes_equal_those_of_the_database_when_rows_are_staged(
    warehouse_dsn: str, key: list[str], fallback: list[str]
) -> None:
    mentions = {
        "person": {"library": "population", "columns": {"name": "no"}, "grain": ["no", "rate"], "unlinked": "none"}
    }
    contract = Contract.model_validate(FACTS | {"key": key, "fallback_key": fallback, "mentions": mentions})
    names = row_schema(contract).names
    rows = [FULL, OLD, {}, {"no": ""}, {"rate": Decimal("-0.000001"), "on": date(2000, 2, 29)}]
    full = [{n: r.get(n) for n in names} | {"_row_no": i} for i, r in enumerate(rows, 2)]
    batch = with_hashes(pa.RecordBatch.from_pylist(full, schema=row_schema(contract)), contract, SECRET)

    with connect(warehouse_dsn) as connection:
        found = hashes_of_the_database(connection, contract, batch)

    assert [tuple(r) for r in found] == list(
        zip(*(batch[c].to_pylist() for c in (BASE, ROW_HASH, MENTION_KEY)), strict=True)
    )


def hashes_of_the_database(
    connection: Connection, contract: Contract, batch: pa.RecordBatch
) -> list[tuple[bytes, ...]]:
    staging.create(connection, contract, 1)
    staging.copy(connection, staging.table(1), batch)
    inner, outer = hmac_pads(SECRET)
    base = record_key(f"({key_text(contract, 's')})", "1")
    rows = execute(
        connection,
        f"select uuid_send({base}), {row_hash(contract, 's')}, uuid_send({mention_key(contract, 's')}),"
        " uuid_send(_base), _row_hash, uuid_send(_mention_key) from staging.batch_1 s order by _row_no",
        {"inner": inner, "outer": outer},
    ).fetchall()
    assert [r[:3] for r in rows] == [r[3:] for r in rows]
    return [r[:3] for r in rows]
