"""How persons are told apart."""

from __future__ import annotations

from pathlib import Path

from linkage.persons.resolve import resolve
from linkage.step import Rules

RULES = Rules(resolve, parameters=(Path(__file__).parent,))
