"""Which mentions speak of the same legal entity or sole trader: codes first, names only with other evidence."""

from __future__ import annotations

from pathlib import Path

from linkage.entities.resolve import resolve
from linkage.step import Rules

RULES = Rules(resolve, parameters=(Path(__file__).parent,))
