"""The parameters of the evidence for entities, names in comparable form, and groups of linked units."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from connectors.sample.identifiers import credit_codes
from linkage.entities.decide import Decision, decide
from linkage.entities.evidence import FIELDS, LINK, REVIEW, read_weights
from linkage.entities.grouping import group_linked
from linkage.entities.mentions import MENTION, read_facts
from linkage.entities.names import are_alike, normalise_names, split_names


def test_a_name_alone_is_reviewed_and_never_links() -> None:
    weights = read_weights()
    name = weights.prior + weights.outcomes["name", "same"]
    assert REVIEW <= name < LINK
    assert name + weights.outcomes["division", "same"] < LINK


@pytest.mark.parametrize("field", [f for f in FIELDS if f != "division"])
def test_the_name_and_one_fact_link_and_another_form_or_day_prevents_it(field: str) -> None:
    weights = read_weights()
    agreed = weights.prior + weights.outcomes[field, "same"]
    assert agreed + weights.outcomes["name", "same"] >= LINK
    assert agreed + weights.outcomes["name", "form_differs"] < LINK
    if field == "legal_representative":
        assert agreed + weights.outcomes["name", "same"] + weights.outcomes["established_on", "differs"] < LINK


@pytest.mark.parametrize(
    ("name", "core", "form"),
    [
        ("威海恒达商贸有限公司", "威海恒达商贸", "limited"),
        ("恒达商贸（威海）有限责任公司", "威海恒达商贸", "limited"),
        ("威高(集团)股份有限公司", "威高集团", "joint_stock"),
        ("威海市市场管理中心", "威海市场管理中心", None),
        ("家家悦集团股份有限公司威海寨子店", "家家悦集团#威海寨子店", None),
        ("ＡＢＣ 威海 分公司", "ABC威海分公司", None),
        ("（已注销）", None, None),
        (None, None, None),
    ],
)
def test_names_are_brought_to_one_form(name: str | None, core: str | None, form: str | None) -> None:
    assert normalise_names(pl.Series([name], dtype=pl.String)).row(0) == (core, form)


@pytest.mark.parametrize(
    ("left", "right", "alike"),
    [
        ("威海恒达商贸", "威海恒达商贸", True),
        ("威海恒达商贸", "威海恒德商贸", True),
        ("威海恒达", "威海恒达商贸", True),
        ("威海恒达商贸", "荣成恒德商贸", False),
        ("甲店", "乙店", False),
        ("威海建设集团第三建筑", "威海建设集团第八建筑", False),
        ("威海恒达商贸", "威海恒达商贸一分店", False),
        ("威海恒达商贸", "威海恒达商贸#荣成分公司", False),
        ("威海恒达商贸#乳山分公司", "威海恒达商贸#荣成分公司", False),
        ("威海恒达商贸", None, False),
        (None, None, False),
    ],
)
def test_names_are_alike_when_they_may_be_one_written_twice(left: str | None, right: str | None, alike: bool) -> None:
    ends = (pl.Series([left], dtype=pl.String), pl.Series([right], dtype=pl.String))
    assert are_alike(*ends).to_list() == are_alike(*reversed(ends)).to_list() == [alike]


def test_second_names_are_split_and_labels_taken_off() -> None:
    cells = pl.Series(["第二名称：威海实验学校、第三名称：海滨校区", "甲中心；乙中心", None], dtype=pl.String)
    assert split_names(cells).to_list() == [["威海实验学校", "海滨校区"], ["甲中心", "乙中心"], None]


def test_units_are_grouped_through_others_and_alone_when_nothing_is_linked() -> None:
    links = pl.DataFrame(
        {"unit": [9, 5, 2], "other": [5, 3, 1]}, schema_overrides={"unit": pl.UInt32, "other": pl.UInt32}
    )
    assert dict(group_linked(links).iter_rows()) == {3: 3, 5: 3, 9: 3, 1: 1, 2: 1}
    assert group_linked(links.clear()).is_empty()


NAME, OTHER = "威海恒达商贸有限公司", "荣成远航水产有限公司"
[USCC] = credit_codes(["91"], np.array([371002]), np.array([7])).to_list()


def decided(*mentions: dict[str, object]) -> Decision:
    placed = [m | {"source_id": n, "mention_key": f"m{n}"} for n, m in enumerate(mentions)]
    return decide(read_facts(pl.DataFrame(placed, schema=MENTION)))


@pytest.mark.parametrize("entity", [0, 1])
def test_who_has_no_code_is_reviewed_whether_the_entity_sorts_before_or_after_it(entity: int) -> None:
    found = decided(*({"is_own": n == entity, "name": NAME} for n in range(2)))
    assert found.decided["i"].to_list() == [entity]
    assert found.doubts.select("i", "candidate", "reason").rows() == [(1 - entity, entity, "weak_evidence")]


def test_who_stands_on_anothers_code_is_reviewed_when_an_entity_without_a_code_bears_its_name() -> None:
    found = decided(
        {"is_own": True, "name": NAME, "uscc": USCC},
        {"is_own": False, "name": OTHER, "uscc": USCC},
        {"is_own": True, "name": OTHER},
    )
    assert found.decided["i"].to_list() == [0, 2]
    assert found.doubts.select("i", "candidate", "reason").rows() == [(1, 0, "shared_code"), (1, 2, "weak_evidence")]
