"""One line per step of something that takes a while, with the time it took."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console


@dataclass
class Steps:
    """Shows each step while it runs (on a terminal) and one line when it is done."""

    console: Console
    clock: Callable[[], float] = field(default=time.monotonic)

    @contextmanager
    def step(self, title: str) -> Iterator[Callable[[str], None]]:
        """Show a step; the callable that is yielded tells what it is busy with."""
        started = self.clock()
        with self.console.status(title) as status:

            def tell(note: str) -> None:
                status.update(f"{title}（{self.clock() - started:.0f} 秒）：{note}")

            yield tell
        self.console.print(f"✓ {title}  {self.clock() - started:.1f} 秒", highlight=False)
