"""What the intake DAG does about sources: those that are due, each on its own, with Airflow's connections."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from connectors.settings import Settings
from connectors.sources.errors import SourceError
from dags.support import pulling
from tests.integration.office import Office

CONTRACT = """
title: 许可
description: 试验用的来源。
key: [code]
mode: full
cycle: monthly
sharing: {type: 无条件共享}
columns:
  code: {header: 编号, type: text, required: true}
"""


@pytest.fixture
def home(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    folder = tmp_path / "contracts"
    for department, name in (("health", "permit"), ("education", "permit"), ("taxation", "permit")):
        (folder / department).mkdir(parents=True)
        source = f"source: {{kind: sql, connection: '{{department}}_db', table: {name}}}\n"
        (folder / department / "pulled_permit.yml").write_text(CONTRACT + source, encoding="utf-8")
    database = tmp_path / "health.db"
    with sqlite3.connect(database) as connection:
        connection.execute("create table permit (code text)")
        connection.execute("insert into permit values ('C1'), ('C2')")
    monkeypatch.setenv("WEIHAI_HOME", str(settings.home))
    monkeypatch.setenv("WAREHOUSE_DSN", settings.dsn())
    monkeypatch.setenv("WEIHAI_CONTRACTS", str(folder))
    monkeypatch.setenv("AIRFLOW_CONN_HEALTH_DB", f'{{"conn_type": "sqlite", "host": "{database}"}}')
    monkeypatch.setenv("AIRFLOW_CONN_TAXATION_DB", '{"conn_type": "postgres", "host": "127.0.0.1", "port": 1,'
                       ' "login": "reader", "password": "s3cret", "schema": "tax"}')  # fmt: skip
    return settings


def test_a_source_that_fails_says_so_and_stops_no_other(
    home: Settings, clock: object, caplog: pytest.LogCaptureFixture
) -> None:
    due = ["education__pulled_permit", "health__pulled_permit", "taxation__pulled_permit"]
    assert pulling.due_sources(only=None) == due
    assert pulling.due_sources(only=["health"]) == ["health__pulled_permit"]
    with pytest.raises(SourceError, match="没有连接 education_db"):
        pulling.pull_source("r", "education__pulled_permit")
    with pytest.raises(SourceError, match="连不上数据库"):
        pulling.pull_source("r", "taxation__pulled_permit")
    assert pulling.pull_source("r", "health__pulled_permit") == "delivered"
    assert pulling.pull_source("r", "health__pulled_permit") == "waiting"
    # what failed is due again at once, what came is not
    assert pulling.due_sources(only=None) == ["education__pulled_permit", "taxation__pulled_permit"]
    office = Office(home, {}, clock)  # type: ignore[arg-type]
    shown = office.rows("select step, state, note from quality.run_progress order by step")
    assert [(step, state) for step, state, _ in shown] == [
        ("读取 education__pulled_permit", "failed"),
        ("读取 health__pulled_permit", "done"),
        ("读取 taxation__pulled_permit", "failed"),
    ]
    assert "s3cret" not in caplog.text + str(shown)
    [file] = home.landing.glob("health/inbox/pulled_permit/*.parquet")
    assert file.with_name(f"{file.name}.delivery.json").is_file()
