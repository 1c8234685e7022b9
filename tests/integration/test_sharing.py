"""Sharing between departments: asked for, answered, seen by who was granted it, and by nobody else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner

from connectors.as_of import CITY_TIME
from connectors.contract import Contracts
from connectors.database import Connection, connect
from connectors.errors import UserError
from connectors.protection import sharing
from connectors.protection.protect import protect
from connectors.raw_tables import ensure_raw_tables
from connectors.settings import Settings
from tests.conftest import create_database, drop_database, dsn_of
from tests.integration.modelled import deliver
from weihai.cli import build_app
from weihai.roles import ensure_roles, role_dsn

HOUSEHOLD, OPEN = "public_security__household_population", "big_data_center__resource_catalogue"
UNTIL = datetime.now(CITY_TIME).date() + timedelta(days=30)
PERSONS = ("371002199001010011", "371082198001010016", "371002197001010013")


@dataclass(frozen=True)
class Sharing:
    settings: Settings
    contracts: Contracts

    def owner(self) -> Connection:
        return connect(self.settings.dsn())

    def seen_by(self, department: str, query: str) -> list[tuple[Any, ...]]:
        with connect(role_dsn(self.settings, f"department_{department}"), autocommit=True) as connection:
            return connection.execute(query.encode()).fetchall()

    def ask(self, **facts: Any) -> int:
        request = sharing.Request(
            **{
                "department": "civil_affairs",
                "contract_id": HOUSEHOLD,
                "columns": ("name", "registered_division_code"),
                "condition": {"registered_division_code": "371002"},
                "purpose": "低保核对",
                "valid_until": UNTIL,
            }
            | facts
        )
        with self.owner() as connection:
            return sharing.ask(connection, self.contracts, request, actor="a", now=datetime.now(CITY_TIME))

    def decide(self, number: int, decision: sharing.Decision) -> None:
        with self.owner() as connection:
            sharing.decide(connection, number, decision, why="依法", actor="a", now=datetime.now(CITY_TIME))
        with self.owner() as connection:
            protect(connection, self.contracts)


@pytest.fixture(scope="module")
def shared(
    server: str, warehouse_template: str, contracts: Contracts, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Sharing]:
    name = f"{warehouse_template}_sharing"
    create_database(server, name, template=warehouse_template)
    home = tmp_path_factory.mktemp("sharing")
    (home / "postgres").mkdir()
    (home / "postgres" / "connection.json").write_text(json.dumps({"dsn": dsn_of(server, name)}))
    settings = Settings(home=home)
    with connect(settings.dsn()) as connection:
        ensure_raw_tables(connection, contracts)
        deliver(
            connection,
            contracts,
            HOUSEHOLD,
            [{"id_no": n, "name": f"甲{i}", "registered_division_code": n[:6]} for i, n in enumerate(PERSONS)],
        )
        deliver(connection, contracts, OPEN, [{"resource_code": "r1", "title": f"目录，问{PERSONS[0]}"}])
    ensure_roles(settings, settings.dsn(), {c.department for c in contracts.values()})
    with connect(settings.dsn()) as connection:
        protect(connection, contracts)
    yield Sharing(settings, contracts)
    drop_database(server, name)


def test_what_is_shared_unconditionally_is_read_by_every_department(shared: Sharing) -> None:
    assert shared.contracts[OPEN].sharing.type == "无条件共享"
    seen = shared.seen_by("civil_affairs", f"select resource_code, title from share.{OPEN}")
    assert [code for code, _ in seen] == ["r1"]
    assert "目录" in seen[0][1]
    assert PERSONS[0] not in seen[0][1]
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        shared.seen_by("civil_affairs", f"select * from raw.{OPEN}")


def test_department_sees_the_granted_columns_and_rows_from_approval_to_end(shared: Sharing) -> None:
    number = shared.ask()
    view = f"share.{HOUSEHOLD}__{number}"
    with pytest.raises(psycopg.errors.UndefinedTable):
        shared.seen_by("civil_affairs", f"select * from {view}")
    shared.decide(number, "approve")
    assert sorted(shared.seen_by("civil_affairs", f"select * from {view}")) == [("甲0", "371002"), ("甲2", "371002")]
    with pytest.raises(psycopg.errors.UndefinedColumn):
        shared.seen_by("civil_affairs", f"select id_no from {view}")
    for stranger in ("medical_security", "public_security"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            shared.seen_by(stranger, f"select * from {view}")
    with shared.owner() as connection:
        noted = connection.execute(
            "select action, role_name, is_personal, reason from quality.access_grant where relation = %s", (view,)
        ).fetchall()
    assert noted == [("grant", "department_civil_affairs", True, f"共享申请 {number}")]
    shared.decide(number, "end")
    with pytest.raises(psycopg.errors.UndefinedTable):
        shared.seen_by("civil_affairs", f"select * from {view}")


def test_nothing_is_seen_when_the_grant_has_expired_even_before_it_is_swept(shared: Sharing) -> None:
    number = shared.ask()
    shared.decide(number, "approve")
    view = f"share.{HOUSEHOLD}__{number}"
    with shared.owner() as connection:
        definition = connection.execute("select pg_get_viewdef(%s::regclass)", (view,)).fetchone()
        assert definition is not None
        past = definition[0].replace(UNTIL.isoformat(), "2021-01-01")
        assert past != definition[0]
        connection.execute(f"create or replace view {view} with (security_barrier) as {past}".encode())
    assert shared.seen_by("civil_affairs", f"select * from {view}") == []


def test_refused_request_grants_nothing_and_cannot_be_answered_twice(shared: Sharing) -> None:
    number = shared.ask(department="medical_security")
    shared.decide(number, "refuse")
    with pytest.raises(UserError, match="已拒绝"):
        shared.decide(number, "approve")
    with pytest.raises(psycopg.errors.UndefinedTable):
        shared.seen_by("medical_security", f"select * from share.{HOUSEHOLD}__{number}")


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"contract_id": "nobody__nothing"}, "没有数据集"),
        ({"department": "moon_office"}, "没有部门"),
        ({"department": "public_security"}, "自己报送的"),
        ({"columns": ("name", "shoe_size")}, "没有字段 shoe_size"),
        ({"condition": {"shoe_size": "43"}}, "没有字段 shoe_size"),
        ({"condition": {"name": "甲0"}}, "不能按字段 name 限定行"),
        ({"valid_until": date(2020, 1, 1)}, "已过"),
    ],
)
def test_request_is_refused_with_the_reason(shared: Sharing, facts: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said):
        shared.ask(**facts)


def test_what_may_not_be_shared_cannot_be_asked_for(shared: Sharing) -> None:
    secret = [c for c in shared.contracts.values() if c.sharing.type == "不予共享"]
    for contract in secret:
        asker = next(c.department for c in shared.contracts.values() if c.department != contract.department)
        with pytest.raises(UserError, match="不予共享，依据"):
            shared.ask(contract_id=contract.id, department=asker, columns=(contract.fields[0].name,), condition={})
    assert secret


def test_value_of_a_condition_cannot_act_as_sql(shared: Sharing) -> None:
    number = shared.ask(condition={"registered_division_code": "x' or true --"})
    shared.decide(number, "approve")
    assert shared.seen_by("civil_affairs", f"select * from share.{HOUSEHOLD}__{number}") == []


def test_command_line_asks_answers_and_lists(shared: Sharing, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("WEIHAI_HOME", str(shared.settings.home))
    monkeypatch.delenv("WAREHOUSE_DSN", raising=False)
    run = CliRunner().invoke
    facts = ["--columns", "name, birth_date", "--until", "2099-01-01", "--why", "核对"]
    asked = run(build_app(), ["share", "request", "civil_affairs", HOUSEHOLD, *facts])
    assert asked.exit_code == 0, asked.output
    number = asked.output.split()[1]
    answered = run(build_app(), ["share", "approve", number, "--why", "同意"])
    assert f"department_civil_affairs 可读 share.{HOUSEHOLD}__{number}" in answered.output
    assert (
        f"{number}  civil_affairs ← {HOUSEHOLD}  共享中，有效期至 2099-01-01"
        in run(build_app(), ["share", "list"]).output
    )
