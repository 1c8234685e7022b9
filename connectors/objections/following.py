"""Which delivery mended what an upheld objection says, or brought it back: seen in `raw` after every application."""

from __future__ import annotations

from datetime import datetime

from connectors.contract import Contract
from connectors.database import Connection
from connectors.objections.place import Place
from connectors.objections.values import Cell, objected, standing

_UPHELD = """
select
    raised.objection_id,
    raised.batch_id,
    raised.row_no,
    raised.column_name,
    stated.should_be,
    (
        select observation.is_mended
        from quality.objection_observation as observation
        where observation.objection_id = raised.objection_id
        order by observation.observation_id desc
        limit 1
    )
from quality.objection_raised as raised
left join objection.stated as stated on raised.objection_id = stated.objection_id
where
    raised.contract_id = %s
    and exists (
        select from quality.objection_decision as decision
        where decision.objection_id = raised.objection_id and decision.decision = 'upheld'
    )
order by raised.objection_id
"""


def follow(connection: Connection, contract: Contract, *, now: datetime) -> int:
    """Record which upheld objections to an extract are mended, or stand again; commit is the caller's.

    An objection is mended when its record no longer holds the value objected to: another value stands there, or the
    record is withdrawn. Whether it is the value that the objection says is noted beside.

    Returns:
        How many changed.
    """
    changed = 0
    for objection_id, batch_id, row_no, column, should_be, was_mended in connection.execute(
        _UPHELD, (contract.id,)
    ).fetchall():
        if column is not None and all(f.name != column for f in contract.fields):
            continue  # the field has left the contract
        was = objected(connection, contract, Place(contract.id, batch_id, row_no, column))
        if was is None:
            continue
        now_standing = standing(connection, contract, column, was.record_key)
        is_mended = now_standing is None or now_standing.value != was.value
        if is_mended == bool(was_mended):
            continue
        connection.execute(
            "insert into quality.objection_observation (objection_id, batch_id, is_mended, is_as_stated, observed_at)"
            " values (%s, %s, %s, %s, %s)",
            (
                objection_id,
                _brought_by(connection, contract, was, now_standing),
                is_mended,
                None if now_standing is None or should_be is None else now_standing.value == should_be,
                now,
            ),
        )
        changed += 1
    return changed


def _brought_by(connection: Connection, contract: Contract, was: Cell, now_standing: Cell | None) -> int:
    """Return the delivery that opened what stands, or that withdrew the record."""
    if now_standing is not None:
        return now_standing.version_batch_id
    row = connection.execute(
        "select closing_batch_id from quality.version_closing where table_name = %s and record_key = %s"
        " order by applied_seq desc limit 1",
        (contract.id, was.record_key),
    ).fetchone()
    return was.version_batch_id if row is None else int(row[0])
