"""Who is who among mentions of legal entities, rule by rule (PostgreSQL)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any

import psycopg
import pytest

from tests.conftest import create_database, drop_database, dsn_of
from tests.integration.entity_mentions import (
    DEBTORS,
    FOUNDED,
    PENALTIES,
    REGISTRATION,
    TAXES,
    USCC,
    Found,
    Register,
    old_tax_no,
    organisation_code,
    wrong_check,
)

NAME, OTHER = "威海恒达商贸有限公司", "荣成远航水产有限公司"


@pytest.fixture(scope="module")
def rules_dsn(server: str, warehouse_template: str) -> Iterator[str]:
    """A database in which every test works within a transaction that is rolled back."""
    create_database(server, "weihai_test_entities", template=warehouse_template)
    yield dsn_of(server, "weihai_test_entities")
    drop_database(server, "weihai_test_entities")


@pytest.fixture
def register(rules_dsn: str, tmp_path: Path) -> Iterator[Register]:
    with psycopg.connect(rules_dsn) as connection:
        yield Register(connection, tmp_path)
        connection.rollback()


def together(found: Found, *labels: str) -> bool:
    return any(set(labels) <= group for group in found.groups)


def reasons(found: Found, label: str) -> set[str]:
    return {reason for own, _, reason in found.reviews if own == label}


@pytest.mark.parametrize(
    "code",
    [
        {"uscc": USCC[0]},
        {"uscc": USCC[0].lower()},
        {"tax_no": USCC[0]},
        {"registration_no": USCC[0]},
        {"uscc": organisation_code(USCC[0])},
        {"organisation_code": organisation_code(USCC[0])},
        {"tax_no": old_tax_no(USCC[0])},
        {"registration_no": old_tax_no(USCC[0])},
        {"registration_no": REGISTRATION[0]},
        {"uscc": REGISTRATION[0]},
        {"tax_no": REGISTRATION[0]},
        {"registration_no": "3710002000123"},
    ],
)
def test_a_code_leads_to_its_entity_when_a_record_carries_both_whatever_column(
    register: Register, code: dict[str, str]
) -> None:
    register.state("register", uscc=USCC[0], registration_no=REGISTRATION[0], name=NAME)
    register.state("older", TAXES, uscc=USCC[0], registration_no="3710002000123", name=NAME)
    register.state("other", uscc=USCC[1], registration_no=REGISTRATION[1], name=OTHER)
    register.state("named", PENALTIES, name=NAME, **code)
    register.state("nameless", PENALTIES, **code)
    found = register.link(full=True)
    assert found.groups == {frozenset({"register", "older", "named", "nameless"}), frozenset({"other"})}
    assert not found.reviews


@pytest.mark.parametrize(
    "code",
    [
        {"uscc": wrong_check(USCC[0])},
        {"uscc": organisation_code(USCC[0])[:-1] + ("1" if USCC[0][16] != "1" else "2")},
        {"registration_no": REGISTRATION[0][:-1] + str((int(REGISTRATION[0][-1]) + 1) % 10)},
        {"registration_no": "123"},
        {},
    ],
)
def test_a_code_leads_nowhere_when_its_check_is_wrong_or_there_is_none(
    register: Register, code: dict[str, str]
) -> None:
    register.state("register", uscc=USCC[0], registration_no=REGISTRATION[0], name=NAME)
    register.state("nameless", PENALTIES, **code)
    register.state("named", PENALTIES, name=NAME, **code)
    register.state("taxed", TAXES, name=OTHER, **code)
    found = register.link(full=True)
    assert found.groups == {frozenset({"register"}), frozenset({"taxed"})}
    assert found.nobody == {"nameless", "named"}
    assert reasons(found, "named") == {"weak_evidence"}
    assert not reasons(found, "nameless")


def test_records_without_a_code_in_common_stay_apart_when_only_their_codes_are_known(register: Register) -> None:
    register.state("credit", PENALTIES, uscc=USCC[0])
    register.state("registration", PENALTIES, registration_no=REGISTRATION[0])
    found = register.link(full=True)
    assert found.groups == {frozenset({"credit"}), frozenset({"registration"})}


def test_an_unknown_code_founds_an_entity_when_its_check_is_right(register: Register) -> None:
    register.state("credit", DEBTORS, uscc=USCC[0], name=NAME)
    register.state("court", DEBTORS, uscc=organisation_code(USCC[1]), name=OTHER)
    register.state("unchecked", DEBTORS, registration_no="3710002000123", name="威海第三商贸有限公司")
    found = register.link(full=True)
    assert found.groups == {frozenset({"credit"}), frozenset({"court"})}
    assert found.nobody == {"unchecked"}


@pytest.mark.parametrize(
    "variant",
    [
        "威海恒达商贸有限责任公司",
        "恒达商贸（威海）有限公司",
        "恒达商贸(威海市)有限公司",
        "威海市恒达商贸有限公司",
        "威海恒达商贸",
        "威海 恒达　商贸有限公司",
        "威海恒德商贸有限公司",
        "威海恒达商贸有限公司（已注销）",
    ],
)
def test_one_code_is_one_entity_when_the_name_is_a_variant(register: Register, variant: str) -> None:
    register.state("register", uscc=USCC[0], name=NAME)
    register.state("again", uscc=USCC[0], name=NAME, division="371082")
    register.state("variant", TAXES, uscc=USCC[0], name=variant)
    register.state("nameless", TAXES, uscc=USCC[0])
    found = register.link(full=True)
    assert found.groups == {frozenset({"register", "again", "variant", "nameless"})}
    assert not found.reviews


def test_one_code_is_one_entity_when_a_second_name_or_the_day_or_the_leader_says_so(register: Register) -> None:
    register.state(
        "first", uscc=USCC[0], name="威海卫中心小学", other_names="第二名称：威海实验学校、第三名称：海滨校区"
    )
    register.state("second", TAXES, uscc=USCC[0], name="威海实验学校")
    register.state("before", uscc=USCC[1], name=NAME, established_on=FOUNDED)
    register.state("renamed", TAXES, uscc=USCC[1], name=OTHER, established_on=FOUNDED)
    seat = {"legal_representative": "王力", "address": "威海市环翠区海滨路1号"}
    register.state("old", uscc=USCC[2], name="文登甲建筑有限公司", **seat)
    register.state("new", TAXES, uscc=USCC[2], name="文登乙置业有限公司", **(seat | {"address": "环翠区海滨路1号"}))
    register.state("now", uscc=USCC[3], name="乳山丙渔具有限公司", legal_representative="孙立")
    register.state("fined then", PENALTIES, uscc=USCC[3], name="乳山丁商贸有限公司", legal_representative="孙立")
    found = register.link(full=True)
    assert found.groups == {
        frozenset({"first", "second"}), frozenset({"before", "renamed"}), frozenset({"old", "new"}),
        frozenset({"now", "fined then"}),
    }  # fmt: skip


def test_two_entities_stay_two_and_go_to_review_when_they_stand_on_one_code(register: Register) -> None:
    register.state("mine", uscc=USCC[0], name=NAME, established_on=FOUNDED, legal_representative="王力")
    register.state("mine taxed", TAXES, uscc=USCC[0], name=NAME)
    register.state("theirs", uscc=USCC[0], name=OTHER, established_on=date(2010, 1, 1), legal_representative="王力")
    found = register.link(full=True)
    assert found.groups == {frozenset({"mine", "mine taxed"}), frozenset({"theirs"})}
    assert reasons(found, "theirs") == reasons(found, "mine") == {"shared_code"}


def test_who_stands_on_anothers_code_is_placed_when_other_codes_or_evidence_say_who_it_is(register: Register) -> None:
    register.state("mine", uscc=USCC[0], name=NAME)
    facts = {"name": OTHER, "legal_representative": "孙立", "established_on": FOUNDED}
    register.state("by evidence", uscc=USCC[0], **facts)
    register.state("by evidence taxed", TAXES, uscc=USCC[1], **facts)
    register.state("mine too", uscc=USCC[2], name="乳山甲建筑有限公司")
    register.state("by number", uscc=USCC[2], name="文登乙石材有限公司", registration_no=REGISTRATION[3])
    register.state("by number taxed", TAXES, uscc=USCC[3], name="文登乙石材有限公司", registration_no=REGISTRATION[3])
    found = register.link(full=True)
    assert together(found, "by evidence", "by evidence taxed")
    assert together(found, "by number", "by number taxed")
    assert len(found.groups) == 4
    assert reasons(found, "by evidence") == {"shared_code"}


def test_a_mention_on_a_contested_code_is_nobody_when_no_register_knows_its_name(register: Register) -> None:
    register.state("mine", uscc=USCC[0], name=NAME)
    register.state("fined", PENALTIES, uscc=USCC[0], name=OTHER)
    register.state("nameless", PENALTIES, uscc=USCC[0])
    register.state("of mine", DEBTORS, uscc=organisation_code(USCC[0]), name=NAME)
    found = register.link(full=True)
    assert found.groups == {frozenset({"mine", "of mine"})}
    assert found.nobody == {"fined", "nameless"}
    assert reasons(found, "fined") == {"shared_code"}


def test_both_are_entities_when_no_register_knows_a_contested_code(register: Register) -> None:
    register.state("one", PENALTIES, uscc=USCC[0], name=NAME)
    register.state("other", PENALTIES, uscc=USCC[0], name=OTHER)
    found = register.link(full=True)
    assert found.groups == {frozenset({"one"}), frozenset({"other"})}
    assert reasons(found, "one") == {"shared_code"}


def test_a_branch_is_never_its_head_office(register: Register) -> None:
    shared = {"legal_representative": "王力", "address": "威海市海滨路1号", "established_on": FOUNDED}
    register.state("head", uscc=USCC[0], name=NAME, **shared)
    register.state("branch", TAXES, uscc=USCC[1], name=f"{NAME}荣成分公司", **shared)
    register.state("fined", PENALTIES, name=f"{NAME}荣成分公司", legal_representative="王力")
    register.state("other branch", PENALTIES, name=f"{NAME}乳山分公司", **shared)
    register.state("shop", PENALTIES, name="威海恒达商贸一分店", **shared)
    found = register.link(full=True)
    assert found.groups == {frozenset({"head"}), frozenset({"branch", "fined"})}
    assert found.nobody == {"other branch", "shop"}


@pytest.mark.parametrize("attribute", ["legal_representative", "established_on", "address"])
@pytest.mark.parametrize("code", [None, wrong_check(USCC[0])])
def test_the_name_links_when_one_more_fact_agrees(register: Register, attribute: str, code: str | None) -> None:
    facts = {"legal_representative": "王力", "established_on": FOUNDED, "address": "环翠区海滨路1号"}
    register.state("register", uscc=USCC[0], name=NAME, **facts)
    register.state("fined", PENALTIES, uscc=code, name=NAME, **{attribute: facts[attribute]})
    found = register.link(full=True)
    assert together(found, "register", "fined")
    method, weight = register.method("fined")
    assert method == "evidence"
    assert weight is not None
    assert weight >= 10


@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"division": "371002"},
        {"legal_representative": "王力", "established_on": FOUNDED + timedelta(1)},
        {"legal_representative": "孙立", "address": "威海市海滨路1号", "established_on": FOUNDED + timedelta(1)},
    ],
)
def test_the_name_goes_to_review_when_nothing_more_agrees_or_the_day_differs(
    register: Register, facts: dict[str, object]
) -> None:
    register.state(
        "register", uscc=USCC[0], name=NAME, legal_representative="王力", established_on=FOUNDED,
        address="威海市海滨路1号", division="371002",
    )  # fmt: skip
    register.state("fined", PENALTIES, name=NAME, **facts)
    register.state("taxed", TAXES, name=NAME, **facts)
    found = register.link(full=True)
    assert not together(found, "register", "fined")
    assert not together(found, "register", "taxed")
    assert reasons(found, "fined") == reasons(found, "taxed") == {"weak_evidence"}


def test_the_facts_link_nothing_when_the_names_differ(register: Register) -> None:
    facts = {"legal_representative": "王力", "established_on": FOUNDED, "address": "威海市海滨路1号"}
    register.state("register", uscc=USCC[0], name=NAME, **facts)
    register.state("fined", PENALTIES, name=OTHER, **facts)
    found = register.link(full=True)
    assert found.nobody == {"fined"}
    assert not found.reviews


def test_a_mention_goes_to_review_when_two_entities_fit(register: Register) -> None:
    for label, code in (("one", USCC[0]), ("two", USCC[1])):
        register.state(label, uscc=code, name="环翠区王记包子铺", legal_representative="王力", address=f"{label}号")
    register.state("fined", PENALTIES, name="环翠区王记包子铺", legal_representative="王力")
    register.state("own", TAXES, name="环翠区王记包子铺", legal_representative="王力")
    register.state("of one", PENALTIES, name="环翠区王记包子铺", address="one号")
    found = register.link(full=True)
    assert found.nobody == {"fined"}
    assert together(found, "one", "of one")
    assert not together(found, "one", "own")
    assert not together(found, "one", "two")
    assert reasons(found, "fined") == reasons(found, "own") == {"several_candidates"}
    assert reasons(found, "one") | reasons(found, "two") == {"two_numbers"}


def test_evidence_does_not_link_when_registration_numbers_contradict_it(register: Register) -> None:
    facts = {"name": NAME, "legal_representative": "王力", "established_on": FOUNDED}
    register.state("register", uscc=USCC[0], registration_no=REGISTRATION[0], **facts)
    register.state("fined", PENALTIES, registration_no=REGISTRATION[1], **facts)
    found = register.link(full=True)
    assert found.groups == {frozenset({"register"}), frozenset({"fined"})}
    assert reasons(found, "fined") == {"weak_evidence"}


def test_a_registration_number_links_nothing_when_the_names_clearly_differ(register: Register) -> None:
    register.state("register", uscc=USCC[0], registration_no=REGISTRATION[0], name=NAME)
    register.state("fined", PENALTIES, registration_no=REGISTRATION[0], name=OTHER)
    register.state("taxed", TAXES, registration_no=REGISTRATION[0], name=OTHER)
    found = register.link(full=True)
    assert found.groups == {frozenset({"register"}), frozenset({"fined", "taxed"})}
    assert reasons(found, "taxed") | reasons(found, "fined") == {"shared_code"}


def test_entities_on_two_credit_codes_stay_two_when_a_registration_number_joins_them(register: Register) -> None:
    register.state("one", uscc=USCC[0], registration_no=REGISTRATION[0], name=NAME)
    register.state("two", TAXES, uscc=USCC[1], registration_no=REGISTRATION[0], name=NAME)
    register.state("fined", PENALTIES, registration_no=REGISTRATION[0], name=NAME)
    found = register.link(full=True)
    assert found.groups == {frozenset({"one"}), frozenset({"two"})}
    assert reasons(found, "one") | reasons(found, "two") == {"two_numbers"}
    assert reasons(found, "fined") == {"several_candidates"}


def test_records_without_credit_codes_are_put_together_when_a_number_or_evidence_does(register: Register) -> None:
    register.state("registered", registration_no=REGISTRATION[0], name=NAME, legal_representative="王力")
    register.state("fined", PENALTIES, registration_no=REGISTRATION[0], name=NAME)
    register.state("taxed", TAXES, name=NAME, legal_representative="王力")
    register.state("court", DEBTORS, name=NAME)
    found = register.link(full=True)
    assert found.groups == {frozenset({"registered", "fined", "taxed"})}
    assert found.nobody == {"court"}
    assert reasons(found, "court") == {"weak_evidence"}


def test_a_name_is_no_evidence_when_very_many_bear_it(register: Register) -> None:
    for number in range(101):
        register.state(f"shop {number}", name="无字号", legal_representative=f"户主{number}")
    register.state("fined", PENALTIES, name="无字号", legal_representative="户主7")
    found = register.link(full=True)
    assert found.nobody == {"fined"}
    assert len(found.groups) == 101
    assert not found.reviews


def test_a_change_reaches_whoever_shares_a_code_or_a_name_before_or_after_it(register: Register) -> None:
    register.state("register", uscc=USCC[0], registration_no=REGISTRATION[0], name=NAME, legal_representative="王力")
    register.state("fined", PENALTIES, registration_no=REGISTRATION[0], name="恒达商贸（威海）有限公司")
    register.state("elsewhere", uscc=USCC[1], name=OTHER)
    assert together(register.link(full=True), "register", "fined")
    entity = register.ids()["register"]
    register.state("register", uscc=USCC[0], registration_no=REGISTRATION[1], name=NAME, legal_representative="王力")
    assert register.link().groups == {frozenset({"register"}), frozenset({"fined"}), frozenset({"elsewhere"})}
    assert register.ids()["register"] == entity
    register.state("rival", TAXES, uscc=USCC[0], name="乳山甲建筑有限公司", established_on=FOUNDED)
    assert reasons(register.link(), "rival") == {"shared_code"}
    register.withdraw("rival")
    assert "rival" not in {label for label, _, _ in register.link().reviews}
    register.state("fined", PENALTIES, name=NAME, legal_representative="王力")
    assert together(register.link(), "register", "fined")
    register.state("rival", TAXES, uscc=USCC[2], name=NAME, legal_representative="王力")
    assert register.link().nobody == {"fined"}
    register.withdraw("register")
    assert together(register.link(), "rival", "fined")
    register.state("register", uscc=USCC[0], name=OTHER)
    register.link()
    assert register.ids()["register"] == entity


@pytest.mark.parametrize("seed", range(3))
def test_incremental_equals_full_row_by_row_after_any_sequence(register: Register, seed: int) -> None:
    draw = Random(seed)
    partly = 0
    for _ in range(7):
        for _ in range(draw.randint(1, 3)):
            number = draw.randrange(30)
            if draw.random() < 0.2 and f"mention {number}" in register.ids():
                register.withdraw(f"mention {number}")
            else:
                register.state(f"mention {number}", 1 + number % 4, **_drawn(draw, number % 3))
        register.link()
        incremental = register.rows()
        partly += register.reached() < len(incremental[0])
        register.link(full=True)
        assert register.rows() == incremental
    assert partly


def _drawn(draw: Random, quarter: int) -> dict[str, Any]:
    """Draw attributes from the few values of a quarter, so that mentions meet, disagree and bridge one another."""
    codes, numbers = USCC[quarter * 3 : quarter * 3 + 3], REGISTRATION[quarter * 3 : quarter * 3 + 2]
    code = draw.choice(codes)
    stem = ("威海恒达商贸", "荣成远航水产", "乳山金岭石材")[quarter]
    names = (f"{stem}有限公司", stem, f"文登{quarter}号建筑有限公司", f"{stem}有限公司石岛分公司")
    return {
        "uscc": draw.choice([None, code, code, wrong_check(code), organisation_code(code)]),
        "registration_no": draw.choice([None, None, *numbers]),
        "tax_no": draw.choice([None, None, old_tax_no(draw.choice(codes))]),
        "name": draw.choice([None, *names, *names]),
        "other_names": draw.choice([None, None, None, names[2]]),
        "legal_representative": draw.choice([None, "王力", "孙立"]),
        "established_on": draw.choice([None, None, FOUNDED, date(2010, 1, 1)]),
        "address": draw.choice([None, None, "威海市海滨路1号"]),
    }
