"""Alerts by HTTP POST, to the address of an Airflow connection.

The connection's extra says how:

    format    json (default): the alert as it stands in the file, signed by Standard Webhooks 1.0.0
              robot: a text message as robots of DingTalk and WeCom groups take it; with a password, signed for DingTalk
    level     critical (default), or warning to be told of warnings too
    headers   fixed request headers
    ca_file   the server's CA
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
import ssl
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import httpx
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential_jitter

from connectors.sources.endpoint import Endpoint
from dags.support.alerting.alert import Alert, Level

for _name in ("httpx", "httpcore"):
    # they log whole URLs, in which the robots' tokens stand
    logging.getLogger(_name).setLevel(logging.WARNING)

ATTEMPTS = 4
_TIMEOUT_SECONDS = 5.0
_BACKOFF = wait_exponential_jitter(initial=1, max=8)
_PASSING = {408, 425, 429}


class WebhookError(Exception):
    """An alert was not taken; the message holds nothing of the address."""


class _PassingError(WebhookError):
    """A trouble that may be gone at the next try."""


def wants(endpoint: Endpoint, alert: Alert) -> bool:
    """Tell whether the receiver is to be told of an alert of this level."""
    return alert.level is Level.CRITICAL or endpoint.extra.get("level") == Level.WARNING


def send(endpoint: Endpoint, alert: Alert, *, now: datetime, sleep: Callable[[float], None] = time.sleep) -> None:
    """Deliver an alert; try again, backing off, on time-outs, 408, 425, 429 and 5xx.

    Args:
        endpoint: address, password as signing key, extra.
        now: aware; signatures are dated by it.
        sleep: waits between tries.

    Raises:
        WebhookError: it was not taken after all tries, or refused.
    """
    is_robot = endpoint.extra.get("format") == "robot"
    document = {"msgtype": "text", "text": {"content": alert.text()}} if is_robot else alert.document()
    body = json.dumps(document, ensure_ascii=False).encode()
    params = _robot_signature(endpoint.secret, now) if is_robot else {}
    headers = {"Content-Type": "application/json", **_headers(endpoint)}
    if not is_robot:
        headers |= _signature(endpoint.secret, alert.alert_id, now, body)
    with _client(endpoint) as client:
        for attempt in Retrying(
            stop=stop_after_attempt(ATTEMPTS),
            wait=_BACKOFF,
            retry=retry_if_exception_type(_PassingError),
            sleep=sleep,
            reraise=True,
        ):
            with attempt:
                _post(client, httpx.URL(endpoint.url).copy_merge_params(params), headers, body, is_robot=is_robot)


def _client(endpoint: Endpoint) -> httpx.Client:
    try:
        verify = ssl.create_default_context(cafile=endpoint.extra.get("ca_file"))
    except OSError:
        raise WebhookError("连接的 extra 中 ca_file 所指的证书文件无法读取") from None
    return httpx.Client(timeout=_TIMEOUT_SECONDS, follow_redirects=False, verify=verify)


def _post(client: httpx.Client, url: httpx.URL, headers: Mapping[str, str], body: bytes, *, is_robot: bool) -> None:
    try:
        answer = client.post(url, content=body, headers=dict(headers))
    except httpx.HTTPError as error:
        raise _PassingError(f"接收方没有应答（{type(error).__name__}）") from None
    if answer.status_code in _PASSING or answer.is_server_error:
        raise _PassingError(f"接收方应答 {answer.status_code}")
    if not answer.is_success:
        raise WebhookError(f"接收方应答 {answer.status_code}")
    if is_robot and (code := _robot_code(answer)) != 0:
        raise WebhookError(f"群机器人拒绝了消息（errcode {code}）")


def _headers(endpoint: Endpoint) -> dict[str, str]:
    given = endpoint.extra.get("headers")
    return {str(k): str(v) for k, v in given.items()} if isinstance(given, Mapping) else {}


def _signature(secret: str, alert_id: str, now: datetime, body: bytes) -> dict[str, str]:
    """Standard Webhooks 1.0.0: HMAC-SHA256 over `id.timestamp.body`."""
    stamp = str(int(now.timestamp()))
    named = {"webhook-id": alert_id, "webhook-timestamp": stamp}
    if not secret:
        return named
    key = base64.b64decode(secret.removeprefix("whsec_")) if secret.startswith("whsec_") else secret.encode()
    digest = hmac.digest(key, f"{alert_id}.{stamp}.".encode() + body, hashlib.sha256)
    return named | {"webhook-signature": f"v1,{base64.b64encode(digest).decode()}"}


def _robot_signature(secret: str, now: datetime) -> dict[str, str]:
    """DingTalk's custom robots (加签): HMAC-SHA256 over timestamp in milliseconds, line feed and secret."""
    if not secret:
        return {}
    stamp = str(int(now.timestamp() * 1000))
    digest = hmac.digest(secret.encode(), f"{stamp}\n{secret}".encode(), hashlib.sha256)
    return {"timestamp": stamp, "sign": base64.b64encode(digest).decode()}


def _robot_code(answer: httpx.Response) -> Any:
    """Both kinds of robots answer 200 and say in `errcode` whether they took the message."""
    try:
        found = answer.json()
    except ValueError:
        return None
    return found.get("errcode") if isinstance(found, dict) else None
