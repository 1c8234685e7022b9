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
    draw = rng.random((5, len(left)))
    code, day = pl.col("uscc"), pl.lit("待定")
    other_check = pl.when(code.str.slice(17) == "0").then(pl.lit("1")).otherwise(pl.lit("0"))
    for name, chosen, defect, effect, broken in (
        (
            "uscc",
            draw[0] < 0.6,
            "illegal_code",
            Effect.FLAGGED,
            pl.concat_str(code.str.slice(0, 8), pl.lit("IO"), code.str.slice(10, 7)),
        ),
        (
            "uscc",
            (draw[0] >= 0.6) & (draw[0] < 0.95),
            "wrong_check",
            Effect.FLAGGED,
            pl.concat_str(code.str.slice(0, 17), other_check),
        ),
        ("migrated_on", draw[1] < 0.35, "missing_required", Effect.REJECTED, pl.lit(None, dtype=pl.String)),
        ("migrated_on", (draw[1] >= 0.35) & (draw[1] < 0.7), "unreadable_date", Effect.REJECTED, day),
        ("provider", draw[2] < 0.25, "missing_required", Effect.REJECTED, pl.lit(None, dtype=pl.String)),
        ("name", draw[3] < 0.25, "missing_required", Effect.REJECTED, pl.lit(None, dtype=pl.String)),
        ("status", draw[4] < 0.6, "unknown_code", Effect.NULLED, pl.lit("待核实填写")),
    ):
        if name not in left.columns:
            continue
        after = left.with_columns(pl.when(pl.Series(chosen)).then(broken).otherwise(pl.col(name)).alias(name))
        planted += [
            Planted(int(n), name, defect, effect, left[name][int(n)], after[name][int(n)])
            for n in np.flatnonzero(chosen)
        ]
        left = after
    return left, planted
