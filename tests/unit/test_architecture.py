"""The layers import in one direction only."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
ALLOWED = {
    "connectors": {"connectors"},
    "expectations": {"expectations", "connectors"},
    "portal": {"portal", "connectors"},
    "linkage": {"linkage", "connectors"},
    "dags": {"dags", "portal", "expectations", "linkage", "connectors"},
}
OURS = {"connectors", "expectations", "linkage", "portal", "dags", "weihai", "tests"}


def imported_packages(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names.add(node.module.split(".")[0])
    return names


@pytest.mark.parametrize("layer", ALLOWED)
def test_layer_imports_only_what_lies_below(layer: str) -> None:
    wrong = {
        path.relative_to(CHECKOUT).as_posix(): forbidden
        for path in (CHECKOUT / layer).rglob("*.py")
        if (forbidden := (imported_packages(path) & OURS) - ALLOWED[layer])
    }
    assert wrong == {}


def test_intake_knows_neither_airflow_nor_great_expectations() -> None:
    users = [
        path.name
        for path in (CHECKOUT / "connectors").rglob("*.py")
        if imported_packages(path) & {"airflow", "great_expectations", "dbt"}
    ]
    assert users == []


def test_environment_is_read_in_one_module() -> None:
    readers = {
        path.relative_to(CHECKOUT).as_posix()
        for layer in ("connectors", "expectations", "linkage", "portal", "dags")
        for path in (CHECKOUT / layer).rglob("*.py")
        if "os.environ" in (text := path.read_text(encoding="utf-8")) or "os.getenv" in text
    }
    writers = {"connectors/__init__.py", "dags/support/models.py", "expectations/__init__.py"}
    assert readers - writers == {"connectors/settings.py"}


def test_no_module_is_named_so_that_dbt_imports_it() -> None:
    assert [p.name for p in CHECKOUT.glob("dbt_*.py")] == []
    assert not (CHECKOUT / "dbt_project" / "__init__.py").exists()
