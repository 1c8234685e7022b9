"""The register of electronic licences of persons and legal entities."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl

from connectors.contract import Contract
from connectors.sample.city import ENTITY, PERSON, City
from connectors.sample.government import departments
from connectors.sample.identifiers import licence_identifiers
from connectors.sample.legal_entities import all_entities, entity_names
from connectors.sample.soiling import Soiling

LONG_TERM = date(9999, 12, 31)
_OF_PERSONS = (
    ("中华人民共和国居民身份证", "市公安局", 0.3, 16, 7_305),
    ("中华人民共和国社会保障卡", "市人力资源社会保障局", 0.2, 0, 3_652),
    ("中华人民共和国机动车驾驶证", "市公安局", 0.1, 18, 3_652),
)
"""Licence, issuer, share of residents who hold it, least age, days it is valid."""
_OF_ENTITIES = {
    "91": ("营业执照", "市市场监管局"),
    "92": ("营业执照", "市市场监管局"),
    "93": ("营业执照", "市市场监管局"),
    "12": ("事业单位法人证书", "市委编办"),
    "51": ("社会团体法人登记证书", "市民政局"),
    "52": ("民办非企业单位登记证书", "市民政局"),
    "53": ("基金会法人登记证书", "市民政局"),
}
"""Beginning of the credit code -> licence and issuer."""


def electronic_licences(city: City, contract: Contract) -> Soiling:
    """Make administrative_approval__electronic_licence."""
    drafts = [_of_persons(city, place) for place in range(len(_OF_PERSONS))]
    drafts.append(_of_entities(city))
    table = pl.concat(drafts).filter(pl.col("issued_on") <= city.as_of)
    listed = departments(city)
    codes = dict(listed.select("name", "uscc").iter_rows())
    spare = listed["uscc"][0]
    issuer = table["issuer_name"].replace_strict(codes, default=spare, return_dtype=pl.String)
    kinds = sorted({name for name, *_ in (*_OF_PERSONS, *_OF_ENTITIES.values())})
    types = dict(zip(kinds, (f"{n + 1:03d}" for n in range(len(kinds))), strict=True))
    type_code = issuer + table["type_name"].replace_strict(types, return_dtype=pl.String)
    serial = table["serial"].to_numpy()
    ended = pl.col("valid_to") < city.as_of
    state = pl.when(pl.col("ended")).then(pl.lit("注销")).when(ended).then(pl.lit("过期")).otherwise(pl.lit("有效"))
    table = table.select(
        licence_identifiers(type_code, issuer, serial),
        type_code.alias("type_code"),
        "type_name",
        "licence_no",
        "holder_name",
        "holder_code",
        "holder_code_kind",
        "issuer_name",
        issuer.alias("issuer_uscc"),
        "issued_on",
        pl.col("issued_on").alias("valid_from"),
        "valid_to",
        state.alias("status"),
        "division_code",
        PERSON,
        ENTITY,
    )
    soiling = Soiling(city, contract, table)
    soiling.people(PERSON, number=None, name="holder_name")
    entity_names(soiling, "holder_name")
    return soiling


def _of_persons(city: City, place: int) -> pl.DataFrame:
    name, issuer, share, least, days = _OF_PERSONS[place]
    issued = pl.lit(city.first_as_of + timedelta(days=200)) - city.days(f"licence issued {name}", 3_000)
    of_age = (pl.col("birth_date") + pl.duration(days=round(least * 365.25) + 30)).cast(pl.Date)
    number = pl.lit("ZZ3710") + pl.col("person_no").cast(pl.String).str.zfill(9)
    return (
        city.present.lazy()
        .with_columns(issued_on=pl.max_horizontal(issued.cast(pl.Date), of_age))
        .filter(
            city.marks(f"licence {name}", share)
            & pl.col("has_arrived")
            & (pl.col("died_at").is_null() | (pl.col("died_at").dt.date() > pl.col("issued_on")))
            & (pl.col("birth_date") < city.first_as_of)
        )
        .select(
            (pl.col("person_no").cast(pl.Int64) * 10 + place).alias("serial"),
            pl.lit(name).alias("type_name"),
            (pl.col("id_no") if place == 0 else number).alias("licence_no"),
            pl.col("name_now").alias("holder_name"),
            pl.col("id_no").alias("holder_code"),
            pl.lit("公民身份号码").alias("holder_code_kind"),
            pl.lit(issuer).alias("issuer_name"),
            "issued_on",
            (pl.col("issued_on") + pl.duration(days=days)).cast(pl.Date).alias("valid_to"),
            pl.col("division_code").str.slice(0, 6).alias("division_code"),
            pl.col("is_dead").alias("ended"),
            pl.col("person_no").alias(PERSON),
            pl.lit(None, dtype=pl.Int32).alias(ENTITY),
        )
        .collect()
    )


def _of_entities(city: City) -> pl.DataFrame:
    names, issuers = ({k: v[n] for k, v in _OF_ENTITIES.items()} for n in (0, 1))
    return all_entities(city).select(
        (pl.col("entity_no").cast(pl.Int64) * 10 + 9).alias("serial"),
        pl.col("kind").replace_strict(names, return_dtype=pl.String).alias("type_name"),
        pl.col("uscc").alias("licence_no"),
        pl.col("name").alias("holder_name"),
        pl.col("uscc").alias("holder_code"),
        pl.lit("统一社会信用代码").alias("holder_code_kind"),
        pl.col("kind").replace_strict(issuers, return_dtype=pl.String).alias("issuer_name"),
        pl.col("established_on").alias("issued_on"),
        pl.lit(LONG_TERM).alias("valid_to"),
        pl.col("district").alias("division_code"),
        (pl.col("status") == "注销").alias("ended"),
        pl.lit(None, dtype=pl.Int32).alias(PERSON),
        pl.col("entity_no").alias(ENTITY),
    )
