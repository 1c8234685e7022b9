"""A sample city, linked: the same with another secret, and without a person who was erased, though delivered again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bench import city
from connectors.contract import Contracts
from connectors.database import connect
from connectors.protection.erasing import erase
from connectors.protection.rotation import rotate
from connectors.raw_tables import ensure_raw_tables
from connectors.sample import write_city
from connectors.settings import Settings
from linkage.libraries import LIBRARIES
from linkage.run import link
from tests import planted

_LINKS = """
select s.contract_id, s.role, m.batch_id, m.row_no, l.{kind}_id::text, l.method, l.weight
from linkage.{kind}_mention as m
inner join linkage.source as s on s.source_id = m.source_id
inner join linkage.{kind}_link as l on l.source_id = m.source_id and l.mention_key = m.mention_key
"""
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
_LEDGER = "select batch_id, rows_read, rows_loaded, rows_unchanged, rows_duplicate, rows_rejected from quality.batch"


def test_city_stays_as_it_is_when_rotated_and_lacks_one_person_when_erased(
    settings: Settings, contracts: Contracts, tmp_path: Path
) -> None:
    folder = tmp_path / "sample"
    write_city(
        Contracts({c.id: c for c in contracts.values() if c.mentions}, contracts.codes),
        folder / "city", persons=300, seed=5, profile="default", as_of=city.AS_OF, truth=folder / "truth",
    )  # fmt: skip
    with connect(settings.dsn()) as connection:
        ensure_raw_tables(connection, contracts)
    city.take_in(settings, contracts, folder)
    _link(settings, contracts)
    before = _links(settings)
    with connect(settings.dsn(), autocommit=True) as connection:
        rotate(settings, connection, contracts, actor="test")
    assert _links(settings) == before
    _link(settings, contracts, full_refresh=True)
    assert _links(settings) == before
    [(person_id, number, name)] = _rows(settings, _SOMEBODY)
    needles, counted = {person_id, number, name}, _rows(settings, f"{_LEDGER} order by 1")
    assert len(_places(settings, needles)) > 8
    with connect(settings.dsn(), autocommit=True) as connection:
        erase(settings, connection, contracts, number, actor="test", reason="本人申请，第四十七条")
    assert _places(settings, needles) == {}
    assert _rows(settings, f"{_LEDGER} order by 1") == counted
    _link(settings, contracts, full_refresh=True)
    others = {kind: [row for row in rows if person_id not in row] for kind, rows in before.items()}
    assert _links(settings) == others
    city.take_in(settings, contracts, folder)
    _link(settings, contracts)
    assert _places(settings, needles) == {}
    assert _links(settings) == others


def _link(settings: Settings, contracts: Contracts, *, full_refresh: bool = False) -> None:
    for library in LIBRARIES.values():
        link(settings, contracts, library.name, full_refresh=full_refresh)


def _links(settings: Settings) -> dict[str, list[tuple[Any, ...]]]:
    return {
        library.kind: sorted(_rows(settings, _LINKS.format(kind=library.kind)), key=str)
        for library in LIBRARIES.values()
    }


def _rows(settings: Settings, query: str) -> list[tuple[Any, ...]]:
    with connect(settings.dsn()) as connection:
        return connection.execute(query.encode()).fetchall()


def _places(settings: Settings, needles: set[str]) -> dict[str, set[str]]:
    with connect(settings.dsn()) as connection:
        found = planted.in_tables(connection, planted.relations_of(connection), needles)
    return found | planted.in_files([settings.archive, settings.landing], needles)
