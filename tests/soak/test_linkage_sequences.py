"""Sequences of deliveries of a city drawn by SOAK_SEED: what each linking leaves is what linking all again gives."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from connectors.contract import Contracts
from connectors.settings import Settings
from linkage.libraries import LibraryName
from tests.integration.linkage_sequences import states


@pytest.mark.parametrize("library", ["population", "legal_entity"])
def test_incremental_linking_equals_full_when_a_sequence_is_drawn(
    settings: Settings, contracts: Contracts, tmp_path: Path, library: LibraryName
) -> None:
    drawn = random.Random(int(os.environ.get("SOAK_SEED", "0")))
    persons, rounds, seed = drawn.randint(200, 2_000), drawn.randint(2, 5), drawn.randrange(10**6)
    told = f"persons={persons} rounds={rounds} seed={seed}"
    sequence = states(settings, contracts, tmp_path, seed=seed, persons=persons, rounds=rounds, library=library)
    for how, left, again in sequence:
        for name, rows in left.items():
            assert rows == again[name], f"{name} after a linking of kind {how}: {told}"
