"""One linking of one library: what its rules are given, and the tables in which they answer."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from connectors.database import Connection
from connectors.sql_text import execute
from linkage.libraries import Library


@dataclass(frozen=True)
class Step:
    """What the rules of a library decide in, all within the caller's transaction.

    The rules fill three tables in `pg_temp`:
        reached (source_id, mention_key): the mentions in force that were decided; left empty in a full linking, which
            decides all.
        decided (source_id, mention_key, cluster, method, weight): those of them that mean somebody; equal clusters
            mean the same one. Clusters are of this linking only and tell nothing: a new one is the id of whom it means.
            Rows of one id are found in one call: who is reached, is reached with all of his. In a full linking they
            come by source and key: readers look up one source's links by key, in a table that is in their order.
        doubt (source_id, mention_key, candidate_source_id, candidate_mention_key, reason, weight): mentions for review,
            and any mention of the candidate, who must be somebody.

    In an incremental linking they read `pg_temp.altered` and `pg_temp.before` (`linkage.mentions.take_touched`), and
    mentions with equal keys in `pg_temp.ruling_key` are reached together (`linkage.decisions`).

    Attributes:
        full: decide everything again.
        folder: where files that do not fit into memory may lie; the caller removes it.
        salt: of this linking alone, and kept nowhere: keys of clusters are made with it.
        index_mentions: makes the indexes of the mention table; the rules call it in a full linking, best while they
            compute what needs no connection.
    """

    connection: Connection
    library: Library
    full: bool
    folder: Path
    salt: str = field(default_factory=lambda: secrets.token_hex(16))
    index_mentions: Callable[[], None] = lambda: None


@dataclass(frozen=True)
class Rules:
    """How a library decides who is who.

    Attributes:
        resolve: fills the tables of the step.
        parameters: files and folders whose change means linking everything again.
    """

    resolve: Callable[[Step], None]
    parameters: tuple[Path, ...]


def make_tables(connection: Connection) -> None:
    """Make the tables in which rules answer and decisions stand, empty."""
    for name in ("reached", "decided", "doubt", "ruling", "ruling_key", "unlinked"):
        execute(connection, f"drop table if exists pg_temp.{name}")
    execute(
        connection,
        "create temp table reached (source_id smallint, mention_key uuid, primary key (source_id, mention_key));"
        "create temp table decided (source_id smallint not null, mention_key uuid not null, cluster uuid not null,"
        " method text not null, weight real);"
        "create temp table doubt (source_id smallint not null, mention_key uuid not null,"
        " candidate_source_id smallint not null, candidate_mention_key uuid not null, reason text not null,"
        " weight real);"
        "create temp table ruling (decision_no bigint not null, is_same boolean not null, source_id smallint not null,"
        " mention_key uuid not null, candidate_source_id smallint not null, candidate_mention_key uuid not null);"
        "create temp table ruling_key (key bigint not null, source_id smallint not null, mention_key uuid not null);"
        "create temp table unlinked (source_id smallint not null, mention_key uuid not null)",
    )
