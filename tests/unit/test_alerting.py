"""Alerts reach file and webhook, say nothing that must not leave the house, and never fail a run."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import logging
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import pytest

from connectors.errors import UserError
from connectors.settings import DEADLINES, Settings, load_settings
from connectors.sources.endpoint import Endpoint
from dags.support.alerting import alert_file, callbacks
from dags.support.alerting.alert import Alert, Kind, Level
from dags.support.alerting.delivery import deliver
from dags.support.runbook import EVENTS, PAGES
from tests.unit.interface_server import Answer, interface

SECRET = "whsec_" + base64.b64encode(b"a key of the receiver").decode()
TOKEN = "token-in-the-address"
NUMBER = "371002198506070019"


@pytest.fixture
def home(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path)


def alert(clock: datetime, level: Level = Level.CRITICAL, what: str = "批次 7：质量得分 42%，低于目标 90%。") -> Alert:
    page = EVENTS["batch_held"]
    return Alert(Kind.BATCH_HELD, level, clock, "run-1", "1 批报送暂缓入库", [what], page.look, page.act)


def lines(home: Settings) -> list[dict[str, Any]]:
    return [json.loads(line) for line in alert_file.path_of(home).read_text(encoding="utf-8").splitlines()]


def test_alert_is_in_the_file_only_when_there_is_no_connection(home: Settings, clock: datetime) -> None:
    assert deliver(home, alert(clock), None, now=clock) == "file_only"
    assert alert_file.path_of(home).stat().st_mode & 0o777 == 0o640
    [line] = lines(home)
    assert list(line) == [
        "format",
        "id",
        "kind",
        "level",
        "at",
        "run_id",
        "title",
        "what",
        "look",
        "act",
        "links",
        "facts",
    ]
    assert (line["kind"], line["level"], line["at"]) == ("batch_held", "critical", "2021-10-08T09:00:00+08:00")
    assert "weihai release" in line["act"]


def test_lines_are_whole_when_many_write_at_once(home: Settings, clock: datetime) -> None:
    writers = [
        threading.Thread(target=lambda n=n: [deliver(home, alert(clock, what=f"{n}" * 9_000), None, now=clock)])
        for n in range(8)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert sorted(line["what"][0][0] for line in lines(home)) == [str(n) for n in range(8)]


def test_webhook_gets_what_the_file_says_signed_by_the_connections_secret(home: Settings, clock: datetime) -> None:
    with interface(lambda _: Answer({})) as server:
        sent = deliver(home, alert(clock), Endpoint(f"{server.url}/hook?key={TOKEN}", secret=SECRET), now=clock)
    [call] = server.calls
    assert sent == "sent"
    assert (call.method, call.path, call.params) == ("POST", "/hook", {"key": TOKEN})
    assert json.loads(call.body) == lines(home)[0]
    signed = f"{call.headers['webhook-id']}.{int(clock.timestamp())}.".encode() + call.body
    digest = hmac.new(b"a key of the receiver", signed, hashlib.sha256).digest()
    assert call.headers["webhook-signature"] == "v1," + base64.b64encode(digest).decode()
    assert call.headers["webhook-id"] == lines(home)[0]["id"]


def test_robot_gets_text_and_its_refusal_counts_when_the_answer_is_200(home: Settings, clock: datetime) -> None:
    answers = iter([Answer({"errcode": 0}), Answer({"errcode": 310000, "errmsg": "sign not match"})])
    with interface(lambda _: next(answers)) as server:
        robot = Endpoint(f"{server.url}/robot/send?access_token={TOKEN}", secret="SEC1", extra={"format": "robot"})
        assert [deliver(home, alert(clock), robot, now=clock) for _ in range(2)] == ["sent", "not_sent"]
    call = server.calls[0]
    text = json.loads(call.body)["text"]["content"]
    assert all(part in text for part in ("1 批报送暂缓入库", "批次 7", "看哪里：", "怎么办："))
    stamp = str(int(clock.timestamp() * 1000))
    digest = hmac.new(b"SEC1", f"{stamp}\nSEC1".encode(), hashlib.sha256).digest()
    assert call.params == {"access_token": TOKEN, "timestamp": stamp, "sign": base64.b64encode(digest).decode()}
    assert lines(home)[-1]["title"] == "告警未能送达 webhook：群机器人拒绝了消息（errcode 310000）"


@pytest.mark.parametrize(
    ("statuses", "outcome", "waits"),
    [([503, 429, 200], "sent", 2), ([500] * 9, "not_sent", 3), ([403], "not_sent", 0), ([302], "not_sent", 0)],
)
def test_webhook_is_tried_again_backing_off_when_the_trouble_may_pass(
    home: Settings, clock: datetime, statuses: list[int], outcome: str, waits: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    waited: list[float] = []
    answers = iter(statuses)
    with interface(lambda _: Answer(status=next(answers), headers={"Location": "http://127.0.0.1:9/"})) as server:
        endpoint = Endpoint(f"{server.url}/{TOKEN}", secret=SECRET)
        assert deliver(home, alert(clock), endpoint, now=clock, sleep=waited.append) == outcome
    assert len(server.calls) == len(waited) + 1 == waits + 1
    assert all(later >= earlier for earlier, later in pairwise(waited))
    kinds = [line["kind"] for line in lines(home)]
    assert kinds == ["batch_held"] + ["webhook_failed"] * (outcome == "not_sent")
    told = caplog.text + alert_file.path_of(home).read_text(encoding="utf-8")
    assert TOKEN not in told
    assert SECRET not in told


def test_nothing_is_raised_when_nobody_listens_and_the_file_cannot_be_written(tmp_path: Path, clock: datetime) -> None:
    (tmp_path / "logs").write_text("not a folder")
    home = Settings(home=tmp_path)
    assert deliver(home, alert(clock), Endpoint("http://127.0.0.1:9/x"), now=clock, sleep=lambda _: None) == "not_sent"


@pytest.mark.parametrize(("extra", "calls"), [({}, 0), ({"level": "warning"}, 1)])
def test_warning_wakes_nobody_unless_the_connection_asks_for_it(
    home: Settings, clock: datetime, extra: dict[str, str], calls: int
) -> None:
    with interface(lambda _: Answer({})) as server:
        deliver(home, alert(clock, Level.WARNING), Endpoint(server.url, extra=extra), now=clock)
    assert len(server.calls) == calls
    assert [line["level"] for line in lines(home)] == ["warning"]


def test_identifiers_are_masked_when_one_strayed_into_a_name(home: Settings, clock: datetime) -> None:
    strayed = Alert(
        Kind.TASK_FAILED, Level.CRITICAL, clock, f"run-{NUMBER}", f"文件 {NUMBER}", [f"13863100001 {NUMBER}"], "", "",
        links=[f"http://127.0.0.1/runs/{NUMBER}"],
    )  # fmt: skip
    deliver(home, strayed, None, now=clock)
    text = alert_file.path_of(home).read_text(encoding="utf-8") + strayed.text()
    assert NUMBER not in text
    assert "13863100001" not in text


class Task(SimpleNamespace):
    """As much of a task instance as a callback looks at."""

    dag_id, task_id, run_id, try_number = "intake", "pull", "manual__2021-10-08T09:00:00+08:00", 3
    rendered_map_index, log_url = "civil_affairs__marriage", "http://127.0.0.1/dags/intake"


@pytest.fixture
def calling(home: Settings, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Settings]:
    """Return a function that makes the home known, and the webhook as an Airflow connection."""
    monkeypatch.setenv("WEIHAI_HOME", str(home.home))
    monkeypatch.setenv("AIRFLOW_HOME", str(home.home / "airflow"))

    def connected(url: str) -> Settings:
        monkeypatch.setenv("AIRFLOW_CONN_WEIHAI_ALERTS", json.dumps({"conn_type": "http", "host": url}))
        return home

    return connected


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (UserError("连不上 db：拒绝连接"), "原因：连不上 db：拒绝连接"),
        (ValueError(f"invalid input: {NUMBER} 张三"), "原因：ValueError"),
        (None, "原因：被终止或失去心跳"),
    ],
)
def test_failed_task_is_told_with_its_page_and_without_the_text_of_strange_errors(
    calling: Callable[[str], Settings], error: Exception | None, reason: str
) -> None:
    with interface(lambda _: Answer({})) as server:
        home = calling(f"{server.url}/hook")
        callbacks.task_failed({"ti": Task(), "exception": error})
    told = json.loads(server.calls[0].body)
    page = PAGES["intake"]["pull"]
    assert told["title"] == "任务失败：intake.pull（读取数据库或接口） civil_affairs__marriage"
    assert told["what"] == [page.symptom, reason]
    assert (told["look"], told["act"], told["links"]) == (page.look, page.act, [Task.log_url])
    assert told == lines(home)[0]
    assert "张三" not in json.dumps(told, ensure_ascii=False)


def test_late_run_is_told_by_the_triggerer(calling: Callable[[str], Settings], clock: datetime) -> None:
    run = {"dag_id": "warehouse", "dag_run_id": "run-20211008T090000", "state": "running"}
    with interface(lambda _: Answer({})) as server:
        calling(f"{server.url}/{quote('hook')}")
        asyncio.run(callbacks.run_late({"dag_run": run, "deadline": {"id": "1", "deadline_time": clock}}))
    told = json.loads(server.calls[0].body)
    assert (told["kind"], told["level"], told["run_id"]) == ("run_late", "critical", "run-20211008T090000")
    assert "应在 2021-10-08 09:00 前完成，状态 running" in told["what"]
    assert told["links"][0].endswith("/dags/warehouse/runs/run-20211008T090000")


def test_alert_is_in_the_file_when_the_connection_is_of_no_use(
    calling: Callable[[str], Settings], caplog: pytest.LogCaptureFixture
) -> None:
    home = calling("ftp://secret-host/x")
    callbacks.task_failed({"ti": Task(), "exception": None})
    assert [line["kind"] for line in lines(home)] == ["task_failed"]
    assert "cannot be used" in caplog.text
    assert "secret-host" not in caplog.text


def test_callback_only_logs_when_the_database_is_gone(
    calling: Callable[[str], Settings], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    home = calling("http://127.0.0.1:9")
    monkeypatch.setenv("WAREHOUSE_DSN", "postgresql://nobody:secret@127.0.0.1:9/none")
    run = SimpleNamespace(run_id="r", start_date=None)
    callbacks.deliveries_decided({"dag_run": run})
    callbacks.targets_judged({"dag_run": run})
    assert "OperationalError" in caplog.text
    assert "secret" not in caplog.text
    assert not alert_file.path_of(home).exists()


def test_deadlines_are_the_homes_own_when_the_environment_names_them() -> None:
    assert load_settings({}).deadlines == DEADLINES
    assert load_settings({"WEIHAI_DEADLINES": "assess=0.5"}).deadlines == {
        **DEADLINES, "assess": timedelta(seconds=30)
    }  # fmt: skip
    for wrong in ("assess", "assess=-1", "assess=soon", "night=5", "assess=1e99"):
        with pytest.raises(UserError, match="WEIHAI_DEADLINES"):
            load_settings({"WEIHAI_DEADLINES": wrong})


def test_every_kind_of_event_has_a_page() -> None:
    assert set(EVENTS) == {kind.value for kind in Kind} - {"task_failed", "trial"}
