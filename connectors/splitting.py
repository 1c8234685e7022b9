"""What a staged delivery would do: every row new, changed, unchanged or duplicate, and the records it withdraws.

Set-based, against the versions in force at the delivery's own as-of date. Nothing in `raw` is touched.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from connectors import scopes
from connectors.checks import CheckResult
from connectors.contract import Contract
from connectors.database import Connection
from connectors.errors import RefusedError
from connectors.in_force import in_force
from connectors.privacy import hmac_pads
from connectors.repeats import Rows
from connectors.scopes import Scope
from connectors.sql_text import (
    UNIT_SEPARATOR,
    clearly_differ,
    execute,
    field_text,
    give_memory,
    identity,
    key_text,
    one,
    record_key,
)
from connectors.staging import FEW_ROWS, drop_one, exists, has_same, is_view, make_whole, table, whole
from connectors.withdrawing import spared, write_gone

MAXIMUM_KEY_NO = 32_767
MINIMUM_LOSS = 20
WITHDRAW = "撤销"
_NEVER = "false"
LOOKS_FULL_ROWS = 20
LOOKS_FULL_SHARE = Decimal("0.95")
"""An incremental delivery of so many rows, most of them unchanged, that meets so many of the records in force."""


@dataclass(frozen=True)
class Seen:
    """What was seen of a delivery while it was read.

    Attributes:
        sharing: numbers of the rows that may share their record key with another one; None where that is not known.
        same_since: the application (`known_seq`) at which the versions of known rows were in force.
        absent: keys of the records then in force, of number 1, that no row has; None where they are not known, or many.
        rows: how many were staged.
    """

    sharing: Rows | None = None
    same_since: int | None = None
    absent: Sequence[UUID] | None = None
    rows: int | None = None


@dataclass(frozen=True)
class Split:
    """Row counts of a staged delivery against what is in force.

    Attributes:
        in_force: records in force within the delivered scope before it (full deliveries; else None).
        known_seq: the last application that was considered.
    """

    loaded: int
    unchanged: int
    duplicate: int
    withdrawn: int
    in_force: int | None
    known_seq: int


def loses_too_much(contract: Contract, *, withdrawn: int, in_force: int | None) -> bool:
    """Say whether a full delivery would withdraw more records than goes without a person's word.

    Args:
        withdrawn: records it would end; fewer than `MINIMUM_LOSS` never matter.
        in_force: records within its scope before it.
    """
    if contract.mode != "full" or not in_force or withdrawn < MINIMUM_LOSS:
        return False
    return Decimal(withdrawn) > Decimal(str(contract.maximum_loss)) * in_force


def default_scope(connection: Connection, contract: Contract, batch_id: int) -> dict[str, list[str]] | None:
    """Return the scope of a full delivery that declares none: the years delivered where `year` is part of the key."""
    if contract.mode != "full" or "year" not in contract.key:
        return None
    rows = execute(
        connection, f'select distinct "year"::text from {table(batch_id)} where "year" is not null order by 1'
    )
    return {"year": [year for (year,) in rows]}


def known_seq(connection: Connection, contract: Contract) -> int:
    """Return the clock of the extract's last application, 0 before any."""
    row = one(
        connection,
        "select coalesce(max(applied_seq), 0) from quality.batch"
        " where department = %(department)s and extract = %(extract)s",
        {"department": contract.department, "extract": contract.extract},
    )
    return int(row[0])


def is_late(connection: Connection, contract: Contract, day: date) -> bool:
    """Say whether a delivery of the extract with a later business date is applied."""
    row = one(
        connection,
        "select exists (select from quality.batch where department = %(department)s and extract = %(extract)s"
        " and applied_seq is not null and as_of > %(as_of)s)",
        {"department": contract.department, "extract": contract.extract, "as_of": day},
    )
    return row[0] is True


def split(
    connection: Connection,
    contract: Contract,
    batch_id: int,
    *,
    as_of: date,
    scope: Scope | None,
    secret: str,
    seen: Seen = Seen(),
) -> Split:
    """Fill the batch's key table and gone table, and count. Commit is the caller's.

    Args:
        scope: columns and values the delivery speaks for; None means everything (full deliveries).
        secret: key of the record-key HMAC.
        seen: while the rows were read.

    Raises:
        RefusedError: more rows share one key than can be told apart.
    """
    inner, outer = hmac_pads(secret)
    facts: dict[str, Any] = {"as_of": as_of, "table": contract.id, "inner": inner, "outer": outer}
    give_memory(connection)
    _forget_earlier_split(connection)
    _find_prior(connection, contract, facts)
    same_holds = seen.same_since == known_seq(connection, contract)
    nothing_shared = seen.sharing is not None and not len(seen.sharing)
    if are_new := nothing_shared and not has_same(connection, batch_id) and _is_first(connection):
        _show_keys(connection, contract, batch_id)
    else:
        _write_keys(connection, contract, batch_id, same_holds=same_holds)
    _find_contested(connection, contract, batch_id, seen.sharing)
    _number(connection, contract, batch_id)
    _write_contested_keys(connection, contract, batch_id, facts)
    write_gone(connection, contract, batch_id, scope, facts, absent=seen.absent if same_holds else None)
    if are_new and seen.rows is not None and _withdraws(contract, "s") == _NEVER:
        # when they are applied they are counted
        in_force = 0 if contract.mode == "full" else None
        return Split(seen.rows, 0, 0, 0, in_force, known_seq(connection, contract))
    return _count(connection, contract, batch_id)


def judge_keys(
    connection: Connection,
    contract: Contract,
    batch_id: int,
    headers: Mapping[str, str],
    scope: Scope | None,
    *,
    split: Split,
) -> list[CheckResult]:
    """Note what the split found about keys, duplicates and scope as findings and rule results.

    Runs in the session of `split`, after it, and takes what it returned.
    """
    first = contract.key[0]
    value = f'(select s."{first}"::text from {whole(connection, batch_id)} s where s._row_no = n.row_no)'
    noting = _Noting(connection, batch_id, first, headers.get(first), value)
    _find_likeness(connection, contract, batch_id)
    read, duplicate = split.loaded + split.unchanged + split.duplicate, split.duplicate
    results = [
        noting.row(
            ("row.duplicate", "0303", "与本次报送中的另一行完全相同，只保留一行。"),
            read,
            f"select row_no from {_key(batch_id)} where disposition = 'duplicate'",
        ),
        noting.row(
            (
                "row.near_duplicate",
                "0303",
                "与本次报送中的另一行只有空格、全半角、大小写或括号不同，均已保留并编号，请核实后只报一行。",
            ),
            read - duplicate,
            "select row_no from pg_temp.likeness where alike > 1",
        ),
        noting.key(
            ("key.unique", "0304", "本次报送中另有内容不同的行使用同一键值，均已保留并编号，请核实。"),
            read - duplicate,
            "select row_no from pg_temp.likeness where alike < contents",
        ),
    ]
    if contract.identity:
        met = (
            f"select (select count(*) from {_key(batch_id)} k where k.prior_batch_id is not null)"
            f" - (select count(*) from pg_temp.content c join {_key(batch_id)} k using (row_no)"
            " where k.prior_batch_id is not null)"
            " + (select count(*) from pg_temp.kept where base in (select base from pg_temp.contest_old))"
        )
        results.append(
            noting.key(
                ("key.identity", "0304", "与已入库的记录同键而身份信息全不相同，未作变更处理，请核实。"),
                int(one(connection, met)[0]),
                "select row_no from pg_temp.contest_new where is_stranger",
            )
        )
    if contract.mode == "append":
        results.append(
            noting.key(
                ("key.repeated", "0304", "同一键值的记录以前报送过而内容不同，已按新版本保留，请核实。"),
                read - duplicate,
                f"select row_no from {_key(batch_id)} where disposition = 'changed'",
            )
        )
    if scope is not None and contract.mode == "full":
        outside = f"not ({scopes.covers(contract, scope, 's')})"
        results.append(
            noting.row(
                ("row.scope", "0104", "不在本次声明的报送范围内，请核对范围或数据。"),
                read,
                f"select s._row_no as row_no from {table(batch_id)} s where {outside}",
                scopes.parameters(scope),
            )
        )
    if kept := spared(connection):
        said = f"有 {kept:,} 条已入库的记录只见于本次未采用的行，保持原内容，未作撤回；改正后重新报送即可更新。"
        _note_delivery(connection, batch_id, "delivery.kept", "info", said)
    if _looks_full(connection, contract, batch_id):
        said = "像是全量名单（多数行与已入库的相同），已按增量处理：未出现的记录没有撤回，需撤回的请写明操作类型。"
        _note_delivery(connection, batch_id, "delivery.looks_full", "warning", said)
    return results


def _find_likeness(connection: Connection, contract: Contract, batch_id: int) -> None:
    """`likeness`: of each row that shares its key, how many contents the key has, and how many look like the row's."""
    fields = (f"coalesce({field_text(contract, f.name, 's')}, '')" for f in contract.fields if f.source != "operation")
    execute(connection, "drop table if exists pg_temp.likeness")
    execute(
        connection,
        "create temp table likeness as select row_no, count(*) over (partition by base) as contents,"
        " count(*) over (partition by base, looks) as alike from (select k.row_no, k.base,"
        f" {_looks(f' || {UNIT_SEPARATOR} || '.join(fields))} as looks"
        " from pg_temp.kept k join pg_temp.crowded using (base)"
        f" join {whole(connection, batch_id)} s on s._row_no = k.row_no) c",
    )


def _looks(text: str) -> str:
    """Return the SQL of a text without the differences that nobody sees: width, case, spaces, shapes of brackets."""
    return rf"regexp_replace(translate(lower(normalize({text}, NFKC)), '【】〔〕[]{{}}', '()()()()'), '\s', '', 'g')"


def _note_delivery(connection: Connection, batch_id: int, rule: str, severity: str, message: str) -> None:
    execute(
        connection,
        f"insert into {table(batch_id, '_issue')} (rule, dimension, severity, message)"
        " values (%(rule)s, '0104', %(severity)s, %(message)s)",
        {"rule": rule, "severity": severity, "message": message},
    )


def _looks_full(connection: Connection, contract: Contract, batch_id: int) -> bool:
    """Say whether an incremental delivery repeats nearly all records in force; never looks at more than it brought."""
    if contract.mode != "incremental":
        return False
    rows, unchanged, met = one(
        connection,
        "select count(*), count(*) filter (where disposition = 'unchanged'),"
        f" count(*) filter (where prior_batch_id is not null) from {_key(batch_id)} where disposition <> 'duplicate'",
    )
    if rows < LOOKS_FULL_ROWS or 2 * unchanged <= rows:
        return False
    enough = int(met / LOOKS_FULL_SHARE) + 1
    before = one(
        connection,
        f'select count(*) from (select from raw."{contract.id}" where _closed_batch_id is null limit {enough}) v',
    )
    return bool(met >= LOOKS_FULL_SHARE * int(before[0]))


def _key(batch_id: int) -> str:
    return table(batch_id, "_key")


@dataclass(frozen=True)
class _Noting:
    """Notes failing rows as findings, and counts them."""

    connection: Connection
    batch_id: int
    column: str
    header: str | None
    value: str

    def row(
        self, what: tuple[str, str, str], checked: int, failing: str, more: Mapping[str, Any] | None = None
    ) -> CheckResult:
        """Judge whole rows; `what` is rule, dimension and message."""
        return self._note(what, None, checked, failing, dict(more or {}))

    def key(self, what: tuple[str, str, str], checked: int, failing: str) -> CheckResult:
        """Judge keys: the finding names the first key column and its value."""
        return self._note(what, self.column, checked, failing, {})

    def _note(
        self, what: tuple[str, str, str], column: str | None, checked: int, failing: str, more: dict[str, Any]
    ) -> CheckResult:
        rule, dimension, message = what
        facts = more | {"rule": rule, "dimension": dimension, "message": message}
        facts |= {"column": column, "header": None if column is None else self.header}
        failed = execute(
            self.connection,
            f"insert into {table(self.batch_id, '_issue')}"
            " (row_no, column_name, header, rule, dimension, severity, message, value)"
            " select n.row_no, %(column)s, %(header)s, %(rule)s, %(dimension)s, 'warning', %(message)s,"
            f" {'null' if column is None else self.value} from ({failing}) n",
            facts,
        ).rowcount
        return CheckResult(rule, column, dimension, "warning", checked, checked - failed, 0.9, message)


def _forget_earlier_split(connection: Connection) -> None:
    execute(connection, "drop view if exists pg_temp.prior")
    for name in ("late_prior", "numbered", "repeated", "contested", "content", "kept", "crowded"):
        execute(connection, f"drop table if exists pg_temp.{name}")
    for name in ("contest_new", "contest_old"):
        execute(connection, f"drop table if exists pg_temp.{name}")


def _withdraws(contract: Contract, alias: str) -> str:
    if contract.mode == "incremental" and "operation" in contract.columns:
        return f"coalesce({alias}.operation = '{WITHDRAW}', false)"
    return _NEVER


def _find_prior(connection: Connection, contract: Contract, facts: Mapping[str, Any]) -> None:
    """`prior`: versions in force at the as-of date; `numbered`: those of them with a number above 1 and their base."""
    late = is_late(connection, contract, facts["as_of"])
    columns = (
        "v._record_key as record_key, v._key_no as key_no, v._row_hash as row_hash, v._batch_id as version_batch_id"
    )
    current = f'select {columns} from raw."{contract.id}" v where v._closed_batch_id is null'
    if late:
        query = f"create temp table late_prior as select {columns} from {in_force(contract.id, 'v')}"
        execute(connection, query, facts)
        execute(connection, "create index on late_prior (record_key); analyze late_prior")
    execute(connection, f"create temp view prior as {'select * from late_prior' if late else current}")
    base = record_key(f"({key_text(contract, 'v')})", "1")
    execute(
        connection,
        f"create temp table numbered as select p.*, {base} as base from prior p"
        f' join raw."{contract.id}" v on v._record_key = p.record_key and v._batch_id = p.version_batch_id'
        " where p.key_no > 1",
        facts,
    )


def _is_first(connection: Connection) -> bool:
    """Say whether no version is in force."""
    return not one(connection, "select exists (select from pg_temp.prior)")[0]


def _show_keys(connection: Connection, contract: Contract, batch_id: int) -> None:
    """The key table as a view of the rows: every one of them is a new record under its own key."""
    rows, key = whole(connection, batch_id), _key(batch_id)
    withdraws = _withdraws(contract, "s")
    _drop_keys(connection, batch_id)
    execute(
        connection,
        f"create view {key} as select s._row_no as row_no, s._base as record_key, 1::smallint as key_no,"
        f" s._row_hash as row_hash, case when {withdraws} then 'unchanged' else 'new' end as disposition,"
        f" {withdraws} as withdraws, null::bigint as prior_batch_id from {rows} s",
    )


def _write_keys(connection: Connection, contract: Contract, batch_id: int, *, same_holds: bool) -> None:
    """The key table as if no two contents or records shared a key.

    Args:
        same_holds: nothing was applied since the known rows were looked up: they are unchanged.
    """
    rows, same, key = whole(connection, batch_id), table(batch_id, "_same"), _key(batch_id)
    _drop_keys(connection, batch_id)
    source = f"select s._row_no, s._base, s._row_hash, {_withdraws(contract, 's')} as withdraws from {rows} s"
    known = has_same(connection, batch_id)
    if known and not same_holds:
        source += f" union all select _row_no, _base, _row_hash, false from {same}"
    written = table(batch_id, "_keyed") if known and same_holds else key
    execute(
        connection,
        f"create unlogged table {written} as select s._row_no as row_no, s._base as record_key, 1::smallint as key_no,"
        f" s._row_hash as row_hash, {_disposition('s._row_hash', 's.withdraws')} as disposition, s.withdraws,"
        f" p.version_batch_id as prior_batch_id from ({source}) s"
        f" left join pg_temp.prior p on p.record_key = s._base",
    )
    execute(connection, f"analyze {written} (row_no, record_key, disposition)")
    if known and same_holds:
        execute(connection, f"create view {key} as select * from {written} union all {_keys_of_same(batch_id)}")
    else:
        differing = f"select row_no from {key} where disposition <> 'unchanged'"
        make_whole(connection, contract, batch_id, differing)


def _keys_of_same(batch_id: int) -> str:
    """The keys of known rows, while nothing was applied since they were looked up."""
    return (
        "select _row_no as row_no, _base as record_key, 1::smallint as key_no, _row_hash as row_hash,"
        " 'unchanged' as disposition, false as withdraws, _version as prior_batch_id"
        f" from {table(batch_id, '_same')}"
    )


def _written_keys(connection: Connection, batch_id: int) -> str:
    """Return the name of the table of the keys that do not follow from the rows."""
    return table(batch_id, "_keyed") if exists(connection, batch_id, "_keyed") else _key(batch_id)


def holds(connection: Connection, batch_id: int, expected: int) -> bool:
    """Say whether so many rows and keys are staged; no crash empties a logged table, so its rows are not counted."""

    def count(name: str) -> int:
        return int(one(connection, f"select count(*) from {name}")[0])

    written, rows = _written_keys(connection, batch_id), whole(connection, batch_id)
    is_logged = "select relpersistence = 'p' from pg_class where oid = to_regclass(%(table)s)"
    same = count(table(batch_id, "_same")) if has_same(connection, batch_id) else 0
    read = expected - same if one(connection, is_logged, {"table": rows})[0] else count(rows)
    keys = read if is_view(connection, written) else count(written)
    return read + same == expected and keys == (expected if written == _key(batch_id) else read)


def _drop_keys(connection: Connection, batch_id: int) -> None:
    for name in (_key(batch_id), table(batch_id, "_keyed")):
        drop_one(connection, name)


def _disposition(row_hash: str, withdraws: str) -> str:
    return (
        f"case when {withdraws} then case when p.record_key is null then 'unchanged' else 'changed' end"
        f" when p.record_key is null then 'new' when p.row_hash = {row_hash} then 'unchanged' else 'changed' end"
    )


def _find_contested(connection: Connection, contract: Contract, batch_id: int, sharing: Rows | None) -> None:
    """`contested`: base keys that several rows or records share, or whose record is clearly another's; their rows.

    `content`: the rows with their base key and hash; `kept`: one row per base and content; `crowded`: bases with
    several contents. Of equal rows the first stands, but where one of them withdraws the record the last word stands.
    """
    rows, suspect = whole(connection, batch_id), "true"
    among = None if sharing is None or len(sharing) > FEW_ROWS else sharing.tolist()
    if among is not None:
        suspect = "row_no = any(%(among)s)" if among else "false"
    execute(
        connection,
        f"create temp table repeated as select record_key as base from {_key(batch_id)}"
        f" where {suspect} group by record_key having count(*) > 1",
        {"among": among},
    )
    strangers = ""
    if contract.identity:
        strangers = (
            f" union select k.record_key from {_key(batch_id)} k join {rows} s on s._row_no = k.row_no"
            f' join raw."{contract.id}" v on v._record_key = k.record_key and v._batch_id = k.prior_batch_id'
            " where k.disposition = 'changed' and v._row_hash <> k.row_hash"
            f" and {clearly_differ(identity(contract, 's'), identity(contract, 'v'))}"
        )
    execute(
        connection,
        "create temp table contested as select base from pg_temp.repeated"
        f" union select base from pg_temp.numbered{strangers}",
    )
    _keep_keys_whole(connection, contract, batch_id)
    execute(
        connection,
        f"create temp table content as select s._row_no as row_no, s._base as base, s._row_hash as row_hash,"
        f" {_withdraws(contract, 's')} as withdraws from {rows} s join pg_temp.contested c on c.base = s._base",
    )
    execute(
        connection,
        "create temp table kept as select case when bool_or(withdraws) and not bool_and(withdraws) then max(row_no)"
        " else min(row_no) end as row_no, base, row_hash from content group by base, row_hash",
    )
    execute(
        connection,
        "create temp table crowded as select base, count(*) as contents from kept group by base having count(*) > 1",
    )
    execute(connection, "analyze contested; analyze content; analyze kept; analyze crowded")
    most = one(connection, "select coalesce(max(contents), 0) from crowded")[0]
    if most > MAXIMUM_KEY_NO:
        raise RefusedError(f"有 {most:,} 行内容不同而键值相同，无法区分记录，请核对键列后重新报送。")


def _keep_keys_whole(connection: Connection, contract: Contract, batch_id: int) -> None:
    """Stage the known rows of contested keys whole, and write down their keys."""
    if not has_same(connection, batch_id):
        return
    if (written := _written_keys(connection, batch_id)) != _key(batch_id):
        known = f"select k.* from ({_keys_of_same(batch_id)}) k join pg_temp.contested on base = record_key"
        execute(connection, f"insert into {written} {known}")
    wanted = f"select _row_no from {table(batch_id, '_same')} join pg_temp.contested on base = _base"
    make_whole(connection, contract, batch_id, wanted)


def _number(connection: Connection, contract: Contract, batch_id: int) -> None:
    """Settle which number each content gets on the few base keys that more than one content or record shares.

    Equal content keeps its number; then equal identity; then whatever shares most of its identity; then, in order,
    what does not clearly differ; the rest gets new numbers.
    """
    execute(
        connection,
        "create temp table contest_new as select k.row_no, k.base, k.row_hash,"
        f" {identity(contract, 's')} as identity, null::integer as key_no, false as is_stranger"
        f" from pg_temp.kept k join {whole(connection, batch_id)} s on s._row_no = k.row_no",
    )
    execute(
        connection,
        "create temp table contest_old as select p.base, p.key_no, p.row_hash,"
        f" {identity(contract, 'v')} as identity, false as is_met from ("
        " select c.base, 1 as key_no, p.record_key, p.row_hash, p.version_batch_id from pg_temp.contested c"
        " join pg_temp.prior p on p.record_key = c.base union all"
        " select n.base, n.key_no::integer, n.record_key, n.row_hash, n.version_batch_id from pg_temp.numbered n) p"
        f' join raw."{contract.id}" v on v._record_key = p.record_key and v._batch_id = p.version_batch_id',
    )
    for pairs in (_in_order("row_hash"), _in_order("identity"), _SHARING_MOST, _in_order(None)):
        _pair(connection, pairs)
    execute(
        connection,
        "update contest_new n set key_no = f.last_no + f.nth, is_stranger = cardinality(n.identity) > 0"
        " and f.last_no > 0 from (select w.row_no, row_number() over (partition by w.base order by w.identity,"
        " w.row_hash) as nth, coalesce((select max(o.key_no) from contest_old o where o.base = w.base), 0) as last_no"
        " from contest_new w where w.key_no is null) f where f.row_no = n.row_no",
    )


_FREE_NEW = "select * from contest_new where key_no is null"
_FREE_OLD = "select * from contest_old where not is_met"
_SHARING_MOST = (
    "select distinct on (base, key_no) row_no, base, key_no from (select distinct on (n.row_no) n.row_no, n.base,"
    " o.key_no, count(*) as shared from"
    f" (select f.*, i.* from ({_FREE_NEW}) f, unnest(f.identity) with ordinality i (part, place)) n"
    f" join (select f.*, i.* from ({_FREE_OLD}) f, unnest(f.identity) with ordinality i (part, place)) o"
    " on o.base = n.base and o.place = n.place and o.part = n.part"
    " group by n.row_no, n.base, o.key_no order by n.row_no, shared desc, o.key_no) best"
    " order by base, key_no, shared desc, row_no"
)
"""For each free content the record that shares most identity columns; a record goes to the content that shares most."""


def _in_order(same: str | None) -> str:
    """Free contents and records of one base in stable order: equal in a column, or at least not clearly different."""
    by = f", {same}" if same is not None else ""
    match = f"n.{same} = o.{same}" if same is not None else f"not {clearly_differ('n.identity', 'o.identity')}"
    return (
        "select n.row_no, o.base, o.key_no from"
        f" (select f.*, row_number() over (partition by base{by} order by identity, row_hash) as nth"
        f" from ({_FREE_NEW}) f) n"
        f" join (select f.*, row_number() over (partition by base{by} order by key_no) as nth"
        f" from ({_FREE_OLD}) f) o on o.base = n.base and o.nth = n.nth and {match}"
    )


def _pair(connection: Connection, pairs: str) -> None:
    """Give free records to free contents as the query (`row_no, base, key_no`) says."""
    execute(
        connection,
        f"with pairs as materialized ({pairs}),"
        " met as (update contest_old c set is_met = true from pairs where c.base = pairs.base"
        " and c.key_no = pairs.key_no returning 1)"
        " update contest_new c set key_no = pairs.key_no from pairs where pairs.row_no = c.row_no",
    )


def _write_contested_keys(connection: Connection, contract: Contract, batch_id: int, facts: Mapping[str, Any]) -> None:
    """Write the rows of contested keys into the key table again, numbered."""
    if not one(connection, "select exists (select from pg_temp.content)")[0]:
        return
    key = _written_keys(connection, batch_id)
    numbered = record_key(f"({key_text(contract, 's')})", "n.key_no")
    execute(connection, f"delete from {key} k using pg_temp.content c where c.row_no = k.row_no")
    execute(
        connection,
        f"insert into {key} with numbered as materialized (select n.row_no, n.base, n.row_hash, n.key_no,"
        f" case when n.key_no = 1 then n.base else {numbered} end as record_key from pg_temp.contest_new n"
        f" join {whole(connection, batch_id)} s on s._row_no = n.row_no)"
        " select c.row_no, n.record_key, n.key_no, c.row_hash,"
        f" case when k.row_no <> c.row_no then 'duplicate' else {_disposition('c.row_hash', 'c.withdraws')} end,"
        " c.withdraws, p.version_batch_id"
        " from pg_temp.content c join pg_temp.kept k on k.base = c.base and k.row_hash = c.row_hash"
        " join numbered n on n.base = c.base and n.row_hash = c.row_hash"
        " left join pg_temp.prior p on p.record_key = n.record_key",
        facts,
    )


def _count(connection: Connection, contract: Contract, batch_id: int) -> Split:
    written = _written_keys(connection, batch_id)
    loaded, unchanged, duplicate, withdrawing, met = one(
        connection,
        "select count(*) filter (where disposition in ('new', 'changed')),"
        " count(*) filter (where disposition = 'unchanged'), count(*) filter (where disposition = 'duplicate'),"
        " count(*) filter (where disposition = 'changed' and withdraws),"
        " count(*) filter (where prior_batch_id is not null and disposition <> 'duplicate')"
        f" from {written}",
    )
    if written != _key(batch_id):
        # the keys of known rows are all alike
        same = int(one(connection, f"select count(*) from {table(batch_id, '_same')}")[0])
        unchanged, met = unchanged + same, met + same
    gone = int(one(connection, f"select count(*) from {table(batch_id, '_gone')}")[0])
    before = int(met) + gone + spared(connection) if contract.mode == "full" else None
    return Split(
        int(loaded), int(unchanged), int(duplicate), gone + int(withdrawing), before, known_seq(connection, contract)
    )
