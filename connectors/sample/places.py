"""Where people and companies of the sample city are: the real divisions of Weihai."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from connectors.sample.draws import choose, positions, read_table

DISTRICTS = {"371002": "环翠区", "371003": "文登区", "371082": "荣成市", "371083": "乳山市"}
STATISTICAL = {"371071": "371002", "371072": "371002", "371073": "371002"}
"""Development zones that exist in statistics only, and the district whose code their people carry."""
_SHARES = {"371002": 0.36, "371003": 0.21, "371082": 0.24, "371083": 0.19}
ELSEWHERE = {
    370602: "山东省烟台市芝罘区",
    370683: "山东省莱州市",
    370687: "山东省海阳市",
    370682: "山东省莱阳市",
    370285: "山东省莱西市",
    370832: "山东省梁山县",
    371302: "山东省临沂市兰山区",
    230103: "黑龙江省哈尔滨市南岗区",
    220102: "吉林省长春市南关区",
    210203: "辽宁省大连市西岗区",
    410105: "河南省郑州市金水区",
    341225: "安徽省阜南县",
}
"""Where people who moved to Weihai were first registered."""
_WENDENG_DISTRICT_SINCE = 20140901
"""文登市 (371081) became 文登区 (371003) in 2014."""


@dataclass(frozen=True)
class Places:
    """The towns and streets of the city."""

    streets: pl.DataFrame
    """Columns code (9 digits), name, district (6 digits), district_name."""
    roads: tuple[str, ...]

    def addresses(self, rng: np.random.Generator, count: int) -> pl.DataFrame:
        """Draw addresses: columns division_code (9 digits), district (6 digits), address."""
        districts = self.streets["district"].to_list()
        crowd = {code: districts.count(code) for code in set(districts)}
        weights = [_SHARES[d] / crowd[d] for d in districts]
        rows = self.streets[positions(rng, len(districts), count, weights)]
        return rows.select(
            pl.col("code").alias("division_code"),
            "district",
            pl.concat_str(
                pl.lit("威海市"),
                "district_name",
                "name",
                choose(rng, self.roads, count).alias("road"),
                pl.Series("door", rng.integers(1, 400, count)).cast(pl.String),
                pl.lit("号"),
            ).alias("address"),
        )

    def first_registrations(
        self, rng: np.random.Generator, districts: pl.Series, births: np.ndarray, strangers: np.ndarray
    ) -> np.ndarray:
        """Draw the division codes that identity numbers begin with.

        Args:
            rng: the stream to draw from.
            districts: six-digit code of where each person lives, shape (n,).
            births: date of birth as the number YYYYMMDD, shape (n,).
            strangers: who is registered elsewhere to this day, shape (n,).
        """
        codes = districts.cast(pl.Int64).to_numpy()
        codes = np.where((codes == 371003) & (births < _WENDENG_DISTRICT_SINCE), 371081, codes)
        moved = (rng.random(len(codes)) < 0.14) | strangers
        return np.where(moved, np.array(list(ELSEWHERE))[rng.integers(0, len(ELSEWHERE), len(codes))], codes)


def load_places(divisions: Path) -> Places:
    """Read the towns and streets from the seed of divisions.

    Args:
        divisions: `seeds/divisions.csv`, with at least the columns code and name.
    """
    table = pl.read_csv(divisions, infer_schema=False)
    streets = (
        table.filter(pl.col("code").str.len_chars() == 9)
        .select(
            "code",
            "name",
            pl.col("code").str.slice(0, 6).replace(STATISTICAL).alias("district"),
        )
        .filter(pl.col("district").is_in(list(DISTRICTS)))
        .unique("code", keep="first")
        .sort("code")
        .with_columns(pl.col("district").replace_strict(DISTRICTS, return_dtype=pl.String).alias("district_name"))
    )
    return Places(streets, tuple(read_table("roads.csv")["road"]))
