"""Everything that more than one page shows, read at one moment."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from connectors.departments import department_names
from connectors.settings import Settings
from portal import assessment, catalogue, deliveries, gates, mart, objections, opening, plan, quality
from portal.deliveries import Batch
from portal.inputs import read_used_batches
from portal.ledger import Ledger, read_ledger
from portal.lineage import Lineage, Node, read_lineage
from portal.mart import Indicator, Run
from portal.queries import Warehouse
from portal.site import Names

RUNS_SHOWN = 60


@dataclass(frozen=True)
class Department:
    """One department with its deliveries, latest first."""

    id: str
    batches: tuple[Batch, ...]

    @property
    def held(self) -> tuple[Batch, ...]:
        """Deliveries that wait for a person's word."""
        return tuple(b for b in self.batches if b.status == "held")

    @property
    def rejected(self) -> tuple[Batch, ...]:
        """Deliveries that could not be read."""
        return tuple(b for b in self.batches if b.status == "rejected")

    @property
    def latest(self) -> tuple[Batch, ...]:
        """The latest delivery of each extract that was judged, by extract."""
        found: dict[str, Batch] = {}
        for batch in self.batches:
            if batch.extract is not None and batch.score is not None:
                found.setdefault(batch.extract, batch)
        return tuple(found[extract] for extract in sorted(found))

    @property
    def lowest(self) -> Batch | None:
        """The latest delivery with the lowest score."""
        return min(self.latest, key=lambda b: (b.score is None, b.score), default=None)


@dataclass(frozen=True)
class City:
    """The warehouse as the pages show it; `fields` are the indicators that read a contract's column."""

    run: Run | None
    runs: tuple[Run, ...]
    indicators: tuple[Indicator, ...]
    readings: tuple[mart.Reading, ...]
    improvements: tuple[assessment.Improvement, ...]
    batches: tuple[Batch, ...]
    catalogue: catalogue.Catalogue
    quality: quality.Quality
    objections: objections.Objections
    opening: opening.Opening
    plan: plan.Plan
    ledger: Ledger
    lineage: Lineage
    fields: Mapping[str, Mapping[str, Sequence[str]]]
    names: Names

    @property
    def departments(self) -> tuple[Department, ...]:
        """Departments that delivered or should have, by id."""
        batches: defaultdict[str, list[Batch]] = defaultdict(list)
        for batch in self.batches:
            if batch.department is not None:
                batches[batch.department].append(batch)
        ids = sorted(batches.keys() | self.quality.departments.keys())
        return tuple(Department(d, tuple(batches[d])) for d in ids)


def read_city(db: Warehouse, settings: Settings) -> City:
    """Read the warehouse, and the lineage that dbt left in the home."""
    published = mart.read_runs(db)
    run = published[0] if published else None
    runs = published[:RUNS_SHOWN]
    entries = catalogue.read_catalogue(db, run)
    indicators = mart.read_indicators(db, run)
    targets = plan.read_plan(db, run)
    titles = (
        {Node("extract", key).key: entry.title for key, entry in entries.contracts.items()}
        | {Node("indicator", i.indicator_id).key: i.name for i in indicators}
        | {Node("target", t["target_id"]).key: t["metric"] for t in targets.targets}
        | {Node("check", name).key: message for name, message in gates.read_check_messages(db).items()}
    )
    sources = ((source.contract_id, i.indicator_id) for i in indicators for source in i.sources)
    return City(
        run=run,
        runs=runs,
        indicators=indicators,
        readings=mart.read_readings(db, run) if run is not None else (),
        improvements=assessment.read_improvements(db, run.run_id) if run is not None else (),
        batches=deliveries.read_batches(db, sorted(read_used_batches(db, runs))),
        catalogue=entries,
        quality=quality.read_quality(db),
        objections=objections.read_objections(db),
        opening=opening.read_opening(db),
        plan=targets,
        ledger=read_ledger(db),
        lineage=read_lineage(settings.dbt / "manifest.json", sources).titled(titles),
        fields=_fields(db),
        names=Names(
            department_names(),
            {key: entry.title for key, entry in entries.contracts.items()},
            {i.indicator_id: i for i in indicators},
        ),
    )


def _fields(db: Warehouse) -> Mapping[str, Mapping[str, Sequence[str]]]:
    found: defaultdict[str, defaultdict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    if db.has("mart.indicator_field"):
        for row in db.rows("select contract_id, column_name, indicator_id from mart.indicator_field order by 1, 2, 3"):
            found[row["contract_id"]][row["column_name"]].append(row["indicator_id"])
    return found
