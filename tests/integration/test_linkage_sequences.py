"""Linking what a delivery changed leaves the same as linking everything again."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.contract import Contracts
from connectors.settings import Settings
from tests.integration.linkage_sequences import states


@pytest.mark.parametrize(("seed", "rounds"), [(2, 2), (3, 2)])
def test_incremental_linking_equals_full_when_deliveries_follow_one_another(
    settings: Settings, contracts: Contracts, tmp_path: Path, seed: int, rounds: int
) -> None:
    for how, left, again in states(settings, contracts, tmp_path, seed=seed, persons=400, rounds=rounds):
        assert left.keys() == again.keys()
        for name, rows in left.items():
            assert rows == again[name], f"{name} after a linking of kind {how}"
        assert left["link"]
        assert left["person_pair"]
    assert how == "touched"
