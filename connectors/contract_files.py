"""Loading contracts: YAML files with their inheritance, and every problem with its file and line."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from connectors.contract_model import (
    DERIVED_KEYS,
    CodeList,
    Column,
    ColumnType,
    Contract,
    Contracts,
    Defaults,
    Reference,
    RequiredIf,
)
from connectors.errors import UserError
from connectors.yaml_files import Location, Problem, YamlFile, YamlFileError, read_yaml

BOOL_WORDS = ("是", "否")
OPEN_CATEGORIES = "open_category"
"""The code list of the 22 opening categories."""

Model = TypeVar("Model", bound=BaseModel)


class ContractError(UserError):
    """Contracts cannot be used; one line per problem, each `file:line: where: what`."""


@dataclass(frozen=True)
class SourcedContract:
    """A contract and the file that states it."""

    contract: Contract
    file: YamlFile


@dataclass
class ContractFiles:
    """Everything found below some folders, and what is wrong with it."""

    contracts: dict[str, SourcedContract] = field(default_factory=dict)
    codes: dict[str, CodeList] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def load_contracts(folders: Sequence[Path]) -> Contracts:
    """Load every contract below the folders; a later folder may add contracts, elements, code lists and defaults.

    Raises:
        ContractError: a file is not YAML, has an unknown key, a wrong value or names something undefined.
    """
    files = read_contract_files(folders)
    if files.problems:
        raise ContractError("\n".join(map(str, sorted(set(files.problems)))))
    return Contracts({i: sourced.contract for i, sourced in sorted(files.contracts.items())}, files.codes)


def read_contract_files(folders: Sequence[Path]) -> ContractFiles:
    """Read every contract below the folders and collect the problems instead of stopping at the first."""
    files = ContractFiles()
    elements: dict[str, Mapping[str, Any]] = {}
    defaults: dict[str, dict[str, Any]] = {}
    for folder in folders:
        elements |= _read_elements(folder / "_elements.yml", files.problems)
        files.codes |= _read_codes(folder / "_codes.yml", files.problems)
        for path in sorted(folder.glob("[!_]*/_defaults.yml")):
            known = defaults.setdefault(path.parent.name, {})
            known |= _read_defaults(path, files.problems)
    if files.problems:
        return files
    for folder in folders:
        for path in sorted(folder.glob("[!_]*/[!_]*.yml")):
            for sourced in _read_contract(path, elements, defaults, files):
                if sourced.contract.id in files.contracts:
                    files.problems.append(sourced.file.problem((), f"{sourced.contract.id} 已经定义过"))
                files.contracts[sourced.contract.id] = sourced
    for sourced in files.contracts.values():
        files.problems += _undefined(sourced, files)
    return files


def _read_yaml(path: Path, problems: list[Problem]) -> YamlFile | None:
    try:
        return read_yaml(path)
    except YamlFileError as error:
        problems.append(error.problem)
        return None


def _read_elements(path: Path, problems: list[Problem]) -> dict[str, Mapping[str, Any]]:
    file = _read_yaml(path, problems) if path.is_file() else None
    if file is None:
        return {}
    for name, raw in file.data.items():
        _validate(Column, raw, file, (name,), problems)
    return dict(file.data)


def _read_codes(path: Path, problems: list[Problem]) -> dict[str, CodeList]:
    file = _read_yaml(path, problems) if path.is_file() else None
    codes: dict[str, CodeList] = {}
    for name, raw in file.data.items() if file is not None else ():
        assert file is not None
        listed = _validate(CodeList, raw, file, (name,), problems)
        if listed is None:
            continue
        if listed.file is not None:
            reference = path.parent / listed.file
            if not reference.is_file():
                problems.append(file.problem((name, "file"), f"没有文件 {reference}"))
                continue
            listed = listed.model_copy(update={"words": words_of_file(reference)})
        codes[name] = listed
    return codes


def words_of_file(path: Path) -> dict[str, list[str]]:
    """Return the codes of a `code,name` CSV with the names that mean exactly one of them.

    Where a class has a single subclass of the same name, the name means the subclass; a name that unrelated codes
    share means none.
    """
    with path.open(encoding="utf-8", newline="") as lines:
        rows = [(row["code"], row["name"]) for row in csv.DictReader(lines)]
    holders: dict[str, list[str]] = {}
    for code, name in rows:
        holders.setdefault(name, []).append(code)
    words: dict[str, list[str]] = {code: [] for code, _ in rows}
    for name, codes in holders.items():
        deepest = max(codes, key=len)
        if name not in words and all(deepest.startswith(code) for code in codes):
            words[deepest].append(name)
    return words


def _read_defaults(path: Path, problems: list[Problem]) -> Mapping[str, Any]:
    file = _read_yaml(path, problems)
    if file is None or _validate(Defaults, file.data, file, (), problems) is None:
        return {}
    return file.data


def _read_contract(
    path: Path,
    elements: Mapping[str, Mapping[str, Any]],
    defaults: Mapping[str, Mapping[str, Any]],
    files: ContractFiles,
) -> Iterator[SourcedContract]:
    file = _read_yaml(path, files.problems)
    if file is None:
        return
    shared = path.parent.name == "shared"
    body = {key: value for key, value in file.data.items() if not (shared and key == "by")}
    if derived := [key for key in DERIVED_KEYS if key in body]:
        files.problems += [file.problem((key,), "由文件所在位置决定，不在契约中填写") for key in derived]
        return
    departments = file.data.get("by") if shared else [path.parent.name]
    if not isinstance(departments, list) or not departments:
        files.problems.append(file.problem(("by",), "共用契约须列出提供部门"))
        return
    columns = body.get("columns")
    if isinstance(columns, Mapping):
        body["columns"] = _inherited_columns(columns, elements, file, files.problems)
    digest = _codes_digest(body.get("columns"), files.codes)
    for department in departments:
        place = {"department": department, "extract": path.stem, "codes_digest": digest}
        effective = {**defaults.get(str(department), {}), **body, **place}
        contract = _validate(Contract, effective, file, (), files.problems)
        if contract is None:
            return
        yield SourcedContract(contract, file)


def _inherited_columns(
    columns: Mapping[str, Any],
    elements: Mapping[str, Mapping[str, Any]],
    file: YamlFile,
    problems: list[Problem],
) -> dict[str, Any]:
    """Fill each column from its element; a header that another column states itself is not inherited."""
    stated = {
        header: name
        for name, column in columns.items()
        if isinstance(column, Mapping)
        for header in (column.get("header"), *_texts(column.get("aliases")))
    }
    merged: dict[str, Any] = {}
    for name, column in columns.items():
        own = {} if column is None else column
        if not isinstance(own, Mapping):
            merged[name] = own
            continue
        if "element" in own and own["element"] not in elements:
            problems.append(file.problem(("columns", name, "element"), f"没有数据元 {own['element']}"))
        element = elements.get(own.get("element", name), {})
        merged[name] = {**element, **own}
        if element:
            heirlooms = () if "element" in own else (element["header"], *_texts(element.get("aliases")))
            aliases = [*_texts(own.get("aliases")), *(h for h in heirlooms if stated.get(h, name) == name)]
            merged[name]["aliases"] = [a for a in dict.fromkeys(aliases) if a != merged[name].get("header")]
    return merged


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(value) if isinstance(value, list | tuple) else ()


def _codes_digest(columns: Any, codes: Mapping[str, CodeList]) -> str:
    used = {c.get("codes") for c in columns.values() if isinstance(c, Mapping)} if isinstance(columns, Mapping) else ()
    text = "\n".join(codes[name].model_dump_json() for name in sorted(codes) if name in used)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _undefined(sourced: SourcedContract, files: ContractFiles) -> Iterator[Problem]:
    """Yield what the contract names and nobody defines."""
    contract, problem = sourced.contract, sourced.file.problem
    for name, column in contract.columns.items():
        if column.codes is not None and column.codes not in files.codes:
            yield problem(("columns", name, "codes"), f"没有代码表 {column.codes}")
    category, categories = contract.opening.category, files.codes.get(OPEN_CATEGORIES)
    if category is not None and (categories is None or category not in categories.words):
        yield problem(("opening", "category"), f"“{category}”不是开放类别")
    for name, rule in contract.rules.items():
        if isinstance(rule, Reference):
            other = files.contracts.get(rule.extract)
            if other is None or rule.to not in other.contract.columns:
                yield problem(("rules", name), f"没有 {rule.extract}.{rule.to}")
    conditions: list[tuple[Location, Mapping[str, Sequence[str]]]] = [
        (("rules", name, "when"), rule.when) for name, rule in contract.rules.items() if isinstance(rule, RequiredIf)
    ]
    conditions += [(("mentions", role, "when"), mention.when) for role, mention in contract.mentions.items()]
    conditions.append((("opening", "rows"), contract.opening.rows))
    for place, when in conditions:
        for condition, words in when.items():
            for word in sorted(set(words) - _legal_words(contract.columns[condition], words, files.codes)):
                yield problem((*place, condition), f"“{word}”不是 {condition} 的取值")


def _legal_words(column: Column, words: Sequence[str], codes: Mapping[str, CodeList]) -> set[str]:
    if column.type is ColumnType.BOOL:
        return set(BOOL_WORDS)
    if column.codes is not None and column.codes in codes:
        return set(codes[column.codes].words)
    return set(words)


def _validate(model: type[Model], raw: Any, file: YamlFile, prefix: Location, problems: list[Problem]) -> Model | None:
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        problems += [file.problem((*prefix, *item["loc"]), _explain(item)) for item in error.errors()]
        return None


_MESSAGES: Mapping[str, str] = {
    "extra_forbidden": "不认识的键",
    "missing": "缺少",
    "string_type": "应为文字",
    "bool_type": "应为 true 或 false",
    "bool_parsing": "应为 true 或 false",
    "int_parsing": "应为整数",
    "float_type": "应为数",
    "float_parsing": "应为数",
    "list_type": "应为列表",
    "tuple_type": "应为列表",
    "dict_type": "应为键值结构",
    "model_type": "应为键值结构",
    "string_too_short": "不能为空",
    "too_short": "不能为空",
    "union_tag_not_found": "缺少 kind",
}
_MESSAGES_WITH_CONTEXT: Mapping[str, str] = {
    "enum": "应为其中之一：{expected}",
    "literal_error": "应为其中之一：{expected}",
    "union_tag_invalid": "kind 应为其中之一：{expected_tags}",
    "string_pattern_mismatch": "不符合 {pattern}",
    "string_too_long": "不能超过 {max_length} 个字符",
    "greater_than_equal": "不能小于 {ge}",
    "less_than_equal": "不能大于 {le}",
    "value_error": "{error}",
}


def _explain(item: ErrorDetails) -> str:
    kind = item["type"]
    if kind in _MESSAGES_WITH_CONTEXT:
        return _MESSAGES_WITH_CONTEXT[kind].format(**item.get("ctx", {}))
    return _MESSAGES.get(kind, item["msg"])
