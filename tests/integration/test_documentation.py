"""Documents for analysts: every column of every model is explained, and nothing calls anybody."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

from connectors.settings import Settings
from tests.conftest import dsn_of
from weihai.documentation.building import build


@pytest.fixture(scope="module")
def folder(server: str, built: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The documents of a warehouse in which every model was built."""
    home = tmp_path_factory.mktemp("documents")
    build(Settings(home=home, warehouse_dsn=dsn_of(server, built)), home / "docs")
    return home / "docs"


def test_every_column_has_a_description_when_the_models_are_built(folder: Path) -> None:
    with (folder / "dictionary.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    without = [f"{r['schema']}.{r['table']}.{r['column']}" for r in rows if not r["description"]]
    assert without == [], "say what they mean beside the model, or in weihai/documentation/glossary.yml"
    assert {"raw", "population", "legal_entity", "credit", "licence", "catalogue", "mart", "reference"} <= {
        r["schema"] for r in rows
    }
    known = {(r["schema"], r["table"], r["column"]): r for r in rows}
    assert known["mart", "ind_ecommerce_ratio", "value"]["source"] == "年度统计指标、电子商务交易额"
    assert known["population", "person", "id_no"]["level"] == "L4"


def test_no_page_can_call_anybody(folder: Path) -> None:
    for name in ("dictionary.html", "dbt.html"):
        text = (folder / name).read_text(encoding="utf-8")
        policy = re.search(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">', text)
        assert policy is not None, name
        # before anything that could load
        assert policy.start() < min(m.start() for m in re.finditer(r"<script|<link|<img|<style", text)), name
        assert "default-src 'none'" in policy[1]
        assert "http" not in policy[1]
        assert not re.search(r"connect-src (?!'none')", policy[1])
        assert "sinter-collect" not in text


def test_dbt_page_holds_the_project_with_descriptions(folder: Path) -> None:
    text = (folder / "dbt.html").read_text(encoding="utf-8")
    assert '"manifest.json"+t' not in text
    assert "model.weihai.scorecard" in text
    assert "各业务日期最近一次已发布运行的计划目标完成情况" in text
