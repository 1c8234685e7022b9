"""The Great Expectations engine: suites built whole, validated, results reduced to figures without values.

Takes seconds to import; one session serves all gates of a run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import great_expectations as gx
from great_expectations.data_context.types.base import ProgressBarsConfig
from great_expectations.exceptions import ExpectationNotFoundError
from great_expectations.expectations.registry import get_expectation_impl
from psycopg.conninfo import conninfo_to_dict

import expectations.custom  # noqa: F401  registers our expectation types
from expectations.suites import Compiled, CompiledSuite, SuiteError

ENGINE = f"great_expectations {gx.__version__}"

_WITHOUT_SAMPLES = {"result_format": "BASIC", "partial_unexpected_count": 0, "include_unexpected_rows": False}
_COUNTS = ("element_count", "unexpected_count", "unexpected_percent", "missing_count")
_POSTGRES_ERROR = re.compile(r"psycopg\.errors\.(\w+)")


@dataclass(frozen=True)
class Outcome:
    """How one expectation came out; holds counts and names, never a value of a row."""

    expectation: Compiled
    success: bool
    observed: str
    figures: Mapping[str, int | float]


def is_registered(expectation_type: str) -> bool:
    """Tell whether Great Expectations can build the type."""
    try:
        get_expectation_impl(expectation_type)
    except ExpectationNotFoundError:
        return False
    return True


def build(name: str, expectations: tuple[Compiled, ...]) -> Any:
    """Return the `ExpectationSuite`, whole.

    Raises:
        SuiteError: Great Expectations refused an expectation, or left it out.
    """
    for expectation in expectations:
        if not is_registered(expectation.type):
            raise SuiteError(f"检查组 {name}：没有名为 {expectation.type} 的检查类型（{expectation.name}）")
    try:
        suite = gx.ExpectationSuite(name=name, expectations=[_configuration(e) for e in expectations])
    except ValueError as error:
        raise SuiteError(f"检查组 {name} 的参数不符合检查类型的要求：{error}") from error
    if len(suite.expectations) != len(expectations):
        built = {e.meta["name"] for e in suite.expectations}
        lost = [e.name for e in expectations if e.name not in built]
        raise SuiteError(f"检查组 {name} 应有 {len(expectations)} 项检查，只建成 {len(built)} 项，缺 {'、'.join(lost)}")
    return suite


class Session:
    """One ephemeral Data Context on the warehouse."""

    def __init__(self, dsn: str) -> None:
        facts = conninfo_to_dict(dsn)
        self._context = gx.get_context(mode="ephemeral")
        self._context.variables.progress_bars = ProgressBarsConfig(globally=False)
        # The URL only names the driver: host and password go to it apart, so that no log or result can show them.
        self._source = self._context.data_sources.add_postgres(
            "warehouse",
            connection_string=f"postgresql+psycopg://{quote(str(facts.get('user', 'etl')), safe='')}@localhost/",
            kwargs={"connect_args": {**facts, "application_name": "weihai gate"}},
        )
        self._runs = 0

    def run(
        self, suite: CompiledSuite, tables: Mapping[str, tuple[str, str]], parameters: Mapping[str, Any]
    ) -> list[Outcome]:
        """Validate the suite's tables.

        Args:
            suite: compiled.
            tables: schema and name of each table that the suite looks at.
            parameters: values of its `$PARAMETER`s.

        Returns:
            One outcome per expectation, in the suite's order.

        Raises:
            SuiteError: an expectation could not be built, or Great Expectations did not answer it.
        """
        answers = {
            answer.expectation_config.meta["name"]: answer
            for table in suite.tables
            for answer in self._validate(suite.name, suite.of_table(table), tables[table], parameters)
        }
        if missing := [e.name for e in suite.expectations if e.name not in answers]:
            raise SuiteError(f"检查组 {suite.name} 有 {len(missing)} 项检查没有结果：{'、'.join(missing)}")
        return [_outcome(e, answers[e.name].to_json_dict()) for e in suite.expectations]

    def _validate(
        self, name: str, expectations: tuple[Compiled, ...], place: tuple[str, str], parameters: Mapping[str, Any]
    ) -> list[Any]:
        """Validate one table. The context keeps nothing of it: what it keeps it compares and copies again each time."""
        self._runs += 1
        schema, table = place
        asset = self._source.add_table_asset(f"{name}-{self._runs}", table_name=table, schema_name=schema)
        try:
            batch = asset.add_batch_definition_whole_table("whole").get_batch()
            answers: list[Any] = batch.validate(
                build(name, expectations), result_format=_WITHOUT_SAMPLES, expectation_parameters=dict(parameters)
            ).results
        finally:
            self._source.delete_asset(asset.name)
        return answers

    def close(self) -> None:
        """Give the connections back."""
        self._source.get_engine().dispose()


@contextmanager
def session(dsn: str) -> Iterator[Session]:
    """Open a session; its connections are closed at the end."""
    opened = Session(dsn)
    try:
        yield opened
    finally:
        opened.close()


def _configuration(expectation: Compiled) -> dict[str, Any]:
    return {
        "type": expectation.type,
        "kwargs": dict(expectation.kwargs),
        "severity": expectation.severity.value,
        "meta": {"name": expectation.name, "kind": expectation.kind, **expectation.meta},
        "description": expectation.message,
    }


def _outcome(expectation: Compiled, answer: Mapping[str, Any]) -> Outcome:
    failure = _failure(answer.get("exception_info") or {})
    result = answer.get("result") or {}
    figures = {name: result[name] for name in _COUNTS if isinstance(result.get(name), int | float)}
    if failure is not None:
        return Outcome(expectation, success=False, observed=f"未能评定（{failure}）", figures={})
    return Outcome(expectation, bool(answer["success"]), _observed(result), figures)


def _failure(info: Mapping[str, Any]) -> str | None:
    """Return the class of the error that kept an expectation from being evaluated; its text may hold values."""
    entries = [info] if "raised_exception" in info else list(info.values())
    raised = [e for e in entries if isinstance(e, Mapping) and e.get("raised_exception")]
    if not raised:
        return None
    found = _POSTGRES_ERROR.search(
        " ".join(f"{e.get('exception_message')} {e.get('exception_traceback')}" for e in raised)
    )
    return found.group(1) if found else "计算出错"


def _observed(result: Mapping[str, Any]) -> str:
    observed = result.get("observed_value")
    if isinstance(observed, str):
        return observed
    if isinstance(observed, list):
        mismatched = (result.get("details") or {}).get("mismatched") or {}
        words = {"missing": "缺少", "unexpected": "多出"}
        parts = [f"{words[k]} {'、'.join(map(str, v))}" for k, v in mismatched.items() if k in words and v]
        return "；".join(parts) or f"{len(observed)} 列相符"
    if isinstance(observed, int):
        return f"{observed:,} 行"
    return f"{result.get('unexpected_count') or 0:,} / {result.get('element_count') or 0:,} 行不符"
