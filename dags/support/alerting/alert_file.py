"""The file of alerts: one JSON object a line, in the order in which they came."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from connectors.settings import Settings

MODE = 0o640
"""For a log collector in the owner's group, and for nobody else."""


def path_of(settings: Settings) -> Path:
    """Return where a home's alerts stand."""
    return settings.logs / "alerts.jsonl"


def append(settings: Settings, line: Mapping[str, Any]) -> None:
    """Add one line, whole, whoever else writes at the same time."""
    path = path_of(settings)
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, MODE)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        os.fchmod(descriptor, MODE)
        file.write(json.dumps(line, ensure_ascii=False) + "\n")
