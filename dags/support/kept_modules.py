"""Our own modules that tasks find imported, because the executor imported them; an edit makes a task import anew."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path

from connectors.settings import CHECKOUT

_PACKAGES = ("connectors", "dags", "expectations", "linkage", "portal")
_WATCHED = (*_PACKAGES, "seeds")
"""A module may read a file that lies beside it when it is imported."""

_kept: dict[str, int] = {}


def keep(names: Sequence[str], checkout: Path = CHECKOUT) -> None:
    """Import modules for the forks of this process.

    Args:
        names: modules that start no thread, nor import what does.
        checkout: where the packages lie.
    """
    # before the import: what is edited meanwhile is found edited
    _kept.update(_files(checkout))
    for name in names:
        import_module(name)


def forget_edited(checkout: Path = CHECKOUT) -> None:
    """Let everything of ours be imported anew if any of it is not as it was when it was imported for this fork."""
    if not _kept or _kept == _files(checkout):
        return
    for name in [name for name in sys.modules if name.partition(".")[0] in _PACKAGES]:
        del sys.modules[name]


def _files(checkout: Path) -> Mapping[str, int]:
    """Return the files of the packages, each with the moment of its last change in nanoseconds."""
    return {entry.path: entry.stat().st_mtime_ns for name in _WATCHED for entry in _entries(checkout / name)}


def _entries(folder: Path | str) -> Iterator[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if not entry.is_dir():
                yield entry
            elif entry.name != "__pycache__":
                yield from _entries(entry.path)
