"""Reading YAML files: plain scalars by the core schema, and the line of every mistake."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from connectors.yaml_files import YamlFile, YamlFileError, read_yaml


def read(folder: Path, text: str) -> YamlFile:
    path = folder / "x.yml"
    path.write_text(text, encoding="utf-8")
    return read_yaml(path)


def refusal(folder: Path, text: str) -> str:
    with pytest.raises(YamlFileError) as error:
        read(folder, text)
    return str(error.value).removeprefix(f"{folder}/")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("FALSE", False),
        ("yes", "yes"),
        ("No", "No"),
        ("on", "on"),
        ("n", "n"),
        ("", None),
        ("~", None),
        ("null", None),
        ("12", 12),
        ("-3", -3),
        ("0201", 201),
        ("08", 8),
        ("0o17", 15),
        ("0x1f", 31),
        ("1_000", "1_000"),
        ("1.5", 1.5),
        ("-.5e3", -500.0),
        ("1e3", 1000.0),
        ("-.inf", -math.inf),
        ("1:500", "1:500"),
        ("190:20:30", "190:20:30"),
        ("2021-09-30", "2021-09-30"),
        ("1.2.3", "1.2.3"),
        ("=", "="),
        ('"0201"', "0201"),
        ("'true'", "true"),
    ],
)
def test_scalar_is_read_by_the_core_schema_when_plain(tmp_path: Path, text: str, value: object) -> None:
    found = read(tmp_path, f"key: {text}\n").data["key"]
    assert (found, type(found)) == (value, type(value))


def test_merge_key_is_an_ordinary_key_when_written(tmp_path: Path) -> None:
    assert read(tmp_path, "a: &a {x: 1}\nb: {<<: *a}\n").data["b"] == {"<<": {"x": 1}}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\nb:\n  c: 1\n  d: 2\n  c: 3\n", "x.yml:5: 文件: 不是有效的 YAML：键 c 重复"),
        ("a: 1\nb: {c: 1, c: 1}\n", "x.yml:2: 文件: 不是有效的 YAML：键 c 重复"),
        ("a: [1\nb: 2\n", "x.yml:2: 文件: 不是有效的 YAML："),
        ("a: 1\nb: !!python/name:os.system ''\n", "x.yml:2: 文件: 不是有效的 YAML："),
        ("a: 1\nb: *nobody\n", "x.yml:2: 文件: 不是有效的 YAML："),
        ("a: 1\n---\nb: 1\n", "x.yml:2: 文件: 不是有效的 YAML："),
        ("a: 1\nb: \x07\n", "x.yml:2: 文件: 不是有效的 YAML：有不可见的控制字符"),
        ("- a\n", "x.yml:1: 文件: 应为键值结构"),
        ("", "x.yml:1: 文件: 应为键值结构"),
    ],
)
def test_line_is_named_when_the_file_cannot_be_used(tmp_path: Path, text: str, expected: str) -> None:
    assert refusal(tmp_path, text).startswith(expected)


def test_encoding_is_named_when_the_file_is_not_utf8(tmp_path: Path) -> None:
    path = tmp_path / "x.yml"
    path.write_bytes("标题: 甲\n".encode("gb18030"))
    with pytest.raises(YamlFileError, match="不是 UTF-8 编码"):
        read_yaml(path)


@pytest.mark.parametrize(
    ("location", "line"),
    [
        ((), 1),
        (("b",), 2),
        (("b", "c"), 4),
        (("b", "c", 1), 6),
        (("b", "c", 1, "e"), 7),
        (("b", "date_order", "c", 0), 5),
        (("b", "c", 9, "e"), 4),
        (("b", "nothing"), 2),
        (("nothing",), 1),
    ],
)
def test_line_is_that_of_the_deepest_known_part_when_a_problem_is_placed(
    tmp_path: Path, location: tuple[str | int, ...], line: int
) -> None:
    file = read(tmp_path, "a: 1\nb:\n  # said\n  c:\n    - 1\n    - d: 1\n      e: 2\n")
    assert file.problem(location, "x").line == line


PLAIN = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text("甲a1 :#-[]{}'\"~.,\\=<&*!%@`")
NESTED = st.recursive(PLAIN, lambda inner: st.lists(inner) | st.dictionaries(st.text("甲ab1:. "), inner), max_leaves=9)


@settings(max_examples=50, deadline=None)
@given(data=st.dictionaries(st.text("甲ab", min_size=1), NESTED))
def test_data_comes_back_when_written_by_another_library(
    tmp_path_factory: pytest.TempPathFactory, data: dict[str, object]
) -> None:
    path = tmp_path_factory.mktemp("yaml") / "x.yml"
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    yaml.allow_unicode = True
    yaml.dump(data, path)
    assert read_yaml(path).data == data
