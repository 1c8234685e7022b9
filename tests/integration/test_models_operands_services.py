"""Operands of tables one to three, computed by hand on both sides of what counts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from connectors.contract import Contracts
from connectors.database import Connection
from tests.integration.modelled import AS_OF, deliver, operands, periods, values

BEFORE, AFTER = date(2020, 1, 1), date(2021, 10, 1)
YEAR_AGO, DAY_AFTER = date(2020, 9, 30), date(2020, 10, 1)
Rows = Sequence[dict[str, Any]]
BY_DEPARTMENT = {
    "social_ins_crossregion_items": ("cross_region_service", ("human_resources", "medical_security")),
    "home_energy_metering": ("smart_meter", ("water_group", "power_supply", "housing_construction")),
    "pipeline_smart_monitoring_rate": ("utility_pipeline", ("water_group", "power_supply", "housing_construction")),
    "software_revenue_gdp_ratio": (
        "software_revenue",
        ("industry_it", "china_mobile", "china_unicom", "china_telecom", "broadcast_network"),
    ),
}


def deliver_each(connection: Connection, contracts: Contracts, indicator: str, **rows: Rows) -> None:
    """Deliver an extract of several departments; those that are not named deliver nothing in it."""
    extract, departments = BY_DEPARTMENT[indicator]
    for department in departments:
        deliver(connection, contracts, f"{department}__{extract}", rows.get(department, ()))


def statistic(name: str, unit: str, year: str, value: float, **facts: Any) -> dict[str, Any]:
    return {
        "indicator_name": name,
        "unit": unit,
        "region_code": "371000",
        "year": year,
        "value": value,
        "published_on": date(int(year) + 1, 2, 1),
    } | facts


@pytest.mark.parametrize(
    "indicator",
    [
        "employment_service_channels", "ai_shandong_app_rank", "bus_arrival_forecast", "smart_lighting_rate",
        "social_ins_crossregion_items", "smart_campus_coverage", "hospital_smart_service",
        "realtime_signal_junction_rate", "transit_epayment_rate", "home_energy_metering", "env_monitoring_rate",
        "emergency_command_rate", "grid_integration_depts", "pipeline_smart_monitoring_rate",
        "credit_realtime_sharing_rate", "building_energy_submetering_rate", "software_revenue_gdp_ratio",
        "invention_patents_growth",
    ],
)  # fmt: skip
def test_operands_are_those_of_the_rules_and_null_with_reason_when_never_delivered(
    modelled: Connection, indicator: str
) -> None:
    found = operands(modelled, indicator)
    named = modelled.execute(
        "select array_agg(operand.value ->> 'name') from mart.indicator,"
        " jsonb_array_elements(operands) as operand (value) where indicator_id = %s",
        (indicator,),
    ).fetchone()
    assert named is not None
    assert sorted(found) == sorted(named[0])
    for value, reason in found.values():
        assert value is None
        assert reason is not None
        assert reason.startswith("尚未报送：")


@pytest.mark.parametrize("indicator", BY_DEPARTMENT)
def test_operands_are_null_when_one_department_has_not_delivered(
    modelled: Connection, contracts: Contracts, indicator: str
) -> None:
    extract, departments = BY_DEPARTMENT[indicator]
    deliver(modelled, contracts, "statistics__annual_indicator", [])
    for department in departments[:-1]:
        deliver(modelled, contracts, f"{department}__{extract}", [])
    for operand, (value, reason) in operands(modelled, indicator).items():
        assert value is None, operand
        if operand != "households":
            assert reason is not None
            assert reason.startswith("尚未报送："), operand
            assert "、" not in reason, operand


def test_nothing_is_zero_for_registers_and_null_for_years_when_nothing_matches(
    modelled: Connection, contracts: Contracts
) -> None:
    for indicator in BY_DEPARTMENT:
        deliver_each(modelled, contracts, indicator)
    for contract_id in (
        "bus_group__ridership", "emergency__incident", "statistics__annual_indicator", "natural_resources__area",
        "ecology__monitoring_coverage", "market_regulation__invention_patent", "big_data_center__app_ranking",
        "housing_construction__public_building",
    ):  # fmt: skip
        deliver(modelled, contracts, contract_id, [])
    for indicator in ("transit_epayment_rate", "emergency_command_rate", "building_energy_submetering_rate"):
        assert set(values(modelled, indicator).values()) == {0}, indicator
    assert set(values(modelled, "pipeline_smart_monitoring_rate").values()) == {0}
    assert values(modelled, "social_ins_crossregion_items") == {"networked_item_count": 0}
    assert values(modelled, "home_energy_metering") == {
        "households": None,
        "smart_water_meters": 0,
        "smart_power_meters": 0,
        "smart_gas_meters": 0,
    }
    for indicator in (
        "env_monitoring_rate", "software_revenue_gdp_ratio", "invention_patents_growth", "ai_shandong_app_rank",
    ):  # fmt: skip
        for value, reason in operands(modelled, indicator).values():
            assert value is None
            assert reason is not None
            assert "没有" in reason


def test_employment_channels_count_by_kind_when_in_use_and_online(modelled: Connection, contracts: Contracts) -> None:
    def channel(kind: str | None, name: str, **facts: Any) -> dict[str, Any]:
        return {"channel_kind": kind, "channel_name": name, "online_on": BEFORE, "status": "在用"} | facts

    rows = [
        channel("手机APP", "甲"),
        channel("手机APP", "乙"),
        channel("互联网", "丙", online_on=AS_OF),
        channel("政务微信", "丁", online_on=AFTER),
        channel("政务微博", "戊", status="停用"),
        channel("电话热线", "己", online_on=None, status=None),
        channel("其他", "庚"),
        channel(None, "辛"),
    ]
    deliver(modelled, contracts, "human_resources__employment_channel", rows)
    assert values(modelled, "employment_service_channels") == {"channel_count": 4}
    listed_only = {"other_channel_kind_counts": "no"}
    assert values(modelled, "employment_service_channels", parameters=listed_only) == {"channel_count": 3}


def test_app_rank_is_that_of_the_latest_published_period(modelled: Connection, contracts: Contracts) -> None:
    def ranking(period: str, rank: int, published: date) -> dict[str, Any]:
        return {"period": period, "province_rank": rank, "published_on": published}

    rows = [
        ranking("202107", 7, date(2021, 8, 10)),
        ranking("202108", 4, AS_OF),
        ranking("202109", 2, AFTER),
    ]
    deliver(modelled, contracts, "big_data_center__app_ranking", rows)
    assert operands(modelled, "ai_shandong_app_rank") == {"province_rank": (4, None)}
    assert periods(modelled, "ai_shandong_app_rank") == {"province_rank": "202108"}
    assert values(modelled, "ai_shandong_app_rank", as_of=AFTER) == {"province_rank": 2}


def test_bus_lines_count_everywhere_and_stops_in_the_city_when_in_use(
    modelled: Connection, contracts: Contracts
) -> None:
    lines = [
        {"line_code": "1", "has_realtime_forecast": True, "status": "在用"},
        {"line_code": "2", "has_realtime_forecast": False, "status": None},
        {"line_code": "3", "has_realtime_forecast": True, "status": "停用"},
    ]
    deliver(modelled, contracts, "bus_group__bus_line", lines)
    half = operands(modelled, "bus_arrival_forecast")
    assert half["realtime_forecast_lines"] == (1, None)
    assert half["urban_bus_stops"] == (None, "尚未报送：公交站点与电子站牌")
    stops = [
        {"stop_code": "1", "is_urban": True, "sign_kind": "电子站牌"},
        {"stop_code": "1", "is_urban": True, "sign_kind": "普通站牌", "_key": "twin"},
        {"stop_code": "2", "is_urban": True, "sign_kind": "普通站牌"},
        {"stop_code": "3", "is_urban": False, "sign_kind": "电子站牌"},
        {"stop_code": "4", "is_urban": True, "sign_kind": "电子站牌", "status": "拆除"},
        {"stop_code": "5", "is_urban": True, "sign_kind": None},
    ]
    deliver(modelled, contracts, "bus_group__bus_stop", stops)
    assert values(modelled, "bus_arrival_forecast") == {
        "bus_lines": 2,
        "realtime_forecast_lines": 1,
        "urban_bus_stops": 3,
        "esign_equivalent_stops": 1,
    }


def test_lights_count_by_name_when_urban_and_in_use(modelled: Connection, contracts: Contracts) -> None:
    def component(code: int, name: str, **facts: Any) -> dict[str, Any]:
        return {"component_code": f"{code:016d}", "name": name, "is_urban": True, "is_smart_controlled": True} | facts

    rows = [
        component(1, "路灯"),
        component(2, "景观灯", is_smart_controlled=False),
        component(3, "景观灯", is_smart_controlled=None),
        component(4, "井盖"),
        component(5, "路灯", is_urban=False),
        component(6, "路灯", status="报废"),
    ]
    deliver(modelled, contracts, "housing_construction__city_component", rows)
    assert values(modelled, "smart_lighting_rate") == {"public_lights": 3, "smart_controlled_public_lights": 1}


def test_insurance_items_count_once_over_both_departments_when_listed(
    modelled: Connection, contracts: Contracts
) -> None:
    def service(item: str, level: str = "省级", **facts: Any) -> dict[str, Any]:
        return {"item_name": item, "platform_level": level, "connected_on": BEFORE, "status": "在用"} | facts

    deliver_each(
        modelled,
        contracts,
        "social_ins_crossregion_items",
        human_resources=[
            service("社保关系转移"),
            service("社保关系转移", "部级"),
            service("养老保险待遇状态比对查询", connected_on=AFTER),
            service("失业保险关系转移"),
        ],
        medical_security=[
            service("国家异地就医结算", connected_on=None),
            service("社保关系转移"),
            service("异地居住人员领取社会保险待遇资格协助认证", status="停用"),
        ],
    )
    assert values(modelled, "social_ins_crossregion_items") == {"networked_item_count": 2}
    assert values(modelled, "social_ins_crossregion_items", as_of=AFTER) == {"networked_item_count": 3}


def test_schools_hospitals_and_junctions_count_by_kind_when_in_use(modelled: Connection, contracts: Contracts) -> None:
    stages = ("小学", "初中", "高中", "九年一贯制", "完全中学", "职业院校", "幼儿园", "高等院校", "特殊教育")
    schools = [{"school_code": stage, "stage": stage, "is_smart_campus": stage != "小学"} for stage in stages]
    schools.append({"school_code": "撤", "stage": "小学", "is_smart_campus": True, "status": "撤销"})
    deliver(modelled, contracts, "education__school", schools)
    assert values(modelled, "smart_campus_coverage") == {"schools": 6, "smart_campuses": 5}

    def hospital(code: str, emr: int | None, service: int | None, **facts: Any) -> dict[str, Any]:
        levels = {"emr_level": emr, "smart_service_level": service}
        return {"institution_code": code, "grade": "二级", "is_public": True, **levels} | facts

    hospitals = [
        hospital("1", 4, 2, grade="三级"),
        hospital("2", 3, 4),
        hospital("3", 2, 5),
        hospital("4", None, 3),
        hospital("5", 5, 5, is_public=False),
        hospital("6", 5, 5, grade="一级"),
        hospital("7", 5, 5, status="停用"),
    ]
    deliver(modelled, contracts, "health__hospital", hospitals)
    names = ("public_hospitals_grade2plus", "public_hospitals_level_ge3", "public_hospitals_level_ge4")
    assert values(modelled, "hospital_smart_service") == dict(zip(names, (4, 2, 1), strict=True))
    other = values(modelled, "hospital_smart_service", parameters={"hospital_level_scheme": "smart_service_level"})
    assert other == dict(zip(names, (4, 3, 2), strict=True))

    def junction(code: str, **facts: Any) -> dict[str, Any]:
        return {"junction_code": code, "is_branch_road": False, "has_realtime_signal": True} | facts

    junctions = [
        junction("1"),
        junction("2", has_realtime_signal=False),
        junction("3", is_branch_road=True),
        junction("4", status="拆除"),
    ]
    deliver(modelled, contracts, "traffic_police__junction", junctions)
    signals = values(modelled, "realtime_signal_junction_rate")
    assert signals == {"major_junctions": 2, "realtime_signal_junctions": 1}


def test_urban_trips_count_from_new_year_and_are_estimated_when_a_part_is(
    modelled: Connection, contracts: Contracts
) -> None:
    def rides(day: date, kind: str | None, trips: int, **facts: Any) -> dict[str, Any]:
        return {"ride_date": day, "payment_kind": kind, "trips": trips, "is_urban": True, "is_estimated": False} | facts

    rows = [
        rides(date(2021, 1, 1), "一卡通", 1),
        rides(AS_OF, "移动支付", 20),
        rides(AS_OF, "NFC", 300),
        rides(AS_OF, "其他", 4_000),
        rides(AS_OF, None, 50_000, _key="unknown kind"),
        rides(date(2020, 12, 31), "一卡通", 600_000),
        rides(AFTER, "一卡通", 600_000),
        rides(AS_OF, "一卡通", 600_000, is_urban=False),
    ]
    deliver(modelled, contracts, "bus_group__ridership", rows)

    def estimated(**run: Any) -> dict[str, tuple[Decimal, bool]]:
        found = values(modelled, "transit_epayment_rate", **run)
        flags = dict(modelled.execute("select operand, is_estimated from mart.ind_transit_epayment_rate").fetchall())
        return {operand: (value or Decimal(0), flags[operand]) for operand, value in found.items()}

    assert estimated() == {"transit_trips": (54_321, False), "epay_trips": (321, False)}
    assert set(periods(modelled, "transit_epayment_rate").values()) == {"2021-01-01/2021-09-30"}
    deliver(modelled, contracts, "bus_group__ridership", [rides(AS_OF, "现金", 700_000, is_estimated=True)])
    assert estimated() == {"transit_trips": (754_321, True), "epay_trips": (321, False)}


def test_meters_count_by_utility_once_when_household_remote_and_in_use(
    modelled: Connection, contracts: Contracts
) -> None:
    def meter(number: str, utility: str = "水", **facts: Any) -> dict[str, Any]:
        return {"meter_no": number, "utility": utility, "is_household": True, "is_remote": True} | facts

    deliver(
        modelled,
        contracts,
        "statistics__annual_indicator",
        [statistic("总户数", "万户", "2020", 0.0123), statistic("总户数", "户", "2019", 5)],
    )
    deliver_each(
        modelled,
        contracts,
        "home_energy_metering",
        water_group=[
            meter("1"),
            meter("2"),
            meter("2", _key="twin"),
            meter("3", is_household=False),
            meter("4", is_remote=False),
            meter("5", status="停用"),
            meter("6", is_remote=None),
        ],
        power_supply=[meter("1", "电")],
        housing_construction=[
            meter("1", "气"),
            meter("2", "气"),
            meter("3", "气"),
            meter("9", "热"),
            meter("1", _key="water"),
        ],
    )
    assert values(modelled, "home_energy_metering") == {
        "households": 123,
        "smart_water_meters": 2,
        "smart_power_meters": 1,
        "smart_gas_meters": 3,
    }
    assert periods(modelled, "home_energy_metering")["households"] == "2020"
    early = values(modelled, "home_energy_metering", parameters={"annual_period": "as_of_year"})
    assert early["households"] is None


def test_monitored_areas_are_of_one_year_when_an_element_is_behind(modelled: Connection, contracts: Contracts) -> None:
    def coverage(element: str, year: str, value: float) -> dict[str, Any]:
        return {"element": element, "year": year, "covered_area_sqkm": value}

    areas = [
        {"area_kind": "行政区域", "division_code": code, "year": year, "area_sqkm": value}
        for code, year, value in (("371000", "2019", 5_799), ("371000", "2020", 5_800), ("371002", "2019", 991))
    ]
    areas.append({"area_kind": "城区", "division_code": "371000", "year": "2019", "area_sqkm": 300})
    deliver(modelled, contracts, "natural_resources__area", areas)
    rows = [coverage("空气", "2020", 90), coverage("水体", "2020", 80), coverage("噪声", "2019", 1)]
    deliver(
        modelled,
        contracts,
        "ecology__monitoring_coverage",
        [*rows, coverage("空气", "2019", 3), coverage("水体", "2019", 2)],
    )
    names = ("region_area", "air_monitored_area", "water_monitored_area", "noise_monitored_area")
    assert values(modelled, "env_monitoring_rate") == dict(zip(names, (5_799, 3, 2, 1), strict=True))
    assert set(periods(modelled, "env_monitoring_rate").values()) == {"2019"}
    deliver(modelled, contracts, "ecology__monitoring_coverage", [coverage("噪声", "2020", 70)])
    assert values(modelled, "env_monitoring_rate") == dict(zip(names, (5_800, 90, 80, 70), strict=True))


def test_emergencies_count_for_twelve_months_when_commanded_and_closed(
    modelled: Connection, contracts: Contracts
) -> None:
    def incident(number: str, occurred: str, **facts: Any) -> dict[str, Any]:
        return {
            "incident_no": number,
            "category": "自然灾害",
            "occurred_at": occurred,
            "is_commanded_by_system": True,
            "closed_on": AS_OF,
        } | facts

    rows = [
        incident("1", f"{YEAR_AGO} 23:59+08"),
        incident("2", f"{DAY_AFTER} 00:00+08"),
        incident("3", f"{AS_OF} 23:59+08", category="事故灾难"),
        incident("4", "2021-05-01 08:00+08", category="社会安全事件", is_commanded_by_system=False),
        incident("5", "2021-05-01 08:00+08", closed_on=None),
        incident("6", "2021-05-01 08:00+08", closed_on=AFTER),
        incident("7", "2021-05-01 08:00+08", category="公共卫生事件"),
        incident("8", f"{AFTER} 00:00+08"),
        incident("2", f"{DAY_AFTER} 00:00+08", _key="twin"),
    ]
    deliver(modelled, contracts, "emergency__incident", rows)
    names = ("city_emergency_events", "events_commanded_by_system")
    assert values(modelled, "emergency_command_rate") == dict(zip(names, (5, 2), strict=True))
    assert set(periods(modelled, "emergency_command_rate").values()) == {f"{DAY_AFTER}/{AS_OF}"}
    wider = values(modelled, "emergency_command_rate", parameters={"public_health_incidents_count": "yes"})
    assert wider == dict(zip(names, (6, 3), strict=True))


def test_grid_departments_count_once_when_merged_by_the_date(modelled: Connection, contracts: Contracts) -> None:
    rows = [
        {"department_name": "甲", "merged_on": AS_OF, "status": "在用"},
        {"department_name": "乙", "merged_on": BEFORE, "status": "已融合"},
        {"department_name": "乙", "merged_on": BEFORE, "status": "在用", "_key": "twin"},
        {"department_name": "丙", "merged_on": AFTER, "status": "在用"},
        {"department_name": "丁", "merged_on": BEFORE, "status": "撤销"},
    ]
    deliver(modelled, contracts, "political_legal__grid_department", rows)
    assert values(modelled, "grid_integration_depts") == {"merged_dept_count": 2}


def test_pipes_are_measured_in_kilometres_by_utility_when_in_use(modelled: Connection, contracts: Contracts) -> None:
    def segment(code: str, utility: str, metres: float, monitored: bool = True, **facts: Any) -> dict[str, Any]:
        return {"segment_code": code, "utility": utility, "length_m": metres, "is_monitored": monitored} | facts

    deliver_each(
        modelled,
        contracts,
        "pipeline_smart_monitoring_rate",
        water_group=[
            segment("1", "水", 1_234.5),
            segment("2", "水", 1_000, monitored=False),
            segment("3", "水", 9_000, status="废止"),
            segment("2", "水", 1_000, monitored=False, _key="twin"),
        ],
        power_supply=[segment("1", "电", 1)],
        housing_construction=[
            segment("1", "水", 765.5),
            segment("2", "热", 50),
            segment("3", "气", 20, monitored=False),
        ],
    )
    assert values(modelled, "pipeline_smart_monitoring_rate") == {
        "water_pipe_km": 3,
        "monitored_water_pipe_km": 2,
        "power_line_km": Decimal("0.001"),
        "monitored_power_line_km": Decimal("0.001"),
        "gas_pipe_km": Decimal("0.02"),
        "monitored_gas_pipe_km": 0,
    }


def test_credit_units_share_when_they_reported_within_seven_working_days(
    modelled: Connection, contracts: Contracts
) -> None:
    # 2021-09-20 and 09-21 were holidays, 09-18 and 09-26 were worked: seven working days after 2021-09-22 is 09-30
    def unit(code: str, reported: str | None, **facts: Any) -> dict[str, Any]:
        marks = {"has_catalogue": True, "is_connected": True, "is_shared": True}
        return {"unit_code": code, **marks, "last_reported_at": reported} | facts

    rows = [
        unit("1", "2021-09-22 00:00+08"),
        unit("2", "2021-09-19 23:59+08"),
        unit("3", f"{AS_OF} 12:00+08", has_catalogue=False),
        unit("4", f"{AS_OF} 12:00+08", is_connected=False),
        unit("5", f"{AS_OF} 12:00+08", is_shared=None),
        unit("6", None),
        unit("7", f"{AS_OF} 12:00+08", status="撤销"),
        unit("8", "2018-01-01 12:00+08"),
        unit("9", f"{AS_OF} 12:00+08", status=None),
    ]
    deliver(modelled, contracts, "development_reform__credit_member_unit", rows)
    names = ("credit_system_units", "credit_sharing_units")
    assert values(modelled, "credit_realtime_sharing_rate") == dict(zip(names, (8, 2), strict=True))
    strict = values(modelled, "credit_realtime_sharing_rate", parameters={"credit_realtime_working_days": "1"})
    assert strict == dict(zip(names, (8, 1), strict=True))
    beyond = operands(modelled, "credit_realtime_sharing_rate", as_of=date(2027, 3, 31))
    assert beyond["credit_system_units"] == (8, None)
    value, reason = beyond["credit_sharing_units"]
    assert value is None
    assert reason is not None
    assert "工作日历" in reason


def test_buildings_count_from_twenty_thousand_square_metres_when_in_use(
    modelled: Connection, contracts: Contracts
) -> None:
    rows = [
        {"building_code": "1", "floor_area_sqm": 20_000, "has_submetering": True},
        {"building_code": "2", "floor_area_sqm": 19_999.99, "has_submetering": True},
        {"building_code": "3", "floor_area_sqm": 35_000, "has_submetering": False, "status": "在用"},
        {"building_code": "4", "floor_area_sqm": 35_000, "has_submetering": True, "status": "停用"},
    ]
    deliver(modelled, contracts, "housing_construction__public_building", rows)
    assert values(modelled, "building_energy_submetering_rate") == {
        "key_energy_buildings": 2,
        "submetered_key_buildings": 1,
    }


def test_own_report_beats_the_list_and_money_is_in_yi_yuan_when_revenue_is_summed(
    modelled: Connection, contracts: Contracts
) -> None:
    def report(unit: str, year: str, kind: str, revenue: float) -> dict[str, Any]:
        return {"reporting_unit": unit, "year": year, "kind": kind, "revenue_wan_cny": revenue}

    deliver_each(
        modelled,
        contracts,
        "software_revenue_gdp_ratio",
        industry_it=[
            report("甲", "2020", "软件业务", 10_000),
            report("甲", "2020", "信息技术服务", 5_000.5),
            report("移动", "2020", "电信业务", 999_999),
            report("移动", "2020", "软件业务", 999_999),
            report("移动", "2019", "电信业务", 40_000),
            report("甲", "2021", "软件业务", 1),
        ],
        china_mobile=[report("移动", "2020", "电信业务", 30_000)],
    )
    gdp = "地区生产总值"
    deliver(
        modelled,
        contracts,
        "statistics__annual_indicator",
        [
            statistic(gdp, "亿元", "2019", 2_000),
            statistic(gdp, "万元", "2020", 30_000_000),
            statistic(gdp, "亿元", "2020", 3_100, vintage="最终核实", published_on=AFTER),
        ],
    )
    assert values(modelled, "software_revenue_gdp_ratio") == {
        "software_it_revenue": Decimal("4.50005"),
        "regional_gdp": 3_000,
    }
    assert set(periods(modelled, "software_revenue_gdp_ratio").values()) == {"2020"}
    later = values(modelled, "software_revenue_gdp_ratio", as_of=AFTER)
    assert later["regional_gdp"] == 3_100


def test_patents_are_of_two_years_in_a_row_when_growth_is_asked_for(modelled: Connection, contracts: Contracts) -> None:
    def patents(year: str, count: int) -> dict[str, Any]:
        return {"year": year, "valid_inventions": count}

    people = "年末总人口"
    deliver(modelled, contracts, "market_regulation__invention_patent", [patents("2018", 10), patents("2019", 20)])
    deliver(
        modelled,
        contracts,
        "statistics__annual_indicator",
        [
            statistic(people, "万人", "2018", 290.1234),
            statistic(people, "人", "2019", 2_900_001),
            statistic(people, "万人", "2020", 290.5),
        ],
    )
    names = (
        "valid_invention_patents_end_year", "population_end_year", "valid_invention_patents_end_prev_year",
        "population_end_prev_year",
    )  # fmt: skip
    then = dict(zip(names, (20, 2_900_001, 10, 2_901_234), strict=True))
    assert values(modelled, "invention_patents_growth") == then
    assert set(periods(modelled, "invention_patents_growth").values()) == {"2019"}
    deliver(modelled, contracts, "market_regulation__invention_patent", [patents("2020", 30), patents("2021", 40)])
    now = dict(zip(names, (30, 2_905_000, 20, 2_900_001), strict=True))
    assert values(modelled, "invention_patents_growth") == now
