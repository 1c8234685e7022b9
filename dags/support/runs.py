"""The life of a run in `mart.run`: opened when something is new, built, published whole, or marked broken.

Only one run is `running` (being built) at a time: the warehouse DAG admits one active run, so that a row found
`running` when the next one opens belongs to a run that was killed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from importlib.metadata import version
from typing import Any, Literal

from connectors import chain
from connectors.contract import Contracts
from connectors.database import Connection, connect
from connectors.settings import Settings
from dags.support.assessing.rules import rule_version

Verdict = Literal["passed", "target_missed"]
StepState = Literal["running", "done", "held", "failed"]


def run_name(dag_run_id: str) -> str:
    """Return the run id under which a DAG run is recorded: safe in paths and URLs."""
    return re.sub(r"[^0-9A-Za-z_-]+", "-", dag_run_id).strip("-")


@dataclass(frozen=True)
class Opening:
    """Whether a run has something to compute, and in one sentence why or why not."""

    opened: bool
    reason: str
    as_of: date | None = None


def open_run(
    settings: Settings,
    contracts: Contracts,
    run_id: str,
    *,
    as_of: date | None,
    parameters: Mapping[str, Any],
    full_refresh: bool,
    now: datetime,
) -> Opening:
    """Open a run for `as_of` with all that is known now, unless that has been computed already.

    Args:
        as_of: business date; None means that of the latest published run, or before any run the latest accepted one.
        parameters: readings that differ from their defaults.
        full_refresh: compute even if nothing is new.
    """
    with connect(settings.dsn()) as connection:
        connection.execute("update mart.run set state = 'broken' where state = 'running' and run_id <> %s", (run_id,))
        resolved = as_of if as_of is not None else _default_as_of(connection)
        known_at = _known_at(connection)
        if resolved is None or known_at is None:
            return Opening(False, "还没有任何已接收的数据，无需计算")
        rules = rule_version(contracts)
        if not full_refresh and (earlier := _same_run(connection, resolved, known_at, rules, parameters)):
            return Opening(False, f"没有新数据，沿用运行 {earlier} 的结果", resolved)
        connection.execute(
            "insert into mart.run (run_id, as_of, known_at, rule_version, parameters, project_version, full_refresh,"
            " started_at, state) values (%s, %s, %s, %s, %s, %s, %s, %s, 'running')"
            " on conflict (run_id) do update set state = 'running', known_at = excluded.known_at",
            (
                run_id,
                resolved,
                known_at,
                rules,
                json.dumps(dict(parameters), ensure_ascii=False),
                version("weihai-data-warehouse"),
                full_refresh,
                now,
            ),
        )
    return Opening(True, f"按截至 {resolved:%Y-%m-%d} 的业务日期计算", resolved)


def _default_as_of(connection: Connection) -> date | None:
    row = connection.execute(
        "select coalesce("
        " (select as_of from mart.run where state = 'published' order by finished_at desc limit 1),"
        " (select max(as_of) from quality.batch where applied_seq is not null))"
    ).fetchone()
    return row[0] if row else None


def _known_at(connection: Connection) -> int | None:
    """The number of the latest application, or of a later decision on a mention in doubt."""
    row = connection.execute(
        "select max(seq) from quality.event where exists (select from quality.batch where applied_seq is not null)"
        " and (kind = 'decide' or seq in (select applied_seq from quality.batch))"
    ).fetchone()
    return row[0] if row else None


def _same_run(
    connection: Connection, as_of: date, known_at: int, rules: str, parameters: Mapping[str, Any]
) -> str | None:
    row = connection.execute(
        "select run_id from (select * from mart.run where as_of = %s and state in ('built', 'published')"
        " order by started_at desc limit 1) as latest"
        " where known_at = %s and rule_version = %s and parameters = %s::jsonb",
        (as_of, known_at, rules, json.dumps(dict(parameters))),
    ).fetchone()
    return row[0] if row else None


def finish_building(settings: Settings, run_id: str) -> None:
    """Record that the run's models stand, so that the next run may be built while this one is judged."""
    with connect(settings.dsn()) as connection:
        connection.execute("update mart.run set state = 'built' where run_id = %s", (run_id,))


def publish_run(settings: Settings, run_id: str, verdict: Verdict, *, now: datetime) -> None:
    """Make the run's mart visible to readers, whole, with its verdict; note the head of the chain that records it."""
    with connect(settings.dsn()) as connection:
        row = connection.execute("select state, verdict from mart.run where run_id = %s", (run_id,)).fetchone()
        if row == ("published", verdict):
            return
        # judged again: the earlier publication stays in the chain
        connection.execute("update mart.run set state = 'built' where run_id = %s and state = 'published'", (run_id,))
        connection.execute(
            "update mart.run set state = 'published', verdict = %s, finished_at = %s, scorecard_sha256 = %s"
            " where run_id = %s",
            (verdict, now, chain.scorecard_sha256(connection, run_id), run_id),
        )
        connection.commit()
        chain.note(settings, connection)


def break_run(settings: Settings, run_id: str, *, now: datetime) -> None:
    """Mark a run that cannot be finished; readers keep seeing the last published one."""
    with connect(settings.dsn()) as connection:
        connection.execute(
            "update mart.run set state = 'broken', finished_at = %s"
            " where run_id = %s and state in ('running', 'built')",
            (now, run_id),
        )


def report_progress(
    settings: Settings,
    run_id: str,
    stage: Literal["intake", "warehouse", "assess"],
    step: str,
    *,
    state: StepState,
    done: int = 0,
    total: int | None = None,
    note: str | None = None,
) -> None:
    """Record how far a step is, for people who watch the run."""
    with connect(settings.dsn(), autocommit=True) as connection:
        connection.execute(
            "insert into quality.run_progress (run_id, stage, step, state, done, total, note)"
            " values (%s, %s, %s, %s, %s, %s, %s) on conflict (run_id, stage, step) do update set"
            " state = excluded.state, done = excluded.done, total = excluded.total, note = excluded.note,"
            " updated_at = clock_timestamp()",
            (run_id, stage, step, state, done, total, note),
        )
