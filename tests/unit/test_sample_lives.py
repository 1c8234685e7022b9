"""What happens to the people of the sample city fits together, and every department speaks of the same people."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from connectors.contract import load_contracts
from connectors.normalise.standards import is_licence_identifier
from connectors.sample.city import Profile
from connectors.sample.draws import chances
from connectors.sample.lives import at, make_marriages
from connectors.sample.noise import Noise
from connectors.sample.registers import makers, named_registers, next_round
from connectors.sample.soiling import mistyped
from connectors.sample.writing import found_city
from connectors.settings import CHECKOUT

AS_OF = date(2021, 9, 30)


@pytest.fixture(scope="module")
def contracts():
    return load_contracts([CHECKOUT / "connectors" / "contracts"])


def registers_of(city, contracts):
    return {name: make() for name, make in makers(city, contracts, named_registers(city, None)).items()}


@pytest.fixture(scope="module")
def clean():
    return found_city(persons=6_000, seed=7, profile=Profile.CLEAN, as_of=AS_OF)


@pytest.fixture(scope="module")
def clean_registers(clean, contracts):
    return {name: register.table for name, register in registers_of(clean, contracts).items()}


@pytest.fixture(scope="module")
def dirty():
    return found_city(persons=6_000, seed=7, profile=Profile.DEFAULT, as_of=AS_OF)


@pytest.fixture(scope="module")
def dirty_registers(dirty, contracts):
    return registers_of(dirty, contracts)


def planted(registers, defect: str) -> pl.DataFrame:
    return pl.concat(
        r.planted.with_columns(contract=pl.lit(name)) for name, r in registers.items() if len(r.planted)
    ).filter(pl.col("defect") == defect)


def test_events_come_in_the_order_of_a_life_when_a_city_is_made(clean):
    people = clean.people
    died = people["died_at"].dt.date()
    assert people["person_no"].to_list() == list(range(len(people)))
    assert people["id_no"].n_unique() == len(people)
    assert (died.drop_nulls() > people.filter(died.is_not_null())["birth_date"]).sum() > 0.99 * died.count()
    for parent in ("father_no", "mother_no"):
        children = people.filter(pl.col(parent).is_not_null())
        parent_died = died.gather(children[parent])
        assert (parent_died < children["birth_date"]).sum() == 0
    for later in ("number_on", "moved_in_on", "moved_out_on", "renamed_on", "cancelled_on"):
        assert (people[later] < people["birth_date"]).sum() == 0, later
    assert (people["cancelled_on"] < died).sum() == 0
    assert ((people["moved_out_on"].is_not_null()) & died.is_not_null()).sum() == 0
    assert (people["died_at"].dt.date() <= people["arrived_on"]).sum() == 0


def test_status_follows_the_day_when_it_is_asked_for(clean):
    before, after = (at(clean.people, day) for day in (AS_OF, AS_OF + timedelta(days=700)))
    for lasting in ("is_born", "is_dead", "has_left"):
        assert (before[lasting] & ~after[lasting]).sum() == 0
        assert after[lasting].sum() > before[lasting].sum()
    widowed = after.filter(pl.col("marital_now") == "丧偶")["spouse_no"].drop_nulls()
    assert after["is_dead"].gather(widowed).all()


def test_couples_are_grown_up_and_alive_when_they_marry(clean):
    people = clean.people
    pairs = make_marriages(people, clean.stream("marriages"), AS_OF, clean.noise)
    for who, least in (("husband_no", 22), ("wife_no", 20)):
        born = people["birth_date"].gather(pairs[who])
        assert ((pairs["married_on"] - born).dt.total_days() >= least * 365.2425 - 1).all()
    assert (pairs["divorced_on"] < pairs["married_on"]).sum() == 0
    assert set(people["sex"].gather(pairs["husband_no"])) == {"男"}


def test_departments_speak_of_the_same_people_when_nothing_is_planted(clean, clean_registers):
    people = clean.people
    compared = 0
    for name, table in clean_registers.items():
        for number, of in (("id_no", "_person"), ("subject_id_no", "_person"), ("mother_id_no", "_mother")):
            if number in table.columns and of in table.columns:
                told = table.filter(pl.col(number).is_not_null() & pl.col(of).is_not_null())
                assert (told[number] == people["id_no"].gather(told[of])).all(), name
                compared += len(told)
    assert compared > 15_000


def test_each_department_knows_whom_it_should_when_nothing_is_planted(clean, clean_registers):
    present = clean.present
    alive = set(present.filter(pl.col("is_alive"))["person_no"])
    for name in ("medical_security__insured", "human_resources__pension_payment", "education__student"):
        assert set(clean_registers[name]["_person"]) <= alive, name
    dead = set(present.filter(pl.col("is_dead"))["person_no"])
    assert 0 < len(clean_registers["civil_affairs__cremation"]) <= len(dead)
    assert set(clean_registers["health__death_certificate"]["_person"]) <= dead
    registered = present["is_registered"]
    assert registered.gather(clean_registers["public_security__household_population"]["_person"]).all()
    assert not registered.gather(clean_registers["public_security__residence_permit"]["_person"]).any()


def test_entities_have_their_own_codes_when_all_registers_are_put_together(clean):
    codes = pl.concat([clean.entities["uscc"], clean.bodies["uscc"]])
    assert codes.n_unique() == len(codes)
    names = pl.concat([clean.entities["name"], clean.bodies["name"]])
    assert clean.bodies["name"].n_unique() == len(clean.bodies)
    assert names.n_unique() > 0.99 * len(names)


def test_licence_identifiers_pass_their_check_when_a_register_is_made(clean_registers):
    table = clean_registers["administrative_approval__electronic_licence"]
    assert all(map(is_licence_identifier, table["licence_id"].head(500)))
    assert table["licence_id"].n_unique() == len(table)


def test_rates_are_the_declared_ones_when_the_city_is_dirty(dirty, dirty_registers):
    register = dirty_registers["medical_security__insured"]
    share = {
        defect: len(register.planted.filter(pl.col("defect") == defect)) / len(register.table)
        for defect in ("number_typo", "number_missing")
    }
    assert share["number_typo"] == pytest.approx(dirty.noise.number_typo, rel=0.35)
    assert share["number_missing"] == pytest.approx(dirty.noise.number_missing, rel=0.35)


@pytest.mark.parametrize(
    "defect",
    [
        "number_of_15_digits",
        "number_lower_x",
        "second_number",
        "newborn_without_number",
        "no_employer",
        "private_use_character",
        "pinyin_stand_in",
        "space_in_name",
        "wrong_character",
        "old_name",
        "old_address",
        "address_abbreviated",
        "old_phone",
        "pension_after_death",
        "code_wrong_check",
        "code_missing",
        "old_tax_number",
        "shared_code",
        "name_limited_liability",
        "name_place_in_brackets",
        "no_identity",
    ],
)
def test_declared_defect_is_planted_when_the_city_is_dirty(dirty_registers, defect):
    assert len(planted(dirty_registers, defect)) > 0


def test_planted_cells_are_those_of_the_table_when_the_city_is_dirty(dirty_registers):
    for name, register in dirty_registers.items():
        cells = register.planted.filter(pl.col("column").is_not_null())
        assert cells.select("index", "column").is_duplicated().sum() == 0, name
        for (column,), own in cells.group_by("column"):
            stands = register.table[column].cast(pl.String).gather(own["index"])
            assert stands.eq_missing(own["planted"]).all(), (name, column)


def test_newborns_get_their_number_when_months_pass(dirty, contracts):
    name = "public_security__household_population"
    first = registers_of(dirty, contracts)[name]
    new = first.planted.filter(pl.col("defect") == "newborn_without_number")
    babies = set(first.table["_person"].gather(new["index"]))
    later = replace(dirty, as_of=AS_OF + timedelta(days=120), round_no=5)
    table = later_table = registers_of(later, contracts)[name].table
    known = table.filter(pl.col("_person").is_in(list(babies)))
    assert len(babies) > 0
    assert known["id_no"].null_count() < len(babies) / 3
    assert len(later_table) > len(first.table)


def test_errors_stay_and_some_are_put_right_when_a_round_passes(dirty, dirty_registers, contracts):
    name = "medical_security__insured"
    old = dirty_registers[name]
    new = registers_of(next_round(dirty), contracts)[name]

    def wrong(register):
        rows = register.planted.filter(pl.col("defect") == "number_typo")
        return set(zip(register.table["_person"].gather(rows["index"]), rows["planted"], strict=True))

    still = wrong(old) & wrong(new)
    assert 0.7 * len(wrong(old)) < len(still) < len(wrong(old))


def test_no_error_is_planted_when_the_profile_is_clean(clean, contracts):
    assert all(len(r.planted) == 0 for r in registers_of(clean, contracts).values())
    assert Noise().only_facts().twins == Noise().twins


def test_mistyped_numbers_fail_their_check_when_a_digit_changes(clean):
    numbers = clean.people["id_no"].head(2_000)
    rng = np.random.default_rng(3)
    wrong = mistyped(numbers, rng.random(2_000), np.ones(2_000, dtype=bool))
    assert (wrong != numbers).all()
    assert (wrong.str.len_chars() == 18).all()


def test_chances_are_even_and_lasting_when_drawn_for_numbers():
    numbers = np.arange(20_000)
    drawn = chances(1, ("a",), numbers)
    assert drawn.min() >= 0
    assert drawn.max() < 1
    assert abs(drawn.mean() - 0.5) < 0.01
    assert np.histogram(drawn, 10)[0].min() > 1_800
    assert (chances(1, ("a",), numbers[::-1])[::-1] == drawn).all()
    assert np.corrcoef(drawn, chances(1, ("b",), numbers))[0, 1] < 0.03
