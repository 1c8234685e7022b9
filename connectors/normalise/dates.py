"""Dates, times and periods in every form departments write them; all local times are Asia/Shanghai."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from connectors.contract import LONG_TERM
from connectors.normalise.identifiers import real_days
from connectors.normalise.text import first_true, fold

Ints = NDArray[np.int64]
Moments = NDArray[Any]
"""datetime64[us], without a zone."""
ZONE = "Asia/Shanghai"
_LONG_TERM_WORDS = [
    *("长期", "长期有效", "永久", "永久有效", "永续", "无期限", "无固定期限", "无限期"),
    *(
        "2099-12-31",
        "9999-12-31",
        "2099/12/31",
        "9999/12/31",
        "20991231",
        "99991231",
        "2099年12月31日",
        "9999年12月31日",
    ),
]
_TIME = r"(?:[T\s]*(\d{1,2})[:时](\d{1,2})(?:[:分](\d{1,2})(?:\.(\d{1,6})\d*)?)?[分秒]?\s*(Z|[+-]\d{2}:?\d{2})?)?"
_PARTED = r"^(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*[日号]?" + _TIME + "$"
_SOLID = r"^(\d{4})(\d{2})(\d{2})(?:(\d{2})(\d{2})(\d{2})?)?$"
_SERIAL = r"^(\d{5})(\.\d+)?$"
_COARSE = r"^((1[89]|20)\d{2})(年|[-/.年]?(0?[1-9]|1[0-2])月?)?$"
_DATE_LIKE = r"^\d{4}\s*[-/.年]\s*\d{1,2}\s*[-/.月]\s*\d{1,2}(\D.*)?$"
_EPOCH_1900 = np.datetime64("1899-12-30", "D")
_EPOCH_1904 = np.datetime64("1904-01-01", "D")
_FIRST_YEAR, _LAST_YEAR = 1800, 2200


def normalise_date(cells: pl.Series, *, epoch_1904: bool) -> pl.DataFrame:
    """Read dates; a time of day is dropped, 长期 and its kin become 9999-12-31.

    Args:
        cells: tidied texts, none of them empty.
        epoch_1904: bare day numbers count from 1904-01-01 instead of 1899-12-30.

    Returns:
        `value` (Date) and `finding`.
    """
    moments = normalise_datetime(cells, epoch_1904=epoch_1904)
    return moments.select(value=pl.col("value").dt.date(), finding="finding")


def normalise_datetime(cells: pl.Series, *, epoch_1904: bool) -> pl.DataFrame:
    """Read points in time; a date alone is its midnight, a stated offset is converted.

    Returns:
        `value` (Datetime us, Asia/Shanghai) and `finding`.
    """
    text = fold(cells).str.strip_suffix(".0")
    parted = _groups(text, _PARTED, 8)
    solid = _groups(text, _SOLID, 6)
    fields = pl.DataFrame({str(i): pl.select(pl.coalesce(parted[str(i)], solid[str(i)])).to_series() for i in range(6)})
    year, month, day, hour, minute, second = (_whole(fields[str(i)]) for i in range(6))
    written = (fields["0"].is_not_null()).to_numpy()
    exists = real_days(year, month, day) & (hour < 25) & (minute < 60) & (second < 61)
    exists &= (year >= _FIRST_YEAR) & (year <= _LAST_YEAR)
    local = _moments(*(np.where(exists, part, 1) for part in (year, month, day)))
    local = local + ((hour * 60 + minute) * 60 + second) * np.timedelta64(1_000_000, "us")
    local = local + _whole(parted["6"].str.pad_end(6, "0")) * np.timedelta64(1, "us")
    local = np.where(written & exists, local, np.datetime64("NaT"))
    serial, is_serial = _serials(text, epoch_1904=epoch_1904)
    local = np.where(is_serial, serial, local)
    long_term = text.str.replace_all(r"\s", "").is_in(_LONG_TERM_WORDS).to_numpy()
    local = np.where(long_term, np.datetime64(LONG_TERM, "us"), local)
    coarse = text.str.contains(_COARSE).to_numpy()
    shaped = written | text.str.contains(_DATE_LIKE).to_numpy()
    finding = first_true(
        [~np.isnat(local), coarse, shaped, np.ones(len(text), dtype=np.bool_)],
        ["", "date_precision", "date_impossible", "date_unreadable"],
    )
    naive = pl.Series("value", local.astype("datetime64[us]"))
    zoned = pl.DataFrame({"value": naive, "offset": parted["7"]}).select(
        value=pl.when(pl.col("offset").is_null())
        .then(localised(pl.col("value")))
        .otherwise(_shifted(pl.col("value"), pl.col("offset")))
    )
    return zoned.with_columns(finding=finding.replace("", None))


def normalise_period(cells: pl.Series) -> pl.DataFrame:
    """Read years (`YYYY`) and months (`YYYYMM`); a first of a month, as tables make it of a month, counts as the month.

    Returns:
        `value` (String) and `finding`.
    """
    text = fold(cells).str.replace_all(r"\s", "").str.strip_suffix(".0")
    year = text.str.extract(r"^((?:19|20)\d{2})年?度?$")
    month = _groups(text, r"^((?:19|20)\d{2})[-/.年]?(0?[1-9]|1[0-2])月?份?$", 2)
    first = _groups(text, r"^((?:19|20)\d{2})[-/.年]?(0?[1-9]|1[0-2])[-/.月]?0?1日?(?:T?00:00:00)?$", 2)
    value = pl.select(
        pl.coalesce(year, month["0"] + month["1"].str.zfill(2), first["0"] + first["1"].str.zfill(2))
    ).to_series()
    return pl.DataFrame({"value": value}).with_columns(
        finding=pl.when(pl.col("value").is_null()).then(pl.lit("period_unreadable"))
    )


def _groups(text: pl.Series, pattern: str, count: int) -> pl.DataFrame:
    groups = text.str.extract_groups(pattern).struct.unnest()
    return groups.rename({old: str(i) for i, old in enumerate(groups.columns)}).select(str(i) for i in range(count))


def _whole(digits: pl.Series) -> NDArray[np.int64]:
    return digits.cast(pl.Int64).fill_null(0).to_numpy()


def _moments(year: Ints, month: Ints, day: Ints) -> Moments:
    months = (year - 1970) * 12 + month - 1
    days = months.astype("datetime64[M]").astype("datetime64[D]") + (day - 1) * np.timedelta64(1, "D")
    return days.astype("datetime64[us]")


def _serials(text: pl.Series, *, epoch_1904: bool) -> tuple[Moments, NDArray[np.bool_]]:
    """Read spreadsheet day numbers (five digits before the point: 1927 to 2119)."""
    found = _groups(text, _SERIAL, 2)
    days = _whole(found["0"])
    seconds = (found["1"].cast(pl.Float64).fill_null(0).to_numpy() * 86_400).round().astype(np.int64)
    epoch = _EPOCH_1904 if epoch_1904 else _EPOCH_1900
    midnights = (epoch + days * np.timedelta64(1, "D")).astype("datetime64[us]")
    moments: Moments = midnights + seconds * np.timedelta64(1_000_000, "us")
    return moments, (days >= 10_000) & (days <= 80_000)


def localised(moment: pl.Expr) -> pl.Expr:
    """Place a local time in the city's zone; an hour skipped by summer time (1986–1991) moves on by one."""
    return pl.coalesce(
        moment.dt.replace_time_zone(ZONE, ambiguous="earliest", non_existent="null"),
        (moment + pl.duration(hours=1)).dt.replace_time_zone(ZONE, ambiguous="earliest", non_existent="null"),
    )


def _shifted(moment: pl.Expr, offset: pl.Expr) -> pl.Expr:
    sign = pl.when(offset.str.starts_with("-")).then(-1).otherwise(1)
    hours = offset.str.extract(r"^[+-](\d{2})").cast(pl.Int64).fill_null(0)
    minutes = offset.str.extract(r"(\d{2})$").cast(pl.Int64).fill_null(0)
    ahead = pl.duration(minutes=sign * (hours * 60 + minutes))
    return (moment - ahead).dt.replace_time_zone("UTC").dt.convert_time_zone(ZONE)
