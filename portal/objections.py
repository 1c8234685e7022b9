"""What the pages show of objections to data: what was objected to, what was decided, and what it touches; masked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from portal.queries import Warehouse

SETTLED = ("不予支持", "已更正")


@dataclass(frozen=True)
class Objection:
    """One objection against a record that a department delivered."""

    objection_id: int
    department: str
    handler: str
    raised_for: str | None
    contract_id: str
    batch_id: int
    row_no: int
    column_name: str | None
    library: str | None
    library_field: str | None
    value_masked: str | None
    should_be_masked: str | None
    why: str
    raised_at: datetime
    raised_by: str
    due_on: date | None
    decision: str | None
    refer_to: str | None
    decision_why: str | None
    decided_at: datetime | None
    decided_by: str | None
    mended_batch_id: int | None
    mended_at: datetime | None
    state: str

    @property
    def is_open(self) -> bool:
        """Whether somebody still has to answer it or to mend the data."""
        return self.state not in SETTLED


@dataclass(frozen=True)
class Ripple:
    """One thing that an objection touches; for an indicator with its values before and after the correction."""

    kind: str
    subject: str
    title: str | None
    value_before: Decimal | None
    star_before: int | None
    value_after: Decimal | None
    star_after: int | None


@dataclass(frozen=True)
class Objections:
    """All objections, those that wait first, and what each touches."""

    all: tuple[Objection, ...]
    ripples: Mapping[int, tuple[Ripple, ...]]

    def of(self, department: str) -> tuple[Objection, ...]:
        """Return those that a department's data, answer or name is in."""
        return tuple(o for o in self.all if department in (o.department, o.handler, o.raised_for))


def read_objections(db: Warehouse) -> Objections:
    """Read objections and what they touch."""
    found = db.read(Objection, "quality.objection order by due_on nulls last, objection_id desc")
    return Objections(
        tuple(sorted(found, key=lambda objection: not objection.is_open)),
        db.grouped("objection_id", Ripple, "quality.objection_ripple order by objection_id, kind, subject"),
    )
