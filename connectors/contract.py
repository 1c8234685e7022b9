"""The data contract of one department extract: the only description from which everything else follows.

A contract is `contracts/<department>/<extract>.yml`, or `contracts/shared/<extract>.yml` with `by: [department, …]`.
It inherits from the shared data elements (`_elements.yml`, by column name), the code lists (`_codes.yml`) and the
department's defaults (`<department>/_defaults.yml`).
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError

from connectors.errors import UserError

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)]
Share = Annotated[float, Field(ge=0, le=1)]

LONG_TERM = "9999-12-31"
"""How 长期, 2099-12-31 and 9999-12-31 are stored."""

DIMENSIONS: Mapping[str, str] = {
    "01": "规范性",
    "02": "完整性",
    "03": "准确性",
    "04": "一致性",
    "05": "时效性",
    "06": "可访问性",
}
"""The six quality dimensions of GB/T 36344-2018."""

Element = Literal[
    "0101", "0102", "0103", "0104", "0105", "0106", "0201", "0202", "0301", "0302", "0303", "0304",
    "0305", "0401", "0402", "0501", "0502", "0503", "0601", "0602",
]  # fmt: skip
"""A quality indicator of GB/T 36344-2018, clause 6; its first two digits name the dimension."""


class ContractError(UserError):
    """A contract cannot be used; the message names file and line."""


class Level(StrEnum):
    """Protection level: public, internal, personal, sensitive."""

    L1 = "L1"
    L2 = "L2"
    L3 = "L3"
    L4 = "L4"


class ColumnType(StrEnum):
    """How a column's text is understood; see `connectors/normalise`."""

    TEXT = "text"
    ID = "id"
    USCC = "uscc"
    CODE = "code"
    DIVISION = "division"
    DATE = "date"
    DATETIME = "datetime"
    PERIOD = "period"
    INT = "int"
    DECIMAL = "decimal"
    MONEY = "money"
    QUANTITY = "quantity"
    BOOL = "bool"


class Severity(StrEnum):
    """What a missed threshold means: hold the batch, or tell the department."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"


class Strict(BaseModel):
    """A model that refuses keys it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_enum_values=False)


class CodeList(Strict):
    """The words a code column may hold, each with the codes and wordings that mean the same."""

    title: str
    words: dict[str, list[str]] = {}
    file: str | None = None
    """Instead of `words`: a CSV with `code,name`, relative to this file; codes become words, names their aliases."""
    default: str | None = None
    """The word an empty cell counts as, noted on the row."""

    @model_validator(mode="after")
    def _unambiguous(self) -> Self:
        seen: dict[str, str] = {}
        for word, aliases in self.words.items():
            for text in (word, *aliases):
                if seen.setdefault(text, word) != word:
                    raise ValueError(f"“{text}” 同时属于 {seen[text]} 和 {word}")
        if self.default is not None and self.default not in self.words:
            raise ValueError(f"default “{self.default}” 不在 words 中")
        return self


class Column(Strict):
    """One column as the department delivers it."""

    header: str
    type: ColumnType
    unit: str | None = None
    codes: str | None = None
    required: bool | Literal["warning"] = False
    level: Level | None = None
    description: str = ""
    aliases: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    """Texts that look like placeholders (无, /) but are true values of this column."""
    minimum: float | None = None
    maximum: float | None = None
    pattern: str | None = None
    not_after_as_of: bool = False
    """The date must not lie after the delivery's as-of date."""
    element: str | None = None
    """The shared data element to inherit from, where it is not the column's own name."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.type in (ColumnType.MONEY, ColumnType.QUANTITY)) != (self.unit is not None):
            raise ValueError("unit 只用于 money 和 quantity，且必须给出")
        if (self.type is ColumnType.CODE) != (self.codes is not None):
            raise ValueError("codes 只用于 code 列，且必须给出")
        return self


class RuleBase(Strict):
    """What every rule states besides its test."""

    dimension: Element
    severity: Severity = Severity.WARNING
    threshold: Share = 0.9
    message: str
    """One Chinese sentence for the department."""


class DateOrder(RuleBase):
    """`earlier` must not lie after `later`; rows where either is empty are not judged."""

    kind: Literal["date_order"]
    earlier: Name
    later: Name


class RequiredIf(RuleBase):
    """`column` must be filled where `when` holds (every column there has one of the given words)."""

    kind: Literal["required_if"]
    column: Name
    when: dict[Name, list[str]]


class Unique(RuleBase):
    """The columns together occur once per delivery; rows where all are empty are not judged."""

    kind: Literal["unique"]
    columns: tuple[Name, ...]


class Reference(RuleBase):
    """The value must stand in a current record of another extract; not judged where that one was never delivered."""

    kind: Literal["reference"]
    column: Name
    extract: str
    to: Name


Rule = Annotated[DateOrder | RequiredIf | Unique | Reference, Field(discriminator="kind")]


class Sharing(Strict):
    """Sharing attribute of the resource (政务信息资源目录编制指南)."""

    type: Literal["无条件共享", "有条件共享", "不予共享"]
    condition: str | None = None
    method: str = "共享平台"
    basis: str | None = None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.type == "有条件共享" and not self.condition:
            raise ValueError("有条件共享须写明 condition")
        if self.type == "不予共享" and not self.basis:
            raise ValueError("不予共享须写明 basis（法律、行政法规或党中央、国务院政策依据）")
        return self


class Opening(Strict):
    """Opening attribute of the resource; `category` is one of the 22 of indicator 18."""

    is_open: bool = False
    category: str | None = None


class Contract(Strict):
    """One department extract."""

    department: Name
    extract: Name
    title: str
    description: str
    default_level: Level | None = None
    """Level of the columns that state none; without it L3 in a person's extract, else L2."""
    person: bool = False
    """The grain is a person or a person is named: columns default to L3, free text is scanned for identifiers."""
    key: tuple[Name, ...]
    fallback_key: tuple[Name, ...] = ()
    identity: tuple[Name, ...] = ()
    mode: Literal["full", "incremental", "append"]
    cycle: Literal["daily", "weekly", "monthly", "quarterly", "half_yearly", "yearly"]
    quality_target: Share = 0.9
    maximum_loss: Share = 0.1
    """A full delivery that would withdraw a larger share than this waits for a person's word."""
    sharing: Sharing
    opening: Opening = Opening()
    columns: dict[Name, Column]
    ignored: dict[str, str] = {}
    """Headers seen in real deliveries that are deliberately not taken, each with the reason."""
    rules: dict[Name, Rule] = {}
    note: str = ""

    @model_validator(mode="after")
    def _columns_exist(self) -> Self:
        named = {*self.key, *self.fallback_key, *self.identity}
        for rule in self.rules.values():
            match rule:
                case DateOrder():
                    named |= {rule.earlier, rule.later}
                case RequiredIf():
                    named |= {rule.column, *rule.when}
                case Unique():
                    named |= set(rule.columns)
                case Reference():
                    named.add(rule.column)
        if missing := sorted(named - set(self.columns)):
            raise ValueError(f"没有定义的列：{'、'.join(missing)}")
        headers: dict[str, str] = {}
        for name, column in self.columns.items():
            for header in (column.header, *column.aliases):
                if headers.setdefault(header, name) != name:
                    raise ValueError(f"表头“{header}”同时属于 {headers[header]} 和 {name}")
        return self

    @property
    def id(self) -> str:
        """`<department>__<extract>`; also the raw table's name."""
        return f"{self.department}__{self.extract}"

    def level(self, column: str) -> Level:
        """Return the column's protection level: its own, else the contract's default, else L3 for persons, else L2."""
        own = self.columns[column].level or self.default_level
        return own if own is not None else (Level.L3 if self.person else Level.L2)

    @cached_property
    def fields(self) -> tuple[StoredField, ...]:
        """The columns of the raw table in order; a money column is stored as three."""
        return tuple(f for name, c in self.columns.items() for f in _stored_fields(name, c, self.level(name)))

    @cached_property
    def version(self) -> str:
        """First 16 hex digits of the SHA-256 of the effective contract."""
        text = json.dumps(self.model_dump(mode="json"), ensure_ascii=False, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class StoredField:
    """One column of a raw table."""

    name: str
    source: str
    """The contract column it comes from."""
    arrow: pa.DataType
    sql: str
    comment: str
    level: Level


_DECIMAL = pa.decimal128(24, 6)
_STORED: Mapping[ColumnType, tuple[pa.DataType, str]] = {
    ColumnType.DATE: (pa.date32(), "date"),
    ColumnType.DATETIME: (pa.timestamp("us", tz="Asia/Shanghai"), "timestamptz"),
    ColumnType.INT: (pa.int64(), "bigint"),
    ColumnType.DECIMAL: (_DECIMAL, "numeric(24,6)"),
    ColumnType.MONEY: (_DECIMAL, "numeric(24,6)"),
    ColumnType.QUANTITY: (_DECIMAL, "numeric(24,6)"),
    ColumnType.BOOL: (pa.bool_(), "boolean"),
}


def _stored_fields(name: str, column: Column, level: Level) -> Iterator[StoredField]:
    arrow, sql = _STORED.get(column.type, (pa.string(), "text"))
    unit = f"（{column.unit}）" if column.unit else ""
    yield StoredField(name, name, arrow, sql, f"{column.header}{unit}", level)
    if column.type is ColumnType.MONEY:
        stem = name.removesuffix("_cny")
        yield StoredField(f"{stem}_amount", name, arrow, sql, f"{column.header}：原币金额（元）", level)
        yield StoredField(f"{stem}_currency", name, pa.string(), "text", f"{column.header}：币种（ISO 4217）", level)


@dataclass(frozen=True)
class Contracts(Mapping[str, Contract]):
    """All contracts by id, with the code lists they use."""

    by_id: Mapping[str, Contract]
    codes: Mapping[str, CodeList]

    def __getitem__(self, contract_id: str) -> Contract:
        return self.by_id[contract_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self.by_id)

    def __len__(self) -> int:
        return len(self.by_id)

    def of_department(self, department: str) -> tuple[Contract, ...]:
        """Return the contracts of one department, in id order."""
        return tuple(c for c in self.by_id.values() if c.department == department)


def load_contracts(folders: Sequence[Path]) -> Contracts:
    """Load every contract below the folders; a later folder may add contracts, elements and code lists.

    Raises:
        ContractError: a file is not YAML, has an unknown key, a wrong value or names something undefined;
            the message is one line per problem, each `file:line: what`.
    """
    elements: dict[str, dict[str, Any]] = {}
    codes: dict[str, CodeList] = {}
    problems: list[str] = []
    for folder in folders:
        elements |= _read(folder / "_elements.yml") if (folder / "_elements.yml").is_file() else {}
        path = folder / "_codes.yml"
        for name, raw in (_read(path) if path.is_file() else {}).items():
            try:
                codes[name] = _with_file(path, CodeList.model_validate(raw))
            except ValidationError as error:
                problems += _explain(path, {name: raw}, error, (name,))
    found: dict[str, Contract] = {}
    for folder in folders:
        for path in sorted(folder.glob("[!_]*/[!_]*.yml")):
            for contract in _load_file(path, elements, problems):
                if contract.id in found:
                    problems.append(f"{path}:1: {contract.id} 已经定义过")
                problems += _undefined(path, contract, codes)
                found[contract.id] = contract
    for contract in found.values():
        for name, rule in contract.rules.items():
            if isinstance(rule, Reference) and (
                rule.extract not in found or rule.to not in found[rule.extract].columns
            ):
                problems.append(f"{contract.id}: rules.{name}: 没有 {rule.extract}.{rule.to}")
    if problems:
        raise ContractError("\n".join(problems))
    return Contracts(dict(sorted(found.items())), codes)


def _with_file(path: Path, codes: CodeList) -> CodeList:
    """Fill the words of a list that names a file; a name on several codes means the deepest of a chain, else none."""
    if codes.file is None:
        return codes
    with (path.parent / codes.file).open(encoding="utf-8", newline="") as lines:
        rows = [(row["code"], row["name"]) for row in csv.DictReader(lines)]
    holders: dict[str, list[str]] = {}
    for code, name in rows:
        holders.setdefault(name, []).append(code)
    words: dict[str, list[str]] = {code: [] for code, _ in rows}
    for name, held in holders.items():
        deepest = max(held, key=len)
        if name not in words and all(deepest.startswith(code) for code in held):
            words[deepest].append(name)
    return codes.model_copy(update={"words": words})


def _undefined(path: Path, contract: Contract, codes: Mapping[str, CodeList]) -> list[str]:
    return [
        f"{path}:1: columns.{name}.codes: 没有代码表 {column.codes}"
        for name, column in contract.columns.items()
        if column.codes is not None and column.codes not in codes
    ]


def _load_file(path: Path, elements: Mapping[str, Mapping[str, Any]], problems: list[str]) -> list[Contract]:
    raw = _read(path)
    shared = path.parent.name == "shared"
    departments = raw.get("by", []) if shared else [path.parent.name]
    contracts = []
    for department in departments:
        defaults_path = path.parent.parent / department / "_defaults.yml"
        defaults = _read(defaults_path) if defaults_path.is_file() else {}
        body = defaults | {k: v for k, v in raw.items() if not (shared and k == "by")}
        columns = body.get("columns")
        if isinstance(columns, Mapping):
            body["columns"] = {name: _inherit(name, column, elements) for name, column in columns.items()}
        try:
            contracts.append(Contract.model_validate(body | {"department": department, "extract": path.stem}))
        except ValidationError as error:
            problems += _explain(path, raw, error, ())
            break
    if not departments:
        problems.append(f"{path}:1: by: 共用契约须列出提供部门")
    return contracts


def _inherit(name: str, column: Any, elements: Mapping[str, Mapping[str, Any]]) -> Any:
    if column is None:
        column = {}
    if not isinstance(column, Mapping):
        return column
    element = elements.get(column.get("element", name), {})
    merged = {**element, **column}
    if "header" in column and column["header"] != element.get("header", column["header"]):
        own = column.get("aliases", ())
        merged["aliases"] = tuple(dict.fromkeys((*own, *element.get("aliases", ()))))
    return merged


def _read(path: Path) -> dict[str, Any]:
    try:
        data = YAML(typ="rt", pure=True).load(path.read_text(encoding="utf-8"))
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ContractError(f"{path}:{line}: 不是有效的 YAML：{error.problem}") from error
    if not isinstance(data, dict):
        raise ContractError(f"{path}:1: 应为键值结构")
    return data


def _explain(path: Path, raw: Any, error: ValidationError, prefix: tuple[str, ...]) -> list[str]:
    """One `file:line: location: message` per pydantic error."""
    lines = []
    for item in error.errors():
        location = (*prefix, *item["loc"])
        what = {"extra_forbidden": "不认识的键", "missing": "缺少"}.get(item["type"], item["msg"])
        lines.append(f"{path}:{_line(raw, location)}: {'.'.join(map(str, location)) or '契约'}: {what}")
    return lines


def _line(node: Any, location: Sequence[str | int]) -> int:
    line = 1
    for part in location:
        marks = getattr(node, "lc", None)
        if marks is not None and isinstance(node, Mapping) and part in node:
            line = marks.key(part)[0] + 1
            node = node[part]
        elif marks is not None and isinstance(node, Sequence) and isinstance(part, int) and part < len(node):
            line = marks.item(part)[0] + 1
            node = node[part]
    return line


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of a contract file, for editors: every column may be inherited from an element."""
    schema = Contract.model_json_schema()
    for derived in ("department", "extract"):
        schema["properties"].pop(derived)
        schema["required"].remove(derived)
    schema["properties"]["by"] = {"type": "array", "items": {"type": "string"}, "title": "By"}
    schema["$defs"]["Column"].pop("required", None)
    schema["properties"]["columns"]["additionalProperties"] = {"anyOf": [{"$ref": "#/$defs/Column"}, {"type": "null"}]}
    return schema
