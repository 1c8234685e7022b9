"""The one bad delivery of the profile `default`: a full list of cloud enterprises that must be held."""

from __future__ import annotations

import numpy as np
import polars as pl

from connectors.sample.dirt import Effect, Planted

EXTRACT = "industry_it__cloud_enterprise"


def spoil(text: pl.DataFrame, rng: np.random.Generator) -> tuple[pl.DataFrame, list[Planted]]:
    """Lose half of the rows and break most of the others.

    Args:
        text: the good list as text.
        rng: the stream to draw from.

    Returns:
        The broken list and every broken cell.
    """
    left = text[np.sort(rng.permutation(len(text))[: max(len(text) // 2, 1)])]
    planted: list[Planted] = []
    draw = rng.random((3, len(left)))
    for name, chosen, defect, effect in (
        ("uscc", draw[0] < 0.45, "illegal_code", Effect.FLAGGED),
        ("uscc", (draw[0] >= 0.45) & (draw[0] < 0.85), "wrong_check", Effect.FLAGGED),
        ("migrated_on", draw[1] < 0.6, "missing_required", Effect.REJECTED),
        ("provider", draw[2] < 0.2, "missing_required", Effect.REJECTED),
    ):
        if name not in left.columns:
            continue
        column = pl.col(name)
        broken = {
            "illegal_code": pl.concat_str(column.str.slice(0, 8), pl.lit("IO"), column.str.slice(10, 7)),
            "wrong_check": pl.concat_str(
                column.str.slice(0, 17),
                pl.when(column.str.slice(17) == "0").then(pl.lit("1")).otherwise(pl.lit("0")),
            ),
            "missing_required": pl.lit(None, dtype=pl.String),
        }[defect]
        after = left.with_columns(pl.when(pl.Series(chosen)).then(broken).otherwise(column).alias(name))
        planted += [
            Planted(int(n), name, defect, effect, left[name][int(n)], after[name][int(n)])
            for n in np.flatnonzero(chosen)
        ]
        left = after
    return left, planted
