"""The model of a data contract: what one department extract is, and what is stored of it."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Literal, Self

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field, model_validator

from connectors.sources.model import Source, SqlSource

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)]
Share = Annotated[float, Field(ge=0, le=1)]
Text = Annotated[str, Field(min_length=1, pattern=r"^\S(.*\S)?$")]

DERIVED_KEYS = ("department", "extract", "codes_digest")
"""Keys of a contract that its place and its surroundings say, not its file."""

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

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class CodeList(Strict):
    """The words a code column may hold, each with the codes and wordings that mean the same."""

    title: Text
    words: dict[str, list[str]] = {}
    """Canonical word to its aliases."""
    file: str | None = None
    """Instead of `words`: a CSV with `code,name`, relative to this file; codes become words, names their aliases."""
    default: str | None = None
    """The word an empty cell counts as, noted on the row."""

    @model_validator(mode="after")
    def _unambiguous(self) -> Self:
        if not self.words and self.file is None:
            raise ValueError("须给出 words 或 file")
        seen: dict[str, str] = {}
        for word, aliases in self.words.items():
            for text in (word, *aliases):
                if seen.setdefault(_folded(text), word) != word:
                    raise ValueError(f"“{text}” 同时属于 {seen[_folded(text)]} 和 {word}")
        if self.default is not None and self.file is None and self.default not in self.words:
            raise ValueError(f"default “{self.default}” 不在 words 中")
        return self


def _folded(text: str) -> str:
    """Return the form in which intake compares words: half-width, upper case, without spaces."""
    return re.sub(r"\s", "", unicodedata.normalize("NFKC", text)).upper()


class Column(Strict):
    """One column as the department delivers it."""

    header: Text
    """The Chinese header."""
    type: ColumnType
    """How the text is understood, and how it is stored."""
    unit: str | None = None
    """Of money (CNY) and quantity: the unit that is stored, whatever known unit is delivered."""
    codes: str | None = None
    """Of a code column: its list in `_codes.yml`."""
    required: bool | Literal["warning"] = False
    """`true`: a row without it is rejected; `warning`: it is loaded with an issue."""
    level: Level | None = None
    """Protection level, where it differs from the contract's default."""
    description: str = ""
    """What the header does not say."""
    aliases: tuple[Text, ...] = ()
    """Other headers under which departments deliver it."""
    values: tuple[str, ...] = ()
    """Texts that look like placeholders (无, /) but are true values of this column."""
    true_words: tuple[Text, ...] = ()
    """Of a bool column: its own words besides 是, 有, 1, Y (已挂接)."""
    false_words: tuple[Text, ...] = ()
    """Of a bool column: its own words besides 否, 无, 0, N (未挂接)."""
    fill_down: bool = False
    """Often delivered with merged cells: a blank that one left takes the value of the row above."""
    minimum: float | None = None
    """Smallest plausible value, in the stored unit."""
    maximum: float | None = None
    """Largest plausible value, in the stored unit."""
    pattern: str | None = None
    """Regular expression (RE2) of the whole normalised text."""
    check_character: Literal["licence_identifier"] | None = None
    """Of a text column: the identifier whose check character it carries (GB/T 36902-2018); a wrong one is flagged."""
    not_after_as_of: bool = False
    """The date must not lie after the delivery's as-of date; where it does, it is kept and flagged."""
    element: str | None = None
    """The shared data element to inherit from, where it is not the column's own name; its aliases are not inherited."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.type in (ColumnType.MONEY, ColumnType.QUANTITY)) != (self.unit is not None):
            raise ValueError("unit 只用于 money 和 quantity，且必须给出")
        if self.type is ColumnType.MONEY and self.unit != "CNY":
            raise ValueError("money 的 unit 只能是 CNY（原币金额与币种另存）")
        if (self.type is ColumnType.CODE) != (self.codes is not None):
            raise ValueError("codes 只用于 code 列，且必须给出")
        if (self.true_words or self.false_words) and self.type is not ColumnType.BOOL:
            raise ValueError("true_words、false_words 只用于 bool 列")
        if both := set(map(_folded, self.true_words)) & set(map(_folded, self.false_words)):
            raise ValueError(f"同时列为真和假：{'、'.join(sorted(both))}")
        if (self.minimum is not None or self.maximum is not None) and self.type not in _NUMBERS:
            raise ValueError("minimum、maximum 只用于数值列")
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            raise ValueError("minimum 大于 maximum")
        if self.check_character is not None and self.type is not ColumnType.TEXT:
            raise ValueError("check_character 只用于 text 列")
        if self.not_after_as_of and self.type not in _DATES:
            raise ValueError("not_after_as_of 只用于 date 和 datetime 列")
        if self.pattern is not None:
            if self.type not in _PATTERNED:
                raise ValueError("pattern 只用于 text 和 period 列")
            _compiles(self.pattern)
        return self


_NUMBERS = frozenset({ColumnType.INT, ColumnType.DECIMAL, ColumnType.MONEY, ColumnType.QUANTITY})
_DATES = frozenset({ColumnType.DATE, ColumnType.DATETIME})
_PATTERNED = frozenset({ColumnType.TEXT, ColumnType.PERIOD})


def _compiles(pattern: str) -> None:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"pattern 不是有效的正则表达式：{error}") from error


class RuleBase(Strict):
    """What every rule states besides its test."""

    dimension: Element
    """Quality indicator of GB/T 36344-2018 that the rule measures."""
    severity: Severity = Severity.WARNING
    """`critical`: a share of passed rows under the threshold holds the batch."""
    threshold: Share = 0.9
    """Smallest share of passed rows that is good enough."""
    message: Text
    """One Chinese sentence for the department."""


class DateOrder(RuleBase):
    """`earlier` must not lie after `later`; not judged where either is empty; a date and a time compare by day.

    A citizen number as `earlier` stands for the date of birth in it (GB 11643-1999, clause 4).
    """

    kind: Literal["date_order"]
    earlier: Name
    later: Name


class NumberOrder(RuleBase):
    """`smaller` must not exceed `larger`; not judged where either is empty; amounts of money compare in yuan."""

    kind: Literal["number_order"]
    smaller: Name
    larger: Name


class AgreesWithId(RuleBase):
    """`column` must be the date of birth, or the sex, that stands in a citizen number (GB 11643-1999, clause 4).

    Not judged where either is empty, or the number does not have 18 characters with a real date.
    """

    kind: Literal["agrees_with_id"]
    column: Name
    """A date column, or a code column of the list `sex`."""
    id_column: Name


class RequiredIf(RuleBase):
    """`column` must be filled where `when` holds; other rows are not judged."""

    kind: Literal["required_if"]
    column: Name
    when: Annotated[dict[Name, Annotated[list[str], Field(min_length=1)]], Field(min_length=1)]
    """Every column here has one of the words: canonical ones of a code list, 是 or 否 of a bool, else any text."""


class Unique(RuleBase):
    """The columns together occur once per delivery; rows where all are empty are not judged."""

    kind: Literal["unique"]
    columns: Annotated[tuple[Name, ...], Field(min_length=1)]


class Reference(RuleBase):
    """The value must stand in a current record of another extract; not judged where that one was never delivered."""

    kind: Literal["reference"]
    column: Name
    extract: str
    """Id of the other contract."""
    to: Name
    """Column of the other contract."""


Rule = Annotated[DateOrder | NumberOrder | AgreesWithId | RequiredIf | Unique | Reference, Field(discriminator="kind")]


PERSON_ATTRIBUTES = frozenset({
    "id_no", "name", "former_name", "sex", "birth_date", "division", "address", "phone", "household_no",
    "mother_id_no", "mother_name", "father_id_no", "father_name",
})  # fmt: skip
ENTITY_ATTRIBUTES = frozenset({
    "uscc", "registration_no", "organisation_code", "tax_no", "name", "other_names", "legal_representative",
    "division", "address", "established_on",
})  # fmt: skip
"""What can tell persons, or legal entities, apart. The codes of an entity are told apart by their shape."""


class Mention(Strict):
    """Somebody a record speaks of, in the role that is its key in `mentions`: who it is, and by which columns."""

    library: Literal["population", "legal_entity"]
    """The base library whose persons or entities are spoken of."""
    columns: Annotated[dict[str, Name], Field(min_length=1)]
    """Attribute of the person (`PERSON_ATTRIBUTES`) or entity (`ENTITY_ATTRIBUTES`) to the column that holds it."""
    grain: tuple[Name, ...] = ()
    """Columns whose equal values mean one holder (a payee's number on every payment); else every record its own."""
    when: dict[Name, Annotated[list[str], Field(min_length=1)]] = {}
    """Only records in which every column here has one of the words, as in `required_if`."""
    told_by_name: bool = False
    """No column says whether a person or an entity is meant: the codes do, and where there is none the name's form."""
    unlinked: Literal["own", "none"]
    """What a mention becomes that has no usable number and is linked to nobody: `own` person or entity, or `none`."""

    @model_validator(mode="after")
    def _attributes_exist(self) -> Self:
        known = PERSON_ATTRIBUTES if self.library == "population" else ENTITY_ATTRIBUTES
        if unknown := sorted(set(self.columns) - known):
            raise ValueError(f"没有这样的属性：{'、'.join(unknown)}；可用 {'、'.join(sorted(known))}")
        if "name" not in self.columns:
            raise ValueError("columns 须有 name")
        return self


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
    """Opening attribute of the resource: whether its L1 columns are open data, and under which category."""

    is_open: bool = False
    category: str | None = None
    """One of the 22 of indicator 18, where the resource is opened."""
    rows: dict[Name, Annotated[list[str], Field(min_length=1)]] = {}
    """Only records in which every column here has one of the words are opened, as in `required_if`."""
    filled: tuple[Name, ...] = ()
    """Only records in which these columns are filled are opened."""
    until: Name | None = None
    """Date column: a record is opened up to and with this day; without a date it has no end."""

    @property
    def columns(self) -> frozenset[str]:
        """The columns that its conditions name."""
        return frozenset((*self.rows, *self.filled, *([] if self.until is None else [self.until])))

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.is_open != (self.category is not None):
            raise ValueError("开放的资源（is_open）须写明 category，不开放的不写")
        if not self.is_open and self.columns:
            raise ValueError("rows、filled、until 只用于开放的资源（is_open）")
        return self


Mode = Literal["full", "incremental", "append"]
Cycle = Literal["daily", "weekly", "monthly", "quarterly", "half_yearly", "yearly"]


class Defaults(Strict):
    """`<department>/_defaults.yml`: what the department's contracts need not repeat."""

    default_level: Level | None = None
    mode: Mode | None = None
    cycle: Cycle | None = None
    quality_target: Share | None = None
    maximum_loss: Share | None = None
    sharing: Sharing | None = None
    opening: Opening | None = None


class Contract(Strict):
    """One department extract."""

    department: Name
    extract: Name
    title: Text
    """The resource's Chinese name."""
    description: Text
    """One or two sentences that an outsider understands."""
    default_level: Level | None = None
    """Level of the columns that state none; without it L3 in a person's extract, else L2."""
    person: bool = False
    """The grain is a person or a person is named: columns default to L3, free text is scanned for identifiers."""
    key: Annotated[tuple[Name, ...], Field(min_length=1)]
    """Columns that identify a record; an empty part counts as the empty text."""
    fallback_key: tuple[Name, ...] = ()
    """Used where the key is empty or unusable."""
    identity: tuple[Name, ...] = ()
    """Columns that tell two holders of one key apart."""
    mode: Mode
    """`full`: the whole list, absent = withdrawn; `incremental`: upsert; `append`: events."""
    cycle: Cycle
    """How often it is due."""
    quality_target: Share = 0.9
    """A batch whose score is under it is held."""
    maximum_loss: Share = 0.1
    """A full delivery that would withdraw a larger share than this waits for a person's word."""
    sharing: Sharing
    opening: Opening = Opening()
    source: Source | None = None
    """A database or HTTP interface from which it is pulled; without it the department drops files."""
    columns: dict[Name, Column]
    ignored: dict[str, str] = {}
    """Headers seen in real deliveries that are deliberately not taken, each with the reason."""
    rules: dict[Name, Rule] = {}
    """Rules between columns, records and extracts; those of one column follow from its attributes."""
    mentions: dict[Name, Mention] = {}
    """Whom a record speaks of, by role; what `linkage` resolves to persons and entities."""
    note: str = ""
    """What an engineer should know."""
    codes_digest: str = ""
    """SHA-256 of the code lists in use; set when the contract is loaded."""

    @model_validator(mode="after")
    def _has_one_grain(self) -> Self:
        if len({m.grain for m in self.mentions.values() if m.grain}) > 1:
            raise ValueError("一份契约的 mentions 只能有一种 grain")
        return self

    @model_validator(mode="after")
    def _columns_exist(self) -> Self:
        named = {*self.key, *self.fallback_key, *self.identity, *self.opening.columns}
        for rule in self.rules.values():
            match rule:
                case DateOrder():
                    named |= {rule.earlier, rule.later}
                case NumberOrder():
                    named |= {rule.smaller, rule.larger}
                case AgreesWithId():
                    named |= {rule.column, rule.id_column}
                case RequiredIf():
                    named |= {rule.column, *rule.when}
                case Unique():
                    named |= set(rule.columns)
                case Reference():
                    named.add(rule.column)
        for mention in self.mentions.values():
            named |= {*mention.columns.values(), *mention.grain, *mention.when}
        if missing := sorted(named - set(self.columns)):
            raise ValueError(f"没有定义的列：{'、'.join(missing)}")
        headers = dict.fromkeys(self.ignored, "ignored")
        for name, column in self.columns.items():
            for header in (column.header, *column.aliases):
                if headers.setdefault(header, name) != name:
                    raise ValueError(f"表头“{header}”同时属于 {headers[header]} 和 {name}")
        return self

    @model_validator(mode="after")
    def _rules_fit(self) -> Self:
        for name, rule in self.rules.items():
            if isinstance(rule, DateOrder) and not (
                self.columns[rule.earlier].type in _DATES | {ColumnType.PERIOD, ColumnType.ID}
                and self.columns[rule.later].type in _DATES | {ColumnType.PERIOD}
            ):
                raise ValueError(f"规则 {name}：date_order 只比较日期列")
            if (
                isinstance(rule, NumberOrder)
                and not {
                    self.columns[rule.smaller].type,
                    self.columns[rule.larger].type,
                }
                <= _NUMBERS
            ):
                raise ValueError(f"规则 {name}：number_order 只比较数值列")
            if isinstance(rule, AgreesWithId):
                column = self.columns[rule.column]
                if self.columns[rule.id_column].type is not ColumnType.ID or not (
                    column.type is ColumnType.DATE or column.codes == "sex"
                ):
                    raise ValueError(f"规则 {name}：agrees_with_id 只比较证件号码与出生日期或性别")
        return self

    @model_validator(mode="after")
    def _opening_fits(self) -> Self:
        if self.person and self.opening.is_open and not (self.opening.rows or self.opening.filled):
            raise ValueError("涉及个人的资源开放时，须用 opening 的 rows 或 filled 写明只开放哪些行（不含自然人的）")
        if self.opening.until is not None and self.columns[self.opening.until].type is not ColumnType.DATE:
            raise ValueError("opening 的 until 须是日期列")
        return self

    @model_validator(mode="after")
    def _source_fits(self) -> Self:
        if not isinstance(self.source, SqlSource) or self.source.watermark is None:
            return self
        if self.mode == "full":
            raise ValueError("全量（mode: full）的数据不能按 watermark 读取：没有读到的记录会被当作已撤回")
        for name, column in self.columns.items():
            holds = {name, column.header, *column.aliases}
            personal = self.level(name) in (Level.L3, Level.L4) and column.type not in _NUMBERS | _DATES
            if self.source.watermark in holds and personal:
                raise ValueError(f"watermark 会记入台账，不能用含个人信息的列 {name}")
        return self

    @property
    def id(self) -> str:
        """`<department>__<extract>`; also the raw table's name."""
        return f"{self.department}__{self.extract}"

    @property
    def grain(self) -> tuple[str, ...]:
        """Columns whose equal values make records one mention; empty where every record speaks for itself."""
        return next((m.grain for m in self.mentions.values() if m.grain), ())

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
        """First 16 hex digits of the SHA-256 of the effective contract, code lists included.

        Where the rows come from is no part of it: it changes nothing of what they mean.
        """
        text = json.dumps(self.model_dump(mode="json", exclude={"source"}), ensure_ascii=False, sort_keys=True)
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
