"""assess: an Airflow DAG that judges the targets, publishes the run and says its verdict at once."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import chain, dag, get_current_context, task

from dags.support.alerting.callbacks import targets_judged, task_failed
from dags.support.deadlines import deadline
from dags.support.runbook import shown

DOC = """
### 评定（assess）
用 Great Expectations 判定共享、开放 90 % 等目标，发布结果并随即给出结论，再更新开放数据与门户。
**verdict 失败 = 目标未达标**：结果已发布，不是系统故障；原因见该任务日志与门户“审计”页。
"""


def _run_id() -> str:
    from dags.support.runs import run_name

    return run_name(get_current_context()["dag_run"].run_id)


@dag(
    dag_id="assess",
    schedule=None,
    catchup=False,
    max_active_runs=1,
    default_args={
        "retries": 1,
        "retry_delay": timedelta(seconds=10),
        "owner": "大数据中心",
        "on_failure_callback": task_failed,
    },
    deadline=deadline("assess"),
    dag_display_name="评定（assess）",
    description="目标判定 → 发布 → 结论；发布 → 开放数据 → 门户",
    doc_md=DOC,
    tags=["weihai"],
)
def assess() -> None:
    @task(**shown("assess", "judge"))
    def judge() -> list[str]:
        from dags.support import publishing

        missed = publishing.judge_targets(_run_id())
        publishing.judge_across(_run_id())
        return missed

    @task(**shown("assess", "publish"))
    def publish(missed: list[str]) -> None:
        from dags.support import publishing

        publishing.publish(_run_id(), missed)

    @task(**shown("assess", "open_data"))
    def open_data() -> None:
        from dags.support import publishing

        publishing.open_data(_run_id())

    @task(**shown("assess", "portal"))
    def portal() -> None:
        from dags.support import publishing

        publishing.build_portal(_run_id())

    @task(
        retries=0,
        on_success_callback=targets_judged,
        on_failure_callback=targets_judged,
        **shown("assess", "verdict"),
    )
    def verdict(missed: list[str]) -> None:
        from airflow.sdk.exceptions import AirflowFailException

        if missed:
            raise AirflowFailException("目标未达标：" + "；".join(missed))

    @task(trigger_rule="one_failed", retries=0, **shown("assess", "give_up"))
    def give_up() -> None:
        from dags.support import building

        building.give_up(_run_id())

    missed = judge()
    published = publish(missed)
    published >> verdict(missed)
    chain(published, open_data(), portal())
    [missed, published] >> give_up()


assess()
