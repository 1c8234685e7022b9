"""Doing the next step of an iteration while the last one is still being used."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterable, Iterator
from contextlib import closing
from typing import Generic, TypeVar

Item = TypeVar("Item")

_POLL_SECONDS = 0.1


def ahead(items: Iterable[Item], count: int = 1) -> Iterator[Item]:
    """Iterate in another thread, at most `count` items ahead of the caller.

    What the iteration raises is raised here. The thread has ended when this generator is exhausted or closed.
    """
    work = _Ahead(items, count)
    with closing(work):
        yield from work


class _Ahead(Generic[Item]):
    def __init__(self, items: Iterable[Item], count: int) -> None:
        self._items = items
        self._ready: queue.Queue[tuple[Item] | BaseException | None] = queue.Queue(count)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ahead", daemon=True)
        self._thread.start()

    def __iter__(self) -> Iterator[Item]:
        while (found := self._ready.get()) is not None:
            if isinstance(found, BaseException):
                raise found
            yield found[0]

    def close(self) -> None:
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            for item in self._items:
                if not self._put((item,)):
                    return
            self._put(None)
        except BaseException as error:  # noqa: BLE001 (raised again where the items are used)
            self._put(error)

    def _put(self, found: tuple[Item] | BaseException | None) -> bool:
        while not self._stopped.is_set():
            try:
                self._ready.put(found, timeout=_POLL_SECONDS)
            except queue.Full:
                continue
            return True
        return False
