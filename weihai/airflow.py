"""The Airflow of a home: api-server, scheduler, dag-processor and triggerer as one supervised group."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psycopg

from connectors.errors import UserError
from connectors.settings import CHECKOUT, Settings
from weihai import ports, supervisor
from weihai.airflow_api import AirflowClient
from weihai.airflow_config import AirflowPlace, admin_password, environment, mark
from weihai.credentials import write_private
from weihai.locks import only_one
from weihai.processes import ProcessIdentity, wait_until_gone
from weihai.supervisor import GroupState, Plan, Program

COMPONENTS = ("api-server", "scheduler", "dag-processor", "triggerer")
_FIRST_PORT = 23_432
_HEALTHY_SECONDS = 240.0
_LOCK_SECONDS = 400.0
_PORT_TRIES = 3
_CLOCK_TOLERANCE = 2.0
"""Seconds by which a process's start time (counted from the machine's boot) may be off."""


class AirflowError(UserError):
    """Airflow cannot be prepared, started or stopped."""


class _PortTakenError(Exception):
    """Another program took the port between our choosing it and listening on it."""


@dataclass(frozen=True)
class Component:
    """One process of Airflow as it stands."""

    name: str
    process: ProcessIdentity | None
    restarts: int
    healthy: bool


@dataclass(frozen=True)
class AirflowState:
    """A running Airflow."""

    url: str
    port: int
    supervisor: ProcessIdentity
    components: tuple[Component, ...]

    @property
    def healthy(self) -> bool:
        """Whether every component runs and says that it is well."""
        return all(component.healthy for component in self.components)


@dataclass(frozen=True)
class Started:
    """What a start came to."""

    state: AirflowState
    fresh: bool
    """False where it was already running as wanted."""
    new_administrator: bool
    """True where the administrator was made just now, so that the password is to be shown."""


Tell = Callable[[str], None]


def start(
    settings: Settings,
    *,
    warehouse_dsn: str,
    metadata_dsn: str,
    inherited: Mapping[str, str],
    tell: Tell,
    dags: Path = CHECKOUT / "dags",
) -> Started:
    """Start a home's Airflow and wait until it is healthy; return at once if it already is.

    Args:
        settings: the home.
        warehouse_dsn: libpq URI that tasks use.
        metadata_dsn: libpq URI of Airflow's own database.
        inherited: environment of the caller, passed on without anything that configures Airflow.
        tell: called with a short line whenever there is progress to show.
        dags: the DAGs folder.

    Raises:
        AirflowError: it does not become healthy; the message names the log.
    """
    with only_one(settings.airflow, seconds=_LOCK_SECONDS):
        place = AirflowPlace(settings, _remembered_port(settings) or 0, warehouse_dsn, metadata_dsn, dags)
        running = _running_as_wanted(settings, mark(environment(place, inherited)))
        if running is not None:
            return Started(_wait_until_healthy(settings, running, tell), fresh=False, new_administrator=False)
        _stop(settings)
        settings.logs.mkdir(parents=True, exist_ok=True)
        new_administrator = _prepare(settings, replace(place, port=place.port or _FIRST_PORT), inherited, tell)
        for port in _few(ports.candidates(settings.home, start=_FIRST_PORT, remembered=_remembered_port(settings))):
            state = _launch(replace(place, port=port), inherited, tell)
            if state is not None:
                return Started(state, fresh=True, new_administrator=new_administrator)
            _stop(settings)
        raise AirflowError(f"Airflow 的端口一再被其他程序占用，请稍后再运行 `weihai up`（日志：{settings.logs}）")


def stop(settings: Settings) -> bool:
    """Stop a home's Airflow and whatever a killed one left behind; return whether anything was running."""
    if not settings.airflow.is_dir():
        return False
    with only_one(settings.airflow, seconds=_LOCK_SECONDS):
        return _stop(settings)


def inspect(settings: Settings) -> AirflowState | None:
    """Return the state of a home's Airflow; None where no supervisor of it is alive."""
    group = GroupState.read(_state_file(settings))
    port = _remembered_port(settings)
    if group is None or port is None or not group.supervisor.alive:
        return None
    return _state(settings, group, port, since=None)


def _running_as_wanted(settings: Settings, wanted: str) -> GroupState | None:
    group = GroupState.read(_state_file(settings))
    return group if group is not None and group.supervisor.alive and group.mark == wanted else None


def _launch(place: AirflowPlace, inherited: Mapping[str, str], tell: Tell) -> AirflowState | None:
    """Start the supervisor and wait; None where somebody else took the port in between."""
    settings = place.settings
    env = environment(place, inherited)
    write_private(settings.airflow / "endpoint.json", json.dumps({"url": place.url, "port": place.port}) + "\n")
    plan = settings.airflow / "plan.json"
    plan.write_text(Plan(_programs(settings), mark(env)).to_json(), encoding="utf-8")
    with (settings.logs / "supervisor.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "weihai.supervisor", str(plan), str(_state_file(settings))],
            env=env,
            cwd=settings.airflow,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    group = _wait_for_state(settings, process)
    try:
        return _wait_until_healthy(settings, group, tell)
    except _PortTakenError:
        return None


def _programs(settings: Settings) -> tuple[Program, ...]:
    executable = str(Path(sys.executable).with_name("airflow"))
    # the log servers would listen on every interface; the api-server reads the same files itself
    extra = {"scheduler": ("--skip-serve-logs",), "triggerer": ("--skip-serve-logs",)}
    return tuple(
        Program(name, (sys.executable, executable, name, *extra.get(name, ())), str(settings.logs / f"{name}.log"))
        for name in COMPONENTS
    )


def _wait_for_state(settings: Settings, process: subprocess.Popen[bytes]) -> GroupState:
    deadline = time.monotonic() + 30.0
    while time.monotonic() < deadline and process.poll() is None:
        group = GroupState.read(_state_file(settings))
        if group is not None and group.supervisor.pid == process.pid:
            return group
        time.sleep(0.05)
    raise AirflowError(f"Airflow 的守护进程没有启动，原因见 {settings.logs / 'supervisor.log'}")


def _wait_until_healthy(settings: Settings, group: GroupState, tell: Tell) -> AirflowState:
    port = _remembered_port(settings) or 0
    deadline = time.monotonic() + _HEALTHY_SECONDS
    since = group.supervisor.started
    while True:
        current = GroupState.read(_state_file(settings))
        if current is None or not current.supervisor.alive:
            raise AirflowError(f"Airflow 的守护进程已退出，原因见 {settings.logs / 'supervisor.log'}")
        state = _state(settings, current, port, since=since)
        if state.healthy:
            return state
        tell(" ".join(f"{c.name}{'✓' if c.healthy else '…'}" for c in state.components))
        api = state.components[0]
        if api.restarts and api.process is None and not ports.is_free(port):
            raise _PortTakenError
        failing = next((c.name for c in state.components if c.restarts >= 3 and not c.healthy), None)
        if failing is not None:
            raise AirflowError(f"Airflow 的 {failing} 一再退出，原因见 {settings.logs / f'{failing}.log'}")
        if time.monotonic() > deadline:
            raise AirflowError(f"Airflow 在 {_HEALTHY_SECONDS:.0f} 秒内没有就绪，日志在 {settings.logs}")
        time.sleep(0.3)


def _state(settings: Settings, group: GroupState, port: int, *, since: float | None) -> AirflowState:
    client = AirflowClient.of(settings)
    health = client.health() or {}
    components = tuple(
        Component(
            child.name,
            child.process,
            child.restarts,
            healthy=child.process is not None and child.process.alive and _is_well(child.name, health, since),
        )
        for child in group.children
    )
    return AirflowState(client.url, port, group.supervisor, components)


def _is_well(name: str, health: Mapping[str, Any], since: float | None) -> bool:
    """Whether Airflow's health report vouches for a component, by a heartbeat later than `since`."""
    if name == "api-server":
        return dict(health.get("metadatabase") or {}).get("status") == "healthy"
    key = name.replace("-", "_")
    report = dict(health.get(key) or {})
    heartbeat = report.get(f"latest_{key}_heartbeat")
    if report.get("status") != "healthy" or heartbeat is None:
        return False
    return since is None or datetime.fromisoformat(heartbeat).timestamp() >= since - _CLOCK_TOLERANCE


def _prepare(settings: Settings, place: AirflowPlace, inherited: Mapping[str, str], tell: Tell) -> bool:
    """Migrate the metadata and make the administrator, where that was not done for these versions; return if new."""
    settings.airflow.mkdir(parents=True, exist_ok=True)
    (settings.airflow / "plugins").mkdir(exist_ok=True)
    remembered = settings.airflow / "metadata.json"
    password = admin_password(settings)
    wanted = {
        "airflow": version("apache-airflow-core"),
        "fab": version("apache-airflow-providers-fab"),
        "administrator": sha256(password.encode()).hexdigest(),
    }
    before = _read_json(remembered)
    revisions = _revisions(place.metadata_dsn)
    if before is not None and revisions and before == {**wanted, "revisions": revisions}:
        return False
    tell("准备元数据库（只在首次和升级后）")
    log = settings.logs / "airflow-setup.log"
    with log.open("ab") as out:
        result = subprocess.run(
            [sys.executable, "-m", "weihai.airflow_setup"],
            check=False,
            env={**environment(place, inherited), "AIRFLOW__FAB__UPDATE_FAB_PERMS": "True"},
            cwd=settings.airflow,
            input=f"{password}\n".encode(),
            stdout=out,
            stderr=out,
        )
    if result.returncode != 0:
        raise AirflowError(f"Airflow 的元数据库准备失败，原因见 {log}")
    write_private(remembered, json.dumps({**wanted, "revisions": _revisions(place.metadata_dsn)}, indent=2) + "\n")
    return before is None or not revisions or before.get("administrator") != wanted["administrator"]


def _revisions(dsn: str) -> list[str]:
    """Return the revisions that the metadata database says it has; empty where it was never migrated."""
    found: list[str] = []
    with psycopg.connect(dsn, autocommit=True) as connection:
        for table in ("alembic_version", "alembic_version_fab"):
            row = connection.execute("select to_regclass(%s) is not null", (table,)).fetchone()
            if row is None or not row[0]:
                return []
            found += [name for (name,) in connection.execute(f"select version_num from {table} order by 1")]
    return found


def _stop(settings: Settings) -> bool:
    group = GroupState.read(_state_file(settings))
    if group is None:
        return False
    was_alive = group.supervisor.alive
    if was_alive:
        group.supervisor.signal(signal.SIGTERM)
        if not wait_until_gone(group.supervisor, supervisor.STOP_SECONDS + 15):
            group.supervisor.signal(signal.SIGKILL)
            wait_until_gone(group.supervisor, 5)
    left = supervisor.end_session(group.supervisor)
    _state_file(settings).unlink(missing_ok=True)
    return was_alive or left > 0


def _state_file(settings: Settings) -> Path:
    return settings.airflow / "supervisor.json"


def _remembered_port(settings: Settings) -> int | None:
    endpoint = _read_json(settings.airflow / "endpoint.json")
    return int(endpoint["port"]) if endpoint and "port" in endpoint else None


def _read_json(path: Path) -> dict[str, Any] | None:
    try:
        loaded = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return loaded if isinstance(loaded, dict) else None


def _few(candidates: Iterator[int]) -> Iterator[int]:
    for _, port in zip(range(_PORT_TRIES), candidates, strict=False):
        yield port
