"""The real register of market entities, where it is at hand: every row accounted for."""

from __future__ import annotations

import json
from datetime import date, datetime
from pathlib import Path

import pytest

from connectors import intake, landing
from connectors.contract import Contracts
from connectors.database import connect
from connectors.settings import CHECKOUT, Settings

REGISTER = CHECKOUT.parent / "shared" / "data" / "enterprise" / "weihai.csv"


@pytest.mark.skipif(not REGISTER.is_file(), reason="the real register is not at hand")
def test_every_row_is_accounted_for_when_the_real_register_is_dropped(
    settings: Settings, contracts: Contracts, clock: datetime
) -> None:
    landing.drop(settings, "market_regulation", "enterprise", [REGISTER], as_of=date(2021, 9, 30))
    [delivery] = landing.scan(settings.landing, contracts, settle_seconds=0)
    batch_id = intake.receive(settings, contracts, delivery, run_id="r", now=clock)
    status = intake.decide(settings, contracts, intake.GateVerdict(batch_id, True, None, ()), now=clock)
    assert status == "accepted_with_issues"
    [path] = Path(settings.landing, "market_regulation/receipts/enterprise").glob("weihai.csv.*.json")
    document = json.loads(path.read_text(encoding="utf-8"))
    rows = document["rows"]
    print(json.dumps(rows), document["summary"])
    assert (rows["physical"], rows["header"], rows["read"]) == (2173, 1, 2172)
    assert rows["read"] == rows["loaded"] + rows["unchanged"] + rows["duplicate"] + rows["rejected"]
    with connect(settings.dsn()) as connection:
        raw = connection.execute(
            'select count(*), count(distinct _record_key) from raw."market_regulation__enterprise"'
        ).fetchone()
    assert raw == (rows["loaded"], rows["loaded"])
