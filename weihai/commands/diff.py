"""`weihai diff`: in what two runs differ, down to operands and deliveries."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

import typer

from connectors.database import connect
from connectors.settings import load_settings

if TYPE_CHECKING:
    from dags.support.assessing.comparing import Difference, IndicatorDifference


def register(app: typer.Typer) -> None:
    """Add the command `diff`."""

    @app.command("diff")
    def _diff(
        before: Annotated[str, typer.Argument(help="运行编号。", metavar="RUN")],
        after: Annotated[str, typer.Argument(help="另一次运行的编号。", metavar="RUN")],
    ) -> None:
        """比较两次运行：业务日期、已知数据、规则、口径，以及哪些指标、操作数因哪些批次而不同。

        例：weihai diff run-20211008T090000 run-20211108T090000
        """
        from dags.support.assessing.comparing import compare

        with connect(load_settings().dsn()) as connection:
            found = compare(connection, before, after)
        for line in lines(found):
            typer.echo(line)


def lines(found: Difference) -> Iterator[str]:
    """Tell the difference in Chinese, a line at a time."""
    before, after = found.before, found.after
    yield f"          {before.run_id}  →  {after.run_id}"
    yield f"业务日期  {before.as_of}  →  {after.as_of}"
    yield f"已知至    第 {before.known_at} 次入库  →  第 {after.known_at} 次入库"
    yield f"规则版本  {before.rule_version}  →  {after.rule_version}"
    yield from (f"  {what} {path}" for path, what in found.rule_files.items())
    for name, (old, new) in found.parameters.items():
        yield f"口径参数  {name}：{old or '默认'}  →  {new or '默认'}"
    yield f"不同的指标 {len(found.indicators)} 项"
    for indicator in found.indicators:
        yield from _indicator_lines(indicator)


def _indicator_lines(indicator: IndicatorDifference) -> Iterator[str]:
    (old_star, new_star), (old, new) = indicator.star, indicator.value_text
    yield f"{indicator.seq} {indicator.name}（{indicator.indicator_id}）"
    yield f"  星级 {_star(old_star)} → {_star(new_star)}  值 {old or '—'} → {new or '—'}"
    for operand, value_before, value_after in indicator.operands:
        yield f"  操作数 {operand}：{_number(value_before)} → {_number(value_after)}"
    for row in indicator.deliveries:
        yield (
            f"    批次 {row['batch_id']}（{row['contract_id']}，业务日期 {row['as_of']}，"
            f"第 {row['applied_seq']} 次入库）有效行 {row['rows_before'] or 0:,} → {row['rows_after'] or 0:,}"
        )


def _star(star: int | None) -> str:
    return "—" if star is None else {5: "五星", 4: "四星", 0: "未达"}[star]


def _number(value: Decimal | None) -> str:
    return "—" if value is None else f"{value}"
