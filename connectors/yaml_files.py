"""Reading YAML files people write: fast, by the core schema of YAML 1.2, with the line of everything that is wrong."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml
from yaml.constructor import ConstructorError
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from yaml.reader import Reader

try:
    from yaml import CSafeLoader as _SafeLoader
except ImportError:
    from yaml import SafeLoader as _SafeLoader  # type: ignore[assignment]

Location = tuple[str | int, ...]


@dataclass(frozen=True, order=True)
class Problem:
    """One thing wrong with a file."""

    path: Path
    line: int
    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.where}: {self.what}"


class YamlFileError(Exception):
    """A file cannot be read as a mapping; `problem` says why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


@dataclass(frozen=True)
class YamlFile:
    """A YAML file that can still find its lines."""

    path: Path
    data: Mapping[str, Any]
    text: str = field(repr=False)

    def problem(self, location: Location, what: str) -> Problem:
        """Return a problem at the deepest part of the location that the file has."""
        return Problem(self.path, self._line(location), ".".join(map(str, location)) or "文件", what)

    @cached_property
    def _root(self) -> Node | None:
        return yaml.compose(self.text, Loader=_CoreLoader)

    def _line(self, location: Location) -> int:
        node = self._root
        line = 1
        for part in location:
            if isinstance(node, MappingNode):
                for key, value in node.value:
                    if isinstance(key, ScalarNode) and key.value == str(part):
                        line, node = key.start_mark.line + 1, value
                        break
            elif isinstance(node, SequenceNode) and isinstance(part, int) and part < len(node.value):
                node = node.value[part]
                line = node.start_mark.line + 1
        return line


def read_yaml(path: Path) -> YamlFile:
    """Read a file that holds one mapping.

    Plain scalars are null, true, false, integers and floats by the core schema of YAML 1.2 (clause 10.3.2), else
    text: yes, no, 1:500 and 2021-09-30 are text. A key that is stated twice is refused.

    Raises:
        YamlFileError: the file is not UTF-8, not YAML, or not a mapping.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise YamlFileError(Problem(path, 1, "文件", "不是 UTF-8 编码")) from error
    try:
        data = yaml.load(text, Loader=_CoreLoader)  # noqa: S506
    except yaml.YAMLError as error:
        line, reason = _line_and_reason(error, text)
        raise YamlFileError(Problem(path, line, "文件", f"不是有效的 YAML：{reason}")) from error
    if not isinstance(data, dict):
        raise YamlFileError(Problem(path, 1, "文件", "应为键值结构"))
    return YamlFile(path, data, text)


def _line_and_reason(error: yaml.YAMLError, text: str) -> tuple[int, str]:
    if isinstance(error, yaml.MarkedYAMLError):
        return error.problem_mark.line + 1 if error.problem_mark else 1, str(error.problem)
    unprintable = Reader.NON_PRINTABLE.search(text)
    return text.count("\n", 0, unprintable.start()) + 1 if unprintable else 1, "有不可见的控制字符"


class _CoreLoader(_SafeLoader):
    """Plain data by the core schema of YAML 1.2."""

    yaml_implicit_resolvers = {}  # noqa: RUF012 (PyYAML's own attribute, replaced so that YAML 1.1 is not inherited)

    def construct_mapping(self, node: MappingNode, deep: bool = False) -> dict[Any, Any]:
        mapping = super().construct_mapping(node, deep)
        if len(mapping) < len(node.value):
            self._refuse_repeated_key(node)
        return mapping

    def _refuse_repeated_key(self, node: MappingNode) -> None:
        seen = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise ConstructorError(None, None, f"键 {key} 重复", key_node.start_mark)
            seen.add(key)


def _integer(_: _CoreLoader, node: ScalarNode) -> int:
    text = str(node.value)
    base = {"0o": 8, "0x": 16}.get(text[:2], 10)
    return int(text, base)


def _floating(_: _CoreLoader, node: ScalarNode) -> float:
    text = str(node.value).lower()
    if text.endswith((".inf", ".nan")):
        return math.nan if text == ".nan" else math.copysign(math.inf, -1 if text[0] == "-" else 1)
    return float(text)


def _add(tag: str, pattern: str, first: str) -> None:
    _CoreLoader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(rf"(?:{pattern})\Z"), [*first])


_add("null", r"~|null|Null|NULL", "~nN")
_CoreLoader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"\Z"), [""])
_add("bool", r"true|True|TRUE|false|False|FALSE", "tTfF")
_add("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789")
_add(
    "float",
    r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
    "-+.0123456789",
)
_CoreLoader.add_constructor("tag:yaml.org,2002:int", _integer)
_CoreLoader.add_constructor("tag:yaml.org,2002:float", _floating)
