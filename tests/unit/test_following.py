"""Following waits for its own run and for whatever dropped files started meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from connectors.settings import Settings
from weihai import following

NOWHERE = Settings(home=Path("/nowhere"), warehouse_dsn="postgresql://nowhere")


class Script:
    """A scheduler in which every DAG run needs a given number of looks to end."""

    def __init__(self, looks: Mapping[tuple[str, str], int], failed: Mapping[tuple[str, str], list[str]] = {}) -> None:
        self.looks = dict(looks)
        self.failed = failed
        self.seen: list[tuple[str, str]] = []

    def dag_run(self, dag_id: str, run_id: str) -> dict[str, Any] | None:
        key = (dag_id, run_id)
        if key not in self.looks:
            return None
        self.looks[key] -= 1
        if self.looks[key] >= 0:
            return {"state": "running"}
        self.seen.append(key)
        return {"state": "failed" if key in self.failed else "success"}

    def active_runs(self, dag_id: str) -> list[str]:
        return [run for (dag, run), left in self.looks.items() if dag == dag_id and left >= 0]

    def task_instances(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        return [{"task_id": task, "state": "failed"} for task in self.failed.get((dag_id, run_id), [])]


@pytest.fixture
def follow(monkeypatch: pytest.MonkeyPatch) -> Callable[[Script, str], following.Outcome]:
    monkeypatch.setattr(following, "steps", lambda _settings, _run: [])

    def run(script: Script, run_id: str) -> following.Outcome:
        console = Console(file=StringIO())
        return following.follow(script, NOWHERE, run_id, console=console, sleep=lambda _: None)

    return run


def whole(run: str, looks: int = 1) -> dict[tuple[str, str], int]:
    return {(stage, run): looks for stage in following.STAGES}


def test_run_is_computed_when_it_went_through_all_stages(follow: Callable[[Script, str], following.Outcome]) -> None:
    assert follow(Script(whole("mine")), "mine") == following.Outcome((), computed=True, followed=("mine",))


def test_nothing_is_computed_when_warehouse_found_nothing_new(
    follow: Callable[[Script, str], following.Outcome],
) -> None:
    looks = {("intake", "mine"): 2, ("warehouse", "mine"): 1}
    assert follow(Script(looks), "mine") == following.Outcome((), computed=False, followed=("mine",))


def test_watchers_run_is_waited_for_when_it_took_the_files_first(
    follow: Callable[[Script, str], following.Outcome],
) -> None:
    script = Script({("intake", "mine"): 1, ("warehouse", "mine"): 1, **whole("watcher", 9)})
    outcome = follow(script, "mine")
    assert outcome.computed
    assert set(outcome.followed) == {"mine", "watcher"}
    assert ("assess", "watcher") in script.seen


def test_failed_tasks_are_named_with_their_dag(follow: Callable[[Script, str], following.Outcome]) -> None:
    script = Script(whole("mine"), failed={("assess", "mine"): ["verdict"]})
    assert follow(script, "mine").failed_tasks == ("assess.verdict",)


def test_assess_is_not_awaited_when_warehouse_failed(follow: Callable[[Script, str], following.Outcome]) -> None:
    script = Script({("intake", "mine"): 0, ("warehouse", "mine"): 0}, failed={("warehouse", "mine"): ["mart"]})
    outcome = follow(script, "mine")
    assert outcome == following.Outcome(("warehouse.mart",), computed=False, followed=("mine",))
