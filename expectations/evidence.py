"""What a gate leaves behind: rows for those who ask the database, one JSON file per gate for auditors.

`reports/gates/<run_id>/<suite>.json`, suite being `batch-<batch_id>`, `targets` or `cross`:

    {"format": 1, "suite", "title", "run_id", "evaluated_at" (ISO 8601 with offset), "engine",
     "subject": {"contract", "contract_version", "batch_id", "file_name" (masked), "sha256", "as_of"} or {"as_of"},
     "passed": bool, "reasons": [sentence, …],
     "score" (batches only): {"value" ("0.912345" or null), "target",
                              "dimensions": [{"dimension", "name", "passed", "checked", "score"}]},
     "statistics": {"evaluated", "successful", "unsuccessful"},
     "expectations": [{"name", "kind" (rule, guard, target, cross), "type", "table", "severity", "success", "observed",
                       "expected", "message", "figures": {counts}, "rule": {"column", "dimension", "threshold"}
                       or null, "meta": {…}}, …]}

Neither holds a value of a row: only counts, names of columns and rules, and sentences of ours.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from connectors.contract import DIMENSIONS
from connectors.database import Connection
from expectations.score import BatchScore, six_places

if TYPE_CHECKING:
    from expectations.checkpoint import Outcome

FORMAT = 1


def document(
    *,
    suite: str,
    title: str,
    run_id: str,
    now: datetime,
    engine: str,
    subject: Mapping[str, Any],
    passed: bool,
    reasons: Sequence[str],
    outcomes: Sequence[Outcome],
    score: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the evidence of one gate in the shape above."""
    successful = sum(o.success for o in outcomes)
    body: dict[str, Any] = {
        "format": FORMAT,
        "suite": suite,
        "title": title,
        "run_id": run_id,
        "evaluated_at": now.isoformat(),
        "engine": engine,
        "subject": dict(subject),
        "passed": passed,
        "reasons": list(reasons),
    }
    if score is not None:
        body["score"] = dict(score)
    return body | {
        "statistics": {
            "evaluated": len(outcomes),
            "successful": successful,
            "unsuccessful": len(outcomes) - successful,
        },
        "expectations": [_expectation(o) for o in outcomes],
    }


def score_document(score: BatchScore, target: float) -> dict[str, Any]:
    """Return the score part of the evidence."""
    return {
        "value": None if score.value is None else str(six_places(score.value)),
        "target": target,
        "dimensions": [
            {
                "dimension": d.dimension,
                "name": DIMENSIONS[d.dimension],
                "passed": d.passed,
                "checked": d.checked,
                "score": str(six_places(d.share)),
            }
            for d in score.dimensions
        ],
    }


def write(folder: Path, body: Mapping[str, Any]) -> Path:
    """Write `<folder>/<run_id>/<suite>.json` in one step, and return its path."""
    target = folder / str(body["run_id"]) / f"{body['suite']}.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    draft.write_text(json.dumps(body, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    draft.replace(target)
    return target


def store_outcomes(
    connection: Connection,
    outcomes: Sequence[Outcome],
    *,
    suite: str,
    run_id: str,
    batch_id: int | None,
    now: datetime,
) -> None:
    """Replace the rows of the batch, or of the run's suite, in `quality.gate_result`; commit is the caller's."""
    if batch_id is not None:
        connection.execute("delete from quality.gate_result where batch_id = %s", (batch_id,))
    else:
        connection.execute(
            "delete from quality.gate_result where run_id = %s and batch_id is null and suite = %s", (run_id, suite)
        )
    with connection.cursor() as cursor:
        cursor.executemany(
            "insert into quality.gate_result (run_id, batch_id, suite, expectation, kind, severity, success, observed,"
            " expected, message, evaluated_at, dimension, department, finding)"
            " values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [
                (
                    run_id,
                    batch_id,
                    suite,
                    o.expectation.name,
                    o.expectation.kind,
                    o.expectation.severity.value,
                    o.success,
                    o.observed,
                    o.expectation.expected,
                    o.expectation.message,
                    now,
                    *(o.expectation.meta.get(name) for name in ("dimension", "owner", "finding")),
                )
                for o in outcomes
            ],
        )


def store_score(connection: Connection, batch_id: int, score: BatchScore, target: float) -> None:
    """Replace the batch's rows in `quality.score`, and its own score and target; commit is the caller's."""
    connection.execute("delete from quality.score where batch_id = %s", (batch_id,))
    with connection.cursor() as cursor:
        cursor.executemany(
            "insert into quality.score (batch_id, dimension, passed, checked, score) values (%s, %s, %s, %s, %s)",
            [(batch_id, d.dimension, d.passed, d.checked, six_places(d.share)) for d in score.dimensions],
        )
    connection.execute(
        "update quality.batch set score = %s, target = %s where batch_id = %s",
        (None if score.value is None else six_places(score.value), repr(target), batch_id),
    )


def _expectation(outcome: Outcome) -> dict[str, Any]:
    e = outcome.expectation
    rule = e.rule
    return {
        "name": e.name,
        "kind": e.kind,
        "type": e.type,
        "table": e.table,
        "severity": e.severity.value,
        "success": outcome.success,
        "observed": outcome.observed,
        "expected": e.expected,
        "message": e.message,
        "figures": dict(outcome.figures),
        "rule": None
        if rule is None
        else {
            "column": rule.column,
            "dimension": rule.dimension,
            "threshold": rule.threshold,
        },
        "meta": dict(e.meta),
    }
