"""Metrics: what stands in the database and on the disk, in a format that Prometheus reads; a dead database is told."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from pathlib import Path

from connectors.database import connect
from connectors.settings import Settings
from tests.integration.office import Office, with_test_contracts
from tests.integration.published import publish
from weihai.metrics import collect, render

SAMPLE = re.compile(r'[a-z_]+(\{[a-z_]+="[^"\n]*"(,[a-z_]+="[^"\n]*")*\})? -?[0-9.e+-]+')


def samples(text: str) -> dict[str, float]:
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert all(SAMPLE.fullmatch(line) for line in lines), lines
    return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in lines}


def test_metrics_tell_runs_and_deliveries_when_the_database_answers(
    settings: Settings, tmp_path: Path, clock: datetime
) -> None:
    extended, contracts = with_test_contracts(settings, tmp_path / "contracts")
    office = Office(extended, contracts, clock)
    office.deliver("change", [{"code": "a", "value": 1}], date(2021, 8, 31))
    office.deliver("event", [{"code": "a", "value": 1}], date(2021, 8, 31), passes=False)
    with connect(settings.dsn()) as connection:
        publish(settings, connection, "run-1")
    later = office.now + timedelta(hours=2)
    found = samples(render(collect(settings, now=later)))
    assert found["weihai_database_up"] == 1
    assert found['weihai_batches{status="held"}'] == 1
    assert 7190 < found['weihai_held_seconds{department="test_office"}'] < 7210
    assert found["weihai_last_run_passed"] == 1
    assert found["weihai_collected_timestamp_seconds"] == later.timestamp()
    assert found["weihai_chain_links"] > 5
    assert 0 < found['weihai_disk_free_bytes{place="archive"}'] <= found['weihai_disk_size_bytes{place="archive"}']


def test_metrics_say_so_when_the_database_does_not_answer(tmp_path: Path, clock: datetime) -> None:
    for dsn in (None, "postgresql://etl@127.0.0.1:1/none?connect_timeout=2"):
        found = samples(render(collect(Settings(home=tmp_path, warehouse_dsn=dsn), now=clock)))
        assert found["weihai_database_up"] == 0
        assert "weihai_last_run_passed" not in found
