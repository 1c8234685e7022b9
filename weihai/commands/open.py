"""`weihai open list|export|reconcile`: the data sets that the city opens to everybody."""

from __future__ import annotations

import getpass
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from connectors.as_of import CITY_TIME
from connectors.contract import load_contracts
from connectors.database import connect
from connectors.errors import UserError
from connectors.settings import load_settings


def register(app: typer.Typer) -> None:
    """Add the commands."""
    commands = typer.Typer(
        help="向社会开放的数据集：按 22 类列出、导出（CSV、JSON、Parquet 和 catalog.jsonld）、与城市开放平台对账。",
        no_args_is_help=True,
    )
    app.add_typer(commands, name="open")

    @commands.command("list")
    def _list() -> None:
        """按 22 个开放类别列出数据集及其最近一次发布。

        开放什么由两处决定：数据契约的 opening（只开放 L1 列），和 connectors/opening/aggregates 下的统计表声明。
        """
        from connectors.opening.listing import categories

        settings = load_settings()
        with connect(settings.dsn()) as connection:
            found = categories(connection, load_contracts(settings.contract_folders))
        for category, lines in found.items():
            typer.echo(f"{category}（{len(lines)}）" if lines else f"{category}  尚无数据集")
            for line in lines:
                typer.echo(f"  {line}")

    @commands.command("export")
    def _export(
        out: Annotated[
            Path | None,
            typer.Option("--out", help="写入的文件夹，整体替换；默认为 WEIHAI_HOME 下的 reports/open_data。"),
        ] = None,
    ) -> None:
        """发布并导出全部开放数据。

        逐条数据只含契约中的公开列（L1）和允许开放的行；统计表作泄露控制：1–4 的数和能推出它的数不公布，与以前各次
        发布相减也得不出少于 5 的变动。内容没有变化的不另发，文件逐字节相同。

        CSV 为带 BOM 的 UTF-8、中文表头（表格软件直接打开）；JSON、Parquet 用列名；catalog.jsonld 为 DCAT-AP 目录，
        含 SHA-256 和台账链头（weihai verify --head）；dictionary.csv、dictionary.json 为数据字典。

        例：weihai open export；weihai sql --role public_open "select * from open_data.education__school"
        """
        from connectors.opening.export import Moment, export

        settings = load_settings()
        now = datetime.now(CITY_TIME)
        with connect(settings.dsn(), autocommit=True) as connection:
            row = connection.execute("select max(as_of) from mart.run where state = 'published'").fetchone()
            if row is None or row[0] is None:
                raise UserError("还没有已发布的运行，没有可以开放的数据：先 weihai run")
            if out is not None and out.exists() and not (out / "dictionary.json").is_file() and any(out.iterdir()):
                raise UserError(f"{out} 里有别的文件，导出会整体替换它：请另指一个文件夹")
            done = export(
                settings,
                connection,
                load_contracts(settings.contract_folders),
                Moment(row[0], now, getpass.getuser()),
                out,
            )
        typer.echo(
            f"新发布 {len(done.released)} 个数据集，{len(done.unchanged)} 个没有变化，{len(done.empty)} 个还没有数据"
        )
        for name, reason in done.kept_back.items():
            typer.echo(f"  {name}：{reason}")
        if done.head is not None:
            typer.echo(f"台账链 第 {done.head.seq} 号 {done.head.hash}（weihai verify --head 可查）")
        typer.echo(f"已写入 {settings.open_data if out is None else out}")

    @commands.command("reconcile")
    def _reconcile() -> None:
        """与城市开放平台的台账（big_data_center__open_dataset）对账，列出差异；须已运行过（weihai run）。

        指标只按城市报送的台账计算；差异供大数据中心和各部门核对，审计人员可查 quality.open_data_difference。
        """
        from connectors.opening.listing import differences

        with connect(load_settings().dsn()) as connection:
            found = differences(connection)
        for line in found:
            typer.echo(line)
        typer.echo(f"共 {len(found)} 处差异" if found else "没有差异")
