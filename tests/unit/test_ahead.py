"""Iterating ahead changes nothing but the time it takes."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from connectors.ahead import ahead


def test_items_come_whole_and_in_order_when_they_are_made_ahead() -> None:
    assert list(ahead(iter(range(1000)), 3)) == list(range(1000))


def test_an_error_is_raised_where_the_items_are_used_when_making_one_fails() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise ValueError("broken")

    taken = []
    with pytest.raises(ValueError, match="broken"):
        taken += list(ahead(items()))

    assert taken == []


def test_no_thread_is_left_when_the_caller_stops_early() -> None:
    made = []

    def items() -> Iterator[int]:
        for number in range(1000):
            made.append(number)
            yield number

    for number in (running := ahead(items(), 2)):
        if number == 3:
            break
    running.close()

    assert len(made) < 10
    assert all(thread.name != "ahead" for thread in threading.enumerate())
