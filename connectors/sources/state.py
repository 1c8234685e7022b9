"""What is known of a source: when it was read, what became of what it delivered, and from where to read on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from connectors.contract import Contract
from connectors.database import Connection
from connectors.settings import Settings
from connectors.sources.watermark import Watermark

Outcome = Literal["delivered", "unchanged", "empty"]

_PULL_LOCK = 371_000_005
_SHORTEST: Mapping[str, timedelta] = {"daily": timedelta(hours=1)}
_SHORTEST_OTHERWISE = timedelta(hours=20)
"""Between two reads of one source: whoever runs at the same hour every day reads it every day."""


@dataclass(frozen=True)
class Waiting:
    """A delivery of the source that is not decided yet; without a batch it still lies in the inbox."""

    batch_id: int | None
    status: str | None


@contextmanager
def only_one(connection: Connection, contract: Contract) -> Iterator[bool]:
    """Say whether no other process is reading the source, and keep the others out meanwhile."""
    key = (_PULL_LOCK, contract.id)
    row = connection.execute("select pg_try_advisory_lock(%s, hashtext(%s))", key).fetchone()
    free = row is not None and bool(row[0])
    try:
        yield free
    finally:
        if free:
            connection.execute("select pg_advisory_unlock(%s, hashtext(%s))", key)


def is_due(connection: Connection, contract: Contract, now: datetime) -> bool:
    """Say whether the source is to be read again: its last read is an hour (daily cycle) or 20 hours ago."""
    row = connection.execute(
        "select max(pulled_at) from quality.source_pull where department = %s and extract = %s",
        (contract.department, contract.extract),
    ).fetchone()
    last = row[0] if row is not None else None
    return last is None or now - last >= _SHORTEST.get(contract.cycle, _SHORTEST_OTHERWISE)


def waiting(connection: Connection, settings: Settings, contract: Contract) -> Waiting | None:
    """Return the source's last delivery while nobody has decided about it.

    One that neither lies in the inbox nor became a batch was lost on the way (a process killed between the two) and
    holds nothing up.
    """
    row = connection.execute(
        "select pull_id, file_name from quality.source_delivery where department = %s and extract = %s"
        " order by pull_id desc limit 1",
        (contract.department, contract.extract),
    ).fetchone()
    if row is None:
        return None
    pull_id, name = row
    # looked at before the batch: a file leaves the inbox after its batch was registered
    lies_there = (settings.landing / contract.department / "inbox" / contract.extract / name).exists()
    found = connection.execute(
        "select batch_id, status from quality.source_delivery where pull_id = %s", (pull_id,)
    ).fetchone()
    batch_id, status = found if found is not None else (None, None)
    if batch_id is None:
        return Waiting(None, None) if lies_there else None
    return Waiting(batch_id, status) if status in ("received", "staged", "held") else None


def known_until(connection: Connection, contract: Contract, digest: str) -> Watermark | None:
    """Return the watermark of the last delivery whose rows are in raw; None before one, or for another question."""
    row = connection.execute(
        "select watermark_kind, watermark from quality.source_delivery where department = %s and extract = %s"
        " and source_digest = %s and is_in and watermark is not null order by pull_id desc limit 1",
        (contract.department, contract.extract, digest),
    ).fetchone()
    return Watermark(row[0], row[1]) if row is not None else None


def is_applied(connection: Connection, contract: Contract, sha256: str, as_of: date) -> bool:
    """Say whether content and as-of date equal the latest applied delivery: intake would call it a duplicate."""
    row = connection.execute(
        "select sha256, as_of from quality.batch where department = %s and extract = %s and applied_seq is not null"
        " order by applied_seq desc limit 1",
        (contract.department, contract.extract),
    ).fetchone()
    return row == (sha256, as_of)


def next_number(connection: Connection) -> int:
    """Return the number of the next pull; it makes the names of delivered files unique."""
    row = connection.execute("select nextval(pg_get_serial_sequence('quality.source_pull', 'pull_id'))").fetchone()
    if row is None:
        raise RuntimeError("a sequence has a next value")
    return int(row[0])


def record(
    connection: Connection,
    contract: Contract,
    *,
    pull_id: int,
    digest: str,
    now: datetime,
    as_of: date,
    outcome: Outcome,
    rows: int,
    file: tuple[str, str] | None = None,
    newest: Watermark | None = None,
) -> None:
    """Record a pull that reached the source's end.

    Args:
        file: name and SHA-256 of what is about to be delivered; recorded before the file appears in the inbox, so that
            a process killed in between leaves a delivery that is known to be lost, never one that nobody knows.
    """
    name, sha256 = file or (None, None)
    connection.execute(
        "insert into quality.source_pull (pull_id, department, extract, source_digest, pulled_at, as_of, outcome,"
        " row_count, file_name, sha256, watermark_kind, watermark) overriding system value"
        " values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (
            pull_id,
            contract.department,
            contract.extract,
            digest,
            now,
            as_of,
            outcome,
            rows,
            name,
            sha256,
            newest.kind if newest is not None else None,
            newest.text if newest is not None else None,
        ),
    )
