"""A contract as a document of the Open Data Contract Standard, for tools that read it."""

from __future__ import annotations

from typing import Any

import yaml

from connectors.contract import Column, ColumnType, Contract, Contracts
from weihai.documentation.dictionary import column_meaning

API_VERSION = "v3.1.0"
_LOGICAL = {
    ColumnType.DATE: "date",
    ColumnType.DATETIME: "timestamp",
    ColumnType.BOOL: "boolean",
    ColumnType.INT: "integer",
    ColumnType.DECIMAL: "number",
    ColumnType.MONEY: "number",
    ColumnType.QUANTITY: "number",
}
_DIMENSIONS = {
    "01": "conformity",
    "02": "completeness",
    "03": "accuracy",
    "04": "consistency",
    "05": "timeliness",
    "06": "coverage",
}
"""GB/T 36344-2018's dimensions as ODCS names them; 0303 and 0304 are uniqueness."""
_FREQUENCY = {
    "realtime": (1, "m"),
    "daily": (1, "d"),
    "weekly": (7, "d"),
    "monthly": (1, "mo"),
    "quarterly": (3, "mo"),
    "half_yearly": (6, "mo"),
    "yearly": (1, "y"),
}


def document(contract: Contract, contracts: Contracts, department: str) -> dict[str, Any]:
    """Return the contract's document.

    Args:
        contract: what is exported.
        contracts: all of them, for the code lists.
        department: Chinese name of the department that delivers.
    """
    count, unit = _FREQUENCY[str(contract.cycle)]
    return {
        "apiVersion": API_VERSION,
        "kind": "DataContract",
        "id": contract.id,
        "name": contract.title,
        "version": contract.version,
        "status": "active",
        "domain": contract.department,
        "dataProduct": "weihai-data-warehouse",
        "tenant": department,
        "description": {"purpose": contract.description or contract.title},
        "schema": [_table(contract, contracts)],
        "slaProperties": [
            {"property": "frequency", "value": count, "unit": unit, "element": contract.id, "description": "报送周期"}
        ],
        "customProperties": [
            {"property": "mode", "value": str(contract.mode)},
            {"property": "sharingType", "value": contract.sharing.type},
        ],
    }


def _table(contract: Contract, contracts: Contracts) -> dict[str, Any]:
    return {
        "name": contract.id,
        "physicalName": f"raw.{contract.id}",
        "physicalType": "table",
        "logicalType": "object",
        "businessName": contract.title,
        "description": contract.description or contract.title,
        "properties": [_property(contract, contracts, name, column) for name, column in contract.columns.items()],
        "quality": [
            {
                "name": name,
                "type": "text",
                "dimension": "uniqueness" if rule.dimension in ("0303", "0304") else _DIMENSIONS[rule.dimension[:2]],
                "severity": str(rule.severity),
                "description": rule.message or name,
            }
            for name, rule in contract.rules.items()
        ],
    }


def _property(contract: Contract, contracts: Contracts, name: str, column: Column) -> dict[str, Any]:
    options = {
        key: value
        for key, value in (("minimum", column.minimum), ("maximum", column.maximum), ("pattern", column.pattern))
        if value is not None
    }
    found: dict[str, Any] = {
        "name": name,
        "businessName": column.header,
        "description": column_meaning(column, contracts.codes),
        "logicalType": _LOGICAL.get(column.type, "string"),
        "physicalType": column.type.value,
        "required": column.required is True,
        "classification": contract.level(name).value,
    }
    if name in contract.key:
        found |= {"primaryKey": True, "primaryKeyPosition": list(contract.key).index(name) + 1}
    if options:
        found["logicalTypeOptions"] = options
    if column.unit:
        found["customProperties"] = [{"property": "unit", "value": column.unit}]
    return found


def text(document: dict[str, Any]) -> str:
    """Return a document as YAML."""
    written: str = yaml.safe_dump(document, allow_unicode=True, sort_keys=False)
    return written
