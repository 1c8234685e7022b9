"""What the intake DAG does before it looks for files: pull the sources that are due."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence

from connectors.contract import Contract, load_contracts
from connectors.database import connect
from connectors.errors import UserError
from connectors.settings import load_settings
from connectors.sources import state
from connectors.sources.endpoint import ConnectionFields, Endpoint, of_connection
from connectors.sources.errors import SourceError
from connectors.sources.pull import connection_id, pull, source_of
from dags.support import runs
from dags.support.clock import now

_PROGRESS_SECONDS = 2.0

log = logging.getLogger(__name__)


def due_sources(*, only: Sequence[str] | None) -> list[str]:
    """Return the contracts whose source is to be read now; `only` names departments."""
    settings = load_settings()
    sourced = [
        contract
        for contract in load_contracts(settings.contract_folders).values()
        if contract.source is not None and (not only or contract.department in only)
    ]
    if not sourced:
        return []
    with connect(settings.dsn()) as connection:
        return [contract.id for contract in sourced if state.is_due(connection, contract, now())]


def pull_source(run_id: str, contract_id: str) -> str:
    """Read one source and put what it holds into the landing zone; return what came of it.

    Raises:
        SourceError: it could not be read to its end; nothing was delivered.
    """
    settings = load_settings()
    contract = load_contracts(settings.contract_folders)[contract_id]
    step = f"读取 {contract_id}"
    shown = 0.0

    def progress(done: int, total: int) -> None:
        nonlocal shown
        if time.monotonic() - shown >= _PROGRESS_SECONDS:
            shown = time.monotonic()
            runs.report_progress(settings, run_id, "intake", step, state="running", done=done, total=total)

    try:
        report = pull(settings, contract, airflow_endpoint(contract), now=now(), progress=progress)
    except UserError as error:
        runs.report_progress(settings, run_id, "intake", step, state="failed", note=str(error))
        raise
    runs.report_progress(
        settings,
        run_id,
        "intake",
        step,
        state="held" if report.outcome == "held" else "done",
        done=report.rows,
        total=report.rows,
        note=report.sentence,
    )
    log.info("%s: %s", contract_id, report.sentence)
    return report.outcome


def airflow_endpoint(contract: Contract) -> Endpoint:
    """Resolve the Airflow connection that a contract's source names.

    Raises:
        SourceError: there is none of that id, or it is of another kind.
    """
    from airflow.sdk import Connection
    from airflow.sdk.exceptions import AirflowNotFoundException

    conn_id = connection_id(contract)
    try:
        found = Connection.get(conn_id)
    except AirflowNotFoundException:
        raise SourceError(missing(conn_id)) from None
    return of_connection(source_of(contract).kind, ConnectionFields.of(found))


def missing(conn_id: str) -> str:
    """Return what to do about a connection that is not there."""
    return f"Airflow 中没有连接 {conn_id}：请管理员在 Admin → Connections 中添加"
