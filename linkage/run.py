"""Linking one library: take in what was delivered, decide who is who, note what changed — one transaction."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import duckdb
import polars as pl
import psycopg

from connectors.contract import Contract
from connectors.database import Connection, connect
from connectors.settings import Settings
from connectors.sql_text import give_memory, one
from linkage import changes, decisions, entities, identities, mention_keys, mentions, persons, sources
from linkage.libraries import LIBRARIES, Library, LibraryName
from linkage.step import Rules, Step, make_tables

RULES: Mapping[LibraryName, Rules] = {"population": persons.RULES, "legal_entity": entities.RULES}

_LOCKS: Mapping[LibraryName, int] = {"population": 371_000_011, "legal_entity": 371_000_012}
_PREPARING = 371_000_013


class LinkingError(RuntimeError):
    """A linking broke off and left everything as it was; the message names the kind of error, and no value."""


@dataclass(frozen=True)
class Linking:
    """What was done.

    Attributes:
        how: `none` where nothing was delivered or decided since.
        known_at: the application up to which the library's links now follow raw.
        changed: how many persons or entities are not as they were.
    """

    how: Literal["none", "touched", "full"]
    known_at: int
    changed: int


def link(
    settings: Settings,
    contracts: Mapping[str, Contract],
    library_name: LibraryName,
    *,
    known_at: int | None = None,
    full_refresh: bool = False,
) -> Linking:
    """Bring one library's mentions and links up to all deliveries applied and decisions made by now.

    Killed at any moment, it has done nothing; run again, it does what is left.

    Args:
        known_at: number of an application that is enough: a library that is as far already is left as it is.
        full_refresh: decide everything again; identities stay. Another version of contracts or rules does so too.

    Raises:
        LinkingError: a database gave an error; nothing was changed.
    """
    library = LIBRARIES[library_name]
    rules = RULES[library_name]
    with (
        _without_values(library_name),
        connect(settings.dsn()) as connection,
        _alone(connection, library_name),
        _folder(settings, library_name) as folder,
    ):
        # both libraries number roles and may give keys to records of one table: one after the other
        connection.execute("select pg_advisory_xact_lock(%s)", (_PREPARING,))
        roles = sources.sync(connection, contracts, library)
        mention_keys.fill(settings, connection, roles)
        version = sources.version(roles, library, rules.parameters)
        connection.commit()
        # one view of raw for the whole linking, though deliveries may be applied meanwhile
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        state = connection.execute(
            "select known_at, version from linkage.state where library = %s", (library_name,)
        ).fetchone()
        [latest] = one(connection, "select coalesce(max(seq), 0) from quality.event")
        full = full_refresh or state is None or state[1] != version
        if not full and state is not None and state[0] >= (latest if known_at is None else known_at):
            return Linking("none", state[0], 0)
        give_memory(connection)
        make_tables(connection)
        step = Step(connection, library, full, folder)
        if full or state is None:
            identities.note_unlinked(step)
            step = replace(step, index_mentions=mentions.take_all(connection, library, roles))
            decisions.take(step)
        else:
            touched = mentions.take_touched(connection, library, roles, state[0])
            if not decisions.take(step, state[0]) and not touched:
                _remember(connection, library, latest, version)
                return Linking("none", latest, 0)
        rules.resolve(step)
        decisions.obey(step)
        identities.assign(step, latest)
        changed = changes.record(step)
        _remember(connection, library, latest, version)
        return Linking("full" if full else "touched", latest, changed)


@contextmanager
def _without_values(library: LibraryName) -> Iterator[None]:
    """Turn an error of a database or of polars into one that repeats no value: theirs quote keys, numbers, names."""
    try:
        yield
    except (psycopg.Error, duckdb.Error, pl.exceptions.PolarsError) as error:
        kind = f"{type(error).__name__} {getattr(error, 'sqlstate', None) or ''}".rstrip()
        raise LinkingError(f"{library} 归并没有完成（{kind}），原有归并结果不变；请重新运行") from None


def _remember(connection: Connection, library: Library, known_at: int, version: str) -> None:
    connection.execute(
        "insert into linkage.state (library, known_at, version) values (%s, %s, %s) on conflict (library)"
        " do update set known_at = excluded.known_at, version = excluded.version",
        (library.name, known_at, version),
    )
    connection.commit()


@contextmanager
def _alone(connection: Connection, library: LibraryName) -> Iterator[None]:
    """Hold the library's lock for the session: the transaction's view of raw must begin after it was got."""
    connection.execute("select pg_advisory_lock(%s)", (_LOCKS[library],))
    connection.commit()
    yield


@contextmanager
def _folder(settings: Settings, library: LibraryName) -> Iterator[Path]:
    """Give a folder of the home that nobody else may enter; remove it, and what killed linkings left."""
    place = settings.linking / library
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(mode=0o700, parents=True)
    with tempfile.TemporaryDirectory(dir=place) as folder:
        yield Path(folder)
