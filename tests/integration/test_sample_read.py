"""The sample city's files, read and checked by intake: rows, headers and rejections are those of the truth."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from connectors.checks import check
from connectors.contract import Contracts
from connectors.readers import open_file
from connectors.sample import write_city
from connectors.settings import Limits
from connectors.tables import find_tables

UNREPORTED = ("placeholder", "money_foreign")
"""Defects that leave a value empty or without yuan and are no finding of their own."""


@pytest.fixture(scope="module")
def city(contracts, tmp_path_factory):
    folder = tmp_path_factory.mktemp("city")
    for profile in ("default", "clean"):
        write_city(
            contracts, folder / profile, persons=3_000, seed=371_000, profile=profile, truth=folder / f"{profile}-truth"
        )
    return folder


def read_all(contracts: Contracts, city: Path, profile: str):
    """Check every file of one profile: (what the truth says, rows, issues, totals) by file."""
    read = {}
    for told in json.loads((city / f"{profile}-truth" / "deliveries.json").read_text(encoding="utf-8")):
        [table] = find_tables(open_file(city / profile / told["file"], limits=Limits()), [contracts[told["contract"]]])
        run = check(table, contracts.codes, as_of=date.fromisoformat(told["as_of"]))
        batches = list(run)
        rows = pl.concat([pl.DataFrame(pl.from_arrow(b.rows)) for b in batches])
        issues = pl.concat([pl.DataFrame(pl.from_arrow(b.issues)) for b in batches])
        read[told["file"]] = (told, rows, issues, run.totals)
    return read


@pytest.fixture(scope="module")
def dirty(contracts, city):
    return read_all(contracts, city, "default")


@pytest.fixture(scope="module")
def clean(contracts, city):
    return read_all(contracts, city, "clean")


def test_ledger_is_the_expected_one_when_dirty_files_are_read(dirty):
    for file, (told, rows, _, totals) in dirty.items():
        assert totals.physical == told["rows_physical"], file
        assert {k: v for k, v in totals.skipped.items() if v} == told["rows_skipped"], file
        assert totals.read == told["rows_read"], file
        assert totals.rejected == told["rows_rejected"], file
        assert len(rows) == totals.read - totals.rejected, file


def test_nothing_is_found_when_clean_files_are_read(clean):
    for file, (told, rows, issues, totals) in clean.items():
        found = issues.filter(pl.col("severity") != "info")
        assert found.is_empty(), (file, found.select("rule", "column_name").unique().rows())
        assert totals.rejected == 0
        assert len(rows) == told["rows_read"]
        missed = [r.rule for r in totals.results if r.severity != "info" and r.passed != r.checked]
        assert missed == [], file


def test_every_contract_takes_its_own_sample_when_everything_is_written(contracts, tmp_path):
    write_city(
        contracts, tmp_path / "clean", persons=400, profile="clean", truth=tmp_path / "clean-truth", everything=True
    )
    read = read_all(contracts, tmp_path, "clean")
    assert {told["contract"] for told, *_ in read.values()} == set(contracts)
    for file, (told, rows, issues, _) in read.items():
        found = issues.filter(pl.col("severity") != "info")
        assert found.is_empty(), (file, found.select("rule", "column_name").unique().rows())
        assert len(rows) == told["rows_read"] > 0, file


def defects_of(city: Path, file: str, *effects: str) -> pl.DataFrame:
    defects = pl.read_parquet(city / "default-truth" / "defects.parquet")
    return defects.filter((pl.col("file") == file) & pl.col("effect").is_in(effects))


def test_lost_and_doubtful_cells_are_reported_at_their_row_when_dirty_files_are_read(dirty, city):
    for file, (_, rows, issues, _) in dirty.items():
        own = defects_of(city, file, "nulled", "flagged", "rejected").filter(
            pl.col("column").is_not_null() & ~pl.col("defect").is_in(UNREPORTED)
        )
        loaded = set(rows["_row_no"])
        found = set(issues.select("row_no", "column_name").rows())
        missing = [
            cell for cell in own.select("row", "column", "defect").rows() if cell[:2] not in found and cell[0] in loaded
        ]
        assert missing == [], file


def test_only_planted_rows_are_reported_when_dirty_files_are_read(dirty, city):
    for file, (_, _, issues, _) in dirty.items():
        planted = defects_of(city, file, "recovered", "nulled", "flagged", "rejected", "kept", "duplicate")["row"]
        unplanted = issues.filter(
            (pl.col("severity") != "info") & pl.col("row_no").is_not_null() & ~pl.col("row_no").is_in(list(planted))
        )
        assert unplanted.is_empty(), (file, unplanted.select("rule", "column_name", "row_no").head(5).rows())


def test_all_other_cells_are_those_of_the_clean_city_when_dirty_files_are_read(dirty, clean, contracts, city):
    compared = 0
    for file, (told, rows, _, _) in dirty.items():
        same = [f for f in clean if clean[f][0]["contract"] == told["contract"] and told["verdict"] == "accepted"]
        if not same:
            continue
        contract = contracts[told["contract"]]
        key = [f.name for f in contract.fields if f.source in contract.key]
        reference = {tuple(r[k] for k in key): r for r in clean[same[0]][1].iter_rows(named=True)}
        spoilt = set(defects_of(city, file, "nulled", "flagged", "kept").select("row", "column").rows())
        broken = set(defects_of(city, file, "recovered").filter(pl.col("defect") == "line_break")["row"])
        rekeyed = {n for n, column in spoilt if column in contract.key}
        copies = set(defects_of(city, file, "duplicate")["row"])
        for row in rows.iter_rows(named=True):
            true = reference.get(tuple(row[k] for k in key))
            if true is None or row["_row_no"] in copies | broken | rekeyed:
                continue
            for field in contract.fields:
                if (row["_row_no"], field.source) not in spoilt:
                    assert row[field.name] == true[field.name], (file, row["_row_no"], field.name)
                    compared += 1
    assert compared > 50_000
