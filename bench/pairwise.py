"""Pairwise quality of a linkage: which pairs of mentions that truly mean one were linked, and which others."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl


@dataclass(frozen=True)
class Quality:
    """What a linkage got right.

    Attributes:
        mentions: how many were compared, `unlinked` of them linked to nobody.
        true_pairs: pairs of mentions of one; `linked_pairs` were put together, `right_pairs` of these rightly.
    """

    mentions: int
    unlinked: int
    true_pairs: int
    linked_pairs: int
    right_pairs: int

    @property
    def precision(self) -> float:
        """Share of the linked pairs that are right."""
        return self.right_pairs / self.linked_pairs if self.linked_pairs else 1.0

    @property
    def recall(self) -> float:
        """Share of the true pairs that are linked."""
        return self.right_pairs / self.true_pairs if self.true_pairs else 1.0


def measure(mentions: pl.DataFrame) -> Quality:
    """Compare ids with the truth.

    Args:
        mentions: one row per mention: `truth` (whom it means) and `id` (null where it is linked to nobody).
    """
    linked = mentions.filter(pl.col("id").is_not_null())
    return Quality(
        len(mentions),
        len(mentions) - len(linked),
        _pairs(mentions, "truth"),
        _pairs(linked, "id"),
        _pairs(linked, "id", "truth"),
    )


def _pairs(mentions: pl.DataFrame, *by: str) -> int:
    sizes = mentions.group_by(by).len()["len"].cast(pl.Int64)
    return int((sizes * (sizes - 1) // 2).sum())


def false_merges(mentions: pl.DataFrame) -> pl.DataFrame:
    """Return the mentions of every id that stands for several: columns as given, by id."""
    return mentions.filter(pl.col("id").is_not_null() & (pl.col("truth").n_unique().over("id") > 1)).sort("id", "truth")
