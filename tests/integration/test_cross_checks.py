"""What departments' data say of each other: counted by the models, judged by Great Expectations, kept for auditors."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from connectors import catalogue
from connectors.contract import Contracts
from connectors.database import Connection, connect
from connectors.errors import UserError
from connectors.settings import Settings
from expectations import gate, suites
from tests.conftest import create_database, drop_database, dsn_of
from tests.integration.linked import deliver_linked, subject
from tests.integration.modelled import AS_OF, deliver, open_run

NOW = datetime(2021, 10, 8, 9, tzinfo=ZoneInfo("Asia/Shanghai"))
BIRTHS = "health__birth_certificate"


@pytest.fixture
def city(
    server: str, built: str, contracts: Contracts, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Settings, Connection]]:
    name = f"{built}_cross"
    create_database(server, name, template=built)
    settings = Settings(home=tmp_path_factory.mktemp("cross"), warehouse_dsn=dsn_of(server, name))
    with connect(settings.dsn()) as connection:
        fill(connection, contracts)
        connection.commit()
        yield settings, connection
    drop_database(server, name)


def insert(connection: Connection, table: str, **values: Any) -> None:
    columns = ", ".join(values)
    connection.execute(
        f"insert into {table} ({columns}) values ({', '.join(['%s'] * len(values))})".encode(), list(values.values())
    )


def fill(connection: Connection, contracts: Contracts) -> None:
    """A city in which every check has something to find and something to pass."""
    catalogue.publish_contracts(connection, contracts, contracts.codes, waiting={})
    born = {1: "2021-08-30 23:59+08", 2: "2021-08-30 12:00+08", 3: "2021-08-31 00:01+08"}
    deliver_linked(
        connection,
        contracts,
        BIRTHS,
        [{"birth_cert_no": f"N{n}", "born_at": at, "_of": {"person": subject(n)}} for n, at in born.items()],
    )
    common = {"valid_from": date(2021, 9, 1), "known_from": 1}
    insert(connection, "population.person_history", person_id=subject(1), household_no="H1", **common)
    for number, paid_after in ((1, 0), (2, 2), (3, None)):
        insert(
            connection, "population.int_pension_payee__evidence", payee_id=subject(number), person_id=subject(number),
            pension_count=1, last_period="202109", paid_periods=["202107", "202108", "202109"],
        )  # fmt: skip
        if paid_after is not None:
            insert(
                connection, "population.person_status", person_id=subject(number), valid_from=date(2021, 1, 1),
                life_status="deceased", death_date=date(2021, 9 - paid_after, 3),
            )  # fmt: skip
    for table in ("administrative_permit", "administrative_penalty"):
        for late in (False, False, True, None):
            insert(connection, f"credit.{table}", contract_id="c", record_key=uuid.uuid4(), is_published_late=late)
    for holder, until in ((subject(1), None), (None, date(2021, 10, 1)), (None, AS_OF), (None, date(2020, 1, 1))):
        insert(
            connection, "licence.licence", contract_id="c", record_key=uuid.uuid4(), person_id=holder,
            in_force_until=until,
        )  # fmt: skip
    insert(connection, "legal_entity.entity_history", entity_id=subject(9), uscc="known", **common)
    paid = [("p1", "known", "202109"), ("p2", "known", "202109"), ("p3", "nobody", "202109"), ("p4", "old", "202108")]
    deliver(
        connection,
        contracts,
        "human_resources__social_insurance",
        [
            {"person_no": person, "uscc": uscc, "insurance_type": "失业保险", "period": period, "payment_kind": "正常"}
            for person, uscc, period in paid
        ],
    )
    updated = {"r1": date(2021, 8, 1), "r2": date(2021, 7, 29), "r3": None}
    deliver(
        connection,
        contracts,
        "big_data_center__resource_catalogue",
        [
            {"resource_code": code, "is_mounted": True, "update_cycle": "每月", "last_updated_on": on}
            for code, on in updated.items()
        ],
    )
    open_data(connection, contracts)


def open_data(connection: Connection, contracts: Contracts) -> None:
    """Two released data sets, and the city's list of open data: one as it is, one under another category, one alien."""
    deliver(
        connection, contracts, "institution_staffing__department", [{"department_code": "D1", "name": "威海市教育局"}]
    )
    facts = {"published_on": AS_OF, "record_count": 3, "department_code": "D1", "link_status": "正常"}
    deliver(
        connection,
        contracts,
        "big_data_center__open_dataset",
        [
            {"dataset_no": "KF1", "title": "学校 名录", "open_category": "教育文化", **facts},
            {"dataset_no": "KF2", "title": "教师资格", "open_category": "教育文化", **facts},
            {"dataset_no": "KF3", "title": "医院", "open_category": "生活服务", **facts | {"department_code": "D2"}},
        ],
    )
    for name, title, category, publisher in (
        ("education__school", "学校名录", "教育文化", "市教育局"),
        ("health__hospital", "医院", "医疗卫生", "市卫生健康委"),
    ):
        insert(
            connection, "catalogue.open_dataset", dataset_id=name, kind="record", title=title, description=title,
            open_category=category, department=name.partition("__")[0], publisher=publisher, update_cycle="每年",
        )  # fmt: skip
        insert(
            connection, "catalogue.open_release", dataset_id=name, as_of=AS_OF, released_at=NOW, released_by="t",
            record_count=3, files="[]",
        )  # fmt: skip


def counted(connection: Connection, check: str) -> tuple[int, int]:
    row = connection.execute(f"select passed, checked from quality.check_{check}".encode()).fetchone()
    assert row is not None
    return int(row[0]), int(row[1])


def test_open_data_is_compared_with_the_citys_list(city: tuple[Settings, Connection]) -> None:
    _, connection = city
    found = connection.execute(
        "select department, dataset_id, dataset_no, difference from quality.open_data_difference"
        " order by dataset_no, difference"
    ).fetchall()
    assert found == [
        ("education", None, "KF2", "仓库未发布"),
        ("health", "health__hospital", "KF3", "类别不同"),
    ]


def test_each_check_counts_what_it_says_and_the_gate_tells_what_failed(city: tuple[Settings, Connection]) -> None:
    settings, connection = city
    open_run(connection, "run-1")
    found = {check.name: counted(connection, check.name) for check in suites.load_cross_suite().checks}
    contracts_known = connection.execute("select count(*) from catalogue.contract").fetchone()
    assert contracts_known is not None
    assert found == {
        "births_registered": (1, 2),
        "no_pension_after_death": (2, 3),
        "permits_published_in_time": (2, 3),
        "penalties_published_in_time": (2, 3),
        "licence_holders_known": (1, 2),
        "employers_registered": (1, 2),
        "promised_extracts_delivered": (5, contracts_known[0]),
        "mounted_resources_current": (1, 2),
        "open_data_listed": (1, 2),
    }
    for name, (passed, checked) in found.items():
        insert(
            connection, "quality.cross_check_run", run_id="run-1", check_name=name,
            passed=checked if name.startswith(("permits", "births")) else passed,
            checked=0 if name == "licence_holders_known" else checked,
        )  # fmt: skip
    connection.commit()
    failed = gate.judge_across(settings, "run-1", now=NOW)
    assert len(failed) == 6
    assert "死亡次月起不应再发放养老金，实际 2 / 3（66.66%）" in failed
    gate.judge_across(settings, "run-1", now=NOW)
    stored = dict(
        connection.execute(
            "select expectation, observed from quality.gate_result where run_id = 'run-1' and kind = 'cross'"
        ).fetchall()
    )
    assert len(stored) == len(found)
    assert stored["licence_holders_known"] == "未检查"
    document = json.loads((settings.reports / "gates" / "run-1" / "cross.json").read_text(encoding="utf-8"))
    owners = {e["name"]: e["meta"]["owner"] for e in document["expectations"]}
    assert owners["no_pension_after_death"] == "human_resources"
    with pytest.raises(UserError, match="run-unknown"):
        gate.judge_across(settings, "run-unknown", now=NOW)
