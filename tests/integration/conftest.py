"""A warehouse in which every model was built over nothing, for tests that put rows under the models."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from connectors.contract import Contracts
from connectors.database import Connection, connect
from connectors.raw_tables import ensure_raw_tables
from connectors.settings import Settings
from dags.support import models
from linkage import sources
from linkage.libraries import LIBRARIES
from tests.conftest import create_database, drop_database, dsn_of

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def built(
    server: str, warehouse_template: str, contracts: Contracts, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """Name of a database in which every model was built once, over nothing."""
    name = f"{warehouse_template}_models"
    create_database(server, name, template=warehouse_template)
    settings = Settings(home=tmp_path_factory.mktemp("models"), warehouse_dsn=dsn_of(server, name))
    with connect(settings.dsn()) as connection:
        ensure_raw_tables(connection, contracts)
        # as the step before every build does: models hold the sources' numbers as literals
        for library in LIBRARIES.values():
            sources.sync(connection, contracts, library)
    for selector in models.SELECTORS:
        assert models.run_models(settings, contracts, selector).failed == ()
    yield name
    drop_database(server, name)


@pytest.fixture
def modelled(server: str, built: str) -> Iterator[Connection]:
    """A connection to a fresh copy of the built warehouse."""
    name = f"{built}_{next(_numbers)}"
    create_database(server, name, template=built)
    with connect(dsn_of(server, name)) as opened:
        yield opened
    drop_database(server, name)
