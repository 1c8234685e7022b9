"""Where a header may stand among the first records of a sheet: one to three rows, group titles over their columns."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from connectors.header_words import is_many, is_unit, plain, trimmed
from connectors.headers import PATH, HeaderMatch
from connectors.readers.model import MergedCells

MOST_ROWS = 3
"""Rows of the highest header."""
_LONGEST = 60
_DATA = re.compile(r"\d{5}")
_UNIT_LINE = re.compile(r"单位\s*[:：]\s*(.{1,60})")
_FORM_LINE = re.compile(
    r"[:：]|^(填报|制表|审核|报送|编制|印发|统计时间|数据截止|截至|截止|附件|附表|表\s*\d|第.{1,4}页|共.{1,4}页|单位负责人|联系人|机密|秘密)"
    r"|\d\s*月|\d{4}\s*[-./]\s*\d"
)
_TITLE = re.compile(r"(表|名单|名册|清单|台账|汇总|统计|目录|一览|登记簿|公告|通报|报告)$")
_GROUP_LENGTH = 14
_INDEX = re.compile(r"^[(（]?(?:[甲乙丙丁戊己]|\d{1,2})[)）]?$")

Row = Sequence[str]


@dataclass(frozen=True)
class Reading:
    """One way to read some records as a header.

    Attributes:
        first: 0-based number of its first record.
        count: how many records it has.
        labels: per column of the file; titles above one another joined by `headers.PATH`.
        units: what a unit line above it names (单位：万元、户).
    """

    first: int
    count: int
    labels: tuple[str, ...]
    units: tuple[str, ...]

    @property
    def end(self) -> int:
        """Number of the first record below it."""
        return self.first + self.count


def readings(rows: Sequence[Row], merged: Sequence[MergedCells]) -> Iterator[Reading]:
    """Return every way to read one, two or three of the records as the header, from the top.

    A record under group titles is never read without them: the 姓名 under 父亲 is another one than 姓名.
    """
    units: tuple[str, ...] = ()
    for first, row in enumerate(rows):
        if not any(map(str.strip, row)):
            continue
        if not (first and _groups(rows[first - 1], row, first - 1, merged)):
            for count in range(1, MOST_ROWS + 1):
                if first + count > len(rows) or (count > 1 and not _may_be_header(rows[first : first + count])):
                    break
                yield Reading(first, count, labels(rows, first, count, merged), units)
        units += _units_of(row)


def lengthened(reading: Reading, match: HeaderMatch, rows: Sequence[Row], merged: Sequence[MergedCells]) -> Reading:
    """Return the header with the record below it where that only explains it: column numbers, units, English names.

    Args:
        match: how the header reads.
    """
    if reading.end >= len(rows) or reading.count >= MOST_ROWS:
        return reading
    below = [trimmed(cell) for cell in rows[reading.end]]
    filled = {position: text for position, text in enumerate(below) if text}
    names = {m.position: m for m in match.columns if m.how != "empty"}
    if _counts_columns(list(filled.values()), len(names)):
        return Reading(reading.first, reading.count + 1, reading.labels, reading.units)
    only_units = bool(filled) and all(is_unit(t.strip("()（）")) for t in filled.values()) and set(filled) <= set(names)
    if only_units and len(filled) < len(names):
        return Reading(
            reading.first, reading.count + 1, labels(rows, reading.first, reading.count + 1, merged), reading.units
        )
    spoken = [
        names[p].column for p, text in filled.items() if p in names and plain(text) == plain(names[p].column or "")
    ]
    if len(spoken) > 1 and len(spoken) >= 0.8 * len(match.matched()) and len(spoken) >= 0.5 * len(filled):
        same = sum(plain(text) == plain(reading.labels[p]) for p, text in filled.items() if p < len(reading.labels))
        if same < len(spoken):
            return Reading(reading.first, reading.count + 1, reading.labels, reading.units)
    return reading


def labels(rows: Sequence[Row], first: int, count: int, merged: Sequence[MergedCells]) -> tuple[str, ...]:
    """Return the titles over each column, joined from top to bottom.

    A group's title reaches to the right over blanks, as far as its merged cells where the sheet tells, else to the
    next title; a blank below a title belongs to it.
    """
    chosen = [[trimmed(cell) for cell in row] for row in rows[first : first + count]]
    width = max(map(len, chosen))
    grid = [row + [""] * (width - len(row)) for row in chosen]
    for level in range(count - 1):
        ends = {(r, c): last for r, c, _, last in merged if r == first + level}
        title, end = "", width
        above = chosen[level - 1] if level else []
        for column in range(width):
            own = grid[level][column]
            led = any(row[column] for row in grid[level + 1 :])
            if own:
                title, end = (own, ends.get((first + level, column), width - 1)) if led else ("", width)
                if (first + level, column) not in ends and merged and any(r == first + level for r, *_ in merged):
                    end = max(end, column)
            elif level and column < len(above) and above[column]:
                title = ""
            elif led and title and column <= end:
                grid[level][column] = title
    return tuple(PATH.join(_distinct(column)) for column in zip(*grid, strict=True))


def _distinct(column: Sequence[str]) -> list[str]:
    return [text for above, text in zip(("", *column), column, strict=False) if text and text != above]


def _may_be_header(rows: Sequence[Row]) -> bool:
    """Say whether records could be one header: short words, and gaps or repeated titles in all but the last."""
    for row in rows:
        if any(len(cell) > _LONGEST or _DATA.search(cell) for cell in row):
            return False
    below = [bool(cell.strip()) for cell in rows[-1]]
    upper = [[cell.strip() for cell in row] for row in rows[:-1]]
    gaps = not all(below) or any("" in row or len(row) < len(below) or len(set(row)) < len(row) for row in upper)
    return gaps and any(below)


def _groups(upper: Row, lower: Row, number: int, merged: Sequence[MergedCells]) -> bool:
    """Say whether a record holds group titles over the next one, and is not a title or a line of a form."""
    filled = {position: cell.strip() for position, cell in enumerate(upper) if cell.strip()}
    named = [position for position, cell in enumerate(lower) if cell.strip()]
    if not filled or len(named) < 2 or _FORM_LINE.search(" ".join(filled.values())):
        return False
    spans = [(first, last) for row, first, _, last in merged if row == number and last > first]
    if any(last - first + 1 < len(named) for first, last in spans):
        return True
    if any(len(text) > _GROUP_LENGTH or _TITLE.search(text) for text in filled.values()):
        return False
    if len(filled) == 1:
        (place,) = filled
        return place > named[0] and not spans
    gaps = any(position not in filled for position in named)
    return gaps or len(set(filled.values())) < len(filled)


def _units_of(row: Row) -> tuple[str, ...]:
    """Return the units of a unit line; the name of an organisation after 单位 is none."""
    text = " ".join(cell.strip() for cell in row if cell.strip())
    found = []
    for listed in _UNIT_LINE.findall(text):
        for word in re.split(r"[、,，;；\s()（）]|和|及", listed):
            if not word:
                continue
            if not (is_unit(word) or is_many(word) or word in _COUNTING):
                break
            found.append(word)
    return tuple(found)


_COUNTING = frozenset("个件条次家名台辆座处所项笔宗套艘只本份例起张篇")


def _counts_columns(texts: Sequence[str], columns: int) -> bool:
    """Say whether texts number the columns: 1 2 3 …, or 甲 乙 1 2 …"""
    if len(texts) < max(3, columns) or not all(map(_INDEX.match, texts)):
        return False
    numbers = [int(n) for text in texts if (n := re.sub(r"\D", "", text))]
    return numbers == list(range(numbers[0], numbers[0] + len(numbers))) and numbers[0] in (0, 1) if numbers else False
