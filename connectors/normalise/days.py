"""Days of the Gregorian calendar by number: many at a time, from a table of the months."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FIRST_YEAR, LAST_YEAR = 1800, 2099
_MONTHS = np.arange(f"{FIRST_YEAR}-01", f"{LAST_YEAR + 1}-02", dtype="datetime64[M]").astype("datetime64[D]")
_STARTS = _MONTHS.astype(np.int64).astype(np.int32)
_LENGTHS = np.diff(_STARTS)
FIRST_DAY = int(_STARTS[0])

Days = NDArray[np.int32]


def day_numbers(years: Days, months: Days, days: Days) -> tuple[Days, NDArray[np.bool_]]:
    """Return the number of each day since 1970-01-01, and whether there is such a day from `FIRST_YEAR` to `LAST_YEAR`.

    What is no day has any number of the table's.
    """
    in_table = (years >= FIRST_YEAR) & (years <= LAST_YEAR) & (months >= 1) & (months <= 12)
    month: Days = np.where(in_table, (years - FIRST_YEAR) * 12 + months - 1, 0)
    return _STARTS[month] + days - 1, in_table & (days >= 1) & (days <= _LENGTHS[month])
