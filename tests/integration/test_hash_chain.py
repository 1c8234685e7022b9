"""The hash chain: every kind of tampering is named, lawful changes are not, writers do not block each other."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from datetime import date, datetime

import openpyxl
import psycopg
import pytest
from typer.testing import CliRunner

from connectors import archive, chain, intake
from connectors.catalogue import publish_contracts
from connectors.chain.canonical import canonical, sha256_of
from connectors.chain.verify import examine, verify
from connectors.contract import Contracts
from connectors.database import connect
from connectors.protection import grants
from connectors.protection.erasing import erase
from connectors.protection.rotation import rotate
from connectors.settings import Settings
from tests.conftest import create_database, drop_database, dsn_of
from tests.integration.office import Office, with_test_contracts
from tests.integration.published import publish
from weihai import cli
from weihai.rebuild import rebuild

NUMBER = "371002198507153334"
WHY = "市领导 12-03 的批示：欧阳修文"


@pytest.fixture(scope="module")
def office(server: str, warehouse_template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """Deliveries accepted, replaced, withdrawn, held, released, refused and rejected; contracts, grants, two runs."""
    name = f"{warehouse_template}_chain"
    create_database(server, name, template=warehouse_template)
    folder = tmp_path_factory.mktemp("chain")
    settings = Settings(home=folder / "home", warehouse_dsn=dsn_of(server, name))
    settings.home.mkdir()
    extended, contracts = with_test_contracts(settings, folder / "contracts")
    office = Office(extended, contracts, datetime.fromisoformat("2021-10-08T09:00:00+08:00"))
    person = {"code": NUMBER, "name": "司徒雪迎", "born_on": "1985-07-15", "phone": "13987650123"}
    other = {"code": "371082199112035567", "name": "诸葛晚晴", "born_on": "1991-12-03"}
    office.deliver("list", [person, other], date(2021, 7, 31))
    office.deliver("list", [{**person, "note": "低保"}], date(2021, 8, 31))
    for code in ("a", "b"):
        held = office.deliver("change", [{"code": code, "value": 1}], date(2021, 8, 31), passes=False)
        decide = intake.release if code == "a" else intake.refuse
        decide(extended, contracts, held, actor="zhang", why=WHY, now=office.tick())
    office.deliver("event", [{"code": "c", "value": 1}], date(2021, 8, 31), passes=False)
    office.put("坏.csv", b"\x00\x01", "event")
    office.run()
    with connect(extended.dsn()) as connection:
        publish_contracts(connection, {c: contracts[c] for c in contracts if c.startswith("test_office")})
        grants.apply(connection, [])
        connection.execute(
            "insert into quality.access_grant (action, role_name, relation, is_personal, reason)"
            " values ('grant', 'analyst', 'mart.run', false, '指标集市')"
        )
        publish(extended, connection, "run-1")
    yield office
    drop_database(server, name)


def breaks(office: Office) -> list[str]:
    with connect(office.settings.dsn(), autocommit=True) as connection:
        return verify(office.settings, connection).breaks


def tampered(office: Office, *statements: str) -> list[str]:
    """What verify says while the owner's statements stand, rights taken back, triggers off; they are undone after."""
    with connect(office.settings.dsn()) as connection:
        _disarm(connection)
        for statement in statements:
            assert connection.execute(statement.encode()).rowcount != 0, statement
        connection.execute("set constraints all immediate")
        found = examine(office.settings, connection).breaks
        connection.rollback()
    return found


def _disarm(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    connection.execute("grant all on quality.chain_entry to current_user")
    connection.execute("alter table quality.chain_entry disable trigger append_only")
    connection.execute("alter table quality.batch disable trigger chained_decision")
    connection.execute("alter table mart.run disable trigger chained_publication")


def test_chain_holds_when_nothing_was_touched(office: Office) -> None:
    with connect(office.settings.dsn(), autocommit=True) as connection:
        found = verify(office.settings, connection)
    assert found.breaks == []
    assert found.links >= 30
    assert found.files == 6
    assert found.heads >= 6
    relations = {r for (r,) in office.rows("select distinct relation from quality.chain_entry")}
    assert {
        *("quality.batch", "quality.batch_file", "quality.event", "quality.closing_total", "quality.access_grant"),
        *("catalogue.contract", "mart.run"),
    } <= relations


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("update quality.batch set rows_loaded = rows_loaded + 1 where batch_id = 1", "批次 1 与链的第"),
        ("update quality.batch set status = 'rejected' where batch_id = 1", "批次 1"),
        ("update quality.batch set as_of = '2021-07-30' where batch_id = 2", "批次 2 与链的第"),
        ("update quality.batch_file set sha256 = repeat('0', 64) where batch_id = 2", "报送文件登记 2/1 与链的第"),
        ("update quality.event set why = '无' where kind = 'release'", "入库、放行与退回 3 与链的第"),
        ("update quality.event set actor = 'li' where kind = 'refuse'", "入库、放行与退回 5 与链的第"),
        ("delete from quality.event where kind = 'refuse'", "入库、放行与退回 5（链的第"),
        ("delete from quality.version_closing", "批次 2 关闭批次 1 的版本：登记 1 条，quality.version_closing 中 0 条"),
        ("update quality.version_closing set as_of = '2021-01-01' where kind = 'replaced'", "批次 2 关闭批次 1 的版本"),
        ("update quality.closing_total set records = 9 where kind = 'replaced'", "版本关闭合计"),
        (
            "update catalogue.contract set sharing_type = '不予共享' where contract_id ~ 'event'",
            "数据契约 test_office__event",
        ),
        ("update mart.run set verdict = 'target_missed'", "已发布的评分 run-1 与链的第"),
        ("update mart.run set state = 'broken'", "已发布的评分 run-1"),
        ("update mart.indicator_value_run set star = 5", "运行 run-1 已发布的评分"),
        ("update mart.indicator_operand_run set value = 9.6", "运行 run-1 已发布的评分"),
        ("update mart.rule_content set content = 'x'", "规则版本 r 的 seeds/a.csv 内容被改动"),
        ("update mart.rule_file set path = 'seeds/b.csv'", "规则文件 r/seeds/a.csv（链的第"),
        ("update mart.run_export set content = 'x'", "运行 run-1 已发布的评分"),
        (
            "update quality.chain_entry set recorded_at = now() where seq = 5",
            "链的第 5 号记录",
        ),
        ("update quality.chain_entry set digest = repeat('0', 64) where seq = 6", "链的第 6 号记录"),
        ("delete from quality.chain_entry where seq = 7", "链在第 7 号处断开：缺第 7 至 7 号记录"),
        ("insert into quality.batch_file select 1, 2, 'f', 's', 1", None),
    ],
)
def test_record_is_named_when_the_owner_changed_it(office: Office, statement: str, said: str | None) -> None:
    found = tampered(office, statement)
    if said is None:
        # recorded like any other, and the archive has no such file
        assert [s for s in found if "归档文件" in s] == found != []
    else:
        assert any(s.startswith(said) for s in found), found
    assert breaks(office) == []


def test_append_only_table_refuses_grants_to_be_rewritten_and_verify_sees_it_with_the_trigger_off(
    office: Office,
) -> None:
    for table in ("quality.chain_entry", "quality.access_grant"):
        for statement in (f"delete from {table}", f"truncate {table}"):
            with pytest.raises((psycopg.errors.RaiseException, psycopg.errors.InsufficientPrivilege)):
                office.execute(statement)
    off = "alter table quality.access_grant disable trigger append_only"
    changed = tampered(office, off, "update quality.access_grant set role_name = 'auditor' where grant_id = 1")
    assert any(s.startswith("授权与收回 1 与链的第") for s in changed), changed


def test_break_is_seen_by_noted_heads_when_the_last_links_and_their_rows_are_deleted(office: Office) -> None:
    cut = (
        "delete from quality.chain_entry where relation = 'mart.run'",
        "delete from mart.run_export",
        "delete from mart.run",
    )
    found = tampered(office, *cut)
    assert [s for s in found if s.startswith("reports/chain_heads.csv 记有第")], found


def test_break_is_seen_when_the_whole_chain_is_written_again(office: Office) -> None:
    """The owner knows the rules: he changes a reason and computes every hash after it anew."""
    with connect(office.settings.dsn()) as connection:
        _disarm(connection)
        connection.execute("update quality.event set why = '无' where kind = 'release'")
        _forge(connection)
        found = examine(office.settings, connection).breaks
        connection.rollback()
    assert found
    assert all("链头" in s for s in found), found
    assert any("的回执" in s and NUMBER not in s for s in found)


def _forge(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    connection.execute("set local timezone = 'UTC'")
    before = "0" * 64
    rows = connection.execute(
        'select c.seq, to_char(recorded_at, \'YYYY-MM-DD"T"HH24:MI:SS.US"Z"\'), transaction_id, relation, record,'
        " action, cause, fields, digest, e.seq is not null,"
        " array[e.kind, e.batch_id::text, e.actor, e.why, to_jsonb(e) ->> 'happened_at']"
        " from quality.chain_entry c left join quality.event e"
        " on c.relation = 'quality.event' and c.record = array_to_json(array[e.seq::text])::text order by 1"
    ).fetchall()
    for seq, at, transaction, relation, record, action, cause, fields, digest, is_event, values in rows:
        fresh = sha256_of(values) if is_event else digest
        texts = [str(seq), at, transaction, relation, record, action, cause, canonical(fields).decode(), fresh, before]
        digest_of = sha256_of(texts)
        connection.execute(
            "update quality.chain_entry set digest = %s, previous_hash = %s, hash = %s where seq = %s",
            (fresh, before, digest_of, seq),
        )
        before = digest_of


def test_archived_file_is_named_when_changed_or_gone(office: Office) -> None:
    [(sha256,)] = office.rows("select sha256 from quality.batch where batch_id = 2")
    path = archive.path_of(office.settings.archive, sha256)
    content = path.read_bytes()
    path.chmod(0o600)
    path.write_bytes(content + b"x")
    assert breaks(office)[0].startswith(f"批次 2 的归档文件 {sha256[:12]}… 内容被改动")
    path.unlink()
    assert breaks(office)[0].startswith(f"批次 2 的归档文件 {sha256[:12]}… 不在")
    path.write_bytes(content)
    assert breaks(office) == []


def test_receipts_carry_the_link_of_their_decision(office: Office) -> None:
    document = office.receipt(1)
    with connect(office.settings.dsn()) as connection:
        link = chain.of_batch(connection, 1)
    assert link is not None
    assert document["chain"] == {"seq": link.seq, "hash": link.hash}
    sheet = openpyxl.load_workbook(office.workbook(1)).worksheets[0]
    assert any(f"第 {link.seq} 号 {link.hash}" == cell.value for row in sheet.iter_rows() for cell in row)


def test_command_tells_a_noted_head_and_ends_with_one_when_it_breaks(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEIHAI_HOME", str(office.settings.home))
    monkeypatch.setenv("WAREHOUSE_DSN", str(office.settings.warehouse_dsn))
    known = office.receipt(1)["chain"]["hash"]
    passed = CliRunner().invoke(cli.build_app(), ["verify", "--head", known.upper()])
    assert passed.exit_code == 0, passed.output
    assert "链头在链中" in passed.output
    assert re.search(r"核验通过：\d+ 条记录", passed.output)
    unknown = CliRunner().invoke(cli.build_app(), ["verify", "--head", "f" * 64])
    assert (unknown.exit_code, "不在链中" in unknown.output) == (1, True)
    office.execute("update quality.event set actor = 'li' where kind = 'refuse'")
    broken = CliRunner().invoke(cli.build_app(), ["verify", "--quick"])
    office.execute("update quality.event set actor = 'zhang' where kind = 'refuse'")
    assert (broken.exit_code, "入库、放行与退回 5" in broken.output) == (1, True)


def test_links_are_recorded_whole_or_not_at_all_when_the_writer_is_killed(office: Office) -> None:
    with connect(office.settings.dsn()) as connection, connect(office.settings.dsn()) as killer:
        before = chain.head(killer)
        killer.rollback()
        connection.execute("insert into quality.access_grant (action, role_name, relation, is_personal, reason)"
                           " values ('grant', 'x', 'y', false, 'z')")  # fmt: skip
        connection.execute("set constraints all immediate")
        pid = connection.info.backend_pid
        killer.execute("select pg_terminate_backend(%s)", (pid,))
        with pytest.raises(psycopg.OperationalError):
            connection.execute("select 1")
    with connect(office.settings.dsn()) as after:
        assert chain.head(after) == before
    assert breaks(office) == []


def test_chain_has_no_fork_and_nobody_waits_for_a_long_transaction_when_many_write(office: Office) -> None:
    """A transaction that has written and goes on does not hold up the others: links are made at commit."""
    grant = (
        "insert into quality.access_grant (action, role_name, relation, is_personal, reason)"
        " values ('grant', %s, 'y', false, 'z')"
    )
    with connect(office.settings.dsn()) as before:
        [[links]] = before.execute("select count(*) from quality.chain_entry").fetchall()

    def write(name: str) -> None:
        with connect(office.settings.dsn()) as connection:
            connection.execute("set statement_timeout = '60s'")
            for _ in range(25):
                connection.execute(grant, (name,))
                connection.commit()

    with connect(office.settings.dsn()) as slow:
        slow.execute(grant, ("slow",))
        writers = [threading.Thread(target=write, args=(f"writer{n}",)) for n in range(4)]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join(90)
        assert not any(writer.is_alive() for writer in writers)
    assert office.rows("select count(*) from quality.chain_entry") == [(links + 101,)]
    assert breaks(office) == []


def test_raw_is_the_same_when_rebuilt_from_the_archive_and_mended_when_it_was_changed(office: Office) -> None:
    versions = "select * from raw.test_office__list order by _record_key, _batch_id"
    closings = "select * from quality.version_closing order by 1, 2, 3, 4"
    few = {c: contract for c, contract in office.contracts.items() if c.startswith("test_office")}
    own = Contracts(few, office.contracts.codes)
    before = office.rows(versions), office.rows(closings)
    same = rebuild(office.settings, own, replaces=True, tell=lambda *_: None)
    assert (same.differences, same.replaced) == ([], [])
    assert (same.deliveries, same.versions) == (3, 4)

    office.execute("update raw.test_office__list set note = '改' where _batch_id = 2")
    office.execute("delete from raw.test_office__list where _batch_id = 1 and _row_no = 3")
    office.execute("delete from quality.version_closing")
    assert breaks(office)
    told: list[tuple[int, int]] = []
    mended = rebuild(office.settings, own, replaces=True, tell=lambda *at: told.append(at))
    assert [(d.contract_id, d.batch_id, d.stands, d.built) for d in mended.differences] == [
        ("test_office__list", 1, 1, 2),
        ("test_office__list", 2, 1, 1),
    ]
    assert told[-1] == (3, 3)
    assert mended.replaced == ["test_office__list"]
    assert (office.rows(versions), office.rows(closings)) == before
    assert breaks(office) == []
    assert office.rows("select count(*) from pg_database where datname ~ '_chain_rebuild'") == [(0,)]


def test_chain_stays_whole_when_a_person_is_erased_and_the_key_rotated(office: Office) -> None:
    """Runs last: the person's number in a reason, spelled so that no mask knew it, is overwritten lawfully."""
    office.execute(f"update quality.batch set summary = summary || '{NUMBER}' where batch_id = 1")
    with connect(office.settings.dsn(), autocommit=True) as connection:
        connection.execute(
            "insert into quality.event values (99, 'refuse', 1, 'zhang', %s, now())", (f"见 {NUMBER} 的申请",)
        )
        erase(office.settings, connection, office.contracts, NUMBER, actor="test", reason="本人申请")
        rotate(office.settings, connection, office.contracts, actor="test")
        assert chain.position(connection, office_head(office)) is not None
    assert breaks(office) == []
    restated = office.rows("select relation, record from quality.chain_entry where cause = 'erasure' order by seq")
    assert ("quality.event", '["99"]') in restated
    assert ("quality.erasure", '["1"]') in restated
    unlawful = tampered(
        office,
        "select set_config('weihai.cause', 'erasure', true)",
        "update quality.event set why = '无' where kind = 'release'",
    )
    assert any("没有相应的删除记录" in s for s in unlawful), unlawful


def office_head(office: Office) -> str:
    with (office.settings.reports / "chain_heads.csv").open(encoding="utf-8") as file:
        return file.read().splitlines()[1].split(",")[2]
