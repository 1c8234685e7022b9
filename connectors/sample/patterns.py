"""Texts that fit a contract's regular expression."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np
import polars as pl

from connectors.sample.draws import choose

_PARSER: Any = import_module("re._parser")
_OPCODES: Any = import_module("re._constants")
_LONGEST_REPEAT = 6


def matching(pattern: str, rng: np.random.Generator, count: int) -> pl.Series:
    """Draw texts that fit a regular expression of literals, classes, groups, alternatives and repetitions.

    Raises:
        ValueError: the expression uses something else.
    """
    return _draw(_PARSER.parse(pattern), rng, count)


def _same(text: str, count: int) -> pl.Series:
    return pl.Series([text] * count, dtype=pl.String)


def _draw(nodes: Any, rng: np.random.Generator, count: int) -> pl.Series:
    text = _same("", count)
    for kind, value in nodes:
        text = text + _draw_node(str(kind), value, rng, count)
    return text


def _draw_node(kind: str, value: Any, rng: np.random.Generator, count: int) -> pl.Series:
    match kind:
        case "AT":
            drawn = _same("", count)
        case "LITERAL":
            drawn = _same(chr(value), count)
        case "IN":
            drawn = choose(rng, _class_members(value), count)
        case "ANY":
            drawn = choose(rng, "abcdefghij", count)
        case "MAX_REPEAT" | "MIN_REPEAT":
            low, high, nodes = value
            times = low if high == low else max(low, _LONGEST_REPEAT if high is _OPCODES.MAXREPEAT else int(high))
            drawn = _same("", count)
            for _ in range(times):
                drawn = drawn + _draw(nodes, rng, count)
        case "SUBPATTERN":
            drawn = _draw(value[-1], rng, count)
        case "BRANCH":
            drawn = _draw(value[1][int(rng.integers(len(value[1])))], rng, count)
        case _:
            raise ValueError(f"不能按此正则表达式生成样例：{kind}")
    return drawn


def _class_members(items: Any) -> list[str]:
    members: list[str] = []
    for kind, value in items:
        if str(kind) == "LITERAL":
            members.append(chr(value))
        elif str(kind) == "RANGE":
            members += [chr(c) for c in range(value[0], min(value[1], value[0] + 60) + 1)]
        elif str(value) == "CATEGORY_DIGIT":
            members += list("0123456789")
        elif str(value) == "CATEGORY_WORD":
            members += list("ABCDEFGH0123456789")
        else:
            raise ValueError(f"不能按此字符类生成样例：{kind}")
    return members
