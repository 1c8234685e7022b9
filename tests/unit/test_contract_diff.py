"""What a change of a contract means, change by change."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.contract import CodeList, Contract
from connectors.contract_diff import Change, Effect, Side, Stored, as_if_stored, compare, removed_words

BASE: dict[str, Any] = {
    "department": "test_office",
    "extract": "list",
    "title": "名单",
    "description": "试验用名单。",
    "key": ["code"],
    "identity": ["name"],
    "mode": "full",
    "cycle": "monthly",
    "sharing": {"type": "无条件共享"},
    "columns": {
        "code": {"header": "编号", "type": "text", "required": True, "aliases": ["序列号"]},
        "name": {"header": "名称", "type": "text", "level": "L3"},
        "value": {"header": "数值", "type": "int"},
        "on": {"header": "日期", "type": "date"},
        "length": {"header": "长度", "type": "quantity", "unit": "m"},
        "state": {"header": "状态", "type": "code", "codes": "state"},
    },
    "rules": {
        "once": {"kind": "unique", "columns": ["name"], "dimension": "0304", "message": "名称不得重复。"},
    },
}
CODES = {"state": CodeList(title="状态", words={"正常": ["在营"], "停业": [], "注销": []})}


def contract(**columns: Any) -> Contract:
    """The base contract with columns changed (a dict is merged), removed (None) or added."""
    merged = dict(BASE["columns"])
    for name, change in columns.items():
        if change is None:
            del merged[name]
        else:
            merged[name] = {**merged.get(name, {}), **change}
    return Contract.model_validate(BASE | {"columns": merged})


def changes(now: Contract, codes: dict[str, CodeList] | None = None, **words: int) -> list[Change]:
    before = Contract.model_validate(BASE)
    if codes is not None:
        now = now.model_copy(update={"codes_digest": "other"})
        now.__dict__.pop("version", None)
    stored = Stored(as_if_stored({before.id: before}), {(now.id, "state", w): n for w, n in words.items()})
    return compare(Side({before.id: before}, CODES), Side({now.id: now}, codes or CODES), stored)


@pytest.mark.parametrize(
    ("now", "subject", "effect", "what", "means"),
    [
        (contract(extra={"header": "新", "type": "text"}), "extra", Effect.MIGRATES, "新增列“新”", "旧记录为空"),
        (contract(value=None), "value", Effect.WARNS, "删去列“数值”", "各开一个新版本"),
        (contract(code={"aliases": []}), "code", Effect.WARNS, "不再识别表头 序列号", "识别不出"),
        (contract(code={"header": "代号"}), "code", Effect.WARNS, "不再识别表头 编号", "识别不出"),
        (contract(name={"aliases": ["单位"]}), "name", Effect.PLAIN, "新识别表头 单位", "今后可用"),
        (contract(value={"type": "decimal"}), "value", Effect.MIGRATES, "类型：int → decimal", "视图原样重建"),
        (contract(on={"type": "datetime"}), "on", Effect.MIGRATES, "类型：date → datetime", "仍算未变"),
        (contract(value={"type": "text"}), "value", Effect.REFUSED, "由整数改为文本", "恢复原类型"),
        (contract(on={"type": "period"}), "on", Effect.REFUSED, "由日期改为文本", "暂缓入库"),
        (contract(name={"type": "uscc"}), "name", Effect.PLAIN, "类型：text → uscc", "存储不变"),
        (contract(code={"type": "id"}), "code", Effect.WARNS, "类型：text → id", "当作新记录"),
        (contract(length={"unit": "km"}), "length", Effect.WARNS, "单位：m → km", "不会换算"),
        (contract(name={"level": "L2"}), "name", Effect.WARNS, "级别降低：L3 → L2", "分析人员可见明文"),
        (contract(name={"level": "L4"}), "name", Effect.PLAIN, "级别提高：L3 → L4", "一律遮盖"),
        (contract(name={"required": True}), "name", Effect.WARNS, "必填：否 → 是", "退回"),
        (contract(value={"minimum": 0}), "value", Effect.PLAIN, "minimum：无 → 0.0", "不重新判断"),
        (contract(state={"codes": "sex"}), "state", Effect.PLAIN, "代码表：state → sex", "新的代码表"),
    ],
    ids=lambda value: value.replace(" ", "") if isinstance(value, str) and len(value) > 7 else "",
)
def test_change_of_a_column_says_what_follows(
    now: Contract, subject: str, effect: Effect, what: str, means: str
) -> None:
    found = [c for c in changes(now) if c.effect is effect and c.subject == subject and what in c.what]
    assert len(found) == 1
    assert means in found[0].means


@pytest.mark.parametrize(
    ("attributes", "subject", "effect", "what"),
    [
        ({"key": ["code", "name"]}, "key", Effect.REFUSED, "主键由（code）改为（code、name）"),
        ({"fallback_key": ["name"]}, "fallback_key", Effect.REFUSED, "替代主键由（无）改为（name）"),
        ({"identity": ["on"]}, "identity", Effect.WARNS, "身份列：name → on"),
        ({"mode": "incremental"}, "mode", Effect.WARNS, "报送方式：full → incremental"),
        ({"maximum_loss": 0.3}, "maximum_loss", Effect.PLAIN, "允许减少的比例：0.1 → 0.3"),
        ({"quality_target": 0.95}, "quality_target", Effect.WARNS, "质量目标：0.9 → 0.95"),
        (
            {"sharing": {"type": "不予共享", "basis": "某法"}}, "sharing", Effect.WARNS,
            "共享属性：type 无条件共享，method 共享平台 → type 不予共享，method 共享平台，basis 某法",
        ),
        ({"opening": {"is_open": True, "category": "x"}}, "opening", Effect.WARNS, "category x"),
        ({"rules": {}}, "once", Effect.PLAIN, "删去规则"),
        ({"rules": {"once": BASE["rules"]["once"] | {"severity": "critical"}}}, "once", Effect.WARNS,
         "改动规则：severity 提示 → critical"),
        ({"title": "新名单"}, "title", Effect.PLAIN, "名称：名单 → 新名单"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)  # fmt: skip
def test_change_of_the_contract_says_what_follows(
    attributes: dict[str, Any], subject: str, effect: Effect, what: str
) -> None:
    [found] = changes(Contract.model_validate(BASE | attributes))
    assert (found.subject, found.effect) == (subject, effect)
    assert what in found.what


def test_records_that_hold_a_removed_word_are_counted() -> None:
    codes = {"state": CodeList(title="状态", words={"正常": [], "停业": [], "迁出": []})}
    before = Side({"test_office__list": contract()}, CODES)
    assert removed_words(before, Side(before.contracts, codes)) == {("test_office__list", "state"): ["注销"]}
    found = {c.what: c.means for c in changes(contract(), codes, 注销=12_345)}
    assert list(found) == ["代码表 state 删去“注销”", "代码表 state 增加 迁出", "代码表 state 不再识别写法 在营"]
    assert found["代码表 state 删去“注销”"].startswith("现行记录中有 12,345 条用到它")


def test_contracts_that_come_and_go_are_told_and_unchanged_ones_are_not() -> None:
    same = contract()
    other = Contract.model_validate(BASE | {"extract": "other"})
    third = Contract.model_validate(BASE | {"extract": "third"})
    old, new = Side({same.id: same, other.id: other}, CODES), Side({same.id: same, third.id: third}, CODES)
    assert [(c.contract, c.effect, c.what) for c in compare(old, new, Stored({}))] == [
        ("test_office__other", Effect.WARNS, "删去契约“名单”"),
        ("test_office__third", Effect.MIGRATES, "新增契约“名单”"),
    ]


def test_key_may_change_while_the_table_holds_no_record() -> None:
    before, now = contract(), Contract.model_validate(BASE | {"key": ["name"]})
    [found] = compare(Side({before.id: before}, CODES), Side({now.id: now}, CODES), Stored({}))
    assert (found.effect, found.what) == (Effect.PLAIN, "主键：code → name")
