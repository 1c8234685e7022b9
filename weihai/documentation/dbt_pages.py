"""dbt's own documentation as one page that works offline and calls nobody."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dbt.task.docs

from connectors.contract import Contracts
from weihai.documentation.dictionary import column_headers, model_meaning

_TRACKER = "fishtownanalytics.sinter-collect.com"
_LOADING = 'n=[o("manifest","manifest.json"+t),o("catalog","catalog.json"+t)]'
"""What dbt's page fetches; `dbt docs generate --static` replaces the same text."""
_POLICY = (
    """<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'unsafe-inline' """
    """'unsafe-eval'; style-src 'unsafe-inline'; img-src data:; font-src data:; connect-src 'none'">"""
)


def page(manifest: Mapping[str, Any], catalog: Mapping[str, Any], contracts: Contracts) -> str:
    """Return the page with the project in it, every column described as in the dictionary.

    Args:
        manifest: dbt's `manifest.json`.
        catalog: dbt's `catalog.json`.
        contracts: all of them.

    Raises:
        ValueError: dbt's page is not the one this was written for.
    """
    text = (Path(dbt.task.docs.__file__).parent / "index.html").read_text(encoding="utf-8")
    if text.count(_LOADING) != 1 or text.count("<head>") != 1:
        raise ValueError("dbt 的文档页与预期不同：核对 weihai/documentation/dbt_pages.py")
    described = _described(manifest, catalog, contracts)
    parts = (("manifest", described), ("catalog", catalog))
    loaded = ",".join(f'{{label:"{label}",data:{_script(content)}}}' for label, content in parts)
    text = text.replace(_LOADING, f"n=[{loaded}]")
    return text.replace("<head>", f"<head>{_POLICY}").replace(_TRACKER, "")


def _described(manifest: Mapping[str, Any], catalog: Mapping[str, Any], contracts: Contracts) -> dict[str, Any]:
    headers = column_headers(contracts)
    nodes = {}
    for unique_id, node in manifest["nodes"].items():
        columns = dict(node.get("columns") or {})
        for name in catalog["nodes"].get(unique_id, {}).get("columns", {}):
            stated = columns.get(name, {"name": name, "meta": {}, "tags": []})
            columns[name] = stated | {"description": model_meaning(name, stated.get("description") or "", headers)}
        nodes[unique_id] = {**node, "columns": columns}
    return {**manifest, "nodes": nodes}


def _script(content: Any) -> str:
    """Write JSON so that it may stand inside a script element."""
    return json.dumps(content, ensure_ascii=False).replace("</", "<\\/")
