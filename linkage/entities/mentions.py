"""Mentions of entities as the rules read them: codes, names and what else can be compared, each brought to one form."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from linkage.entities.codes import COLUMNS, read_codes
from linkage.entities.evidence import FIELDS, comparable
from linkage.entities.names import normalise_names, split_names

MENTION = {
    "source_id": pl.Int16,
    "mention_key": pl.String,
    "is_own": pl.Boolean,
    **dict.fromkeys((*COLUMNS, "name", "other_names", *FIELDS), pl.String),
}
"""Columns of a mention; `is_own`: its contract lets it be an entity of its own, linked to nobody; days as ISO text."""


@dataclass(frozen=True)
class Facts:
    """What mentions state; `i` numbers them in the order of source and key, so that smallest means the same everywhere.

    Attributes:
        mentions: `i`, `source_id`, `mention_key`, `is_own`.
        codes: as `read_codes` returns them.
        names: `i`, `core`, `form`: the name of each mention that has one.
        other_names: `i`, `core`: second names.
        compared: `i` and `FIELDS`, as `comparable` returns them.
    """

    mentions: pl.DataFrame
    codes: pl.DataFrame
    names: pl.DataFrame
    other_names: pl.DataFrame
    compared: pl.DataFrame


def read_facts(mentions: pl.DataFrame) -> Facts:
    """Read mentions.

    Args:
        mentions: columns of `MENTION`, any order.
    """
    numbered = mentions.sort("source_id", "mention_key").with_row_index("i")
    names = pl.concat([numbered.select("i"), normalise_names(numbered["name"])], how="horizontal")
    others = numbered.select("i", split_names(numbered["other_names"]).alias("name")).explode("name").drop_nulls()
    return Facts(
        mentions=numbered.select("i", "source_id", "mention_key", "is_own"),
        codes=read_codes(numbered.select("i", *COLUMNS)),
        names=names.filter(pl.col("core").is_not_null()),
        other_names=pl.concat([others.select("i"), normalise_names(others["name"]).select("core")], how="horizontal")
        .drop_nulls()
        .unique(maintain_order=True),
        compared=comparable(numbered.select("i", *FIELDS)),
    )
