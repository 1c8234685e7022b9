"""What a base library needs: nothing, the records that changed, or all of it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from connectors.contract import Contract
from connectors.database import Connection
from connectors.settings import CHECKOUT
from dags.support import golden
from dags.support.golden import reading
from dags.support.golden.declaration import LibraryName
from linkage.libraries import LIBRARIES as LINKED

_SHARED = ("macros/libraries.sql", "macros/masked.sql", "dbt_project.yml")
_FOLLOWING = {"population": ("history", "identifier", "status"), "legal_entity": ("history", "identifier")}
"""Tables that follow the links by a watermark of their own."""
_WHOLE_FROM = 10
"""From one in so many records on, computing all of them by scans is faster than these by index."""


class Need(StrEnum):
    """How much of a library is to be built."""

    NOTHING = "nothing"
    CHANGES = "changes"
    EVERYTHING = "everything"


def need(connection: Connection, library: LibraryName, version: str) -> Need:
    """Say how much of a library is to be built.

    Args:
        library: the base library.
        version: of its rules now, by `version_of`.
    """
    kind = LINKED[library].kind
    models = [f"{library}.{kind}_{table}" for table in _FOLLOWING[library]]
    row = connection.execute(
        "select (select version from mart.library_build where library = %(library)s),"
        " (select min(coalesce(w.change_no, 0)) from unnest(%(models)s::text[]) as m (model)"
        "  left join mart.model_watermark w using (model)),"
        " (select bool_and(to_regclass(m.model) is not null) from unnest(%(models)s::text[]) as m (model))",
        {"library": library, "models": models},
    ).fetchone()
    assert row is not None
    built, since, exists = row
    if built != version or not exists:
        return Need.EVERYTHING
    counts = connection.execute(
        f"select count(*) filter (where change_no > %s), count(*) from {LINKED[library].change}".encode(), (since,)
    ).fetchone()
    assert counts is not None
    changed, known = counts
    if changed == 0:
        return Need.NOTHING
    return Need.EVERYTHING if changed * _WHOLE_FROM > known else Need.CHANGES


def remember(connection: Connection, library: str, version: str, *, now: datetime) -> None:
    """Record that a library stands, built by these rules."""
    connection.execute(
        "insert into mart.library_build (library, version, built_at) values (%s, %s, %s)"
        " on conflict (library) do update set version = excluded.version, built_at = excluded.built_at",
        (library, version, now),
    )


def version_of(library: LibraryName, contracts: Mapping[str, Contract], checkout: Path = CHECKOUT) -> str:
    """Return 16 hex digits that change when the library's rules do: declaration, models, contracts it rests on."""
    digest = hashlib.sha256()
    project = checkout / "dbt_project"
    rendered_by = sorted(Path(golden.__file__).parent.glob("*.py"))
    paths = [*(project / name for name in _SHARED), *sorted((project / "models" / library).iterdir()), *rendered_by]
    for path in paths:
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    declaration = reading.load(contracts)[library]
    for choice in declaration.choices:
        digest.update(f"{choice.contract.version} {choice!r}\n".encode())
    return digest.hexdigest()[:16]
