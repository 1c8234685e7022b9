"""What the sample city shows of tables four to six: the figures by design, and single operands by hand."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction

import polars as pl
import pytest

from connectors.contract import Contracts
from connectors.sample import features, networks, safeguards, surveillance, surveying
from connectors.sample.calendar import same_day_before
from connectors.sample.city import City, Profile
from connectors.sample.operands import Operand, Operands
from connectors.sample.registers import TOPICS, expected_operands, named_registers, next_round
from connectors.sample.topic import OnDemand
from connectors.sample.writing import SEEDS, found_city

AS_OF = date(2021, 9, 30)
OURS = (networks.TOPIC, surveillance.TOPIC, surveying.TOPIC, safeguards.TOPIC, features.TOPIC)


def shown(city: City) -> Operands:
    """Operands of these topics only."""
    registers = OnDemand(city, named_registers(city, None), TOPICS)
    return {k: v for topic in OURS for k, v in topic.operands(city, registers).items()}


@pytest.fixture(scope="module")
def found() -> Operands:
    return shown(found_city(persons=4_000, seed=371_000, profile=Profile.DEFAULT, as_of=AS_OF))


def share(operands: Operands, indicator: str, part: str, whole: str) -> Fraction:
    """Quotient of two operands."""
    top, bottom = operands[indicator][part].value, operands[indicator][whole].value
    assert top is not None
    assert bottom is not None
    return Fraction(top) / Fraction(bottom)


def test_city_shows_its_designed_figures_when_profile_is_default(found: Operands) -> None:
    designed = {
        "video_crime_contribution": {
            "criminal_cases_solved": 3_120,
            "cases_solved_with_video": 2_496,
            "served_dept_count": 11,
        },
        "weather_station_spacing": {"urban_area_km2": 288, "urban_stations": 32, "urban_station_spacing_km": 3},
        "video_networking_rate": {"key_area_cameras": 1_200, "networked_cameras": 1_200},
        "coverage_5g": {"key_public_areas": 150, "key_areas_with_5g": 132},
        "map_scale_coverage": {"planning_area_km2": Decimal("2607.28"), "mapped_area_km2": 2_356},
        "supported_projects": {"count": 262},
        "security_incident_deduction": {"incident_count": 1},
        "pilot_programmes": {"national_pilots": 2, "provincial_pilots": 3},
        "publicity_experience": {"activities": 4, "province_hall_exhibits": 2},
        "innovation_demonstration": {"provincial_promoted": 3, "national_promoted": 1},
    }
    for indicator, operands in designed.items():
        assert {name: operand.value for name, operand in found[indicator].items()} == operands
    assert Fraction(9, 10) <= share(found, "ftth_coverage", "fiber_households", "internet_households") < 1
    fast = share(found, "broadband_200m_share", "broadband_users_ge200m", "households")
    assert Fraction(7, 10) <= fast < Fraction(8, 10)
    speed = found["mobile_download_speed"]["avg_mbps"].value
    assert speed is not None
    assert 25 <= speed < 30
    missing = {(i, o) for i, values in found.items() for o, operand in values.items() if operand.value == 0}
    assert missing == {("planning", "annual_summary"), ("talent_guarantee", "incentives"), ("funding", "special_fund")}


def test_city_misses_most_stars_when_profile_is_failing(found: Operands) -> None:
    failing = shown(found_city(persons=4_000, seed=371_000, profile=Profile.FAILING, as_of=AS_OF))
    assert share(failing, "ftth_coverage", "fiber_households", "internet_households") < Fraction(9, 10)
    assert share(failing, "broadband_200m_share", "broadband_users_ge200m", "households") < Fraction(7, 10)
    assert share(failing, "coverage_5g", "key_areas_with_5g", "key_public_areas") < Fraction(8, 10)
    assert share(failing, "map_scale_coverage", "mapped_area_km2", "planning_area_km2") < Fraction(9, 10)
    assert failing["weather_station_spacing"]["urban_station_spacing_km"].value == 6
    assert failing["video_crime_contribution"]["served_dept_count"].value == 6
    assert failing["pilot_programmes"]["national_pilots"].value == 0
    worse = {i for i, operands in failing.items() if operands != found[i]}
    assert set(found) - worse == {"mobile_download_speed", "security_incident_deduction"}


def test_figures_move_when_a_month_has_passed() -> None:
    city = found_city(persons=500, seed=3, profile=Profile.DEFAULT, as_of=AS_OF)
    before = named_registers(city, None)
    later = next_round(city)
    now = expected_operands(later, named_registers(later, before))
    assert now["pilot_programmes"]["provincial_pilots"].value == 4
    assert now["publicity_experience"]["activities"].value == 3
    assert now["innovation_demonstration"]["provincial_promoted"].value == 4
    assert now["video_crime_contribution"]["served_dept_count"].value == 12
    assert now["supported_projects"]["count"].value == 265


@pytest.mark.parametrize("profile", list(Profile))
def test_registers_satisfy_their_keys_when_made(contracts: Contracts, profile: Profile) -> None:
    city = found_city(persons=1_000, seed=5, profile=profile, as_of=AS_OF)
    for topic in OURS:
        for contract_id, make in topic.registers.items():
            table, contract = make(city), contracts[contract_id]
            assert len(table) > 0, contract_id
            assert not table.select(contract.key).is_duplicated().any(), contract_id
            assert set(contract.columns) - set(table.columns) <= {"operation"}, contract_id
            required = [name for name, column in contract.columns.items() if column.required is True]
            assert not table.select(pl.col(required).is_null().any()).row(0).count(True), contract_id
            assert table.equals(make(city)), contract_id


def test_decoys_would_change_the_answer_when_read_wrongly() -> None:
    city = found_city(persons=4_000, seed=371_000, profile=Profile.DEFAULT, as_of=AS_OF)
    lines = networks.subscriptions(city)
    home = lines.filter(pl.col("customer_kind") == "居民")
    assert len(home) > home["address_code"].n_unique()
    assert set(lines["customer_kind"]) == {"居民", "企业"}
    assert set(lines["status"]) == {"在用", "注销"}
    assert lines["opened_on"].max() > AS_OF
    sheets = surveying.map_sheets(city).filter(pl.col("scale").is_in(["1:1000", "1:2000"]))
    assert sheets["area_in_planning_sqkm"].sum() > 2_356
    written = networks.speed_tests(city, "china_mobile")["download_mbps"]
    assert written.str.ends_with("MB/s").any()
    assert written.str.ends_with("Mbit/s").any()


@pytest.mark.parametrize(
    ("day", "months", "before"),
    [
        (date(2021, 9, 30), 12, date(2020, 9, 30)),
        (date(2021, 9, 30), 24, date(2019, 9, 30)),
        (date(2020, 2, 29), 12, date(2019, 2, 28)),
        (date(2021, 1, 31), 2, date(2020, 11, 30)),
    ],
)
def test_same_day_lies_so_many_months_earlier(day: date, months: int, before: date) -> None:
    assert same_day_before(day, months=months) == before


def test_mean_speed_is_of_the_twelve_months_when_others_are_there() -> None:
    samples = pl.DataFrame(
        {
            "tested_at": pl.Series(
                ["2020-09-30 23:59", "2020-10-01 00:00", "2021-09-30 23:59", "2021-10-01 00:00"]
            ).str.to_datetime(),
            "kbps": [800, 24_000, 25_000, 800],
        }
    )
    assert networks.mean_speed(samples, AS_OF) == Operand(Decimal("24.5"), "2020-10-01/2021-09-30")
    assert networks.mean_speed(samples, date(2023, 1, 1)).value is None


def test_detailed_sheet_counts_when_no_coarse_one_of_its_system_is_there() -> None:
    sheets = pl.DataFrame(
        [
            ("1:2000", "CGCS2000", 0, 0, 1.0),
            ("1:1000", "CGCS2000", 500, 500, 0.25),
            ("1:1000", "西安80", 0, 0, 0.25),
            ("1:1000", "CGCS2000", 1_000, 0, 0.2),
            ("1:500", "CGCS2000", 5_000, 0, 0.0625),
        ],
        schema=["scale", "crs", "min_x_m", "min_y_m", "area_in_planning_sqkm"],
        orient="row",
    )
    assert surveying.mapped_area(sheets) == Decimal("1.45")


def test_stricter_item_implies_the_looser_when_its_evidence_holds() -> None:
    documents = pl.DataFrame(
        [
            ("p", "strict", AS_OF, None, True),
            ("p", "expired", date(2020, 1, 1), AS_OF, True),
            ("p", "late", date(2021, 10, 1), None, True),
            ("q", "other", date(2020, 1, 1), None, True),
        ],
        schema={
            "indicator_id": pl.String,
            "item_code": pl.String,
            "issued_on": pl.Date,
            "expires_on": pl.Date,
            "is_satisfied": pl.Boolean,
        },
        orient="row",
    )
    items = {("p", name): name for name in ("strict", "loose", "expired", "implied", "late", "other")}
    implications = {("p", "strict"): "loose", ("p", "expired"): "implied"}
    found = safeguards.checklist_operands(documents, items, implications, AS_OF)
    assert {name for name, operand in found["p"].items() if operand.value == 1} == {"strict", "loose"}
    assert found["p"]["implied"].value == 0


def test_every_checklist_item_of_the_plan_is_known_when_read() -> None:
    items = safeguards.checklist_items(SEEDS)
    assert len(items) == 23
    assert ("funding", "social_capital_wan_yuan") not in items
