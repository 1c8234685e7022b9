"""The archive: every delivered file once, by its content, before anything reads it."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import stat
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

_CHUNK = 1024 * 1024


class NotWholeError(Exception):
    """The file changed, vanished or is no regular file: leave it for a later look."""


@dataclass(frozen=True)
class Archived:
    """One archived file."""

    sha256: str
    size_bytes: int
    mtime_ns: int
    path: Path


def path_of(archive: Path, sha256: str) -> Path:
    """Return where a content lies: `archive/<sha256[:2]>/<sha256>`."""
    return archive / sha256[:2] / sha256


def content_path(archive: Path, sha256: str) -> Path:
    """Return where a delivered content lies today: itself, or what stands for it since somebody was erased from it."""
    path = path_of(archive, sha256)
    while not path.is_file() and (note := _note(archive, sha256)).is_file():
        sha256 = json.loads(note.read_text(encoding="ascii"))["sha256"]
        path = path_of(archive, sha256)
    return path


def replace(archive: Path, old: str, new: str) -> None:
    """Let the content `new` stand for `old`, and remove the old one; may be repeated."""
    note = _note(archive, old)
    note.parent.mkdir(exist_ok=True)
    scratch = note.with_suffix(".new")
    scratch.write_text(json.dumps({"sha256": new}), encoding="ascii")
    scratch.replace(note)
    path_of(archive, old).unlink(missing_ok=True)


def _note(archive: Path, sha256: str) -> Path:
    return archive / "redacted" / f"{sha256}.json"


def store(archive: Path, source: Path) -> Archived:
    """Copy a file into the archive while hashing it; durable when this returns; known content is reused.

    Raises:
        NotWholeError: the source changed while it was read, is gone, or is a link, pipe or device.
    """
    stored = copy(archive, source)
    keep(archive, stored.sha256)
    return stored


def copy(archive: Path, source: Path) -> Archived:
    """As `store`, but only `keep` makes it durable: until then the source must stay where it is."""
    incoming = archive / ".incoming"
    incoming.mkdir(parents=True, exist_ok=True)
    temporary = incoming / f"{os.getpid()}-{secrets.token_hex(8)}"
    try:
        sha256, size, mtime_ns = _copy(source, temporary)
        # a content from which somebody was erased stays away, should it be delivered again
        final = path_of(archive, sha256)
        if _note(archive, sha256).is_file():
            final = content_path(archive, sha256)
        elif not (final.is_file() and final.stat().st_size == size and is_whole(archive, sha256)):
            final.parent.mkdir(exist_ok=True)
            temporary.replace(final)
    finally:
        temporary.unlink(missing_ok=True)
    return Archived(sha256, size, mtime_ns, final)


def keep(archive: Path, sha256: str) -> None:
    """Wait until a content that was copied is durable."""
    path = content_path(archive, sha256)
    sync(path)
    for folder in (path.parent, archive):
        with contextlib.suppress(OSError):  # not every file system can
            sync(folder)


def is_whole(archive: Path, sha256: str) -> bool:
    """Say whether a content is there as it was; without `keep` it may be lost with the machine's power."""
    path = content_path(archive, sha256)
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == path.name


def _copy(source: Path, target: Path) -> tuple[str, int, int]:
    try:
        descriptor = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise NotWholeError("文件已不在收件箱，或不是普通文件") from error
    before = os.fstat(descriptor)
    if not stat.S_ISREG(before.st_mode):
        os.close(descriptor)
        raise NotWholeError("不是普通文件")
    with os.fdopen(descriptor, "rb") as reading, ThreadPoolExecutor(1) as other:
        digest = hashlib.sha256()
        size = 0
        with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400), "wb") as writing:
            while chunk := reading.read(_CHUNK):
                hashed = other.submit(digest.update, chunk)
                writing.write(chunk)
                size += len(chunk)
                hashed.result()
        after = os.fstat(reading.fileno())
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns) or size != after.st_size:
        raise NotWholeError("文件仍在写入")
    return digest.hexdigest(), size, after.st_mtime_ns


def sync(path: Path) -> None:
    """Wait until a file's content, or a folder's entries, are durable."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
