"""Objections to records: raised, referred, decided, mended by a delivery, brought back; and work orders beside them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import psycopg
import pytest
from typer.testing import CliRunner

from connectors import catalogue, intake, landing
from connectors.chain.verify import verify
from connectors.contract import Contracts
from connectors.database import Connection, connect
from connectors.errors import UserError
from connectors.objections import deciding, raising
from connectors.objections.place import Place, in_library
from connectors.protection import sharing
from connectors.protection.erasing import erase
from connectors.protection.protect import protect
from connectors.settings import Settings
from dags.support import lineage, models
from expectations import gate
from tests import planted
from tests.conftest import create_database, drop_database, dsn_of
from tests.integration.modelled import open_run, publish
from tests.integration.office import Office, csv_bytes
from weihai.cli import build_app
from weihai.roles import ensure_roles, role_dsn

HOUSEHOLD, CATALOGUE = "public_security__household_population", "big_data_center__resource_catalogue"
WRONG, RIGHT = "1985-07-15", "1985-07-16"
PERSON = {
    "id_no": "371002198507153334", "name": "司徒雪迎", "sex_code": "男", "birth_date": WRONG, "household_no": "H1",
    "registered_division_code": "371002", "registered_address": "山东省威海市环翠区竹岛街道1号",
}  # fmt: skip
WHY = f"司徒 雪迎 {PERSON['id_no']}（{WRONG}生，应为{RIGHT}）与户口簿不符，电话13812345678"
OTHER = PERSON | {"id_no": "371082199112035567", "name": "诸葛晚晴", "sex_code": "女", "birth_date": "1991-12-03"}
# so that one who is withdrawn is no great loss
NEIGHBOURS = [
    OTHER | {"id_no": f"37108219911203{n}", "name": f"诸葛{n}", "household_no": f"H{n}"} for n in range(5001, 5010)
]
RESOURCE = {
    "department_code": "D1", "department_name": "市教育局", "sharing_type": "无条件共享", "is_open": "是",
    "open_category": "教育文化", "update_cycle": "每月", "is_mounted": "是", "status": "在用", "format": "CSV",
}  # fmt: skip


@dataclass
class Desk:
    """The offices of two departments on a warehouse with every model, and the roles of all."""

    settings: Settings
    contracts: Contracts
    police: Office
    centre: Office

    def owner(self) -> Connection:
        return connect(self.settings.dsn())

    def rows(self, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
        return self.police.rows(query, *parameters)

    def seen_by(self, role: str, query: str) -> list[tuple[Any, ...]]:
        with connect(role_dsn(self.settings, role), autocommit=True) as connection:
            return connection.execute(query.encode()).fetchall()

    def register(self, month: int, *people: Mapping[str, Any]) -> int:
        rows = [*people, *NEIGHBOURS]
        return self.police.deliver("household_population", rows, date(2021, month, 28), name=f"{month}.csv")

    def cell(self, name: str) -> tuple[int, int]:
        """Batch and row of a person as registered now."""
        [place] = self.rows(
            f"select _batch_id, _row_no from raw.{HOUSEHOLD} where name = %s and _closed_batch_id is null", name
        )
        return place[0], place[1]

    def object_to(self, place: Place, should_be: str | None = None, by: str | None = "civil_affairs") -> int:
        with self.owner() as connection:
            objection = raising.Objection(place, should_be, by, WHY)
            return raising.raise_objection(
                self.settings, connection, self.contracts, objection, actor="zhang", now=self.police.tick()
            )

    def decide(
        self, number: int, decision: deciding.Decision, to: str | None = None, why: str = "核对户口底册"
    ) -> None:
        with self.owner() as connection:
            deciding.decide(
                connection, self.contracts, number, decision, why=why, refer_to=to, actor="li",
                now=self.police.tick(),
            )  # fmt: skip

    def state(self, number: int) -> Any:
        [(state,)] = self.rows("select state from quality.objection where objection_id = %s", number)
        return state

    def orders(self, condition: str) -> list[tuple[Any, ...]]:
        return self.rows(
            "select department, opened_batch_id, closed_batch_id, occurrence_no, closed_at is not null"
            f" from quality.work_order where {condition} order by occurrence_no"
        )

    def ripple(self, number: int, kind: str) -> set[str]:
        found = self.rows(
            "select subject from quality.objection_ripple where objection_id = %s and kind = %s", number, kind
        )
        return {subject for (subject,) in found}


@pytest.fixture(scope="module")
def desk(server: str, built: str, contracts: Contracts, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    name = f"{built}_objections"
    create_database(server, name, template=built)
    home = tmp_path_factory.mktemp("objections")
    (home / "postgres").mkdir()
    (home / "postgres" / "connection.json").write_text(json.dumps({"dsn": dsn_of(server, name)}))
    settings = Settings(home=home)
    now = datetime.fromisoformat("2021-12-31T09:00:00+08:00")
    police = Office(settings, contracts, now, "public_security")
    desk = Desk(settings, contracts, police, Office(settings, contracts, now, "big_data_center"))
    with desk.owner() as connection:
        catalogue.publish_contracts(connection, contracts, contracts.codes, waiting={})
    ensure_roles(settings, settings.dsn(), {c.department for c in contracts.values()})
    models.invoke(settings, contracts, ["parse"])
    with desk.owner() as connection:
        manifest = models.manifest(settings)
        lineage.record_fields(connection, manifest, contracts)
        protect(connection, contracts, manifest)
    yield desk
    drop_database(server, name)


def catalogue_rows(count: int, bad: int) -> Sequence[Mapping[str, Any]]:
    return [
        RESOURCE
        | {"resource_code": f"307000/{n}", "title": f"资源{n}"}
        | ({"sharing_type": "随便", "open_category": "别的", "update_cycle": "有空"} if n < bad else {})
        for n in range(count)
    ]


def arrive(desk: Desk, month: int, bad: int) -> int:
    """Deliver the catalogue as a run does, with the real gate."""
    content = csv_bytes(desk.contracts[CATALOGUE], catalogue_rows(10, bad))
    desk.centre.put(f"目录{month}.csv", content, "resource_catalogue", as_of=date(2021, month, 28))
    [delivery] = landing.scan(desk.settings.landing, desk.contracts, settle_seconds=0)
    batch = intake.receive(desk.settings, desk.contracts, delivery, run_id="r", now=desk.centre.tick())
    [verdict] = gate.judge_batches(desk.settings, desk.contracts, [batch], run_id="r", now=desk.centre.tick())
    intake.decide(desk.settings, desk.contracts, verdict, now=desk.centre.tick())
    return batch


def test_order_lives_from_the_bad_file_to_the_one_that_mends_it(desk: Desk) -> None:
    rule = "extract = 'resource_catalogue' and rule = 'sharing_type.code'"
    held = "extract = 'resource_catalogue' and rule = 'delivery'"
    bad = arrive(desk, 6, bad=7)
    assert desk.centre.batch(bad) == "held"
    assert desk.orders(rule) == [("big_data_center", bad, None, 1, False)]
    assert desk.orders(held) == [("big_data_center", bad, None, 1, False)]
    still = arrive(desk, 7, bad=6)
    assert desk.orders(rule) == [("big_data_center", bad, None, 1, False)]
    [(last, times, due_on)] = desk.rows(
        f"select last_batch_id, failed_deliveries, due_on from quality.work_order where {rule}"
    )
    assert (last, times, due_on) == (still, 2, date(2022, 1, 17))
    good = arrive(desk, 8, bad=0)
    assert desk.centre.batch(good) == "accepted"
    assert desk.orders(rule) == [("big_data_center", bad, good, 1, True)]
    assert desk.orders(held) == [("big_data_center", bad, good, 1, True)]
    again = arrive(desk, 9, bad=7)
    assert desk.orders(rule)[1] == ("big_data_center", again, None, 2, False)
    own = desk.seen_by("department_big_data_center", "select distinct department from quality.work_order")
    assert own == [("big_data_center",)]


def test_ripple_of_an_objection_follows_from_lineage(desk: Desk) -> None:
    [(batch, row)] = desk.rows(
        f"select _batch_id, _row_no from raw.{CATALOGUE} where resource_code = '307000/3' and _closed_batch_id is null"
    )
    shared = desk.object_to(Place(CATALOGUE, batch, row, "sharing_type"), "不予共享", by="education")
    assert "dept_sharing_rate" in desk.ripple(shared, "indicator")
    assert desk.ripple(shared, "share") == {f"share.{CATALOGUE}"}
    described = desk.object_to(Place(CATALOGUE, batch, row, "abstract"), "说明", by=None)
    assert desk.ripple(described, "indicator") < desk.ripple(shared, "indicator")
    whole = desk.object_to(Place(CATALOGUE, batch, row, None), by=None)
    assert desk.ripple(whole, "indicator") >= desk.ripple(shared, "indicator")
    desk.decide(described, "refused")
    assert desk.state(described) == "不予支持"
    assert desk.orders(f"objection_id = {described}") == []
    with pytest.raises(UserError, match="已经处理过"):
        desk.decide(described, "upheld")


def test_objection_lives_until_a_delivery_mends_it_and_again_when_it_returns(desk: Desk) -> None:
    first = desk.register(6, PERSON, OTHER)
    place = Place(HOUSEHOLD, first, 2, "birth_date")
    with desk.owner() as connection:
        request = sharing.Request("civil_affairs", HOUSEHOLD, ("birth_date",), {}, "核对", date(2099, 1, 1))
        asked = sharing.ask(connection, desk.contracts, request, actor="a", now=desk.police.tick())
        sharing.decide(connection, asked, "approve", why="依法", actor="a", now=desk.police.tick())
    number = desk.object_to(place, "1985年7月16日")
    [(due_on, masked, should_be, why)] = desk.rows(
        "select due_on, value_masked, should_be_masked, why from quality.objection where objection_id = %s", number
    )
    # ten working days after the New Year holiday
    assert due_on == date(2022, 1, 17)
    assert WRONG not in (masked, should_be)
    assert RIGHT not in (masked, should_be)
    assert why == "司徒** 371***********333*（1*生，应为1*）与户口簿不符，电话138****5678"
    assert desk.state(number) == "超期未处理"
    assert desk.ripple(number, "share") == {f"share.{HOUSEHOLD}__{asked}"}
    assert desk.ripple(number, "library") == {"population"}
    with desk.owner() as connection:
        connection.execute(
            "insert into catalogue.open_dataset values"
            " ('registered_population', 'aggregate', '户籍人口', '', '公共安全', 'public_security', '市公安局', '每月')"
        )
    assert desk.ripple(number, "open_dataset") == {"registered_population"}

    desk.decide(number, "referred", to="civil_affairs", why=f"{PERSON['name']}的底册为{RIGHT}")
    [(handler,)] = desk.rows("select handler from quality.objection where objection_id = %s", number)
    assert handler == "civil_affairs"
    assert desk.rows("select decision_why from quality.objection where objection_id = %s", number) == [
        ("司徒**的底册为1*",)
    ]
    with pytest.raises(UserError, match="不需要转办"):
        desk.decide(number, "referred", to="civil_affairs")
    assert desk.orders(f"objection_id = {number}") == []
    desk.decide(number, "upheld")
    assert desk.state(number) == "待更正"
    order = ("public_security", None, None, 1, False)
    assert desk.orders(f"objection_id = {number}") == [order]
    [(message,)] = desk.rows("select message from quality.work_order where objection_id = %s", number)
    assert message == f"异议 {number} 成立：批次 {first} 第 2 行的出生日期与实际不符，请核实更正后重报"

    desk.register(7, PERSON, OTHER | {"name": "诸葛晴"})
    assert desk.orders(f"objection_id = {number}") == [order]
    mended = desk.register(8, PERSON | {"birth_date": RIGHT}, OTHER)
    assert desk.state(number) == "已更正"
    assert desk.rows("select mended_batch_id, is_as_stated from quality.objection where objection_id = %s", number) == [
        (mended, True)
    ]
    assert desk.orders(f"objection_id = {number}") == [("public_security", None, mended, 1, True)]
    back = desk.register(9, PERSON, OTHER)
    assert desk.state(number) == "再次出现"
    assert desk.orders(f"objection_id = {number}")[1] == ("public_security", back, None, 2, False)
    gone = desk.register(10, OTHER)
    assert desk.rows(
        "select state, mended_batch_id, is_as_stated from quality.objection where objection_id = %s", number
    ) == [("已更正", gone, None)]
    assert desk.orders(f"objection_id = {number}")[1] == ("public_security", back, gone, 2, True)


def test_figures_before_and_after_stand_beside_a_mended_objection(desk: Desk) -> None:
    good = arrive(desk, 10, bad=0)
    with desk.owner() as connection:
        open_run(connection, "before")
        publish(connection)
    [(batch, row)] = desk.rows(
        f"select _batch_id, _row_no from raw.{CATALOGUE} where resource_code = '307000/5' and _closed_batch_id is null"
    )
    number = desk.object_to(Place(CATALOGUE, batch, row, "sharing_type"), "不予共享", by=None)
    desk.decide(number, "upheld")
    rows = [dict(r) for r in catalogue_rows(10, 0)]
    rows[5] |= {"sharing_type": "不予共享", "no_sharing_basis": "保密法"}
    mended = desk.centre.deliver("resource_catalogue", rows, date(2021, 11, 28), name="改.csv")
    assert mended > good
    with desk.owner() as connection:
        open_run(connection, "after")
        publish(connection)
        connection.cursor().executemany(
            "insert into mart.indicator_value_run (run_id, indicator_id, value, star) values (%s, %s, %s, %s)",
            [("before", "dept_sharing_rate", 0.9, 4), ("after", "dept_sharing_rate", 0.8, 0)],
        )
    assert desk.rows(
        "select run_before, value_before::float, star_before, run_after, value_after::float, star_after"
        " from quality.objection_ripple where objection_id = %s and subject = 'dept_sharing_rate'",
        number,
    ) == [("before", 0.9, 4, "after", 0.8, 0)]


@pytest.mark.parametrize(
    ("facts", "should_be", "by", "said"),
    [
        ({"contract_id": "nobody__nothing"}, None, None, "没有数据集"),
        ({"row_no": 99}, None, None, "没有为第 99 行存下"),
        ({"column": "shoe_size"}, None, None, "没有字段 shoe_size"),
        ({}, "1991-12-03", None, "已经与所述一致"),
        ({}, "三月五", None, "所述的值不合“出生日期”的要求"),
        ({"column": None}, "1991-12-03", None, "请指明字段"),
        ({}, None, "moon_office", "没有部门 moon_office"),
    ],
)
def test_objection_is_refused_with_the_reason_and_without_the_value(
    desk: Desk, facts: dict[str, Any], should_be: str | None, by: str | None, said: str
) -> None:
    desk.register(12, PERSON, OTHER)
    batch, row = desk.cell(OTHER["name"])
    place = {"contract_id": HOUSEHOLD, "batch_id": batch, "row_no": row, "column": "birth_date"} | facts
    with pytest.raises(UserError, match=said) as refused:
        desk.object_to(Place(**place), should_be, by)
    assert should_be is None or should_be not in str(refused.value)


def test_record_of_a_library_leads_to_the_cell_that_it_comes_from(desk: Desk) -> None:
    key = UUID(int=7)
    with desk.owner() as connection:
        with pytest.raises(UserError, match="没有基础库 moon"):
            in_library(connection, "moon", key, "name")
        with pytest.raises(UserError, match="请用 --field"):
            in_library(connection, "population", key, None)
        with pytest.raises(UserError, match="没有取自报送的字段 name"):
            in_library(connection, "population", key, "name")
        with pytest.raises(UserError, match="没有记录"):
            in_library(connection, "licence", key, None)


def test_each_role_sees_its_own_objections_and_plain_values_only_where_it_may(desk: Desk) -> None:
    desk.register(12, PERSON, OTHER)
    batch, row = desk.cell(PERSON["name"])
    number = desk.object_to(Place(HOUSEHOLD, batch, row, "name"), "司徒雪莹", by="civil_affairs")
    query = f"select should_be_masked from quality.objection where objection_id = {number}"
    plain = f"select should_be from objection.statement where objection_id = {number}"
    for role in ("department_public_security", "department_civil_affairs"):
        assert desk.seen_by(role, query) == [("司徒**",)]
        assert desk.seen_by(role, plain) == [("司徒雪莹",)]
        assert desk.seen_by(role, f"select kind from quality.objection_ripple where objection_id = {number}")
    assert desk.seen_by("auditor", query) == [("司徒**",)]
    for role in ("department_medical_security", "department_education"):
        assert desk.seen_by(role, query) == []
        assert desk.seen_by(role, plain) == []
    for role, forbidden in (("auditor", plain), ("analyst", query), ("department_education", "table objection.stated")):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            desk.seen_by(role, forbidden)


def test_value_goes_when_the_person_is_erased_and_the_chain_still_holds(desk: Desk) -> None:
    desk.register(12, PERSON, OTHER)
    batch, row = desk.cell(PERSON["name"])
    number = desk.object_to(Place(HOUSEHOLD, batch, row, "household_no"), "ZZ-4711")
    with connect(desk.settings.dsn(), autocommit=True) as connection:
        assert verify(desk.settings, connection).breaks == []
        relations = planted.relations_of(connection)
        assert set(planted.in_tables(connection, relations, ("ZZ-4711",))) == {
            "objection.stated",
            "objection.statement",
        }
        erase(desk.settings, connection, desk.contracts, PERSON["id_no"], actor="a", reason="本人申请")
        relations = planted.relations_of(connection)
        assert planted.in_tables(connection, relations, ("ZZ-4711", PERSON["id_no"], PERSON["name"])) == {}
        assert verify(desk.settings, connection).breaks == []
    assert desk.rows("select value_masked from quality.objection where objection_id = %s", number) == [(None,)]


def test_command_line_raises_lists_shows_and_decides(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEIHAI_HOME", str(desk.settings.home))
    monkeypatch.setenv("COLUMNS", "250")
    monkeypatch.delenv("WAREHOUSE_DSN", raising=False)
    batch, row = desk.cell(OTHER["name"])
    run = CliRunner().invoke
    place = ["--extract", HOUSEHOLD, "--batch", str(batch), "--row", str(row), "--field", "name"]
    raised = run(
        build_app(),
        ["objection", "raise", *place, "--should-be", "-", "--by", "civil_affairs", "--why", "见户口簿"],
        input="诸葛晚情\n",
    )
    assert raised.exit_code == 0, raised.output
    assert "诸葛晚情" not in raised.output
    found = re.search(r"异议 (\d+) 已登记", raised.output)
    assert found is not None
    number = found[1]
    assert HOUSEHOLD.split("__", maxsplit=1)[0] in run(build_app(), ["objection", "list"]).output
    shown = run(build_app(), ["objection", "show", number])
    assert "诸葛**" in shown.output
    assert "诸葛晚情" not in shown.output
    assert "人口库" in shown.output
    plain = run(build_app(), ["objection", "show", number, "--role", "department_civil_affairs", "--why", "核对"])
    assert "诸葛晚情" in plain.output, plain.output
    assert desk.rows("select purpose, role_name from quality.access_log order by access_id desc limit 1") == [
        ("核对", "department_civil_affairs")
    ]
    decided = run(build_app(), ["objection", "decide", number, "upheld", "--why", "属实"])
    assert "成立" in decided.output, decided.output
    nowhere = run(build_app(), ["objection", "raise", "--field", "name", "--why", "见户口簿"])
    assert isinstance(nowhere.exception, UserError)
