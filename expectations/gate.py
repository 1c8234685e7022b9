"""The gates: may this batch be applied, and did this run reach its targets.

Great Expectations takes seconds to import and is imported here only when a gate is judged.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from psycopg.rows import dict_row

from connectors.contract import Contract, Severity
from connectors.database import Connection, connect
from connectors.departments import department_names
from connectors.errors import UserError
from connectors.intake import GateVerdict
from connectors.rule_tally import RowRule
from connectors.settings import Settings
from expectations import evidence, suites
from expectations.score import RuleResult, exact, percent, score

if TYPE_CHECKING:
    from expectations.checkpoint import Outcome, Session

WEAKEST_NAMED = 3
_SCORE = "score_reaches_target"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TargetVerdict:
    """Whether a run reached its targets.

    Attributes:
        passed: every critical reading is met.
        missed: one Chinese sentence per critical reading that is missed or cannot be judged; empty when passed.
        noted: the same for the readings that do not decide.
    """

    passed: bool
    missed: tuple[str, ...]
    noted: tuple[str, ...] = ()


def judge_batches(
    settings: Settings,
    contracts: Mapping[str, Contract],
    batch_ids: Sequence[int],
    *,
    run_id: str,
    now: datetime,
) -> list[GateVerdict]:
    """Judge staged batches, each by the suite of its contract; store results, scores and evidence.

    Args:
        settings: the home and its warehouse.
        contracts: by contract id.
        batch_ids: batches in status `staged`; another status gives a failed verdict and stores nothing.
        run_id: the run that judges.
        now: the clock.

    Returns:
        One verdict per batch, in the order given. A batch that could not be judged fails, with the reason; the others
        are judged all the same.
    """
    if not batch_ids:
        return []
    from expectations.checkpoint import session

    template = suites.load_batch_suite()
    with session(settings.dsn()) as engine, connect(settings.dsn()) as connection:
        gate = _BatchGate(settings, connection, engine, template, run_id, now)
        return [gate.judge(batch_id, contracts) for batch_id in batch_ids]


def judge_targets(settings: Settings, run_id: str, *, now: datetime) -> TargetVerdict:
    """Judge the readings of the 90 % targets that the run computed; store results and evidence.

    Raises:
        UserError: there is no such run.
    """
    from expectations.checkpoint import ENGINE, session

    suite = suites.load_target_suite()
    compiled = suites.compile_targets(suite)
    with connect(settings.dsn()) as connection:
        as_of = _as_of(connection, run_id)
        schema, table = suite.table.split(".")
        with session(settings.dsn()) as engine:
            outcomes = engine.run(compiled, {"readings": (schema, table)}, {"run_id": run_id})
        sentences = {
            severity: tuple(_missed(o) for o in outcomes if not o.success and o.expectation.severity is severity)
            for severity in Severity
        }
        missed = sentences[Severity.CRITICAL]
        verdict = TargetVerdict(not missed, missed, sentences[Severity.WARNING] + sentences[Severity.INFO])
        evidence.store_outcomes(connection, outcomes, suite="targets", run_id=run_id, batch_id=None, now=now)
        evidence.write(
            settings.reports / "gates",
            evidence.document(
                suite="targets",
                title=suite.title,
                run_id=run_id,
                now=now,
                engine=ENGINE,
                subject={"as_of": as_of.isoformat()},
                passed=verdict.passed,
                reasons=verdict.missed + verdict.noted,
                outcomes=outcomes,
            ),
        )
    return verdict


def judge_across(settings: Settings, run_id: str, *, now: datetime) -> tuple[str, ...]:
    """Judge what the departments' data say of each other; store results and evidence.

    Returns:
        One Chinese sentence per check that failed: who, how many of how many, what to do. Nothing is held for them.

    Raises:
        UserError: there is no such run.
    """
    from expectations.checkpoint import ENGINE, session

    suite = suites.load_cross_suite()
    with connect(settings.dsn()) as connection:
        as_of = _as_of(connection, run_id)
        compiled = suites.compile_cross(suite, _counted(connection, run_id))
        schema, table = suite.table.split(".")
        with session(settings.dsn()) as engine:
            outcomes = engine.run(compiled, {"checks": (schema, table)}, {"run_id": run_id})
        failed = tuple(_missed(o) for o in outcomes if not o.success)
        evidence.store_outcomes(connection, outcomes, suite=suite.suite, run_id=run_id, batch_id=None, now=now)
        evidence.write(
            settings.reports / "gates",
            evidence.document(
                suite=suite.suite,
                title=suite.title,
                run_id=run_id,
                now=now,
                engine=ENGINE,
                subject={"as_of": as_of.isoformat()},
                passed=not failed,
                reasons=failed,
                outcomes=outcomes,
            ),
        )
    return failed


def _counted(connection: Connection, run_id: str) -> list[suites.CrossCount]:
    rows = connection.execute(
        "select check_name, department, passed, checked, examples from quality.cross_check_run where run_id = %s"
        " order by check_name, department",
        (run_id,),
    )
    return [suites.CrossCount(*row) for row in rows]


def _as_of(connection: Connection, run_id: str) -> date:
    found = connection.execute("select as_of from mart.run where run_id = %s", (run_id,)).fetchone()
    if found is None:
        raise UserError(f"没有名为 {run_id} 的运行，无法评定")
    as_of: date = found[0]
    return as_of


def reasons_to_hold(contract: Contract, outcomes: Sequence[Outcome], shares: Mapping[str, Fraction]) -> tuple[str, ...]:
    """Return why a batch is held, one Chinese sentence each; empty where it may pass.

    A batch is held when its score is under the contract's target, or a critical guard or a critical rule fails:
    `docs/reference/gates.md`.

    Args:
        contract: of the batch.
        outcomes: of the batch's suite.
        shares: passed of checked rows by rule, to name the weakest where the score is too low.
    """
    failed = [o for o in outcomes if not o.success]
    weakest = _weakest(contract, failed, shares)
    return tuple(
        _too_low(contract, o, weakest) if o.expectation.name == _SCORE else _reason(contract, o)
        for o in failed
        if o.expectation.severity is Severity.CRITICAL
    )


@dataclass(frozen=True)
class _BatchGate:
    settings: Settings
    connection: Connection
    engine: Session
    template: suites.BatchSuite
    run_id: str
    now: datetime

    def judge(self, batch_id: int, contracts: Mapping[str, Contract]) -> GateVerdict:
        """Judge one batch; whatever goes wrong is its own verdict."""
        try:
            with self.connection.transaction():
                return self._judge(batch_id, contracts)
        except UserError as error:
            reason = str(error)
        except Exception as error:  # noqa: BLE001  one batch's failure must not keep the others from being judged
            log.error("batch %s could not be judged: %s", batch_id, type(error).__name__)
            reason = f"质量门未能完成评定（{type(error).__name__}），请重试；仍不成功请联系平台管理员。"
        self._store_failure(batch_id, reason)
        return GateVerdict(batch_id=batch_id, passed=False, score=None, reasons=(reason,))

    def _store_failure(self, batch_id: int, reason: str) -> None:
        """Leave the reason where auditors look, unless the batch was decided before."""
        with self.connection.transaction():
            self.connection.execute(
                "delete from quality.gate_result where batch_id = %s and exists (select from"
                " quality.batch where batch_id = %s and status = 'staged')",
                (batch_id, batch_id),
            )
            self.connection.execute(
                "insert into quality.gate_result (run_id, batch_id, suite, expectation, kind, severity, success,"
                " observed, expected, message, evaluated_at) select %s, batch_id, %s, 'gate_evaluated', 'guard',"
                " 'critical', false, %s, '评定完成', '质量门必须能够完成评定。', %s"
                " from quality.batch where batch_id = %s and status = 'staged'",
                (self.run_id, f"batch-{batch_id}", reason, self.now, batch_id),
            )

    def _judge(self, batch_id: int, contracts: Mapping[str, Contract]) -> GateVerdict:
        from expectations.checkpoint import ENGINE

        batch = self._staged_batch(batch_id)
        contract = contracts.get(f"{batch['department']}__{batch['extract']}")
        if contract is None:
            raise UserError(f"批次 {batch_id} 没有对应的数据契约，无法评定。")
        results = self._results(batch_id)
        compiled = suites.compile_batch(contract, [rule for rule, _ in results], self.template)
        tables = {"rows": ("staging", f"batch_{batch_id}"), "keys": ("staging", f"batch_{batch_id}_key")}
        outcomes = self.engine.run(compiled, tables, {"batch_id": batch_id})
        batch_score = score(result for _, result in results)
        shares = {r.rule: Fraction(r.passed, r.checked) for _, r in results if r.checked}
        reasons = reasons_to_hold(contract, outcomes, shares)
        suite = f"batch-{batch_id}"
        evidence.store_outcomes(
            self.connection, outcomes, suite=suite, run_id=self.run_id, batch_id=batch_id, now=self.now
        )
        evidence.store_score(self.connection, batch_id, batch_score, contract.quality_target)
        evidence.write(
            self.settings.reports / "gates",
            evidence.document(
                suite=suite,
                title=compiled.title,
                run_id=self.run_id,
                now=self.now,
                engine=ENGINE,
                subject={
                    "contract": contract.id,
                    "contract_version": contract.version,
                    "batch_id": batch_id,
                    "file_name": batch["file_name"],
                    "sha256": batch["sha256"],
                    "as_of": batch["as_of"].isoformat() if batch["as_of"] else None,
                },
                passed=not reasons,
                reasons=reasons,
                outcomes=outcomes,
                score=evidence.score_document(batch_score, contract.quality_target),
            ),
        )
        value = None if batch_score.value is None else float(batch_score.value)
        return GateVerdict(batch_id=batch_id, passed=not reasons, score=value, reasons=reasons)

    def _staged_batch(self, batch_id: int) -> dict[str, Any]:
        with self.connection.cursor(row_factory=dict_row) as cursor:
            batch = cursor.execute(
                "select department, extract, file_name, sha256, as_of, status,"
                " to_regclass('staging.batch_' || batch_id) is not null"
                " and to_regclass('staging.batch_' || batch_id || '_key') is not null as is_present"
                " from quality.batch where batch_id = %s",
                (batch_id,),
            ).fetchone()
        if batch is None:
            raise UserError(f"没有批次 {batch_id}。")
        if batch["status"] != "staged":
            raise UserError(f"批次 {batch_id} 的状态是 {batch['status']}，不在待评定之列。")
        if not batch["is_present"]:
            raise UserError(f"批次 {batch_id} 的暂存数据不存在，无法评定，请重新接收。")
        return batch

    def _results(self, batch_id: int) -> list[tuple[RowRule, RuleResult]]:
        rows = self.connection.execute(
            "select rule, column_name, dimension, severity, threshold, message, checked, passed"
            " from quality.check_result where batch_id = %s order by rule",
            (batch_id,),
        )
        return [
            (
                RowRule(rule, column, dimension, severity, float(threshold), message),
                RuleResult(rule, dimension, checked, passed),
            )
            for rule, column, dimension, severity, threshold, message, checked, passed in rows
        ]


def _weakest(contract: Contract, failed: Sequence[Outcome], shares: Mapping[str, Fraction]) -> str:
    rules = [o for o in failed if o.expectation.rule is not None and o.expectation.name in shares]
    weakest = sorted(rules, key=lambda o: shares[o.expectation.name])[:WEAKEST_NAMED]
    return "、".join(f"{_where(contract, o)} {o.expectation.name} {o.observed}" for o in weakest)


def _too_low(contract: Contract, outcome: Outcome, weakest: str) -> str:
    low = f"质量得分 {outcome.observed}，低于目标 {percent(exact(contract.quality_target))}"
    return f"{low}；合格率最低的规则：{weakest}。" if weakest else f"{low}。"


def _reason(contract: Contract, outcome: Outcome) -> str:
    e = outcome.expectation
    sentence = e.message.removesuffix("。")
    if e.rule is None:
        return f"{sentence}：{outcome.observed}。"
    return f"{_where(contract, outcome)}{e.expected}，实际 {outcome.observed}（规则 {e.name}：{sentence}）。"


def _where(contract: Contract, outcome: Outcome) -> str:
    rule = outcome.expectation.rule
    column = contract.columns.get(rule.column or "") if rule is not None else None
    return f"“{column.header}”" if column is not None else "整行"


def _missed(outcome: Outcome) -> str:
    """Say what failed; of a check across extracts also whose it is and what to do."""
    e = outcome.expectation
    missed = f"{e.message.removesuffix('。')}，实际 {outcome.observed}"
    finding = e.meta.get("finding")
    if not finding:
        return missed
    return f"{department_names().get(e.meta['owner'], e.meta['owner'])}：{missed}。{finding}"
