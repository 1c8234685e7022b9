"""What the pages show of the quality database: scores by month, collection, work orders, state of the libraries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from decimal import Decimal
from typing import TypeVar

from portal.queries import Warehouse

CLOSED = "已办结"
CLOSED_SHOWN = 20
PERIODS_SHOWN = 40
RELATIONS = (
    "quality.month_score",
    "quality.collection",
    "quality.collection_rate",
    "quality.department_rank",
    "quality.work_order",
    "quality.library_status",
)


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

    extract: str
    rule: str
    column_name: str | None
    dimension: str | None
    severity: str
    message: str
    passed: int
    checked: int
    opened_batch_id: int
    opened_at: datetime
    due_on: date | None
    failed_deliveries: int
    occurrence_no: int
    closed_batch_id: int | None
    closed_at: datetime | None
    state: str

    @property
    def is_open(self) -> bool:
        """Whether it waits for a delivery that mends it."""
        return self.state != CLOSED


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
        return tuple(o for o in self.orders if not o.is_open)[:CLOSED_SHOWN]

    @property
    def trend(self) -> tuple[MonthScore, ...]:
        """The total score by month."""
        return tuple(s for s in self.scores if s.indicator == "total")


T = TypeVar("T", MonthScore, Place, Rate, Period, WorkOrder)
ByDepartment = defaultdict[str | None, list[T]]


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
    if not db.has(*RELATIONS):
        return Quality()
    scores = _scores(db)
    places = _places(db)
    rates = _rates(db)
    periods = _periods(db)
    orders = _orders(db)
    known: set[str | None] = {*scores, *places, *rates, *periods, *orders}
    found = {
        department: DepartmentQuality(
            scores=tuple(scores[department]),
            place=places.get(department),
            rates=tuple(rates[department]),
            periods=tuple(periods[department][:PERIODS_SHOWN]),
            orders=tuple(orders[department]),
        )
        for department in known
    }
    return Quality(
        city=found.get(None, DepartmentQuality()),
        departments={department: quality for department, quality in found.items() if department is not None},
        libraries=_libraries(db),
    )


def _scores(db: Warehouse) -> ByDepartment[MonthScore]:
    return _by_department(
        db,
        MonthScore,
        "quality.month_score where subject_kind in ('city', 'department')"
        " and (indicator = 'total' or length(indicator) = 2) order by month, indicator",
    )


def _places(db: Warehouse) -> Mapping[str | None, Place]:
    found = _by_department(db, Place, "quality.department_rank order by month")
    return {department: places[-1] for department, places in found.items()}


def _rates(db: Warehouse) -> ByDepartment[Rate]:
    return _by_department(db, Rate, "quality.collection_rate order by month desc")


def _periods(db: Warehouse) -> ByDepartment[Period]:
    return _by_department(
        db,
        Period,
        "quality.collection where state in ('未报', '迟报', '待报')"
        " order by state = '待报', due_on desc nulls last, contract_id",
    )


def _orders(db: Warehouse) -> ByDepartment[WorkOrder]:
    return _by_department(
        db,
        WorkOrder,
        "quality.work_order order by closed_at desc nulls first, due_on nulls last, severity, extract, rule",
    )


def _by_department(db: Warehouse, kind: type[T], relation: str) -> ByDepartment[T]:
    """Read a relation's rows as `kind`, whose fields are columns of it, by department; the city's are under None."""
    columns = [field.name for field in fields(kind)]
    found: ByDepartment[T] = defaultdict(list)
    for row in db.rows(f"select department, {', '.join(columns)} from {relation}"):
        found[row["department"]].append(kind(**{name: row[name] for name in columns}))
    return found


def _libraries(db: Warehouse) -> tuple[Library, ...]:
    rows = db.rows(
        "select title, records, core_items_filled, fresh_as_of, resolved_share from quality.library_status order by seq"
    )
    return tuple(Library(**row) for row in rows)
