"""Rows known by their lines, whatever form the next delivery has: it is staged as if every row had been read."""

from __future__ import annotations

import csv
import io
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from datetime import date, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from connectors.contract import Contracts, load_contracts
from connectors.readers import encoding
from connectors.settings import CHECKOUT, Settings
from tests.integration.office import Office
from tests.integration.staged_twice import decide, read_again, receive, same_rows, staged
from tests.unit.delivered_files import write_workbook

FLAT = """
title: 住户
description: 试验用的全量名单，楼栋可能是合并单元格。
key: [code]
mode: full
cycle: monthly
maximum_loss: 1.0
sharing: {type: 无条件共享}
columns:
  code: {header: 编号, type: text, required: warning}
  block: {header: 楼栋, type: text, fill_down: true}
  name: {header: 名称, type: text, required: true}
  rooms: {header: 间数, type: int, minimum: 1, maximum: 99}
  opened_on: {header: 启用日期, type: date}
"""
JUNE, JULY = date(2021, 6, 28), date(2021, 7, 28)
HEADER = ["编号", "楼栋", "名称", "间数", "启用日期"]
Row = list[str]


@pytest.fixture(scope="module")
def contracts(tmp_path_factory: pytest.TempPathFactory) -> Contracts:
    folder = tmp_path_factory.mktemp("contracts")
    (folder / "test_office").mkdir()
    (folder / "test_office" / "flat.yml").write_text(FLAT, encoding="utf-8")
    return load_contracts((CHECKOUT / "connectors" / "contracts", folder))


@pytest.fixture
def office(settings: Settings, contracts: Contracts, clock: datetime) -> Office:
    return Office(settings, contracts, clock)


def flat(number: int, block: str | None = None) -> Row:
    return [
        f"f{number}",
        f"楼{number // 4}" if block is None else block,
        f"户{number}",
        str(number % 9 + 1),
        "2001-02-03",
    ]


TOWN = [flat(number) for number in range(40)]
MERGED = [flat(number, None if number % 4 == 0 else "") for number in range(40)]
"""Every block stands in its first row only."""
PARTLY = [flat(number, "" if number > 30 and number % 2 else None) for number in range(40)]
"""Blocks stand in all rows, so a blank is a missing value."""


def text(rows: Sequence[Row], *, delimiter: str = ",", end: str = "\n", quotes: bool = False) -> str:
    out = io.StringIO()
    quoting = csv.QUOTE_ALL if quotes else csv.QUOTE_MINIMAL
    csv.writer(out, delimiter=delimiter, lineterminator=end, quoting=quoting).writerows(rows)
    return out.getvalue()


def zipped(rows: Sequence[Row]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.csv", text(rows))
    return out.getvalue()


def workbook(rows: Sequence[Row]) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        return write_workbook(Path(folder), {"住户": rows}).read_bytes()


Form = Callable[[Sequence[Row]], bytes]
FORMS: dict[str, Form] = {
    "LF": lambda rows: text(rows).encode(),
    "CR LF": lambda rows: text(rows, end="\r\n").encode(),
    "no line end at the end": lambda rows: text(rows).removesuffix("\n").encode(),
    "GB18030": lambda rows: text(rows).encode("gb18030"),
    "UTF-16": lambda rows: text(rows).encode("utf-16"),
    "zipped": zipped,
    "a title above": lambda rows: text([["住户清单", "", "", "", ""], *rows]).encode(),
    "a row above that stands below too": lambda rows: text([rows[5], *rows]).encode(),
    "quoted": lambda rows: text(rows, quotes=True).encode(),
    "tabs": lambda rows: text(rows, delimiter="\t").encode(),
    "another order of columns": lambda rows: text([[*row[1:], row[0]] for row in rows]).encode(),
    "another column": lambda rows: text([[*row, "乡" if n else "辖区"] for n, row in enumerate(rows)]).encode(),
    "titles exchanged": lambda rows: text([[rows[0][0], rows[0][2], rows[0][1], *rows[0][3:]], *rows[1:]]).encode(),
    "another title": lambda rows: text([[*rows[0][:4], "说明"], *rows[1:]]).encode(),
    "a workbook": workbook,
}
"""How rows are written, the header first."""
BY_LINES = set(list(FORMS)[:8])
"""These hold the same lines below the same header."""
BETWEEN = {
    "blank": [],
    "short": ["f1", "楼1"],
    "long": [*flat(3), "多"],
    "trailing": [*flat(90), ""],
    "empty": ["", "", "", "", ""],
    "total": ["合计", "", "", "90", ""],
    "note": ["注：本表按月报送", "", "", "", ""],
    "header": HEADER,
    "part of a header": HEADER[:2],
    "not clean": ["f7", "楼1", "", "120", "2020-13-45"],
    "again": flat(7),
    "new": flat(91),
}


def deliver(office: Office, content: bytes, as_of: date) -> int:
    office.put("a.csv", content, "flat", as_of=as_of)
    return receive(office)


def stage_twice(office: Office, content: bytes) -> int:
    """Stage a delivery with what is known and without; return how many rows were known."""
    batch_id = deliver(office, content, JULY)
    known, found = same_rows(office, batch_id), staged(office, batch_id)
    read_again(office, batch_id)
    assert same_rows(office, batch_id) == 0
    assert found == staged(office, batch_id)
    return known


@pytest.mark.parametrize("form", FORMS)
def test_staging_is_the_same_when_the_next_delivery_has_another_form(office: Office, form: str) -> None:
    assert decide(office, deliver(office, FORMS["LF"]([HEADER, *TOWN]), JUNE)).startswith("accepted")

    changed = [HEADER, *TOWN[:32], *(BETWEEN[what] for what in ("total", "note", "header", "new")), *TOWN[33:]]

    assert stage_twice(office, FORMS[form](changed)) == (39 if form in BY_LINES else 0), form


@pytest.mark.parametrize(("first", "then"), [("a workbook", "LF"), ("quoted", "LF"), ("quoted", "a workbook")])
def test_staging_is_the_same_when_rows_were_known_by_their_cells(office: Office, first: str, then: str) -> None:
    assert decide(office, deliver(office, FORMS[first]([HEADER, *TOWN]), JUNE)).startswith("accepted")
    known = stage_twice(office, FORMS[then]([HEADER, *TOWN[1:]]))
    assert known == (0 if then == "LF" else 39)


@pytest.mark.parametrize("between", BETWEEN)
def test_rows_are_known_when_others_among_them_are_not_such_lines(
    office: Office, monkeypatch: pytest.MonkeyPatch, between: str
) -> None:
    # nothing but the other one is left of a piece in the middle
    monkeypatch.setattr(encoding, "CHUNK_BYTES", (200,))
    monkeypatch.setattr(encoding, "_SOON_BYTES", 200)
    with_it = [HEADER, *TOWN[:20], BETWEEN[between], *TOWN[20:]]
    assert decide(office, deliver(office, FORMS["LF"](with_it), JUNE)).startswith("accepted")
    # of two rows that are the same, or of one key, one is in force
    assert stage_twice(office, FORMS["CR LF"](with_it[:-1])) >= 38


@pytest.mark.parametrize("first", ["TOWN", "MERGED", "PARTLY"])
def test_blanks_are_filled_as_ever_when_rows_are_known(
    office: Office, monkeypatch: pytest.MonkeyPatch, first: str
) -> None:
    monkeypatch.setattr(encoding, "CHUNK_BYTES", (200,))
    monkeypatch.setattr(encoding, "_SOON_BYTES", 200)
    towns = {"TOWN": TOWN, "MERGED": MERGED, "PARTLY": PARTLY}
    number = 100
    for above, below in [*((town, town) for town in towns.values()), (MERGED, TOWN), (TOWN, MERGED), (PARTLY, MERGED)]:
        number += 1
        content = FORMS["LF"]([HEADER, *towns[first], flat(number)])
        assert decide(office, deliver(office, content, JULY)).startswith("accepted")

        stage_twice(office, FORMS["LF"]([HEADER, *above[:20], *below[20:36], flat(99)]))


EDIT = st.tuples(st.integers(0, 23), st.sampled_from([None, *BETWEEN.values(), *MERGED[:6]]))
ROWS = st.lists(
    st.one_of(
        st.sampled_from([*TOWN[:12], *TOWN[:12], *MERGED[:12], flat(5, "楼9")]), st.sampled_from([*BETWEEN.values()])
    ),
    min_size=3,
    max_size=24,
)


def test_staging_is_the_same_when_any_delivery_follows_any_other(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = iter(range(1000, 100_000))
    known = 0

    def content(rows: Sequence[Row], form: str) -> bytes:
        # no delivery repeats another one
        return FORMS[form]([HEADER, flat(next(numbers)), *rows])

    @given(
        rows=ROWS,
        edits=st.lists(EDIT, max_size=4),
        forms=st.tuples(*[st.sampled_from([*["LF"] * 6, *FORMS])] * 2),
        chunk=st.sampled_from([60, 250, 100_000]),
    )
    @examples(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    def follow(rows: list[Row], edits: list[tuple[int, Row | None]], forms: tuple[str, str], chunk: int) -> None:
        nonlocal known
        monkeypatch.setattr(encoding, "CHUNK_BYTES", (chunk,))
        monkeypatch.setattr(encoding, "_SOON_BYTES", chunk)
        first = deliver(office, content(rows, forms[0]), JULY)
        assert decide(office, first).startswith("accepted")
        changed = list(rows)
        for place, row in edits:
            at = place % max(len(changed), 1)
            changed[at : at + 1] = [] if row is None else [row]
        known += stage_twice(office, content(changed, forms[1]))

    follow()
    assert known > 0
