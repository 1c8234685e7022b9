"""Files of a backup: mode 0600, encrypted with age where recipients are named, each known by its SHA-256."""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol, cast

import pyrage

from connectors.errors import UserError

SUFFIX = ".age"
_CHUNK = 1024 * 1024


class Source(Protocol):
    """What can be read to its end."""

    def read(self, size: int = -1, /) -> bytes:
        """Return the next bytes; none at the end."""


class Hashing:
    """A source that hashes what is read from it."""

    def __init__(self, source: Source) -> None:
        """Read from `source`."""
        self._source = source
        self._digest = hashlib.sha256()

    def read(self, size: int = -1, /) -> bytes:
        """Return the next bytes."""
        chunk = self._source.read(size)
        self._digest.update(chunk)
        return chunk

    @property
    def sha256(self) -> str:
        """Of all that was read, in hex."""
        return self._digest.hexdigest()


@dataclass(frozen=True)
class Seal:
    """How files are written: encrypted for the recipients (age public keys `age1…`), or plain where there are none."""

    recipients: tuple[str, ...] = ()

    @property
    def suffix(self) -> str:
        """What is added to a file's name."""
        return SUFFIX if self.recipients else ""

    def write(self, source: Source, path: Path) -> Path:
        """Write a source whole to `path` and the suffix, mode 0600, durable; return where.

        Raises:
            UserError: a recipient is no age public key.
        """
        keys = self._keys()
        target = path.with_name(path.name + self.suffix)
        scratch = target.with_name(f".{target.name}.{os.getpid()}")
        descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                if keys:
                    pyrage.encrypt_io(cast("io.BufferedIOBase", source), file, keys)  # it only reads
                else:
                    _copy(source, file)
                file.flush()
                os.fsync(file.fileno())
            scratch.replace(target)
        finally:
            scratch.unlink(missing_ok=True)
        return target

    def write_output(self, command: Sequence[str], path: Path, *, may_end_with: Sequence[int] = (0,)) -> Path:
        """Write what a program prints; return where.

        Raises:
            UserError: the program failed; its last line says why.
        """
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as program:
            assert program.stdout is not None
            assert program.stderr is not None
            target = self.write(program.stdout, path)
            said = program.stderr.read().decode("utf-8", "replace").strip().splitlines()
        if program.returncode not in may_end_with:
            target.unlink()
            raise UserError(f"{Path(command[0]).name} 失败：{said[-1] if said else program.returncode}")
        return target

    def _keys(self) -> list[pyrage.x25519.Recipient]:
        try:
            return [pyrage.x25519.Recipient.from_str(text) for text in self.recipients]
        except pyrage.RecipientError as error:
            raise UserError("--recipient 不是 age 公钥（age1…）：用 age-keygen 或 `weihai backup-key` 生成") from error


def unseal(path: Path, target: Path, identity: Path | None) -> str:
    """Write what a sealed or plain file holds to `target`, mode 0600; return the SHA-256 of it.

    Raises:
        UserError: it is encrypted, and there is no identity or another one.
    """
    with (
        path.open("rb") as source,
        os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file,
    ):
        if path.suffix != SUFFIX:
            _copy(source, file)
        else:
            try:
                pyrage.decrypt_io(source, file, identities(identity, path))
            except pyrage.DecryptError as error:
                raise UserError(f"{path} 不能用给出的私钥解密：换用 --identity 指定当时的私钥文件") from error
    return file_sha256(target)


def identities(path: Path | None, needed_for: Path) -> list[pyrage.x25519.Identity]:
    """Read age private keys (`AGE-SECRET-KEY-…`, one a line; `#` begins a comment).

    Raises:
        UserError: there is no such file, or it holds none.
    """
    if path is None:
        raise UserError(f"{needed_for.name} 是加密的：请用 --identity 指定 age 私钥文件")
    lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    try:
        return [pyrage.x25519.Identity.from_str(line) for line in lines if line and not line.startswith("#")]
    except pyrage.IdentityError as error:
        raise UserError(f"{path} 不是 age 私钥文件（每行一个 AGE-SECRET-KEY-…）") from error


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def private_umask() -> Iterator[None]:
    """Files and folders made meanwhile are their owner's alone."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


def _copy(source: Source, file: IO[bytes]) -> None:
    while chunk := source.read(_CHUNK):
        file.write(chunk)
