"""The rules of a contract that rows are judged by, and how many rows each judged and passed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from connectors.contract import AgreesWithId, Column, ColumnType, Contract, DateOrder, NumberOrder, RequiredIf, Rule
from connectors.marks import Mark
from connectors.normalise import DIMENSION_OF

CHECKED, FAILED = "checked", "failed"
AUTOMATIC_THRESHOLD = 0.9
CRITICAL_THRESHOLD = 0.5
"""Of rules that say whether the file can be used at all."""

_CELL_RULES: Mapping[ColumnType, tuple[str, ...]] = {
    ColumnType.ID: ("format", "check"),
    ColumnType.USCC: ("format", "check"),
    ColumnType.CODE: ("code",),
    ColumnType.BOOL: ("code",),
    ColumnType.DIVISION: ("format", "code"),
}
_NUMERIC = (ColumnType.INT, ColumnType.DECIMAL, ColumnType.MONEY, ColumnType.QUANTITY)
_CELL_RULE_TEXTS: Mapping[str, str] = {
    "format": "“{}”的写法应能识别。",
    "code": "“{}”应使用代码表中的词。",
    "check": "“{}”的校验位、日期等应正确。",
}


@dataclass(frozen=True)
class CheckResult:
    """A of B for one rule of one delivery (GB/T 36344-2018: X = A / B).

    Attributes:
        rule: `<column>.format`, `row.structure`, … or the name of a contract rule.
        column: the contract column, None for rules on whole rows.
        checked: rows judged; 0 means no score, never 100 %.
        passed: of those.
    """

    rule: str
    column: str | None
    dimension: str
    severity: str
    checked: int
    passed: int
    threshold: float
    message: str


@dataclass(frozen=True)
class RowRule:
    """A rule before it has judged anything; attributes as in `CheckResult`."""

    rule: str
    column: str | None
    dimension: str
    severity: str
    threshold: float
    message: str


def row_rules(contract: Contract) -> tuple[RowRule, ...]:
    """Return the rules evaluated row by row: whole rows, automatic rules per column, then the contract's own."""
    rules = [
        RowRule(
            "row.structure", None, "0302", "critical", CRITICAL_THRESHOLD, "每行的字段数应与表头一致，引号应成对。"
        ),
        RowRule("row.key", None, "0201", "critical", CRITICAL_THRESHOLD, "每行应有可用的主键或替代主键。"),
        RowRule("row.test_data", None, "0305", "warning", AUTOMATIC_THRESHOLD, "不应含有测试数据。"),
    ]
    for name, column in contract.columns.items():
        rules += _column_rules(name, column, contract)
    for rule_name, rule in contract.rules.items():
        column_name = _judged_column(rule)
        if column_name is not None:
            rules.append(
                RowRule(rule_name, column_name, rule.dimension, rule.severity.value, rule.threshold, rule.message)
            )
    return tuple(rules)


def _judged_column(rule: Rule) -> str | None:
    """Return the column a rule within a row speaks of; None for rules between rows, which staging evaluates."""
    match rule:
        case DateOrder():
            return rule.later
        case NumberOrder():
            return rule.larger
        case AgreesWithId() | RequiredIf():
            return rule.column
        case _:
            return None


def _column_rules(name: str, column: Column, contract: Contract) -> Iterator[RowRule]:
    header = column.header
    if column.required:
        key = column.required is True and name in contract.key
        severity, threshold = ("critical", CRITICAL_THRESHOLD) if key else ("warning", AUTOMATIC_THRESHOLD)
        yield RowRule(f"{name}.required", name, "0201", severity, threshold, f"“{header}”应填写。")
    for kind in _CELL_RULES.get(column.type, ("format",)):
        text = _CELL_RULE_TEXTS[kind].format(header)
        yield RowRule(f"{name}.{kind}", name, DIMENSION_OF[kind], "warning", AUTOMATIC_THRESHOLD, text)
    if column.type in _NUMERIC and (column.minimum is not None or column.maximum is not None):
        text = f"“{header}”应{range_text(column)}。"
        yield RowRule(f"{name}.range", name, "0301", "warning", AUTOMATIC_THRESHOLD, text)
    if column.pattern is not None:
        text = f"“{header}”应符合规定的格式。"
        yield RowRule(f"{name}.pattern", name, "0302", "warning", AUTOMATIC_THRESHOLD, text)
    if column.check_character is not None:
        text = f"“{header}”的校验位应正确。"
        yield RowRule(f"{name}.check_character", name, "0301", "warning", AUTOMATIC_THRESHOLD, text)
    if column.not_after_as_of:
        text = f"“{header}”不应晚于数据日期。"
        yield RowRule(f"{name}.not_after_as_of", name, "0501", "warning", AUTOMATIC_THRESHOLD, text)


def range_text(column: Column) -> str:
    """Return a column's bounds in words."""
    low, high = column.minimum, column.maximum
    if low is not None and high is not None:
        return f"在 {low:g} 至 {high:g} 之间"
    return f"不小于 {low:g}" if low is not None else f"不大于 {high:g}"


class RuleTally:
    """Counts per rule over the batches of a delivery."""

    def __init__(self, contract: Contract) -> None:
        self._rules = {rule.rule: rule for rule in row_rules(contract)}
        self._counts = dict.fromkeys(self._rules, (0, 0))

    def __getitem__(self, rule: str) -> RowRule:
        return self._rules[rule]

    def __contains__(self, rule: str) -> bool:
        return rule in self._rules

    def count(self, rule: str, *, checked: int, failed: int) -> None:
        """Add rows judged by a rule, and how many of them did not pass."""
        total, passed = self._counts[rule]
        self._counts[rule] = total + checked, passed + checked - failed

    @property
    def marks(self) -> Sequence[Mark]:
        """What is counted of a row without a finding; a required value can fail so where its column is missing."""
        required = [(FAILED, rule) for rule in self._rules if rule.endswith(".required")]
        return [*((CHECKED, rule) for rule in self._rules), *required]

    def count_again(self, counts: Mapping[Mark, int]) -> None:
        """Add rows that were judged before."""
        for rule in self._rules:
            self.count(rule, checked=counts[CHECKED, rule], failed=counts.get((FAILED, rule), 0))

    def results(self) -> tuple[CheckResult, ...]:
        """Return every rule with its counts, those that judged nothing included."""
        return tuple(
            CheckResult(r.rule, r.column, r.dimension, r.severity, *self._counts[r.rule], r.threshold, r.message)
            for r in self._rules.values()
        )
