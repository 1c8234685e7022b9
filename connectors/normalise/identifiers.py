"""Citizen identity numbers (GB 11643-1999) and unified social credit codes (GB 32100-2015), vectorised."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from connectors.normalise.text import first_true, fold, put

Bytes = NDArray[np.uint8]
Ints = NDArray[np.int64]

ID_WEIGHTS = np.array([7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2], dtype=np.int64)
ID_CHECKS = "10X98765432"
_PROVINCES = frozenset(
    (*range(11, 16), *range(21, 24), *range(31, 38), *range(41, 47), *range(50, 55), *range(61, 66), 71, 81, 82, 83)
)
_FOREIGN = 9
"""First digit of a foreign permanent resident's number: 9 + place (2) + nationality (3), then as everyone's."""

USCC_CHARACTERS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
USCC_WEIGHTS = np.array([pow(3, i, 31) for i in range(17)], dtype=np.int64)
ORGANISATION_WEIGHTS = np.array([3, 7, 9, 10, 5, 8, 4, 2], dtype=np.int64)
_USCC_VALUES = np.full(256, -1, dtype=np.int64)
_USCC_VALUES[np.frombuffer(USCC_CHARACTERS.encode(), dtype=np.uint8)] = np.arange(31)
_ORGANISATION_VALUES = np.zeros(256, dtype=np.int64)
_ORGANISATION_VALUES[ord("0") : ord("9") + 1] = np.arange(10)
_ORGANISATION_VALUES[ord("A") : ord("Z") + 1] = np.arange(10, 36)
_ORGANISATION_CHECKS = np.frombuffer(b"0X987654321", dtype=np.uint8)
_USCC_PREFIXES = [
    *("11", "12", "13", "19", "21", "29", "31", "32", "33", "34", "35", "39", "41", "49"),
    *("51", "52", "53", "54", "55", "59", "61", "62", "69", "71", "72", "79", "81", "89", "91", "92", "93"),
    *("A1", "A9", "G1", "J1", "N1", "N2", "N3", "N9", "Q1", "Q2", "Q3", "Q9", "Y1"),
]
_SCIENTIFIC = r"^\d(\.\d+)?E\+?\d{1,2}$"


def normalise_id(cells: pl.Series, as_of: date) -> pl.DataFrame:
    """Normalise citizen numbers and their kin.

    Args:
        cells: tidied texts, none of them empty.
        as_of: dates of birth must not lie after it.

    Returns:
        `value` (18 digits where possible, else the text as it is, null where unusable), `finding`, `suggestion`.
    """
    text = _compact(cells)
    shaped = _lengthen(text, as_of)
    frame = pl.DataFrame({"value": shaped, "text": text, "raw": cells})
    frame = frame.with_columns(
        finding=pl.when(pl.col("text").str.contains(_SCIENTIFIC))
        .then(pl.lit("id_scientific"))
        .when(pl.col("value").str.contains(r"^\d{17}[\dX]$"))
        .then(None)
        .when(pl.col("text").str.count_matches(r"\d") >= 5)
        .then(pl.lit("id_shape"))
        .otherwise(pl.lit("id_unusable"))
    )
    whole = frame["finding"].is_null()
    places = whole.arg_true()
    if len(places):
        verdict = _judge_id(_characters(frame["value"].gather(places), 18), as_of)
        frame = frame.with_columns(put(frame["finding"], places, verdict))
    lengthened = pl.col("text").str.len_bytes() == 15
    return frame.with_columns(
        finding=pl.when(pl.col("finding").is_not_null())
        .then("finding")
        .when(lengthened & (pl.col("value").str.len_bytes() == 18))
        .then(pl.lit("id_15"))
        .when(pl.col("raw").str.ends_with("x") & (pl.col("value").str.len_bytes() == 18))
        .then(pl.lit("id_lower_x"))
    ).select(
        value=pl.when(pl.col("finding").is_in(["id_scientific", "id_unusable"])).then(None).otherwise("value"),
        finding="finding",
        suggestion=pl.when(pl.col("finding") == "id_15").then("value"),
    )


def citizen_remainder(first17: Bytes) -> Ints:
    """Return, for an (n, 17) array of ASCII digits, the place of the check in `ID_CHECKS` (GB 11643-1999, MOD 11-2)."""
    remainder: Ints = ((first17.astype(np.int64) - ord("0")) @ ID_WEIGHTS) % 11
    return remainder


def birth_dates(numbers: pl.Series) -> pl.Series:
    """Return the dates of birth that stand in normalised citizen numbers; null where there is none (GB 11643-1999)."""
    day = numbers.str.extract(r"^\d{6}((?:18|19|20)\d{6})\d{3}[\dX]$")
    return day.str.to_date("%Y%m%d", strict=False)


def sex_words(numbers: pl.Series) -> pl.Series:
    """Return 男 or 女 by the sequence (odd is male) of normalised 18-character citizen numbers, else null."""
    last = numbers.str.extract(r"^\d{16}(\d)[\dX]$").cast(pl.Int8)
    return pl.select(pl.when(last % 2 == 1).then(pl.lit("男")).when(last % 2 == 0).then(pl.lit("女"))).to_series()


def normalise_uscc(cells: pl.Series) -> pl.DataFrame:
    """Normalise unified social credit codes.

    Args:
        cells: tidied texts, none of them empty.

    Returns:
        `value` (kept where only the check fails, null where unusable), `finding`, `suggestion`.
    """
    text = _compact(cells)
    frame = pl.DataFrame({"value": text, "raw": cells}).with_columns(
        finding=pl.when(pl.col("value").str.contains(r"^[0-9A-HJ-NPQRTUWXY]{18}$"))
        .then(None)
        .when(pl.col("value").str.contains(_SCIENTIFIC))
        .then(pl.lit("uscc_scientific"))
        .when(pl.col("value").str.contains(r"^[0-9A-Z]{18}$"))
        .then(pl.lit("uscc_characters"))
        .when(pl.col("value").str.contains(r"^[0-9A-Z]{8,20}$") & (pl.col("value").str.count_matches(r"\d") >= 4))
        .then(pl.lit("uscc_shape"))
        .otherwise(pl.lit("uscc_unusable"))
    )
    places = frame["finding"].is_null().arg_true()
    if len(places):
        codes = frame["value"].gather(places)
        found = _judge_uscc(_characters(codes, 18))
        known = codes.str.slice(0, 2).is_in(_USCC_PREFIXES)
        found = pl.select(pl.when(found.is_not_null()).then(found).when(~known).then(pl.lit("uscc_prefix"))).to_series()
        frame = frame.with_columns(put(frame["finding"], places, found))
    return frame.select(
        value=pl.when(pl.col("finding").is_in(["uscc_scientific", "uscc_unusable"])).then(None).otherwise("value"),
        finding=pl.when(pl.col("finding").is_null() & pl.col("raw").str.contains(r"[a-z]"))
        .then(pl.lit("uscc_lower"))
        .otherwise("finding"),
        suggestion=pl.lit(None, dtype=pl.String),
    )


def organisation_check(first8: Bytes) -> Bytes:
    """Return the check characters for an (n, 8) array of ASCII characters (GB 11714-1997)."""
    remainder = (_ORGANISATION_VALUES[first8] @ ORGANISATION_WEIGHTS) % 11
    checks: Bytes = _ORGANISATION_CHECKS[remainder]
    return checks


def _compact(cells: pl.Series) -> pl.Series:
    text = fold(cells.str.to_uppercase())
    parted = text.str.contains(r"[\s\-]")
    if not parted.any():
        return text
    return put(text, parted.arg_true(), text.filter(parted).str.replace_all(r"[\s\-]", ""))


def _characters(texts: pl.Series, width: int) -> Bytes:
    """Return ASCII texts of one width as an (n, width) array."""
    array = texts.to_arrow()
    _, offsets, data = array.buffers()
    if offsets is None or data is None:
        return np.empty((0, width), dtype=np.uint8)
    start = int(np.frombuffer(memoryview(offsets), dtype=np.int64)[array.offset])
    return np.frombuffer(memoryview(data), dtype=np.uint8)[start : start + width * len(texts)].reshape(-1, width)


def _lengthen(text: pl.Series, as_of: date) -> pl.Series:
    """Give 15-digit numbers their century and check character, where their date exists (GB 11643-1999)."""
    places = text.str.contains(r"^\d{15}$").arg_true()
    if not len(places):
        return text
    old = text.gather(places)
    first17 = old.str.slice(0, 6) + "19" + old.str.slice(6)
    checks = pl.Series(list(ID_CHECKS)).gather(citizen_remainder(_characters(first17, 17)))
    new = first17 + checks
    born, exists = _birth_dates(_characters(new, 18))
    return put(text, places, new.zip_with(pl.Series(exists & (born <= _as_number(as_of))), old))


def _as_number(day: date) -> int:
    return day.year * 10_000 + day.month * 100 + day.day


def _birth_dates(numbers: Bytes) -> tuple[Ints, NDArray[np.bool_]]:
    digits = numbers[:, 6:14].astype(np.int64) - ord("0")
    born = digits @ (10 ** np.arange(7, -1, -1, dtype=np.int64))
    year, month, day = born // 10_000, born // 100 % 100, born % 100
    return born, real_days(year, month, day) & (year >= 1840)


def real_days(year: Ints, month: Ints, day: Ints) -> NDArray[np.bool_]:
    """Say which (year, month, day) exist in the Gregorian calendar."""
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    length = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], dtype=np.int64)
    in_year = (month >= 1) & (month <= 12)
    last = length[np.where(in_year, month, 0)] + (leap & (month == 2))
    exists: NDArray[np.bool_] = in_year & (day >= 1) & (day <= last)
    return exists


def _judge_id(numbers: Bytes, as_of: date) -> pl.Series:
    born, exists = _birth_dates(numbers)
    checks = np.frombuffer(ID_CHECKS.encode(), dtype=np.uint8)
    checked = checks[citizen_remainder(numbers[:, :17])] == numbers[:, 17]
    sequence = numbers[:, 14:17].astype(np.int64).sum(axis=1) > 3 * ord("0")
    head = (numbers[:, 0].astype(np.int64) - ord("0")) * 10 + numbers[:, 1] - ord("0")
    known = np.isin(head, list(_PROVINCES)) | (numbers[:, 0] == ord("0") + _FOREIGN)
    return first_true(
        [~exists, ~sequence, ~checked, born > _as_number(as_of), ~known],
        ["id_date", "id_sequence", "id_check", "id_future", "id_region"],
    )


def _judge_uscc(codes: Bytes) -> pl.Series:
    values = _USCC_VALUES[codes]
    checked = (31 - (values[:, :17] @ USCC_WEIGHTS) % 31) % 31 == values[:, 17]
    organisation = organisation_check(codes[:, 8:16]) == codes[:, 16]
    return first_true([~checked, ~organisation], ["uscc_check", "uscc_organisation"])
