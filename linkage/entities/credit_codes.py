"""First rule: the same right credit code means the same entity, unless the names clearly differ."""

from __future__ import annotations

import polars as pl

from linkage.entities.grouping import group_linked
from linkage.entities.mentions import Facts
from linkage.entities.names import are_alike


def group_by_credit_code(facts: Facts) -> pl.DataFrame:
    """Group the mentions that have a right credit code.

    Those on one code whose names are alike are one unit; so are those under a second name, and those under another name
    with the same day of establishment or the same legal representative and address (an entity that was renamed); where
    one of them is no register, which may know it by its former name, the same legal representative is enough.
    Whoever is on the code with a clearly different name is a unit of its own, and the code of all of them is contested:
    it says no more who is meant. A mention without a name belongs to the one unit on its code; where there are several,
    its code says nothing either and it is left out.

    Returns:
        `i`, `unit` (smallest `i` of it), `uscc`, `is_contested`.
    """
    coded = (
        facts.codes.filter(pl.col("kind") == "uscc")
        .select("i", pl.col("code").alias("uscc"))
        .join(facts.names.select("i", "core"), on="i", how="left", maintain_order="left")
        .with_columns(unit=pl.col("i").min().over("uscc", "core"))
    )
    named = coded.filter(pl.col("core").is_not_null())
    spellings = named.select("uscc", "unit").unique().filter(pl.len().over("uscc") > 1)
    several = named.join(spellings, on=["uscc", "unit"], how="semi", maintain_order="left")
    groups = group_linked(_same(several, facts))
    named = named.join(groups, on="unit", how="left", maintain_order="left").with_columns(
        unit=pl.coalesce("group", "unit")
    )
    units = named.select("uscc", "unit").unique(maintain_order=True)
    counted = units.group_by("uscc", maintain_order=True).agg(pl.len().alias("units"), pl.col("unit").first())
    nameless = (
        coded.filter(pl.col("core").is_null())
        .join(counted.rename({"unit": "only"}), on="uscc", how="left", maintain_order="left")
        .filter(pl.col("units").fill_null(1) == 1)
        .with_columns(unit=pl.coalesce("only", "unit"))
    )
    grouped = pl.concat([named.select("i", "unit", "uscc"), nameless.select("i", "unit", "uscc")])
    return grouped.with_columns(
        unit=pl.col("i").min().over("unit"), is_contested=pl.col("unit").n_unique().over("uscc") > 1
    ).sort("i")


def _same(coded: pl.DataFrame, facts: Facts) -> pl.DataFrame:
    """Return pairs (`unit`, `other`) of different names on one code that mean one entity.

    Args:
        coded: `i`, `unit` (one per code and name), `uscc`, `core`.
    """
    names = coded.select("uscc", "unit", "core").unique(maintain_order=True)
    pairs = _pairs(names, "uscc")
    pairs = pairs.filter(are_alike(pairs["core"], pairs["core_other"]))
    second = coded.select("i", "uscc", "unit").join(facts.other_names, on="i")
    listed = pl.concat([names, second.select("uscc", "unit", "core")]).unique(maintain_order=True)
    told = coded.join(facts.compared, on="i", maintain_order="left").join(
        facts.mentions.select("i", "is_own"), on="i", maintain_order="left"
    )
    same_day = told.select("uscc", "unit", "established_on").drop_nulls().unique(maintain_order=True)
    same_seat = told.select("uscc", "unit", "legal_representative", "address").drop_nulls().unique(maintain_order=True)
    led = (
        told.drop_nulls("legal_representative")
        .group_by("uscc", "unit", "legal_representative", maintain_order=True)
        .agg(pl.col("is_own").any())
    )
    same_leader = _pairs(led, "uscc", "legal_representative").filter(~pl.col("is_own") | ~pl.col("is_own_other"))
    return pl.concat(
        found.select("unit", "other")
        for found in (
            pairs,
            _pairs(listed, "uscc", "core"),
            _pairs(same_day, "uscc", "established_on"),
            _pairs(same_seat, "uscc", "legal_representative", "address"),
            same_leader,
        )
    )


def _pairs(frame: pl.DataFrame, *on: str) -> pl.DataFrame:
    renamed = frame.rename({c: f"{c}_other" for c in frame.columns if c not in (*on, "unit")} | {"unit": "other"})
    return frame.join(renamed, on=on).filter(pl.col("unit") < pl.col("other"))
