"""Raising an objection: against which cell, what it should be, for whom, why, and by when it is to be answered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from connectors.contract import Contract, Contracts
from connectors.database import Connection
from connectors.errors import UserError
from connectors.objections.place import Place, source_of
from connectors.objections.values import Cell, objected, standing, understood
from connectors.objections.wording import masked
from connectors.privacy import keyed_hash, mask_kind, record_key_secret
from connectors.settings import Settings
from connectors.sql_text import execute, one
from connectors.working_days import due_on

CREDIT_CATEGORY = "信用服务"
_MASKED_CHARACTERS = 200


@dataclass(frozen=True)
class Objection:
    """What somebody says of a record.

    Attributes:
        should_be: as people write it; None where only the present value is denied.
        raised_for: the department that raises it; None for another user.
    """

    place: Place
    should_be: str | None
    raised_for: str | None
    why: str


def raise_objection(
    settings: Settings, connection: Connection, contracts: Contracts, objection: Objection, *, actor: str, now: datetime
) -> int:
    """Record an objection and return its number; commit is the caller's.

    Raises:
        UserError: no reason; no such extract, row, field or department; the row is out of date; the value is none of
            this field, or stands there already. No message repeats a value.
    """
    if not objection.why.strip():
        raise UserError("请用 --why 写明依据，如：与户口簿不符")
    place = objection.place
    contract = _contract(contracts, place)
    known = {c.department for c in contracts.values()}
    if objection.raised_for is not None and objection.raised_for not in known:
        raise UserError(f"没有部门 {objection.raised_for}")
    cell = _present_cell(connection, contract, place)
    should_be = _should_be(connection, contracts, objection, cell, contract=contract, now=now)
    kind = None if place.column is None else mask_kind(contract, source_of(contract, place.column))
    [number] = one(
        connection,
        "insert into quality.objection_raised (department, contract_id, batch_id, row_no, column_name, library,"
        " library_field, raised_for, value_masked, should_be_masked, should_be_hash, why, due_on, raised_at, raised_by)"
        " values (%(department)s, %(contract)s, %(batch)s, %(row)s, %(column)s, %(library)s, %(field)s, %(for)s,"
        f" left(quality.mask_value(%(value)s, %(kind)s), {_MASKED_CHARACTERS}),"
        f" left(quality.mask_value(%(should_be)s, %(kind)s), {_MASKED_CHARACTERS}),"
        " %(hash)s, %(why)s, %(due)s, %(now)s, %(actor)s) returning objection_id",
        {
            "department": contract.department,
            "contract": contract.id,
            "batch": place.batch_id,
            "row": place.row_no,
            "column": place.column,
            "library": place.library,
            "field": place.library_field,
            "for": objection.raised_for,
            "value": None if kind is None else cell.value,
            "should_be": should_be,
            "kind": kind,
            "hash": None if should_be is None else keyed_hash(record_key_secret(settings), should_be),
            "why": masked(connection, contract, cell, objection.why, column=place.column, stated=should_be),
            "due": due_on(connection, now.date(), answer_working_days(connection, contract, place.library)),
            "now": now,
            "actor": actor,
        },
    )
    if should_be is not None:
        connection.execute("insert into objection.stated values (%s, %s)", (number, should_be))
    return int(number)


def answer_working_days(connection: Connection, contract: Contract, library: str | None) -> int:
    """Return in how many working days an objection is to be decided (`seeds/objection_terms.csv`)."""
    is_credit = library == "credit" or contract.opening.category == CREDIT_CATEGORY
    row = execute(
        connection,
        "select working_days from reference.objection_terms where kind = %(kind)s",
        {"kind": "credit" if is_credit else "any"},
    ).fetchone()
    if row is None:
        raise UserError("期限表 seeds/objection_terms.csv 没有载入：请先运行一次 weihai run")
    return int(row[0])


def _contract(contracts: Contracts, place: Place) -> Contract:
    contract = contracts.get(place.contract_id)
    if contract is None:
        raise UserError(f"没有数据集 {place.contract_id}，用 weihai contract check 查看现有的数据集")
    if place.column is not None:
        source_of(contract, place.column)
    return contract


def _present_cell(connection: Connection, contract: Contract, place: Place) -> Cell:
    """Return the cell; it must stand."""
    row = connection.execute("select to_regclass(format('raw.%%I', %s::text)) is not null", (contract.id,)).fetchone()
    cell = objected(connection, contract, place) if row == (True,) else None
    if cell is None:
        raise UserError(
            f"批次 {place.batch_id} 没有为第 {place.row_no} 行存下 {contract.id} 的新版本：与以前相同的行以最初报送的"
            "批次和行号为准，weihai explain 可查；被拒收、退回的行没有入库"
        )
    now = standing(connection, contract, place.column, cell.record_key)
    if now is None or now.value != cell.value:
        later = "已撤销" if now is None else f"已由批次 {now.version_batch_id} 更改"
        raise UserError(f"批次 {place.batch_id} 第 {place.row_no} 行所述{later}：请对现行的值提出异议")
    return cell


def _should_be(
    connection: Connection, contracts: Contracts, objection: Objection, cell: Cell, *, contract: Contract, now: datetime
) -> str | None:
    if objection.should_be is None:
        return None
    column = objection.place.column
    if column is None:
        raise UserError("对整条记录的异议不写应为何值：请指明字段，或去掉 --should-be")
    should_be = understood(connection, contracts, contract, column, objection.should_be, as_of=now.date())
    if should_be == cell.value:
        raise UserError("记录中的值已经与所述一致，无需提出异议")
    return should_be
