"""Rows of `quality.batch` and `quality.batch_file`: registered once per delivery, found again after a kill."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from connectors.database import Connection
from connectors.errors import UserError
from connectors.ledger import Ledger
from connectors.sql_text import execute

Status = Literal["received", "staged", "accepted", "accepted_with_issues", "held", "rejected", "duplicate"]

_COLUMNS = (
    "batch_id, department, extract, file_name, sha256, as_of, as_of_source, received_at, run_id, contract_version,"
    " mode, scope, status, summary, header_match, rows_physical, rows_header, rows_skipped, rows_read, rows_loaded,"
    " rows_unchanged, rows_duplicate, rows_rejected, rows_withdrawn, rows_in_force, split_seq, score, target,"
    " applied_seq, decided_at, delivery_key, is_taken, answered_at"
)


@dataclass(frozen=True)
class Batch:
    """One delivery as registered; identifiers in names are masked."""

    batch_id: int
    department: str | None
    extract: str | None
    file_name: str
    sha256: str
    as_of: date | None
    as_of_source: str | None
    received_at: datetime
    run_id: str | None
    contract_version: str | None
    mode: str | None
    scope: dict[str, list[str]] | None
    status: Status
    summary: str | None
    header_match: dict[str, Any] | None
    rows_physical: int | None
    rows_header: int | None
    rows_skipped: dict[str, int] | None
    rows_read: int | None
    rows_loaded: int | None
    rows_unchanged: int | None
    rows_duplicate: int | None
    rows_rejected: int | None
    rows_withdrawn: int | None
    rows_in_force: int | None
    split_seq: int | None
    score: Any
    target: Any
    applied_seq: int | None
    decided_at: datetime | None
    delivery_key: str | None
    is_taken: bool
    answered_at: datetime | None

    @property
    def contract_id(self) -> str | None:
        """`<department>__<extract>`, or None where either is unknown."""
        return None if self.department is None or self.extract is None else f"{self.department}__{self.extract}"

    @property
    def ledger(self) -> Ledger | None:
        """The row ledger; None for a delivery that was never read."""
        if self.rows_physical is None:
            return None
        return Ledger(
            physical=self.rows_physical,
            header=self.rows_header or 0,
            skipped=self.rows_skipped or {},
            read=self.rows_read or 0,
            loaded=self.rows_loaded or 0,
            unchanged=self.rows_unchanged or 0,
            duplicate=self.rows_duplicate or 0,
            rejected=self.rows_rejected or 0,
            withdrawn=self.rows_withdrawn or 0,
        )


@dataclass(frozen=True)
class BatchFile:
    """One file of a delivery."""

    file_no: int
    file_name: str
    sha256: str
    size_bytes: int
    part: int | None = None
    parts: int | None = None
    encoding: str | None = None
    rows_physical: int | None = None


def register(
    connection: Connection,
    *,
    delivery_key: str,
    department: str | None,
    extract: str | None,
    files: Sequence[BatchFile],
    sha256: str,
    as_of: date | None,
    scope: Mapping[str, Sequence[str]] | None,
    problem: str | None,
    run_id: str,
    now: datetime,
) -> int:
    """Register a delivery, or return the batch of the same delivery that is not taken from the inbox yet; commits.

    Args:
        problem: why it cannot be taken whatever it holds; kept as the summary of a `received` batch.
    """
    row = connection.execute(
        "insert into quality.batch (department, extract, file_name, sha256, as_of, as_of_source, received_at, run_id,"
        " scope, summary, status, delivery_key, is_taken)"
        " values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, 'received', %s, false)"
        " on conflict (delivery_key) where not is_taken do nothing returning batch_id",
        (
            department,
            extract,
            files[0].file_name,
            sha256,
            as_of,
            "declared" if as_of is not None else None,
            now,
            run_id,
            Jsonb(scope) if scope is not None else None,
            problem,
            delivery_key,
        ),
    ).fetchone()
    if row is None:
        row = connection.execute(
            "select batch_id from quality.batch where delivery_key = %s and not is_taken", (delivery_key,)
        ).fetchone()
    if row is None:
        raise RuntimeError("the delivery was registered and taken meanwhile")
    batch_id = int(row[0])
    for file in files:
        connection.execute(
            "insert into quality.batch_file (batch_id, file_no, file_name, sha256, size_bytes, part, parts)"
            " values (%s, %s, %s, %s, %s, %s, %s) on conflict do nothing",
            (batch_id, file.file_no, file.file_name, file.sha256, file.size_bytes, file.part, file.parts),
        )
    connection.commit()
    return batch_id


def load(connection: Connection, batch_id: int, *, for_update: bool = False) -> Batch:
    """Return one batch.

    Raises:
        UserError: there is none.
    """
    with connection.cursor(row_factory=class_row(Batch)) as cursor:
        cursor.execute(
            f"select {_COLUMNS} from quality.batch where batch_id = %s{' for update' if for_update else ''}".encode(),
            (batch_id,),
        )
        found = cursor.fetchone()
    if found is None:
        raise UserError(f"没有批次 {batch_id}，运行 `weihai receipt` 查看最近的批次")
    return found


def recent(connection: Connection, limit: int = 20) -> list[Batch]:
    """Return the latest batches, newest first."""
    with connection.cursor(row_factory=class_row(Batch)) as cursor:
        cursor.execute(f"select {_COLUMNS} from quality.batch order by batch_id desc limit %s".encode(), (limit,))
        return cursor.fetchall()


def files(connection: Connection, batch_id: int) -> list[BatchFile]:
    """Return the files of a batch in order."""
    with connection.cursor(row_factory=class_row(BatchFile)) as cursor:
        cursor.execute(
            "select file_no, file_name, sha256, size_bytes, part, parts, encoding, rows_physical"
            " from quality.batch_file where batch_id = %s order by file_no",
            (batch_id,),
        )
        return cursor.fetchall()


def update(connection: Connection, batch_id: int, **values: Any) -> None:
    """Set columns of a batch; dicts are stored as JSON. Commit is the caller's."""
    stored = {k: Jsonb(v) if isinstance(v, dict) else v for k, v in values.items()}
    settings = ", ".join(f"{column} = %({column})s" for column in stored)
    execute(
        connection,
        f"update quality.batch set {settings} where batch_id = %(batch_id)s",
        stored | {"batch_id": batch_id},
    )


def ledger_values(ledger: Ledger) -> dict[str, Any]:
    """Return a ledger as columns of `quality.batch`."""
    return {
        "rows_physical": ledger.physical,
        "rows_header": ledger.header,
        "rows_skipped": dict(ledger.skipped),
        "rows_read": ledger.read,
        "rows_loaded": ledger.loaded,
        "rows_unchanged": ledger.unchanged,
        "rows_duplicate": ledger.duplicate,
        "rows_rejected": ledger.rejected,
        "rows_withdrawn": ledger.withdrawn,
    }
