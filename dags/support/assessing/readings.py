"""Which stars would differ under each reading that a run did not use."""

from __future__ import annotations

from connectors.database import connect
from connectors.settings import Settings
from dags.support.assessing.parameters import load_parameters
from dags.support.assessing.trial import computed_run, graded, measured_indicators


def record(settings: Settings, run_id: str) -> int:
    """Write `mart.reading_run` for a run that is being built.

    Returns:
        The number of rows written: one per reading not used and indicator that rests on it.
    """
    with connect(settings.dsn()) as connection:
        run = computed_run(connection, run_id)
        measured = measured_indicators(connection)
        rows = []
        for parameter in load_parameters().values():
            used = run.parameters.get(parameter.name, parameter.default)
            concerned = [name for name in parameter.applies_to if name in measured]
            for reading in parameter.alternatives:
                if reading == used or not concerned:
                    continue
                found = graded(connection, run, readings={parameter.name: reading}, measured=concerned)
                rows += [
                    (
                        run_id,
                        parameter.name,
                        reading,
                        name,
                        found[name]["value_text"],
                        found[name]["star"],
                        found[name]["reason"],
                    )
                    for name in concerned
                ]
        connection.execute("delete from mart.reading_run where run_id = %s", (run_id,))
        with connection.cursor() as cursor:
            cursor.executemany("insert into mart.reading_run values (%s, %s, %s, %s, %s, %s, %s)", rows)
    return len(rows)
