"""The task that builds the base libraries: together, and after a failure what is left."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from connectors.contract import Contracts
from connectors.database import Connection, connect
from connectors.raw_tables import ensure_raw_tables
from connectors.settings import Settings
from dags.support import building, models
from dags.support.databases import LIBRARIES
from tests.conftest import create_database, drop_database, dsn_of
from tests.integration.linked import deliver_linked, subject
from tests.integration.modelled import AS_OF, open_run

_ITEMS = "raw.administrative_approval__service_item"
"""Only the library of licences reads it."""


@pytest.fixture
def settings(
    server: str,
    warehouse_template: str,
    contracts: Contracts,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Settings]:
    """A home with a run opened and nothing built."""
    name = f"{warehouse_template}_task"
    create_database(server, name, template=warehouse_template)
    home = Settings(home=tmp_path_factory.mktemp("task"), warehouse_dsn=dsn_of(server, name))
    monkeypatch.setenv("WEIHAI_HOME", str(home.home))
    monkeypatch.setenv("WAREHOUSE_DSN", home.dsn())
    with connect(home.dsn()) as connection:
        ensure_raw_tables(connection, contracts)
        connection.commit()
        assert models.run_models(home, contracts, "seeds").failed == ()
        deliver_linked(
            connection,
            contracts,
            "market_regulation__enterprise",
            [{"uscc": "91371000MA0000002A", "name": "乙有限公司", "status": "在用", "_of": {"entity": subject(1)}}],
        )
        open_run(connection, "run", as_of=AS_OF)
    yield home
    drop_database(server, name)


def _stand(connection: Connection) -> set[str]:
    return {name for (name,) in connection.execute("select library from mart.library_build").fetchall()}


def test_what_was_built_stays_when_another_library_fails(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, ...]] = []
    run_models = models.run_models

    def noting(settings: Settings, contracts: Contracts, *selectors: str, **options: Any) -> models.ModelsReport:
        asked.append(selectors)
        return run_models(settings, contracts, *selectors, **options)

    monkeypatch.setattr(models, "run_models", noting)
    with connect(settings.dsn(), autocommit=True) as connection:
        connection.execute(f"alter table {_ITEMS} rename to elsewhere".encode())
        with pytest.raises(RuntimeError, match="service_item"):
            building.build("run", LIBRARIES)
        assert _stand(connection) == {"population", "legal_entity", "credit"}
        assert connection.execute("select name from legal_entity.entity").fetchall() == [("乙有限公司",)]

        connection.execute(f"alter table raw.elsewhere rename to {_ITEMS.removeprefix('raw.')}".encode())
        building.build("run", LIBRARIES)
        assert _stand(connection) == {"population", "legal_entity", "credit", "licence"}
        building.build("run", LIBRARIES)
    assert asked == [("population", "legal_entity", "credit", "licence"), ("licence",)]
