"""The city's clock."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

CITY_TIME = ZoneInfo("Asia/Shanghai")


def now() -> datetime:
    """Return the present moment in Asia/Shanghai."""
    return datetime.now(CITY_TIME)
