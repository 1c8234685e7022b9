"""Backup, destruction, restore on the embedded server: the same account, figures and files, or a clear refusal."""

from __future__ import annotations

import shutil
import stat
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from connectors import chain, intake
from connectors.contract import Contracts
from connectors.database import connect, migrate
from connectors.protection.protect import protect
from connectors.raw_tables import ensure_raw_tables
from connectors.settings import Settings
from tests.conftest import NO_FSYNC
from tests.integration.office import Office, with_test_contracts
from tests.integration.published import publish
from weihai import cli, postgres
from weihai.roles import ensure_roles

NUMBER, NAME = "371002198507153334", "司徒雪迎"
COMPARED = (
    "select * from quality.batch order by 1",
    "select * from quality.event order by 1",
    "select * from quality.version_closing order by 1, 2, 3, 4",
    "select * from quality.chain_entry order by 1",
    "select * from mart.run order by 1",
    "select * from mart.indicator_value_run order by 1, 2",
    'select * from raw."test_office__list" order by _record_key, _batch_id',
    "select grantee, table_schema, table_name from information_schema.role_table_grants order by 1, 2, 3",
)


@pytest.fixture(scope="module")
def office(open_folder: Path) -> Iterator[Office]:
    """A home on its own embedded server: deliveries, one of them held, a published run, an Airflow database."""
    folder = open_folder / "backup"
    settings = Settings(home=folder / "home")
    extended, contracts = with_test_contracts(settings, folder / "contracts")
    postgres.start(settings, NO_FSYNC)
    migrate(settings.dsn())
    few = Contracts({c: contract for c, contract in contracts.items() if c.startswith("test_office")}, contracts.codes)
    ensure_roles(settings, settings.dsn(), {"test_office"})
    with connect(settings.dsn()) as connection:
        ensure_raw_tables(connection, few)
        protect(connection, few)
    office = Office(extended, contracts, datetime.fromisoformat("2021-10-08T09:00:00+08:00"))
    person = {"code": NUMBER, "name": NAME, "born_on": "1985-07-15"}
    office.deliver("list", [person, {"code": "371082199112035567", "name": "诸葛晚晴"}], date(2021, 7, 31))
    office.deliver("list", [{**person, "note": "低保"}], date(2021, 8, 31), name=f"{NUMBER}.csv")
    office.deliver("change", [{"code": "a", "value": 1}], date(2021, 8, 31), passes=False)
    with connect(settings.dsn()) as connection:
        publish(settings, connection, "run-1")
    yield office
    postgres.stop(settings)


def weihai(home: Path, *arguments: str) -> Result:
    return CliRunner().invoke(cli.build_app(), list(arguments), env={"WEIHAI_HOME": str(home)})


def files_of(settings: Settings) -> dict[str, bytes]:
    places = (settings.archive, settings.landing, settings.secrets, settings.reports)
    return {
        path.relative_to(settings.home).as_posix(): path.read_bytes()
        for place in places
        for path in place.rglob("*")
        if path.is_file() and ".incoming" not in path.parts
    }


def test_home_is_the_same_when_destroyed_and_restored(office: Office, open_folder: Path) -> None:
    home, place, key = office.settings.home, open_folder / "backups", open_folder / "age.key"
    made = weihai(home, "backup-key", str(key))
    recipient = made.output.strip()
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    saved = weihai(home, "backup", str(place), "--recipient", recipient)
    assert saved.exit_code == 0, saved.output
    stored = [path for folder in (place, open_folder / "backups-secrets") for path in folder.rglob("*")]
    assert {stat.S_IMODE(p.stat().st_mode) for p in stored if p.is_file()} == {0o600}
    assert {stat.S_IMODE(p.stat().st_mode) for p in stored if p.is_dir()} == {0o700}
    plain = [p for p in stored if p.is_file() for needle in (NUMBER, NAME) if needle.encode() in p.read_bytes()]
    assert plain == []
    assert not any(NUMBER in p.name for p in stored)

    before, kept = [office.rows(query) for query in COMPARED], files_of(office.settings)
    postgres.stop(office.settings)
    shutil.rmtree(home)
    refused = weihai(home, "restore", str(place))
    assert isinstance(refused.exception, Exception)
    assert "--identity" in str(refused.exception)
    restored = weihai(home, "restore", str(place), "--identity", str(key))
    assert restored.exit_code == 0, (restored.output, restored.exception)
    assert "台账核验通过" in restored.output
    assert [office.rows(query) for query in COMPARED] == before
    assert files_of(office.settings) == kept
    assert stat.S_IMODE((office.settings.secrets / "record_key").stat().st_mode) == 0o600
    verified = weihai(home, "verify")
    assert (verified.exit_code, "核验通过" in verified.output) == (0, True)
    with connect(office.settings.dsn()) as connection:
        assert chain.scorecard_sha256(connection, "run-1") == office.rows("select scorecard_sha256 from mart.run")[0][0]
    # work goes on: the held delivery is read again from the restored archive, under the restored secret
    [(held,)] = office.rows("select batch_id from quality.batch where status = 'held'")
    intake.release(office.settings, office.contracts, held, actor="test", why="核实", now=office.tick())
    assert office.current("change") == [("a", 1)]
    assert weihai(home, "verify").exit_code == 0


def test_contents_are_stored_once_and_old_backups_go_when_told_to_keep_few(office: Office, open_folder: Path) -> None:
    home, place = office.settings.home, open_folder / "few"
    first = weihai(home, "backup", str(place))
    office.deliver("event", [{"code": "z", "value": 1}], date(2021, 9, 30))
    [(gone,)] = office.rows("select sha256 from quality.batch where batch_id = 1")
    # seconds name the backups
    stamped = [path.name for path in place.glob("[0-9]*")]
    (place / stamped[0]).rename(place / "20200101T000000")
    second = weihai(home, "backup", str(place), "--keep", "1")
    assert (first.exit_code, second.exit_code) == (0, 0), second.output
    assert "新增 1 份" in second.output
    assert [path.name for path in place.glob("[0-9]*")] != ["20200101T000000"]
    assert len(list(place.glob("[0-9]*"))) == 1
    assert (place / "archive" / gone[:2] / gone).is_file()


@pytest.mark.parametrize("what", ["dump", "content"])
def test_restore_refuses_when_a_stored_file_was_changed(office: Office, open_folder: Path, what: str) -> None:
    place = open_folder / f"damaged-{what}"
    assert weihai(office.settings.home, "backup", str(place)).exit_code == 0
    pattern = "*/warehouse.dump" if what == "dump" else "archive/*/*"
    victim = sorted(place.glob(pattern))[0]
    victim.write_bytes(victim.read_bytes()[:-1] + b"x")
    home = open_folder / f"elsewhere-{what}"
    result = weihai(home, "restore", str(place))
    assert "已损坏" in str(result.exception)
    occupied = weihai(office.settings.home, "restore", str(place))
    assert "不是空的" in str(occupied.exception)


def test_backup_refuses_places_that_would_be_lost_with_the_home(office: Office, open_folder: Path) -> None:
    home = office.settings.home
    inside = weihai(home, "backup", str(home / "backups"))
    together = weihai(home, "backup", str(open_folder / "x"), "--secrets", str(open_folder / "x" / "secrets"))
    assert "WEIHAI_HOME 之内" in str(inside.exception)
    assert "分开存放" in str(together.exception)
