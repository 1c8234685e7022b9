"""A tiny extract and a way to apply deliveries of it without files, for tests of versions and clocks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import polars as pl
import psycopg
import pyarrow as pa
from psycopg.types.json import Jsonb

from connectors import apply, splitting, staging
from connectors.checks import ISSUE_SCHEMA, CheckedBatch, row_schema
from connectors.contract import Contract
from connectors.database import Connection, connect
from connectors.normalise import Context
from connectors.raw_tables import ensure_raw_tables
from connectors.rejected_rows import candidates
from connectors.repeats import KEY, Repeats

SECRET = "6b" * 32
Rows = Sequence[Mapping[str, str | None]]


def tiny_contract(**changes: Any) -> Contract:
    facts: dict[str, Any] = {
        "department": "test_office",
        "extract": "list",
        "title": "名单",
        "description": "试验用名单。",
        "key": ["year", "code"],
        "mode": "full",
        "cycle": "yearly",
        "sharing": {"type": "无条件共享"},
        "columns": {
            "year": {"header": "年份", "type": "period"},
            "code": {"header": "编号", "type": "text"},
            "name": {"header": "名称", "type": "text"},
            "value": {"header": "内容", "type": "text"},
            "operation": {"header": "操作类型", "type": "code", "codes": "operation"},
        },
    }
    return Contract.model_validate(facts | changes)


@dataclass
class Desk:
    """Applies deliveries of one contract, as intake would after the gate."""

    dsn: str
    connection: Connection
    contract: Contract
    now: datetime

    @classmethod
    def open(cls, dsn: str, contract: Contract, now: datetime) -> Desk:
        connection = connect(dsn)
        ensure_raw_tables(connection, {contract.id: contract})
        connection.commit()
        return cls(dsn, connection, contract, now)

    def reset(self) -> None:
        self.connection.rollback()
        self.connection.execute(
            f'truncate raw."{self.contract.id}", quality.version_closing, quality.batch cascade;'
            " delete from quality.closing_total; delete from quality.event"
        )
        self.connection.commit()

    def stage(
        self, as_of: date, rows: Rows, scope: Mapping[str, Sequence[str]] | None = None, rejected: Rows = ()
    ) -> tuple[int, splitting.Split]:
        batch_id = self.connection.execute(
            "insert into quality.batch"
            " (department, extract, file_name, sha256, as_of, received_at, mode, scope, status)"
            " values (%s, %s, 'f', 's', %s, %s, %s, %s, 'staged') returning batch_id",
            (
                self.contract.department,
                self.contract.extract,
                as_of,
                self.now,
                self.contract.mode,
                Jsonb(scope) if scope is not None else None,
            ),
        ).fetchone()[0]  # type: ignore[index]
        staging.create(self.connection, self.contract, batch_id)
        kept, unfit = self._typed(rows, 2), self._typed(rejected, 2 + len(rows))
        spoken_of = candidates(
            self.contract,
            Context({}, as_of),
            torn=(pl.DataFrame({"0": pl.Series([], dtype=pl.String)}), pl.Series([], dtype=pl.Int64)),
            unfit=pl.DataFrame(pl.from_arrow(unfit)),
        )
        issues = pa.RecordBatch.from_pylist([], schema=ISSUE_SCHEMA)
        repeats = Repeats(self.contract)
        checked = [CheckedBatch(kept, issues, spoken_of)]
        staging.load(self.connection, batch_id, checked, self.contract, SECRET, repeats=repeats)
        outcome = splitting.split(
            self.connection,
            self.contract,
            batch_id,
            as_of=as_of,
            scope=scope,
            secret=SECRET,
            seen=splitting.Seen(sharing=repeats.found()[KEY].rows),
        )
        return batch_id, outcome

    def _typed(self, rows: Rows, first: int) -> pa.RecordBatch:
        full = [
            {f.name: r.get(f.name) for f in self.contract.fields} | {"_row_no": n} for n, r in enumerate(rows, first)
        ]
        return pa.RecordBatch.from_pylist(full, schema=row_schema(self.contract))

    def deliver(
        self, as_of: date, rows: Rows, scope: Mapping[str, Sequence[str]] | None = None, rejected: Rows = ()
    ) -> splitting.Split:
        batch_id, outcome = self.stage(as_of, rows, scope, rejected)
        seq = apply.next_event(self.connection, "apply", batch_id, actor="t", why="", now=self.now)
        apply.apply_versions(self.connection, apply.Application(self.contract, batch_id, as_of, seq, self.now))
        self.connection.execute(
            "update quality.batch set applied_seq = %s, status = 'accepted' where batch_id = %s", (seq, batch_id)
        )
        staging.drop(self.connection, batch_id)
        self.connection.commit()
        return outcome

    def in_force(self, as_of: date, known_at: int, columns: str = "year, code, value") -> list[tuple[Any, ...]]:
        return self.connection.execute(
            f'select {columns} from raw."{self.contract.id}" v where v._as_of <= %(as_of)s'
            " and v._applied_seq <= %(known)s and not exists (select from quality.version_closing c"
            " where c.table_name = %(table)s and c.record_key = v._record_key and c.version_batch_id = v._batch_id"
            f" and c.as_of <= %(as_of)s and c.applied_seq <= %(known)s) order by {columns}".encode(),
            {"as_of": as_of, "known": known_at, "table": self.contract.id},
        ).fetchall()

    def current(self, columns: str = "year, code, value") -> list[tuple[Any, ...]]:
        return self.connection.execute(
            f'select {columns} from raw."{self.contract.id}" where _closed_batch_id is null order by {columns}'.encode()
        ).fetchall()

    def close(self) -> None:
        self.connection.close()


__all__ = ["SECRET", "Desk", "psycopg", "tiny_contract"]
