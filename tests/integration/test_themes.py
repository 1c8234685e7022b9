"""The theme databases over rows made by hand: two deliveries of each kind, one dbt run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from ruamel.yaml import YAML

from connectors.contract import Contracts
from connectors.database import Connection, connect
from connectors.settings import Settings
from dags.support import models, theme_builds
from linkage.run import link
from tests.conftest import create_database, drop_database, dsn_of
from tests.integration.modelled import deliver, open_run
from tests.integration.theme_rows import DELIVERIES, MONTHLY

SEPTEMBER = date(2021, 9, 30)
SELECTION = (
    "path:models/legal_entity",
    "fqn:weihai.libraries.legal_entity",
    *(f"path:models/{theme}" for theme in models.THEMES),
)


@dataclass(frozen=True)
class Themes:
    """A warehouse with the themes built, and what tells whether they are behind."""

    settings: Settings
    connection: Connection

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        found = self.connection.execute(query.encode()).fetchall()
        self.connection.rollback()
        return found


@pytest.fixture(scope="module")
def themes(server: str, built: str, contracts: Contracts, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Themes]:
    name = f"{built}_themes"
    create_database(server, name, template=built)
    settings = Settings(home=tmp_path_factory.mktemp("themes"), warehouse_dsn=dsn_of(server, name))
    with connect(settings.dsn()) as connection:
        for as_of, deliveries in DELIVERIES.items():
            for contract_id, rows in deliveries.items():
                deliver(connection, contracts, contract_id, rows, as_of=as_of)
        connection.commit()
        for library in ("population", "legal_entity"):
            link(settings, contracts, library)
        open_run(connection, "run", as_of=SEPTEMBER)
        report = models.invoke(settings, contracts, ["build", "--select", *SELECTION])
        assert report.failed == ()
        yield Themes(settings, connection)
    drop_database(server, name)


def test_divisions_keep_their_names_and_lead_to_a_district_of_today(themes: Themes) -> None:
    asked = "('371081', '371003', '371071', '371071004', '371000', '371001')"
    found = themes.rows(
        "select division_code, name, is_current, seen_from::text, seen_until::text, district_code, roll_up_kind"
        f" from geo.division where division_code in {asked} order by division_code, seen_from"
    )
    assert found == [
        ("371000", "威海市", True, "1987-12-01", None, None, None),
        ("371001", "威海市", False, "1984-12-01", "1985-01-01", None, None),
        ("371001", "市辖区", True, "2002-12-01", None, None, None),
        ("371003", "文登区", True, "2014-10-01", None, "371003", None),
        ("371071", "威海火炬高技术产业开发区", True, "2018-10-01", None, "371002", "zone"),
        ("371071004", "怡园街道", True, None, None, "371002", "zone"),
        ("371081", "文登市", False, "1995-12-01", "2014-01-01", "371003", "predecessor"),
    ]
    # every division of today leads to one of the four districts
    astray = "select division_code from geo.division where is_current and division_code not in ('371000', '371001')"
    assert themes.rows(f"{astray} and district_code not in ('371002', '371003', '371082', '371083')") == []


def test_map_sheets_inside_a_coarser_one_of_the_same_system_are_marked(themes: Themes) -> None:
    assert themes.rows("select sheet_no from geo.map_sheet where is_inside_coarser") == [("I",)]
    assert themes.rows("select area_kind, year, area_sqkm from geo.area") == [("城区", "2020", Decimal("190.5"))]


def test_addresses_are_put_right_and_rolled_up_when_swapped_or_of_a_zone(themes: Themes) -> None:
    assert themes.rows(
        "select address_code, district_code, longitude, latitude, position_state from geo.standard_address order by 1"
    ) == [
        ("D1", "371002", Decimal("122.2"), Decimal("37.4"), "swapped"),
        ("D2", "371003", None, None, "missing"),
    ]


def test_observation_keeps_every_revision_and_prefers_the_most_final_one(themes: Themes) -> None:
    months = themes.rows(
        "select vintage, revision_no, given_value, value, unit, is_current, is_preferred from macro.observation"
        f" where contract_id = '{MONTHLY}' and period = '202106' and measure = 'month' order by stated_as_of, vintage"
    )
    assert months == [
        ("快报", 1, Decimal(12), Decimal(1_200_000_000), "元", False, False),
        ("初步核算", 1, Decimal("12.6"), Decimal(1_260_000_000), "元", True, True),
        ("快报", 2, Decimal("12.4"), Decimal(1_240_000_000), "元", True, False),
    ]
    years = themes.rows(
        "select vintage, given_value, is_preferred from macro.observation where measure = 'year' order by given_value"
    )
    # the final figure stands though the annual report was published after it
    assert years == [
        ("初步核算", Decimal("2939.2"), False),
        ("年报", Decimal(3000), False),
        ("最终核实", Decimal("3017.79"), True),
    ]


def test_monthly_indicator_leaves_a_month_empty_when_only_the_year_to_date_was_given(themes: Themes) -> None:
    assert themes.rows(
        "select indicator_name, category, district_code, period, month_value, year_to_date_value, vintage"
        " from theme_economy.monthly_indicator order by indicator_name, category, period"
    ) == [
        ("一般公共预算收入", "全部", "371002", "202106", 5_000_000, None, "不分"),
        ("双随机检查次数", "未发现问题", "371000", "202107", 2, None, "不分"),
        ("双随机检查次数", "责令改正", "371000", "202107", 1, None, "不分"),
        ("固定资产投资", "全部", "371000", "202102", None, Decimal("3050000000.0"), "快报"),
        ("固定资产投资", "全部", "371000", "202106", Decimal(1_260_000_000), Decimal(8_090_000_000), "初步核算"),
        ("网络零售额", "水产", "371082", "202106", 7_000, None, "不分"),
        ("行业用电量", "工业", "371000", "202106", 1_000, None, "不分"),
    ]


def test_key_projects_are_counted_at_every_delivered_date(themes: Themes) -> None:
    assert themes.rows(
        "select period, category, value from macro.observation where indicator_name = '重点项目数' order by 1, 2"
    ) == [("202107", "前期", 1), ("202107", "在建", 1), ("202108", "在建", 2)]


def test_tax_revenue_adds_zones_to_their_district_and_hides_what_one_taxpayer_pays(themes: Themes) -> None:
    assert themes.rows(
        "select period, district_code, section_name, taxpayer_count, is_suppressed, amount_cny"
        " from theme_economy.tax_revenue order by district_code"
    ) == [
        ("202108", "371002", "制造业", 3, False, Decimal("250.5")),
        ("202108", "371083", "制造业", 1, True, None),
        ("202108", "未知", None, 1, True, None),
    ]


def test_business_demography_counts_foundations_and_closures_by_month(themes: Themes) -> None:
    assert themes.rows(
        "select period, district_code, section_code, founded_count, closed_count"
        " from theme_economy.business_demography order by 1, 2"
    ) == [
        ("199903", "371003", "C", 1, 0),
        ("202107", "371002", "I", 1, 0),
        ("202107", "371082", "A", 1, 0),
        ("202108", "371003", "C", 0, 1),
    ]


def test_vessels_lead_to_their_owners_and_show_shared_mmsi(themes: Themes) -> None:
    found = themes.rows(
        "select vessel_code, owner_kind, unresolved_reason, has_mmsi_conflict from theme_ocean.vessel order by 1"
    )
    assert found == [
        ("1", "person", None, True),
        ("2", "entity", None, True),
        ("3", "person", None, False),
        ("4", "person", None, False),
        ("5", None, "没有号码或代码，只有名称", False),
    ]
    [(same,)] = themes.rows("select count(distinct person_id) from theme_ocean.vessel where vessel_code in ('3', '4')")
    assert same == 1
    assert themes.rows("select * from theme_ocean.mmsi_conflict") == [("412000001", 2, ["1", "2"], ["石岛"], 2)]
    columns = themes.rows("select column_name from information_schema.columns where table_schema = 'theme_ocean'")
    assert not {"owner_name", "owner_code"} & {column for (column,) in columns}


def test_ranches_lead_to_their_operators_where_the_library_knows_them(themes: Themes) -> None:
    assert themes.rows(
        "select ranch_code, name_of.name, unresolved_reason from theme_ocean.marine_ranch as ranch"
        " left join legal_entity.entity as name_of on ranch.operator_entity_id = name_of.entity_id order by 1"
    ) == [("R1", "荣成乙渔业有限公司", None), ("R2", None, "代码在法人基础库中查无主体")]
    assert themes.rows("select port_code, position_state from theme_ocean.fishing_port") == [("G1", "stated")]


def test_components_stand_in_cgcs2000_or_say_why_not(themes: Themes) -> None:
    found = themes.rows(
        "select right(component_code, 2)::int, position_state, longitude, latitude"
        " from theme_city_component.component order by 1"
    )
    states = {number: state for number, state, _, _ in found}
    assert states == {
        1: "stated",
        2: "stated",
        3: "stated",
        4: "swapped",
        5: "zero",
        6: "outside",
        7: "undeclared",
        8: "not_convertible",
        9: "stated",
        10: "stated",
    }
    places = {number: (float(x), float(y)) for number, _, x, y in found if x is not None}
    assert set(places) == {1, 2, 3, 4, 9, 10}
    assert places[1] == places[4] == (122.12, 37.5)
    # shifted by some hundred metres, and by some hundred more
    assert 0.003 < 122.12 - places[2][0] < 0.008
    assert 0.0065 < 122.12 - places[3][0] < 0.015


def test_components_are_grouped_by_class_and_grid(themes: Themes) -> None:
    assert themes.rows(
        "select district_code, class_name, component_kind, component_count, smart_controlled_count,"
        " without_position_count from theme_city_component.component_by_grid order by component_count"
    ) == [("371002", None, "manhole", 1, 0, 0), ("371002", "公用设施", "light", 8, 4, 4)]
    assert themes.rows(
        "select segment_code, district_code, length_m, is_monitored, is_in_use from theme_city_component.pipeline"
        " order by 1"
    ) == [("S1", "371002", 1200, True, True), ("S2", "371003", 300, False, False)]


VECTORS = (
    # published with the formulas (googollee/eviltransform): longitude and latitude in CGCS2000, in GCJ-02
    ((121.5272106, 31.1774276), (121.531541859215, 31.17530398364597)),
    ((113.912316, 22.543847), (113.9171764808363, 22.540796131694766)),
    ((116.377817, 39.911954), (116.38404722455657, 39.91334545536069)),
)


@pytest.mark.parametrize(("true", "shifted"), VECTORS)
def test_position_is_within_a_decimetre_when_brought_to_cgcs2000(
    themes: Themes, true: tuple[float, float], shifted: tuple[float, float]
) -> None:
    place = f"geo.cgcs2000(point({shifted[0]}, {shifted[1]}), 'GCJ-02')"
    [found] = themes.rows(f"select ({place})[0], ({place})[1]")
    assert found == pytest.approx(true, abs=1e-6)


def test_baidu_position_is_the_published_one_when_made_of_gcj02(themes: Themes) -> None:
    # published with the formulas (wandergis/coordtransform)
    place = "geo.bd09_of_gcj02(point(116.404, 39.915))"
    [found] = themes.rows(f"select ({place})[0], ({place})[1]")
    assert found == pytest.approx((116.41036949371029, 39.92133699351021), abs=1e-9)


def test_shifted_positions_come_back_exactly_all_over_the_city(themes: Themes) -> None:
    grid = "generate_series(121.0, 122.9, 0.1) as x, generate_series(36.6, 37.7, 0.1) as y"
    shifted = "geo.gcj02_of_cgcs2000(point(x, y))"
    [(worst,)] = themes.rows(
        f"select max(greatest(point(x, y) <-> geo.cgcs2000({shifted}, 'GCJ-02'),"
        f" point(x, y) <-> geo.cgcs2000(geo.bd09_of_gcj02({shifted}), 'BD-09'))) from {grid}"
    )
    assert worst < 1e-8


def test_extent_of_the_city_is_the_same_in_models_and_contracts() -> None:
    yaml = YAML(typ="safe")
    project = yaml.load(models.PROJECT / "dbt_project.yml")
    elements = yaml.load(models.PROJECT.parent / "connectors" / "contracts" / "_elements.yml")
    longitude, latitude = elements["longitude"], elements["latitude"]
    assert project["vars"]["city_extent"] == {
        "west": longitude["minimum"],
        "east": longitude["maximum"],
        "south": latitude["minimum"],
        "north": latitude["maximum"],
    }


def test_theme_is_built_again_only_when_what_it_rests_on_changed(themes: Themes, contracts: Contracts) -> None:
    manifest = models.manifest(themes.settings)
    read = {name: theme_builds.read(manifest, name, contracts) for name in models.THEMES}
    assert "taxation__tax_revenue" in read["theme_economy"].contracts
    assert read["theme_ocean"].follows_links
    assert not read["theme_city_component"].follows_links
    connection = themes.connection
    assert all(theme_builds.is_behind(connection, theme) for theme in read.values())
    reached = theme_builds.mark(connection)
    for theme in read.values():
        theme_builds.remember(connection, theme.name, theme.version, reached, now=datetime(2021, 10, 8, tzinfo=UTC))
    assert not any(theme_builds.is_behind(connection, theme) for theme in read.values())
    deliver(connection, contracts, "ocean_development__fishing_port", [], as_of=SEPTEMBER)
    behind = {name for name, theme in read.items() if theme_builds.is_behind(connection, theme)}
    assert behind == {"theme_ocean"}
    connection.rollback()
