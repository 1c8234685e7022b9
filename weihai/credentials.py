"""Generated secrets of a home: one file each in `secrets/`, readable by their owner only."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from connectors.privacy import check_private

__all__ = ["check_private", "private_folder", "secret", "write_private"]


def private_folder(path: Path) -> Path:
    """Make a folder that only its owner may enter."""
    path.mkdir(parents=True, exist_ok=True)
    path.chmod(0o700)
    return path


def write_private(path: Path, text: str) -> None:
    """Replace a file whole; it is never readable by anybody else, not even for a moment."""
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    scratch.unlink(missing_ok=True)
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    scratch.replace(path)


def secret(folder: Path, name: str, *, hex_bytes: int = 24) -> str:
    """Return the secret of that name, generated on first use (hexadecimal, so safe inside a URI)."""
    path = folder / name
    if path.is_file():
        check_private(path)
        return path.read_text(encoding="utf-8").strip()
    private_folder(folder)
    value = secrets.token_hex(hex_bytes)
    write_private(path, value + "\n")
    return value
