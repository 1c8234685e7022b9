"""What each task does and what to do when it fails, for the engineer who is woken at night.

The tasks' pages in Airflow show it, and alerts carry it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Page:
    """One task, or one event that is no failed task.

    Attributes:
        title: the name that people see.
        does: what the task does.
        symptom: what its failure means.
        look: where to look.
        act: what to do.
    """

    title: str
    does: str
    symptom: str
    look: str
    act: str

    @property
    def doc(self) -> str:
        """Return the page as Markdown."""
        return f"{self.does}\n\n- **现象**：{self.symptom}\n- **看哪里**：{self.look}\n- **怎么办**：{self.act}\n"


_DATABASE = "本任务日志；`weihai status` 看数据库是否在运行、磁盘是否写满（`logs/` 下有各组件日志）。"
_CLEAR = "排除原因后清除（Clear）本任务，重复执行无害。"


def _built(title: str, what: str) -> Page:
    return Page(
        title,
        f"用 dbt 建立并检验{what}；没有变化则跳过。",
        f"{what}没有建成：本次运行中断，读者仍看到上一次发布的结果。",
        "本任务日志末尾列出失败的模型与检验；dbt 的明细在 `logs/dbt/`。",
        "数据库或磁盘的故障排除后清除本任务，从它续跑；检验失败说明数据或模型有误，交数据工程师，不要跳过。",
    )


_GIVE_UP = Page(
    "标为中断",
    "发布前有任务失败时把本次运行标为中断。",
    "它在运行，说明前面有任务失败；它自己失败，说明数据库不可用。",
    "先看同一次运行中第一个失败的任务；再看 `weihai status`。",
    "处理第一个失败的任务即可；遗留的运行由下一次运行标为中断。",
)

PAGES: Mapping[str, Mapping[str, Page]] = {
    "intake": {
        "due_sources": Page(
            "列出到期来源",
            "列出到期应读取的数据库和接口（契约的 `source`）。",
            "这一次不读取任何数据库和接口；部门报送的文件照常接收。",
            "本任务日志；`weihai status`；契约有无错误用 `weihai contract check`。",
            "修好数据库或契约后清除本任务；不处理则下次运行再读。",
        ),
        "pull": Page(
            "读取数据库或接口",
            "读取一个数据库或接口，整份放入落地区；读不到尽头则什么也不放。",
            "这个来源这一次什么也没有报送；其他来源和文件照常。",
            "本映射任务日志中的一句话：连不上、被拒绝、应答不符，或 Airflow 中没有该连接（Admin → Connections）。",
            "请对方修好或更正连接后清除本映射任务；不处理则下次运行再读，数据不会丢失。",
        ),
        "discover": Page(
            "查看落地区",
            "列出落地区中有完整文件、或有未完成批次的部门。",
            "这一次不接收文件；文件仍在落地区，没有丢失。",
            _DATABASE,
            _CLEAR,
        ),
        "receive": Page(
            "接收一个部门的文件",
            "归档、读取、核对、暂存一个部门的全部文件。",
            "该部门有文件未能接收，留待重试；其他部门不受影响。文件本身的问题不会使本任务失败，而是以回执答复。",
            _DATABASE,
            "磁盘写满先清出空间；数据库恢复后清除本映射任务，从中断处继续，不会重复入库。",
        ),
        "judge": Page(
            "判定批次",
            "用 Great Expectations 判定本次暂存的全部批次。",
            "本次暂存的批次还没有结论，什么也没有入库；已入库的数据不变。",
            _DATABASE,
            _CLEAR,
        ),
        "decide": Page(
            "入库或暂缓",
            "应用合格批次，暂缓入库其余，写回执。",
            "该部门有批次未能入库：该批次整批未动，同部门其他批次和其他部门已处理完。",
            "本映射任务日志列出批次号；`weihai receipt 批次`。",
            _CLEAR,
        ),
        "refresh_portal": Page(
            "更新门户",
            "没有批次入库、因而不会重算时，让门户显示新的暂缓入库与退回。",
            "门户还是旧的；入库和回执已经完成。",
            "本任务日志；`reports/` 是否可写、磁盘是否写满。",
            "清除本任务，或运行 `weihai portal`。",
        ),
        "start_warehouse": Page(
            "启动建库",
            "启动 warehouse，沿用同一个运行编号。",
            "数据已入库，但没有重算。",
            "本任务日志；warehouse 是否被暂停（Paused）。",
            "取消暂停后清除本任务，或运行 `weihai run`。",
        ),
    },
    "warehouse": {
        "open_run": Page(
            "开启运行",
            "有新数据（或要求重算）时开启一次运行，否则到此为止。",
            "没有开始重算；数据已入库。",
            _DATABASE,
            _CLEAR,
        ),
        "prepare": Page(
            "准备库表",
            "按契约备好 raw 表、目录登记、dbt 源与种子表。",
            "本次运行中断，读者仍看到上一次发布的结果。",
            "本任务日志；契约和种子表刚改过的，用 `weihai contract check` 检查。",
            "改正契约或种子表后清除本任务，并清除其后的任务。",
        ),
        "link": Page(
            "归并人和单位",
            "收入新的提及，归并到自然人与法人（ADR 9）；据此选出要建的库，其余跳过。",
            "本次运行中断；已有的归并不变，读者仍看到上一次发布的结果。",
            "本任务日志；内存或磁盘不足时看 `weihai status` 和系统日志。",
            _CLEAR,
        ),
        "libraries": _built("基础库", "基础库（人口、法人、信用、证照）"),
        "themes": _built("主题库", "主题库（空间、宏观、经济、海洋、城市部件）"),
        "assessment": _built("评定用库表", "目录库、指标集市与质量报表"),
        "lineage": Page(
            "记录来源",
            "记录每个指标用到的批次、文件和行，评分表的规范导出，以及换用其他口径的结果。",
            "模型已建成，但本次运行不能发布，读者仍看到上一次发布的结果。",
            _DATABASE,
            _CLEAR,
        ),
        "start_assess": Page(
            "启动评定",
            "启动 assess，沿用同一个运行编号。",
            "已建成，但没有评定和发布。",
            "本任务日志；assess 是否被暂停（Paused）。",
            "取消暂停后清除本任务。",
        ),
        "give_up": _GIVE_UP,
    },
    "assess": {
        "judge": Page(
            "判定目标",
            "判定共享、开放、信用共享 90 % 目标的各种读法，以及各部门数据是否互相印证。",
            "没有结论，本次运行不发布；未达标和不相符本身不会使本任务失败。",
            _DATABASE,
            _CLEAR,
        ),
        "publish": Page(
            "发布",
            "整次发布：读者从此看到本次结果。",
            "没有发布，读者仍看到上一次的结果。",
            _DATABASE,
            _CLEAR,
        ),
        "open_data": Page(
            "开放数据",
            "内容有变的数据集另发一次，导出到 reports/open_data（ADR 30、31）。",
            "结果和结论已发布，可以查询；开放数据还是上一次发布的，门户还没有更新。",
            "本任务日志；`reports/open_data/` 是否可写、磁盘是否写满；`weihai open list`。",
            "清除本任务，重复执行不会重复发布。",
        ),
        "portal": Page(
            "更新门户",
            "重建静态门户与审计页。",
            "结果已发布，可以查询；门户还是旧的。",
            "本任务日志；`reports/` 是否可写、磁盘是否写满。",
            "清除本任务，或运行 `weihai portal`。",
        ),
        "verdict": Page(
            "结论",
            "目标未达标时以失败结束，提醒值班人员。",
            "目标未达标：结果已经发布，不是系统故障。",
            "本任务日志和门户“审计”页列出未达标的读法；`weihai gap` 列出还差什么。",
            "不要清除重试：把差距告知责任部门，补齐数据后下一次运行自会重新判定。",
        ),
        "give_up": _GIVE_UP,
    },
}

EVENTS: Mapping[str, Page] = {
    "batch_held": Page(
        "暂缓入库",
        "批次没有通过质量门，整批未入库，等待人的决定。",
        "此前的数据继续有效，其他批次照常。",
        "`weihai receipt 批次`、`weihai gate 批次`；门户上该部门的页面。",
        "请部门更正后重新报送；确认无误的用 `weihai release 批次 --why …` 放行，否则 `weihai refuse 批次 --why …`。",
    ),
    "batch_warned": Page(
        "勉强入库",
        "批次已入库，但得分接近目标，或行数与以往相差很大。",
        "数据已生效。",
        "`weihai gate 批次`；门户上该部门的页面。",
        "工作时间内与部门核对；不必处理系统。",
    ),
    "target_missed": Page(
        "目标未达标",
        "本次运行的共享、开放或信用共享目标未达标。",
        "结果已经发布，不是系统故障。",
        "门户“审计”页和“通往五星”页；`weihai gap`。",
        "把差距告知责任部门；补齐数据后下一次运行自会重新判定。",
    ),
    "run_warned": Page(
        "有检查未通过",
        "结论之外的读法或跨部门一致性检查未通过。",
        "结果已经发布，结论不变。",
        "门户上本次运行的审计页；`docs/reference/gates.md`。",
        "工作时间内转告检查所列的责任部门。",
    ),
    "run_late": Page(
        "运行超时",
        "运行到期限还没有完成。",
        "运行没有按时完成；它仍在继续，没有被中止，读者看到的是上一次发布的结果。",
        "链接中的运行页：正在执行或排队的任务及其日志；`weihai status`；`weihai metrics` 看磁盘。",
        "还在前进就等它完成；停住不动的，按该任务页的说明处理。经常超时则调整 `WEIHAI_DEADLINES`。",
    ),
}

_UNKNOWN = Page("", "", "任务失败。", "本任务日志。", _CLEAR)


def page_of(dag_id: str, task_id: str) -> Page:
    """Return a task's page; one without a page of its own gets what holds for every task."""
    return PAGES.get(dag_id, {}).get(task_id, _UNKNOWN)


def shown(dag_id: str, task_id: str) -> dict[str, Any]:
    """Return what Airflow shows of a task: its name and its page."""
    page = PAGES[dag_id][task_id]
    return {"task_display_name": page.title, "doc_md": page.doc}
