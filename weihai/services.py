"""A home's platform as a whole: database and Airflow, started, stopped and looked at together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict

from connectors.contract import load_contracts
from connectors.database import connect, migrate
from connectors.errors import UserError
from connectors.privacy import record_key_secret
from connectors.settings import CHECKOUT, Settings
from weihai import airflow, postgres
from weihai.airflow_api import AirflowClient
from weihai.metadata import metadata_dsn
from weihai.processes import descendants, memory_bytes
from weihai.roles import Roles, ensure_roles
from weihai.steps import Steps


@dataclass(frozen=True)
class LastRun:
    """The latest run that the warehouse knows."""

    run_id: str
    as_of: date
    state: str
    verdict: str | None
    finished_at: datetime | None


@dataclass(frozen=True)
class Status:
    """What of a home is up."""

    settings: Settings
    server: postgres.Server | None
    airflow: airflow.AirflowState | None
    dsn: str | None
    database_answers: bool
    last_run: LastRun | None
    memory_bytes: int


def up(
    settings: Settings, *, steps: Steps, inherited: Mapping[str, str], dags: Path = CHECKOUT / "dags"
) -> airflow.Started:
    """Start database and Airflow and bring the warehouse's tables up to date; harmless when all is up."""
    if settings.restoring.exists():
        raise UserError(f"{settings.home} 的恢复没有完成：请再运行 `weihai restore`")
    settings.home.mkdir(parents=True, exist_ok=True)
    with steps.step("启动数据库"):
        dsn = settings.warehouse_dsn or postgres.start(settings).dsn
        metadata = metadata_dsn(settings)
    with steps.step("更新库表与合同"):
        refused = prepare_warehouse(settings, dsn)
    with steps.step("更新角色与授权"):
        roles = protect_warehouse(settings, dsn)
    if roles.missing:
        steps.console.print(
            f"  注意：{conninfo_to_dict(dsn).get('user')} 无权建立角色，请数据库管理员运行：\n{roles.statements}",
            highlight=False,
        )
    for reason in refused.values():
        steps.console.print(f"  注意：{reason}；这份数据的报送暂缓入库，其余照常", highlight=False)
    with steps.step("启动 Airflow") as tell:
        started = airflow.start(
            settings, warehouse_dsn=dsn, metadata_dsn=metadata, inherited=inherited, tell=tell, dags=dags
        )
        client = AirflowClient.of(settings)
        for path in sorted(dags.glob("[!_]*.py")):
            tell(f"读取 DAG {path.stem}")
            client.wait_until_dag_known(path.stem)
        client.close()
    return started


def prepare_warehouse(settings: Settings, dsn: str) -> Mapping[str, str]:
    """Apply the migrations, and make tables and catalogue rows of all contracts.

    Returns:
        Why a raw table could not follow its contract, by contract id.
    """
    from connectors.catalogue import publish_contracts
    from connectors.raw_tables import ensure_raw_tables

    migrate(dsn)
    contracts = load_contracts(settings.contract_folders)
    with connect(dsn) as connection:
        refused = ensure_raw_tables(connection, contracts).refused
        publish_contracts(connection, contracts, contracts.codes, waiting=refused)
    return refused


def protect_warehouse(settings: Settings, dsn: str) -> Roles:
    """Make the login roles, and grant each what it may read.

    Raises:
        UserError: a secret of the home may be read by others.
    """
    from connectors.protection.protect import collect_reads, protect
    from connectors.protection.rotation import settle

    with connect(dsn) as connection:
        settle(settings, connection)
    record_key_secret(settings)
    contracts = load_contracts(settings.contract_folders)
    roles = ensure_roles(settings, dsn, {c.department for c in contracts.values()})
    with connect(dsn) as connection:
        protect(connection, contracts)
        collect_reads(settings, connection)
    return roles


def down(settings: Settings, *, steps: Steps) -> bool:
    """Stop Airflow and the embedded database; return whether anything was running."""
    with steps.step("停止 Airflow"):
        scheduler_ran = airflow.stop(settings)
    with steps.step("停止数据库"):
        server_ran = postgres.stop(settings)
    return scheduler_ran or server_ran


def status(settings: Settings) -> Status:
    """Look at what is up, changing nothing."""
    server = postgres.inspect(settings)
    scheduler = airflow.inspect(settings)
    dsn = settings.warehouse_dsn or (server.dsn if server else None)
    answers, last_run = _ask(dsn) if dsn else (False, None)
    pids = []
    for leader in (server.process if server else None, scheduler.supervisor if scheduler else None):
        if leader is not None:
            pids += [leader.pid, *(process.pid for process in descendants(leader.pid))]
    return Status(settings, server, scheduler, dsn, answers, last_run, memory_bytes(pids))


def hide_password(dsn: str) -> str:
    """Return the DSN with `***` in place of its password."""
    password = conninfo_to_dict(dsn).get("password")
    return dsn.replace(str(password), "***") if password else dsn


def _ask(dsn: str) -> tuple[bool, LastRun | None]:
    try:
        with connect(dsn) as connection:
            known = connection.execute("select to_regclass('mart.run') is not null").fetchone()
            if known is None or not known[0]:
                return True, None
            row = connection.execute(
                "select run_id, as_of, state, verdict, finished_at from mart.run order by started_at desc limit 1"
            ).fetchone()
    except psycopg.OperationalError:
        return False, None
    return True, LastRun(*row) if row is not None else None
