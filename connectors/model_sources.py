"""The dbt sources of schema `raw`, rendered from the contracts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from connectors.contract import Contract
from connectors.raw_tables import control_columns


def render_sources(contracts: Mapping[str, Contract]) -> str:
    """Return a dbt properties file that declares one source table per contract, in id order.

    Columns carry the Chinese header as description and protection level, type and header in `config.meta`.
    """
    tables = [_table(contract) for _, contract in sorted(contracts.items())]
    source = {"name": "raw", "schema": "raw", "description": "部门报送数据的全部版本", "tables": tables}
    text = yaml.dump(
        {"version": 2, "sources": [source]}, Dumper=yaml.CSafeDumper, allow_unicode=True, sort_keys=False, width=4096
    )
    return f"# Rendered from connectors/contracts; do not edit.\n{text}"


def _table(contract: Contract) -> dict[str, Any]:
    fields = [
        {
            "name": field.name,
            "description": field.comment,
            "data_type": field.sql,
            "config": {"meta": {"level": field.level.value}},
        }
        for field in contract.fields
    ]
    control = [
        {"name": name, "description": text, "data_type": kind.split()[0]}
        for name, (kind, text) in control_columns(contract).items()
    ]
    return {
        "name": contract.id,
        "description": f"{contract.title}。{contract.description}",
        "config": {"meta": {"department": contract.department, "cycle": contract.cycle, "mode": contract.mode}},
        "columns": [*fields, *control],
    }
