"""One process at a time per home and purpose."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from connectors.errors import UserError


@contextmanager
def only_one(folder: Path, *, seconds: float) -> Iterator[None]:
    """Hold the lock of a folder; it ends with the process, so a killed one leaves none behind.

    Raises:
        UserError: another process still holds it after that many seconds.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as file:
        deadline = time.monotonic() + seconds
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise UserError(f"另一个进程正在启动或停止 {folder} 中的服务，请稍后再试") from None
                time.sleep(0.1)
        yield
