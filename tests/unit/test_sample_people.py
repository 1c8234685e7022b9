"""The people and companies of the sample city: valid numbers, no two alike, plausible families."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.sample.city import Profile
from connectors.sample.identifiers import credit_codes, identity_numbers, old_registration_numbers, ranks_within
from connectors.sample.writing import found_city

AS_OF = date(2021, 9, 30)
USCC = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def id_check(number: str) -> str:
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return "10X98765432"[sum(int(c) * w for c, w in zip(number[:17], weights, strict=True)) % 11]


def uscc_check(code: str) -> str:
    return USCC[(31 - sum(USCC.index(c) * pow(3, i, 31) for i, c in enumerate(code[:17])) % 31) % 31]


def organisation_check(code: str) -> str:
    values = [int(c, 36) for c in code[8:16]]
    rest = 11 - sum(v * w for v, w in zip(values, (3, 7, 9, 10, 5, 8, 4, 2), strict=True)) % 11
    return {10: "X", 11: "0"}.get(rest, str(rest))


@pytest.fixture(scope="module")
def city():
    return found_city(persons=4_000, seed=7, profile=Profile.DEFAULT, as_of=AS_OF)


def test_checkers_of_this_test_agree_with_published_numbers_when_given_true_ones():
    assert id_check("11010519491231002X") == "X"
    assert uscc_check("91350100M000100Y43") == "3"
    assert organisation_check("91350100M000100Y43") == "4"


def test_identity_numbers_are_valid_and_unique_when_a_city_is_made(city):
    people = city.population
    assert people["id_no"].n_unique() == len(people) == 4_000
    for number, birth, sex in people.select("id_no", "birth_date", "sex").iter_rows():
        assert number[17] == id_check(number)
        assert number[6:14] == f"{birth:%Y%m%d}"
        assert number[14:17] != "000"
        assert (int(number[16]) % 2 == 1) == (sex == "男")


def test_division_of_birth_is_the_abolished_one_when_born_in_wendeng_before_2014(city):
    wendeng = city.population.filter(pl.col("division_code").str.starts_with("371003"))
    own = wendeng.filter(pl.col("id_no").str.starts_with("371081"))
    assert len(own) > 0
    assert own["birth_date"].max() < date(2014, 9, 1)
    assert wendeng.filter(pl.col("id_no").str.starts_with("371003"))["birth_date"].min() >= date(2014, 9, 1)


def test_families_fit_together_when_a_city_is_made(city):
    people = city.population
    for parent in ("father_no", "mother_no"):
        pairs = people.join(
            people.select(
                pl.col("person_no").alias(parent), pl.col("birth_date").alias("parent_birth"), "household_no"
            ),
            on=parent,
            suffix="_parent",
        )
        gap = (pairs["birth_date"] - pairs["parent_birth"]).dt.total_days() / 365.25
        assert len(pairs) > 500
        assert gap.min() > 18
        assert (pairs["household_no"] == pairs["household_no_parent"]).all()
    children = people.filter((pl.col("relation") == "子女") & pl.col("father_no").is_not_null())
    surnames = children["name"].str.slice(0, 1)
    fathers = people["name"].gather(children["father_no"]).str.slice(0, 1)
    assert (surnames == fathers).all()
    assert people["birth_date"].max() < AS_OF
    assert (people.filter(pl.col("relation") == "户主")["household_no"].is_unique()).all()


def test_credit_codes_are_valid_and_unique_when_a_city_is_made(city):
    entities = city.entities
    assert entities["uscc"].n_unique() == len(entities)
    for code in entities["uscc"]:
        assert code[17] == uscc_check(code)
        assert code[16] == organisation_check(code)


def test_representatives_are_adults_of_the_city_when_companies_are_made(city):
    people = city.population
    births = people["birth_date"].gather(city.entities["legal_representative_no"])
    assert births.max() < date(2000, 1, 1)
    assert (
        people["name"].gather(city.entities["legal_representative_no"]) == city.entities["legal_representative"]
    ).all()


def test_cancelled_companies_have_a_date_after_their_founding_when_companies_are_made(city):
    cancelled = city.entities.filter(pl.col("status") == "注销")
    assert len(cancelled) > 0
    assert cancelled["cancelled_on"].null_count() == 0
    assert (cancelled["cancelled_on"] >= cancelled["established_on"]).all()
    assert city.entities.filter(pl.col("status") != "注销")["cancelled_on"].null_count() == len(city.entities) - len(
        cancelled
    )


def test_old_registration_numbers_match_published_ones_when_given_their_stems():
    made = old_registration_numbers(np.array([11010800000001, 37100020000001, 37100260012345]))
    assert made.to_list() == ["110108000000016", "371000200000018", "371002600123458"]


@given(st.lists(st.integers(0, 5), max_size=60))
def test_ranks_count_up_within_each_group_when_groups_are_mixed(groups):
    ranks = ranks_within(np.array(groups, dtype=np.int64))
    assert ranks.tolist() == [groups[:n].count(g) for n, g in enumerate(groups)]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 498), st.integers(1, 400))
def test_identity_numbers_stay_unique_when_many_share_a_birthday(salt, count):
    numbers = identity_numbers(np.full(count, 371002), np.full(count, 20000101), np.arange(count) % 2 == 0, salt)
    assert numbers.n_unique() == count


def test_identity_numbers_are_refused_when_a_day_has_more_than_499_of_one_sex():
    with pytest.raises(ValueError, match="顺序码"):
        identity_numbers(np.full(500, 371002), np.full(500, 20000101), np.ones(500, dtype=bool), 0)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 31**5 - 200))
def test_credit_codes_do_not_repeat_when_numbers_are_consecutive(first):
    codes = credit_codes(["91"] * 100, np.full(100, 371000), np.arange(first, first + 100))
    assert codes.n_unique() == 100


def test_births_do_not_pile_up_on_one_day_when_a_city_is_made(city):
    assert city.population.group_by("birth_date").len()["len"].max() < 10
