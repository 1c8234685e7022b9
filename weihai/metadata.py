"""Which database holds Airflow's metadata."""

from __future__ import annotations

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from connectors.settings import Settings
from weihai import postgres


def metadata_dsn(settings: Settings) -> str:
    """Return the libpq URI of Airflow's metadata database, made where needed.

    Beside the embedded warehouse it is `airflow` on the same server. Beside an external warehouse (`WAREHOUSE_DSN`)
    it is `<warehouse database>_airflow` on that server; where the role may not create it, the home's embedded server
    is started for the metadata alone.
    """
    if settings.warehouse_dsn is None:
        return postgres.start(settings).airflow_dsn
    facts = conninfo_to_dict(settings.warehouse_dsn)
    name = f"{facts.get('dbname') or facts.get('user')}_airflow"
    if _ensure_database(settings.warehouse_dsn, name):
        return uri_of(settings.warehouse_dsn, name)
    return postgres.start(settings).airflow_dsn


def uri_of(dsn: str, database: str) -> str:
    """Return a DSN (URI or key words) as a URI that names another database."""
    with psycopg.connect(dsn) as connection:
        info = connection.info
        user, password, host, port = info.user, info.password, info.host, info.port
    return f"postgresql://{_quoted(user)}:{_quoted(password)}@{host}:{port}/{database}"


def _ensure_database(dsn: str, name: str) -> bool:
    with psycopg.connect(dsn, autocommit=True) as connection:
        row = connection.execute(
            "select has_database_privilege(oid, 'create') from pg_database where datname = %s", (name,)
        ).fetchone()
        if row is not None:
            return bool(row[0])
        try:
            connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        except psycopg.errors.InsufficientPrivilege:
            return False
        return True


def _quoted(text: str) -> str:
    from urllib.parse import quote

    return quote(text, safe="")
