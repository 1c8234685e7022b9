"""What follows from the contracts inside a real database: raw tables and catalogue rows."""

from __future__ import annotations

import pytest

from connectors.catalogue import publish_contracts
from connectors.contract import Column, ColumnType, Contract, Contracts
from connectors.database import connect
from connectors.raw_tables import RawTables, columns, control_columns, ensure_raw_tables
from connectors.settings import Settings

ECOMMERCE = "commerce__ecommerce"


def changed(contracts: Contracts, **columns: Column) -> dict[str, Contract]:
    contract = contracts[ECOMMERCE]
    return {ECOMMERCE: Contract.model_validate(contract.model_dump() | {"columns": {**contract.columns, **columns}})}


def test_every_contract_has_its_raw_table_when_tables_are_ensured(settings: Settings, contracts: Contracts) -> None:
    with connect(settings.dsn()) as connection:
        touched = ensure_raw_tables(connection, contracts).touched
        assert touched == tuple(sorted(contracts))
        rows = connection.execute(
            "select table_name, column_name from information_schema.columns where table_schema = 'raw'"
            " order by table_name, ordinal_position"
        ).fetchall()
    for contract in contracts.values():
        found = [column for table, column in rows if table == contract.id]
        assert found == list(columns(contract))
        assert set(found) == {*(field.name for field in contract.fields), *control_columns(contract)}


def test_nothing_is_touched_when_tables_are_ensured_again(settings: Settings, contracts: Contracts) -> None:
    with connect(settings.dsn()) as connection:
        ensure_raw_tables(connection, contracts)
        assert ensure_raw_tables(connection, contracts) == RawTables((), {})


def test_table_and_columns_carry_comments_when_created(settings: Settings, contracts: Contracts) -> None:
    with connect(settings.dsn()) as connection:
        ensure_raw_tables(connection, contracts)
        table = "'raw.market_regulation__enterprise'::regclass"
        comment = connection.execute(f"select obj_description({table})").fetchone()
        columns = dict(
            connection.execute(
                f"select attname, col_description({table}, attnum) from pg_attribute"
                f" where attrelid = {table} and attnum > 0"
            ).fetchall()
        )
    assert comment is not None
    assert comment[0].startswith("市场主体登记信息。")
    assert columns["legal_representative"] == "法定代表人 [L3]"
    assert columns["registered_capital_currency"] == "注册资本：币种（ISO 4217） [L1]"
    assert all(columns.values())


def test_only_one_version_of_a_key_is_open_when_two_are_inserted(settings: Settings, contracts: Contracts) -> None:
    insert = (
        "insert into raw.commerce__ecommerce (_record_key, _row_hash, _batch_id, _row_no, _as_of, _applied_seq)"
        " values ('00000000-0000-0000-0000-000000000001', '\\x00', %s, 2, '2021-09-30', %s)"
    )
    with connect(settings.dsn()) as connection:
        ensure_raw_tables(connection, contracts)
        connection.execute(insert, (1, 1))
        with pytest.raises(Exception, match="unique constraint"):
            connection.execute(insert, (2, 2))


def test_table_gains_the_column_when_the_contract_does(settings: Settings, contracts: Contracts) -> None:
    with connect(settings.dsn()) as connection:
        ensure_raw_tables(connection, contracts)
        connection.execute(
            "insert into raw.commerce__ecommerce (year, _record_key, _row_hash, _batch_id, _row_no, _as_of,"
            " _applied_seq) values ('2020', gen_random_uuid(), '\\x00', 1, 2, '2021-09-30', 1)"
        )
        grown = changed(contracts, online_share_pct=Column(header="网络零售占比（%）", type=ColumnType.DECIMAL))
        assert ensure_raw_tables(connection, grown) == RawTables((ECOMMERCE,), {})
        row = connection.execute("select year, online_share_pct from raw.commerce__ecommerce").fetchone()
    assert row == ("2020", None)


def test_catalogue_says_what_the_contracts_say_when_published(settings: Settings, contracts: Contracts) -> None:
    with connect(settings.dsn()) as connection:
        publish_contracts(connection, contracts)
        rows = dict(connection.execute("select contract_id, version from catalogue.contract").fetchall())
        enterprise = connection.execute(
            "select department, cycle, mode, sharing_type, is_open, open_category, level_max from catalogue.contract"
            " where contract_id = 'market_regulation__enterprise'"
        ).fetchone()
        items = connection.execute(
            "select item_name, header, item_type, unit, level, is_key, is_required from catalogue.contract_item"
            " where contract_id = 'market_regulation__enterprise' order by item_no limit 7"
        ).fetchall()
    assert rows == {contract_id: contract.version for contract_id, contract in contracts.items()}
    assert enterprise == ("market_regulation", "daily", "incremental", "有条件共享", True, "市场监管", "L3")
    assert items[0] == ("uscc", "统一社会信用代码", "uscc", None, "L1", True, False)
    assert items[2] == ("name", "企业名称", "text", None, "L1", False, True)
    assert items[5] == ("registered_capital", "注册资本", "money", "CNY", "L1", False, False)


def test_only_changed_contracts_are_replaced_when_published_again(settings: Settings, contracts: Contracts) -> None:
    published = "select contract_id, published_at from catalogue.contract"
    with connect(settings.dsn()) as connection:
        publish_contracts(connection, contracts)
        before = dict(connection.execute(published).fetchall())
        grown = changed(contracts, online_share_pct=Column(header="网络零售占比（%）", type=ColumnType.DECIMAL))
        publish_contracts(connection, {**contracts, **grown})
        after = dict(connection.execute(published).fetchall())
        items = connection.execute(
            "select count(*) from catalogue.contract_item where contract_id = %s", (ECOMMERCE,)
        ).fetchone()
    assert {contract_id for contract_id in before if before[contract_id] != after[contract_id]} == {ECOMMERCE}
    assert items == (4,)


def test_contract_leaves_the_catalogue_when_it_is_gone(settings: Settings, contracts: Contracts) -> None:
    with connect(settings.dsn()) as connection:
        publish_contracts(connection, contracts)
        publish_contracts(connection, {k: v for k, v in contracts.items() if k != ECOMMERCE})
        tables = ("contract", "contract_item")
        counts = [
            connection.execute(f"select count(*) from catalogue.{t} where contract_id = %s", (ECOMMERCE,)).fetchone()
            for t in tables
        ]
    assert counts == [(0,), (0,)]
