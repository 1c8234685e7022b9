"""Other identifiers of the national standards, one at a time: codes that appear in text columns of extracts."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from connectors.normalise.identifiers import organisation_check

_ALPHANUMERIC = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_LICENCE = re.compile(r"1\.2\.156\.3005\.2\.([0-9A-Z]{21})\.([0-9A-Z]+)\.([0-9A-Z]+)\.(\d{3})\.([0-9A-Z])")
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
    return re.fullmatch(r"\d{15}", text) is not None and _hybrid(text, 10)


def is_licence_identifier(text: str) -> bool:
    """Say whether a text is an electronic licence identifier (GB/T 36902-2018, ISO 7064 MOD 37,36)."""
    found = _LICENCE.fullmatch(text)
    return found is not None and _hybrid("".join(found.groups()), 36)


def component_code(text: str) -> ComponentCode | None:
    """Take a city component's code apart, or return None where it is none."""
    found = re.fullmatch(r"(\d{6})(\d{2})(\d{2})(\d{6})", text)
    return ComponentCode(*found.groups()) if found is not None else None


def personal_credit_grade(score: int) -> str:
    """Return the grade of a whole 海贝分 score, as received; scores between two grades do not exist."""
    return next((grade for least, grade in _GRADES if score >= least), "D")


def _hybrid(text: str, modulus: int) -> bool:
    """Check a text whose last character is its check (ISO 7064, hybrid system modulus + 1, modulus)."""
    rest = modulus
    for character in text[:-1]:
        rest = (rest + _ALPHANUMERIC.index(character)) % modulus or modulus
        rest = rest * 2 % (modulus + 1)
    return (rest + _ALPHANUMERIC.index(text[-1])) % modulus == 1
