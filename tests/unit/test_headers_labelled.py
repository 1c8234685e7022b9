"""Header rows labelled by hand: nothing may be taken for what it is not, nearly everything that is meant is found."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from connectors.contract import Contracts
from connectors.headers import HeaderError
from connectors.readers import open_file
from connectors.settings import Limits
from connectors.tables import Table, find_tables

LABELLED: Mapping[str, list[dict[str, Any]]] = yaml.safe_load(
    (Path(__file__).parents[1] / "fixtures" / "headers.yml").read_text(encoding="utf-8")
)
MINIMUM_RECALL = 0.95


def table(folder: Path, contracts: Contracts, labelled: Mapping[str, Any]) -> Table | None:
    """Deliver the rows above one row of data as a text file; return None where it is refused."""
    rows = [row.split("|") for row in labelled["rows"]]
    width = max(map(len, rows))
    path = folder / "delivered"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([*(row + [""] * (width - len(row)) for row in rows), ["数据"] * width])
    try:
        [found] = find_tables(open_file(path, limits=Limits()), [contracts[labelled["of"]]])
    except HeaderError:
        return None
    return found


def columns(found: Table | None) -> str:
    return "" if found is None else "|".join(m.column or "-" for m in found.header.columns)


@pytest.mark.parametrize("labelled", LABELLED["refused"], ids=lambda e: f"{e['of']}:{e['rows'][-1]}")
def test_nothing_is_taken_for_what_it_is_not_when_headers_only_look_alike(
    labelled: dict[str, Any], contracts: Contracts, tmp_path: Path
) -> None:
    assert columns(table(tmp_path, contracts, labelled)) in ("", labelled.get("to", ""))


def test_nearly_every_header_is_understood_and_none_wrongly_when_departments_word_it_their_way(
    contracts: Contracts, tmp_path: Path
) -> None:
    missed = []
    for labelled in LABELLED["accepted"]:
        found = columns(table(tmp_path, contracts, labelled))
        if found != labelled["to"]:
            missed.append((labelled["of"], labelled["rows"], found))
        taken = zip(found.split("|"), labelled["to"].split("|"), strict=False)
        assert not found or all(column in ("-", meant) for column, meant in taken), labelled
    assert 1 - len(missed) / len(LABELLED["accepted"]) >= MINIMUM_RECALL, missed


def test_the_labelled_set_is_wide_enough_to_say_something() -> None:
    assert min(len(LABELLED["accepted"]), len(LABELLED["refused"])) >= 70
    assert len({labelled["of"] for group in LABELLED.values() for labelled in group}) >= 30


def test_the_whole_header_is_counted_when_it_has_several_rows(contracts: Contracts, tmp_path: Path) -> None:
    for labelled in LABELLED["accepted"]:
        found = table(tmp_path, contracts, labelled)
        assert found is not None
        above = found.preamble_rows + found.blank_rows
        assert above + len(found.header_rows) == len(labelled["rows"]), labelled
