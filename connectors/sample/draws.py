"""Named random streams and vectorised draws, so that one part of the city does not disturb another."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

DATA = Path(__file__).parent / "data"


def stream(seed: int, *names: str | int) -> np.random.Generator:
    """Return the random stream of that name: the same seed and name always give the same numbers."""
    return np.random.default_rng([seed, *(zlib.crc32(str(name).encode()) for name in names)])


def chances(seed: int, names: Sequence[str | int], numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Return a number in [0, 1) for each number, the same for the same seed, names and number (SplitMix64).

    Args:
        seed: seed of the city.
        names: what is drawn.
        numbers: of whom, shape (n,); in any order, with repetitions.
    """
    salt = stream(seed, *names).integers(0, 2**64, dtype=np.uint64)
    mixed = (numbers.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15) + salt
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    mixed ^= mixed >> np.uint64(31)
    return np.asarray((mixed >> np.uint64(11)) * 2.0**-53, dtype=np.float64)


def read_table(name: str) -> pl.DataFrame:
    """Read one of the small tables of `data/`, every column as text."""
    return pl.read_csv(DATA / name, infer_schema=False)


def choose(
    rng: np.random.Generator, options: Sequence[str], count: int, weights: Sequence[float] | None = None
) -> pl.Series:
    """Draw `count` of the options with replacement."""
    return pl.Series(list(options), dtype=pl.String).gather(positions(rng, len(options), count, weights))


def positions(
    rng: np.random.Generator, size: int, count: int, weights: Sequence[float] | None = None
) -> npt.NDArray[np.int64]:
    """Draw `count` numbers below `size`, with the given relative weights."""
    if weights is None:
        return rng.integers(0, size, count)
    edges = np.cumsum(np.asarray(weights, dtype=np.float64))
    drawn = np.searchsorted(edges, rng.random(count) * edges[-1], side="right")
    return np.asarray(np.minimum(drawn, size - 1), dtype=np.int64)


def some(rng: np.random.Generator, count: int, share: float) -> npt.NDArray[np.bool_]:
    """Mark about `share` of `count` elements."""
    return rng.random(count) < share


def exactly(rng: np.random.Generator, count: int, marked: int) -> npt.NDArray[np.bool_]:
    """Mark exactly `marked` of `count` elements."""
    mask = np.zeros(count, dtype=np.bool_)
    mask[rng.permutation(count)[:marked]] = True
    return mask
