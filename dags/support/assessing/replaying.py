"""A past run computed again: its rules, parameters and knowledge of then, in schemas of its own."""

from __future__ import annotations

import hashlib
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from psycopg import sql

from connectors.archive import content_path
from connectors.database import Connection, connect
from connectors.errors import UserError
from connectors.settings import Settings
from dags.support import models
from dags.support.assessing import export, rules
from dags.support.assessing.trial import ComputedRun, computed_run

# base libraries are kept on two clocks: a replay reads them where they stand
_LIBRARIES = ("population", "legal_entity", "credit", "licence", "libraries")
_WITHOUT = (
    "--exclude",
    *(f"fqn:weihai.{library}" for library in _LIBRARIES),
    "--exclude-resource-types",
    "test",
    "unit_test",
)
_SCORECARD = "int_scorecard__canonical"


class ReplayError(UserError):
    """The run could not be computed again."""


@dataclass(frozen=True)
class Replay:
    """A run's scorecard as it was kept, and as it was computed again."""

    run: ComputedRun
    kept: bytes
    computed: bytes

    @property
    def is_same(self) -> bool:
        """Whether they are equal to the byte."""
        return self.kept == self.computed


@dataclass(frozen=True)
class ArchiveCheck:
    """The archived files that a run rests on: how many, which are gone, which are not what they were."""

    files: int
    missing: tuple[str, ...]
    altered: tuple[str, ...]


def replay(settings: Settings, run_id: str) -> Replay:
    """Compute a run's scorecard again; the published one is not touched.

    Raises:
        NoRunError: there is no such run.
        NoExportError, NoRulesError: its export or its rules were not kept.
        ReplayError: the rules of then could not be run.
    """
    with connect(settings.dsn()) as connection:
        run = computed_run(connection, run_id)
        kept = export.kept(connection, run_id)
    with (
        tempfile.TemporaryDirectory(prefix="weihai-replay-") as scratch,
        _place(settings, run) as prefix,
    ):
        folder = Path(scratch)
        with connect(settings.dsn()) as connection:
            rules.restore(connection, run.rule_version, folder)
        project = models.Project(folder / "dbt_project", folder / rules.GENERATED, folder / "target", prefix)
        arguments = ["build", "--select", f"+{_SCORECARD}", *_WITHOUT]
        report = models.run_dbt(settings, arguments, project, whole_tables=True)
        if report.failed:
            raise ReplayError(f"运行 {run_id} 当时的规则现在无法执行：{'、'.join(report.failed)}")
        with connect(settings.dsn()) as connection:
            computed = export.canonical(connection, f"{prefix}mart")
    return Replay(run, kept, computed)


@contextmanager
def _place(settings: Settings, run: ComputedRun) -> Iterator[str]:
    """Make the schemas of a replay, in which its run is the one being built; nothing of them is left afterwards."""
    prefix = f"replay_{secrets.token_hex(4)}_"
    mart = sql.Identifier(f"{prefix}mart")
    try:
        with connect(settings.dsn()) as connection:
            connection.execute(sql.SQL("create schema {}").format(mart))
            connection.execute(
                sql.SQL(
                    "create table {mart}.run as select * from mart.run where run_id = {run};"
                    "create view {mart}.current_run as select run_id, as_of, known_at, parameters from {mart}.run;"
                    "create view {mart}.latest_run as"
                    " select as_of, run_id, known_at, verdict, finished_at from {mart}.run"
                ).format(mart=mart, run=sql.Literal(run.run_id))
            )
        yield prefix
    finally:
        with connect(settings.dsn()) as connection:
            _drop(connection, prefix)


def _drop(connection: Connection, prefix: str) -> None:
    schemas = connection.execute(
        "select nspname from pg_namespace where starts_with(nspname, %s)", (prefix,)
    ).fetchall()
    for (schema,) in schemas:
        connection.execute(sql.SQL("drop schema {} cascade").format(sql.Identifier(schema)))


def check_archive(settings: Settings, run_id: str) -> ArchiveCheck:
    """Hash the archived files of the deliveries that a run rests on; one from which somebody was erased is let pass."""
    with connect(settings.dsn()) as connection:
        found = connection.execute(
            "select distinct file.sha256 from mart.indicator_source_run as source"
            " inner join quality.batch_file as file on source.batch_id = file.batch_id"
            " where source.run_id = %s order by 1",
            (run_id,),
        ).fetchall()
    missing, altered = [], []
    for (sha256,) in found:
        path = content_path(settings.archive, sha256)
        if not path.is_file():
            missing.append(sha256)
            continue
        with path.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != path.name:
                altered.append(sha256)
    return ArchiveCheck(len(found), tuple(missing), tuple(altered))
