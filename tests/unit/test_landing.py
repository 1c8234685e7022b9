from __future__ import annotations

import json
import os
import time
from datetime import date
from pathlib import Path

import pytest

from connectors import landing
from connectors.contract import Contracts
from connectors.delivery_names import safe_name
from connectors.errors import UserError
from connectors.settings import Settings

ENTERPRISE = "market_regulation/inbox/enterprise"


@pytest.fixture
def home(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path)


def put(settings: Settings, name: str, content: str = "x") -> Path:
    path = settings.landing / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
    return path


def scan(settings: Settings, contracts: Contracts) -> list[landing.Delivery]:
    return landing.scan(settings.landing, contracts, settle_seconds=0)


def test_department_and_extract_come_from_the_folders_when_both_are_known(home: Settings, contracts: Contracts) -> None:
    put(home, f"{ENTERPRISE}/a.csv")
    [found] = scan(home, contracts)
    assert (found.department, found.extract, [f.name for f in found.files]) == (
        "market_regulation",
        "enterprise",
        ["a.csv"],
    )


@pytest.mark.parametrize(
    ("name", "department", "extract"),
    [
        ("market_regulation/inbox/a.csv", "market_regulation", None),
        ("market_regulation/inbox/nonsense/a.csv", "market_regulation", None),
        ("market_regulation/a.csv", "market_regulation", None),
        ("weather/inbox/enterprise/a.csv", None, None),
        ("a.csv", None, None),
    ],
)
def test_extract_or_department_is_open_when_the_folder_says_nothing_known(
    home: Settings, contracts: Contracts, name: str, department: str | None, extract: str | None
) -> None:
    put(home, name)
    [found] = scan(home, contracts)
    assert (found.department, found.extract) == (department, extract)


def test_nothing_is_taken_when_it_is_no_whole_plain_file(home: Settings, contracts: Contracts) -> None:
    for name in (
        ".hidden.csv",
        "~$open.xlsx",
        "up.csv.part",
        "x.tmp",
        "y.CRDOWNLOAD",
        "z.filepart",
        "a.csv.delivery.json",
    ):
        put(home, f"{ENTERPRISE}/{name}")
    secret = put(home, "../outside.csv")
    (home.landing / ENTERPRISE / "link.csv").symlink_to(secret)
    os.mkfifo(home.landing / ENTERPRISE / "pipe.csv")
    (home.landing / "market_regulation" / "inbox" / "linked").symlink_to(secret.parent)
    put(home, "market_regulation/receipts/enterprise/a.csv.1.receipt.json")
    put(home, "_unknown/receipts/a.csv.2.receipt.json")
    assert landing.listing(home.landing) == {}
    assert scan(home, contracts) == []


def test_file_is_left_alone_when_it_grows_between_two_looks(
    home: Settings, contracts: Contracts, monkeypatch: pytest.MonkeyPatch
) -> None:
    growing = put(home, f"{ENTERPRISE}/a.csv")
    put(home, f"{ENTERPRISE}/b.csv")

    def meanwhile(_: float) -> None:
        with growing.open("a", encoding="utf-8") as file:
            file.write("more")

    monkeypatch.setattr(time, "sleep", meanwhile)
    assert [d.files[0].name for d in scan(home, contracts)] == ["b.csv"]


def test_parts_wait_when_one_is_missing_and_are_answered_after_a_day(home: Settings, contracts: Contracts) -> None:
    first = put(home, f"{ENTERPRISE}/登记_第1份共2份.csv")
    assert scan(home, contracts) == []
    old = time.time() - landing.PARTS_WAIT_SECONDS - 60
    os.utime(first, (old, old))
    [late] = scan(home, contracts)
    assert late.problem is not None
    assert "仍缺第 2 份" in late.problem
    put(home, f"{ENTERPRISE}/登记_第2份共2份.csv")
    [whole] = scan(home, contracts)
    assert whole.problem is None
    assert [(f.part, f.parts) for f in whole.files] == [(1, 2), (2, 2)]


def test_side_file_declares_when_it_lies_beside_the_file(home: Settings, contracts: Contracts) -> None:
    put(home, f"{ENTERPRISE}/a.csv")
    side = {"as_of": "2021-09-30", "scope": {"division_code": ["371002", 371003]}}
    put(home, f"{ENTERPRISE}/a.csv.delivery.json", json.dumps(side))
    [found] = scan(home, contracts)
    assert (found.as_of, found.scope) == (date(2021, 9, 30), {"division_code": ["371002", "371003"]})


@pytest.mark.parametrize(
    "text", ["{", '{"as_off": "2021-09-30"}', '{"as_of": "soon"}', '{"part": 3, "parts": 2}', '{"part": 1}']
)
def test_delivery_has_a_problem_when_its_side_file_makes_no_sense(
    home: Settings, contracts: Contracts, text: str
) -> None:
    put(home, f"{ENTERPRISE}/a.csv")
    put(home, f"{ENTERPRISE}/a.csv.delivery.json", text)
    [found] = scan(home, contracts)
    assert found.problem is not None
    assert found.problem.endswith("。")


def test_drop_never_replaces_a_waiting_file_when_names_are_equal(
    home: Settings, contracts: Contracts, tmp_path: Path
) -> None:
    source = tmp_path / "a.csv"
    for content in ("one", "two"):
        source.write_text(content, encoding="utf-8")
        landing.drop(home, "market_regulation", "enterprise", [source], as_of=date(2021, 9, 30))
    inbox = home.landing / ENTERPRISE
    assert sorted(p.name for p in inbox.iterdir()) == [
        "a(2).csv", "a(2).csv.delivery.json", "a.csv", "a.csv.delivery.json",
    ]  # fmt: skip
    found = scan(home, contracts)
    assert [d.files[0].path.read_text(encoding="utf-8") for d in found] == ["one", "two"]
    assert {d.as_of for d in found} == {date(2021, 9, 30)}
    assert (home.landing / "market_regulation").stat().st_mode & 0o777 == 0o700


def test_several_files_are_the_parts_of_one_delivery_when_dropped_together(
    home: Settings, contracts: Contracts, tmp_path: Path
) -> None:
    sources = [tmp_path / "a.csv", tmp_path / "b.csv"]
    for source in sources:
        source.write_text("x", encoding="utf-8")
    landing.drop(home, "market_regulation", "enterprise", sources)
    [found] = scan(home, contracts)
    assert [(f.name, f.part, f.parts) for f in found.files] == [("a.csv", 1, 2), ("b.csv", 2, 2)]


@pytest.mark.parametrize(
    ("department", "extract", "hint"),
    [("market_regulations", "enterprise", "market_regulation"), ("market_regulation", "enterprises", "enterprise")],
)
def test_drop_offers_the_nearest_name_when_it_knows_none(
    home: Settings, tmp_path: Path, department: str, extract: str, hint: str
) -> None:
    source = tmp_path / "a.csv"
    source.write_text("x", encoding="utf-8")
    with pytest.raises(UserError, match=f"是否指 {hint}；现有："):
        landing.drop(home, department, extract, [source])
    assert not home.landing.exists()


def test_sample_folder_is_dropped_without_later_rounds_and_truth(
    home: Settings, contracts: Contracts, tmp_path: Path
) -> None:
    out = tmp_path / "sample"
    for name in ("market_regulation/enterprise", "round-2/market_regulation", "truth/x"):
        (out / name).mkdir(parents=True)
    (out / "market_regulation/enterprise/a.csv").write_text("x", encoding="utf-8")
    (out / "market_regulation/enterprise/a.csv.delivery.json").write_text('{"as_of": "2021-09-30"}', encoding="utf-8")
    (out / "truth/x/operands.json").write_text("{}", encoding="utf-8")
    assert len(landing.drop_folder(home, out)) == 1
    [found] = scan(home, contracts)
    assert found.as_of == date(2021, 9, 30)


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("登记 2021😀.csv", "登记 2021😀.csv"),
        ("..\\..\\etc\\passwd", "____etc_passwd"),
        ("=cmd|' /C calc'!A0.csv", None),
        ("a\nb\u202egnp.csv", "a_b_gnp.csv"),
        ("bad\udcff.csv", "bad?.csv"),
    ],
)
def test_name_is_safe_when_it_plays_tricks(name: str, safe: str | None) -> None:
    shown = safe_name(name)
    assert safe is None or shown == safe.replace("?", "_")
    assert not shown.startswith(("=", "+", "-", "@", "."))
    assert ".." not in shown
    assert not set(shown) & set('/\\\n|:*?"<>')


def test_name_keeps_its_ending_when_it_is_too_long() -> None:
    shown = safe_name("很长的名字" * 60 + ".csv")
    assert len(shown.encode()) <= 160
    assert shown.endswith(".csv")
