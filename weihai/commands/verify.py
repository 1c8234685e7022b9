"""`weihai verify`: whether the account still is what was recorded."""

from __future__ import annotations

from typing import Annotated

import typer

from connectors.as_of import CITY_TIME
from connectors.database import connect
from connectors.settings import load_settings

EXIT_BROKEN = 1
_SHOWN = 100


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def verify(
        head: Annotated[
            str | None, typer.Option("--head", help="早先记下的链头（回执、门户或 reports/chain_heads.csv 上的哈希）。")
        ] = None,
        quick: Annotated[bool, typer.Option("--quick", help="不重读归档文件。")] = False,
    ) -> None:
        """核验台账哈希链：逐条重算，与各表、归档文件、已发布的评分和登记过的链头对照；说明断在哪里。

        退出码：0 完好；1 有断裂，或 --head 给出的链头不在链中。
        """
        from connectors import chain
        from connectors.chain.verify import verify as check

        settings = load_settings()
        with connect(settings.dsn(), autocommit=True) as connection:
            if head is not None:
                place = chain.position(connection, head)
                if place is None:
                    typer.echo(f"链头 {head} 不在链中：链在它之后被改写或删短；请用当时的备份对照")
                    raise typer.Exit(EXIT_BROKEN)
                at = place.recorded_at.astimezone(CITY_TIME)
                typer.echo(f"链头在链中：第 {place.seq} 号记录，{at:%Y-%m-%d %H:%M:%S}")
            found = check(settings, connection, with_archive=not quick)
        for sentence in found.breaks[:_SHOWN]:
            typer.echo(sentence)
        if len(found.breaks) > _SHOWN:
            typer.echo(f"……另有 {len(found.breaks) - _SHOWN} 处")
        looked = f"{found.links:,} 条记录、{found.records:,} 项登记、{found.files:,} 个归档文件、{found.heads:,} 处链头"
        if found.breaks:
            typer.echo(f"核验未通过：{looked}，{len(found.breaks)} 处不符")
            raise typer.Exit(EXIT_BROKEN)
        typer.echo(f"核验通过：{looked}" + (f"；链头 {found.head.seq} {found.head.hash}" if found.head else ""))
