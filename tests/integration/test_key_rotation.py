"""Another record-key secret: no key of the old one is left, and every delivery is recognised as before."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import psycopg
import pytest

from connectors.database import connect
from connectors.errors import UserError
from connectors.privacy import next_key_path, record_key_path, record_key_secret
from connectors.protection import rotation
from connectors.protection.id_hash import id_hash, id_hash_sql, pads
from connectors.protection.rotation import rotate, settle
from connectors.settings import Settings
from tests.integration.office import Office, with_test_contracts

ROWS = [
    {"code": "371002198001010016", "name": "张三", "born_on": "1980-01-01"},
    {"code": "371002198001010016", "name": "李四", "born_on": "1970-02-02"},  # numbered: same key, other content
    {"code": None, "name": "无号", "born_on": "1990-03-03"},  # fallback key
    {"code": "371002198502020024", "name": "王五", "born_on": "1985-02-02"},
]
JULY, AUGUST = date(2021, 7, 31), date(2021, 8, 31)


@pytest.fixture
def office(settings: Settings, tmp_path: Path, clock: datetime) -> Office:
    """An office with versions, closings, a silent delivery, a held one, and a table of somebody else's."""
    extended, contracts = with_test_contracts(settings, tmp_path / "contracts")
    office = Office(extended, contracts, clock)
    office.deliver("list", ROWS, JULY)
    office.deliver("list", [*ROWS[:3], {**ROWS[3], "phone": "13812345678"}], AUGUST)
    office.deliver("event", [{"code": "e", "value": "1"}], JULY)
    office.deliver("change", [{"code": "c", "value": "1"}], JULY, passes=False)
    office.execute("create table licence.elsewhere (licence_record_key uuid primary key, person_id uuid)")
    office.execute(
        "insert into licence.elsewhere select _record_key, gen_random_uuid() from raw.test_office__list"
        " where _closed_batch_id is null"
    )
    office.execute(
        "insert into quality.silent_key select 'test_office__list', _record_key, _batch_id from raw.test_office__list"
        " where name = '王五' limit 1"
    )
    return office


KEYS = {
    "raw": "select _record_key from raw.test_office__list union select _record_key from raw.test_office__event",
    "closing": "select record_key from quality.version_closing",
    "silent": "select record_key from quality.silent_key",
    "elsewhere": "select licence_record_key from licence.elsewhere",
}
JOINED = (
    "select v.name, v._key_no, v._batch_id, c.kind, s.batch_id, e.person_id from raw.test_office__list v"
    " left join quality.version_closing c on c.record_key = v._record_key and c.version_batch_id = v._batch_id"
    " left join quality.silent_key s on s.record_key = v._record_key"
    " left join licence.elsewhere e on e.licence_record_key = v._record_key order by 1, 2, 3"
)


def keys(office: Office) -> dict[str, set[object]]:
    return {name: {key for (key,) in office.rows(query)} for name, query in KEYS.items()}


def test_everything_made_with_the_old_secret_is_made_again_when_it_is_rotated(office: Office) -> None:
    before, joined, secret = keys(office), office.rows(JOINED), record_key_secret(office.settings)
    with connect(office.settings.dsn(), autocommit=True) as connection:
        done = rotate(office.settings, connection, office.contracts, actor="test")
    after = keys(office)
    assert record_key_secret(office.settings) != secret
    assert record_key_path(office.settings).stat().st_mode & 0o777 == 0o600
    assert all(before[name].isdisjoint(after[name]) and len(before[name]) == len(after[name]) for name in KEYS)
    assert office.rows(JOINED) == joined
    assert set(done.cells) == {
        *("raw.test_office__list._record_key", "raw.test_office__event._record_key"),
        *(
            "quality.version_closing.record_key",
            "quality.silent_key.record_key",
            "licence.elsewhere.licence_record_key",
        ),
    }


def test_same_delivery_is_unchanged_and_a_held_one_is_released_when_the_secret_was_rotated(office: Office) -> None:
    [(held,)] = office.rows("select batch_id from quality.batch where status = 'held'")
    with connect(office.settings.dsn(), autocommit=True) as connection:
        rotate(office.settings, connection, office.contracts, actor="test")
        rotate(office.settings, connection, office.contracts, actor="test")
    batch = office.deliver("list", [*ROWS[:3], {**ROWS[3], "phone": "13812345678"}], date(2021, 9, 30), name="b.csv")
    columns = "rows_read, rows_unchanged, rows_loaded, rows_withdrawn, status"
    assert office.batch(batch, columns) == (4, 4, 0, 0, "accepted_with_issues")
    changed = office.deliver("list", [*ROWS[1:3], {**ROWS[3], "phone": "13912345678"}], date(2021, 9, 30), name="c.csv")
    assert office.batch(changed, columns)[:4] == (3, 2, 1, 1)
    from connectors import intake

    assert intake.release(
        office.settings, office.contracts, held, actor="test", why="核实", now=office.tick()
    ).startswith("accepted")
    assert office.current("change") == [("c", 1)]


@pytest.mark.parametrize("point", ["before the commit", "after the commit"])
def test_rotation_is_undone_or_finished_when_it_was_killed(
    office: Office, point: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, secret = keys(office), record_key_secret(office.settings)

    class Killed(BaseException):
        """Stands for SIGKILL: nothing runs after it."""

    def die(*_: object) -> object:
        raise Killed

    if point == "before the commit":
        monkeypatch.setattr(rotation, "_read_again", die)
    monkeypatch.setattr(rotation, "settle", lambda *_: None if not next_key_path(office.settings).exists() else die())
    with connect(office.settings.dsn(), autocommit=True) as connection, pytest.raises(Killed):
        rotate(office.settings, connection, office.contracts, actor="test")
    with pytest.raises(UserError, match="weihai up"):
        record_key_secret(office.settings)
    with connect(office.settings.dsn()) as connection:
        assert settle(office.settings, connection)
    undone = point == "before the commit"
    assert (record_key_secret(office.settings) == secret) is undone
    assert (keys(office) == before) is undone
    batch = office.deliver("event", [{"code": "e", "value": "1"}], AUGUST, name="e.csv")
    assert office.batch(batch, "rows_unchanged + rows_duplicate") == 1


def test_rotation_is_refused_when_the_secret_is_of_another_home(office: Office) -> None:
    record_key_path(office.settings).unlink()
    before = keys(office)
    record_key_secret(office.settings)
    with (
        connect(office.settings.dsn(), autocommit=True) as connection,
        pytest.raises(UserError, match="从备份恢复错了"),
    ):
        rotate(office.settings, connection, office.contracts, actor="test")
    assert keys(office) == before
    assert not next_key_path(office.settings).exists()


def test_rotation_is_refused_when_a_delivery_is_on_its_way(office: Office) -> None:
    office.execute("update quality.batch set is_taken = false where status = 'held'")
    with connect(office.settings.dsn(), autocommit=True) as connection, pytest.raises(UserError, match="正在接收"):
        rotate(office.settings, connection, office.contracts, actor="test")
    assert not next_key_path(office.settings).exists()


def test_secret_stands_nowhere_in_the_database(office: Office) -> None:
    with connect(office.settings.dsn(), autocommit=True) as connection:
        rotate(office.settings, connection, office.contracts, actor="test")
        secret = record_key_secret(office.settings)
        for schema, name in connection.execute(
            "select schemaname, tablename from pg_tables where schemaname !~ '^pg_'"
            " and schemaname <> 'information_schema'"
        ).fetchall():
            try:
                with connection.cursor().copy(f'copy "{schema}"."{name}" to stdout'.encode()) as rows:
                    assert secret.encode() not in b"".join(rows)
            except psycopg.errors.WrongObjectType:
                continue


def test_number_has_one_keyed_hash_in_sql_and_outside(office: Office) -> None:
    secret = record_key_secret(office.settings)
    numbers = ["371002198001010016", "37100219800101002x ", "H12345678"]
    query = f"select {id_hash_sql('number')} from unnest(%(numbers)s::text[]) as number"
    with connect(office.settings.dsn()) as connection:
        rows = connection.execute(query.encode(), {"numbers": numbers, **pads(secret)}).fetchall()
    assert [value for (value,) in rows] == [id_hash(secret, number) for number in numbers]
    assert id_hash("0" * 64, numbers[0]) != id_hash(secret, numbers[0])
