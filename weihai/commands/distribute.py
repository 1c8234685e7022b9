"""`weihai distribute`: raw tables and links onto the nodes of a Citus cluster."""

from __future__ import annotations

import typer

from connectors import distribution
from connectors.contract import load_contracts
from connectors.database import connect
from connectors.errors import UserError
from connectors.settings import load_settings


def register(app: typer.Typer) -> None:
    """Add `distribute` to the command line."""

    @app.command()
    def distribute() -> None:
        """把原始表和归并结果分布到 Citus 集群的各节点（按记录键）；已分布的不动，可重复运行。

        基础库的大表由 dbt 建立时即已分布，不用本命令。运行时请先停止 Airflow。
        """
        settings = load_settings()
        if not distribution.is_cluster(settings.dsn()):
            raise UserError("这个数据库不是 Citus 集群：没有扩展 citus；单机数据库不用分布")
        with connect(settings.dsn()) as connection:
            done = distribution.distribute(connection, load_contracts(settings.contract_folders))
        typer.echo(f"已分布 {len(done)} 张表" if done else "没有需要分布的表")
