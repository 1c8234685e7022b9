"""The working-day calendar of the warehouse (model `catalogue.working_day`)."""

from __future__ import annotations

from datetime import date

from connectors.database import Connection


def due_on(connection: Connection, since: date, working_days: int) -> date | None:
    """Return the day so many working days after another, or None where the calendar is not built or does not reach."""
    row = connection.execute("select to_regclass('catalogue.working_day') is not null").fetchone()
    if row is None or not row[0]:
        return None
    found = connection.execute(
        "select day from catalogue.working_day where is_working_day and working_day_no ="
        " (select since.working_day_no from catalogue.working_day as since where since.day = %s) + %s",
        (since, working_days),
    ).fetchone()
    return None if found is None else found[0]
