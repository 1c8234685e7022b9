"""Build the portal: read the warehouse at one moment, render every page in both languages, put them in place whole."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from multiprocessing import current_process, get_context
from pathlib import Path

from connectors.settings import Settings
from portal import gates
from portal.city import City, read_city
from portal.inputs import read_inputs, read_redacted, write_inputs
from portal.language import languages
from portal.opening import copy_open_data
from portal.pages import Pages, RunFiles
from portal.queries import Warehouse, warehouse
from portal.site import ASSETS, Renderer, templates
from portal.swap import replaced


def build(settings: Settings, *, now: datetime) -> Path:
    """Build the static pages of everything published so far and put them in place whole.

    Args:
        settings: the home; pages go to `settings.portal`, gate results are read from `reports/gates`, open data files
            from `settings.open_data`, dbt's manifest from `settings.dbt`.
        now: the moment written on the pages.

    Returns:
        the first page, `index.html`.
    """
    with warehouse(settings.dsn()) as db, replaced(settings.portal) as folder:
        shutil.copytree(ASSETS, folder / "assets")
        city = read_city(db, settings)
        open_files = copy_open_data(settings.open_data, folder / "open_data")
        pages = Pages(db, city, _run_files(db, city, settings, folder / "evidence"), open_files)
        common = {"run": city.run, "chain": db.chain_head()}
        environment = templates(settings.templates)
        renderers = [
            Renderer(folder, environment, language, city.names, pages.paths(), now, common) for language in languages()
        ]
        own, *others = (partial(_write, renderer, pages) for renderer in renderers)
        with _beside([partial(_at_moment, settings.dsn(), db.snapshot(), write) for write in others]):
            own(db)
    return settings.portal / "index.html"


def _write(renderer: Renderer, pages: Pages, db: Warehouse) -> None:
    for page in pages.read_from(db):
        renderer.write(page)


def _at_moment(dsn: str, snapshot: str, act: Callable[[Warehouse], None]) -> None:
    with warehouse(dsn, snapshot=snapshot) as db:
        act(db)


@contextmanager
def _beside(acts: Sequence[Callable[[], None]]) -> Iterator[None]:
    """Do the acts in forks of this process while the block runs, so that no processor idles; they end with it.

    A daemonic process may have no children, as those of Celery's workers: there the acts follow the block.

    Raises:
        RuntimeError: one of the forks failed; it wrote why to standard error.
    """
    if current_process().daemon:
        yield
        for act in acts:
            act()
        return
    processes = [get_context("fork").Process(target=act, daemon=True) for act in acts]
    for process in processes:
        process.start()
    try:
        yield
        for process in processes:
            process.join()
        if failed := [process.exitcode for process in processes if process.exitcode]:
            raise RuntimeError(f"pages of another language could not be written (exit codes {failed})")
    finally:
        for process in processes:
            process.kill()
            process.join()


def _run_files(db: Warehouse, city: City, settings: Settings, place: Path) -> Mapping[str, RunFiles]:
    """Put the stored gate results of runs, and the lists of what the published ones could use, beside the pages."""
    found = {}
    published = {run.run_id: run for run in city.runs}
    redacted = read_redacted(db)
    for run_id in sorted(published.keys() | {b.run_id for b in city.batches if b.run_id is not None}):
        folder = place / run_id
        folder.mkdir(parents=True)
        for evidence in gates.find_evidence(settings.reports / "gates" / run_id):
            shutil.copyfile(evidence.path, folder / evidence.path.name)
        inputs = read_inputs(db, published[run_id]) if run_id in published else ()
        if run_id in published:
            write_inputs(inputs, redacted, folder)
        found[run_id] = RunFiles(inputs, gates.find_evidence(folder))
    return found
