"""Mentions follow raw, ids stay, and every change is told, whatever the rules of a library decide."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest

from connectors.contract import Contracts
from connectors.settings import Settings
from tests.integration.linking import HOUSEHOLD, INSURED, PENSION, PERMIT, Linker

LI = {"id_no": "371002199003074518", "name": "李志强", "birth_date": date(1990, 3, 7)}
WANG = {"id_no": "371002198505126022", "name": "王秀兰", "birth_date": date(1985, 5, 12)}


@pytest.fixture
def linker(settings: Settings, contracts: Contracts) -> Iterator[Linker]:
    desk = Linker.open(settings, contracts)
    yield desk
    desk.connection.close()


def test_id_stays_when_its_record_is_withdrawn_and_comes_back(linker: Linker) -> None:
    linker.deliver(HOUSEHOLD, [LI, WANG])
    linker.link()
    before = linker.ids(HOUSEHOLD)
    linker.deliver(HOUSEHOLD, [], withdrawn=[str([LI["id_no"]])])
    linker.link()
    assert set(linker.ids(HOUSEHOLD)) == {"王秀兰"}
    linker.deliver(HOUSEHOLD, [LI])
    linker.link()
    assert linker.ids(HOUSEHOLD) == before
    assert None not in before.values()


def test_earlier_id_is_kept_when_two_become_one(linker: Linker) -> None:
    linker.deliver(HOUSEHOLD, [LI])
    linker.link()
    linker.deliver(INSURED, [WANG | {"insured_no": "1"}])
    linker.link()
    earlier, later = linker.one(HOUSEHOLD), linker.one(INSURED)
    assert earlier != later
    linker.deliver(INSURED, [LI | {"insured_no": "1"}])
    linker.link()
    assert linker.one(INSURED) == earlier
    assert linker.rows("select kind, from_id, to_id from linkage.identity_event") == [("merge", later, earlier)]
    changed = {row[0] for row in linker.rows("select person_id from linkage.person_change where change_no = 3")}
    assert changed == {earlier, later}


def test_one_mention_stands_for_a_holder_when_the_contract_names_a_grain(linker: Linker) -> None:
    pay = {"pension_no": "7", "id_no": LI["id_no"], "name": LI["name"], "payment_kind": "养老金"}
    linker.deliver(PENSION, [pay | {"period": month, "_key": [month]} for month in ("2021-07", "2021-08")])
    linker.link()
    [(records,)] = linker.rows("select count(*) from linkage.person_mention")
    assert records == 1
    first = linker.one(PENSION)
    linker.deliver(PENSION, [pay | {"period": "2021-09", "_key": ["2021-09"]}], as_of=date(2021, 10, 31))
    told = linker.link()
    assert (told.how, told.changed) == ("touched", 1)
    assert linker.one(PENSION) == first
    assert linker.rows("select as_of from linkage.person_mention") == [(date(2021, 10, 31),)]


def test_nothing_is_done_when_nothing_was_delivered(linker: Linker) -> None:
    linker.deliver(PERMIT, [LI])
    assert linker.link().how == "full"
    before = linker.state()
    assert linker.link().how == "none"
    assert linker.state() == before


def test_ids_are_kept_when_everything_is_linked_again(linker: Linker) -> None:
    linker.deliver(HOUSEHOLD, [LI, WANG])
    linker.link()
    linker.deliver(INSURED, [WANG | {"insured_no": "1"}, LI | {"insured_no": "2", "id_no": None}])
    linker.deliver(HOUSEHOLD, [LI | {"registered_address": "新威路1号"}])
    linker.link()
    before = linker.state()
    assert linker.link(full_refresh=True).how == "full"
    assert linker.state() == before
