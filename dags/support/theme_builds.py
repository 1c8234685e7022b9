"""Whether a theme's tables still state the present: they are built again when their sources or rules have changed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connectors.contract import Contract
from connectors.database import Connection

_RAW = "source.weihai.raw."
_LINKS = "source.weihai.linkage."


@dataclass(frozen=True)
class Theme:
    """A theme as dbt's manifest knows it."""

    name: str
    version: str
    """16 hex digits that change when a model, macro, seed or contract of it does."""
    contracts: tuple[str, ...]
    """What it is computed from, directly or through other models."""
    follows_links: bool
    """Whether it says who is who."""
    tables: tuple[str, ...]


def read(manifest: Mapping[str, Any], name: str, contracts: Mapping[str, Contract]) -> Theme:
    """Return a theme.

    Args:
        manifest: dbt's `manifest.json`.
        name: of `models.THEMES`.
        contracts: by contract id.
    """
    nodes: Mapping[str, Any] = manifest["nodes"]
    own = [k for k, node in nodes.items() if node["resource_type"] == "model" and node["schema"] == name]
    behind = sorted(_behind(manifest, own))
    sources = [k.removeprefix(_RAW) for k in behind if k.startswith(_RAW)]
    digest = hashlib.sha256()
    for key in behind:
        if key in nodes:
            digest.update(f"{key}={nodes[key]['checksum']['checksum']}\n".encode())
    for key in sorted(_macros(manifest, [k for k in behind if k in nodes])):
        digest.update(f"{key}={manifest['macros'][key]['macro_sql']}\n".encode())
    for source in sources:
        digest.update(f"{source}={contracts[source].version}\n".encode())
    return Theme(
        name=name,
        version=digest.hexdigest()[:16],
        contracts=tuple(sources),
        follows_links=any(k.startswith(_LINKS) for k in behind),
        tables=tuple(f"{name}.{nodes[k]['alias']}" for k in own),
    )


def is_behind(connection: Connection, theme: Theme) -> bool:
    """Say whether a theme is to be built again: it never was, its rules changed, or its sources did."""
    row = connection.execute(
        "select coalesce((select version = %(version)s"
        "  and (select bool_and(to_regclass(t.name) is not null) from unnest(%(tables)s::text[]) as t (name))"
        "  and not exists (select from quality.batch where department || '__' || extract = any(%(contracts)s)"
        "   and applied_seq > build.known_at)"
        "  and not (%(follows_links)s and (exists (select from linkage.person_change where change_no > build.change_no)"
        "   or exists (select from linkage.entity_change where change_no > build.change_no)))"
        " from mart.library_build as build where library = %(name)s), false)",
        {
            "name": theme.name,
            "version": theme.version,
            "tables": list(theme.tables),
            "contracts": list(theme.contracts),
            "follows_links": theme.follows_links,
        },
    ).fetchone()
    assert row is not None
    return not row[0]


@dataclass(frozen=True)
class Mark:
    """How far raw and the links went: taken before a build, so that what comes during it is left for the next."""

    known_at: int
    change_no: int


def mark(connection: Connection) -> Mark:
    """Return how far raw and the links go."""
    row = connection.execute(
        "select coalesce((select max(applied_seq) from quality.batch), 0), greatest("
        " (select max(change_no) from linkage.person_change), (select max(change_no) from linkage.entity_change), 0)"
    ).fetchone()
    assert row is not None
    return Mark(*row)


def remember(connection: Connection, name: str, version: str, reached: Mark, *, now: datetime) -> None:
    """Record that a theme, or the assessment, stands, built by these rules from what was there at the mark."""
    connection.execute(
        "insert into mart.library_build (library, version, built_at, known_at, change_no) values (%s, %s, %s, %s, %s)"
        " on conflict (library) do update set version = excluded.version, built_at = excluded.built_at,"
        " known_at = excluded.known_at, change_no = excluded.change_no",
        (name, version, now, reached.known_at, reached.change_no),
    )


def _behind(manifest: Mapping[str, Any], keys: Iterable[str]) -> set[str]:
    found: set[str] = set()
    waiting = list(keys)
    while waiting:
        key = waiting.pop()
        if key not in found:
            found.add(key)
            waiting.extend(manifest["parent_map"].get(key, []))
    return found


def _macros(manifest: Mapping[str, Any], keys: Iterable[str]) -> Iterator[str]:
    """Yield the project's own macros that nodes call, directly or through others."""
    macros: Mapping[str, Any] = manifest["macros"]
    seen: set[str] = set()
    waiting = [m for key in keys for m in manifest["nodes"][key].get("depends_on", {}).get("macros", [])]
    while waiting:
        key = waiting.pop()
        if key not in seen and macros[key]["package_name"] == "weihai":
            seen.add(key)
            yield key
            waiting.extend(macros[key]["depends_on"]["macros"])
