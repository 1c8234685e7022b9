"""The hunt: damaged files, one after the other, in a process whose crash, hang or hunger is itself a finding."""

from __future__ import annotations

import json
import os
import resource
import select
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from tests.soak import mutation

CASE_SECONDS = 30.0
"""Processor time of a case that is far too slow: the largest damaged file is a few hundred kilobytes."""
ANSWER_SECONDS = 180.0
"""A case that is not over by then hangs, however busy the machine is."""
MEMORY_BYTES = 6 * 1024**3
"""Address space of the process that reads; what the libraries reserve at their start included."""
CHECKOUT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Finding:
    """A damaged file that was neither read nor answered; `case(seed)` makes it again."""

    seed: int
    written: str
    what: str
    file: Path

    def __str__(self) -> str:
        return f"seed {self.seed} ({self.written}): {self.what}; kept as {self.file}"


@dataclass
class Bag:
    """What a hunt met: how many cases of each format were read and answered, and what was found."""

    cases: Counter[tuple[str, str]] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)

    def add(self, other: Bag) -> None:
        """Take in what another hunt met."""
        self.cases += other.cases
        self.findings += other.findings

    def table(self) -> str:
        """Return the cases by format, one line each."""
        lines = [
            f"{written:36} {self.cases[written, 'read']:7} read {self.cases[written, 'answered']:7} answered"
            for written in sorted({written for written, _ in self.cases})
        ]
        return "\n".join([*lines, f"{self.cases.total()} cases, {len(self.findings)} findings"])


def hunt(folder: Path, *, first: int, cases: int = sys.maxsize, seconds: float = float("inf"), only: str = "") -> Bag:
    """Examine the cases of consecutive seeds until there are enough of them, or the time is over.

    Args:
        folder: where the files of findings are kept.
        first: seed of the first case.
        only: part of the name of the formats to damage.
    """
    folder.mkdir(parents=True, exist_ok=True)
    bag, seed, end = Bag(), first, time.monotonic() + seconds
    while seed < first + cases and time.monotonic() < end:
        seed = _until_it_dies(folder, bag, seed, first + cases, end, only)
    return bag


def _until_it_dies(folder: Path, bag: Bag, seed: int, stop: int, end: float, only: str) -> int:
    """Let one process examine cases; return the seed to go on with once it has ended."""
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.soak.hunting", str(seed), str(stop), only],
            cwd=CHECKOUT,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            bufsize=1,
        )
        assert process.stdout is not None
        try:
            while seed < stop and time.monotonic() < end:
                ready, _, _ = select.select([process.stdout], [], [], ANSWER_SECONDS)
                line = process.stdout.readline() if ready else ""
                if not line:
                    process.kill()
                    signalled = -process.wait()
                    errors.seek(0)
                    said = (errors.read().strip().splitlines() or [""])[-1]
                    name = signal.Signals(signalled).name if signalled > 0 else f"exit {-signalled}"
                    what = f"the process died ({name}): {said}" if ready else f"no answer in {ANSWER_SECONDS:.0f} s"
                    bag.findings.append(_kept(folder, seed, only, what))
                    return seed + 1
                told = json.loads(line)
                if told["outcome"] in {"read", "answered"}:
                    bag.cases[told["written"], told["outcome"]] += 1
                else:
                    bag.findings.append(_kept(folder, seed, only, told["outcome"]))
                seed += 1
            return seed
        finally:
            process.kill()
            process.wait()
            process.stdout.close()


def _kept(folder: Path, seed: int, only: str, what: str) -> Finding:
    case = mutation.case(seed, only)
    file = folder / f"{seed}-{case.written.replace(' ', '-')}"
    file.write_bytes(case.content)
    return Finding(seed, case.written, what, file)


def _examine(first: int, stop: int, only: str) -> None:
    """Examine cases and print one line for each; what makes a case slow or endless ends the process."""
    from tests.soak.examination import outcome

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    descriptor, name = tempfile.mkstemp()
    path = Path(name)
    try:
        for seed in range(first, stop):
            case = mutation.case(seed, only)
            path.write_bytes(case.content)
            started = time.process_time()
            try:
                told = outcome(path)
            except BaseException as error:  # noqa: BLE001  a panic of a library is none of Exception
                place = traceback.extract_tb(error.__traceback__)[-1]
                told = f"{type(error).__name__}: {str(error)[:300]} ({Path(place.filename).name}:{place.lineno})"
            if (seconds := time.process_time() - started) > CASE_SECONDS:
                told = f"took {seconds:.0f} s"
            print(json.dumps({"written": case.written, "outcome": told}), flush=True)
    finally:
        os.close(descriptor)
        path.unlink()


if __name__ == "__main__":
    _examine(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
