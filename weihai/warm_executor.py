"""Airflow's executor for one machine, whose tasks start with what they need already imported.

A task runs in a fork of a worker, and a worker is a fork of the scheduler: what the scheduler has imported, none of
them imports again. Of ours a task imports everything anew as soon as anything was edited (`kept_modules`); contracts
and models are read by every task.
"""

from __future__ import annotations

import logging
import time
from importlib import import_module

from airflow.executors.local_executor import LocalExecutor

from dags.support import kept_modules

LIBRARIES = (
    "airflow.sdk.execution_time.task_runner",
    "airflow.providers.standard.operators.trigger_dagrun",
    "dbt.cli.main",
    "dbt.adapters.postgres",
    "duckdb",
    "great_expectations",
    "jinja2",
    "lxml.etree",
    "pandas",
    "psycopg",
    "pyarrow.parquet",
    "pydantic",
    "pypinyin",
    "rapidfuzz",
    "xlsxwriter",
    "yaml",
)
OWN = (
    "connectors.opening.export",
    "dags.support.alerting.callbacks",
    "dags.support.building",
    "dags.support.linking",
    "dags.support.publishing",
)
"""Modules of ours that need no polars, whose threads do not survive a fork."""
_LOOK_SECONDS = 0.25
"""How often the scheduler looks for work while no task ends: for runs that were triggered, retries that are due."""
_LIVELY_SECONDS, _LIVELY_LOOK_SECONDS = 0.5, 0.05
"""After a task ended Airflow may take several rounds, of which none starts a task, to skip what follows."""
_PAUSE_SECONDS = 0.01
_TALKATIVE = "great_expectations._docs_decorators"
"""Logs two hundred lines about itself while it is imported."""


class WarmExecutor(LocalExecutor):  # type: ignore[misc]
    """LocalExecutor that imports before it forks its workers, and tells of a task's end at once."""

    _lively_until = 0.0

    def start(self) -> None:
        """Import, then start the workers."""
        logging.getLogger(_TALKATIVE).setLevel(logging.WARNING)
        for name in LIBRARIES:
            import_module(name)
        kept_modules.keep(OWN)
        super().start()

    def sync(self) -> None:
        """Wait as the scheduler would have slept, but not longer than until a task ends."""
        now = time.monotonic()
        until = now + (_LIVELY_LOOK_SECONDS if now < self._lively_until else _LOOK_SECONDS)
        while self.result_queue.empty() and time.monotonic() < until:
            time.sleep(_PAUSE_SECONDS)
        if not self.result_queue.empty():
            self._lively_until = time.monotonic() + _LIVELY_SECONDS
        super().sync()
