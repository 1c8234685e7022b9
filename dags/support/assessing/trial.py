"""Grading under other readings or operands: the models' own SQL in one session, and nothing of it stays."""

from __future__ import annotations

import json
import uuid
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from psycopg import sql
from psycopg.rows import dict_row

from connectors.database import Connection
from connectors.errors import UserError
from connectors.sql_text import join_whole_tables
from dags.support.assessing.parameters import load_parameters

Graded = Mapping[str, Any]
"""One row of `mart.int_scorecard__canonical`."""

OperandName = tuple[str, str]
"""Indicator id and operand."""


class NoRunError(UserError):
    """There is no such run with results."""


@dataclass(frozen=True)
class ComputedRun:
    """A run whose results are kept."""

    run_id: str
    as_of: date
    known_at: int
    rule_version: str
    parameters: Mapping[str, str]


def computed_run(connection: Connection, run_id: str) -> ComputedRun:
    """Return a run.

    Raises:
        NoRunError: there is none of this id.
    """
    row = connection.execute(
        "select run_id, as_of, known_at, rule_version, parameters from mart.run"
        " where run_id = %s and state <> 'broken'",
        (run_id,),
    ).fetchone()
    if row is None:
        raise NoRunError(f'没有运行“{run_id}”；weihai sql "select run_id, as_of from mart.run" 可列出')
    return ComputedRun(*row)


def published_run(connection: Connection, as_of: date | None = None) -> ComputedRun:
    """Return the latest published run of a date; None means the latest date.

    Raises:
        NoRunError: none was published.
    """
    row = connection.execute(
        "select run_id from mart.latest_run where %(as_of)s::date is null or as_of = %(as_of)s"
        " order by as_of desc limit 1",
        {"as_of": as_of},
    ).fetchone()
    if row is None:
        of_date = f"业务日期 {as_of} " if as_of else ""
        raise NoRunError(f"{of_date}还没有已发布的运行：先运行 `weihai run`")
    return computed_run(connection, row[0])


@contextmanager
def tried(connection: Connection, run: ComputedRun, readings: Mapping[str, str] | None = None) -> Iterator[str]:
    """Let the models answer in this session for a run with other readings; what is written meanwhile does not stay.

    Yields:
        The run id under which they answer.
    """
    trial_id = f"trial-{uuid.uuid4().hex}"
    clock = {
        "run_id": trial_id,
        "as_of": run.as_of.isoformat(),
        "known_at": run.known_at,
        "parameters": {**run.parameters, **(readings or {})},
    }
    with connection.transaction(force_rollback=True):
        join_whole_tables(connection)
        connection.execute("select set_config('weihai.trial', %s, true)", (json.dumps(clock),))
        yield trial_id


def stands_by_present_rules(connection: Connection, run: ComputedRun) -> bool:
    """Say whether the models that stand are those by which the run was computed."""
    row = connection.execute(
        "select rule_version from mart.run where state <> 'broken' order by started_at desc limit 1"
    ).fetchone()
    return row == (run.rule_version,)


def measured_indicators(connection: Connection) -> set[str]:
    """Return the ids of the indicators that have an operand model."""
    return {
        name
        for (name,) in connection.execute(
            "select indicator_id from mart.indicator where to_regclass('mart.ind_' || indicator_id) is not null"
        )
    }


def graded(
    connection: Connection,
    run: ComputedRun,
    *,
    readings: Mapping[str, str] | None = None,
    operands: Mapping[OperandName, Decimal | None] | None = None,
    measured: Collection[str] = (),
) -> dict[str, Graded]:
    """Grade a run's indicators under other readings and operands, by the engine that grades runs.

    Args:
        readings: parameters that differ from the run's own.
        operands: values in the place of the run's own; None is missing.
        measured: ids of the indicators whose operands are computed anew, for they rest on changed readings; the
            others are taken as the run stored them.

    Returns:
        The rows by indicator id.
    """
    with tried(connection, run, readings) as trial_id:
        connection.execute(
            "insert into mart.indicator_operand_run"
            " (run_id, indicator_id, operand, value, reason, is_estimated, period_used)"
            " select %s, indicator_id, operand, value, reason, is_estimated, period_used"
            " from mart.indicator_operand_run where run_id = %s",
            (trial_id, run.run_id),
        )
        for indicator_id in measured:
            _measure(connection, trial_id, indicator_id)
        for (indicator_id, operand), value in (operands or {}).items():
            connection.execute(
                "update mart.indicator_operand_run set value = %s, is_estimated = false,"
                " reason = case when %s::numeric is null then '假设缺失' end"
                " where run_id = %s and indicator_id = %s and operand = %s",
                (value, value, trial_id, indicator_id, operand),
            )
        with connection.cursor(row_factory=dict_row) as cursor:
            rows = cursor.execute("select * from mart.int_scorecard__canonical order by seq").fetchall()
    return {row["indicator_id"]: row for row in rows}


def _measure(connection: Connection, trial_id: str, indicator_id: str) -> None:
    connection.execute(
        sql.SQL(
            "update mart.indicator_operand_run as held set value = trim_scale(measured.value),"
            " reason = measured.reason, is_estimated = coalesce(measured.is_estimated, false),"
            " period_used = measured.period_used from {} as measured"
            " where held.run_id = %s and held.indicator_id = %s and held.operand = measured.operand"
        ).format(sql.Identifier("mart", f"ind_{indicator_id}")),
        (trial_id, indicator_id),
    )


def compared(
    connection: Connection,
    run: ComputedRun,
    *,
    readings: Mapping[str, str],
    operands: Mapping[OperandName, Decimal | None],
    known: Collection[str],
) -> tuple[dict[str, Graded], dict[str, Graded]]:
    """Grade a run as it is and as it would be, both by the present rules.

    Args:
        readings: as in `graded`.
        operands: as in `graded`.
        known: ids of the indicators that can be measured.
    """
    parameters = load_parameters()
    concerned = {name for reading in readings for name in parameters[reading].applies_to} & set(known)
    stale = () if stands_by_present_rules(connection, run) else known
    before = graded(connection, run, measured=stale)
    after = graded(connection, run, readings=readings, operands=operands, measured={*stale, *concerned})
    return before, after
