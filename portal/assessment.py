"""What the pages show of a run's questions: other readings, source rows behind operands, ways to five stars."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from portal.queries import Warehouse


@dataclass(frozen=True)
class Flip:
    """A reading that the run did not use, and what the indicator would be under it."""

    parameter: str
    title: str
    reading_used: str
    reading: str
    other_star: int | None
    other_value_text: str | None
    is_flipped: bool
    source: str


@dataclass(frozen=True)
class RowCount:
    """Source rows of one delivery that counted for an operand (no exclusion), or did not for one reason."""

    operand: str
    contract_id: str
    batch_id: int
    exclusion: str
    row_count: int
    first_row_nos: Sequence[int]


@dataclass(frozen=True)
class Improvement:
    """What is missing to a star level; the cost is in CNY, None where no cost per unit was given."""

    effort_rank: int
    seq: int
    indicator_id: str
    name: str
    lead_responsible: str
    gap: str
    cost_cny: Decimal | None
    relative_gap: Decimal | None


def read_flips(db: Warehouse, run_id: str) -> Mapping[str, dict[str, Any]]:
    """Return the other readings of a run by indicator."""
    found: dict[str, list[Flip]] = defaultdict(list)
    if db.has("mart.reading_flip"):
        for r in db.rows(
            "select * from mart.reading_flip where run_id = %(run_id)s order by indicator_id, parameter, reading",
            {"run_id": run_id},
        ):
            found[r["indicator_id"]].append(
                Flip(
                    parameter=r["parameter"],
                    title=r["title"],
                    reading_used=r["reading_used"],
                    reading=r["reading"],
                    other_star=r["other_star"],
                    other_value_text=r["other_value_text"],
                    is_flipped=r["is_flipped"],
                    source=r["source"],
                )
            )
    return {indicator_id: {"flips": tuple(flips)} for indicator_id, flips in found.items()}


def read_row_counts(db: Warehouse, run_id: str) -> Mapping[str, dict[str, Any]]:
    """Return the counts of source rows behind a run's operands by indicator."""
    found: dict[str, list[RowCount]] = defaultdict(list)
    for r in db.rows(
        "select * from mart.operand_row_run where run_id = %(run_id)s"
        " order by indicator_id, operand, exclusion <> '', contract_id, batch_id, exclusion",
        {"run_id": run_id},
    ):
        found[r["indicator_id"]].append(
            RowCount(
                operand=r["operand"],
                contract_id=r["contract_id"],
                batch_id=r["batch_id"],
                exclusion=r["exclusion"],
                row_count=r["row_count"],
                first_row_nos=tuple(r["first_row_nos"]),
            )
        )
    return {indicator_id: {"row_counts": tuple(counts)} for indicator_id, counts in found.items()}


def read_improvements(db: Warehouse, run_id: str) -> tuple[Improvement, ...]:
    """Return what is missing to five stars in a run, the least effort first."""
    if not db.has("mart.improvement"):
        return ()
    rows = db.rows(
        "select * from mart.improvement where run_id = %(run_id)s and star = 5 order by effort_rank", {"run_id": run_id}
    )
    return tuple(
        Improvement(
            effort_rank=r["effort_rank"],
            seq=r["seq"],
            indicator_id=r["indicator_id"],
            name=r["name"],
            lead_responsible=r["lead_responsible"],
            gap=r["gap"] or "",
            cost_cny=r["cost_cny"],
            relative_gap=r["relative_gap"],
        )
        for r in rows
    )
