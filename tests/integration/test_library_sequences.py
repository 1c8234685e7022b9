"""After deliveries and decisions the libraries are what building all of them gives, and past runs stay as they were."""

from __future__ import annotations

from connectors.contract import Contracts
from connectors.settings import Settings
from tests.integration.library_builds import Libraries
from tests.integration.library_sequences import HALF, STEPS, walk


def test_increments_equal_building_everything_when_people_and_bodies_change(
    settings: Settings, contracts: Contracts
) -> None:
    libraries = Libraries.open(settings, contracts)
    walk(libraries, compared=(HALF, STEPS[-1]))
    libraries.connection.close()
