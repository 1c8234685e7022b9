"""Making a home from a backup: nothing is believed before its SHA-256 was compared, and the hash chain is verified."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict

from connectors import archive, chain
from connectors.chain.verify import Verified, verify
from connectors.database import connect
from connectors.errors import UserError
from connectors.protection.roles import DEPARTMENT_PREFIX
from connectors.settings import Settings
from weihai import postgres
from weihai.backup import making, manifest
from weihai.backup.manifest import Manifest
from weihai.backup.sealing import SUFFIX, file_sha256, private_umask, unseal
from weihai.metadata import metadata_dsn
from weihai.postgres_place import Place
from weihai.roles import ensure_roles

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Restored:
    """A home that was restored, and what verifying it found."""

    folder: Path
    manifest: Manifest
    verified: Verified


def choose(place: Path, name: str | None) -> Path:
    """Return the backup of that name, or the newest.

    Raises:
        UserError: there is none.
    """
    there = making.found(place)
    if name is not None:
        there = [folder for folder in there if folder.name == name]
    if not there:
        raise UserError(f"{place} 中没有备份 {name or ''}".rstrip())
    return there[-1]


def restore(
    settings: Settings, place: Path, folder: Path, *, secrets: Path, identity: Path | None, tell: Tell
) -> Restored:
    """Restore a backup into an empty home; what an earlier attempt left that was cut short is removed first.

    Args:
        place: the folder of backups.
        folder: one of them.
        secrets: the folder of the secrets.
        identity: age private keys, where it is encrypted.

    Raises:
        UserError: the home or the database is not empty, or a file of the backup is missing, damaged or closed.
    """
    listed = manifest.read(folder)
    with private_umask():
        _begin(settings)
        work = settings.restoring
        tell("核对备份")
        stored = {name: _stored(name, digest, folder, secrets) for name, digest in listed.files.items()}
        tell("密钥与文件")
        for name, path in stored.items():
            if name.removesuffix(SUFFIX).endswith(".tar"):
                unseal(path, work / "files.tar", identity)
                _unpack(work / "files.tar", settings.home)
                (work / "files.tar").unlink()
        tell("归档")
        for sha256 in listed.archive:
            _restore_content(settings, place, sha256, identity)
    tell("数据库")
    _restore_databases(settings, stored, work, identity)
    tell("核验台账")
    with connect(settings.dsn(), autocommit=True) as connection:
        verified = verify(settings, connection)
        if listed.chain is not None and chain.position(connection, listed.chain.hash) is None:
            verified.breaks.append(f"备份时的链头 {listed.chain.hash[:12]}… 不在恢复出的链中：数据库转储被换过")
    shutil.rmtree(work)
    return Restored(folder, listed, verified)


def _unpack(path: Path, home: Path) -> None:
    """Unpack files and folders into the home.

    Raises:
        UserError: something else is in it, or has its place elsewhere; nothing was unpacked.
    """
    place = home.resolve()
    with tarfile.open(path) as packed:
        for member in packed:
            if not (member.isfile() or member.isdir()) or not (place / member.name).resolve().is_relative_to(place):
                raise UserError("备份中有不属于数据目录的内容，没有恢复：请换一份备份")
        # before Python 3.11.4 there is no filter
        packed.extraction_filter = getattr(tarfile, "tar_filter", None)
        packed.extractall(place)  # noqa: S202 (all of it was looked at)


def _begin(settings: Settings) -> None:
    """Take the home, which must be empty but for what an interrupted restore left."""
    home = settings.home
    if settings.restoring.is_dir():
        if settings.warehouse_dsn is not None:
            raise UserError("上次恢复没有完成：请清空目标数据库和 WEIHAI_HOME 后再试")
        postgres.stop(settings)
        place = Place(home)
        if place.moved:
            shutil.rmtree(place.base)
        for path in home.iterdir():
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    elif any(path.is_file() for path in home.rglob("*") if not path.is_relative_to(settings.logs)):
        raise UserError(f"{home} 不是空的：恢复只写入新的 WEIHAI_HOME")
    if settings.warehouse_dsn is not None:
        with connect(settings.warehouse_dsn) as connection:
            if connection.execute("select to_regclass('quality.batch') is null").fetchone() != (True,):
                raise UserError("WAREHOUSE_DSN 指向的数据库已有数据：恢复只写入空库")
    home.mkdir(parents=True, exist_ok=True)
    settings.restoring.mkdir(mode=0o700)
    home.chmod(0o755)


def _stored(name: str, digest: str, folder: Path, secrets: Path) -> Path:
    path = folder / name if (folder / name).is_file() else secrets / name
    if not path.is_file():
        raise UserError(f"缺少备份文件 {name}：应在 {folder} 或 {secrets}（用 --secrets 指明密钥备份所在）")
    if file_sha256(path) != digest:
        raise UserError(f"备份文件 {path} 已损坏（SHA-256 不符）：请改用另一份备份")
    return path


def _restore_content(settings: Settings, place: Path, sha256: str, identity: Path | None) -> None:
    kept = archive.path_of(place / "archive", sha256)
    source = kept if kept.is_file() else kept.with_name(kept.name + SUFFIX)
    if not source.is_file():
        raise UserError(f"备份缺少归档文件 {sha256[:12]}…：请改用另一份备份")
    target = archive.path_of(settings.archive, sha256)
    target.parent.mkdir(parents=True, exist_ok=True)
    if unseal(source, target, identity) != sha256:
        raise UserError(f"备份中的归档文件 {sha256[:12]}… 已损坏：请改用另一份备份")
    target.chmod(0o400)


def _restore_databases(settings: Settings, stored: dict[str, Path], work: Path, identity: Path | None) -> None:
    dsn = settings.warehouse_dsn or postgres.start(settings).dsn
    prefix = f"postgres_{DEPARTMENT_PREFIX}"
    departments = {path.name.removeprefix(prefix) for path in settings.secrets.glob(f"{prefix}*")}
    roles = ensure_roles(settings, dsn, departments)
    if roles.missing:
        raise UserError(f"目标服务器缺少角色，请数据库管理员先运行：\n{roles.statements}")
    for name, target in (("warehouse", dsn), ("airflow", metadata_dsn(settings))):
        path = next(p for n, p in stored.items() if n.removesuffix(SUFFIX) == f"{name}.dump")
        dump = path
        if path.suffix == SUFFIX:
            dump = work / f"{name}.dump"
            unseal(path, dump, identity)
        _pg_restore(settings, dump, target)
        if dump != path:
            dump.unlink()


def _pg_restore(settings: Settings, dump: Path, dsn: str) -> None:
    program = str(Place(settings.home).binaries / "pg_restore")
    jobs = f"--jobs={max(1, min(4, os.cpu_count() or 1))}"
    options = ["--exit-on-error", "--no-owner", "--no-password", jobs, f"--dbname={dsn}"]
    result = subprocess.run([program, *options, str(dump)], check=False, capture_output=True, text=True)
    if result.returncode != 0:
        lines = [line for line in result.stderr.splitlines() if "error" in line] or ["没有说明"]
        raise UserError(f"数据库 {conninfo_to_dict(dsn).get('dbname')} 没有恢复：{lines[0]}")
