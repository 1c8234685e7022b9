"""What a person reads at the end of a run: scorecard, gates, what was held, and where everything is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime

from rich.console import Console
from rich.table import Table

from connectors.database import Connection, connect
from connectors.settings import Settings
from weihai.following import Outcome

_STARS = {5: "★★★★★", 4: "★★★★", 0: "未达"}


@dataclass(frozen=True)
class HeldBatch:
    """A delivery that waits for a person's word."""

    batch_id: int
    department: str
    extract: str
    summary: str


@dataclass(frozen=True)
class ScoreLine:
    """One indicator of the scorecard."""

    seq: int
    name: str
    value: str | None
    is_known: bool
    """Whether there is a value or a star; an indicator without either is only counted."""
    star: int | None
    gap: str | None
    owner: str
    reason: str | None


@dataclass(frozen=True)
class TargetLine:
    """One judged target."""

    success: bool
    severity: str
    message: str
    observed: str | None


@dataclass(frozen=True)
class Summary:
    """What a run came to."""

    run_id: str | None
    as_of: date | None
    newer_as_of: date | None
    scores: tuple[ScoreLine, ...]
    targets: tuple[TargetLine, ...]
    judged_batches: int
    held_now: tuple[HeldBatch, ...]
    held_before: tuple[HeldBatch, ...]

    @property
    def missed(self) -> bool:
        """Whether a critical target was missed."""
        return any(not t.success and t.severity == "critical" for t in self.targets)


@contextmanager
def database(settings: Settings) -> Iterator[Connection]:
    """Open a connection to the warehouse."""
    with connect(settings.dsn()) as connection:
        yield connection


def moment(connection: Connection) -> datetime:
    """Return the server's clock, against which decisions are told as this run's or an earlier one's."""
    row = connection.execute("select clock_timestamp()").fetchone()
    if row is None:
        raise RuntimeError("the server did not tell its time")
    moment_: datetime = row[0]
    return moment_


def summarise(connection: Connection, *, since: datetime, run_ids: Sequence[str], as_of: date | None) -> Summary:
    """Gather the latest published run (of `as_of`, where given) and what was held, now and before.

    Args:
        since: decisions after this moment, or by one of `run_ids`, are this run's.
        run_ids: this run and those it waited for.
    """
    run = connection.execute(
        "select run_id, as_of from mart.run where state = 'published'"
        " and (%(as_of)s::date is null or as_of = %(as_of)s) order by finished_at desc limit 1",
        {"as_of": as_of},
    ).fetchone()
    run_id, run_as_of = run if run else (None, None)
    newer = connection.execute("select max(as_of) from quality.batch where applied_seq is not null").fetchone()
    latest = newer[0] if newer else None
    held = connection.execute(
        "select batch_id, department, extract, coalesce(summary, ''),"
        " (run_id = any(%s) or decided_at >= %s) from quality.batch where status = 'held' order by batch_id",
        (list(run_ids), since),
    ).fetchall()
    judged = connection.execute(
        "select count(distinct batch_id) from quality.gate_result where run_id = any(%s)", (list(run_ids),)
    ).fetchone()
    return Summary(
        run_id=run_id,
        as_of=run_as_of,
        newer_as_of=latest if latest and run_as_of and latest > run_as_of else None,
        scores=_scores(connection, run_as_of) if run_as_of else (),
        targets=_targets(connection, run_id) if run_id else (),
        judged_batches=judged[0] if judged else 0,
        held_now=tuple(HeldBatch(*row[:4]) for row in held if row[4]),
        held_before=tuple(HeldBatch(*row[:4]) for row in held if not row[4]),
    )


def _scores(connection: Connection, as_of: date) -> tuple[ScoreLine, ...]:
    rows = connection.execute(
        "select seq, name, value_text, value is not null or star is not null, star, gap, lead_responsible, reason"
        " from mart.scorecard where as_of = %s order by seq",
        (as_of,),
    )
    return tuple(ScoreLine(*row) for row in rows)


def _targets(connection: Connection, run_id: str) -> tuple[TargetLine, ...]:
    rows = connection.execute(
        "select success, severity, message, observed from quality.gate_result"
        " where run_id = %s and kind = 'target' order by gate_result_id",
        (run_id,),
    )
    return tuple(TargetLine(*row) for row in rows)


def show(summary: Summary, outcome: Outcome, settings: Settings, console: Console) -> None:
    """Print the scorecard, the gates, what was held and where everything is."""
    if summary.scores:
        _show_scores(summary, console)
    if not outcome.computed and not outcome.failed_tasks:
        console.print("没有新数据：沿用上一次运行的结果，什么也没有改变。")
    _show_gates(summary, console)
    if broken := [t for t in outcome.failed_tasks if t != "assess.verdict"]:
        console.print(f"[red]运行中断[/red]：任务 {'、'.join(broken)} 失败；日志见 Airflow 界面或 `weihai status`。")
    if summary.newer_as_of:
        console.print(
            f"另有截至 {summary.newer_as_of} 的新批次已接收；按该日期评定：weihai run --as-of {summary.newer_as_of}"
        )
    console.print(f"门户    {settings.portal / 'index.html'}")
    console.print(f"回执    {settings.landing}/<部门>/receipts/<数据>/")
    console.print("数据库与 Airflow 界面：weihai status")


def _show_scores(summary: Summary, console: Console) -> None:
    table = Table(title=f"评分表  业务日期 {summary.as_of}  运行 {summary.run_id}", title_justify="left")
    table.add_column("序", justify="right", no_wrap=True)
    table.add_column("指标", overflow="fold")
    table.add_column("值", justify="right", no_wrap=True)
    table.add_column("星级", no_wrap=True)
    table.add_column("差距", overflow="fold")
    table.add_column("牵头单位", overflow="fold")
    ungraded = 0
    for line in summary.scores:
        if not line.is_known:
            ungraded += 1
            continue
        star = _STARS[line.star] if line.star is not None else "—"
        table.add_row(str(line.seq), line.name, line.value or "—", star, line.gap or line.reason or "", line.owner)
    console.print(table)
    if ungraded:
        console.print(f"另有 {ungraded} 项指标暂不可评定（缺少数据来源），原因见门户或 weihai explain 指标。")


def _show_gates(summary: Summary, console: Console) -> None:
    if summary.judged_batches:
        held = len(summary.held_now)
        console.print(f"批次判定  {summary.judged_batches} 批，通过 {summary.judged_batches - held}，暂缓入库 {held}")
    for batch in summary.held_now:
        console.print(f"  [yellow]批次 {batch.batch_id}[/yellow] {batch.department}/{batch.extract}：{batch.summary}")
    for batch in summary.held_before:
        console.print(f"  此前的批次 {batch.batch_id} {batch.department}/{batch.extract}：{batch.summary}")
    if summary.held_now or summary.held_before:
        console.print("  处理：weihai receipt 批次；weihai release|refuse 批次 --why 理由")
    for target in summary.targets:
        missed = "[red]未达标[/red]" if target.severity == "critical" else "[yellow]提示[/yellow]"
        mark = "[green]达标[/green]" if target.success else missed
        console.print(f"目标判定  {mark}  {target.message}（{target.observed or '无数据'}）")
