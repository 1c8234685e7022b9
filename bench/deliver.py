"""One delivery of the measured file through intake, timed in a process of its own: `python -m bench.deliver`."""

from __future__ import annotations

import json
import resource
import sys
import time
from datetime import UTC, date, datetime
from pathlib import Path

from bench.data import CONTRACT
from connectors import intake, landing
from connectors.contract import load_contracts
from connectors.settings import CHECKOUT, Settings


def main(home: str, dsn: str, file: str, as_of: str, judged: str) -> None:
    """Deliver a file and print what it took as JSON.

    Args:
        home: state folder of the measured instance.
        dsn: its warehouse.
        file: the delivery.
        as_of: its business date.
        judged: `gate` to judge the batch by the GX checkpoint too, timed apart; else `open`.
    """
    settings = Settings(home=Path(home), warehouse_dsn=dsn)
    contracts = load_contracts((CHECKOUT / "connectors" / "contracts",))
    contract = contracts[CONTRACT]
    landing.drop(settings, contract.department, contract.extract, [Path(file)], as_of=date.fromisoformat(as_of))
    [delivery] = landing.scan(settings.landing, contracts, settle_seconds=0)
    before, started = _cpu_seconds(), time.perf_counter()
    batch_id = intake.receive(settings, contracts, delivery, run_id="bench", now=datetime.now(UTC))
    received = time.perf_counter()
    verdict = intake.GateVerdict(batch_id, passed=True, score=1.0, reasons=())
    if judged == "gate":
        from expectations.gate import judge_batches

        [verdict] = judge_batches(settings, contracts, [batch_id], run_id="bench", now=datetime.now(UTC))
    gated = time.perf_counter()
    status = intake.decide(settings, contracts, verdict, now=datetime.now(UTC))
    ended = time.perf_counter()
    if not status.startswith("accepted"):
        raise RuntimeError(f"the measured delivery ended {status}")
    print(
        json.dumps(
            {
                "seconds": ended - started - (gated - received),
                "receive": received - started,
                "gate": gated - received,
                "decide": ended - gated,
                "client_cpu": _cpu_seconds() - before,
                "peak_mb": _peak_mb(),
            }
        )
    )


def _cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _peak_mb() -> float:
    """Return the process's own peak; `ru_maxrss` would count what the one that started it had."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) / 1024


if __name__ == "__main__":
    main(*sys.argv[1:])
