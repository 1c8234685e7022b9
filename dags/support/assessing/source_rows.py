"""The source rows behind an operand: which counted, which did not, and why; read from the operand models themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from psycopg.rows import dict_row

from connectors.database import Connection, connect
from connectors.settings import Settings
from connectors.sql_text import join_whole_tables
from dags.support.assessing.trial import ComputedRun, tried

Row = Mapping[str, Any]

FIRST_ROWS = 20
"""Row numbers kept per operand, delivery and reason."""
ROWS_SUMMARISED = 200_000
"""An indicator on more rows in force is not summarised with its run: `listed` and `counted` answer when asked."""

_COUNTED = f"""
with listed as (
    select
        indicator_id,
        operand,
        contract_id,
        source_batch_id as batch_id,
        coalesce(exclusion, '') as exclusion,
        source_row_no
    from mart.int_operand__row
    where indicator_id = any(%(indicators)s)
)
select
    indicator_id,
    operand,
    contract_id,
    batch_id,
    exclusion,
    count(*) as row_count,
    (array_agg(source_row_no order by source_row_no))[1:{FIRST_ROWS}] as first_row_nos
from listed
group by indicator_id, operand, contract_id, batch_id, exclusion
order by indicator_id, operand, exclusion <> '', contract_id, batch_id, exclusion
"""

_LISTED = """
select
    listed.contract_id,
    batch.department,
    listed.source_batch_id as batch_id,
    batch.file_name,
    batch.sha256,
    listed.source_row_no as row_no,
    listed.exclusion
from mart.int_operand__row as listed
left join quality.batch as batch on listed.source_batch_id = batch.batch_id
where
    listed.indicator_id = %(indicator)s
    and listed.operand = %(operand)s
    and (%(excluded)s::boolean is null or (listed.exclusion is not null) = %(excluded)s)
order by listed.exclusion is not null, listed.contract_id, listed.source_batch_id, listed.source_row_no
limit %(limit)s offset %(offset)s
"""


@dataclass(frozen=True)
class Page:
    """Some of the source rows of an operand.

    Attributes:
        counts: of all of its rows, per delivery and reason.
        rows: those asked for, counted ones first.
    """

    counts: tuple[Row, ...]
    rows: tuple[Row, ...]


def record(settings: Settings, run_id: str) -> None:
    """Write `mart.operand_row_run` for a run that is being built, of indicators on few enough rows.

    One statement for all of them: the view unites the models of all indicators, and to plan it takes longer than to
    read one of them.
    """
    with connect(settings.dsn()) as connection:
        join_whole_tables(connection)
        indicators = connection.execute(
            "select indicator_id from mart.indicator_source_run where run_id = %s"
            " group by indicator_id having sum(rows_in_force) <= %s",
            (run_id, ROWS_SUMMARISED),
        ).fetchall()
        connection.execute("delete from mart.operand_row_run where run_id = %s", (run_id,))
        connection.execute(
            "insert into mart.operand_row_run (run_id, indicator_id, operand, contract_id, batch_id, exclusion,"
            f" row_count, first_row_nos) select %(run)s, found.* from ({_COUNTED}) as found".encode(),
            {"run": run_id, "indicators": [name for (name,) in indicators]},
        )


def page(
    connection: Connection,
    run: ComputedRun,
    indicator: str,
    operand: str,
    *,
    excluded: bool | None,
    limit: int,
    offset: int,
) -> Page:
    """Return source rows of an operand as a run knew them, by the present rules.

    Args:
        excluded: only rows that count (False) or do not (True); None for both.
        limit: how many rows at most.
        offset: how many to leave out first.
    """
    key = {
        "indicators": [indicator],
        "indicator": indicator,
        "operand": operand,
        "excluded": excluded,
        "limit": limit,
        "offset": offset,
    }
    with tried(connection, run), connection.cursor(row_factory=dict_row) as cursor:
        counts = cursor.execute(_COUNTED.encode(), key).fetchall()
        rows = cursor.execute(_LISTED.encode(), key).fetchall()
    return Page(tuple(row for row in counts if row["operand"] == operand), tuple(rows))
