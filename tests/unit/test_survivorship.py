"""The declaration of which source wins: what it may say, and what is rendered from it."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

import pytest

from connectors.contract import Contracts
from dags.support.golden import reading, rendering
from dags.support.golden.reading import SEED, SurvivorshipError
from dags.support.library_builds import version_of
from dags.support.models import PROJECT

ROW = {
    "library": "population", "field": "name", "rank": "1", "contract_id": "medical_security__insured",
    "role": "person", "column_name": "name", "rule": "priority", "condition": "", "transform": "", "dated_by": "",
}  # fmt: skip


def _load(contracts: Contracts, folder: Path, *rows: Mapping[str, str]) -> None:
    path = folder / "survivorship.csv"
    with path.open("w", encoding="utf-8", newline="") as text:
        writer = csv.DictWriter(text, list(ROW))
        writer.writeheader()
        writer.writerows(rows)
    reading.load(contracts, path)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"contract_id": "medical_security__nothing"}, "没有契约 medical_security__nothing"),
        ({"role": "mother"}, "没有角色 mother；有 person"),
        ({"library": "legal_entity"}, "属于 population"),
        ({"column_name": "nickname"}, "没有列 nickname"),
        ({"rule": "newest"}, "没有规则 newest"),
        ({"rule": "validity"}, "须写明 condition"),
        ({"rule": "recency"}, "须写明 dated_by"),
        ({"rule": "recency", "dated_by": "born"}, "没有列 born"),
        ({"dated_by": "birth_date"}, "dated_by 只用于"),
        ({"transform": "upper"}, "没有转换 upper"),
        ({"condition": "good:name"}, "没有条件 good"),
        ({"condition": "sound:nickname.format"}, "不存在"),
        ({"condition": "is:status"}, "is:列=词"),
        ({"rank": "0"}, "1–99"),
        ({"rank": "100"}, "1–99"),
        ({"field": "*", "rule": "priority"}, "只用 validity 和 recency"),
    ],
)
def test_row_is_refused_with_its_reason_when_it_cannot_be_carried_out(
    contracts: Contracts, tmp_path: Path, change: dict[str, str], why: str
) -> None:
    _load(contracts, tmp_path, ROW)
    with pytest.raises(SurvivorshipError, match=why):
        _load(contracts, tmp_path, ROW | change)


def test_rank_is_shared_only_by_cells_that_compete(contracts: Contracts, tmp_path: Path) -> None:
    other = ROW | {"contract_id": "education__student"}
    _load(contracts, tmp_path, ROW | {"rule": "completeness"}, other | {"rule": "completeness"})
    with pytest.raises(SurvivorshipError, match="rank 1 有多行"):
        _load(contracts, tmp_path, ROW, other)


def test_every_role_that_speaks_of_somebody_is_declared(contracts: Contracts) -> None:
    declared = {c.source for d in reading.load(contracts).values() for c in d.choices}
    speaking = {(c.id, role) for c in contracts.values() for role in c.mentions}
    assert declared == speaking


def test_fields_of_the_declaration_are_columns_of_the_library(contracts: Contracts) -> None:
    for library, declaration in reading.load(contracts).items():
        kind = rendering.KINDS[library]
        described = (PROJECT / "models" / library / f"_{library}.yml").read_text(encoding="utf-8")
        assert declaration.fields
        missing = [f for f in declaration.fields if described.count(f"name: {f},") < 2]
        assert missing == [], f"{kind}: columns without a description and level"


def test_every_source_becomes_a_model_of_its_own(contracts: Contracts) -> None:
    for declaration in reading.load(contracts).values():
        models = rendering.render(declaration)
        assert len(models) == len(declaration.sources) + 5 + rendering.PARTS
        assert all(text.startswith("-- one row per ") for text in models.values())
        assert max(map(len, models)) <= 63 + len(".sql")


def test_version_of_a_library_changes_when_its_declaration_does(
    contracts: Contracts, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {library: version_of(library, contracts) for library in ("population", "legal_entity")}  # type: ignore[arg-type]
    found = reading.load(contracts)
    fewer = reading.Declaration("population", found["population"].choices[:-1])
    monkeypatch.setattr(reading, "load", lambda _: {**found, "population": fewer})
    assert version_of("population", contracts) != before["population"]
    assert version_of("legal_entity", contracts) == before["legal_entity"]


def test_declaration_is_sorted_out_by_library_and_names_no_unknown_column() -> None:
    with SEED.open(encoding="utf-8", newline="") as text:
        rows = list(csv.DictReader(text))
    assert {row["library"] for row in rows} == {"population", "legal_entity"}
    assert list(rows[0]) == list(ROW)
