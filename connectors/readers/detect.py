"""Which format a file is, by its content: the name's ending is not trusted."""

from __future__ import annotations

from pathlib import Path

from connectors.readers.model import TextFile
from connectors.settings import Limits


def open_file(path: Path, *, limits: Limits) -> TextFile:
    """Detect the format of an archived file and open it; its name is not looked at.

    Raises:
        UnreadableFileError: empty, corrupt, password-protected, over a limit, or of a format not supported.
    """
    raise NotImplementedError
