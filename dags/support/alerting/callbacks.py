"""What Airflow calls when a task failed, an intake or an assessment came to its end, or a run is late.

Every task parses the DAG files and with them this module: what it needs is imported only where something is told.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from connectors.settings import Settings
    from connectors.sources.endpoint import Endpoint
    from dags.support.alerting.alert import Alert

CONNECTION = "weihai_alerts"
"""Id of the Airflow connection that names the webhook."""
Context = Mapping[str, Any]
"""Airflow's context of a task."""

log = logging.getLogger(__name__)


def _told(collect: Callable[[Settings, Context], Iterable[Alert]]) -> Callable[[Context], None]:
    """Make a callback of a function that finds what is to be told; whatever goes wrong is a line in the log."""

    @wraps(collect)
    def callback(context: Context) -> None:
        try:
            from connectors.settings import load_settings
            from dags.support.alerting.delivery import deliver
            from dags.support.clock import now

            settings = load_settings()
            alerts = list(collect(settings, context))
            endpoint = _webhook() if alerts else None
            for alert in alerts:
                deliver(settings, alert, endpoint, now=now())
        except Exception as error:  # noqa: BLE001  a callback must not fail what it tells of
            log.error("%s could not be told: %s", collect.__name__, type(error).__name__)

    return callback


@_told
def task_failed(_settings: Settings, context: Context) -> Iterable[Alert]:
    """Tell that a task has failed for good, with what its page says is to be done."""
    from connectors.errors import UserError
    from dags.support.alerting.alert import Alert, Kind, Level
    from dags.support.clock import now
    from dags.support.runbook import page_of
    from dags.support.runs import run_name

    task = context["ti"]
    page = page_of(task.dag_id, task.task_id)
    error = context.get("exception")
    # only our own sentences are known to hold no value of a row
    reason = str(error) if isinstance(error, UserError) else type(error).__name__ if error else "被终止或失去心跳"
    mapped = getattr(task, "rendered_map_index", None)
    yield Alert(
        kind=Kind.TASK_FAILED,
        level=Level.CRITICAL,
        at=now(),
        run_id=run_name(task.run_id),
        title=f"任务失败：{task.dag_id}.{task.task_id}（{page.title}）" + (f" {mapped}" if mapped else ""),
        what=[page.symptom, f"原因：{reason}"],
        look=page.look,
        act=page.act,
        links=[task.log_url],
        facts={"dag_id": task.dag_id, "task_id": task.task_id, "try_number": task.try_number},
    )


@_told
def deliveries_decided(settings: Settings, context: Context) -> Iterable[Alert]:
    """Tell of deliveries that wait for a person's word, and of those accepted narrowly."""
    from connectors.database import connect
    from dags.support.alerting import events
    from dags.support.clock import now
    from dags.support.runs import run_name

    run = context["dag_run"]
    with connect(settings.dsn()) as connection:
        return list(events.of_deliveries(connection, run_name(run.run_id), since=run.start_date, now=now()))


@_told
def targets_judged(settings: Settings, context: Context) -> Iterable[Alert]:
    """Tell of missed targets, and of what was noted besides."""
    from connectors.database import connect
    from dags.support.alerting import events
    from dags.support.clock import now
    from dags.support.runs import run_name

    with connect(settings.dsn()) as connection:
        return list(events.of_targets(connection, run_name(context["dag_run"].run_id), now=now()))


async def run_late(context: Context) -> None:
    """Tell that a DAG run is past its deadline; called by the triggerer, whose loop is not to be blocked.

    Args:
        context: `dag_run` as the REST API shows it, `deadline` with its `deadline_time`.
    """
    try:
        await asyncio.to_thread(_tell_late, context, await _connection())
    except Exception as error:  # noqa: BLE001  as above
        log.error("a late run could not be told: %s", type(error).__name__)


def _tell_late(context: Context, connection: Any) -> None:
    from connectors.settings import load_settings
    from dags.support.alerting.delivery import deliver
    from dags.support.clock import now

    deliver(load_settings(), _late(context), _endpoint(connection), now=now())


def _late(context: Context) -> Alert:
    from datetime import datetime
    from urllib.parse import quote

    from airflow.configuration import conf

    from dags.support.alerting.alert import Alert, Kind, Level
    from dags.support.clock import CITY_TIME, now
    from dags.support.runbook import EVENTS
    from dags.support.runs import run_name

    run = context["dag_run"]
    due = datetime.fromisoformat(str(context["deadline"]["deadline_time"])).astimezone(CITY_TIME)
    page = EVENTS[Kind.RUN_LATE.value]
    base = conf.get("api", "base_url", fallback="").rstrip("/")
    return Alert(
        kind=Kind.RUN_LATE,
        level=Level.CRITICAL,
        at=now(),
        run_id=run_name(run["dag_run_id"]),
        title=f"运行超时未完成：{run['dag_id']}（运行 {run_name(run['dag_run_id'])}）",
        what=[page.symptom, f"应在 {due:%Y-%m-%d %H:%M} 前完成，状态 {run['state']}"],
        look=page.look,
        act=page.act,
        links=[f"{base}/dags/{run['dag_id']}/runs/{quote(run['dag_run_id'])}"],
        facts={"dag_id": run["dag_id"]},
    )


def _webhook() -> Endpoint | None:
    from airflow.sdk import Connection

    try:
        found = Connection.get(CONNECTION)
    except Exception as error:  # noqa: BLE001  the alert is written to the file all the same
        _say_unless_missing(error)
        return None
    return _endpoint(found)


async def _connection() -> Any:
    from airflow.sdk import Connection

    try:
        return await Connection.async_get(CONNECTION)
    except Exception as error:  # noqa: BLE001  as above
        _say_unless_missing(error)
        return None


def _say_unless_missing(error: Exception) -> None:
    from airflow.sdk.exceptions import AirflowNotFoundException

    if not isinstance(error, AirflowNotFoundException):
        log.error("the connection of the alerts cannot be read: %s", type(error).__name__)


def _endpoint(found: Any) -> Endpoint | None:
    """Return the webhook of a connection; an unusable one counts as none, so that the file is written."""
    from connectors.sources.endpoint import ConnectionFields, of_connection
    from connectors.sources.errors import SourceError

    try:
        return None if found is None else of_connection("http", ConnectionFields.of(found))
    except SourceError as error:
        log.error("the connection of the alerts cannot be used: %s", error)
        return None
