from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.ledger import Ledger, LedgerError

counts = st.integers(0, 50)


@given(counts, counts, counts, counts, counts, counts)
def test_ledger_balances_when_every_row_is_somewhere(
    header: int, blank: int, loaded: int, unchanged: int, duplicate: int, rejected: int
) -> None:
    read = loaded + unchanged + duplicate + rejected
    ledger = Ledger(header + blank + read, header, read, loaded, unchanged, duplicate, rejected, 3, {"blank": blank})
    ledger.check()
    with pytest.raises(LedgerError, match="文件"):
        Ledger(ledger.physical + 1, header, read, loaded, unchanged, duplicate, rejected, 0, {"blank": blank}).check()
    with pytest.raises(LedgerError, match="读入"):
        Ledger(ledger.physical, header, read, loaded + 1, unchanged, duplicate, rejected, 0, {"blank": blank}).check()


def test_ledger_does_not_balance_when_a_count_is_negative() -> None:
    with pytest.raises(LedgerError, match="负"):
        Ledger(2, 1, 1, 2, -1, 0, 0).check()
