"""Whether the views of catalogue, mart and quality stand as the rules say: then a run only adds its results."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.database import Connection
from dags.support import library_builds, models
from dags.support.databases import ASSESSMENT
from dags.support.theme_builds import Mark


def selector(connection: Connection, manifest: Mapping[str, Any], version: str, reached: Mark) -> str:
    """Return what is to be built: all of the assessment, or its results, with the libraries' state if they may differ.

    A table that is built anew takes the views over it with it, so that their presence is asked for.

    Args:
        manifest: dbt's `manifest.json`.
        version: of the rules now.
        reached: how far raw and the links go.
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
    if row != (True,):
        return ASSESSMENT
    row = connection.execute(
        "select known_at, change_no from mart.library_build where library = %s", (ASSESSMENT,)
    ).fetchone()
    return models.RESULTS if row == (reached.known_at, reached.change_no) else models.RESULTS_AND_LIBRARIES
