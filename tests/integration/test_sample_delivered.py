"""The sample city delivered: every file is accepted but the one made to be held."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from connectors import intake, landing
from connectors.landing import drop_folder
from connectors.sample import write_city
from expectations import gate
from tests.integration.office import Office


def deliver(office: Office, folder) -> None:
    """Receive everything that a folder holds, judge it, apply or hold it."""
    drop_folder(office.settings, folder)
    waiting = landing.scan(office.settings.landing, office.contracts, settle_seconds=0)
    for delivery in waiting:
        intake.receive(office.settings, office.contracts, delivery, run_id="r", now=office.tick())
    staged = [n for (n,) in office.rows("select batch_id from quality.batch where status = 'staged' order by as_of, 1")]
    for verdict in gate.judge_batches(office.settings, office.contracts, staged, run_id="r", now=office.tick()):
        intake.decide(office.settings, office.contracts, verdict, now=office.tick())


@pytest.fixture
def office(settings, contracts) -> Office:
    return Office(settings, contracts, datetime(2021, 12, 1, 8, tzinfo=ZoneInfo("Asia/Shanghai")))


def test_every_delivery_is_accepted_but_the_bad_one_when_the_sample_city_is_delivered(office, contracts, tmp_path):
    write_city(contracts, tmp_path / "out", persons=2_000)
    deliver(office, tmp_path / "out")
    told = office.rows("select department || '__' || extract, as_of::text, status, score from quality.batch")
    held = [contract_id for contract_id, _, status, _ in told if not status.startswith("accepted")]
    assert held == ["industry_it__cloud_enterprise"]
    assert min(score for _, _, status, score in told if status.startswith("accepted")) > 0.93, sorted(
        told, key=lambda row: row[3]
    )[:4]
