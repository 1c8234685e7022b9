"""A sample city taken into raw by intake, and whom each of its rows is truly about."""

from __future__ import annotations

import shutil
from datetime import UTC, date, datetime
from pathlib import Path

from connectors import intake, landing
from connectors.contract import Contracts
from connectors.database import connect
from connectors.sample import write_city
from connectors.sample.noise import Noise
from connectors.settings import Settings

AS_OF = date(2021, 9, 30)
SEED = 371_000


def write(
    folder: Path,
    contracts: Contracts,
    persons: int,
    *,
    seed: int = SEED,
    noise: Noise | None = None,
    deliveries: int = 1,
) -> Path:
    """Write a city and its truth (`city/`, `truth/`), unless it lies there already; return the folder."""
    if not (folder / "truth").is_dir():
        write_city(
            contracts,
            folder / "city",
            persons=persons,
            seed=seed,
            profile="default",
            as_of=AS_OF,
            truth=folder / "truth",
            deliveries=deliveries,
            noise=noise or Noise(),
        )
    return folder


def take_in(settings: Settings, contracts: Contracts, folder: Path, round_no: int = 1, *, whole: bool = False) -> None:
    """Deliver one round of the extracts in which somebody is mentioned, or of all; what can be read is accepted."""
    place = folder / "city" if round_no == 1 else folder / "city" / f"round-{round_no}"
    delivered = [contract for contract in contracts.values() if whole or contract.mentions]
    for contract in delivered:
        files = place / contract.department / contract.extract
        if files.is_dir():
            shutil.copytree(
                files, settings.landing / contract.department / "inbox" / contract.extract, dirs_exist_ok=True
            )
    for delivery in landing.scan(settings.landing, contracts, settle_seconds=0):
        intake.receive(settings, contracts, delivery, run_id="bench", now=datetime.now(UTC))
    with connect(settings.dsn()) as connection:
        staged = connection.execute("select batch_id from quality.batch where status = 'staged' order by as_of, 1")
        waiting = [batch for (batch,) in staged]
    for batch_id in waiting:
        verdict = intake.GateVerdict(batch_id, passed=True, score=1.0, reasons=())
        intake.decide(settings, contracts, verdict, now=datetime.now(UTC))
