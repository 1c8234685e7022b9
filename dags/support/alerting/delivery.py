"""Delivering an alert: to the file first, so that it is never lost, then to the webhook; never an error."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import datetime
from typing import Literal

from connectors.settings import Settings
from connectors.sources.endpoint import Endpoint
from dags.support.alerting import alert_file
from dags.support.alerting.alert import FORMAT, Alert

Outcome = Literal["file_only", "sent", "not_sent"]

log = logging.getLogger(__name__)


def deliver(
    settings: Settings,
    alert: Alert,
    endpoint: Endpoint | None,
    *,
    now: datetime,
    sleep: Callable[[float], None] = time.sleep,
) -> Outcome:
    """Write an alert down and send it; what goes wrong is a line in file and log.

    Args:
        endpoint: the webhook; None where there is no connection.
        now: aware.
        sleep: waits between tries.
    """
    try:
        alert_file.append(settings, alert.document())
    except OSError as error:
        log.error("alert %s could not be written down: %s", alert.kind.value, type(error).__name__)
    if endpoint is None:
        log.info("alert %s %s: file only", alert.kind.value, alert.alert_id)
        return "file_only"
    from dags.support.alerting import webhook

    if not webhook.wants(endpoint, alert):
        return "file_only"
    try:
        webhook.send(endpoint, alert, now=now, sleep=sleep)
    except Exception as error:  # noqa: BLE001  an alert must not break what it speaks of
        reason = str(error) if isinstance(error, webhook.WebhookError) else type(error).__name__
        _not_sent(settings, alert, reason, now)
        return "not_sent"
    log.info("alert %s %s: file and webhook", alert.kind.value, alert.alert_id)
    return "sent"


def _not_sent(settings: Settings, alert: Alert, reason: str, now: datetime) -> None:
    log.error("alert %s %s did not reach the webhook: %s", alert.kind.value, alert.alert_id, reason)
    try:
        alert_file.append(
            settings,
            {
                "format": FORMAT,
                "id": alert.alert_id,
                "kind": "webhook_failed",
                "level": alert.level.value,
                "at": now.isoformat(timespec="seconds"),
                "title": f"告警未能送达 webhook：{reason}",
            },
        )
    except OSError as error:
        log.error("nor could that be written down: %s", type(error).__name__)
