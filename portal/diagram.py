"""Laying out a lineage graph as boxes in columns and lines between them, for an SVG."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import fmean

from portal.lineage import Graph, Node

WIDTH = 196
ACROSS, DOWN = 40, 14
_PAD = 10
_CAPTION, _LINE, _NOTE = 15, 18, 16
_COLUMNS, _LINES = 27, 2
"""Half-width characters in a line of a box, and lines of its title."""


@dataclass(frozen=True)
class Label:
    """What a box says: its kind, a title, a figure or name, and where it leads."""

    caption: str
    title: str
    note: str
    href: str | None
    is_chinese: bool


@dataclass(frozen=True)
class Text:
    """One line in a box and its baseline."""

    text: str
    y: int


@dataclass(frozen=True)
class Box:
    """A node as drawn, in user units."""

    node: Node
    label: Label
    x: int
    y: int
    height: int
    caption: Text
    lines: tuple[Text, ...]
    note: Text | None


@dataclass(frozen=True)
class Diagram:
    """Boxes in reading order, and the paths between them."""

    width: int
    height: int
    boxes: tuple[Box, ...]
    paths: tuple[str, ...]


def draw(graph: Graph, labelled: Callable[[Node], Label]) -> Diagram:
    """Lay out a graph: a column per distance from the root, data going from left to right.

    Args:
        graph: each node reaches the root, or is reached from it.
        labelled: what a node's box says.
    """
    nodes = {node.key: node for node in graph.nodes}
    columns = _columns(graph)
    labels = {key: labelled(node) for key, node in nodes.items()}
    heights = {key: _height(label) for key, label in labels.items()}
    total = max(sum(heights[key] + DOWN for key in column) - DOWN for column in columns)
    boxes = {}
    for number, column in enumerate(columns):
        y = (total - sum(heights[key] + DOWN for key in column) + DOWN) // 2
        for key in column:
            boxes[key] = _box(nodes[key], labels[key], number * (WIDTH + ACROSS) + 1, y + 1, heights[key])
            y += heights[key] + DOWN
    paths = tuple(_path(boxes[start], boxes[end]) for start, end in graph.edges)
    return Diagram(len(columns) * (WIDTH + ACROSS) - ACROSS + 2, total + 2, tuple(boxes.values()), paths)


def _columns(graph: Graph) -> list[list[str]]:
    """Return the keys by column from left to right, ordered so that lines cross little."""
    forward: dict[str, list[str]] = defaultdict(list)
    backward: dict[str, list[str]] = defaultdict(list)
    for start, end in graph.edges:
        forward[start].append(end)
        backward[end].append(start)
    is_end = not forward[graph.root]
    away, back = (backward, forward) if is_end else (forward, backward)
    distance = _distances(graph.root, away, back)
    columns: list[list[str]] = []
    place: dict[str, float] = {}
    for number in range(max(distance.values()) + 1):
        keys = [node.key for node in graph.nodes if distance[node.key] == number]
        column = sorted(keys, key=lambda key: (fmean([place[k] for k in back[key]] or [0]), key))
        place |= {key: index - len(column) / 2 for index, key in enumerate(column)}
        columns.append(column)
    return columns[::-1] if is_end else columns


def _distances(root: str, away: Mapping[str, list[str]], back: Mapping[str, list[str]]) -> dict[str, int]:
    """Return the longest way from the root to every node of a graph without circles."""
    distance = {root: 0}
    missing = {key: len(keys) for key, keys in back.items()}
    waiting = [root]
    while waiting:
        key = waiting.pop()
        for following in away.get(key, ()):
            distance[following] = max(distance.get(following, 0), distance[key] + 1)
            missing[following] -= 1
            if missing[following] == 0:
                waiting.append(following)
    return distance


def _height(label: Label) -> int:
    return 2 * _PAD + _CAPTION + _LINE * len(wrapped(label.title)) + (_NOTE if label.note else 0) - 4


def _box(node: Node, label: Label, x: int, y: int, height: int) -> Box:
    first = y + _PAD + _CAPTION - 4
    lines = tuple(Text(line, first + _LINE * (n + 1)) for n, line in enumerate(wrapped(label.title)))
    note = Text(shortened(label.note, _COLUMNS + 3), first + _LINE * len(lines) + _NOTE) if label.note else None
    return Box(node, label, x, y, height, Text(shortened(label.caption, _COLUMNS + 3), first), lines, note)


def _path(start: Box, end: Box) -> str:
    from_x, from_y = start.x + WIDTH, start.y + start.height / 2
    to_x, to_y = end.x, end.y + end.height / 2
    bend = ACROSS / 2
    return f"M{from_x} {from_y:g}C{from_x + bend:g} {from_y:g} {to_x - bend:g} {to_y:g} {to_x} {to_y:g}"


def wrapped(text: str, columns: int = _COLUMNS, lines: int = _LINES) -> Sequence[str]:
    """Break a text into lines of half-width `columns`, between words or Chinese characters; the last one is cut."""
    found = [""]
    for part in re.findall(r"[\x21-\x7e]+ ?|.", text):
        if len(found) < lines and found[-1] and _columns_of(found[-1] + part.rstrip()) > columns:
            found.append("")
        found[-1] += part
    return [shortened(line.rstrip(), columns) for line in found]


def shortened(text: str, columns: int) -> str:
    """Cut a text to half-width `columns`, with an ellipsis where it was longer."""
    if _columns_of(text) <= columns:
        return text
    while _columns_of(text) > columns - 1:
        text = text[:-1]
    return f"{text}…"


@lru_cache(maxsize=10_000)
def _columns_of(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)
