"""The registers of legal entities besides the market's, and what goes wrong with companies' names and codes."""

from __future__ import annotations

import numpy as np
import polars as pl

from connectors.contract import Contract
from connectors.sample.bodies import FIRST_NUMBER
from connectors.sample.city import ENTITY, RELEVANT, City
from connectors.sample.dirt import Effect
from connectors.sample.draws import chances, choose
from connectors.sample.soiling import Soiling

_LEADER = "_leader"
_SHARED_AT_LEAST = 4
"""Companies on another one's code that a city has, about, however small its rate."""
_SOLE_TRADERS_TAXED = 0.8
_USCC = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_FUNDS = ("财政拨款", "财政补助", "经费自理")


def all_entities(city: City) -> pl.DataFrame:
    """Return every legal entity of the city with the columns that companies and bodies share."""
    shared = [
        "entity_no", "kind", "uscc", "name", "legal_representative", "legal_representative_no", "established_on",
        "address", "status", "district",
    ]  # fmt: skip
    own = [*shared, "registration_no", "industry_code", "cancelled_on"]
    bodies = city.bodies.select(
        *shared,
        pl.lit(None, dtype=pl.String).alias("registration_no"),
        pl.when(pl.col("head_no").is_null()).then(pl.lit("S")).otherwise(pl.lit("F")).alias("industry_code"),
        pl.lit(None, dtype=pl.Date).alias("cancelled_on"),
    )
    return pl.concat([city.entities.select(own), bodies.select(own)])


def public_institutions(city: City, contract: Contract) -> Soiling:
    """Make institution_staffing__public_institution."""
    bodies = city.bodies.filter(pl.col("kind") == "12")
    rng = city.stream("institutions")
    table = bodies.select(
        "uscc",
        "name",
        "other_names",
        ("为" + pl.col("sponsor").str.replace("人民政府$|办事处$", "") + "居民提供公共服务。").alias("purpose"),
        "sponsor",
        choose(rng, _FUNDS, len(bodies), (0.8, 0.15, 0.05)).alias("fund_source"),
        pl.col("registered_capital").alias("initial_fund"),
        "legal_representative",
        "address",
        ("事证第1371" + (pl.col("entity_no") - FIRST_NUMBER + 1).cast(pl.String).str.zfill(8) + "号").alias(
            "certificate_no"
        ),
        "status",
        pl.col("established_on").alias("registered_on"),
        pl.col("entity_no").alias(ENTITY),
        pl.col("legal_representative_no").alias(_LEADER),
    )
    soiling = Soiling(city, contract, table)
    soiling.people(_LEADER, number=None, name="legal_representative")
    soiling.addresses(ENTITY, "address")
    return soiling


def social_organizations(city: City, contract: Contract) -> Soiling:
    """Make civil_affairs__social_organization."""
    kinds = {"51": "社会团体", "52": "民办非企业单位", "53": "基金会"}
    table = city.bodies.filter(pl.col("kind").is_in(list(kinds))).select(
        "uscc",
        "name",
        pl.col("kind").replace_strict(kinds, return_dtype=pl.String),
        "legal_representative",
        pl.col("sponsor").alias("supervisor"),
        pl.col("established_on").alias("registered_on"),
        pl.col("registered_capital").alias("capital"),
        "address",
        "status",
        pl.col("entity_no").alias(ENTITY),
        pl.col("legal_representative_no").alias(_LEADER),
    )
    soiling = Soiling(city, contract, table)
    soiling.people(_LEADER, number=None, name="legal_representative")
    soiling.addresses(ENTITY, "address")
    return soiling


def taxpayers(city: City, contract: Contract) -> Soiling:
    """Make taxation__taxpayer: nearly all companies, most sole traders, and the bodies with their branches."""
    entities = all_entities(city)
    numbers = entities["entity_no"].cast(pl.Int64).to_numpy()
    draw = chances(city.seed, ("taxed",), numbers)
    grade = (chances(city.seed, ("grades",), numbers) * 5).astype(np.int64)
    is_taxed = (draw < 0.97) & ((entities["kind"] != "92").to_numpy() | (draw < _SOLE_TRADERS_TAXED))
    state = pl.col("status").replace_strict({"注销": "注销", "吊销": "非正常"}, default="正常", return_dtype=pl.String)
    table = (
        entities.with_columns(grade=choose_at(("A", "B", "M", "C", "D"), grade))
        .filter(pl.Series(is_taxed))
        .select(
            pl.col("uscc").alias("tax_no"),
            pl.col("district").alias("division_code"),
            "uscc",
            "registration_no",
            "name",
            state.alias("status"),
            pl.col("grade").alias("credit_grade"),
            pl.col("established_on").alias("registered_on"),
            "industry_code",
            "address",
            "legal_representative",
            pl.col("entity_no").alias(ENTITY),
            pl.col("legal_representative_no").alias(_LEADER),
        )
    )
    soiling = Soiling(city, contract, table)
    old = soiling.draw(ENTITY, "old code") < city.noise.old_code
    old_tax_no = table["division_code"] + table["uscc"].str.slice(8, 9)
    soiling.plant("tax_no", old, old_tax_no, "old_tax_number", Effect.KEPT)
    soiling.leave_out("uscc", old, "code_missing")
    entity_codes(soiling, "uscc")
    entity_names(soiling, "name")
    soiling.people(_LEADER, number=None, name="legal_representative")
    soiling.addresses(ENTITY, "address")
    return soiling


def choose_at(options: tuple[str, ...], places: np.ndarray) -> pl.Series:
    """Return the options at the places."""
    return pl.Series(list(options), dtype=pl.String).gather(places)


def enterprises(city: City, contract: Contract, register: pl.DataFrame) -> Soiling:
    """Plant in market_regulation__enterprise a few companies on another one's valid code; never relevant ones."""
    soiling = Soiling(city, contract, register)
    if city.noise.shared_codes:
        free = ~register[RELEVANT].to_numpy()
        least = _SHARED_AT_LEAST / max(int(free.sum()), 1)
        chosen = free & (soiling.draw(ENTITY, "shared code") < max(city.noise.shared_codes, least))
        donor = pl.when(pl.lit(pl.Series(free & ~chosen))).then("uscc").forward_fill().shift(1)
        soiling.plant("uscc", chosen, register.select(donor).to_series(), "shared_code", Effect.KEPT)
    return soiling


def entity_codes(soiling: Soiling, column: str) -> None:
    """Plant wrong check characters in credit codes, and leave some out."""
    noise, old = soiling.city.noise, soiling.table[column]
    draw = soiling.draw(ENTITY, "code", column)
    wrong = soiling.still_wrong(ENTITY, "code", column)
    last = old.str.tail(1).replace(dict(zip(_USCC, _USCC[7:] + _USCC[:7], strict=True)))
    soiling.plant(
        column, (draw < noise.code_wrong_check) & wrong, old.str.head(17) + last, "code_wrong_check", Effect.FLAGGED
    )
    missing = (draw >= noise.code_wrong_check) & (draw < noise.code_wrong_check + noise.code_missing) & wrong
    soiling.leave_out(column, missing, "code_missing")


def entity_names(soiling: Soiling, column: str) -> None:
    """Plant other ways to write a company's name: 有限责任公司, the place in brackets, 威海市."""
    noise, old = soiling.city.noise, soiling.table[column]
    draw = soiling.draw(ENTITY, "entity name", column)
    for share, defect, written in (
        (0.3, "limited_liability", old.str.replace("有限公司$", "有限责任公司")),
        (0.6, "place_in_brackets", old.str.replace("^(威海|荣成|乳山)(.+)有限公司$", "${2}（${1}）有限公司")),
        (0.8, "place_with_city", old.str.replace("^威海", "威海市")),
        (1.0, "form_left_out", old.str.replace("有限公司$", "")),
    ):
        soiling.plant(column, draw < noise.entity_name_variant * share, written, f"name_{defect}", Effect.KEPT)
