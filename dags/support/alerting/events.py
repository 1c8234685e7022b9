"""What a run left behind that somebody is to be told of, read from the warehouse."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from connectors.database import Connection
from dags.support.alerting.alert import Alert, Kind, Level
from dags.support.runbook import EVENTS

_NAMED = 10
"""An alert names so many deliveries or targets and counts the others."""


def of_deliveries(connection: Connection, run_id: str, *, since: datetime, now: datetime) -> Iterator[Alert]:
    """Yield what is to be told of the deliveries that a run decided about: those held, and those accepted narrowly.

    Args:
        run_id: of the run.
        since: when it started; a delivery received earlier may have been decided by it.
        now: aware.
    """
    delivered = (
        "select b.batch_id, b.summary, b.status = 'held' as is_held, b.applied_seq is not null as is_applied,"
        " concat('批次 ', b.batch_id, ' ', b.department, '__' || b.extract, '（' || c.title || '）：') as named"
        " from quality.batch b"
        " left join catalogue.contract c on c.contract_id = b.department || '__' || b.extract"
        " where b.decided_at is not null and (b.run_id = %(run_id)s or b.decided_at >= %(since)s)"
    )
    said = {"run_id": run_id, "since": since}
    held = connection.execute(
        f"select batch_id, concat(named, summary) from ({delivered}) d where is_held order by 1".encode(), said
    ).fetchall()
    narrow = connection.execute(
        "select d.batch_id, concat(named, string_agg(g.message || '实际 ' || g.observed, '；' order by gate_result_id))"
        f" from ({delivered}) d join quality.gate_result g using (batch_id) where is_applied and g.kind = 'guard'"
        " and g.severity = 'warning' and not g.success group by d.batch_id, named order by 1".encode(),
        said,
    ).fetchall()
    if held:
        yield _alert(Kind.BATCH_HELD, Level.CRITICAL, f"{len(held)} 批报送暂缓入库", held, run_id=run_id, now=now)
    if narrow:
        yield _alert(Kind.BATCH_WARNED, Level.WARNING, f"{len(narrow)} 批报送勉强入库", narrow, run_id=run_id, now=now)


def of_targets(connection: Connection, run_id: str, *, now: datetime) -> Iterator[Alert]:
    """Yield what is to be told of a run's targets, and of what departments' data say of each other."""
    failed = connection.execute(
        "select expectation, concat(trim(trailing '。' from message), '，实际 ', observed),"
        " kind = 'target' and severity = 'critical' from quality.gate_result"
        " where run_id = %s and batch_id is null and not success order by kind desc, gate_result_id",
        (run_id,),
    ).fetchall()
    missed = [(name, said) for name, said, decides in failed if decides]
    noted = [(name, said) for name, said, decides in failed if not decides]
    if missed:
        yield _alert(Kind.TARGET_MISSED, Level.CRITICAL, f"{len(missed)} 项目标未达标", missed, run_id=run_id, now=now)
    if noted:
        title = f"{len(noted)} 项检查未通过，不影响结论"
        yield _alert(Kind.RUN_WARNED, Level.WARNING, title, noted, run_id=run_id, now=now)


def _alert(
    kind: Kind, level: Level, title: str, found: Sequence[tuple[int | str, str]], *, run_id: str, now: datetime
) -> Alert:
    """Return the alert of several subjects, each with what is said of it."""
    page = EVENTS[kind.value]
    more = [f"另有 {len(found) - _NAMED} 项"] if len(found) > _NAMED else []
    return Alert(
        kind=kind,
        level=level,
        at=now,
        run_id=run_id,
        title=f"{title}（运行 {run_id}）",
        what=[*(said for _, said in found[:_NAMED]), *more],
        look=page.look,
        act=page.act,
        facts={"subjects": [subject for subject, _ in found]},
    )
