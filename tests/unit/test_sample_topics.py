"""What the topics of the sample city must show: the figures by design, and the rules by hand on tiny registers."""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal

import polars as pl
import pytest

from connectors.sample.city import RELEVANT, Profile
from connectors.sample.governance import credit_sharing, emergencies
from connectors.sample.industry import revenue_by_year
from connectors.sample.operands import Operand, yearly_operands
from connectors.sample.registers import TOPICS, expected_operands, named_registers, next_round
from connectors.sample.topic import make_relevant
from connectors.sample.transport import epayment
from connectors.sample.writing import found_city

AS_OF = date(2021, 9, 30)
DESIGNED = {
    "employment_service_channels": {"channel_count": 5},
    "ai_shandong_app_rank": {"province_rank": 4},
    "bus_arrival_forecast": {
        "bus_lines": 96, "realtime_forecast_lines": 96, "urban_bus_stops": 820, "esign_equivalent_stops": 164,
    },
    "social_ins_crossregion_items": {"networked_item_count": 3},
    "hospital_smart_service": {
        "public_hospitals_grade2plus": 12, "public_hospitals_level_ge3": 8, "public_hospitals_level_ge4": 6,
    },
    "realtime_signal_junction_rate": {"major_junctions": 210, "realtime_signal_junctions": 189},
    "emergency_command_rate": {"city_emergency_events": 60, "events_commanded_by_system": 54},
    "grid_integration_depts": {"merged_dept_count": 5},
    "credit_realtime_sharing_rate": {"credit_system_units": 42, "credit_sharing_units": 38},
    "building_energy_submetering_rate": {"key_energy_buildings": 45, "submetered_key_buildings": 41},
    "software_revenue_gdp_ratio": {"software_it_revenue": Decimal("194.615063"), "regional_gdp": Decimal("3017.79")},
}  # fmt: skip
"""On or beside the boundary of a star, whatever the seed and the size of the city."""


def values(operands):
    return {indicator: {name: o.value for name, o in of.items()} for indicator, of in operands.items()}


@pytest.fixture(scope="module")
def city():
    return found_city(persons=5_000, seed=7, profile=Profile.DEFAULT, as_of=AS_OF)


@pytest.fixture(scope="module")
def shown(city):
    return values(expected_operands(city, named_registers(city, None)))


def test_city_shows_its_designed_figures_when_founded(shown):
    assert {indicator: shown[indicator] for indicator in DESIGNED} == DESIGNED
    lights = shown["smart_lighting_rate"]
    assert lights["smart_controlled_public_lights"] * 10 == lights["public_lights"] * 9


def test_homes_have_the_meters_that_the_statistics_count_when_the_city_is_small(shown):
    meters = shown["home_energy_metering"]
    shares = [meters[f"smart_{kind}_meters"] / meters["households"] for kind in ("water", "power", "gas")]
    assert 0.75 < sum(min(share, 1) for share in shares) / 3 < 0.9
    assert shares[1] > 0.95


def test_city_moves_on_when_a_month_has_passed(city):
    later = next_round(city)
    found = values(expected_operands(later, named_registers(later, named_registers(city, None))))
    assert found["employment_service_channels"] == {"channel_count": 6}
    assert found["ai_shandong_app_rank"] == {"province_rank": 3}
    assert found["social_ins_crossregion_items"] == {"networked_item_count": 4}
    assert found["grid_integration_depts"] == {"merged_dept_count": 6}
    assert found["realtime_signal_junction_rate"]["realtime_signal_junctions"] == 191
    assert found["credit_realtime_sharing_rate"]["credit_sharing_units"] == 39
    assert found["bus_arrival_forecast"]["esign_equivalent_stops"] == 173


def test_fewer_stars_follow_when_the_city_fails_and_incremental_extracts_stay_the_same(city, contracts, shown):
    failing = found_city(persons=5_000, seed=7, profile=Profile.FAILING, as_of=AS_OF)
    found = values(expected_operands(failing, named_registers(failing, None)))
    for indicator, part, whole, pct in (
        ("realtime_signal_junction_rate", "realtime_signal_junctions", "major_junctions", 70),
        ("smart_campus_coverage", "smart_campuses", "schools", 60),
        ("smart_lighting_rate", "smart_controlled_public_lights", "public_lights", 90),
        ("credit_realtime_sharing_rate", "credit_sharing_units", "credit_system_units", 90),
        ("building_energy_submetering_rate", "submetered_key_buildings", "key_energy_buildings", 90),
        ("hospital_smart_service", "public_hospitals_level_ge3", "public_hospitals_grade2plus", 50),
    ):
        assert shown[indicator][part] * 100 >= pct * shown[indicator][whole], indicator
        assert found[indicator][part] * 100 < pct * found[indicator][whole], indicator
    for topic in TOPICS:
        for contract_id, make in topic.registers.items():
            if contracts[contract_id].mode != "full":
                assert make(failing).equals(make(city)), contract_id


def test_rows_that_operands_read_are_spared_and_others_are_not(city):
    made = {contract_id: make_relevant(make, city) for topic in TOPICS for contract_id, make in topic.registers.items()}
    assert made["bus_group__bus_line"][RELEVANT].all()
    assert not made["natural_resources__standard_address"][RELEVANT].any()
    components = made["housing_construction__city_component"]
    assert components.filter(RELEVANT)["name"].unique().sort().to_list() == ["景观灯", "路灯"]


def test_meters_lead_to_standard_addresses_when_they_are_of_homes(city):
    made = {contract_id: make for topic in TOPICS for contract_id, make in topic.registers.items()}
    known = set(made["natural_resources__standard_address"](city)["address_code"])
    for department in ("water_group", "power_supply", "housing_construction"):
        meters = made[f"{department}__smart_meter"](city)
        assert set(meters.filter("is_household")["address_code"]) <= known
        assert meters["meter_no"].is_unique().all()


def incidents(*rows: tuple[str, str, bool, date | None]) -> pl.DataFrame:
    schema = {
        "occurred_at": pl.String, "category": pl.String, "is_commanded_by_system": pl.Boolean, "closed_on": pl.Date,
    }  # fmt: skip
    return pl.DataFrame(rows, schema=schema, orient="row").with_columns(pl.col("occurred_at").str.to_datetime())


@pytest.mark.parametrize(
    ("occurred", "category", "commanded", "closed", "counts"),
    [
        ("2020-09-30 23:59", "自然灾害", True, AS_OF, (0, 0)),
        ("2020-10-01 00:00", "自然灾害", True, AS_OF, (1, 1)),
        ("2021-09-30 23:59", "社会安全事件", True, AS_OF, (1, 1)),
        ("2021-10-01 00:00", "自然灾害", True, None, (0, 0)),
        ("2021-05-01 00:00", "公共卫生事件", True, AS_OF, (0, 0)),
        ("2021-05-01 00:00", "事故灾难", True, None, (1, 0)),
        ("2021-05-01 00:00", "事故灾难", True, date(2021, 10, 1), (1, 0)),
        ("2021-05-01 00:00", "事故灾难", False, AS_OF, (1, 0)),
    ],
)
def test_emergency_counts_in_its_twelve_months_when_commanded_and_closed(occurred, category, commanded, closed, counts):
    found = emergencies(incidents((occurred, category, commanded, closed)), AS_OF)
    assert tuple(int(o.value) for o in found.values()) == counts
    assert {o.period for o in found.values()} == {"2020-10-01/2021-09-30"}


@pytest.mark.parametrize(
    ("reported", "shares"),
    [(date(2021, 9, 22), True), (date(2021, 9, 19), False), (None, False), (AS_OF, True)],
)
def test_credit_unit_shares_when_it_reported_within_seven_working_days(city, reported, shares):
    row = {"has_catalogue": [True], "is_connected": [True], "is_shared": [True], "status": ["在用"]}
    moment = None if reported is None else datetime.combine(reported, time(23))
    units = pl.DataFrame(row).with_columns(pl.lit(moment, dtype=pl.Datetime).alias("last_reported_at"))
    found = credit_sharing(units, AS_OF, city.calendar)
    assert found["credit_sharing_units"] == Operand(Decimal(int(shares)))


def test_trips_are_urban_ones_of_the_year_and_estimated_when_a_part_is():
    rows = [
        (date(2021, 1, 1), "一卡通", 1, False, True),
        (AS_OF, "现金", 20, True, True),
        (date(2020, 12, 31), "一卡通", 300, False, True),
        (AS_OF, "NFC", 4_000, False, False),
    ]
    rides = pl.DataFrame(rows, schema=["ride_date", "payment_kind", "trips", "is_estimated", "is_urban"], orient="row")
    period = "2021-01-01/2021-09-30"
    assert epayment(rides, AS_OF) == {
        "transit_trips": Operand(Decimal(21), period, is_estimated=True),
        "epay_trips": Operand(Decimal(1), period),
    }


def test_own_report_replaces_the_list_when_unit_and_year_are_the_same():
    def reports(*rows: tuple[str, str, str, float]) -> pl.DataFrame:
        return pl.DataFrame(rows, schema=["reporting_unit", "year", "kind", "revenue_wan_cny"], orient="row")

    listed = reports(
        ("甲", "2020", "软件业务", 10_000.0), ("乙", "2020", "软件业务", 9.0), ("乙", "2019", "软件业务", 20_000.0)
    )
    own = reports(("乙", "2020", "电信业务", 30_000.5))
    assert revenue_by_year(listed, own) == {"2020": Decimal("4.00005"), "2019": Decimal(2)}


def test_year_is_the_latest_ended_one_that_every_figure_has():
    figures = {
        "a": {"2018": Decimal(1), "2019": Decimal(2), "2020": Decimal(3), "2021": Decimal(4)},
        "b": {"2018": Decimal(5), "2019": Decimal(6), "2021": Decimal(7)},
    }
    assert yearly_operands(figures, AS_OF) == {"a": Operand(Decimal(2), "2019"), "b": Operand(Decimal(6), "2019")}
    assert yearly_operands({"a": figures["a"]}, date(2020, 12, 31)) == {"a": Operand(Decimal(3), "2020")}
    assert yearly_operands({"a": {}}, AS_OF) == {"a": Operand(None)}
