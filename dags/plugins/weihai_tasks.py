"""What happens before a task's DAG file is read. An Airflow plugin."""

from __future__ import annotations

from typing import Any, ClassVar

from airflow.listeners import hookimpl
from airflow.plugins_manager import AirflowPlugin
from airflow.sdk.execution_time.task_runner import TaskRunnerMarker

from dags.support.kept_modules import forget_edited


class TaskStart:
    """Listens to the start of Airflow's components, of which a task is one."""

    @hookimpl
    def on_starting(self, component: object) -> None:
        """Take into account what was edited since Airflow was started."""
        if isinstance(component, TaskRunnerMarker):
            forget_edited()


class WeihaiTasks(AirflowPlugin):
    """Every task runs the code that lies in the checkout when it starts."""

    name = "weihai_tasks"
    listeners: ClassVar[list[Any]] = [TaskStart()]
