"""All documents for analysts in one folder."""

from __future__ import annotations

import json
from pathlib import Path

from connectors.contract import load_contracts
from connectors.database import connect
from connectors.departments import department_names
from connectors.settings import Settings
from weihai.documentation import dbt_pages, dictionary, odcs


def build(settings: Settings, folder: Path) -> int:
    """Write dictionary, ODCS contracts and dbt's pages from a warehouse whose models were built.

    Args:
        settings: the home.
        folder: made if absent; files of the same names are replaced.

    Returns:
        How many columns the dictionary has.
    """
    from dags.support import models

    contracts = load_contracts(settings.contract_folders)
    departments = department_names()
    models.invoke(settings, contracts, ["docs", "generate"])
    manifest = models.manifest(settings)
    with connect(settings.dsn()) as connection:
        types = dictionary.stored_types(connection)
    (folder / "odcs").mkdir(parents=True, exist_ok=True)
    entries = [
        *dictionary.contract_entries(contracts, departments),
        *dictionary.model_entries(manifest, contracts, types),
    ]
    dictionary.write(entries, folder)
    for contract in contracts.values():
        document = odcs.document(contract, contracts, departments.get(contract.department, contract.department))
        (folder / "odcs" / f"{contract.id}.odcs.yaml").write_text(odcs.text(document), encoding="utf-8")
    catalog = json.loads((models.target_path(settings) / "catalog.json").read_text(encoding="utf-8"))
    (folder / "dbt.html").write_text(dbt_pages.page(manifest, catalog, contracts), encoding="utf-8")
    return len(entries)
