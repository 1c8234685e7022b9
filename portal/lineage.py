"""Lineage from extract to indicator and back, from dbt's manifest: only the tables that people read, not every step."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

Kind = Literal["extract", "table", "model", "operand", "indicator", "target", "check"]

_RAW_SOURCE = "source.weihai.raw."
_MODEL = "model.weihai."
_ENDS: Mapping[str, Kind] = {"ind_": "model", "target_": "target", "check_": "check"}
"""Prefixes of models in which lineage ends: what reads them reads all of them at once."""


@dataclass(frozen=True)
class Node:
    """Something that data passes.

    Attributes:
        kind: `model` is the model of an indicator's operands, `ind_<indicator_id>`.
        name: contract id, `schema.table`, operand, indicator id, target id or check id.
        title: what people call it, in Chinese; empty where nobody named it.
        note: its figure, where it has one.
    """

    kind: Kind
    name: str
    title: str = ""
    note: str = ""

    @property
    def key(self) -> str:
        """What distinguishes it in a graph."""
        return f"{self.kind}:{self.name}"


@dataclass(frozen=True)
class Graph:
    """A part of the lineage around one node; edges lead from a key to a key, the way that data goes."""

    root: str
    nodes: tuple[Node, ...]
    edges: tuple[tuple[str, str], ...]

    def of(self, kind: Kind) -> tuple[Node, ...]:
        """Return the nodes of a kind."""
        return tuple(node for node in self.nodes if node.kind == kind)

    def after(self, start: Node, kind: Kind) -> tuple[Node, ...]:
        """Return the nodes of a kind that data of `start` reaches."""
        reached = _reached(start.key, _adjacent(self.edges))
        return tuple(node for node in self.of(kind) if node.key in reached)

    def with_operands(self, indicator: Node, operands: Iterable[Node]) -> Graph:
        """Return the graph that goes on from the operand model, its root, over operands to the indicator."""
        added = (*operands, indicator)
        edges = [(self.root, node.key) for node in added[:-1]] + [(node.key, indicator.key) for node in added[:-1]]
        return Graph(indicator.key, self.nodes + added, (*self.edges, *(edges or [(self.root, indicator.key)])))


@dataclass(frozen=True)
class Lineage:
    """Everything between extracts on one side and indicators, plan targets and checks on the other."""

    nodes: Mapping[str, Node]
    edges: tuple[tuple[str, str], ...]

    def upstream(self, indicator_id: str) -> Graph | None:
        """Return what the operand model of an indicator rests on; None where nothing is known of it."""
        return self._around(Node("model", f"ind_{indicator_id}").key, self._backward)

    def downstream(self, contract_id: str) -> Graph | None:
        """Return what rests on an extract; None where nothing is known of it."""
        return self._around(Node("extract", contract_id).key, self._forward)

    @cached_property
    def _forward(self) -> Mapping[str, tuple[str, ...]]:
        return _adjacent(self.edges)

    @cached_property
    def _backward(self) -> Mapping[str, tuple[str, ...]]:
        return _adjacent((end, start) for start, end in self.edges)

    def titled(self, titles: Mapping[str, str]) -> Lineage:
        """Return it with titles for nodes by key; the others keep theirs."""
        named = {key: replace(node, title=titles.get(key, node.title)) for key, node in self.nodes.items()}
        return Lineage(named, self.edges)

    def _around(self, root: str, adjacent: Mapping[str, tuple[str, ...]]) -> Graph | None:
        if root not in self.nodes:
            return None
        keys = {root} | _reached(root, adjacent)
        nodes = sorted((self.nodes[key] for key in keys), key=lambda node: (node.kind, node.name))
        return Graph(root, tuple(nodes), tuple(edge for edge in self.edges if keys.issuperset(edge)))


def read_lineage(manifest: Path, sources: Iterable[tuple[str, str]]) -> Lineage:
    """Read the lineage from dbt's manifest; where there is none, what runs recorded leads from extract to indicator.

    Args:
        manifest: `manifest.json`.
        sources: pairs of contract id and indicator id.
    """
    if manifest.is_file():
        return of_manifest(json.loads(manifest.read_text(encoding="utf-8")))
    pairs = sorted({(Node("extract", contract), Node("model", f"ind_{indicator}")) for contract, indicator in sources},
                   key=lambda pair: (pair[0].name, pair[1].name))  # fmt: skip
    nodes = {node.key: node for pair in pairs for node in pair}
    return Lineage(nodes, tuple((extract.key, model.key) for extract, model in pairs))


def of_manifest(manifest: Mapping[str, Any]) -> Lineage:
    """Return the lineage that a manifest states.

    Args:
        manifest: with `child_map` and `nodes`, as dbt writes it.
    """
    children: Mapping[str, list[str]] = manifest["child_map"]
    found = {unique_id: node for unique_id in children if (node := _node(unique_id, manifest["nodes"])) is not None}
    edges = {
        (node.key, found[child].key)
        for unique_id, node in found.items()
        if node.kind in ("extract", "table")
        for child in _next(unique_id, children, found)
    }
    return Lineage({node.key: node for node in found.values()}, tuple(sorted(edges)))


def _node(unique_id: str, models: Mapping[str, Mapping[str, Any]]) -> Node | None:
    """Return what people see of a node of the manifest; None for a step between, a copy with masks, a test, a seed."""
    if unique_id.startswith(_RAW_SOURCE):
        return Node("extract", unique_id.removeprefix(_RAW_SOURCE))
    if not unique_id.startswith(_MODEL):
        return None
    model = models[unique_id]
    name, title = str(model["name"]), str(model.get("description") or "")
    for prefix, kind in _ENDS.items():
        if name.startswith(prefix):
            return Node(kind, name if kind == "model" else name.removeprefix(prefix), title)
    if name.startswith("int_") or name.endswith("_masked"):
        return None
    return Node("table", f"{model['schema']}.{name}", title)


def _next(unique_id: str, children: Mapping[str, list[str]], found: Mapping[str, Node]) -> set[str]:
    """Return the nodes that people see next after one, over the steps between."""
    reached: set[str] = set()
    seen: set[str] = set()
    waiting = [unique_id]
    while waiting:
        for child in children.get(waiting.pop(), ()):
            if child in found:
                reached.add(child)
            elif child not in seen:
                seen.add(child)
                waiting.append(child)
    return reached


def _adjacent(edges: Iterable[tuple[str, str]]) -> Mapping[str, tuple[str, ...]]:
    adjacent: dict[str, tuple[str, ...]] = {}
    for start, end in edges:
        adjacent[start] = (*adjacent.get(start, ()), end)
    return adjacent


def _reached(start: str, adjacent: Mapping[str, tuple[str, ...]]) -> set[str]:
    reached: set[str] = set()
    waiting = [start]
    while waiting:
        for key in adjacent.get(waiting.pop(), ()):
            if key not in reached:
                reached.add(key)
                waiting.append(key)
    return reached
