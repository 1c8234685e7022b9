"""`weihai try-alert`: does an alert arrive?"""

from __future__ import annotations

import os
from datetime import datetime

import typer

from connectors.as_of import CITY_TIME
from connectors.errors import UserError
from connectors.settings import Settings, load_settings
from connectors.sources.endpoint import Endpoint


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command("try-alert")
    def try_alert() -> None:
        """试发一条告警：写入告警文件，并按 Airflow 连接 weihai_alerts 送往 webhook。

        退出码：0 已写入（有连接时也已送达）；2 没有送达。

        例：weihai try-alert
        """
        from dags.support.alerting import alert_file
        from dags.support.alerting.alert import Alert, Kind, Level
        from dags.support.alerting.callbacks import CONNECTION
        from dags.support.alerting.delivery import deliver

        settings, now = load_settings(), datetime.now(CITY_TIME)
        alert = Alert(
            Kind.TRIAL,
            Level.CRITICAL,
            now,
            run_id="",
            title="这是一条试发的告警",
            what=["由 weihai try-alert 发出，没有发生故障。"],
            look="告警文件 logs/alerts.jsonl。",
            act="收到即可，无须处理。",
        )
        outcome = deliver(settings, alert, _webhook(settings, CONNECTION), now=now)
        if outcome == "not_sent":
            raise UserError(f"告警没有送达 webhook，原因见 {alert_file.path_of(settings)} 的最后一行")
        reached = "，并已送达 webhook" if outcome == "sent" else f"；Airflow 中没有连接 {CONNECTION}，未送往 webhook"
        typer.echo(f"已写入 {alert_file.path_of(settings)}{reached}")


def _webhook(settings: Settings, conn_id: str) -> Endpoint | None:
    from connectors.sources.endpoint import of_connection
    from weihai.airflow_connection import NoConnectionError, ask

    try:
        return of_connection("http", ask(settings, conn_id, os.environ))
    except NoConnectionError:
        return None
