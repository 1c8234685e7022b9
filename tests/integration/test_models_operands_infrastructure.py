"""Operands of infrastructure indicators (table 四 of annex 2), computed by hand on both sides of what counts."""

from __future__ import annotations

import itertools
from datetime import date
from decimal import Decimal
from typing import Any

from connectors.contract import Contracts
from connectors.database import Connection
from tests.integration.modelled import AS_OF, deliver, operands, periods, values

BEFORE, AFTER = date(2020, 1, 1), date(2021, 10, 1)
OPERATORS = ("china_mobile", "china_unicom", "china_telecom", "broadcast_network")
_numbers = itertools.count(1)


_MISSING = {
    "ftth_coverage": {"fiber_households", "internet_households"},
    "mobile_download_speed": {"avg_mbps"},
    "video_crime_contribution": {"cases_solved_with_video", "criminal_cases_solved", "served_dept_count"},
    "weather_station_spacing": {"urban_area_km2", "urban_stations", "urban_station_spacing_km"},
    "video_coverage_integrity": {"hd_covered_key_areas", "key_public_areas", "working_cameras", "cameras"},
    "video_networking_rate": {"networked_cameras", "key_area_cameras"},
    "epolice_junction_rate": {"epolice_junctions", "major_junctions"},
    "broadband_200m_share": {"broadband_users_ge200m", "households"},
    "coverage_5g": {"key_areas_with_5g", "key_public_areas"},
    "map_scale_coverage": {"mapped_area_km2", "planning_area_km2"},
}


def test_operands_are_null_with_reason_when_never_delivered(modelled: Connection) -> None:
    for indicator, missing in _MISSING.items():
        found = operands(modelled, indicator)
        assert set(found) == missing
        assert all(value is None and reason and reason.startswith("尚未报送：") for value, reason in found.values())


def _account(address: str | None, **facts: Any) -> dict[str, Any]:
    return {
        "account_no": str(next(_numbers)),
        "customer_kind": "居民",
        "address_code": address,
        "access_kind": "光纤",
        "speed_mbps": 200,
        "opened_on": BEFORE,
        "status": "在用",
    } | facts


def _statistic(name: str, year: str, value: float, **facts: Any) -> dict[str, Any]:
    return {
        "indicator_name": name,
        "unit": "万户",
        "region_code": "371000",
        "year": year,
        "value": value,
        "vintage": None,
        "published_on": date(int(year) + 1, 2, 1),
    } | facts


def test_households_with_broadband_count_once_over_all_operators(modelled: Connection, contracts: Contracts) -> None:
    accounts = {
        "china_mobile": [
            _account("A"),
            _account("A", access_kind="其他", speed_mbps=1000),
            _account("B", speed_mbps=Decimal("199.99")),
            _account("C", customer_kind="企业"),
            _account("D", status="停用"),
        ],
        "china_unicom": [_account("A", speed_mbps=300), _account("E", opened_on=AS_OF, status=None)],
        "china_telecom": [_account("F", opened_on=AFTER), _account("G", access_kind="其他"), _account(None)],
        "broadcast_network": [_account("H", opened_on=None, speed_mbps=100)],
    }
    statistics = [
        _statistic("上网家庭数", "2020", Decimal("0.0006")),
        _statistic("上网家庭数", "2021", 9),
        _statistic("总户数", "2019", 8, unit="户"),
        _statistic("总户数", "2020", 9, unit="户", published_on=AFTER),
    ]
    deliver(modelled, contracts, "statistics__annual_indicator", statistics)
    for operator in OPERATORS[:3]:
        deliver(modelled, contracts, f"{operator}__broadband_user", accounts[operator])
    missing = operands(modelled, "ftth_coverage")
    assert missing["fiber_households"] == (None, "尚未报送：固定宽带用户（威海广电网络公司）")
    assert missing["internet_households"] == (6, None)
    deliver(modelled, contracts, "broadcast_network__broadband_user", accounts["broadcast_network"])
    # A by two operators, B slow, E from the day itself, G on copper, H slow
    assert values(modelled, "ftth_coverage") == {"fiber_households": 4, "internet_households": 6}
    assert periods(modelled, "ftth_coverage") == {"fiber_households": None, "internet_households": "2020"}
    assert values(modelled, "broadband_200m_share") == {"broadband_users_ge200m": 3, "households": 8}
    later = {"broadband_users_ge200m": 4, "households": 9}
    assert values(modelled, "broadband_200m_share", as_of=AFTER) == later
    early = operands(modelled, "broadband_200m_share", parameters={"annual_period": "as_of_year"})
    assert early["households"] == (None, "没有总户数已公布、且已结束的年度")


def _sample(scene: str, tested_at: str, mbps: float) -> dict[str, Any]:
    number = str(next(_numbers))
    return {"sample_no": number, "scene": scene, "site": number, "tested_at": tested_at, "download_mbps": mbps}


def test_download_speed_is_the_plain_mean_of_the_twelve_months_samples(
    modelled: Connection, contracts: Contracts
) -> None:
    samples = {
        "china_mobile": [
            _sample("三甲医院", "2021-09-30 23:59+08", 30),
            _sample("三甲医院", "2020-10-01 00:00+08", 30),
            # the day before in the city, though not in Greenwich
            _sample("三甲医院", "2020-09-30 23:59+08", 1000),
            _sample("三甲医院", "2021-10-01 00:00+08", 1000),
        ],
        "china_unicom": [_sample("交通枢纽", "2021-01-01 12:00+08", 15)],
        "china_telecom": [],
        "broadcast_network": [_sample("居民区", "2021-01-01 12:00+08", 24)],
    }
    for operator, rows in samples.items():
        deliver(modelled, contracts, f"{operator}__speed_test", rows)
    reason = "没有样本的场景：知名商圈、大型公园"
    assert operands(modelled, "mobile_download_speed") == {"avg_mbps": (Decimal("24.75"), reason)}
    assert periods(modelled, "mobile_download_speed") == {"avg_mbps": "2020-10-01/2021-09-30"}
    by_scene = {"download_speed_mean": "by_scene"}
    assert values(modelled, "mobile_download_speed", parameters=by_scene) == {"avg_mbps": 23}
    none = operands(modelled, "mobile_download_speed", as_of=date(2023, 1, 1))
    assert none == {"avg_mbps": (None, "统计时段内没有测速样本")}


def test_video_cases_are_of_the_latest_complete_year_and_departments_exclude_the_police(
    modelled: Connection, contracts: Contracts
) -> None:
    years = [
        {"year": year, "cases_solved": solved, "cases_solved_with_video": helped}
        for year, solved, helped in (("2019", 100, 90), ("2020", 80, 64), ("2021", 10, 10))
    ]
    deliver(modelled, contracts, "public_security__video_case_summary", years)
    found = operands(modelled, "video_crime_contribution")
    assert found["served_dept_count"] == (None, "尚未报送：视频图像服务部门清单")
    departments = [
        {"department_name": "市教育局", "since": AS_OF, "status": "在用"},
        {"department_name": "市应急局", "since": AFTER, "status": "在用"},
        {"department_name": "市水务局", "since": BEFORE, "status": "停用"},
        {"department_name": "市公安局", "since": BEFORE, "status": "在用"},
        {"department_name": "市林业局", "since": None, "status": None},
    ]
    deliver(modelled, contracts, "public_security__video_service_department", departments)
    assert values(modelled, "video_crime_contribution") == {
        "cases_solved_with_video": 64,
        "criminal_cases_solved": 80,
        "served_dept_count": 2,
    }
    assert values(modelled, "video_crime_contribution", as_of=date(2021, 12, 31)) == {
        "cases_solved_with_video": 10,
        "criminal_cases_solved": 10,
        "served_dept_count": 3,
    }


def _area(kind: str, year: str, sqkm: float, division: str = "371000") -> dict[str, Any]:
    return {"area_kind": kind, "division_code": division, "year": year, "area_sqkm": sqkm}


def test_station_spacing_is_the_root_of_urban_area_per_urban_station(
    modelled: Connection, contracts: Contracts
) -> None:
    areas = [
        _area("城区", "2019", 100),
        _area("城区", "2020", 225),
        _area("城区", "2021", 400),
        _area("城区", "2020", 90, "371002"),
        _area("行政区域", "2020", 5800),
    ]
    deliver(modelled, contracts, "natural_resources__area", areas)
    deliver(modelled, contracts, "meteorology__weather_station", [])
    spacing = "urban_station_spacing_km"
    found = operands(modelled, "weather_station_spacing")
    assert found["urban_stations"] == (0, None)
    assert found[spacing] == (None, "城区没有在用的气象自动站")
    facts = {"is_urban": True, "enabled_on": BEFORE, "status": "在用"}
    stations = [{"station_no": str(n), **facts} for n in range(9)]
    stations += [
        {"station_no": "a", **facts, "enabled_on": AFTER},
        {"station_no": "b", **facts, "is_urban": False},
        {"station_no": "c", **facts, "status": "停用"},
    ]
    deliver(modelled, contracts, "meteorology__weather_station", stations)
    assert values(modelled, "weather_station_spacing") == {"urban_area_km2": 225, "urban_stations": 9, spacing: 5}
    later = {"urban_area_km2": 400, "urban_stations": 10}
    assert later.items() <= values(modelled, "weather_station_spacing", as_of=date(2021, 12, 31)).items()
    reason = operands(modelled, "weather_station_spacing", as_of=AS_OF, parameters={"annual_period": "as_of_year"})
    assert reason["urban_area_km2"] == (400, None)


def test_cameras_count_in_key_areas_and_in_use(modelled: Connection, contracts: Contracts) -> None:
    areas = [
        {"area_code": "1", "has_hd_video": True, "status": "在用"},
        {"area_code": "2", "has_hd_video": False, "status": None},
        {"area_code": "3", "has_hd_video": True, "status": "停用"},
    ]
    deliver(modelled, contracts, "public_security__key_area", areas)
    facts = {"is_in_key_area": True, "is_working": True, "is_networked": True, "status": "在用"}
    cameras = [
        {"device_code": "1", **facts},
        {"device_code": "2", **facts, "is_working": False},
        {"device_code": "3", **facts, "is_networked": False, "status": None},
        {"device_code": "4", **facts, "is_in_key_area": False},
        {"device_code": "5", **facts, "status": "报废"},
    ]
    deliver(modelled, contracts, "public_security__camera", cameras)
    assert values(modelled, "video_coverage_integrity") == {
        "hd_covered_key_areas": 1,
        "key_public_areas": 2,
        "working_cameras": 2,
        "cameras": 3,
    }
    assert values(modelled, "video_networking_rate") == {"networked_cameras": 2, "key_area_cameras": 3}


def test_junctions_with_epolice_count_when_major_and_in_use(modelled: Connection, contracts: Contracts) -> None:
    facts = {"is_branch_road": False, "has_epolice": True, "has_realtime_signal": False, "status": "在用"}
    rows = [
        {"junction_code": "1", **facts},
        {"junction_code": "2", **facts, "has_epolice": False, "has_realtime_signal": True},
        {"junction_code": "3", **facts, "is_branch_road": True},
        {"junction_code": "4", **facts, "status": "关闭"},
    ]
    deliver(modelled, contracts, "traffic_police__junction", rows)
    assert values(modelled, "epolice_junction_rate") == {"epolice_junctions": 1, "major_junctions": 2}


def test_key_area_has_5g_when_any_operator_covers_it(modelled: Connection, contracts: Contracts) -> None:
    areas = [{"area_code": str(n), "status": "在用"} for n in range(1, 6)] + [{"area_code": "6", "status": "停用"}]
    deliver(modelled, contracts, "big_data_center__key_public_area", areas)

    def check(area: str, *, covered: bool, on: date = BEFORE) -> dict[str, Any]:
        return {"area_code": area, "is_covered": covered, "checked_on": on}

    checks = {
        "china_mobile": [check("1", covered=True), check("2", covered=False), check("6", covered=True)],
        "china_unicom": [check("1", covered=True), check("2", covered=True, on=AS_OF), check("9", covered=True)],
        "china_telecom": [check("3", covered=True, on=AFTER), check("4", covered=False)],
    }
    for operator, rows in checks.items():
        deliver(modelled, contracts, f"{operator}__coverage_5g", rows)
    assert operands(modelled, "coverage_5g") == {
        "key_areas_with_5g": (None, "尚未报送：重点公共区域5G覆盖（威海广电网络公司）"),
        "key_public_areas": (5, None),
    }
    deliver(modelled, contracts, "broadcast_network__coverage_5g", [])
    assert values(modelled, "coverage_5g") == {"key_areas_with_5g": 2, "key_public_areas": 5}
    assert values(modelled, "coverage_5g", as_of=AFTER) == {"key_areas_with_5g": 3, "key_public_areas": 5}


def _sheet(scale: str, x: float, y: float, size: float, sqkm: float, crs: str = "CGCS2000") -> dict[str, Any]:
    corners = {"min_x_m": x, "min_y_m": y, "max_x_m": x + size, "max_y_m": y + size}
    number = str(next(_numbers))
    return {"sheet_no": number, "scale": scale, "crs": crs, "area_in_planning_sqkm": sqkm, **corners}


def test_detailed_sheet_counts_only_outside_coarse_sheets_of_its_crs(
    modelled: Connection, contracts: Contracts
) -> None:
    sheets = [
        _sheet("1:2000", 0, 0, 1000, Decimal("0.9")),
        _sheet("1:2000", 1000, 0, 1000, 1),
        _sheet("1:1000", 0, 0, 500, Decimal("0.25")),
        _sheet("1:1000", 500, 500, 500, Decimal("0.25")),
        _sheet("1:1000", 750, 250, 500, Decimal("0.2")),  # over the edge of two: not inside one
        _sheet("1:1000", 2000, 0, 500, Decimal("0.15")),
        _sheet("1:1000", 500, 0, 500, Decimal("0.05"), crs="西安80"),
        _sheet("1:500", 3000, 0, 250, Decimal("0.0625")),
        _sheet("1:5000", 0, 0, 5000, 25),
    ]
    deliver(modelled, contracts, "natural_resources__map_sheet", sheets)
    areas = [_area("城市规划区", "2020", Decimal("2.3")), _area("城市规划区", "2021", 3)]
    deliver(modelled, contracts, "natural_resources__area", areas)
    found = values(modelled, "map_scale_coverage")
    assert found == {"mapped_area_km2": Decimal("2.3"), "planning_area_km2": Decimal("2.3")}
