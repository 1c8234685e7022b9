"""Erasing a person: raw overwritten in all versions, libraries and files without them, every row accounted for.

A record that is about the person as a whole keeps its place and its delivery, but no content: all fields empty, key and
hash random, the finding `erased`, and a closing of kind `erased` at its own clocks, so that it is in force for no run.
Of a record that speaks of others too, the person's columns are emptied. A number inside other text is replaced.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from psycopg import sql

from connectors import archive, known_rows, staging
from connectors.apply import lock
from connectors.contract import Contract, Contracts
from connectors.database import Connection
from connectors.errors import UserError
from connectors.privacy import mask_identifiers
from connectors.protection import redaction
from connectors.protection.persons import (
    Found,
    Table,
    find,
    is_about_one_person,
    number_columns,
    pattern,
    read_tables,
    subject_roles,
    text_condition,
)
from connectors.protection.rotation import replace_keys
from connectors.record_columns import MENTION_KEY
from connectors.settings import Settings
from connectors.sql_text import execute

ERASED = "（已依法删除）"
_RANDOM_HASH = "substr(sha256(gen_random_uuid()::text::bytea), 1, 16)"
_MARK = '[{"rule": "erased"}]'


@dataclass
class Erased:
    """What was done: rows by table, files by folder, rows in raw by batch."""

    tables: Counter[str] = field(default_factory=Counter)
    files: Counter[str] = field(default_factory=Counter)
    batches: Counter[int] = field(default_factory=Counter)


def erase(
    settings: Settings, connection: Connection, contracts: Contracts, number: str, *, actor: str, reason: str
) -> Erased:
    """Erase everything that `persons.find` finds; database first, in one transaction, then the files.

    Args:
        connection: to the warehouse, as its owner, in autocommit mode.
        actor: who does it.
        reason: the legal ground and the request, in words; identifiers in it are masked.

    Raises:
        UserError: no reason; nothing found; a file not yet taken, or of a format that cannot be written again row by
            row, holds the number. Nothing was changed.
    """
    if not reason.strip():
        raise UserError("请用 --why 写明依据和请求（个人信息保护法第四十七条）")
    finish(settings, connection)
    found = find(settings, connection, contracts, number)
    if not found:
        raise UserError("没有找到这个号码的任何数据")
    _refuse_waiting(settings, found)
    fresh = _redact(settings, found)
    done = Erased()
    with connection.transaction():
        lock(connection)
        # rows of the hash chain that are rewritten now are recorded anew, as erased (ADR 27)
        connection.execute("select set_config('weihai.cause', 'erasure', true)")
        _Eraser(connection, found, done).run(contracts)
        done.files["archive"] = len(fresh)
        receipts = [path for path in found.files if path.is_relative_to(settings.landing)]
        done.files["landing"] = len(receipts)
        row = connection.execute(
            "insert into quality.erasure (actor, reason, tables, files) values (%s, %s, %s, %s) returning erasure_id",
            (actor, mask_identifiers(reason), json.dumps(done.tables), json.dumps(done.files)),
        ).fetchone()
        assert row is not None
        with connection.cursor() as cursor:
            cursor.executemany(
                "insert into quality.erased_row values (%s, %s, %s)",
                [(row[0], batch, count) for batch, count in sorted(done.batches.items())],
            )
            cursor.executemany(
                "insert into quality.redacted_file values (%s, %s, %s)",
                [(old, new, row[0]) for old, new in fresh.items()],
            )
    finish(settings, connection)
    for path in receipts:
        path.unlink(missing_ok=True)
    for table in done.tables:
        connection.execute(sql.SQL("vacuum {}").format(sql.Identifier(*table.split(".", 1))))
    return done


def finish(settings: Settings, connection: Connection) -> None:
    """Remove the archived files that redacted ones stand for, and what is known of rows; repeated it does the rest."""
    known_rows.forget(settings)
    rows = connection.execute("select old_sha256, new_sha256 from quality.redacted_file order by erasure_id").fetchall()
    for old, new in rows:
        archive.replace(settings.archive, old, new)


def _refuse_waiting(settings: Settings, found: Found) -> None:
    waiting = [
        path
        for path in found.files
        if path.is_relative_to(settings.pulling)
        or (path.is_relative_to(settings.landing) and "inbox" in path.relative_to(settings.landing).parts)
    ]
    if waiting:
        raise UserError(f"收件箱中还有 {len(waiting)} 个文件含这个号码：先运行 `weihai run` 接收，再删除")


def _redact(settings: Settings, found: Found) -> dict[str, str]:
    """Write the redacted contents into the archive beside the old ones; return new SHA-256 by old."""
    fresh, stubborn = {}, []
    for sha256 in found.archived:
        path = archive.content_path(settings.archive, sha256)
        try:
            fresh[sha256] = redaction.redacted(path.read_bytes(), found.numbers)
        except redaction.UnredactableError:
            stubborn.append(sha256[:12])
    if stubborn:
        raise UserError(
            f"归档文件 {'、'.join(stubborn)} 的格式不能逐行改写（只支持分隔文本、XLSX 和 ZIP）："
            "请由部门改报不含此人的文件，并由管理员决定是否整份移除归档"
        )
    return {sha256: redaction.store(settings.archive, content) for sha256, content in fresh.items()}


@dataclass(frozen=True)
class _Eraser:
    """The part of an erasure that is one transaction."""

    connection: Connection
    found: Found
    done: Erased

    @cached_property
    def values(self) -> dict[str, object]:
        """Parameters of the statements."""
        found = self.found
        return {"pattern": pattern(found.numbers), "ids": list(found.person_ids), "numbers": list(found.numbers)}

    def run(self, contracts: Contracts) -> None:
        """Overwrite records, remove rows of libraries, replace what is left, give erased records other keys."""
        execute(
            self.connection,
            "create temp table rekeyed (old_key uuid primary key, new_key uuid not null) on commit drop",
        )
        tables = list(read_tables(self.connection))
        raw = {table.name: table for table in tables if table.schema == "raw"}
        for contract_id in sorted({hit.contract_id for hit in self.found.records}):
            if contract_id in contracts:
                self._erase_records(contracts[contract_id], raw[contract_id])
                self._change_keys_of_texts(contracts[contract_id], raw[contract_id])
            self._replace_in_texts(raw[contract_id])
        self._forget_comparisons()
        # mentions are found by the links, so these go last
        for table in sorted(tables, key=lambda t: t.full_name == "linkage.person_link"):
            if table.schema == "staging":
                self._drop_staging(table)
            elif table.schema != "raw":
                self._erase_rows(table)
                self._replace_in_texts(table)
        replace_keys(self.connection)

    def _forget_comparisons(self) -> None:
        """What linkage keeps of comparisons holds numbers, and hashes of names: the next linking makes all of it anew.

        It decides everything again, since the person may have been who another mention was in doubt about.
        """
        self.connection.execute(
            "truncate linkage.person_weak, linkage.person_weak_key, linkage.person_pair, linkage.entity_key;"
            "update linkage.state set version = ''"
        )

    def _erase_records(self, contract: Contract, table: Table) -> None:
        if is_about_one_person(contract):
            self._empty(contract, table, None, number_columns(contract), [f.name for f in contract.fields])
            return
        for role, mention in subject_roles(contract).items():
            numbers = [mention.columns["id_no"]] if "id_no" in mention.columns else []
            named = set(mention.columns.values())
            self._empty(contract, table, role, numbers, [f.name for f in contract.fields if f.source in named])

    def _empty(
        self, contract: Contract, table: Table, role: str | None, numbers: Sequence[str], columns: Sequence[str]
    ) -> None:
        """Empty columns of the records whose subject the person is, in all versions.

        Args:
            role: of the contract's mentions; None where the record is about nobody else.
            numbers: columns that hold the subject's number.
        """
        keys = self._keys(contract, role, numbers)
        if not keys:
            return
        rekeys = role is None or bool({*contract.key, *contract.fallback_key} & set(columns))
        if rekeys:
            self.connection.execute(
                "insert into rekeyed select key, gen_random_uuid() from unnest(%s::uuid[]) as key"
                " on conflict do nothing",
                (keys,),
            )
        if {*contract.grain} & set(columns):
            self._change_mention_keys(table, sql.SQL("t._record_key = any(%(keys)s)"), {"keys": keys})
        emptied = [sql.SQL("{} = null").format(sql.Identifier(c)) for c in columns if c in table.kinds]
        mark = f"'{_MARK}'::jsonb" if role is None else f"_issues || '{_MARK}'::jsonb" if rekeys else "_issues"
        rows = self.connection.execute(
            sql.SQL(
                "update {} set {}, _row_hash = {}, _issues = {} where _record_key = any(%s)"
                " returning _batch_id, _row_no"
            ).format(table.identifier, sql.SQL(", ").join(emptied), sql.SQL(_RANDOM_HASH), sql.SQL(mark)),
            (keys,),
        ).fetchall()
        for mentions in ("person_mention", "entity_mention"):
            # of others too: what the record says of the person stands in them; the next linking makes them anew
            self.connection.execute(
                sql.SQL("delete from {} where record_key = any(%s)").format(sql.Identifier("linkage", mentions)),
                (keys,),
            )
        self.done.tables[table.full_name] += len(rows)
        self.done.batches.update(batch for batch, _ in rows)
        if role is None:
            self._close(table, keys)
        self._forget_objections(table, columns, rows)
        self.connection.execute(
            "update quality.issue i set value_masked = null, suggestion_masked = null"
            " from unnest(%s::bigint[], %s::bigint[]) as r (batch_id, row_no)"
            " where i.batch_id = r.batch_id and i.row_no = r.row_no",
            ([b for b, _ in rows], [n for _, n in rows]),
        )

    def _forget_objections(self, table: Table, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
        """Objections stay on record without the values that they say of the person."""
        about = (
            "(select o.objection_id from quality.objection_raised o"
            " join unnest(%s::bigint[], %s::bigint[]) as r (batch_id, row_no)"
            " on o.batch_id = r.batch_id and o.row_no = r.row_no"
            " where o.contract_id = %s and coalesce(o.column_name = any(%s), true))"
        )
        facts = ([b for b, _ in rows], [n for _, n in rows], table.name, list(columns))
        self.connection.execute(f"delete from objection.stated where objection_id in {about}".encode(), facts)
        self.connection.execute(
            "update quality.objection_raised set value_masked = null, should_be_masked = null"
            f" where objection_id in {about}".encode(),
            facts,
        )

    def _keys(self, contract: Contract, role: str | None, numbers: Sequence[str]) -> list[object]:
        """Return the keys of the records whose subject the person is: by the number, or by the links."""
        conditions = [sql.SQL("t.{} = any(%(numbers)s)").format(sql.Identifier(c)) for c in numbers]
        if self.found.person_ids and contract.mentions:
            conditions.append(
                sql.SQL(
                    "t.{} in (select m.record_key from linkage.person_link l join linkage.person_mention m"
                    " using (source_id, mention_key) join linkage.source s using (source_id)"
                    " where l.person_id = any(%(ids)s) and s.contract_id = %(contract)s"
                    " and s.role = coalesce(%(role)s, s.role))"
                ).format(sql.Identifier("_record_key"))
            )
        if not conditions:
            return []
        query = sql.SQL("select distinct t._record_key from {} t where {}").format(
            sql.Identifier("raw", contract.id), sql.SQL(" or ").join(conditions)
        )
        rows = self.connection.execute(query, {**self.values, "contract": contract.id, "role": role})
        return [key for (key,) in rows]

    def _change_keys_of_texts(self, contract: Contract, table: Table) -> None:
        """A key that the number is part of would tell it to whoever has the secret."""
        condition = text_condition([*contract.key, *contract.fallback_key])
        self.connection.execute(
            sql.SQL(
                "insert into rekeyed select t._record_key, gen_random_uuid() from {} t where {} on conflict do nothing"
            ).format(table.identifier, condition),
            self.values,
        )
        if contract.grain:
            self._change_mention_keys(table, text_condition(contract.grain), self.values)
        self.connection.execute(
            sql.SQL("update {} t set _issues = _issues || {}::jsonb where {}").format(
                table.identifier, sql.Literal(_MARK), condition
            ),
            self.values,
        )

    def _change_mention_keys(self, table: Table, condition: sql.Composable, values: Mapping[str, Any]) -> None:
        """A key made of the number, or of the name, goes with it, wherever it stands."""
        self.connection.execute(
            sql.SQL(
                "insert into rekeyed select k.key, gen_random_uuid()"
                " from (select distinct t.{} as key from {} t where {}) k where k.key is not null"
                " on conflict do nothing"
            ).format(sql.Identifier(MENTION_KEY), table.identifier, condition),
            values,
        )

    def _close(self, table: Table, keys: Sequence[object]) -> None:
        """From its own beginning on, at both clocks, an erased version is in force for no run."""
        self.connection.execute(
            sql.SQL(
                "insert into quality.version_closing (table_name, record_key, version_batch_id, closing_batch_id, kind,"
                " as_of, applied_seq, closed_at) select {}, _record_key, _batch_id, _batch_id, 'erased', _as_of,"
                " _applied_seq, clock_timestamp() from {} where _record_key = any(%s) on conflict do nothing"
            ).format(sql.Literal(table.name), table.identifier),
            (keys,),
        )
        self.connection.execute(
            sql.SQL(
                "update {} set _closed_batch_id = _batch_id, _closed_at = clock_timestamp()"
                " where _record_key = any(%s) and _closed_batch_id is null"
            ).format(table.identifier),
            (keys,),
        )

    def _drop_staging(self, table: Table) -> None:
        """A held delivery is read again, from the redacted file, when it is released."""
        batch_id = int(table.name.split("_")[1])
        if not table.texts or not staging.exists(self.connection, batch_id):
            return  # went with another table of its batch
        query = sql.SQL("select exists (select from {} t where {})").format(
            table.identifier, text_condition(table.texts)
        )
        points_to_raw = staging.has_same(self.connection, batch_id)
        if not points_to_raw and self.connection.execute(query, self.values).fetchone() != (True,):
            return
        staging.drop(self.connection, batch_id)
        self.connection.execute(
            "update quality.batch set status = 'received' where batch_id = %s and status = 'staged'", (batch_id,)
        )

    def _erase_rows(self, table: Table) -> None:
        """Libraries hold rows of the person by its opaque id, mentions by the number or the link: they go."""
        conditions: list[sql.Composable] = [
            sql.SQL("{} = any(%(ids)s)").format(sql.Identifier(column))
            for column in ("person_id", "candidate_id", "from_id", "to_id")
            if column in table.kinds and table.schema != "quality"
        ]
        if table.full_name == "linkage.decision_mention":
            conditions.append(
                sql.SQL(
                    "(source_id, mention_key) in (select l.source_id, l.mention_key from linkage.person_link l"
                    " where l.person_id = any(%(ids)s))"
                )
            )
        if table.full_name == "linkage.person_mention":
            conditions.append(
                sql.SQL(
                    "(source_id, mention_key) in (select l.source_id, l.mention_key from linkage.person_link l"
                    " where l.person_id = any(%(ids)s)) or {} = any(%(numbers)s)"
                ).format(sql.Identifier("id_no"))
            )
        if not conditions:
            return
        count = self.connection.execute(
            sql.SQL("delete from {} where {}").format(table.identifier, sql.SQL(" or ").join(conditions)), self.values
        ).rowcount
        if count:
            self.done.tables[table.full_name] += count

    def _replace_in_texts(self, table: Table) -> None:
        """What still holds the number keeps the rest of its text."""
        columns = [c for c in table.texts if not (table.schema == "raw" and c == "_issues")]
        if not columns:
            return
        replaced = sql.SQL(", ").join(
            sql.SQL("{0} = regexp_replace({0}::text, %(pattern)s, {1}, 'g')::{2}").format(
                sql.Identifier(c), sql.Literal(ERASED), sql.SQL(table.kinds[c])
            )
            for c in columns
        )
        condition = text_condition(columns)
        query = sql.SQL("select exists (select from {} t where {})").format(table.identifier, condition)
        if self.connection.execute(query, self.values).fetchone() != (True,):
            return  # an append-only table refuses an update of no rows too
        if table.schema == "raw":
            replaced = sql.SQL(", ").join([replaced, sql.SQL(f"_row_hash = {_RANDOM_HASH}")])
        query = sql.SQL("update {} t set {} where {}").format(table.identifier, replaced, condition)
        if count := self.connection.execute(query, self.values).rowcount:
            self.done.tables[table.full_name] += count
