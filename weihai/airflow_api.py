"""Airflow's REST API, as far as the command line and the tests need it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from connectors.errors import UserError
from connectors.settings import Settings
from weihai.airflow_config import ADMIN, admin_password

_UNFINISHED = ("queued", "running")
_PAGE = 100


class AirflowUnreachableError(UserError):
    """The API does not answer; the message says how to start it."""


class AirflowRefusedError(UserError):
    """The API answered with an error."""


@dataclass
class AirflowClient:
    """A client of one home's Airflow, logged in as its administrator."""

    url: str
    password: str
    user: str = ADMIN
    timeout: float = 60.0
    attempts: int = 3
    pause: float = 1.0
    _http: httpx.Client | None = field(default=None, repr=False)

    @classmethod
    def of(cls, settings: Settings) -> AirflowClient:
        """Return the client of a home's Airflow.

        Raises:
            AirflowUnreachableError: this home's Airflow was never started.
        """
        if settings.airflow_url is not None:
            return cls(settings.airflow_url, admin_password(settings))
        try:
            endpoint = json.loads((settings.airflow / "endpoint.json").read_text(encoding="utf-8"))
            return cls(str(endpoint["url"]), admin_password(settings))
        except (OSError, ValueError, KeyError) as error:
            raise AirflowUnreachableError(f"{settings.home} 的 Airflow 还没有启动：先运行 `weihai up`") from error

    def trigger(self, dag_id: str, run_id: str, conf: Mapping[str, Any]) -> dict[str, Any]:
        """Start a DAG run under that id; a run already there under it is returned as it is."""
        body = {"dag_run_id": run_id, "logical_date": None, "conf": dict(conf)}
        answer = self._send("POST", f"/api/v2/dags/{dag_id}/dagRuns", json=body, allowed=(409,))
        if answer.status_code == httpx.codes.CONFLICT:
            existing = self.dag_run(dag_id, run_id)
            if existing is not None:
                return existing
            raise AirflowRefusedError(f"Airflow 不接受运行 {run_id}（{dag_id}）：{_detail(answer)}")
        return _object(answer)

    def dag_run(self, dag_id: str, run_id: str) -> dict[str, Any] | None:
        """Return a DAG run (with its `state`), or None where there is none."""
        answer = self._send("GET", f"/api/v2/dags/{dag_id}/dagRuns/{run_id}", allowed=(404,))
        return None if answer.status_code == httpx.codes.NOT_FOUND else _object(answer)

    def active_runs(self, dag_id: str) -> list[str]:
        """Return the ids of the DAG's queued and running runs, oldest first."""
        answer = self._send(
            "GET",
            f"/api/v2/dags/{dag_id}/dagRuns",
            params={"state": list(_UNFINISHED), "order_by": "run_after", "limit": _PAGE},
        )
        return [str(run["dag_run_id"]) for run in _object(answer)["dag_runs"]]

    def task_instances(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """Return all task instances of a DAG run (`task_id`, `map_index`, `state`, `try_number` …)."""
        found: list[dict[str, Any]] = []
        while True:
            answer = self._send(
                "GET",
                f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/taskInstances",
                params={"limit": _PAGE, "offset": len(found)},
            )
            page = _object(answer)
            found += page["task_instances"]
            if not page["task_instances"] or len(found) >= page["total_entries"]:
                return found

    def task_log(self, dag_id: str, run_id: str, task_id: str, *, try_number: int = 1, map_index: int = -1) -> str:
        """Return the log of one try of a task, one line per event."""
        answer = self._send(
            "GET",
            f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/logs/{try_number}",
            params={"map_index": map_index, "full_content": True},
        )
        content = _object(answer)["content"]
        if isinstance(content, str):
            return content
        return "\n".join(str(event.get("event", event)) if isinstance(event, dict) else str(event) for event in content)

    def unpause(self, dag_id: str) -> None:
        """Let the scheduler run a DAG."""
        self._send("PATCH", f"/api/v2/dags/{dag_id}", params={"update_mask": "is_paused"}, json={"is_paused": False})

    def import_errors(self) -> dict[str, str]:
        """Return the DAG files that cannot be imported, with the last line of the reason."""
        answer = self._send("GET", "/api/v2/importErrors", params={"limit": _PAGE})
        return {
            str(entry["filename"]): str(entry["stack_trace"]).strip().splitlines()[-1]
            for entry in _object(answer)["import_errors"]
        }

    def wait_until_dag_known(
        self, dag_id: str, timeout: float = 60.0, *, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        """Wait until the DAG file was read.

        Raises:
            AirflowRefusedError: it cannot be imported, or is still unknown after `timeout` seconds.
        """
        deadline = time.monotonic() + timeout
        while self._send("GET", f"/api/v2/dags/{dag_id}", allowed=(404,)).status_code == httpx.codes.NOT_FOUND:
            broken = self.import_errors()
            if broken:
                listed = "；".join(f"{name}：{reason}" for name, reason in broken.items())
                raise AirflowRefusedError(f"DAG 文件无法导入：{listed}")
            if time.monotonic() > deadline:
                raise AirflowRefusedError(f"Airflow 在 {timeout:.0f} 秒内没有读到 DAG {dag_id}")
            sleep(0.5)

    def health(self) -> dict[str, Any] | None:
        """Return what Airflow says of its components; None while the API server does not answer."""
        try:
            with httpx.Client(trust_env=False, timeout=5.0) as http:
                answer = http.get(f"{self.url}/api/v2/monitor/health")
            return _object(answer) if answer.is_success else None
        except (httpx.HTTPError, ValueError):
            return None

    def close(self) -> None:
        """Close the connections to the API."""
        if self._http is not None:
            self._http.close()
            self._http = None

    def _client(self) -> httpx.Client:
        if self._http is None:
            # a proxy set for the machine must not see requests to the loopback interface
            http = httpx.Client(base_url=self.url, timeout=self.timeout, trust_env=False)
            answer = http.post("/auth/token", json={"username": self.user, "password": self.password})
            if not answer.is_success:
                http.close()
                raise AirflowRefusedError(f"Airflow 不接受 {self.user} 的密码（{self.url}）：运行 `weihai up` 可重设")
            http.headers["Authorization"] = f"Bearer {_object(answer)['access_token']}"
            self._http = http
        return self._http

    def _send(self, method: str, path: str, *, allowed: tuple[int, ...] = (), **arguments: Any) -> httpx.Response:
        for attempt in range(1, self.attempts + 1):
            try:
                answer = self._client().request(method, path, **arguments)
                if answer.status_code == httpx.codes.UNAUTHORIZED:
                    self.close()
                    answer = self._client().request(method, path, **arguments)
                break
            except httpx.TransportError as error:
                # every request can be repeated: a run is triggered under an id of its own
                self.close()
                if attempt == self.attempts:
                    raise AirflowUnreachableError(
                        f"Airflow（{self.url}）没有应答：运行 `weihai status` 查看，或 `weihai up` 启动"
                    ) from error
                time.sleep(self.pause)
        if not answer.is_success and answer.status_code not in allowed:
            raise AirflowRefusedError(f"Airflow 拒绝了 {method} {path}（{answer.status_code}）：{_detail(answer)}")
        return answer


def _object(answer: httpx.Response) -> dict[str, Any]:
    loaded: dict[str, Any] = answer.json()
    return loaded


def _detail(answer: httpx.Response) -> str:
    try:
        return str(_object(answer).get("detail", answer.reason_phrase))
    except ValueError:
        return answer.reason_phrase
