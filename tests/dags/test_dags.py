"""The DAG files load in Airflow, and the watcher announces files at rest once."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.settings import DEADLINES
from dags.support.runbook import EVENTS, PAGES
from weihai.cli import build_app

CHECKOUT = Path(__file__).parents[2]

LOAD = """
import json
from airflow.dag_processing.dagbag import DagBag
bag = DagBag(dag_folder={folder!r})
def names(callbacks):
    return [c.__name__ for c in (callbacks if isinstance(callbacks, list) else [callbacks])]
print("RESULT" + json.dumps({{
    "errors": bag.import_errors,
    "dags": {{
        dag_id: {{
            "tasks": sorted(dag.task_ids), "active": dag.max_active_runs, "doc": bool(dag.doc_md),
            "leaves": sorted(t.task_id for t in dag.leaves),
            "before": {{t.task_id: sorted(t.upstream_task_ids) for t in dag.tasks}},
            "rules": {{t.task_id: t.trigger_rule.value for t in dag.tasks}},
            "docs": {{t.task_id: t.doc_md for t in dag.tasks}},
            "names": {{t.task_id: t.task_display_name for t in dag.tasks}},
            "told": {{t.task_id: names(t.on_failure_callback) for t in dag.tasks}},
            "late": [(d.interval.total_seconds(), d.callback.path) for d in dag.deadline],
        }} for dag_id, dag in bag.dags.items()
    }},
}}))
"""


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, dict[str, object]]]:
    home = tmp_path_factory.mktemp("airflow")
    environment = {
        **os.environ,
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
    }
    script = LOAD.format(folder=str(CHECKOUT / "dags"))
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True, cwd=CHECKOUT
    )
    line = next(line for line in done.stdout.splitlines() if line.startswith("RESULT"))
    return json.loads(line.removeprefix("RESULT"))


def test_exactly_three_dags_load_without_error(loaded: dict[str, dict[str, dict[str, object]]]) -> None:
    assert loaded["errors"] == {}
    assert set(loaded["dags"]) == {"intake", "warehouse", "assess"}


def test_every_dag_runs_one_at_a_time_and_explains_itself(loaded: dict[str, dict[str, dict[str, object]]]) -> None:
    for dag in loaded["dags"].values():
        assert dag["active"] == 1
        assert dag["doc"]


def test_every_task_says_what_failed_where_to_look_and_what_to_do(
    loaded: dict[str, dict[str, dict[str, object]]],
) -> None:
    for dag_id, dag in loaded["dags"].items():
        docs: dict[str, str] = dag["docs"]  # type: ignore[assignment]
        assert set(docs) == set(PAGES[dag_id])
        for task_id, doc in docs.items():
            parts = re.fullmatch(r"(.+)\n\n- \*\*现象\*\*：(.+)\n- \*\*看哪里\*\*：(.+)\n- \*\*怎么办\*\*：(.+)\n", doc)
            assert parts, task_id
            assert all(len(part) >= 6 for part in parts.groups()), task_id
            assert dag["names"][task_id] == PAGES[dag_id][task_id].title  # type: ignore[index]
            assert re.search("[一-鿿]", PAGES[dag_id][task_id].title)


def test_commands_of_the_pages_exist() -> None:
    pages = [*EVENTS.values(), *(page for dag in PAGES.values() for page in dag.values())]
    named = {word for page in pages for word in re.findall(r"`weihai ([a-z-]+)", page.look + page.act)}
    app = build_app()
    known = {command.name or command.callback.__name__ for command in app.registered_commands if command.callback}
    assert named
    assert named <= known | {group.name for group in app.registered_groups}


def test_failures_and_late_runs_are_told_of(loaded: dict[str, dict[str, dict[str, object]]]) -> None:
    told = {(d, t): names for d, dag in loaded["dags"].items() for t, names in dag["told"].items()}  # type: ignore[attr-defined]
    assert told.pop(("assess", "verdict")) == ["targets_judged"]
    assert told.pop(("intake", "refresh_portal")) == ["deliveries_decided", "task_failed"]
    assert set(map(tuple, told.values())) == {("task_failed",)}
    for dag_id, dag in loaded["dags"].items():
        assert dag["late"] == [[DEADLINES[dag_id].total_seconds(), "dags.support.alerting.callbacks.run_late"]]


def test_files_are_looked_for_when_a_source_cannot_be_read(loaded: dict[str, dict[str, dict[str, object]]]) -> None:
    intake = loaded["dags"]["intake"]
    assert {"due_sources", "pull", "discover"} <= set(intake["tasks"])  # type: ignore[arg-type]
    assert intake["rules"]["discover"] == "all_done"  # type: ignore[index]


def test_libraries_themes_and_assessment_can_be_retried_alone(
    loaded: dict[str, dict[str, dict[str, object]]],
) -> None:
    assert {"libraries", "themes", "assessment"} <= set(loaded["dags"]["warehouse"]["tasks"])  # type: ignore[arg-type]


def test_identities_are_decided_before_the_libraries_are_built(loaded: dict[str, dict[str, dict[str, object]]]) -> None:
    before = loaded["dags"]["warehouse"]["before"]
    assert before["link"] == ["prepare"]  # type: ignore[index]
    assert before["libraries"] == ["link"]  # type: ignore[index]
    assert before["themes"] == ["libraries", "link"]  # type: ignore[index]


def test_verdict_waits_for_nothing_but_publishing(loaded: dict[str, dict[str, dict[str, object]]]) -> None:
    assess = loaded["dags"]["assess"]
    assert assess["before"]["verdict"] == ["judge", "publish"]  # type: ignore[index]
    assert assess["rules"]["verdict"] == "all_success"  # type: ignore[index]


def test_assess_fails_when_open_data_or_the_portal_fails(loaded: dict[str, dict[str, dict[str, object]]]) -> None:
    """A DAG run fails with its leaves: what fails must be one, or stop one that waits for its success."""
    assess = loaded["dags"]["assess"]
    assert assess["leaves"] == ["give_up", "portal", "verdict"]
    assert assess["before"]["portal"] == ["open_data"]  # type: ignore[index]
    assert assess["rules"]["portal"] == "all_success"  # type: ignore[index]


def announced(listings: Iterator[dict[str, tuple[int, int]]], monkeypatch: pytest.MonkeyPatch) -> list[dict[str, int]]:
    from connectors import landing
    from dags.support import landing_trigger

    class ExhaustedError(Exception):
        pass

    def listing(_zone: Path) -> dict[str, tuple[int, int]]:
        try:
            return next(listings)
        except StopIteration as error:
            raise ExhaustedError from error

    monkeypatch.setattr(landing, "listing", listing)
    events = []

    async def collect() -> None:
        async for event in landing_trigger.LandingTrigger(poll_seconds=0).run():
            events.append(event.payload)  # noqa: PERF401  collected as it comes: the generator ends by an error

    with pytest.raises(ExhaustedError):
        asyncio.run(collect())
    return events


def test_watcher_waits_while_a_file_is_growing(monkeypatch: pytest.MonkeyPatch) -> None:
    growing = [{"a.csv": (n, n)} for n in range(5)]
    assert announced(iter(growing), monkeypatch) == []


def test_watcher_announces_a_resting_file_once(monkeypatch: pytest.MonkeyPatch) -> None:
    resting = [{}, {"a.csv": (1, 1)}, {"a.csv": (9, 2)}, *[{"a.csv": (9, 2)}] * 4]
    assert announced(iter(resting), monkeypatch) == [{"files": 1}]


def test_watcher_announces_the_same_name_again_when_it_was_taken_in_between(monkeypatch: pytest.MonkeyPatch) -> None:
    again = [*[{"a.csv": (9, 2)}] * 2, {}, {}, *[{"a.csv": (9, 2)}] * 2]
    assert announced(iter(again), monkeypatch) == [{"files": 1}, {"files": 1}]


def test_event_names_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    events = announced(iter([{"市公安局/371002198506070019.csv": (9, 2)}] * 3), monkeypatch)
    assert "371002198506070019" not in json.dumps(events)
