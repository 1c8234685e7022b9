"""The life of a delivery: received, staged, decided, answered. Every step may be killed and run again."""

from __future__ import annotations

import errno
import logging
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

import psycopg

from connectors import apply, archive, batches, reading, receipts, splitting, staging
from connectors.batches import Batch, BatchFile
from connectors.contract import Contract, Contracts
from connectors.database import Connection, connect, is_server_trouble
from connectors.delivery_names import safe_name
from connectors.errors import RefusedError, UserError
from connectors.headers import HeaderError
from connectors.landing import Delivery
from connectors.ledger import Ledger, LedgerError
from connectors.objections import following
from connectors.privacy import keyed_hash, mask_identifiers, record_key_secret
from connectors.raw_migration import MigrationRefusedError
from connectors.readers import UnreadableFileError
from connectors.receipts import content, place, summary
from connectors.settings import Settings
from connectors.sql_text import execute, one

_BATCH_LOCK = 371_000_003
_MACHINE_TROUBLES = {errno.ENOSPC, errno.EFBIG, errno.EIO, errno.EDQUOT, errno.EROFS, errno.EMFILE, errno.ENFILE}
"""Troubles of the machine, not of the delivered file."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class GateVerdict:
    """What the gate says about a staged batch.

    Attributes:
        score: 0–1, None where nothing was checked.
        reasons: Chinese sentences, without values of cells.
    """

    batch_id: int
    passed: bool
    score: float | None
    reasons: tuple[str, ...]


def receive(settings: Settings, contracts: Contracts, delivery: Delivery, *, run_id: str, now: datetime) -> int:
    """Archive, register and stage one delivery, and take it from the inbox; return its batch id.

    The batch ends `staged`, `rejected` or `duplicate`; the latter two are answered. A delivery that a killed run had
    begun goes on under its own batch id.

    Raises:
        NotWholeError: a file is gone or still being written; nothing was registered.
    """
    with ThreadPoolExecutor(1) as other:
        recalled = other.submit(reading.recall, settings, contracts, delivery)
        stored = [archive.copy(settings.archive, f.path) for f in delivery.files]
    names = place.Names(
        files=tuple(f.name for f in delivery.files),
        paths=tuple(f.path.relative_to(settings.landing).as_posix() for f in delivery.files),
        looks=tuple((s.size_bytes, s.mtime_ns) for s in stored),
    )
    shas = [s.sha256 for s in stored]
    key = _delivery_key(settings, delivery, shas)
    place.remember(settings.landing, delivery.department, key, names)
    parts = [
        BatchFile(n, _shown(f.name), s.sha256, s.size_bytes, f.part, f.parts)
        for n, (f, s) in enumerate(zip(delivery.files, stored, strict=True), 1)
    ]
    with connect(settings.dsn()) as connection:
        batch_id = batches.register(
            connection,
            delivery_key=key,
            department=delivery.department,
            extract=delivery.extract,
            files=parts,
            sha256=reading.delivery_sha256(shas),
            as_of=delivery.as_of,
            scope=delivery.scope,
            problem=delivery.problem,
            run_id=run_id,
            now=now,
        )
    return resume(settings, contracts, batch_id, run_id=run_id, now=now, recalled=recalled)


def unfinished(settings: Settings) -> list[int]:
    """Return the batches that still need a step: received, staged, or decided but not answered; in as-of order."""
    with connect(settings.dsn()) as connection:
        rows = connection.execute(
            "select batch_id from quality.batch where status in ('received', 'staged')"
            " or (answered_at is null and delivery_key is not null) order by as_of nulls first, batch_id"
        )
        return [batch_id for (batch_id,) in rows]


def resume(
    settings: Settings,
    contracts: Contracts,
    batch_id: int,
    *,
    run_id: str,
    now: datetime,
    recalled: Future[reading.Recalled | None] | None = None,
) -> int:
    """Bring a batch as far as it goes without a verdict, wherever it was left; return its id.

    Args:
        settings: the home.
        contracts: all there are.
        batch_id: of the batch.
        run_id: of the run that works on it.
        now: the time.
        recalled: what was looked up while the delivery was copied into the archive; None where that was another time.

    Raises:
        NotWholeError: the archive lost the delivery before it was durable; it still lies in the inbox.
    """
    with _desk(settings, contracts, batch_id, now) as desk, ThreadPoolExecutor(1) as other:
        batch = desk.batch()
        if not batch.is_taken and recalled is None:
            if not desk.is_archived(batch):
                return batch_id
            batch = desk.batch()
        if not batch.is_taken:
            desk.taking = other.submit(desk.take, batch, desk.shas)
        if batch.status == "staged" and not desk.is_ready(batch):
            desk.update(status="received", run_id=run_id)
        if desk.batch().status == "received":
            desk.stage_or_answer(recalled)
        elif batch.status != "staged" and batch.answered_at is None:
            desk.answer()
        desk.finish_taking()
    return batch_id


def decide(settings: Settings, contracts: Contracts, verdict: GateVerdict, *, now: datetime) -> str:
    """Apply a staged batch or hold it, and answer; return its status. A batch decided before keeps its status.

    Batches of one extract are to be decided in (as_of, batch id) order; one whose staging was lost in a crash, or
    whose contract has changed, goes back to `received` and is read again by the next run.
    """
    with _desk(settings, contracts, verdict.batch_id, now) as desk:
        batch = desk.batch()
        if batch.status == "staged":
            # the processor has little to do here while the database applies
            with ThreadPoolExecutor(1) as other:
                shown = other.submit(receipts.look_up, settings, batch)
                if not desk.is_ready(batch):
                    desk.update(status="received")
                    return "received"
                reasons = verdict.reasons
                if not verdict.passed or (reasons := desk.apply()):
                    desk.update(status="held", summary=summary.held(reasons), decided_at=now)
            desk.answer(shown.result())
        elif batch.answered_at is None:
            desk.answer()
        return desk.batch().status


def release(settings: Settings, contracts: Contracts, batch_id: int, *, actor: str, why: str, now: datetime) -> str:
    """Apply a held batch on a person's word, recorded in `quality.event`; return its status.

    Raises:
        UserError: the batch is not held, no reason is given, or the delivery can no longer be read.
    """
    with _desk(settings, contracts, batch_id, now) as desk:
        batch = desk.held_batch(why)
        if not desk.is_ready(batch):
            desk.stage_again(batch)
        desk.apply(released_by=(actor, why))
        desk.answer()
        return desk.batch().status


def refuse(settings: Settings, contracts: Contracts, batch_id: int, *, actor: str, why: str, now: datetime) -> str:
    """Turn a held batch down on a person's word, recorded in `quality.event`; return its status.

    Raises:
        UserError: the batch is not held, or no reason is given.
    """
    with _desk(settings, contracts, batch_id, now) as desk:
        desk.held_batch(why)
        apply.lock(desk.connection)
        apply.next_event(desk.connection, "refuse", batch_id, actor=actor, why=why, now=now)
        desk.update(status="rejected", summary=summary.refused(), decided_at=now, answered_at=None)
        desk.answer()
        return desk.batch().status


@contextmanager
def _desk(settings: Settings, contracts: Contracts, batch_id: int, now: datetime) -> Iterator[_Desk]:
    """A desk at which no other process works on the batch."""
    with connect(settings.dsn()) as connection:
        connection.execute("select pg_advisory_lock(%s, %s::integer)", (_BATCH_LOCK, batch_id))
        connection.commit()
        yield _Desk(settings, contracts, connection, batch_id, now)


@dataclass
class _Desk:
    """One batch, worked on by one process.

    Attributes:
        taking: the delivery on its way out of the inbox; before anything is answered it is out.
    """

    settings: Settings
    contracts: Contracts
    connection: Connection
    batch_id: int
    now: datetime
    taking: Future[None] | None = None

    def batch(self) -> Batch:
        """Return the batch as it stands, leaving no transaction open."""
        found = batches.load(self.connection, self.batch_id)
        self.connection.commit()
        return found

    @cached_property
    def shas(self) -> list[str]:
        """SHA-256 of the delivered files."""
        found = [file.sha256 for file in batches.files(self.connection, self.batch_id)]
        self.connection.commit()
        return found

    def update(self, **values: Any) -> None:
        """Set columns of the batch; commits."""
        batches.update(self.connection, self.batch_id, **values)
        self.connection.commit()

    def take(self, batch: Batch, shas: Sequence[str]) -> None:
        """Remove the files from the inbox once their copies in the archive are durable; uses no connection."""
        for sha256 in shas:
            archive.keep(self.settings.archive, sha256)
        names = place.recall(self.settings.landing, batch.department, batch.delivery_key)
        if names is not None:
            place.take(self.settings.landing, names)

    def finish_taking(self) -> None:
        """Wait until the delivery is out of the inbox."""
        if self.taking is not None:
            self.taking.result()
            self.taking = None
            self.update(is_taken=True)

    def is_archived(self, batch: Batch) -> bool:
        """Say whether the archive holds a delivery that another run began; one that nobody has any more is answered.

        Raises:
            NotWholeError: it does not, and the delivery still lies in the inbox: it can be copied once more.
        """
        if all(archive.is_whole(self.settings.archive, sha256) for sha256 in self.shas):
            return True
        is_open = batch.status in ("received", "staged")
        if is_open:
            self.update(status="received")
        names = place.recall(self.settings.landing, batch.department, batch.delivery_key)
        if names is not None and place.lies_there(self.settings.landing, names):
            raise archive.NotWholeError("上次归档没有完成")
        if is_open:
            self.reject("系统在保存这次报送时中断，文件没有保存完整，请重新报送。")
        self.update(is_taken=True)
        return not is_open

    def is_ready(self, batch: Batch) -> bool:
        """Say whether what is staged is complete and was read under the present contract."""
        ready = self.contract(batch).version == batch.contract_version and reading.is_whole(self.connection, batch)
        self.connection.commit()
        return ready

    def contract(self, batch: Batch) -> Contract:
        """Return the batch's contract.

        Raises:
            UserError: there is none any more.
        """
        contract = self.contracts.get(batch.contract_id or "")
        if contract is None:
            what = f"批次 {batch.batch_id} 的数据 {batch.contract_id} 已没有契约，无法入库"
            raise UserError(f"{what}；请恢复契约，或用 weihai refuse 退回")
        return contract

    def held_batch(self, why: str) -> Batch:
        """Return the batch if it is held and there is a reason to decide about it."""
        if not why.strip():
            raise UserError("请用 --why 写明理由")
        batch = self.batch()
        if batch.status != "held":
            state = content.STATUS_WORDS[batch.status]
            raise UserError(f"批次 {batch.batch_id} 的状态是“{state}”，只有暂缓入库的批次可以放行或退回")
        return batch

    def stage_or_answer(self, recalled: Future[reading.Recalled | None] | None) -> None:
        """Stage a received batch, or answer why that cannot be; one file never stops the others."""
        batch = self.batch()
        try:
            if batch.summary is not None:
                self.reject(batch.summary)
            else:
                known = None if recalled is None else recalled.result()
                reading.stage(self.settings, self.contracts, batch, now=self.now, recalled=known)
        except reading.DuplicateError as error:
            self.finish_duplicate(error.original)
        except MigrationRefusedError as error:
            self.update(status="held", summary=summary.waits_for_contract(str(error)), decided_at=self.now)
            self.answer()
        except (RefusedError, HeaderError, UnreadableFileError) as error:
            self.reject(mask_identifiers(str(error)))
        except Exception as error:
            if self.is_ours(error):
                raise
            name = type(error).__name__
            log.error("batch %s could not be processed: %s", self.batch_id, name)
            self.reject(f"系统无法处理这个文件（{name}），请联系数据管理员并告知批次号 {self.batch_id}。")

    def stage_again(self, batch: Batch) -> None:
        """Read a held batch from the archive once more; it stays held."""
        try:
            reading.stage(self.settings, self.contracts, batch, now=self.now)
        except (RefusedError, UserError, reading.DuplicateError) as error:
            raise UserError(f"批次 {batch.batch_id} 已无法按现行契约重新读取：{error}") from error
        finally:
            self.update(status="held")

    def is_ours(self, error: Exception) -> bool:
        """Say whether the machine or the database failed rather than the file."""
        if is_server_trouble(error) or (isinstance(error, OSError) and error.errno in _MACHINE_TROUBLES):
            return True
        try:
            with connect(self.settings.dsn()) as connection:
                connection.execute("select 1")
        except psycopg.Error:
            return True
        return False

    def reject(self, reason: str) -> None:
        """Answer a delivery that cannot be taken; findings made on its rows are kept for the receipt."""
        batch = self.batch()
        contract = self.contracts.get(batch.contract_id or "")
        execute(self.connection, "delete from quality.issue where batch_id = %(batch)s", {"batch": self.batch_id})
        self.connection.execute(
            "insert into quality.issue (batch_id, rule, dimension, severity, message)"
            " values (%s, 'file.unusable', '0302', 'critical', %s)",
            (self.batch_id, reason),
        )
        if contract is not None and staging.exists(self.connection, self.batch_id):
            reading.copy_issues(self.connection, contract, self.batch_id)
        self.update(status="rejected", summary=summary.rejected(reason), decided_at=self.now)
        self.answer()

    def finish_duplicate(self, original: Batch) -> None:
        """The same rows as before: every row that can be used is a duplicate."""
        facts: dict[str, Any] = {}
        if (ledger := original.ledger) is not None:
            counted = splitting.Split(0, 0, ledger.read - ledger.rejected, 0, None, 0)
            facts = batches.ledger_values(reading.ledger_of(ledger, counted))
        if original.as_of is None:
            raise RuntimeError("an applied batch has an as-of date")
        text = summary.duplicate(original.batch_id, original.as_of)
        self.update(status="duplicate", summary=text, decided_at=self.now, **facts)
        self.answer()

    def answer(self, shown: receipts.Shown | None = None) -> None:
        """Write the receipts; drop staging and the kept names once nothing more can come of the batch."""
        self.finish_taking()
        batch = self.batch()
        receipts.write(self.settings, self.connection, self.contracts, batch, shown)
        others = one(
            self.connection,
            "select exists (select from quality.batch where delivery_key = %(key)s and batch_id <> %(batch)s"
            " and (status in ('received', 'staged', 'held') or answered_at is null))",
            {"key": batch.delivery_key, "batch": self.batch_id},
        )[0]
        if batch.status != "held":
            if not others:
                place.forget(self.settings.landing, batch.department, batch.delivery_key)
            staging.drop(self.connection, self.batch_id)
        self.update(answered_at=self.now)

    def apply(self, *, released_by: tuple[str, str] | None = None) -> tuple[str, ...]:
        """Apply the batch in one transaction: all of it or nothing.

        Args:
            released_by: actor and reason, where a person decided.

        Returns:
            Why it is not applied after all: since the gate another delivery was applied, of which this one would
            withdraw too much. Empty where it is applied.
        """
        with self.connection.transaction():
            apply.lock(self.connection)
            batch = batches.load(self.connection, self.batch_id, for_update=True)
            contract = self.contract(batch)
            if batch.as_of is None:
                raise RuntimeError("a staged batch has an as-of date")
            ledger, before = self._present_ledger(batch, contract)
            if released_by is None and splitting.loses_too_much(contract, withdrawn=ledger.withdrawn, in_force=before):
                return (summary.loss(ledger.withdrawn, before or 0, contract.maximum_loss),)
            actor, why = released_by or ("gate", "")
            if released_by is not None:
                apply.next_event(self.connection, "release", self.batch_id, actor=actor, why=why, now=self.now)
            seq = apply.next_event(self.connection, "apply", self.batch_id, actor=actor, why="", now=self.now)
            application = apply.Application(contract, self.batch_id, batch.as_of, seq, self.now)
            opened, ended = apply.apply_versions(self.connection, application)
            self._check_applied(ledger, opened, ended)
            issues = self._issues()
            text = summary.accepted(
                ledger, issues, as_of=batch.as_of, source=batch.as_of_source, released=released_by is not None
            )
            batches.update(
                self.connection,
                self.batch_id,
                applied_seq=seq,
                status="accepted" if issues == 0 and ledger.rejected == 0 else "accepted_with_issues",
                summary=text,
                decided_at=self.now,
                answered_at=None,
            )
            following.follow(self.connection, contract, now=self.now)
        return ()

    def _present_ledger(self, batch: Batch, contract: Contract) -> tuple[Ledger, int | None]:
        """The ledger, and the records in force in its scope, as of now: others may have been applied since staging."""
        ledger = batch.ledger
        if ledger is None:
            raise RuntimeError("a staged batch has a ledger")
        if splitting.known_seq(self.connection, contract) == batch.split_seq:
            return ledger, batch.rows_in_force
        split = reading.resplit(self.settings, self.connection, contract, batch)
        ledger = reading.ledger_of(ledger, split)
        facts = batches.ledger_values(ledger)
        batches.update(self.connection, self.batch_id, **facts, rows_in_force=split.in_force, split_seq=split.known_seq)
        return ledger, split.in_force

    def _check_applied(self, ledger: Ledger, opened: int, ended: int) -> None:
        ledger.check()
        gone = int(one(self.connection, f"select count(*) from {staging.table(self.batch_id, '_gone')}")[0])
        if opened + ended != ledger.loaded + gone or ended != ledger.withdrawn:
            raise LedgerError(
                f"入库后行数不平：新开 {opened}、结束 {ended}，应入库 {ledger.loaded}、撤回 {ledger.withdrawn}"
            )

    def _issues(self) -> int:
        row = one(
            self.connection,
            "select count(*) from quality.issue where batch_id = %(batch)s and severity <> 'info'",
            {"batch": self.batch_id},
        )
        return int(row[0])


def _delivery_key(settings: Settings, delivery: Delivery, shas: list[str]) -> str:
    said = (
        delivery.folder,
        delivery.extract,
        [(f.name, f.part, f.parts, sha) for f, sha in zip(delivery.files, shas, strict=True)],
        delivery.as_of,
        delivery.scope,
    )
    return keyed_hash(record_key_secret(settings), repr(said))


def _shown(name: str) -> str:
    return mask_identifiers(safe_name(name))
