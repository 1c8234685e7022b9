"""Free ports on the loopback interface: stable per home, stepped around when taken."""

from __future__ import annotations

import socket
import zlib
from collections.abc import Iterator
from pathlib import Path

HOST = "127.0.0.1"
_SPAN = 8_000


def is_free(port: int) -> bool:
    """Whether a server could listen on that loopback port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
            probe.listen(1)
        except OSError:
            return False
    return True


def candidates(home: Path, *, start: int, remembered: int | None = None) -> Iterator[int]:
    """Yield free ports: the remembered one first, then from a place in `start … start+8000` that the home names.

    The range lies below the ports that systems hand out for outgoing connections, so that a port chosen today
    is not taken by a passing connection tomorrow.
    """
    if remembered is not None and is_free(remembered):
        yield remembered
    offset = zlib.crc32(str(home).encode()) % _SPAN
    for step in range(_SPAN):
        port = start + (offset + step) % _SPAN
        if port != remembered and is_free(port):
            yield port
