"""Registers of weather stations and map sheets, and what they say of the land."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import numpy as np
import polars as pl

from connectors.sample.city import RELEVANT, City
from connectors.sample.operands import Operand, Operands, Registers, count_operand, yearly_operands
from connectors.sample.topic import Topic, begun, by_profile, in_use

_URBAN, _FAILING_URBAN, _RURAL, _REMOVED = 32, 8, 64, 5
"""With 288 km² of urban area, 32 stations are exactly 3 km apart, and 8 are 6 km."""
_COLUMNS = 53
"""Square kilometres of the planning area in one row of the grid."""
_WEST_M, _SOUTH_M = 380_000, 4_070_000
_COARSE, _FAILING_COARSE = 2_150, 1_400
_DETAILED = (2_100, 2_350)
"""Cells mapped 1:1000, four sheets each: the first fifty are mapped 1:2000 too."""
_OLD_CRS = 24
"""1:1000 sheets of the old coordinate system, which lie inside no 1:2000 sheet of their own."""


def weather_stations(city: City) -> pl.DataFrame:
    """Make meteorology__weather_station: urban ones count unless removed or not enabled yet."""
    urban = round(by_profile(city, _URBAN, _FAILING_URBAN))
    total = urban + _RURAL + _REMOVED + 1
    rng = city.stream("weather stations")
    enabled = pl.Series(np.datetime64(city.first_as_of) - rng.integers(100, 4_000, total).astype("timedelta64[D]"))
    to_come = pl.int_range(pl.len()) == total - 1
    names = city.places.streets["name"]
    return pl.DataFrame({"enabled_on": enabled}).select(
        pl.Series([f"D{n + 2_000}" for n in range(total)]).alias("station_no"),
        pl.Series([f"{names[n % len(names)]}{n // len(names) + 1}号站" for n in range(total)]).alias("name"),
        pl.Series(np.round(rng.uniform(121.3, 122.6, total), 6)).alias("longitude"),
        pl.Series(np.round(rng.uniform(36.8, 37.4, total), 6)).alias("latitude"),
        pl.Series([True] * urban + [False] * _RURAL + [True] * (_REMOVED + 1)).alias("is_urban"),
        pl.when(to_come)
        .then(pl.lit(date(city.first_as_of.year + 2, 1, 1)))
        .otherwise("enabled_on")
        .alias("enabled_on"),
        pl.Series(["在用"] * (urban + _RURAL) + ["拆除"] * _REMOVED + ["在用"]).alias("status"),
    )


def map_sheets(city: City) -> pl.DataFrame:
    """Make natural_resources__map_sheet: sheets of five scales over the grid of the planning area."""
    coarse = np.arange(round(by_profile(city, _COARSE, _FAILING_COARSE)))
    detailed = np.repeat(np.arange(*_DETAILED), 4)
    quarter = np.tile(np.arange(4), len(detailed) // 4)
    year = city.first_as_of.year
    parts = [
        _sheets("1:2000", coarse, size=1_000, year=year - 3),
        _sheets("1:1000", detailed, size=500, year=year - 1, quarter=quarter),
        _sheets("1:1000", np.arange(_OLD_CRS) * 5, size=500, year=year - 12, crs="西安80"),
        _sheets("1:500", np.arange(60), size=250, year=year - 2),
        _sheets("1:5000", np.arange(80) * 30, size=2_500, year=year - 5),
    ]
    table = pl.concat(parts)
    number = pl.int_range(1, pl.len() + 1).cast(pl.String).str.zfill(5)
    return table.select(pl.concat_str(pl.lit("TF"), number).alias("sheet_no"), pl.all()).with_columns(
        pl.col("scale").is_in(["1:1000", "1:2000"]).alias(RELEVANT)
    )


def _sheets(
    scale: str, cells: np.ndarray, *, size: int, year: int, quarter: np.ndarray | int = 0, crs: str = "CGCS2000"
) -> pl.DataFrame:
    """Lay square sheets on the kilometre grid.

    Args:
        scale: word of the scale.
        cells: numbers of the grid's cells, shape (n,).
        size: edge in metres.
        year: of the survey.
        quarter: which quarter of each cell they begin at, from the south-west one.
        crs: coordinate system.
    """
    west = _WEST_M + cells % _COLUMNS * 1_000 + quarter % 2 * 500
    south = _SOUTH_M + cells // _COLUMNS * 1_000 + quarter // 2 * 500
    return pl.DataFrame(
        {"min_x_m": west, "min_y_m": south, "max_x_m": west + size, "max_y_m": south + size}
    ).with_columns(
        scale=pl.lit(scale),
        crs=pl.lit(crs),
        surveyed_year=pl.lit(str(year)),
        area_in_planning_sqkm=pl.lit(size * size / 1_000_000),
    )


def mapped_area(sheets: pl.DataFrame) -> Decimal:
    """Return the km² that sheets of 1:2000 show, and sheets of 1:1000 in cells without one of the same system.

    Args:
        sheets: natural_resources__map_sheet; a 1:2000 sheet fills a cell of the kilometre grid.
    """
    cell = [pl.col("crs"), pl.col("min_x_m") // 1_000, pl.col("min_y_m") // 1_000]
    coarse = sheets.filter(pl.col("scale") == "1:2000")
    detailed = sheets.filter(pl.col("scale") == "1:1000").join(coarse, on=cell, how="anti")
    shown = [*coarse["area_in_planning_sqkm"], *detailed["area_in_planning_sqkm"]]
    return sum((Decimal(str(area)) for area in shown), Decimal(0))


def operands(city: City, registers: Registers) -> Operands:
    """Compute indicators 32 and 39."""
    areas = registers["natural_resources__area"].filter(pl.col("division_code") == "371000")

    def area_of(operand: str, kind: str) -> dict[str, Operand]:
        rows = areas.filter(pl.col("area_kind") == kind).select("year", "area_sqkm").iter_rows()
        return yearly_operands({operand: {year: Decimal(str(value)) for year, value in rows}}, city.as_of)

    stations = registers["meteorology__weather_station"].filter(
        in_use() & begun("enabled_on", city.as_of) & pl.col("is_urban")
    )
    urban = area_of("urban_area_km2", "城区")
    area = urban["urban_area_km2"]
    spacing = None if area.value is None or not len(stations) else (area.value / len(stations)).sqrt()
    return {
        "weather_station_spacing": {
            **urban,
            "urban_stations": count_operand(len(stations)),
            "urban_station_spacing_km": Operand(spacing, area.period),
        },
        "map_scale_coverage": {
            **area_of("planning_area_km2", "城市规划区"),
            "mapped_area_km2": Operand(mapped_area(registers["natural_resources__map_sheet"])),
        },
    }


TOPIC = Topic({"meteorology__weather_station": weather_stations, "natural_resources__map_sheet": map_sheets}, operands)
