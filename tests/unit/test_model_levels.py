"""Every model that people may read states the level of its columns, and has a masked view where one is personal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from dags.support.models import PROJECT

PROTECTED = ("population", "legal_entity", "credit", "licence", "geo", "macro")
FOLDERS = [f for f in sorted((PROJECT / "models").iterdir()) if f.name in PROTECTED or f.name.startswith("theme_")]


def _models() -> list[Path]:
    files = [path for folder in FOLDERS for path in sorted(folder.rglob("*.sql"))]
    return [path for path in files if not path.stem.startswith("int_") and not path.stem.endswith("_masked")]


def _columns(model: Path) -> list[dict[str, Any]]:
    for path in sorted(next(f for f in FOLDERS if model.is_relative_to(f)).rglob("*.yml")):
        for described in YAML(typ="safe").load(path.read_text(encoding="utf-8")).get("models", []):
            if described["name"] == model.stem:
                return list(described.get("columns", []))
    return []


@pytest.mark.parametrize("model", _models(), ids=lambda model: f"{model.parent.name}.{model.stem}")
def test_every_declared_column_has_a_level_and_personal_tables_a_masked_view(model: Path) -> None:
    columns = _columns(model)
    assert columns, f"{model.stem} has no columns in its yml: see docs/how-to/protect-a-table.md"
    levels = {column["name"]: column.get("config", {}).get("meta", {}).get("level") for column in columns}
    assert [name for name, level in levels.items() if level not in ("L1", "L2", "L3", "L4")] == []
    if {"L3", "L4"} & set(levels.values()):
        masked = model.with_name(f"{model.stem}_masked.sql")
        assert masked.is_file(), f"{masked.name} is missing: see docs/how-to/protect-a-table.md"
        assert f'{{{{ masked(ref("{model.stem}")) }}}}' in masked.read_text(encoding="utf-8")
