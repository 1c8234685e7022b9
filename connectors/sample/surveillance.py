"""Registers of the police: key areas, cameras, cases solved with video, and who else uses it."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import polars as pl

from connectors.sample.city import City
from connectors.sample.draws import read_table, some
from connectors.sample.operands import Operands, Registers, count_operand, share_operands, yearly_operands
from connectors.sample.topic import Topic, begun, by_profile, in_use, marked

_AREAS, _CLOSED_AREAS = 160, 9
_CAMERAS, _ELSEWHERE, _SCRAPPED = 1_200, 640, 70
_CASES = (2_640, 2_905, 3_030, 3_120)
"""Cases solved, year by year up to the last full one."""
_SERVED, _FAILING_SERVED = 11, 6


def key_areas(city: City) -> pl.DataFrame:
    """Make public_security__key_area: 152 of 160 in use are covered, and all that were closed."""
    total = _AREAS + _CLOSED_AREAS
    covered = marked(city, "hd video", _AREAS, by_profile(city, 0.95, 0.85), monthly=1)
    roads = read_table("roads.csv")["road"]
    return pl.DataFrame(
        {
            "area_code": [f"GA{n:04d}" for n in range(1, total + 1)],
            "name": [f"{roads[n % len(roads)]}{n // len(roads) + 1}号重点区域" for n in range(total)],
            "has_hd_video": pl.concat([covered, pl.Series([True] * _CLOSED_AREAS)]),
            "status": ["在用"] * _AREAS + ["停用"] * _CLOSED_AREAS,
        }
    )


def cameras(city: City) -> pl.DataFrame:
    """Make public_security__camera: 1,200 in key areas count; those elsewhere and those scrapped do not."""
    rng, total = city.stream("cameras"), _CAMERAS + _ELSEWHERE + _SCRAPPED
    working = marked(city, "working cameras", _CAMERAS, by_profile(city, 0.97, 0.8), monthly=3)
    networked = marked(city, "networked cameras", _CAMERAS, by_profile(city, 1.0, 0.88), monthly=3)
    others = _ELSEWHERE + _SCRAPPED
    is_in_key_area = np.r_[np.ones(_CAMERAS), np.zeros(_ELSEWHERE), np.ones(_SCRAPPED)].astype(np.bool_)
    area = key_areas(city)["area_code"].gather(rng.integers(0, _AREAS, total))
    return pl.DataFrame({"area": area, "is_in_key_area": is_in_key_area}).select(
        pl.Series([f"3710{n:08d}" for n in range(1, total + 1)]).alias("device_code"),
        pl.when("is_in_key_area").then("area").alias("area_code"),
        "is_in_key_area",
        pl.concat([working, pl.Series(some(rng, others, 0.6))]).alias("is_working"),
        pl.concat([networked, pl.Series(some(rng, others, 0.5))]).alias("is_networked"),
        pl.Series(["在用"] * (_CAMERAS + _ELSEWHERE) + ["报废"] * _SCRAPPED).alias("status"),
    )


def case_summaries(city: City) -> pl.DataFrame:
    """Make public_security__video_case_summary: exactly 80 % of last year's cases; the running year is incomplete."""
    last = city.first_as_of.year - 1
    solved = {last - back: count for back, count in enumerate(reversed(_CASES))}
    rows = [(str(year), count, count * 8 // 10) for year, count in sorted(solved.items())]
    rows.append((str(last + 1), 2_012, 1_207))
    return pl.DataFrame(rows, schema=["year", "cases_solved", "cases_solved_with_video"], orient="row")


def served_departments(city: City) -> pl.DataFrame:
    """Make public_security__video_service_department: eleven others count; the police, one stopped and one to come."""
    names = read_table("departments.csv").filter(
        (pl.col("level") == "市级") & (pl.col("status") == "在用") & (pl.col("name") != "市公安局")
    )["name"]
    served = round(by_profile(city, _SERVED, _FAILING_SERVED))
    day = city.first_as_of
    rows: list[tuple[str, date, str]] = [
        (name, day - timedelta(days=90 * number), "在用") for number, name in enumerate(names[:served])
    ]
    rows += [
        ("市公安局", day - timedelta(days=2_000), "在用"),
        (names[served], day - timedelta(days=900), "停用"),
        (names[served + 1], day + timedelta(days=12), "在用"),
    ]
    return pl.DataFrame(rows, schema=["department_name", "since", "status"], orient="row")


def operands(city: City, registers: Registers) -> Operands:
    """Compute indicators 31, 33, 34 and 35."""
    cases = registers["public_security__video_case_summary"]

    def by_year(column: str) -> dict[str, Decimal]:
        return {year: Decimal(count) for year, count in cases.select("year", column).iter_rows()}

    served = registers["public_security__video_service_department"].filter(
        in_use() & begun("since", city.as_of) & (pl.col("department_name") != "市公安局")
    )
    areas = registers["public_security__key_area"].filter(in_use())
    watching = registers["public_security__camera"].filter(in_use() & pl.col("is_in_key_area"))
    junctions = registers["traffic_police__junction"].filter(in_use() & ~pl.col("is_branch_road"))
    return {
        "video_crime_contribution": {
            **yearly_operands(
                {
                    "criminal_cases_solved": by_year("cases_solved"),
                    "cases_solved_with_video": by_year("cases_solved_with_video"),
                },
                city.as_of,
            ),
            "served_dept_count": count_operand(served["department_name"].n_unique()),
        },
        "video_coverage_integrity": {
            **share_operands("key_public_areas", "hd_covered_key_areas", areas, "has_hd_video"),
            **share_operands("cameras", "working_cameras", watching, "is_working"),
        },
        "video_networking_rate": share_operands("key_area_cameras", "networked_cameras", watching, "is_networked"),
        "epolice_junction_rate": share_operands("major_junctions", "epolice_junctions", junctions, "has_epolice"),
    }


TOPIC = Topic(
    {
        "public_security__key_area": key_areas,
        "public_security__camera": cameras,
        "public_security__video_case_summary": case_summaries,
        "public_security__video_service_department": served_departments,
    },
    operands,
)
