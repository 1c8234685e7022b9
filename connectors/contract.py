"""The data contract of one department extract: the only description from which everything else follows.

A contract is `contracts/<department>/<extract>.yml`, or `contracts/shared/<extract>.yml` with `by: [department, …]`.
It inherits from the shared data elements (`_elements.yml`, by column name), the code lists (`_codes.yml`) and the
department's defaults (`<department>/_defaults.yml`).
"""

from __future__ import annotations

from connectors.contract_files import ContractError, load_contracts
from connectors.contract_model import (
    DIMENSIONS,
    LONG_TERM,
    AgreesWithId,
    CodeList,
    Column,
    ColumnType,
    Contract,
    Contracts,
    DateOrder,
    Level,
    NumberOrder,
    Opening,
    Reference,
    RequiredIf,
    Rule,
    Severity,
    Sharing,
    StoredField,
    Unique,
)
from connectors.contract_schema import json_schema

__all__ = [
    "DIMENSIONS",
    "LONG_TERM",
    "AgreesWithId",
    "CodeList",
    "Column",
    "ColumnType",
    "Contract",
    "ContractError",
    "Contracts",
    "DateOrder",
    "Level",
    "NumberOrder",
    "Opening",
    "Reference",
    "RequiredIf",
    "Rule",
    "Severity",
    "Sharing",
    "StoredField",
    "Unique",
    "json_schema",
    "load_contracts",
]
