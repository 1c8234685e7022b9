"""What a receipt says: assembled from the control tables, never computed anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from connectors.batches import Batch
from connectors.chain import Head
from connectors.contract import DIMENSIONS
from connectors.database import Connection
from connectors.ledger import Ledger
from connectors.segments import Segments

JSON_ISSUES = 1_000
STATUS_WORDS = {
    "received": "已收到，尚未处理",
    "staged": "已核对，等待判定",
    "accepted": "已入库",
    "accepted_with_issues": "已入库，有问题待改",
    "held": "暂缓入库",
    "rejected": "未接收",
    "duplicate": "重复报送",
}
SEVERITY_WORDS = {"critical": "严重", "warning": "一般", "info": "提示"}


@dataclass(frozen=True)
class Issue:
    """One finding as it may leave the department: values masked.

    `row` is the row of its own sheet; `file`, `member` and `sheet` say which, where the delivery has several.
    """

    row: int | None
    column: str | None
    header: str | None
    rule: str
    dimension: str
    severity: str
    message: str
    value_masked: str | None
    suggestion: str | None
    file: str | None = None
    member: str | None = None
    sheet: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Return it for a receipt; where it lies only where that is said."""
        return {k: v for k, v in vars(self).items() if v is not None or k not in ("file", "member", "sheet")}


@dataclass(frozen=True)
class DimensionScore:
    """One quality dimension of GB/T 36344 of a delivery."""

    dimension: str
    passed: int
    checked: int
    score: float

    @property
    def word(self) -> str:
        """The dimension's Chinese name."""
        return DIMENSIONS.get(self.dimension, self.dimension)


def dimension_scores(connection: Connection, batch_id: int) -> list[DimensionScore]:
    """Return the stored scores of a batch by dimension."""
    rows = connection.execute(
        "select dimension, passed, checked, score from quality.score where batch_id = %s order by dimension",
        (batch_id,),
    )
    return [DimensionScore(d, int(p), int(c), float(s)) for d, p, c, s in rows]


def issues(connection: Connection, batch_id: int, limit: int) -> list[Issue]:
    """Return the first findings of a batch: the delivery's own first, then by row."""
    rows = connection.execute(
        "select row_no, column_name, header, rule, dimension, severity, message, value_masked, suggestion_masked"
        " from quality.issue where batch_id = %s order by row_no nulls first, issue_id limit %s",
        (batch_id, limit),
    )
    return [Issue(*row) for row in rows]


def placed(found: Sequence[Issue], segments: Segments, file_names: Sequence[str]) -> list[Issue]:
    """Return findings with the rows of their own sheets, each saying where it lies.

    Args:
        found: with row numbers as stored, which continue over the segments of a delivery.
        file_names: of the delivery's files in order.
    """
    if len(segments.all) < 2:
        return list(found)
    own = []
    for issue in found:
        place = segments.locate(issue.row)
        segment = segments.all[place.segment]
        told = replace(
            issue,
            row=place.row,
            message=f"{segments.title(place.segment)}：{issue.message}",
            file=file_names[segment.file_no - 1] if len(file_names) > 1 else None,
            member=segment.member or None,
            sheet=segment.sheet or None,
        )
        own.append(issue if issue.row is None else told)
    return own


def as_json(
    batch: Batch, file_name: str, scores: list[DimensionScore], found: list[Issue], link: Head | None
) -> dict[str, Any]:
    """Return the receipt in the form that programs rely on.

    Args:
        link: of the hash chain, that records the decision.
    """
    return {
        "batch_id": batch.batch_id,
        "department": batch.department,
        "extract": batch.extract,
        "file_name": file_name,
        "sha256": batch.sha256,
        "received_at": batch.received_at.isoformat(),
        "as_of": batch.as_of.isoformat() if batch.as_of is not None else None,
        "status": batch.status,
        "rows": (batch.ledger or Ledger(0, 0, 0, 0, 0, 0, 0)).as_receipt(),
        "quality": {
            "score": float(batch.score) if batch.score is not None else None,
            "target": float(batch.target) if batch.target is not None else None,
            "by_dimension": {s.dimension: s.score for s in scores},
        },
        "issues": [issue.as_json() for issue in found],
        "summary": batch.summary or "",
        "chain": link.as_json() if link is not None else None,
    }
