"""What auditors see of the gates: every expectation with what was expected, what was observed and the verdict."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from portal.queries import Warehouse


@dataclass(frozen=True)
class Expectation:
    """One evaluated expectation."""

    suite: str
    expectation: str
    kind: str
    severity: str
    success: bool
    observed: str | None
    expected: str | None
    message: str
    finding: str | None
    """Who is concerned, how many of how many, and what to do; of targets and checks across departments."""
    run_id: str | None
    evaluated_at: datetime


@dataclass(frozen=True)
class GateCount:
    """Passed of evaluated expectations of one batch or run."""

    passed: int
    evaluated: int

    @property
    def is_clean(self) -> bool:
        """Whether every expectation passed."""
        return self.passed == self.evaluated


@dataclass(frozen=True)
class Evidence:
    """One stored validation result of a run: the file, and its SHA-256 so that an auditor can compare."""

    path: Path
    sha256: str
    size_bytes: int


def read_batch_expectations(db: Warehouse, batch_id: int) -> tuple[Expectation, ...]:
    """Return a batch's evaluated expectations: guards first, then rules, failed ones first within each."""
    return db.read(
        Expectation,
        "quality.gate_result where batch_id = %(batch_id)s order by kind <> 'guard', success, gate_result_id",
        {"batch_id": batch_id},
    )


def read_target_expectations(db: Warehouse, run_id: str) -> tuple[Expectation, ...]:
    """Return a run's evaluated expectations, targets first, then those across extracts, each in suite order."""
    return db.read(
        Expectation,
        "quality.gate_result where run_id = %(run_id)s and kind in ('target', 'cross')"
        " order by kind desc, gate_result_id",
        {"run_id": run_id},
    )


def read_batch_counts(db: Warehouse) -> Mapping[int, GateCount]:
    """Return passed of evaluated expectations by batch."""
    rows = db.rows(
        "select batch_id, count(*) filter (where success) as passed, count(*) as evaluated"
        " from quality.gate_result where batch_id is not null group by batch_id"
    )
    return {r["batch_id"]: GateCount(r["passed"], r["evaluated"]) for r in rows}


def read_run_counts(db: Warehouse) -> Mapping[str, GateCount]:
    """Return passed of evaluated target expectations by run."""
    rows = db.rows(
        "select run_id, count(*) filter (where success) as passed, count(*) as evaluated"
        " from quality.gate_result where kind in ('target', 'cross') and run_id is not null group by run_id"
    )
    return {r["run_id"]: GateCount(r["passed"], r["evaluated"]) for r in rows}


def read_check_messages(db: Warehouse) -> Mapping[str, str]:
    """Return what each check across departments expects, by its name, in the words of the latest run."""
    rows = db.rows(
        "select distinct on (name) split_part(expectation, '.', 1) as name, message from quality.gate_result"
        " where kind = 'cross' order by name, gate_result_id desc"
    )
    return {row["name"]: row["message"] for row in rows}


def find_evidence(folder: Path) -> tuple[Evidence, ...]:
    """Return the files that prove what a run judged, by name.

    Args:
        folder: of one run; `targets.json`, `batch-<batch_id>.json` for each delivery that it judged, and others.
    """
    if not folder.is_dir():
        return ()
    return tuple(
        Evidence(path, hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_size)
        for path in sorted(folder.iterdir())
        if path.suffix in (".json", ".csv", ".sha256")
    )
