"""The reference lists under `seeds/`: complete and consistent."""

from __future__ import annotations

import csv

from connectors.contract import Contracts
from connectors.contract_files import words_of_file
from connectors.settings import CHECKOUT


def rows(name: str) -> list[dict[str, str]]:
    with (CHECKOUT / "seeds" / name).open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def test_department_names_and_aliases_mean_one_unit_when_looked_up() -> None:
    departments = rows("departments.csv")
    texts = [t for d in departments for t in (d["id"], d["name"], *filter(None, d["aliases"].split("|")))]
    assert len(texts) == len(set(texts))
    assert {d["kind"] for d in departments} == {"department", "enterprise", "judicial", "party", "government", "group"}


def test_current_division_names_mean_one_code_when_looked_up_within_their_parent() -> None:
    current = [d for d in rows("divisions.csv") if d["is_current"] == "true"]
    names = [(d["parent_code"], t) for d in current for t in (d["name"], *filter(None, d["aliases"].split("|")))]
    assert len(names) == len(set(names))
    codes = [d["code"] for d in current]
    assert len(codes) == len(set(codes))


def test_divisions_hang_together_when_followed_upwards() -> None:
    divisions = rows("divisions.csv")
    codes = {d["code"] for d in divisions if d["is_current"] == "true"}
    lengths = {"city": 6, "district": 6, "street": 9}
    for division in divisions:
        assert len(division["code"]) == lengths[division["level"]]
        assert not division["parent_code"] or division["parent_code"] in codes
        if division["level"] == "street":
            assert division["code"].startswith(division["parent_code"])


def test_former_codes_of_weihai_are_known_when_numbers_carry_them() -> None:
    names = {(d["code"], d["name"]): d["is_current"] for d in rows("divisions.csv")}
    assert names["371081", "文登市"] == "false"
    assert names["371003", "文登区"] == "true"
    assert names["372132", "文登县"] == "false"
    assert names["371000", "威海市"] == "true"


def test_industry_codes_stand_under_their_division_when_read() -> None:
    codes = {row["code"] for row in rows("industries.csv")}
    assert len(codes) == 1970
    assert sum(len(code) == 1 for code in codes) == 20
    assert all(code[:-1] in codes for code in codes if len(code) > 2)


def test_every_ethnic_group_has_one_shown_name_and_names_mean_one_code_when_read() -> None:
    groups = rows("ethnicities.csv")
    shown = [row["code"] for row in groups if row["is_preferred"] == "true"]
    assert shown == [*(f"{n:02d}" for n in range(1, 57)), "97", "98"]
    assert {row["code"] for row in groups} == set(shown)
    names = [row["name"] for row in groups]
    assert len(names) == len(set(names))
    assert "汉族" in words_of_file(CHECKOUT / "seeds" / "ethnicities.csv")["01"]


def test_models_know_every_status_word_when_a_contract_may_store_it(contracts: Contracts) -> None:
    known = {row["word"]: row["is_in_use"] for row in rows("status_words.csv")}
    assert set(contracts.codes["status"].words) <= set(known)
    assert [word for word in contracts.codes["status"].words if known[word] == "true"] == ["在用"]
