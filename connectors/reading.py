"""From archived files to a staged batch: read, recognise, check, load, number, judge what needs all rows, account."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

from connectors import archive, as_of, batches, first_delivery, known_rows, raw_tables, scopes, splitting, staging
from connectors.batches import Batch, BatchFile
from connectors.checks import CheckResult, CheckTotals, check
from connectors.contract import Contract, Contracts
from connectors.database import Connection, connect
from connectors.errors import RefusedError
from connectors.known_rows import KnownRows, Notes
from connectors.landing import Delivery
from connectors.ledger import Ledger
from connectors.normalise import Context
from connectors.privacy import mask_identifiers, mask_kind, record_key_secret
from connectors.raw_migration import MigrationRefusedError
from connectors.readers import TextFile, open_file
from connectors.repeats import KEY, Repeated, Repeats
from connectors.segments import Segments, findings_of_all
from connectors.settings import Settings
from connectors.splitting import Seen, Split
from connectors.sql_text import execute
from connectors.tables import Table, find_tables, is_receipt

_LARGE_BYTES = 16 * 1024**2
"""A first delivery of so much is staged in the table that becomes the raw table."""


@dataclass(frozen=True)
class DuplicateError(Exception):
    """The same content is what was applied last."""

    original: Batch


@dataclass(frozen=True)
class _Totals:
    """The totals of all parts together."""

    physical: int
    header: int
    skipped: Mapping[str, int]
    read: int
    rejected: int
    results: tuple[CheckResult, ...]


@dataclass(frozen=True)
class _Read:
    """What is known once all rows are staged.

    Attributes:
        totals: of all parts.
        table: the first part's.
        day: the business date.
        repeated: `Repeats.found`.
        seen: for the split.
    """

    totals: _Totals
    table: Table
    day: date
    repeated: Mapping[str, Repeated]
    seen: Seen


@dataclass(frozen=True)
class _Memory:
    """What earlier deliveries tell about rows, and what this one will tell.

    Attributes:
        since: the extract's last application when the known rows were looked up.
    """

    known: KnownRows | None = None
    notes: Notes | None = None
    since: int | None = None

    def seen(self, repeated: Mapping[str, Repeated], rows: int) -> Seen:
        """Return what the split may know of so many staged rows."""
        sharing = repeated[KEY].rows if KEY in repeated else None
        return Seen(sharing, self.since, None if self.known is None else self.known.absent(staging.FEW_ROWS), rows)

    def finish(self) -> None:
        """Note no more."""
        if self.notes is not None:
            self.notes.finish()

    def keep(self) -> None:
        """Keep the notes for the next delivery."""
        if self.notes is not None:
            self.notes.keep()

    def close(self) -> None:
        """Drop notes that were not kept."""
        if self.notes is not None:
            self.notes.close()


def delivery_sha256(shas: Sequence[str]) -> str:
    """Return the hash of a delivery: its file's, or that of its parts' hashes in order."""
    return shas[0] if len(shas) == 1 else hashlib.sha256("\n".join(shas).encode()).hexdigest()


def stage(
    settings: Settings, contracts: Contracts, batch: Batch, *, now: datetime, recalled: Recalled | None = None
) -> None:
    """Read a registered delivery from the archive into staging and settle its ledger; ends `staged`, committed.

    Args:
        settings: the home.
        contracts: all there are.
        batch: the delivery.
        now: no business date may lie after it.
        recalled: from `recall`.

    Raises:
        RefusedError, HeaderError, UnreadableFileError: it cannot be taken; the message is for the department.
        MigrationRefusedError: the raw table cannot follow the contract's new version.
        DuplicateError: department, extract, as-of date, scope and content equal the latest applied delivery.
    """
    with connect(settings.dsn()) as connection:
        # what a failing machine loses of staging is staged again: only the commits of others wait for the disk
        connection.execute("set synchronous_commit = off")
        parts = batches.files(connection, batch.batch_id)
        files, tables = _open(settings, contracts, batch, parts)
        contract = tables[0][1].contract
        found = _as_of(batch, contract, parts, [table for _, table in tables], now)
        batches.update(
            connection,
            batch.batch_id,
            extract=contract.extract,
            as_of=found.day,
            as_of_source=found.source,
            contract_version=contract.version,
            mode=contract.mode,
            header_match=_header_match(tables[0][1], Segments.of_tables(tables)),
            target=contract.quality_target,
        )
        connection.commit()
        if batch.scope:
            understood = scopes.understood(contract, batch.scope, Context(contracts.codes, found.day))
            batch = replace(batch, scope=understood)
        _refuse_duplicate(connection, batch, contract, found)
        staging.drop(connection, batch.batch_id)
        ensure_raw(connection, contracts, contract)
        with closing(_remember(settings, connection, contract, batch, day=found.day, recalled=recalled)) as memory:
            kept = _is_large(parts) and not raw_tables.has_rows(connection, contract)
            staging.create(connection, contract, batch.batch_id, with_same=memory.known is not None, kept=kept)
            repeats = Repeats(contract)
            totals = _load(
                settings, connection, contracts, batch, tables, day=found.day, repeats=repeats, memory=memory
            )
            with ThreadPoolExecutor(2) as others:
                noted, looked_for = others.submit(memory.finish), others.submit(repeats.found)
                connection.commit()
                for part, file in zip(parts, files, strict=True):
                    physical = sum(t.physical for (no, _), t in zip(tables, totals, strict=True) if no == part.file_no)
                    connection.execute(
                        "update quality.batch_file set rows_physical = %s, encoding = %s"
                        " where batch_id = %s and file_no = %s",
                        (physical, file.encoding, batch.batch_id, part.file_no),
                    )
                segments = Segments.of_tables(tables, [t.physical for t in totals])
                batches.update(connection, batch.batch_id, header_match=_header_match(tables[0][1], segments))
                repeated = looked_for.result()
                together = _together(totals)
                seen = memory.seen(repeated, together.read - together.rejected)
                read = _Read(together, tables[0][1], found.day, repeated, seen)
                with _indexed_meanwhile(settings, connection, contract, batch, kept=kept, repeated=repeated):
                    _settle(settings, connection, contract, batch, read)
                noted.result()
            memory.keep()


def resplit(settings: Settings, connection: Connection, contract: Contract, batch: Batch) -> Split:
    """Split a staged batch again, against what was applied since; commit is the caller's."""
    if batch.as_of is None:
        raise RuntimeError("a staged batch has an as-of date")
    secret = record_key_secret(settings)
    return splitting.split(connection, contract, batch.batch_id, as_of=batch.as_of, scope=batch.scope, secret=secret)


def is_whole(connection: Connection, batch: Batch) -> bool:
    """Say whether a staged batch's tables hold what its ledger says (unlogged tables are empty after a crash)."""
    ledger = batch.ledger
    if ledger is None or not staging.exists(connection, batch.batch_id):
        return False
    return splitting.holds(connection, batch.batch_id, ledger.loaded + ledger.unchanged + ledger.duplicate)


def ensure_raw(connection: Connection, contracts: Contracts, contract: Contract) -> None:
    """Make sure that the raw tables a delivery needs exist in their contract's present form; commits.

    Raises:
        MigrationRefusedError: the delivery's own table cannot follow its contract.
    """
    needed = {contract.id, *(r.extract for r in contract.rules.values() if r.kind == "reference")}
    stale = {c: contracts[c] for c in needed if not raw_tables.matches(connection, contracts[c])}
    refused = raw_tables.ensure_raw_tables(connection, stale).refused if stale else {}
    connection.commit()
    if contract.id in refused:
        raise MigrationRefusedError(refused[contract.id])


def ledger_of(totals: _Totals | Ledger, split: Split) -> Ledger:
    """Return the ledger of what was read and what the split makes of it."""
    return Ledger(
        physical=totals.physical,
        header=totals.header,
        skipped=dict(totals.skipped),
        read=totals.read,
        loaded=split.loaded,
        unchanged=split.unchanged,
        duplicate=split.duplicate,
        rejected=totals.rejected,
        withdrawn=split.withdrawn,
    )


def _open(
    settings: Settings, contracts: Contracts, batch: Batch, parts: Sequence[BatchFile]
) -> tuple[list[TextFile], list[tuple[int, Table]]]:
    """Open the files of a delivery; return them, and every table with the number of its file."""
    if batch.department is None:
        departments = "、".join(sorted({c.department for c in contracts.values()}))
        raise RefusedError(f"收件文件夹不属于任何部门，请放到本部门的收件箱重新报送（现有部门：{departments}）。")
    known = contracts.get(batch.contract_id or "")
    candidates = [known] if known is not None else list(contracts.of_department(batch.department))
    files = [open_file(archive.content_path(settings.archive, p.sha256), limits=settings.limits) for p in parts]
    found = [(part.file_no, find_tables(file, candidates)) for part, file in zip(parts, files, strict=True)]
    tables = [(file_no, table) for file_no, held in found for table in held]
    if len({table.contract.id for _, table in tables}) > 1:
        raise RefusedError("同一次报送的各份文件不是同一种数据，请分开报送。")
    if tables[0][1].contract.mode == "full" and any(map(is_receipt, files)):
        raise RefusedError(
            "这是回执工作簿，只有有问题的行，而本数据须报送完整清单；为免撤回其余记录，未作处理。"
            "请在本部门的完整文件中改正这些行，整份重新报送。"
        )
    return files, tables


def _is_large(parts: Sequence[BatchFile]) -> bool:
    return sum(part.size_bytes for part in parts) >= _LARGE_BYTES


def _as_of(
    batch: Batch, contract: Contract, parts: Sequence[BatchFile], tables: Sequence[Table], now: datetime
) -> as_of.AsOf:
    found = as_of.resolve(
        declared=batch.as_of if batch.as_of_source == "declared" else None,
        file_names=[p.file_name for p in parts],
        titles=[text for t in tables for text in t.preamble],
        cycle=contract.cycle,
        received_at=batch.received_at,
    )
    if found.day > now.astimezone(as_of.CITY_TIME).date():
        raise RefusedError(f"声明的数据日期 {found.day} 尚未到来，请改正后重新报送。")
    return found


def _refuse_duplicate(connection: Connection, batch: Batch, contract: Contract, found: as_of.AsOf) -> None:
    row = connection.execute(
        "select batch_id from quality.batch where department = %s and extract = %s and applied_seq is not null"
        " order by applied_seq desc limit 1",
        (contract.department, contract.extract),
    ).fetchone()
    if row is None:
        return
    latest = batches.load(connection, row[0])
    scope, before = batch.scope or {}, latest.scope or {}
    same_scope = scope == before or (not scope and before.keys() <= {"year"} & set(contract.key))
    if latest.sha256 == batch.sha256 and latest.as_of == found.day and same_scope:
        raise DuplicateError(latest)


@dataclass(frozen=True)
class Recalled:
    """Known rows looked up before their delivery is opened.

    Attributes:
        path: of what was noted.
        secret: under which it was sealed.
        since: the extract's last application before they were looked up.
        known: the rows, where any are known.
    """

    path: Path
    secret: str
    since: int
    known: KnownRows | None

    def holds(self, path: Path, secret: str) -> bool:
        """Say whether this is of the notes at the path, and neither they nor their secret went away since."""
        return self.path == path and self.secret == secret and (self.known is None or path.is_file())


def recall(settings: Settings, contracts: Contracts, delivery: Delivery) -> Recalled | None:
    """Look up the known rows of a delivery that is being archived; None where its contract or scope is not sure yet."""
    # hundreds of files are read for it; later they would wait while the disk makes the archive's copy durable
    known_rows.code_version()
    contract = contracts.get(f"{delivery.department}__{delivery.extract}")
    if contract is None or contract.mode != "full" or delivery.scope or delivery.problem is not None:
        return None
    with connect(settings.dsn()) as connection:
        return _recall(settings, connection, contract, None) if raw_tables.matches(connection, contract) else None


def _recall(settings: Settings, connection: Connection, contract: Contract, scope: scopes.Scope | None) -> Recalled:
    path, secret = known_rows.place(settings, contract, scope), record_key_secret(settings)
    since = splitting.known_seq(connection, contract)
    connection.commit()
    return Recalled(path, secret, since, known_rows.recall(path, secret, settings.dsn(), contract))


def _remember(
    settings: Settings,
    connection: Connection,
    contract: Contract,
    batch: Batch,
    *,
    day: date,
    recalled: Recalled | None,
) -> _Memory:
    """Other lists than full ones bring what changed: little of them is known. Of a late one nothing is."""
    if contract.mode != "full":
        return _Memory()
    path, secret = known_rows.place(settings, contract, batch.scope), record_key_secret(settings)
    notes = Notes(path, secret, known_rows.facts_of(contract, day), batch.batch_id)
    if splitting.is_late(connection, contract, day):
        return _Memory(notes=notes)
    if recalled is None or not recalled.holds(path, secret):
        recalled = _recall(settings, connection, contract, batch.scope)
    known = recalled.known if recalled.known is not None and recalled.known.as_of <= day else None
    return _Memory(known, notes, recalled.since)


def _load(
    settings: Settings,
    connection: Connection,
    contracts: Contracts,
    batch: Batch,
    tables: Sequence[tuple[int, Table]],
    *,
    day: date,
    repeats: Repeats,
    memory: _Memory,
) -> list[CheckTotals]:
    secret = record_key_secret(settings)
    totals: list[CheckTotals] = []
    for _, table in tables:
        noting = memory.notes is not None
        run = check(table, contracts.codes, as_of=day, noting=noting, known=memory.known)
        staging.load(
            connection,
            batch.batch_id,
            run,
            table.contract,
            secret,
            offset=sum(t.physical for t in totals),
            repeats=repeats,
            notes=memory.notes,
            known=memory.known,
        )
        totals.append(run.totals)
    told = findings_of_all(Segments.of_tables(tables), [t.issues for t in totals])
    staging.copy(connection, staging.table(batch.batch_id, "_issue"), told)
    staging.analyse(connection, batch.batch_id)
    return totals


def _indexed_meanwhile(
    settings: Settings,
    connection: Connection,
    contract: Contract,
    batch: Batch,
    *,
    kept: bool,
    repeated: Mapping[str, Repeated],
) -> AbstractContextManager[None]:
    """Index rows that may become the raw table while they are judged, where none of them shares its key."""
    if not kept or KEY not in repeated or len(repeated[KEY].rows):
        return nullcontext()
    return first_delivery.indexed_meanwhile(settings.dsn(), contract, staging.whole(connection, batch.batch_id))


def _together(totals: Sequence[CheckTotals]) -> _Totals:
    results: dict[str, CheckResult] = {}
    for result in (r for t in totals for r in t.results):
        before = results.get(result.rule)
        facts = vars(result)
        if before is not None:
            facts = facts | {"checked": before.checked + result.checked, "passed": before.passed + result.passed}
        results[result.rule] = CheckResult(**facts)
    return _Totals(
        physical=sum(t.physical for t in totals),
        header=sum(t.header for t in totals),
        skipped={k: sum(t.skipped.get(k, 0) for t in totals) for t in totals for k in t.skipped},
        read=sum(t.read for t in totals),
        rejected=sum(t.rejected for t in totals),
        results=tuple(results.values()),
    )


def _settle(settings: Settings, connection: Connection, contract: Contract, batch: Batch, read: _Read) -> None:
    _refuse_empty(contract, read.totals)
    declared = batch.scope or None
    scope = declared or splitting.default_scope(connection, contract, batch.batch_id)
    split = splitting.split(
        connection,
        contract,
        batch.batch_id,
        as_of=read.day,
        scope=scope,
        secret=record_key_secret(settings),
        seen=read.seen,
    )
    headers = {name: match.header for name, match in read.table.header.matched().items()}
    results = [
        *read.totals.results,
        *splitting.judge_keys(connection, contract, batch.batch_id, headers, declared, split=split),
        *staging.judge_contract_rules(
            connection, contract, batch.batch_id, headers, as_of=read.day, repeated=read.repeated
        ),
    ]
    ledger = ledger_of(read.totals, split)
    ledger.check()
    store_results(connection, contract, batch.batch_id, results)
    facts: dict[str, Any] = batches.ledger_values(ledger)
    if scope is not None:
        facts["scope"] = {k: list(v) for k, v in scope.items()}
    batches.update(
        connection,
        batch.batch_id,
        **facts,
        rows_in_force=split.in_force,
        split_seq=split.known_seq,
        status="staged",
    )
    connection.commit()


def _refuse_empty(contract: Contract, totals: _Totals) -> None:
    if totals.read == 0 and contract.mode == "full":
        raise RefusedError("文件只有表头，没有数据行；为免撤回全部记录，未作处理，请核对后重新报送。")
    if totals.read > 0 and totals.rejected == totals.read:
        raise RefusedError(f"{totals.read:,} 行数据全部不能使用，请按问题清单改正后重新报送。")


def store_results(connection: Connection, contract: Contract, batch_id: int, results: Sequence[CheckResult]) -> None:
    """Store rule results, and the findings of staging with values masked; replaces those of an earlier try."""
    for name in ("issue", "check_result"):
        execute(connection, f"delete from quality.{name} where batch_id = %(batch)s", {"batch": batch_id})
    with connection.cursor() as cursor:
        cursor.executemany(
            "insert into quality.check_result"
            " (batch_id, rule, column_name, dimension, severity, checked, passed, threshold, message)"
            " values (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [
                (batch_id, r.rule, r.column, r.dimension, r.severity, r.checked, r.passed, r.threshold, r.message)
                for r in results
            ],
        )
    copy_issues(connection, contract, batch_id)


def copy_issues(connection: Connection, contract: Contract, batch_id: int) -> None:
    """Copy the findings of staging to `quality.issue`, each value under its column's mask.

    A suggestion is a sentence of advice, or a value of the column.
    """
    kinds = " ".join(f"when '{c}' then '{mask_kind(contract, c)}'" for c in contract.columns)
    kind = f"case column_name {kinds} else 'text' end"
    execute(
        connection,
        "insert into quality.issue (batch_id, row_no, column_name, header, rule, dimension, severity, message,"
        " value_masked, suggestion_masked) select %(batch)s, row_no, column_name, quality.mask_value(header, 'scan'),"
        f" rule, dimension, severity, quality.mask_scan(message), left(quality.mask_value(value, {kind}), 200),"
        f" left(quality.mask_value(suggestion, case when suggestion like '%%。' then 'scan' else {kind} end), 200)"
        f" from {staging.table(batch_id, '_issue')} order by row_no nulls first, column_name nulls first, rule",
        {"batch": batch_id},
    )


def _header_match(table: Table, segments: Segments) -> dict[str, Any]:
    """How the first table's header was read, headers masked; and where each segment's table and columns lie."""
    match = table.header.as_json()
    for column in match["columns"]:
        column["header"] = mask_identifiers(column["header"])
    return match | {"parts": segments.as_json()}
