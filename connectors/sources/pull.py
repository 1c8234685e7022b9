"""A pull: a source read to its end, written as one Parquet file, and put into the landing zone as a delivery."""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pyarrow.parquet as pq

from connectors import landing
from connectors.as_of import CITY_TIME, last_period_end
from connectors.contract import Contract
from connectors.database import Connection, connect
from connectors.settings import Settings
from connectors.sources import http, sql, state
from connectors.sources.endpoint import Endpoint
from connectors.sources.errors import SourceError
from connectors.sources.model import HttpSource, Source, SqlSource
from connectors.sources.rows import Rows
from connectors.sources.watermark import Watermark

Progress = Callable[[int, int], None]
"""Called with rows written so far and rows in all."""


@dataclass(frozen=True)
class PullReport:
    """What a pull came to.

    Attributes:
        outcome: `delivered`; `unchanged`: the same as what was applied last; `empty`: nothing new; `waiting`: the last
            delivery is not worked off yet; `held`: it waits for a person; `busy`: another process is reading.
        rows: read from the source.
        sentence: the same for people, without values of records.
    """

    contract_id: str
    outcome: Literal["delivered", "unchanged", "empty", "waiting", "held", "busy"]
    rows: int
    as_of: date
    sentence: str


def connection_id(contract: Contract) -> str:
    """Return the id of the Airflow connection that a contract's source names."""
    return source_of(contract).connection.replace("{department}", contract.department)


def source_of(contract: Contract) -> Source:
    """Return a contract's source.

    Raises:
        SourceError: it has none.
    """
    if contract.source is None:
        raise SourceError(f"契约 {contract.id} 没有写来源（source），由部门报送文件")
    return contract.source


def pull(
    settings: Settings,
    contract: Contract,
    endpoint: Endpoint,
    *,
    now: datetime,
    as_of: date | None = None,
    from_start: bool = False,
    progress: Progress | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> PullReport:
    """Read a contract's source and deliver what it holds, all of it or nothing.

    Args:
        settings: the home.
        contract: with a source.
        endpoint: the source's connection, resolved.
        now: aware.
        as_of: business date of the delivery; None means the last period end of the contract's cycle.
        from_start: read everything, whatever the watermark says.
        progress: told how far it is.
        sleep: waits between tries of an HTTP request.

    Raises:
        SourceError: the source could not be read to its end; nothing was delivered.
    """
    day = as_of or last_period_end(contract.cycle, now.astimezone(CITY_TIME).date())
    with connect(settings.dsn(), autocommit=True) as connection, state.only_one(connection, contract) as free:
        if not free:
            return PullReport(contract.id, "busy", 0, day, "另一个进程正在读取")
        if (open_one := state.waiting(connection, settings, contract)) is not None:
            where = f"批次 {open_one.batch_id}" if open_one.batch_id is not None else "收件区中的文件"
            if open_one.status == "held":
                return PullReport(contract.id, "held", 0, day, f"上次读取的{where}等待放行或退回，之后再读取")
            return PullReport(contract.id, "waiting", 0, day, f"上次读取的{where}尚未处理，之后再读取")
        with _folder(settings, contract) as folder:
            attempt = _Pull(settings, contract, connection, endpoint, folder, now, day, progress, sleep)
            return attempt.run(from_start=from_start)


@contextmanager
def _folder(settings: Settings, contract: Contract) -> Iterator[Path]:
    """A private folder of the source's own, without what a killed pull left in it."""
    settings.pulling.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = settings.pulling / contract.id
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@dataclass(frozen=True)
class _Pull:
    settings: Settings
    contract: Contract
    connection: Connection
    endpoint: Endpoint
    folder: Path
    now: datetime
    as_of: date
    progress: Progress | None
    sleep: Callable[[float], None]

    def run(self, *, from_start: bool) -> PullReport:
        source = source_of(self.contract)
        digest = source.digest if isinstance(source, SqlSource) else ""
        since = None if from_start else state.known_until(self.connection, self.contract, digest)
        pull_id = state.next_number(self.connection)
        path = self.folder / f"{self.contract.extract}_{self.as_of:%Y%m%d}_{pull_id}.parquet"
        with self._opened(source, since) as rows:
            is_empty = rows.expected == 0 and self.contract.mode != "full"
            if rows.expected == 0 and not rows.columns:
                self._refuse_nothing()
            sha256 = "" if is_empty else self._write(rows, path)
        outcome: state.Outcome = (
            "empty"
            if is_empty
            else "unchanged"
            if state.is_applied(self.connection, self.contract, sha256, self.as_of)
            else "delivered"
        )
        delivered = outcome == "delivered"
        state.record(
            self.connection,
            self.contract,
            pull_id=pull_id,
            digest=digest,
            now=self.now,
            as_of=self.as_of,
            outcome=outcome,
            rows=rows.expected,
            file=(path.name, sha256) if delivered else None,
            newest=rows.newest if delivered else None,
        )
        if delivered:
            landing.drop(self.settings, self.contract.department, self.contract.extract, [path], as_of=self.as_of)
        return PullReport(self.contract.id, outcome, rows.expected, self.as_of, self._sentence(outcome, rows.expected))

    def _opened(self, source: Source, since: Watermark | None) -> AbstractContextManager[Rows]:
        match source:
            case SqlSource():
                return sql.opened(source, self.endpoint, since=since, now=self.now)
            case HttpSource():
                return http.opened(
                    source,
                    self.endpoint,
                    folder=self.folder,
                    as_of=self.as_of,
                    now=self.now,
                    limits=self.settings.limits,
                    sleep=self.sleep,
                )

    def _refuse_nothing(self) -> None:
        """A full list without records would withdraw all; without columns it cannot even be answered as a file."""
        if self.contract.mode == "full":
            raise SourceError("接口没有返回任何记录；为免撤回全部记录，未作接收")

    def _write(self, rows: Rows, path: Path) -> str:
        """Write the rows batch by batch and return the file's SHA-256."""
        written = 0
        with pq.ParquetWriter(path, pa.schema([(name, pa.string()) for name in rows.columns])) as writer:
            for batch in rows.batches:
                writer.write_batch(batch)
                written += len(batch)
                if self.progress is not None:
                    self.progress(written, rows.expected)
        if written != rows.expected:
            raise SourceError(f"来源应有 {rows.expected:,} 行，只读到 {written:,} 行，未作接收")
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def _sentence(self, outcome: state.Outcome, rows: int) -> str:
        match outcome:
            case "delivered":
                return f"读取 {rows:,} 行，已放入收件区，数据日期 {self.as_of}"
            case "unchanged":
                return f"读取 {rows:,} 行，与最近入库的内容和数据日期相同，不再报送"
            case "empty":
                return "没有新的记录"
