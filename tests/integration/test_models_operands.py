"""Operands of this slice's indicators, computed by hand on both sides of what counts."""

from __future__ import annotations

import itertools
from datetime import date
from typing import Any

import pytest
from psycopg import sql

from connectors.contract import Contracts
from connectors.database import Connection
from tests.integration.linked import deliver_linked, subject
from tests.integration.modelled import AS_OF, deliver, operands, values

BEFORE, AFTER = date(2020, 1, 1), date(2021, 10, 1)
_numbers = itertools.count(1)


@pytest.fixture
def connection(modelled: Connection) -> Connection:
    """A connection to a fresh copy of the built warehouse."""
    return modelled


@pytest.mark.parametrize(
    ("indicator", "missing", "fixed"),
    [
        ("elicense_usage_rate", ["gov_service_items", "elicense_enabled_items"], {}),
        ("gov_cloud_migration_rate", ["gov_systems", "cloud_systems"], {}),
        ("ipv6_site_rate", ["ipv6_sites"], {"main_sites": 10}),
        ("dept_sharing_rate", ["gov_departments", "sharing_departments"], {}),
        ("open_data_category_rate", ["opened_categories"], {"open_categories_required": 22}),
        ("cloud_enterprises", ["count"], {}),
        ("national_industry_bases", ["count"], {}),
        ("provincial_digital_parks", ["count"], {}),
        ("industrial_id_nodes", ["count"], {}),
        ("ecommerce_ratio", ["ecommerce_turnover", "retail_sales_total"], {}),
    ],
)
def test_operands_are_null_with_reason_when_never_delivered(
    connection: Connection, indicator: str, missing: list[str], fixed: dict[str, int]
) -> None:
    found = operands(connection, indicator)
    assert set(found) == {*missing, *fixed}
    for operand in missing:
        value, reason = found[operand]
        assert value is None
        assert reason is not None
        assert reason.startswith("尚未报送：")
    for operand, value in fixed.items():
        assert found[operand] == (value, None)


def test_count_is_zero_when_delivered_without_matching_row(connection: Connection, contracts: Contracts) -> None:
    deliver(connection, contracts, "industry_it__recognition", [])
    assert operands(connection, "industrial_id_nodes") == {"count": (0, None)}


def test_delivery_counts_only_from_its_date_when_run_is_earlier(connection: Connection, contracts: Contracts) -> None:
    deliver(connection, contracts, "industry_it__recognition", [], as_of=AS_OF)
    assert values(connection, "industrial_id_nodes", as_of=date(2021, 9, 29)) == {"count": None}


def _item(code: str, **facts: Any) -> dict[str, Any]:
    return {
        "item_code": code,
        "item_name": code,
        "status": "在用",
        "uses_elicence": True,
        "elicence_key_kind": "公民身份号码",
    } | facts


def test_service_items_count_when_in_use_and_begun(connection: Connection, contracts: Contracts) -> None:
    rows = [
        _item("1"),
        _item("2", elicence_key_kind="统一社会信用代码", effective_on=AS_OF),
        _item("3", elicence_key_kind="其他"),
        _item("4", uses_elicence=False),
        _item("5", status=None),
        _item("6", status="停用"),
        _item("7", effective_on=AFTER),
    ]
    deliver(connection, contracts, "administrative_approval__service_item", rows)
    assert values(connection, "elicense_usage_rate") == {"gov_service_items": 5, "elicense_enabled_items": 3}


def test_past_run_sees_the_past_when_records_changed_since(connection: Connection, contracts: Contracts) -> None:
    contract = "administrative_approval__service_item"
    deliver(connection, contracts, contract, [_item("1"), _item("2")], as_of=date(2021, 6, 30))
    deliver(connection, contracts, contract, [_item("1", uses_elicence=False)], withdrawn=["['2']"])
    now = {"gov_service_items": 1, "elicense_enabled_items": 0}
    then = {"gov_service_items": 2, "elicense_enabled_items": 2}
    assert values(connection, "elicense_usage_rate") == now
    assert values(connection, "elicense_usage_rate", as_of=date(2021, 9, 29)) == then
    assert values(connection, "elicense_usage_rate", known_at=1) == then


def test_systems_count_when_in_use_and_not_classified(connection: Connection, contracts: Contracts) -> None:
    facts = {"status": "在用", "is_on_cloud": True, "is_classified": False}
    rows = [
        {"system_code": "1", **facts},
        {"system_code": "2", **facts, "is_on_cloud": False},
        {"system_code": "3", **facts, "status": "停用"},
        {"system_code": "4", **facts, "is_classified": True},
    ]
    deliver(connection, contracts, "big_data_center__information_system", rows)
    assert values(connection, "gov_cloud_migration_rate") == {"gov_systems": 2, "cloud_systems": 1}


def test_ipv6_sites_count_over_fixed_ten_when_checked(connection: Connection, contracts: Contracts) -> None:
    rows = [
        {"domain": f"{n}.cn", "supports_ipv6": n != 9, "checked_on": AFTER if n == 8 else BEFORE} for n in range(10)
    ]
    deliver(connection, contracts, "big_data_center__main_website", rows)
    assert values(connection, "ipv6_site_rate") == {"main_sites": 10, "ipv6_sites": 8}


def _recognition(kind: str, name: str, **facts: Any) -> dict[str, Any]:
    return {"kind": kind, "entity_name": name, "level": "省级", "recognised_on": BEFORE} | facts


def test_recognitions_count_by_name_when_not_revoked(connection: Connection, contracts: Contracts) -> None:
    park, base, node = "数字经济园区", "国家新型工业化产业示范基地", "工业互联网标识解析二级节点"
    rows = [
        _recognition(park, "甲"),
        _recognition(park, "甲", recognised_on=date(2019, 1, 1)),
        _recognition(park, "乙", level="国家级", recognised_on=AS_OF),
        _recognition(park, "丙", level="市级"),
        _recognition(park, "丁", recognised_on=AFTER),
        _recognition(park, "戊", revoked_on=AS_OF),
        _recognition(park, "己", revoked_on=AFTER),
        _recognition(base, "甲", level="国家级"),
        _recognition(node, "甲", level="市级"),
    ]
    deliver(connection, contracts, "industry_it__recognition", rows)
    assert values(connection, "provincial_digital_parks") == {"count": 3}
    assert values(connection, "national_industry_bases") == {"count": 1}
    assert values(connection, "industrial_id_nodes") == {"count": 1}


CODE, OTHER, FAR, GONE, LATE = (
    "91371000000000001A",
    "91371000000000002A",
    "91370200000000003A",
    "91371000000000004A",
    "91371000000000005A",
)


def test_cloud_enterprises_count_once_when_resolved_in_use_in_city(
    connection: Connection, contracts: Contracts
) -> None:
    entities: list[dict[str, Any]] = [
        {"uscc": CODE, "name": "甲", "division_code": "371002"},
        {"uscc": OTHER, "name": "乙", "division_code": "371000"},
        {"uscc": FAR, "name": "丙", "division_code": "370200"},
        {"uscc": GONE, "name": "丁", "division_code": "371002", "status": "注销", "cancelled_on": BEFORE},
        {"uscc": LATE, "name": "戊", "division_code": "371002", "cancelled_on": AFTER},
        {"uscc": LATE, "name": "己", "division_code": "371002"},
    ]
    deliver(connection, contracts, "market_regulation__enterprise", [])
    _hold(connection, entities)
    names = {CODE: "甲", OTHER: "乙", FAR: "丙", GONE: "丁", LATE: "戊", "9137100000000000XX": "无"}
    rows = [
        {"uscc": code, "name": name, "provider": "云一", "migrated_on": BEFORE, "status": "在用"}
        for code, name in names.items()
    ]
    rows += [
        {"uscc": CODE, "name": "甲", "provider": "云二", "migrated_on": BEFORE, "status": "在用"},
        {"uscc": OTHER, "name": "乙", "provider": "云二", "migrated_on": AFTER, "status": "在用"},
    ]
    deliver(connection, contracts, "industry_it__cloud_enterprise", rows)
    assert operands(connection, "cloud_enterprises") == {"count": (3, "另有 1 个信用代码在法人库中查无主体，未计入")}


def test_cloud_enterprises_are_those_in_force_at_both_clocks(connection: Connection, contracts: Contracts) -> None:
    deliver(connection, contracts, "market_regulation__enterprise", [])
    here = {"name": "甲", "division_code": "371002"}
    _hold(connection, [{"uscc": CODE, **here, "valid_from": BEFORE, "valid_to": AS_OF}])
    _hold(connection, [{"uscc": OTHER, **here, "valid_from": AFTER}])
    _hold(connection, [{"uscc": FAR, **here, "known_from": 1_000}, {"uscc": GONE, **here, "known_to": 1}])
    _hold(connection, [{"uscc": LATE, **here}])
    clouds = [
        {"uscc": code, "name": "甲", "provider": "云一", "migrated_on": BEFORE}
        for code in (CODE, OTHER, FAR, GONE, LATE)
    ]
    deliver(connection, contracts, "industry_it__cloud_enterprise", clouds)
    assert values(connection, "cloud_enterprises") == {"count": 1}


def _hold(connection: Connection, entities: list[dict[str, Any]]) -> None:
    """Let the library of legal entities hold these states, known from the first delivery on."""
    for entity in entities:
        state = {"valid_from": BEFORE, "known_from": 0, "status": "在用"} | entity
        connection.execute(
            sql.SQL("insert into legal_entity.entity_history (entity_id, {}) values (gen_random_uuid(), {})").format(
                sql.SQL(", ").join(map(sql.Identifier, state)), sql.SQL(", ").join(sql.Placeholder() * len(state))
            ),
            list(state.values()),
        )


def _statistic(year: str, value: float, **facts: Any) -> dict[str, Any]:
    return {
        "indicator_name": "社会消费品零售总额",
        "unit": "亿元",
        "region_code": "371000",
        "year": year,
        "value": value,
        "vintage": None,
        "published_on": date(int(year) + 1, 2, 1),
    } | facts


def test_annual_figures_are_of_latest_complete_year_when_one_is_unpublished(
    connection: Connection, contracts: Contracts
) -> None:
    statistics = [
        _statistic("2019", 1000),
        _statistic("2020", 1, vintage="快报"),
        _statistic("2020", 9000000, vintage="年报", unit="万元", published_on=date(2021, 3, 1)),
        _statistic("2020", 2, vintage="初步核算", published_on=date(2021, 9, 1)),
        _statistic("2020", 3, region_code="370000"),
        _statistic("2020", 950, vintage="最终核实", published_on=AFTER),
    ]
    deliver(connection, contracts, "statistics__annual_indicator", statistics)
    turnover = [{"year": str(year), "transaction_yi_cny": year / 10} for year in (2019, 2020, 2021)]
    deliver(connection, contracts, "commerce__ecommerce", turnover)
    assert values(connection, "ecommerce_ratio") == {"ecommerce_turnover": 202, "retail_sales_total": 900}
    later = values(connection, "ecommerce_ratio", as_of=AFTER)
    assert later == {"ecommerce_turnover": 202, "retail_sales_total": 950}
    early = operands(connection, "ecommerce_ratio", parameters={"annual_period": "as_of_year"})
    assert {value for value, _ in early.values()} == {None}
    assert all(reason and reason.startswith("没有") for _, reason in early.values())


def _dataset(category: str, **facts: Any) -> dict[str, Any]:
    return {
        "dataset_no": str(next(_numbers)),
        "open_category": category,
        "published_on": BEFORE,
        "last_updated_on": date(2021, 9, 1),
        "update_cycle": "每月",
        "record_count": 1,
        "link_status": "正常",
    } | facts


def test_category_is_open_when_one_dataset_is_published_reachable_filled_and_fresh(
    connection: Connection, contracts: Contracts
) -> None:
    rows = [
        _dataset("信用服务"),
        _dataset("信用服务"),
        _dataset("医疗卫生", last_updated_on=date(2021, 7, 30)),
        _dataset("社保就业", last_updated_on=date(2021, 7, 29)),
        _dataset("公共安全", update_cycle=None, last_updated_on=date(2019, 9, 29)),
        _dataset("城建住房", update_cycle=None, last_updated_on=date(2019, 9, 28)),
        _dataset("交通运输", record_count=0),
        _dataset("教育文化", record_count=None),
        _dataset("科技创新", link_status="失效"),
        _dataset("资源能源", published_on=AFTER),
        _dataset("生态环境", published_on=AS_OF),
    ]
    deliver(connection, contracts, "big_data_center__open_dataset", rows)
    assert values(connection, "open_data_category_rate") == {"open_categories_required": 22, "opened_categories": 4}
    reasons = dict(
        connection.execute("select category, reason from catalogue.int_category__opening where not is_open").fetchall()
    )
    assert reasons["社保就业"] == "已发布的 1 个数据集均不算开放：1 个超过两个更新周期未更新"
    assert reasons["资源能源"] == "没有已发布的数据集"


def _department(code: str, **facts: Any) -> dict[str, Any]:
    return {"department_code": code, "name": f"{code}局", "level": "市级", "is_government_department": True} | facts


def _resource(code: str, department: str, **facts: Any) -> dict[str, Any]:
    return {
        "resource_code": code,
        "department_code": department,
        "sharing_type": "无条件共享",
        "is_mounted": True,
        "published_on": BEFORE,
    } | facts


def _request(resource: str, requested: str, **facts: Any) -> dict[str, Any]:
    return {
        "request_no": str(next(_numbers)),
        "resource_code": resource,
        "is_within_condition": True,
        "requested_at": requested,
        "is_authorised": False,
    } | facts


def test_departments_share_when_all_is_mounted_and_requests_are_in_order(
    connection: Connection, contracts: Contracts
) -> None:
    good = ["open", "waiting", "not_asked_well", "withdrawn", "authorised", "retired"]
    bad = ["none", "restricted", "unmounted", "overdue", "future"]
    out = [
        _department("county", level="县级"),
        _department("party", is_government_department=False),
        _department("closed", status="撤销"),
    ]
    deliver(connection, contracts, "institution_staffing__department", [_department(code) for code in good + bad] + out)
    on_request = {"sharing_type": "有条件共享"}
    resources = [
        _resource("o1", "open"),
        _resource("o2", "open", sharing_type="不予共享", is_mounted=False),
        *(_resource(f"{code}1", code, **on_request) for code in ("waiting", "not_asked_well", "withdrawn")),
        *(_resource(f"{code}1", code, **on_request) for code in ("authorised", "overdue")),
        _resource("r1", "retired"),
        _resource("r2", "retired", is_mounted=False, status="停用"),
        _resource("n1", "restricted", sharing_type="不予共享"),
        _resource("u1", "unmounted"),
        _resource("u2", "unmounted", is_mounted=False),
        _resource("f1", "future", published_on=AFTER),
    ]
    deliver(connection, contracts, "big_data_center__resource_catalogue", resources)
    # 2021-09-18 (Saturday) and 09-26 (Sunday) were worked, 09-20 and 09-21 were holidays: ten working days
    # after 2021-09-16 is 2021-09-30
    requests = [
        _request("waiting1", "2021-09-16 09:00+08"),
        _request("overdue1", "2021-09-15 23:59+08"),
        _request("not_asked_well1", "2021-01-04 09:00+08", is_within_condition=False),
        _request("withdrawn1", "2021-01-04 09:00+08", withdrawn_on=AS_OF),
        _request("authorised1", "2021-01-04 09:00+08", is_authorised=True, decided_at="2021-03-01 09:00+08"),
        _request("o1", "2021-01-04 09:00+08"),
    ]
    deliver(connection, contracts, "big_data_center__sharing_request", requests)
    assert values(connection, "dept_sharing_rate") == {"gov_departments": 11, "sharing_departments": 6}
    judged = {
        code: (is_sharing, reason)
        for code, is_sharing, reason in connection.execute(
            "select department_code, is_sharing, reason from catalogue.int_department__sharing"
        )
    }
    assert {code for code, (is_sharing, _) in judged.items() if is_sharing} == set(good)
    assert judged["none"][1] == "没有编制在用的信息资源目录"
    assert judged["restricted"][1] == "只有不予共享的资源（1 项），按默认口径不算提供共享"
    assert judged["unmounted"][1] == "无条件共享资源 2 项中 1 项未挂接数据"
    assert judged["overdue"][1] == "符合条件的共享申请 1 件超过 10 个工作日未授权"
    counted = values(connection, "dept_sharing_rate", parameters={"restricted_only_departments_count": "yes"})
    assert counted["sharing_departments"] == 7


def test_sharing_is_undetermined_when_the_calendar_does_not_reach(connection: Connection, contracts: Contracts) -> None:
    day = date(2027, 3, 31)
    deliver(connection, contracts, "institution_staffing__department", [_department("a")], as_of=day)
    resource = _resource("a1", "a", sharing_type="有条件共享")
    deliver(connection, contracts, "big_data_center__resource_catalogue", [resource], as_of=day)
    deliver(
        connection, contracts, "big_data_center__sharing_request", [_request("a1", "2027-03-30 09:00+08")], as_of=day
    )
    found = operands(connection, "dept_sharing_rate", as_of=day)
    assert found["gov_departments"] == (1, None)
    value, reason = found["sharing_departments"]
    assert value is None
    assert reason is not None
    assert "工作日历" in reason


def _payment(person: int, code: str | None, period: str = "202109", **facts: Any) -> dict[str, Any]:
    return {
        "person_no": f"GR{next(_numbers)}",
        "name": f"人{person}",
        "uscc": code,
        "employer_name": "甲",
        "insurance_type": "城镇职工基本养老保险",
        "period": period,
        "payment_kind": "正常",
        "status": "参保缴费",
        "_of": {"person": subject(person)} if person else {},
    } | facts


def test_new_it_employees_are_persons_paid_for_by_listed_industries_in_the_last_ended_month(
    connection: Connection, contracts: Contracts
) -> None:
    insurance, classes = "human_resources__social_insurance", "statistics__strategic_industry_class"
    deliver(connection, contracts, "market_regulation__enterprise", [])
    industries = {CODE: "6513", OTHER: "3985", FAR: "6511"}
    _hold(connection, [{"uscc": code, "name": "甲", "industry_code": of} for code, of in industries.items()])
    # two entities on one code: the employer is the one of its name
    _hold(
        connection, [{"uscc": LATE, "name": name, "industry_code": of} for name, of in (("甲", "5211"), ("乙", "6513"))]
    )
    rows = [
        _payment(1, CODE),
        _payment(1, OTHER),
        _payment(2, CODE),
        _payment(2, CODE, payment_kind="补缴"),
        _payment(3, OTHER),
        _payment(4, LATE, employer_name="乙"),
        _payment(5, LATE),
        _payment(6, FAR),
        _payment(7, None),
        _payment(8, CODE, insurance_type="失业保险"),
        _payment(9, CODE, status="暂停缴费"),
        _payment(10, CODE, "202108"),
        # nobody knows who this is
        _payment(0, CODE),
    ]
    deliver_linked(connection, contracts, insurance, rows)
    missing = operands(connection, "newgen_it_employment_share")
    assert missing["newgen_it_employees"] == (None, "尚未报送：战略性新兴产业与国民经济行业对照表")
    assert missing["total_employed"] == (None, "尚未报送：年度统计指标")
    listed = [("新一代信息技术产业", "6513", False), ("新一代信息技术产业", "3985", True), ("生物产业", "6511", False)]
    deliver(
        connection,
        contracts,
        classes,
        [
            {"industry_group": group, "strategic_code": "1.3", "industry_code": of, "is_partial": partial}
            for group, of, partial in listed
        ],
    )
    employed = {"indicator_name": "总就业人口", "unit": "万人", "published_on": date(2021, 3, 1)}
    deliver(connection, contracts, "statistics__annual_indicator", [_statistic("2020", 0.01) | employed])
    indicator = "newgen_it_employment_share"
    assert values(connection, indicator) == {"newgen_it_employees": 4, "total_employed": 100}
    whole_only = values(connection, indicator, parameters={"newgen_it_partial_classes_count": "no"})
    assert whole_only["newgen_it_employees"] == 3
    # October counts when it has ended
    deliver_linked(connection, contracts, insurance, [_payment(11, CODE, "202110")], as_of=date(2021, 9, 30))
    assert values(connection, indicator, as_of=date(2021, 10, 30))["newgen_it_employees"] == 4
    assert values(connection, indicator, as_of=date(2021, 10, 31))["newgen_it_employees"] == 1
