"""What departments' data say of each other: counted by the models, judged by Great Expectations, kept for auditors."""

from __future__ import annotations

import itertools
import json
import re
import uuid
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from psycopg.types.json import Jsonb

from connectors import catalogue
from connectors.contract import Contracts
from connectors.database import Connection, connect
from connectors.errors import UserError
from connectors.settings import Settings
from dags.support import models
from expectations import gate, suites
from tests.conftest import create_database, drop_database, dsn_of
from tests.integration.linked import deliver_linked, subject
from tests.integration.modelled import AS_OF, deliver, open_run, publish

NOW = datetime(2021, 10, 8, 9, tzinfo=ZoneInfo("Asia/Shanghai"))
BIRTHS = "health__birth_certificate"
CLOUD = "industry_it__cloud_enterprise"


@pytest.fixture(scope="module")
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
    # the last one's parents are registered elsewhere
    born = {1: "2021-08-30 23:59+08", 2: "2021-08-30 12:00+08", 3: "2021-08-31 00:01+08", 4: "2021-08-01 12:00+08"}
    parents = {1: ("mother", 11), 2: ("father", 12), 3: ("mother", 11), 4: ("mother", 13)}
    deliver_linked(
        connection,
        contracts,
        BIRTHS,
        [
            {
                "birth_cert_no": f"N{n}",
                "born_at": at,
                "_of": {"person": subject(n), parents[n][0]: subject(parents[n][1])},
            }
            for n, at in born.items()
        ],
    )
    common = {"valid_from": date(2021, 9, 1), "known_from": 1}
    for registered in (1, 11, 12):
        insert(
            connection, "population.person_history", person_id=subject(registered), household_no=f"H{registered}",
            **common,
        )  # fmt: skip
    insert(connection, "population.person_history", person_id=subject(13), **common)
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

    headers = [
        ("name", "企业名称", "name"),
        ("unknown", "联系人身份证号371***********001*", None),
        ("ignored", "序号", None),
    ]
    columns = [{"how": how, "header": header, "column": column} for how, header, column in headers]
    batch = deliver(connection, contracts, CLOUD, [{"uscc": "x", "name": "甲"}])
    connection.execute(
        "update quality.batch set header_match = %s, rows_read = 1 where batch_id = %s",
        (Jsonb({"columns": columns}), batch),
    )
    deliver(
        connection,
        contracts,
        "taxation__tax_revenue",
        [
            {"voucher_no": str(n), "tax_type": kind, "period": "202108", "amount_cny": cny, "paid_on": date(2021, 9, 9)}
            for n, (kind, cny) in enumerate([("增值税", 97), ("企业所得税", 1), ("其他非税收入", 50)])
        ],
    )
    for indicator, measure, period, value, unit in (
        ("税收收入", "month", "202109", 100, "元"),
        ("税收收入", "month", "202108", 1, "元"),
        ("年末总人口", "year", "2020", 20, "人"),
    ):
        insert(
            connection, "macro.observation", contract_id="statistics__monthly_indicator", indicator_name=indicator,
            measure=measure, period=period, value=value, unit=unit, region_code="371000", category="全部",
            is_preferred=True,
        )  # fmt: skip
    for number in range(20, 29):
        insert(connection, "population.person_history", person_id=subject(number), **common)
        insert(
            connection, "population.person_status", person_id=subject(number), valid_from=date(2021, 1, 1),
            life_status="alive", residence_status="registered" if number < 25 else "resident",
        )  # fmt: skip
    # the last of six: the third one deviates by more than a half of the median, the others do not; one is too short
    history = {
        CLOUD: [100, 90, 110, 100, 105, 140],
        "taxation__taxpayer": [100, 100, 100, 100, 100, 149],
        "taxation__tax_revenue": [100, 101, 99, 100, 100, 20],
        "statistics__annual_indicator": [100, 100, 100, 1],
    }
    numbers = itertools.count(1)
    for contract_id, values in history.items():
        for number, value in enumerate(values):
            insert(
                connection, "quality.delivery_measure", contract_id=contract_id, batch_id=-next(numbers),
                measure="rows", as_of=date(2021, 1 + number, 1), applied_seq=number, value=value,
            )  # fmt: skip

    open_data(connection, contracts)


def open_data(connection: Connection, contracts: Contracts) -> None:
    """Three released data sets, and the city's list of open data: one as it is, one of a company under a department,
    one under another category, one alien."""
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
            {"dataset_no": "KF4", "title": "公交站点", "open_category": "交通运输", **facts},
            {"dataset_no": "KF3", "title": "医院", "open_category": "生活服务", **facts | {"department_code": "D2"}},
        ],
    )
    for name, title, category, publisher in (
        ("education__school", "学校名录", "教育文化", "市教育局"),
        ("bus_group__bus_stop", "公交站点", "交通运输", "威海公交集团"),
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


COUNTED = {
    "births_registered": {"": (1, 2)},
    "no_pension_after_death": {"": (2, 3)},
    "permits_published_in_time": {"": (2, 3)},
    "penalties_published_in_time": {"": (2, 3)},
    "licence_holders_known": {"": (1, 2)},
    "employers_registered": {"": (1, 2)},
    "columns_catalogued": {"industry_it": (1, 2)},
    "totals_agree": {"public_security": (0, 1), "taxation": (1, 1)},
    "near_own_history": {"industry_it": (1, 1), "taxation": (1, 2)},
    "mounted_resources_current": {"": (1, 2)},
    "open_data_listed": {"": (2, 3)},
}


def counted(connection: Connection, check: str) -> dict[str, tuple[int, int]]:
    found = connection.execute(f"select to_jsonb(found) from quality.check_{check} as found".encode()).fetchall()
    return {row.get("department", ""): (row["passed"], row["checked"]) for (row,) in found}


def build_checks(connection: Connection, run_id: str) -> None:
    """What the model `cross_check_run` does for a run, from the same check views."""
    for check in suites.load_cross_suite().checks:
        connection.execute(
            "insert into quality.cross_check_run (run_id, check_name, department, passed, checked, examples)"
            " select %s, %s, coalesce(f ->> 'department', ''), (f ->> 'passed')::bigint, (f ->> 'checked')::bigint,"
            f" f ->> 'examples' from (select to_jsonb(found) as f from quality.check_{check.name} as found)".encode(),
            (run_id, check.name),
        )


def judged(
    settings: Settings, connection: Connection, run_id: str, now: datetime, *mend: str, without: str = ""
) -> tuple[str, ...]:
    """Do what a run does for the checks; `mend` makes everything pass that it names, `without` compares nothing."""
    open_run(connection, run_id)
    connection.execute("update mart.run set started_at = %s where run_id = %s", (now, run_id))
    build_checks(connection, run_id)
    connection.execute(
        "update quality.cross_check_run set passed = checked where run_id = %s and check_name = any(%s)",
        (run_id, list(mend)),
    )
    connection.execute("delete from quality.cross_check_run where run_id = %s and check_name = %s", (run_id, without))
    publish(connection)
    return gate.judge_across(settings, run_id, now=now)


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


def test_each_check_counts_what_it_says(city: tuple[Settings, Connection]) -> None:
    _, connection = city
    open_run(connection, "run-0")
    suite = suites.load_cross_suite()
    found = {check.name: counted(connection, check.name) for check in suite.checks}
    promised = found.pop("promised_extracts_delivered")
    assert promised["health"][0] == 1 < promised["health"][1]
    assert promised["public_security"][0] == 0
    [contracts_known] = connection.execute("select count(*) from catalogue.contract").fetchone() or (0,)
    assert sum(checked for _, checked in promised.values()) == contracts_known
    assert found == COUNTED
    model = (models.PROJECT / "models" / "quality" / "cross_check_run.sql").read_text(encoding="utf-8")
    for owned, name in ((True, "of_owner"), (False, "of_each")):
        listed = set(re.findall(r'"(\w+)"', model.split(f"set {name} = [")[1].split("]")[0]))
        assert listed == {check.name for check in suite.checks if (check.owner != suites.EACH) is owned}


def test_failed_check_is_told_in_words_of_its_owner(city: tuple[Settings, Connection]) -> None:
    settings, connection = city
    failed = "\n".join(judged(settings, connection, "run-1", NOW))
    assert "市公安局：" in failed
    assert "2 名应登记新生儿中，有 1 名尚未见于户籍人口登记。请公安户政与卫健部门核对" in failed
    assert "实际 2 / 3（66.66%）。领取养老待遇的 3 人中，有 1 人在死亡次月之后仍有发放记录" in failed
    assert "市工业和信息化局：" in failed
    assert "有 1 列目录中没有，未被接收（企业上云登记“联系人身份证号371***********001*”）" in failed
    assert "税收入库信息行数本次 20行，往次中位数 100行" in failed
    assert "常住人口2020：库内 9人，公布 20人，容许相差 5%" in failed
    gate.judge_across(settings, "run-1", now=NOW)
    stored = {
        name: (department, observed, dimension)
        for name, department, observed, dimension in connection.execute(
            "select expectation, department, observed, dimension from quality.gate_result"
            " where run_id = 'run-1' and kind = 'cross'"
        )
    }
    assert stored["columns_catalogued.industry_it"] == ("industry_it", "1 / 2（50%）", "0103")
    assert stored["no_pension_after_death"][0] == "human_resources"
    document = json.loads((settings.reports / "gates" / "run-1" / "cross.json").read_text(encoding="utf-8"))
    owners = {e["name"]: e["meta"]["owner"] for e in document["expectations"]}
    assert owners["totals_agree.taxation"] == "taxation"
    with pytest.raises(UserError, match="run-unknown"):
        gate.judge_across(settings, "run-unknown", now=NOW)


def test_check_without_anything_to_compare_says_so_and_opens_no_order(city: tuple[Settings, Connection]) -> None:
    settings, connection = city
    open_run(connection, "run-empty")
    for check in suites.load_cross_suite().checks:
        if check.owner != suites.EACH:
            insert(
                connection, "quality.cross_check_run", run_id="run-empty", check_name=check.name, department="",
                passed=0, checked=0,
            )  # fmt: skip
    publish(connection)
    assert gate.judge_across(settings, "run-empty", now=NOW) == ()
    rows = connection.execute(
        "select distinct observed, success from quality.gate_result where run_id = 'run-empty'"
    ).fetchall()
    assert rows == [("未检查", True)]
    connection.execute("delete from quality.gate_result where run_id = 'run-empty'")
    connection.commit()


def test_order_of_a_check_lives_from_the_run_that_failed_to_the_one_that_mends_it(
    city: tuple[Settings, Connection],
) -> None:
    settings, connection = city
    connection.execute("delete from quality.gate_result")
    connection.execute("delete from quality.cross_check_run")
    connection.commit()
    check = "employers_registered"
    for day, mended in ((11, False), (12, False), (13, True), (14, True), (15, False)):
        judged(settings, connection, f"run-{day}", NOW.replace(day=day), *([check] if mended else []))
    # a run for an earlier date mends nothing
    open_run(connection, "run-past", as_of=date(2020, 12, 31))
    connection.execute("update mart.run set started_at = %s where run_id = 'run-past'", (NOW.replace(day=16),))
    insert(
        connection, "quality.gate_result", run_id="run-past", suite="cross", expectation=check, kind="cross",
        severity="warning", success=True, observed="2 / 2", message="", department="human_resources",
        evaluated_at=NOW.replace(day=16),
    )  # fmt: skip
    publish(connection)
    orders = connection.execute(
        "select work_order_id, department, opened_run_id, failed_deliveries, closed_run_id, due_on, occurrence_no,"
        " state, passed, checked, message from quality.work_order where rule = %s order by occurrence_no",
        (check,),
    ).fetchall()
    first, again = orders
    assert first[:8] == (
        f"human_resources/{check}/run-11", "human_resources", "run-11", 2, "run-13", date(2021, 10, 25), 1, "已办结",
    )  # fmt: skip
    assert first[8:10] == (1, 2)
    assert first[10].startswith("最近一月缴费的 2 个单位中，有 1 个的信用代码不在法人库。请人社部门核对")
    assert again[2:5] == ("run-15", 1, None)
    assert again[6:8] == (2, "已逾期")
    owners = {
        (rule, department)
        for rule, department in connection.execute(
            "select rule, department from quality.work_order where closed_at is null and opened_run_id is not null"
        )
    }
    assert {("near_own_history", "taxation"), ("columns_catalogued", "industry_it")} <= owners
    assert ("near_own_history", "industry_it") not in owners


def test_order_rests_while_there_is_nothing_to_compare_and_is_taken_up_again(city: tuple[Settings, Connection]) -> None:
    settings, connection = city
    check = "near_own_history"
    told = []
    for day, without, mended in ((21, "", ""), (22, check, ""), (23, "", ""), (24, check, ""), (25, "", check)):
        judged(settings, connection, f"run-{day}", NOW.replace(day=day), mended, without=without)
        told += connection.execute(
            "select work_order_id, due_on, state from quality.work_order where rule = %s and department = 'taxation'"
            " order by occurrence_no desc limit 1",
            (check,),
        ).fetchall()
    assert len({(order, due_on) for order, due_on, _ in told}) == 1
    assert [state for _, _, state in told] == ["已逾期", "无从核对", "已逾期", "无从核对", "已办结"]
