"""What happens to the people of the sample city: births, deaths, marriages, moves and new names, each with its day.

The next two years are drawn beforehand, so that a later round only has to look further.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import partial

import numpy as np
import numpy.typing as npt
import polars as pl

from connectors.sample.draws import exactly, some
from connectors.sample.identifiers import identity_numbers
from connectors.sample.noise import Noise
from connectors.sample.places import STATISTICAL, Places
from connectors.sample.population import RELATIONS, YEAR, as_numbers, given_names

IntArray = npt.NDArray[np.int64]
Days = npt.NDArray[np.datetime64]

PAST, FUTURE = timedelta(days=5 * 365), timedelta(days=2 * 365)
"""How far back from the day of founding events are drawn, and how far ahead."""
_NEVER = np.datetime64("NaT", "D")
_BIRTHS_AHEAD = 0.008
"""Births in a year, per person."""
_MORTALITY, _AGEING = 0.00003, 0.095
"""Gompertz: yearly risk of death at birth, and its growth with every year of age."""


def make_lives(
    population: pl.DataFrame, rng: np.random.Generator, as_of: date, places: Places, noise: Noise
) -> pl.DataFrame:
    """Add to the people of the founding day those born in the two years after it, and everybody's events.

    Args:
        population: from `make_population`.
        rng: the stream to draw from.
        as_of: the founding day.
        places: where those who move go to.
        noise: how many move within the city or take another name.

    Returns:
        The population's columns and, each null where it does not happen: number_on (an identity number is issued),
        died_at, cancelled_on (the registration of the deceased), moved_in_on, moved_out_on, arrived_on (of those
        registered elsewhere), new_name, renamed_on, new_address, new_division_code, resettled_on, second_id_no.
        One row per person; `person_no` is the row's number.
    """
    day = np.datetime64(as_of, "D")
    born, parts = _born_ahead(population, rng, day), rng.spawn(6)
    people = pl.concat([population, born])
    birth = people["birth_date"].to_numpy().astype("datetime64[D]")
    household = people["household_no"].cast(pl.Int64).to_numpy() - 371_000_001
    youngest = _youngest(people, birth)
    moved_out = _moves_away(parts[0], people, household, birth, day)
    died = _deaths(parts[1], birth, youngest, day)
    died[~np.isnat(moved_out)] = _NEVER
    local_number = people["id_no"].str.slice(0, 4).is_in(["3710"]).to_numpy()
    registered = people["is_registered"].to_numpy()
    moved_in = _between(parts[2], np.maximum(birth + 1, day - 20 * 365), np.full(len(birth), day))
    moved_in[local_number | ~registered | (birth >= day - 30)] = _NEVER
    moved_in[~np.isnat(moved_out) & (moved_in >= moved_out)] = _NEVER
    households = int(household.max()) + 1
    arrived = day + parts[2].integers(-6 * 365, 500, households).astype("timedelta64[D]")
    arrived_on = np.maximum(arrived[household], birth)
    arrived_on[registered] = _NEVER
    died[died <= arrived_on] = _NEVER
    lag = parts[2].integers(5, 40, len(birth)).astype("timedelta64[D]")
    return people.with_columns(
        pl.Series("number_on", birth + parts[2].integers(15, 75, len(birth)).astype("timedelta64[D]")),
        pl.Series("died_at", died.astype("datetime64[us]") + _seconds(parts[1], len(died))),
        pl.Series("cancelled_on", np.where(some(parts[1], len(died), 0.95), died + lag, _NEVER)),
        pl.Series("moved_in_on", moved_in),
        pl.Series("moved_out_on", moved_out),
        pl.Series("arrived_on", arrived_on),
        *_new_names(parts[3], people, day, noise.renamed),
        *_new_homes(parts[4], household, day, places, noise.resettled),
        _second_numbers(parts[5], people, noise.two_numbers),
    )


def at(people: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """Return everybody as they are on a day; the rows stay where they are.

    Returns:
        The columns of `make_lives` and: is_born, is_alive, has_left, is_here (alive, and registered or arrived),
        has_number, name_now, former_name, address_now, division_now, marital_now, age (whole years).
    """
    day = pl.lit(as_of)
    people = people.with_columns(
        is_born=pl.col("birth_date") <= day,
        is_dead=(pl.col("died_at").dt.date() <= day).fill_null(value=False),
        has_left=(pl.col("moved_out_on") <= day).fill_null(value=False),
        is_renamed=(pl.col("renamed_on") <= day).fill_null(value=False),
        is_resettled=(pl.col("resettled_on") <= day).fill_null(value=False),
        has_arrived=pl.col("is_registered") | (pl.col("arrived_on") <= day).fill_null(value=False),
        age=((day - pl.col("birth_date")).dt.total_days() / YEAR).floor().cast(pl.Int32),
    )
    widowed = people["is_dead"].gather(people["spouse_no"])
    return people.with_columns(
        is_alive=pl.col("is_born") & ~pl.col("is_dead"),
        is_here=pl.col("is_born") & ~pl.col("is_dead") & ~pl.col("has_left") & pl.col("has_arrived"),
        has_number=(pl.col("number_on") <= day),
        name_now=pl.when("is_renamed").then("new_name").otherwise("name"),
        former_name=pl.when("is_renamed").then("name"),
        address_now=pl.when("is_resettled").then("new_address").otherwise("address"),
        division_now=pl.when("is_resettled").then("new_division_code").otherwise("division_code"),
        marital_now=pl.when((pl.col("marital_status") == "已婚") & widowed.fill_null(value=False))
        .then(pl.lit("丧偶"))
        .otherwise("marital_status"),
    )


def make_marriages(people: pl.DataFrame, rng: np.random.Generator, as_of: date, noise: Noise) -> pl.DataFrame:
    """Make the marriages behind the couples and the divorced of the city.

    Returns:
        husband_no, wife_no, married_on, divorced_on (null where the marriage lasts), reissued_on (another certificate
        was asked for), in the order of husband_no.
    """
    couples = people.filter((pl.col("sex") == "男") & pl.col("spouse_no").is_not_null()).select(
        husband_no="person_no", wife_no="spouse_no"
    )
    single = people.filter(pl.col("marital_status") == "离婚").sort("birth_date", "person_no")
    men, women = (single.filter(pl.col("sex") == s)["person_no"] for s in ("男", "女"))
    count = min(len(men), len(women))
    parted = pl.DataFrame({"husband_no": men[:count], "wife_no": women[:count]})
    pairs = pl.concat([couples, parted])
    births = people["birth_date"].to_numpy().astype("datetime64[D]")
    husband, wife = pairs["husband_no"].to_numpy(), pairs["wife_no"].to_numpy()
    adult = np.maximum(births[husband] + 8036, births[wife] + 7306)
    day = np.datetime64(as_of, "D")
    children = people.filter(pl.col("mother_no").is_not_null()).group_by("mother_no").agg(pl.col("birth_date").min())
    eldest = np.full(len(people), day + 300)
    eldest[children["mother_no"].to_numpy()] = children["birth_date"].to_numpy().astype("datetime64[D]")
    ends = people["died_at"].dt.date().fill_null(as_of + FUTURE).to_numpy().astype("datetime64[D]")
    ends = np.minimum(ends[husband], ends[wife])
    latest = np.maximum(np.minimum.reduce([adult + 5 * 365, eldest[wife], ends]), adult + 1)
    married = _between(rng, adult, latest)
    divorced = np.full(len(pairs), _NEVER)
    ended = np.arange(len(pairs)) >= len(couples)
    divorced[ended] = _between(rng, married, np.maximum(np.full(len(pairs), day - 30), married))[ended]
    same_day = ended & some(rng, len(pairs), noise.same_day_divorces * max(len(pairs), 1) / max(count, 1))
    divorced[same_day] = married[same_day]
    reissued = _between(rng, married, np.full(len(pairs), day + FUTURE.days))
    reissued[ended | ~some(rng, len(pairs), 0.03) | (reissued <= married)] = _NEVER
    return pairs.with_columns(
        pl.Series("married_on", married), pl.Series("divorced_on", divorced), pl.Series("reissued_on", reissued)
    ).sort("husband_no")


def _seconds(rng: np.random.Generator, count: int) -> npt.NDArray[np.timedelta64]:
    return rng.integers(0, 86_400, count).astype("timedelta64[s]")


def _between(rng: np.random.Generator, low: Days, high: Days) -> Days:
    """Draw a day between two days, both included."""
    span = np.maximum((high - low).astype(np.int64), 0) + 1
    drawn: Days = low + (rng.random(len(low)) * span).astype("timedelta64[D]")
    return drawn


def _born_ahead(population: pl.DataFrame, rng: np.random.Generator, day: np.datetime64) -> pl.DataFrame:
    """Let couples have children within the next two years, some of them two at once."""
    years = FUTURE.days / 365
    young = (day.astype(date) - pl.col("birth_date")).dt.total_days() / YEAR
    newest = pl.col("birth_date").max().over("household_no")
    mothers = population.filter(
        (pl.col("sex") == "女")
        & pl.col("spouse_no").is_not_null()
        & young.is_between(21, 42)
        & (newest < day.astype(date) - timedelta(days=400))
    )
    count = min(round(len(population) * _BIRTHS_AHEAD * years), len(mothers))
    mother = mothers.filter(pl.Series(exactly(rng, len(mothers), count)))
    twice = np.repeat(np.arange(count), 1 + some(rng, count, 0.012))
    born = (day + rng.integers(1, FUTURE.days, count).astype("timedelta64[D]"))[twice]
    mother = mother[twice]
    father = population[mother["spouse_no"]]
    male = some(rng, len(mother), 0.515)
    every = np.ones(len(mother), dtype=np.bool_)
    district = mother["division_code"].str.slice(0, 6).replace(STATISTICAL).cast(pl.Int64).to_numpy()
    first = int(population["person_no"][-1]) + 1
    return mother.with_columns(
        person_no=pl.Series(np.arange(first, first + len(mother)), dtype=pl.Int32),
        relation=pl.lit(RELATIONS[2]),
        surname=father["surname"],
        name=father["surname"] + given_names(rng, male, every) + given_names(rng, male, some(rng, len(male), 0.84)),
        sex=pl.Series(["女", "男"], dtype=pl.String).gather(male.astype(np.int64)),
        birth_date=pl.Series(born),
        id_no=identity_numbers(district, as_numbers(born), male, int(rng.integers(499))),
        marital_status=pl.lit("未婚"),
        father_no=father["person_no"],
        mother_no=mother["person_no"],
        spouse_no=pl.lit(None, dtype=pl.Int32),
    ).select(population.columns)


def _youngest(people: pl.DataFrame, birth: Days) -> Days:
    """Return the day of birth of everybody's youngest child; the own one where there is none."""
    youngest = birth.copy()
    for parent in ("father_no", "mother_no"):
        last = people.filter(pl.col(parent).is_not_null()).group_by(parent).agg(pl.col("birth_date").max())
        place = last[parent].to_numpy()
        youngest[place] = np.maximum(youngest[place], last["birth_date"].to_numpy().astype("datetime64[D]"))
    return youngest


def _deaths(rng: np.random.Generator, birth: Days, youngest: Days, day: np.datetime64) -> Days:
    """Draw who dies within the seven years, by age; nobody before the youngest child is born."""
    start = np.maximum(birth, day - PAST.days)
    age = (start - birth).astype(np.int64) / YEAR
    left = np.log1p(_AGEING * rng.exponential(size=len(birth)) / (_MORTALITY * np.exp(_AGEING * age))) / _AGEING
    died = start + np.minimum(left * YEAR, 10**5).astype("timedelta64[D]")
    never = (died > day + FUTURE.days) | (died <= youngest) & (youngest > birth)
    return np.where(never, _NEVER, died)


def _moves_away(
    rng: np.random.Generator, people: pl.DataFrame, household: IntArray, birth: Days, day: np.datetime64
) -> Days:
    """Draw which households leave the city, and which grown children leave their parents for another city."""
    households = int(household.max()) + 1
    draw = partial(rng.integers, -PAST.days, FUTURE.days)
    away = day + draw(households).astype("timedelta64[D]")
    away[~some(rng, households, 0.02)] = _NEVER
    newest = np.full(households, birth.min())
    np.maximum.at(newest, household, birth)
    away[newest >= away] = _NEVER
    alone = day + draw(len(birth)).astype("timedelta64[D]")
    age = (alone - birth).astype(np.int64) / YEAR
    grown = (people["relation"] == RELATIONS[2]).to_numpy() & (age > 19) & (age < 35)
    alone[~(grown & some(rng, len(birth), 0.06))] = _NEVER
    moved = np.where(np.isnat(away[household]), alone, away[household])
    return np.where(people["is_registered"].to_numpy(), moved, _NEVER)


def _new_names(
    rng: np.random.Generator, people: pl.DataFrame, day: np.datetime64, share: float
) -> tuple[pl.Series, pl.Series]:
    """Draw who takes another given name, and when."""
    count = len(people)
    male = (people["sex"] == "男").to_numpy()
    chosen = pl.Series(some(rng, count, share)) & ~people["name"].str.contains("·")
    given = given_names(rng, male, np.ones(count, dtype=np.bool_)) + given_names(rng, male, some(rng, count, 0.84))
    when = day + rng.integers(-PAST.days, FUTURE.days, count).astype("timedelta64[D]")
    when = np.maximum(when, people["birth_date"].to_numpy().astype("datetime64[D]") + 400)
    frame = pl.DataFrame({"n": people["surname"] + given, "on": when, "c": chosen, "old": people["name"]})
    frame = frame.with_columns(c=pl.col("c") & (pl.col("n") != pl.col("old")))
    new = frame.select(pl.when("c").then("n").alias("new_name"), pl.when("c").then("on").alias("renamed_on"))
    return new["new_name"], new["renamed_on"]


def _new_homes(
    rng: np.random.Generator,
    household: IntArray,
    day: np.datetime64,
    places: Places,
    share: float,
) -> tuple[pl.Series, pl.Series, pl.Series]:
    """Draw which households live elsewhere in the city than they are registered, where, and since when."""
    households = int(household.max()) + 1
    homes = places.addresses(rng, households)
    room = pl.Series(rng.integers(1, 19, households) * 100 + rng.integers(1, 5, households)).cast(pl.String) + "室"
    chosen = some(rng, households, share)
    when = day + rng.integers(-PAST.days, FUTURE.days, households).astype("timedelta64[D]")
    frame = pl.DataFrame({"a": homes["address"] + room, "d": homes["division_code"], "on": when, "c": chosen})
    new = frame.select(pl.when("c").then(k).alias(k) for k in ("a", "d", "on"))[household]
    return new["a"].alias("new_address"), new["d"].alias("new_division_code"), new["on"].alias("resettled_on")


def _second_numbers(rng: np.random.Generator, people: pl.DataFrame, share: float) -> pl.Series:
    """Give some grown-ups another number, of a day of birth that is off by a month or so."""
    count = len(people)
    births = people["birth_date"].to_numpy().astype("datetime64[D]")
    grown = births < births.max() - 20 * 366
    chosen = np.flatnonzero(grown & some(rng, count, share))
    other = births[chosen] + rng.integers(20, 50, len(chosen)).astype("timedelta64[D]")
    male = (people["sex"] == "男").to_numpy()[chosen]
    # 文登县 until 1986: no other number of the city begins with it
    numbers = identity_numbers(np.full(len(chosen), 370632), as_numbers(other), male, int(rng.integers(499)))
    second = pl.Series("second_id_no", [None], dtype=pl.String).new_from_index(0, count)
    return second.scatter(chosen, numbers) if len(chosen) else second
