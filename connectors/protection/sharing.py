"""Sharing between departments: requests and their answers, and the views through which a department sees what it was
granted (政务信息资源共享管理暂行办法, 国发〔2016〕51号).

What is shared unconditionally is a view `share.<contract_id>` of its columns up to L2, for every department. What was
approved is a view `share.<contract_id>__<request_id>`: the columns and rows asked for, for who asked, until it ends.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from psycopg import sql
from psycopg.types.json import Jsonb

from connectors.contract import ColumnType, Contract, Level
from connectors.database import Connection
from connectors.errors import UserError
from connectors.privacy import mask_identifiers
from connectors.protection import levels
from connectors.protection.roles import Grant, department_role
from connectors.working_days import due_on

SCHEMA = "share"
ANSWER_WORKING_DAYS = 10
"""暂行办法 第十四条: the provider answers within 10 working days."""

Decision = Literal["approve", "refuse", "end"]
_PUBLIC = (Level.L1, Level.L2)
_UNCONDITIONAL = "无条件共享"
_FREE = (ColumnType.TEXT, ColumnType.USCC)
"""Types whose cells keep what was delivered where it fails its check."""


@dataclass(frozen=True)
class Request:
    """What a department asks for."""

    department: str
    contract_id: str
    columns: tuple[str, ...]
    condition: Mapping[str, str]
    """Rows: each named column, a code or public, must equal this text."""
    purpose: str
    valid_until: date


@dataclass(frozen=True)
class _View:
    name: str
    contract: Contract
    columns: tuple[str, ...]
    roles: tuple[str, ...]
    reason: str
    condition: Mapping[str, str]
    valid_until: date | None

    @property
    def is_personal(self) -> bool:
        return any(f.level in levels.PERSONAL for f in self.contract.fields if f.name in self.columns)


def ask(
    connection: Connection, contracts: Mapping[str, Contract], request: Request, *, actor: str, now: datetime
) -> int:
    """Record a request; commit is the caller's.

    Returns:
        Its number.

    Raises:
        UserError: there is no such extract, department or column, the extract is not to be shared, needs no request,
            belongs to who asks, or the date is past.
    """
    contract = _shareable(contracts, request)
    known = {f.name for f in contract.fields}
    if unknown := [c for c in (*request.columns, *request.condition) if c not in known]:
        raise UserError(f"数据集 {contract.id} 没有字段 {'、'.join(unknown)}，现有：{'、'.join(sorted(known))}")
    if telling := [name for name in request.condition if not _says_nothing_of_a_person(contract, name)]:
        raise UserError(f"不能按字段 {'、'.join(telling)} 限定行：其值是个人信息，不得写在申请里")
    if request.valid_until < now.date():
        raise UserError(f"有效期 {request.valid_until} 已过，请给出今后的日期")
    row = connection.execute(
        "insert into catalogue.share_request (department, contract_id, columns, condition, purpose, valid_until,"
        " due_on, requested_at, requested_by) values (%s, %s, %s, %s, %s, %s, %s, %s, %s) returning request_id",
        (
            request.department,
            request.contract_id,
            list(dict.fromkeys(request.columns)),
            Jsonb(dict(request.condition)),
            mask_identifiers(request.purpose),
            request.valid_until,
            due_on(connection, now.date(), ANSWER_WORKING_DAYS),
            now,
            actor,
        ),
    ).fetchone()
    assert row is not None
    number: int = row[0]
    return number


def decide(connection: Connection, request_id: int, decision: Decision, *, why: str, actor: str, now: datetime) -> None:
    """Record an answer; what it opens or ends is granted or revoked by `protect`; commit is the caller's.

    Raises:
        UserError: there is no such request, or the answer does not fit its state.
    """
    row = connection.execute("select state from catalogue.share where request_id = %s", (request_id,)).fetchone()
    if row is None:
        raise UserError(f"没有共享申请 {request_id}，用 weihai share list 查看")
    allowed = ("共享中",) if decision == "end" else ("待答复", "超期未答复")
    if row[0] not in allowed:
        raise UserError(f"共享申请 {request_id} 的状态是“{row[0]}”，只有{'、'.join(allowed)}的可以这样处理")
    connection.execute(
        "insert into catalogue.share_decision (request_id, decision, why, decided_by, decided_at)"
        " values (%s, %s, %s, %s, %s)",
        (request_id, decision, mask_identifiers(why), actor, now),
    )


def follow(connection: Connection, contracts: Mapping[str, Contract]) -> list[Grant]:
    """Make the views of what is shared today, remove the others, and return who reads which; commit is the caller's."""
    wanted = {view.name: view for view in (*_unconditional(connection, contracts), *_approved(connection, contracts))}
    rows = connection.execute(
        "select relname, obj_description(oid) from pg_class where relnamespace = 'share'::regnamespace"
        " and relkind = 'v'"
    )
    standing: dict[str, str | None] = dict(rows.fetchall())
    for name in standing.keys() - wanted.keys():
        connection.execute(sql.SQL("drop view {}").format(sql.Identifier(SCHEMA, name)))
    for name, view in wanted.items():
        query = _query(view).as_string(connection)
        if standing.get(name) != query:
            connection.execute(sql.SQL("drop view if exists {}").format(sql.Identifier(SCHEMA, name)))
            connection.execute(
                sql.SQL("create view {} with (security_barrier) as ").format(sql.Identifier(SCHEMA, name))
                + _query(view)
            )
            connection.execute(
                sql.SQL("comment on view {} is {}").format(sql.Identifier(SCHEMA, name), sql.Literal(query))
            )
    levels.publish(
        connection,
        [
            (SCHEMA, view.name, f.name, f.level)
            for view in wanted.values()
            for f in view.contract.fields
            if f.name in view.columns
        ],
        schemas=(SCHEMA,),
    )
    return [
        Grant(role, SCHEMA, view.name, view.reason, view.is_personal) for view in wanted.values() for role in view.roles
    ]


def _shareable(contracts: Mapping[str, Contract], request: Request) -> Contract:
    contract = contracts.get(request.contract_id)
    if contract is None:
        raise UserError(f"没有数据集 {request.contract_id}，用 weihai contract check 查看现有的数据集")
    if request.department not in _departments(contracts):
        raise UserError(f"没有部门 {request.department}：申请共享的须是向平台报送数据的部门")
    if contract.department == request.department:
        raise UserError(f"{contract.id} 是该部门自己报送的，不需要申请")
    if contract.sharing.type == "不予共享":
        raise UserError(f"{contract.title}不予共享，依据：{contract.sharing.basis}")
    return contract


def _says_nothing_of_a_person(contract: Contract, name: str) -> bool:
    """Whether one value of a column may stand in a request, which many read: a code or division, or a public column."""
    column = contract.columns.get(name)
    if column is not None and column.type in (ColumnType.CODE, ColumnType.DIVISION, ColumnType.PERIOD, ColumnType.BOOL):
        return True
    return any(f.name == name and f.level in _PUBLIC for f in contract.fields)


def _departments(contracts: Mapping[str, Contract]) -> set[str]:
    return {contract.department for contract in contracts.values()}


def _raw_tables(connection: Connection) -> set[str]:
    rows = connection.execute("select relname from pg_class where relnamespace = 'raw'::regnamespace and relkind = 'r'")
    return {name for (name,) in rows}


def _unconditional(connection: Connection, contracts: Mapping[str, Contract]) -> list[_View]:
    present = _raw_tables(connection)
    found = []
    for contract in contracts.values():
        columns = tuple(f.name for f in contract.fields if f.level in _PUBLIC)
        if contract.sharing.type == _UNCONDITIONAL and contract.id in present and columns:
            others = sorted(_departments(contracts) - {contract.department})
            roles = tuple(department_role(d) for d in others)
            found.append(_View(contract.id, contract, columns, roles, _UNCONDITIONAL, {}, None))
    return found


def _approved(connection: Connection, contracts: Mapping[str, Contract]) -> list[_View]:
    """A column that left the contract is left out; an extract that may no longer be shared is shared no longer."""
    present = _raw_tables(connection)
    found = []
    rows = connection.execute(
        "select request_id, department, contract_id, columns, condition, valid_until from catalogue.share"
        " where state = '共享中' order by request_id"
    ).fetchall()
    for request_id, department, contract_id, asked, condition, valid_until in rows:
        contract = contracts.get(contract_id)
        if contract is None or contract_id not in present or contract.sharing.type == "不予共享":
            continue
        known = {f.name for f in contract.fields}
        columns = tuple(name for name in asked if name in known)
        if columns and known >= condition.keys():
            roles = (department_role(department),)
            name = f"{contract_id}__{request_id}"
            reason = f"共享申请 {request_id}"
            found.append(_View(name, contract, columns, roles, reason, condition, valid_until))
    return found


def _query(view: _View) -> sql.Composed:
    """Return the view's SELECT: today's versions, the granted columns and rows; personal columns note who reads."""
    limits: list[sql.Composable] = [sql.SQL("_closed_batch_id is null")]
    limits += [
        sql.SQL("{}::text = {}").format(sql.Identifier(column), sql.Literal(text))
        for column, text in sorted(view.condition.items())
    ]
    if view.valid_until is not None:
        limits.append(
            sql.SQL("(now() at time zone 'Asia/Shanghai')::date <= {}::date").format(
                sql.Literal(view.valid_until.isoformat())
            )
        )
    if view.is_personal:
        limits.append(sql.SQL("(select quality.note_read({}))").format(sql.Literal(f"{SCHEMA}.{view.name}")))
    return sql.SQL("select {} from {} where {}").format(
        sql.SQL(", ").join(_shown(view, name) for name in view.columns),
        sql.Identifier("raw", view.contract.id),
        sql.SQL(" and ").join(limits),
    )


def _shown(view: _View, name: str) -> sql.Composable:
    """Return a column; in what goes to everybody, identifiers that strayed into a text or a code are masked."""
    column = view.contract.columns.get(name)
    if view.reason == _UNCONDITIONAL and column is not None and column.type in _FREE:
        return sql.SQL("quality.mask_value({0}, 'scan') as {0}").format(sql.Identifier(name))
    return sql.Identifier(name)


def requests(connection: Connection, *, everything: bool) -> Sequence[tuple[int, str, str, str, date | None, date]]:
    """Return (number, department, contract id, state, due on, valid until), oldest first; ended ones only on demand."""
    return connection.execute(
        "select request_id, department, contract_id, state, due_on, valid_until from catalogue.share"
        " where %s or state in ('待答复', '超期未答复', '共享中') order by request_id",
        (everything,),
    ).fetchall()
