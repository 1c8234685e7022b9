"""Tasks find our modules imported, but run the code that lies in the checkout."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from dags.support import kept_modules
from dags.support.kept_modules import forget_edited, keep

PACKAGES = ("connectors", "dags", "expectations", "linkage", "portal", "seeds")


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in PACKAGES:
        (tmp_path / name / "inner" / "__pycache__").mkdir(parents=True)
        (tmp_path / name / "inner" / "one.yml").write_text("a: 1\n", encoding="utf-8")
    monkeypatch.setattr(sys, "modules", {**sys.modules, "connectors.made_up": sys, "made_up": sys})
    monkeypatch.setattr(kept_modules, "_kept", {})
    return tmp_path


def known() -> tuple[bool, bool]:
    return "connectors.made_up" in sys.modules, "made_up" in sys.modules


def test_modules_stay_imported_while_nothing_is_edited(checkout: Path) -> None:
    keep(["connectors.errors"], checkout)
    (checkout / "dags" / "inner" / "__pycache__" / "one.pyc").write_bytes(b"")
    forget_edited(checkout)
    assert known() == (True, True)


@pytest.mark.parametrize("package", PACKAGES)
def test_our_modules_are_forgotten_when_a_file_is_edited(checkout: Path, package: str) -> None:
    keep(["connectors.errors"], checkout)
    path = checkout / package / "inner" / "one.yml"
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 1))
    forget_edited(checkout)
    assert known() == (False, True)


@pytest.mark.parametrize("change", ["added", "removed"])
def test_our_modules_are_forgotten_when_a_file_comes_or_goes(checkout: Path, change: str) -> None:
    keep(["connectors.errors"], checkout)
    if change == "added":
        (checkout / "dags" / "two.py").write_text("", encoding="utf-8")
    else:
        (checkout / "dags" / "inner" / "one.yml").unlink()
    forget_edited(checkout)
    assert known() == (False, True)


def test_a_process_that_kept_nothing_forgets_nothing(checkout: Path) -> None:
    forget_edited(checkout)
    assert known() == (True, True)
