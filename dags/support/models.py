"""dbt in this process: what is rendered for it from contracts and model files, and its invocations."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from psycopg.conninfo import conninfo_to_dict

from connectors import distribution
from connectors.contract import Contract
from connectors.model_sources import render_sources
from connectors.settings import CHECKOUT, Settings
from connectors.sql_text import WITHOUT_LOOPS
from dags.support.databases import ASSESSMENT
from dags.support.golden import reading, rendering

PROJECT = CHECKOUT / "dbt_project"
THEMES = ("geo", "macro", "theme_economy", "theme_ocean", "theme_city_component")
ASSESSED = ("catalogue", "mart", "quality")
SELECTORS = ("seeds", "population", "legal_entity", "credit", "licence", "themes", ASSESSMENT)
"""What `run_models` builds, in this order; each, and each theme and what `ASSESSED` names, a selector of
`dbt_project/selectors.yml`."""
RESULTS, RESULTS_AND_LIBRARIES = "results", "results_and_libraries"
"""Selectors of what `assessment` adds with every run, when its views stand; the second after a library was built."""

OnNode = Callable[[str, int], None]
"""Called with the name of each finished node and the number of nodes of the invocation."""

_OPERANDS = "models/mart/operands"
_TARGETS = "models/mart/targets"
_TARGET_COLUMNS = ("numerator", "denominator", "expected", "reason")
_OPERAND_COLUMNS = ("operand", "value", "reason", "is_estimated", "period_used")


class ModelsError(RuntimeError):
    """dbt could not start: the project does not parse, or a selector or argument is wrong."""


@dataclass(frozen=True)
class ModelsReport:
    """What one invocation did: number of models and seeds, number of tests, names of what failed.

    Attributes:
        broken: folders of the project in which something failed or was left out because of that.
    """

    models: int
    tests: int
    failed: tuple[str, ...]
    broken: frozenset[str] = frozenset()


def run_models(
    settings: Settings,
    contracts: Mapping[str, Contract],
    *selectors: str,
    full_refresh: bool = False,
    on_node: OnNode | None = None,
    folder: Path = PROJECT,
) -> ModelsReport:
    """Build and test the models of one database, or of several at once.

    Args:
        selectors: some of `SELECTORS`, `THEMES`, `ASSESSED`, or those of results.
        full_refresh: rebuild tables of the present state; runs that are recorded and identities stay.
        on_node: told of every finished node.
        folder: the project, if not that of this checkout.

    Raises:
        ModelsError: nothing was built, because dbt could not start.
    """
    known = (*SELECTORS, *THEMES, *ASSESSED, RESULTS, RESULTS_AND_LIBRARIES)
    if unknown := [selector for selector in selectors if selector not in known]:
        raise ModelsError(f"没有选择器 {'、'.join(unknown)}：可用 {'、'.join(known)}")
    arguments = [
        "build",
        *_selection(selectors, folder),
        "--indirect-selection",
        "buildable",
        "--exclude-resource-type",
        "unit_test",
        *(["--full-refresh"] if full_refresh else []),
        # the same rules were read before: dbt would write the manifest that lies there, twice
        *(["--no-write-json"] if set(selectors) <= {RESULTS, RESULTS_AND_LIBRARIES} else []),
    ]
    assessed = set(selectors) <= {ASSESSMENT, RESULTS, RESULTS_AND_LIBRARIES, *ASSESSED}
    return invoke(settings, contracts, arguments, on_node=on_node, folder=folder, whole_tables=assessed)


def _selection(selectors: Sequence[str], folder: Path) -> list[str]:
    """Return the arguments that select; dbt takes one selector, and of several what each is the union of."""
    if len(selectors) == 1:
        return ["--selector", *selectors]
    declared = yaml.safe_load((folder / "selectors.yml").read_text(encoding="utf-8"))["selectors"]
    definitions = {selector["name"]: selector["definition"] for selector in declared}
    parts = [part for name in selectors for part in definitions[name].get("union", [definitions[name]])]
    return ["--select", *(f"{part['method']}:{part['value']}" for part in parts)]


@dataclass(frozen=True)
class Project:
    """A dbt project as it is run.

    Attributes:
        folder: the project; its seeds lie in `../seeds`.
        generated: folder of the models that are rendered for it.
        target: folder of what dbt compiles.
        place: prefix of the schemas that it builds; empty for the warehouse itself.
    """

    folder: Path
    generated: Path
    target: Path
    place: str = ""


def invoke(
    settings: Settings,
    contracts: Mapping[str, Contract],
    arguments: Sequence[str],
    *,
    on_node: OnNode | None = None,
    folder: Path = PROJECT,
    whole_tables: bool = False,
) -> ModelsReport:
    """Run one dbt command on the home's warehouse; target and logs lie in the home.

    Args:
        folder: the project, if not that of this checkout.
        whole_tables: as in `run_dbt`.

    Raises:
        ModelsError: dbt could not start.
    """
    render_generated(contracts, generated_path(settings), folder)
    project = Project(folder, generated_path(settings), target_path(settings))
    return run_dbt(settings, arguments, project, on_node=on_node, whole_tables=whole_tables)


def run_dbt(
    settings: Settings,
    arguments: Sequence[str],
    project: Project,
    *,
    on_node: OnNode | None = None,
    whole_tables: bool = False,
) -> ModelsReport:
    """Run one dbt command of a project on the home's warehouse.

    Args:
        whole_tables: join them without nested loops (`sql_text.join_whole_tables`).

    Raises:
        ModelsError: dbt could not start.
    """
    from dbt.cli.main import dbtRunner

    watch = _Watch(on_node)
    options: dict[str, Path | str] = {
        "--project-dir": project.folder,
        "--profiles-dir": project.folder,
        "--target-path": project.target,
        "--log-path": settings.logs / "dbt",
        "--log-level-file": "info",
    }
    if distribution.is_cluster(settings.dsn()):
        options["--vars"] = json.dumps({"citus": True})
    flat = [str(part) for pair in options.items() for part in pair]
    command = [*arguments, *flat, "--quiet", "--no-use-colors", "--no-version-check"]
    with _environment(settings, project, whole_tables=whole_tables):
        outcome = dbtRunner(callbacks=[watch.on_event]).invoke(command)
    if outcome.exception is not None:
        raise ModelsError(f"dbt 无法运行：{outcome.exception}") from outcome.exception
    results = getattr(outcome.result, "results", [])
    kinds = [str(result.node.resource_type) for result in results]
    return ModelsReport(
        models=sum(kind in ("model", "seed") for kind in kinds),
        tests=sum(kind in ("test", "unit_test") for kind in kinds),
        failed=tuple(result.node.name for result in results if str(result.status) in ("error", "fail")),
        broken=frozenset(
            folder
            for result in results
            if str(result.status) in ("error", "fail", "skipped")
            for folder in result.node.fqn[1:-1]
        ),
    )


def target_path(settings: Settings) -> Path:
    """Return where dbt keeps the compiled project and its manifest."""
    return settings.dbt


def has_manifest(settings: Settings) -> bool:
    """Say whether dbt has read the project in this home."""
    return (target_path(settings) / "manifest.json").is_file()


def manifest(settings: Settings) -> dict[str, Any]:
    """Return dbt's manifest of the latest invocation: every model of the project."""
    loaded: dict[str, Any] = json.loads((target_path(settings) / "manifest.json").read_text(encoding="utf-8"))
    return loaded


def generated_path(settings: Settings) -> Path:
    """Return the home's folder of models that are rendered for dbt."""
    return target_path(settings) / "models"


def render_generated(contracts: Mapping[str, Contract], place: Path, project: Path = PROJECT) -> None:
    """Write what the project takes from contracts, from the folders of operands and targets, and from survivorship.

    Args:
        contracts: by contract id.
        place: the home's model folder; below it `generated` and `libraries`, as `dbt_project.yml` names them.
        project: whose operand and target models are united.

    Raises:
        SurvivorshipError: the declaration names a contract, role or column that does not exist.
    """
    names = sorted(path.stem for path in (project / _OPERANDS).glob("ind_*.sql"))
    targets = sorted(path.stem for path in (project / _TARGETS).glob("target_*.sql"))
    _write(
        place / "generated",
        {
            "raw_sources.yml": render_sources(contracts),
            "int_indicator__measured.sql": render_operand_union(names),
            "int_operand__row.sql": render_operand_rows(project / _OPERANDS, names),
            "int_plan_target__measured.sql": render_target_union(targets),
        },
    )
    for library, declaration in reading.load(contracts).items():
        _write(place / "libraries" / library, rendering.render(declaration))


def _write(folder: Path, texts: Mapping[str, str]) -> None:
    """Make a folder hold exactly these files; one that is so already keeps its time, and dbt need not parse it."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.iterdir():
        if path.name not in texts and path.suffix in (".sql", ".yml"):
            path.unlink()
    for name, text in texts.items():
        path = folder / name
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            continue
        fresh = path.with_name(f".{name}.{os.getpid()}")
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(path)


def render_operand_union(names: Sequence[str]) -> str:
    """Return the model that unites the operand models `ind_<indicator_id>`; its refs are explicit, for lineage."""
    parts = []
    for name in names:
        columns = "".join(f",\n    {name}.{column}" for column in _OPERAND_COLUMNS)
        indicator = name.removeprefix("ind_")
        parts.append(f"select\n    '{indicator}' as indicator_id{columns}\nfrom {{{{ ref(\"{name}\") }}}} as {name}\n")
    return "-- one row per measured indicator and operand; rendered from models/mart/operands\n" + "union all\n".join(
        parts
    )


def render_operand_rows(folder: Path, names: Sequence[str]) -> str:
    """Return the model that lists the source rows of every operand: the texts of the operand models, read as lists.

    Args:
        folder: of the operand models `ind_<indicator_id>`.
        names: of the models.
    """
    parts = []
    for name in names:
        text = (folder / f"{name}.sql").read_text(encoding="utf-8")
        indicator = name.removeprefix("ind_")
        parts.append(f"select\n    '{indicator}' as indicator_id,\n    listed.*\nfrom (\n{text}\n) as listed\n")
    return (
        "-- one row per operand and source row in force that it looks at; rendered from models/mart/operands\n"
        + "union all\n".join(parts)
    )


def render_target_union(names: Sequence[str]) -> str:
    """Return the model that unites the models `target_<target_id>`: what was reached of a plan target."""
    parts = []
    for name in names:
        columns = "".join(f",\n    {name}.{column}" for column in _TARGET_COLUMNS)
        target = name.removeprefix("target_")
        parts.append(f"select\n    '{target}' as target_id{columns}\nfrom {{{{ ref(\"{name}\") }}}} as {name}\n")
    return "-- one row per measured plan target; rendered from models/mart/targets\n" + "union all\n".join(parts)


class _Watch:
    """Turns dbt's events into `on_node` calls."""

    def __init__(self, on_node: OnNode | None) -> None:
        self._on_node = on_node
        self._total = 0

    def on_event(self, event: Any) -> None:
        if event.info.name == "LogStartLine":
            self._total = event.data.total
        elif event.info.name == "NodeFinished" and self._on_node is not None:
            self._on_node(event.data.node_info.node_name, self._total)


@contextmanager
def _environment(settings: Settings, project: Project, *, whole_tables: bool) -> Iterator[None]:
    """Give dbt the warehouse and the rendered models by environment variables, and take them back."""
    dsn = conninfo_to_dict(settings.dsn())
    values = {
        "DBT_WAREHOUSE_HOST": dsn.get("host") or "localhost",
        "DBT_WAREHOUSE_PORT": dsn.get("port") or 5432,
        "DBT_WAREHOUSE_USER": dsn.get("user") or "",
        "DBT_ENV_SECRET_WAREHOUSE_PASSWORD": dsn.get("password") or "",
        "DBT_WAREHOUSE_DBNAME": dsn.get("dbname") or "",
        "DBT_WAREHOUSE_SSLMODE": dsn.get("sslmode") or "prefer",
        "DBT_GENERATED_MODELS": project.generated,
        "DBT_PLACE": project.place,
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }
    if whole_tables:
        values["PGOPTIONS"] = f"{os.environ.get('PGOPTIONS', '')} -c {WITHOUT_LOOPS}".strip()
    before = {name: os.environ.get(name) for name in values}
    os.environ.update({name: str(value) for name, value in values.items()})
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
