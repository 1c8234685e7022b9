"""In what two runs differ, and which operands and deliveries make the difference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from psycopg.rows import dict_row

from connectors.database import Connection
from dags.support.assessing.rules import changed_files
from dags.support.assessing.trial import ComputedRun, computed_run

Row = Mapping[str, Any]

_OPERANDS = """
select
    indicator_id,
    operand,
    before.value as value_before,
    after.value as value_after
from (select * from mart.indicator_operand_run where run_id = %(before)s) as before
full join (select * from mart.indicator_operand_run where run_id = %(after)s) as after using (indicator_id, operand)
where before.value is distinct from after.value
order by indicator_id, operand
"""

_VALUES = """
select
    indicator.seq,
    indicator.indicator_id,
    indicator.name,
    before.star as star_before,
    after.star as star_after,
    before.value_text as text_before,
    after.value_text as text_after
from mart.indicator as indicator
left join mart.indicator_value_run as before
    on indicator.indicator_id = before.indicator_id and before.run_id = %(before)s
left join mart.indicator_value_run as after
    on indicator.indicator_id = after.indicator_id and after.run_id = %(after)s
where
    before.star is distinct from after.star
    or before.value is distinct from after.value
    or before.value_text is distinct from after.value_text
    or indicator.indicator_id = any(%(indicators)s)
order by indicator.seq
"""

_DELIVERIES = """
select
    coalesce(before.contract_id, after.contract_id) as contract_id,
    coalesce(before.batch_id, after.batch_id) as batch_id,
    batch.as_of,
    batch.applied_seq,
    before.rows_in_force as rows_before,
    after.rows_in_force as rows_after
from (
    select * from mart.indicator_source_run where run_id = %(before)s and indicator_id = %(indicator)s
) as before
full join (
    select * from mart.indicator_source_run where run_id = %(after)s and indicator_id = %(indicator)s
) as after on before.contract_id = after.contract_id and before.batch_id = after.batch_id
inner join quality.batch as batch on batch.batch_id = coalesce(before.batch_id, after.batch_id)
where before.rows_in_force is distinct from after.rows_in_force
order by 1, 2
"""


@dataclass(frozen=True)
class IndicatorDifference:
    """An indicator that two runs see differently: star, value, operands, deliveries with their rows in force."""

    seq: int
    indicator_id: str
    name: str
    star: tuple[int | None, int | None]
    value_text: tuple[str | None, str | None]
    operands: tuple[tuple[str, Decimal | None, Decimal | None], ...]
    deliveries: tuple[Row, ...]


@dataclass(frozen=True)
class Difference:
    """In what two runs differ."""

    before: ComputedRun
    after: ComputedRun
    parameters: Mapping[str, tuple[str | None, str | None]]
    rule_files: Mapping[str, str]
    indicators: tuple[IndicatorDifference, ...]


def compare(connection: Connection, before_id: str, after_id: str) -> Difference:
    """Compare two runs.

    Raises:
        NoRunError: there is no such run.
    """
    before, after = computed_run(connection, before_id), computed_run(connection, after_id)
    key: dict[str, Any] = {"before": before.run_id, "after": after.run_id}
    operands: dict[str, list[tuple[str, Decimal | None, Decimal | None]]] = {}
    for row in _rows(connection, _OPERANDS, key):
        operands.setdefault(row["indicator_id"], []).append((row["operand"], row["value_before"], row["value_after"]))
    names = sorted({*before.parameters, *after.parameters})
    found = tuple(
        IndicatorDifference(
            seq=row["seq"],
            indicator_id=row["indicator_id"],
            name=row["name"],
            star=(row["star_before"], row["star_after"]),
            value_text=(row["text_before"], row["text_after"]),
            operands=tuple(operands.get(row["indicator_id"], ())),
            deliveries=tuple(_rows(connection, _DELIVERIES, {**key, "indicator": row["indicator_id"]})),
        )
        for row in _rows(connection, _VALUES, {**key, "indicators": list(operands)})
    )
    return Difference(
        before=before,
        after=after,
        parameters={
            name: (before.parameters.get(name), after.parameters.get(name))
            for name in names
            if before.parameters.get(name) != after.parameters.get(name)
        },
        rule_files=changed_files(connection, before.rule_version, after.rule_version),
        indicators=found,
    )


def _rows(connection: Connection, query: str, parameters: Mapping[str, Any]) -> list[Row]:
    with connection.cursor(row_factory=dict_row) as cursor:
        return list(cursor.execute(query.encode(), parameters))
