import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from weihai.processes import ProcessIdentity, processes_of_session, wait_until_gone
from weihai.supervisor import GroupState, Plan, Program, end_session, restart_delay

SLEEPER = (sys.executable, "-c", "import time; time.sleep(600)")
STUBBORN_CODE = """
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        open("orphan", "w").write(str(os.getpid()))
        time.sleep(600)
    os._exit(0)
time.sleep(600)
"""
STUBBORN = (sys.executable, "-c", STUBBORN_CODE)


@dataclass
class Group:
    folder: Path
    process: subprocess.Popen[bytes]

    @property
    def identity(self) -> ProcessIdentity:
        state = self.state()
        assert state is not None
        return state.supervisor

    def state(self) -> GroupState | None:
        return GroupState.read(self.folder / "state.json")

    def child(self, number: int = 0) -> ProcessIdentity:
        state = self.state()
        assert state is not None
        process = state.children[number].process
        assert process is not None
        return process


def until(condition: Callable[[], object], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def group(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Group]:
    """A supervisor over the programs that the test names, ended afterwards whatever happened."""
    programs = tuple(Program(f"p{n}", c, str(tmp_path / f"p{n}.log")) for n, c in enumerate(request.param))
    (tmp_path / "plan.json").write_text(Plan(programs, "mark", stop_seconds=0.5).to_json())
    process = subprocess.Popen(
        [sys.executable, "-m", "weihai.supervisor", str(tmp_path / "plan.json"), str(tmp_path / "state.json")],
        cwd=tmp_path,
        start_new_session=True,
    )
    found = Group(tmp_path, process)
    until(lambda: (state := found.state()) is not None and all(c.process for c in state.children))
    yield found
    process.kill()
    process.wait()
    for identity in processes_of_session(process.pid):
        identity.signal(signal.SIGKILL)


def test_delay_doubles_up_to_a_minute_when_a_program_keeps_dying() -> None:
    assert [restart_delay(n) for n in (1, 2, 3, 4, 7, 50)] == [1, 2, 4, 8, 60, 60]


def test_plan_survives_being_written_and_read() -> None:
    plan = Plan((Program("a", ("x", "y z"), "log"),), "mark", 3.0)
    assert Plan.from_json(plan.to_json()) == plan


@pytest.mark.parametrize("group", [[SLEEPER, SLEEPER]], indirect=True)
def test_child_is_restarted_and_the_others_left_alone_when_it_is_killed(group: Group) -> None:
    first, second = group.child(0), group.child(1)
    first.signal(signal.SIGKILL)
    until(lambda: (s := group.state()) and s.children[0].restarts == 1 and s.children[0].process not in (None, first))
    assert group.child(0).alive
    assert group.child(1) == second
    assert second.alive


@pytest.mark.parametrize("group", [[SLEEPER, STUBBORN]], indirect=True)
def test_nothing_is_left_when_terminated_even_of_a_stubborn_program_with_a_runaway_child(group: Group) -> None:
    orphan_file = group.folder / "orphan"
    until(lambda: orphan_file.is_file() and orphan_file.read_text())
    orphan = ProcessIdentity.of(int(orphan_file.read_text()))
    children = [group.child(0), group.child(1)]
    assert orphan is not None
    group.process.send_signal(signal.SIGTERM)
    assert group.process.wait(timeout=20) == 0
    assert not orphan.alive
    assert not any(child.alive for child in children)
    assert processes_of_session(group.process.pid) == []
    assert group.state() is None


@pytest.mark.parametrize("group", [[SLEEPER, SLEEPER]], indirect=True)
def test_what_is_left_is_found_and_ended_when_the_supervisor_was_killed(group: Group) -> None:
    children = [group.child(0), group.child(1)]
    identity = group.identity
    group.process.kill()
    group.process.wait()
    assert all(child.alive for child in children)
    assert end_session(identity, seconds=2) == 2
    assert not any(child.alive for child in children)


def test_nobody_is_ended_when_the_supervisors_id_now_belongs_to_another_process() -> None:
    with subprocess.Popen(SLEEPER, start_new_session=True) as other:
        assert end_session(ProcessIdentity(other.pid, time.time() - 10_000)) == 0
        assert other.poll() is None
        other.kill()


def test_process_is_not_alive_when_its_id_was_recycled_or_it_is_a_zombie() -> None:
    own = ProcessIdentity.of(os.getpid())
    assert own is not None
    assert own.alive
    assert not ProcessIdentity(own.pid, own.started - 3600).alive
    ended = subprocess.Popen((sys.executable, "-c", ""))
    identity = ProcessIdentity(ended.pid, time.time())
    assert wait_until_gone(identity, 10)
    assert ProcessIdentity.of(ended.pid) is None
    ended.wait()


def test_state_is_none_when_the_file_was_cut_short(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    path.write_text('{"supervisor": {"pid": 1')
    assert GroupState.read(path) is None


@pytest.mark.parametrize("group", [[SLEEPER]], indirect=True)
def test_everything_ends_when_the_home_was_deleted_underneath(group: Group) -> None:
    child = group.child()
    shutil.rmtree(group.folder)
    group.process.wait(timeout=20)
    assert not child.alive
