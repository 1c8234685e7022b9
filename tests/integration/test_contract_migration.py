"""A contract's new version and the raw table: what follows by itself, what is refused, and what then happens."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from connectors import intake
from connectors.catalogue import publish_contracts, published_contracts
from connectors.contract import Contracts, load_contracts
from connectors.database import connect
from connectors.raw_tables import ensure_raw_tables
from connectors.settings import Settings
from tests.integration.office import Office
from weihai.commands import contract as command

AUGUST, SEPTEMBER, OCTOBER = date(2021, 8, 31), date(2021, 9, 30), date(2021, 10, 7)
BERTH = """
title: 泊位
description: 试验用的全量名单。
key: [code]
mode: full
cycle: monthly
maximum_loss: 1.0
sharing: {type: 无条件共享}
columns:
  code: {header: 编号, type: text, required: true}
  depth: {header: 水深, type: int}
  built_on: {header: 建成日期, type: date}
  note: {header: 说明, type: text}
"""
BERTHS = [
    {"code": "a", "depth": "5", "built_on": "2001-02-03", "note": "甲"},
    {"code": "b", "depth": "", "built_on": "长期", "note": ""},
]
Change = Callable[..., None]


@pytest.fixture
def office(settings: Settings, tmp_path: Path, clock: datetime) -> Office:
    own = Settings(home=settings.home, warehouse_dsn=settings.warehouse_dsn, contract_folders=(tmp_path / "contracts",))
    place = tmp_path / "contracts" / "test_office"
    place.mkdir(parents=True)
    (place / "berth.yml").write_text(BERTH, encoding="utf-8")
    (place / "other.yml").write_text(BERTH.replace("泊位", "其他"), encoding="utf-8")
    return Office(own, load_contracts(own.contract_folders), clock)


@pytest.fixture
def change(office: Office, tmp_path: Path) -> Change:
    """Change the text of the contract, as an engineer does."""

    def apply(*replacements: tuple[str, str], name: str = "berth") -> None:
        path = tmp_path / "contracts" / "test_office" / f"{name}.yml"
        text = path.read_text(encoding="utf-8")
        for old, new in replacements:
            assert old in text
            text = text.replace(old, new)
        path.write_text(text, encoding="utf-8")
        office.contracts = load_contracts(office.settings.contract_folders)

    return apply


def prepare(office: Office) -> dict[str, str]:
    """Do what `weihai up` and every run do with the contracts."""
    with connect(office.settings.dsn()) as connection:
        refused = ensure_raw_tables(connection, office.contracts).refused
        publish_contracts(connection, office.contracts, office.contracts.codes, waiting=refused)
    return dict(refused)


def kind(office: Office, column: str) -> str:
    [(found,)] = office.rows(
        "select data_type from information_schema.columns where table_schema = 'raw'"
        " and table_name = 'test_office__berth' and column_name = %s",
        column,
    )
    return str(found)


def test_wider_types_and_a_new_column_leave_unchanged_rows_unchanged(office: Office, change: Change) -> None:
    office.deliver("berth", BERTHS, AUGUST)
    change(
        ("水深, type: int", "水深, type: decimal"),
        ("建成日期, type: date", "建成日期, type: datetime"),
        ("  note:", "  owner: {header: 业主, type: text}\n  note:"),
    )
    again = office.deliver("berth", BERTHS, SEPTEMBER)
    assert (kind(office, "depth"), kind(office, "built_on")) == ("numeric", "timestamp with time zone")
    assert office.batch(again, "rows_unchanged, rows_loaded, rows_withdrawn") == (2, 0, 0)
    assert office.current("berth", "code, depth::text, built_on::text, owner") == [
        ("a", "5.000000", "2001-02-03 00:00:00+08", None),
        ("b", None, "9999-12-31 00:00:00+08", None),
    ]
    changed = office.deliver("berth", [BERTHS[0] | {"depth": "5.5"}, BERTHS[1]], OCTOBER)
    assert office.batch(changed, "rows_unchanged, rows_loaded") == (1, 1)


def test_old_versions_meet_late_deliveries_after_a_column_was_widened(office: Office, change: Change) -> None:
    office.deliver("berth", BERTHS, AUGUST)
    office.deliver("berth", [BERTHS[0] | {"depth": "6"}, BERTHS[1]], OCTOBER)
    change(("水深, type: int", "水深, type: decimal"))
    late = office.deliver("berth", BERTHS, SEPTEMBER)
    assert office.batch(late, "rows_unchanged, rows_loaded") == (2, 0)


def test_column_that_left_empties_its_rows_once_even_when_another_is_widened(office: Office, change: Change) -> None:
    office.deliver("berth", BERTHS, AUGUST)
    change(("  note: {header: 说明, type: text}\n", ""), ("水深, type: int", "水深, type: decimal"))
    first = office.deliver("berth", BERTHS, SEPTEMBER)
    assert office.batch(first, "rows_unchanged, rows_loaded") == (1, 1)
    assert office.current("berth", "code, note") == [("a", None), ("b", None)]
    second = office.deliver("berth", BERTHS, OCTOBER)
    assert office.batch(second, "rows_unchanged, rows_loaded") == (2, 0)


def test_views_on_a_widened_column_stay_with_their_grants(office: Office, change: Change) -> None:
    office.deliver("berth", BERTHS, AUGUST)
    role = f"reader_{office.settings.home.stat().st_ino}"
    office.execute(
        f"create role {role}; create view mart.deep with (security_barrier = true) as"
        ' select code, depth * 2 as twice from raw."test_office__berth" where depth is not null;'
        " comment on view mart.deep is '水深'; create view mart.deeper as select twice + 1 as more from mart.deep;"
        f' grant select on mart.deep to {role}; create view mart.apart as select note from raw."test_office__berth"'
    )
    try:
        change(("水深, type: int", "水深, type: decimal"))
        assert prepare(office) == {}
        assert office.rows("select more::text from mart.deeper") == [("11.000000",)]
        assert office.rows(
            "select obj_description('mart.deep'::regclass), reloptions, has_table_privilege(%s, 'mart.deep', 'select')"
            " from pg_class where oid = 'mart.deep'::regclass",
            role,
        ) == [("水深", ["security_barrier=true"], True)]
        assert office.rows("select note from mart.apart where note is not null") == [("甲",)]
    finally:
        office.execute(f"drop owned by {role}; drop role {role}")


def test_table_stays_as_it_was_when_a_materialised_view_stands_in_the_way(office: Office, change: Change) -> None:
    office.deliver("berth", BERTHS, AUGUST)
    office.execute('create materialized view mart.still as select depth from raw."test_office__berth"')
    change(("水深, type: int", "水深, type: decimal"))
    [reason] = prepare(office).values()
    assert reason == (
        "契约 test_office__berth 的列 depth 不能改类型：物化视图 mart.still 用到它，请先删除该视图，改完后重建"
    )
    assert kind(office, "depth") == "bigint"


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("水深, type: int", "水深, type: text", "的列 depth 由整数改为文本：已入库的值不能这样改"),
        ("建成日期, type: date", "建成日期, type: int", "的列 built_on 由日期改为整数：已入库的值不能这样改"),
        ("key: [code]", "key: [code, built_on]", "的主键由（code）改为（code、built_on），而库中已有记录"),
        ("mode: full", "mode: full\nfallback_key: [note]", "的替代主键由（无）改为（note），而库中已有记录"),
    ],
)
def test_delivery_waits_and_others_go_on_when_the_table_cannot_follow(
    office: Office, change: Change, old: str, new: str, reason: str
) -> None:
    office.deliver("berth", BERTHS, AUGUST)
    prepare(office)
    published = office.rows("select version from catalogue.contract where contract_id = 'test_office__berth'")
    change((old, new))
    assert reason in prepare(office)["test_office__berth"]
    assert office.rows("select version from catalogue.contract where contract_id = 'test_office__berth'") == published
    changed = [BERTHS[0] | {"note": "新"}, BERTHS[1]]
    held = office.deliver("berth", changed, SEPTEMBER)
    summary = office.receipt(held)["summary"]
    assert summary.startswith("暂缓入库：契约 test_office__berth ")
    assert reason in summary
    assert "不必重新报送" in summary
    assert office.batch(held) == "held"
    assert office.current("berth", "code, note") == [("a", "甲"), ("b", None)]
    assert office.batch(office.deliver("other", BERTHS, SEPTEMBER)) == "accepted"
    change((new, old))
    intake.release(office.settings, office.contracts, held, actor="王", why="契约已恢复", now=office.tick())
    assert office.current("berth", "code, note") == [("a", "新"), ("b", None)]


def test_key_type_is_refused_and_an_empty_table_follows_anything(office: Office, change: Change) -> None:
    change(("编号, type: text", "编号, type: int"))
    office.deliver("berth", [{"code": "1", "depth": "5"}], AUGUST)
    change(("编号, type: int", "编号, type: decimal"))
    assert "它是键列，已入库记录的键会改变" in prepare(office)["test_office__berth"]
    other_key = (("key: [code]", "key: [depth]"), ("水深, type: int", "水深, type: int, required: true"))
    change(("编号, type: text", "编号, type: bool"), *other_key, name="other")
    assert "test_office__other" not in prepare(office)
    assert office.rows("select key_columns from catalogue.raw_table where contract_id = 'test_office__other'") == [
        (["depth"],)
    ]


def test_diff_tells_what_the_warehouse_would_do(
    office: Office, change: Change, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    app = typer.Typer()
    command.register(app)
    monkeypatch.setattr(command, "load_settings", lambda: office.settings)

    def diff(*arguments: str) -> tuple[int, list[dict[str, Any]]]:
        result = CliRunner().invoke(app, ["contract", "diff", "--format", "json", *arguments])
        return result.exit_code, json.loads(result.output)

    prepare(office)
    assert diff() == (0, [])
    change(("水深, type: int", "水深, type: text"))
    code, [found] = diff()
    assert (code, found["effect"]) == (3, "migrates")
    change(("水深, type: text", "水深, type: int"))
    office.deliver("berth", BERTHS, AUGUST)
    change(("水深, type: int", "水深, type: text"), ("  note:", "  owner: {header: 业主, type: text}\n  note:"))
    code, found_two = diff()
    assert (code, [(c["subject"], c["effect"]) for c in found_two]) == (
        1,
        [("depth", "refused"), ("owner", "migrates")],
    )
    older = tmp_path / "older" / "test_office"
    older.mkdir(parents=True)
    (older / "berth.yml").write_text(BERTH, encoding="utf-8")
    (older / "other.yml").write_text(BERTH.replace("泊位", "其他"), encoding="utf-8")
    monkeypatch.setattr(command, "connect", None)
    assert diff("--against", str(older.parent))[1] == found_two
    printed = CliRunner().invoke(app, ["contract", "diff", "--against", str(older.parent)])
    assert printed.exit_code == 1
    assert "拒绝" in printed.output
    assert "1 份契约有改动，1 份被拒绝" in printed.output


def test_published_contracts_come_back_as_they_were(settings: Settings, contracts: Contracts) -> None:
    with connect(settings.dsn()) as connection:
        publish_contracts(connection, contracts, contracts.codes)
        known, codes = published_contracts(connection)
    assert {c.id: c.version for c in known.values()} == {c.id: c.version for c in contracts.values()}
    assert {name: c.words for name, c in codes.items()} == {name: c.words for name, c in contracts.codes.items()}
