"""Fixtures shared by all tests: a real server, a fresh database per test, a home, the contracts, a fixed clock."""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import hypothesis
import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from connectors.contract import Contracts, load_contracts
from connectors.database import migrate
from connectors.settings import CHECKOUT, Settings
from weihai import postgres

# the suite tries the same examples everywhere; HYPOTHESIS_PROFILE=default tries new ones
hypothesis.settings.register_profile("suite", derandomize=True, deadline=None)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "suite"))

NO_FSYNC = {
    # dropping a database ends its connections, which the tests' role may not do to an autovacuum worker
    "autovacuum": "off",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_wal_size": "4GB",
    "shared_buffers": "128MB",
}
_numbers = itertools.count(1)


def pytest_configure(config: pytest.Config) -> None:
    """Name the markers."""
    config.addinivalue_line("markers", "slow: starts a whole Airflow (about a minute); leave out with -m 'not slow'")


@pytest.fixture(scope="session")
def open_folder() -> Iterator[Path]:
    """A temporary folder that other accounts may enter (pytest's own are closed to them)."""
    folder = Path(tempfile.mkdtemp(prefix="weihai-tests-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def server(open_folder: Path) -> Iterator[str]:
    """DSN of a server on which tests may create databases: `WAREHOUSE_TEST_DSN`, else an embedded one."""
    given = os.environ.get("WAREHOUSE_TEST_DSN")
    if given:
        yield given
        return
    settings = Settings(home=open_folder / "server")
    running = postgres.start(settings, NO_FSYNC)
    yield running.dsn
    postgres.stop(settings)


@pytest.fixture(scope="session")
def warehouse_template(server: str) -> Iterator[str]:
    """Name of a database with every migration applied, from which the tests' databases are copied."""
    name = f"weihai_template_{os.getpid()}"
    create_database(server, name)
    migrate(dsn_of(server, name))
    yield name
    drop_database(server, name)


@pytest.fixture
def warehouse_dsn(server: str, warehouse_template: str) -> Iterator[str]:
    """DSN of a fresh, migrated, empty warehouse, dropped after the test."""
    name = f"weihai_test_{os.getpid()}_{next(_numbers)}"
    create_database(server, name, template=warehouse_template)
    yield dsn_of(server, name)
    drop_database(server, name)


@pytest.fixture
def settings(tmp_path: Path, warehouse_dsn: str) -> Settings:
    """A home of its own on a fresh warehouse."""
    home = tmp_path / "home"
    home.mkdir()
    return Settings(home=home, warehouse_dsn=warehouse_dsn)


@pytest.fixture(scope="session")
def contracts() -> Contracts:
    """The contracts of this checkout."""
    return load_contracts((CHECKOUT / "connectors" / "contracts",))


@pytest.fixture
def clock() -> datetime:
    """The fixed moment at which tests take place: 2021-10-08 09:00 in Weihai."""
    return datetime(2021, 10, 8, 9, 0, tzinfo=timezone(timedelta(hours=8), "Asia/Shanghai"))


def dsn_of(server: str, database: str) -> str:
    """Return the server's DSN with another database (a URI, as ADBC and SQLAlchemy want it)."""
    facts = conninfo_to_dict(server)
    host, port = facts.get("host") or "127.0.0.1", facts.get("port") or 5432
    password = f":{facts['password']}" if facts.get("password") else ""
    return f"postgresql://{facts.get('user', 'postgres')}{password}@{host}:{port}/{database}"


def create_database(server: str, name: str, *, template: str = "template0") -> None:
    """Create a database as a copy of the template."""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(
            sql.SQL("create database {} template {} strategy {}").format(
                sql.Identifier(name), sql.Identifier(template), sql.Identifier("file_copy")
            )
        )


def drop_database(server: str, name: str) -> None:
    """Drop a database, ending whatever connections a test forgot."""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))
