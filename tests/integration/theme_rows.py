"""Rows under the theme databases, made by hand: two deliveries."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

JULY, AUGUST = date(2021, 7, 31), date(2021, 8, 31)
MONTHLY, ANNUAL = "statistics__monthly_indicator", "statistics__annual_indicator"
PERSON, OTHER_PERSON = "371002198506070019", "371082199202291230"
COMPANY, RANCHER, CLOSED = "91371000MA300HF55B", "91371082MA3013YA4X", "91371003MA301MEFXA"


def _monthly(period: str, month: str | None, to_date: str | None, **facts: Any) -> dict[str, Any]:
    return {
        "indicator_name": "固定资产投资",
        "unit": "亿元",
        "region_code": "371000",
        "period": period,
        "month_value": month and Decimal(month),
        "ytd_value": to_date and Decimal(to_date),
        "vintage": None,
        "published_on": date(2021, 8, 15),
    } | facts


def _annual(value: str, vintage: str | None, published_on: date) -> dict[str, Any]:
    row = {"indicator_name": "地区生产总值", "unit": "亿元", "region_code": "371000", "year": "2020"}
    return row | {"value": Decimal(value), "vintage": vintage, "published_on": published_on}


def _enterprise(uscc: str, name: str, **facts: Any) -> dict[str, Any]:
    return {
        "uscc": uscc,
        "name": name,
        "entity_type": "有限责任公司",
        "established_on": date(2021, 7, 5),
        "division_code": "371071",
        "industry_code": "6513",
        "status": "在用",
    } | facts


def _component(number: int, longitude: float, latitude: float, system: str | None, **facts: Any) -> dict[str, Any]:
    return {
        "component_code": f"3710710106{number:06d}",
        "name": "路灯",
        "division_code": "371071004",
        "grid_code": "371071004001",
        "is_urban": True,
        "is_smart_controlled": number % 2 == 0,
        "longitude": Decimal(str(longitude)),
        "latitude": Decimal(str(latitude)),
        "coordinate_system": system,
        "status": "在用",
        "standard_version": "CJ/T 214-2007",
    } | facts


def _vessel(code: str, owner: str, number: str | None, mmsi: str | None, **facts: Any) -> dict[str, Any]:
    row = {"vessel_code": code, "name": f"鲁威渔{code}", "port": "石岛", "owner_name": owner, "owner_code": number}
    return row | {"mmsi": mmsi, "status": "在用"} | facts


def _voucher(number: int, payer: str, amount: str, **facts: Any) -> dict[str, Any]:
    row = {"voucher_no": f"P{number}", "paid_on": date(2021, 8, 10), "tax_no": payer, "tax_type": "增值税"}
    return row | {"period": "202107", "amount_cny": Decimal(amount)} | facts


def _taxpayer(tax_no: str, division: str) -> dict[str, Any]:
    row = {"tax_no": tax_no, "division_code": division, "name": f"纳税人{tax_no}", "industry_code": "3911"}
    return row | {"status": "正常"}


def _household(number: str, name: str, household: str) -> dict[str, Any]:
    row = {"id_no": number, "name": name, "household_no": household, "sex_code": "男"}
    return row | {"birth_date": date(int(number[6:10]), int(number[10:12]), int(number[12:14]))}


DELIVERIES: Mapping[date, Mapping[str, list[dict[str, Any]]]] = {
    JULY: {
        MONTHLY: [_monthly("202102", None, "30.5"), _monthly("202106", "12", "80")],
        ANNUAL: [_annual("2939.2", "初步核算", date(2021, 1, 28))],
        "finance__fiscal_balance": [
            {"item": "一般公共预算收入", "region_code": "371072", "period": "202106", "month_value": 5_000_000},
        ],
        "power_supply__electricity_consumption": [
            {"industry": "工业", "region_code": "371000", "period": "202106", "consumption": 1_000},
        ],
        "commerce__online_retail_monitor": [
            {"category": "水产", "region_code": "371082", "period": "202106", "sales": 7_000},
        ],
        "development_reform__key_project": [
            {"project_code": "A", "name": "甲", "division_code": "371002", "total_investment": 10, "status": "前期"},
            {"project_code": "B", "name": "乙", "division_code": "371002", "total_investment": 20, "status": "在建"},
        ],
        "market_regulation__inspection": [
            {
                "inspection_no": str(n),
                "uscc": COMPANY,
                "name": "甲",
                "item": "年报",
                "inspected_on": date(2021, 7, n),
                "result": "未发现问题" if n < 3 else "责令改正",
                "authority_name": "市局",
            }
            for n in (1, 2, 3)
        ],
        "market_regulation__enterprise": [
            _enterprise(COMPANY, "威海甲软件有限公司"),
            _enterprise(RANCHER, "荣成乙渔业有限公司", division_code="371082", industry_code="0411"),
            _enterprise(
                CLOSED,
                "文登丙工具有限公司",
                division_code="371081",
                established_on=date(1999, 3, 1),
                industry_code="C",
                status="注销",
                cancelled_on=date(2021, 8, 20),
            ),
        ],
        "public_security__household_population": [
            _household(PERSON, "王海生", "1"),
            _household(OTHER_PERSON, "于渔", "2"),
        ],
    },
    AUGUST: {
        MONTHLY: [
            _monthly("202106", "12.4", "80.4"),
            _monthly("202106", "12.6", "80.9", vintage="初步核算", published_on=date(2021, 8, 28)),
        ],
        ANNUAL: [
            _annual("3017.79", "最终核实", date(2021, 8, 20)),
            _annual("3000", None, date(2021, 8, 25)),
        ],
        "development_reform__key_project": [
            {"project_code": "A", "name": "甲", "division_code": "371002", "total_investment": 10, "status": "在建"},
            {"project_code": "B", "name": "乙", "division_code": "371002", "total_investment": 20, "status": "在建"},
        ],
        "housing_construction__city_component": [
            _component(1, 122.12, 37.5, "CGCS2000"),
            _component(2, 122.12, 37.5, "GCJ-02"),
            _component(3, 122.12, 37.5, "BD-09"),
            _component(4, 37.5, 122.12, "WGS84"),
            _component(5, 0, 0, "CGCS2000"),
            _component(6, 116.39, 39.9, "CGCS2000"),
            _component(7, 122.12, 37.5, None),
            _component(8, 122.12, 37.5, "西安80"),
            _component(9, 122.12, 37.5, "CGCS2000", name="污水井盖", standard_version="GB/T 30428.2-2013"),
            _component(10, 122.12, 37.5, "CGCS2000", status="拆除"),
        ],
        "water_group__utility_pipeline": [
            {
                "segment_code": "S1",
                "utility": "水",
                "length_m": 1200,
                "is_monitored": True,
                "division_code": "371073",
                "status": "在用",
            },
            {
                "segment_code": "S2",
                "utility": "水",
                "length_m": 300,
                "is_monitored": None,
                "division_code": "371003",
                "status": "停用",
            },
        ],
        "natural_resources__map_sheet": [
            {
                "sheet_no": no,
                "scale": scale,
                "surveyed_year": "2019",
                "min_x_m": x,
                "min_y_m": 0,
                "max_x_m": x + size,
                "max_y_m": size,
                "crs": crs,
                "area_in_planning_sqkm": 1,
            }
            for no, scale, x, size, crs in (
                ("K", "1:2000", 0, 1000, "CGCS2000"),
                ("I", "1:1000", 500, 500, "CGCS2000"),
                ("E", "1:1000", 501, 500, "CGCS2000"),
                ("L", "1:1000", 500, 500, "西安80"),
            )
        ],
        "natural_resources__area": [
            {"area_kind": "城区", "division_code": "371000", "year": "2020", "area_sqkm": Decimal("190.5")},
        ],
        "natural_resources__standard_address": [
            {
                "address_code": "D1",
                "division_code": "371072008",
                "full_address": "皇冠街道1号1室",
                "longitude": 37.4,
                "latitude": 122.2,
            },
            {"address_code": "D2", "division_code": "371003001", "full_address": "龙山路2号1室"},
        ],
        "ocean_development__fishing_vessel": [
            _vessel("1", "王海生", PERSON, "412000001"),
            _vessel("2", "荣成乙渔业有限公司", RANCHER, "412000001"),
            _vessel("3", "于渔", OTHER_PERSON, "412000002"),
            _vessel("4", "于渔", OTHER_PERSON, "412000002", status="拆除"),
            _vessel("5", "无名氏", None, None),
        ],
        "ocean_development__marine_ranch": [
            {
                "ranch_code": "R1",
                "name": "一号",
                "division_code": "371082",
                "operator_uscc": RANCHER,
                "area_ha": 100,
                "level": "国家级",
                "is_smart": True,
            },
            {
                "ranch_code": "R2",
                "name": "二号",
                "division_code": "371083",
                "operator_uscc": "91371083MA3UNKNOWN",
                "area_ha": 50,
                "level": "省级",
                "is_smart": False,
            },
        ],
        "ocean_development__fishing_port": [
            {
                "port_code": "G1",
                "name": "石岛",
                "grade": "中心渔港",
                "division_code": "371082",
                "berths": 120,
                "longitude": 122.43,
                "latitude": 36.88,
            },
        ],
        "taxation__taxpayer": [
            _taxpayer("T1", "371071"),
            _taxpayer("T2", "371002"),
            _taxpayer("T3", "371002"),
            _taxpayer("T4", "371083"),
        ],
        "taxation__tax_revenue": [
            _voucher(1, "T1", "100.5"),
            _voucher(2, "T2", "200"),
            _voucher(3, "T3", "-50"),
            _voucher(4, "T4", "999"),
            _voucher(5, "T0", "1"),
        ],
    },
}
