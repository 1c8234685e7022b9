"""The registers of what people live on: insurance, pensions, allowances, school and former service."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl

from connectors.contract import Contract
from connectors.sample.city import ENTITY, PERSON, RELEVANT, City
from connectors.sample.draws import choose
from connectors.sample.employment import EMPLOYED, employees, ended_month, is_new_it, is_payee
from connectors.sample.population import YEAR
from connectors.sample.residents import relation_words
from connectors.sample.schools_hospitals import schools
from connectors.sample.soiling import Soiling

_STAGES = {"小学": (6, 6), "初中": (12, 3), "高中": (15, 3)}
"""School stage -> age at its first grade, and its grades."""
_GRADES = "一二三四五六"


def subsistence_allowances(city: City, contract: Contract) -> Soiling:
    """Make civil_affairs__subsistence_allowance: whole families, every living member a row."""
    household = pl.col("household_no").cast(pl.Int64) - 371_000_001
    poor = pl.Series(city.stream("poor").random(len(city.people)))
    since = pl.Series(city.stream("poor since").integers(30, 1800, len(city.people)))
    members = (
        city.present.lazy()
        .with_columns(poor=pl.lit(poor).gather(household), since=pl.lit(since).gather(household))
        .filter(pl.col("is_here") & pl.col("is_registered") & pl.col("has_number") & (pl.col("poor") < 0.02))
        .collect()
    )
    table = members.select(
        ("DB" + pl.col("household_no")).alias("family_no"),
        "id_no",
        pl.col("name_now").alias("name"),
        relation_words().alias("relation"),
        (540 * pl.len().over("household_no") + (pl.col("poor") * 10_000).floor())
        .cast(pl.Int64)
        .alias("monthly_amount_cny"),
        (pl.lit(city.first_as_of) - pl.duration(days=pl.col("since"))).cast(pl.Date).alias("starts_on"),
        pl.lit(None, dtype=pl.Date).alias("ends_on"),
        pl.col("division_code"),
        pl.col("person_no").alias(PERSON),
    )
    soiling = Soiling(city, contract, table)
    soiling.people(PERSON, number="id_no", name="name")
    return soiling


def social_insurance(city: City, contract: Contract) -> Soiling:
    """Make human_resources__social_insurance: the month's contributions of employees."""
    base = pl.Series(3_457 + (city.chance("wages") ** 3 * 180).astype(np.int64) * 100)
    person = employees(city).with_columns(
        base=pl.lit(base).gather("person_no"), uscc=pl.col("employer_uscc"), counted=is_new_it()
    )
    parts = [
        person.filter(~pl.col("alone") | pl.lit(kind == "城镇职工基本养老保险")).select(
            ("GR" + (pl.col("person_no") + 37_100_000).cast(pl.String)).alias("person_no"),
            pl.lit("正常").alias("payment_kind"),
            "id_no",
            pl.col("name_now").alias("name"),
            pl.when(~pl.col("alone")).then("uscc").alias("uscc"),
            pl.when("alone").then(pl.lit("灵活就业")).otherwise("employer_name").alias("employer_name"),
            pl.lit(kind).alias("insurance_type"),
            pl.lit(ended_month(city.as_of)).alias("period"),
            pl.col("base").alias("base_cny"),
            pl.lit("参保缴费").alias("status"),
            "phone",
            pl.col("person_no").alias(PERSON),
            pl.when(~pl.col("alone")).then("employer_no").alias(ENTITY),
            pl.col("alone").alias("_alone"),
            pl.col("uscc").alias("_uscc"),
            (pl.col("counted") & pl.lit(kind == "城镇职工基本养老保险")).alias(RELEVANT),
        )
        for kind in ("城镇职工基本养老保险", "失业保险")
    ]
    table = pl.concat(parts)
    alone_rows = table["_alone"].to_numpy()
    soiling = Soiling(city, contract, table.with_columns(uscc=pl.col("_uscc")).drop("_alone", "_uscc"))
    soiling.spare(table[RELEVANT].to_numpy(), "id_no", "name")
    soiling.leave_out("uscc", alone_rows, "no_employer")
    soiling.people(PERSON, number="id_no", name="name")
    soiling.phones(PERSON, "phone")
    return soiling


def pension_payments(city: City, contract: Contract) -> Soiling:
    """Make human_resources__pension_payment: the month's payments, a few of them to the dead."""
    people = city.present
    unnoticed = city.marks("pension after death", city.noise.pension_after_death)
    amount = pl.Series(1_200 + (city.chance("pensions") * 4_800).astype(np.int64))
    account = pl.Series((city.chance("accounts") * 10**13).astype(np.int64)).cast(pl.String).str.zfill(13)
    table = (
        people.lazy()
        .with_columns(amount=amount, account=account, unnoticed=unnoticed)
        .with_columns(
            verified=city.days("verified", 500),
            last_day=pl.min_horizontal(pl.lit(city.first_as_of), pl.col("died_at").dt.date()),
        )
        .filter(
            is_payee()
            & pl.col("is_registered")
            & ~pl.col("has_left")
            & (pl.col("is_alive") | (pl.col("unnoticed") & pl.col("is_dead")))
            & city.marks("payees", 0.85)
        )
        .select(
            ("TX" + (pl.col("person_no") + 37_100_000).cast(pl.String)).alias("pension_no"),
            pl.lit("正常").alias("payment_kind"),
            "id_no",
            pl.col("name_now").alias("name"),
            pl.lit(f"{city.as_of:%Y%m}").alias("period"),
            pl.col("amount").alias("amount_cny"),
            ("621700" + pl.col("account")).alias("bank_account"),
            (pl.col("last_day") - pl.col("verified")).cast(pl.Date).alias("last_verified_on"),
            pl.col("person_no").alias(PERSON),
            pl.col("is_dead").alias("_is_dead"),
        )
        .collect()
    )
    soiling = Soiling(city, contract, table.drop("_is_dead"))
    soiling.note_rows(table["_is_dead"].to_numpy(), "pension_after_death")
    soiling.people(PERSON, number="id_no", name="name")
    return soiling


def insured(city: City, contract: Contract) -> Soiling:
    """Make medical_security__insured: nearly everybody who lives here, newborns without a number among them."""
    people = city.present
    early = city.marks("insured before numbered", city.noise.newborn_without_number)
    visited = pl.lit(city.first_as_of) - city.days("visits", 900)
    was_ill = city.marks("was ill", 0.9)
    is_insured = pl.Series(city.chance("insured")) < pl.when("is_registered").then(0.96).otherwise(0.6)
    employed = city.marks("employed", EMPLOYED) & pl.col("age").is_between(20, 59)
    table = (
        people.lazy()
        .filter(pl.col("is_here") & is_insured & (pl.col("has_number") | early))
        .select(
            ("YB" + (pl.col("person_no") + 37_100_000).cast(pl.String)).alias("insured_no"),
            "id_no",
            pl.col("name_now").alias("name"),
            "birth_date",
            pl.col("person_no").alias(PERSON),
            pl.col("has_number").alias("_has_number"),
            pl.lit("正常参保").alias("status"),
            pl.col("division_now").str.slice(0, 6).alias("division_code"),
        )
        .collect()
    )
    rows = table[PERSON]
    extra = people.select(
        insured_kind=pl.when(employed).then(pl.lit("职工基本医疗保险")).otherwise(pl.lit("城乡居民基本医疗保险")),
        last_visit_on=pl.when((visited >= pl.col("birth_date")) & was_ill).then(visited.cast(pl.Date)),
    )[rows]
    unnumbered = ~table["_has_number"].to_numpy()
    soiling = Soiling(city, contract, table.drop("_has_number").hstack(extra))
    soiling.leave_out("id_no", unnumbered, "newborn_without_number")
    soiling.people(PERSON, number="id_no", name="name")
    return soiling


def students(city: City, contract: Contract) -> Soiling:
    """Make education__student: those of school age, half-yearly; school numbers carry the identity number."""
    people = city.present
    listed = schools(city)
    age = ((pl.lit(city.first_as_of) - pl.col("birth_date")).dt.total_days() / YEAR).floor().cast(pl.Int64)
    parts = []
    for stage, (first, grades) in _STAGES.items():
        codes = listed.filter(pl.col("stage") == stage)["school_code"]
        school = codes.gather((city.chance("school", stage) * len(codes)).astype(np.int64))
        parts.append(
            people.with_columns(school_code=school, age=age)
            .filter(pl.col("is_here") & pl.col("age").is_between(first, first + grades - 1))
            .with_columns(grade=pl.lit(stage) + pl.lit(pl.Series(list(_GRADES))).gather(pl.col("age") - first) + "年级")
        )
    pupil = pl.concat(parts).sort("person_no")
    parent = people[pupil.select(pl.coalesce("mother_no", "father_no")).to_series()]
    table = pupil.with_columns(guardian_name=parent["name_now"], guardian_phone=parent["phone"]).select(
        ("G" + pl.col("id_no")).alias("student_no"),
        "id_no",
        pl.col("name_now").alias("name"),
        "birth_date",
        "school_code",
        "grade",
        pl.lit("在读").alias("status"),
        "guardian_name",
        "guardian_phone",
        pl.col("person_no").alias(PERSON),
        pl.coalesce("mother_no", "father_no").alias("_guardian"),
    )
    soiling = Soiling(city, contract, table)
    soiling.people(PERSON, number="id_no", name="name")
    soiling.people("_guardian", number=None, name="guardian_name")
    soiling.phones(PERSON, "guardian_phone")
    return soiling


def veterans(city: City, contract: Contract) -> Soiling:
    """Make veterans__veteran: who served two to sixteen years from the age of eighteen on."""
    people = city.present
    enlisted = pl.col("birth_date") + city.days("enlisted", 900) + timedelta(days=6_700)
    served = (pl.Series(2 + city.chance("served") ** 3 * 14) * YEAR).floor()
    category = choose(
        city.stream("veterans"),
        ("非优抚对象", "残疾军人", "参战退役人员", "农村籍退役士兵"),
        len(people),
        (0.8, 0.04, 0.04, 0.12),
    )
    table = (
        people.lazy()
        .with_columns(enlisted_on=enlisted.cast(pl.Date), served=served, category=category)
        .with_columns(discharged_on=(pl.col("enlisted_on") + pl.duration(days=pl.col("served"))).cast(pl.Date))
        .filter(
            pl.col("is_here")
            & pl.col("is_registered")
            & (pl.col("discharged_on") <= city.as_of)
            & (pl.Series(city.chance("veteran")) < pl.when(pl.col("sex") == "男").then(0.05).otherwise(0.003))
        )
        .select(
            "id_no",
            pl.col("name_now").alias("name"),
            "enlisted_on",
            "discharged_on",
            "category",
            pl.col("address_now").alias("address"),
            "phone",
            pl.col("person_no").alias(PERSON),
        )
        .collect()
    )
    soiling = Soiling(city, contract, table)
    soiling.people(PERSON, number="id_no", name="name")
    soiling.addresses(PERSON, "address", stale="address")
    soiling.phones(PERSON, "phone")
    return soiling
