"""The list of government service items."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from connectors.sample.city import RELEVANT, City
from connectors.sample.draws import exactly, read_table, some

_ACTIONS = {
    "设立许可": "行政许可",
    "变更登记": "其他行政权力",
    "注销登记": "其他行政权力",
    "延续许可": "行政许可",
    "年度报告": "公共服务",
    "资格认定": "行政确认",
    "备案": "其他行政权力",
    "证书补发": "公共服务",
    "信息查询": "公共服务",
    "补贴申领": "行政给付",
    "核准": "行政许可",
    "奖励申报": "行政奖励",
}
"""What can be asked for, and the kind of item it is."""
_COUNTED, _ENABLED, _RETIRED, _FUTURE = 800, 680, 60, 15
"""Items in use, those of them that work with electronic licences, and items that do not count."""


def service_items(city: City) -> pl.DataFrame:
    """Make administrative_approval__service_item: exactly 85 % of 800 items work with electronic licences."""
    rng = city.stream("service items")
    total = _COUNTED + _RETIRED + _FUTURE
    subjects = (
        read_table("departments.csv")
        .filter(pl.col("subjects").fill_null("") != "")
        .with_columns(subject=pl.col("subjects").str.split("|"))
        .explode("subject")
    )
    order = rng.permutation(len(subjects) * len(_ACTIONS))[:total]
    subject, action = subjects[order // len(_ACTIONS)], order % len(_ACTIONS)
    state = rng.permutation(np.repeat(["counted", "retired", "future"], [_COUNTED, _RETIRED, _FUTURE]))
    uses = np.zeros(total, dtype=np.bool_)
    own = np.flatnonzero(state == "counted")
    uses[own[exactly(rng, _COUNTED, min(_ENABLED + 12 * (city.round_no - 1), _COUNTED))]] = True
    uses[np.flatnonzero(state == "retired")[2:]] = True
    uses[state == "future"] = True
    with_other_key = ~uses & some(rng, total, 0.35)
    key = np.where(rng.random(total) < 0.6, "公民身份号码", "统一社会信用代码")
    effective = np.datetime64(city.first_as_of) - rng.integers(30, 1500, total).astype("timedelta64[D]")
    effective = np.where(state == "future", np.datetime64(date(city.first_as_of.year + 3, 1, 1)), effective)
    level = subject["level"].to_numpy()
    return pl.DataFrame(
        {
            "item_code": pl.Series(np.arange(total) + 371_000_100_001).cast(pl.String),
            "item_name": subject["subject"] + pl.Series(list(_ACTIONS)).gather(action),
            "item_kind": pl.Series(list(_ACTIONS.values())).gather(action),
            "level": pl.Series(level),
            "department_name": subject["name"],
            "is_on_application": pl.Series(some(rng, total, 0.9)),
            "uses_elicence": pl.Series(uses | with_other_key),
            "elicence_key_kind": pl.Series(np.where(with_other_key, "其他", key)).set(
                pl.Series(~(uses | with_other_key)), None
            ),
            "is_online": pl.Series(some(rng, total, 0.7)),
            "is_mobile": pl.Series(some(rng, total, 0.5)),
            "status": pl.Series(np.where(state == "retired", "废止", "在用")),
            "effective_on": pl.Series(effective).set(pl.Series((state == "counted") & some(rng, total, 0.1)), None),
            RELEVANT: pl.Series(np.ones(total, dtype=np.bool_)),
        }
    )
