"""Print one Airflow connection as JSON: `python -m weihai.airflow_connection ID`, for the process that started it.

Runs in the environment of `weihai.airflow_config`; exit code 3 says that there is no such connection.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict

from connectors.settings import Settings
from connectors.sources.endpoint import ConnectionFields
from connectors.sources.errors import SourceError
from weihai.airflow_config import AirflowPlace, environment
from weihai.metadata import metadata_dsn

_NO_CONNECTION = 3


class NoConnectionError(SourceError):
    """Airflow has no connection of that id."""


def ask(settings: Settings, conn_id: str, inherited: Mapping[str, str]) -> ConnectionFields:
    """Return a connection of the home's Airflow.

    Raises:
        NoConnectionError: there is none of that id.
        SourceError: Airflow's database was never set up.
    """
    place = AirflowPlace(settings, 0, settings.dsn(), metadata_dsn(settings))
    done = subprocess.run(
        [sys.executable, "-m", "weihai.airflow_connection", conn_id],
        env=environment(place, inherited),
        capture_output=True,
        check=False,
    )
    if done.returncode == _NO_CONNECTION:
        raise NoConnectionError(f"Airflow 中没有连接 {conn_id}：请管理员在 Admin → Connections 中添加，或用 --url-file")
    if done.returncode != 0:
        raise SourceError("查不到 Airflow 的连接：先运行 `weihai up`，或用 --url-file")
    return ConnectionFields(**json.loads(done.stdout.splitlines()[-1]))


def main() -> int:
    """Look the connection up in Airflow's metadata."""
    from airflow.models.connection import Connection
    from airflow.utils.session import create_session

    with create_session() as session:
        found = session.query(Connection).filter(Connection.conn_id == sys.argv[1]).one_or_none()
        if found is None:
            return _NO_CONNECTION
        fields = ConnectionFields.of(found)
    print(json.dumps(asdict(fields)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
