"""What the pages show of the quality database: scores by month, collection, work orders, state of the libraries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from portal.queries import Warehouse

CLOSED, RESTING = "已办结", "无从核对"
CLOSED_SHOWN = 20
PERIODS_SHOWN = 40


@dataclass(frozen=True)
class MonthScore:
    """A score in one month: the total or one dimension (two digits) of a department or the city."""

    month: date
    indicator: str
    score: Decimal
    pass_mark: Decimal
    is_passed: bool


@dataclass(frozen=True)
class Place:
    """Where a department stands among all in its latest month."""

    month: date
    place: int
    departments: int
    score: Decimal
    gained: Decimal | None
    on_time_share: Decimal | None


@dataclass(frozen=True)
class Rate:
    """Periods promised, arrived and on time in one month, of a department or the city."""

    month: date
    promised: int
    arrived: int
    on_time: int
    arrived_share: Decimal
    on_time_share: Decimal


@dataclass(frozen=True)
class Period:
    """One period of one extract that did not come on time, or has not come yet."""

    contract_id: str
    starts_on: date
    ends_on: date
    due_on: date | None
    first_received_at: datetime | None
    state: str


@dataclass(frozen=True)
class WorkOrder:
    """What a department is asked to mend, and whether it did."""

    extract: str | None
    rule: str
    column_name: str | None
    dimension: str | None
    severity: str
    message: str
    passed: int | None
    checked: int | None
    opened_batch_id: int | None
    opened_at: datetime
    due_on: date | None
    failed_deliveries: int | None
    occurrence_no: int
    closed_batch_id: int | None
    closed_at: datetime | None
    state: str

    @property
    def is_open(self) -> bool:
        """Whether it waits for a delivery that mends it."""
        return self.state not in (CLOSED, RESTING)


@dataclass(frozen=True)
class Library:
    """The state of one base library."""

    title: str
    records: int
    core_items_filled: Decimal | None
    fresh_as_of: date | None
    resolved_share: Decimal | None


@dataclass(frozen=True)
class DepartmentQuality:
    """What the quality database says of one department."""

    scores: tuple[MonthScore, ...] = ()
    place: Place | None = None
    rates: tuple[Rate, ...] = ()
    periods: tuple[Period, ...] = ()
    orders: tuple[WorkOrder, ...] = ()

    @property
    def open_orders(self) -> tuple[WorkOrder, ...]:
        """Orders that wait, those due first at the head."""
        return tuple(o for o in self.orders if o.is_open)

    @property
    def closed_orders(self) -> tuple[WorkOrder, ...]:
        """The latest orders that were mended."""
        return tuple(o for o in self.orders if o.state == CLOSED)[:CLOSED_SHOWN]

    @property
    def resting_orders(self) -> tuple[WorkOrder, ...]:
        """Orders about which the last run had nothing to compare."""
        return tuple(o for o in self.orders if o.state == RESTING)

    @property
    def trend(self) -> tuple[MonthScore, ...]:
        """The total score by month."""
        return tuple(s for s in self.scores if s.indicator == "total")


@dataclass(frozen=True)
class Quality:
    """The quality of the whole city: `city` is under the department None."""

    city: DepartmentQuality = field(default_factory=DepartmentQuality)
    departments: Mapping[str, DepartmentQuality] = field(default_factory=dict)
    libraries: tuple[Library, ...] = ()

    def of(self, department: str) -> DepartmentQuality:
        """Return what is known of a department."""
        return self.departments.get(department, DepartmentQuality())


def read_quality(db: Warehouse) -> Quality:
    """Return scores, collection and work orders; nothing where no run has built them yet."""
    scores = db.grouped(
        "department",
        MonthScore,
        "quality.month_score where subject_kind in ('city', 'department')"
        " and (indicator = 'total' or length(indicator) = 2) order by month, indicator",
    )
    places = db.grouped("department", Place, "quality.department_rank order by month desc")
    rates = db.grouped("department", Rate, "quality.collection_rate order by month desc")
    periods = db.grouped(
        "department",
        Period,
        "quality.collection where state in ('未报', '迟报', '待报')"
        " order by state = '待报', due_on desc nulls last, contract_id",
    )
    orders = db.grouped(
        "department",
        WorkOrder,
        "quality.work_order order by closed_at desc nulls first, due_on nulls last, severity, extract, rule",
    )
    found = {
        department: DepartmentQuality(
            scores=scores[department],
            place=places[department][0] if places[department] else None,
            rates=rates[department],
            periods=periods[department][:PERIODS_SHOWN],
            orders=orders[department],
        )
        for department in {*scores, *places, *rates, *periods, *orders}
    }
    return Quality(
        city=found.get(None, DepartmentQuality()),
        departments={department: quality for department, quality in found.items() if department is not None},
        libraries=db.read(Library, "quality.library_status order by seq"),
    )
