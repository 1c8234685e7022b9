"""The real scheduler and its tasks, killed in the middle of a run: the run goes on, or the next one finishes it."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from connectors.settings import Settings
from tests.e2e.conftest import CHECKOUT, WEIHAI, City, city
from tests.e2e.test_city import deliver, disagreements
from weihai.processes import ProcessIdentity, descendants
from weihai.supervisor import GroupState

__all__ = ["city"]


def scheduler(city: City) -> ProcessIdentity | None:
    group = GroupState.read(Settings(city.home).airflow / "supervisor.json")
    return next((c.process for c in group.children if c.name == "scheduler"), None) if group is not None else None


def task(city: City) -> ProcessIdentity | None:
    """Return the process of a running task: the youngest one below the scheduler that has none below itself."""
    root = scheduler(city)
    below = descendants(root.pid) if root is not None else []
    leaves = [process for process in below if not descendants(process.pid)]
    return max(leaves, key=lambda process: process.pid, default=None)


@pytest.mark.parametrize(("profile", "victim"), [("clean", scheduler), ("default", task)])
@pytest.mark.timeout(1800)
def test_every_delivery_arrives_once_when_a_process_of_the_platform_is_killed(
    city: City, tmp_path: Path, profile: str, victim: Callable[[City], ProcessIdentity | None]
) -> None:
    before = city.query("select count(*) from quality.batch")[0][0]
    deliver(city, tmp_path / profile, profile)
    with subprocess.Popen([WEIHAI, "run"], env=city.environment, cwd=CHECKOUT, stdout=subprocess.DEVNULL) as run:
        city.wait(
            lambda: city.query("select count(*) from quality.batch")[0][0] > before + 3, "the run received nothing"
        )
        process = city.wait(lambda: victim(city), "there is nothing to kill")
        process.signal(signal.SIGKILL)
        run.wait(1200)
    again = city.weihai("run")
    assert again.returncode in (0, 3), again.stdout + again.stderr
    assert disagreements(city, tmp_path / profile) == []
    assert city.query("select count(*) from quality.batch where status in ('received', 'staged')") == [(0,)]
    assert city.query("select count(*) from quality.batch where answered_at is null") == [(0,)]
    twice = "select department, extract, sha256 from quality.batch where status like 'accepted%%' group by 1, 2, 3"
    assert city.query(f"{twice}, as_of, scope having count(*) > 1") == []
    assert not [p for p in (city.home / "landing").glob("*/inbox/**/*") if p.is_file()]
