"""A light process that keeps a group of programs alive: restarts what dies, ends everything on SIGTERM.

Run as `python -m weihai.supervisor PLAN STATE`: PLAN is the JSON of a `Plan`, STATE the file in which it writes what
runs (process ids with start times). It leads a session of its own, so whatever its programs leave is found again by
session even after the supervisor itself was killed.
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import FrameType

from weihai.logs import rotate
from weihai.processes import ProcessIdentity, descendants, processes_of_session

STOP_SECONDS = 20.0
_FIRST_DELAY = 1.0
_LONGEST_DELAY = 60.0
_STEADY_SECONDS = 60.0
_LOOK_SECONDS = 5.0
_PR_SET_CHILD_SUBREAPER = 36


@dataclass(frozen=True)
class Program:
    """One program to keep alive."""

    name: str
    command: tuple[str, ...]
    log: str


@dataclass(frozen=True)
class Plan:
    """What a supervisor keeps alive, and a mark by which a later start recognises the same configuration."""

    programs: tuple[Program, ...]
    mark: str
    stop_seconds: float = STOP_SECONDS

    def to_json(self) -> str:
        """Return the plan as the JSON that the supervisor reads."""
        return json.dumps(asdict(self), ensure_ascii=False, indent=2)

    @classmethod
    def from_json(cls, text: str) -> Plan:
        """Read a plan."""
        raw = json.loads(text)
        programs = tuple(Program(p["name"], tuple(p["command"]), p["log"]) for p in raw["programs"])
        return cls(programs, raw["mark"], float(raw["stop_seconds"]))


@dataclass(frozen=True)
class ChildState:
    """A program as it stands: its process (None while it waits to be restarted) and how often it was restarted."""

    name: str
    process: ProcessIdentity | None
    restarts: int


@dataclass(frozen=True)
class GroupState:
    """What a supervisor last wrote about its group."""

    supervisor: ProcessIdentity
    mark: str
    children: tuple[ChildState, ...]

    @classmethod
    def read(cls, path: Path) -> GroupState | None:
        """Return what the file says; None if there is none or it was cut short."""
        try:
            raw = json.loads(path.read_text(encoding="utf-8"))
            return cls(
                ProcessIdentity(**raw["supervisor"]),
                raw["mark"],
                tuple(
                    ChildState(c["name"], ProcessIdentity(**c["process"]) if c["process"] else None, c["restarts"])
                    for c in raw["children"]
                ),
            )
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def write(self, path: Path) -> None:
        """Replace the file whole."""
        scratch = path.with_name(f".{path.name}.new")
        scratch.write_text(json.dumps(asdict(self), indent=2), encoding="utf-8")
        scratch.replace(path)


def restart_delay(deaths_in_a_row: int) -> float:
    """Return the seconds to wait before a restart: 1, 2, 4 … 60."""
    return min(_LONGEST_DELAY, _FIRST_DELAY * 2.0 ** min(deaths_in_a_row - 1, 10))


@dataclass
class _Child:
    program: Program
    process: ProcessIdentity | None = None
    handle: subprocess.Popen[bytes] | None = None
    restarts: int = 0
    deaths_in_a_row: int = 0
    started: float = 0.0
    due: float = 0.0


@dataclass
class Supervisor:
    """Keeps the programs of a plan alive until told to stop."""

    plan: Plan
    state_file: Path
    children: list[_Child] = field(default_factory=list)
    stopping: bool = False

    def run(self) -> None:
        """Start everything, restart what dies, and return after SIGTERM or SIGINT when all of it has ended."""
        _adopt_orphans()
        wake_read, wake_write = os.pipe()
        os.set_blocking(wake_write, False)
        signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD, signal.SIGHUP):
            signal.signal(number, self._note)
        self.children = [_Child(program) for program in self.plan.programs]
        try:
            while not self.stopping and self.state_file.parent.is_dir():
                self._start_due()
                ready, _, _ = select.select([wake_read], [], [], self._seconds_to_next())
                if ready:
                    os.read(wake_read, 4096)
                self._reap()
        finally:
            # also where the home was deleted underneath us: nobody could find the programs again
            self._stop()
        self.state_file.unlink(missing_ok=True)

    def _note(self, number: int, _frame: FrameType | None) -> None:
        if number in (signal.SIGTERM, signal.SIGINT):
            self.stopping = True

    def _seconds_to_next(self) -> float:
        waiting = [child.due for child in self.children if child.process is None]
        return min(_LOOK_SECONDS, max(0.0, min(waiting) - time.monotonic())) if waiting else _LOOK_SECONDS

    def _start_due(self) -> None:
        now = time.monotonic()
        changed = False
        for child in self.children:
            if child.process is None and child.due <= now:
                self._start(child)
                changed = True
        if changed:
            self._write()

    def _start(self, child: _Child) -> None:
        log = Path(child.program.log)
        rotate(log)
        with log.open("ab") as out:
            handle = subprocess.Popen(child.program.command, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        child.handle = handle
        child.started = time.monotonic()
        child.process = ProcessIdentity.of(handle.pid) or ProcessIdentity(handle.pid, time.time())

    def _reap(self) -> None:
        changed = False
        for pid, code in _ended():
            for child in self.children:
                if child.handle is not None and child.handle.pid == pid:
                    child.handle.returncode = code
                    self._died(child, code)
                    changed = True
        if changed:
            self._write()

    def _died(self, child: _Child, code: int) -> None:
        now = time.monotonic()
        child.deaths_in_a_row = 1 if now - child.started > _STEADY_SECONDS else child.deaths_in_a_row + 1
        delay = restart_delay(child.deaths_in_a_row)
        child.process, child.handle = None, None
        child.restarts += 1
        child.due = now + delay
        print(f"{time.strftime('%F %T')} {child.program.name} 以 {code} 退出，{delay:.0f} 秒后重新启动", flush=True)

    def _write(self) -> None:
        own = ProcessIdentity.of(os.getpid())
        if own is not None:
            states = tuple(ChildState(c.program.name, c.process, c.restarts) for c in self.children)
            GroupState(own, self.plan.mark, states).write(self.state_file)

    def _stop(self) -> None:
        for child in self.children:
            if child.process is not None:
                child.process.signal(signal.SIGTERM)
        deadline = time.monotonic() + self.plan.stop_seconds
        while any(c.process is not None and c.process.alive for c in self.children) and time.monotonic() < deadline:
            _ended()
            time.sleep(0.05)
        # adopted orphans are our children by now, so this is everything the programs ever started
        for number, seconds in ((signal.SIGTERM, 3.0), (signal.SIGKILL, 5.0)):
            left = descendants(os.getpid())
            for identity in left:
                identity.signal(number)
            deadline = time.monotonic() + seconds
            while any(identity.alive for identity in left) and time.monotonic() < deadline:
                _ended()
                time.sleep(0.05)


def end_session(supervisor: ProcessIdentity, *, seconds: float = 5.0) -> int:
    """End what a killed supervisor left: every process of its session; return how many there were."""
    if ProcessIdentity.of(supervisor.pid) is not None and not supervisor.alive:
        # the id was given to somebody else, which the system does only when no such session is left
        return 0
    found = 0
    for number, patience in ((signal.SIGTERM, seconds), (signal.SIGKILL, 5.0)):
        left = processes_of_session(supervisor.pid)
        found = max(found, len(left))
        for identity in left:
            identity.signal(number)
        deadline = time.monotonic() + patience
        while any(identity.alive for identity in left) and time.monotonic() < deadline:
            time.sleep(0.05)
    return found


def _ended() -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return found
        if pid == 0:
            return found
        found.append((pid, os.waitstatus_to_exitcode(status)))


def _adopt_orphans() -> None:
    """Become the parent of whatever our programs leave behind (Linux; elsewhere the session tells)."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def main(arguments: Sequence[str]) -> None:
    """Supervise the plan in the first file, writing state to the second."""
    plan, state = arguments
    Supervisor(Plan.from_json(Path(plan).read_text(encoding="utf-8")), Path(state)).run()


if __name__ == "__main__":
    main(sys.argv[1:])
