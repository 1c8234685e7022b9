"""The parameters of person linkage: versioned data, never estimated during a run."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

_FILE = Path(__file__).with_name("model.json")

Probability = Annotated[float, Field(gt=0, lt=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Level(_Strict):
    """One outcome of a comparison: how often it occurs of the same person (m) and of two (u)."""

    m: Probability
    u: Probability


class Model(_Strict):
    """What is known of persons' records once and for all; weights are log2 of odds."""

    prior: Probability
    """Probability that two mentions of the city, picked at random, mean the same person."""
    link: float
    """From this weight on a mention is linked to the best candidate …"""
    margin: float
    """… if no other person comes nearer to its weight than this."""
    review: float
    """From this weight on a pair is kept, and looked at by a person where it is not linked."""
    comparisons: dict[str, dict[str, Level]]
    """By comparison: its levels, tried in this order."""
    trust: tuple[str, ...]
    """Contracts by how far they are trusted in whom a number belongs to; all others come last."""
    base_registers: tuple[str, ...]
    """Contracts that a number needs no second witness to stand in."""
    once: tuple[str, ...]
    """`contract/role` of registers in which a person stands once."""


@cache
def load() -> Model:
    """Read `model.json`."""
    return Model.model_validate(json.loads(_FILE.read_text(encoding="utf-8")))
