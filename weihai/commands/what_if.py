"""`weihai what-if`: the scorecard that would follow from other operands or readings; nothing is published."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated

import typer
from rich.table import Table

from connectors.database import Connection, connect
from connectors.errors import UserError
from connectors.settings import load_settings

MISSING = "null"


def register(app: typer.Typer) -> None:
    """Add the command `what-if`."""

    @app.command("what-if")
    def _what_if(
        changes: Annotated[
            list[str] | None, typer.Option("--set", help="指标.操作数=值（可重复）；值 null 为缺失。")
        ] = None,
        readings: Annotated[list[str] | None, typer.Option("--reading", help="口径参数=取值（可重复）。")] = None,
        as_of: Annotated[
            datetime | None, typer.Option("--as-of", formats=["%Y-%m-%d"], help="业务日期，缺省为最近一次已发布的。")
        ] = None,
        everything: Annotated[bool, typer.Option("--all", help="也列出没有变化的指标。")] = False,
    ) -> None:
        """假设某些操作数或口径不同，评分表会怎样；只列出有变化的指标，不写入也不发布任何结果。

        例：weihai what-if --set elicense_usage_rate.elicense_enabled_items=900 --reading annual_period=as_of_year
        """
        from dags.support.assessing import parameters, trial
        from weihai.commands.run import report_console

        given = dict(_pair(text, "--reading") for text in readings or ())
        wanted = parameters.checked(given, parameters.load_parameters())
        with connect(load_settings().dsn()) as connection:
            run = trial.published_run(connection, as_of.date() if as_of else None)
            operands = _operands(connection, changes or ())
            measured = trial.measured_indicators(connection)
            before, after = trial.compared(connection, run, readings=wanted, operands=operands, known=measured)
        console = report_console()
        console.print(_table(f"假设评分表  业务日期 {run.as_of}  以运行 {run.run_id} 为底", before, after, everything))
        flipped = sum(before[name]["star"] != after[name]["star"] for name in before)
        console.print(f"星级变化 {flipped} 项；没有写入任何结果。")


def _pair(text: str, option: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator or not name.strip() or not value.strip():
        raise UserError(f"{option} 应写作 名称=值，收到的是“{text}”")
    return name.strip(), value.strip()


def _operands(connection: Connection, changes: Sequence[str]) -> dict[tuple[str, str], Decimal | None]:
    declared = connection.execute(
        "select indicator_id, operand.value ->> 'name' from mart.indicator"
        " cross join jsonb_array_elements(operands) as operand (value) order by seq"
    ).fetchall()
    found = {}
    for text in changes:
        name, value = _pair(text, "--set")
        *indicator, operand = name.split(".")
        matches = [d for d in declared if d[1] == operand and (not indicator or d[0] == indicator[0])]
        if len(matches) != 1:
            hint = "、".join(f"{i}.{o}" for i, o in matches) or "用 weihai explain 指标 查看它的操作数"
            raise UserError(f"--set 的“{name}”{'有多个' if matches else '没有'}对应的操作数：{hint}")
        try:
            found[matches[0]] = None if value == MISSING else Decimal(value)
        except InvalidOperation as error:
            raise UserError(f"--set {name} 的值应为数或 {MISSING}，收到的是“{value}”") from error
    return found


def _table(
    title: str, before: Mapping[str, Mapping[str, object]], after: Mapping[str, Mapping[str, object]], everything: bool
) -> Table:
    table = Table(title=title, title_justify="left")
    for header in ("序", "指标", "现值", "假设值", "现星级", "假设星级", "距五星"):
        table.add_column(header, overflow="fold")
    for name, old in before.items():
        new = after[name]
        is_changed = any(old[key] != new[key] for key in ("star", "value_text", "four_star_gap", "five_star_gap"))
        if not is_changed and not everything:
            continue
        mark = "[bold]" if old["star"] != new["star"] else ""
        table.add_row(
            str(old["seq"]),
            str(old["name"]),
            str(old["value_text"] or "—"),
            str(new["value_text"] or "—"),
            _star(old["star"]),
            f"{mark}{_star(new['star'])}",
            str(new["five_star_gap"] or ""),
        )
    return table


def _star(star: object) -> str:
    return {5: "五星", 4: "四星", 0: "未达"}.get(star, "—") if isinstance(star, int) else "—"
