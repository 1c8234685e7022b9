"""Levels, shared and open views, guards and grants brought up to date together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.contract import Contracts, Level
from connectors.database import Connection
from connectors.opening import views
from connectors.protection import access_log, grants, levels, sharing
from connectors.settings import Settings

_OBJECTION_LEVELS = (
    ("objection", "stated", "should_be", Level.L4),
    ("objection", "statement", "should_be", Level.L4),
)
"""What an objection says may be of any level."""


def protect(connection: Connection, contracts: Contracts, manifest: Mapping[str, Any] | None = None) -> grants.Applied:
    """Publish what levels contracts and models declare, and make the grants follow; one transaction.

    Args:
        connection: to the warehouse, as its owner.
        manifest: dbt's `manifest.json`; None leaves the models' levels as they were.
    """
    with connection.transaction():
        levels.publish(connection, levels.contract_levels(contracts), schemas=("raw",))
        if manifest is not None:
            levels.publish(connection, levels.model_levels(manifest))
        levels.publish(connection, _OBJECTION_LEVELS, schemas=("objection",))
        shared = sharing.follow(connection, contracts)
        views.follow(connection, contracts)
        return grants.apply(connection, {c.department for c in contracts.values()}, requested=shared)


def collect_reads(settings: Settings, connection: Connection) -> int:
    """Take over what the embedded server noted of reads; another server keeps its log itself."""
    log = settings.logs / "postgres.log"
    with connection.transaction():
        return access_log.collect(connection, (*sorted(log.parent.glob(f"{log.name}.*")), log))
