"""Connected components: what is linked to one another directly or through others is one group."""

from __future__ import annotations

import numpy as np
import polars as pl
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components


def group_linked(links: pl.DataFrame) -> pl.DataFrame:
    """Group units by their links.

    Args:
        links: `unit`, `other` (UInt32): pairs that belong together.

    Returns:
        `unit`, `group` (the smallest unit of the group), one row per unit that is linked at all.
    """
    units = np.unique(np.concatenate([links["unit"].to_numpy(), links["other"].to_numpy()]))
    if not len(units):
        return pl.DataFrame(schema={"unit": pl.UInt32, "group": pl.UInt32})
    rows, columns = (np.searchsorted(units, links[end].to_numpy()) for end in ("unit", "other"))
    matrix = coo_array((np.ones(len(rows), dtype=np.int8), (rows, columns)), shape=(len(units), len(units)))
    _, labels = connected_components(matrix, directed=False)
    return pl.DataFrame({"unit": units, "label": labels}, schema_overrides={"unit": pl.UInt32}).select(
        "unit", pl.col("unit").min().over("label").alias("group")
    )
