"""Databases and HTTP interfaces as sources: from a department's own server into raw, through the ordinary intake."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner

from connectors import landing
from connectors.contract import Contract, load_contracts
from connectors.database import connect
from connectors.settings import Settings
from connectors.sources import pull as pulling
from connectors.sources import sql, state
from connectors.sources.endpoint import Endpoint, of_url
from connectors.sources.errors import SourceError
from connectors.sources.pull import PullReport, pull
from tests.conftest import create_database, drop_database, dsn_of
from tests.integration.office import Office
from tests.unit.interface_server import Answer, Call, interface
from weihai.cli import build_app

_numbers = itertools.count(1)

COLUMNS = """
sharing: {type: 无条件共享}
columns:
  code: {header: 编号, type: text, required: true}
  name: {header: 名称, type: text}
  amount: {header: 金额, type: decimal}
  started_on: {header: 开始日期, type: date}
  seen_at: {header: 时间, type: datetime}
  is_open: {header: 是否开放, type: bool}
ignored: {changed_at: 来源的变更时间}
"""
CONTRACTS = {
    "whole": "mode: full\nsource: {kind: sql, connection: db, table: 许可, batch_rows: 2}",
    "asked": """mode: full
source:
  kind: sql
  connection: db
  query: |
    select code, name, '12:30' as 时间, amount from 许可 where name <> ':x' and name not like 'zz%'
""",
    "changed": """mode: incremental
source: {kind: sql, connection: db, table: 许可, mode: watermark, watermark: changed_at, overlap: 1 hour}""",
    "numbered": """mode: append
source: {kind: sql, connection: db, table: 许可, mode: watermark, watermark: no}""",
    "fetched": """mode: full
source:
  kind: http
  connection: api
  path: /v1/permits
  records: data.list
  total: data.total
  paging: {kind: page, rows: 2}
""",
}
TABLE = """
create table 许可 (
    no integer primary key, code text, name text, amount numeric(12, 2), started_on date, seen_at {time},
    is_open boolean, changed_at {time}
)
"""
ROW = "insert into 许可 values ({0}, 'C{0}', '名{0}', {0}.50, '2021-09-0{0}', '2021-09-30 08:00:00', true, '{1}')"


@dataclass
class Source:
    """A department's own database."""

    endpoint: Endpoint
    execute: Callable[[str], None]


@pytest.fixture
def office(settings: Settings, tmp_path: Path, clock: datetime) -> Office:
    folder = tmp_path / "contracts" / "test_office"
    folder.mkdir(parents=True)
    for name, text in CONTRACTS.items():
        head = (
            f"title: 许可\ndescription: 试验用的来源。\nkey: [code]\ncycle: daily\nmaximum_loss: 0.9\n{COLUMNS}{text}"
        )
        ignored = head if name != "numbered" else head.replace("changed_at: 来源", "no: 序号, changed_at: 来源")
        (folder / f"{name}.yml").write_text(ignored, encoding="utf-8")
    extended = replace(settings, contract_folders=(folder.parent,))
    return Office(extended, load_contracts(extended.contract_folders), clock)


@pytest.fixture
def postgres(server: str) -> Iterator[Source]:
    name = f"weihai_department_{next(_numbers)}"
    create_database(server, name)
    dsn = dsn_of(server, name)

    def execute(statement: str) -> None:
        with psycopg.connect(dsn) as connection:
            connection.execute(statement.encode())

    execute(TABLE.format(time="timestamptz"))
    yield Source(of_url("sql", dsn), execute)
    drop_database(server, name)


@pytest.fixture
def sqlite(tmp_path: Path) -> Source:
    path = tmp_path / "部门 库.db"

    def execute(statement: str) -> None:
        with sqlite3.connect(path) as connection:
            connection.execute(statement)

    execute(TABLE.format(time="text"))
    return Source(of_url("sql", f"sqlite:///{path}"), execute)


@pytest.fixture(params=["postgres", "sqlite"])
def source(request: pytest.FixtureRequest) -> Source:
    found: Source = request.getfixturevalue(request.param)
    return found


def fill(source: Source, *rows: tuple[int, str]) -> None:
    for number, changed_at in rows:
        source.execute(ROW.format(number, changed_at))


def pulled(office: Office, extract: str, endpoint: Endpoint, **options: Any) -> PullReport:
    return pull(office.settings, contract(office, extract), endpoint, now=office.tick(), **options)


def contract(office: Office, extract: str) -> Contract:
    return office.contracts[f"test_office__{extract}"]


def waiting_files(office: Office) -> list[str]:
    return [p.name for p in office.settings.landing.glob("*/inbox/*/*") if not p.name.endswith(".json")]


def codes(office: Office, extract: str) -> list[str]:
    return [code for (code,) in office.current(extract, "code")]


def test_a_table_is_read_whole_into_raw_with_its_types(office: Office, source: Source) -> None:
    fill(source, (1, "2021-10-01"), (2, "2021-10-01"), (3, "2021-10-01"))
    steps: list[tuple[int, int]] = []
    report = pulled(office, "whole", source.endpoint, progress=lambda done, total: steps.append((done, total)))
    assert (report.outcome, report.rows, report.as_of) == ("delivered", 3, date(2021, 10, 7))
    assert steps == [(2, 3), (3, 3)]
    [batch_id] = office.run()
    assert office.batch(batch_id, "status, rows_read, rows_loaded, as_of, as_of_source") == (
        "accepted", 3, 3, date(2021, 10, 7), "declared",
    )  # fmt: skip
    found = office.current("whole", "code, name, amount::text, started_on, seen_at::text, is_open")
    assert found[1] == ("C2", "名2", "2.500000", date(2021, 9, 2), "2021-09-30 08:00:00+08", True)
    assert list(office.settings.pulling.iterdir()) == []


def test_what_is_gone_from_the_source_is_withdrawn_when_it_is_read_whole(office: Office, postgres: Source) -> None:
    fill(postgres, (1, "2021-10-01"), (2, "2021-10-01"))
    pulled(office, "whole", postgres.endpoint)
    office.run()
    postgres.execute("delete from 许可 where no = 1")
    pulled(office, "whole", postgres.endpoint)
    [batch_id] = office.run()
    assert office.batch(batch_id, "rows_loaded, rows_unchanged, rows_withdrawn") == (0, 1, 1)
    assert codes(office, "whole") == ["C2"]


def test_nothing_is_delivered_again_when_the_source_is_as_it_was(office: Office, postgres: Source) -> None:
    fill(postgres, (1, "2021-10-01"))
    pulled(office, "whole", postgres.endpoint)
    office.run()
    assert pulled(office, "whole", postgres.endpoint).outcome == "unchanged"
    assert office.run() == []
    # the same list on the next day is a timely delivery of that day
    office.now += timedelta(days=1)
    assert pulled(office, "whole", postgres.endpoint).outcome == "delivered"
    [batch_id] = office.run()
    assert office.batch(batch_id, "status, rows_unchanged, as_of") == ("accepted", 1, date(2021, 10, 8))


def test_a_correction_by_file_is_followed_when_the_source_still_says_otherwise(
    office: Office, postgres: Source
) -> None:
    fill(postgres, (1, "2021-10-01"))
    pulled(office, "whole", postgres.endpoint)
    office.run()
    office.deliver("whole", [{"code": "C1", "name": "人工更正"}], date(2021, 10, 7))
    assert pulled(office, "whole", postgres.endpoint).outcome == "delivered"
    office.run()
    assert office.current("whole", "name") == [("名1",)]


def test_an_empty_list_is_answered_and_withdraws_nothing(office: Office, postgres: Source) -> None:
    fill(postgres, (1, "2021-10-01"))
    pulled(office, "whole", postgres.endpoint)
    office.run()
    postgres.execute("delete from 许可")
    assert pulled(office, "whole", postgres.endpoint).outcome == "delivered"
    [batch_id] = office.run()
    assert office.batch(batch_id) == "rejected"
    assert codes(office, "whole") == ["C1"]


def test_a_query_is_asked_as_it_is_written(office: Office, source: Source) -> None:
    fill(source, (1, "2021-10-01"), (2, "2021-10-01"))
    source.execute("update 许可 set name = 'zz' where no = 2")
    assert pulled(office, "asked", source.endpoint).rows == 1
    office.run()
    assert office.current("asked", "code, amount::text") == [("C1", "1.500000")]


def test_only_changes_are_read_when_there_is_a_watermark(office: Office, postgres: Source) -> None:
    fill(postgres, (1, "2021-10-01 08:00+08"), (2, "2021-10-02 08:00+08"))
    assert pulled(office, "changed", postgres.endpoint).rows == 2
    office.run()
    fill(postgres, (3, "2021-10-02 07:30+08"), (4, "2021-10-01 23:00+08"), (5, "2021-10-03 08:00+08"))
    postgres.execute("update 许可 set name = '改名', changed_at = '2021-10-03 09:00+08' where no = 1")
    # 2 stands at the watermark, 3 came late within the overlap, 4 later than that
    assert pulled(office, "changed", postgres.endpoint).rows == 4
    [batch_id] = office.run()
    assert office.batch(batch_id, "rows_loaded, rows_unchanged") == (3, 1)
    assert codes(office, "changed") == ["C1", "C2", "C3", "C5"]
    assert office.rows("select watermark, watermark_batch_id from quality.source_state") == [
        ("2021-10-03T09:00:00+08:00", batch_id)
    ]
    # what is read again for the overlap's sake is delivered once, not at every run
    assert pulled(office, "changed", postgres.endpoint).outcome == "delivered"
    office.run()
    assert pulled(office, "changed", postgres.endpoint).outcome == "unchanged"


def test_numbers_and_texts_serve_as_watermark(office: Office, source: Source) -> None:
    fill(source, (1, "2021-10-01"), (2, "2021-10-01"))
    pulled(office, "numbered", source.endpoint)
    office.run()
    fill(source, (3, "2021-10-01"))
    assert pulled(office, "numbered", source.endpoint).rows == 2
    office.run()
    assert codes(office, "numbered") == ["C1", "C2", "C3"]


def test_nothing_is_delivered_when_nothing_is_new(office: Office, source: Source) -> None:
    assert pulled(office, "numbered", source.endpoint).outcome == "empty"
    assert waiting_files(office) == []
    assert office.rows("select outcome, watermark from quality.source_state") == [("empty", None)]


def test_an_overlap_is_refused_when_the_source_keeps_times_as_text(office: Office, sqlite: Source) -> None:
    fill(sqlite, (1, "2021-10-01"))
    pulled(office, "changed", sqlite.endpoint)
    office.run()
    with pytest.raises(SourceError, match="overlap"):
        pulled(office, "changed", sqlite.endpoint)


def test_rows_without_watermark_are_read_every_time(office: Office, postgres: Source) -> None:
    fill(postgres, (1, "2021-10-01"), (2, "2021-10-02"))
    pulled(office, "changed", postgres.endpoint)
    office.run()
    postgres.execute("update 许可 set changed_at = null, name = '改名' where no = 1")
    pulled(office, "changed", postgres.endpoint)
    office.run()
    assert ("C1", "改名") in office.current("changed", "code, name")


def test_a_mistyped_year_does_not_hide_what_changes_until_then(office: Office, postgres: Source) -> None:
    fill(postgres, (1, "2021-10-01 08:00+08"), (2, "2099-12-31 00:00+08"))
    pulled(office, "changed", postgres.endpoint)
    office.run()
    assert office.rows("select watermark from quality.source_state") == [("2021-10-01T08:00:00+08:00",)]
    fill(postgres, (3, "2021-10-05 08:00+08"))
    assert pulled(office, "changed", postgres.endpoint).rows == 3


def test_the_watermark_stays_until_a_held_delivery_is_decided(office: Office, postgres: Source) -> None:
    fill(postgres, (1, "2021-10-01 08:00+08"))
    pulled(office, "changed", postgres.endpoint)
    assert pulled(office, "changed", postgres.endpoint).outcome == "waiting"  # still in the inbox
    [held] = office.run(passes=False)
    fill(postgres, (2, "2021-10-02 08:00+08"))
    report = pulled(office, "changed", postgres.endpoint)
    assert (report.outcome, f"批次 {held}" in report.sentence) == ("held", True)
    assert office.rows("select watermark from quality.source_state") == [(None,)]
    refuse(office, held)
    assert pulled(office, "changed", postgres.endpoint).rows == 2  # nothing of what was refused is skipped
    office.run()
    assert codes(office, "changed") == ["C1", "C2"]


def test_the_watermark_advances_when_a_held_delivery_is_released(office: Office, postgres: Source) -> None:
    fill(postgres, (1, "2021-10-01 08:00+08"))
    pulled(office, "changed", postgres.endpoint)
    [held] = office.run(passes=False)
    release(office, held)
    fill(postgres, (2, "2021-10-02 08:00+08"))
    assert pulled(office, "changed", postgres.endpoint).rows == 2  # 1 stands at the watermark
    assert pulled(office, "changed", postgres.endpoint).outcome == "waiting"


def test_everything_is_read_when_the_contract_asks_another_question(office: Office, postgres: Source) -> None:
    fill(postgres, (1, "2021-10-01 08:00+08"), (2, "2021-10-05 08:00+08"))
    pulled(office, "changed", postgres.endpoint)
    office.run()
    other = contract(office, "changed")
    assert other.source is not None
    other = other.model_copy(update={"source": other.source.model_copy(update={"watermark": "seen_at"})})
    assert pull(office.settings, other, postgres.endpoint, now=office.tick()).rows == 2


def test_everything_is_read_when_a_person_says_so(office: Office, postgres: Source) -> None:
    fill(postgres, (1, "2021-10-01 08:00+08"), (2, "2021-10-05 08:00+08"))
    pulled(office, "changed", postgres.endpoint)
    office.run()
    assert pulled(office, "changed", postgres.endpoint, from_start=True).outcome == "unchanged"


class Killed(BaseException):
    """Stands for SIGKILL: nothing catches it."""


@pytest.mark.parametrize(
    ("module", "name", "after"),
    [(pulling, "_folder", True), (state, "record", False), (state, "record", True), (landing, "drop", True)],
)
def test_nothing_is_lost_and_nothing_doubled_when_a_pull_is_killed(
    office: Office, postgres: Source, monkeypatch: pytest.MonkeyPatch, module: Any, name: str, after: bool
) -> None:
    fill(postgres, (1, "2021-10-01 08:00+08"))
    real = getattr(module, name)

    def dying(*arguments: Any, **options: Any) -> Any:
        if after:
            real(*arguments, **options)
        raise Killed

    monkeypatch.setattr(module, name, dying)
    with pytest.raises(Killed):
        pulled(office, "changed", postgres.endpoint)
    monkeypatch.undo()
    again = pulled(office, "changed", postgres.endpoint)
    assert again.outcome == ("waiting" if name == "drop" else "delivered")
    assert len(waiting_files(office)) == 1
    office.run()
    assert codes(office, "changed") == ["C1"]
    assert office.rows("select count(*) from quality.batch") == [(1,)]
    assert pulled(office, "changed", postgres.endpoint).outcome == "unchanged"


def test_nothing_is_delivered_when_the_cursor_ends_early(
    office: Office, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(source, (1, "2021-10-01"), (2, "2021-10-01"), (3, "2021-10-01"))
    real = sql._batches
    monkeypatch.setattr(sql, "_batches", lambda *arguments: itertools.islice(real(*arguments), 1))
    with pytest.raises(SourceError, match="应有 3 行，只读到 2 行"):
        pulled(office, "whole", source.endpoint)
    assert waiting_files(office) == []
    assert office.rows("select count(*) from quality.source_pull") == [(0,)]


def test_rows_that_come_meanwhile_wait_for_the_next_read(
    office: Office, postgres: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(postgres, (1, "2021-10-01"))
    real = sql._measure

    def measured(*arguments: Any) -> Any:
        found = real(*arguments)
        fill(postgres, (2, "2021-10-01"))
        return found

    monkeypatch.setattr(sql, "_measure", measured)
    assert pulled(office, "whole", postgres.endpoint).rows == 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"table": "没有的表"}, "表"),
        ({"table": None, "query": "select 1/0 as code"}, "失败"),
        ({"table": None, "query": "select code, name as code from 许可"}, "重名的列：code"),
        ({"table": None, "query": "select lo_create(0)"}, "失败"),
        ({"mode": "watermark", "watermark": "没有的列"}, "列名"),
    ],
)
def test_it_is_said_what_is_wrong_when_the_database_refuses(
    office: Office, postgres: Source, change: Mapping[str, Any], said: str
) -> None:
    fill(postgres, (1, "2021-10-01"))
    broken = contract(office, "changed")
    stated = {"kind": "sql", "connection": "db", "table": "许可"} | dict(change)
    broken = broken.model_copy(update={"source": type(broken.source).model_validate(stated)})
    with pytest.raises(SourceError, match=said) as caught:
        pull(office.settings, broken, postgres.endpoint, now=office.tick())
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    assert waiting_files(office) == []


@pytest.mark.parametrize(
    "url", ["postgresql://u:s3cret@127.0.0.1:1/d", "sqlite:////nowhere/s3cret.db", "mysql://u:s3cret@h/d"]
)
def test_no_secret_is_told_when_the_database_cannot_be_reached(office: Office, url: str) -> None:
    with pytest.raises(SourceError) as caught:
        pulled(office, "whole", of_url("sql", url))
    assert "s3cret" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_one_process_reads_a_source_at_a_time(office: Office, postgres: Source) -> None:
    with (
        connect(office.settings.dsn(), autocommit=True) as other,
        state.only_one(other, contract(office, "whole")) as free,
    ):
        assert free
        assert pulled(office, "whole", postgres.endpoint).outcome == "busy"
        fill(postgres, (1, "2021-10-01"))
        assert pulled(office, "asked", postgres.endpoint).outcome == "delivered"
    assert pulled(office, "whole", postgres.endpoint).outcome == "delivered"


def test_a_source_is_due_again_after_its_shortest_interval(office: Office, postgres: Source) -> None:
    with connect(office.settings.dsn()) as connection:
        known = contract(office, "whole")
        monthly = known.model_copy(update={"cycle": "monthly"})
        assert state.is_due(connection, known, office.now)
    pulled(office, "numbered", postgres.endpoint)
    fill(postgres, (1, "2021-10-01"))
    pulled(office, "whole", postgres.endpoint)
    with connect(office.settings.dsn()) as connection:
        later = office.now + timedelta(hours=1)
        assert not state.is_due(connection, known, office.now + timedelta(minutes=59))
        assert state.is_due(connection, known, later)
        assert not state.is_due(connection, monthly, later)
        assert state.is_due(connection, monthly, office.now + timedelta(hours=20))


def test_an_interface_is_read_into_raw(office: Office) -> None:
    records = [{"编号": f"C{n}", "名称": f"名{n}", "金额": n + 0.5, "是否开放": n == 1} for n in range(1, 6)]

    def reply(call: Call) -> Answer:
        start = (int(call.params["page"]) - 1) * 2
        return Answer({"data": {"list": records[start : start + 2], "total": len(records)}})

    with interface(reply) as server:
        assert pulled(office, "fetched", Endpoint(server.url)).rows == 5
        [batch_id] = office.run()
        assert pulled(office, "fetched", Endpoint(server.url)).outcome == "unchanged"
    assert office.batch(batch_id, "status, rows_loaded") == ("accepted", 5)
    assert office.current("fetched", "code, amount::text, is_open")[0] == ("C1", "1.500000", True)


def test_nothing_is_withdrawn_when_an_interface_has_nothing_or_breaks_off(office: Office) -> None:
    nothing = Answer({"data": {"list": [], "total": 0}})
    broken = Answer({"data": {"list": [{"编号": "C1"}], "total": 2}}, cut=3)
    for answer, said in ((nothing, "没有返回任何记录"), (broken, "没有传完整")):
        with interface(lambda _, answer=answer: answer) as server, pytest.raises(SourceError, match=said):
            pulled(office, "fetched", Endpoint(server.url), sleep=lambda _: None)
    assert waiting_files(office) == []


def test_one_source_is_read_by_command_with_its_address_in_a_file(
    office: Office, sqlite: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(sqlite, (1, "2021-10-01"))
    address = tmp_path / "address"
    address.write_text(f"{sqlite.endpoint.url}\n", encoding="utf-8")
    monkeypatch.setenv("WEIHAI_HOME", str(office.settings.home))
    monkeypatch.setenv("WAREHOUSE_DSN", office.settings.dsn())
    monkeypatch.setenv("WEIHAI_CONTRACTS", str(office.settings.contract_folders[0]))
    command = ["pull", "test_office", "whole", "--url-file", str(address), "--as-of", "2021-09-30"]
    done = CliRunner().invoke(build_app(), command)
    assert (done.exit_code, "读取 1 行" in done.output) == (0, True), done.output
    [batch_id] = office.run()
    assert office.batch(batch_id, "status, as_of") == ("accepted", date(2021, 9, 30))
    address.write_text("postgresql://u:s3cret@127.0.0.1:1/d", encoding="utf-8")
    failed = CliRunner().invoke(build_app(), command)
    assert isinstance(failed.exception, SourceError)
    assert "s3cret" not in f"{failed.exception} {failed.output}"


def refuse(office: Office, batch_id: int) -> None:
    from connectors import intake

    intake.refuse(office.settings, office.contracts, batch_id, actor="t", why="试验", now=office.tick())


def release(office: Office, batch_id: int) -> None:
    from connectors import intake

    intake.release(office.settings, office.contracts, batch_id, actor="t", why="试验", now=office.tick())
