"""What a change of the contracts means: for the raw tables, for departments, and for who may see what.

Only the contracts are compared, and the records stored under them are counted; no delivered file is read again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from connectors.contract import CodeList, Column, Contract
from connectors.raw_migration import StoredTable, kind_of, problems

Words = Mapping[tuple[str, str, str], int]
"""Current records by contract, column and code word."""


class Effect(StrEnum):
    """How far a change reaches."""

    PLAIN = "plain"
    """Of future deliveries, or of wording."""
    MIGRATES = "migrates"
    """The raw table is created or changed by the next delivery or run."""
    WARNS = "warns"
    """Somebody should know before it is merged."""
    REFUSED = "refused"
    """The raw table cannot follow: deliveries of this contract will wait."""


@dataclass(frozen=True)
class Change:
    """One change of one contract.

    Attributes:
        subject: a column, a rule, or an attribute of the contract; empty for the contract as a whole.
        what: the change itself, in Chinese.
        means: what follows from it, in Chinese.
    """

    contract: str
    subject: str
    what: str
    effect: Effect
    means: str


@dataclass(frozen=True)
class Side:
    """Contracts and code lists before or after a change."""

    contracts: Mapping[str, Contract]
    codes: Mapping[str, CodeList]


@dataclass(frozen=True)
class Stored:
    """What the warehouse holds of the contracts: tables by contract id, and how often a code word stands in them."""

    tables: Mapping[str, StoredTable]
    words: Words = field(default_factory=dict)


def as_if_stored(contracts: Mapping[str, Contract]) -> dict[str, StoredTable]:
    """Return the raw tables that contracts make, taken to hold records: the worst case where no warehouse is asked."""
    return {
        c.id: StoredTable({f.name: kind_of(f) for f in c.fields}, c.key, c.fallback_key, has_rows=True)
        for c in contracts.values()
    }


def compare(old: Side, new: Side, stored: Stored) -> list[Change]:
    """Return every change between two states of the contracts, by contract id."""
    changes: list[Change] = []
    for contract_id in sorted({*old.contracts, *new.contracts}):
        before, now = old.contracts.get(contract_id), new.contracts.get(contract_id)
        if before is None and now is not None:
            means = f"下一次报送或运行建立 raw.{contract_id}，并生成目录、质检规则、回执和样例。"
            changes.append(Change(contract_id, "", f"新增契约“{now.title}”", Effect.MIGRATES, means))
        elif now is None and before is not None:
            means = "raw 表和全部记录保留；今后的报送不再受理，会以回执说明；暂缓入库的批次请先放行或退回。"
            changes.append(Change(contract_id, "", f"删去契约“{before.title}”", Effect.WARNS, means))
        elif before is not None and now is not None and before.version != now.version:
            changes += _Pair(before, now, old.codes, new.codes, stored).changes()
    return changes


def removed_words(old: Side, new: Side) -> dict[tuple[str, str], list[str]]:
    """Return the code words that a column may no longer hold, by contract and column."""
    found = {}
    for contract_id, before in old.contracts.items():
        now = new.contracts.get(contract_id)
        for name in before.columns.keys() & now.columns.keys() if now is not None else ():
            assert now is not None
            gone = _words(before.columns[name], old.codes).keys() - _words(now.columns[name], new.codes).keys()
            if gone and now.columns[name].codes is not None:
                found[contract_id, name] = sorted(gone)
    return found


def _words(column: Column, codes: Mapping[str, CodeList]) -> Mapping[str, list[str]]:
    listed = codes.get(column.codes) if column.codes is not None else None
    return listed.words if listed is not None else {}


_ATTRIBUTES: Mapping[str, str] = {
    "title": "名称",
    "description": "说明",
    "person": "涉及个人",
    "cycle": "报送周期",
    "quality_target": "质量目标",
    "maximum_loss": "允许减少的比例",
    "ignored": "不采用的表头",
    "note": "备注",
    "sharing": "共享属性",
    "opening": "开放属性",
    "source": "数据来源",
}
_OF_ITS_OWN = {
    "department", "extract", "codes_digest", "default_level", "columns", "rules", "key", "fallback_key", "identity",
    "mode",
}  # fmt: skip
"""Parts of a contract that are compared by more than their value, or through what follows from them."""
_MEANINGS: Mapping[str, tuple[Effect, str]] = {
    "quality_target": (Effect.WARNS, "今后得分低于新目标的批次暂缓入库。"),
    "maximum_loss": (Effect.PLAIN, "今后全量报送减少的记录超过新比例时，须由人确认。"),
    "sharing": (Effect.WARNS, "资源目录随之改变；已按原属性提供的数据请另行核对。"),
    "opening": (Effect.WARNS, "开放目录随之改变；开放后 L1 列对社会公开，取消开放的不再更新。"),
    "person": (Effect.WARNS, "未写明级别的列，其级别和自由文本的遮盖方式随之改变。"),
    "cycle": (Effect.PLAIN, "应报时间和默认的数据日期随之改变。"),
    "ignored": (Effect.PLAIN, "今后这些表头不采用，也不作为问题。"),
}
_COLUMN_OF_ITS_OWN = {"header", "aliases", "type", "level", "codes", "required", "unit", "element"}
_MODE_MEANINGS: Mapping[str, str] = {
    "full": "今后每次报送都是完整名单，未出现的记录将被撤回（超过允许比例的先暂缓）。",
    "incremental": "今后只按报送的行新增和变更，未出现的记录不再撤回。",
    "append": "今后每行都是新的事件，同键再报作为新版本并提示。",
}
_LEVEL_MEANINGS: Mapping[str, str] = {
    "L1": "对社会开放，任何人可见",
    "L2": "分析人员可见明文，门户和台账不再遮盖",
    "L3": "仅本部门和获批的部门可见明文",
    "L4": "仅本部门和获批的部门可见明文，其余处一律遮盖",
}


@dataclass(frozen=True)
class _Pair:
    """One contract before and after."""

    before: Contract
    now: Contract
    old_codes: Mapping[str, CodeList]
    new_codes: Mapping[str, CodeList]
    stored: Stored

    def changes(self) -> Iterator[Change]:
        """Yield everything that changed, what is refused first."""
        found = [*self._refusals(), *self._keys(), *self._columns(), *self._rules(), *self._attributes()]
        if not found:
            found = [self._change("", "共用的数据元、代码表或说明有改动", Effect.PLAIN, "只影响今后的报送。")]
        yield from sorted(found, key=lambda c: c.effect is not Effect.REFUSED)

    def _change(self, subject: str, what: str, effect: Effect, means: str) -> Change:
        return Change(self.now.id, subject, what, effect, means)

    def _table(self) -> StoredTable | None:
        return self.stored.tables.get(self.now.id)

    def _problems(self) -> Mapping[str, str]:
        table = self._table()
        return problems(self.now, table) if table is not None else {}

    def _refusals(self) -> Iterator[Change]:
        for subject, reason in self._problems().items():
            what, _, why = reason.partition("：")
            yield self._change(subject, what, Effect.REFUSED, f"{why}。改好之前，这份数据的报送都暂缓入库。")

    def _keys(self) -> Iterator[Change]:
        for part, word in (("key", "主键"), ("fallback_key", "替代主键")):
            before, now = getattr(self.before, part), getattr(self.now, part)
            if before != now and part not in self._problems():
                means = "库中没有记录，今后按新的键。"
                yield self._change(part, f"{word}：{_shown(before)} → {_shown(now)}", Effect.PLAIN, means)
        if self.before.identity != self.now.identity:
            what = f"身份列：{_shown(self.before.identity)} → {_shown(self.now.identity)}"
            means = "记录键不变；今后按新的身份列区分同键的不同对象。"
            yield self._change("identity", what, Effect.WARNS, means)
        if self.before.mode != self.now.mode:
            what = f"报送方式：{self.before.mode} → {self.now.mode}"
            yield self._change("mode", what, Effect.WARNS, _MODE_MEANINGS[self.now.mode])

    def _columns(self) -> Iterator[Change]:
        before, now = self.before.columns, self.now.columns
        for name in (n for n in now if n not in before):
            means = "raw 表增加这一列，旧记录为空；没有这一列内容的记录仍算未变。"
            what = f"新增列“{now[name].header}”（{now[name].type}）"
            yield self._change(name, what, Effect.MIGRATES, means)
        for name in (n for n in before if n not in now):
            means = "raw 表保留这一列和旧值，今后为空；原来有值的记录在下一次报送时各开一个新版本。"
            yield self._change(name, f"删去列“{before[name].header}”", Effect.WARNS, means)
        for name in (n for n in now if n in before):
            yield from self._headers(name)
            yield from self._type(name)
            yield from self._level(name)
            yield from self._required(name)
            yield from self._words(name)
            for attribute, was, is_now in _different(before[name], now[name], _COLUMN_OF_ITS_OWN):
                what = f"{attribute}：{_shown(was)} → {_shown(is_now)}"
                yield self._change(name, what, Effect.PLAIN, "今后的报送按新的要求核对；已入库的记录不重新判断。")

    def _headers(self, name: str) -> Iterator[Change]:
        before, now = self.before.columns[name], self.now.columns[name]
        known = {h for c in self.now.columns.values() for h in (c.header, *c.aliases)}
        lost = [h for h in (before.header, *before.aliases) if h not in known]
        gained = [h for h in (now.header, *now.aliases) if h not in (before.header, *before.aliases)]
        if lost:
            means = "仍用这些表头报送的文件，这一列可能识别不出；必填列识别不出的文件不予接收。"
            yield self._change(name, f"不再识别表头 {_shown(lost)}", Effect.WARNS, means)
        if gained:
            yield self._change(name, f"新识别表头 {_shown(gained)}", Effect.PLAIN, "今后可用这些表头报送。")

    def _type(self, name: str) -> Iterator[Change]:
        before, now = self.before.columns[name], self.now.columns[name]
        if before.unit != now.unit:
            means = "已入库的数值仍按原单位，不会换算：请恢复原单位，或以新列名增加一列。"
            yield self._change(name, f"单位：{_shown(before.unit)} → {_shown(now.unit)}", Effect.WARNS, means)
        if before.type == now.type or name in self._problems():
            return
        what = f"类型：{before.type} → {now.type}"
        kinds = [next(kind_of(f) for f in c.fields if f.name == name) for c in (self.before, self.now)]
        if kinds[0] != kinds[1]:
            means = "raw 表的列随之改类型，已入库的值换成新类型，未变的记录仍算未变；用到它的视图原样重建。"
            yield self._change(name, what, Effect.MIGRATES, means)
        elif name in (*self.now.key, *self.now.fallback_key):
            means = "存储不变，但键值的读法改变：写法因此不同的记录会被当作新记录。"
            yield self._change(name, what, Effect.WARNS, means)
        else:
            means = "存储不变；今后按新的读法，读出的值不同的记录各开一个新版本。"
            yield self._change(name, what, Effect.PLAIN, means)

    def _level(self, name: str) -> Iterator[Change]:
        before, now = self.before.level(name), self.now.level(name)
        if before == now:
            return
        effect, word = (Effect.WARNS, "降低") if now < before else (Effect.PLAIN, "提高")
        yield self._change(name, f"级别{word}：{before} → {now}", effect, f"{_LEVEL_MEANINGS[now]}。")

    def _required(self, name: str) -> Iterator[Change]:
        before, now = self.before.columns[name].required, self.now.columns[name].required
        if before == now:
            return
        effect, means = {
            True: (Effect.WARNS, "今后这一列为空的行退回，没有这一列的文件不予接收。"),
            "warning": (Effect.PLAIN, "今后这一列为空的行照收，作为问题提示。"),
            False: (Effect.PLAIN, "今后这一列可以为空。"),
        }[now]
        yield self._change(name, f"必填：{_shown(before)} → {_shown(now)}", effect, means)

    def _words(self, name: str) -> Iterator[Change]:
        before, now = self.before.columns[name], self.now.columns[name]
        if before.codes != now.codes:
            what = f"代码表：{_shown(before.codes)} → {_shown(now.codes)}"
            yield self._change(name, what, Effect.PLAIN, "今后按新的代码表核对。")
        if now.codes is None:
            return
        old, new = _words(before, self.old_codes), _words(now, self.new_codes)
        for word in sorted(old.keys() - new.keys()):
            holding = self.stored.words.get((self.now.id, name, word))
            held = "未统计用到它的记录" if holding is None else f"现行记录中有 {holding:,} 条用到它"
            means = f"{held}，这些记录保持原值；今后再报这个词，值置空并作为问题。"
            yield self._change(name, f"代码表 {now.codes} 删去“{word}”", Effect.WARNS, means)
        if added := sorted(new.keys() - old.keys()):
            yield self._change(name, f"代码表 {now.codes} 增加 {_shown(added)}", Effect.PLAIN, "今后可报这些词。")
        if lost := sorted({a for w in old.keys() & new.keys() for a in set(old[w]) - set(new[w])}):
            what = f"代码表 {now.codes} 不再识别写法 {_shown(lost)}"
            yield self._change(name, what, Effect.WARNS, "今后这样写的值置空并作为问题。")

    def _rules(self) -> Iterator[Change]:
        before, now = self.before.rules, self.now.rules
        for name in sorted({*before, *now}):
            was, is_now = before.get(name), now.get(name)
            if was == is_now:
                continue
            means = "只用于今后的报送；已入库的记录和以前的得分不重新判断。"
            if is_now is None:
                yield self._change(name, "删去规则", Effect.PLAIN, means)
                continue
            effect = Effect.PLAIN
            if is_now.severity == "critical":
                effect, means = Effect.WARNS, f"合格率低于 {is_now.threshold:.0%} 的批次暂缓入库；{means}"
            what = "新增规则" if was is None else "改动规则"
            if was is not None and type(was) is type(is_now):
                parts = [f"{a} {_shown(x)} → {_shown(y)}" for a, x, y in _different(was, is_now, set())]
                what = f"{what}：{'，'.join(parts)}"
            yield self._change(name, what, effect, means)

    def _attributes(self) -> Iterator[Change]:
        for name, was, is_now in _different(self.before, self.now, _OF_ITS_OWN):
            effect, means = _MEANINGS.get(name, (Effect.PLAIN, "只影响今后的报送和说明文字。"))
            what = f"{_ATTRIBUTES.get(name, name)}：{_shown(was)} → {_shown(is_now)}"
            yield self._change(name, what, effect, means)


def _different(before: Any, now: Any, leaving_out: set[str]) -> Iterator[tuple[str, Any, Any]]:
    """Yield the attributes of two models that differ: name, before, now."""
    old, new = before.model_dump(mode="json"), now.model_dump(mode="json")
    for name in new:
        if name not in leaving_out and old.get(name) != new[name]:
            yield name, old.get(name), new[name]


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "，".join(f"{k} {_shown(v)}" for k, v in value.items() if v not in (None, "", [], {})) or "无"
    if isinstance(value, list | tuple):
        return "、".join(map(str, value)) or "无"
    return _VALUE_WORDS.get(str(value), str(value))


_VALUE_WORDS: Mapping[str, str] = {"None": "无", "": "无", "True": "是", "False": "否", "warning": "提示"}
