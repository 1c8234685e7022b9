"""Registers of the land: areas, and the standard address of every home."""

from __future__ import annotations

from itertools import product

import polars as pl

from connectors.sample.city import RELEVANT, City
from connectors.sample.topic import Topic

_AREAS = {
    ("行政区域", "371000"): 5799.84,
    ("行政区域", "371002"): 991.31,
    ("行政区域", "371003"): 1616.31,
    ("行政区域", "371082"): 1526.33,
    ("行政区域", "371083"): 1665.89,
    ("城市规划区", "371000"): 2607.28,
    ("城区", "371000"): 288.0,
}
"""Square kilometres by kind and division; the sample's own figures, near to public ones."""
_YEARS = 3


def areas(city: City) -> pl.DataFrame:
    """Make natural_resources__area: three full years and the running one."""
    years = range(city.first_as_of.year - _YEARS, city.first_as_of.year + 1)
    return pl.DataFrame(
        [(kind, code, str(year), value) for ((kind, code), value), year in product(_AREAS.items(), years)],
        schema=["area_kind", "division_code", "year", "area_sqkm"],
        orient="row",
    )


def homes(city: City) -> pl.DataFrame:
    """Return the homes of all households, one row each, in the order of `household_no`.

    Returns:
        household_no, address_code (the same for households at one address), division_code, address, and `is_inhabited`:
        somebody of the household lives in the city on its date.
    """
    founding = city.people.lazy().with_columns(is_here=city.present["is_here"])
    homes = (
        founding.group_by("household_no")
        .agg(pl.col("division_code", "address").first(), pl.col("is_here").any().alias("is_inhabited"))
        .sort("household_no")
        .collect()
    )
    number = pl.col("address").rank("dense").cast(pl.Int64) + 371_000_000_000
    return homes.with_columns(address_code=number.cast(pl.String))


def standard_addresses(city: City) -> pl.DataFrame:
    """Make natural_resources__standard_address: every home of a household, in the city or gone from it."""
    streets = city.places.streets.select("code", place=pl.concat_str(pl.lit("威海市"), "district_name", "name"))
    homes_ = homes(city).unique("address", keep="first", maintain_order=True)
    rng = city.stream("positions of homes")
    position = pl.DataFrame(
        {
            "longitude": pl.Series(rng.uniform(121.3, 122.6, len(homes_))).round(6),
            "latitude": pl.Series(rng.uniform(36.8, 37.4, len(homes_))).round(6),
        }
    )
    tail = pl.col("address").str.slice(pl.col("place").str.len_chars())
    parts = tail.str.extract_groups(r"^(?<street>\D+)(?<door_no>\d+号)(?<unit_no>\d+单元)(?<room_no>\d+室)$")
    return (
        homes_.hstack(position)
        .join(streets, left_on="division_code", right_on="code", maintain_order="left")
        .with_columns(parts.struct.unnest())
        .select(
            "address_code",
            "division_code",
            "street",
            "door_no",
            "unit_no",
            "room_no",
            pl.col("address").alias("full_address"),
            "longitude",
            "latitude",
            pl.lit(value=False).alias(RELEVANT),
        )
    )


TOPIC = Topic(
    {"natural_resources__area": areas, "natural_resources__standard_address": standard_addresses},
    lambda _, __: {},
)
