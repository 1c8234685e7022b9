"""How figures are written: percentages that never round across a boundary, quantities, sparklines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Decimal

NOTHING = "—"
_PLACES = range(2, 9)


def percent(value: Decimal | None) -> str:
    """Write a share (0.8512) as a percentage (85.12%), cut to two decimals as the mart's own texts are.

    More decimals where cutting would show a whole per cent that was exceeded: thresholds are whole per cents, and
    85.0001 % must not read 85%.
    """
    if value is None:
        return NOTHING
    exact = value * 100
    shown = exact
    for places in _PLACES:
        shown = exact.quantize(Decimal(1).scaleb(-places), rounding=ROUND_DOWN)
        if shown == exact or shown != shown.to_integral_value():
            break
    return f"{_trimmed(f'{shown:f}')}%"


def quantity(value: Decimal | int | None) -> str:
    """Write a number with thousands separators and no more than four decimals, trailing zeros dropped."""
    if value is None:
        return NOTHING
    rounded = Decimal(value).quantize(Decimal("0.0001"), rounding=ROUND_HALF_EVEN)
    return _trimmed(f"{rounded:,f}")


def _trimmed(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text


def file_size(size: int) -> str:
    """Write a size in bytes for people."""
    amount = Decimal(size)
    for unit in ("B", "kB", "MB"):
        if amount < 1000:
            return f"{quantity(amount.quantize(Decimal('0.1')))} {unit}"
        amount /= 1000
    return f"{quantity(amount.quantize(Decimal('0.1')))} GB"


def moment(value: datetime | None) -> str:
    """Write a moment to the minute."""
    return NOTHING if value is None else value.strftime("%Y-%m-%d %H:%M")


@dataclass(frozen=True)
class Spark:
    """A small trend line: an SVG path in a box of `width` × `height` user units, and its last point."""

    path: str
    last_x: str
    last_y: str
    width: int
    height: int


def spark(points: Sequence[tuple[date, Decimal | None]], *, width: int = 96, height: int = 24) -> Spark | None:
    """Draw a trend line over as-of dates; a date without a value leaves a gap. None where no date has one."""
    values = [v for _, v in points if v is not None]
    if not values:
        return None
    low, high = min(values), max(values)
    pad = 3
    step = Decimal(width - 2 * pad) / max(len(points) - 1, 1)
    path, last, pen_down = [], ("0", "0"), False
    for number, (_, value) in enumerate(points):
        if value is None:
            pen_down = False
            continue
        offset = (value - low) / (high - low) if high > low else Decimal("0.5")
        x = pad + step * number if len(points) > 1 else Decimal(width) / 2
        y = height - pad - offset * (height - 2 * pad)
        last = (f"{x:.1f}", f"{y:.1f}")
        path.append(f"{'L' if pen_down else 'M'}{last[0]} {last[1]}")
        pen_down = True
    return Spark("".join(path), *last, width, height)
