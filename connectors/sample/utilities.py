"""Registers of the city's supply: household meters, pipes and lines, public lighting, large buildings."""

from __future__ import annotations

from decimal import Decimal
from functools import partial

import numpy as np
import polars as pl

from connectors.sample.city import RELEVANT, City
from connectors.sample.draws import chances, choose, read_table
from connectors.sample.geography import homes
from connectors.sample.operands import (
    Operand,
    Operands,
    Registers,
    annual_figures,
    count_operand,
    share_operands,
    yearly_operands,
)
from connectors.sample.topic import Topic, by_profile, in_use, marked

_METERS = {
    "water_group": ("水", "S", 1.0, 0.79, 0.55),
    "power_supply": ("电", "D", 1.0, 0.998, 0.9),
    "housing_construction": ("气", "Q", 0.74, 0.86, 0.5),
}
"""By department: utility, first letter of its meters, share of homes that have one, share of those that report by
themselves, and that share in a city that fails."""
_OTHER_METERS = 0.06
"""Meters of shops and offices, per home."""
_SEGMENTS = {
    "water_group": (("水", 520, 0.88, 0.5),),
    "power_supply": (("电", 410, 0.995, 0.7),),
    "housing_construction": (("气", 330, 0.81, 0.4), ("热", 120, 0.5, 0.5), ("水", 90, 0.86, 0.5)),
}
"""By department: utility, segments in use, share of them that is monitored, and that share in a city that fails."""
_ABANDONED = 15
"""Segments of each list that are out of use, all of them monitored."""
_LIGHTS_PER_PERSON = 0.02
_KEY_BUILDINGS, _SMALL_BUILDINGS, _EMPTY_BUILDINGS = 45, 80, 5


def meters(city: City, department: str) -> pl.DataFrame:
    """Make <department>__smart_meter: those of homes, of shops, and those of homes that stand empty, out of use."""
    utility, letter, reach, usual, failing = _METERS[department]
    all_homes = homes(city)
    number = np.arange(len(all_homes))
    has_meter = chances(city.seed, ("meter", utility), number) < reach
    is_remote = chances(city.seed, ("remote meter", utility), number) < by_profile(city, usual, failing)
    own = (
        all_homes.with_columns(number=pl.Series(number), is_remote=pl.Series(is_remote))
        .filter(pl.Series(has_meter))
        .select(
            pl.col("number").cast(pl.Int64),
            pl.lit(value=True).alias("is_household"),
            "is_remote",
            "address_code",
            pl.when("is_inhabited").then(pl.lit("在用")).otherwise(pl.lit("停用")).alias("status"),
        )
    )
    others = max(int(len(all_homes) * _OTHER_METERS), 3)
    shops = pl.DataFrame({"number": np.arange(others) + len(all_homes)}).select(
        pl.col("number").cast(pl.Int64),
        pl.lit(value=False).alias("is_household"),
        pl.lit(value=True).alias("is_remote"),
        pl.lit(None, dtype=pl.String).alias("address_code"),
        pl.lit("在用").alias("status"),
    )
    return pl.concat([own, shops]).select(
        (letter + (pl.col("number") + 3_710_000_001).cast(pl.String)).alias("meter_no"),
        pl.lit(utility).alias("utility"),
        "is_household",
        "is_remote",
        "address_code",
        "status",
    )


def segments(city: City, department: str) -> pl.DataFrame:
    """Return the segments of a department's pipes and lines, their length in decimetres as `length_dm`."""
    rng = city.stream("segments", department)
    parts = []
    for utility, count, usual, failing in _SEGMENTS[department]:
        share = by_profile(city, usual, failing)
        is_monitored = marked(city, f"monitored {department} {utility}", count, share, monthly=2)
        parts.append(
            pl.DataFrame(
                {
                    "utility": [utility] * (count + _ABANDONED),
                    "length_dm": np.round(np.exp(rng.normal(8.6, 0.9, count + _ABANDONED))).astype(np.int64) + 1,
                    "is_monitored": pl.concat([is_monitored, pl.Series([True] * _ABANDONED)]),
                    "status": ["在用"] * count + ["废止"] * _ABANDONED,
                }
            )
        )
    table = pl.concat(parts)
    code = f"{department[:2].upper()}GD" + pl.int_range(100_001, pl.len() + 100_001).cast(pl.String)
    streets = city.places.streets["code"]
    return table.select(code.alias("segment_code"), pl.all()).with_columns(
        division_code=streets.gather(rng.integers(0, len(streets), len(table)))
    )


def pipelines(city: City, department: str) -> pl.DataFrame:
    """Make <department>__utility_pipeline; one length in three is written in kilometres."""
    metres, kilometres = pl.col("length_dm") / 10, pl.col("length_dm") / 10_000
    written = (
        pl.when(pl.int_range(pl.len()) % 3 == 0)
        .then(kilometres.cast(pl.String) + "公里")
        .otherwise(metres.cast(pl.String) + "米")
    )
    return segments(city, department).with_columns(length_m=written).drop("length_dm")


def city_components(city: City) -> pl.DataFrame:
    """Make housing_construction__city_component: exactly nine in ten lights of the city are controlled remotely.

    Lights outside the city, lights taken down and components that are no lights do not count.
    """
    rng = city.stream("components")
    lights = max(int(len(city.people) * _LIGHTS_PER_PERSON) // 10 * 10, 300)
    kinds = {
        "路灯": (lights * 9 // 10, "01", "06", True),
        "景观灯": (lights - lights * 9 // 10, "01", "07", True),
        "路灯 ": (lights // 5, "01", "06", False),
        "井盖": (lights // 2, "01", "01", True),
        "护栏": (lights // 6, "02", "05", True),
        "垃圾箱": (lights // 8, "03", "02", True),
    }
    gone = 12
    sizes = [size for size, *_ in kinds.values()] + [gone]
    total = sum(sizes)
    columns = {
        name: np.repeat([*(row[place] for row in kinds.values()), last], sizes)
        for name, place, last in (("major", 1, "01"), ("minor", 2, "06"), ("is_urban", 3, True))
    }
    name = np.repeat([*(kind.strip() for kind in kinds), "路灯"], sizes)
    is_light = np.isin(name, ["路灯", "景观灯"])
    controlled = np.zeros(total, dtype=np.bool_)
    controlled[:lights] = marked(city, "controlled lights", lights, by_profile(city, 0.9, 0.7), monthly=4).to_numpy()
    controlled[total - gone :] = True
    streets = city.places.streets[rng.integers(0, len(city.places.streets), total)]
    built = np.datetime64(city.first_as_of) - rng.integers(200, 3_000, total).astype("timedelta64[D]")
    changed = np.datetime64(city.first_as_of) - rng.integers(5, 190, total).astype("timedelta64[D]")
    is_gone = pl.Series(np.arange(total) >= total - gone)
    return pl.DataFrame({"major": columns["major"], "minor": columns["minor"]}).select(
        pl.concat_str(
            streets["district"], "major", "minor", pl.int_range(1, pl.len() + 1).cast(pl.String).str.zfill(6)
        ).alias("component_code"),
        pl.Series(name).alias("name"),
        streets["code"].alias("division_code"),
        pl.concat_str(streets["code"], pl.Series(rng.integers(100, 999, total)).cast(pl.String)).alias("grid_code"),
        pl.Series(columns["is_urban"]).alias("is_urban"),
        pl.when(pl.Series(is_light)).then(pl.Series(controlled)).alias("is_smart_controlled"),
        pl.Series(rng.uniform(121.3, 122.6, total)).round(6).alias("longitude"),
        pl.Series(rng.uniform(36.8, 37.4, total)).round(6).alias("latitude"),
        choose(rng, ("CGCS2000", "GCJ-02", "BD-09"), total, (0.7, 0.2, 0.1)).alias("coordinate_system"),
        pl.lit("市住房城乡建设局").alias("department_name"),
        pl.when(is_gone).then(pl.lit("拆除")).otherwise(pl.lit("在用")).alias("status"),
        pl.Series(built).alias("built_on"),
        pl.when(is_gone).then(pl.Series(changed)).alias("changed_on"),
        pl.lit("CJ/T 214-2007").alias("standard_version"),
        pl.Series(is_light).alias(RELEVANT),
    )


def buildings(city: City) -> pl.DataFrame:
    """Make housing_construction__public_building: 45 large ones, one of exactly 20,000 m², 41 with sub-metering.

    Every third area is written in 万平方米.
    """
    rng = city.stream("public buildings")
    total = _KEY_BUILDINGS + _SMALL_BUILDINGS + _EMPTY_BUILDINGS
    area = np.r_[
        20_000, rng.integers(20_001, 180_000, _KEY_BUILDINGS - 1),
        19_999, rng.integers(2_000, 19_999, _SMALL_BUILDINGS - 1),
        rng.integers(30_000, 60_000, _EMPTY_BUILDINGS),
    ]  # fmt: skip
    metered = marked(city, "sub-metering", _KEY_BUILDINGS, by_profile(city, 41 / 45, 0.6), monthly=1)
    has_submetering = pl.concat(
        [metered, pl.Series(rng.random(_SMALL_BUILDINGS) < 0.2), pl.Series([True] * _EMPTY_BUILDINGS)]
    )
    uses = ("办公", "商场", "宾馆饭店", "文化教育", "医疗卫生", "综合")
    streets = city.places.streets[rng.integers(0, len(city.places.streets), total)]
    roads = choose(rng, read_table("roads.csv")["road"].to_list(), total)
    sqm = pl.Series(area)
    return pl.DataFrame({"area": sqm, "use": choose(rng, uses, total)}).select(
        pl.Series([f"JZ{n:04d}" for n in range(1, total + 1)]).alias("building_code"),
        pl.concat_str(roads, pl.Series([f"{n}号大厦" for n in range(1, total + 1)])).alias("name"),
        "use",
        pl.when(pl.int_range(pl.len()) % 3 == 0)
        .then((pl.col("area") / 10_000).cast(pl.String) + "万平方米")
        .otherwise(pl.col("area").cast(pl.String) + "平方米")
        .alias("floor_area_sqm"),
        has_submetering.alias("has_submetering"),
        pl.Series(["在用"] * (total - _EMPTY_BUILDINGS) + ["停用"] * _EMPTY_BUILDINGS).alias("status"),
        streets["code"].alias("division_code"),
    )


def operands(city: City, registers: Registers) -> Operands:
    """Compute indicators 5, 11, 16 and 20."""
    components = registers["housing_construction__city_component"]
    lights = components.filter(in_use() & pl.col("is_urban") & pl.col("name").is_in(["路灯", "景观灯"]))
    large = registers["housing_construction__public_building"].filter(in_use()).head(_KEY_BUILDINGS)
    return {
        "smart_lighting_rate": share_operands(
            "public_lights", "smart_controlled_public_lights", lights, "is_smart_controlled"
        ),
        "home_energy_metering": {
            **yearly_operands(
                {"households": annual_figures(registers["statistics__annual_indicator"], "总户数", city.as_of)},
                city.as_of,
            ),
            "smart_water_meters": _remote(registers["water_group__smart_meter"]),
            "smart_power_meters": _remote(registers["power_supply__smart_meter"]),
            "smart_gas_meters": _remote(registers["housing_construction__smart_meter"]),
        },
        "pipeline_smart_monitoring_rate": _lengths(pl.concat(segments(city, department) for department in _SEGMENTS)),
        "building_energy_submetering_rate": share_operands(
            "key_energy_buildings", "submetered_key_buildings", large, "has_submetering"
        ),
    }


def _remote(meters_: pl.DataFrame) -> Operand:
    return count_operand(len(meters_.filter(in_use() & pl.col("is_household") & pl.col("is_remote"))))


def _lengths(all_segments: pl.DataFrame) -> dict[str, Operand]:
    """Return the lengths by utility in kilometres."""
    found = {}
    for utility, total, monitored in (
        ("水", "water_pipe_km", "monitored_water_pipe_km"),
        ("电", "power_line_km", "monitored_power_line_km"),
        ("气", "gas_pipe_km", "monitored_gas_pipe_km"),
    ):
        own = all_segments.filter(in_use() & (pl.col("utility") == utility))
        for operand, rows in ((total, own), (monitored, own.filter("is_monitored"))):
            found[operand] = Operand(Decimal(int(rows["length_dm"].sum())) / 10_000)
    return found


TOPIC = Topic(
    {
        **{f"{department}__smart_meter": partial(meters, department=department) for department in _METERS},
        **{f"{department}__utility_pipeline": partial(pipelines, department=department) for department in _SEGMENTS},
        "housing_construction__city_component": city_components,
        "housing_construction__public_building": buildings,
    },
    operands,
)
