"""Where a department's receipts lie, and where the original names of its files are remembered until the last one."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

from connectors.delivery_names import UNKNOWN_FOLDER, side_path

UNRECOGNISED = "_unrecognised"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Names:
    """What the files of a delivery are called in their department, and where they lay below the landing zone."""

    files: tuple[str, ...]
    paths: tuple[str, ...]
    looks: tuple[tuple[int, int], ...]
    """Size in bytes and mtime in ns of each file when it was archived."""


def folder(landing: Path, department: str | None, extract: str | None) -> Path:
    """Return the folder of a delivery's receipts, made with mode 0700."""
    own = landing / (department if department is not None else UNKNOWN_FOLDER)
    place = own / "receipts"
    if department is not None:
        place /= extract if extract is not None else UNRECOGNISED
    _make(landing, place)
    return place


def remember(landing: Path, department: str | None, delivery_key: str, names: Names) -> None:
    """Keep the original names in the department's own folder, the only place where they may stand."""
    path = _names_path(landing, department, delivery_key)
    _make(landing, path.parent)
    write_whole(path, json.dumps(asdict(names), ensure_ascii=True).encode("ascii"))


def recall(landing: Path, department: str | None, delivery_key: str | None) -> Names | None:
    """Return the original names, or None where they are not kept any more."""
    if delivery_key is None:
        return None
    path = _names_path(landing, department, delivery_key)
    try:
        kept = json.loads(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
    return Names(tuple(kept["files"]), tuple(kept["paths"]), tuple((int(s), int(m)) for s, m in kept["looks"]))


def forget(landing: Path, department: str | None, delivery_key: str | None) -> None:
    """Drop the names kept for a delivery that needs no further receipt."""
    if delivery_key is not None:
        _names_path(landing, department, delivery_key).unlink(missing_ok=True)


def write_whole(path: Path, content: bytes) -> None:
    """Write a file of mode 0600 that appears whole or not at all; a link at its place is replaced, not followed."""
    temporary = path.with_name(f".{secrets.token_hex(8)}.writing")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def take(landing: Path, names: Names) -> None:
    """Remove archived files and their side files from the inbox; a file changed since then stays, folders stay."""
    for name, looks in zip(names.paths, names.looks, strict=True):
        path = landing / name
        with contextlib.suppress(FileNotFoundError):
            if _looks(path) == looks:
                with contextlib.suppress(OSError):  # a name that leaves no room for the suffix
                    side_path(path).unlink(missing_ok=True)
                path.unlink()


def lies_there(landing: Path, names: Names) -> bool:
    """Say whether all files still lie in the inbox as they were when they were archived."""
    try:
        return [_looks(landing / name) for name in names.paths] == list(names.looks)
    except FileNotFoundError:
        return False


def _looks(path: Path) -> tuple[int, int]:
    facts = path.lstat()
    return facts.st_size, facts.st_mtime_ns


def _names_path(landing: Path, department: str | None, delivery_key: str) -> Path:
    own = landing / (department if department is not None else UNKNOWN_FOLDER)
    return own / "receipts" / ".names" / f"{delivery_key[:32]}.json"


def _make(landing: Path, place: Path) -> None:
    """Make a folder below the landing zone, private at every step.

    Where something else has the name of a step, such as a link that leads elsewhere, it is put aside, not followed.
    """
    landing.mkdir(parents=True, exist_ok=True)
    step = landing
    for part in place.relative_to(landing).parts:
        step /= part
        if os.path.lexists(step) and (step.is_symlink() or not step.is_dir()):
            step.rename(step.with_name(f"{step.name}.{secrets.token_hex(4)}"))
            log.warning("something else had the name of a receipts folder; it was put aside")
        step.mkdir(mode=0o700, exist_ok=True)
        if part == "receipts":
            step.chmod(0o700)
