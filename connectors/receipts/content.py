"""What a receipt says: assembled from the control tables, never computed anew."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from connectors.batches import Batch
from connectors.contract import DIMENSIONS
from connectors.database import Connection
from connectors.ledger import Ledger

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
    """One finding as it may leave the department: values masked."""

    row: int | None
    column: str | None
    header: str | None
    rule: str
    dimension: str
    severity: str
    message: str
    value_masked: str | None
    suggestion: str | None


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


def as_json(batch: Batch, file_name: str, scores: list[DimensionScore], found: list[Issue]) -> dict[str, Any]:
    """Return the receipt in the form that programs rely on."""
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
        "issues": [vars(issue) for issue in found],
        "summary": batch.summary or "",
    }
