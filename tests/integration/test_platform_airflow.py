"""The supervised Airflow of a home, once for real: it starts four processes and takes about a minute."""

import io
import os
import shutil
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import pytest
from rich.console import Console

from connectors.settings import Settings
from connectors.sources.endpoint import ConnectionFields
from connectors.sources.errors import SourceError
from weihai import airflow, airflow_connection, ports, services
from weihai.airflow_api import AirflowClient
from weihai.commands.platform import lines
from weihai.processes import ProcessIdentity, processes_of_session
from weihai.steps import Steps

pytestmark = pytest.mark.slow

DAG = '''
"""A small airflow dag."""
import os
from airflow.sdk import dag, task

@dag(dag_id="probe", schedule=None)
def probe():
    @task
    def look():
        print("home is " + os.environ["WEIHAI_HOME"])
    look()

probe()
'''


@dataclass(frozen=True)
class Platform:
    settings: Settings
    dags: Path

    def up(self) -> airflow.Started:
        steps = Steps(Console(file=io.StringIO()))
        return services.up(self.settings, steps=steps, inherited=os.environ, dags=self.dags)


@pytest.fixture(scope="module")
def platform(open_folder: Path) -> Iterator[Platform]:
    dags = open_folder / "dags"
    dags.mkdir()
    (dags / "probe.py").write_text(DAG)
    made = Platform(Settings(home=open_folder / "platform"), dags)
    try:
        started = made.up()
        assert started.fresh
        assert started.new_administrator
        yield made
    finally:
        services.down(made.settings, steps=Steps(Console(file=io.StringIO())))
        shutil.rmtree(made.settings.home, ignore_errors=True)


def state(platform: Platform) -> airflow.AirflowState:
    found = airflow.inspect(platform.settings)
    assert found is not None
    return found


def test_second_start_is_quick_and_changes_nothing_when_all_is_up(platform: Platform) -> None:
    before = state(platform).supervisor
    started = platform.up()
    assert not started.fresh
    assert not started.new_administrator
    assert state(platform).supervisor == before


def test_every_process_listens_on_loopback_only(platform: Platform) -> None:
    pids = {p.pid for p in processes_of_session(state(platform).supervisor.pid)}
    listening = [c.laddr for c in psutil.net_connections("inet") if c.pid in pids and c.status == "LISTEN"]
    assert {address.ip for address in listening} == {ports.HOST}
    assert {address.port for address in listening} == {state(platform).port}


def test_nobody_gets_in_without_the_password(platform: Platform) -> None:
    url = state(platform).url
    with httpx.Client(base_url=url, trust_env=False) as stranger:
        assert stranger.get("/api/v2/dags").status_code == 401
        assert stranger.post("/auth/token", json={"username": "admin", "password": "admin"}).status_code == 401


def test_run_goes_through_the_scheduler_and_its_log_can_be_read(platform: Platform) -> None:
    api = AirflowClient.of(platform.settings)
    api.trigger("probe", "run-1", {"full_refresh": False})
    deadline = time.monotonic() + 120
    while (run := api.dag_run("probe", "run-1")) is None or run["state"] not in ("success", "failed"):
        assert time.monotonic() < deadline
        time.sleep(0.5)
    log = api.task_log("probe", "run-1", "look")
    assert run["state"] == "success", log
    assert [t["state"] for t in api.task_instances("probe", "run-1")] == ["success"]
    assert f"home is {platform.settings.home}" in log
    assert api.active_runs("probe") == []
    assert api.dag_run("probe", "run-2") is None


def test_command_line_knows_the_connections_that_were_made_in_the_interface(platform: Platform) -> None:
    made = {"conn_type": "postgres", "host": "db", "port": 5433, "schema": "civil", "login": "r", "password": "p@s"}
    AirflowClient.of(platform.settings)._send("POST", "/api/v2/connections", json={"connection_id": "civil_db", **made})
    assert airflow_connection.ask(platform.settings, "civil_db", os.environ) == ConnectionFields(**made)
    with pytest.raises(SourceError, match="没有连接 other"):
        airflow_connection.ask(platform.settings, "other", os.environ)


def test_status_names_everything_and_hides_the_passwords(platform: Platform) -> None:
    shown = "\n".join(lines(services.status(platform.settings), show_password=False))
    assert state(platform).url in shown
    assert all(name in shown for name in airflow.COMPONENTS)
    assert "postgresql://etl:***@127.0.0.1:" in shown
    secrets = [path.read_text().strip() for path in platform.settings.secrets.iterdir()]
    assert [secret for secret in secrets if secret in shown] == []


def test_component_comes_back_when_it_was_killed(platform: Platform) -> None:
    killed = next(c for c in state(platform).components if c.name == "triggerer")
    assert killed.process is not None
    killed.process.signal(signal.SIGKILL)
    deadline = time.monotonic() + 120
    while True:
        now = next(c for c in state(platform).components if c.name == "triggerer")
        if now.healthy and now.process != killed.process:
            break
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert now.restarts == 1


def test_nothing_is_left_when_stopped_after_the_supervisor_was_killed(platform: Platform) -> None:
    before = state(platform)
    everything: list[ProcessIdentity] = processes_of_session(before.supervisor.pid)
    before.supervisor.signal(signal.SIGKILL)
    assert services.down(platform.settings, steps=Steps(Console(file=io.StringIO())))
    assert len(everything) >= 5
    assert [p for p in everything if p.alive] == []
    assert ports.is_free(before.port)
    assert airflow.inspect(platform.settings) is None
