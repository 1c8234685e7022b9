"""Further rules: who has no credit code that counts is placed with an entity by its other codes, else by evidence."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from linkage.entities.evidence import LINK, REVIEW, Weights, weigh, with_facts
from linkage.entities.names import are_alike

_COMMON = 100
"""A name that more units bear than these is no evidence (无字号, 便民超市)."""
_ONE_OF_EACH = ("registration", "organisation")
"""Kinds of codes of which an entity has one: others of the same length contradict."""
PLACED = {"unit": pl.UInt32, "cluster": pl.UInt32, "method": pl.String, "weight": pl.Float64}
DOUBTS = {"unit": pl.UInt32, "other": pl.UInt32, "reason": pl.String, "weight": pl.Float64}


@dataclass(frozen=True)
class Units:
    """What groups of mentions, called units, state together.

    Attributes:
        codes: `unit`, `kind`, `code`: all but credit codes; none that a contested credit code implies.
        names: `unit`, `core`, `form`, second names among them.
        stated: `unit` and `evidence.FIELDS`, one row per mention.
    """

    codes: pl.DataFrame
    names: pl.DataFrame
    stated: pl.DataFrame

    def only(self, units: pl.Series) -> Units:
        """Return those of some units."""
        own = pl.DataFrame({"unit": units})
        return Units(*(frame.join(own, on="unit", how="semi") for frame in (self.codes, self.names, self.stated)))


def pairs_by_code(units: Units, others: Units) -> pl.DataFrame:
    """Return pairs of units that share a code other than a credit code.

    Returns:
        `unit`, `other`, `is_same`: false where their names clearly differ and nothing says that one was renamed.
    """
    shared = (
        units.codes.join(others.codes.rename({"unit": "other"}), on=["kind", "code"])
        .filter(pl.col("unit") != pl.col("other"))
        .select("unit", "other")
        .unique(maintain_order=True)
        .sort("unit", "other")
    )
    named = (
        shared.join(units.names.select("unit", "core"), on="unit")
        .join(others.names.select(pl.col("unit").alias("other"), pl.col("core").alias("core_other")), on="other")
        .unique(maintain_order=True)
    )
    alike = (
        named.with_columns(alike=are_alike(named["core"], named["core_other"]))
        .group_by("unit", "other")
        .agg(pl.col("alike").any())
    )
    both = with_facts(shared, units.stated, others.stated)
    return both.join(alike, on=["unit", "other"], how="left", maintain_order="left").select(
        "unit",
        "other",
        # a side without a name differs from none
        is_same=pl.col("alike").fill_null(value=True)
        | _meet("established_on")
        | (_meet("legal_representative") & _meet("address")),
    )


def _meet(field: str) -> pl.Expr:
    return (pl.col(field).list.set_intersection(pl.col(f"{field}_other")).list.len() > 0).fill_null(value=False)


def pairs_by_name(units: Units, others: Units, weights: Weights) -> pl.DataFrame:
    """Return pairs of units that bear one name, weighed; branches and head offices never do.

    Returns:
        `unit`, `other`, `weight`, `is_contradicted`: each has a registration number, or an organisation code, and they
        are not the same.
    """
    mine, theirs = _uncommon(units.names), _uncommon(others.names).rename({"unit": "other"})
    pairs = (
        mine.join(theirs, on="core")
        .filter(pl.col("unit") != pl.col("other"))
        .group_by("unit", "other")
        .agg(form_differs=(pl.col("form") != pl.col("form_right")).fill_null(value=False).all())
        .sort("unit", "other")
    )
    weighed = weigh(pairs, units.stated, others.stated, weights)
    return weighed.join(
        _contradicted(weighed, units, others), on=["unit", "other"], how="left", maintain_order="left"
    ).select("unit", "other", "weight", pl.col("is_contradicted").fill_null(value=False))


def _uncommon(names: pl.DataFrame) -> pl.DataFrame:
    return names.filter(pl.len().over("core") <= _COMMON)


def _contradicted(pairs: pl.DataFrame, units: Units, others: Units) -> pl.DataFrame:
    mine, theirs = (
        side.codes.filter(pl.col("kind").is_in(_ONE_OF_EACH)).with_columns(length=pl.col("code").str.len_bytes())
        for side in (units, others)
    )
    return (
        pairs.select("unit", "other")
        .join(mine, on="unit")
        .join(theirs.rename({"unit": "other"}), on=["other", "kind", "length"])
        .group_by("unit", "other", "kind", "length")
        .agg(differs=~(pl.col("code") == pl.col("code_right")).any())
        .group_by("unit", "other")
        .agg(is_contradicted=pl.col("differs").any())
    )


def place(
    wanting: Units, anchors: Units, clusters: pl.DataFrame, weights: Weights
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Place units with entities: by a code in common, else by name and evidence; where two entities fit, with neither.

    Args:
        wanting: the units to place.
        anchors: the units of entities.
        clusters: `unit`, `cluster`: the entity of every anchor.
        weights: parameters of the evidence.

    Returns:
        The placed (`PLACED`), and the doubts (`DOUBTS`) of those that were not placed by a code.
    """
    coded = pairs_by_code(wanting, anchors).join(clusters, left_on="other", right_on="unit", maintain_order="left")
    coded = coded.with_columns(weight=pl.lit(None, dtype=pl.Float64))
    same = coded.filter("is_same")
    by_code, several = _only_choice(same, "crosswalk")
    rest = wanting.only(
        wanting.names.join(same, on="unit", how="anti").select(pl.col("unit").unique(maintain_order=True)).to_series()
    )
    named = pairs_by_name(rest, anchors, weights).join(
        clusters, left_on="other", right_on="unit", maintain_order="left"
    )
    strong = named.filter((pl.col("weight") >= LINK) & ~pl.col("is_contradicted"))
    by_evidence, rivals = _only_choice(strong, "evidence")
    weak = named.join(by_evidence, on="unit", how="anti").join(rivals, on=["unit", "other"], how="anti")
    doubts = [
        several,
        rivals,
        as_doubts(coded.filter(~pl.col("is_same")).join(by_code, on="unit", how="anti"), "shared_code"),
        as_doubts(weak.filter(pl.col("weight") >= REVIEW), "weak_evidence"),
    ]
    return pl.concat([by_code, by_evidence]), pl.concat(doubts)


def _only_choice(pairs: pl.DataFrame, method: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Split pairs into the units that fit one entity, and the doubts of those that fit several."""
    choices = pairs.with_columns(choices=pl.col("cluster").n_unique().over("unit"))
    placed = (
        choices.filter(pl.col("choices") == 1)
        .group_by("unit", maintain_order=True)
        .agg(pl.col("cluster").first(), pl.lit(method).alias("method").first(), pl.col("weight").max())
    )
    return placed.cast(PLACED), as_doubts(choices.filter(pl.col("choices") > 1), "several_candidates")  # type: ignore[arg-type]


def as_doubts(pairs: pl.DataFrame, reason: str) -> pl.DataFrame:
    """Return pairs (`unit`, `other`, `weight`) as `DOUBTS` of one reason."""
    return pairs.select("unit", "other", pl.lit(reason).alias("reason"), "weight").cast(DOUBTS)  # type: ignore[arg-type]
