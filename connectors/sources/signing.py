"""How requests prove where they come from."""

from __future__ import annotations

import hashlib
import hmac
import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast
from urllib.parse import quote

from connectors.sources.endpoint import Endpoint
from connectors.sources.errors import SourceError


@dataclass(frozen=True)
class Request:
    """A request that is about to be sent.

    Attributes:
        path: of the URL, percent-encoded.
        params: of the query, those of a link included.
        body: empty for GET.
        user: account of the connection.
        secret: its password or signing key.
        extra: what else the connection says.
        at: aware; the moment of sending.
    """

    method: str
    url: str
    path: str
    params: Mapping[str, str]
    body: bytes
    at: datetime
    user: str = ""
    secret: str = field(default="", repr=False)
    extra: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Signature:
    """What a request gets besides what was asked for."""

    headers: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)


Signer = Callable[[Request], Signature]


def signer(name: str, endpoint: Endpoint) -> Signer:
    """Return the function that signs, by its name in a contract.

    Raises:
        SourceError: there is no such function, or the connection has no secret to sign with.
    """
    if name == "none":
        return lambda _: Signature()
    if not endpoint.secret:
        raise SourceError("契约要求对请求签名，而连接中没有密钥（password）")
    if name == "hmac_sha256":
        return hmac_sha256
    module, _, function = name.partition(":")
    try:
        return cast("Signer", getattr(importlib.import_module(module), function))
    except (ImportError, AttributeError):
        raise SourceError(f"没有签名函数 {name}") from None


def hmac_sha256(request: Request) -> Signature:
    """Sign with HMAC-SHA256 (RFC 2104), in hex, over five lines.

    The lines are method, path, the query's parameters sorted by name and percent-encoded (RFC 3986), seconds since
    1970, and the SHA-256 of the body; the account goes into `X-App-Id`.
    """
    seconds = str(int(request.at.timestamp()))
    query = "&".join(f"{quote(k, safe='~')}={quote(v, safe='~')}" for k, v in sorted(request.params.items()))
    lines = (request.method, request.path, query, seconds, hashlib.sha256(request.body).hexdigest())
    digest = hmac.new(request.secret.encode(), "\n".join(lines).encode(), hashlib.sha256).hexdigest()
    return Signature({"X-App-Id": request.user, "X-Timestamp": seconds, "X-Signature": digest})
