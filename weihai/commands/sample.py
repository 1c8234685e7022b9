"""`weihai sample`: write a sample city's extracts as departments would deliver them."""

from __future__ import annotations

import time
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from connectors.contract import load_contracts
from connectors.settings import load_settings


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command(
        help="生成样例城市：各部门的报送文件（含常见脏数据），可另存真值。"
        "默认只写城市有登记簿、彼此一致的数据集；--all 写全部契约，其余按契约本身生成，只保证自身合理。"
    )
    def sample(  # noqa: PLR0917
        out: Annotated[Path, typer.Option("--out", help="输出文件夹，须为空。")],
        persons: Annotated[int, typer.Option("--persons", help="人口数。")] = 20_000,
        seed: Annotated[int, typer.Option("--seed", help="随机种子；相同参数得到逐字节相同的文件。")] = 371_000,
        profile: Annotated[str, typer.Option("--profile", help="default、clean 或 failing。")] = "default",
        as_of: Annotated[
            datetime, typer.Option("--as-of", formats=["%Y-%m-%d"], help="第一轮报送的数据日期。")
        ] = datetime(2021, 9, 30),  # noqa: DTZ001
        deliveries: Annotated[int, typer.Option("--deliveries", help="报送轮数；第二轮起在 round-2 等文件夹中。")] = 1,
        truth: Annotated[Path | None, typer.Option("--truth", help="真值文件夹。")] = None,
        everything: Annotated[
            bool, typer.Option("--all", help="全部契约都写，含另加契约文件夹（WEIHAI_CONTRACTS）中的。")
        ] = False,
    ) -> None:
        from connectors.sample import write_city

        started = time.monotonic()
        report = write_city(
            load_contracts(load_settings().contract_folders),
            out,
            persons=persons,
            seed=seed,
            profile=profile,
            as_of=as_of.date(),
            deliveries=deliveries,
            truth=truth,
            everything=everything,
        )
        rows = sum(f.rows_read for f in report.files)
        held = [f.file for f in report.files if f.verdict == "held"]
        print(
            f"样例城市：{report.persons:,} 人，{report.entities:,} 个市场主体，{len(report.files)} 个文件，"
            f"{rows:,} 行，{report.defects:,} 处脏数据，用时 {time.monotonic() - started:.1f} 秒"
        )
        print(f"文件在 {out}" + (f"，真值在 {truth}" if truth is not None else ""))
        for name in held:
            print(f"其中 {name} 是故意做坏的一次报送，应当被暂缓入库")
