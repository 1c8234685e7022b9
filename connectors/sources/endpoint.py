"""Where a source is and how to be let in: resolved outside, from an Airflow connection or a URL."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

import sqlalchemy as sa

from connectors.sources.errors import SourceError

_DRIVERS: Mapping[str, str] = {
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "mysql": "mysql+pymysql",
    "mssql": "mssql+pymssql",
    "oracle": "oracle+oracledb",
    "sqlite": "sqlite",
}
"""SQLAlchemy driver of each connection type; only those of PostgreSQL and SQLite are installed with the project."""


@dataclass(frozen=True)
class Endpoint:
    """A resolved connection; nothing of it is shown by `repr`.

    Attributes:
        url: of a database its SQLAlchemy URL, password included; of an HTTP interface its address without account.
        user: account of an HTTP interface (application id, access key).
        secret: its password or signing key.
        extra: what else the connection says: `headers` (fixed request headers), `ca_file` (the server's CA), and
            whatever a signature function wants.
    """

    url: str = field(repr=False)
    user: str = field(default="", repr=False)
    secret: str = field(default="", repr=False)
    extra: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class ConnectionFields:
    """An Airflow connection as it is stored; `extra` is JSON text."""

    conn_type: str
    host: str = field(default="", repr=False)
    port: int | None = None
    schema: str = field(default="", repr=False)
    login: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    extra: str = field(default="", repr=False)

    @classmethod
    def of(cls, found: Any) -> ConnectionFields:
        """Return the fields of an Airflow connection object, whichever of Airflow's classes it is."""
        texts = ("conn_type", "host", "schema", "login", "password", "extra")
        return cls(port=found.port, **{name: getattr(found, name) or "" for name in texts})


def of_connection(kind: str, found: ConnectionFields) -> Endpoint:
    """Return the endpoint that a connection describes.

    Args:
        kind: of the source, `sql` or `http`.
        found: of a database, `schema` is the database's name and `extra` holds the driver's options; SQLite has its
            file in `host`. Of an HTTP interface, `schema` (or `conn_type`) is `https` or `http`.

    Raises:
        SourceError: the connection is of another kind.
    """
    extra = _extra(found.extra)
    if kind == "http":
        scheme = found.schema or ("https" if found.conn_type in ("https", "") else "http")
        host = found.host if "://" in found.host else f"{scheme}://{found.host}"
        port = f":{found.port}" if found.port else ""
        return _http(f"{host.rstrip('/')}{port}", found.login, found.password, extra)
    driver = _DRIVERS.get(found.conn_type)
    if driver is None:
        raise SourceError(f"连接的类型 {found.conn_type} 不是数据库，可用：{'、'.join(sorted(_DRIVERS))}")
    if driver == "sqlite":
        return Endpoint(str(sa.URL.create(driver, database=found.host or found.schema)))
    options = {k: str(v) for k, v in extra.items() if isinstance(v, str | int | float | bool)}
    url = sa.URL.create(
        driver,
        found.login or None,
        found.password or None,
        found.host or None,
        found.port,
        found.schema or None,
        options,
    )
    return Endpoint(url.render_as_string(hide_password=False))


def of_url(kind: str, text: str) -> Endpoint:
    """Return the endpoint that a URL describes; account and password stand in it.

    Raises:
        SourceError: it is no URL.
    """
    try:
        if kind == "sql":
            url = sa.make_url(text.strip())
            driver = _DRIVERS.get(url.drivername, url.drivername)
            return Endpoint(url.set(drivername=driver).render_as_string(hide_password=False))
        parts = urlsplit(text.strip())
        port = f":{parts.port}" if parts.port else ""
    except (sa.exc.ArgumentError, ValueError):
        raise SourceError("地址无法识别，应写作 postgresql://用户:密码@主机/库 或 https://主机/路径") from None
    address = urlunsplit((parts.scheme, f"{parts.hostname or ''}{port}", parts.path.rstrip("/"), "", ""))
    return _http(address, unquote(parts.username or ""), unquote(parts.password or ""), {})


def _http(address: str, user: str, secret: str, extra: Mapping[str, Any]) -> Endpoint:
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise SourceError("HTTP 连接的地址应以 https:// 或 http:// 开头，并写明主机")
    return Endpoint(address, user, secret, extra)


def _extra(text: str) -> Mapping[str, Any]:
    try:
        found = json.loads(text or "{}")
    except ValueError:
        raise SourceError("连接的 extra 不是 JSON") from None
    return found if isinstance(found, dict) else {}
