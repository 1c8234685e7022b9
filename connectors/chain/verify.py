"""Whether the chain holds: recomputed link by link, against the tables it speaks of, the archive and noted heads.

Nothing here trusts a function, trigger or view of the database: whoever owns it could have changed those.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from psycopg import sql
from psycopg.rows import class_row

from connectors import archive
from connectors.chain.canonical import canonical, sha256_of
from connectors.chain.head import Head, noted
from connectors.chain.records import RECORDED, Recorded, shown
from connectors.chain.scorecard import scorecard_sha256
from connectors.database import Connection
from connectors.settings import Settings

START = "0" * 64
"""What the first link has for a previous hash."""
_FINAL = ("accepted", "accepted_with_issues", "rejected", "duplicate")
"""States of a delivery after which it has no other."""
_ROWS = 10_000

Links = dict[tuple[str, tuple[str, ...]], tuple[int, str, str]]
"""The latest link by record and covered fields: number, action, digest."""


@dataclass
class Verified:
    """What was looked at and what does not hold.

    Attributes:
        breaks: Chinese sentences that name the record and say what to do; empty where everything holds.
    """

    links: int = 0
    records: int = 0
    files: int = 0
    heads: int = 0
    head: Head | None = None
    breaks: list[str] = field(default_factory=list)


def verify(settings: Settings, connection: Connection, *, with_archive: bool = True) -> Verified:
    """Verify everything as it is at one moment.

    Args:
        connection: to the warehouse, in autocommit mode.
        with_archive: whether every archived file is read and hashed.
    """
    with connection.transaction():
        connection.execute("set transaction isolation level repeatable read, read only")
        return examine(settings, connection, with_archive=with_archive)


def examine(settings: Settings, connection: Connection, *, with_archive: bool = True) -> Verified:
    """Verify everything as the transaction of the connection sees it."""
    connection.execute("set local timezone = 'UTC'")
    found = Verified()
    walk = _Walk(found)
    walk.along(connection)
    for recorded in RECORDED:
        found.breaks += _records(connection, recorded, walk.latest.get(recorded.relation, {}), found)
    found.breaks += _decisions(connection, walk.settled)
    found.breaks += _closings(connection)
    found.breaks += _scorecards(connection)
    found.breaks += _rules(connection)
    found.breaks += _open_data(settings, connection)
    if with_archive:
        found.breaks += _archive(settings, connection, found)
    found.breaks += _heads(settings, walk.hashes, found)
    return found


def _heads(settings: Settings, hashes: Mapping[str, int], found: Verified) -> Iterator[str]:
    """Every head that was noted outside the database is a link of the chain."""
    for place, seq, digest in noted(settings):
        found.heads += 1
        if hashes.get(digest) != seq:
            yield (
                f"{_shown_place(place.relative_to(settings.home))} 记有第 {seq} 号链头 {digest[:12]}…，链中没有："
                "链的末段被删去或整条被改写；请用早先的备份对照"
            )


def _shown_place(place: Path) -> str:
    """A receipt is named by its batch: its own name can hold identifiers."""
    if not place.name.endswith(".receipt.json"):
        return place.as_posix()
    return f"{place.parent.as_posix()} 中批次 {place.name.split('.')[-3]} 的回执"


@dataclass
class _Walk:
    """A walk along the chain.

    Attributes:
        latest: the latest links by relation.
        hashes: the number of each hash.
        settled: held deliveries that were decided on later, and how.
    """

    found: Verified
    latest: dict[str, Links] = field(default_factory=dict)
    hashes: dict[str, int] = field(default_factory=dict)
    settled: dict[str, str] = field(default_factory=dict)
    erasures: set[str] = field(default_factory=set)
    restated: list[_Link] = field(default_factory=list)

    def along(self, connection: Connection) -> None:
        """Recompute every link."""
        before = Head(0, START, datetime.min.replace(tzinfo=UTC))
        with connection.cursor("chain", row_factory=class_row(_Link)) as cursor:
            cursor.itersize = _ROWS
            cursor.execute(
                "select seq, recorded_at, transaction_id, relation, record, action, cause, fields, digest,"
                " previous_hash, hash from quality.chain_entry order by seq"
            )
            for link in cursor:
                self.found.breaks += link.faults(before)
                self._remember(link)
                before = Head(link.seq, link.hash, link.recorded_at)
        self.found.head = before if before.seq else None
        for link in self.restated:
            if link.transaction_id not in self.erasures:
                self.found.breaks.append(
                    f"链的第 {link.seq} 号记录称{link.title} 因依法删除而改写，但没有相应的删除记录；请查明"
                )

    def _remember(self, link: _Link) -> None:
        self.found.links += 1
        self.hashes[link.hash] = link.seq
        if link.cause is not None:
            self.restated.append(link)
        if link.relation == "quality.erasure":
            self.erasures.add(link.transaction_id)
        own = self.latest.setdefault(link.relation, {})
        key = (link.record, tuple(link.fields))
        if link.relation == "quality.batch" and key in own:
            self._compare_decisions(own[key][1], link)
        if link.action == "delete":
            for gone in [k for k in own if k[0] == link.record]:
                del own[gone]
        else:
            own[key] = (link.seq, link.action, link.digest)

    def _compare_decisions(self, former: str, link: _Link) -> None:
        if former in _FINAL and link.cause is None:
            changed = f"链的第 {link.seq} 号记录又改为“{link.action}”"
            self.found.breaks.append(f"{link.title} 已有结论，{changed}；请查明是谁改的")
        elif former == "held" and link.action in _FINAL:
            self.settled[link.record] = link.action


@dataclass(frozen=True)
class _Link:
    """One row of `quality.chain_entry`."""

    seq: int
    recorded_at: datetime
    transaction_id: str
    relation: str
    record: str
    action: str
    cause: str | None
    fields: list[str]
    digest: str
    previous_hash: str
    hash: str

    @property
    def title(self) -> str:
        """What people call the record."""
        word = next((r.word for r in RECORDED if r.relation == self.relation), self.relation)
        return f"{word} {shown(self.record)}"

    def faults(self, before: Head) -> Iterator[str]:
        """Say what is wrong with it after the link before."""
        if self.seq != before.seq + 1:
            yield f"链在第 {before.seq + 1} 号处断开：缺第 {before.seq + 1} 至 {self.seq - 1} 号记录；请用备份找回"
        elif self.previous_hash != before.hash:
            yield f"链在第 {self.seq} 号处断开：它所接的不是第 {before.seq} 号记录；请用备份对照这两条"
        moment = self.recorded_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        fields = canonical(self.fields).decode()
        texts = [str(self.seq), moment, self.transaction_id, self.relation, self.record, self.action, self.cause]
        if sha256_of([*texts, fields, self.digest, self.previous_hash]) != self.hash:
            yield f"链的第 {self.seq} 号记录（{self.title}）被改动；请用备份找回原来的内容"


def _records(connection: Connection, recorded: Recorded, links: Links, found: Verified) -> Iterator[str]:
    """Compare the rows of a table with the latest links of each."""
    present = {record: due for record, _, due in _rows(connection, recorded, ())}
    known = {record for record, _ in links}
    settled = {record for record, fields in links if recorded.settling is None or recorded.settling in fields}
    found.records += len(known)
    for record in sorted(known - present.keys()):
        number = max(seq for (r, _), (seq, _, _) in links.items() if r == record)
        where = f"链的第 {number} 号记录"
        yield f"{recorded.word} {shown(record)}（{where}）已不在 {recorded.relation}：被删去；请用备份找回"
    for record in sorted(r for r, due in present.items() if due and r not in settled):
        yield f"{recorded.word} {shown(record)} 在 {recorded.relation} 而不在链中：绕过系统写入，或链被删短；请查明来历"
    for fields in sorted({covered for _, covered in links}):
        for record, values, is_settled in _rows(connection, recorded, fields):
            seq, action, digest = links.get((record, fields), (0, "", ""))
            # a held delivery is read again when it is released, a run that is opened again computed anew
            is_open = action in ("held", "running") and not is_settled
            if recorded.relation == "mart.run" and seq and not is_settled and not is_open:
                yield f"{recorded.word} {shown(record)}（链的第 {seq} 号记录）被撤下，不再是已发布状态；请查明是谁改的"
            elif seq and not is_open and sha256_of(values) != digest:
                yield (
                    f"{recorded.word} {shown(record)} 与链的第 {seq} 号记录不符：{recorded.relation} 中的这一行被改动；"
                    "请用备份找回"
                )


def _rows(
    connection: Connection, recorded: Recorded, fields: Sequence[str]
) -> Iterator[tuple[str, list[str | None], bool]]:
    """Yield the key of each row as links name it, the values of the fields, and whether a link must exist for it."""
    query = sql.SQL("select {keys}, {fields}, {due} from (select to_jsonb(t) as content, t.* from {table} as t) as t")
    with connection.cursor(name="rows") as cursor:
        cursor.itersize = _ROWS
        cursor.execute(
            query.format(
                keys=_texts(recorded.keys),
                fields=_texts(fields),
                due=sql.SQL(recorded.due),
                table=sql.Identifier(*recorded.relation.split(".")),
            )
        )
        for key, values, due in cursor:
            yield canonical(key).decode(), values, due


def _texts(columns: Sequence[str]) -> sql.Composable:
    parts = sql.SQL(", ").join(sql.SQL("content ->> {}").format(sql.Literal(column)) for column in columns)
    return sql.SQL("array[{}]::text[]").format(parts)


def _decisions(connection: Connection, settled: Mapping[str, str]) -> Iterator[str]:
    """Every delivery that was applied has its event, and every held one that was settled a person's word."""
    rows = connection.execute(
        "select b.batch_id from quality.batch as b"
        " left join quality.event as e on e.seq = b.applied_seq and e.batch_id = b.batch_id and e.kind = 'apply'"
        " where (b.status in ('accepted', 'accepted_with_issues')) <> (e.seq is not null) order by 1"
    )
    for (batch,) in rows:
        yield f"批次 {batch} 的状态与入库记录（quality.event）不符；请查明是谁改的"
    events = {(str(b), kind) for b, kind in connection.execute("select batch_id, kind from quality.event")}
    for record, action in sorted(settled.items()):
        kind, word = ("refuse", "退回") if action == "rejected" else ("release", "放行")
        if (shown(record), kind) not in events:
            yield f"批次 {shown(record)} 由暂缓入库改为“{action}”，却没有人{word}的记录；请查明是谁改的"


def _closings(connection: Connection) -> Iterator[str]:
    """The closings that stand are those that were counted when they were made."""
    rows = connection.execute(
        "with made as (select applied_seq, version_batch_id, closing_batch_id, kind, as_of, sum(records) as records"
        " from quality.closing_total group by 1, 2, 3, 4, 5),"
        " standing as (select applied_seq, version_batch_id, closing_batch_id, kind, as_of, count(*) as records"
        " from quality.version_closing where kind <> 'erased' group by 1, 2, 3, 4, 5)"
        " select closing_batch_id, version_batch_id, coalesce(made.records, 0), coalesce(standing.records, 0)"
        " from made full join standing using (applied_seq, version_batch_id, closing_batch_id, kind, as_of)"
        " where made.records is distinct from standing.records order by 1, 2"
    )
    for closing, version, made, standing in rows:
        yield (
            f"批次 {closing} 关闭批次 {version} 的版本：登记 {made} 条，quality.version_closing 中 {standing} 条；"
            "请用 `weihai rebuild` 由归档重建"
        )


def _scorecards(connection: Connection) -> Iterator[str]:
    """The figures of every published run are those whose fingerprint was recorded."""
    rows = connection.execute(
        "select run_id, scorecard_sha256 from mart.run"
        " where state = 'published' and scorecard_sha256 is not null order by finished_at"
    )
    for run_id, stored in rows.fetchall():
        if scorecard_sha256(connection, run_id) != stored:
            yield (
                f"运行 {run_id} 已发布的评分（mart.indicator_value_run、indicator_operand_run、run_export）被改动；"
                f"请用 `weihai replay {run_id}` 重算对照"
            )


def _rules(connection: Connection) -> Iterator[str]:
    """The kept contents of rule files are what their SHA-256 says."""
    rows = connection.execute(
        "select min(f.rule_version), min(f.path) from mart.rule_file as f"
        " left join mart.rule_content as c using (sha256)"
        " where encode(sha256(convert_to(c.content, 'UTF8')), 'hex') is distinct from f.sha256 group by f.sha256"
    )
    for version, path in rows:
        yield f"规则版本 {version} 的 {path} 内容被改动（mart.rule_content）；请由版本库找回"


def _open_data(settings: Settings, connection: Connection) -> Iterator[str]:
    """The open data that lie in the home are those of the latest releases."""
    rows = connection.execute(
        "select distinct on (dataset_id) dataset_id, files from catalogue.open_release"
        " order by dataset_id, release_id desc"
    )
    for dataset, files in rows.fetchall():
        for file in files:
            path = settings.open_data / "data" / file["name"]
            if path.is_file() and _file_sha256(path) != file["sha256"]:
                yield (
                    f"开放数据 {dataset} 的文件 {path} 不是登记发布的内容：请查明是谁改的，"
                    "再用 `weihai open export` 重新导出"
                )


def _archive(settings: Settings, connection: Connection, found: Verified) -> Iterator[str]:
    """Every delivered file lies in the archive unchanged, or what stands for it since an erasure does."""
    redacted: dict[str, str] = dict(connection.execute("select old_sha256, new_sha256 from quality.redacted_file"))
    rows = connection.execute("select sha256, min(batch_id) from quality.batch_file group by 1 order by 2, 1")
    for sha256, batch in rows.fetchall():
        meant = sha256
        while meant in redacted:
            meant = redacted[meant]
        path = archive.path_of(settings.archive, meant)
        found.files += 1
        if not path.is_file():
            yield f"批次 {batch} 的归档文件 {meant[:12]}… 不在 {settings.archive}；请从备份的 archive 找回"
        elif _file_sha256(path) != meant:
            yield f"批次 {batch} 的归档文件 {meant[:12]}… 内容被改动；请从备份的 archive 找回"


def _file_sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
