import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from connectors.settings import CHECKOUT
from weihai import bootstrap


@pytest.mark.parametrize("version", [(3, 11), (3, 12), (3, 13)])
def test_python_is_accepted_when_in_the_tested_range(version: tuple[int, int]) -> None:
    bootstrap.check_version(version)


@pytest.mark.parametrize("version", [(3, 10), (3, 14), (4, 0)])
def test_python_is_refused_when_outside_the_tested_range(version: tuple[int, int]) -> None:
    with pytest.raises(bootstrap.BootstrapError, match=r"需要 Python 3\.11–3\.13"):
        bootstrap.check_version(version)


def test_make_refuses_in_one_sentence_when_the_named_python_does_not_fit(tmp_path: Path) -> None:
    unfit = tmp_path / "python3"
    unfit.write_text("#!/bin/sh\nexit 1\n")
    unfit.chmod(unfit.stat().st_mode | stat.S_IXUSR)
    done = subprocess.run(
        ["make", "--no-print-directory", "environment", f"PYTHON={unfit}"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
    )
    assert done.returncode != 0
    assert done.stdout == ""
    assert done.stderr.splitlines()[0] == f"错误：{unfit} 不能用：需要 Python 3.11–3.13（含 venv 与 pip）"


def test_pip_settings_of_the_environment_win_over_those_of_files() -> None:
    listing = (
        "global.index-url='http://mirror.example/simple'\n"
        "global.extra-index-url='file:///a/simple file:///b/simple'\n"
        ":env:.index-url='http://other.example/simple'\n"
        "list.format='columns'\n"
    )
    settings = bootstrap.pip_settings(listing)
    assert settings == {
        "index-url": ["http://other.example/simple"],
        "extra-index-url": ["file:///a/simple", "file:///b/simple"],
    }


def test_uv_looks_where_pip_looks() -> None:
    environment = bootstrap.uv_environment(
        {"index-url": ["u"], "extra-index-url": ["a", "b"], "find-links": ["x", "y"], "no-index": ["true"]}
    )
    assert environment["UV_DEFAULT_INDEX"] == "u"
    assert environment["UV_INDEX"] == "a b"
    assert environment["UV_FIND_LINKS"] == "x,y"
    assert environment["UV_NO_INDEX"] == "1"


def test_fingerprint_changes_when_the_lock_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = tmp_path / "requirements.lock"
    lock.write_text("a==1\n")
    monkeypatch.setattr(bootstrap, "LOCK", lock)
    before = bootstrap.fingerprint()
    assert bootstrap.fingerprint() == before
    lock.write_text("a==2\n")
    assert bootstrap.fingerprint() != before


def test_lock_names_no_host_and_pins_everything() -> None:
    lines = [line for line in (CHECKOUT / "requirements.lock").read_text().splitlines() if line.strip()]
    assert lines
    assert [line for line in lines if "://" in line or "==" not in line or "--" in line] == []


def test_bootstrap_needs_the_standard_library_alone() -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import runpy; runpy.run_path({str(Path(bootstrap.__file__))!r})"],
        check=False,
        capture_output=True,
    )
    assert done.returncode == 0, done.stderr
