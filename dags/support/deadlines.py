"""When a DAG run is late."""

from __future__ import annotations

from airflow.sdk.definitions.callback import AsyncCallback
from airflow.sdk.definitions.deadline import DeadlineAlert, DeadlineReference

from connectors.settings import load_settings
from dags.support.alerting.callbacks import run_late


def deadline(dag_id: str) -> DeadlineAlert:
    """Return the alert for a DAG's runs: so long after they were queued, the triggerer tells of them."""
    return DeadlineAlert(
        reference=DeadlineReference.DAGRUN_QUEUED_AT,
        interval=load_settings().deadlines[dag_id],
        callback=AsyncCallback(run_late),
    )
