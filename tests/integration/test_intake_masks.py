from __future__ import annotations

import csv
import random
import re
from datetime import date, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from connectors.database import connect
from connectors.privacy import mask_identifiers
from connectors.settings import CHECKOUT, Settings
from tests.integration.office import Office, csv_bytes, with_test_contracts
from weihai import cli


@pytest.mark.parametrize(
    ("value", "kind", "masked"),
    [
        ("张三", "name", "张*"),
        ("欧阳修文", "name", "欧阳**"),
        ("13812345678", "phone", "138****5678"),
        ("不是电话", "phone", "不*"),
        ("371002198001010016", "id", "371***********001*"),
        ("3.71002E+17", "id", "3*"),
        ("6222020200012345678", "account", "****5678"),
        ("123", "account", "*"),
        ("威海市环翠区竹岛街道青岛路1号", "address", "威海市环翠区竹岛街道*"),
        ("山东省威海市文登区龙山路街道2号", "address", "山东省威海市文登区龙山路街道*"),
        ("荣成市镇海路3号", "address", "荣成市*"),
        ("荣成市石岛镇海路3号", "address", "荣成市*"),
        ("荣成市虎山镇西路3号", "address", "荣成市*"),
        ("黑龙江省哈尔滨市南岗区中山路5号", "address", "黑龙江省哈尔滨市南岗区*"),
        ("威海市经济技术开发区皇冠街道6号", "address", "威海市经济技术开发区皇冠街道*"),
        ("威海市锦绣小区7号楼", "address", "威海市*"),
        ("威海市家家悦超市二楼", "address", "威海市*"),
        ("羊亭镇港头村8号", "address", "羊亭镇*"),
        ("前双岛村", "address", "前*"),
        ("锦绣花园小区3号楼", "address", "锦*"),
        ("371002003001", "division", "371002003"),
        ("371002", "division", "371002"),
        ("13812345678", "division", "1*"),
        ("在册", "plain", "在册"),
        ("张三371002198001010016，电话13812345678。", "scan", "张三371***********001*，电话138****5678。"),
        ("913710007060885349", "scan", "913710007060885349"),
        ("1980-13-01", "text", "1*"),
        ("2021-02-30", "typed", "2021-02-30"),
        ("2021年13月", "typed", "2021年13月"),
        ("1,234.5", "typed", "1,234.5"),
        ("张三", "typed", "张*"),
        ("13812345678", "typed", "1*"),
        ("371002198001010016", "typed", "3*"),
        (None, "name", None),
    ],
)
def test_value_shows_no_more_than_its_kind_allows_when_masked(
    warehouse_dsn: str, value: str | None, kind: str, masked: str | None
) -> None:
    with connect(warehouse_dsn) as connection:
        assert connection.execute("select quality.mask_value(%s, %s)", (value, kind)).fetchone() == (masked,)


def test_address_is_shown_down_to_the_town_when_it_lies_in_one_of_the_city(warehouse_dsn: str) -> None:
    with (CHECKOUT / "seeds" / "divisions.csv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    names = {row["code"]: row["name"] for row in rows}
    towns = [
        f"威海市{names[row['parent_code']]}{row['name']}"
        for row in rows
        if row["level"] == "street" and re.search("(街道|镇|乡)$", row["name"])
    ]
    assert len(towns) > 60
    with connect(warehouse_dsn) as connection:
        shown = connection.execute(
            "select town, quality.mask_value(town || '新威路12号', 'address') from unnest(%s::text[]) as town", (towns,)
        ).fetchall()
    assert [(town, masked) for town, masked in shown if masked != f"{town}*"] == []


def _texts(count: int) -> list[str]:
    """Identifiers in all their spellings between words, digits and marks, by a fixed seed."""
    draw = random.Random(371_002)
    numbers = [
        "371002198001010016",
        "37100219800101001x",
        "371002 19800101 0016",
        "371002800101001",
        "37108219871332001X",
    ]
    phones = ["13812345678", "138 1234 5678", "+86-139-1234-5678", "008613912345678", "12345678901", "02112345678"]
    other = [
        "913710007060885349",
        "20210930153000",
        "张三",
        "，",
        " ",
        "-",
        "1",
        "9",
        "Ⅷ",
        "①",
        "ﬁ",
        "٣",
        "\n",
        "abc",
        "X",
    ]
    texts = ["".join(draw.choices(numbers + phones + other, k=draw.randint(1, 6))) for _ in range(count)]
    wide = str.maketrans("0123456789", "０１２３４５６７８９")
    return [t.translate(wide) if draw.random() < 0.2 else t for t in texts]


def test_database_and_program_mask_alike_whatever_the_spelling(warehouse_dsn: str) -> None:
    texts = _texts(3000)
    with connect(warehouse_dsn) as connection:
        rows = connection.execute(
            "select value, quality.mask_value(value, 'scan') from unnest(%s::text[]) as value", (texts,)
        ).fetchall()
    assert [(value, masked) for value, masked in rows if masked != mask_identifiers(value)] == []
    assert sum(value != masked for value, masked in rows) > 1000


def test_people_can_drop_look_and_release_when_they_use_the_command_line(
    settings: Settings, tmp_path: Path, clock: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    extended, contracts = with_test_contracts(settings, tmp_path / "contracts")
    office = Office(extended, contracts, clock)
    monkeypatch.setenv("WEIHAI_HOME", str(settings.home))
    monkeypatch.setenv("WAREHOUSE_DSN", settings.dsn())
    monkeypatch.setenv("WEIHAI_CONTRACTS", str(tmp_path / "contracts"))
    source = tmp_path / "变更.csv"
    source.write_bytes(csv_bytes(contracts["test_office__change"], [{"code": "a", "value": "x"}]))
    runner, app = CliRunner(), cli.build_app()
    dropped = runner.invoke(app, ["drop", "test_office", "change", str(source), "--as-of", "2021-09-30"])
    assert dropped.exit_code == 0
    assert "已放入收件区 1 个文件" in dropped.stdout
    [batch_id] = office.run(passes=False)
    assert office.batch(batch_id, "as_of") == date(2021, 9, 30)
    listed = runner.invoke(app, ["receipt"])
    assert "test_office__change" in listed.stdout
    shown = runner.invoke(app, ["receipt", str(batch_id)])
    assert "暂缓入库：" in shown.stdout
    assert "第 2 行 数值" in shown.stdout
    released = runner.invoke(app, ["release", str(batch_id), "--why", "核实"])
    assert "已入库" in released.stdout
    assert office.current("change") == [("a", None)]
    unknown = runner.invoke(app, ["receipt", "99"])
    assert "没有批次 99" in str(unknown.exception)
