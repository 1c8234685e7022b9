"""A run of the office in a process of its own, to be killed: `python -m tests.soak.office_worker HOME DSN FOLDERS…`."""

from __future__ import annotations

import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

from connectors.contract import load_contracts
from connectors.settings import Settings
from tests.integration.office import Office


def main(home: str, dsn: str, *folders: str) -> None:
    """Say `ready` once everything is imported, do what a run does, say `done`."""
    settings = Settings(Path(home), dsn, tuple(map(Path, folders)))
    now = datetime(2021, 10, 8, 9, 0, tzinfo=timezone(timedelta(hours=8), "Asia/Shanghai"))
    office = Office(settings, load_contracts(settings.contract_folders), now)
    print("ready", flush=True)
    office.run()
    print("done", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
