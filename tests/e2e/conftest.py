"""One home with the real scheduler, shared by the end-to-end tests, driven by the command line alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from connectors.settings import Settings
from tests.unit.interface_server import Answer, Interface, interface
from weihai.airflow_api import AirflowClient

CHECKOUT = Path(__file__).parents[2]
ALERT_KEY, ALERT_SECRET = "e2e-key-in-the-address", "e2e-secret-of-the-receiver"
WEIHAI = Path(sys.executable).parent / "weihai"


@dataclass(frozen=True)
class City:
    """A home and the command line in it; its alerts go to a webhook of the tests."""

    home: Path
    webhook: Interface

    @property
    def airflow(self) -> AirflowClient:
        """Airflow's API, as its administrator."""
        return AirflowClient.of(Settings(home=self.home))

    def alerts(self, kind: str) -> list[dict[str, Any]]:
        """What arrived at the webhook of one kind."""
        told = [json.loads(call.body) for call in list(self.webhook.calls)]
        return [alert for alert in told if alert["kind"] == kind]

    @property
    def environment(self) -> dict[str, str]:
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("AIRFLOW", "WAREHOUSE_DSN"))}
        # every assessment is late, so that one is told of
        return clean | {"WEIHAI_HOME": str(self.home), "WEIHAI_DEADLINES": "assess=0.01"}

    def weihai(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end, as a person would, and return what it printed."""
        return subprocess.run(
            [WEIHAI, *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=1_500,
            cwd=CHECKOUT,
            check=False,
        )

    def query(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Ask the warehouse."""
        dsn = json.loads((self.home / "postgres" / "connection.json").read_text(encoding="utf-8"))["dsn"]
        with psycopg.connect(dsn) as connection:
            return connection.execute(sql, parameters).fetchall()  # type: ignore[arg-type]

    def wait(self, condition: Callable[[], Any], what: str, seconds: float = 900) -> Any:
        """Wait until the condition holds."""
        deadline = time.monotonic() + seconds
        while not (held := condition()):
            if time.monotonic() > deadline:
                raise TimeoutError(what)
            time.sleep(1)
        return held


@pytest.fixture(scope="session")
def city(open_folder: Path) -> Iterator[City]:
    """A started home; nothing of it is left running afterwards."""
    with interface(lambda _: Answer({})) as webhook:
        city = City(open_folder / "city", webhook)
        started = city.weihai("up")
        assert started.returncode == 0, started.stdout + started.stderr
        connection = {"conn_type": "http", "host": f"{webhook.url}/alerts?key={ALERT_KEY}", "password": ALERT_SECRET}
        city.airflow._send("POST", "/api/v2/connections", json={"connection_id": "weihai_alerts", **connection})
        yield city
        stopped = city.weihai("down")
    assert stopped.returncode == 0, stopped.stdout + stopped.stderr
    assert processes_of(city.home) == []


def processes_of(home: Path) -> list[str]:
    """Command lines of the processes that belong to a home (by environment or argument)."""
    mark = str(home).encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        if int(process.name) == os.getpid():
            continue
        try:
            command = (process / "cmdline").read_bytes()
            environment = (process / "environ").read_bytes()
        except OSError:
            continue
        if mark in command or b"WEIHAI_HOME=" + mark + b"\0" in environment:
            found.append(command.replace(b"\0", b" ").decode(errors="replace"))
    return found
