"""Adding an extract is adding one YAML file: all else follows."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from ruamel.yaml import YAML

from connectors.catalogue import publish_contracts
from connectors.contract import load_contracts
from connectors.database import connect
from connectors.model_sources import render_sources
from connectors.raw_tables import ensure_raw_tables
from connectors.settings import Settings

CONTRACT = """\
title: 水产品批发市场信息
description: 全市的水产品批发市场，每个市场一行。
key: [market_code]
mode: full
cycle: yearly
sharing: {type: 无条件共享}
columns:
  market_code: {header: 市场编号, type: text, required: true}
  name: {header: 市场名称, type: text, required: true}
  division_code: {header: 所在区划, required: true}
  area_ha: {header: 面积（公顷）, type: decimal, required: true, minimum: 0}
  is_smart: {header: 是否智慧市场, type: bool, required: true}
  built_on: {header: 建成日期, type: date}
"""
MARKET = "ocean_development__wholesale_market"


def test_table_source_and_catalogue_follow_when_one_contract_file_is_added(settings: Settings, tmp_path: Path) -> None:
    extra = tmp_path / "extra"
    path = extra / "ocean_development" / "wholesale_market.yml"
    path.parent.mkdir(parents=True)
    with connect(settings.dsn()) as connection:
        before = load_contracts(settings.contract_folders)
        ensure_raw_tables(connection, before)
        publish_contracts(connection, before)
        path.write_text(CONTRACT, encoding="utf-8")
        settings = dataclasses.replace(settings, contract_folders=(*settings.contract_folders, extra))
        contracts = load_contracts(settings.contract_folders)
        assert ensure_raw_tables(connection, contracts).touched == (MARKET,)
        publish_contracts(connection, contracts)
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
    ]
    assert items[0] == ("market_code", "市场编号", True)
    assert title == ("水产品批发市场信息",)
    (source,) = YAML(typ="safe", pure=True).load(render_sources(contracts))["sources"]
    assert MARKET in [table["name"] for table in source["tables"]]
