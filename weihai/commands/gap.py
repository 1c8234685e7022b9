"""`weihai gap`: what is missing to five stars, by effort."""

from __future__ import annotations

import csv
from datetime import datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated

import typer
from psycopg.rows import dict_row
from rich.table import Table

from connectors.database import Connection, connect
from connectors.errors import UserError
from connectors.settings import load_settings
from dags.support.assessing.trial import published_run

COST_COLUMNS = ("indicator_id", "operand", "cost_cny", "source")


def register(app: typer.Typer) -> None:
    """Add the command `gap`."""

    @app.command("gap")
    def _gap(
        as_of: Annotated[
            datetime | None, typer.Option("--as-of", formats=["%Y-%m-%d"], help="业务日期，缺省为最近一次已发布的。")
        ] = None,
        star: Annotated[int, typer.Option("--star", min=4, max=5, help="距四星还是距五星。")] = 5,
        owner: Annotated[str | None, typer.Option("--owner", help="只看名称含这几个字的牵头单位。")] = None,
        costs: Annotated[
            Path | None,
            typer.Option("--costs", help="先载入单价表，替换原有的：CSV，列 indicator_id,operand,cost_cny,source。"),
        ] = None,
    ) -> None:
        """距五星各差什么，最省力的在前：给了单价的按费用，没有的按相对差距。

        例：weihai gap --owner 大数据中心
        """
        from weihai.commands.run import report_console

        with connect(load_settings().dsn()) as connection:
            run = published_run(connection, as_of.date() if as_of else None)
            if costs is not None:
                load_costs(connection, costs)
            with connection.cursor(row_factory=dict_row) as cursor:
                rows = cursor.execute(
                    "select * from mart.improvement where as_of = %s and star = %s"
                    " and (%s::text is null or strpos(lead_responsible, %s) > 0) order by effort_rank",
                    (run.as_of, star, owner, owner),
                ).fetchall()
        table = Table(title=f"距{'五' if star == 5 else '四'}星的差距  业务日期 {run.as_of}", title_justify="left")
        for header in ("名次", "指标", "差什么", "费用（元）", "相对差距", "牵头单位"):
            table.add_column(header, overflow="fold")
        for row in rows:
            cost = "—" if row["cost_cny"] is None else f"{row['cost_cny']:,}"
            relative = "—" if row["relative_gap"] is None else f"{row['relative_gap'] * 100:.2f}%"
            table.add_row(
                str(row["effort_rank"]), row["name"], row["gap"] or "", cost, relative, row["lead_responsible"]
            )
        console = report_console()
        console.print(table)
        console.print("差在哪些行：weihai explain 指标 --rows 操作数 --which excluded")


def load_costs(connection: Connection, path: Path) -> int:
    """Replace the costs per unit by those of a file; return their number.

    Raises:
        UserError: the file cannot be read, names no known operand, or a cost is no amount.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"读不了单价表 {path}：应为 UTF-8 的 CSV，列 {','.join(COST_COLUMNS)}") from error
    known = set(
        connection.execute(
            "select indicator_id, operand.value ->> 'name' from mart.indicator"
            " cross join jsonb_array_elements(operands) as operand (value)"
        ).fetchall()
    )
    values = []
    for number, row in enumerate(rows, start=2):
        if any(not row.get(column) for column in COST_COLUMNS):
            raise UserError(f"单价表 {path} 第 {number} 行缺少 {','.join(COST_COLUMNS)} 中的内容")
        if (row["indicator_id"], row["operand"]) not in known:
            raise UserError(f"单价表 {path} 第 {number} 行：没有操作数 {row['indicator_id']}.{row['operand']}")
        values.append((row["indicator_id"], row["operand"], _amount(row["cost_cny"], path, number), row["source"]))
    connection.execute("delete from mart.unit_cost")
    with connection.cursor() as cursor:
        cursor.executemany("insert into mart.unit_cost values (%s, %s, %s, %s)", values)
    return len(values)


def _amount(text: str, path: Path, number: int) -> Decimal:
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or amount < 0:
        raise UserError(f"单价表 {path} 第 {number} 行：“{text}”不是金额")
    return amount
