"""The browser and what it needs; whatever is missing fails the tests with the way to get it."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

import portal
from connectors.contract import Contracts
from connectors.settings import CHECKOUT, Settings
from tests.browser.chromium import Tab, running
from tests.conftest import create_database, drop_database, dsn_of
from tests.integration.portal_city import build_city

AXE = CHECKOUT / "node_modules" / "axe-core" / "axe.min.js"
NOW = datetime(2021, 10, 8, 9, 0, tzinfo=ZoneInfo("Asia/Shanghai"))


@pytest.fixture(scope="session")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    """A tab of a headless Chromium that can draw Chinese."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.fail("没有找到 Chromium：请先 `apt-get install chromium`")
    fonts = subprocess.run(["fc-list", ":lang=zh"], capture_output=True, text=True, check=False).stdout
    if not fonts.strip():
        pytest.fail("没有中文字体：请先 `apt-get install fonts-noto-cjk`")
    with running(program, tmp_path_factory.mktemp("chromium")) as socket:
        yield Tab.opened(socket)


@pytest.fixture(scope="session")
def axe() -> str:
    """The script of axe-core, which judges accessibility."""
    if not AXE.is_file():
        pytest.fail("没有找到 axe-core：请先在检出目录 `npm install --no-save axe-core`")
    return AXE.read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def pages(
    server: str, warehouse_template: str, contracts: Contracts, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    """A built portal."""
    name = f"weihai_test_browser_{os.getpid()}"
    create_database(server, name, template=warehouse_template)
    settings = Settings(home=tmp_path_factory.mktemp("portal"), warehouse_dsn=dsn_of(server, name))
    build_city(settings, contracts, NOW)
    yield portal.build(settings, now=NOW).parent
    drop_database(server, name)
