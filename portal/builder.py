"""Build the portal: read the warehouse at one moment, render every page in both languages, put them in place whole."""

from __future__ import annotations

import csv
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from connectors.settings import CHECKOUT, Settings
from portal import assessment, catalogue, deliveries, gates, mart, plan, quality
from portal.deliveries import Batch
from portal.language import languages
from portal.mart import Indicator, Run, Source
from portal.queries import Warehouse, warehouse
from portal.site import ASSETS, Names, Page, Renderer, star_key
from portal.swap import replaced

RUNS_SHOWN = 60
STAR_ORDER = ("5", "4", "0", "none", "deduction")


def build(settings: Settings, *, now: datetime) -> Path:
    """Build the static pages of everything published so far and put them in place whole.

    Args:
        settings: the home; pages go to `settings.portal`, gate results are read from `reports/gates`.
        now: the moment written on the pages.

    Returns:
        the first page, `index.html`.
    """
    with warehouse(settings.dsn()) as db, replaced(settings.portal) as folder:
        shutil.copytree(ASSETS, folder / "assets")
        city = _read(db)
        run_ids = {r.run_id for r in city.runs} | {b.run_id for b in city.batches if b.run_id is not None}
        evidence = {run_id: gates.find_evidence(settings.reports / "gates", run_id) for run_id in sorted(run_ids)}
        _copy_evidence(evidence, folder)
        pages = _Pages(db, city, evidence)
        renderers = [
            Renderer(folder, language, city.names, pages.paths(), now, {"run": city.run, "chain": db.chain_head()})
            for language in languages()
        ]
        for page in pages:
            for renderer in renderers:
                renderer.write(page)
    return settings.portal / "index.html"


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
    """Everything that more than one page shows, read at one moment."""

    run: Run | None
    runs: tuple[Run, ...]
    indicators: tuple[Indicator, ...]
    readings: tuple[mart.Reading, ...]
    improvements: tuple[assessment.Improvement, ...]
    inputs: Mapping[str, tuple[Source, ...]]
    batches: tuple[Batch, ...]
    catalogue: catalogue.Catalogue
    quality: quality.Quality
    plan: plan.Plan
    names: Names

    @property
    def departments(self) -> tuple[Department, ...]:
        """Departments that delivered, by id."""
        ids = sorted({b.department for b in self.batches if b.department is not None})
        return tuple(Department(d, tuple(b for b in self.batches if b.department == d)) for d in ids)


def _read(db: Warehouse) -> City:
    published = mart.read_runs(db)
    run = published[0] if published else None
    runs = published[:RUNS_SHOWN]
    inputs = mart.read_inputs(db, [r.run_id for r in runs])
    entries = catalogue.read_catalogue(db, run)
    named = {s.batch_id for sources in inputs.values() for s in sources}
    return City(
        run=run,
        runs=runs,
        indicators=mart.read_indicators(db, run),
        readings=mart.read_readings(db, run) if run is not None else (),
        improvements=assessment.read_improvements(db, run.run_id) if run is not None else (),
        inputs=inputs,
        batches=deliveries.read_batches(db, sorted(named)),
        catalogue=entries,
        quality=quality.read_quality(db),
        plan=plan.read_plan(db, run),
        names=Names(_department_names(), {key: entry.title for key, entry in entries.contracts.items()}),
    )


def _department_names() -> Mapping[str, str]:
    with (CHECKOUT / "seeds" / "departments.csv").open(encoding="utf-8", newline="") as file:
        return {row["id"]: row["name"] for row in csv.DictReader(file)}


def _copy_evidence(evidence: Mapping[str, Sequence[gates.Evidence]], folder: Path) -> None:
    for run_id, files in evidence.items():
        place = folder / "evidence" / run_id
        place.mkdir(parents=True)
        for file in files:
            shutil.copyfile(file.path, place / file.path.name)


class _Pages:
    """The pages of the portal, made one at a time so that memory does not grow with the number of deliveries."""

    def __init__(self, db: Warehouse, city: City, evidence: Mapping[str, Sequence[gates.Evidence]]) -> None:
        self._db = db
        self._city = city
        self._evidence = evidence
        self._batch_counts = gates.read_batch_counts(db)
        self._run_counts = gates.read_run_counts(db)

    def paths(self) -> frozenset[str]:
        """Return the paths that other pages may link to, where they cannot be sure."""
        return frozenset(
            [f"receipt/{b.batch_id}.html" for b in self._city.batches]
            + [f"auditor/run-{r.run_id}.html" for r in self._city.runs]
            + [f"department/{d.id}.html" for d in self._city.departments]
        )

    def __iter__(self) -> Iterator[Page]:
        yield self._index()
        yield from self._indicators()
        yield Page("plan.html", "plan.html.j2", {"plan": self._city.plan})
        yield Page("projects.html", "projects.html.j2", {"plan": self._city.plan})
        yield Page("improvements.html", "improvements.html.j2", {"improvements": self._city.improvements})
        yield from self._departments()
        yield Page("catalogue.html", "catalogue.html.j2", {"catalogue": self._city.catalogue})
        yield from self._deliveries()
        yield from self._runs()

    def _index(self) -> Page:
        city = self._city
        groups: dict[tuple[int, str], list[Indicator]] = {}
        for indicator in city.indicators:
            groups.setdefault((indicator.table_no, indicator.table_name), []).append(indicator)
        keys = [k for k in STAR_ORDER if k != "deduction" or any(i.is_deduction for i in city.indicators)]
        values: dict[str, Any] = {
            "groups": [(number, title, members) for (number, title), members in groups.items()],
            "indicators": city.indicators,
            "star_counts": _counts(city.indicators, keys),
            "by_table": [
                (number, title, [n for _, n in _counts(members, keys)]) for (number, title), members in groups.items()
            ],
            "readings": city.readings,
            "held": [b for b in city.batches if b.status == "held"],
        }
        return Page("index.html", "index.html.j2", values)

    def _indicators(self) -> Iterator[Page]:
        neighbours = (None, *self._city.indicators, None)
        for previous, indicator, following in zip(neighbours, neighbours[1:], neighbours[2:], strict=False):
            if indicator is not None:
                values = {"indicator": indicator, "previous": previous, "following": following}
                yield Page(f"indicator/{indicator.indicator_id}.html", "indicator.html.j2", values)

    def _departments(self) -> Iterator[Page]:
        departments = self._city.departments
        unrecognised = [b for b in self._city.batches if b.department is None]
        yield Page(
            "departments.html",
            "departments.html.j2",
            {"departments": departments, "unrecognised": unrecognised, "quality": self._city.quality},
        )
        for department in departments:
            counts = deliveries.read_issue_counts(self._db, [b.batch_id for b in department.latest])
            values: dict[str, Any] = {
                "d": department,
                "q": self._city.quality.of(department.id),
                "scored": department.latest,
                "dimensions": sorted({code for b in department.latest for code in b.dimensions}),
                "issue_counts": counts,
            }
            yield Page(f"department/{department.id}.html", "department.html.j2", values)

    def _deliveries(self) -> Iterator[Page]:
        for batch in self._city.batches:
            issues = deliveries.read_issues(self._db, batch.batch_id) if batch.issue_count else ()
            yield Page(f"receipt/{batch.batch_id}.html", "receipt.html.j2", {"b": batch, "issues": issues})
            expectations = gates.read_batch_expectations(self._db, batch.batch_id)
            files = self._evidence.get(batch.run_id or "", ())
            values = {
                "b": batch,
                "expectations": expectations,
                "evidence": [f for f in files if f.path.name == f"batch-{batch.batch_id}.json"],
            }
            yield Page(f"auditor/batch-{batch.batch_id}.html", "auditor/batch.html.j2", values)

    def _runs(self) -> Iterator[Page]:
        city = self._city
        values: dict[str, Any] = {
            "runs": city.runs,
            "batches": city.batches,
            "run_counts": self._run_counts,
            "batch_counts": self._batch_counts,
        }
        yield Page("auditor/index.html", "auditor/index.html.j2", values)
        for run in city.runs:
            batches = [b for b in city.batches if b.run_id == run.run_id]
            values = {
                "r": run,
                "expectations": gates.read_target_expectations(self._db, run.run_id),
                "inputs": city.inputs.get(run.run_id, ()),
                "batches": batches,
                "decisions": [d for b in batches for d in b.decisions if d.kind in ("release", "refuse")],
                "evidence": self._evidence[run.run_id],
            }
            yield Page(f"auditor/run-{run.run_id}.html", "auditor/run.html.j2", values)


def _counts(indicators: Sequence[Indicator], keys: Sequence[str]) -> list[tuple[str, int]]:
    found = Counter(star_key(i) for i in indicators)
    return [(key, found[key]) for key in keys]
