"""After deliveries and decisions the libraries are what building all of them gives, and past runs stay as they were."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bench import city
from connectors.contract import Contracts
from connectors.settings import Settings
from tests.integration.library_builds import Libraries
from tests.integration.library_sequences import HALF, STEPS, walk
from tests.integration.linkage_sequences import NOISE


@pytest.fixture
def libraries(settings: Settings, contracts: Contracts) -> Iterator[Libraries]:
    opened = Libraries.open(settings, contracts)
    yield opened
    opened.connection.close()


def test_increments_equal_building_everything_when_people_and_bodies_change(libraries: Libraries) -> None:
    walk(libraries, compared=(HALF, STEPS[-1]))


def test_increments_equal_building_everything_when_a_month_of_a_city_comes_late(
    libraries: Libraries, tmp_path: Path
) -> None:
    folder = city.write(tmp_path / "sample", libraries.contracts, 300, seed=1, noise=NOISE, deliveries=3)
    for month in (1, 3, 2):
        city.take_in(libraries.settings, libraries.contracts, folder, month)
        libraries.build()
    assert libraries.left_by_building_everything() == {}
