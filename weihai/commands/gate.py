"""`weihai gate`: what a batch was judged by and how it came out; the suite of an extract."""

from __future__ import annotations

from typing import Annotated

import typer

from connectors.contract import load_contracts
from connectors.database import connect
from connectors.errors import UserError
from connectors.settings import Settings, load_settings

_KINDS = {"guard": "守护检查", "rule": "契约规则"}
_SEVERITIES = {"critical": "关键", "warning": "提示", "info": "参考"}


def register(app: typer.Typer) -> None:
    """Add `gate` to the command line."""
    app.command()(gate)


def gate(
    batch: Annotated[int | None, typer.Argument(help="批次号，见 weihai receipt。")] = None,
    suite: Annotated[
        str | None, typer.Option("--suite", help="打印某个数据集的全部检查（YAML），如 commerce__ecommerce。")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="通过的检查也列出。")] = False,
) -> None:
    """查看一个批次的质量门结果，或一个数据集由哪些检查把关。

    例：weihai gate 12 --all
    """
    settings = load_settings()
    if (batch is None) == (suite is None):
        raise UserError("请给出批次号，或用 --suite 给出数据集")
    if suite is not None:
        typer.echo(_suite_text(settings, suite), nl=False)
    elif batch is not None:
        for line in batch_lines(settings, batch, everything=everything):
            typer.echo(line)


def batch_lines(settings: Settings, batch_id: int, *, everything: bool) -> list[str]:
    """Return the gate results of a batch as lines, failed ones first.

    Raises:
        UserError: the batch does not exist or was not judged yet.
    """
    with connect(settings.dsn()) as connection:
        batch = connection.execute(
            "select department, extract, score, target from quality.batch where batch_id = %s", (batch_id,)
        ).fetchone()
        rows = connection.execute(
            "select success, severity, kind, expectation, message, expected, observed from quality.gate_result"
            " where batch_id = %s order by success, kind, gate_result_id",
            (batch_id,),
        ).fetchall()
    if batch is None:
        raise UserError(f"没有批次 {batch_id}，用 weihai receipt 查看最近的批次")
    if not rows:
        raise UserError(f"批次 {batch_id} 还没有质量门结果：它未经评定，或在读取时已被退回")
    department, extract, score, target = batch
    passed = sum(row[0] for row in rows)
    worth = "没有可评分的检查" if score is None else f"得分 {score:.4f}，目标 {target:.2f}"
    lines = [f"批次 {batch_id}（{department}__{extract}）：{len(rows)} 项检查，通过 {passed} 项；{worth}"]
    for success, severity, kind, name, message, expected, observed in rows:
        if everything or not success:
            state = "通过" if success else "未通过"
            lines.append(f"{state} [{_SEVERITIES[severity]}·{_KINDS[kind]}] {name}：{message}")
            lines.append(f"    要求：{expected}；实际：{observed}")
    return lines


def _suite_text(settings: Settings, contract_id: str) -> str:
    from expectations.suites import render

    contracts = load_contracts(settings.contract_folders)
    if contract_id not in contracts:
        raise UserError(f"没有数据集 {contract_id}，现有：{'、'.join(contracts)}")
    return render(contracts[contract_id])
