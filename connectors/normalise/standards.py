"""Other identifiers of the national standards: codes that appear in text columns of extracts."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from connectors.normalise.identifiers import organisation_check

_LICENCE_ROOT = "1.2.156.3005.2."
_LICENCE = r"^1\.2\.156\.3005\.2\.[0-9A-Z]{21}\.[0-9A-Z]+\.[0-9A-Z]+\.\d{3}\.[0-9A-Z]$"
_GRADES = ((1150, "AAA"), (1050, "AA"), (1000, "A"), (950, "B"), (801, "C"))


@dataclass(frozen=True)
class ComponentCode:
    """A city component's 16 digits, taken apart (CJ/T 214-2007)."""

    division: str
    major: str
    minor: str
    serial: str


def is_organisation_code(text: str) -> bool:
    """Say whether a text is an organisation code, hyphen or not, with a right check character (GB 11714-1997)."""
    code = text.replace("-", "").upper()
    if re.fullmatch(r"[0-9A-Z]{8}[0-9X]", code) is None:
        return False
    characters = np.frombuffer(code.encode(), dtype=np.uint8).reshape(1, 9)
    return bool(organisation_check(characters[:, :8])[0] == characters[0, 8])


def is_registration_no(text: str) -> bool:
    """Say whether a text is an old 15-digit registration number (GS 15-2006, ISO 7064 MOD 11,10)."""
    return re.fullmatch(r"[0-9]{15}", text) is not None and bool(registration_checks(pl.Series([text]))[0])


def registration_checks(numbers: pl.Series) -> pl.Series:
    """Say which texts of 15 digits have the check digit of old registration numbers (GS 15-2006, ISO 7064 MOD 11,10).

    Args:
        numbers: String, 15 digits each.
    """
    return pl.Series(_hybrid(numbers, 10))


def is_licence_identifier(text: str) -> bool:
    """Say whether a text is an electronic licence identifier (GB/T 36902-2018, ISO 7064 MOD 37,36)."""
    return bool(licence_checks(pl.Series([text]))[0])


def licence_checks(texts: pl.Series) -> pl.Series:
    """Say which texts carry a right check character as electronic licence identifiers (GB/T 36902-2018).

    Args:
        texts: String.

    Returns:
        Boolean; null where the text is no identifier by its shape, or null.
    """
    shaped = texts.str.contains(_LICENCE).fill_null(value=False)
    parts = texts.filter(shaped).str.strip_prefix(_LICENCE_ROOT).str.replace_all(".", "", literal=True)
    right = np.zeros(len(texts), dtype=np.bool_)
    right[shaped.to_numpy()] = _hybrid(parts, 36)
    return pl.select(pl.when(shaped).then(pl.Series(right))).to_series()


def component_code(text: str) -> ComponentCode | None:
    """Take a city component's code apart, or return None where it is none."""
    found = re.fullmatch(r"(\d{6})(\d{2})(\d{2})(\d{6})", text)
    return ComponentCode(*found.groups()) if found is not None else None


def personal_credit_grade(score: int) -> str:
    """Return the grade of a whole 海贝分 score, as received; scores between two grades do not exist."""
    return next((grade for least, grade in _GRADES if score >= least), "D")


def _hybrid(texts: pl.Series, modulus: int) -> NDArray[np.bool_]:
    """Check texts whose last character is their check (ISO 7064, hybrid system modulus + 1, modulus).

    Args:
        texts: of 0-9 and A-Z, none empty, length n.

    Returns:
        Shape (n,).
    """
    lengths = texts.str.len_bytes().to_numpy().astype(np.int64)
    width = int(lengths.max()) if len(lengths) else 0
    padded = "".join(texts.str.pad_end(width, "0").to_list()).encode()
    characters = np.frombuffer(padded, dtype=np.uint8).reshape(len(texts), width)
    values = np.where(characters <= ord("9"), characters - ord("0"), characters - ord("A") + 10).astype(np.int64)
    rest = np.full(len(texts), modulus, dtype=np.int64)
    for position in range(width - 1):
        doubled = (rest + values[:, position]) % modulus
        doubled = np.where(doubled == 0, modulus, doubled) * 2 % (modulus + 1)
        rest = np.where(position < lengths - 1, doubled, rest)
    check = values[np.arange(len(texts)), lengths - 1]
    right: NDArray[np.bool_] = (rest + check) % modulus == 1
    return right
