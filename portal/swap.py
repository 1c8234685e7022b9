"""Put a folder of pages in place whole: readers see the old pages or the new ones, never a mixture."""

from __future__ import annotations

import fcntl
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replaced(place: Path) -> Iterator[Path]:
    """Yield an empty folder that takes the place of `place` when the block ends well, and vanishes when it does not.

    `place` is a symbolic link to the folder in use; replacing a link is one atomic step, which replacing a full folder
    is not. Folders that a killed builder left behind are removed by the next one. Builders take turns.
    """
    place.parent.mkdir(parents=True, exist_ok=True)
    with (place.parent / f".{place.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        prefix = f".{place.name}-"
        fresh = Path(tempfile.mkdtemp(prefix=prefix, dir=place.parent))
        fresh.chmod(0o755)
        try:
            yield fresh
            _point(place, fresh)
        except BaseException:
            shutil.rmtree(fresh, ignore_errors=True)
            raise
        for leftover in place.parent.glob(f"{prefix}*"):
            if leftover.is_symlink():
                leftover.unlink()
            elif leftover != fresh:
                shutil.rmtree(leftover, ignore_errors=True)


def _point(place: Path, folder: Path) -> None:
    link = folder.with_name(f"{folder.name}.link")
    link.unlink(missing_ok=True)
    link.symlink_to(folder.name, target_is_directory=True)
    if place.is_dir() and not place.is_symlink():
        place.replace(folder.with_name(f"{folder.name}.old"))
    link.replace(place)
