"""A published run with two figures, where a test needs one and no models."""

from __future__ import annotations

from datetime import datetime

from connectors.database import Connection
from connectors.settings import Settings
from dags.support import runs


def publish(settings: Settings, connection: Connection, run_id: str) -> None:
    """Write the figures of a run and publish it; commits."""
    connection.execute(
        "create table if not exists mart.indicator_operand_run"
        " (run_id text, indicator_id text, operand text, value numeric, reason text)"
    )
    connection.execute(
        "create table if not exists mart.indicator_value_run (run_id text, indicator_id text, metric jsonb,"
        " value numeric, star smallint, four_star_met boolean, five_star_met boolean, period_used text,"
        " is_estimated boolean, reason text)"
    )
    connection.execute("insert into mart.indicator_operand_run values (%s, 'i', 'x', 9.50, null)", (run_id,))
    connection.execute(
        "insert into mart.indicator_value_run"
        " values (%s, 'i', '{\"a\": 1}', 9.5, 4, true, false, '2021', false, '三星')",
        (run_id,),
    )
    connection.execute(
        "insert into mart.run (run_id, as_of, known_at, rule_version, project_version, started_at, state)"
        " values (%s, '2021-09-30', 3, 'r', '1', '2021-10-08', 'built')",
        (run_id,),
    )
    connection.execute("insert into mart.run_export values (%s, 'seq,star', '')", (run_id,))
    connection.execute("insert into mart.rule_content values (encode(sha256('rule'), 'hex'), 'rule')")
    connection.execute("insert into mart.rule_file values ('r', 'seeds/a.csv', encode(sha256('rule'), 'hex'))")
    connection.commit()
    runs.publish_run(settings, run_id, "passed", now=datetime.fromisoformat("2021-10-08T10:00:00+08:00"))
