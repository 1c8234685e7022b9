"""What a base library needs: nothing, the records that changed, or all of it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Literal

from psycopg import sql

from connectors.contract import Contract
from connectors.database import Connection
from connectors.settings import CHECKOUT
from dags.support import golden
from dags.support.golden import reading, rendering
from dags.support.golden.declaration import LibraryName
from linkage.libraries import LIBRARIES as LINKED

ReaderName = Literal["credit", "licence"]
READERS: tuple[ReaderName, ...] = ("credit", "licence")
"""Libraries of records that speak of persons and entities."""

_SHARED = (
    "macros/libraries.sql",
    "macros/masked.sql",
    "macros/incremental.sql",
    "macros/distributed.sql",
    "macros/linked.sql",
    "macros/life_signs.sql",
    "macros/pension.sql",
    "../seeds/status_evidence.csv",
    "dbt_project.yml",
)
_SHARED_BY_READERS = (
    "macros/libraries.sql",
    "macros/masked.sql",
    "macros/incremental.sql",
    "macros/distributed.sql",
    "macros/linked.sql",
    "macros/subjects.sql",
    "macros/publication.sql",
    "macros/ended_states.sql",
    "macros/by_holder.sql",
    "../seeds/calendar_exceptions.csv",
    "../seeds/haibei_grades.csv",
    "dbt_project.yml",
)
_FOLLOWING: Mapping[str, Sequence[str]] = {
    "population": (
        "population.person_history",
        "population.person_identifier",
        "population.int_person__status_evidence",
        "population.person_status",
        "population.int_pension_payee__evidence",
    ),
    "legal_entity": ("legal_entity.entity_history", "legal_entity.entity_identifier"),
    "credit": (
        "credit.administrative_permit",
        "credit.administrative_penalty",
        "credit.list_entry",
        "credit.subject_score",
    ),
    "licence": ("licence.licence",),
}
"""Tables that follow the links by a watermark of their own."""
_RESTING_ON: Mapping[ReaderName, Sequence[str]] = {
    "credit": (
        "development_reform__administrative_permit",
        "development_reform__administrative_penalty",
        "development_reform__credit_list",
        "development_reform__haibei_score",
        "court__judgment_debtor",
    ),
    "licence": ("administrative_approval__electronic_licence", "administrative_approval__service_item"),
}
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
    row = connection.execute(
        "select (select version from mart.library_build where library = %(library)s),"
        " (select min(coalesce(w.change_no, 0)) from unnest(%(models)s::text[]) as m (model)"
        "  left join mart.model_watermark w using (model)),"
        " (select bool_and(to_regclass(m.model) is not null) from unnest(%(models)s::text[]) as m (model))",
        {"library": library, "models": list(_FOLLOWING[library])},
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


def reader_need(connection: Connection, library: ReaderName, version: str) -> Need:
    """Say how much of a library of records is to be built.

    Args:
        library: credit or licence.
        version: of its rules now, by `reader_version`.
    """
    row = connection.execute(
        "select (select version from mart.library_build where library = %(library)s) = %(version)s"
        " and (select bool_and(w.model is not null and to_regclass(m.model) is not null)"
        "  from unnest(%(models)s::text[]) as m (model) left join mart.model_watermark w using (model)),"
        " exists (select from quality.batch where department || '__' || extract = any(%(contracts)s)"
        "  and applied_seq > w.applied_seq)"
        " or exists (select from linkage.person_change where change_no > w.change_no)"
        " or exists (select from linkage.entity_change where change_no > w.change_no)"
        " from (select min(change_no) as change_no, min(applied_seq) as applied_seq"
        "  from mart.model_watermark where model = any(%(models)s)) as w",
        {
            "library": library,
            "version": version,
            "models": list(_FOLLOWING[library]),
            "contracts": list(_RESTING_ON[library]),
        },
    ).fetchone()
    assert row is not None
    stands, is_behind = row
    if not stands:
        return Need.EVERYTHING
    return Need.CHANGES if is_behind else Need.NOTHING


def reader_version(library: ReaderName, contracts: Mapping[str, Contract], checkout: Path = CHECKOUT) -> str:
    """Return 16 hex digits that change when the rules of a library of records do."""
    project = checkout / "dbt_project"
    digest = _digest(
        [*(project / name for name in _SHARED_BY_READERS), *sorted((project / "models" / library).iterdir())]
    )
    for contract_id in _RESTING_ON[library]:
        digest.update(f"{contracts[contract_id].version}\n".encode())
    return digest.hexdigest()[:16]


def is_built_by(connection: Connection, library: str, version: str) -> bool:
    """Say whether a library, or the seeds, were last built by these rules."""
    row = connection.execute(
        "select exists (select from mart.library_build where library = %s and version = %s)", (library, version)
    ).fetchone()
    return row == (True,)


def remember(connection: Connection, library: str, version: str, *, now: datetime) -> None:
    """Record that a library stands, built by these rules."""
    connection.execute(
        "insert into mart.library_build (library, version, built_at) values (%s, %s, %s)"
        " on conflict (library) do update set version = excluded.version, built_at = excluded.built_at",
        (library, version, now),
    )


def version_of(library: LibraryName, contracts: Mapping[str, Contract], checkout: Path = CHECKOUT) -> str:
    """Return 16 hex digits that change when the library's rules do: declaration, models, contracts it rests on."""
    project = checkout / "dbt_project"
    rendered_by = sorted(Path(golden.__file__).parent.glob("*.py"))
    paths = [*(project / name for name in _SHARED), *sorted((project / "models" / library).iterdir()), *rendered_by]
    digest = _digest(paths)
    declaration = reading.load(contracts)[library]
    for choice in declaration.choices:
        digest.update(f"{choice.contract.version} {choice!r}\n".encode())
    return digest.hexdigest()[:16]


def _digest(paths: Sequence[Path]) -> hashlib._Hash:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest


def empty_working_tables(connection: Connection, database: str, contracts: Mapping[str, Contract]) -> None:
    """Remove what a library's build holds between its steps: plain values stand in the library and in raw only."""
    for library, declaration in reading.load(contracts).items():
        if library == database:
            for name in rendering.working_tables(declaration):
                connection.execute(sql.SQL("truncate {}").format(sql.Identifier(library, name)))
