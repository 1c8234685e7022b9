"""What the pages show of the plan: its targets, its contradictions, its projects, as one run found them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from portal.mart import Run
from portal.queries import Row, Warehouse

STATUSES = ("behind", "no_data", "on_course", "met")
"""From what needs a person most to what needs none."""


@dataclass(frozen=True)
class Contradiction:
    """A place where the plan says two things, with the readings of it."""

    facts: Row
    readings: tuple[Row, ...]


@dataclass(frozen=True)
class Project:
    """A project of annex 1 with its milestones."""

    facts: Row
    milestones: tuple[Row, ...]


@dataclass(frozen=True)
class Plan:
    """The plan as one run found it; empty before the first run. Rows have the columns of the mart's tables."""

    targets: tuple[Row, ...] = ()
    contradictions: tuple[Contradiction, ...] = ()
    projects: tuple[Project, ...] = ()

    @property
    def target_counts(self) -> Sequence[tuple[str, int]]:
        """Return how many targets have each status."""
        return _counts(self.targets)

    @property
    def project_counts(self) -> Sequence[tuple[str, int]]:
        """Return how many projects have each status."""
        return _counts([project.facts for project in self.projects])


def read_plan(db: Warehouse, run: Run | None) -> Plan:
    """Read what a run found of the plan."""
    if run is None or not db.has("mart.plan_target_run", "mart.plan_contradiction_reading_run", "mart.project_run"):
        return Plan()
    of_run = {"run_id": run.run_id}
    where = " where run_id = %(run_id)s"
    readings = _grouped(
        db.rows(f"select * from mart.plan_contradiction_reading_run{where} order by reading_no", of_run),
        "contradiction_id",
    )
    milestones = _grouped(
        db.rows(f"select * from mart.project_milestone_run{where} order by milestone_no", of_run), "project_seq"
    )
    return Plan(
        targets=tuple(db.rows(f"select * from mart.plan_target_run{where} order by seq", of_run)),
        contradictions=tuple(
            Contradiction(row, readings[row["contradiction_id"]])
            for row in db.rows("select * from reference.plan_contradictions order by seq")
            if row["contradiction_id"] in readings
        ),
        projects=tuple(
            Project(row, milestones.get(row["project_seq"], ()))
            for row in db.rows(f"select * from mart.project_run{where} order by project_seq", of_run)
        ),
    )


def _grouped(rows: Sequence[Row], key: str) -> Mapping[object, tuple[Row, ...]]:
    found: dict[object, list[Row]] = defaultdict(list)
    for row in rows:
        found[row[key]].append(row)
    return {name: tuple(group) for name, group in found.items()}


def _counts(rows: Sequence[Row]) -> Sequence[tuple[str, int]]:
    found = Counter(row["status"] for row in rows)
    return [(status, found[status]) for status in STATUSES]
