"""The measured deliveries: a household register of a million clean rows × 20 columns, and what becomes of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from connectors.normalise.codes import DIVISIONS_FILE
from connectors.sample.draws import stream
from connectors.sample.places import load_places
from connectors.sample.population import make_population

AS_OF = date(2021, 9, 30)
CONTRACT = "public_security__household_population"
_SEED = 371_000
_RELATIONS = {"户主": "户主", "配偶": "配偶", "子女": "其他儿子", "父母": "父母"}
_EDUCATION = {"小学": "小学教育", "初中": "初级中学教育", "大学专科": "大学专科教育", "大学本科": "大学本科教育", "中等职业": "中等职业教育"}
_CHANGED = 0.005
"""Share of the records that a second delivery gives another address."""


@dataclass(frozen=True)
class Deliveries:
    """Files on disk: the first delivery in two encodings, and the second one."""

    utf8: Path
    gb18030: Path
    changed: Path
    rows: int


def write(folder: Path, rows: int) -> Deliveries:
    """Write the files, unless an earlier bench left them; deterministic."""
    files = Deliveries(
        *(folder / f"household_{rows}_{name}.csv" for name in ("utf8", "gb18030", "changed")),
        rows=rows,
    )
    if not all(path.is_file() for path in (files.utf8, files.gb18030, files.changed)):
        folder.mkdir(parents=True, exist_ok=True)
        register = _register(rows)
        register.write_csv(files.utf8)
        files.gb18030.write_bytes(files.utf8.read_bytes().decode().encode("gb18030"))
        moved = pl.Series(stream(_SEED, "bench", "changed").random(rows) < _CHANGED)
        address = pl.col("户籍地址")
        register.with_columns(pl.when(moved).then(address + "（新址）").otherwise(address).alias("户籍地址")).write_csv(
            files.changed
        )
    return files


def _register(rows: int) -> pl.DataFrame:
    rng = stream(_SEED, "bench", "register")
    people = make_population(rows, rng, AS_OF, load_places(DIVISIONS_FILE))
    moved_in = np.datetime64("2000-01-01") + rng.integers(0, 7_000, rows).astype("timedelta64[D]")
    moved_in = np.maximum(moved_in, people["birth_date"].to_numpy())
    seconds = rng.integers(0, 600 * 86_400, rows).astype("timedelta64[s]")
    updated = np.datetime64("2020-01-01T00:00:00") + seconds
    day, moment = "%Y-%m-%d", "%Y-%m-%d %H:%M:%S"
    sometimes = pl.Series(rng.random(rows) < 0.3)
    return people.select(
        **{
            "公民身份号码": "id_no",
            "姓名": "name",
            "曾用名": pl.when(sometimes).then(pl.col("name").str.slice(0, 1) + "小" + pl.col("name").str.slice(1, 1)),
            "性别": "sex",
            "民族": "ethnicity_code",
            "出生日期": pl.col("birth_date").dt.strftime(day),
            "出生地": pl.lit("山东省威海市环翠区人民医院产科"),
            "籍贯": pl.lit("山东省威海市") + pl.col("address").str.slice(6, 6),
            "户号": "household_no",
            "与户主关系": pl.col("relation").replace_strict(_RELATIONS),
            "户籍地区划": "division_code",
            "户籍地址": "address",
            "所属派出所": pl.lit("威海市公安局") + pl.col("address").str.slice(6, 8) + pl.lit("派出所"),
            "文化程度": pl.col("education").replace_strict(_EDUCATION, default="其他"),
            "婚姻状况": "marital_status",
            "迁入日期": pl.Series(moved_in).dt.strftime(day),
            "迁出日期": pl.lit(None, dtype=pl.String),
            "注销日期": pl.lit(None, dtype=pl.String),
            "注销原因": pl.lit(None, dtype=pl.String),
            "更新时间": pl.Series(updated.astype("datetime64[ms]")).dt.strftime(moment),
        }
    )
