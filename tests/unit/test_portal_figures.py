"""How the portal writes figures and in which words."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.figures import file_size, percent, quantity, spark
from portal.language import languages
from portal.site import HERE


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, "—"),
        (Decimal(0), "0%"),
        (Decimal(1), "100%"),
        (Decimal("0.85"), "85%"),
        (Decimal("0.8512"), "85.12%"),
        (Decimal(34) / Decimal(37), "91.89%"),
        (Decimal("0.849999"), "84.99%"),
        (Decimal("0.850001"), "85.0001%"),
        (Decimal("1.2"), "120%"),
    ],
)
def test_a_share_is_cut_not_rounded_when_written(value: Decimal | None, written: str) -> None:
    assert percent(value) == written


@given(st.integers(0, 10_000), st.integers(1, 10_000), st.integers(0, 100))
def test_a_share_stands_to_every_threshold_as_it_is_when_written(top: int, bottom: int, threshold: int) -> None:
    reads = Decimal(percent(Decimal(top) / Decimal(bottom)).rstrip("%"))
    assert (reads >= threshold) == (top * 100 >= threshold * bottom)
    assert (reads > threshold) == (top * 100 > threshold * bottom)


def test_quantities_are_grouped_and_trimmed_when_written() -> None:
    assert [quantity(v) for v in (None, 0, 2172, Decimal("4.990000"), Decimal("1234.56789"))] == [
        "—", "0", "2,172", "4.99", "1,234.5679",
    ]  # fmt: skip
    assert [file_size(n) for n in (0, 999, 482_113, 3_000_000_000)] == ["0 B", "999 B", "482.1 kB", "3 GB"]


def test_a_trend_leaves_a_gap_when_a_date_has_no_value() -> None:
    days = [date(2021, month, 1) for month in (6, 7, 8, 9)]
    line = spark(list(zip(days, (Decimal(1), None, Decimal(2), Decimal(3)), strict=True)))
    assert line is not None
    assert line.path.count("M") == 2
    assert spark([(days[0], None)]) is None
    alone = spark([(days[0], Decimal(0))])
    assert alone is not None
    assert (alone.last_x, alone.last_y) == ("48.0", "12.0")


def test_every_text_of_the_templates_exists_in_both_languages_when_loaded() -> None:
    used = set()
    for template in (HERE / "templates").rglob("*.j2"):
        used |= set(re.findall(r"\b(?:t|m\.empty)\('([a-z_0-9.]+)'\s*[,)]", template.read_text(encoding="utf-8")))
    for language in languages():
        assert used <= language.texts.keys()
        assert all(isinstance(text, str) and text for text in language.texts.values())


def test_no_vendored_file_is_larger_than_a_repository_should_carry_when_listed() -> None:
    assert all(path.stat().st_size < 1_000_000 for path in (HERE / "assets").rglob("*") if path.is_file())
    vendor = HERE / "assets" / "vendor" / "echarts"
    assert {"LICENSE", "NOTICE", "LICENSE-d3"} <= {path.name for path in vendor.iterdir()}
