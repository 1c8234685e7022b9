"""Airflow's executor for one machine, whose tasks start with the heavy libraries already imported.

A task runs in a fork of a worker, and a worker is a fork of the scheduler: what the scheduler has imported, none of
them imports again. Only libraries are: contracts, models and what the DAGs import of ours are read anew by every task.
"""

from __future__ import annotations

import logging
from importlib import import_module

from airflow.executors.local_executor import LocalExecutor

LIBRARIES = (
    "airflow.sdk.execution_time.task_runner",
    "airflow.providers.standard.operators.trigger_dagrun",
    "dbt.cli.main",
    "dbt.adapters.postgres",
    "great_expectations",
    "jinja2",
    "pandas",
    "psycopg",
    "pyarrow.parquet",
    "pydantic",
    "pypinyin",
    "yaml",
)
_TALKATIVE = "great_expectations._docs_decorators"
"""Logs two hundred lines about itself while it is imported."""


class WarmExecutor(LocalExecutor):  # type: ignore[misc]
    """LocalExecutor that imports `LIBRARIES` before it forks its workers."""

    def start(self) -> None:
        """Import, then start the workers."""
        logging.getLogger(_TALKATIVE).setLevel(logging.WARNING)
        for name in LIBRARIES:
            import_module(name)
        super().start()
