"""What supports that two groups of mentions with one name are one entity: log2 odds by fixed, versioned parameters."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import polars as pl

WEIGHTS = Path(__file__).parent / "weights.csv"
LINK = 10.0
"""Least log2 odds at which a group is linked without a code in common: wrong once in a thousand (2^-10)."""
REVIEW = -6.0
"""Least log2 odds at which it is shown to a person."""
FIELDS = ("legal_representative", "established_on", "address", "division")


@dataclass(frozen=True)
class Weights:
    """Log2 odds: before anything is compared, and what each outcome of a comparison adds (Fellegi and Sunter 1969)."""

    prior: float
    outcomes: Mapping[tuple[str, str], float]


@cache
def read_weights(path: Path = WEIGHTS) -> Weights:
    """Read the table of m (among mentions of one entity) and u (among those of two) of every outcome."""
    with path.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    [prior] = [float(row["m"]) for row in rows if row["field"] == "prior"]
    return Weights(
        math.log2(prior / (1 - prior)),
        {
            (row["field"], row["outcome"]): math.log2(float(row["m"]) / float(row["u"]))
            for row in rows
            if row["field"] != "prior"
        },
    )


def comparable(mentions: pl.DataFrame) -> pl.DataFrame:
    """Return `i` and `FIELDS` as they are compared: no spaces, no province and city, six digits of the division.

    Args:
        mentions: `i` and `FIELDS`, as delivered.
    """
    plain = pl.col("legal_representative", "address").str.normalize("NFKC").str.replace_all(r"[\s·.()、,，\-—]", "")
    return (
        mentions.select("i", *FIELDS)
        .with_columns(plain)
        .with_columns(
            pl.col("address").str.replace("^(山东省?)?(威海市?)?", ""),
            pl.col("division").str.slice(0, 6),
        )
        .with_columns(pl.when(pl.col(pl.String) != "").then(pl.col(pl.String)))
    )


def facts_of(stated: pl.DataFrame, units: pl.Series) -> pl.DataFrame:
    """Return one row per unit asked for: of each field, the list of the different values that its mentions state.

    Args:
        stated: `unit` and `FIELDS`, one row per mention.
        units: which units.
    """
    return (
        stated.join(pl.DataFrame({"unit": units.unique()}), on="unit", how="semi", maintain_order="left")
        .group_by("unit", maintain_order=True)
        .agg(pl.col(*FIELDS).drop_nulls().unique(maintain_order=True))
    )


def with_facts(pairs: pl.DataFrame, stated: pl.DataFrame, others: pl.DataFrame) -> pl.DataFrame:
    """Add to pairs (`unit`, `other`) what either states: lists by `FIELDS`, those of the other with `_other`."""
    return pairs.join(facts_of(stated, pairs["unit"]), on="unit", how="left", maintain_order="left").join(
        facts_of(others, pairs["other"]),
        left_on="other",
        right_on="unit",
        how="left",
        maintain_order="left",
        suffix="_other",
    )


def weigh(pairs: pl.DataFrame, stated: pl.DataFrame, others: pl.DataFrame, weights: Weights) -> pl.DataFrame:
    """Add `weight` to pairs of units with one name.

    Args:
        pairs: `unit`, `other`, `form_differs` (有限公司 here and 股份有限公司 there).
        stated: what the mentions of the units state: `unit` and `FIELDS`.
        others: the same of the other units.
        weights: the parameters.
    """
    both = with_facts(pairs, stated, others)
    name = (
        pl.when("form_differs")
        .then(weights.outcomes["name", "form_differs"])
        .otherwise(weights.outcomes["name", "same"])
    )
    total = pl.lit(weights.prior) + name
    for field in FIELDS:
        mine, theirs = pl.col(field), pl.col(f"{field}_other")
        told = (mine.list.len() > 0) & (theirs.list.len() > 0)
        same = mine.list.set_intersection(theirs).list.len() > 0
        total += (
            pl.when(told & same)
            .then(weights.outcomes[field, "same"])
            .when(told & ~same)
            .then(weights.outcomes.get((field, "differs"), 0.0))
            .otherwise(0.0)
        ).fill_null(0.0)
    return both.select(*pairs.columns, weight=total)
