"""Registers of schools and hospitals and of what they have built up."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from connectors.sample.city import City, Profile
from connectors.sample.draws import choose, some
from connectors.sample.operands import Operands, Registers, count_operand, share_operands
from connectors.sample.topic import Topic, by_profile, in_use, marked

_PERSONS_PER_SCHOOL = 400
_COUNTED = ("小学", "初中", "高中", "九年一贯制", "完全中学", "职业院校")
"""Types of school that indicator 7 counts."""
_LEVELS = (6, 5, 4, 4, 4, 4, 3, 3, 2, 1, 0, 0)
"""Electronic records' levels of the public hospitals of grade two and three: half have level 4, two thirds level 3."""
_FAILING_LEVELS = (5, 4, 3, 2, 2, 2, 1, 1, 0, 0, 0, 0)


def schools(city: City) -> pl.DataFrame:
    """Make education__school: three in four of those that count are smart; some kinds and closed ones do not."""
    streets = city.places.streets
    count = max(len(city.people) // _PERSONS_PER_SCHOOL // 8, 8)
    sizes = {
        "小学": count, "初中": count // 2 + 4, "高中": count // 4 + 4, "幼儿园": count, "九年一贯制": count // 8 + 2,
        "完全中学": count // 16 + 2, "职业院校": count // 16 + 4, "高等院校": 4, "特殊教育": 3,
    }  # fmt: skip
    closed = 4
    stages = [stage for stage, size in sizes.items() for _ in range(size)] + ["小学"] * closed
    rng = city.stream("schools")
    place = np.arange(len(stages)) * 7 % len(streets)
    status = ["在用"] * (len(stages) - closed) + ["撤销"] * closed
    counted = np.isin(stages, _COUNTED) & (np.array(status) == "在用")
    is_smart = some(rng, len(stages), 0.9)
    is_smart[counted] = marked(city, "smart campuses", int(counted.sum()), by_profile(city, 0.75, 0.5)).to_numpy()
    batch = choose(rng, ("第一批", "第二批", "第三批"), len(stages))
    return pl.DataFrame({"stage": stages, "town": streets["name"].gather(place)}).select(
        ("3137" + (pl.int_range(pl.len()) + 100_001).cast(pl.String)).alias("school_code"),
        pl.concat_str(
            streets["district_name"].gather(place),
            "town",
            pl.lit("第"),
            pl.int_range(1, pl.len() + 1).over("town", "stage"),
            "stage",
        ).alias("name"),
        "stage",
        pl.Series(status).alias("status"),
        pl.Series(is_smart).alias("is_smart_campus"),
        pl.when(pl.Series(is_smart)).then(batch).alias("recognised_batch"),
        pl.Series(some(rng, len(stages), 0.9)).alias("has_wlan"),
    )


def hospitals(city: City) -> pl.DataFrame:
    """Make health__hospital: twelve public ones of grade two and three; private, small and closed ones do not count."""
    levels = _FAILING_LEVELS if city.profile is Profile.FAILING else _LEVELS
    names = (
        "市立医院", "市中心医院", "市妇幼保健院", "环翠区人民医院", "文登区人民医院", "荣成市人民医院",
        "乳山市人民医院", "市中医院", "荣成市中医院", "乳山市中医院", "文登整骨医院", "市胸科医院",
    )  # fmt: skip
    year = city.first_as_of.year
    rows: list[tuple[str, str, bool, int | None, int | None, str]] = [
        (name, "三级" if number in (0, 1, 2, 10) else "二级", True, level, min(level, 3), "在用")
        for number, (name, level) in enumerate(zip(names, levels, strict=True))
    ]
    rows += [
        ("海晏民营医院", "二级", False, 5, 2, "在用"),
        ("蓝天民营医院", "三级", False, 4, None, "在用"),
        ("金线顶卫生院", "一级", True, 4, None, "在用"),
        ("羊亭镇卫生院", "一级", True, None, None, "在用"),
        ("草庙子镇卫生院", "未定级", True, None, None, "在用"),
        ("经区旧人民医院", "二级", True, 0, None, "停用"),
    ]
    return pl.DataFrame(
        [(f"4950{n:05d}", *row) for n, row in enumerate(rows, start=1)],
        schema=["institution_code", "name", "grade", "is_public", "emr_level", "smart_service_level", "status"],
        orient="row",
    ).with_columns(assessed_on=pl.when(pl.col("emr_level") > 0).then(pl.lit(date(year - 1, 11, 20))))


def operands(_: City, registers: Registers) -> Operands:
    """Compute indicators 7 and 8."""
    counted = registers["education__school"].filter(in_use() & pl.col("stage").is_in(_COUNTED))
    public = registers["health__hospital"].filter(
        in_use() & pl.col("is_public") & pl.col("grade").is_in(["二级", "三级"])
    )
    return {
        "smart_campus_coverage": share_operands("schools", "smart_campuses", counted, "is_smart_campus"),
        "hospital_smart_service": {
            "public_hospitals_grade2plus": count_operand(len(public)),
            "public_hospitals_level_ge3": count_operand(len(public.filter(pl.col("emr_level") >= 3))),
            "public_hospitals_level_ge4": count_operand(len(public.filter(pl.col("emr_level") >= 4))),
        },
    }


TOPIC = Topic({"education__school": schools, "health__hospital": hospitals}, operands)
