import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from connectors.settings import Settings
from weihai import airflow_config
from weihai.airflow_api import AirflowClient, AirflowRefusedError, AirflowUnreachableError
from weihai.airflow_config import AirflowPlace, environment, mark, sqlalchemy_urls
from weihai.services import hide_password

DSN = "postgresql://etl:word@127.0.0.1:5433/warehouse"


@pytest.fixture
def place(tmp_path: Path) -> AirflowPlace:
    return AirflowPlace(Settings(home=tmp_path), 23_999, DSN, "postgresql://airflow:w@127.0.0.1:5433/airflow")


def test_nothing_of_another_airflow_is_inherited(place: AirflowPlace) -> None:
    inherited = {"AIRFLOW__CORE__EXECUTOR": "X", "AIRFLOW_HOME": "/other", "PYTHONDONTWRITEBYTECODE": "1", "LANG": "C"}
    env = environment(place, inherited)
    assert env["AIRFLOW_HOME"] == str(place.settings.airflow)
    assert env["AIRFLOW__CORE__EXECUTOR"] == "weihai.warm_executor.WarmExecutor"
    assert "PYTHONDONTWRITEBYTECODE" not in env
    assert env["LANG"] == "C"


def test_everything_listens_on_loopback_and_nothing_phones_home(place: AirflowPlace) -> None:
    env = environment(place, {"NO_PROXY": "intranet"})
    assert env["AIRFLOW__API__HOST"] == "127.0.0.1"
    assert env["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"] == "http://127.0.0.1:23999/execution/"
    assert env["NO_PROXY"] == env["no_proxy"] == "intranet,127.0.0.1,localhost"
    assert env["AIRFLOW__USAGE_DATA_COLLECTION__ENABLED"] == "False"
    assert env["DBT_SEND_ANONYMOUS_USAGE_STATS"] == env["GX_ANALYTICS_ENABLED"] == "false"


def test_secrets_are_kept_and_private(place: AirflowPlace) -> None:
    first, second = environment(place, {}), environment(place, {})
    assert first == second
    assert {p.stat().st_mode & 0o777 for p in place.settings.secrets.iterdir()} == {0o600}
    assert place.settings.secrets.stat().st_mode & 0o777 == 0o700


def test_mark_changes_when_the_warehouse_moves_and_reveals_nothing(place: AirflowPlace) -> None:
    env = environment(place, {})
    moved = {**env, "WAREHOUSE_DSN": DSN.replace("5433", "5434")}
    assert mark(env) == mark({**env, "LANG": "C"})
    assert mark(env) != mark(moved)
    assert len(mark(env)) == 64


def test_mark_changes_when_other_libraries_are_installed(
    place: AirflowPlace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = mark(environment(place, {}))
    monkeypatch.setattr(airflow_config, "CHECKOUT", tmp_path)
    (tmp_path / "requirements.lock").write_text("dbt-core==9", encoding="utf-8")
    newer = mark(environment(place, {}))
    (tmp_path / "requirements.lock").write_text("dbt-core==10", encoding="utf-8")
    assert len({installed, newer, mark(environment(place, {}))}) == 3


def test_sqlalchemy_urls_name_their_drivers() -> None:
    assert sqlalchemy_urls("postgresql://a:b@h:1/d") == (
        "postgresql+psycopg2://a:b@h:1/d",
        "postgresql+psycopg_async://a:b@h:1/d",
    )


@pytest.mark.parametrize("dsn", [DSN, "host=127.0.0.1 password=word dbname=warehouse"])
def test_password_is_hidden_when_a_dsn_is_shown(dsn: str) -> None:
    assert "word" not in hide_password(dsn)
    assert "warehouse" in hide_password(dsn)


def client(answers: dict[tuple[str, str], list[httpx.Response]], seen: list[httpx.Request]) -> AirflowClient:
    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        waiting = answers[request.method, request.url.path]
        return waiting.pop(0) if len(waiting) > 1 else waiting[0]

    made = AirflowClient("http://airflow", "p")
    made._http = httpx.Client(base_url="http://airflow", transport=httpx.MockTransport(answer))
    return made


def test_trigger_returns_the_run_that_is_there_when_it_was_triggered_before() -> None:
    seen: list[httpx.Request] = []
    runs = "/api/v2/dags/intake/dagRuns"
    api = client(
        {
            ("POST", runs): [httpx.Response(409, json={"detail": "exists"})],
            ("GET", f"{runs}/r1"): [httpx.Response(200, json={"dag_run_id": "r1", "state": "running"})],
        },
        seen,
    )
    assert api.trigger("intake", "r1", {"full_refresh": True})["state"] == "running"
    assert json.loads(seen[0].content) == {"dag_run_id": "r1", "logical_date": None, "conf": {"full_refresh": True}}


def test_all_pages_of_task_instances_are_read() -> None:
    pages: list[dict[str, Any]] = [
        {"task_instances": [{"task_id": "a"}, {"task_id": "b"}], "total_entries": 3},
        {"task_instances": [{"task_id": "c"}], "total_entries": 3},
    ]
    path = "/api/v2/dags/intake/dagRuns/r1/taskInstances"
    api = client({("GET", path): [httpx.Response(200, json=page) for page in pages]}, [])
    assert [t["task_id"] for t in api.task_instances("intake", "r1")] == ["a", "b", "c"]


def test_run_is_none_when_there_is_none() -> None:
    api = client({("GET", "/api/v2/dags/intake/dagRuns/r1"): [httpx.Response(404, json={"detail": "no"})]}, [])
    assert api.dag_run("intake", "r1") is None


def test_broken_dag_file_is_named_when_its_dag_stays_unknown() -> None:
    api = client(
        {
            ("GET", "/api/v2/dags/intake"): [httpx.Response(404, json={"detail": "no"})],
            ("GET", "/api/v2/importErrors"): [
                httpx.Response(
                    200, json={"import_errors": [{"filename": "intake.py", "stack_trace": "Trace\nImportError: x\n"}]}
                )
            ],
        },
        [],
    )
    with pytest.raises(AirflowRefusedError, match=r"intake\.py：ImportError: x"):
        api.wait_until_dag_known("intake", timeout=5)


def test_way_out_is_named_when_airflow_was_never_started(tmp_path: Path) -> None:
    with pytest.raises(AirflowUnreachableError, match="weihai up"):
        AirflowClient.of(Settings(home=tmp_path))


def test_way_out_is_named_when_airflow_does_not_answer() -> None:
    with pytest.raises(AirflowUnreachableError, match="weihai status"):
        AirflowClient("http://127.0.0.1:9", "p", pause=0).dag_run("intake", "r1")


def test_request_is_repeated_when_a_busy_server_did_not_answer_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        if len(asked) == 1:
            raise httpx.ReadTimeout("busy", request=request)
        return httpx.Response(200, json={"access_token": "t", "state": "running"})

    real = httpx.Client
    transport = httpx.MockTransport(answer)
    monkeypatch.setattr(httpx, "Client", lambda **options: real(**options, transport=transport))
    run = AirflowClient("http://airflow", "p", pause=0).dag_run("intake", "r1")
    assert run is not None
    assert run["state"] == "running"
    assert asked == ["/auth/token", "/auth/token", "/api/v2/dags/intake/dagRuns/r1"]
