"""warehouse: an Airflow DAG that builds base libraries and the mart with dbt."""

from __future__ import annotations

from datetime import timedelta

from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import chain, dag, get_current_context, task

from dags.support.alerting.callbacks import task_failed
from dags.support.databases import DATABASES
from dags.support.deadlines import deadline
from dags.support.runbook import shown

DOC = """
### 建库（warehouse）
先归并各部门记录中提到的人和单位，
再用 dbt 依次建立基础库（人口、法人、信用、证照）、主题库（空间、宏观、经济、海洋、城市部件），
以及评定（目录库、指标集市与质量报表），各一个任务，可单独重试；已经建成或没有变化的不再建；完成后启动 **assess**。
失败时读者仍看到上一次完整发布的结果。日志中列出失败的模型与测试。
"""


def _run_id() -> str:
    from dags.support.runs import run_name

    return run_name(get_current_context()["dag_run"].run_id)


@dag(
    dag_id="warehouse",
    schedule=None,
    catchup=False,
    max_active_runs=1,
    default_args={
        "retries": 1,
        "retry_delay": timedelta(seconds=10),
        "owner": "大数据中心",
        "on_failure_callback": task_failed,
    },
    deadline=deadline("warehouse"),
    dag_display_name="建库（warehouse）",
    description="raw → 基础库、主题库 → 指标集市（dbt）",
    doc_md=DOC,
    tags=["weihai"],
)
def warehouse() -> None:
    @task.short_circuit(**shown("warehouse", "open_run"))
    def open_run() -> bool:
        from dags.support import building

        return building.open_run(_run_id(), dict(get_current_context()["dag_run"].conf or {}))

    @task(**shown("warehouse", "prepare"))
    def prepare() -> None:
        from dags.support import building

        building.prepare(_run_id())

    @task.branch(**shown("warehouse", "link"))
    def link() -> list[str]:
        from dags.support import building, linking

        linking.link_libraries(_run_id())
        return building.behind(_run_id())

    @task(trigger_rule="none_failed")
    def build(database: str) -> None:
        from dags.support import building

        building.build(_run_id(), database)

    @task(**shown("warehouse", "lineage"))
    def lineage() -> None:
        from dags.support import building

        building.record_lineage(_run_id())

    @task(trigger_rule="one_failed", retries=0, **shown("warehouse", "give_up"))
    def give_up() -> None:
        from dags.support import building

        building.give_up(_run_id())

    start_assess = TriggerDagRunOperator(
        task_id="start_assess",
        trigger_dag_id="assess",
        trigger_run_id="{{ run_id }}",
        logical_date=None,
        skip_when_already_exists=True,
        **shown("warehouse", "start_assess"),
    )
    linked = link()
    builds = [build.override(task_id=name, **shown("warehouse", name))(name) for name in DATABASES]
    steps = [open_run(), prepare(), linked, *builds, lineage()]
    chain(*steps, start_assess)
    linked >> builds
    steps >> give_up()


warehouse()
