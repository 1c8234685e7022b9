"""Batches as intake leaves them for the gate: control rows, rule results and staging tables, inserted directly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from connectors import staging
from connectors.contract import Contract
from connectors.database import Connection
from expectations.suites import planned_rules

CONTRACT = Contract.model_validate(
    {
        "department": "industry_it",
        "extract": "gate_sample",
        "title": "上云企业样例",
        "description": "质量门测试用的小契约。",
        "key": ["credit_code"],
        "mode": "full",
        "cycle": "monthly",
        "sharing": {"type": "无条件共享"},
        "columns": {
            "credit_code": {"header": "统一社会信用代码", "type": "uscc", "required": True},
            "name": {"header": "企业名称", "type": "text", "required": "warning"},
            "opened_on": {"header": "上云日期", "type": "date"},
            "closed_on": {"header": "下云日期", "type": "date"},
            "capital_cny": {"header": "注册资本", "type": "money", "unit": "CNY"},
        },
        "rules": {
            "opened_before_closed": {
                "kind": "date_order",
                "earlier": "opened_on",
                "later": "closed_on",
                "dimension": "0503",
                "severity": "critical",
                "threshold": 0.8,
                "message": "上云日期不应晚于下云日期。",
            }
        },
    }
)


@dataclass(frozen=True)
class Result:
    """A stored rule result; its failures are listed as issues on the first staged rows."""

    rule: str
    column: str | None
    dimension: str
    checked: int
    passed: int
    severity: str = "warning"
    threshold: float = 0.9
    message: str = "应当合格。"


_FIGURES = {
    "row.structure": (100, 100),
    "row.key": (100, 100),
    "row.test_data": (0, 0),
    "credit_code.required": (100, 100),
    "credit_code.format": (0, 0),
    "credit_code.check": (100, 96),
    "name.required": (100, 90),
    "name.format": (0, 0),
    "opened_on.format": (0, 0),
    "closed_on.format": (0, 0),
    "capital_cny.format": (0, 0),
    "opened_before_closed": (100, 100),
}
RESULTS = (
    *(
        Result(r.rule, r.column, r.dimension, *_FIGURES[r.rule], r.severity, r.threshold, r.message)
        for r in planned_rules(CONTRACT)
    ),
    Result("row.duplicate", None, "0303", 100, 98),
    Result("key.unique", "credit_code", "0304", 98, 98),
)


def stage(
    connection: Connection,
    now: datetime,
    *,
    contract: Contract = CONTRACT,
    results: Sequence[Result] = RESULTS,
    rows: int = 100,
    duplicate: int = 2,
    unchanged: int = 0,
    withdrawn: int = 0,
) -> int:
    """Stage a consistent batch and return its number: `rows` rows, 5 blank ones and a header."""
    batch_id = insert_batch(
        connection,
        now,
        contract,
        rows=rows,
        duplicate=duplicate,
        unchanged=unchanged,
        withdrawn=withdrawn,
    )
    _staging_tables(connection, contract, batch_id, rows, duplicate, unchanged, withdrawn)
    store_results(connection, batch_id, results)
    connection.commit()
    return batch_id


def insert_batch(
    connection: Connection,
    now: datetime,
    contract: Contract,
    *,
    rows: int,
    duplicate: int = 0,
    unchanged: int = 0,
    withdrawn: int = 0,
) -> int:
    """Insert the batch row of a staged delivery whose ledger balances."""
    found = connection.execute(
        "insert into quality.batch (department, extract, file_name, sha256, as_of, received_at, status,"
        " rows_physical, rows_header, rows_skipped, rows_read, rows_loaded, rows_unchanged, rows_duplicate,"
        " rows_rejected, rows_withdrawn) values (%s, %s, '上云企业.csv', %s, '2021-09-30', %s, 'staged', %s, 1,"
        """ '{"blank": 5, "note": 0}', %s, %s, %s, %s, 0, %s) returning batch_id""",
        (
            contract.department,
            contract.extract,
            "ab" * 32,
            now,
            rows + 6,
            rows,
            rows - duplicate - unchanged,
            unchanged,
            duplicate,
            withdrawn,
        ),
    ).fetchone()
    assert found is not None
    return int(found[0])


def _staging_tables(
    connection: Connection,
    contract: Contract,
    batch_id: int,
    rows: int,
    duplicate: int,
    unchanged: int,
    withdrawn: int,
) -> None:
    table = f"staging.batch_{batch_id}"
    fields = ", ".join(f"{f.name} {f.sql}" for f in contract.fields)
    own = ", ".join(f"{name} {kind}" for name, kind in staging.row_columns(contract).items())
    connection.execute(f"create unlogged table {table} ({fields}, {own})".encode())
    connection.execute(f"insert into {table} (_row_no) select generate_series(2, {rows} + 1)".encode())
    connection.execute(
        f"create unlogged table {table}_key as select _row_no as row_no,"
        f" md5(greatest(_row_no, {duplicate} + 2)::text)::uuid as record_key, 1::smallint as key_no,"
        f" '\\x00'::bytea as row_hash, case when _row_no < {duplicate} + 2 then 'duplicate'"
        f" when _row_no < {duplicate} + {unchanged} + 2 then 'unchanged' else 'new' end as disposition"
        f" from {table}".encode()
    )
    connection.execute(
        f"create unlogged table {table}_gone as select md5('gone' || n)::uuid as record_key, 1::bigint as"
        f" prior_batch_id from generate_series(1, {withdrawn}) n".encode()
    )
    connection.execute(
        f"create unlogged table {table}_issue (row_no bigint, column_name text, header text, rule text not null,"
        " dimension text not null, severity text not null, message text not null, value text, suggestion text)".encode()
    )


def store_results(connection: Connection, batch_id: int, results: Sequence[Result]) -> None:
    """Store rule results, and list their failures."""
    for r in results:
        connection.execute(
            "insert into quality.check_result (batch_id, rule, column_name, dimension, severity, checked, passed,"
            " threshold, message) values (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
            (batch_id, r.rule, r.column, r.dimension, r.severity, r.checked, r.passed, r.threshold, r.message),
        )
        connection.execute(
            f"insert into staging.batch_{batch_id}_issue (row_no, column_name, rule, dimension, severity, message,"
            " value) select n + 1, %s, %s, %s, %s, %s, '91371000MA3ABCDE1X' from generate_series(1, %s) n".encode(),
            (r.column, r.rule, r.dimension, r.severity, r.message, r.checked - r.passed),
        )


def changed(results: Sequence[Result], rule: str, *, checked: int, passed: int) -> tuple[Result, ...]:
    """Return the results with one rule's figures replaced."""
    return tuple(replace(r, checked=checked, passed=passed) if r.rule == rule else r for r in results)
