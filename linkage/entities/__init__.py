"""How legal entities and sole traders are told apart."""

from __future__ import annotations

from pathlib import Path

from linkage.entities.resolve import resolve
from linkage.step import Rules

RULES = Rules(resolve, parameters=(Path(__file__).parent,))
