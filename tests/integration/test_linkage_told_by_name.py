"""Whether a record speaks of a person or an entity where no column says so (PostgreSQL)."""

from __future__ import annotations

import psycopg
import pytest

from connectors.contract import Contracts
from linkage.told_by_name import is_entity, speaks_of_entity

PERSON, ENTITY = False, True


def told(server: str, name: str | None, id_no: str | None = None, code: str | None = None) -> bool:
    query = f"select {is_entity(['v.id_no'], ['v.code'], 'v.name')} from (values (%s, %s, %s)) as v (name, id_no, code)"
    with psycopg.connect(server) as connection:
        [found] = connection.execute(query.encode(), (name, id_no, code)).fetchone() or ()
    assert isinstance(found, bool)
    return found


@pytest.mark.parametrize(
    ("id_no", "code", "meant"),
    [
        ("371002198001010018", None, PERSON),
        (None, "371002198001010018", PERSON),
        ("91371000MA3C0A1B2C", None, ENTITY),
        (None, "91371000ma3c0a1b2c", ENTITY),
        (None, "913710007060885349", ENTITY),
        (None, "MA3C0A1B-X", ENTITY),
        (None, "3710002000123", ENTITY),
        (None, "371000200012345", ENTITY),
        ("E12345678", None, PERSON),
    ],
)
def test_codes_decide_when_there_are_any(server: str, id_no: str | None, code: str | None, meant: bool) -> None:
    assert told(server, "王力" if meant is ENTITY else "威海恒达商贸有限公司", id_no, code) is meant


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("王力", PERSON),
        ("欧阳修文", PERSON),
        ("欧阳知行", PERSON),
        ("买买提·吐尔逊", PERSON),
        ("王银DI", PERSON),
        ("张三（已故）", PERSON),
        ("JOHN SMITH", PERSON),
        ("王\ue123", PERSON),
        ("", PERSON),
        (None, PERSON),
        ("威海恒达商贸有限公司", ENTITY),
        ("威海恒达商贸", ENTITY),
        ("恒达商贸(威海)有限公司", ENTITY),
        ("福来商店", ENTITY),
        ("李记饭店", ENTITY),
        ("海瑞印厂", ENTITY),
        ("XINGDA CO., LTD", ENTITY),
        ("荣成市 崖头街道 幼儿园", ENTITY),
    ],
)
def test_the_form_of_the_name_decides_when_there_is_no_code(server: str, name: str | None, meant: bool) -> None:
    assert told(server, name) is meant
    assert told(server, name, "", "无") is meant or name is None


def test_every_contract_told_by_name_renders_and_others_are_refused(contracts: Contracts) -> None:
    told_by_name = [c for c in contracts if any(m.told_by_name for m in contracts[c].mentions.values())]
    assert {"court__judgment_debtor", "development_reform__credit_list"} <= set(told_by_name)
    for contract_id in told_by_name:
        assert "raw_record." in speaks_of_entity(contracts[contract_id], "raw_record")
    with pytest.raises(ValueError, match="told_by_name"):
        speaks_of_entity(contracts["market_regulation__enterprise"], "raw_record")
