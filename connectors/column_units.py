"""Units that the names of columns state."""

from __future__ import annotations

_UNITS = {
    "_cny": "元", "_wan_cny": "万元", "_yi_cny": "亿元", "_km": "公里", "_sqkm": "平方公里", "_km2": "平方公里",
    "_sqm": "平方米",
    "_ha": "公顷", "_pct": "%", "_mbps": "Mbit/s", "_kw": "千瓦", "_days": "天", "_m": "米", "_count": "个",
}  # fmt: skip


def unit_of(column: str) -> str:
    """Return the unit that the end of a column's name states (the longest known one), else an empty text."""
    for suffix in sorted(_UNITS, key=len, reverse=True):
        if column.endswith(suffix):
            return _UNITS[suffix]
    return ""
