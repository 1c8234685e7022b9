"""Codes that lost their leading zero in a spreadsheet and by that became other codes of the same list: 0111, 111."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import polars as pl

from connectors.contract import CodeList, Contract
from connectors.marks import Mark

_LED, _WHOLE, _SHORT = "led", "whole", "short"


class LostZeros:
    """Looks for columns in which no code begins with 0 though shorter codes would be codes with a 0 before them.

    One such cell proves nothing, so no cell is judged: the delivery as a whole is told. A column that holds mostly
    shorter codes means them.
    """

    def __init__(self, contract: Contract, codes: Mapping[str, CodeList]) -> None:
        lists = {name: codes[c.codes].words for name, c in contract.columns.items() if c.codes is not None}
        self._doubtful = {
            name: doubtful
            for name, words in lists.items()
            if (doubtful := [word[1:] for word in words if word.startswith("0") and word[1:] in words])
        }
        self._longest = {name: max(map(len, lists[name])) for name in self._doubtful}
        self._counts = Counter[Mark]()

    @property
    def marks(self) -> Sequence[Mark]:
        """What is counted of each row."""
        return [(sign, name) for name in self._doubtful for sign in (_LED, _WHOLE, _SHORT)]

    def look(self, values: Mapping[str, pl.Series]) -> dict[Mark, pl.Series]:
        """Count the codes of a batch, and return which rows were counted; `values` by column, as stored."""
        seen: dict[Mark, pl.Series] = {}
        for name, doubtful in self._doubtful.items():
            code = values[name]
            seen[_LED, name] = code.str.starts_with("0").fill_null(False)
            seen[_WHOLE, name] = (code.str.len_bytes() == self._longest[name]).fill_null(False)
            seen[_SHORT, name] = code.is_in(doubtful).fill_null(False)
        self.count({mark: int(rows.sum()) for mark, rows in seen.items()})
        return seen

    def count(self, counts: Mapping[Mark, int]) -> None:
        """Count rows that were looked at before."""
        self._counts.update({mark: counts[mark] for mark in self.marks})

    def suspected(self) -> dict[str, int]:
        """Return the columns that lost zeros, each with the number of cells that may have."""
        return {
            name: count
            for name in self._doubtful
            if (count := self._counts[_SHORT, name])
            and not self._counts[_LED, name]
            and count < self._counts[_WHOLE, name]
        }
