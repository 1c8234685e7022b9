"""The pages of the portal, made one at a time so that memory does not grow with the number of deliveries."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any

from portal import deliveries, gates
from portal.catalogue import Entry
from portal.city import City
from portal.deliveries import Batch
from portal.figures import quantity
from portal.inputs import SHOWN, InputFile, counted
from portal.lineage import Graph, Node
from portal.mart import Indicator
from portal.queries import Warehouse
from portal.site import Page, star_key

STAR_ORDER = ("5", "4", "0", "none", "deduction")


@dataclass(frozen=True)
class RunFiles:
    """What lies beside a run's page: its inputs, and the stored results and lists that can be downloaded."""

    inputs: tuple[InputFile, ...]
    evidence: tuple[gates.Evidence, ...]


class Pages:
    """Every page; the site's paths are known before the first is rendered, so that no link leads nowhere."""

    def __init__(self, db: Warehouse, city: City, files: Mapping[str, RunFiles], open_files: frozenset[str]) -> None:
        """Take what the pages show.

        Args:
            db: for what only one page shows.
            city: what several show.
            files: by run.
            open_files: paths of the open data files.
        """
        self.db = db
        self._city = city
        self._files = files
        self._open_files = open_files
        self._batch_counts = gates.read_batch_counts(db)
        self._run_counts = gates.read_run_counts(db)
        self._by_contract: defaultdict[str, list[Batch]] = defaultdict(list)
        for batch in city.batches:
            if batch.contract_id is not None:
                self._by_contract[batch.contract_id].append(batch)

    def read_from(self, db: Warehouse) -> Pages:
        """Return the same pages, of which what only one shows comes from another connection at the same moment."""
        same = copy(self)
        same.db = db
        return same

    def paths(self) -> frozenset[str]:
        """Return the paths that other pages may link to, where they cannot be sure."""
        city = self._city
        return frozenset(
            [f"receipt/{b.batch_id}.html" for b in city.batches]
            + [f"auditor/run-{r.run_id}.html" for r in city.runs]
            + [f"department/{d.id}.html" for d in city.departments]
            + [f"extract/{contract_id}.html" for contract_id in city.catalogue.contracts]
            + [f"indicator/{i.indicator_id}.html" for i in city.indicators]
            + [f"plan.html#{target['target_id']}" for target in city.plan.targets]
        )

    def __iter__(self) -> Iterator[Page]:
        """Make the pages."""
        city = self._city
        yield self._index()
        yield from self._indicators()
        yield Page("plan.html", "plan.html.j2", {"plan": city.plan})
        yield Page("projects.html", "projects.html.j2", {"plan": city.plan})
        yield Page("improvements.html", "improvements.html.j2", {"improvements": city.improvements})
        yield from self._departments()
        yield Page("catalogue.html", "catalogue.html.j2", {"catalogue": city.catalogue})
        yield self._lineage()
        for entry in city.catalogue.contracts.values():
            yield self._extract(entry)
        yield Page("open_data.html", "open_data.html.j2", {"opening": city.opening, "files": self._open_files})
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
                values = {
                    "indicator": indicator,
                    "previous": previous,
                    "following": following,
                    "graph": self._graph(indicator),
                    "counted_for": _counted_for(indicator),
                }
                yield Page(f"indicator/{indicator.indicator_id}.html", "indicator.html.j2", values)

    def _graph(self, indicator: Indicator) -> Graph | None:
        graph = self._city.lineage.upstream(indicator.indicator_id)
        figures = {o.operand: o.value for o in indicator.operands}
        operands = [
            Node("operand", name, label.label, f"{quantity(figures.get(name))} {label.unit}".rstrip())
            for name, label in indicator.operand_labels.items()
        ]
        end = Node("indicator", indicator.indicator_id, indicator.name, indicator.value_text or "")
        return None if graph is None else graph.with_operands(end, operands)

    def _departments(self) -> Iterator[Page]:
        city = self._city
        unrecognised = [b for b in city.batches if b.department is None]
        yield Page(
            "departments.html",
            "departments.html.j2",
            {"departments": city.departments, "unrecognised": unrecognised, "quality": city.quality},
        )
        for department in city.departments:
            counts = deliveries.read_issue_counts(self.db, [b.batch_id for b in department.latest])
            values: dict[str, Any] = {
                "d": department,
                "q": city.quality.of(department.id),
                "objections": city.objections.of(department.id),
                "ripples": city.objections.ripples,
                "scored": department.latest,
                "dimensions": sorted({code for b in department.latest for code in b.dimensions}),
                "issue_counts": counts,
            }
            yield Page(f"department/{department.id}.html", "department.html.j2", values)

    def _lineage(self) -> Page:
        city = self._city
        up = [(i, city.lineage.upstream(i.indicator_id)) for i in city.indicators]
        down = [(entry, city.lineage.downstream(key)) for key, entry in city.catalogue.contracts.items()]
        return Page("lineage.html", "lineage.html.j2", {"indicators": up, "extracts": down})

    def _extract(self, entry: Entry) -> Page:
        values = {
            "c": entry,
            "graph": self._with_indicators(self._city.lineage.downstream(entry.contract_id)),
            "fields": self._city.fields.get(entry.contract_id, {}),
            "indicators": {i.indicator_id: i for i in self._city.indicators},
            "batches": self._by_contract[entry.contract_id][:12],
        }
        return Page(f"extract/{entry.contract_id}.html", "extract.html.j2", values)

    def _with_indicators(self, graph: Graph | None) -> Graph | None:
        """Return a graph whose operand models are followed by their indicators."""
        if graph is None:
            return None
        known = {f"ind_{i.indicator_id}": i for i in self._city.indicators}
        shown = {node.key: known[node.name] for node in graph.of("model") if node.name in known}
        added = {key: Node("indicator", i.indicator_id, i.name, i.value_text or "") for key, i in shown.items()}
        edges = tuple((key, node.key) for key, node in added.items())
        return Graph(graph.root, (*graph.nodes, *added.values()), graph.edges + edges)

    def _deliveries(self) -> Iterator[Page]:
        for batch in self._city.batches:
            issues = deliveries.read_issues(self.db, batch.batch_id) if batch.issue_count else ()
            yield Page(f"receipt/{batch.batch_id}.html", "receipt.html.j2", {"b": batch, "issues": issues})
            files = self._files[batch.run_id].evidence if batch.run_id is not None else ()
            values = {
                "b": batch,
                "expectations": gates.read_batch_expectations(self.db, batch.batch_id),
                "evidence": [f for f in files if f.path.name == f"batch-{batch.batch_id}.json"],
            }
            yield Page(f"auditor/batch-{batch.batch_id}.html", "auditor/batch.html.j2", values)

    def _runs(self) -> Iterator[Page]:
        city = self._city
        values: dict[str, Any] = {
            "runs": city.runs,
            "batches": city.batches,
            "held": [b for b in city.batches if b.status == "held"],
            "objections": city.objections.all,
            "ripples": city.objections.ripples,
            "ledger": city.ledger,
            "run_counts": self._run_counts,
            "batch_counts": self._batch_counts,
        }
        yield Page("auditor/index.html", "auditor/index.html.j2", values)
        for run in city.runs:
            batches = [b for b in city.batches if b.run_id == run.run_id]
            files = self._files[run.run_id]
            values = {
                "r": run,
                "expectations": gates.read_target_expectations(self.db, run.run_id),
                "inputs": files.inputs[:SHOWN],
                "input_counts": counted(files.inputs),
                "batches": batches,
                "decisions": [d for b in batches for d in b.decisions if d.kind in ("release", "refuse")],
                "evidence": files.evidence,
            }
            yield Page(f"auditor/run-{run.run_id}.html", "auditor/run.html.j2", values)


def _counts(indicators: Sequence[Indicator], keys: Sequence[str]) -> list[tuple[str, int]]:
    found = Counter(star_key(i) for i in indicators)
    return [(key, found[key]) for key in keys]


def _counted_for(indicator: Indicator) -> Mapping[str, Sequence[str]]:
    """Return by contract the operands that its rows were looked at for, as far as the run kept that."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for rows in indicator.row_counts:
        if rows.operand not in found[rows.contract_id]:
            found[rows.contract_id].append(rows.operand)
    return found
