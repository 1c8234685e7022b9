"""What the rules make of the real register of Weihai, where it is at hand."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from connectors.settings import CHECKOUT
from linkage.entities.decide import decide
from linkage.entities.mentions import MENTION, read_facts

REGISTER = CHECKOUT.parent / "shared" / "data" / "enterprise" / "weihai.csv"
_HEADERS = {
    "uscc": "统一社会信用代码", "name": "企业名称", "legal_representative": "法人代表", "established_on": "注册日期",
    "address": "注册地址",
}  # fmt: skip

pytestmark = pytest.mark.skipif(not REGISTER.is_file(), reason="the real register is not part of the project")


def _mentions(path: Path, source: int, *attributes: str) -> pl.DataFrame:
    register = pl.read_csv(path, infer_schema=False, null_values=["N/A"]).with_row_index("n")
    stated = {c: pl.col(_HEADERS[c]) if c in attributes else pl.lit(None, MENTION[c]) for c in MENTION}
    stated |= {
        "source_id": pl.lit(source, pl.Int16),
        "mention_key": pl.col("n").cast(pl.String).str.zfill(6),
        "is_own": pl.lit(source == 1),
    }
    return register.select(expression.alias(column) for column, expression in stated.items())


@pytest.mark.parametrize(
    ("attributes", "least"),
    [
        (("name",), 0),
        (("name", "legal_representative"), 2_100),
        (("name", "established_on"), 2_172),
        (("name", "address"), 2_172),
        (("legal_representative", "established_on", "address"), 0),
    ],
)
def test_no_company_is_taken_for_another_when_all_are_mentioned_again_without_their_codes(
    attributes: tuple[str, ...], least: int
) -> None:
    register = _mentions(REGISTER, 1, *_HEADERS)
    facts = read_facts(pl.concat([register, _mentions(REGISTER, 2, *attributes)]))
    decision = decide(facts)
    found = facts.mentions.join(decision.decided, on="i", how="left")
    company, again = found.filter(pl.col("source_id") == 1), found.filter(pl.col("source_id") == 2)
    assert company["cluster"].n_unique() == len(register) == 2_172
    linked = company.join(again.drop_nulls("cluster"), on="mention_key")
    assert len(linked) >= least
    assert (linked["cluster"] == linked["cluster_right"]).all()
    if "name" in attributes:
        assert decision.doubts["i"].n_unique() + len(linked) == len(again)
