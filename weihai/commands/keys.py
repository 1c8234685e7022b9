"""`weihai rotate-key`: another record-key secret. `weihai id-hash`: keyed hashes of numbers, for joins."""

from __future__ import annotations

import getpass
import os
import sys

import typer
from rich.console import Console

from connectors.contract import load_contracts
from connectors.database import connect
from connectors.privacy import record_key_secret
from connectors.settings import load_settings


def register(app: typer.Typer) -> None:
    """Add the commands."""

    @app.command("id-hash")
    def _id_hash() -> None:
        """把标准输入中的证件号码（每行一个）换成带密钥的散列，供与外部名单关联；密钥不出本机。

        例：weihai id-hash < 号码.txt > 散列.txt
        """
        from connectors.protection.id_hash import id_hash

        secret = record_key_secret(load_settings())
        for line in sys.stdin:
            typer.echo(id_hash(secret, line) if line.strip() else "")

    @app.command("rotate-key")
    def _rotate_key() -> None:
        """更换记录键密钥：全部记录键在一个事务中重算；其间停止 Airflow，完成后恢复。

        中断无害：再运行本命令或 `weihai up` 即可。换后请重新备份 secrets 文件夹，旧备份中的密钥不再适用于本库。
        """
        from connectors.protection.rotation import rotate
        from weihai import airflow, postgres, services
        from weihai.steps import Steps

        settings = load_settings()
        steps = Steps(Console(soft_wrap=True))
        ran = airflow.inspect(settings) is not None
        if ran:
            with steps.step("停止 Airflow"):
                airflow.stop(settings)
        dsn = settings.warehouse_dsn or postgres.start(settings).dsn
        with steps.step("重算记录键"), connect(dsn, autocommit=True) as connection:
            rotation = rotate(settings, connection, load_contracts(settings.contract_folders), actor=getpass.getuser())
        typer.echo(f"已更换：{rotation.record_keys:,} 个记录键，{sum(rotation.cells.values()):,} 处")
        for column, count in rotation.cells.items():
            typer.echo(f"  {column}  {count:,}")
        if ran:
            services.up(settings, steps=steps, inherited=os.environ)
