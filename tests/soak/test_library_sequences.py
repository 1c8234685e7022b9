"""Months of a drawn city in any order, with decisions: the libraries are what building all of them gives."""

from __future__ import annotations

import os
import random
from pathlib import Path

from bench import city
from connectors.contract import Contracts
from connectors.settings import Settings
from tests.integration.library_builds import Libraries
from tests.integration.library_sequences import STEPS, walk
from tests.integration.linkage_sequences import NOISE

_DECISIONS = 5


def test_increments_equal_building_everything_when_a_sequence_is_drawn(
    settings: Settings, contracts: Contracts, tmp_path: Path
) -> None:
    drawn = random.Random(int(os.environ.get("SOAK_SEED", "0")))
    persons, rounds, seed = drawn.randint(200, 1_500), drawn.randint(2, 4), drawn.randrange(10**6)
    order = drawn.sample(range(1, rounds + 1), rounds)
    folder = city.write(tmp_path, contracts, persons, seed=seed, noise=NOISE, deliveries=rounds)
    libraries = Libraries.open(settings, contracts)
    for month in order:
        city.take_in(settings, contracts, folder, month)
        libraries.build()
        assert libraries.left_by_building_everything() == {}, f"{persons=} {seed=} {order=} {month=}"
        decided = libraries.decide_some(drawn, _DECISIONS)
        libraries.build()
        assert libraries.left_by_building_everything() == {}, f"{persons=} {seed=} {order=} {month=} {decided=}"
    libraries.connection.close()


def test_increments_equal_building_everything_after_each_step_of_the_fixed_sequence(
    settings: Settings, contracts: Contracts
) -> None:
    libraries = Libraries.open(settings, contracts)
    walk(libraries, compared=STEPS)
    libraries.connection.close()
