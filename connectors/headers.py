"""Matching the department's headers to the columns of a contract."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from rapidfuzz import fuzz

from connectors.contract import Column, ColumnType, Contract
from connectors.errors import UserError
from connectors.normalise.numbers import BRACKETED, same_unit, unit_in_brackets

How = Literal["name", "alias", "similar", "unknown", "ignored", "duplicate", "empty"]

MINIMUM_SIMILARITY = 0.82
"""Below this no column is guessed."""
MINIMUM_LEAD = 0.08
"""A similar column must beat the next best one by this much."""
MINIMUM_CONFIDENCE = 0.5
"""Of a whole header row: below it the table is another department's, or no table."""
_RECOGNITION_LEAD = 0.05
_UNKNOWN: How = "unknown"
_OPPOSITES = (
    "男女",
    "父母",
    "起止",
    "始终",
    "自至",
    "入出",
    "内外",
    "上下",
    "甲乙",
    "新旧",
    "正副",
    "买卖",
    "借贷",
    "经纬",
)
_NOISE = re.compile(r"[\s\W_]+")
_NAMELESS = re.compile(r"(?i)^(f\d+|unnamed:?\s*\d+|column\s*\d+|列\d+|_c?\d+)$")


class HeaderError(UserError):
    """No usable header; one Chinese sentence names the columns looked for and the headers seen."""


@dataclass(frozen=True)
class ColumnMatch:
    """One column of the file.

    Attributes:
        position: 0-based, of `TextBatch.cells`.
        header: as delivered, trimmed.
        column: the contract column, or None.
        how: `name`, `alias`, `similar` (confidence < 1), `unknown` (kept out), `ignored` (the contract says why it is
            kept out), `duplicate` (a second column for a contract column already matched; kept out), `empty` (no
            header; kept out).
        confidence: 0–1.
        unit: a unit the header names in brackets, `注册资本（万元）` → `万元`.
    """

    position: int
    header: str
    column: str | None
    how: How
    confidence: float
    unit: str | None = None


@dataclass(frozen=True)
class HeaderMatch:
    """How a header row reads under one contract.

    Attributes:
        columns: one per file column, in file order.
        missing: contract columns that the file does not have.
        confidence: 0–1, of the whole row.
    """

    columns: tuple[ColumnMatch, ...]
    missing: tuple[str, ...]
    confidence: float

    def matched(self) -> dict[str, ColumnMatch]:
        """Return the file column of each contract column found."""
        return {m.column: m for m in self.columns if m.column is not None}

    def as_json(self) -> dict[str, Any]:
        """Return the match for `quality.batch.header_match`; headers are as delivered (mask them before storing)."""
        return {
            "confidence": round(self.confidence, 4),
            "missing": list(self.missing),
            "columns": [asdict(m) for m in self.columns if m.how != "empty"],
        }


def match_headers(cells: Sequence[str | None], contract: Contract) -> HeaderMatch:
    """Match one header row to a contract by name, alias, English name, then by similarity where it is beyond doubt.

    Args:
        cells: the row's texts.
        contract: whose columns to look for.
    """
    row = _HeaderRow([_trimmed(cell) for cell in cells], contract)
    row.match_exactly(plain)
    row.match_exactly(without_brackets)
    row.match_similar()
    columns = tuple(row.found[position] for position in range(len(row.headers)))
    missing = tuple(name for name in contract.columns if name not in row.taken)
    return HeaderMatch(columns, missing, _confidence(columns, contract))


def recognise(cells: Sequence[str | None], contracts: Sequence[Contract]) -> tuple[Contract, HeaderMatch] | None:
    """Return the one contract whose columns the header row holds, or None where none or several fit."""
    matches = [(contract, match_headers(cells, contract)) for contract in contracts]
    scored = sorted(
        ((_agreement(m, c), c, m) for c, m in matches if header_problem(m, c) is None),
        key=lambda s: s[0],
        reverse=True,
    )
    if not scored or (len(scored) > 1 and scored[0][0] - scored[1][0] < _RECOGNITION_LEAD):
        return None
    return scored[0][1], scored[0][2]


def header_problem(match: HeaderMatch, contract: Contract) -> str | None:
    """Return why the table cannot be taken under the contract, as one Chinese sentence, or None."""
    found = match.matched()
    seen = f"文件的表头是：{_listed(visible_headers(match))}"
    if not usable_key(found, contract):
        wanted = _listed([_title(contract, name) for name in contract.key if name not in found])
        instead = [_title(contract, name) for name in contract.fallback_key if name not in found]
        other = f"，也没有可以代替的{_listed(instead)}" if instead else ""
        return f"缺少{contract.title}的主键列{wanted}{other}；{seen}。请补上后重新报送。"
    required = [name for name, column in contract.columns.items() if column.required is True and name not in found]
    if required:
        wanted = _listed([_title(contract, name) for name in required])
        return f"缺少{contract.title}的必填列{wanted}；{seen}。请补上后重新报送。"
    if match.confidence < MINIMUM_CONFIDENCE:
        wanted = _listed([column.header for column in contract.columns.values()])
        return f"表头与{contract.title}不符，可能放错了数据：应有{wanted}；{seen}。"
    return None


def usable_key(found: Collection[str], contract: Contract) -> bool:
    """Say whether all key columns, or all of the fallback key, are among the found columns."""
    return any(key and set(key) <= set(found) for key in (contract.key, contract.fallback_key))


def visible_headers(match: HeaderMatch) -> list[str]:
    """Return the delivered headers, those that look like data (long numbers) left out."""
    return [m.header for m in match.columns if m.header and not re.search(r"\d{5}", m.header)]


def plain(header: str) -> str:
    """Return a header for comparison: half-width, without spaces, punctuation or case."""
    return _NOISE.sub("", unicodedata.normalize("NFKC", header)).lower()


def without_brackets(header: str) -> str:
    """Return a header for comparison without what stands in brackets; empty if nothing else is there."""
    return plain(BRACKETED.sub("", unicodedata.normalize("NFKC", header)))


def _trimmed(cell: str | None) -> str:
    text = re.sub(r"[\u200b-\u200f\u2060\ufeff\u00ad]", "", cell or "")
    return re.sub(r"[\s\u3000\u00a0]+", " ", text).strip().strip("'*＊ ")


def _written_forms(contract: Contract) -> dict[str, tuple[str, How]]:
    """Return every way a column may be written, by comparison form; the Chinese header wins over aliases."""
    forms: dict[str, tuple[str, How]] = {plain(c.header): (name, "name") for name, c in contract.columns.items()}
    for name, column in contract.columns.items():
        for alias in (*column.aliases, name):
            forms.setdefault(plain(alias), (name, "alias"))
    for name, column in contract.columns.items():
        for text in (column.header, *column.aliases):
            if bare := without_brackets(text):
                forms.setdefault(bare, (name, "alias"))
    return forms


class _HeaderRow:
    """A header row while its columns are being matched."""

    def __init__(self, headers: list[str], contract: Contract) -> None:
        self.headers = headers
        self.found: dict[int, ColumnMatch] = {}
        self.taken: set[str] = set()
        self._contract = contract
        self._written = _written_forms(contract)
        self._stated = {plain(t) for name, c in contract.columns.items() for t in (c.header, *c.aliases, name)}
        ignored = {plain(text) for text in contract.ignored}
        for position, header in enumerate(headers):
            if not plain(header) or _NAMELESS.match(header):
                self.found[position] = ColumnMatch(position, header, None, "empty", 0.0)
            elif plain(header) in ignored:
                self.found[position] = ColumnMatch(position, header, None, "ignored", 1.0)

    def match_exactly(self, form: Callable[[str], str]) -> None:
        """Match the headers whose form is one of the written forms."""
        whole = form is plain
        for position, header in self._open():
            column, how = self._written.get(form(header), (None, _UNKNOWN))
            if column is not None and (whole or column not in self.taken):
                self._take(position, header, column, how if whole else "alias", 1.0 if whole else 0.95)

    def match_similar(self) -> None:
        """Match what is left by similarity, the most similar first; what then has no column is unknown."""
        nearest = [(position, header, *self._nearest(plain(header))) for position, header in self._open()]
        for position, header, column, score in sorted(nearest, key=lambda n: -n[3]):
            if score >= MINIMUM_SIMILARITY:
                self._take(position, header, column, "similar", round(score, 3))
            else:
                self.found[position] = ColumnMatch(position, header, None, "unknown", 0.0)

    def _open(self) -> list[tuple[int, str]]:
        return [(position, header) for position, header in enumerate(self.headers) if position not in self.found]

    def _take(self, position: int, header: str, column: str, how: How, confidence: float) -> None:
        if column in self.taken:
            self.found[position] = ColumnMatch(position, header, None, "duplicate", 0.0)
            return
        fixed = _fixed_unit(self._contract.columns[column])
        if fixed and plain(header) not in self._stated and not same_unit(unit_in_brackets(header) or "", fixed):
            self.found[position] = ColumnMatch(position, header, None, "unknown", 0.0)
            return
        self.taken.add(column)
        unit = _unit(header, self._contract, column)
        self.found[position] = ColumnMatch(position, header, column, how, confidence, unit)

    def _nearest(self, form: str) -> tuple[str, float]:
        """Return the most similar column and its similarity; 0 where the next best one is too near."""
        best: dict[str, float] = {}
        for text, (column, _) in self._written.items():
            score = 0.0 if _opposed(form, text) else fuzz.ratio(form, text) / 100
            best[column] = max(best.get(column, 0.0), score)
        first, *others = sorted(best.items(), key=lambda b: -b[1])
        lead = first[1] - (others[0][1] if others else 0.0)
        return first if lead >= MINIMUM_LEAD and len(form) > 2 else (first[0], 0.0)


def _opposed(one: str, other: str) -> bool:
    """Say whether two headers differ in a word and its opposite: 父亲姓名 is never 母亲姓名."""
    return any(
        (a in one and b in other and a not in other) or (b in one and a in other and b not in other)
        for a, b in ((pair[0], pair[1]) for pair in _OPPOSITES)
    )


def _unit(header: str, contract: Contract, column: str) -> str | None:
    if contract.columns[column].type not in (ColumnType.MONEY, ColumnType.QUANTITY):
        return None
    return unit_in_brackets(header)


def _fixed_unit(column: Column) -> str | None:
    """Return the unit a plain number is in by its header, 金额（万元）; under another unit it is another number."""
    return unit_in_brackets(column.header) if column.type in (ColumnType.INT, ColumnType.DECIMAL) else None


def _confidence(columns: Sequence[ColumnMatch], contract: Contract) -> float:
    """The larger of: share of headers understood, share of contract columns found; each weighed by its confidence."""
    named = [m for m in columns if m.how != "empty"]
    if not named:
        return 0.0
    found = sum(m.confidence for m in named if m.column is not None)
    understood = sum(m.confidence for m in named)
    if found == 0:
        return 0.0
    return min(1.0, max(understood / len(named), found / len(contract.columns)))


def _agreement(match: HeaderMatch, contract: Contract) -> float:
    """Return the harmonic mean of both shares, which tells similar contracts of one department apart."""
    named = sum(m.how != "empty" for m in match.columns)
    found = sum(m.confidence for m in match.columns if m.column is not None)
    return 2 * found / (named + len(contract.columns))


def _title(contract: Contract, column: str) -> str:
    return contract.columns[column].header


def _listed(names: Sequence[str]) -> str:
    shown = "、".join(f"“{name[:30]}”" for name in names[:20])
    return f"{shown}等 {len(names)} 项" if len(names) > 20 else shown or "（无）"
