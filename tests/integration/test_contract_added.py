"""Adding an extract is adding one YAML file: all else follows."""

from __future__ import annotations

import dataclasses
import json
from datetime import date, datetime
from pathlib import Path

import yaml

from connectors import intake, landing
from connectors.catalogue import publish_contracts
from connectors.contract import Contracts, load_contracts
from connectors.database import connect
from connectors.model_sources import render_sources
from connectors.raw_tables import ensure_raw_tables
from connectors.sample import write_city
from connectors.settings import Settings
from expectations import gate, suites

CONTRACT = """\
title: 水产品批发市场信息
description: 全市的水产品批发市场，每个市场一行。
key: [market_code]
mode: full
cycle: yearly
sharing: {type: 无条件共享}
columns:
  market_code: {header: 市场编号, type: text, required: true, pattern: '^SC\\d{5}$'}
  name: {header: 市场名称, type: text, required: true}
  division_code: {header: 所在区划, required: true}
  area_ha: {header: 面积（公顷）, type: decimal, required: true, minimum: 0}
  is_smart: {header: 是否智慧市场, type: bool, required: true}
  built_on: {header: 建成日期, type: date}
  opened_on: {header: 开业日期, type: date}
rules:
  opened_after_built: {kind: date_order, earlier: built_on, later: opened_on, dimension: "0503",
                       message: 开业日期不应早于建成日期。}
  name_once: {kind: unique, columns: [name], dimension: "0304", message: 市场名称不得重复。}
"""
MARKET = "ocean_development__wholesale_market"
SEPTEMBER = date(2021, 9, 30)


def with_market(settings: Settings, folder: Path) -> tuple[Settings, Contracts]:
    path = folder / "ocean_development" / "wholesale_market.yml"
    path.parent.mkdir(parents=True)
    path.write_text(CONTRACT, encoding="utf-8")
    extended = dataclasses.replace(settings, contract_folders=(*settings.contract_folders, folder))
    return extended, load_contracts(extended.contract_folders)


def test_table_source_and_catalogue_follow_when_one_contract_file_is_added(
    settings: Settings, contracts: Contracts, tmp_path: Path
) -> None:
    with connect(settings.dsn()) as connection:
        ensure_raw_tables(connection, contracts)
        publish_contracts(connection, contracts, contracts.codes)
        settings, contracts = with_market(settings, tmp_path / "extra")
        assert ensure_raw_tables(connection, contracts).touched == (MARKET,)
        publish_contracts(connection, contracts, contracts.codes)
        kinds = connection.execute(
            "select column_name, data_type from information_schema.columns"
            " where table_schema = 'raw' and table_name = %s and column_name not like '\\_%%'"
            " order by ordinal_position",
            (MARKET,),
        ).fetchall()
        items = connection.execute(
            "select item_name, header, is_key from catalogue.contract_item where contract_id = %s order by item_no",
            (MARKET,),
        ).fetchall()
        title = connection.execute("select title from catalogue.contract where contract_id = %s", (MARKET,)).fetchone()
    assert kinds == [
        ("market_code", "text"),
        ("name", "text"),
        ("division_code", "text"),
        ("area_ha", "numeric"),
        ("is_smart", "boolean"),
        ("built_on", "date"),
        ("opened_on", "date"),
    ]
    assert items[0] == ("market_code", "市场编号", True)
    assert title == ("水产品批发市场信息",)
    (source,) = yaml.load(render_sources(contracts), Loader=yaml.CSafeLoader)["sources"]
    assert MARKET in [table["name"] for table in source["tables"]]


def test_sample_goes_through_gate_to_raw_and_receipt_when_one_contract_file_is_added(
    settings: Settings, tmp_path: Path, clock: datetime
) -> None:
    settings, contracts = with_market(settings, tmp_path / "extra")
    contract = contracts[MARKET]
    alone = Contracts({MARKET: contract}, contracts.codes)
    write_city(alone, tmp_path / "out", persons=100, as_of=SEPTEMBER, profile="clean", everything=True)
    landing.drop_folder(settings, tmp_path / "out")
    [delivery] = landing.scan(settings.landing, contracts, settle_seconds=0)
    batch_id = intake.receive(settings, contracts, delivery, run_id="r", now=clock)
    [verdict] = gate.judge_batches(settings, contracts, [batch_id], run_id="r", now=clock)
    assert (verdict.passed, verdict.reasons) == (True, ())
    assert intake.decide(settings, contracts, verdict, now=clock) == "accepted"
    with connect(settings.dsn()) as connection:
        [(read, loaded)] = connection.execute("select rows_read, rows_loaded from quality.batch").fetchall()
        [(stored, coded)] = connection.execute(
            f"select count(*), count(*) filter (where market_code ~ '^SC[0-9]{{5}}$') from raw.{MARKET}".encode()
        ).fetchall()
        judged = {name for (name,) in connection.execute("select expectation from quality.gate_result where success")}
    assert read == loaded == stored == coded > 0
    stated = {rule.rule for rule in suites.planned_rules(contract)}
    assert {"market_code.pattern", "opened_after_built", "name_once"} <= stated
    assert stated <= judged
    folder = settings.landing / "ocean_development" / "receipts" / "wholesale_market"
    [receipt] = [json.loads(p.read_text(encoding="utf-8")) for p in folder.glob("*.receipt.json")]
    assert (receipt["status"], receipt["rows"]["loaded"], receipt["as_of"]) == ("accepted", loaded, "2021-09-30")
    assert receipt["quality"]["score"] == 1.0
    assert len(list(folder.glob("*.receipt.xlsx"))) == 1
