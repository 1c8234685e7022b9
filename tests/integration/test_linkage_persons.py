"""Who is who among persons: each way in which records are hard to tell apart, side by side in one small town."""

from __future__ import annotations

import secrets
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from connectors.contract import Contracts
from connectors.settings import Settings
from linkage import changes, identities, run
from linkage.persons import engines
from linkage.persons.names import clearly_differ
from tests.conftest import create_database, drop_database, dsn_of
from tests.integration.linking import BIRTH, HOUSEHOLD, INSURED, PENSION, PERMIT, STUDENT, Linker

LICENCE = "administrative_approval__electronic_licence"
WRONG = [{"column": "id_no", "rule": "id_no.check"}]


def citizen(first17: str) -> str:
    """Return the citizen number that begins so (GB 11643-1999)."""
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return first17 + "10X98765432"[sum(int(d) * w for d, w in zip(first17, weights, strict=True)) % 11]


def registered(number: str | None, name: str, born: date, **more: Any) -> dict[str, Any]:
    sex = "男" if number is None or int(number[16]) % 2 else "女"
    return {"id_no": number, "name": name, "birth_date": born, "sex_code": sex, "_key": [name, number, born]} | more


def insured(number: str | None, name: str, born: date | None, no: str, **more: Any) -> dict[str, Any]:
    return {"insured_no": no, "id_no": number, "name": name, "birth_date": born, "division_code": "371002"} | more


def paid(number: str | None, name: str, no: str, **more: Any) -> dict[str, Any]:
    return {"pension_no": no, "id_no": number, "name": name, "period": "2021-09", "_key": [no]} | more


N = {name: citizen(f"371002{born}{sequence}") for name, born, sequence in (
    ("dot", "19910101", "101"), ("rare", "19920202", "111"), ("renamed", "19930303", "102"),
    ("held", "19640404", "113"), ("true", "19650505", "104"), ("missing", "19660606", "115"),
    ("typo", "19670707", "126"), ("ghost", "19680808", "117"), ("neighbour", "19700808", "119"),
    ("other neighbour", "19720909", "131"), ("double 1", "19740101", "133"), ("double 2", "19740101", "155"),
    ("one", "19760202", "135"), ("two", "19760202", "177"), ("lower x", "19790303", "103"),
    ("mother", "19900606", "148"),    ("abbreviated", "19810101", "151"),
)}  # fmt: skip
SLIP = N["typo"][:9] + str((int(N["typo"][9]) + 1) % 10) + N["typo"][10:]
GHOST = citizen(N["ghost"][:16] + str((int(N["ghost"][16]) + 2) % 10))
"""One digit and with it the check character differ: nothing shows that it is wrong."""
PASS = "M12345678"


def town() -> Mapping[str, list[dict[str, Any]]]:
    twins = {"household_no": "8001", "registered_address": "山东省威海市环翠区古寨路8号"}
    return {
        HOUSEHOLD: [
            registered(N["dot"], "阿依古丽·买买提", date(1991, 1, 1)),
            registered(N["rare"], "李旸", date(1992, 2, 2)),
            registered(N["renamed"], "王春梅", date(1993, 3, 3), former_name="王招娣"),
            registered(N["held"], "张伟国", date(1964, 4, 4)),
            registered(N["true"], "赵丽华", date(1965, 5, 5)),
            registered(N["missing"], "孙建军", date(1966, 6, 6), registered_division_code="371002"),
            registered(N["typo"], "周玉兰", date(1967, 7, 7)),
            registered(N["ghost"], "吴国强", date(1968, 8, 8)),
            registered(N["neighbour"], "陈明", date(1970, 8, 8), registered_address="青岛路1号101"),
            registered(N["other neighbour"], "陈明", date(1972, 9, 9), registered_address="青岛路1号102"),
            registered(N["double 1"], "刘洋", date(1974, 1, 1)),
            registered(N["double 2"], "刘洋", date(1974, 1, 1)),
            registered(N["one"], "郑成功", date(1976, 2, 2)),
            registered(N["lower x"], "何晓", date(1979, 3, 3), _issues=WRONG),
            registered(N["mother"], "林秀英", date(1990, 6, 6), household_no="8001"),
            registered(None, "林子昂", date(2021, 9, 1), **twins),
            registered(None, "林子轩", date(2021, 9, 1), **twins),
        ],
        PERMIT: [
            registered(citizen("81000019850303101"), "黄家明", date(1985, 3, 3)),
            registered(N["two"], "郑成功", date(1976, 2, 2)),
        ],
        INSURED: [
            insured(N["dot"], "阿依古丽.买买提", date(1991, 1, 1), "1"),
            insured(N["rare"], "李\ue003", date(1992, 2, 2), "2"),
            insured(N["renamed"], "王招娣", date(1993, 3, 3), "3"),
            insured(N["held"], "赵丽华", date(1965, 5, 5), "4"),
            insured(None, "孙建军", date(1966, 6, 6), "5"),
            insured(None, "陈明", date(1972, 9, 9), "6"),
            insured(None, "刘洋", date(1974, 1, 1), "7"),
            insured(None, "林子昂", date(2021, 9, 1), "8"),
            insured(None, "林子轩", date(2021, 9, 1), "9"),
            insured(citizen("81000019850303101"), "黄家明", date(1985, 3, 3), "10"),
            insured(N["lower x"], "何晓", date(1979, 3, 3), "11"),
            insured(N["held"], "钱多多", date(1999, 9, 9), "12"),
        ],
        PENSION: [
            paid(SLIP, "周玉兰", "1", _issues=WRONG),
            paid(GHOST, "吴国强", "2"),
            paid(None, "无人识", "3"),
            paid(N["rare"], "李YANG", "4"),
        ],
        BIRTH: [
            {"birth_cert_no": "U100000001", "baby_name": "林子昂", "sex_code": "男", "born_at": "2021-09-01 08:00+08",
             "mother_name": "林秀英", "mother_id_no": N["mother"]},
            {"birth_cert_no": "U100000002", "baby_name": "林子轩", "sex_code": "男", "born_at": "2021-09-01 09:00+08",
             "mother_name": "林秀英", "mother_id_no": N["mother"]},
            {"birth_cert_no": "U100000003", "baby_name": None, "sex_code": "男", "born_at": "2021-09-01 09:00+08",
             "mother_name": "林秀英", "mother_id_no": N["mother"]},
        ],
        LICENCE: [
            {"licence_id": str(n), "holder_code": PASS, "holder_name": "SMITH JOHN", "holder_code_kind": "护照号"}
            for n in (1, 2)
        ],
    }  # fmt: skip


@pytest.fixture(scope="module")
def linker(
    server: str, warehouse_template: str, contracts: Contracts, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Linker]:
    name = "linkage_town"
    create_database(server, name, template=warehouse_template)
    settings = Settings(home=tmp_path_factory.mktemp("town"), warehouse_dsn=dsn_of(server, name))
    desk = Linker.open(settings, contracts)
    for contract_id, rows in town().items():
        desk.deliver(contract_id, rows)
    desk.link()
    yield desk
    desk.connection.close()
    drop_database(server, name)


def person(linker: Linker, contract_id: str, name: str, *, role: str = "person", number: str | None = None) -> Any:
    """Return the id of the only mention of this name (and number) there."""
    same = "" if number is None else f" and m.id_no = '{number}'"
    [(found,)] = linker.rows(
        "select l.person_id from linkage.person_mention m join linkage.source s using (source_id)"
        " left join linkage.person_link l using (source_id, mention_key)"
        f" where s.contract_id = '{contract_id}' and s.role = '{role}' and m.name = '{name}'{same}"
    )
    return found


def reviews(linker: Linker, name: str) -> set[tuple[str, Any]]:
    return set(
        linker.rows(
            "select r.reason, r.candidate_id from linkage.review r join linkage.person_mention m"
            f" using (source_id, mention_key) where m.name = '{name}'"
        )
    )


@pytest.mark.parametrize(
    ("registered_as", "source", "told_as"),
    [
        ("阿依古丽·买买提", INSURED, "阿依古丽.买买提"),
        ("李旸", INSURED, "李\ue003"),
        ("李旸", PENSION, "李YANG"),
        ("王春梅", INSURED, "王招娣"),
        ("何晓", INSURED, "何晓"),
    ],
    ids=["name dot", "private-use character", "pinyin", "former name", "number noted, not wrong"],
)
def test_one_number_is_one_person_when_the_name_is_only_written_otherwise(
    linker: Linker, registered_as: str, source: str, told_as: str
) -> None:
    assert person(linker, source, told_as) == person(linker, HOUSEHOLD, registered_as)


def test_number_stays_with_the_more_trusted_source_when_names_clearly_differ(linker: Linker) -> None:
    holder = person(linker, HOUSEHOLD, "张伟国")
    stranger = person(linker, INSURED, "钱多多")
    assert stranger not in {holder, None}
    assert reviews(linker, "钱多多") == {("number_contradicted", holder)}


def test_contradicted_mention_is_linked_to_whom_it_means_when_the_model_finds_him(linker: Linker) -> None:
    assert person(linker, INSURED, "赵丽华") == person(linker, HOUSEHOLD, "赵丽华")
    assert ("number_contradicted", person(linker, HOUSEHOLD, "张伟国")) in reviews(linker, "赵丽华")


def test_mention_without_a_number_is_linked_with_its_weight_when_name_and_birth_date_agree(linker: Linker) -> None:
    assert person(linker, INSURED, "孙建军") == person(linker, HOUSEHOLD, "孙建军")
    [(method, weight)] = linker.rows(
        "select l.method, l.weight from linkage.person_link l join linkage.person_mention m"
        " using (source_id, mention_key) where m.name = '孙建军' and m.id_no is null"
    )
    assert method == "model"
    assert weight > 4


def test_mistyped_number_leads_to_its_owner_whether_or_not_the_check_shows_it(linker: Linker) -> None:
    assert citizen(GHOST[:17]) == GHOST != N["ghost"]
    assert person(linker, PENSION, "周玉兰") == person(linker, HOUSEHOLD, "周玉兰")
    assert person(linker, PENSION, "吴国强") == person(linker, HOUSEHOLD, "吴国强")


def test_neighbours_of_one_name_stay_two_and_each_gets_his_own(linker: Linker) -> None:
    first = person(linker, HOUSEHOLD, "陈明", number=N["neighbour"])
    second = person(linker, HOUSEHOLD, "陈明", number=N["other neighbour"])
    assert first != second
    assert person(linker, INSURED, "陈明") == second


def test_nobody_is_chosen_when_two_come_equally_near(linker: Linker) -> None:
    candidates = {person(linker, HOUSEHOLD, "刘洋", number=N[name]) for name in ("double 1", "double 2")}
    assert len(candidates) == 2
    assert person(linker, INSURED, "刘洋") not in candidates
    assert {("several_candidates", c) for c in candidates} <= reviews(linker, "刘洋")


def test_two_numbers_stay_two_persons_and_are_reviewed(linker: Linker) -> None:
    first, second = person(linker, HOUSEHOLD, "郑成功"), person(linker, PERMIT, "郑成功")
    assert first != second
    assert {reason for reason, _ in reviews(linker, "郑成功")} == {"two_numbers"}


def test_permits_and_passports_identify_when_the_number_is_of_their_kind(linker: Linker) -> None:
    assert person(linker, PERMIT, "黄家明") == person(linker, INSURED, "黄家明")
    holders = linker.rows(
        "select distinct person_id from linkage.person_link join linkage.person_mention m"
        f" using (source_id, mention_key) where m.id_no = '{PASS}'"
    )
    assert len(holders) == 1


def test_payee_is_nobody_when_only_a_name_is_told(linker: Linker) -> None:
    assert person(linker, PENSION, "无人识") is None


def test_twins_are_told_apart_when_none_has_a_number_yet(linker: Linker) -> None:
    first, second = person(linker, HOUSEHOLD, "林子昂"), person(linker, HOUSEHOLD, "林子轩")
    assert None not in {first, second}
    assert first != second
    for source in (INSURED, BIRTH):
        assert person(linker, source, "林子昂") == first
        assert person(linker, source, "林子轩") == second
    [(unnamed,)] = linker.rows(
        "select l.person_id from linkage.person_mention m join linkage.source s using (source_id)"
        f" left join linkage.person_link l using (source_id, mention_key) where s.contract_id = '{BIRTH}'"
        " and m.birth_date is not null and m.name is null"
    )
    assert unnamed not in {first, second}


def test_newborn_keeps_his_id_when_he_gets_a_number(linker: Linker) -> None:
    before = person(linker, HOUSEHOLD, "林子昂")
    number = citizen("37100220210901101")
    row = registered(None, "林子昂", date(2021, 9, 1), household_no="8001", id_no=number)
    linker.deliver(HOUSEHOLD, [row | {"_key": ["林子昂", None, date(2021, 9, 1)]}], as_of=date(2021, 10, 31))
    linker.deliver(STUDENT, [{"student_no": "G1", "id_no": number, "name": "林子昂"}], as_of=date(2021, 10, 31))
    assert linker.link().how == "touched"
    for source in (HOUSEHOLD, INSURED, BIRTH, STUDENT):
        assert person(linker, source, "林子昂") == before
    assert person(linker, HOUSEHOLD, "林子轩") != before
    state = linker.state()
    linker.link(full_refresh=True)
    assert linker.state() == state


@pytest.mark.parametrize("broken_at", [(identities, "assign"), (changes, "record"), (run, "_remember")])
def test_linking_does_what_is_left_when_it_was_killed(
    linker: Linker, monkeypatch: pytest.MonkeyPatch, broken_at: tuple[Any, str]
) -> None:
    linker.deliver(INSURED, [insured(None, "周玉兰", date(1967, 7, 7), f"20{broken_at[1]}")], as_of=date(2021, 11, 30))
    before = linker.state()

    def die(*_: Any) -> None:
        [connection] = [a.connection if hasattr(a, "connection") else a for a in _[:1]]
        connection.execute("select pg_terminate_backend(pg_backend_pid())")

    with monkeypatch.context() as patch:
        patch.setattr(broken_at[0], broken_at[1], die)
        with pytest.raises(run.LinkingError):
            linker.link()
    assert linker.state() == before
    assert list((linker.settings.home / "linking").rglob("*.csv")) == []
    assert linker.link().how == "touched"
    assert linker.ids(INSURED, by="mention_key").keys() > set()
    state = linker.state()
    assert len(state["link"]) == len(before["link"]) + 1
    linker.link(full_refresh=True)
    assert linker.state() == state


def test_error_tells_no_number_when_a_database_quotes_one(linker: Linker, monkeypatch: pytest.MonkeyPatch) -> None:
    def quote(step: Any) -> None:
        step.connection.execute("select %s::date", (N["held"],))

    monkeypatch.setitem(run.RULES, "population", replace(run.RULES["population"], resolve=quote))  # type: ignore[arg-type]
    with pytest.raises(run.LinkingError) as raised:
        linker.link(full_refresh=True)
    told = "".join(traceback.format_exception(raised.value))
    assert "22008" in told or "22007" in told
    assert N["held"] not in told


@pytest.mark.parametrize(
    ("left", "right", "differ"),
    [
        ("李志强", "李志强", False),
        ("李志强", "李志刚", False),
        ("李志强", "王志强", True),
        ("李志强", "李国栋", True),
        ("李昊", "李HAO", False),
        ("李昊", "李■", False),
        ("李昊", "王■", True),
        ("张莹", "张颖", False),
        ("阿依古丽·买买提", "阿依古丽", False),
        ("SMITH JOHN", "李明", True),
    ],
)
def test_names_clearly_differ_only_when_no_slip_or_stand_in_explains_it(left: str, right: str, differ: bool) -> None:
    assert clearly_differ(left, right) is differ
    assert clearly_differ(right, left) is differ


def test_salt_of_clusters_stands_in_no_statement_when_linking(linker: Linker, monkeypatch: pytest.MonkeyPatch) -> None:
    salt = "5a17" * 8
    said: dict[str, list[str]] = {}
    monkeypatch.setattr(secrets, "token_hex", lambda _: salt)
    for engine in (engines.Server, engines.Columns):
        told = said.setdefault(engine.__name__, [])

        def run_noted(self: Any, text: str, *, real: Any = engine.run, told: list[str] = told) -> Any:
            told.append(text)
            return real(self, text)

        monkeypatch.setattr(engine, "run", run_noted)
    linker.link(full_refresh=True)
    linker.deliver(INSURED, [insured(None, "新来的人", date(1999, 9, 9), "I-salt")])
    linker.link()
    assert all("pg_temp.salt" in "".join(told) and salt not in "".join(told) for told in said.values())


def test_home_is_left_clean_after_linking(linker: Linker) -> None:
    assert [p for p in Path(linker.settings.linking).rglob("*") if p.is_file()] == []
