"""Rendering one page in one language: templates, relative links, names and figures as the templates need them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemBytecodeCache, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from portal import figures
from portal.deliveries import Batch
from portal.diagram import WIDTH, Diagram, Label, draw
from portal.language import Language, languages
from portal.lineage import Graph, Node
from portal.mart import Indicator

HERE = Path(__file__).parent
ASSETS = HERE / "assets"
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'"
)
"""What the pages may load: what lies beside them, and nothing else."""
NAVIGATION = (
    ("index", "index.html"),
    ("plan", "plan.html"),
    ("improvements", "improvements.html"),
    ("departments", "departments.html"),
    ("catalogue", "catalogue.html"),
    ("lineage", "lineage.html"),
    ("open_data", "open_data.html"),
    ("auditor", "auditor/index.html"),
)


@dataclass(frozen=True)
class Page:
    """One page: its path below a language's root, its template and what the template shows."""

    path: str
    template: str
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Names:
    """Chinese names, and indicators, of what the pages mention by id."""

    departments: Mapping[str, str]
    contracts: Mapping[str, str]
    indicators: Mapping[str, Indicator]


@cache
def templates(compiled: Path) -> Environment:
    """Return the templates.

    Args:
        compiled: folder that keeps what they compile to, which takes most of the time of a small portal.
    """
    compiled.mkdir(parents=True, exist_ok=True)
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        bytecode_cache=FileSystemBytecodeCache(str(compiled)),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {
        "percent": figures.percent,
        "quantity": figures.quantity,
        "moment": figures.moment,
        "file_size": figures.file_size,
        "spark": lambda history: figures.spark([(p.as_of, p.value) for p in history]),
        "star_key": star_key,
        "chart_share": chart_share,
        "chart_value": chart_value,
        "thresholds": thresholds,
        "metric_lines": metric_lines,
        "TREND_WORDS": {"向好": "better", "变差": "worse", "持平": "same"},
        "navigation": NAVIGATION,
        "box_width": WIDTH,
        "content_security_policy": CONTENT_SECURITY_POLICY,
    }
    return environment


def star_key(indicator: Indicator) -> str:
    """Return how the overview counts an indicator: 5, 4, 0, none or deduction."""
    if indicator.is_deduction:
        return "deduction"
    return "none" if indicator.star is None else str(indicator.star)


def chart_share(value: Decimal | None) -> str:
    """Write a share as the number a chart in per cent plots; empty where there is none."""
    return "" if value is None else f"{(value * 100).quantize(Decimal('0.0001')):f}"


def chart_value(indicator: Indicator, value: Decimal) -> str:
    """Write an indicator's value as the number its chart plots."""
    return chart_share(value) if indicator.is_share else f"{value:f}"


def figure(indicator: Indicator, value: Decimal | None) -> str:
    """Write an indicator's value without its unit."""
    return figures.percent(value) if indicator.is_share else figures.quantity(value)


def thresholds(indicator: Indicator) -> list[tuple[int, str]]:
    """Return the lines to draw at four and five stars, for rules that compare the one plotted metric."""
    found = []
    for star, rule in ((4, indicator.four_star_rule), (5, indicator.five_star_rule)):
        if rule is not None and "op" in rule and rule["op"] != "is_true":
            found.append((star, str(rule.get("threshold_pct", rule["value"]))))
    return found


@dataclass(frozen=True)
class Renderer:
    """Writes pages in one language below a folder; knows which pages exist, so that no link leads nowhere."""

    folder: Path
    templates: Environment
    language: Language
    names: Names
    paths: frozenset[str]
    built_at: datetime
    common: Mapping[str, Any]

    def write(self, page: Page) -> None:
        """Render a page and write it."""
        place = self.folder / self.language.folder / page.path
        place.parent.mkdir(parents=True, exist_ok=True)
        template = self.templates.get_template(page.template)
        text = template.render({**self.common, **self._tools(page), **page.values})
        lines = (line.rstrip() for line in text.splitlines() if line.strip())
        place.write_text("\n".join(lines) + "\n", encoding="utf-8")

    def _tools(self, page: Page) -> dict[str, Any]:
        here = "../" * page.path.count("/")
        root = here + "../" * self.language.folder.count("/")

        def relative(target: str) -> str:
            return root + quote(target, safe="/#")

        def href(target: str) -> str:
            return here + quote(target, safe="/#")

        other = next(one for one in languages() if one is not self.language)
        language = self.language
        return {
            "language": language,
            "built_at": self.built_at,
            "t": language.text,
            "cn": language.chinese,
            "href": href,
            "plain_href": relative,
            "asset": lambda name: relative(f"assets/{name}"),
            "other_language": relative(other.folder + page.path),
            "exists": self.paths.__contains__,
            "has_receipt": lambda batch_id: f"receipt/{batch_id}.html" in self.paths,
            "has_run": lambda run_id: f"auditor/run-{run_id}.html" in self.paths,
            "department_page": self._department_page,
            "diagram": lambda graph: self._diagram(graph, href),
            "phrase": phrase,
            **self._naming(language),
        }

    def _diagram(self, graph: Graph, href: Callable[[str], str]) -> Diagram:
        def labelled(node: Node) -> Label:
            language, key = self.language, node.name
            own = language.own_name("indicators", key) if node.kind == "indicator" else None
            note = node.note
            if node.kind == "extract":
                department = key.split("__")[0]
                chinese = self.names.departments.get(department, department)
                note = language.own_name("departments", department) or chinese
            elif node.kind == "table" and node.title:
                note = key
            target = node_page(node)
            return Label(
                caption=language.text(f"lineage.{node.kind}"),
                title=own or phrase(node.title) or key,
                note=note,
                href=href(target) if target in self.paths else None,
                is_chinese=own is None and bool(node.title),
            )

        return draw(graph, labelled)

    def _naming(self, language: Language) -> dict[str, Callable[..., Any]]:
        departments, contracts = self.names.departments, self.names.contracts

        def contract_title(contract_id: str) -> Markup:
            return language.chinese(contracts[contract_id]) if contract_id in contracts else escape(contract_id)

        def bracketed(text: object) -> Markup:
            return (Markup("（{}）") if language.is_chinese else Markup(" ({})")).format(text)

        def extract_name(batch: Batch) -> str:
            if batch.contract_id is None:
                return language.text("batch.unrecognised")
            return contracts.get(batch.contract_id, batch.contract_id)

        def extract(batch: Batch) -> Markup:
            return escape(extract_name(batch)) if batch.contract_id is None else contract_title(batch.contract_id)

        return {
            "contract_title": contract_title,
            "bracketed": bracketed,
            "extract_name": extract_name,
            "extract": extract,
            "department": lambda key: language.name("departments", key, departments.get(key, key)),
            "indicator_name": lambda one: language.name("indicators", one.indicator_id, one.name),
            "table_name": lambda number, title: language.name("tables", str(number), title),
            "dimension": lambda code: language.optional(f"dimension.{code[:2]}", code),
            "indicator_title": lambda key: language.name("indicators", key, self.names.indicators[key].name),
            "figure_of": lambda key, value: figure(self.names.indicators[key], value),
            "lang_of": lambda kind, key: (
                Markup(' lang="zh-CN"') if not language.is_chinese and language.own_name(kind, key) is None else ""
            ),
            "chained": lambda relation: language.optional(f"ledger.{relation}", ""),
            "skipped": lambda kind: language.optional(f"skipped.{kind}", kind),
            "as_of_source": lambda kind: language.optional(f"as_of_source.{kind}", kind),
            "item_type": lambda kind: language.optional(f"type.{kind}", kind),
            "trend_label": lambda one: language.text(
                "trend.label", points=", ".join(f"{p.as_of} {figure(one, p.value)}" for p in one.history)
            ),
            "table_sheet": lambda rows: sheet(rows, language),
        }

    def _department_page(self, name: str) -> str | None:
        for key, chinese in self.names.departments.items():
            if chinese == name and f"department/{key}.html" in self.paths:
                return f"department/{key}.html"
        return None


def phrase(text: str) -> str:
    """Return the first phrase of a description."""
    return re.split("[。；：，（]", text)[0]


def node_page(node: Node) -> str:
    """Return where a node of the lineage is told of, be there such a page or not."""
    return {
        "extract": f"extract/{node.name}.html",
        "indicator": f"indicator/{node.name}.html",
        "target": f"plan.html#{node.name}",
    }.get(node.kind, "")


@dataclass(frozen=True)
class MetricLine:
    """A metric of an indicator as people read it: an exact fraction with its result, or the reason why not.

    A ratio has no label of its own: the mart's is that of its numerator.
    """

    name: str
    label: str
    text: str
    reason: str | None
    is_capped: bool


def metric_lines(indicator: Indicator) -> list[MetricLine]:
    """Write an indicator's metrics, which the mart keeps as exact fractions {num, den, unit, label, reason, …}."""
    return [
        MetricLine(
            name=name,
            label="" if metric.get("unit") == "%" else metric.get("label") or "",
            text=_metric_text(metric),
            reason=metric.get("reason"),
            is_capped=bool(metric.get("is_capped")),
        )
        for name, metric in sorted(indicator.metric.items())
    ]


def _metric_text(metric: Mapping[str, Any]) -> str:
    if metric.get("num") is None or metric.get("den") is None:
        return figures.NOTHING
    numerator, denominator, unit = Decimal(str(metric["num"])), Decimal(str(metric["den"])), metric.get("unit") or ""
    if unit == "%":
        written = figures.percent(numerator / denominator)
        if denominator == 1:
            return written
        return f"{figures.quantity(numerator)} ÷ {figures.quantity(denominator)} = {written}"
    if "root" in metric:
        return f"√({figures.quantity(numerator)} ÷ {figures.quantity(denominator)}) {unit}".rstrip()
    written = figures.quantity(numerator)
    return f"{written if denominator == 1 else f'{written} ÷ {figures.quantity(denominator)}'} {unit}".rstrip()


@dataclass(frozen=True)
class Title:
    """Heading of one column of a sheet."""

    text: str
    numeric: bool


@dataclass(frozen=True)
class Sheet:
    """Rows of the catalogue as a table: only the columns that have a name for people."""

    titles: tuple[Title, ...]
    rows: tuple[tuple[Any, ...], ...]


def sheet(rows: Sequence[Mapping[str, Any]], language: Language) -> Sheet:
    """Lay rows out as a table with the columns that `i18n.yml` names, in the relation's own order."""
    names = [name for name in rows[0] if f"column.{name}" in language.texts]
    numeric = {
        name: any(isinstance(r[name], int | Decimal) and not isinstance(r[name], bool) for r in rows) for name in names
    }
    return Sheet(
        tuple(Title(language.text(f"column.{name}"), numeric[name]) for name in names),
        tuple(tuple(_cell(row[name], language) for name in names) for row in rows),
    )


def _cell(value: Any, language: Language) -> Any:
    if value is None:
        return figures.NOTHING
    if isinstance(value, bool):
        return language.text("word.yes" if value else "word.no")
    if isinstance(value, int | Decimal):
        return figures.quantity(value)
    return language.chinese(value) if isinstance(value, str) else value
