"""The registers of who lives, is born, dies and marries in the city, as their departments know it."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl

from connectors.contract import Contract
from connectors.sample.city import PERSON, City
from connectors.sample.dirt import Effect
from connectors.sample.draws import choose
from connectors.sample.lives import PAST, make_marriages
from connectors.sample.places import DISTRICTS, ELSEWHERE, STATISTICAL
from connectors.sample.population import YEAR
from connectors.sample.soiling import Soiling

HOSPITALS = (
    "威海市立医院",
    "威海市中心医院",
    "威海市妇幼保健院",
    "荣成市人民医院",
    "乳山市人民医院",
    "威海卫人民医院",
    "文登整骨医院",
)
EDUCATION = {
    "小学": "小学教育",
    "初中": "初级中学教育",
    "高中": "普通高级中学教育",
    "中等职业": "中等职业教育",
    "大学专科": "大学专科教育",
    "大学本科": "大学本科教育",
    "硕士研究生": "研究生教育",
}
"""The words of the generator and those of GB/T 4658."""
_RELATION_WORDS = {
    **{("户主", sex): "户主" for sex in "男女"},
    **{("配偶", sex): "配偶" for sex in "男女"},
    ("子女", "男"): "子",
    ("子女", "女"): "女",
    ("父母", "男"): "父亲",
    ("父母", "女"): "母亲",
}
"""Relation and sex -> the words of GB/T 4761."""


def born_in() -> pl.Expr:
    """Return the place that an identity number begins with."""
    places = {str(code): place for code, place in ELSEWHERE.items()} | {
        code: f"山东省威海市{name}" for code, name in DISTRICTS.items()
    }
    return pl.col("id_no").str.slice(0, 6).replace_strict(places, default="山东省文登市", return_dtype=pl.String)


def district_names(divisions: pl.Expr | pl.Series) -> pl.Expr:
    """Return the district that division codes lie in; the development zones belong to one."""
    code = divisions if isinstance(divisions, pl.Expr) else pl.lit(divisions)
    return code.str.slice(0, 6).replace(STATISTICAL).replace_strict(DISTRICTS, return_dtype=pl.String)


def relation_words() -> pl.Expr:
    """Return everybody's relation to the head of the household."""
    keys = {relation + sex: word for (relation, sex), word in _RELATION_WORDS.items()}
    return pl.concat_str("relation", "sex").replace_strict(keys, return_dtype=pl.String)


def _schooling() -> pl.Expr:
    age = pl.col("age")
    return (
        pl.when(age < 7)
        .then(pl.lit("其他"))
        .when(age < 13)
        .then(pl.lit("小学教育"))
        .when(age < 16)
        .then(pl.lit("初级中学教育"))
        .when(age < 19)
        .then(pl.lit("普通高级中学教育"))
        .otherwise(pl.col("education").replace_strict(EDUCATION, return_dtype=pl.String))
    )


def household_population(city: City, contract: Contract) -> Soiling:
    """Make public_security__household_population: everybody registered here, those who left or died included."""
    day = pl.lit(city.as_of)
    early = city.marks("listed before numbered", city.noise.newborn_without_number)
    streets = dict(city.places.streets.select("code", "name").iter_rows())
    ethnicities = pl.read_csv(city.seeds / "ethnicities.csv", infer_schema=False).filter(
        pl.col("is_preferred") == "true"
    )
    words = dict(ethnicities.select("code", "name").iter_rows())
    cancelled = pl.when(pl.col("cancelled_on") <= day).then("cancelled_on")
    moved_out = pl.when(pl.col("moved_out_on") <= day).then("moved_out_on")
    listed = pl.when(early).then(pl.col("birth_date") + timedelta(days=10)).otherwise("number_on") <= day
    table = (
        city.present.lazy()
        .filter(pl.col("is_registered") & pl.col("is_born") & listed)
        .select(
            "id_no",
            pl.col("name_now").alias("name"),
            "former_name",
            pl.col("sex").alias("sex_code"),
            pl.col("ethnicity_code").replace_strict(words, return_dtype=pl.String),
            "birth_date",
            born_in().alias("birth_place"),
            pl.when(pl.col("moved_in_on").is_null())
            .then(pl.lit("山东省威海市"))
            .otherwise(born_in())
            .alias("native_place"),
            "household_no",
            relation_words().alias("relation_code"),
            pl.col("division_code").alias("registered_division_code"),
            pl.col("address").alias("registered_address"),
            (pl.col("division_code").replace_strict(streets, return_dtype=pl.String) + "派出所").alias(
                "police_station"
            ),
            _schooling().alias("education_code"),
            pl.col("marital_now").alias("marital_status"),
            "moved_in_on",
            moved_out.alias("moved_out_on"),
            cancelled.alias("cancelled_on"),
            pl.when(cancelled.is_not_null()).then(pl.lit("死亡")).alias("cancel_reason"),
            pl.max_horizontal(
                "birth_date",
                "moved_in_on",
                moved_out,
                cancelled,
                pl.when(pl.col("renamed_on") <= day).then("renamed_on"),
            )
            .cast(pl.Datetime("us"))
            .alias("updated_at"),
            pl.col("person_no").alias(PERSON),
            pl.col("has_number").alias("_has_number"),
        )
        .collect()
    )
    soiling = Soiling(city, contract, table.drop("_has_number"))
    unnumbered = ~table["_has_number"].to_numpy()
    soiling.leave_out("id_no", unnumbered, "newborn_without_number")
    soiling.people(PERSON, number="id_no", name="name")
    soiling.addresses(PERSON, "registered_address")
    return soiling


def residence_permits(city: City, contract: Contract) -> Soiling:
    """Make public_security__residence_permit: most of those who live here and are registered elsewhere."""
    day = pl.lit(city.as_of)
    registered = pl.col("arrived_on") + city.days("permit registered", 90)
    kept = city.marks("permit renewed", 0.85)
    road = choose(city.stream("permit roads"), city.places.roads, len(city.people))
    years = ((day - pl.col("registered_on")).dt.total_days() / YEAR).floor().cast(pl.Int64)
    table = (
        city.present.lazy()
        .with_columns(registered_on=registered.cast(pl.Date), road=road, kept=kept)
        .filter(
            pl.col("is_here")
            & ~pl.col("is_registered")
            & (pl.col("registered_on") <= day)
            & city.marks("has permit", 0.85)
        )
        .with_columns(years=pl.when("kept").then(years).otherwise(0) + 1)
        .select(
            ("JZ3710" + pl.col("person_no").cast(pl.String).str.zfill(9)).alias("permit_no"),
            "id_no",
            pl.col("name_now").alias("name"),
            pl.col("sex").alias("sex_code"),
            "birth_date",
            (born_in() + "东风" + pl.col("road").str.tail(1) + "18号").alias("registered_address"),
            pl.col("division_now").alias("current_division_code"),
            pl.col("address_now").alias("current_address"),
            "phone",
            "registered_on",
            (pl.col("registered_on") + pl.duration(days=365 * pl.col("years"))).cast(pl.Date).alias("expires_on"),
            pl.col("person_no").alias(PERSON),
        )
        .collect()
    )
    soiling = Soiling(city, contract, table)
    soiling.people(PERSON, number="id_no", name="name")
    soiling.addresses(PERSON, "current_address", stale="address")
    soiling.phones(PERSON, "phone")
    return soiling


def birth_certificates(city: City, contract: Contract) -> Soiling:
    """Make health__birth_certificate: the births of the last three years whose certificate is issued."""
    day, people = pl.lit(city.as_of), city.present
    since = city.first_as_of - timedelta(days=3 * 365)
    issued = pl.col("birth_date") + city.days("birth issued", 15) + timedelta(days=1)
    seconds = pl.Series((city.chance("birth hour") * 86_400).astype(np.int64))
    hospital = choose(city.stream("birth hospitals"), HOSPITALS, len(people))
    unnamed = city.marks("unnamed", 0.1)
    table = (
        people.lazy()
        .with_columns(issued_on=issued.cast(pl.Date), seconds=seconds, hospital=hospital, unnamed=unnamed)
        .filter((pl.col("birth_date") > since) & (pl.col("issued_on") <= day) & pl.col("mother_no").is_not_null())
        .collect()
    )
    parents: dict[str, pl.Series] = {}
    for parent in ("mother", "father"):
        rows = people[table[f"{parent}_no"]]
        parents |= {f"{parent}_name": rows["name_now"], f"{parent}_id_no": rows["id_no"]}
    table = table.with_columns(**parents).select(
        ("V" + (pl.col("person_no") + 371_000_000).cast(pl.String)).alias("birth_cert_no"),
        pl.when(~pl.col("unnamed")).then("name").alias("baby_name"),
        pl.col("sex").alias("sex_code"),
        (pl.col("birth_date").cast(pl.Datetime("us")) + pl.duration(seconds=pl.col("seconds"))).alias("born_at"),
        *parents,
        pl.col("hospital").alias("hospital_name"),
        "issued_on",
        pl.col("person_no").alias(PERSON),
        pl.col("mother_no").alias("_mother"),
        pl.col("father_no").alias("_father"),
    )
    soiling = Soiling(city, contract, table)
    soiling.people("_mother", number="mother_id_no", name="mother_name")
    soiling.people("_father", number="father_id_no", name="father_name")
    return soiling


def death_certificates(city: City, contract: Contract) -> Soiling:
    """Make health__death_certificate: nearly all deaths of the last years."""
    day = pl.lit(city.as_of)
    count = len(city.people)
    reported = pl.col("died_at").dt.date() + city.days("death reported", 4)
    cause = choose(city.stream("causes"), ("I21.9", "I63.9", "C34.9", "C16.9", "J44.1", "E14.9", "I25.1"), count)
    place = choose(city.stream("death places"), ("医院", "家中", "养老机构", "其他"), count, (0.4, 0.5, 0.07, 0.03))
    reporter = choose(city.stream("reporters"), HOSPITALS, count)
    table = (
        city.present.lazy()
        .with_columns(reported_on=reported.cast(pl.Date), cause=cause, place=place, reporter=reporter)
        .filter((pl.col("reported_on") <= day) & pl.col("has_arrived") & city.marks("death certified", 0.97))
        .select(
            ("SW" + (pl.col("person_no") + 371_000_000).cast(pl.String)).alias("death_cert_no"),
            "id_no",
            pl.col("name_now").alias("name"),
            pl.col("sex").alias("sex_code"),
            "died_at",
            pl.col("cause").alias("cause_code"),
            "place",
            "reporter",
            "reported_on",
            pl.col("person_no").alias(PERSON),
            pl.col("birth_date").alias("_birth_date"),
        )
        .collect()
    )
    soiling = Soiling(city, contract, table.drop("_birth_date"))
    early = table.select(pl.col("_birth_date").cast(pl.Datetime("us")) - pl.duration(days=300, hours=-9)).to_series()
    where = soiling.draw(PERSON, "death before birth") < city.noise.death_before_birth
    soiling.plant("died_at", where, early, "death_before_birth", Effect.KEPT)
    soiling.people(PERSON, number="id_no", name="name")
    return soiling


def cremations(city: City, contract: Contract) -> Soiling:
    """Make civil_affairs__cremation: most deaths of the last years."""
    day = pl.lit(city.as_of)
    cremated = pl.col("died_at").dt.date() + city.days("cremated", 4) + timedelta(days=1)
    table = (
        city.present.lazy()
        .with_columns(cremated_on=cremated.cast(pl.Date))
        .filter((pl.col("cremated_on") <= day) & pl.col("has_arrived") & city.marks("is cremated", 0.93))
        .select(
            ("HH" + (pl.col("person_no") + 371_000_000).cast(pl.String)).alias("cremation_no"),
            "id_no",
            pl.col("name_now").alias("name"),
            "cremated_on",
            (district_names(pl.col("division_code")) + "殡仪馆").alias("facility"),
            pl.col("person_no").alias(PERSON),
        )
        .collect()
    )
    soiling = Soiling(city, contract, table)
    soiling.people(PERSON, number="id_no", name="name")
    return soiling


def marriages(city: City, contract: Contract) -> Soiling:
    """Make civil_affairs__marriage: what was registered since the system was introduced, and by the date."""
    people = city.present
    pairs = make_marriages(city.people, city.stream("marriages"), city.first_as_of, city.noise)
    parts = [
        pairs.filter(pl.col(on).is_not_null()).select(
            pl.lit(kind).alias("kind"), "husband_no", "wife_no", pl.col(on).alias("registered_on"),
            pl.lit(mark).alias("m"),
            (pl.col("divorced_on") == pl.col("married_on")).fill_null(value=False).alias("_same_day"),
        )
        for kind, on, mark in (("结婚", "married_on", "J"), ("离婚", "divorced_on", "L"), ("补领", "reissued_on", "BJ"))
    ]  # fmt: skip
    table = pl.concat(parts).filter(
        (pl.col("registered_on") <= city.as_of) & (pl.col("registered_on") > city.first_as_of - 2 * PAST)
    )
    husband, wife = people[table["husband_no"]], people[table["wife_no"]]
    district = wife["division_code"].str.slice(0, 6).replace(STATISTICAL)
    named = ~(pl.Series(city.stream("reissued for").random(len(table)) < 0.1) & (table["kind"] == "补领"))
    table = table.select(
        pl.concat_str(
            "m",
            district,
            pl.lit("-"),
            pl.col("registered_on").dt.year(),
            pl.lit("-"),
            (pl.col("husband_no") + 1).cast(pl.String).str.zfill(7),
        ).alias("registration_no"),
        "kind",
        pl.when(named).then(husband["name_now"]).alias("husband_name"),
        pl.when(named).then(husband["id_no"]).alias("husband_id_no"),
        wife["name_now"].alias("wife_name"),
        wife["id_no"].alias("wife_id_no"),
        "registered_on",
        (district_names(district) + "婚姻登记处").alias("office"),
        pl.col("husband_no").alias("_husband"),
        pl.col("wife_no").alias("_wife"),
        "_same_day",
    )
    soiling = Soiling(city, contract, table.drop("_same_day"))
    if city.noise.number_typo:
        soiling.note_rows(table["_same_day"].to_numpy(), "married_and_divorced_on_one_day")
    soiling.people("_husband", number="husband_id_no", name="husband_name")
    soiling.people("_wife", number="wife_id_no", name="wife_name")
    return soiling
