"""Codes that lost their leading zero in a spreadsheet and by that became other codes of the same list: 0111, 111."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import polars as pl

from connectors.contract import CodeList, Contract


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
        self._led, self._whole, self._short = Counter[str](), Counter[str](), Counter[str]()

    def look(self, values: Mapping[str, pl.Series]) -> None:
        """Count the codes of a batch; `values` by column, as stored."""
        for name, doubtful in self._doubtful.items():
            code = values[name]
            self._led[name] += int(code.str.starts_with("0").sum())
            self._whole[name] += int((code.str.len_bytes() == self._longest[name]).sum())
            self._short[name] += int(code.is_in(doubtful).sum())

    def suspected(self) -> dict[str, int]:
        """Return the columns that lost zeros, each with the number of cells that may have."""
        return {
            name: count
            for name, count in self._short.items()
            if count and not self._led[name] and count < self._whole[name]
        }
