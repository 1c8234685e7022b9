"""The last step of an explanation: the source rows of one operand, those that count and those that do not, and why."""

from __future__ import annotations

from collections.abc import Iterator

from connectors.database import Connection
from connectors.errors import UserError
from dags.support.assessing.source_rows import page
from dags.support.assessing.trial import computed_run, stands_by_present_rules
from weihai.explain import Explanation


def lines(
    connection: Connection, explanation: Explanation, operand: str, *, excluded: bool | None, limit: int, offset: int
) -> Iterator[str]:
    """Tell the source rows of an operand in Chinese, a line at a time; no value of a row is shown.

    Raises:
        UserError: the indicator has no such operand.
    """
    indicator = explanation.indicator
    labels = {one["name"]: one["label"] for one in indicator["operands"]}
    if operand not in labels:
        raise UserError(f"指标 {indicator['indicator_id']} 没有操作数“{operand}”；有 {'、'.join(labels)}")
    run = computed_run(connection, explanation.run["run_id"])
    found = page(connection, run, indicator["indicator_id"], operand, excluded=excluded, limit=limit, offset=offset)
    yield f"指标 {indicator['seq']}  {indicator['name']}  操作数 {operand}（{labels[operand]}）"
    yield f"业务日期 {run.as_of}  运行 {run.run_id}"
    if not stands_by_present_rules(connection, run):
        yield "注意：这次运行之后规则有过变化，以下按现在的规则列出；当时的结果用 weihai replay 重算"
    counted = sum(row["row_count"] for row in found.counts if not row["exclusion"])
    every = sum(row["row_count"] for row in found.counts)
    yield f"有效行 {every:,}：计入 {counted:,}，未计入 {every - counted:,}"
    for row in found.counts:
        verdict = f"未计入：{row['exclusion']}" if row["exclusion"] else "计入"
        yield f"  {row['contract_id']}  批次 {row['batch_id']}  {verdict}  {row['row_count']:,} 行"
    if found.rows:
        yield f"第 {offset + 1}–{offset + len(found.rows)} 行"
    for row in found.rows:
        verdict = f"未计入：{row['exclusion']}" if row["exclusion"] else "计入"
        yield f"  {row['department']}  {row['file_name']}（批次 {row['batch_id']}）第 {row['row_no']} 行  {verdict}"
