"""Follow a run through the three DAGs and show how far it is."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from connectors.database import connect
from connectors.settings import Settings
from dags.support.runs import run_name

STAGES = ("intake", "warehouse", "assess")
STAGE_TITLES = {"intake": "接收", "warehouse": "建库", "assess": "评定"}
_STATES = {"running": "…", "done": "✓", "held": "!", "failed": "✗"}
_ENDED = ("success", "failed")


class Scheduler(Protocol):
    """What following needs of Airflow's REST API."""

    def dag_run(self, dag_id: str, run_id: str) -> dict[str, str] | None:
        """Return the DAG run (with its `state`), or None where there is none."""

    def active_runs(self, dag_id: str) -> list[str]:
        """Return the ids of the DAG's queued and running runs."""

    def task_instances(self, dag_id: str, run_id: str) -> list[dict[str, str]]:
        """Return the task instances of a DAG run (`task_id`, `map_index`, `state`, …)."""


@dataclass(frozen=True)
class Step:
    """One line of progress."""

    stage: str
    name: str
    state: str
    done: int
    total: int | None
    note: str | None


@dataclass(frozen=True)
class Outcome:
    """How the DAG runs of one run ended."""

    failed_tasks: tuple[str, ...]
    computed: bool
    """False where nothing was new, so that no mart was computed."""
    followed: tuple[str, ...]
    """The runs waited for, under the names that `mart.run` and the batches know."""


def steps(settings: Settings, run_name: str) -> list[Step]:
    """Read the run's progress in order of stage and time."""
    with connect(settings.dsn()) as connection:
        rows = connection.execute(
            "select stage, step, state, done, total, note from quality.run_progress where run_id = %s"
            " order by array_position(array['intake', 'warehouse', 'assess'], stage), updated_at",
            (run_name,),
        ).fetchall()
    return [Step(*row) for row in rows]


def follow(
    scheduler: Scheduler,
    settings: Settings,
    run_id: str,
    *,
    console: Console,
    poll_seconds: float = 0.3,
    sleep: Callable[[float], None] = time.sleep,
) -> Outcome:
    """Wait for the run's end, and for every run that a dropped file started before it or meanwhile.

    Runs take deliveries one after the other, so that the files of a person who drops and then runs may well be taken
    by the run that the landing watcher started: its outcome is theirs too.
    """
    waiting = [*_active(scheduler), run_id]
    followed: dict[str, str] = {}
    failed: list[str] = []
    computed = False
    with _display(console) as show:
        while waiting:
            current = waiting.pop(0)
            if current not in followed:
                followed[current] = run_name(current)
                ended = _follow_one(scheduler, settings, current, show, lambda: sleep(poll_seconds))
                failed += ended.failed_tasks
                computed |= ended.computed
            if not waiting:
                waiting = [other for other in _active(scheduler) if other not in followed]
    return Outcome(tuple(dict.fromkeys(failed)), computed, tuple(followed.values()))


def _active(scheduler: Scheduler) -> list[str]:
    return list(dict.fromkeys(run for dag_id in reversed(STAGES) for run in scheduler.active_runs(dag_id)))


def _follow_one(
    scheduler: Scheduler,
    settings: Settings,
    run_id: str,
    show: Callable[[str, list[Step]], None],
    rest: Callable[[], None],
) -> Outcome:
    failed: list[str] = []
    name = run_name(run_id)
    for stage in STAGES:
        while (state := _state(scheduler, stage, run_id)) not in (None, *_ENDED):
            show(stage, steps(settings, name))
            rest()
        if state is None:
            break
        show(stage, steps(settings, name))
        failed += [f"{stage}.{t['task_id']}" for t in scheduler.task_instances(stage, run_id) if t["state"] == "failed"]
        if stage == "assess":
            return Outcome(tuple(failed), computed=True, followed=(name,))
    return Outcome(tuple(failed), computed=False, followed=(name,))


def _state(scheduler: Scheduler, dag_id: str, run_id: str) -> str | None:
    run = scheduler.dag_run(dag_id, run_id)
    return run["state"] if run else None


@contextmanager
def _display(console: Console) -> Iterator[Callable[[str, list[Step]], None]]:
    """A live table on a terminal; elsewhere one line per finished step."""
    started = time.monotonic()
    if not console.is_terminal:
        told: set[tuple[str, str]] = set()

        def tell(_stage: str, current: list[Step]) -> None:
            for step in current:
                if step.state != "running" and (step.stage, step.name) not in told:
                    told.add((step.stage, step.name))
                    console.print(f"  [{time.monotonic() - started:5.0f} 秒] {line(step)}", highlight=False)

        yield tell
        return
    with Live(console=console, refresh_per_second=4) as live:

        def draw(stage: str, current: list[Step]) -> None:
            table = Table.grid(padding=(0, 2))
            for step in current:
                table.add_row(line(step))
            elapsed = Text(f"{STAGE_TITLES[stage]}中，已用 {time.monotonic() - started:.0f} 秒", style="dim")
            live.update(Group(table, elapsed))

        yield draw


def line(step: Step) -> str:
    """Return one step as a line of text."""
    count = f" {step.done}/{step.total}" if step.total is not None else ""
    note = f"  {step.note}" if step.note else ""
    return f"{_STATES[step.state]} {STAGE_TITLES[step.stage]} · {step.name}{count}{note}"
