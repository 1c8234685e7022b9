"""Matching the department's headers to the columns of a contract.

A header leads to a column by a name or alias of the contract; else by the same words in another order of spelling
(`header_words.same_sense`, or written in full pinyin), which the receipt says. What differs in any other word is not
taken, however similar it looks: 联系人电话 is not 联系电话. It is only pointed out.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property, lru_cache
from typing import Any, Literal

from rapidfuzz import fuzz, process

from connectors.contract import Column, ColumnType, Contract
from connectors.errors import UserError
from connectors.header_words import (
    Kind,
    Wording,
    choices,
    is_count,
    is_harmless,
    is_many,
    is_unit,
    plain,
    same_sense,
    trimmed,
    wording,
)
from connectors.normalise.numbers import UNITS, same_unit

__all__ = [
    "ColumnMatch", "HeaderError", "HeaderMatch", "header_problem", "match_headers", "plain", "recognise", "usable_key",
]  # fmt: skip

How = Literal["name", "alias", "similar", "unknown", "ignored", "duplicate", "empty"]

PATH = " / "
"""Between a group's title and the header below it, where a header has several rows."""
MINIMUM_CONFIDENCE = 0.5
"""Of a whole header row: below it the table is another department's, or no table."""
_WHOLE, _BARE, _SENSE = 1.0, 0.95, 0.9
"""Confidence of a stated wording, of one without its remarks, and of one with the same sense."""
_LOOKALIKE = 60
"""From this similarity (0–100) on an unknown header is pointed out as perhaps meant."""
_RECOGNITION_LEAD = 0.05
_NAMELESS = re.compile(r"(?i)^(f\d+|unnamed:?\s*\d+(_level_\d+)?|column\s*\d+|field\s*\d+|列\d+|字段\d+|_c?\d+)$")
_NO_HEADER = re.compile(r"\d{4}|.{31}")
"""No wording of a header: it holds a number, or is a sentence."""
ROW_NUMBER = "行号"
"""Header of the first column of a receipt's rows."""
_COUNTERS = frozenset({"序号", ROW_NUMBER})
"""Row counters of the department's table, or of a receipt that comes back corrected."""
_EVERYWHERE = frozenset(
    [
        *["姓名", "名称", "性别", "出生日期", "年龄", "民族", "证件号码", "公民身份号码", "身份证号", "身份证号码"],
        *["联系电话", "手机号码", "电话", "住所", "地址", "统一社会信用代码", "单位名称", "企业名称", "单位"],
        *["法定代表人", "区划代码", "地区代码", "地区", "年份", "年度", "报告期", "月份", "日期", "状态", "类别"],
        *["类型", "级别", "编号", "备注", "说明", "操作类型", "文号", "数量", "更新时间", "发布日期"],
    ]
)
"""Headers of half of all tables: they count half when a table is told from another."""
_GROUP_FILLER = re.compile(
    r"(?:基本|登记|详细|主要|相关|其他|填报|信息|情况|资料|数据|内容|概况|明细|部分|栏目?|项目?|[一二三四五六])+"
)
_OWN_GROUPS = frozenset({"企业", "单位", "机构", "主体", "市场主体", "组织"})
_PEOPLE_GROUPS = frozenset({"个人", "人员", "本人"})
_SUMS = frozenset({"合计", "小计", "总计", "计"})
_YES_NO = frozenset("是否有无01yn")
_PLAIN_NUMBERS = (ColumnType.INT, ColumnType.DECIMAL)
_MEASURES = (ColumnType.MONEY, ColumnType.QUANTITY)


class HeaderError(UserError):
    """No usable header; one Chinese sentence names the columns looked for and the headers seen."""


@dataclass(frozen=True)
class ColumnMatch:
    """One column of the file.

    Attributes:
        position: 0-based, of `TextBatch.cells`.
        header: as delivered, trimmed; the titles above it joined by `PATH` where the header has several rows.
        column: the contract column, or None.
        how: `name`, `alias`, `similar` (confidence < 1), `unknown` (kept out), `ignored` (the contract says why it is
            kept out, or it only counts the rows), `duplicate` (a second column for a contract column already matched;
            kept out), `empty` (no header; kept out).
        confidence: 0–1.
        unit: the unit of its bare numbers, from the header, its group or the unit line above the table.
        reason: why it is kept out although it resembles a column; one Chinese sentence.
    """

    position: int
    header: str
    column: str | None
    how: How
    confidence: float
    unit: str | None = None
    reason: str = ""


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

    @property
    def weight(self) -> float:
        """How much of the contract was found: the sum of the confidences."""
        return sum(m.confidence for m in self.columns if m.column is not None)

    def as_json(self) -> dict[str, Any]:
        """Return the match for `quality.batch.header_match`; headers are as delivered (mask them before storing)."""
        return {
            "confidence": round(self.confidence, 4),
            "missing": list(self.missing),
            "columns": [asdict(m) for m in self.columns if m.how != "empty"],
        }


def match_headers(cells: Sequence[str | None], contract: Contract, units: Sequence[str] = ()) -> HeaderMatch:
    """Match one header row to a contract: names and aliases first, then the same words spelt otherwise.

    Args:
        cells: the row's texts; of a header of several rows the titles over each column, joined by `PATH`.
        contract: whose columns to look for.
        units: of the unit line above the table (单位：万元); for numbers whose header names none.
    """
    row = _HeaderRow([trimmed(cell) for cell in cells], contract, units)
    for confidence in (_WHOLE, _BARE, _SENSE):
        row.match(confidence)
    columns = row.columns()
    missing = tuple(name for name in contract.columns if name not in row.taken)
    return HeaderMatch(columns, missing, _confidence(columns, contract))


def recognise(cells: Sequence[str | None], contracts: Sequence[Contract]) -> tuple[Contract, HeaderMatch] | None:
    """Return the one contract whose columns the header row holds, or None where none or several fit."""
    return best_fitting([(contract, match_headers(cells, contract)) for contract in contracts])


def best_fitting(matches: Iterable[tuple[Contract, HeaderMatch]]) -> tuple[Contract, HeaderMatch] | None:
    """Return the contract that a table agrees with clearly better than with any other, or None."""
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
        return f"缺少{contract.title}的主键列{wanted}{other}；{seen}。{_doubts(match)}请补上后重新报送。"
    required = [name for name, column in contract.columns.items() if column.required is True and name not in found]
    if required:
        wanted = _listed([_title(contract, name) for name in required])
        return f"缺少{contract.title}的必填列{wanted}；{seen}。{_doubts(match)}请补上后重新报送。"
    if match.confidence < MINIMUM_CONFIDENCE:
        wanted = _listed([column.header for column in contract.columns.values()])
        return f"表头与{contract.title}不符，可能放错了数据：应有{wanted}；{seen}。"
    return None


def with_lookalikes(match: HeaderMatch, contract: Contract) -> HeaderMatch:
    """Return the match with a reason for each unknown header that resembles a missing column."""
    words = {text: n for n in match.missing for text in (contract.columns[n].header, *contract.columns[n].aliases)}
    columns = [replace(m, reason=_lookalike(m, words, contract)) if words else m for m in match.columns]
    return replace(match, columns=tuple(columns))


def _lookalike(match: ColumnMatch, words: Mapping[str, str], contract: Contract) -> str:
    if match.how != "unknown" or match.reason:
        return match.reason
    near = process.extractOne(match.header, list(words), scorer=fuzz.ratio, score_cutoff=_LOOKALIKE)
    if near is None:
        return ""
    return f"与“{_title(contract, words[near[0]])}”相近，但不能确定是同一列，未采用；如是，请改用这个列名。"


def usable_key(found: Collection[str], contract: Contract) -> bool:
    """Say whether all key columns, or all of the fallback key, are among the found columns."""
    return any(key and set(key) <= set(found) for key in (contract.key, contract.fallback_key))


def is_telling(match: HeaderMatch) -> bool:
    """Say whether more than headers of half of all tables were found."""
    return any(_weight(m) == 1.0 for m in match.columns if m.column is not None)


def visible_headers(match: HeaderMatch) -> list[str]:
    """Return the delivered headers, those that look like data (long numbers) left out."""
    return [m.header for m in match.columns if m.header and not re.search(r"\d{5}", m.header)]


def _kind(column: Column) -> Kind:
    match column.type:
        case ColumnType.DATE | ColumnType.DATETIME:
            return "date"
        case ColumnType.INT | ColumnType.DECIMAL | ColumnType.MONEY | ColumnType.QUANTITY:
            return "number"
        case ColumnType.CODE:
            return "code"
        case _:
            return "text"


@dataclass(frozen=True)
class _Vocabulary:
    """Every way the columns of a contract may be written.

    Attributes:
        stated: by whole form: names, aliases and English names.
        bare: by bare form: the stated ones without their units.
        senses: by kind and sense, where it is one column's only.
        forms: all whole forms of each column.
        units: the units its header and aliases name.
        headers: columns whose own header names the unit of a plain number.
        subjects: words the contract puts before its columns: 学生, 参保.
    """

    stated: Mapping[str, tuple[str, How]]
    bare: Mapping[str, str]
    senses: Mapping[tuple[Kind, str], str]
    forms: Mapping[str, frozenset[str]]
    units: Mapping[str, tuple[str, ...]]
    headers: Mapping[str, str]
    subjects: frozenset[str]

    @cached_property
    def pinyin(self) -> Mapping[str, str]:
        """Columns by the full pinyin of their Chinese forms, where it is one column's only."""
        from pypinyin import lazy_pinyin

        found: dict[str, set[str]] = {}
        for column, forms in self.forms.items():
            for form in forms:
                if len(form) > 1 and not form.isascii():
                    found.setdefault("".join(lazy_pinyin(form)), set()).add(column)
        return {text: next(iter(columns)) for text, columns in found.items() if len(columns) == 1}


def _vocabulary_of(contract: Contract) -> _Vocabulary:
    return _vocabulary(tuple((n, c.header, c.aliases, _kind(c), c.type) for n, c in contract.columns.items()))


@lru_cache(maxsize=512)
def _vocabulary(columns: tuple[tuple[str, str, tuple[str, ...], Kind, ColumnType], ...]) -> _Vocabulary:
    stated: dict[str, tuple[str, How]] = {plain(header): (name, "name") for name, header, *_ in columns}
    bare: dict[str, set[str]] = {}
    senses: dict[tuple[Kind, str], set[str]] = {}
    units: dict[str, tuple[str, ...]] = {}
    headers: dict[str, str] = {}
    for name, header, aliases, kind, kept in columns:
        for alias in (*aliases, name):
            stated.setdefault(plain(alias), (name, "alias"))
        worded = [wording(text) for text in (header, *aliases)]
        units[name] = tuple(w.unit for w in worded if w.unit is not None)
        if worded[0].unit is not None and kept in _PLAIN_NUMBERS:
            headers[name] = worded[0].unit
        for w in worded:
            if not w.remarks:
                bare.setdefault(w.bare, set()).add(name)
                senses.setdefault((kind, same_sense(w.bare, kind)), set()).add(name)
    forms: dict[str, set[str]] = {name: set() for name, *_ in columns}
    for form, (name, _) in stated.items():
        forms[name].add(form)
    return _Vocabulary(
        stated=stated,
        bare={form: next(iter(names)) for form, names in bare.items() if len(names) == 1},
        senses={key: next(iter(names)) for key, names in senses.items() if len(names) == 1},
        forms={name: frozenset(texts) for name, texts in forms.items()},
        units=units,
        headers=headers,
        subjects=_subjects(forms.values()),
    )


def _subjects(forms: Iterable[Collection[str]]) -> frozenset[str]:
    """Return the words that stand before a header or may be left out, in two columns at least."""
    seen: dict[str, int] = {}
    for own in forms:
        words = {a.removesuffix(b) for a in own for b in own if a != b and len(b) > 1 and a.endswith(b)}
        for word in words:
            seen[word] = seen.get(word, 0) + 1
    return frozenset(word for word, count in seen.items() if count > 1 and len(word) > 1)


class _HeaderRow:
    """A header row while its columns are being matched."""

    def __init__(self, headers: list[str], contract: Contract, units: Sequence[str]) -> None:
        self.taken: set[str] = set()
        self._headers = headers
        self._contract = contract
        self._units = units
        self._words = _vocabulary_of(contract)
        self._found: dict[int, ColumnMatch] = {}
        self._open: dict[int, list[Wording]] = {}
        ignored = {plain(text) for text in contract.ignored}
        for position, header in enumerate(headers):
            form = plain(header)
            if not form or _NAMELESS.match(header):
                self._found[position] = ColumnMatch(position, header, None, "empty", 0.0)
            elif form in ignored or (form in _COUNTERS and form not in self._words.stated):
                self._found[position] = ColumnMatch(position, header, None, "ignored", 1.0)
            else:
                self._open[position] = [wording(text) for text in self._spellings(header)]

    def match(self, confidence: float) -> None:
        """Match the headers left that lead to a column with this confidence."""
        for position, spellings in list(self._open.items()):
            for spelt in spellings:
                column, how = self._column(spelt, confidence)
                if column is not None:
                    self._take(position, spelt, column, how, confidence)
                    del self._open[position]
                    break

    def columns(self) -> tuple[ColumnMatch, ...]:
        """Return what became of each header; what is left is unknown."""
        return tuple(
            self._found.get(position) or ColumnMatch(position, header, None, "unknown", 0.0)
            for position, header in enumerate(self._headers)
        )

    def _spellings(self, header: str) -> list[str]:
        """Return the single headers that a header of several rows may stand for, the most telling first."""
        *groups, leaf = header.split(PATH)
        if not groups:
            return [header]
        lowest = leaf.strip("()（） ")
        if lowest in _SUMS or is_unit(lowest):
            *groups, leaf = groups
            leaf = leaf if lowest in _SUMS else f"{leaf}（{lowest}）"
        if not groups:
            return [leaf]
        unit = next((u for g in reversed(groups) if (u := wording(g).unit) is not None), None)
        told = f"（{unit}）" if unit is not None and wording(leaf).unit is None else ""
        bare = [wording(g).bare for g in groups]
        cores = [_GROUP_FILLER.sub("", g) for g in bare]
        needed = [core for core in cores if not self._is_own(core) and core not in plain(leaf)]
        texts = ["".join(bare) + leaf, "".join(cores) + leaf, "".join(needed) + leaf]
        if self._translates([*groups, leaf]):
            texts.append(groups[-1])
        return list(dict.fromkeys(text + told for text in texts))

    def _is_own(self, core: str) -> bool:
        """Say whether a group's title only names what the whole table is about."""
        own = _PEOPLE_GROUPS if self._contract.person else _OWN_GROUPS
        return not core or core in own or core in self._words.subjects or core in plain(self._contract.title)

    def _translates(self, path: Sequence[str]) -> bool:
        """Say whether each row of a header names the same column, one in Chinese and one in English."""
        columns = {self._words.stated.get(plain(text), (None,))[0] for text in path}
        return None not in columns and len(columns) == 1

    def _column(self, spelt: Wording, confidence: float) -> tuple[str | None, How]:
        words = self._words
        if confidence == _WHOLE:
            return words.stated.get(spelt.whole, (None, "unknown"))
        if not spelt.bare or _NO_HEADER.search(spelt.bare):
            return None, "unknown"
        if confidence == _BARE:
            candidates = [words.stated.get(spelt.bare, (None,))[0], words.bare.get(spelt.bare)]
            how: How = "alias"
        else:
            candidates = [words.senses.get((kind, same_sense(spelt.bare, kind))) for kind in _KINDS_OF_SENSE]
            candidates = [c for c, kind in zip(candidates, _KINDS_OF_SENSE, strict=True) if c and self._is(c, kind)]
            if len(spelt.bare) > 3 and re.fullmatch(r"[a-z]+", spelt.bare):
                candidates.append(words.pinyin.get(spelt.bare))
            how = "similar"
        for column in candidates:
            if column is not None and all(self._allows(column, remark) for remark in spelt.remarks):
                return column, how
        return None, "unknown"

    def _is(self, column: str, kind: Kind) -> bool:
        return _kind(self._contract.columns[column]) == kind

    def _allows(self, column: str, remark: str) -> bool:
        """Say whether a remark in brackets leaves a header that column's: a synonym, the words to choose from, help."""
        kept = self._contract.columns[column].type
        if is_harmless(remark) or plain(remark) in self._words.forms[column]:
            return True
        if kept is ColumnType.INT and is_count(remark):
            return True
        offered = choices(remark)
        if kept is ColumnType.BOOL:
            return bool(offered) and all(set(plain(word)) <= _YES_NO for word in offered)
        return kept is ColumnType.CODE and bool(offered)

    def _take(self, position: int, spelt: Wording, column: str, how: How, confidence: float) -> None:
        header = self._headers[position]
        if column in self.taken:
            self._found[position] = ColumnMatch(position, header, None, "duplicate", 0.0)
            return
        unit, reason = self._unit(spelt, column)
        if reason:
            self._found[position] = ColumnMatch(position, header, None, "unknown", 0.0, reason=reason)
            return
        self.taken.add(column)
        self._found[position] = ColumnMatch(position, header, column, how, confidence, unit)

    def _unit(self, spelt: Wording, column: str) -> tuple[str | None, str]:
        """Return the unit of a column's bare numbers, and why it cannot be taken under the unit it is in."""
        kept = self._contract.columns[column]
        if kept.type in _MEASURES:
            return self._measure_unit(spelt, kept)
        if kept.type in _PLAIN_NUMBERS:
            return None, self._plain_number_trouble(spelt, column, kept)
        if spelt.unit is not None and spelt.whole not in self._words.stated:
            return None, f"“{kept.header}”没有计量单位，列名却写了单位，未采用。"
        return None, ""

    def _measure_unit(self, spelt: Wording, kept: Column) -> tuple[str | None, str]:
        fits = [u for u in self._units if _converts(u, kept)]
        if spelt.unit is not None:
            fine = _converts(spelt.unit, kept)
            return (spelt.unit, "") if fine else (None, f"列名里的单位不能用于“{kept.header}”，未采用。")
        if len(fits) > 1:
            return None, f"表上方的单位有几个都可用于“{kept.header}”，无法确定，未采用；请在列名里写明单位。"
        return (fits[0], "") if fits else (None, "")

    def _plain_number_trouble(self, spelt: Wording, column: str, kept: Column) -> str:
        """A plain number is taken only in the unit of the contract; under another unit it is another number."""
        fixed, stated = self._words.headers.get(column), self._words.units[column]
        wanted = f"“{kept.header}”须以契约规定的单位填报，列名或表上方写的是另一单位，未采用。"
        if spelt.unit is not None:
            same = any(same_unit(spelt.unit, unit) for unit in stated)
            return "" if same or (not stated and is_count(spelt.unit)) else wanted
        if any(is_many(remark) for remark in spelt.remarks):
            return wanted
        if fixed is not None:
            near = [u for u in self._units if u in UNITS and fixed in UNITS and UNITS[u][0] == UNITS[fixed][0]]
            if near:
                return "" if all(same_unit(u, fixed) for u in near) else wanted
            verbatim = spelt.whole in self._words.forms[column]
            return "" if verbatim else f"“{kept.header}”的列名里没有写明单位，未采用。"
        if kept.type is ColumnType.INT and any(map(is_many, self._units)) and not any(map(is_count, self._units)):
            return wanted
        return ""


_KINDS_OF_SENSE: tuple[Kind, ...] = ("text", "code", "date", "number")


def _converts(unit: str, column: Column) -> bool:
    """Say whether a number in this unit can be stored in the column's unit."""
    if column.type is ColumnType.MONEY:
        return is_unit(unit) and UNITS.get(unit, ("money",))[0] == "money"
    own = column.unit or ""
    return unit == own or (unit in UNITS and own in UNITS and UNITS[unit][0] == UNITS[own][0])


def _weight(match: ColumnMatch) -> float:
    return 0.5 if plain(match.header.rpartition(PATH)[2]) in _EVERYWHERE else 1.0


def _confidence(columns: Sequence[ColumnMatch], contract: Contract) -> float:
    """The larger of: share of headers understood, share of contract columns found; common headers count half.

    A table that shares only common headers with the contract, and has others that the contract does not know, is
    another table: 0.
    """
    named = [m for m in columns if m.how not in ("empty", "ignored")]
    found = [m for m in named if m.column is not None]
    if not found:
        return 0.0
    weights = sum(m.confidence * _weight(m) for m in found)
    expected = sum(0.5 if plain(c.header) in _EVERYWHERE else 1.0 for c in contract.columns.values())
    strange = any(m.column is None and m.how == "unknown" and _weight(m) == 1.0 for m in named)
    if strange and not any(_weight(m) == 1.0 for m in found):
        return 0.0
    return min(1.0, max(weights / sum(_weight(m) for m in named), weights / expected))


def _agreement(match: HeaderMatch, contract: Contract) -> float:
    """Return the harmonic mean of both shares, which tells similar contracts of one department apart."""
    named = sum(m.how not in ("empty", "ignored") for m in match.columns)
    return 2 * match.weight / (named + len(contract.columns))


def _doubts(match: HeaderMatch) -> str:
    doubts = [f"“{m.header[:30]}”{m.reason}" for m in match.columns if m.reason and not re.search(r"\d{5}", m.header)]
    return "".join(doubts[:5])


def _title(contract: Contract, column: str) -> str:
    return contract.columns[column].header


def _listed(names: Sequence[str]) -> str:
    shown = "、".join(f"“{name[:30]}”" for name in names[:20])
    return f"{shown}等 {len(names)} 项" if len(names) > 20 else shown or "（无）"
