"""The embedded PostgreSQL of a home: made, started, recovered and stopped here.

It listens on the loopback interface only, asks for a password (SCRAM), keeps its socket in its data folder and its
log in `<home>/logs/postgres.log`. The databases are `warehouse` (owned by the role `etl`) and `airflow` (owned by
`airflow`); neither role is a superuser, so nothing is built on rights that a production server would not grant.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from connectors.errors import UserError
from connectors.settings import Settings
from weihai import ports
from weihai.credentials import secret, write_private
from weihai.locks import only_one
from weihai.logs import rotate
from weihai.postgres_place import PACKAGE_VERSION, Place
from weihai.processes import ProcessIdentity, processes_in, total_memory, wait_until_gone, working_folder

SUPERUSER = "postgres"
DATABASES: Mapping[str, str] = {"warehouse": "etl", "airflow": "airflow"}
"""Database and the role that owns it."""

_FIRST_PORT = 15_432
_START_SECONDS = 180
_SOCKET_PATH_LIMIT = 90
_MIB = 1024**2


class PostgresError(UserError):
    """The embedded server cannot be made, started or stopped."""


@dataclass(frozen=True)
class Server:
    """A running embedded server.

    The DSNs are libpq URIs and carry passwords.
    """

    port: int
    process: ProcessIdentity
    data: Path
    version: str
    dsn: str
    airflow_dsn: str
    superuser_dsn: str


def server_settings() -> dict[str, str]:
    """Return the configuration for a small machine; memory follows what the machine has.

    Messages are terse and failed statements are not logged: both can carry personal data.
    """
    memory = total_memory()
    shared = max(64, min(512, memory // _MIB // 12))
    found = {
        "shared_buffers": f"{shared}MB",
        "effective_cache_size": f"{max(256, memory // _MIB // 3)}MB",
        "work_mem": "64MB",
        "maintenance_work_mem": "128MB",
        "max_connections": "120",
        "max_worker_processes": "4",
        "max_parallel_workers_per_gather": "2",
        "jit": "off",
        "random_page_cost": "1.1",
        # a table that is filled where it is made or emptied is synced instead of logged
        "wal_level": "minimal",
        "max_wal_senders": "0",
        "max_wal_size": "2GB",
        "checkpoint_timeout": "15min",
        "createrole_self_grant": "set, inherit",
        "timezone": "Asia/Shanghai",
        "log_timezone": "Asia/Shanghai",
        "log_line_prefix": "%m [%p] %a ",
        "log_error_verbosity": "terse",
        "log_min_error_statement": "panic",
        "log_checkpoints": "off",
    }
    if _shared_memory_bytes() < 512 * _MIB:
        # containers often have 64 MB of /dev/shm, too little for parallel hash joins
        found["dynamic_shared_memory_type"] = "mmap"
    return found


def start(settings: Settings, overrides: Mapping[str, str] | None = None) -> Server:
    """Start the server of a home, making or recovering it where needed; return at once if it already runs.

    Args:
        settings: the home.
        overrides: PostgreSQL configuration that wins over `server_settings`.

    Raises:
        PostgresError: the server does not start; the message names its log.
    """
    place = Place(settings.home)
    with only_one(settings.postgres, seconds=_START_SECONDS):
        process = running(place.data)
        if process is not None:
            server = _known(settings, place, process)
            if server is not None and server.version == PACKAGE_VERSION:
                return server
            _end(place, process)
        _initialise(settings, place)
        _clear_remains(place)
        port = _launch(settings, place, {**server_settings(), **(overrides or {})})
        process = running(place.data)
        if process is None:
            raise PostgresError(f"数据库启动后随即退出，原因见 {_log(settings)}")
        server = _server(settings, place, process, port, PACKAGE_VERSION)
        _ensure_databases(settings, server)
        _remember(settings, server)
        return server


def stop(settings: Settings) -> bool:
    """Stop the server of a home and whatever a killed one left behind; return whether one was running."""
    if not settings.postgres.is_dir():
        return False
    place = Place(settings.home)
    with only_one(settings.postgres, seconds=_START_SECONDS):
        process = running(place.data)
        if process is not None:
            _end(place, process)
        if place.data.is_dir():
            _clear_remains(place)
        return process is not None


def inspect(settings: Settings) -> Server | None:
    """Return the running server of a home, or None."""
    data = settings.postgres / "data"
    if not data.is_dir():
        return None
    place = Place(settings.home)
    process = running(data)
    return _known(settings, place, process) if process is not None else None


def running(data: Path) -> ProcessIdentity | None:
    """Return the living postmaster of a data folder; a recycled process id in `postmaster.pid` is seen through."""
    try:
        lines = (data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        pid = int(lines[0])
    except (FileNotFoundError, NotADirectoryError, ValueError, IndexError):
        return None
    identity = ProcessIdentity.of(pid)
    if identity is None:
        return None
    return identity if working_folder(pid) == data.resolve() else None


def _known(settings: Settings, place: Place, process: ProcessIdentity) -> Server | None:
    try:
        facts = json.loads((settings.postgres / "connection.json").read_text(encoding="utf-8"))
        server = _server(settings, place, process, int(facts["port"]), str(facts["version"]))
        with psycopg.connect(server.superuser_dsn, connect_timeout=10) as connection:
            row = connection.execute("show data_directory").fetchone()
    except (OSError, ValueError, KeyError, psycopg.OperationalError):
        return None
    return server if row is not None and Path(row[0]).resolve() == place.data.resolve() else None


def _server(settings: Settings, place: Place, process: ProcessIdentity, port: int, version: str) -> Server:
    def dsn(role: str, database: str) -> str:
        return f"postgresql://{role}:{_password(settings, role)}@{ports.HOST}:{port}/{database}"

    return Server(
        port=port,
        process=process,
        data=place.data,
        version=version,
        dsn=dsn("etl", "warehouse"),
        airflow_dsn=dsn("airflow", "airflow"),
        superuser_dsn=dsn(SUPERUSER, "postgres"),
    )


def _password(settings: Settings, role: str) -> str:
    return secret(settings.secrets, f"postgres_{role}")


def _remember(settings: Settings, server: Server) -> None:
    facts = {
        "host": ports.HOST,
        "port": server.port,
        "dsn": server.dsn,
        "airflow_dsn": server.airflow_dsn,
        "data": str(server.data),
        "version": server.version,
    }
    write_private(settings.postgres / "connection.json", json.dumps(facts, indent=2) + "\n")


def _initialise(settings: Settings, place: Place) -> None:
    """Make the data folder; an attempt that was cut short leaves nothing that would be taken for one."""
    if (place.data / "PG_VERSION").is_file():
        _check_version(place)
        if not (settings.secrets / f"postgres_{SUPERUSER}").is_file():
            raise PostgresError(f"{settings.secrets} 中缺少数据库密码文件，无法连接 {place.data}：请从备份恢复该文件夹")
        return
    scratch = place.base / "data.new"
    shutil.rmtree(scratch, ignore_errors=True)
    password = place.base / ".password"
    write_private(password, _password(settings, SUPERUSER))
    place.own(password)
    scratch.mkdir(mode=0o700)
    place.own(scratch)
    command = [
        *(str(place.binaries / "initdb"), "-D", str(scratch), "-U", SUPERUSER, "-E", "UTF8"),
        *("-A", "scram-sha-256", f"--pwfile={password}", "--no-sync"),
        *("--locale-provider=builtin", "--locale=C.UTF-8"),
    ]
    try:
        result = _run(place, command)
    finally:
        password.unlink()
    if result.returncode != 0:
        raise PostgresError(f"数据库初始化失败：{_last_line(result.stderr)}")
    if place.data.is_dir():
        place.data.rmdir()
    scratch.rename(place.data)


def _check_version(place: Place) -> None:
    stored = (place.data / "PG_VERSION").read_text(encoding="utf-8").strip()
    ours = PACKAGE_VERSION.split(".", maxsplit=1)[0]
    if stored != ours:
        raise PostgresError(
            f"{place.data} 属于 PostgreSQL {stored}，而安装的是 {ours}：请用原版本备份后在新的 WEIHAI_HOME 恢复"
        )


def _clear_remains(place: Place) -> None:
    """Remove what a killed server left: orphaned backends, and lock files that name nobody of ours."""
    for number in (signal.SIGQUIT, signal.SIGKILL):
        left = processes_in(place.data, program="postgres")
        if not left:
            break
        for identity in left:
            identity.signal(number)
        for identity in left:
            wait_until_gone(identity, 10)
    # the id in a lock file can belong to somebody else by now, or to a zombie that nobody reaps
    for path in (place.data / "postmaster.pid", *place.data.glob(".s.PGSQL.*")):
        path.unlink(missing_ok=True)


def _launch(settings: Settings, place: Place, configuration: Mapping[str, str]) -> int:
    include = "include_if_exists = 'weihai.conf'"
    main = place.data / "postgresql.conf"
    text = main.read_text(encoding="utf-8")
    if include not in text:
        main.write_text(f"{text}\n{include}\n", encoding="utf-8")
    conf = place.data / "weihai.conf"
    for number, port in enumerate(ports.candidates(settings.home, start=_FIRST_PORT, remembered=_port(settings))):
        values = {
            **configuration,
            "listen_addresses": ports.HOST,
            "port": str(port),
            "unix_socket_directories": str(place.data) if len(str(place.data)) < _SOCKET_PATH_LIMIT else "",
        }
        conf.write_text("".join(f"{name} = {_quoted(value)}\n" for name, value in values.items()), encoding="utf-8")
        place.own(conf)
        if _pg_ctl_start(settings, place):
            return port
        if number >= 5 or ports.is_free(port):
            break
    raise PostgresError(f"数据库无法启动，原因见 {_log(settings)}")


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _pg_ctl_start(settings: Settings, place: Place) -> bool:
    log = _log(settings)
    log.parent.mkdir(parents=True, exist_ok=True)
    rotate(log)
    command = [str(place.binaries / "pg_ctl"), "-D", str(place.data), "-w", "-t", str(_START_SECONDS), "start"]
    with log.open("ab") as out:
        result = subprocess.run(
            command,
            check=False,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            close_fds=True,
            env=_environment(),
            **(place.account.spawn if place.account else {}),
        )
    return result.returncode == 0


def _end(place: Place, process: ProcessIdentity) -> None:
    for number, seconds in ((signal.SIGINT, 60.0), (signal.SIGQUIT, 20.0), (signal.SIGKILL, 10.0)):
        process.signal(number)
        if wait_until_gone(process, seconds):
            return
    raise PostgresError(f"数据库进程 {process.pid}（{place.data}）没有停下来")


def _ensure_databases(settings: Settings, server: Server) -> None:
    with psycopg.connect(server.superuser_dsn, autocommit=True) as connection:
        roles = {name for (name,) in connection.execute("select rolname from pg_roles")}
        databases = {name for (name,) in connection.execute("select datname from pg_database")}
        for database, role in DATABASES.items():
            if role not in roles:
                rights = sql.SQL("createdb createrole" if database == "warehouse" else "")
                connection.execute(
                    sql.SQL("create role {} login {} password {}").format(
                        sql.Identifier(role), rights, sql.Literal(_password(settings, role))
                    )
                )
            if database not in databases:
                connection.execute(
                    sql.SQL("create database {} owner {}").format(sql.Identifier(database), sql.Identifier(role))
                )
                connection.execute(sql.SQL("revoke all on database {} from public").format(sql.Identifier(database)))
        # the scheduler's bookkeeping may lose its last moments in a power cut; the warehouse may not
        connection.execute("alter database airflow set synchronous_commit = off")


def _port(settings: Settings) -> int | None:
    try:
        facts = json.loads((settings.postgres / "connection.json").read_text(encoding="utf-8"))
        return int(facts["port"])
    except (OSError, ValueError, KeyError):
        return None


def _log(settings: Settings) -> Path:
    return settings.logs / "postgres.log"


def _run(place: Place, command: list[str]) -> subprocess.CompletedProcess[str]:
    spawn = place.account.spawn if place.account else {}
    return subprocess.run(command, check=False, cwd="/", capture_output=True, text=True, env=_environment(), **spawn)


def _environment() -> dict[str, str]:
    # libpq's own variables (PGPORT, PGDATA …) must not reach the server's programs
    return {"PATH": os.defpath, "LC_ALL": "C", "TZ": "Asia/Shanghai"}


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "没有说明"


def _shared_memory_bytes() -> int:
    try:
        facts = os.statvfs("/dev/shm")  # noqa: S108
    except OSError:
        return 0
    return facts.f_frsize * facts.f_blocks
