"""Sequences of deliveries of a sample city, linked after each, and again from nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bench import city
from connectors.contract import Contracts
from connectors.sample import write_city
from connectors.sample.noise import Noise
from connectors.settings import Settings
from linkage.libraries import LibraryName
from tests.integration.linking import Linker

NOISE = Noise(number_typo=0.08, number_missing=0.1, name_variant=0.05, shared_numbers=0.02, two_numbers=0.02, twins=0.2,
              number_corrected=0.4, renamed=0.05)  # fmt: skip
"""Errors enough that a few hundred persons meet all of them."""
_WORKING = ("person_weak", "person_weak_key", "person_pair")


def states(
    settings: Settings, contracts: Contracts, folder: Path, *, seed: int, persons: int, rounds: int,
    library: LibraryName = "population",
) -> Iterator[tuple[str, dict[str, list[object]], dict[str, list[object]]]]:  # fmt: skip
    """Deliver round after round and link; yield how, the state left, and the state after linking everything again."""
    write_city(
        contracts, folder / "city", persons=persons, seed=seed, profile="default", as_of=city.AS_OF,
        deliveries=rounds, truth=folder / "truth", noise=NOISE,
    )  # fmt: skip
    linker = Linker.open(settings, contracts, library)
    try:
        for round_no in range(1, rounds + 1):
            city.take_in(settings, contracts, folder, round_no)
            how = linker.link().how
            left = _state(linker)
            linker.link(full_refresh=True)
            yield how, left, _state(linker)
    finally:
        linker.connection.close()


def _state(linker: Linker) -> dict[str, list[object]]:
    state: dict[str, list[object]] = {name: list(rows) for name, rows in linker.state().items()}
    if linker.library == "population":
        state |= {name: list(linker.rows(f"select * from linkage.{name} order by 1, 2")) for name in _WORKING}
    return state
