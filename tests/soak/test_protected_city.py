"""A whole built city: the same with another secret, and without a person who was erased, though delivered again."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from connectors.contract import Contracts
from connectors.database import connect
from connectors.protection.erasing import erase
from connectors.protection.rotation import rotate
from connectors.sample import write_city
from connectors.settings import Settings
from dags.support import building, linking, publishing
from dags.support.assessing import export
from dags.support.databases import DATABASES
from tests import planted
from tests.integration.library_builds import Libraries
from tests.integration.test_sample_delivered import deliver

_SOMEBODY = """
select l.person_id::text, min(m.id_no), min(m.name)
from linkage.person_link as l
inner join linkage.person_mention as m on m.source_id = l.source_id and m.mention_key = l.mention_key
group by l.person_id
having
    count(distinct m.name) = 1 and count(distinct m.id_no) = 1 and bool_and(length(m.id_no) = 18)
    and not exists (
        select from linkage.person_mention as o where o.name = min(m.name) and o.id_no is distinct from min(m.id_no)
    )
    and not exists (select from linkage.entity_mention as e where min(m.name) in (e.name, e.legal_representative))
order by count(distinct m.source_id) desc, 1 limit 1
"""
_LEDGER = """
select batch_id, rows_read, rows_loaded, rows_unchanged, rows_duplicate, rows_rejected from quality.batch order by 1
"""
_KEYS = ("record_key", "mention_key", "payee_id")
_COUNTS_PERSONS = {"newgen_it_employment_share"}


@pytest.fixture
def libraries(
    settings: Settings, contracts: Contracts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Libraries]:
    """A sample city, delivered."""
    monkeypatch.setenv("WEIHAI_HOME", str(settings.home))
    monkeypatch.setenv("WAREHOUSE_DSN", settings.dsn())
    write_city(contracts, tmp_path / "city", persons=400, seed=5, truth=tmp_path / "truth")
    opened = Libraries.open(settings, contracts)
    opened.office.now = datetime(2021, 12, 1, 8, tzinfo=ZoneInfo("Asia/Shanghai"))
    deliver(opened.office, tmp_path / "city")
    yield opened
    opened.connection.close()


def test_city_stays_as_it_is_when_rotated_and_lacks_one_person_when_erased(
    libraries: Libraries, tmp_path: Path
) -> None:
    settings, contracts = libraries.settings, libraries.contracts
    before = run(libraries, "first")

    libraries.keep(without=_KEYS)
    with connect(settings.dsn(), autocommit=True) as connection:
        rotate(settings, connection, contracts, actor="test")
    assert told(libraries.differences(without=_KEYS)) == {}
    assert not settings.known.exists()
    assert run(libraries, "rotated") == before
    assert told(libraries.differences(without=_KEYS)) == {}

    [(person_id, number, name)] = libraries.rows(_SOMEBODY)
    needles, counted = {person_id, number, name}, libraries.rows(_LEDGER)
    found = places(libraries, needles)
    assert {"population.person_history", "population.person_identifier", "linkage.person_mention"} <= found.keys()
    assert any(place.startswith(str(settings.archive)) for place in found)
    with connect(settings.dsn(), autocommit=True) as connection:
        erase(settings, connection, contracts, number, actor="test", reason="本人申请，第四十七条")
    assert places(libraries, needles) == {}
    assert libraries.rows(_LEDGER) == counted

    libraries.build()
    assert libraries.left_by_building_everything() == {}
    after = run(libraries, "erased")
    assert changed_indicators(before, after) <= _COUNTS_PERSONS
    assert places(libraries, needles) == {}
    assert libraries.rows(_LEDGER) == counted

    deliver(libraries.office, tmp_path / "city")
    assert run(libraries, "again") == after
    assert places(libraries, needles) == {}


def run(libraries: Libraries, run_id: str) -> bytes:
    """Do what the DAGs do, everything again, and return the scorecard's canonical export."""
    assert building.open_run(run_id, {"full_refresh": True})
    building.prepare(run_id)
    linking.link_libraries(run_id)
    for database in DATABASES:
        building.build(run_id, database)
    building.record_lineage(run_id)
    missed = publishing.judge_targets(run_id)
    publishing.judge_across(run_id)
    publishing.publish(run_id, missed)
    publishing.build_portal(run_id)
    return export.kept(libraries.connection, run_id)


def changed_indicators(before: bytes, after: bytes) -> set[str]:
    old, new = ({row["indicator_id"]: row for row in csv.DictReader(io.StringIO(c.decode()))} for c in (before, after))
    return {indicator for indicator in old.keys() | new.keys() if old.get(indicator) != new.get(indicator)}


def told(differences: dict[str, tuple[int, int]]) -> dict[str, tuple[int, int]]:
    """What the libraries say: linkage itself is keyed."""
    return {table: rows for table, rows in differences.items() if not table.startswith("linkage.")}


def places(libraries: Libraries, needles: set[str]) -> dict[str, set[str]]:
    """Every table and every file of the home that holds one of the needles."""
    with connect(libraries.settings.dsn()) as connection:
        relations = [r for r in planted.relations_of(connection) if r[0] != "kept"]
        found: dict[str, Any] = planted.in_tables(connection, relations, needles)
    return found | planted.in_files([libraries.settings.home], needles)
