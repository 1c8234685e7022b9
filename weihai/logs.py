"""Logs of a home: rotated under the moment of their end, kept at least six months, removed on command only."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from connectors.errors import UserError
from connectors.settings import Settings

LEAST_DAYS = 184
"""Six months (Cybersecurity Law of the PRC, art. 21 (3)); the longest six months have 184 days."""
_ROTATE_BYTES = 20 * 1024**2


def rotate(log: Path) -> None:
    """Put a log that has grown large aside as `<name>.<moment of its end>`."""
    if log.is_file() and log.stat().st_size > _ROTATE_BYTES:
        log.replace(log.with_name(f"{log.name}.{time.strftime('%Y%m%dT%H%M%S')}"))


def outdated(settings: Settings, *, now: datetime, days: int | None = None) -> Iterator[Path]:
    """Yield the log files of the home, Airflow's tasks included, that were last written before the period kept.

    Args:
        days: to keep; None means the home's setting (`WEIHAI_LOG_DAYS`).

    Raises:
        UserError: fewer than six months.
    """
    kept = settings.log_days if days is None else days
    if kept < LEAST_DAYS:
        raise UserError(f"日志至少保留 {LEAST_DAYS} 天（网络安全法第二十一条，六个月），收到的是 {kept}")
    before = (now - timedelta(days=kept)).timestamp()
    for folder in (settings.logs, settings.airflow / "logs"):
        for path in sorted(folder.rglob("*")):
            if path.is_file() and not path.is_symlink() and path.stat().st_mtime < before:
                yield path
