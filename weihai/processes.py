"""Processes told apart by id and start time, so that a recycled id is never taken for ours."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True)
class ProcessIdentity:
    """A process id together with its start time (seconds since 1970)."""

    pid: int
    started: float

    @classmethod
    def of(cls, pid: int) -> ProcessIdentity | None:
        """Return the identity of a living process; None if there is none, or only a zombie."""
        try:
            process = psutil.Process(pid)
            if process.status() == psutil.STATUS_ZOMBIE:
                return None
            return cls(pid, process.create_time())
        except psutil.Error:
            return None

    @property
    def alive(self) -> bool:
        """Whether this very process still runs."""
        current = ProcessIdentity.of(self.pid)
        # a start time is read back from jiffies, so it may differ by rounding and clock slewing
        return current is not None and abs(current.started - self.started) < 2.0

    def signal(self, number: signal.Signals) -> None:
        """Send a signal if the process still runs."""
        if self.alive:
            try:
                os.kill(self.pid, number)
            except ProcessLookupError:
                return


def wait_until_gone(identity: ProcessIdentity, seconds: float) -> bool:
    """Wait for the end of a process; False if it still runs after that many seconds."""
    deadline = time.monotonic() + seconds
    while identity.alive:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def processes_in(folder: Path, *, program: str) -> list[ProcessIdentity]:
    """Return the processes of that program name whose working directory is the folder."""
    found = []
    wanted = str(folder.resolve())
    for process in psutil.process_iter(["pid", "name", "status"]):
        if process.info["name"] != program or process.info["status"] == psutil.STATUS_ZOMBIE:
            continue
        try:
            if process.cwd() == wanted:
                found.append(ProcessIdentity(process.pid, process.create_time()))
        except psutil.Error:
            continue
    return found


def working_folder(pid: int) -> Path | None:
    """Return the working directory of a process; None if it has ended or may not be asked."""
    try:
        return Path(psutil.Process(pid).cwd())
    except psutil.Error:
        return None


def descendants(pid: int) -> list[ProcessIdentity]:
    """Return the living children of a process, and theirs."""
    try:
        found = psutil.Process(pid).children(recursive=True)
    except psutil.Error:
        return []
    identities = (ProcessIdentity.of(process.pid) for process in found)
    return [identity for identity in identities if identity is not None]


def processes_of_session(session: int) -> list[ProcessIdentity]:
    """Return the living processes of a session (`setsid`), named by the process id of its leader."""
    found = []
    for pid in psutil.pids():
        try:
            if os.getsid(pid) != session:
                continue
        except (ProcessLookupError, PermissionError):
            continue
        identity = ProcessIdentity.of(pid)
        if identity is not None:
            found.append(identity)
    return found


def total_memory() -> int:
    """Return the machine's memory in bytes."""
    return int(psutil.virtual_memory().total)


def memory_bytes(pids: list[int]) -> int:
    """Return the memory that these processes would free (proportional where the system tells, else resident)."""
    total = 0
    for pid in pids:
        try:
            process = psutil.Process(pid)
            try:
                total += int(process.memory_full_info().pss)
            except (psutil.AccessDenied, AttributeError):
                total += int(process.memory_info().rss)
        except psutil.Error:
            continue
    return total
