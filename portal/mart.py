"""What the pages show of the mart: runs, the 49 indicators, the readings of the 90 % target, sources of figures."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from portal.assessment import Flip, RowCount, read_flips, read_row_counts
from portal.queries import Row, Warehouse, as_json


@dataclass(frozen=True)
class Run:
    """One published run."""

    run_id: str
    as_of: date
    known_at: int
    rule_version: str
    parameters: Mapping[str, Any]
    project_version: str
    full_refresh: bool
    started_at: datetime
    finished_at: datetime | None
    verdict: str | None
    is_latest: bool
    """Whether it is the latest published run of its as-of date, the one that the mart's views show."""


@dataclass(frozen=True)
class Reading:
    """One reading of the 90 % target: `value` and `target` are shares, `met` is None where it cannot be told."""

    reading: str
    title: str
    quote: str
    source: str
    value: Decimal | None
    target: Decimal
    met: bool | None
    reason: str | None
    is_binding: bool
    """Whether missing it makes the run end as “target missed”."""


@dataclass(frozen=True)
class OperandLabel:
    """What an operand is called, and its unit."""

    label: str
    unit: str


@dataclass(frozen=True)
class Operand:
    """One operand of an indicator in one run."""

    operand: str
    value: Decimal | None
    reason: str | None
    period_used: str | None
    is_estimated: bool


@dataclass(frozen=True)
class Source:
    """One delivered file whose rows were in force for an indicator."""

    contract_id: str
    batch_id: int
    file_name: str
    sha256: str
    rows_in_force: int


@dataclass(frozen=True)
class Point:
    """An indicator's value at one as-of date."""

    as_of: date
    run_id: str
    value: Decimal | None
    value_text: str | None
    star: int | None


@dataclass(frozen=True)
class Gap:
    """What is missing to one star level."""

    star: int
    gap: str


@dataclass(frozen=True)
class Indicator:
    """One of the 49 indicators, with its result in the run that is shown (none before the first run)."""

    indicator_id: str
    seq: int
    table_no: int
    table_name: str
    name: str
    definition: str
    four_star_text: str
    five_star_text: str
    unit: str
    formula: Mapping[str, Any]
    operand_labels: Mapping[str, OperandLabel]
    four_star_rule: Mapping[str, Any] | None
    five_star_rule: Mapping[str, Any] | None
    responsible: Sequence[str]
    lead_responsible: str
    traps: Sequence[str]
    value: Decimal | None = None
    value_text: str | None = None
    star: int | None = None
    trend: str | None = None
    four_star_met: bool | None = None
    five_star_met: bool | None = None
    metric: Mapping[str, Any] = field(default_factory=dict)
    period_used: str | None = None
    is_estimated: bool = False
    reason: str | None = None
    gap: str | None = None
    gaps: tuple[Gap, ...] = ()
    operands: tuple[Operand, ...] = ()
    sources: tuple[Source, ...] = ()
    history: tuple[Point, ...] = ()
    flips: tuple[Flip, ...] = ()
    row_counts: tuple[RowCount, ...] = ()

    @property
    def is_flippable(self) -> bool:
        """Whether its star would differ under another reading."""
        return any(flip.is_flipped for flip in self.flips)

    @property
    def is_deduction(self) -> bool:
        """Whether it takes points away instead of earning stars (信息安全)."""
        return self.formula.get("type") == "deduction"

    @property
    def is_share(self) -> bool:
        """Whether its value is a share, to be plotted in per cent."""
        return self.unit.startswith("ratio") or self.is_deduction


def read_runs(db: Warehouse) -> tuple[Run, ...]:
    """Return the published runs, latest as-of date and latest finished first."""
    rows = db.rows(
        "select r.*, l.run_id is not null as is_latest from mart.run as r left join mart.latest_run as l using (run_id)"
        " where r.state = 'published' order by r.as_of desc, r.finished_at desc, r.run_id"
    )
    return tuple(
        Run(
            run_id=r["run_id"],
            as_of=r["as_of"],
            known_at=r["known_at"],
            rule_version=r["rule_version"],
            parameters=as_json(r["parameters"]) or {},
            project_version=r["project_version"],
            full_refresh=r["full_refresh"],
            started_at=r["started_at"],
            finished_at=r["finished_at"],
            verdict=r["verdict"],
            is_latest=r["is_latest"],
        )
        for r in rows
    )


def read_indicators(db: Warehouse, run: Run | None) -> tuple[Indicator, ...]:
    """Return the indicators in the plan's order, with their results in `run`."""
    if not db.has("mart.indicator"):
        return ()
    results: defaultdict[str, dict[str, Any]] = defaultdict(dict)
    if run is not None:
        results |= _values(db, run)
        for name, found in _lists(db, run).items():
            for indicator_id, ones in found.items():
                results[indicator_id][name] = ones
    rows = db.rows("select * from mart.indicator order by seq")
    return tuple(_indicator(row, results[row["indicator_id"]]) for row in rows)


def _indicator(row: Row, result: Mapping[str, Any]) -> Indicator:
    labels = {
        o["name"]: OperandLabel(o.get("label") or "", o.get("unit") or "") for o in as_json(row["operands"]) or ()
    }
    order = list(labels)
    operands = sorted(
        result.get("operands", ()), key=lambda o: order.index(o.operand) if o.operand in labels else len(order)
    )
    return Indicator(
        indicator_id=row["indicator_id"],
        seq=row["seq"],
        table_no=row["table_no"],
        table_name=row["table_name"],
        name=row["name"],
        definition=row["definition"],
        four_star_text=row["four_star_text"] or "",
        five_star_text=row["five_star_text"] or "",
        unit=row["unit"],
        formula=as_json(row["formula"]) or {},
        operand_labels=labels,
        four_star_rule=as_json(row["four_star_rule"]),
        five_star_rule=as_json(row["five_star_rule"]),
        responsible=_names(row["responsible"]),
        lead_responsible=row["lead_responsible"] or "",
        traps=_names(row["traps"]),
        **{**result, "operands": tuple(operands)},
    )


def _names(value: Any) -> tuple[str, ...]:
    if not value:
        return ()
    if isinstance(value, str):
        value = as_json(value) if value.startswith("[") else value.split("|")
    return tuple(str(v) for v in value)


def _values(db: Warehouse, run: Run) -> Mapping[str, dict[str, Any]]:
    rows = db.rows(
        "select value.*, card.gap, card.trend from mart.indicator_value_run as value"
        " left join mart.scorecard as card using (run_id, indicator_id) where value.run_id = %(run_id)s",
        {"run_id": run.run_id},
    )
    names = ("value", "value_text", "star", "four_star_met", "five_star_met", "period_used", "reason", "gap", "trend")
    return {
        r["indicator_id"]: {name: r[name] for name in names}
        | {"metric": as_json(r["metric"]) or {}, "is_estimated": bool(r["is_estimated"])}
        for r in rows
    }


def _lists(db: Warehouse, run: Run) -> Mapping[str, Mapping[str, tuple[Any, ...]]]:
    """Return what an indicator has several of, by its field's name and by indicator."""
    of_run = {"run_id": run.run_id}
    return {
        "gaps": db.grouped(
            "indicator_id",
            Gap,
            "mart.indicator_gap_run where run_id = %(run_id)s and gap is not null order by indicator_id, star",
            of_run,
        ),
        "operands": db.grouped(
            "indicator_id",
            Operand,
            "mart.indicator_operand_run where run_id = %(run_id)s order by indicator_id, operand",
            of_run,
        ),
        "sources": db.grouped(
            "indicator_id",
            Source,
            "mart.indicator_source_run where run_id = %(run_id)s"
            " order by indicator_id, contract_id, batch_id, file_name",
            of_run,
        ),
        "history": db.grouped(
            "indicator_id",
            Point,
            "mart.indicator_value where as_of <= %(as_of)s order by indicator_id, as_of",
            {"as_of": run.as_of},
        ),
        "flips": read_flips(db, run.run_id),
        "row_counts": read_row_counts(db, run.run_id),
    }


def read_readings(db: Warehouse, run: Run) -> tuple[Reading, ...]:
    """Return the readings of the 90 % target side by side, as the run found them."""
    return db.read(Reading, "mart.target_reading_run where run_id = %(run_id)s order by seq", {"run_id": run.run_id})
