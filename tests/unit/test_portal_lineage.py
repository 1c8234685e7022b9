"""Lineage between extracts and indicators, and how it is drawn."""

from __future__ import annotations

from itertools import combinations
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from portal.diagram import WIDTH, Label, draw, shortened, wrapped
from portal.lineage import Graph, Lineage, Node, of_manifest

RAW, MODEL = "source.weihai.raw.", "model.weihai."


def manifest(children: dict[str, list[str]]) -> dict[str, Any]:
    names = {*children, *(child for found in children.values() for child in found)}
    nodes = {
        name: {"name": name.removeprefix(MODEL), "schema": "legal_entity", "description": ""}
        for name in names
        if name.startswith(MODEL)
    }
    return {"child_map": {name: children.get(name, []) for name in names}, "nodes": nodes}


def keys(graph: Graph | None) -> set[str]:
    return set() if graph is None else {node.key for node in graph.nodes}


CITY = of_manifest(
    manifest(
        {
            f"{RAW}market_regulation__enterprise": [f"{MODEL}int_entity__stated", "test.weihai.not_null"],
            f"{RAW}industry_it__cloud_enterprise": [f"{MODEL}ind_cloud_enterprises"],
            f"{RAW}civil_affairs__death": [],
            f"{MODEL}int_entity__stated": [f"{MODEL}int_entity__golden"],
            f"{MODEL}int_entity__golden": [f"{MODEL}entity"],
            f"{MODEL}entity": [f"{MODEL}entity_masked", f"{MODEL}ind_cloud_enterprises", f"{MODEL}check_employers"],
            f"{MODEL}ind_cloud_enterprises": [f"{MODEL}int_indicator__measured"],
            f"{MODEL}int_indicator__measured": [f"{MODEL}target_share_2020"],
        }
    )
)


def test_steps_between_are_passed_over_when_an_indicator_is_traced_back() -> None:
    graph = CITY.upstream("cloud_enterprises")
    assert keys(graph) == {
        "extract:market_regulation__enterprise",
        "extract:industry_it__cloud_enterprise",
        "table:legal_entity.entity",
        "model:ind_cloud_enterprises",
    }
    assert graph is not None
    enterprise, cloud = (
        next(n for n in graph.nodes if n.name.endswith(x)) for x in ("__enterprise", "cloud_enterprise")
    )
    assert [node.name for node in graph.after(enterprise, "table")] == ["legal_entity.entity"]
    assert graph.after(cloud, "table") == ()
    assert CITY.upstream("funding") is None


def test_lineage_ends_at_the_indicator_when_an_extract_is_followed() -> None:
    assert keys(CITY.downstream("market_regulation__enterprise")) == {
        "extract:market_regulation__enterprise",
        "table:legal_entity.entity",
        "model:ind_cloud_enterprises",
        "check:employers",
    }
    assert keys(CITY.downstream("civil_affairs__death")) == {"extract:civil_affairs__death"}


NAMES = [f"{RAW}a__{n}" for n in range(3)] + [
    f"{MODEL}{kind}{n}" for n in range(3) for kind in ("int_", "table_", "ind_")
]


@st.composite
def lineages(draw_: st.DrawFn) -> Lineage:
    """Lineages of random models, each of which reads some of those before it."""
    children: dict[str, list[str]] = {name: [] for name in NAMES}
    for before, after in combinations(NAMES, 2):
        if after.startswith(MODEL) and "ind_" not in before and draw_(st.booleans()):
            children[before].append(after)
    return of_manifest(manifest(children))


@given(lineages())
def test_both_directions_agree_when_models_read_each_other_at_random(lineage: Lineage) -> None:
    for n in range(3):
        for k in range(3):
            back, forth = lineage.upstream(f"{n}"), lineage.downstream(f"a__{k}")
            assert (f"extract:a__{k}" in keys(back)) == (f"model:ind_{n}" in keys(forth))


@given(lineages())
def test_boxes_lie_apart_and_lines_lead_right_when_a_graph_is_drawn(lineage: Lineage) -> None:
    for graph in (lineage.upstream("0"), lineage.downstream("a__0")):
        assert graph is not None
        drawn = draw(graph, lambda node: Label("库表", f"{node.name}的名称", node.name, None, True))
        assert {box.node.key for box in drawn.boxes} == keys(graph)
        place = {box.node.key: box for box in drawn.boxes}
        assert all(place[start].x + WIDTH < place[end].x for start, end in graph.edges)
        for one, other in combinations(drawn.boxes, 2):
            assert one.x != other.x or one.y + one.height < other.y or other.y + other.height < one.y
        assert all(b.x + WIDTH < drawn.width and b.y + b.height < drawn.height for b in drawn.boxes)


def test_an_indicator_follows_its_operands_when_they_are_added() -> None:
    back = CITY.upstream("cloud_enterprises")
    assert back is not None
    whole = back.with_operands(Node("indicator", "cloud_enterprises"), [Node("operand", "count")])
    assert ("model:ind_cloud_enterprises", "operand:count") in whole.edges
    assert ("operand:count", "indicator:cloud_enterprises") in whole.edges
    bare = back.with_operands(Node("indicator", "cloud_enterprises"), [])
    assert ("model:ind_cloud_enterprises", "indicator:cloud_enterprises") in bare.edges


@given(st.text(st.characters(codec="gb18030", exclude_categories=["C", "Z"]) | st.just(" "), max_size=80))
def test_a_title_fits_its_box_when_it_is_long(text: str) -> None:
    lines = wrapped(text, columns=10, lines=2)
    assert 1 <= len(lines) <= 2
    assert all(shortened(line, 10) == line for line in lines)


def test_words_stay_whole_when_a_title_is_broken() -> None:
    assert wrapped("Real-time bus arrival forecast", columns=20) == ["Real-time bus", "arrival forecast"]
    assert wrapped("市场主体登记信息年报情况", columns=10) == ["市场主体登", "记信息年…"]
