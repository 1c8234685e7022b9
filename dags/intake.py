"""intake: an Airflow DAG from dropped files to accepted versions in `raw`."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import Asset, AssetWatcher, dag, get_current_context, task

from dags.support.alerting.callbacks import deliveries_decided, task_failed
from dags.support.deadlines import deadline
from dags.support.landing_trigger import LandingTrigger
from dags.support.runbook import shown

LANDING = Asset(
    "landing",
    uri="weihai://landing",
    watchers=[AssetWatcher(name="landing_at_rest", trigger=LandingTrigger())],
)

DOC = """
### 接收（intake）
部门文件落地后自动开始，或由 `weihai run` 启动。先读取契约写明的数据库和接口（`pull`）；
再逐部门读取、核对、暂存；由 Great Expectations 逐批判定；
合格的写入 `raw`，不合格的暂缓入库并回执，其余照常进行。最后启动 **warehouse**（没有新数据时它随即结束）。

- 某个来源读不到（`pull` 失败）：什么也没有报送，其余照常进行；排除故障后清除（Clear）该映射任务，或下次运行再读。
- 某部门失败：只影响该部门，单独清除（Clear）该映射任务即可重试；重复执行无害。
- 暂缓入库批次：`weihai receipt` 查看原因，`weihai release|refuse 批次 --why …` 处理。
"""


def _run_id() -> str:
    from dags.support.runs import run_name

    return run_name(get_current_context()["dag_run"].run_id)


def _conf() -> dict[str, Any]:
    return dict(get_current_context()["dag_run"].conf or {})


@dag(
    dag_id="intake",
    schedule=[LANDING],
    catchup=False,
    max_active_runs=1,
    render_template_as_native_obj=True,
    default_args={
        "retries": 2,
        "retry_delay": timedelta(seconds=10),
        "owner": "大数据中心",
        "on_failure_callback": task_failed,
    },
    deadline=deadline("intake"),
    dag_display_name="接收（intake）",
    description="部门文件 → 核对 → 判定 → raw",
    doc_md=DOC,
    tags=["weihai"],
)
def intake() -> None:
    @task(**shown("intake", "due_sources"))
    def due_sources() -> list[str]:
        from dags.support import pulling

        return pulling.due_sources(only=_conf().get("only"))

    @task(
        **shown("intake", "pull"),
        map_index_template="{{ source }}",
        execution_timeout=timedelta(hours=2),
    )
    def pull(source: str) -> str:
        from dags.support import pulling

        get_current_context()["source"] = source
        return pulling.pull_source(_run_id(), source)

    @task(trigger_rule="all_done", **shown("intake", "discover"))
    def discover() -> list[str]:
        from dags.support import deliveries

        return deliveries.departments_with_work(_run_id(), only=_conf().get("only"))

    @task(map_index_template="{{ department }}", **shown("intake", "receive"))
    def receive(department: str) -> list[int]:
        from dags.support import deliveries

        get_current_context()["department"] = department
        return deliveries.receive_department(_run_id(), department)

    @task(trigger_rule="all_done_min_one_success", **shown("intake", "judge"))
    def judge() -> list[dict[str, Any]]:
        from dags.support import deliveries

        return deliveries.judge_staged(_run_id())

    @task(map_index_template="{{ group['department'] }}", **shown("intake", "decide"))
    def decide(group: dict[str, Any]) -> list[str]:
        from dags.support import deliveries

        get_current_context()["group"] = group
        return deliveries.decide_department(_run_id(), group)

    @task(
        trigger_rule="all_done",
        on_success_callback=deliveries_decided,
        on_failure_callback=[deliveries_decided, task_failed],
        **shown("intake", "refresh_portal"),
    )
    def refresh_portal() -> None:
        from dags.support import publishing

        publishing.refresh_portal(_run_id())

    start_warehouse = TriggerDagRunOperator(
        task_id="start_warehouse",
        trigger_dag_id="warehouse",
        trigger_run_id="{{ run_id }}",
        conf="{{ dag_run.conf or {} }}",
        trigger_rule="all_done",
        logical_date=None,
        skip_when_already_exists=True,
        **shown("intake", "start_warehouse"),
    )
    found = discover()
    pull.expand(source=due_sources()) >> found
    received = receive.expand(department=found)
    judged = judge()
    received >> judged
    decide.expand(group=judged) >> [refresh_portal(), start_warehouse]


intake()
