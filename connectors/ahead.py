"""Doing the next step of an iteration while the last one is still being used."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterable, Iterator
from contextlib import closing
from typing import Generic, TypeVar

Item = TypeVar("Item")


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
        self._ready: queue.SimpleQueue[tuple[Item] | BaseException | None] = queue.SimpleQueue()
        self._wanted = threading.Semaphore(count)
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="ahead", daemon=True)
        self._thread.start()

    def __iter__(self) -> Iterator[Item]:
        while (found := self._ready.get()) is not None:
            if isinstance(found, BaseException):
                raise found
            self._wanted.release()
            yield found[0]

    def close(self) -> None:
        self._stopped = True
        self._wanted.release()
        self._thread.join()

    def _run(self) -> None:
        try:
            items = iter(self._items)
            while self._wanted.acquire() and not self._stopped:
                self._ready.put((next(items),))
        except StopIteration:
            self._ready.put(None)
        except BaseException as error:  # noqa: BLE001 (raised again where the items are used)
            self._ready.put(error)
