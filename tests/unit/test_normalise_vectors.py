"""Every vector of `tests/fixtures/vectors.json`, which holds true and false examples of the national standards."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from connectors.normalise.dates import normalise_date
from connectors.normalise.identifiers import normalise_id, normalise_uscc
from connectors.normalise.standards import (
    ComponentCode,
    component_code,
    is_licence_identifier,
    is_organisation_code,
    is_registration_no,
    personal_credit_grade,
)
from connectors.normalise.text import PLACEHOLDERS, tidy
from tests.unit.delivered_files import texts

VECTORS: dict[str, Any] = json.loads((Path(__file__).parents[1] / "fixtures" / "vectors.json").read_text("utf-8"))
AS_OF = date(2020, 8, 12)
LATER = date(2022, 12, 31)


def read_id(text: str, as_of: date = LATER) -> tuple[str | None, str | None]:
    row = normalise_id(texts(text), as_of).row(0)
    return row[0], row[1]


@pytest.mark.parametrize("number", VECTORS["citizen_id18_valid"])
def test_a_citizen_number_stays_when_it_is_valid(number: str) -> None:
    assert read_id(number) == (number, None)


EXPECTED_INVALID = {
    "371002198506070018": ("371002198506070018", "id_check"),
    "371082199002290014": ("371082199002290014", "id_date"),
    "37060119301231002x": ("37060119301231002X", "id_lower_x"),
    "371002198506070016": ("371002198506070016", "id_check"),
    "371002198506070000": ("371002198506070000", "id_sequence"),
    "3.71002E+17": (None, "id_scientific"),
    "37100219850607001": ("37100219850607001", "id_shape"),
    "371002202010010046": ("371002202010010046", "id_future"),
}


@pytest.mark.parametrize(("number", "why"), VECTORS["citizen_id18_invalid"])
def test_a_citizen_number_is_told_when_it_is_invalid(number: str, why: str) -> None:
    if why == "placeholder":
        assert number in PLACEHOLDERS
    else:
        assert read_id(number, AS_OF) == EXPECTED_INVALID[number]


@pytest.mark.parametrize(("short", "full"), VECTORS["id15_to_18"])
def test_a_citizen_number_gains_century_and_check_when_it_has_15_digits(short: str, full: str) -> None:
    assert read_id(short) == (full, "id_15")
    assert normalise_id(texts(short), LATER)["suggestion"][0] == full


@pytest.mark.parametrize("number", [number for number, _ in VECTORS["residence_permit"] + VECTORS["foreign_pr"]])
def test_a_permit_number_stays_when_it_is_valid(number: str) -> None:
    assert read_id(number) == (number, None)


@pytest.mark.parametrize("number", VECTORS["mod11_2_all_residues"].values())
def test_every_check_character_is_right_when_each_remainder_occurs_once(number: str) -> None:
    assert read_id(number)[1] == ("id_sequence" if number[14:17] == "000" else None)
    wrong = number[:17] + ("0" if number[17] != "0" else "1")
    assert read_id(wrong)[1] == ("id_sequence" if number[14:17] == "000" else "id_check")


@pytest.mark.parametrize("code", VECTORS["uscc_valid"])
def test_a_credit_code_stays_when_it_is_valid(code: str) -> None:
    assert normalise_uscc(texts(code)).row(0) == (code, None, None)


@pytest.mark.parametrize(("code", "why"), VECTORS["uscc_invalid"])
def test_a_credit_code_is_told_and_kept_when_it_is_invalid(code: str, why: str) -> None:
    finding = "uscc_characters" if "illegal" in why else "uscc_check" if "check" in why else "uscc_shape"
    assert normalise_uscc(texts(code)).row(0) == (code, finding, None)


def test_other_identifiers_are_told_apart_when_their_check_is_right_or_wrong() -> None:
    assert all(map(is_organisation_code, VECTORS["org_code"]))
    assert is_organisation_code("D2143569-X")
    assert not is_organisation_code("D21435690")
    assert all(map(is_registration_no, VECTORS["old_reg_no15"]))
    assert not is_registration_no("371000200000019")
    for text, valid in VECTORS["cert_id"]:
        assert is_licence_identifier(text) is valid


@pytest.mark.parametrize(("text", "meaning"), VECTORS["date_texts"])
def test_a_date_text_reads_as_stated_when_departments_write_it(text: str, meaning: str) -> None:
    value, finding = normalise_date(texts(text), epoch_1904=False).row(0)
    if "long_term" in meaning:
        assert (value, finding) == (date(9999, 12, 31), None)
    elif meaning.startswith("placeholder"):
        assert text in PLACEHOLDERS
    elif meaning == "reject":
        assert (value, finding) in [(None, "date_unreadable"), (None, "date_impossible")]
    elif "precision" in meaning:
        assert (value, finding) == (None, "date_precision")
    else:
        assert (value, finding) == (date.fromisoformat(meaning), None)


@pytest.mark.parametrize(("serial", "day"), VECTORS["excel_dates"])
def test_a_day_number_counts_from_its_epoch_when_a_spreadsheet_left_it(serial: int, day: str) -> None:
    read = normalise_date(texts(str(serial)), epoch_1904="1904" in day)
    assert read.row(0) == (date.fromisoformat(day[:10]), None)


@pytest.mark.parametrize(("character", "encoded"), [(c, e) for c, _, e, _ in VECTORS["gb18030"]])
def test_a_rare_character_is_kept_when_it_comes_in_gb18030(character: str, encoded: str) -> None:
    text = "阿卜" + bytes.fromhex(encoded).decode("gb18030") + "力"
    assert tidy(texts(text))[0] == text.replace("•", "·")
    assert bytes.fromhex(encoded).decode("gb18030") == character


@pytest.mark.parametrize(("score", "grade"), VECTORS["haibei"])
def test_a_credit_score_has_its_grade_when_it_lies_on_a_boundary(score: int, grade: str) -> None:
    assert personal_credit_grade(score) == grade


@pytest.mark.parametrize(("code", "parts"), VECTORS["component_id16"])
def test_a_component_code_comes_apart_when_it_has_16_digits(code: str, parts: dict[str, str]) -> None:
    expected = ComponentCode(parts["region"], parts["major"], parts["minor"], parts["serial"])
    assert component_code(code) == expected
    assert component_code(code[:-1]) is None
