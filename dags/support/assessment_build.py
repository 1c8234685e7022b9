"""Whether the views of catalogue, mart and quality stand as the rules say: then a run only adds its results."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.database import Connection
from dags.support import library_builds, models
from dags.support.databases import ASSESSMENT


def selector(connection: Connection, manifest: Mapping[str, Any], version: str) -> str:
    """Return what is to be built: all of the assessment, or its results only.

    A table that is built anew takes the views over it with it, so that their presence is asked for.

    Args:
        manifest: dbt's `manifest.json`.
        version: of the rules now.
    """
    if not library_builds.is_built_by(connection, ASSESSMENT, version):
        return ASSESSMENT
    views = [
        f"{node['schema']}.{node['alias']}"
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model"
        and node["schema"] in models.ASSESSED
        and node["config"]["materialized"] == "view"
    ]
    row = connection.execute(
        "select bool_and(to_regclass(name) is not null) from unnest(%s::text[]) as view (name)", (views,)
    ).fetchone()
    return models.RESULTS if row == (True,) else ASSESSMENT
