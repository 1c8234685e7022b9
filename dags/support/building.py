"""What the warehouse DAG does: open a run, prepare from contracts, build each database with dbt, record lineage."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from itertools import groupby
from typing import Any

from connectors import catalogue, raw_tables
from connectors.contract import Contracts, load_contracts
from connectors.database import Connection, connect
from connectors.protection.protect import collect_reads, protect
from connectors.settings import Settings, load_settings
from dags.support import assessment_build, library_builds, lineage, models, runs, theme_builds
from dags.support.assessing import export, readings, rules, source_rows
from dags.support.assessing.trial import computed_run
from dags.support.clock import now
from dags.support.databases import ASSESSMENT, DATABASES, LIBRARIES, THEMES
from dags.support.golden.declaration import LIBRARIES as BASE_LIBRARIES
from dags.support.library_builds import READERS, Need
from dags.support.theme_builds import Theme

log = logging.getLogger(__name__)

SEEDS = "seeds"


def open_run(run_id: str, conf: Mapping[str, Any]) -> bool:
    """Open a run if there is something new to compute; say in the log and the progress why or why not.

    Args:
        conf: `as_of` (ISO date), `parameters`, `full_refresh`, each optional, as `weihai run` gave them.
    """
    settings = load_settings()
    opening = runs.open_run(
        settings,
        load_contracts(settings.contract_folders),
        run_id,
        as_of=date.fromisoformat(conf["as_of"]) if conf.get("as_of") else None,
        parameters=conf.get("parameters") or {},
        full_refresh=bool(conf.get("full_refresh")),
        now=now(),
    )
    runs.report_progress(settings, run_id, "warehouse", "开启运行", state="done", note=opening.reason)
    log.info("%s", opening.reason)
    return opening.opened


def prepare(run_id: str) -> None:
    """Make raw tables, catalogue rows, dbt sources and seed tables match the contracts and seeds."""
    settings = load_settings()
    contracts = load_contracts(settings.contract_folders)
    with connect(settings.dsn()) as connection:
        refused = raw_tables.ensure_raw_tables(connection, contracts).refused
        catalogue.publish_contracts(connection, contracts, contracts.codes, waiting=refused)
    for reason in refused.values():
        log.warning("%s", reason)
    build(run_id, SEEDS)
    with connect(settings.dsn()) as connection:
        rules.keep(connection, computed_run(connection, run_id).rule_version, contracts)


def behind(run_id: str) -> list[str]:
    """Return the databases that are to be built for the run; say of the others that nothing changed."""
    settings = load_settings()
    contracts = load_contracts(settings.contract_folders)
    everything = _full_refresh(run_id)
    found = []
    with connect(settings.dsn()) as connection:
        for database in DATABASES:
            if everything or _is_behind(settings, connection, contracts, database):
                found.append(database)
            else:
                _report_unchanged(settings, run_id, database)
    return found


def _is_behind(settings: Settings, connection: Connection, contracts: Contracts, database: str) -> bool:
    if database == THEMES:
        return bool(_themes_behind(settings, connection, contracts))
    if database == LIBRARIES:
        return any(need is not Need.NOTHING for _, need in _needs(connection, contracts).values())
    return True


def build(run_id: str, database: str) -> None:
    """Build and test one database's models, only as far as something changed, and grant what stands.

    Args:
        database: one of `DATABASES`, or `SEEDS`.

    Raises:
        RuntimeError: models or tests failed; names them.
    """
    settings = load_settings()
    contracts = load_contracts(settings.contract_folders)
    if database == SEEDS:
        _build_seeds(settings, contracts, run_id)
        return
    built = {LIBRARIES: _build_libraries, THEMES: _build_themes, ASSESSMENT: _assess}[database]
    built(settings, contracts, run_id, everything=_full_refresh(run_id))


def _build_seeds(settings: Settings, contracts: Contracts, run_id: str) -> None:
    version = rules.rule_version(contracts)
    with connect(settings.dsn()) as connection:
        stands = models.has_manifest(settings) and library_builds.is_built_by(connection, SEEDS, version)
    if stands:
        _report_unchanged(settings, run_id, SEEDS)
        return
    _succeed(SEEDS, _run(settings, contracts, run_id, SEEDS, SEEDS))
    with connect(settings.dsn()) as connection:
        library_builds.remember(connection, SEEDS, version, now=now())


def _build_libraries(settings: Settings, contracts: Contracts, run_id: str, *, everything: bool) -> None:
    """Build what is behind of the four, at once if it is behind alike; repeated, the task leaves alone what stands.

    Those that follow are never built before those that they follow.
    """
    with connect(settings.dsn()) as connection:
        needs = _needs(connection, contracts)
    wanted = {name: Need.EVERYTHING if everything else need for name, (_, need) in needs.items()}
    behind = [(name, need) for name, need in wanted.items() if need is not Need.NOTHING]
    if not behind:
        _report_unchanged(settings, run_id, LIBRARIES)
    for need, alike in groupby(behind, key=lambda pair: pair[1]):
        names = [name for name, _ in alike]
        report = _run(settings, contracts, run_id, LIBRARIES, *names, full_refresh=need is Need.EVERYTHING)
        with connect(settings.dsn()) as connection:
            for name in names:
                if name not in report.broken:
                    library_builds.empty_working_tables(connection, name, contracts)
                    library_builds.remember(connection, name, needs[name][0], now=now())
        _succeed(LIBRARIES, report)


def _needs(connection: Connection, contracts: Contracts) -> dict[str, tuple[str, Need]]:
    """Return the version of each base library's rules now, and how much of it is to be built."""
    found: dict[str, tuple[str, Need]] = {}
    for library in BASE_LIBRARIES:
        version = library_builds.version_of(library, contracts)
        found[library] = version, library_builds.need(connection, library, version)
    for reader in READERS:
        version = library_builds.reader_version(reader, contracts)
        found[reader] = version, library_builds.reader_need(connection, reader, version)
    return found


def _assess(settings: Settings, contracts: Contracts, run_id: str, *, everything: bool) -> None:
    version = rules.rule_version(contracts)
    with connect(settings.dsn()) as connection:
        reached = theme_builds.mark(connection)
        selector = assessment_build.selector(connection, models.manifest(settings), version, reached)
    if everything:
        selector = ASSESSMENT
    _succeed(ASSESSMENT, _run(settings, contracts, run_id, ASSESSMENT, selector, full_refresh=everything))
    with connect(settings.dsn()) as connection:
        theme_builds.remember(connection, ASSESSMENT, version, reached, now=now())


def _themes_behind(settings: Settings, connection: Connection, contracts: Contracts) -> list[Theme]:
    manifest = models.manifest(settings)
    themes = [theme_builds.read(manifest, name, contracts) for name in models.THEMES]
    return [theme for theme in themes if theme_builds.is_behind(connection, theme)]


def _build_themes(settings: Settings, contracts: Contracts, run_id: str, *, everything: bool) -> None:
    """Build the theme that is behind, or all as soon as there are more; repeated, the task leaves alone what stands."""
    with connect(settings.dsn()) as connection:
        reached = theme_builds.mark(connection)
        behind = _themes_behind(settings, connection, contracts)
    if not behind and not everything:
        _report_unchanged(settings, run_id, THEMES)
        return
    [selector] = [theme.name for theme in behind] if len(behind) == 1 and not everything else [THEMES]
    _succeed(THEMES, _run(settings, contracts, run_id, THEMES, selector))
    manifest = models.manifest(settings)
    built = models.THEMES if selector == THEMES else (selector,)
    with connect(settings.dsn()) as connection:
        for name in built:
            theme = theme_builds.read(manifest, name, contracts)
            theme_builds.remember(connection, theme.name, theme.version, reached, now=now())


def _run(
    settings: Settings,
    contracts: Contracts,
    run_id: str,
    database: str,
    *selectors: str,
    full_refresh: bool = False,
) -> models.ModelsReport:
    """Run dbt once, tell how far it is, and grant what stands."""
    finished = 0

    def on_node(name: str, total: int) -> None:
        nonlocal finished
        finished += 1
        runs.report_progress(
            settings, run_id, "warehouse", database, state="running", done=finished, total=total, note=name
        )

    report = models.run_models(settings, contracts, *selectors, full_refresh=full_refresh, on_node=on_node)
    note = f"{report.models} 个模型，{report.tests} 项检验"
    state: runs.StepState = "failed" if report.failed else "done"
    runs.report_progress(settings, run_id, "warehouse", database, state=state, done=finished, total=finished, note=note)
    with connect(settings.dsn()) as connection:
        protect(connection, contracts, models.manifest(settings))
        collect_reads(settings, connection)
    return report


def _succeed(database: str, report: models.ModelsReport) -> None:
    if report.failed:
        raise RuntimeError(f"{database}: 失败 {'、'.join(report.failed)}")


def _report_unchanged(settings: Settings, run_id: str, database: str) -> None:
    runs.report_progress(settings, run_id, "warehouse", database, state="done", note="没有变化")


def _full_refresh(run_id: str) -> bool:
    with connect(load_settings().dsn()) as connection:
        row = connection.execute("select full_refresh from mart.run where run_id = %s", (run_id,)).fetchone()
    return bool(row and row[0])


def record_lineage(run_id: str) -> None:
    """Record which batches and files each indicator of the run rests on, its export, and what other readings give."""
    settings = load_settings()
    lineage.record(settings, load_contracts(settings.contract_folders), run_id)
    # both are the server's work, and neither writes what the other reads
    with ThreadPoolExecutor(max_workers=1) as pool:
        looked_at = pool.submit(source_rows.record, settings, run_id)
        readings.record(settings, run_id)
    looked_at.result()
    with connect(settings.dsn()) as connection:
        export.keep(connection, run_id)
    runs.finish_building(settings, run_id)


def give_up(run_id: str) -> None:
    """Mark the run broken; readers keep the last published one."""
    runs.break_run(load_settings(), run_id, now=now())
