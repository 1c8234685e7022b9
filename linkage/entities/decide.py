"""Who is who among mentions of entities: a function of the mentions alone, so that incremental equals full.

Deciding all mentions, or only those that share a code or a name with one another directly or through others, gives the
same answer for the latter.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import polars as pl

from linkage.entities.credit_codes import group_by_credit_code
from linkage.entities.evidence import LINK, REVIEW, Weights, read_weights
from linkage.entities.grouping import group_linked
from linkage.entities.mentions import Facts
from linkage.entities.placing import PLACED, Units, as_doubts, pairs_by_code, pairs_by_name, place


@dataclass(frozen=True)
class Decision:
    """Who is who.

    Attributes:
        decided: `i`, `cluster` (`i` of its first mention), `method` (number, crosswalk, evidence, own), `weight`; one
            row per mention that means an entity.
        doubts: `i`, `candidate` (`i` of a mention of an entity that may be meant), `reason`, `weight`.
    """

    decided: pl.DataFrame
    doubts: pl.DataFrame


def decide(facts: Facts, weights: Weights | None = None) -> Decision:
    """Decide which mentions mean the same entity.

    1. Mentions on one right credit code are one entity, unless their names clearly differ (`group_by_credit_code`).
    2. Whoever stands on a contested code is placed with an entity on a code of its own: by other codes, by evidence.
    3. So is every mention without a credit code.
    4. Those that are left are put together among themselves by the same two means.
    5. A group is an entity where a contract says so, or where a code with a right check character stands in it.
    """
    weights = weights or read_weights()
    coded = group_by_credit_code(facts)
    membership = _memberships(facts, coded)
    units = _units(facts, _counting(facts, coded), membership)
    ranks = membership.group_by("unit", maintain_order=True).agg(pl.col("rank").first())
    firm, contested, loose = (ranks.filter(pl.col("rank") == rank)["unit"] for rank in range(3))

    clusters = pl.DataFrame({"unit": firm, "cluster": firm})
    moved, doubts_of_contested = place(units.only(contested), units.only(firm), clusters, weights)
    standing = ranks.filter(pl.col("rank") == 1).join(moved, on="unit", how="anti")["unit"]
    clusters = pl.concat(
        [clusters, moved.select("unit", "cluster"), pl.DataFrame({"unit": standing, "cluster": standing})]
    )

    # together with the name, a contested code still tells those who stand on it apart
    told = replace(units, codes=_codes_of_units(facts.codes, membership))
    placed, doubts_of_loose = place(told.only(loose), told.only(clusters["unit"]), clusters, weights)
    left = ranks.filter(pl.col("rank") == 2).join(placed, on="unit", how="anti")["unit"]
    torn = doubts_of_loose.filter(pl.col("reason") == "several_candidates")["unit"].unique(maintain_order=True)
    gathered, doubts_of_left = _gather(units.only(left), left, torn, weights)

    of_units = pl.concat([_alone(firm, "number"), _alone(standing, "number"), moved, placed, gathered])
    of_mentions = membership.join(of_units, on="unit", maintain_order="left")
    misled = doubts_of_loose.filter(pl.col("reason") != "weak_evidence")["unit"].unique(maintain_order=True)
    founded = _founded(facts, coded, of_mentions, misled)
    doubts = [
        doubts_of_contested,
        doubts_of_loose,
        doubts_of_left,
        _on_one_code(coded),
        _on_two_codes(units.only(firm), weights),
    ]
    return Decision(
        of_mentions.join(founded, on="cluster", how="semi").select("i", "cluster", "method", "weight").sort("i"),
        _doubts_of_mentions(pl.concat(doubts), of_mentions, founded),
    )


def _alone(units: pl.Series, method: str) -> pl.DataFrame:
    return pl.DataFrame({"unit": units, "cluster": units, "method": method, "weight": None}, schema=PLACED)


def _memberships(facts: Facts, coded: pl.DataFrame) -> pl.DataFrame:
    """Return `i`, `unit`, `rank` of every mention: 0 on a code of its own, 1 on a contested one, 2 without a code."""
    return (
        facts.mentions.select("i")
        .join(coded, on="i", how="left", maintain_order="left")
        .select(
            "i",
            unit=pl.coalesce("unit", "i"),
            rank=pl.when(pl.col("unit").is_null()).then(2).otherwise(pl.col("is_contested").cast(pl.Int32)),
        )
    )


def _counting(facts: Facts, coded: pl.DataFrame) -> pl.DataFrame:
    """Return the codes that say who is meant: all but contested credit codes and the organisation codes in them."""
    contested = coded.filter("is_contested").select(pl.col("uscc").unique(maintain_order=True))
    void = pl.concat(
        [
            contested.select(pl.lit("uscc").alias("kind"), pl.col("uscc").alias("code")),
            contested.select(pl.lit("organisation").alias("kind"), pl.col("uscc").str.slice(8, 9).alias("code")),
        ]
    )
    return facts.codes.join(void, on=["kind", "code"], how="anti", maintain_order="left")


def _units(facts: Facts, codes: pl.DataFrame, membership: pl.DataFrame) -> Units:
    of = membership.select("i", "unit")
    second = facts.other_names.with_columns(form=pl.lit(None, dtype=pl.String))
    names = of.join(pl.concat([facts.names, second]), on="i")
    return Units(
        codes=_codes_of_units(codes, membership),
        names=names.select("unit", "core", "form").unique(maintain_order=True),
        stated=of.join(facts.compared, on="i", maintain_order="left").drop("i"),
    )


def _codes_of_units(codes: pl.DataFrame, membership: pl.DataFrame) -> pl.DataFrame:
    of = membership.select("i", "unit").join(codes.filter(pl.col("kind") != "uscc"), on="i")
    return of.select("unit", "kind", "code").unique(maintain_order=True)


def _gather(left: Units, units: pl.Series, torn: pl.Series, weights: Weights) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Put together what was placed with nobody; return all units (`PLACED`) and their doubts (`DOUBTS`).

    Those that are torn between entities stay alone.
    """
    earlier = pl.col("unit") > pl.col("other")
    coded = pairs_by_code(left, left).filter(earlier).with_columns(weight=pl.lit(None, dtype=pl.Float64))
    named = pairs_by_name(left, left, weights).filter(earlier)
    is_strong = (pl.col("weight") >= LINK) & ~pl.col("is_contradicted")
    links = pl.concat(
        [
            coded.filter("is_same").select("unit", "other", pl.lit("crosswalk").alias("method"), "weight"),
            named.filter(is_strong).select("unit", "other", pl.lit("evidence").alias("method"), "weight"),
        ]
    ).filter(~pl.col("unit").is_in(torn.implode()) & ~pl.col("other").is_in(torn.implode()))
    ends = pl.concat(
        [links.select("unit", "method", "weight"), links.select(pl.col("other").alias("unit"), "method", "weight")]
    )
    how = ends.group_by("unit").agg(pl.col("method").min(), pl.col("weight").max())
    gathered = (
        pl.DataFrame({"unit": units})
        .join(group_linked(links), on="unit", how="left", maintain_order="left")
        .join(how, on="unit", how="left", maintain_order="left")
        .select(
            "unit",
            pl.coalesce("group", "unit").alias("cluster"),
            pl.col("method").fill_null("own"),
            pl.when(pl.col("method") == "evidence").then("weight"),
        )
    )
    doubts = pl.concat(
        [
            as_doubts(coded.filter(~pl.col("is_same")), "shared_code"),
            as_doubts(named.filter((pl.col("weight") >= REVIEW) & ~is_strong), "weak_evidence"),
        ]
    )
    return gathered, doubts


def _founded(facts: Facts, coded: pl.DataFrame, of_mentions: pl.DataFrame, misled: pl.Series) -> pl.DataFrame:
    """Return the clusters that are entities (`cluster`).

    A contested code founds one only where no contract of those who stand on it does; codes of units that they misled,
    to several entities or to one of another name, found none.
    """
    own = facts.mentions.filter("is_own").select("i")
    checked = _counting(facts, coded).filter(pl.col("is_checked") & ~pl.col("i").is_in(misled.implode())).select("i")
    claimed = coded.join(own, on="i", how="semi").select("uscc")
    unclaimed = coded.filter("is_contested").join(claimed, on="uscc", how="anti").select("i")
    founding = pl.concat([own, checked, unclaimed])
    return of_mentions.join(founding, on="i", how="semi").select(pl.col("cluster").unique(maintain_order=True))


def _on_one_code(coded: pl.DataFrame) -> pl.DataFrame:
    """Return the doubts of units that share a contested credit code."""
    units = coded.filter("is_contested").select("uscc", "unit").unique(maintain_order=True)
    pairs = units.join(units.rename({"unit": "other"}), on="uscc").filter(pl.col("unit") != pl.col("other"))
    return as_doubts(pairs.with_columns(weight=None), "shared_code")


def _on_two_codes(units: Units, weights: Weights) -> pl.DataFrame:
    """Return the doubts of entities on different credit codes that share another code, or all that else is known."""
    earlier = pl.col("unit") > pl.col("other")
    coded = pairs_by_code(units, units).filter(earlier).with_columns(weight=None)
    named = pairs_by_name(units, units, weights).filter(earlier & (pl.col("weight") >= LINK))
    return pl.concat(
        [
            as_doubts(coded.filter("is_same"), "two_numbers"),
            as_doubts(coded.filter(~pl.col("is_same")), "shared_code"),
            as_doubts(named, "two_numbers"),
        ]
    )


def _doubts_of_mentions(doubts: pl.DataFrame, of_mentions: pl.DataFrame, founded: pl.DataFrame) -> pl.DataFrame:
    """Say the doubts of a unit of its first mention, or of all where it is nobody; only entities are candidates.

    A doubt of an entity about a unit that is nobody is that unit's own: it may be the entity.
    """
    of_units = (
        of_mentions.select("unit", "cluster")
        .unique(maintain_order=True)
        .join(founded.with_columns(is_founded=pl.lit(value=True)), on="cluster", how="left", maintain_order="left")
        .with_columns(pl.col("is_founded").fill_null(value=False))
    )
    turned = doubts.rename({"unit": "other", "other": "unit"}).select(doubts.columns)
    either = pl.concat(
        side.with_columns(is_turned=pl.lit(is_turned)) for side, is_turned in ((doubts, False), (turned, True))
    )
    return (
        either.join(of_units, on="unit", maintain_order="left")
        .join(
            of_units.rename({"unit": "other", "cluster": "candidate", "is_founded": "is_entity"}),
            on="other",
            maintain_order="left",
        )
        .filter((pl.col("cluster") != pl.col("candidate")) & pl.col("is_entity"))
        .filter(~(pl.col("is_turned") & pl.col("is_founded")))
        .join(of_mentions.select("i", "unit"), on="unit", maintain_order="left")
        .filter((pl.col("i") == pl.col("unit")) | ~pl.col("is_founded"))
        .group_by("i", "candidate")
        .agg(pl.col("reason").min(), pl.col("weight").max())
        .sort("i", "candidate")
    )
