"""The JSON Schema of a contract file, with which editors complete and check."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from connectors.contract_model import DERIVED_KEYS, Contract, Defaults

SCHEMA_FILE = Path(__file__).parent / "contract.schema.json"


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of a contract file.

    What the file's place says (department, extract) is no key of it; what defaults and shared data elements may
    supply is not required; a column may be empty where its element says all.
    """
    schema = Contract.model_json_schema()
    for derived in DERIVED_KEYS:
        schema["properties"].pop(derived)
    inherited = {*DERIVED_KEYS, *Defaults.model_fields}
    schema["required"] = [key for key in schema["required"] if key not in inherited]
    schema["properties"]["by"] = {
        "type": "array",
        "items": {"type": "string"},
        "description": "Departments that deliver this contract; only in `shared/`.",
    }
    schema["$defs"]["Column"].pop("required")
    columns = schema["properties"]["columns"]["patternProperties"]
    for pattern in columns:
        columns[pattern] = {"anyOf": [{"$ref": "#/$defs/Column"}, {"type": "null"}]}
    schema["properties"]["columns"]["additionalProperties"] = False
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def schema_text() -> str:
    """Return the JSON Schema as it is committed in `SCHEMA_FILE`."""
    return json.dumps(json_schema(), ensure_ascii=False, indent=2) + "\n"
