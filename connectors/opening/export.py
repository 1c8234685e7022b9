"""Releasing the open data: decided, recorded, and written as one folder that is exchanged whole."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from psycopg.types.json import Jsonb

from connectors import chain
from connectors.contract import Contracts
from connectors.database import Connection
from connectors.departments import department_names
from connectors.opening import counting, dcat, dictionary, files
from connectors.opening.datasets import OpenDataset, open_datasets
from connectors.opening.declaration import Aggregate
from connectors.opening.suppression import UnprotectableError, release
from connectors.opening.views import follow
from connectors.settings import Settings

_LOCK = 371_000_023


@dataclass
class Exported:
    """What an export did.

    Attributes:
        released: data sets whose content is another than that of their latest release.
        empty: data sets of which nothing was delivered yet, or may be said.
        kept_back: tables of counts of which nothing new may be said, and why.
    """

    released: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    empty: list[str] = field(default_factory=list)
    kept_back: dict[str, str] = field(default_factory=dict)
    head: chain.Head | None = None


@dataclass(frozen=True)
class Moment:
    """As of which business date, when and by whom is released."""

    as_of: date
    now: datetime
    actor: str


def export(
    settings: Settings, connection: Connection, contracts: Contracts, moment: Moment, folder: Path | None = None
) -> Exported:
    """Release what changed and write all open data into a folder, replacing it whole.

    Args:
        connection: to the warehouse, as its owner, in autocommit mode.
        folder: `settings.open_data` if None.
    """
    place = settings.open_data if folder is None else folder
    fresh = place.with_name(f".{place.name}.{uuid.uuid4().hex[:8]}")
    (fresh / dcat.DATA_FOLDER).mkdir(parents=True)
    try:
        done = Exported()
        with connection.transaction():
            connection.execute("select pg_advisory_xact_lock(%s)", (_LOCK,))
            connection.execute("set local datestyle to iso")
            follow(connection, contracts)
            datasets = [d for d in open_datasets(contracts) if _is_there(connection, d)]
            _list(connection, open_datasets(contracts))
            releasing = _Releasing(connection, contracts, moment, fresh / dcat.DATA_FOLDER, done)
            for dataset in datasets:
                releasing.release(dataset)
        published = _published(connection, [d for d in datasets if d.id not in done.empty])
        if published:
            done.head = chain.of_open_release(connection)
            assert done.head is not None
            catalogue = dcat.document(published, done.head)
            (fresh / "catalog.jsonld").write_text(dcat.text(catalogue), encoding="utf-8", newline="\n")
        dictionary.write([p.dataset for p in published], contracts.codes, fresh)
        _exchange(fresh, place)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    if done.released:
        chain.note(settings, connection)
    return done


def _is_there(connection: Connection, dataset: OpenDataset) -> bool:
    """Whether the relation that a data set is read from exists."""
    source = dataset.source
    relation = source.counts if isinstance(source, Aggregate) else f"raw.{source.id}"
    row = connection.execute("select to_regclass(%s) is not null", (relation,)).fetchone()
    return row == (True,)


def _list(connection: Connection, datasets: Sequence[OpenDataset]) -> None:
    """Make `catalogue.open_dataset` say what is opened today; what left it keeps its releases."""
    names = department_names()
    connection.execute("delete from catalogue.open_dataset")
    with connection.cursor() as cursor:
        cursor.executemany(
            "insert into catalogue.open_dataset values (%s, %s, %s, %s, %s, %s, %s, %s)",
            [
                (d.id, d.kind, d.title, d.description, d.category, d.department, names[d.department], d.cycle)
                for d in datasets
            ],
        )


@dataclass(frozen=True)
class _Releasing:
    """One export at work."""

    connection: Connection
    contracts: Contracts
    moment: Moment
    folder: Path
    done: Exported

    def release(self, dataset: OpenDataset) -> None:
        """Write a data set, and record its release where its content is new."""
        number = self._next_number()
        source = dataset.source
        withheld = self._decide(source, number) if isinstance(source, Aggregate) else None
        written = files.write(self.connection, dataset, self.folder)
        if written.rows == 0:
            self.done.empty.append(dataset.id)
            return
        latest = self.connection.execute(
            "select files from catalogue.open_release where dataset_id = %s order by release_id desc limit 1",
            (dataset.id,),
        ).fetchone()
        if latest == (list(written.files),):
            self.done.unchanged.append(dataset.id)
            return
        as_of = self.moment.as_of if isinstance(source, Aggregate) else _as_of(self.connection, dataset)
        self.connection.execute(
            "insert into catalogue.open_release overriding system value values (%s, %s, %s, %s, %s, %s, %s, %s)",
            (
                number,
                dataset.id,
                as_of or self.moment.as_of,
                self.moment.now,
                self.moment.actor,
                written.rows,
                withheld,
                Jsonb(list(written.files)),
            ),
        )
        self.done.released.append(dataset.id)

    def _next_number(self) -> int:
        row = self.connection.execute(
            "select nextval(pg_get_serial_sequence('catalogue.open_release', 'release_id'))"
        ).fetchone()
        assert row is not None
        number: int = row[0]
        return number

    def _decide(self, source: Aggregate, number: int) -> int:
        """Count a table and store what of it is published, unless it stands as it was; return how much is withheld."""
        codes = self.contracts.codes
        other = counting.other_definition(self.connection, source, codes)
        if other is not None:
            self.done.kept_back[source.id] = f"与已发布过的 {other} 统计同一总体而口径不同，两者相减会暴露个人"
            return 0
        figures = source.figures(codes)
        former = counting.former_releases(self.connection, source, figures)
        counts = counting.count(self.connection, source, codes, self.moment.as_of)
        if not former and not counts.any():
            return 0
        try:
            decided = release(figures, counts, former)
        except UnprotectableError:
            self.done.kept_back[source.id] = "没有既公布新数又不暴露以前未公布的数的办法，沿用上一次发布"
            decided = former[-1]
        if not former or decided is not former[-1]:
            counting.remember(self.connection, source, codes, number, decided)
        return int((~decided.published).sum())


def _as_of(connection: Connection, dataset: OpenDataset) -> date | None:
    """Return the latest business date that an extract was accepted for."""
    row = connection.execute(
        "select max(as_of) from quality.batch where department || '__' || extract = %s and applied_seq is not null",
        (dataset.id,),
    ).fetchone()
    return row[0] if row else None


def _published(connection: Connection, datasets: Sequence[OpenDataset]) -> list[dcat.Published]:
    rows = connection.execute(
        "select dataset_id, publisher, as_of, issued_on, (released_at at time zone 'Asia/Shanghai')::date,"
        " record_count, files from catalogue.open_data"
    )
    found: Mapping[str, Sequence[Any]] = {row[0]: row[1:] for row in rows}
    return [dcat.Published(dataset, *found[dataset.id]) for dataset in datasets]


def _exchange(fresh: Path, place: Path) -> None:
    """Put the new folder in the place of the old one."""
    old = fresh.with_name(f"{fresh.name}.old")
    if place.exists():
        place.rename(old)
    fresh.rename(place)
    shutil.rmtree(old, ignore_errors=True)
