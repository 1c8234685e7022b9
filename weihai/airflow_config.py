"""The environment in which Airflow's processes run: everything about a home's Airflow that is configuration."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from connectors.settings import CHECKOUT, Settings
from weihai import ports
from weihai.credentials import private_folder, secret, write_private

ADMIN = "admin"
EXECUTOR = "weihai.warm_executor.WarmExecutor"
_DROPPED_PREFIXES = ("AIRFLOW_", "PYTHONDONTWRITEBYTECODE", "WAREHOUSE_TEST_DSN")


@dataclass(frozen=True)
class AirflowPlace:
    """Where one home's Airflow listens and what it works on.

    `metadata_dsn` and `warehouse_dsn` are libpq URIs.
    """

    settings: Settings
    port: int
    warehouse_dsn: str
    metadata_dsn: str
    dags: Path = CHECKOUT / "dags"

    @property
    def url(self) -> str:
        """Base URL of UI and API."""
        return f"http://{ports.HOST}:{self.port}"


def environment(place: AirflowPlace, inherited: Mapping[str, str]) -> dict[str, str]:
    """Return the whole environment of Airflow's processes; nothing of another Airflow is inherited."""
    base = {k: v for k, v in inherited.items() if not k.startswith(_DROPPED_PREFIXES)}
    loopback = f"{ports.HOST},localhost"
    base |= {
        "WEIHAI_HOME": str(place.settings.home),
        "WAREHOUSE_DSN": place.warehouse_dsn,
        "AIRFLOW_HOME": str(place.settings.airflow),
        # Airflow is started anew with other libraries: it keeps those that it has imported
        "WEIHAI_LIBRARIES": _locked_libraries(),
        "NO_PROXY": ",".join(filter(None, (inherited.get("NO_PROXY") or inherited.get("no_proxy"), loopback))),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "GX_ANALYTICS_ENABLED": "false",
        "SCARF_ANALYTICS": "false",
        "DO_NOT_TRACK": "1",
        "PYTHONUNBUFFERED": "1",
        "TZ": "Asia/Shanghai",
    }
    base["no_proxy"] = base["NO_PROXY"]
    return base | {f"AIRFLOW__{key.upper()}": value for key, value in _options(place).items()}


def _options(place: AirflowPlace) -> dict[str, str]:
    settings = place.settings
    plugins = place.dags / "plugins"
    sync, asynchronous = sqlalchemy_urls(place.metadata_dsn)
    return {
        "core__executor": EXECUTOR,
        "core__parallelism": "4",
        "core__max_active_tasks_per_dag": "4",
        "core__dags_folder": str(place.dags),
        "core__plugins_folder": str(plugins if plugins.is_dir() else settings.airflow / "plugins"),
        "core__load_examples": "False",
        "core__dags_are_paused_at_creation": "False",
        "core__default_timezone": "Asia/Shanghai",
        "core__auth_manager": "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager",
        "core__execution_api_server_url": f"{place.url}/execution/",
        "core__fernet_key": _fernet_key(settings),
        "core__hostname_callable": "weihai.airflow_config.loopback",
        "api__host": ports.HOST,
        "api__port": str(place.port),
        "api__base_url": place.url,
        "api__workers": "1",
        "api__secret_key": secret(settings.secrets, "airflow_session_key"),
        "api__instance_name": "威海市数据仓库",
        "api__expose_config": "False",
        "api_auth__jwt_secret": secret(settings.secrets, "airflow_jwt", hex_bytes=64),
        "database__sql_alchemy_conn": sync,
        "database__sql_alchemy_conn_async": asynchronous,
        "database__load_default_connections": "False",
        "logging__base_log_folder": str(settings.airflow / "logs"),
        "scheduler__enable_health_check": "False",
        # it is the executor that waits, until a task ends
        "scheduler__scheduler_idle_sleep_time": "0.01",
        "scheduler__scheduler_heartbeat_sec": "2",
        "dag_processor__parsing_processes": "1",
        "dag_processor__min_file_process_interval": "60",
        "dag_processor__refresh_interval": "30",
        "usage_data_collection__enabled": "False",
        # `airflow_setup` writes the roles' permissions once; the api-server need not do so at every start
        "fab__update_fab_perms": "False",
        "fab__enable_proxy_fix": "False",
    }


def _locked_libraries() -> str:
    """Return a fingerprint of what `make environment` installs."""
    lock = CHECKOUT / "requirements.lock"
    return hashlib.sha256(lock.read_bytes()).hexdigest()[:16] if lock.is_file() else ""


def loopback() -> str:
    """Return the name under which Airflow's processes know each other."""
    return ports.HOST


def sqlalchemy_urls(dsn: str) -> tuple[str, str]:
    """Return the SQLAlchemy URLs (blocking, asynchronous) of a libpq URI."""
    rest = dsn.split("://", maxsplit=1)[1]
    return f"postgresql+psycopg2://{rest}", f"postgresql+psycopg_async://{rest}"


def mark(env: Mapping[str, str]) -> str:
    """Return a fingerprint of what the processes were started with; it reveals nothing of it."""
    ours = {k: v for k, v in env.items() if k.startswith(("AIRFLOW", "WEIHAI", "WAREHOUSE"))}
    return hashlib.sha256(json.dumps(ours, sort_keys=True).encode()).hexdigest()


def admin_password(settings: Settings) -> str:
    """Return the generated password of the user `admin`."""
    return secret(settings.secrets, "airflow_admin", hex_bytes=12)


def _fernet_key(settings: Settings) -> str:
    path = settings.secrets / "airflow_fernet"
    if not path.is_file():
        private_folder(settings.secrets)
        write_private(path, base64.urlsafe_b64encode(secrets.token_bytes(32)).decode() + "\n")
    return path.read_text(encoding="utf-8").strip()
