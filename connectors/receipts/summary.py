"""The one sentence that tells a department what became of its delivery."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from connectors.as_of import SOURCE_WORDS
from connectors.ledger import Ledger


def accepted(ledger: Ledger, issues: int, *, as_of: date, source: str | None, released: bool = False) -> str:
    """Say what was taken over."""
    text = (
        f"{'经人工放行，' if released else ''}已接收：共 {ledger.read:,} 行，入库 {ledger.loaded:,} 行，"
        f"未变 {ledger.unchanged:,} 行，重复 {ledger.duplicate:,} 行，退回 {ledger.rejected:,} 行"
    )
    if ledger.withdrawn:
        text += f"；撤回旧记录 {ledger.withdrawn:,} 条"
    if issues:
        text += f"；发现 {issues:,} 处问题，详见问题清单"
    return f"{text}。{_date(as_of, source)}"


def held(reasons: Sequence[str]) -> str:
    """Say why nothing was taken over yet, and what to do."""
    why = "；".join(r.rstrip("。；") for r in reasons) or "未通过质量判定"
    return f"暂缓入库：{why}。此前的数据保持不变，请按问题清单改正后重新报送；确认无误的，请联系数据管理员放行。"


def waits_for_contract(reason: str) -> str:
    """Say that the delivery waits until the warehouse can follow its contract; the department has nothing to do."""
    return f"暂缓入库：{reason.rstrip('。')}。文件已存档，此前的数据保持不变，不必重新报送；由数据管理员处理后放行。"


def loss(withdrawn: int, before: int, allowed: float) -> str:
    """Say that a full delivery lacks too many of the records in force."""
    return f"现有 {before:,} 条记录中有 {withdrawn:,} 条本次未出现，超过允许的 {allowed:.0%}，须由人确认"


def rejected(reason: str) -> str:
    """Say why the delivery was not taken."""
    return f"未接收：{reason.rstrip('。')}。"


def refused() -> str:
    """Say that a person refused a held delivery."""
    return "未接收：经人工核实不予放行，此前的数据保持不变，请按问题清单改正后重新报送。"


def duplicate(batch_id: int, as_of: date) -> str:
    """Say that the same content is in force already."""
    return f"重复报送：内容与 {as_of} 已入库的报送（批次 {batch_id}）完全相同，无需处理。"


def _date(as_of: date, source: str | None) -> str:
    return f"数据日期 {as_of}（{SOURCE_WORDS[source or 'declared']}）。"
