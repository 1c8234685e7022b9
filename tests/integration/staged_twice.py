"""What is staged of a delivery of which rows are known, and the same staged again with every row read."""

from __future__ import annotations

from typing import Any

import pytest

from connectors import intake, known_rows, landing, splitting, staging
from connectors.database import connect
from tests.integration.office import Office

TOLD = "rule, checked, passed"


def staged(office: Office, batch_id: int) -> dict[str, list[tuple[Any, ...]]]:
    """Return everything that is known of a staged batch."""
    columns = {
        "": "*",
        "_key": "row_no, record_key, key_no, row_hash, disposition, withdraws, prior_batch_id",
        "_gone": "*",
        "_silent": "*",
        "_issue": "*",
        "_rejected": "*",
    }
    found = {
        suffix: office.rows(
            f"select md5(t::text) from (select {names} from {staging.table(batch_id, suffix)}) t order by 1"
        )
        for suffix, names in columns.items()
    }
    found["results"] = office.rows(f"select {TOLD} from quality.check_result where batch_id = %s order by 1", batch_id)
    ledger = "rows_physical, rows_skipped, rows_read, rows_loaded, rows_unchanged, rows_duplicate, rows_rejected"
    found["ledger"] = office.rows(
        f"select {ledger}, rows_withdrawn, rows_in_force from quality.batch where batch_id = %s", batch_id
    )
    return found


def receive(office: Office) -> int:
    [delivery] = landing.scan(office.settings.landing, office.contracts, settle_seconds=0)
    return intake.receive(office.settings, office.contracts, delivery, run_id="r", now=office.tick())


def decide(office: Office, batch_id: int, *, passes: bool = True) -> str:
    verdict = intake.GateVerdict(batch_id, passes, None, () if passes else ("不行。",))
    return intake.decide(office.settings, office.contracts, verdict, now=office.tick())


def same_rows(office: Office, batch_id: int) -> int:
    with connect(office.settings.dsn()) as connection:
        if not staging.has_same(connection, batch_id):
            return 0
    return int(office.rows(f"select count(*) from {staging.table(batch_id, '_same')}")[0][0])


def read_again(office: Office, batch_id: int) -> None:
    """Stage a batch with nothing known, and no rows that may repeat named to the database."""
    known_rows.forget(office.settings)
    office.execute(f"update quality.batch set status = 'received' where batch_id = {batch_id}")
    with pytest.MonkeyPatch.context() as patch:
        for module in (staging, splitting):
            patch.setattr(module, "FEW_ROWS", 0)
        intake.resume(office.settings, office.contracts, batch_id, run_id="r", now=office.tick())
