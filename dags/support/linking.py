"""What the link task does: decide in both libraries whom the records speak of, as far as the run knows deliveries."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from connectors.contract import load_contracts
from connectors.database import connect
from connectors.settings import load_settings
from dags.support import runs
from linkage.libraries import LibraryName

log = logging.getLogger(__name__)

_STEP = "归并"
_TITLES: Mapping[LibraryName, str] = {"population": "人口", "legal_entity": "法人"}


def link_libraries(run_id: str) -> None:
    """Bring the links of both libraries up to the run's known_at; say what changed."""
    from linkage.run import link

    settings = load_settings()
    contracts = load_contracts(settings.contract_folders)
    with connect(settings.dsn()) as connection:
        row = connection.execute("select known_at, full_refresh from mart.run where run_id = %s", (run_id,)).fetchone()
    known_at, full_refresh = row if row is not None else (None, False)
    runs.report_progress(settings, run_id, "warehouse", _STEP, state="running", note="、".join(_TITLES.values()))

    def tell(library: LibraryName) -> str:
        linking = link(settings, contracts, library, known_at=known_at, full_refresh=bool(full_refresh))
        changed = "没有新的报送" if linking.how == "none" else f"{linking.changed} 个有变化"
        return f"{_TITLES[library]}：{changed}"

    # they share no table; while one waits for the server, the other computes
    with ThreadPoolExecutor(len(_TITLES)) as pool:
        note = "；".join(pool.map(tell, _TITLES))
    runs.report_progress(settings, run_id, "warehouse", _STEP, state="done", note=note)
    log.info("%s", note)
