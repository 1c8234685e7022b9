"""The sample city's files: the same bytes for the same seed, and a truth that points at the right cells."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path

import openpyxl
import polars as pl
import pytest

from connectors.contract import load_contracts
from connectors.errors import UserError
from connectors.sample import write_city
from connectors.sample.calendar import month_later
from connectors.sample.dirt import CELL_DEFECTS, load_dirt
from connectors.sample.registers import KNOWN, delivered
from connectors.settings import CHECKOUT

CONTRACTS = CHECKOUT / "connectors" / "contracts"
BAD = "industry_it__cloud_enterprise"


@pytest.fixture(scope="module")
def contracts():
    return load_contracts([CONTRACTS])


@pytest.fixture(scope="module")
def dirty(contracts, tmp_path_factory):
    folder = tmp_path_factory.mktemp("dirty")
    write_city(contracts, folder / "out", persons=2_000, seed=11, deliveries=3, truth=folder / "truth")
    return folder


@pytest.fixture(scope="module")
def clean(contracts, tmp_path_factory):
    folder = tmp_path_factory.mktemp("clean")
    write_city(contracts, folder / "out", persons=1_000, seed=11, profile="clean", truth=folder / "truth")
    return folder


def deliveries(folder: Path) -> list[dict]:
    return json.loads((folder / "truth" / "deliveries.json").read_text(encoding="utf-8"))


def place(folder: Path, delivery: dict) -> Path:
    out = folder / "out"
    return (out if delivery["round_no"] == 1 else out / f"round-{delivery['round_no']}") / delivery["file"]


@cache
def rows_of(path: Path, encoding: str) -> list[list[str]]:
    """Read a file as a spreadsheet shows it: one list per row, blank rows included."""
    if encoding == "xlsx":
        sheet = openpyxl.load_workbook(path).active
        return [[shown(cell.value) for cell in row] for row in sheet.iter_rows()]
    with path.open(encoding=encoding, newline="") as file:
        return list(csv.reader(file))


def shown(value: object) -> str:
    if value is None:
        return ""
    return f"{value:%Y-%m-%d}" if isinstance(value, date) else str(value)


def test_files_are_identical_when_the_seed_is_the_same(contracts, tmp_path):
    for name in ("one", "two"):
        write_city(contracts, tmp_path / name, persons=400, seed=5, deliveries=2, truth=tmp_path / f"{name}-truth")
    first = sorted(p.relative_to(tmp_path / "one") for p in (tmp_path / "one").rglob("*") if p.is_file())
    second = sorted(p.relative_to(tmp_path / "two") for p in (tmp_path / "two").rglob("*") if p.is_file())
    assert first == second
    assert len(first) > 40
    for path in first:
        assert (tmp_path / "one" / path).read_bytes() == (tmp_path / "two" / path).read_bytes(), path
    for path in (tmp_path / "one-truth").rglob("*"):
        if path.is_file():
            other = tmp_path / "two-truth" / path.relative_to(tmp_path / "one-truth")
            assert path.read_bytes() == other.read_bytes(), path


def test_people_differ_when_the_seed_differs(contracts, tmp_path):
    for seed in (1, 2):
        write_city(contracts, tmp_path / str(seed), persons=200, seed=seed, truth=tmp_path / f"truth-{seed}")
    first, second = (pl.read_parquet(tmp_path / f"truth-{seed}" / "persons.parquet") for seed in (1, 2))
    assert first["id_no"].to_list() != second["id_no"].to_list()


def test_truth_points_at_the_planted_cell_when_a_file_is_read_back(dirty):
    defects = pl.read_parquet(dirty / "truth" / "defects.parquet").filter(pl.col("column").is_not_null())
    checked = 0
    for delivery in deliveries(dirty):
        rows = rows_of(place(dirty, delivery), delivery["encoding"])
        header = rows[delivery["rows_skipped"].get("preamble", 0)]
        own = defects.filter((pl.col("file") == delivery["file"]) & (pl.col("round_no") == delivery["round_no"]))
        short = short_rows(dirty, delivery)
        for row, title, planted in own.select("row", "header", "planted").iter_rows():
            cells, column = rows[row - 1], header.index(title)
            if row in short and column >= len(cells):
                continue
            assert cells[column] == (planted or ""), (delivery["file"], row, title)
            checked += 1
    assert checked > 2_000


@cache
def all_defects(folder: Path) -> pl.DataFrame:
    return pl.read_parquet(folder / "truth" / "defects.parquet")


def short_rows(folder: Path, delivery: dict) -> set[int]:
    defects = all_defects(folder).filter(
        (pl.col("file") == delivery["file"])
        & (pl.col("round_no") == delivery["round_no"])
        & (pl.col("defect") == "short_row")
    )
    return set(defects["row"])


def test_truth_points_at_the_planted_row_when_a_file_is_read_back(dirty):
    defects = pl.read_parquet(dirty / "truth" / "defects.parquet").filter(
        pl.col("column").is_null() & (pl.col("effect") != "kept")
    )
    seen = set()
    for delivery in deliveries(dirty):
        rows = rows_of(place(dirty, delivery), delivery["encoding"])
        header = rows[delivery["rows_skipped"].get("preamble", 0)]
        own = defects.filter((pl.col("file") == delivery["file"]) & (pl.col("round_no") == delivery["round_no"]))
        for row, defect in own.select("row", "defect").iter_rows():
            cells = rows[row - 1]
            seen.add(defect)
            match defect:
                case "blank_line":
                    assert not any(cells)
                case "repeated_header":
                    assert cells == header
                case "total_row":
                    assert cells[0] == "合计"
                case "title_rows" | "notes":
                    assert cells[0].startswith(("威海市", "制表日期", "注：", "填表说明："))
                case "short_row":
                    assert len(cells) < len(header)
                case "test_row":
                    assert "测试企业" in cells
                case "duplicate_row":
                    content = [c for c, title in zip(cells, header, strict=True) if title != "序号"]
                    above = [
                        [c for c, title in zip(r, header, strict=False) if title != "序号"] for r in rows[: row - 1]
                    ]
                    assert content in above
                case _:
                    raise AssertionError(defect)
    assert seen == {r.defect for r in load_dirt().rows} - {"extra_columns"}


def test_ledger_adds_up_when_a_file_is_read_back(dirty, clean):
    for folder in (dirty, clean):
        for delivery in deliveries(folder):
            rows = rows_of(place(folder, delivery), delivery["encoding"])
            skipped = sum(delivery["rows_skipped"].values())
            assert len(rows) == delivery["rows_physical"] == 1 + skipped + delivery["rows_read"], delivery["file"]


def test_every_format_occurs_when_a_city_is_written(dirty):
    assert {d["encoding"] for d in deliveries(dirty)} == {"utf-8", "utf-8-sig", "gb18030", "xlsx"}


def test_every_declared_defect_is_planted_when_the_city_is_dirty(dirty):
    planted = set(pl.read_parquet(dirty / "truth" / "defects.parquet")["defect"])
    assert {c.defect for c in load_dirt().cells} <= planted


def test_dirt_list_names_only_known_defects_when_loaded():
    assert {c.defect for c in load_dirt().cells} <= set(CELL_DEFECTS)


def test_clean_city_has_no_defect_when_written(clean, contracts):
    assert len(pl.read_parquet(clean / "truth" / "defects.parquet")) == 0
    files = deliveries(clean)
    assert sorted(f["contract"] for f in files) == sorted(KNOWN)
    assert {f["verdict"] for f in files} == {"accepted"}
    assert all(f["rows_skipped"] == {} and f["rows_rejected"] == f["rows_duplicate"] == 0 for f in files)


def test_one_delivery_is_to_be_held_when_the_city_is_dirty(dirty):
    held = [d for d in deliveries(dirty) if d["verdict"] == "held"]
    assert len(held) == 1
    (bad,) = held
    good = next(d for d in deliveries(dirty) if d["contract"] == BAD and d["verdict"] == "accepted")
    assert bad["contract"] == BAD
    assert bad["round_no"] == good["round_no"] == 1
    assert bad["as_of"] == good["as_of"]
    assert bad["rows_read"] < 0.6 * good["rows_read"]
    assert bad["rows_rejected"] > 0.5 * bad["rows_read"]
    assert Path(good["file"]).name < Path(bad["file"]).name


def test_truth_says_whom_every_row_is_about_when_a_file_is_written(dirty):
    truth = dirty / "truth"
    about = pl.read_parquet(truth / "identities.parquet")
    people = pl.read_parquet(truth / "persons.parquet")
    status = pl.read_parquet(truth / "status.parquet")
    roles = {"person", "entity", "mother", "father", "husband", "wife", "guardian", "leader"}
    assert set(about["role"]) == roles
    assert set(status["life_status"]) == {"alive", "deceased", "unborn"}
    assert set(status["residence_status"]) == {"registered", "resident", "moved_away", "absent"}
    told = next(d for d in deliveries(dirty) if d["contract"] == "veterans__veteran")
    rows = rows_of(place(dirty, told), told["encoding"])
    own = about.filter((pl.col("file") == told["file"]) & (pl.col("round_no") == told["round_no"]))
    defects = all_defects(dirty).filter((pl.col("file") == told["file"]) & (pl.col("round_no") == told["round_no"]))
    spoilt = set(defects["row"])
    assert len(own) == told["rows_read"]
    found = 0
    for row, person in own.select("row", "person_no").iter_rows():
        if row not in spoilt:
            assert people["id_no"][person] in rows[row - 1]
            found += 1
    assert found > 0


def test_side_file_names_the_date_when_a_file_is_written(dirty):
    for delivery in deliveries(dirty):
        path = place(dirty, delivery)
        side = json.loads(path.with_name(f"{path.name}.delivery.json").read_text(encoding="utf-8"))
        assert side == {"as_of": delivery["as_of"]}


def test_headers_are_the_contracts_own_when_a_file_is_written(dirty, contracts):
    for delivery in deliveries(dirty):
        contract = contracts[delivery["contract"]]
        known = {h: n for n, c in contract.columns.items() for h in (c.header, *c.aliases)}
        rows = rows_of(place(dirty, delivery), delivery["encoding"])
        header = [h for h in rows[delivery["rows_skipped"].get("preamble", 0)] if h != "序号" and not h.startswith("F")]
        found = [known[h] for h in header]
        assert len(set(found)) == len(found)
        assert set(contract.columns) - set(found) <= {"operation"}


def test_later_round_sends_only_changes_when_the_extract_is_incremental(dirty):
    by_round = {(d["contract"], d["round_no"]): d["rows_read"] for d in deliveries(dirty) if d["verdict"] == "accepted"}
    assert by_round["market_regulation__enterprise", 2] < 0.1 * by_round["market_regulation__enterprise", 1]
    assert by_round["industry_it__cloud_enterprise", 2] > 0.9 * by_round["industry_it__cloud_enterprise", 1]
    assert ("commerce__ecommerce", 2) not in by_round


def test_late_delivery_speaks_for_an_earlier_date_when_the_second_round_comes(dirty):
    days = [(d["as_of"], d["round_no"]) for d in deliveries(dirty) if d["contract"] == "industry_it__recognition"]
    assert days == [("2021-09-30", 1), ("2021-08-31", 2), ("2021-10-31", 2), ("2021-11-30", 3)]


def test_changes_say_what_they_are_when_an_incremental_extract_has_the_column(contracts):
    contract = contracts["commerce__ecommerce"]
    before = pl.DataFrame({"year": ["2018", "2019"], "transaction_yi_cny": [1.0, 2.0], "_relevant": [True, True]})
    now = pl.DataFrame({"year": ["2019", "2020"], "transaction_yi_cny": [2.5, 3.0], "_relevant": [True, True]})
    sent = delivered(contract, now, before)
    assert sent is not None
    assert sorted(sent.select("year", "operation").rows()) == [("2018", "撤销"), ("2019", "变更"), ("2020", "新增")]
    assert delivered(contract, now, now) is None
    full = contract.model_copy(update={"mode": "full"})
    assert delivered(full, now, before) is now


@pytest.mark.parametrize(
    ("day", "later"),
    [
        (date(2021, 9, 30), date(2021, 10, 31)),
        (date(2021, 1, 31), date(2021, 2, 28)),
        (date(2021, 12, 15), date(2022, 1, 15)),
        (date(2020, 1, 30), date(2020, 2, 29)),
    ],
)
def test_round_follows_a_month_later_when_dates_move(day, later):
    assert month_later(day) == later


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"profile": "perfect"}, "没有样例方案"),
        ({"persons": 5}, "至少 100 人"),
        ({"deliveries": 0}, "至少 1 轮"),
    ],
)
def test_arguments_are_refused_in_one_sentence_when_out_of_range(contracts, tmp_path, arguments, message):
    with pytest.raises(UserError, match=message):
        write_city(contracts, tmp_path / "out", **({"persons": 100} | arguments))


def test_folder_is_refused_when_not_empty(contracts, tmp_path):
    (tmp_path / "left.txt").write_text("x", encoding="utf-8")
    with pytest.raises(UserError, match="不是空文件夹"):
        write_city(contracts, tmp_path, persons=100)


def test_required_column_is_filled_when_a_contract_gains_one(contracts, tmp_path):
    website = contracts["big_data_center__main_website"]
    added = website.columns["name"].model_copy(update={"header": "主办单位", "aliases": ()})
    grown = website.model_copy(update={"columns": {**website.columns, "host": added}})
    only = replace(contracts, by_id={website.id: grown})
    write_city(only, tmp_path / "out", persons=100, profile="clean", truth=tmp_path / "truth")
    (delivery,) = deliveries(tmp_path)
    rows = rows_of(place(tmp_path, delivery), delivery["encoding"])
    assert all(row[rows[0].index("主办单位")] for row in rows[1:])
