"""What the pages show of deliveries: the ledger, the findings (masked), the scores and who decided what."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from connectors.segments import Segments
from portal.queries import Row, Warehouse, as_json

ISSUES_SHOWN = 1_000
BATCHES_PER_EXTRACT = 36


@dataclass(frozen=True)
class DeliveredFile:
    """One file of a delivery; its name has recognised identifiers masked."""

    file_name: str
    sha256: str
    size_bytes: int
    encoding: str | None
    part: int | None
    parts: int | None
    rows_physical: int | None


@dataclass(frozen=True)
class DimensionScore:
    """Passed of checked in one quality dimension (two digits of GB/T 36344)."""

    dimension: str
    passed: int
    checked: int
    score: Decimal


@dataclass(frozen=True)
class Decision:
    """An event of a batch: applied, released or refused."""

    seq: int
    batch_id: int
    kind: str
    actor: str
    why: str
    happened_at: datetime


@dataclass(frozen=True)
class Batch:
    """One delivery with its row ledger; row counts are None where it was never read."""

    batch_id: int
    department: str | None
    extract: str | None
    file_name: str
    sha256: str
    as_of: date | None
    as_of_source: str | None
    received_at: datetime
    decided_at: datetime | None
    run_id: str | None
    contract_version: str | None
    mode: str | None
    status: str
    summary: str | None
    rows_physical: int | None
    rows_header: int | None
    rows_skipped: Mapping[str, int]
    rows_read: int | None
    rows_loaded: int | None
    rows_unchanged: int | None
    rows_duplicate: int | None
    rows_rejected: int | None
    rows_withdrawn: int | None
    score: Decimal | None
    target: Decimal | None
    applied_seq: int | None
    files: tuple[DeliveredFile, ...]
    dimensions: Mapping[str, DimensionScore]
    decisions: tuple[Decision, ...]
    issue_count: int

    @property
    def contract_id(self) -> str | None:
        """The contract it was read by, or None where none was recognised."""
        return f"{self.department}__{self.extract}" if self.department and self.extract else None


@dataclass(frozen=True)
class Issue:
    """One finding as the portal may show it: the value masked."""

    row_no: int | None
    header: str | None
    rule: str
    dimension: str
    severity: str
    message: str
    value_masked: str | None
    suggestion_masked: str | None


@dataclass(frozen=True)
class IssueCount:
    """How often a rule was broken in one batch."""

    header: str | None
    rule: str
    dimension: str
    severity: str
    message: str
    count: int


def read_batches(db: Warehouse, keep: Sequence[int]) -> tuple[Batch, ...]:
    """Return the deliveries that get pages, latest first.

    Those are the last `BATCHES_PER_EXTRACT` of each extract, the held ones, and the ones in `keep` (named elsewhere).
    """
    rows = db.rows(
        "select * from ("
        " select b.*, row_number() over (partition by b.department, b.extract order by b.batch_id desc) as recent"
        " from quality.batch as b) as numbered"
        " where recent <= %(recent)s or status = 'held' or batch_id = any(%(keep)s) order by batch_id desc",
        {"recent": BATCHES_PER_EXTRACT, "keep": list(keep)},
    )
    ids = {"ids": [r["batch_id"] for r in rows]}
    of_these = "where batch_id = any(%(ids)s) order by batch_id"
    files = db.grouped("batch_id", DeliveredFile, f"quality.batch_file {of_these}, file_no", ids)
    scores = db.grouped("batch_id", DimensionScore, f"quality.score {of_these}, dimension", ids)
    events = db.grouped("batch_id", Decision, f"quality.event {of_these}, seq", ids)
    counts = {
        r["batch_id"]: r["count"]
        for r in db.rows(
            "select batch_id, count(*) as count from quality.issue where batch_id = any(%(ids)s) group by batch_id", ids
        )
    }
    return tuple(
        _batch(
            row,
            files=files[row["batch_id"]],
            dimensions={score.dimension: score for score in scores[row["batch_id"]]},
            decisions=events[row["batch_id"]],
            issue_count=counts.get(row["batch_id"], 0),
        )
        for row in rows
    )


_PLAIN = (
    "batch_id", "department", "extract", "file_name", "sha256", "as_of", "as_of_source", "received_at", "decided_at",
    "run_id", "contract_version", "mode", "status", "summary", "rows_physical", "rows_header", "rows_read",
    "rows_loaded", "rows_unchanged", "rows_duplicate", "rows_rejected", "rows_withdrawn", "score", "target",
    "applied_seq",
)  # fmt: skip


def _batch(row: Row, **parts: Any) -> Batch:
    plain: dict[str, Any] = {name: row[name] for name in _PLAIN}
    return Batch(**plain, rows_skipped=_skipped(as_json(row["rows_skipped"]) or {}), **parts)


_SKIPPED = ("preamble", "blank", "repeated_header", "total", "note")


def _skipped(counts: Mapping[str, int]) -> Mapping[str, int]:
    """Return what was skipped, in the order in which a sheet shows it, kinds that did not occur left out."""
    kinds = (*_SKIPPED, *sorted(counts.keys() - set(_SKIPPED)))
    return {kind: counts[kind] for kind in kinds if counts.get(kind)}


def read_issues(db: Warehouse, batch_id: int) -> tuple[Issue, ...]:
    """Return the first findings of a batch in row order, values masked."""
    rows = db.rows(
        "select row_no, header, rule, dimension, severity, message, value_masked, suggestion_masked"
        " from quality.issue where batch_id = %(batch_id)s order by row_no nulls first, issue_id limit %(limit)s",
        {"batch_id": batch_id, "limit": ISSUES_SHOWN},
    )
    match = db.rows("select header_match from quality.batch where batch_id = %(batch_id)s", {"batch_id": batch_id})
    segments = Segments.of_match(match[0]["header_match"] if match else None)
    return tuple(Issue(**_in_its_sheet(row, segments)) for row in rows)


def _in_its_sheet(row: Row, segments: Segments) -> Row:
    """Return a finding with the row number of its own sheet, which its message names where there are several."""
    place = segments.locate(row["row_no"])
    title = segments.title(place.segment) if place.row is not None and segments.all else ""
    return {**row, "row_no": place.row, "message": f"{title}：{row['message']}" if title else row["message"]}


def read_issue_counts(db: Warehouse, batch_ids: Sequence[int]) -> Mapping[int, tuple[IssueCount, ...]]:
    """Return how often each rule was broken, by batch, most frequent first."""
    rows = db.rows(
        "select batch_id, header, rule, dimension, severity, min(message) as message, count(*) as count"
        " from quality.issue where batch_id = any(%(ids)s)"
        " group by batch_id, header, rule, dimension, severity order by batch_id, count desc, rule, header",
        {"ids": list(batch_ids)},
    )
    found: dict[int, list[IssueCount]] = defaultdict(list)
    for r in rows:
        found[r["batch_id"]].append(
            IssueCount(r["header"], r["rule"], r["dimension"], r["severity"], r["message"], r["count"])
        )
    return {batch_id: tuple(counts) for batch_id, counts in found.items()}
