"""A delivery of which most rows are known is staged as if every row had been read."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from connectors import checks, known_rows, reading
from connectors.contract import Contract, Contracts, load_contracts
from connectors.settings import CHECKOUT, Settings
from tests.integration.office import CONTRACTS, Office, csv_bytes
from tests.integration.staged_twice import decide, read_again, receive, same_rows, staged
from tests.unit.delivered_files import write_workbook

HOUSE = """
title: 房屋
description: 试验用的全量名单，有各种规则。
key: [code]
fallback_key: [name, opened_on]
identity: [name, opened_on]
mode: full
cycle: monthly
maximum_loss: 1.0
sharing: {type: 无条件共享}
columns:
  code: {header: 编号, type: text, required: warning}
  name: {header: 名称, type: text, required: true}
  opened_on: {header: 启用日期, type: date, not_after_as_of: true}
  closed_on: {header: 停用日期, type: date, required: warning}
  kind: {header: 类型, type: code, codes: operation}
  rooms: {header: 间数, type: int, minimum: 1, maximum: 99}
  owner: {header: 业主证件, type: id}
  part_of: {header: 所属编号, type: text}
  note: {header: 备注内容, type: text}
rules:
  closed_after_opened: {kind: date_order, earlier: opened_on, later: closed_on, dimension: "0503", message: 先后不符。}
  note_where_closed: {kind: required_if, column: note, when: {kind: [撤销]}, dimension: "0201", message: 应有备注。}
  note_once: {kind: unique, columns: [note], dimension: "0304", message: 备注不得重复。}
  whole_known:
    {kind: reference, column: part_of, extract: test_office__change, to: code, dimension: "0402", message: 应在变更中。}
"""
JUNE, JULY, AUGUST, SEPTEMBER = (date(2021, month, 28) for month in (6, 7, 8, 9))


@pytest.fixture(scope="module")
def contracts(tmp_path_factory: pytest.TempPathFactory) -> Contracts:
    folder = tmp_path_factory.mktemp("contracts")
    (folder / "test_office").mkdir()
    for name, text in {**CONTRACTS, "house": HOUSE}.items():
        (folder / "test_office" / f"{name}.yml").write_text(text, encoding="utf-8")
    return load_contracts((CHECKOUT / "connectors" / "contracts", folder))


@pytest.fixture
def office(settings: Settings, contracts: Contracts, clock: datetime) -> Office:
    return Office(settings, contracts, clock)


def house(number: int, **more: Any) -> dict[str, Any]:
    plain = {"code": f"h{number}", "name": f"楼{number}", "opened_on": "2001-02-03", "closed_on": "2020-01-01"}
    return plain | {"rooms": number + 1, "part_of": f"p{number % 5}", "note": f"注{number}"} | more


CITY = [
    *map(house, range(30)),
    house(30, code=None),
    house(31, kind="撤销", closed_on=None),
    house(32, rooms=None, opened_on="2011年3月4日"),
]
DELIVERIES: dict[str, tuple[date, list[dict[str, Any]], int]] = {
    "two rows changed, one gone, one new": (
        JULY,
        [house(0, name="新楼0"), house(1, rooms=3), *CITY[3:], house(40)],
        28,
    ),
    "rows that are not clean": (
        AUGUST,
        [
            *CITY[:20],
            house(20, rooms=1000),
            house(21, name=None),
            house(22, opened_on="2020-13-45"),
            house(23, closed_on="2000-01-01"),
            house(24, kind="撤销", note=None),
            {"code": "合计", "rooms": 900},
            house(25, note="注1"),
            house(26, name="测试"),
            *CITY[27:],
        ],
        21,
    ),
    "rows repeated, keys shared, another's record": (
        SEPTEMBER,
        [*CITY, CITY[2], CITY[3], house(4, name="别的楼"), house(5, name="另一座", opened_on="1999-09-09"), *CITY[6:8]],
        18,
    ),
}
"""What is delivered after `CITY` in June, and how many rows are staged by what they point to."""


def put(office: Office, rows: list[dict[str, Any]], as_of: date, kind: str = "csv") -> int:
    office.put(f"a.{kind}", KINDS[kind](contract(office), rows), "house", as_of=as_of)
    return receive(office)


def workbook(contract: Contract, rows: list[dict[str, Any]]) -> bytes:
    table = list(csv.reader(io.StringIO(csv_bytes(contract, rows).decode())))
    with tempfile.TemporaryDirectory() as folder:
        return write_workbook(Path(folder), {"房屋": table}).read_bytes()


KINDS = {"csv": csv_bytes, "xlsx": workbook}
"""A file whose rows are known by their lines, and one whose rows are known by their cells."""


def contract(office: Office) -> Contract:
    return office.contracts["test_office__house"]


@pytest.mark.parametrize("kind", KINDS)
def test_staging_is_the_same_when_rows_are_known_as_when_all_are_read(
    office: Office, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.delattr(checks, {"csv": "prints_of_cells", "xlsx": "prints_of_lines"}[kind])
    office.deliver("change", [{"code": f"p{n}", "value": n} for n in range(4)], JUNE)
    assert decide(office, put(office, CITY, JUNE, kind)).startswith("accepted")

    for what, (as_of, rows, same) in DELIVERIES.items():
        batch_id = put(office, rows, as_of, kind)

        assert same_rows(office, batch_id) == same, what
        found = staged(office, batch_id)
        read_again(office, batch_id)
        assert same_rows(office, batch_id) == 0
        assert found == staged(office, batch_id), what
        assert decide(office, batch_id).startswith("accepted")


def test_applied_records_are_right_when_another_delivery_came_between(office: Office) -> None:
    decide(office, put(office, CITY, JUNE))
    second = put(office, [*CITY[:-1], house(51)], AUGUST)
    first = put(office, [*CITY[1:], house(50)], JULY)
    assert same_rows(office, second) == 30

    assert decide(office, first).startswith("accepted")
    assert decide(office, second).startswith("accepted")

    ledger = "rows_loaded, rows_unchanged, rows_withdrawn"
    assert office.batch(second, ledger) == (2, 31, 2)
    # the record that the first one withdrew is back with its content, which had not been staged whole at first
    assert ("h0", "楼0", second) in office.current("house", "code, name, _batch_id")
    assert {code for (code,) in office.current("house", "code")} == {row["code"] for row in [*CITY[:-1], house(51)]}


def test_nothing_is_known_when_what_readings_depend_on_is_another(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    decide(office, put(office, CITY, JULY))
    for rows, as_of in ((CITY, AUGUST), (CITY[1:], JUNE)):
        batch_id = put(office, rows, as_of)
        assert (same_rows(office, batch_id) > 0) is (as_of == AUGUST)
        assert decide(office, batch_id, passes=False) == "held"

    monkeypatch.setattr(known_rows, "code_version", lambda: "another")
    assert same_rows(office, put(office, CITY[2:], SEPTEMBER)) == 0


@pytest.mark.parametrize("between", ["applied", "forgotten", "nothing"])
def test_staging_is_right_when_something_happens_between_recall_and_reading(
    office: Office, monkeypatch: pytest.MonkeyPatch, between: str
) -> None:
    decide(office, put(office, CITY, JUNE))
    first = put(office, [*CITY[1:], house(50)], JULY) if between == "applied" else 0
    recall = reading.recall

    def recalled(*args: Any) -> reading.Recalled | None:
        found = recall(*args)
        assert found is not None
        assert found.known is not None
        match between:
            case "applied":
                decide(office, first)
            case "forgotten":
                known_rows.forget(office.settings)
        return found

    monkeypatch.setattr(reading, "recall", recalled)
    second = put(office, [*CITY[:-1], house(51)], AUGUST)

    # the record that the other delivery withdrew is staged whole
    assert same_rows(office, second) == {"applied": 29, "forgotten": 0, "nothing": 30}[between]
    found = staged(office, second)
    read_again(office, second)
    assert found == staged(office, second)
    assert decide(office, second).startswith("accepted")


def test_rows_are_read_when_the_notes_are_damaged(office: Office) -> None:
    decide(office, put(office, CITY, JUNE))
    [notes] = office.settings.known.rglob("*.arrow")
    whole = notes.read_bytes()
    for content in (b"", whole[: len(whole) // 2], b"x" * 100):
        notes.write_bytes(content)
        batch_id = put(office, CITY[: -len(content) % 7 or None], JULY)
        assert same_rows(office, batch_id) == 0
        assert office.batch(batch_id) == "staged"


@pytest.fixture(autouse=True)
def no_scratch_is_left(settings: Settings) -> Iterator[None]:
    yield
    assert [path.name for path in settings.known.rglob(".*")] == []
