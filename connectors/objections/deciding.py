"""Deciding on an objection: upheld, refused, or referred to the department that can say."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Literal

from connectors.contract import Contracts
from connectors.database import Connection
from connectors.errors import UserError
from connectors.objections.following import follow
from connectors.objections.place import Place
from connectors.objections.raising import answer_working_days
from connectors.objections.values import objected
from connectors.objections.wording import masked
from connectors.working_days import due_on

Decision = Literal["upheld", "refused", "referred"]
_UNDECIDED = ("待处理", "超期未处理", "已转办")


def decide(
    connection: Connection,
    contracts: Contracts,
    objection_id: int,
    decision: Decision,
    *,
    why: str,
    refer_to: str | None,
    actor: str,
    now: datetime,
) -> None:
    """Record a decision; commit is the caller's. An upheld objection is a work order from now on.

    Args:
        refer_to: the department that is to answer, of `referred` only.

    Raises:
        UserError: no reason; no such objection; it is decided already; `refer_to` is no department, or missing.
    """
    if not why.strip():
        raise UserError("请用 --why 写明理由")
    row = connection.execute(
        "select told.state, told.contract_id, told.handler, told.library, told.batch_id, told.row_no, told.column_name,"
        " stated.should_be from quality.objection as told left join objection.stated using (objection_id)"
        " where objection_id = %s",
        (objection_id,),
    ).fetchone()
    if row is None:
        raise UserError(f"没有异议 {objection_id}，用 weihai objection list 查看")
    state, contract_id, handler, library, batch_id, row_no, column, should_be = row
    if state not in _UNDECIDED:
        raise UserError(f"异议 {objection_id} 的状态是“{state}”，已经处理过")
    contract = contracts[contract_id]
    cell = objected(connection, contract, Place(contract_id, batch_id, row_no, column))
    _check_referral(decision, refer_to, handler, {c.department for c in contracts.values()})
    due = (
        due_on(connection, now.date(), answer_working_days(connection, contract, library))
        if decision == "referred"
        else None
    )
    said = masked(connection, contract, cell, why, column=column, stated=should_be)
    connection.execute(
        "insert into quality.objection_decision (objection_id, decision, refer_to, why, due_on, decided_at, decided_by)"
        " values (%s, %s, %s, %s, %s, %s, %s)",
        (objection_id, decision, refer_to, said, due, now, actor),
    )
    if decision == "upheld":
        follow(connection, contract, now=now)


def _check_referral(decision: Decision, refer_to: str | None, handler: str, departments: Collection[str]) -> None:
    if decision != "referred":
        if refer_to is not None:
            raise UserError("--to 只用于转办（referred）")
        return
    if refer_to is None:
        raise UserError("转办须用 --to 指明部门")
    if refer_to not in departments:
        raise UserError(f"没有部门 {refer_to}")
    if refer_to == handler:
        raise UserError(f"异议已在 {refer_to} 处理，不需要转办")
