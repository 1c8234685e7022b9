"""The state of a home as numbers for a monitoring system, in Prometheus' text format (version 0.0.4)."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import psycopg

from connectors.database import Connection, connect
from connectors.settings import Settings, WarehouseUnreachableError

_PLACES = ("", "archive", "landing", "postgres")
_LABEL_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n"})


@dataclass(frozen=True)
class Metric:
    """One gauge with its samples: labels and value."""

    name: str
    help: str
    samples: tuple[tuple[dict[str, str], float], ...]

    def lines(self) -> Iterator[str]:
        """Yield it in the text format."""
        yield f"# HELP {self.name} {self.help}"
        yield f"# TYPE {self.name} gauge"
        for labels, value in self.samples:
            told = ",".join(f'{k}="{v.translate(_LABEL_ESCAPES)}"' for k, v in labels.items())
            yield f"{self.name}{{{told}}} {value:g}" if told else f"{self.name} {value:.17g}"


def render(metrics: Sequence[Metric]) -> str:
    """Return the metrics as text, ending in a newline."""
    return "".join(f"{line}\n" for metric in metrics for line in metric.lines())


def collect(settings: Settings, *, now: datetime) -> list[Metric]:
    """Look at disk, database, runs and deliveries; a database that does not answer is a sample, no error."""
    found = [_one("weihai_collected_timestamp_seconds", "When these metrics were collected.", now.timestamp())]
    found += _disk(settings)
    try:
        with connect(settings.dsn(), autocommit=True) as connection:
            if connection.execute("select to_regclass('quality.chain_entry') is not null").fetchone() != (True,):
                return [*found, _up(answers=True)]
            looks = (_runs(connection), _deliveries(connection, now), _overdue(connection), _chain(connection))
            return [*found, _up(answers=True), *(metric for look in looks for metric in look)]
    except (psycopg.OperationalError, WarehouseUnreachableError):
        return [*found, _up(answers=False)]


def _one(name: str, text: str, value: float) -> Metric:
    return Metric(name, text, (({}, float(value)),))


def _up(*, answers: bool) -> Metric:
    return _one("weihai_database_up", "Whether the warehouse answers.", answers)


def _disk(settings: Settings) -> Iterator[Metric]:
    places = [(name or "home", settings.home / name) for name in _PLACES]
    usage = [({"place": name}, shutil.disk_usage(_existing(path))) for name, path in places]
    yield Metric("weihai_disk_free_bytes", "Free bytes.", tuple((at, float(u.free)) for at, u in usage))
    yield Metric("weihai_disk_size_bytes", "Bytes in all.", tuple((at, float(u.total)) for at, u in usage))


def _existing(path: Path) -> Path:
    while not path.exists():
        path = path.parent
    return path


def _runs(connection: Connection) -> Iterator[Metric]:
    rows = connection.execute("select state, count(*) from mart.run group by 1 order by 1").fetchall()
    yield Metric("weihai_runs", "Runs by state.", tuple(({"state": state}, float(n)) for state, n in rows))
    row = connection.execute(
        "select extract(epoch from finished_at), extract(epoch from finished_at - started_at),"
        " verdict = 'passed' from mart.run where state = 'published' order by finished_at desc limit 1"
    ).fetchone()
    if row is not None:
        finished, seconds, passed = row
        yield _one("weihai_last_run_finished_timestamp_seconds", "End of the latest published run.", finished)
        yield _one("weihai_last_run_duration_seconds", "From its opening to its publication.", seconds)
        yield _one("weihai_last_run_passed", "Whether it met its targets.", bool(passed))
    row = connection.execute(
        "select count(*) from mart.run where state = 'broken' and started_at > coalesce("
        " (select max(started_at) from mart.run where state = 'published'), '-infinity')"
    ).fetchone()
    yield _one(
        "weihai_runs_broken_since_published", "Broken runs since the latest published one.", row[0] if row else 0
    )


def _deliveries(connection: Connection, now: datetime) -> Iterator[Metric]:
    rows = connection.execute("select status, count(*) from quality.batch group by 1 order by 1").fetchall()
    yield Metric("weihai_batches", "Deliveries by status.", tuple(({"status": s}, float(n)) for s, n in rows))
    rows = connection.execute(
        "select department, extract(epoch from %s - min(decided_at)) from quality.batch"
        " where status = 'held' and department is not null group by 1 order by 1",
        (now,),
    ).fetchall()
    yield Metric(
        "weihai_held_seconds",
        "Age of the oldest delivery that waits for a person's word, by department.",
        tuple(({"department": department}, float(age)) for department, age in rows if age is not None),
    )
    row = connection.execute(
        "select extract(epoch from %s - min(received_at)) from quality.batch where status in ('received', 'staged')",
        (now,),
    ).fetchone()
    waiting = float(row[0]) if row is not None and row[0] is not None else 0.0
    yield _one("weihai_unfinished_seconds", "Age of the oldest delivery that is not decided yet.", waiting)


def _overdue(connection: Connection) -> Iterator[Metric]:
    """Views of the models: there after the first run."""
    for name, text, relation, state in (
        ("weihai_collections_missing", "Deliveries that are due and did not come.", "quality.collection", "未报"),
        ("weihai_work_orders_overdue", "Work orders past their due date.", "quality.work_order", "已逾期"),
        ("weihai_objections_overdue", "Objections not answered by their due date.", "quality.objection", "超期未处理"),
    ):
        if connection.execute("select to_regclass(%s) is not null", (relation,)).fetchone() != (True,):
            continue
        rows = connection.execute(
            f"select department, count(*) from {relation} where state = %s group by 1 order by 1".encode(), (state,)
        ).fetchall()
        yield Metric(name, text, tuple(({"department": department}, float(n)) for department, n in rows))


def _chain(connection: Connection) -> Iterator[Metric]:
    row = connection.execute("select coalesce(max(seq), 0) from quality.chain_entry").fetchone()
    yield _one("weihai_chain_links", "Links of the ledger's hash chain.", row[0] if row else 0)
