"""Making a backup: what the database holds at one moment, every archived content once, and the home's files."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

from connectors import archive, chain
from connectors.database import Connection, connect
from connectors.errors import UserError
from connectors.settings import Settings
from weihai.backup import manifest
from weihai.backup.manifest import Link, Manifest
from weihai.backup.sealing import SUFFIX, Hashing, Seal, file_sha256, private_umask
from weihai.metadata import metadata_dsn
from weihai.postgres_place import PACKAGE_VERSION, Place

Tell = Callable[[str], None]

FILES = ("landing", "reports", "logs", "airflow/logs", "archive/redacted")
"""What of a home is kept as files: what cannot be made again from database, archive and checkout."""
_TAR_OK = (0, 1)
"""1: a file changed while it was read, as logs do."""


@dataclass(frozen=True)
class Made:
    """A backup that was made."""

    folder: Path
    secrets: Path
    manifest: Manifest
    new_contents: int
    removed: tuple[str, ...]


def make(
    settings: Settings,
    place: Path,
    *,
    secrets: Path,
    seal: Seal,
    keep: int | None,
    now: datetime,
    tell: Tell,
) -> Made:
    """Add a backup to `place`; killed at any point, it leaves the earlier ones whole.

    Args:
        place: folder of backups (mode 0700): `archive/` once for all of them, and one folder for each.
        secrets: another folder, for the secrets alone; to be kept elsewhere.
        keep: how many backups stay, the newest; None keeps all.

    Raises:
        UserError: a person was erased meanwhile, an archived file is damaged, or a program failed.
    """
    stamp = f"{now:%Y%m%dT%H%M%S}"
    with private_umask():
        _private(place)
        _private(secrets)
        scratch = place / f".{stamp}"
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir()
        with connect(settings.dsn(), autocommit=True) as connection:
            erased = _erasures(connection)
            tell("数据库")
            stored = _dump(settings, scratch, seal)
            head = chain.head(connection)
            tell("文件")
            stored.append(seal.write_output(_tar(settings.home, FILES), scratch / "files.tar", may_end_with=_TAR_OK))
            kept = seal.write_output(_tar(settings.home, ("secrets",)), secrets / f"{stamp}.tar")
            tell("归档")
            contents = sorted(_needed(connection))
            new = sum(_keep_content(settings, place, sha256, seal) for sha256 in contents)
            if _erasures(connection) != erased:
                raise UserError("备份期间有个人信息被依法删除：请再运行一次，旧内容不得留在新备份中")
        made = Manifest(
            made_at=now,
            project_version=version("weihai-data-warehouse"),
            postgres_version=PACKAGE_VERSION,
            chain=Link(seq=head.seq, hash=head.hash) if head is not None else None,
            is_encrypted=bool(seal.recipients),
            files={path.name: file_sha256(path) for path in (*stored, kept)},
            archive=contents,
        )
        (scratch / manifest.FILE).write_text(made.model_dump_json(indent=1) + "\n", encoding="utf-8")
        folder = scratch.rename(place / stamp)
        removed = tuple(prune(place, secrets, keep)) if keep is not None else ()
    return Made(folder, kept, made, new, removed)


def found(place: Path) -> list[Path]:
    """Return the whole backups of a folder, oldest first."""
    return sorted(path.parent for path in place.glob(f"[0-9]*/{manifest.FILE}"))


def prune(place: Path, secrets: Path, keep: int) -> Iterator[str]:
    """Remove all but the newest backups, and the archived contents that none of these needs; yield their names."""
    if keep < 1:
        raise UserError("--keep 至少为 1")
    stays = found(place)[-keep:]
    for folder in found(place)[:-keep]:
        for name in manifest.read(folder).files:
            (secrets / name).unlink(missing_ok=True)
        (folder / manifest.FILE).unlink()  # from here on it is no backup any more
        shutil.rmtree(folder)
        yield folder.name
    needed = {sha256 for folder in stays for sha256 in manifest.read(folder).archive}
    for path in sorted((place / "archive").glob("*/*")):
        if path.name.removesuffix(SUFFIX) not in needed:
            path.unlink()


def _private(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)


def _dump(settings: Settings, folder: Path, seal: Seal) -> list[Path]:
    """A dump is consistent in itself, whatever goes on; staged rows are read again from the archive."""
    program = str(Place(settings.home).binaries / "pg_dump")
    options = ("--format=custom", "--no-unlogged-table-data", "--no-password")
    return [
        seal.write_output([program, *options, f"--dbname={dsn}"], folder / f"{name}.dump")
        for name, dsn in (("warehouse", settings.dsn()), ("airflow", metadata_dsn(settings)))
    ]


def _tar(home: Path, names: tuple[str, ...]) -> list[str]:
    there = [name for name in names if (home / name).exists()]
    options = ["--ignore-failed-read", "--warning=no-file-changed", "--exclude=reports/.portal*.new"]
    return ["tar", "--create", *options, f"--directory={home}", "--files-from=/dev/null", *there]


def _erasures(connection: Connection) -> int:
    row = connection.execute("select count(*) from quality.erasure").fetchone()
    return int(row[0]) if row is not None else 0


def _needed(connection: Connection) -> Iterator[str]:
    """The contents that deliveries have today: themselves, or what stands for them since an erasure."""
    redacted: dict[str, str] = dict(connection.execute("select old_sha256, new_sha256 from quality.redacted_file"))
    for (sha256,) in connection.execute("select distinct sha256 from quality.batch_file"):
        found = sha256
        while found in redacted:
            found = redacted[found]
        yield found


def _keep_content(settings: Settings, place: Path, sha256: str, seal: Seal) -> bool:
    """Put an archived content into the backups' archive; return whether it was not there yet."""
    target = archive.path_of(place / "archive", sha256)
    if target.with_name(target.name + seal.suffix).is_file():
        return False
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with archive.path_of(settings.archive, sha256).open("rb") as file:
            source = Hashing(file)
            written = seal.write(source, target)
    except FileNotFoundError as error:
        raise UserError(f"归档文件 {sha256[:12]}… 不在 {settings.archive}：运行 `weihai verify` 查看") from error
    if source.sha256 != sha256:
        written.unlink()
        raise UserError(f"归档文件 {sha256[:12]}… 已损坏：从早先的备份找回后再备份；`weihai verify` 列出全部")
    return True
