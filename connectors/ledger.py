"""The row ledger: for every delivery, physical = header + skipped + read, and read = what became of the rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


class LedgerError(Exception):
    """Rows are unaccounted for; the message holds only counts."""


@dataclass(frozen=True)
class Ledger:
    """Row counts of one delivery (for a held one: as they would be).

    `withdrawn` counts records that the delivery ends, apart from its own rows.
    """

    physical: int
    header: int
    read: int
    loaded: int
    unchanged: int
    duplicate: int
    rejected: int
    withdrawn: int = 0
    skipped: Mapping[str, int] = field(default_factory=dict)

    def check(self) -> None:
        """Raise LedgerError unless every row is accounted for."""
        skipped = sum(self.skipped.values())
        if self.physical != self.header + skipped + self.read:
            raise LedgerError(
                f"行数不平：文件 {self.physical} 行 ≠ 表头 {self.header} + 略过 {skipped} + 读入 {self.read}"
            )
        outcome = self.loaded + self.unchanged + self.duplicate + self.rejected
        if self.read != outcome:
            raise LedgerError(
                f"行数不平：读入 {self.read} 行 ≠ 入库 {self.loaded} + 未变 {self.unchanged}"
                f" + 重复 {self.duplicate} + 退回 {self.rejected}"
            )
        counts = (self.physical, self.header, self.read, self.loaded, self.unchanged, self.duplicate, self.rejected)
        if min(*counts, self.withdrawn, *self.skipped.values(), 0) < 0:
            raise LedgerError("行数为负")

    def as_receipt(self) -> dict[str, Any]:
        """Return the `rows` part of a receipt."""
        return {
            "physical": self.physical,
            "header": self.header,
            "skipped": dict(self.skipped),
            "read": self.read,
            "loaded": self.loaded,
            "unchanged": self.unchanged,
            "duplicate": self.duplicate,
            "rejected": self.rejected,
            "withdrawn": self.withdrawn,
        }
