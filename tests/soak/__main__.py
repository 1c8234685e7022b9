"""`make soak`: every kill point, then damaged files, drawn tables and sequences of deliveries until the time is over.

Reads `SOAK_MINUTES` (60), `SOAK_SEED` (the clock) and `SOAK_FORMAT` (part of a format's name; all).
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from connectors.settings import CHECKOUT, load_settings
from tests.soak.hunting import Bag, hunt

_SLICE_SECONDS = 300.0
_KILLS = ("tests/soak/test_kills.py", "tests/soak/test_platform_kills.py", "tests/integration/test_intake_kills.py")
_TABLES = "tests/unit/test_fuzz_tables.py"
_LINKING = "tests/soak/test_linkage_sequences.py"
_LIBRARIES = "tests/soak/test_library_sequences.py"
_PROTECTED = "tests/soak/test_protected_city.py"


def main() -> int:
    """Run the soak; return 1 where anything was found."""
    minutes = float(os.environ.get("SOAK_MINUTES", "60"))
    seed = int(os.environ.get("SOAK_SEED") or time.time_ns() % 10**9)
    folder = load_settings().home / "soak"
    print(f"SOAK_SEED={seed} SOAK_MINUTES={minutes:g}; findings are kept in {folder}", flush=True)
    end = time.monotonic() + minutes * 60
    failed = [] if _tests(*_KILLS, seed=seed) else ["kills"]
    if not _tests(_PROTECTED, seed=seed):
        failed.append(f"protection: pytest {_PROTECTED}")
    bag, first = Bag(), seed
    while (left := end - time.monotonic()) > 0:
        found = hunt(folder, first=first, seconds=min(left, _SLICE_SECONDS), only=os.environ.get("SOAK_FORMAT", ""))
        bag.add(found)
        first += found.cases.total() + len(found.findings)
        for finding in found.findings:
            print(finding, flush=True)
        if end > time.monotonic() and not _tests(_TABLES, seed=first):
            failed.append(f"tables: {_TABLES} --hypothesis-seed={first}")
        for what, path in (("linking", _LINKING), ("libraries", _LIBRARIES)):
            if end > time.monotonic() and not _tests(path, seed=first):
                failed.append(f"{what}: SOAK_SEED={first} pytest {path}")
    print(bag.table())
    print("\n".join(map(str, [*bag.findings, *failed])) or "nothing found")
    return 1 if bag.findings or failed else 0


def _tests(*paths: str, seed: int) -> bool:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--hypothesis-seed={seed}", *paths]
    environment = os.environ | {"HYPOTHESIS_PROFILE": "default", "SOAK_SEED": str(seed)}
    command += ["--timeout=3600"]
    return subprocess.run(command, cwd=Path(CHECKOUT), env=environment, check=False).returncode == 0


if __name__ == "__main__":
    sys.exit(main())
