"""Heads of the chain, as they are written where the owner of the database does not reach: receipts, pages, reports."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from connectors.as_of import CITY_TIME
from connectors.chain.canonical import canonical
from connectors.database import Connection
from connectors.settings import Settings


@dataclass(frozen=True)
class Head:
    """The last link of the chain at some moment; it stands for all before it.

    `hash` is 64 hexadecimal digits.
    """

    seq: int
    hash: str
    recorded_at: datetime

    def as_json(self) -> dict[str, int | str]:
        """Return it for a receipt or a manifest."""
        return {"seq": self.seq, "hash": self.hash}


def head(connection: Connection) -> Head | None:
    """Return the present head; None while nothing was recorded."""
    row = connection.execute(
        "select seq, hash, recorded_at from quality.chain_entry order by seq desc limit 1"
    ).fetchone()
    return Head(*row) if row is not None else None


def of_batch(connection: Connection, batch_id: int) -> Head | None:
    """Return the latest link that records a delivery: the head at the moment of its decision."""
    return _of(connection, "quality.batch", str(batch_id))


def of_run(connection: Connection, run_id: str) -> Head | None:
    """Return the latest link that records a run: the head at the moment of its publication."""
    return _of(connection, "mart.run", run_id)


def of_open_release(connection: Connection) -> Head | None:
    """Return the latest link that records a release of open data: the head at the moment of that release."""
    row = connection.execute(
        "select seq, hash, recorded_at from quality.chain_entry where relation = 'catalogue.open_release'"
        " order by seq desc limit 1"
    ).fetchone()
    return Head(*row) if row is not None else None


def _of(connection: Connection, relation: str, key: str) -> Head | None:
    row = connection.execute(
        "select seq, hash, recorded_at from quality.chain_entry where relation = %s and record = %s"
        " order by seq desc limit 1",
        (relation, canonical([key]).decode()),
    ).fetchone()
    return Head(*row) if row is not None else None


def position(connection: Connection, digest: str) -> Head | None:
    """Return the link with this hash; None where the chain has none."""
    row = connection.execute(
        "select seq, hash, recorded_at from quality.chain_entry where hash = %s", (digest.strip().lower(),)
    ).fetchone()
    return Head(*row) if row is not None else None


def note(settings: Settings, connection: Connection) -> Head | None:
    """Add the present head to `reports/chain_heads.csv`, outside the database; return it."""
    found = head(connection)
    if found is None:
        return None
    path = heads_path(settings)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8", newline="") as file:
        line = f"{found.recorded_at.astimezone(CITY_TIME).isoformat()},{found.seq},{found.hash}\n"
        file.write(line if file.tell() else f"recorded_at,seq,hash\n{line}")
        file.flush()
        os.fsync(file.fileno())
    return found


def noted(settings: Settings) -> Iterator[tuple[Path, int, str]]:
    """Yield place, number and hash of every head in the reports and on the receipts of the home."""
    path = heads_path(settings)
    if path.is_file():
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                yield path, int(row["seq"]), row["hash"]
    for receipt in sorted(settings.landing.glob("*/receipts/*/*.receipt.json")):
        found = json.loads(receipt.read_text(encoding="utf-8")).get("chain")
        if found is not None:
            yield receipt, int(found["seq"]), str(found["hash"])


def heads_path(settings: Settings) -> Path:
    """Return the file in which the heads of published runs are noted."""
    return settings.reports / "chain_heads.csv"
