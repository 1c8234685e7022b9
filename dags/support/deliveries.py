"""What the intake DAG does: find work by department, receive, judge, decide."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from connectors import intake, landing
from connectors.archive import NotWholeError
from connectors.contract import Contracts, load_contracts
from connectors.database import connect
from connectors.settings import Settings, load_settings
from dags.support import runs
from dags.support.clock import now

UNKNOWN = "_unknown"
"""Stands for every folder that is no department's: its name may hold anything and goes into no log."""

log = logging.getLogger(__name__)


def _load() -> tuple[Settings, Contracts]:
    settings = load_settings()
    return settings, load_contracts(settings.contract_folders)


def departments_with_work(run_id: str, *, only: Sequence[str] | None) -> list[str]:
    """Return the departments that have whole files in the landing zone or batches a killed run left."""
    settings, contracts = _load()
    deliveries = landing.scan(settings.landing, contracts, settle_seconds=settings.limits.settle_seconds)
    names = {d.department or UNKNOWN for d in deliveries}
    names |= {department or UNKNOWN for department, _ in _unfinished(settings)}
    found = sorted(n for n in names if not only or n in only)
    files = sum(len(d.files) for d in deliveries if not only or (d.department or UNKNOWN) in only)
    note = f"{len(found)} 个部门，{files} 个文件"
    runs.report_progress(settings, run_id, "intake", "发现", state="done", done=files, total=files, note=note)
    return found


def _unfinished(settings: Settings) -> list[tuple[str | None, int]]:
    with connect(settings.dsn()) as connection:
        rows = connection.execute(
            "select department, batch_id from quality.batch where batch_id = any(%s)", (intake.unfinished(settings),)
        ).fetchall()
    return [(department, batch_id) for department, batch_id in rows]


def receive_department(run_id: str, department: str) -> list[int]:
    """Receive everything one department has in the landing zone; return the batch ids.

    Raises:
        RuntimeError: after all were tried, where the machine or the database failed with any.
    """
    settings, contracts = _load()
    batches: list[int] = []
    failed: list[str] = []
    for owner, batch_id in _unfinished(settings):
        if (owner or UNKNOWN) == department:
            with _each_its_turn(f"batch {batch_id}", failed):
                batches.append(intake.resume(settings, contracts, batch_id, run_id=run_id, now=now()))
    waiting = landing.scan(settings.landing, contracts, settle_seconds=settings.limits.settle_seconds)
    mine = [d for d in waiting if (d.department or UNKNOWN) == department]
    for done, delivery in enumerate(mine):
        runs.report_progress(
            settings, run_id, "intake", f"接收 {department}", state="running", done=done, total=len(mine)
        )
        with _each_its_turn(f"delivery {done + 1} of {department}", failed):
            batches.append(intake.receive(settings, contracts, delivery, run_id=run_id, now=now()))
    note = f"{_rows_read(settings, batches):,} 行"
    runs.report_progress(
        settings, run_id, "intake", f"接收 {department}", state="done", done=len(mine), total=len(mine), note=note
    )
    log.info("%s: batches %s", department, batches)
    if failed:
        raise RuntimeError(f"未能接收：{'、'.join(failed)}，可重试")
    return batches


@contextmanager
def _each_its_turn(what: str, failed: list[str]) -> Iterator[None]:
    """Note what failed and go on; a file that is not whole is no failure."""
    try:
        yield
    except NotWholeError:
        log.info("%s: a file is gone, closed or still being written; the next run takes it", what)
    except Exception as error:  # noqa: BLE001  each delivery of the department gets its turn
        log.error("%s could not be received: %s", what, type(error).__name__)
        failed.append(what)


def _rows_read(settings: Settings, batches: Sequence[int]) -> int:
    with connect(settings.dsn()) as connection:
        row = connection.execute(
            "select coalesce(sum(rows_read), 0) from quality.batch where batch_id = any(%s)", (list(batches),)
        ).fetchone()
    return int(row[0]) if row else 0


def judge_staged(run_id: str) -> list[dict[str, Any]]:
    """Judge every staged batch; return the verdicts grouped by department, in order of application."""
    settings, contracts = _load()
    with connect(settings.dsn()) as connection:
        staged = connection.execute(
            "select batch_id, department from quality.batch where status = 'staged' order by as_of, batch_id"
        ).fetchall()
    if not staged:
        return []
    from expectations import gate

    verdicts = gate.judge_batches(settings, contracts, [b for b, _ in staged], run_id=run_id, now=now())
    owner: dict[int, str] = dict(staged)
    groups: dict[str, list[dict[str, Any]]] = {}
    for verdict in verdicts:
        groups.setdefault(owner[verdict.batch_id], []).append(asdict(verdict))
    passed = sum(v.passed for v in verdicts)
    runs.report_progress(
        settings,
        run_id,
        "intake",
        "批次判定",
        state="done" if passed == len(verdicts) else "held",
        done=passed,
        total=len(verdicts),
        note=f"{len(verdicts)} 批，通过 {passed} 批",
    )
    return [{"department": d, "verdicts": v} for d, v in sorted(groups.items())]


def decide_department(run_id: str, group: Mapping[str, Any]) -> list[str]:
    """Apply or hold one department's judged batches; one that fails does not stop the next.

    Raises:
        RuntimeError: after all were tried, where any could not be decided; names the batches.
    """
    settings, contracts = _load()
    statuses: list[str] = []
    failed: list[int] = []
    for raw in group["verdicts"]:
        verdict = intake.GateVerdict(**{**raw, "reasons": tuple(raw["reasons"])})
        try:
            statuses.append(intake.decide(settings, contracts, verdict, now=now()))
        except Exception as error:  # noqa: BLE001  each batch of the department gets its turn
            log.error("batch %s could not be decided: %s", verdict.batch_id, type(error).__name__)
            failed.append(verdict.batch_id)
    department = group["department"]
    state: runs.StepState = "failed" if failed else ("held" if "held" in statuses else "done")
    runs.report_progress(
        settings, run_id, "intake", f"入库 {department}", state=state, done=len(statuses), total=len(group["verdicts"])
    )
    if failed:
        raise RuntimeError(f"批次 {failed} 未能完成入库，可重试")
    return statuses
