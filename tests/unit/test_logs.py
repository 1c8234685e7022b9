"""Logs are kept for six months at least."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from connectors.errors import UserError
from connectors.settings import Settings, load_settings
from weihai import logs


def test_only_logs_older_than_the_period_are_outdated_when_asked(tmp_path: Path, clock: datetime) -> None:
    settings = Settings(home=tmp_path)
    for name, days in (("logs/new.log", 183), ("logs/old.log.20210101T000000", 185), ("airflow/logs/dag/1.log", 200)):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
        moment = (clock - timedelta(days=days)).timestamp()
        os.utime(path, (moment, moment))
    found = [path.name for path in logs.outdated(settings, now=clock)]
    assert found == ["old.log.20210101T000000", "1.log"]
    assert [path.name for path in logs.outdated(settings, now=clock, days=190)] == ["1.log"]


@pytest.mark.parametrize("days", [0, 30, 183])
def test_fewer_than_six_months_are_refused_when_asked_for(tmp_path: Path, clock: datetime, days: int) -> None:
    with pytest.raises(UserError, match="至少保留 184 天"):
        list(logs.outdated(load_settings({"WEIHAI_HOME": str(tmp_path), "WEIHAI_LOG_DAYS": str(days)}), now=clock))


def test_no_rotated_log_is_overwritten_when_the_log_grows_large(tmp_path: Path) -> None:
    log = tmp_path / "postgres.log"
    for name in ("postgres.log.20210101T000000", "postgres.log.20210201T000000"):
        (tmp_path / name).write_text("kept")
    log.write_bytes(b"x")
    os.truncate(log, 20 * 1024**2 + 1)
    logs.rotate(log)
    assert not log.exists()
    assert len(list(tmp_path.glob("postgres.log.*"))) == 3
