"""What the pages show of a run's questions: other readings, source rows behind operands, ways to five stars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

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
    gap: str | None
    cost_cny: Decimal | None
    relative_gap: Decimal | None


def read_flips(db: Warehouse, run_id: str) -> Mapping[str, tuple[Flip, ...]]:
    """Return the other readings of a run by indicator."""
    return db.grouped(
        "indicator_id",
        Flip,
        "mart.reading_flip where run_id = %(run_id)s order by indicator_id, parameter, reading",
        {"run_id": run_id},
    )


def read_row_counts(db: Warehouse, run_id: str) -> Mapping[str, tuple[RowCount, ...]]:
    """Return the counts of source rows behind a run's operands by indicator."""
    return db.grouped(
        "indicator_id",
        RowCount,
        "mart.operand_row_run where run_id = %(run_id)s"
        " order by indicator_id, operand, exclusion <> '', contract_id, batch_id, exclusion",
        {"run_id": run_id},
    )


def read_improvements(db: Warehouse, run_id: str) -> tuple[Improvement, ...]:
    """Return what is missing to five stars in a run, the least effort first."""
    return db.read(
        Improvement, "mart.improvement where run_id = %(run_id)s and star = 5 order by effort_rank", {"run_id": run_id}
    )
