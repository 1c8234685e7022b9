"""Suites of expectations: readable YAML, compiled per contract, built for Great Expectations with nothing left out.

`suites/batch.yml` is a template: `${name}` stands for a fact of the contract, `{$PARAMETER: …}` for a value of the run.
`suites/targets.yml` and `suites/cross.yml` need no contract.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from string import Template
from typing import Any, Literal, TypeVar

from pydantic import ValidationError
from ruamel.yaml import YAML

from connectors.contract import Contract, Reference, Severity, Unique
from connectors.contract_model import Name, Strict
from connectors.errors import UserError
from connectors.rule_tally import RowRule, row_rules
from connectors.staging import row_columns
from connectors.yaml_files import Location, YamlFile, YamlFileError, read_yaml
from expectations.score import exact, percent

FOLDER = Path(__file__).parent / "suites"

EACH = "each"
"""Owner of a check whose counts say of which department they speak."""
NAMED_EXAMPLES = 5
"""Failed items that a count names at most (macro `examples`)."""

Kind = Literal["rule", "guard", "target", "cross"]
Mode = Literal["full", "incremental", "append"]
T = TypeVar("T", bound=Strict)


class SuiteError(UserError):
    """A suite cannot be used; the message is one line per problem, each `file:line: what`."""


class Body(Strict):
    """What every expectation of the batch gate states."""

    type: str
    """Snake-case name of a Great Expectations class, one of its own or of `custom`."""
    table: Literal["rows", "keys"]
    """The staged rows, or their record keys."""
    message: str
    """One Chinese sentence: what must hold."""
    expected: str
    """What passes, in few words; what was observed stands beside it."""
    kwargs: dict[str, Any]


class RuleTemplate(Body):
    """Becomes one expectation per contract rule."""

    severity: str


class Guard(Body):
    """A check that is no contract rule; Great Expectations evaluates it itself."""

    name: Name
    severity: Severity
    only: tuple[Mode, ...] = ("full", "incremental", "append")
    """Delivery modes to which it applies."""


class BatchSuite(Strict):
    """`suites/batch.yml`."""

    suite: Literal["batch"]
    title: str
    description: str
    rule: RuleTemplate
    guards: tuple[Guard, ...]


class Quote(Strict):
    """Where in the published plan a target stands, word for word, and why it weighs what it weighs."""

    source: str
    quote: str
    severity_reason: str


class Target(Strict):
    """One reading of a target."""

    name: Name
    type: str
    severity: Severity
    message: str
    expected: str
    kwargs: dict[str, Any]
    owner: str = "big_data_center"
    """The department that answers for it where it is missed."""
    meta: Quote


class TargetSuite(Strict):
    """`suites/targets.yml`."""

    suite: Literal["targets"]
    title: str
    description: str
    table: str
    """Schema and name of the mart table that holds the readings of every run."""
    targets: tuple[Target, ...]


class CrossCheck(Strict):
    """What several departments' data must say of each other."""

    name: Name
    owner: str
    """The department that can mend it; `each` where the counts say of which department they speak."""
    dimension: str
    """Sub-indicator of GB/T 36344."""
    severity: Severity
    threshold: float
    message: str
    finding: str
    """What was counted; may name {checked}, {passed} and {failed}."""
    remedy: str
    """What the department is to do."""
    source: str
    """The law, standard or passage of the plan that asks for it."""


class CrossSuite(Strict):
    """`suites/cross.yml`."""

    suite: Literal["cross"]
    title: str
    description: str
    table: str
    """Schema and name of the table that holds A of B per run and check."""
    checks: tuple[CrossCheck, ...]


@dataclass(frozen=True)
class CrossCount:
    """What a run counted for a check: A of B, of which department (empty: the check's owner), and what failed."""

    check: str
    department: str
    passed: int
    checked: int
    examples: str | None

    def sentence(self, check: CrossCheck) -> str:
        """Say who, how many of how many, and what to do."""
        failed = self.checked - self.passed
        found = check.finding.format(checked=f"{self.checked:,}", passed=f"{self.passed:,}", failed=f"{failed:,}")
        named = f"（{self.examples}{'等' if failed > NAMED_EXAMPLES else ''}）" if self.examples else ""
        return f"{found}{named}。{check.remedy}。"


@dataclass(frozen=True)
class Compiled:
    """One expectation, ready to be built."""

    name: str
    kind: Kind
    table: str
    type: str
    severity: Severity
    message: str
    expected: str
    kwargs: Mapping[str, Any]
    rule: RowRule | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class CompiledSuite:
    """All expectations of one gate, in the order in which people read them."""

    name: str
    title: str
    expectations: tuple[Compiled, ...]

    def of_table(self, table: str) -> tuple[Compiled, ...]:
        """Return the expectations on one table."""
        return tuple(e for e in self.expectations if e.table == table)

    @property
    def tables(self) -> tuple[str, ...]:
        """The tables that are looked at."""
        return tuple(dict.fromkeys(e.table for e in self.expectations))


def load_batch_suite(path: Path = FOLDER / "batch.yml") -> BatchSuite:
    """Read the template of the batch gate.

    Raises:
        SuiteError: the file is not YAML, has an unknown key, a wrong value, a placeholder that no contract fills, or
            an expectation type that nobody registered.
    """
    file = _read(path)
    suite = _validated(BatchSuite, file)
    _refuse_unknown_types(file, [("rule",), *(("guards", i) for i in range(len(suite.guards)))])
    _refuse_unknown_placeholders(file, ("rule",), _CONTRACT_FACTS | _RULE_FACTS)
    _refuse_unknown_placeholders(file, ("guards",), _CONTRACT_FACTS)
    return suite


def load_target_suite(path: Path = FOLDER / "targets.yml") -> TargetSuite:
    """Read the target gate.

    Raises:
        SuiteError: as `load_batch_suite`.
    """
    file = _read(path)
    suite = _validated(TargetSuite, file)
    _refuse_unknown_types(file, [("targets", i) for i in range(len(suite.targets))])
    return suite


def load_cross_suite(path: Path = FOLDER / "cross.yml") -> CrossSuite:
    """Read the checks across extracts.

    Raises:
        SuiteError: the file is not YAML, has an unknown key or a wrong value.
    """
    return _validated(CrossSuite, _read(path))


def planned_rules(contract: Contract) -> tuple[RowRule, ...]:
    """Return the rules that the contract states, by its columns or by name, in reading order."""
    across_rows = (
        RowRule(name, _judged_column(rule), rule.dimension, rule.severity.value, rule.threshold, rule.message)
        for name, rule in contract.rules.items()
        if isinstance(rule, Unique | Reference)
    )
    return (*row_rules(contract), *across_rows)


def required_results(contract: Contract) -> tuple[str, ...]:
    """Return the names of the rules of which every delivery of the contract must have a result."""
    on_keys = ["row.duplicate", "key.unique"]
    if contract.identity:
        on_keys.append("key.identity")
    if contract.mode == "append":
        on_keys.append("key.repeated")
    return (*(rule.rule for rule in planned_rules(contract)), *on_keys)


def warning_score(contract: Contract) -> Fraction:
    """Return the score under which an accepted delivery is warned about: half-way between its target and full marks."""
    return (exact(contract.quality_target) + 1) / 2


def compile_batch(contract: Contract, further: Sequence[RowRule], template: BatchSuite) -> CompiledSuite:
    """Fill the template with the facts of one contract: the guards of its mode, then one expectation per rule.

    Args:
        contract: decides severity and threshold of the rules that it states.
        further: rules that intake evaluated besides, on keys and scope.
        template: `suites/batch.yml`.
    """
    planned = planned_rules(contract)
    stated = {rule.rule for rule in planned}
    facts = _contract_facts(contract)
    rule_expectations = [
        _compile_rule(template.rule, rule, facts)
        for rule in (*planned, *(rule for rule in further if rule.rule not in stated))
    ]
    guards = [
        Compiled(
            name=guard.name,
            kind="guard",
            table=guard.table,
            type=guard.type,
            severity=guard.severity,
            message=guard.message,
            expected=_filled(guard.expected, facts),
            kwargs=_filled(guard.kwargs, facts),
        )
        for guard in template.guards
        if contract.mode in guard.only
    ]
    return CompiledSuite(contract.id, f"{template.title}：{contract.title}", (*guards, *rule_expectations))


def compile_targets(suite: TargetSuite) -> CompiledSuite:
    """Return the target gate ready to be built."""
    return CompiledSuite(
        suite.suite,
        suite.title,
        tuple(
            Compiled(
                name=target.name,
                kind="target",
                table="readings",
                type=target.type,
                severity=target.severity,
                message=target.message,
                expected=target.expected,
                kwargs=target.kwargs,
                meta={"owner": target.owner, **target.meta.model_dump()},
            )
            for target in suite.targets
        ),
    )


def compile_cross(suite: CrossSuite, counted: Sequence[CrossCount]) -> CompiledSuite:
    """Return the checks across extracts ready to be built: one expectation per check and department judged by it.

    Args:
        counted: what the run counted; of a check with `each` those of every department, else the one with none.
    """
    compiled: list[Compiled] = []
    for check in suite.checks:
        own = [c for c in counted if c.check == check.name]
        if check.owner != EACH:
            compiled.append(_compile_cross(check, check.owner, next(iter(own), None)))
        elif own:
            compiled += [_compile_cross(check, c.department, c) for c in own]
        else:
            compiled.append(_compile_cross(check, None, None))
    return CompiledSuite(suite.suite, suite.title, tuple(compiled))


def _compile_cross(check: CrossCheck, owner: str | None, count: CrossCount | None) -> Compiled:
    is_each = check.owner == EACH
    return Compiled(
        name=f"{check.name}.{owner}" if is_each and owner else check.name,
        kind="cross",
        table="checks",
        type="expect_cross_check_to_meet_threshold",
        severity=check.severity,
        message=check.message,
        expected=f"合格比例不低于 {percent(exact(check.threshold))}",
        kwargs={
            "run": {"$PARAMETER": "run_id"},
            "check": check.name,
            "department": (owner or "") if is_each else "",
            "is_optional": is_each,
            "threshold": check.threshold,
        },
        meta={
            "owner": owner,
            "dimension": check.dimension,
            "source": check.source,
            "finding": count.sentence(check) if count is not None and count.checked else None,
        },
    )


def render(contract: Contract) -> str:
    """Return the contract's compiled suite as YAML, for people: the guards and rules of its deliveries."""
    suite = compile_batch(contract, (), load_batch_suite())
    document = {
        "suite": suite.name,
        "title": suite.title,
        "quality_target": contract.quality_target,
        "expectations": [
            {
                "name": e.name,
                "kind": e.kind,
                "table": e.table,
                "type": e.type,
                "severity": e.severity.value,
                "message": e.message,
                "expected": e.expected,
                "kwargs": dict(e.kwargs),
            }
            for e in suite.expectations
        ],
    }
    stream = io.StringIO()
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    yaml.allow_unicode = True
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    yaml.width = 120
    yaml.dump(document, stream)
    return stream.getvalue()


_CONTRACT_FACTS = frozenset(
    {
        "columns",
        "column_count",
        "types",
        "rules",
        "rule_count",
        "maximum_loss",
        "maximum_loss_text",
        "quality_target",
        "quality_target_text",
        "quality_warning",
        "quality_warning_text",
    }
)
_RULE_FACTS = frozenset({"rule", "severity", "threshold", "threshold_text", "message"})


def _contract_facts(contract: Contract) -> dict[str, Any]:
    required = required_results(contract)
    types = {f.name: f.sql for f in contract.fields} | row_columns(contract)
    warning = warning_score(contract)
    return {
        "columns": list(types),
        "column_count": len(contract.fields),
        "types": types,
        "rules": list(required),
        "rule_count": len(required),
        "maximum_loss": contract.maximum_loss,
        "maximum_loss_text": percent(exact(contract.maximum_loss)),
        "quality_target": contract.quality_target,
        "quality_target_text": percent(exact(contract.quality_target)),
        "quality_warning": float(warning),
        "quality_warning_text": percent(warning),
    }


def _judged_column(rule: Unique | Reference) -> str:
    return rule.columns[0] if isinstance(rule, Unique) else rule.column


def _compile_rule(template: RuleTemplate, rule: RowRule, contract_facts: Mapping[str, Any]) -> Compiled:
    facts = {
        **contract_facts,
        "rule": rule.rule,
        "severity": rule.severity,
        "threshold": rule.threshold,
        "threshold_text": percent(exact(rule.threshold)),
        "message": rule.message,
    }
    return Compiled(
        name=rule.rule,
        kind="rule",
        table=template.table,
        type=template.type,
        severity=Severity(_filled(template.severity, facts)),
        message=_filled(template.message, facts),
        expected=_filled(template.expected, facts),
        kwargs=_filled(template.kwargs, facts),
        rule=rule,
    )


def _filled(node: Any, facts: Mapping[str, Any]) -> Any:
    """Put facts in place of placeholders; one that is the whole text keeps its type."""
    if isinstance(node, str):
        whole = node.removeprefix("${").removesuffix("}")
        return facts[whole] if node == f"${{{whole}}}" else Template(node).substitute(facts)
    if isinstance(node, Mapping):
        return {key: _filled(value, facts) for key, value in node.items()}
    if isinstance(node, Sequence):
        return [_filled(value, facts) for value in node]
    return node


def _refuse_unknown_placeholders(file: YamlFile, location: Location, known: frozenset[str]) -> None:
    """Walk the texts below the location; a `${name}` that is not known would only be noticed at compile time."""
    node = _at(file, location)
    if isinstance(node, str):
        unknown = [name for name in Template(node).get_identifiers() if name not in known]
        if unknown:
            raise SuiteError(str(file.problem(location, f"没有 ${{{unknown[0]}}} 这样的契约事实")))
        return
    children = node if isinstance(node, Mapping) else range(len(node)) if isinstance(node, list) else ()
    for key in children:
        _refuse_unknown_placeholders(file, (*location, key), known)


def _refuse_unknown_types(file: YamlFile, locations: Sequence[Location]) -> None:
    from expectations.checkpoint import is_registered

    problems = [
        str(file.problem((*location, "type"), f"没有名为 {name} 的检查类型"))
        for location in locations
        if not is_registered(name := _at(file, (*location, "type")))
    ]
    if problems:
        raise SuiteError("\n".join(problems))


def _at(file: YamlFile, location: Location) -> Any:
    node: Any = file.data
    for part in location:
        node = node[part]
    return node


def _read(path: Path) -> YamlFile:
    try:
        return read_yaml(path)
    except YamlFileError as error:
        raise SuiteError(f"{path}:{error.problem.line}: {error.problem.what}") from error


def _validated(model: type[T], file: YamlFile) -> T:
    try:
        return model.model_validate(file.data)
    except ValidationError as error:
        words = {"extra_forbidden": "不认识的键", "missing": "缺少"}
        problems = [str(file.problem(item["loc"], words.get(item["type"], item["msg"]))) for item in error.errors()]
        raise SuiteError("\n".join(problems)) from error
