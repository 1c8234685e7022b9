from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from connectors.database import connect
from connectors.settings import Settings
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
        ("威海市环翠区竹岛街道1号", "address", "威海市*"),
        ("前双岛村", "address", "前*"),
        ("在册", "plain", "在册"),
        ("张三371002198001010016，电话13812345678。", "scan", "张三371***********001*，电话138****5678。"),
        ("913710007060885349", "scan", "913710007060885349"),
        ("1980-13-01", "text", "1*"),
        (None, "name", None),
    ],
)
def test_value_shows_no_more_than_its_kind_allows_when_masked(
    warehouse_dsn: str, value: str | None, kind: str, masked: str | None
) -> None:
    with connect(warehouse_dsn) as connection:
        assert connection.execute("select quality.mask_value(%s, %s)", (value, kind)).fetchone() == (masked,)


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
