"""Other people and bodies like those of a sample city: their numbers, codes and names, each different in every copy.

Places, errors and likenesses stay: what differs in one character differs in one character in every copy, and a check
character that is right (or wrong) is so in every copy.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl
from numpy.typing import NDArray

from connectors.normalise.identifiers import ID_CHECKS, USCC_WEIGHTS, citizen_remainder, organisation_check
from connectors.settings import CHECKOUT

Bytes = NDArray[np.uint8]

MOST_COPIES = 100
_CITIZEN = r"^[1-9][0-9]{5}(18|19|20)[0-9]{9}[0-9X]$"
_CREDIT = r"^[0-9A-HJ-NPQRTUWXY]{18}$"
_CREDIT_CHARACTERS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_ORGANISATION_CHECKS = "0123456789X"
_DIGITS, _LETTERS = _CREDIT_CHARACTERS[:10], _CREDIT_CHARACTERS[10:]
_CITY = "^(山东省)?(威海市?)?(环翠区?|文登区?|荣成市?|乳山市?)?"


def _later(step: int) -> Bytes:
    """Return every character as it is so many steps later: digits among digits, letters of credit codes among them."""
    table = np.arange(256, dtype=np.uint8)
    for alphabet in (_DIGITS, _LETTERS):
        places = np.frombuffer(alphabet.encode(), dtype=np.uint8)
        table[places] = np.roll(places, -step)
    return table


_NEXT = tuple(map(_later, range(10)))


def recode(values: pl.Series, copy: int) -> pl.Series:
    """Return numbers and codes as they are in a copy; texts of no known shape stay.

    Args:
        values: distinct texts.
        copy: 0 (nothing changes) to `MOST_COPIES` - 1.
    """
    if copy == 0:
        return values
    is_citizen = values.str.contains(_CITIZEN)
    length = values.str.len_bytes()
    digits = values.str.contains(r"^[0-9]+$")
    result = values.clone()  # scatter changes it in place
    for shape, change in (
        (is_citizen, _citizen),
        (~is_citizen & values.str.contains(_CREDIT), _credit),
        ((length == 9) & values.str.contains(r"^([0-9]{8}|M[0-9A-Z]{7})[0-9X]$"), _organisation),
        ((length == 15) & ~digits & values.str.contains(r"^[0-9]{6}[0-9A-Z]{8}[0-9X]$"), _tax),
        ((length == 15) & digits, _registration),
        (values.str.contains(r"^[A-Z]{1,2}[0-9]{7,10}$") | ((length == 13) & digits), _serial),
    ):
        places = shape.fill_null(value=False).arg_true()
        if len(places):
            result = result.scatter(places, change(values.gather(places), copy))
    return result


def rename(names: pl.Series, copy: int) -> pl.Series:
    """Return names of people as they are in a copy: the surname stays, the given name has other characters."""
    characters = _given_characters()
    turned = characters[copy:] + characters[:copy]
    table = dict(zip(characters, turned, strict=True))
    given = names.str.slice(1).str.replace_many(list(table), list(table.values()))
    return names.str.slice(0, 1) + given


def name_bodies(names: pl.Series, copy: int) -> pl.Series:
    """Return names of companies and other bodies as they are in a copy: with a word of its own after the place."""
    if copy == 0:
        return names
    characters = _given_characters()
    word = characters[copy % 10 * 2] + characters[20 + copy // 10]
    return names.str.replace(_CITY, "${1}${2}${3}" + word)


def rename_any(names: pl.Series, copy: int) -> pl.Series:
    """Return names of whomever: short ones, and those with a dot, are a person's."""
    is_person = (names.str.len_chars() <= 4) | names.str.contains("[·•・]")
    return rename(names, copy).zip_with(is_person, name_bodies(names, copy))


def shift_births(days: str, copy: str) -> str:
    """Return the SQL of dates of birth as they are in a copy: the last digit of the year is another one."""
    year = f"extract(year from {days})::int"
    moved = f"make_interval(years => ({year} + {copy}) % 10 - {year} % 10)"
    return f"case when {days} < date '2020-01-01' then ({days} + {moved}) else {days} end"


def _given_characters() -> str:
    table = pl.read_csv(CHECKOUT / "connectors" / "sample" / "data" / "given_names.csv")
    return "".join(dict.fromkeys(c for c in table["character"] if len(c) == 1))


def _citizen(numbers: pl.Series, copy: int) -> pl.Series:
    old = _matrix(numbers, 18)
    new = old.copy()
    is_recent = (old[:, 6] == ord("2")) & (old[:, 8] >= ord("2"))
    new[:, 9] = np.where(is_recent, old[:, 9], _plus(old[:, 9], copy))
    new[:, 14], new[:, 15] = _plus(old[:, 14], copy), _plus(old[:, 15], copy // 10)
    return _checked(old, new, ID_CHECKS, lambda m: citizen_remainder(m[:, :17]))


def _credit(codes: pl.Series, copy: int) -> pl.Series:
    old = _matrix(codes, 18)
    new = old.copy()
    new[:, 8:17] = _renumbered(old[:, 8:17], copy)
    values = np.zeros(256, dtype=np.int64)
    values[np.frombuffer(_CREDIT_CHARACTERS.encode(), dtype=np.uint8)] = np.arange(31)
    return _checked(old, new, _CREDIT_CHARACTERS, lambda m: (31 - (values[m[:, :17]] @ USCC_WEIGHTS) % 31) % 31)


def _organisation(codes: pl.Series, copy: int) -> pl.Series:
    return _texts(_renumbered(_matrix(codes, 9), copy))


def _tax(codes: pl.Series, copy: int) -> pl.Series:
    new = _matrix(codes, 15).copy()
    new[:, 6:] = _renumbered(new[:, 6:], copy)
    return _texts(new)


def _renumbered(old: Bytes, copy: int) -> Bytes:
    """Organisation codes in another copy."""
    new = old.copy()
    for place, step in ((5, copy), (6, copy // 10)):
        new[:, place] = _NEXT[step % 10][old[:, place]]
    places = np.full(256, 0, dtype=np.int64)
    places[np.frombuffer(_ORGANISATION_CHECKS.encode(), dtype=np.uint8)] = np.arange(11)
    off = (places[old[:, 8]] - places[organisation_check(old[:, :8])]) % 11
    checks = np.frombuffer(_ORGANISATION_CHECKS.encode(), dtype=np.uint8)
    new[:, 8] = checks[(places[organisation_check(new[:, :8])] + off) % 11]
    return new


def _registration(codes: pl.Series, copy: int) -> pl.Series:
    """GS 15-2006, ISO 7064 MOD 11,10."""
    old = _matrix(codes, 15)
    new = old.copy()
    new[:, 9], new[:, 10] = _plus(old[:, 9], copy), _plus(old[:, 10], copy // 10)

    def remainder(matrix: Bytes) -> NDArray[np.int64]:
        product = np.full(len(matrix), 10, dtype=np.int64)
        for place in range(14):
            total = (product + matrix[:, place] - ord("0")) % 10
            product = np.where(total == 0, 10, total) * 2 % 11
        return (11 - product) % 10

    return _checked(old, new, "0123456789", remainder)


def _serial(texts: pl.Series, copy: int) -> pl.Series:
    last = (texts.str.slice(-2).cast(pl.Int64) + copy) % 100
    return texts.str.head(-2) + last.cast(pl.String).str.zfill(2)


def _checked(old: Bytes, new: Bytes, checks: str, place: Callable[[Bytes], NDArray[np.int64]]) -> pl.Series:
    """Give codes a last character as far from the right one as it was."""
    alphabet = np.frombuffer(checks.encode(), dtype=np.uint8)
    places = np.zeros(256, dtype=np.int64)
    places[alphabet] = np.arange(len(alphabet))
    off = places[old[:, -1]] - place(old)
    new[:, -1] = alphabet[(place(new) + off) % len(alphabet)]
    return _texts(new)


def _plus(column: Bytes, step: int) -> Bytes:
    return ((column - ord("0") + step) % 10 + ord("0")).astype(np.uint8)


def _matrix(texts: pl.Series, width: int) -> Bytes:
    return np.frombuffer("".join(texts.to_list()).encode(), dtype=np.uint8).reshape(-1, width)


def _texts(matrix: Bytes) -> pl.Series:
    return pl.Series(np.ascontiguousarray(matrix).view(f"S{matrix.shape[1]}").ravel().astype(str))
