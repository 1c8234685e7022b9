"""Working days of the Chinese calendar, from the seed of holidays and make-up days."""

from __future__ import annotations

import calendar
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import polars as pl


@dataclass(frozen=True)
class Calendar:
    """Which days are worked."""

    exceptions: Mapping[date, bool]
    """Holidays (false) and make-up days (true); every other day follows its weekday."""

    def is_working_day(self, day: date) -> bool:
        """Tell whether offices work on that day."""
        return self.exceptions.get(day, day.weekday() < 5)

    def working_days(self, after: date, until: date) -> int:
        """Count the working days after one day, up to and including another."""
        return sum(self.is_working_day(after + timedelta(days=n)) for n in range(1, (until - after).days + 1))

    def back(self, day: date, working_days: int) -> date:
        """Return the latest working day from which that many working days have passed on `day`."""
        start = day
        while self.working_days(start, day) < working_days or not self.is_working_day(start):
            start -= timedelta(days=1)
        return start


def load_calendar(exceptions: Path) -> Calendar:
    """Read `seeds/calendar_exceptions.csv` (day, is_working_day)."""
    table = pl.read_csv(exceptions, infer_schema=False)
    days = table["day"].str.to_date().to_list()
    return Calendar(dict(zip(days, (text == "true" for text in table["is_working_day"]), strict=True)))


def month_later(day: date) -> date:
    """Return the same day of the next month; the last day of a month goes to the last day."""
    year, month = (day.year + 1, 1) if day.month == 12 else (day.year, day.month + 1)
    last = calendar.monthrange(year, month)[1]
    is_last = day.day == calendar.monthrange(day.year, day.month)[1]
    return date(year, month, last if is_last else min(day.day, last))


def same_day_before(day: date, *, months: int) -> date:
    """Return the same day that many months earlier; the last day of the month where it has no such day."""
    count = day.year * 12 + day.month - 1 - months
    year, month = count // 12, count % 12 + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))
