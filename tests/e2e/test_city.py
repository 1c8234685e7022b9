"""From dropped file to scorecard through the real scheduler, as a newcomer would see it.

The tests of this module tell one story and run in order: the city delivers clean, delivers again with one bad file,
delivers what misses the targets, and so on. All deliveries speak for one date: incremental extracts of the three
profiles are the same records, so that the mart must agree with each profile's truth.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import re
import shutil
from datetime import date
from decimal import Decimal
from pathlib import Path

import httpx
import psycopg
import pytest

from connectors.sample.registers import NAMED
from connectors.settings import Settings
from tests import planted
from tests.e2e.conftest import ALERT_KEY, ALERT_SECRET, City
from weihai.roles import role_dsn

pytestmark = pytest.mark.timeout(1_800)

PERSONS = "4000"
NAME = planted.NAMES[1]
PLAIN_SCHEMAS = ("raw", "staging", "linkage", "population", "legal_entity", "credit", "licence")
"""Where plain identifiers may stand: for `etl`, and a department's own raw tables for it."""
EXTRACTS = ["household_population", "student", "electronic_licence", "enterprise", "administrative_penalty"]
"""Of the planted deliveries."""
REGISTER = Path(__file__).parents[3] / "shared" / "data" / "enterprise" / "weihai.csv"


def deliver(city: City, folder: Path, profile: str, *, everything: bool = False) -> None:
    """Deliver a sample city: all of it, or what the targets are computed from."""
    made = city.weihai(
        *("sample", "--persons", PERSONS, "--profile", profile),
        *("--out", str(folder), "--truth", str(folder.with_suffix(".truth"))),
    )
    assert made.returncode == 0, made.stderr
    for extract in () if everything else folder.glob("*/*"):
        if f"{extract.parent.name}__{extract.name}" not in NAMED:
            shutil.rmtree(extract)
    dropped = city.weihai("drop", str(folder))
    assert dropped.returncode == 0, dropped.stderr


def disagreements(city: City, folder: Path, *, everything: bool = False) -> list[tuple[str, str, str, object]]:
    """Operands on which the mart and the sample city's truth differ, of what `deliver` delivered."""
    compared = {
        indicator
        for (indicator,) in city.query(
            "select indicator_id from mart.indicator_source_run group by 1"
            " having bool_and(contract_id = any(%s)) or %s",
            list(NAMED),
            everything,
        )
    }
    assert len(compared) >= (48 if everything else 8)
    truth = json.loads((folder.with_suffix(".truth") / "operands.json").read_text(encoding="utf-8"))
    found = {
        (indicator, operand): value
        for indicator, operand, value in city.query(
            "select indicator_id, operand, value from mart.indicator_operand where as_of = %s", truth["as_of"]
        )
    }
    return [
        (indicator, operand, stated["value"], found.get((indicator, operand)))
        for indicator, operands in truth["indicators"].items()
        for operand, stated in operands.items()
        if indicator in compared
        if found.get((indicator, operand)) != Decimal(stated["value"])
    ]


def state(city: City) -> list[tuple[object, ...]]:
    return city.query(
        "select (select count(*) from mart.run), (select count(*) from quality.batch), (select max(seq) from"
        " quality.event), (select count(*) from quality.version_closing), (select count(*) from raw."
        "market_regulation__enterprise), (select md5(string_agg(v::text, '' order by indicator_id, as_of))"
        " from mart.indicator_value v)"
    )


def test_clean_city_passes_every_gate(city: City, tmp_path: Path) -> None:
    deliver(city, tmp_path / "clean", "clean", everything=True)
    run = city.weihai("run")
    assert run.returncode == 0, run.stdout + run.stderr
    assert "评分表" in run.stdout
    assert "数据资源共享水平" in run.stdout
    assert "未达标" not in run.stdout.replace("项未达标", "")
    assert city.query("select count(*) from mart.indicator_value where as_of = '2021-09-30'") == [(49,)]
    assert disagreements(city, tmp_path / "clean", everything=True) == []
    assert city.query("select count(*) from quality.batch where status = 'held'") == [(0,)]


def test_second_run_changes_nothing_when_nothing_is_new(city: City) -> None:
    before = state(city)
    run = city.weihai("run")
    assert run.returncode == 0, run.stdout + run.stderr
    assert "没有新数据" in run.stdout
    assert state(city) == before


def test_bad_delivery_is_held_and_the_rest_goes_on(city: City, tmp_path: Path) -> None:
    deliver(city, tmp_path / "default", "default")
    run = city.weihai("run")
    assert run.returncode == 3, run.stdout + run.stderr
    held = city.query("select department, extract from quality.batch where status = 'held'")
    assert held == [("industry_it", "cloud_enterprise")]
    assert "cloud_enterprise：暂缓入库：" in run.stdout
    assert disagreements(city, tmp_path / "default") == []
    assert not list((city.home / "landing").glob("*/inbox/**/*.*"))


def test_batch_held_earlier_is_listed_but_does_not_change_the_exit_code(city: City) -> None:
    run = city.weihai("run")
    assert run.returncode == 0, run.stdout + run.stderr
    assert "此前的批次" in run.stdout


def test_missed_target_is_said_after_publishing(city: City, tmp_path: Path) -> None:
    deliver(city, tmp_path / "failing", "failing")
    run = city.weihai("run")
    assert run.returncode == 3, run.stdout + run.stderr
    assert "未达标" in run.stdout
    assert disagreements(city, tmp_path / "failing") == []
    latest = city.query("select as_of, verdict from mart.latest_run")
    assert latest == [(date(2021, 9, 30), "target_missed")]


def test_alerts_reach_the_webhook_for_what_was_held_missed_late_and_failed(city: City) -> None:
    city.airflow.trigger("assess", "no-such-run", {})
    for kind in ("batch_held", "target_missed", "run_late", "task_failed"):
        city.wait(lambda kind=kind: city.alerts(kind), f"nobody was told of {kind}", 240)
    held, missed, failed = (city.alerts(kind)[-1] for kind in ("batch_held", "target_missed", "task_failed"))
    [(batch_id,)] = city.query("select max(batch_id) from quality.batch where status = 'held'")
    assert held["what"][0].startswith(f"批次 {batch_id} industry_it__cloud_enterprise（")
    assert "暂缓入库：" in held["what"][0]
    assert "weihai release" in held["act"]
    assert batch_id in held["facts"]["subjects"]
    assert {"annex2_sharing", "annex2_opening", "main_text"} <= set(missed["facts"]["subjects"])
    assert failed["what"][1] == "原因：没有名为 no-such-run 的运行，无法评定"
    assert failed["links"][0].startswith(f"{city.airflow.url}/dags/assess/runs/no-such-run/tasks/judge")
    signed = [
        call for call in city.webhook.calls if call.params == {"key": ALERT_KEY} and "webhook-signature" in call.headers
    ]
    assert len(signed) == len(city.webhook.calls)
    tried = city.weihai("try-alert")
    assert tried.returncode == 0, tried.stdout + tried.stderr
    assert len(city.alerts("trial")) == 1
    file = city.home / "logs" / "alerts.jsonl"
    assert file.stat().st_mode & 0o777 == 0o640
    written = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    assert {alert["id"] for alert in (held, missed, failed)} <= {line["id"] for line in written}
    assert [line for line in written if line["kind"] == "webhook_failed"] == []
    for path in (p for folder in ("airflow", "logs") for p in (city.home / folder).rglob("*") if p.is_file()):
        content = path.read_bytes()
        assert ALERT_SECRET.encode() not in content, path
        assert ALERT_KEY.encode() not in content, path


def test_portal_is_in_airflows_menu_and_behind_its_login(city: City) -> None:
    with httpx.Client(base_url=city.airflow.url, trust_env=False) as stranger:
        for path in ("/portal/", "/portal/index.html", "/portal/auditor/", "/portal/runs/x"):
            assert stranger.get(path).status_code == 401
        forged = {"Authorization": "Bearer e30.e30.e30"}
        assert stranger.get("/portal/", headers=forged).status_code in (401, 403)
        login = {"username": "admin", "password": city.airflow.password}
        token = stranger.post("/auth/token", json=login).json()["access_token"]
        stranger.cookies.set("_token", token)
        page = stranger.get("/portal/")
        assert page.status_code == 200
        assert page.text == (city.home / "reports" / "portal" / "index.html").read_text(encoding="utf-8")
        assert "script-src 'self'" in page.headers["content-security-policy"]
        [(run_id,)] = city.query("select run_id from mart.latest_run")
        audit = stranger.get(f"/portal/runs/{run_id}", follow_redirects=True)
        assert (audit.status_code, run_id in audit.text) == (200, True)
        plugins = stranger.get("/api/v2/plugins").json()["plugins"]
        assert stranger.get("/api/v2/plugins/importErrors").json()["import_errors"] == []
        tasks = stranger.get("/api/v2/dags/intake/tasks").json()["tasks"]
    host = city.airflow.url.removeprefix("http://")
    for path in (
        "/portal/../../secrets/airflow_admin",
        "/portal/%2e%2e/%2e%2e/secrets/airflow_admin",
        "/portal//etc/passwd",
    ):
        raw = http.client.HTTPConnection(host, timeout=30)
        raw.request("GET", path, headers={"Authorization": f"Bearer {token}"})
        answer = raw.getresponse()
        assert answer.status != 200, path
        assert city.airflow.password.encode() not in answer.read()
        raw.close()
    [plugin] = [p for p in plugins if p["name"] == "weihai_portal"]
    shown = {(view["destination"], view["name"], view["href"]) for view in plugin["external_views"]}
    assert ("nav", "数据门户", "/portal/index.html") in shown
    assert ("dag_run", "审计页", "/portal/runs/{RUN_ID}") in shown
    [decide] = [task for task in tasks if task["task_id"] == "decide"]
    assert decide["task_display_name"] == "入库或暂缓"
    assert "**怎么办**" in decide["doc_md"]


def test_dropped_file_starts_a_run_by_itself(city: City, tmp_path: Path) -> None:
    before = city.query("select count(*) from mart.run where state = 'published'")[0][0]
    inbox = city.home / "landing" / "commerce" / "inbox" / "ecommerce"
    inbox.mkdir(parents=True, exist_ok=True)
    (inbox / ".upload").write_text("年份,电商交易额（亿元）\n2020,411.5\n", encoding="gb18030")
    (inbox / ".upload").rename(inbox / "电商交易额_20210930.csv")
    batch = city.wait(
        lambda: (
            city.query(
                "select batch_id, status, as_of from quality.batch where extract = 'ecommerce'"
                " and status like 'accepted%%' order by batch_id desc limit 1"
            )
            if not list(inbox.glob("*.csv"))
            else None
        ),
        "the dropped file was not taken",
    )[0]
    assert batch[2] == date(2021, 9, 30)
    receipts = list((city.home / "landing" / "commerce" / "receipts" / "ecommerce").glob(f"*.{batch[0]}.receipt.*"))
    assert sorted(p.suffix for p in receipts) == [".json", ".xlsx"]
    city.wait(
        lambda: city.query("select count(*) from mart.run where state = 'published'")[0][0] > before,
        "the dropped file led to no published run",
    )


def test_bad_files_are_answered_and_change_nothing(city: City) -> None:
    before = state(city)[0][2:]
    landing = city.home / "landing"
    bad = {
        landing / "commerce" / "inbox" / "ecommerce" / "空.csv": b"",
        landing / "commerce" / "inbox" / "ecommerce" / "坏.xlsx": b"PK\x03\x04 broken",
        landing / "commerce" / "inbox" / "ecommerce" / "=cmd().csv": "甲,乙\n1,2\n".encode(),
        landing / "moon_office" / "inbox" / "x.csv": "年份\n2020\n".encode(),
    }
    for path, content in bad.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    city.wait(lambda: not any(p.exists() for p in bad), "the bad files were not taken")
    city.wait(
        lambda: city.query("select count(*) from quality.batch where status = 'rejected'")[0][0] >= len(bad),
        "the bad files were not answered",
    )
    assert list((landing / "_unknown" / "receipts").rglob("*.receipt.json"))
    assert len(list((landing / "commerce" / "receipts").rglob("*.receipt.json"))) >= 3
    assert state(city)[0][2:] == before


def test_indicator_is_explained_down_to_its_files(city: City) -> None:
    told = city.weihai("explain", "dept_sharing_rate", "--as-of", "2021-09-30")
    assert told.returncode == 0, told.stderr
    assert "信息资源部门间共享率达到90%" in told.stdout
    assert "sharing_departments" in told.stdout
    assert re.search(r"[0-9a-f]{64}", told.stdout)
    assert "resource_catalogue" in told.stdout


def test_unknown_indicator_is_one_sentence_and_exit_code_2(city: City) -> None:
    told = city.weihai("explain", "dept_sharing_rat")
    assert told.returncode == 2
    assert "dept_sharing_rate" in told.stderr
    assert "Traceback" not in told.stderr


def test_portal_shows_the_published_run(city: City) -> None:
    pages = city.home / "reports" / "portal"
    assert (pages / "index.html").read_text(encoding="utf-8").count("indicator/") >= 49
    drawn = [page.read_text(encoding="utf-8") for page in (pages / "indicator").glob("*.html")]
    assert len(drawn) == 49
    assert all('class="node extract"' in text for text in drawn)


def test_auditors_can_check_the_archive_when_the_portal_lists_inputs(city: City) -> None:
    lists = sorted((city.home / "reports" / "portal" / "evidence").glob("*/inputs.sha256"))
    assert lists
    for sha256, path in (line.split("  ") for line in lists[-1].read_text(encoding="ascii").splitlines()):
        assert hashlib.sha256((city.home / path).read_bytes()).hexdigest() == sha256


@pytest.mark.skipif(not REGISTER.is_file(), reason="the real register is not part of the project")
def test_real_register_is_recognised_and_every_row_accounted_for(city: City) -> None:
    dropped = city.weihai("drop", "market_regulation", "enterprise", str(REGISTER), "--as-of", "2021-09-30")
    assert dropped.returncode == 0, dropped.stderr
    batch = city.wait(
        lambda: city.query(
            "select batch_id, rows_physical, rows_header, rows_read, rows_loaded, rows_unchanged, rows_duplicate,"
            " rows_rejected from quality.batch where file_name like 'weihai%%' and applied_seq is not null"
        ),
        "the register was not accepted",
    )[0]
    _, physical, header, read, loaded, unchanged, duplicate, rejected = batch
    assert (physical, header, read) == (2173, 1, 2172)
    assert loaded + unchanged + duplicate + rejected == 2172


def test_no_identifier_leaves_its_place_wherever_it_was_planted(city: City) -> None:
    placed = planted.put(city.home / "landing")
    run = city.weihai("run")
    assert run.returncode in (0, 3), run.stdout + run.stderr
    why = f"已电话核实：{planted.NUMBERS[0]}，{planted.PHONES[0]}"
    held = city.query("select batch_id from quality.batch where status = 'held' and extract = any(%s)", EXTRACTS)
    said = run.stdout
    for (batch_id,) in held:
        released = city.weihai("release", str(batch_id), "--why", why)
        assert released.returncode == 0, released.stderr
        said += released.stdout
    run = city.weihai("run", "--full-refresh")
    assert run.returncode in (0, 3), run.stdout + run.stderr
    assert not [path for path in placed if path.exists()]
    stored = city.query("select count(*) from raw.public_security__household_population where name = %s", NAME)
    assert stored[0][0] > 0
    assert planted.found_in((said + run.stdout + city.weihai("receipt").stdout).encode()) == set()
    folders = [city.home / name for name in ("airflow", "dbt", "logs", "reports", "pulling")]
    assert planted.in_files(folders) == {}
    assert city.alerts("batch_held")
    assert planted.found_in(b"".join(call.body for call in city.webhook.calls)) == set()
    facts = json.loads((city.home / "postgres" / "connection.json").read_text(encoding="utf-8"))
    for dsn, but in ((facts["dsn"], PLAIN_SCHEMAS), (facts["airflow_dsn"], ())):
        with psycopg.connect(dsn) as connection:
            assert planted.in_tables(connection, planted.relations_of(connection, but=but)) == {}


def test_no_role_reads_what_is_not_its_own_when_it_logs_in(city: City) -> None:
    settings = Settings(home=city.home)
    with psycopg.connect(settings.dsn()) as connection:
        relations = planted.relations_of(connection)
        roles = [
            role
            for (role,) in connection.execute("select rolname from pg_roles where rolcanlogin and rolname !~ '^pg_'")
            if role not in ("etl", "airflow", "postgres")
        ]
    assert {"analyst", "auditor", "public_open", "department_public_security"} <= set(roles)
    holders: set[tuple[str, str]] = set()
    for role in roles:
        with psycopg.connect(role_dsn(settings, role)) as connection:
            holders |= {(role, relation) for relation in planted.in_tables(connection, relations)}
    strangers = [(r, t) for r, t in holders if not t.startswith(f"raw.{r.removeprefix('department_')}__")]
    assert strangers == []
    assert ("department_public_security", "raw.public_security__household_population") in holders
