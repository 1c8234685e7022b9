"""The business date a delivery speaks for: declared, else in the file name, else in the title rows, else its cycle."""

from __future__ import annotations

import calendar
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import PurePath
from typing import Literal
from zoneinfo import ZoneInfo

CITY_TIME = ZoneInfo("Asia/Shanghai")

Source = Literal["declared", "file_name", "title", "cycle"]
SOURCE_WORDS: dict[str, str] = {
    "declared": "报送时声明",
    "file_name": "取自文件名",
    "title": "取自标题行",
    "cycle": "按报送周期推定",
}
"""How a receipt says where the date comes from."""

_EARLIEST = 1949
_YEAR = r"(?P<y>(?:19|20)\d{2})"
_PATTERNS = tuple(
    re.compile(p)
    for p in (
        rf"(?<!\d){_YEAR}(?P<m>0[1-9]|1[0-2])(?P<d>0[1-9]|[12]\d|3[01])(?=\d{{4}}(?!\d)|\d{{6}}(?!\d)|(?!\d))",
        rf"(?<!\d){_YEAR}\s*[年./_-]\s*(?P<m>1[0-2]|0?[1-9])\s*[月./_-]\s*(?P<d>3[01]|[12]\d|0?[1-9])(?!\d)",
        rf"(?<!\d){_YEAR}\s*年?\s*(?:第\s*)?(?P<q>[一二三四1-4])\s*季度",
        rf"(?<!\d){_YEAR}[-_]?[Qq](?P<q>[1-4])(?!\d)",
        rf"(?<!\d){_YEAR}\s*年?\s*(?P<h>[上下])半年",
        rf"(?<!\d){_YEAR}\s*年\s*(?P<m>1[0-2]|0?[1-9])\s*月(?!\s*\d+\s*日)",
        rf"(?<!\d){_YEAR}[-._]?(?P<m>0[1-9]|1[0-2])(?!\d|[-._]\d)",
        rf"(?<!\d){_YEAR}\s*年(?!\s*\d+\s*月|\s*第?[一二三四1-4]\s*季|\s*[上下]半)",
    )
)
_QUARTERS = {"一": 1, "二": 2, "三": 3, "四": 4, "1": 1, "2": 2, "3": 3, "4": 4}
_MADE_ON = re.compile(r"制表|填表|打印|导出|下载|印发|发布|编制")
_UNTIL = re.compile(r"截至|截止|统计时间|统计日期|报表期|所属期|数据日期")


@dataclass(frozen=True)
class AsOf:
    """A business date and where it was found."""

    day: date
    source: Source


def resolve(
    *,
    declared: date | None,
    file_names: Sequence[str],
    titles: Sequence[str],
    cycle: str,
    received_at: datetime,
) -> AsOf:
    """Return the business date of a delivery.

    Args:
        declared: by `weihai drop --as-of` or a side file; believed.
        file_names: of its parts.
        titles: texts of the rows above the header.
        cycle: of the contract; the last period that ended before receipt.
        received_at: aware; dates after its day in Asia/Shanghai are not believed.
    """
    today = received_at.astimezone(CITY_TIME).date()
    if declared is not None:
        return AsOf(declared, "declared")
    for name in file_names:
        if found := date_in_text(PurePath(name).stem, not_after=today):
            return AsOf(found, "file_name")
    speaking = [t for t in titles if _UNTIL.search(t)]
    others = [t for t in titles if t not in speaking and not _MADE_ON.search(t)]
    for title in (*speaking, *others):
        if found := date_in_text(title, not_after=today):
            return AsOf(found, "title")
    return AsOf(last_period_end(cycle, today), "cycle")


def date_in_text(text: str, *, not_after: date) -> date | None:
    """Return the most exact date a text names: a day, else the end of a month, quarter, half-year or year."""
    plain = unicodedata.normalize("NFKC", text)
    for pattern in _PATTERNS:
        days = [d for d in _days(pattern, plain) if d <= not_after]
        if days:
            return max(days)
    return None


def _days(pattern: re.Pattern[str], text: str) -> Iterator[date]:
    for found in pattern.finditer(text):
        parts = found.groupdict()
        year = int(parts["y"])
        if year < _EARLIEST:
            continue
        month = 12
        if parts.get("m"):
            month = int(parts["m"])
        elif parts.get("q"):
            month = 3 * _QUARTERS[parts["q"]]
        elif parts.get("h"):
            month = 6 if parts["h"] == "上" else 12
        last = calendar.monthrange(year, month)[1]
        day = int(parts["d"]) if parts.get("d") else last
        if day <= last:
            yield date(year, month, day)


def last_period_end(cycle: str, today: date) -> date:
    """Return the last day of the last period of a cycle that ended before `today`."""
    match cycle:
        case "daily":
            return today - timedelta(days=1)
        case "weekly":
            return today - timedelta(days=today.isoweekday())
        case "monthly":
            months = 1
        case "quarterly":
            months = 3
        case "half_yearly":
            months = 6
        case "yearly":
            months = 12
        case _:
            raise ValueError(f"不认识的报送周期：{cycle}")
    first_month = (today.month - 1) // months * months + 1
    return date(today.year, first_month, 1) - timedelta(days=1)
