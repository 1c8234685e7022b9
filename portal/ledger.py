"""What the auditor's first page shows of the ledger: the hash chain by kind of record, and what people decided."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from portal.deliveries import Decision
from portal.queries import Warehouse


@dataclass(frozen=True)
class Links:
    """Links of the hash chain that record rows of one table."""

    relation: str
    links: int
    last_seq: int
    last_at: datetime


@dataclass(frozen=True)
class Ledger:
    """The chain's links by table, and every release and refusal by a person, latest first."""

    links: tuple[Links, ...]
    decisions: tuple[Decision, ...]


def read_ledger(db: Warehouse) -> Ledger:
    """Read what is chained, and what people decided on deliveries that were held."""
    rows = db.rows(
        "select relation, count(*) as links, max(seq) as last_seq, max(recorded_at) as last_at"
        " from quality.chain_entry group by relation order by relation"
    )
    return Ledger(
        links=tuple(Links(**row) for row in rows),
        decisions=db.read(Decision, "quality.event where kind in ('release', 'refuse') order by seq desc"),
    )
