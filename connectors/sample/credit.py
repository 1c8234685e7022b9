"""The credit registers: permits, penalties, red and black lists, judgment debtors, personal scores."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from connectors.contract import Contract
from connectors.sample.city import ENTITY, PERSON, City
from connectors.sample.draws import choose
from connectors.sample.government import departments
from connectors.sample.legal_entities import all_entities, entity_codes, entity_names
from connectors.sample.soiling import Soiling

_DAYS_BACK, _DAYS_AHEAD = 1_000, 400
LONG_TERM = date(9999, 12, 31)
_PERMITS = (
    ("食品经营许可证", "市市场监管局"), ("道路运输从业资格证", "市交通运输局"), ("卫生许可证", "市卫生健康委"),
    ("危险化学品经营许可证", "市应急局"), ("海域使用权证", "市海洋发展局"),
    ("人力资源服务许可证", "市人力资源社会保障局"),
)  # fmt: skip
_PENALTIES = (
    ("未按规定公示年度报告", "警告"), ("销售不合格产品", "罚款"), ("超限运输", "罚款"), ("违法排放污水", "罚款"),
    ("未取得许可擅自经营", "没收违法所得、没收非法财物"), ("违反安全生产规定", "责令停产停业"),
)  # fmt: skip
_LISTS = (
    ("A级纳税人", "红名单", "市税务局"), ("优秀志愿者", "红名单", "市民政局"),
    ("拖欠农民工工资", "黑名单", "市人力资源社会保障局"),
    ("严重违法失信企业", "黑名单", "市市场监管局"), ("食品安全严重违法", "黑名单", "市市场监管局"),
)  # fmt: skip
_GRADES = {1150: "AAA", 1050: "AA", 1000: "A", 950: "B", 801: "C"}
"""Least score of each grade; D is below."""


def subjects(city: City, name: str, per_person: float, natural: float) -> pl.DataFrame:
    """Draw whom decisions are about: the same ones in every round, those that were made by the date.

    Args:
        city: the city.
        name: of the register, for its random streams.
        per_person: decisions per person of the city, within the years that the register covers.
        natural: share of them about natural persons.

    Returns:
        number, decided_on, reported_on (its working-day delay not yet past the date), subject_kind, subject_name,
        subject_uscc, subject_registration_no, subject_id_no, legal_representative, `_person`, `_entity`, `_leader` and
        u, v (two draws of its own, in [0, 1)).
    """
    rng = city.stream("credit", name)
    count = max(round(len(city.people) * per_person), 40)
    decided = np.datetime64(city.first_as_of) + rng.integers(-_DAYS_BACK, _DAYS_AHEAD, count).astype("timedelta64[D]")
    reported = decided + rng.integers(1, 10, count).astype("timedelta64[D]")
    is_person = rng.random(count) < natural
    entities = all_entities(city).filter(pl.col("established_on") < city.first_as_of)
    market = entities.filter(pl.col("entity_no") < int(city.bodies["entity_no"][0]))
    entity = market[(rng.random(count) * len(market)).astype(np.int64)]
    adults = city.people.filter(pl.col("birth_date") < city.first_as_of.replace(year=city.first_as_of.year - 20, day=1))
    person = adults[(rng.random(count) * len(adults)).astype(np.int64)]
    kind = pl.Series(
        np.where(is_person, "自然人", np.where((entity["kind"] == "92").to_numpy(), "个体工商户", "法人及非法人组织"))
    )
    frame = pl.DataFrame(
        {
            "number": np.arange(count) + 1,
            "decided_on": decided,
            "reported_on": reported,
            "subject_kind": kind,
            "is_person": is_person,
            "p_name": person["name"],
            "new_name": person["new_name"],
            "renamed_on": person["renamed_on"],
            "died_on": person["died_at"].dt.date(),
            "e_name": entity["name"],
            "uscc": entity["uscc"],
            "registration": entity["registration_no"],
            "id_no": person["id_no"],
            "leader_name": entity["legal_representative"],
            "person_no": person["person_no"],
            "entity_no": entity["entity_no"],
            "leader_no": entity["legal_representative_no"],
            "u": rng.random(count),
            "v": rng.random(count),
        }
    ).with_columns(p_name=pl.when(pl.col("renamed_on") <= pl.col("decided_on")).then("new_name").otherwise("p_name"))
    is_late = (pl.col("died_on") < pl.col("decided_on")).fill_null(value=False) & pl.col("is_person")
    of_person, of_entity = pl.when("is_person"), pl.when(~pl.col("is_person"))
    return frame.filter((pl.col("reported_on") <= city.as_of) & ~is_late).select(
        "number",
        "decided_on",
        "reported_on",
        "subject_kind",
        of_person.then("p_name").otherwise("e_name").alias("subject_name"),
        of_entity.then("uscc").alias("subject_uscc"),
        of_entity.then("registration").alias("subject_registration_no"),
        of_person.then("id_no").alias("subject_id_no"),
        of_entity.then("leader_name").alias("legal_representative"),
        of_person.then("person_no").alias(PERSON),
        of_entity.then("entity_no").alias(ENTITY),
        of_entity.then("leader_no").alias("_leader"),
        "u",
        "v",
    )


def _soiled(city: City, contract: Contract, table: pl.DataFrame) -> Soiling:
    """Plant what goes wrong with the subjects of decisions."""
    soiling = Soiling(city, contract, table)
    soiling.people(PERSON, number="subject_id_no", name="subject_name")
    entity_codes(soiling, "subject_uscc")
    entity_names(soiling, "subject_name")
    if "legal_representative" in table.columns:
        soiling.people("_leader", number=None, name="legal_representative")
    return soiling


def _authorities(city: City, names: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Return the authorities' full names, as the list of departments writes them, and their credit codes."""
    listed = departments(city).filter(pl.col("level") == "市级")
    codes = dict(listed.select("name", "uscc").iter_rows())
    return names, names.replace_strict(codes, default=None, return_dtype=pl.String)


def _reported_at() -> pl.Expr:
    return (pl.col("reported_on").cast(pl.Datetime("us")) - pl.duration(hours=6)).alias("reported_at")


def permits(city: City, contract: Contract) -> Soiling:
    """Make development_reform__administrative_permit."""
    table = subjects(city, "permits", 0.05, 0.3)
    which = (table["v"].to_numpy() * len(_PERMITS)).astype(np.int64)
    certificate, authority = (pl.Series(list(c)).gather(which) for c in zip(*_PERMITS, strict=True))
    authority, code = _authorities(city, authority)
    is_person = pl.col("subject_kind") == "自然人"
    table = table.select(
        pl.concat_str(pl.lit("威审许〔"), pl.col("decided_on").dt.year(), pl.lit("〕"), "number", pl.lit("号")).alias(
            "document_no"
        ),
        (certificate + "核发决定书").alias("document_name"),
        "subject_name",
        "subject_kind",
        "subject_uscc",
        "subject_registration_no",
        pl.when(is_person).then(pl.lit("身份证")).alias("subject_id_kind"),
        "subject_id_no",
        "legal_representative",
        pl.when(pl.col("u") < 0.7).then(pl.lit("普通")).otherwise(pl.lit("核准")).alias("permit_kind"),
        certificate.alias("certificate_name"),
        ("XK3710" + pl.col("number").cast(pl.String).str.zfill(8)).alias("permit_no"),
        (certificate + "核发").alias("content"),
        "decided_on",
        pl.col("decided_on").alias("valid_from"),
        pl.when(pl.col("u") < 0.2)
        .then(pl.lit(LONG_TERM))
        .otherwise(pl.col("decided_on") + pl.duration(days=1_826))
        .cast(pl.Date)
        .alias("valid_to"),
        authority.alias("authority_name"),
        code.alias("authority_uscc"),
        pl.lit("正常").alias("state"),
        authority.alias("source_unit"),
        code.alias("source_unit_uscc"),
        _reported_at(),
        PERSON,
        ENTITY,
        "_leader",
    )
    return _soiled(city, contract, table)


def penalties(city: City, contract: Contract) -> Soiling:
    """Make development_reform__administrative_penalty."""
    table = subjects(city, "penalties", 0.02, 0.35)
    which = (table["v"].to_numpy() * len(_PENALTIES)).astype(np.int64)
    act, kind = (pl.Series(list(c)).gather(which) for c in zip(*_PENALTIES, strict=True))
    names = choose(
        city.stream("penalty authorities"), ("市市场监管局", "市应急局", "市交通运输局", "市生态环境局"), 100_000
    )
    authority, code = _authorities(city, names.gather(table["number"] % 100_000))
    wan = ((pl.col("u") * 50).floor() * 0.1 + 0.1).round(2)
    repaired = (pl.col("decided_on") + pl.duration(days=200)).cast(pl.Date)
    is_repaired = (pl.col("u") < 0.1) & (repaired <= city.as_of)
    table = table.with_columns(act=act, kind=kind).select(
        pl.concat_str(pl.lit("威罚决〔"), pl.col("decided_on").dt.year(), pl.lit("〕"), "number", pl.lit("号")).alias(
            "document_no"
        ),
        "subject_name",
        "subject_kind",
        "subject_uscc",
        "subject_registration_no",
        "subject_id_no",
        "legal_representative",
        pl.col("act").alias("illegal_act"),
        ("当事人" + pl.col("act") + "，事实清楚。").alias("fact"),
        pl.lit("《中华人民共和国行政处罚法》").alias("basis"),
        pl.col("kind").alias("penalty_kind"),
        pl.col("kind").alias("content"),
        pl.when(pl.col("kind") == "罚款").then(wan).alias("fine_wan_cny"),
        pl.when(pl.col("kind").str.starts_with("没收")).then(wan).alias("confiscated_wan_cny"),
        "decided_on",
        (pl.col("decided_on") + pl.duration(days=1_095)).cast(pl.Date).alias("published_until"),
        authority.alias("authority_name"),
        code.alias("authority_uscc"),
        pl.when(is_repaired).then(pl.lit("已修复")).otherwise(pl.lit("正常")).alias("state"),
        pl.when(is_repaired).then(repaired).alias("repaired_on"),
        _reported_at(),
        PERSON,
        ENTITY,
        "_leader",
    )
    return _soiled(city, contract, table)


def lists(city: City, contract: Contract) -> Soiling:
    """Make development_reform__credit_list: red and black lists."""
    table = subjects(city, "lists", 0.01, 0.4)
    which = (table["v"].to_numpy() * len(_LISTS)).astype(np.int64)
    category, kind, authority = (pl.Series(list(c)).gather(which) for c in zip(*_LISTS, strict=True))
    table = table.select(
        kind.alias("list_kind"),
        category.alias("category"),
        "subject_name",
        "subject_uscc",
        "subject_id_no",
        pl.concat_str(pl.lit("威信〔"), pl.col("decided_on").dt.year(), pl.lit("〕"), "number", pl.lit("号")).alias(
            "document_no"
        ),
        "decided_on",
        authority.alias("authority_name"),
        (pl.col("decided_on") + pl.duration(days=1_095)).cast(pl.Date).alias("expires_on"),
        PERSON,
        ENTITY,
    )
    return _soiled(city, contract, table)


def debtors(city: City, contract: Contract) -> Soiling:
    """Make court__judgment_debtor; many entries have no identity column at all."""
    table = subjects(city, "debtors", 0.008, 0.7)
    removed = (pl.col("reported_on") + pl.duration(days=300)).cast(pl.Date)
    is_old = pl.col("u") < 0.5
    code = pl.col("subject_uscc")
    table = table.select(
        pl.concat_str(pl.lit("（"), pl.col("decided_on").dt.year(), pl.lit("）鲁10执"), "number", pl.lit("号")).alias(
            "case_no"
        ),
        "subject_name",
        "subject_kind",
        pl.col("subject_id_no").alias("id_no"),
        pl.when(is_old).then(code.str.slice(8, 8) + "-" + code.str.slice(16, 1)).otherwise(code).alias("uscc"),
        pl.lit("威海市中级人民法院").alias("court_name"),
        pl.concat_str(pl.lit("（"), pl.col("decided_on").dt.year(), pl.lit("）鲁10民终"), "number", pl.lit("号")).alias(
            "document_no"
        ),
        pl.col("decided_on").alias("filed_on"),
        pl.col("reported_on").alias("published_on"),
        pl.when(pl.col("v") < 0.8).then(pl.lit("全部未履行")).otherwise(pl.lit("部分未履行")).alias("performance"),
        pl.when((pl.col("v") > 0.9) & (removed <= city.as_of)).then(removed).alias("removed_on"),
        PERSON,
        ENTITY,
    )
    soiling = Soiling(city, contract, table)
    share = city.noise.debtors_without_identity
    for of, column in ((PERSON, "id_no"), (ENTITY, "uscc")):
        where = soiling.draw(of, "without identity") < share
        soiling.leave_out(column, where, "no_identity")
    soiling.people(PERSON, number="id_no", name="subject_name")
    entity_names(soiling, "subject_name")
    return soiling


def scores(city: City, contract: Contract) -> Soiling:
    """Make development_reform__haibei_score: the month's scores of a part of the grown-up residents."""
    value = pl.Series(np.round(960 + (city.stream("scores").normal(0, 60, len(city.people))), 1))
    moved = pl.Series(np.round(city.chance("scores", city.round_no) * 4) / 2)
    score = value + moved
    grade = pl.lit("D")
    for least, word in sorted(_GRADES.items()):
        grade = pl.when(pl.col("score") >= least).then(pl.lit(word)).otherwise(grade)
    table = (
        city.present.lazy()
        .with_columns(score=score)
        .filter(pl.col("is_here") & (pl.col("age") >= 18) & city.marks("scored", 0.3))
        .select(
            "id_no",
            pl.col("name_now").alias("name"),
            "score",
            grade.alias("grade"),
            pl.lit(city.as_of).alias("scored_on"),
            pl.col("person_no").alias(PERSON),
        )
        .collect()
    )
    soiling = Soiling(city, contract, table)
    soiling.people(PERSON, number="id_no", name="name")
    return soiling
