"""Roles as they log in: what each reads, that nothing else is readable, and that reads of personal data are noted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from connectors.contract import Contracts
from connectors.database import Connection, connect
from connectors.protection import access_log, grants, levels
from connectors.protection.protect import protect
from connectors.raw_tables import ensure_raw_tables
from connectors.settings import Settings
from tests.conftest import create_database, drop_database, dsn_of
from tests.integration.modelled import deliver
from weihai.commands.sql import QuestionRefusedError, ask_as
from weihai.roles import RoleError, ensure_roles, role_dsn

PERSON = "371002198001010016"
HOUSEHOLD, MARRIAGE = "public_security__household_population", "civil_affairs__marriage"
SCHOOL = "education__school"


@dataclass(frozen=True)
class Guarded:
    """A warehouse with deliveries, a base library and its roles."""

    settings: Settings
    contracts: Contracts
    roles: tuple[str, ...]

    def owner(self) -> Connection:
        return connect(self.settings.dsn())

    def login(self, role: str) -> Connection:
        return connect(role_dsn(self.settings, role), autocommit=True)


@pytest.fixture(scope="module")
def guarded(
    server: str, warehouse_template: str, contracts: Contracts, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Guarded]:
    """Two departments' deliveries, `population.person` with its masked view, a theme without levels."""
    name = f"{warehouse_template}_roles"
    create_database(server, name, template=warehouse_template)
    home = tmp_path_factory.mktemp("roles")
    (home / "postgres").mkdir()
    (home / "postgres" / "connection.json").write_text(json.dumps({"dsn": dsn_of(server, name)}))
    settings = Settings(home=home)
    departments = {c.department for c in contracts.values()}
    with connect(settings.dsn()) as connection:
        ensure_raw_tables(connection, contracts)
        deliver(connection, contracts, HOUSEHOLD, [{"id_no": PERSON, "name": "欧阳修文"}])
        deliver(connection, contracts, MARRIAGE, [{"_key": ["m"]}])
        connection.execute(
            "insert into quality.issue (batch_id, rule, dimension, severity, message)"
            " select batch_id, 'r', 'd', 's', department from quality.batch"
        )
        connection.execute("create table population.person (person_id uuid, id_no text, name text)")
        connection.execute("insert into population.person values (gen_random_uuid(), %s, '欧阳修文')", (PERSON,))
        connection.execute("create view population.person_masked as select person_id from population.person")
        connection.execute("create table population.forgotten (note text)")
        connection.execute("create schema theme_test")
        connection.execute("create table theme_test.forgotten (note text)")
        connection.execute("create table theme_test.by_town (town text, people bigint)")
        connection.execute("create schema new_schema")
        connection.execute("create table new_schema.anything (n integer)")
    ensure_roles(settings, settings.dsn(), departments)
    manifest = {
        "nodes": {
            "person": _node("population", "person", {"person_id": "L2", "id_no": "L3", "name": "L3"}),
            "by_town": _node("theme_test", "by_town", {"town": "L1", "people": "L2"}),
        }
    }
    with connect(settings.dsn()) as connection:
        protect(connection, contracts, manifest)
    yield Guarded(settings, contracts, grants.role_names(departments))
    drop_database(server, name)


def _node(schema: str, alias: str, columns: dict[str, str]) -> dict[str, object]:
    described = {name: {"config": {"meta": {"level": level}}} for name, level in columns.items()}
    return {"resource_type": "model", "schema": schema, "alias": alias, "columns": described}


def readable(connection: Connection, relations: list[tuple[str, str]]) -> set[str]:
    """Try every relation; return those that answered."""
    found = set()
    for schema, name in relations:
        try:
            connection.execute(f'select * from "{schema}"."{name}" limit 1'.encode())
        except psycopg.errors.InsufficientPrivilege:
            continue
        found.add(f"{schema}.{name}")
    return found


def test_every_role_reads_what_is_declared_and_nothing_else_when_it_logs_in(guarded: Guarded) -> None:
    with guarded.owner() as owner:
        relations = [(r.schema, r.name) for r in grants.read_relations(owner)]
    everything = {f"{schema}.{name}" for schema, name in relations}
    control = {name for name in everything if name.split(".")[0] in ("mart", "catalogue")}
    masked = {"population.person_masked"}
    quality = {name for name in everything if name.startswith("quality.")}
    own = {"batch", "batch_file", "issue", "check_result", "score", "gate_result", "objection"}
    opened = {name for name in everything if name.startswith("open_data.")}
    assert f"open_data.{SCHOOL}" in opened
    expected = {
        "analyst": control | masked | opened | {"theme_test.by_town"},
        "auditor": control | masked | opened | quality,
        "public_open": opened,
    }
    for role in guarded.roles:
        department = role.removeprefix("department_")
        raw = {name for name in everything if name.startswith(f"raw.{department}__")}
        shared = {n for n in everything if n.startswith("share.") and not n.startswith(f"share.{department}__")}
        with guarded.login(role) as connection:
            found = readable(connection, relations)
        of_department = raw | shared | {f"quality.{name}" for name in own} | {"objection.statement"}
        assert found == expected.get(role, of_department), role
    assert {"raw." + HOUSEHOLD, "staging", "population.person"}.isdisjoint(expected["analyst"] | expected["auditor"])


def test_no_role_writes_anywhere_when_it_logs_in(guarded: Guarded) -> None:
    for role in ("analyst", "auditor", "public_open", "department_civil_affairs"):
        with guarded.login(role) as connection:
            for statement in ("create table public.t (n int)", "create schema s", "delete from quality.access_log"):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute(statement.encode())
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute("set role etl")


def test_department_sees_rows_of_its_own_deliveries_only(guarded: Guarded) -> None:
    with guarded.login("department_civil_affairs") as connection:
        assert connection.execute("select department from quality.batch").fetchall() == [("civil_affairs",)]
        assert connection.execute("select message from quality.issue").fetchall() == [("civil_affairs",)]
    with guarded.login("auditor") as connection:
        assert connection.execute("select count(*) from quality.issue").fetchone() == (2,)


def test_grants_are_recorded_once_and_again_when_a_table_appears_or_its_level_rises(guarded: Guarded) -> None:
    def state() -> tuple[int, bool]:
        with guarded.owner() as owner:
            protect(owner, guarded.contracts)
            count = owner.execute("select count(*) from quality.access_grant").fetchone()
            reads = owner.execute("select has_table_privilege('analyst', 'theme_test.by_town', 'select')").fetchone()
        assert count is not None
        assert reads is not None
        return count[0], reads[0]

    before, _ = state()
    assert state() == (before, True)
    with guarded.owner() as owner:
        owner.execute("update catalogue.column_level set level = 'L3' where table_name = 'by_town'")
    assert state() == (before + 1, False)
    with guarded.owner() as owner:
        revoked = owner.execute(
            "select action, role_name, relation, is_personal from quality.access_grant order by grant_id desc limit 1"
        ).fetchone()
        assert revoked == ("revoke", "analyst", "theme_test.by_town", True)
        personal = owner.execute(
            "select distinct role_name from quality.access_grant where is_personal and action = 'grant'"
            " and relation not like 'population.%%'"
        ).fetchall()
        assert all(role.startswith("department_") for (role,) in personal)
        owner.execute("update catalogue.column_level set level = 'L2' where table_name = 'by_town'")
    assert state() == (before + 2, True)


def test_reading_personal_columns_needs_a_purpose_and_is_logged_without_values(guarded: Guarded) -> None:
    query = f"select name as \"{PERSON}\" from population.person where id_no = '{PERSON}' -- {PERSON}"
    with pytest.raises(QuestionRefusedError, match="--why"):
        ask_as(guarded.settings, "etl", query, why=" ")
    _, rows = ask_as(guarded.settings, "etl", query, why=f"核查 {PERSON} 的低保资格")
    assert rows == [("欧阳修文",)]
    ask_as(guarded.settings, "etl", "select people from theme_test.by_town", why=None)
    with guarded.owner() as owner:
        logged = owner.execute(
            "select role_name, program, statement, tables, columns, row_count, purpose, os_user is not null"
            " from quality.access_log where program = 'weihai sql'"
        ).fetchall()
        assert logged == [
            (
                *("etl", "weihai sql", 'select name as "?" from population.person where id_no = ?'),
                *(["population.person"], ["population.person.id_no", "population.person.name"], 1),
                *("核查 371***********001* 的低保资格", True),
            )
        ]
        with pytest.raises(psycopg.errors.RaiseException, match="append-only"):
            owner.execute("delete from quality.access_log")


def test_statement_with_a_second_one_behind_it_does_nothing_when_asked_as_owner(guarded: Guarded) -> None:
    for second in ("drop table population.forgotten", "commit; drop table population.forgotten"):
        with pytest.raises(QuestionRefusedError):
            ask_as(guarded.settings, "etl", f"select 1; {second}", why="x")
    with guarded.owner() as owner:
        assert owner.execute("select count(*) from population.forgotten").fetchone() == (0,)


def test_server_notes_reads_of_a_department_by_any_client_even_when_rolled_back(
    guarded: Guarded, open_folder: Path
) -> None:
    log = open_folder / "server" / "logs" / "postgres.log"
    if not log.is_file():
        pytest.skip("the log of a server of one's own is not at hand")
    with guarded.owner() as owner:
        access_log.collect(owner, [log])
        owner.commit()
        before = owner.execute("select count(*) from quality.access_log").fetchone()
        owner.commit()
        with guarded.login("department_public_security") as reader:
            reader.execute("begin read only")
            found = reader.execute(f"select name from raw.{HOUSEHOLD} where id_no = '{PERSON}'".encode()).fetchone()
            reader.execute("rollback")
            with reader.cursor().copy(f"copy raw.{HOUSEHOLD} to stdout".encode()) as copied:
                assert "欧阳修文" in b"".join(copied).decode()
        assert found == ("欧阳修文",)
        assert access_log.collect(owner, [log]) == 2
        assert access_log.collect(owner, [log]) == 0
        rows = owner.execute(
            "select role_name, program, tables, statement from quality.access_log order by access_id desc limit 2"
        ).fetchall()
        assert rows == [("department_public_security", "weihai", [f"raw.{HOUSEHOLD}"], None)] * 2
        after = owner.execute("select count(*) from quality.access_log").fetchone()
        assert before is not None
        assert after == (before[0] + 2,)
    assert PERSON not in log.read_text(encoding="utf-8")
    assert "欧阳修文" not in log.read_text(encoding="utf-8")


def test_reads_are_collected_once_when_the_log_was_renamed(guarded: Guarded, tmp_path: Path) -> None:
    line = (
        "2021-10-08 09:00:00.000 CST [7] psql LOG:  weihai.read relation=raw.x role=department_a session=department_a\n"
    )
    old, new = tmp_path / "postgres.log.1", tmp_path / "postgres.log"
    new.write_text("first line\n" + line + "2021-10-08 half a line", encoding="utf-8")
    with guarded.owner() as owner:
        assert access_log.collect(owner, [old, new]) == 1
        new.rename(old)
        with old.open("a", encoding="utf-8") as file:
            file.write(f"\n{line}")
        new.write_text("another first line\n" + line, encoding="utf-8")
        assert access_log.collect(owner, [old, new]) == 2
        owner.rollback()


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("select 1", "select ?"),
        ("select $a$张三$a$, E'\\x', 371002198001010016::text", "select ?, ?, ?::text"),
        ("select * from t where 姓名 = '张三' /* 13812345678 */", "select * from t where ? = ?"),
        ('select "name" from "raw"."x" as "张三"', 'select "name" from "raw"."x" as "?"'),
        ("select a371002198001010016 from t", "select ? from t"),
        ("values ('a''b', 'c')", "values (?, ?)"),
    ],
)
def test_statement_keeps_its_shape_only_when_logged(statement: str, expected: str) -> None:
    assert access_log.shape(statement) == expected


def test_credential_is_refused_when_others_may_read_it(guarded: Guarded) -> None:
    with pytest.raises(RoleError, match="nobody"):
        role_dsn(guarded.settings, "nobody")
    path = guarded.settings.secrets / "postgres_analyst"
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o644)
    try:
        with pytest.raises(Exception, match="chmod 600"):
            role_dsn(guarded.settings, "analyst")
    finally:
        path.chmod(0o600)


def test_contract_levels_cover_every_raw_column(guarded: Guarded) -> None:
    stated = {(schema, table, column) for schema, table, column, _ in levels.contract_levels(guarded.contracts)}
    with guarded.owner() as owner:
        raw = [r for r in grants.read_relations(owner) if r.schema == "raw"]
    assert raw
    assert [(r.name, c) for r in raw for c in r.levels if ("raw", r.name, c) not in stated] == []
