"""Citizen identity numbers (GB 11643-1999) and unified social credit codes (GB 32100-2015), vectorised."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from connectors.normalise.days import Days, day_numbers
from connectors.normalise.text import first_place, fold, named, put

Bytes = NDArray[np.uint8]
Ints = NDArray[np.int64]

ID_WEIGHTS = np.array([7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2], dtype=np.int64)
ID_CHECKS = "10X98765432"
_PROVINCES = frozenset(
    (*range(11, 16), *range(21, 24), *range(31, 38), *range(41, 47), *range(50, 55), *range(61, 66), 71, 81, 82, 83)
)
_FOREIGN = 9
"""First digit of a foreign permanent resident's number: 9 + place (2) + nationality (3), then as everyone's."""
_KNOWN_HEADS = np.array([head in _PROVINCES or head // 10 == _FOREIGN for head in range(256)])
"""By the number's first two digits."""

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
        verdict = _judge_id(ascii_matrix(frame["value"].gather(places), 18), as_of)
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
    # sums of at most 9 x 99: exact in float32; `@` would wake threads of BLAS that then spin for a while
    weighted = np.einsum("ij,j->i", (first17 - np.uint8(ord("0"))).astype(np.float32), ID_WEIGHTS.astype(np.float32))
    remainder: Ints = weighted.astype(np.int64) % 11
    return remainder


def birth_dates(numbers: pl.Series) -> pl.Series:
    """Return the dates of birth that stand in normalised citizen numbers; null where there is none (GB 11643-1999)."""
    places, matrix = _whole_numbers(numbers)
    born, exists = day_numbers(*_date_parts(matrix))
    if exists.all():
        return _placed(pl.Series(born).cast(pl.Date), places, len(numbers))
    return _placed(pl.Series(born[exists]).cast(pl.Date), places[exists], len(numbers))


def sex_words(numbers: pl.Series) -> pl.Series:
    """Return 男 or 女 by the sequence (odd is male) of normalised 18-character citizen numbers, else null."""
    places, matrix = _whole_numbers(numbers)
    words = pl.Series(["女", "男"]).gather((matrix[:, 16] % 2).astype(np.uint32))
    return _placed(words, places, len(numbers))


def _whole_numbers(numbers: pl.Series) -> tuple[Ints, Bytes]:
    """Return the places of the texts of 17 digits and a digit or X, and their bytes as an (n, 18) array."""
    places = np.flatnonzero((numbers.str.len_bytes() == 18).fill_null(False).to_numpy())
    whole = len(places) == len(numbers)
    matrix = ascii_matrix(numbers if whole else numbers.gather(places), 18)
    last = matrix[:, 17]
    shaped = _digits(matrix[:, :17]) & ((last - np.uint8(ord("0")) <= 9) | (last == ord("X")))
    return places[shaped], matrix[shaped] if not shaped.all() else matrix


def _placed(values: pl.Series, places: Ints, length: int) -> pl.Series:
    """Return a series of this length with the values at the places, null elsewhere."""
    if len(places) == length:
        return values
    source = np.full(length, len(values), dtype=np.uint32)
    source[places] = np.arange(len(values), dtype=np.uint32)
    return pl.concat([values, pl.Series([None], dtype=values.dtype)]).gather(source)


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
        found = _judge_uscc(ascii_matrix(codes, 18))
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


def right_ids(numbers: Bytes, as_of: date) -> NDArray[np.bool_]:
    """Say, for an (n, 18) array of bytes, which are citizen numbers without any fault (GB 11643-1999).

    Args:
        as_of: dates of birth must not lie after it.
    """
    shaped = _digits(numbers[:, :17]) & ((numbers[:, 17] - np.uint8(ord("0")) <= 9) | (numbers[:, 17] == ord("X")))
    right: NDArray[np.bool_] = shaped & (_id_fault(np.where(shaped[:, None], numbers, ord("0")), as_of) == 0)
    return right


def right_usccs(codes: Bytes) -> NDArray[np.bool_]:
    """Say, for an (n, 18) array of bytes, which are unified social credit codes without any fault (GB 32100-2015)."""
    shaped = (_USCC_VALUES[codes] >= 0).all(axis=1)
    prefixes = codes[:, 0].astype(np.uint16) * 256 + codes[:, 1]
    known = np.isin(prefixes, [ord(p[0]) * 256 + ord(p[1]) for p in _USCC_PREFIXES])
    right: NDArray[np.bool_] = shaped & known & (_uscc_fault(codes) == 0)
    return right


def uscc_checks(codes: Bytes) -> NDArray[np.bool_]:
    """Say, for an (n, 18) array of bytes of the right characters, whose check character is right (GB 32100-2015)."""
    values = _USCC_VALUES[codes]
    right: NDArray[np.bool_] = (31 - (values[:, :17] @ USCC_WEIGHTS) % 31) % 31 == values[:, 17]
    return right


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


def ascii_matrix(texts: pl.Series, width: int) -> Bytes:
    """Return texts of one width in bytes as an (n, width) array of their bytes."""
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
    checks = pl.Series(list(ID_CHECKS)).gather(citizen_remainder(ascii_matrix(first17, 17)))
    new = first17 + checks
    born, exists = _birth_dates(ascii_matrix(new, 18))
    return put(text, places, new.zip_with(pl.Series(exists & (born <= _as_number(as_of))), old))


def _as_number(day: date) -> int:
    return day.year * 10_000 + day.month * 100 + day.day


def _birth_dates(numbers: Bytes) -> tuple[Days, NDArray[np.bool_]]:
    year, month, day = _date_parts(numbers)
    born = (year * 100 + month) * 100 + day
    return born, real_days(year, month, day) & (year >= 1840)


def _date_parts(numbers: Bytes) -> tuple[Days, Days, Days]:
    """Return year, month and day that stand in citizen numbers of 18 characters, whether there is such a day or not."""
    digits = (numbers[:, 6:14] - np.uint8(ord("0"))).astype(np.int32)
    years = ((digits[:, 0] * 10 + digits[:, 1]) * 10 + digits[:, 2]) * 10 + digits[:, 3]
    return years, digits[:, 4] * 10 + digits[:, 5], digits[:, 6] * 10 + digits[:, 7]


def real_days(year: Ints | Days, month: Ints | Days, day: Ints | Days) -> NDArray[np.bool_]:
    """Say which (year, month, day) exist in the Gregorian calendar."""
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    length = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], dtype=np.int64)
    in_year = (month >= 1) & (month <= 12)
    last = length[np.where(in_year, month, 0)] + (leap & (month == 2))
    exists: NDArray[np.bool_] = in_year & (day >= 1) & (day <= last)
    return exists


def _digits(characters: Bytes) -> NDArray[np.bool_]:
    shaped = np.ones(len(characters), dtype=np.bool_)
    for place in range(characters.shape[1]):
        shaped &= characters[:, place] - np.uint8(ord("0")) <= 9
    return shaped


_ID_FAULTS = ["id_date", "id_sequence", "id_check", "id_future", "id_region"]
_USCC_FAULTS = ["uscc_check", "uscc_organisation"]


def _judge_id(numbers: Bytes, as_of: date) -> pl.Series:
    return named(_id_fault(numbers, as_of), _ID_FAULTS)


def _judge_uscc(codes: Bytes) -> pl.Series:
    return named(_uscc_fault(codes), _USCC_FAULTS)


def _id_fault(numbers: Bytes, as_of: date) -> Ints:
    """Return the place, from 1, of the first fault in `_ID_FAULTS` of citizen numbers of the right shape, else 0."""
    born, exists = _birth_dates(numbers)
    checks = np.frombuffer(ID_CHECKS.encode(), dtype=np.uint8)
    checked = checks[citizen_remainder(numbers[:, :17])] == numbers[:, 17]
    sequence = (numbers[:, 14] != ord("0")) | (numbers[:, 15] != ord("0")) | (numbers[:, 16] != ord("0"))
    head = (numbers[:, 0] - np.uint8(ord("0"))) * 10 + numbers[:, 1] - np.uint8(ord("0"))
    known = _KNOWN_HEADS[head]
    return first_place([~exists, ~sequence, ~checked, born > _as_number(as_of), ~known])


def _uscc_fault(codes: Bytes) -> Ints:
    """Return the place, from 1, of the first fault in `_USCC_FAULTS` of credit codes of the right shape, else 0."""
    checked = uscc_checks(codes)
    organisation = organisation_check(codes[:, 8:16]) == codes[:, 16]
    return first_place([~checked, ~organisation])
