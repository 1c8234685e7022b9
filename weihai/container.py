"""One Airflow component in a container: `python -m weihai.container init|api-server|scheduler|…|worker`.

`init` brings warehouse, roles and Airflow's metadata up to date and ends; the others become the component. Their
environment is that of `airflow_config`, but for who listens where:

WEIHAI_EXECUTOR       CeleryExecutor; without it tasks run where the scheduler does (`warm_executor`)
WEIHAI_AIRFLOW_URL    how the containers reach the api-server, http://api-server:8080
WEIHAI_PUBLIC_URL     how people reach it
WEIHAI_BROKER_FILE    file that holds the URL of Celery's broker
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from connectors.errors import UserError
from connectors.settings import Settings, load_settings
from weihai.airflow_config import EXECUTOR, AirflowPlace, admin_password, environment
from weihai.metadata import metadata_dsn
from weihai.steps import Steps

PORT = 8080
COMPONENTS: Mapping[str, Sequence[str]] = {
    "api-server": ("api-server",),
    "scheduler": ("scheduler",),
    "dag-processor": ("dag-processor",),
    "triggerer": ("triggerer",),
    "worker": ("celery", "worker"),
}


@dataclass(frozen=True)
class Network:
    """Who listens where, between containers."""

    executor: str = EXECUTOR
    internal_url: str = f"http://api-server:{PORT}"
    public_url: str = f"http://localhost:{PORT}"
    broker: str | None = None

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Network:
        """Read it from the environment."""
        file = environ.get("WEIHAI_BROKER_FILE")
        return cls(
            executor=environ.get("WEIHAI_EXECUTOR") or cls.executor,
            internal_url=environ.get("WEIHAI_AIRFLOW_URL") or cls.internal_url,
            public_url=environ.get("WEIHAI_PUBLIC_URL") or cls.public_url,
            broker=Path(file).read_text(encoding="utf-8").strip() if file else None,
        )


def component_environment(
    settings: Settings, network: Network, *, warehouse: str, metadata: str, inherited: Mapping[str, str]
) -> dict[str, str]:
    """Return the whole environment of a component.

    Args:
        warehouse: libpq URI that tasks use.
        metadata: libpq URI of Airflow's own database.
        inherited: that of the container.
    """
    env = environment(AirflowPlace(settings, PORT, warehouse, metadata), inherited)
    for loopback_only in ("AIRFLOW__CORE__HOSTNAME_CALLABLE", "AIRFLOW__API__HOST"):
        del env[loopback_only]
    env |= {
        "AIRFLOW__CORE__EXECUTOR": network.executor,
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{network.internal_url}/execution/",
        "AIRFLOW__API__BASE_URL": network.public_url,
        "AIRFLOW__FAB__ENABLE_PROXY_FIX": "True",
        "WEIHAI_AIRFLOW_URL": network.internal_url,
    }
    if network.executor != EXECUTOR:
        # only ours waits by itself for a task to end
        env["AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME"] = "0.25"
    if network.broker is not None:
        env["AIRFLOW__CELERY__BROKER_URL"] = network.broker
        env["AIRFLOW__CELERY__RESULT_BACKEND"] = f"db+postgresql+psycopg2://{metadata.split('://', maxsplit=1)[1]}"
    return env


def main(arguments: Sequence[str]) -> None:
    """Be the component, or initialise."""
    if len(arguments) != 1 or arguments[0] not in ("init", *COMPONENTS):
        sys.exit(f"用法：python -m weihai.container init|{'|'.join(COMPONENTS)}")
    try:
        settings = load_settings()
        if settings.warehouse_dsn is None:
            raise UserError("容器中没有本机数据库：请设置 WAREHOUSE_DSN_FILE")
        env = component_environment(
            settings,
            Network.of(os.environ),
            warehouse=settings.warehouse_dsn,
            metadata=metadata_dsn(settings),
            inherited=os.environ,
        )
        if arguments[0] == "init":
            _initialise(settings, env)
            return
    except UserError as error:
        sys.exit(f"错误：{error}")
    os.execvpe("airflow", ["airflow", *COMPONENTS[arguments[0]]], env)  # noqa: S606


def _initialise(settings: Settings, env: Mapping[str, str]) -> None:
    from weihai.services import prepare_warehouse, protect_warehouse

    steps = Steps(Console(soft_wrap=True))
    dsn = settings.dsn()
    for folder in (settings.archive, settings.reports, settings.logs, settings.airflow / "plugins"):
        folder.mkdir(parents=True, exist_ok=True)
    with steps.step("更新库表与合同"):
        prepare_warehouse(settings, dsn)
    with steps.step("更新角色与授权"):
        protect_warehouse(settings, dsn)
    with steps.step("更新 Airflow 元数据"):
        subprocess.run(
            [sys.executable, "-m", "weihai.airflow_setup"],
            check=True,
            env={**env, "AIRFLOW__FAB__UPDATE_FAB_PERMS": "True"},
            input=f"{admin_password(settings)}\n".encode(),
        )


if __name__ == "__main__":
    main(sys.argv[1:])
