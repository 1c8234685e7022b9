"""Operands of safeguards and local features (tables 五 and 六 of annex 2), by hand on both sides of what counts."""

from __future__ import annotations

import itertools
from datetime import date
from decimal import Decimal
from typing import Any

from connectors.contract import Contracts
from connectors.database import Connection
from tests.integration.modelled import AS_OF, deliver, operands, periods, values

BEFORE, AFTER = date(2020, 1, 1), date(2021, 10, 1)
_numbers = itertools.count(1)

_MISSING = {
    "institution_mechanism": 5,
    "planning": 9,
    "talent_guarantee": 6,
    "funding": 4,
    "supported_projects": 1,
    "security_incident_deduction": 1,
    "pilot_programmes": 2,
    "publicity_experience": 2,
    "innovation_demonstration": 2,
    "smart_community_coverage": 2,
}


def test_operands_are_null_with_reason_when_never_delivered(modelled: Connection) -> None:
    for indicator, count in _MISSING.items():
        found = operands(modelled, indicator)
        assert len(found) == count
        assert all(value is None and reason and reason.startswith("尚未报送：") for value, reason in found.values())


def _evidence(indicator: str, item: str, **facts: Any) -> dict[str, Any]:
    return {
        "evidence_no": str(next(_numbers)),
        "indicator_id": indicator,
        "item_code": item,
        "document_no": "威政发〔2020〕1号",
        "title": item,
        "issued_on": BEFORE,
        "expires_on": None,
        "is_satisfied": True,
    } | facts


def test_checklist_items_hold_when_evidence_is_satisfied_issued_and_not_expired(
    modelled: Connection, contracts: Contracts
) -> None:
    mechanism = "institution_mechanism"
    rows = [
        _evidence(mechanism, "leading_group_by_top_leader", issued_on=AS_OF),
        _evidence(mechanism, "authority_coordinates", expires_on=AFTER),
        _evidence(mechanism, "operator_unified", expires_on=AS_OF),
        _evidence(mechanism, "project_mgmt_in_appraisal", issued_on=AFTER),
        _evidence(mechanism, "regular_meetings", is_satisfied=False),
        _evidence("talent_guarantee", "training", is_satisfied=False),
        _evidence("talent_guarantee", "training"),
        # of another indicator: counts nowhere
        _evidence("talent_guarantee", "special_fund"),
        _evidence("planning", "talent_plan"),
        # the stricter wording implies the looser one, never the other way
        _evidence("planning", "annual_plan_clear"),
        _evidence("planning", "task_division"),
        _evidence("planning", "assessment_mechanism_complete", expires_on=BEFORE),
        _evidence("planning", "assessment_mechanism"),
    ]
    deliver(modelled, contracts, "big_data_center__evidence", rows)
    assert operands(modelled, mechanism) == {
        "leading_group_by_top_leader": (1, None),
        "authority_coordinates": (1, None),
        "operator_unified": (0, "“由智慧城市运营机构统一运营”的佐证已失效或评定为不满足"),
        "project_mgmt_in_appraisal": (0, None),
        "regular_meetings": (0, "“定期召开智慧城市专题工作会议”的佐证已失效或评定为不满足"),
    }
    assert values(modelled, "planning") == {
        "top_plan_published": 0,
        "sector_region_plans": 0,
        "annual_plan": 1,
        "annual_plan_clear": 1,
        "task_division": 1,
        "task_division_detailed": 0,
        "assessment_mechanism": 1,
        "assessment_mechanism_complete": 0,
        "annual_summary": 0,
    }
    talent = values(modelled, "talent_guarantee")
    assert {item for item, value in talent.items() if value} == {"training"}
    found = operands(modelled, "funding")
    assert found["special_fund"] == (0, None)
    assert found["social_capital_wan_yuan"] == (None, "尚未报送：智慧城市项目投资台账")


def test_social_capital_is_of_the_as_of_year(modelled: Connection, contracts: Contracts) -> None:
    def investment(project: str, year: str, source: str, amount: str) -> dict[str, Any]:
        return {"project_no": project, "year": year, "fund_source": source, "amount_wan_cny": Decimal(amount)}

    deliver(modelled, contracts, "finance__smart_city_investment", [])
    assert operands(modelled, "funding")["social_capital_wan_yuan"] == (0, None)
    rows = [
        investment("1", "2021", "社会资本", "4999.99"),
        investment("2", "2021", "社会资本", "0.01"),
        investment("1", "2021", "财政资金", "800"),
        investment("1", "2020", "社会资本", "900"),
    ]
    deliver(modelled, contracts, "finance__smart_city_investment", rows)
    assert values(modelled, "funding")["social_capital_wan_yuan"] == 5000
    assert periods(modelled, "funding")["social_capital_wan_yuan"] == "2021"


def test_supported_projects_count_once_over_funds_and_departments(modelled: Connection, contracts: Contracts) -> None:
    def project(name: str, unit: str = "甲公司", **facts: Any) -> dict[str, Any]:
        return {
            "project_name": name,
            "unit_name": unit,
            "special_fund": "一",
            "year": "2021",
            "field": "大数据",
        } | facts

    lists = {
        "development_reform": [project("一"), project("一", special_fund="二"), project("一", "乙公司")],
        "finance": [project("一", field="人工智能"), project("二", field="其他")],
        "industry_it": [project("三", year="2020"), project("四", year="2022")],
        "commerce": [project("五", field=None), project("六", field="工业互联网"), project("七", field="智慧城市")],
    }
    for department, rows in lists.items():
        deliver(modelled, contracts, f"{department}__supported_project", rows)
    reason = "尚未报送：获专项支持项目清单（市科技局）"
    assert operands(modelled, "supported_projects") == {"count": (None, reason)}
    deliver(modelled, contracts, "science_technology__supported_project", [])
    assert values(modelled, "supported_projects") == {"count": 5}
    only_listed = {"supported_projects_of_other_fields": "no"}
    assert values(modelled, "supported_projects", parameters=only_listed) == {"count": 4}


def test_incidents_of_the_year_to_date_count_by_number(modelled: Connection, contracts: Contracts) -> None:
    def incident(number: str, occurred_on: date, nature: str = "失泄密") -> dict[str, Any]:
        return {"incident_no": number, "occurred_on": occurred_on, "nature": nature, "status": "处理中"}

    rows = [
        incident("1", date(2021, 1, 1)),
        incident("2", AS_OF) | {"_key": "a"},
        incident("2", AS_OF) | {"_key": "b", "status": "已办结"},
        incident("3", date(2020, 12, 31)),
        incident("4", AFTER),
        incident("5", AS_OF, "其他"),
    ]
    deliver(modelled, contracts, "cyberspace__security_incident", rows)
    assert values(modelled, "security_incident_deduction") == {"incident_count": 2}
    assert periods(modelled, "security_incident_deduction") == {"incident_count": "2021-01-01/2021-09-30"}
    assert values(modelled, "security_incident_deduction", as_of=date(2022, 1, 1)) == {"incident_count": 0}


def test_pilot_of_two_levels_counts_at_the_higher(modelled: Connection, contracts: Contracts) -> None:
    def pilot(name: str, level: str, **facts: Any) -> dict[str, Any]:
        number = str(next(_numbers))
        return {"pilot_no": number, "name": name, "level": level, "approved_on": BEFORE, "status": "在用"} | facts

    rows = [
        pilot("甲", "国家级"),
        pilot("甲", "省级"),
        pilot("乙", "省级", approved_on=AS_OF, status=None),
        pilot("乙", "省级"),
        pilot("丙", "省级", approved_on=AFTER),
        pilot("丁", "国家级", status="撤销"),
        pilot("戊", "市级"),
    ]
    deliver(modelled, contracts, "big_data_center__pilot", rows)
    assert values(modelled, "pilot_programmes") == {"national_pilots": 1, "provincial_pilots": 1}
    both = values(modelled, "pilot_programmes", parameters={"pilot_at_two_levels": "both"})
    assert both == {"national_pilots": 1, "provincial_pilots": 2}


def test_publicity_counts_within_two_years_at_province_or_above(modelled: Connection, contracts: Contracts) -> None:
    def activity(kind: str, held_on: date, level: str = "省级") -> dict[str, Any]:
        return {"activity_no": str(next(_numbers)), "title": "展", "kind": kind, "level": level, "held_on": held_on}

    event, exhibit = "宣传体验活动", "省数据大厅展示"
    rows = [
        activity(event, AS_OF, "国家级"),
        activity(event, date(2019, 10, 1)),
        activity(event, date(2019, 9, 30)),
        activity(event, BEFORE, "市级"),
        activity(exhibit, BEFORE),
        activity(exhibit, AFTER),
    ]
    deliver(modelled, contracts, "big_data_center__publicity", rows)
    assert values(modelled, "publicity_experience") == {"activities": 2, "province_hall_exhibits": 1}
    assert periods(modelled, "publicity_experience")["activities"] == "2019-10-01/2021-09-30"


def test_promoted_experience_counts_at_each_level(modelled: Connection, contracts: Contracts) -> None:
    def experience(number: str, level: str, **facts: Any) -> dict[str, Any]:
        return {"experience_no": number, "level": level, "field": "优政", "promoted_on": BEFORE} | facts

    rows = [
        experience("1", "省级"),
        experience("1", "国家级", promoted_on=AS_OF),
        experience("2", "省级", field="惠民"),
        experience("3", "省级", field=None),
        experience("4", "省级", promoted_on=AFTER, field="兴业"),
        experience("5", "市级"),
    ]
    deliver(modelled, contracts, "big_data_center__demonstration", rows)
    assert values(modelled, "innovation_demonstration") == {"provincial_promoted": 2, "national_promoted": 1}


def test_smart_communities_count_in_the_list_and_in_use(modelled: Connection, contracts: Contracts) -> None:
    def community(code: str, kind: str = "社区居委会", status: str | None = "在用") -> dict[str, Any]:
        return {"community_code": code, "name": code, "kind": kind, "status": status}

    def smart(code: str, level: str = "省级", **facts: Any) -> dict[str, Any]:
        return {"community_code": code, "level": level, "recognised_on": BEFORE, "status": "在用"} | facts

    deliver(modelled, contracts, "big_data_center__smart_community", [])
    assert operands(modelled, "smart_community_coverage")["smart_communities"] == (None, "尚未报送：社区名录")
    codes = [f"37100200100{n}" for n in range(9)]
    communities = [community(code) for code in codes[:5]]
    communities += [community(codes[5], "村委会"), community(codes[6], status="撤销"), community(codes[7], status=None)]
    deliver(modelled, contracts, "civil_affairs__community", communities)
    recognised = [
        smart(codes[0]),
        smart(codes[0], "国家级"),
        smart(codes[1], "市级", recognised_on=AS_OF, status=None),
        smart(codes[2], recognised_on=AFTER),
        smart(codes[3], status="撤销"),
        smart(codes[5]),
        smart(codes[6]),
        smart(codes[8]),
    ]
    deliver(modelled, contracts, "big_data_center__smart_community", recognised)
    assert values(modelled, "smart_community_coverage") == {"smart_communities": 2, "communities": 6}
