"""Valid identity numbers and credit codes, many at a time."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

IntArray = npt.NDArray[np.int64]

_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ID_CHECK = np.array(list("10X98765432"))
_USCC_CHARACTERS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_USCC_WEIGHTS = np.array([pow(3, i, 31) for i in range(17)], dtype=np.int64)
_ORGANISATION_WEIGHTS = np.array([3, 7, 9, 10, 5, 8, 4, 2], dtype=np.int64)
_SEQUENCES = 499
"""Sequence numbers of one sex per division and day: 001, 003 … 997 or 002, 004 … 998 (000 is invalid)."""


def _lookup(values: dict[str, int]) -> IntArray:
    table = np.full(128, -1, dtype=np.int64)
    for character, value in values.items():
        table[ord(character)] = value
    return table


_USCC_CODES = np.frombuffer(_USCC_CHARACTERS.encode(), dtype=np.uint8)
_USCC_VALUES = _lookup({c: i for i, c in enumerate(_USCC_CHARACTERS)})
_ORGANISATION_VALUES = _lookup({c: i for i, c in enumerate("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")})


def ranks_within(groups: IntArray) -> IntArray:
    """Number the members of each group 0, 1, 2 … in their order of appearance.

    Args:
        groups: group label of each element, shape (n,).
    """
    order = np.argsort(groups, kind="stable")
    ordered = groups[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]]) if len(groups) else np.zeros(0, dtype=np.int64)
    lengths = np.diff(np.r_[starts, len(groups)])
    ranks = np.empty(len(groups), dtype=np.int64)
    ranks[order] = np.arange(len(groups)) - np.repeat(starts, lengths)
    return ranks


def identity_numbers(divisions: IntArray, births: IntArray, is_male: npt.NDArray[np.bool_], salt: int) -> pl.Series:
    """Make citizen identity numbers, no two alike (GB 11643-1999).

    Args:
        divisions: six-digit division of first registration, shape (n,).
        births: date of birth as the number YYYYMMDD, shape (n,).
        is_male: sex, shape (n,); odd sequence numbers are male.
        salt: moves where the sequence numbers of a day begin.

    Raises:
        ValueError: more than 499 persons of one sex share division and day.
    """
    stem = divisions * 10**8 + births
    ranks = ranks_within(stem * 2 + is_male)
    if len(ranks) and int(ranks.max()) >= _SEQUENCES:
        raise ValueError("同一区划同一天出生的同性别人数超过顺序码容量")
    scattered = (ranks * 37 + stem % 7919 + salt) % _SEQUENCES
    body = stem * 1000 + np.where(is_male, 2 * scattered + 1, 2 * scattered + 2)
    total = np.zeros(len(body), dtype=np.int64)
    for position, weight in enumerate(_ID_WEIGHTS):
        total += body // 10 ** (16 - position) % 10 * weight
    checks = pl.Series(_ID_CHECK[total % 11].astype(str), dtype=pl.String)
    return (pl.Series(body).cast(pl.String) + checks).alias("id_no")


def id_check_characters(first17: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Return the check characters of identity numbers (GB 11643-1999).

    Args:
        first17: ASCII digits, shape (n, 17).
    """
    total = (first17.astype(np.int64) - ord("0")) @ np.array(_ID_WEIGHTS)
    checks: npt.NDArray[np.uint8] = np.frombuffer(b"10X98765432", dtype=np.uint8)[total % 11]
    return checks


def licence_identifiers(types: pl.Series, issuers: pl.Series, serials: IntArray) -> pl.Series:
    """Make identifiers of electronic licences (GB/T 36902-2018) with their check character (ISO 7064, MOD 37,36).

    Args:
        types: 21 characters each, length n.
        issuers: 18 characters each, length n.
        serials: numbers below 10**10, shape (n,).
    """
    serial = pl.Series(serials).cast(pl.String).str.zfill(10)
    whole = types + issuers + serial + "001"
    characters = np.frombuffer("".join(whole.to_list()).encode(), dtype=np.uint8).reshape(len(whole), -1)
    values = np.where(characters <= ord("9"), characters - ord("0"), characters - ord("A") + 10).astype(np.int64)
    rest = np.full(len(whole), 36, dtype=np.int64)
    for position in range(values.shape[1]):
        rest = (rest + values[:, position]) % 36
        rest = np.where(rest == 0, 36, rest) * 2 % 37
    check = pl.Series(list("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")).gather((37 - rest) % 36)
    return ("1.2.156.3005.2." + types + "." + issuers + "." + serial + ".001." + check).alias("licence_id")


def credit_codes(prefixes: list[str], divisions: IntArray, numbers: IntArray) -> pl.Series:
    """Make unified social credit codes (GB 32100-2015) around valid organisation codes (GB 11714).

    Args:
        prefixes: authority and category, such as `91`, length n.
        divisions: six-digit division of registration, shape (n,).
        numbers: a number below 31**5 for each, no two alike for no two codes alike, shape (n,).
    """
    count = len(numbers)
    characters = np.empty((count, 18), dtype=np.uint8)
    characters[:, 0:2] = np.array([list(p.encode()) for p in prefixes], dtype=np.uint8).reshape(count, 2)
    for position in range(6):
        characters[:, 2 + position] = divisions // 10 ** (5 - position) % 10 + ord("0")
    characters[:, 8:11] = np.frombuffer(b"MA3", dtype=np.uint8)
    spread = numbers * 16_807 % 31**5
    for position in range(5):
        characters[:, 11 + position] = _USCC_CODES[spread // 31 ** (4 - position) % 31]
    organisation = _ORGANISATION_VALUES[characters[:, 8:16]] @ _ORGANISATION_WEIGHTS
    remainder = 11 - organisation % 11
    characters[:, 16] = np.where(
        remainder == 10, ord("X"), np.where(remainder == 11, ord("0"), remainder + ord("0"))
    ).astype(np.uint8)
    check = (31 - _USCC_VALUES[characters[:, :17]] @ _USCC_WEIGHTS % 31) % 31
    characters[:, 17] = _USCC_CODES[check]
    return pl.Series("uscc", characters.view("S18").ravel().astype(str), dtype=pl.String)


def old_registration_numbers(serials: IntArray) -> pl.Series:
    """Make 15-digit registration numbers with their MOD 11,10 check digit (GS 15-2006).

    Args:
        serials: the first fourteen digits as a number, shape (n,).
    """
    product = np.full(len(serials), 10, dtype=np.int64)
    for position in range(14):
        total = (product + serials // 10 ** (13 - position) % 10) % 10
        product = np.where(total == 0, 10, total) * 2 % 11
    checks = (11 - product) % 10
    return pl.Series("registration_no", serials * 10 + checks).cast(pl.String)
