"""Helpers for tests of readers and checks: small deliveries in a temporary folder, read back whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import xlsxwriter

from connectors.checks import CheckTotals, check
from connectors.contract import CodeList, Contract
from connectors.readers import TextBatch, TextSheet, open_file
from connectors.settings import Limits
from connectors.tables import find_tables

AS_OF = date(2021, 9, 30)
CODES = {
    "status": CodeList(title="状态", default="在用", words={"在用": ["正常", "存续"], "注销": ["已注销"]}),
    "sex": CodeList(title="性别", words={"男": ["1"], "女": ["2"]}),
}


def contract(columns: Mapping[str, Mapping[str, Any]], **more: Any) -> Contract:
    """Return a contract with these columns; the first one is the key."""
    base: dict[str, Any] = {
        "department": "civil_affairs",
        "extract": "sample",
        "title": "样例",
        "description": "样例。",
        "key": [next(iter(columns))],
        "mode": "full",
        "cycle": "daily",
        "sharing": {"type": "无条件共享"},
        "columns": columns,
    }
    return Contract.model_validate(base | more)


def write(folder: Path, content: str | bytes, encoding: str = "utf-8") -> Path:
    """Write a file whose name says nothing."""
    path = folder / "delivered"
    path.write_bytes(content.encode(encoding) if isinstance(content, str) else content)
    return path


def write_workbook(folder: Path, sheets: Mapping[str, Sequence[Sequence[Any]]], hidden: Sequence[str] = ()) -> Path:
    """Write an XLSX workbook; dates as date cells."""
    path = folder / "delivered.xlsx"
    book = xlsxwriter.Workbook(str(path), {"default_date_format": "yyyy-mm-dd", "strings_to_formulas": False})
    for name, rows in sheets.items():
        sheet = book.add_worksheet(name)
        for number, row in enumerate(rows):
            sheet.write_row(number, 0, row)
        if name in hidden:
            sheet.hide()
    book.close()
    return path


def records(sheet: TextSheet) -> list[tuple[int, tuple[str, ...] | None]]:
    """Return every record of a sheet: row number and its fields as delivered; None where it is faulty."""
    return [record for batch in sheet.batches() for record in _records(batch)]


def _records(batch: TextBatch) -> list[tuple[int, tuple[str, ...] | None]]:
    rows = zip(
        batch.row_no.to_list(), batch.cells.rows(), batch.field_count.to_list(), batch.fault.to_list(), strict=True
    )
    return [(no, None if fault else tuple(c or "" for c in cells[:count])) for no, cells, count, fault in rows]


@dataclass(frozen=True)
class Checked:
    """Everything one check said."""

    rows: list[dict[str, Any]]
    issues: list[dict[str, Any]]
    totals: CheckTotals

    def found(self, *names: str) -> list[tuple[Any, ...]]:
        """Return the named fields of every issue."""
        return [tuple(issue[name] for name in names) for issue in self.issues]

    def result(self, rule: str) -> tuple[int, int]:
        """Return (checked, passed) of a rule."""
        return next((r.checked, r.passed) for r in self.totals.results if r.rule == rule)


def checked(path: Path, wanted: Contract, as_of: date = AS_OF) -> Checked:
    """Read and check a file under one contract."""
    run = check(find_tables(open_file(path, limits=Limits()), [wanted])[0], CODES, as_of=as_of)
    batches = list(run)
    totals = run.totals
    assert totals.physical == totals.header + sum(totals.skipped.values()) + totals.read
    assert totals.read == sum(batch.rows.num_rows for batch in batches) + totals.rejected
    return Checked(
        rows=[row for batch in batches for row in batch.rows.to_pylist()],
        issues=[issue for batch in batches for issue in batch.issues.to_pylist()],
        totals=totals,
    )


def texts(*values: str) -> pl.Series:
    """Return a series of texts."""
    return pl.Series(values, dtype=pl.String)
