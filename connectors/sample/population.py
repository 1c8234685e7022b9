"""The people of the sample city on the day it is founded: households, families, names and identity numbers."""

from __future__ import annotations

from datetime import date

import numpy as np
import numpy.typing as npt
import polars as pl

from connectors.sample.draws import choose, positions, read_table, some
from connectors.sample.identifiers import identity_numbers
from connectors.sample.noise import Noise
from connectors.sample.places import Places

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

HEAD, SPOUSE, CHILD, PARENT = range(4)
RELATIONS = ("户主", "配偶", "子女", "父母")
YEAR = 365.2425
RARE_CHARACTERS = "𬱟㛃犇堃喆燊翀玥𫖯垚"
"""Characters that some departments' systems cannot write."""
_DOTTED = (
    ("阿卜杜拉", "买买提", "古丽娜尔", "阿依古丽", "艾力"),
    ("热合曼", "吐尔逊", "阿卜力米提", "艾合买提", "依明"),
)
_STRANGERS = 0.12
"""Share of households that live here and are registered elsewhere."""
_SIZES = (0.20, 0.34, 0.27, 0.12, 0.05, 0.02)
"""Shares of households of one to six persons."""
_ETHNICITIES = {"01": 0.985, "11": 0.006, "10": 0.004, "03": 0.002, "02": 0.002, "15": 0.001}
"""GB/T 3304 codes and their shares: mostly 汉族, some 满族, 朝鲜族, 回族, 蒙古族, 土家族."""
_EDUCATION = ("小学", "初中", "高中", "中等职业", "大学专科", "大学本科", "硕士研究生")


def make_population(
    count: int, rng: np.random.Generator, as_of: date, places: Places, noise: Noise | None = None
) -> pl.DataFrame:
    """Make `count` persons in households, as of a date.

    Args:
        count: how many.
        rng: the stream to draw from.
        as_of: nobody is born later than this.
        places: where they live.
        noise: how many twins, namesakes next door and rare names there are.

    Returns:
        One row per person: person_no, household_no, relation, surname, name, sex, ethnicity_code, birth_date, id_no,
        division_code (9 digits), address, marital_status, education, phone, is_registered (here, and not elsewhere),
        and father_no, mother_no, spouse_no (person_no of relatives in the same household, else null).
    """
    (more,) = rng.spawn(1)
    noise = noise or Noise()
    household, role, size = _households(count, rng)
    starts = np.flatnonzero(role == HEAD)
    head = starts[household]
    couple = np.zeros(len(starts), dtype=np.bool_)
    couple[household[role == SPOUSE]] = True
    male = _sexes(rng, role, starts, household)
    birth = _births(rng, role, household, couple, as_of)
    father, mother, spouse = _relatives(role, male, head, couple, household)
    birth = _with_twins(more, birth, role, household, noise.twins)
    strangers = some(more, len(starts), _STRANGERS)[household]
    births = as_numbers(birth)
    homes = places.addresses(rng, len(starts))[household]
    surname, names = _names(rng, role, male, head, father)
    adult = (np.datetime64(as_of, "D") - birth).astype(np.int64) > 22 * YEAR
    married = (role == SPOUSE) | ((role == HEAD) & couple[household])
    people = pl.DataFrame(
        {
            "person_no": pl.Series(np.arange(count), dtype=pl.Int32),
            "household_no": pl.Series(household + 371_000_001).cast(pl.String),
            "relation": pl.Series(RELATIONS, dtype=pl.String).gather(role),
            "surname": surname,
            "name": names,
            "sex": pl.Series(["女", "男"], dtype=pl.String).gather(male.astype(np.int64)),
            "ethnicity_code": choose(rng, list(_ETHNICITIES), count, list(_ETHNICITIES.values())),
            "birth_date": pl.Series(birth),
            "id_no": identity_numbers(
                places.first_registrations(rng, homes["district"], births, strangers),
                births,
                male,
                int(rng.integers(499)),
            ),
            "division_code": homes["division_code"],
            "address": _rooms(rng, homes["address"], household),
            "marital_status": pl.Series(
                np.select(
                    [married, role == PARENT, adult & (size > 1) & (role == HEAD)], ["已婚", "丧偶", "离婚"], "未婚"
                )
            ),
            "education": choose(rng, _EDUCATION, count, (10, 30, 16, 12, 17, 13, 2)),
            "phone": _phones(rng, count),
            "father_no": _nullable(father),
            "mother_no": _nullable(mother),
            "spouse_no": _nullable(spouse),
            "is_registered": ~strangers,
        }
    )
    return _with_namesakes(more, _with_rare_names(more, people, (role == HEAD) & (size == 1), noise), size, noise)


def _with_twins(
    rng: np.random.Generator, birth: npt.NDArray[np.datetime64], role: IntArray, household: IntArray, share: float
) -> npt.NDArray[np.datetime64]:
    """Let some children share the day of birth of the child before them."""
    second = np.flatnonzero((role[1:] == CHILD) & (role[:-1] == CHILD) & (household[1:] == household[:-1])) + 1
    second = second[some(rng, len(second), share)]
    birth = birth.copy()
    birth[second] = birth[second - 1]
    return birth


def _with_rare_names(rng: np.random.Generator, people: pl.DataFrame, alone: BoolArray, noise: Noise) -> pl.DataFrame:
    """Give some people a character that few systems know, and some of those who live alone a name with a dot."""
    count = len(people)
    rare = pl.Series(list(RARE_CHARACTERS)).gather(rng.integers(0, len(RARE_CHARACTERS), count))
    is_rare = pl.Series(some(rng, count, noise.rare_names))
    dotted = pl.Series(alone & some(rng, count, noise.dotted_names))
    first, last = (choose(rng, part, count) for part in _DOTTED)
    return people.with_columns(
        name=pl.when(dotted)
        .then(first + "·" + last)
        .when(is_rare)
        .then(pl.col("name").str.head(-1) + rare)
        .otherwise("name"),
        surname=pl.when(dotted).then(first).otherwise("surname"),
        ethnicity_code=pl.when(dotted).then(pl.lit("05")).otherwise("ethnicity_code"),
    )


def _with_namesakes(rng: np.random.Generator, people: pl.DataFrame, size: IntArray, noise: Noise) -> pl.DataFrame:
    """Let some of those who live alone be named like the head of the household next door, in the same building."""
    heads = (people["relation"] == RELATIONS[HEAD]).arg_true().to_numpy()
    sex = (people["sex"] == "男").to_numpy()
    fits = (size[heads[1:]] == 1) & (sex[heads[1:]] == sex[heads[:-1]]) & some(rng, len(heads) - 1, noise.namesakes)
    other = np.arange(len(people))
    other[heads[1:][fits]] = heads[:-1][fits]
    is_namesake = pl.Series(other != np.arange(len(people)))
    room = pl.Series(rng.integers(601, 605, len(people))).cast(pl.String) + "室"
    return people.with_columns(
        *(pl.col(c).gather(pl.Series(other)) for c in ("surname", "name", "division_code", "address", "is_registered"))
    ).with_columns(
        address=pl.when(is_namesake).then(pl.col("address").str.replace(r"\d+室$", "") + room).otherwise("address")
    )


def _households(count: int, rng: np.random.Generator) -> tuple[IntArray, IntArray, IntArray]:
    """Return household, role and household size of every person."""
    sizes = 1 + positions(rng, len(_SIZES), count, _SIZES)
    ends = np.cumsum(sizes)
    households = int(np.searchsorted(ends, count)) + 1
    sizes = sizes[:households].copy()
    sizes[-1] -= int(ends[households - 1]) - count
    starts = np.cumsum(sizes) - sizes
    household = np.repeat(np.arange(households), sizes)
    place = np.arange(count) - starts[household]
    couple = (sizes >= 2) & (rng.random(households) < 0.88)
    parents = np.where(sizes >= 5, 1 + (rng.random(households) < 0.6), (sizes == 4) & (rng.random(households) < 0.25))
    own = sizes[household]
    role = np.where(
        place == 0,
        HEAD,
        np.where((place == 1) & couple[household], SPOUSE, np.where(place < own - parents[household], CHILD, PARENT)),
    )
    return household, role.astype(np.int64), own


def _sexes(rng: np.random.Generator, role: IntArray, starts: IntArray, household: IntArray) -> BoolArray:
    male = some(rng, len(role), 0.515)
    male[starts] = some(rng, len(starts), 0.72)
    male = np.where(role == SPOUSE, ~male[starts[household]], male)
    parents = np.flatnonzero(role == PARENT)
    second = np.r_[False, household[parents][1:] == household[parents][:-1]] if len(parents) else parents.astype(bool)
    male[parents] = second
    return male


def _births(
    rng: np.random.Generator, role: IntArray, household: IntArray, couple: BoolArray, as_of: date
) -> npt.NDArray[np.datetime64]:
    """Draw ages so that children are born to adults and nobody is born after the date."""
    count, households = len(role), len(couple)
    has_child = np.zeros(households, dtype=np.bool_)
    has_child[household[role == CHILD]] = True
    has_parent = np.zeros(households, dtype=np.bool_)
    has_parent[household[role == PARENT]] = True
    head_age = np.where(has_child, 24 + 34 * rng.beta(1.6, 1.7, households), 21 + 70 * rng.beta(1.5, 1.4, households))
    head_age = np.where(has_parent & (head_age > 58), rng.uniform(40, 58, households), head_age)
    spouse_age = head_age + rng.normal(-0.6, 2.6, households)
    spouse_age = np.where(spouse_age < 21.5, rng.uniform(21.5, 24, households), spouse_age)
    younger = np.where(couple, np.minimum(head_age, spouse_age), head_age)
    first_at = 20.5 + (np.minimum(35.5, younger - 0.2) - 20.5) * rng.beta(1.8, 1.8, households)
    gap = rng.uniform(1.6, 5.0, households)
    order = np.cumsum(role == CHILD)
    order = order - np.maximum.accumulate(np.where(role == HEAD, order, 0)) - 1
    child_age = (younger - first_at)[household] - np.maximum(order, 0) * gap[household]
    child_age = np.where(child_age < 0.05, (younger - first_at)[household], child_age)
    parent_age = head_age[household] + rng.uniform(22, 34, count)
    age = np.select(
        [role == HEAD, role == SPOUSE, role == CHILD],
        [head_age[household], spouse_age[household], child_age],
        parent_age,
    )
    days = np.maximum((age * YEAR).astype(np.int64), 1)
    return np.datetime64(as_of, "D") - days.astype("timedelta64[D]")


def _relatives(
    role: IntArray, male: BoolArray, head: IntArray, couple: BoolArray, household: IntArray
) -> tuple[IntArray, IntArray, IntArray]:
    """Return father, mother and spouse of every person in the same household; -1 where there is none."""
    count = len(role)
    father, mother, spouse = (np.full(count, -1, dtype=np.int64) for _ in range(3))
    child = role == CHILD
    paired = couple[household]
    partner = head + 1
    father[child] = np.where(male[head], head, np.where(paired, partner, -1))[child]
    mother[child] = np.where(~male[head], head, np.where(paired, partner, -1))[child]
    parents = np.flatnonzero(role == PARENT)
    father[head[parents[male[parents]]]] = parents[male[parents]]
    mother[head[parents[~male[parents]]]] = parents[~male[parents]]
    is_head = (role == HEAD) & paired
    spouse[is_head] = partner[is_head]
    spouse[role == SPOUSE] = head[role == SPOUSE]
    return father, mother, spouse


def _names(
    rng: np.random.Generator, role: IntArray, male: BoolArray, head: IntArray, father: IntArray
) -> tuple[pl.Series, pl.Series]:
    """Draw surnames and names; children and heads carry their father's surname, a single mother's child hers."""
    surnames = read_table("surnames.csv")
    weights = surnames["weight"].cast(pl.Float64).to_list()
    surname = positions(rng, len(weights), len(role), weights)
    parent = (role == PARENT) & male
    surname = np.where(parent, surname[head], surname)
    surname = np.where(role == CHILD, surname[np.where(father >= 0, father, head)], surname)
    family = surnames["surname"].gather(surname)
    first = given_names(rng, male, np.ones(len(role), dtype=np.bool_))
    return family, pl.Series("name", family + first + given_names(rng, male, some(rng, len(role), 0.84)))


def given_names(rng: np.random.Generator, male: BoolArray, present: BoolArray) -> pl.Series:
    """Draw one character of a given name for each, fit for the sex; empty where none is to be present."""
    table = read_table("given_names.csv")
    drawn = {}
    for sex in ("男", "女"):
        own = table.filter(pl.col("sex") == sex)
        drawn[sex] = choose(rng, own["character"].to_list(), len(male), own["weight"].cast(pl.Float64).to_list())
    frame = pl.DataFrame({"m": drawn["男"], "f": drawn["女"], "male": male, "present": present})
    return frame.select(
        pl.when(~pl.col("present")).then(pl.lit("")).when("male").then("m").otherwise("f").alias("given")
    )["given"]


def _rooms(rng: np.random.Generator, addresses: pl.Series, household: IntArray) -> pl.Series:
    households = int(household[-1]) + 1
    rooms = pl.Series(rng.integers(1, 6, households)).cast(pl.String) + "单元"
    rooms = (
        rooms + pl.Series(rng.integers(1, 19, households) * 100 + rng.integers(1, 5, households)).cast(pl.String) + "室"
    )
    return (addresses + rooms.gather(household)).alias("address")


def _phones(rng: np.random.Generator, count: int) -> pl.Series:
    prefixes = choose(rng, ("135", "136", "137", "138", "139", "150", "158", "178", "186", "189"), count)
    return (prefixes + pl.Series(rng.integers(0, 10**8, count)).cast(pl.String).str.zfill(8)).alias("phone")


def as_numbers(days: npt.NDArray[np.datetime64]) -> IntArray:
    """Return days as the numbers YYYYMMDD."""
    dates = pl.Series(days)
    return (
        (
            dates.dt.year().cast(pl.Int64) * 10_000
            + dates.dt.month().cast(pl.Int64) * 100
            + dates.dt.day().cast(pl.Int64)
        )
        .to_numpy()
        .astype(np.int64)
    )


def _nullable(numbers: IntArray) -> pl.Series:
    series = pl.Series(numbers, dtype=pl.Int32)
    return series.set(series < 0, None)
