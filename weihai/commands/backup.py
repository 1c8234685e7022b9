"""`weihai backup`, `weihai restore`, `weihai backup-key`."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from connectors.as_of import CITY_TIME
from connectors.errors import UserError
from connectors.settings import load_settings

EXIT_BROKEN = 1


def register(app: typer.Typer) -> None:
    """Add the commands."""

    @app.command()
    def backup(
        folder: Annotated[Path, typer.Argument(help="备份文件夹（权限 0700）；可反复备份到同一处，归档内容只存一份。")],
        secrets: Annotated[
            Path | None, typer.Option(help="密钥备份的文件夹，默认 <备份文件夹>-secrets；请另行保管。")
        ] = None,
        recipient: Annotated[list[str] | None, typer.Option(help="age 公钥（可重复）；给出则全部内容加密。")] = None,
        keep: Annotated[int | None, typer.Option(help="只保留最新的几份，其余删除。")] = None,
    ) -> None:
        """备份本机的全部状态：数据库（某一时刻）、归档文件、落地区、报告、日志；运行中也可备份。

        密钥单独存放：与数据库放在一起，就能由号码推出记录键。建议用 --recipient 加密。
        """
        from weihai.backup.making import make
        from weihai.backup.sealing import Seal

        settings = load_settings()
        place = folder.expanduser().resolve()
        apart = (secrets or place.with_name(f"{place.name}-secrets")).expanduser().resolve()
        for path in (place, apart):
            if path.is_relative_to(settings.home):
                raise UserError(f"{path} 在 WEIHAI_HOME 之内，会随它一起丢失：请备份到别处")
        if apart.is_relative_to(place):
            raise UserError("密钥须与数据库的备份分开存放：请用 --secrets 指定另一文件夹")
        seal = Seal(tuple(recipient or ()))
        now = datetime.now(CITY_TIME)
        made = make(settings, place, secrets=apart, seal=seal, keep=keep, now=now, tell=_tell)
        typer.echo(f"备份 {made.folder}（归档内容 {len(made.manifest.archive):,} 份，新增 {made.new_contents:,} 份）")
        typer.echo(f"密钥 {made.secrets}：请移到另一处保管" + ("" if seal.recipients else "；两处都没有加密"))
        if made.removed:
            typer.echo(f"已删除旧备份 {'、'.join(made.removed)}")
        if made.manifest.chain is not None:
            typer.echo(f"链头 {made.manifest.chain.seq} {made.manifest.chain.hash}")

    @app.command()
    def restore(
        folder: Annotated[Path, typer.Argument(help="备份文件夹。")],
        name: Annotated[str | None, typer.Option("--backup", help="其中哪一份（默认最新）。")] = None,
        secrets: Annotated[Path | None, typer.Option(help="密钥备份的文件夹，默认 <备份文件夹>-secrets。")] = None,
        identity: Annotated[Path | None, typer.Option(help="age 私钥文件（备份加密时）。")] = None,
    ) -> None:
        """把备份恢复到空的 WEIHAI_HOME（及空的 WAREHOUSE_DSN），并核验台账哈希链；中断后再运行即可。"""
        from weihai.backup import restoring

        settings = load_settings()
        place = folder.expanduser().resolve()
        apart = (secrets or place.with_name(f"{place.name}-secrets")).expanduser().resolve()
        chosen = restoring.choose(place, name)
        done = restoring.restore(settings, place, chosen, secrets=apart, identity=identity, tell=_tell)
        typer.echo(f"已由 {done.folder.name} 恢复到 {settings.home}")
        for sentence in done.verified.breaks:
            typer.echo(sentence)
        if done.verified.breaks:
            raise typer.Exit(EXIT_BROKEN)
        typer.echo("台账核验通过；运行 `weihai up` 启动")

    @app.command("backup-key")
    def _backup_key(
        file: Annotated[Path, typer.Argument(help="私钥写入的文件（0600）；请离线保管，丢失则备份无法恢复。")],
    ) -> None:
        """生成一对 age 密钥：私钥写入文件，公钥打印出来，供 `weihai backup --recipient` 使用。"""
        import pyrage

        fresh = pyrage.x25519.Identity.generate()
        try:
            descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError as error:
            raise UserError(f"{file} 已存在，不会覆盖：请换一个文件名") from error
        with os.fdopen(descriptor, "w", encoding="ascii") as out:
            out.write(f"# public key: {fresh.to_public()}\n{fresh}\n")
        typer.echo(str(fresh.to_public()))


def _tell(step: str) -> None:
    typer.echo(f"… {step}", err=True)
