"""A person found wherever they stand, and erased: no value left in tables or files, every row still accounted for."""

from __future__ import annotations

import io
import zipfile
from datetime import date, datetime
from pathlib import Path

import openpyxl
import pytest
from typer.testing import CliRunner

from connectors import archive, intake
from connectors.database import connect
from connectors.errors import UserError
from connectors.protection import erasing
from connectors.protection.erasing import ERASED, erase
from connectors.protection.persons import find, spellings
from connectors.protection.rotation import rotate
from connectors.settings import Settings
from tests import planted
from tests.integration.office import Office, csv_bytes, with_test_contracts
from weihai import cli

NUMBER, OLD_FORM, NAME, PHONE = "371002198507153334", "371002850715333", "司徒雪迎", "13987650123"
OTHER = {"code": "371082199112035567", "name": "诸葛晚晴", "born_on": "1991-12-03", "phone": "18866327741"}
GONE = {"code": NUMBER, "name": NAME, "born_on": "1985-07-15", "phone": PHONE, "note": "低保"}
NEEDLES = (NUMBER, OLD_FORM, NAME, PHONE)
WHY = f"本人申请（{NUMBER}），个人信息保护法第四十七条"


@pytest.fixture
def office(settings: Settings, tmp_path: Path, clock: datetime) -> Office:
    """The person in two versions, another's record, a pulled-in text, a workbook, a zip, a held delivery, libraries."""
    extended, contracts = with_test_contracts(settings, tmp_path / "contracts")
    office = Office(extended, contracts, clock)
    office.deliver("list", [GONE, OTHER], date(2021, 7, 31), name=f"名单_{NUMBER}.csv")
    noted = {**OTHER, "note": f"与{NUMBER}同住"}
    office.deliver("list", [{**GONE, "phone": "13800000000"}, noted], date(2021, 8, 31), name="八月.csv")
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["编号", "数值"])
    sheet.append([f"A-{NUMBER}", 1])
    sheet.append(["B", 2])
    content = io.BytesIO()
    book.save(content)
    office.put("事件.xlsx", content.getvalue(), "event", as_of=date(2021, 8, 31))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as members:
        rows = [{**GONE, "code": OLD_FORM}, OTHER]
        members.writestr("九月.csv", csv_bytes(contracts["test_office__list"], rows, encoding="gb18030"))
    office.run()
    office.put("九月.zip", packed.getvalue(), "list", as_of=date(2021, 9, 30))
    office.run(passes=False)
    office.execute("create table population.person (person_id uuid, id_no text, name text)")
    office.execute(f"insert into population.person values (gen_random_uuid(), '{NUMBER}', '{NAME}')")
    office.execute("create table population.person_history (person_id uuid, name text, losers jsonb)")
    office.execute("insert into population.person_history select person_id, name, '{}' from population.person")
    place = "(source_id, mention_key, record_key, key_no, batch_id, row_no, as_of, is_id_usable, mother_name)"
    office.execute(
        f"insert into linkage.person_mention {place} select 1, gen_random_uuid(), _record_key, 1, _batch_id, _row_no,"
        f" _as_of, false, '{NAME}' from raw.test_office__list where code = '{NUMBER}' limit 1"
    )
    office.execute(f"insert into linkage.person_pair values ('{NUMBER}', '1:x', 3)")
    office.execute("create table licence.to_come (holder jsonb, codes text[])")
    office.execute(f"""insert into licence.to_come values ('{{"code": "{NUMBER}"}}', array['x', '{NUMBER}'])""")
    return office


def found_anywhere(office: Office) -> dict[str, set[str]]:
    with connect(office.settings.dsn()) as connection:
        hits = planted.in_tables(connection, planted.relations_of(connection), NEEDLES)
    return hits | planted.in_files([office.settings.archive, office.settings.landing], NEEDLES)


def test_person_is_found_in_every_table_and_file(office: Office) -> None:
    with connect(office.settings.dsn()) as connection:
        found = find(office.settings, connection, office.contracts, NUMBER.lower())
    assert spellings("37100219850715333x") == ("37100219850715333X", "37100219850715333x", OLD_FORM)
    assert len(found.person_ids) == 1
    places = {(r.contract_id.split("__")[1], r.columns) for r in found.records}
    assert places == {("list", ("code",)), ("list", ("note",)), ("event", ("code",))}
    assert {"population.person", "population.person_history", "licence.to_come"} <= set(found.tables)
    assert any(table.startswith("staging.batch_") for table in found.tables)
    assert len(found.archived) == 4
    assert found.files


def test_nothing_of_the_person_is_left_and_every_row_is_accounted_for_when_erased(office: Office) -> None:
    ledger = "select batch_id, rows_read, rows_loaded, rows_unchanged, rows_duplicate, rows_rejected from quality.batch"
    before, stored = office.rows(f"{ledger} order by 1"), office.rows("select count(*) from raw.test_office__list")
    assert found_anywhere(office)
    with connect(office.settings.dsn(), autocommit=True) as connection:
        erase(office.settings, connection, office.contracts, NUMBER, actor="test", reason=WHY)
        assert not find(office.settings, connection, office.contracts, NUMBER)
    assert found_anywhere(office) == {}
    assert office.rows(f"{ledger} order by 1") == before
    assert office.rows("select count(*) from raw.test_office__list") == stored
    assert office.rows("select sum(rows_erased) from quality.erased_row") == [(2,)]
    assert office.current("list", "code, name, note") == [(OTHER["code"], OTHER["name"], f"与{ERASED}同住")]
    assert office.current("event", "code") == [(f"A-{ERASED}",), ("B",)]
    closed = "select count(*) from quality.version_closing where kind = 'erased'"
    assert office.rows(closed) == [(2,)]
    assert office.rows("select reason like '%%371***%%', actor from quality.erasure") == [(True, "test")]
    for old, new in office.rows("select old_sha256, new_sha256 from quality.redacted_file"):
        assert not archive.path_of(office.settings.archive, old).exists()
        assert archive.content_path(office.settings.archive, old).name == new


def test_later_work_goes_on_when_a_person_was_erased(office: Office) -> None:
    [(held,)] = office.rows("select batch_id from quality.batch where status = 'held'")
    with connect(office.settings.dsn(), autocommit=True) as connection:
        erase(office.settings, connection, office.contracts, NUMBER, actor="test", reason=WHY)
        rotate(office.settings, connection, office.contracts, actor="test")
    intake.release(office.settings, office.contracts, held, actor="test", why="核实", now=office.tick())
    assert office.current("list", "code, name") == [(OTHER["code"], OTHER["name"])]
    assert found_anywhere(office) == {}


def test_files_are_finished_by_the_next_call_when_erasing_was_killed(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        """Stands for SIGKILL."""

    calls: list[int] = []

    def finish(*arguments: object) -> None:
        calls.append(1)
        if len(calls) > 1:
            raise Killed

    with monkeypatch.context() as patched, connect(office.settings.dsn(), autocommit=True) as connection:
        patched.setattr(erasing, "finish", finish)
        with pytest.raises(Killed):
            erase(office.settings, connection, office.contracts, NUMBER, actor="test", reason=WHY)
    with connect(office.settings.dsn(), autocommit=True) as connection:
        erasing.finish(office.settings, connection)
        erase(office.settings, connection, office.contracts, NUMBER, actor="test", reason=WHY)
    assert found_anywhere(office) == {}


def test_erasing_is_refused_when_it_could_not_be_whole(office: Office) -> None:
    with connect(office.settings.dsn(), autocommit=True) as connection:
        with pytest.raises(UserError, match="--why"):
            erase(office.settings, connection, office.contracts, NUMBER, actor="test", reason=" ")
        with pytest.raises(UserError, match="没有找到"):
            erase(office.settings, connection, office.contracts, "371081196003098841", actor="test", reason=WHY)
        office.put("新.csv", csv_bytes(office.contracts["test_office__list"], [GONE]))
        with pytest.raises(UserError, match="收件箱"):
            erase(office.settings, connection, office.contracts, NUMBER, actor="test", reason=WHY)
    assert office.rows("select count(*) from quality.erasure") == [(0,)]


def test_command_takes_the_number_from_standard_input_and_shows_no_value(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEIHAI_HOME", str(office.settings.home))
    monkeypatch.setenv("WAREHOUSE_DSN", office.settings.dsn())
    monkeypatch.setenv("WEIHAI_CONTRACTS", str(tmp_path / "contracts"))
    runner, app = CliRunner(), cli.build_app()
    told = runner.invoke(app, ["person", "find", "--why", "本人申请查阅"], input=f"{NUMBER}\n")
    assert told.exit_code == 0, told.output
    assert "test_office__list" in told.stdout
    assert planted.found_in(told.stdout.encode(), NEEDLES) == set()
    assert office.rows("select program, purpose from quality.access_log") == [("weihai person find", "本人申请查阅")]
    refused = runner.invoke(app, ["person", "erase", "--why", WHY], input=f"{NUMBER}\n")
    assert "--yes" in str(refused.exception)
    done = runner.invoke(app, ["person", "erase", "--why", WHY, "--yes"], input=f"{NUMBER}\n")
    assert done.exit_code == 0, done.output
    assert found_anywhere(office) == {}
