"""Row checks: from text batches to typed rows, findings and rule results, each contract rule evaluated once.

    table = find_table(open_file(path, limits=limits), [contract])
    run = check(table, codes, as_of=as_of)
    for batch in run: ...        # CheckedBatch: rows and issues, bounded in size
    run.totals                   # CheckTotals, complete after the last batch
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

import pyarrow as pa

from connectors.contract import CodeList, Contract
from connectors.headers import Table

ISSUE_SCHEMA = pa.schema(
    [
        pa.field("row_no", pa.int64()),
        pa.field("column_name", pa.string()),
        pa.field("header", pa.string()),
        pa.field("rule", pa.string(), nullable=False),
        pa.field("dimension", pa.string(), nullable=False),
        pa.field("severity", pa.string(), nullable=False),
        pa.field("message", pa.string(), nullable=False),
        pa.field("value", pa.string()),
        pa.field("suggestion", pa.string()),
    ]
)
"""One row per finding. `value` is the plain delivered cell: for staging only. `row_no` is null for the whole delivery,
`column_name` and `header` are null for a whole row; `header` is the department's own."""


def row_schema(contract: Contract) -> pa.Schema:
    """Return the schema of the typed rows: `contract.fields`, then `_row_no` (int64)."""
    return pa.schema([*(pa.field(f.name, f.arrow) for f in contract.fields), pa.field("_row_no", pa.int64())])


@dataclass(frozen=True)
class CheckedBatch:
    """Typed rows that may be loaded, and every finding on the records they came from.

    Attributes:
        rows: `row_schema(contract)`; rejected rows are not among them.
        issues: `ISSUE_SCHEMA`; a rejected row has at least one whose rule is `row.structure`, `row.key` or
            `<column>.required`.
    """

    rows: pa.RecordBatch
    issues: pa.RecordBatch


@dataclass(frozen=True)
class CheckResult:
    """A of B for one rule of one delivery (GB/T 36344-2018: X = A / B).

    Attributes:
        rule: `<column>.format`, `row.structure`, … or the name of a contract rule.
        column: the contract column, None for rules on whole rows.
        checked: rows judged; 0 means no score, never 100 %.
        passed: of those.
    """

    rule: str
    column: str | None
    dimension: str
    severity: str
    checked: int
    passed: int
    threshold: float
    message: str


@dataclass(frozen=True)
class CheckTotals:
    """The row ledger of one table and its rule results, in contract order.

    `physical = header + sum(skipped.values()) + read`, `read = rows yielded + rejected`.

    Attributes:
        skipped: always the five keys `preamble`, `blank`, `total`, `repeated_header`, `note`.
        issues: findings on the delivery as a whole (unknown or missing columns, …), `ISSUE_SCHEMA`.
    """

    physical: int
    header: int
    skipped: Mapping[str, int]
    read: int
    rejected: int
    results: tuple[CheckResult, ...]
    issues: pa.RecordBatch


class CheckRun:
    """One pass over a table; iterate it once, then read `totals`."""

    def __iter__(self) -> Iterator[CheckedBatch]:
        raise NotImplementedError

    @property
    def totals(self) -> CheckTotals:
        """Return the totals.

        Raises:
            RuntimeError: the batches are not all read yet.
        """
        raise NotImplementedError


def check(table: Table, codes: Mapping[str, CodeList], *, as_of: date) -> CheckRun:
    """Normalise and judge every record of the table.

    Args:
        table: from `find_table`; its batches are consumed.
        codes: code lists by name (`Contracts.codes`).
        as_of: business date of the delivery; dates of birth and `not_after_as_of` columns must not lie after it.

    Returns:
        An iterator of batches that knows the totals at its end. Contract rules `unique` and `reference` are not among
        its results: they are evaluated set-based in staging.
    """
    raise NotImplementedError
