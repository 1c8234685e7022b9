"""A small city as the pipeline leaves it for the portal: control rows by hand, mart tables shaped as the models."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from connectors.catalogue import publish_contracts
from connectors.contract import Contracts
from connectors.database import Connection, connect
from connectors.settings import CHECKOUT, Settings

RUN = "run-20210930-20211008T090000"
EARLIER_RUNS = ("run-20210630-20210705T090000", "run-20210831-20210906T090000")
HOSTILE_NAME = '<script>alert("批")</script>&名单.xlsx'
SECRET = "张三丰371002199001011234"

_TABLES = """
create table mart.indicator (
    indicator_id text, seq smallint, table_no smallint, table_name text, table_seq smallint, name text, definition text,
    four_star_text text, five_star_text text, metric_class text, unit text, direction text, formula jsonb,
    four_star_rule jsonb, five_star_rule jsonb, operands jsonb, metric_options jsonb, responsible jsonb,
    lead_responsible text, traps jsonb
);
create table mart.indicator_value_run (
    run_id text, indicator_id text, metric jsonb, value numeric, value_text text, star int, four_star_met boolean,
    five_star_met boolean, period_used text, is_estimated boolean, reason text
);
create table mart.indicator_operand_run (
    run_id text, indicator_id text, operand text, value numeric, reason text, is_estimated boolean, period_used text
);
create table mart.indicator_gap_run (run_id text, indicator_id text, star smallint, is_met boolean, gap text);
create table mart.target_reading_run (
    run_id text, seq smallint, reading text, title text, source text, quote text, is_binding boolean, rates jsonb,
    value numeric, target numeric, met boolean, reason text
);
create table mart.sharing_status_run (
    run_id text, department_code text, department_name text, resource_count bigint, mounted_count bigint,
    overdue_request_count bigint, is_sharing boolean, reason text
);
create table mart.opening_status_run (
    run_id text, seq smallint, category text, dataset_count bigint, open_dataset_count bigint, is_open boolean,
    reason text
);
create table mart.plan_target_run (
    run_id text, seq smallint, target_id text, metric text, operator text, target_value text, unit text, due text,
    due_on date, responsible text, source text, quote text, value_source text, numerator numeric, denominator numeric,
    value numeric, value_unit text, least_value numeric, reported_value numeric, reported_state text, reported_on date,
    difference numeric, status text, reason text
);
create schema if not exists reference;
create table reference.plan_contradictions (
    contradiction_id text, seq smallint, contradiction text, kind text, default_resolution text
);
create table mart.plan_contradiction_reading_run (
    run_id text, contradiction_id text, reading_no smallint, place text, reading text, responsible text,
    is_default boolean, due_on date, actual text, status text, reason text
);
create table mart.project_run (
    run_id text, project_seq smallint, group_no smallint, group_name text, name text, content text, responsible text,
    milestone_count bigint, met_count bigint, late_count bigint, status text, reason text
);
create table mart.project_milestone_run (
    run_id text, project_seq smallint, milestone_no smallint, milestone text, due_on date, reported_state text,
    completed_on date, evidence_no text, status text, is_late boolean
);
create view mart.indicator_value as
    select l.as_of, v.* from mart.indicator_value_run as v inner join mart.latest_run as l using (run_id);
create view mart.scorecard as
    select v.as_of, v.run_id, i.seq, i.indicator_id, v.value, v.star, i.lead_responsible, v.reason,
        case when v.value is not null then '向好' end as trend,
        (select g.gap from mart.indicator_gap_run as g where g.run_id = v.run_id and g.indicator_id = v.indicator_id
            and g.is_met is not true order by g.star limit 1) as gap
    from mart.indicator_value as v inner join mart.indicator as i using (indicator_id);
create table quality.month_score (
    month date, subject_kind text, subject text, department text, indicator text, title text, checked bigint,
    passed bigint, score numeric, pass_mark numeric, is_passed boolean, gained numeric
);
create table quality.department_rank (
    month date, department text, score numeric, is_passed boolean, gained numeric, place bigint, departments bigint,
    on_time_share numeric
);
create table quality.collection (
    contract_id text, department text, title text, cycle text, starts_on date, ends_on date, due_on date,
    delivery_count bigint, first_received_at timestamptz, is_accepted boolean, state text
);
create table quality.collection_rate (
    month date, department text, promised bigint, arrived bigint, on_time bigint, arrived_share numeric,
    on_time_share numeric
);
create table quality.work_order (
    work_order_id text, department text, extract text, rule text, column_name text, dimension text, severity text,
    message text, passed bigint, checked bigint, opened_batch_id bigint, opened_at timestamptz, due_on date,
    failed_deliveries bigint, last_batch_id bigint, occurrence_no bigint, closed_batch_id bigint,
    closed_at timestamptz, state text
);
create table quality.library_status (
    seq int, library text, title text, records bigint, core_items_filled numeric, fresh_as_of date, mentions bigint,
    resolved bigint, resolved_share numeric
);
create table mart.reading_flip (
    as_of date, run_id text, parameter text, title text, reading_used text, reading text, seq smallint,
    indicator_id text, name text, star smallint, other_star smallint, is_flipped boolean, value_text text,
    other_value_text text, other_reason text, source text
);
create table mart.improvement (
    as_of date, run_id text, seq smallint, indicator_id text, name text, lead_responsible text, star smallint, gap text,
    missing jsonb, cost_cny numeric, relative_gap numeric, effort_rank bigint
);
create table reference.open_categories (seq smallint, category text);
create table quality.open_data_difference (
    department text, dataset_id text, dataset_no text, title text, open_category text, difference text, detail text
);
create table quality.objection_ripple (
    objection_id bigint, department text, handler text, raised_for text, kind text, subject text, title text,
    run_before text, value_before numeric, star_before int, run_after text, value_after numeric, star_after int
);
create table catalogue.resource (
    resource_key text, resource_code text, title text, department_code text, department_name text, sharing_type text,
    is_open boolean, is_mounted boolean, last_updated_on date, source_batch_id bigint, _row_hash text
);
"""

_OPERANDS = {
    "elicense_usage_rate": ("elicense_enabled_items", 1_700, "gov_service_items", 2_000),
    "gov_cloud_migration_rate": ("cloud_systems", 188, "gov_systems", 196),
    "dept_sharing_rate": ("sharing_departments", 34, "gov_departments", 37),
    "open_data_category_rate": ("opened_categories", 20, "open_categories_required", 22),
    "ipv6_site_rate": ("ipv6_sites", 9, "main_sites", 10),
    "ecommerce_ratio": ("ecommerce_turnover", 873, "retail_sales_total", 1_431),
}
_COUNTS = {
    "cloud_enterprises": (2_046, 4, "还差 954 家"),
    "national_industry_bases": (2, 4, "还差 1 个"),
    "provincial_digital_parks": (3, 5, None),
    "industrial_id_nodes": (0, 0, "还差 1 个"),
}
_STARS = {
    "elicense_usage_rate": (4, "分子再增加 1 项"),
    "gov_cloud_migration_rate": (5, None),
    "dept_sharing_rate": (4, "再有 3 个部门提供共享"),
    "open_data_category_rate": (4, "再开放 2 类"),
    "ipv6_site_rate": (4, "再有 1 个网站支持"),
    "ecommerce_ratio": (5, None),
}


def build_city(settings: Settings, contracts: Contracts, now: datetime) -> None:
    """Fill the warehouse: three published runs, one unfinished, seven deliveries of four departments."""
    with connect(settings.dsn()) as connection:
        publish_contracts(connection, contracts)
        connection.execute(_TABLES.encode())
        _add_indicators(connection)
        for run_id, as_of, part in (
            (EARLIER_RUNS[0], date(2021, 6, 30), 0.9),
            (EARLIER_RUNS[1], date(2021, 8, 31), 0.97),
        ):
            _add_run(connection, run_id, as_of, now - timedelta(days=40), part)
        _add_run(connection, RUN, date(2021, 9, 30), now, 1)
        _add_deliveries(connection, now)
        _add_sources(connection)
        _add_questions(connection)
        _add_quality(connection, now)
        _add_objections(connection, now)
        _add_open_data(connection, settings, now)
        connection.execute(
            "insert into mart.run (run_id, as_of, known_at, rule_version, project_version, started_at, state)"
            " values ('run-unfinished', '2021-10-31', 99, 'r', 'p', %s, 'running')",
            (now,),
        )
    _write_manifest(settings)
    folder = settings.reports / "gates" / RUN
    folder.mkdir(parents=True)
    for name in ("targets.json", "batch-1.json"):
        (folder / name).write_text('{"format": 1}', encoding="utf-8")


_CHILDREN = {
    "source.weihai.raw.industry_it__cloud_enterprise": ["model.weihai.ind_cloud_enterprises"],
    "source.weihai.raw.market_regulation__enterprise": ["model.weihai.int_entity__stated"],
    "source.weihai.raw.big_data_center__resource_catalogue": [
        "model.weihai.int_department__sharing",
        "model.weihai.resource",
        "test.weihai.not_null_resource",
    ],
    "model.weihai.int_entity__stated": ["model.weihai.entity_history"],
    "model.weihai.entity_history": ["model.weihai.entity", "model.weihai.ind_cloud_enterprises"],
    "model.weihai.entity": ["model.weihai.entity_masked", "model.weihai.check_employers_registered"],
    "model.weihai.int_department__sharing": [
        "model.weihai.ind_dept_sharing_rate",
        "model.weihai.target_share_2020_a1",
    ],
    "model.weihai.ind_dept_sharing_rate": ["model.weihai.int_indicator__measured"],
    "model.weihai.ind_cloud_enterprises": ["model.weihai.int_indicator__measured"],
}
_MODELS = {
    "entity": ("legal_entity", "法人基础库：每个法人或个体工商户一行，当前状态。"),
    "entity_history": ("legal_entity", "法人的历史：每段时间、每次认识一行。"),
    "entity_masked": ("legal_entity", "脱敏视图。"),
    "resource": ("catalogue", "政务信息资源目录，当前状态。"),
    "check_employers_registered": ("quality", "最近一月的参保单位和其中已登记的，各一个数。"),
    "target_share_2020_a1": ("mart", ""),
}


def _write_manifest(settings: Settings) -> None:
    """What dbt leaves in the home, in its own shape, with a few models."""
    names = {*_CHILDREN, *(child for children in _CHILDREN.values() for child in children)}
    nodes = {}
    for unique_id in names:
        name = unique_id.rsplit(".", 1)[-1]
        schema, description = _MODELS.get(name, ("mart", ""))
        nodes[unique_id] = {"name": name, "schema": schema, "description": description}
    manifest = {"child_map": {name: _CHILDREN.get(name, []) for name in sorted(names)}, "nodes": nodes}
    settings.dbt.mkdir(parents=True)
    (settings.dbt / "manifest.json").write_text(json.dumps(manifest, ensure_ascii=False), encoding="utf-8")


def insert(connection: Connection, table: str, **values: Any) -> None:
    """Insert one row; mappings and lists become JSON."""
    cells = [json.dumps(v, ensure_ascii=False) if isinstance(v, dict | list) else v for v in values.values()]
    connection.execute(
        f"insert into {table} ({', '.join(values)}) values ({', '.join(['%s'] * len(values))})".encode(), cells
    )


def _add_indicators(connection: Connection) -> None:
    with (CHECKOUT / "seeds" / "indicators.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            insert(connection, "mart.indicator", **{k: v or None for k, v in row.items()})


def _add_run(connection: Connection, run_id: str, as_of: date, at: datetime, part: float) -> None:
    insert(
        connection, "mart.run", run_id=run_id, as_of=as_of, known_at=40, rule_version="3f9c1a7e52d08b46",
        parameters={"annual_period": "latest_complete"}, project_version="0.1.0", started_at=at - timedelta(minutes=3),
        finished_at=at, state="published", verdict="passed" if part == 1 else "target_missed",
    )  # fmt: skip
    for (indicator_id,) in connection.execute("select indicator_id from mart.indicator").fetchall():
        if indicator_id in _OPERANDS:
            _add_ratio(connection, run_id, indicator_id, part)
        elif indicator_id in _COUNTS:
            _add_count(connection, run_id, indicator_id, part)
        else:
            _add_value(connection, run_id, indicator_id, reason="尚无数据来源（后续接入）")
    _add_statuses(connection, run_id)
    _add_plan(connection, run_id)


def _add_ratio(connection: Connection, run_id: str, indicator_id: str, part: float) -> None:
    numerator, top, denominator, bottom = _OPERANDS[indicator_id]
    reached = int(top * part)
    star, gap = _STARS[indicator_id]
    _add_value(
        connection, run_id, indicator_id, value=reached / bottom, star=star, gap=gap,
        value_text=f"{int(reached / bottom * 10_000) / 100:g}%",
        period="2020" if indicator_id == "ecommerce_ratio" else None,
        metric={"rate": {"num": reached, "den": bottom, "unit": "%", "label": "分子"}},
    )  # fmt: skip
    for name, value in ((numerator, reached), (denominator, bottom)):
        insert(
            connection, "mart.indicator_operand_run", run_id=run_id, indicator_id=indicator_id, operand=name,
            value=value, is_estimated=False, period_used=None, reason=None,
        )  # fmt: skip


def _add_count(connection: Connection, run_id: str, indicator_id: str, part: float) -> None:
    value, star, gap = _COUNTS[indicator_id]
    amount = int(value * part)
    reason = "另有 31 家未能与法人库对应，未计入" if indicator_id == "cloud_enterprises" else None
    _add_value(
        connection, run_id, indicator_id, value=amount, star=star, gap=gap, value_text=f"{amount} 家", reason=reason,
        metric={"count": {"num": amount, "den": 1, "unit": "家", "label": "数量"}},
    )  # fmt: skip
    insert(
        connection, "mart.indicator_operand_run", run_id=run_id, indicator_id=indicator_id, operand="count",
        value=amount, is_estimated=False, period_used=None, reason=reason,
    )  # fmt: skip


def _add_value(
    connection: Connection,
    run_id: str,
    indicator_id: str,
    *,
    value: float | None = None,
    star: int | None = None,
    gap: str | None = None,
    value_text: str | None = None,
    period: str | None = None,
    metric: Mapping[str, Any] | None = None,
    reason: str | None = None,
) -> None:
    insert(
        connection, "mart.indicator_value_run", run_id=run_id, indicator_id=indicator_id, metric=dict(metric or {}),
        value=value, value_text=value_text, star=star, four_star_met=None if star is None else star >= 4,
        five_star_met=None if star is None else star == 5, period_used=period, is_estimated=False, reason=reason,
    )  # fmt: skip
    if star is not None:
        level = 5 if star == 4 else 4
        insert(
            connection, "mart.indicator_gap_run", run_id=run_id, indicator_id=indicator_id, star=level,
            is_met=gap is None, gap=gap,
        )  # fmt: skip


def _add_statuses(connection: Connection, run_id: str) -> None:
    annex2, quotes = "附件2 指标{} 四星", ("信息资源部门间共享率达到90%", "公共信息资源社会开放率达到90%")
    both = ("2020 年底前，数据共享和开放水平均达到 90%", "数据共享和数据水平平均达到 90%")
    readings = (
        ("annex2_sharing", "附件2：信息资源部门间共享率", annex2.format(17), quotes[0], 34 / 37, True),
        ("annex2_opening", "附件2：公共信息资源社会开放率", annex2.format(18), quotes[1], 20 / 22, True),
        ("main_text", "正文：共享和开放水平均达到90%", "正文 二(二)2", both[0], 20 / 22, True),
        ("annex1_literal", "附件1字面：两项水平平均达到90%", "附件1 项目3", both[1], 0.889, False),
    )
    for seq, (reading, title, source, quote, value, is_binding) in enumerate(readings, start=1):
        insert(
            connection, "mart.target_reading_run", run_id=run_id, seq=seq, reading=reading, title=title, source=source,
            quote=quote, is_binding=is_binding, value=value, target=0.9, met=value >= 0.9, rates={},
        )  # fmt: skip
        insert(
            connection, "quality.gate_result", run_id=run_id, suite="targets", expectation=reading, kind="target",
            severity="critical" if is_binding else "warning", success=value >= 0.9, observed=f"{value:.2%}",
            expected="不低于 90%", message=f"{title}。", evaluated_at="2021-10-08 09:00+08",
        )  # fmt: skip
    insert(
        connection, "mart.sharing_status_run", run_id=run_id, department_code="371000-01", department_name="市教育局",
        resource_count=12, mounted_count=11, overdue_request_count=1, is_sharing=False,
        reason="1 项无条件共享资源未挂接",
    )  # fmt: skip
    insert(
        connection, "mart.opening_status_run", run_id=run_id, seq=1, category="信用服务", dataset_count=4,
        open_dataset_count=0, is_open=False, reason="4 个数据集超过更新期限",
    )  # fmt: skip


def _add_plan(connection: Connection, run_id: str) -> None:
    """The plan's own targets, contradictions and projects; of some, what was found."""
    due = {"每年": "2021-12-31", "每两年": "2021-12-31", "2020起": "2020-01-01"}
    found: dict[str, dict[str, Any]] = {
        "zsb_2020_a1": {
            "value_source": "computed:target_zsb_2020_a1", "numerator": 388, "value": 388, "reported_value": 412,
            "difference": -24, "status": "met",
        },
        "bs5g_2022_a1": {
            "value_source": "reported:big_data_center__plan_progress", "value": 2536, "status": "behind",
            "reported_value": 2536, "reported_on": date(2021, 9, 30),
        },
    }  # fmt: skip
    for row in _seed("plan_targets"):
        insert(
            connection, "mart.plan_target_run", run_id=run_id, due_on=due.get(row["due"], row["due"]),
            value_unit=row["unit"], **{"status": "no_data", "reason": "尚无数据来源"} | found.get(row["target_id"], {}),
            **{k: row[k] for k in ("target_id", "seq", "metric", "operator", "target_value", "unit", "due",
                                   "responsible", "source", "quote")},
        )  # fmt: skip
    if run_id == RUN:
        for row in _seed("plan_contradictions"):
            insert(connection, "reference.plan_contradictions", **row)
    for row in _seed("plan_contradiction_readings"):
        status = {("C07", "1"): "behind", ("C07", "2"): "met"}.get((row["contradiction_id"], row["reading_no"]))
        insert(
            connection, "mart.plan_contradiction_reading_run", run_id=run_id, status=status, actual=status and "388项",
            reason=None if status else "只涉及责任单位的写法，没有可判定的数值",
            **{k: row[k] or None for k in ("contradiction_id", "reading_no", "place", "reading", "responsible",
                                           "is_default", "due_on")},
        )  # fmt: skip
    for row in _seed("projects"):
        insert(
            connection, "mart.project_run", run_id=run_id, milestone_count=2, met_count=1, late_count=1,
            status="on_course",
            **{k: row[k] for k in ("project_seq", "group_no", "group_name", "name", "content", "responsible")},
        )  # fmt: skip
    for row in _seed("project_milestones"):
        is_first = row["milestone_no"] == "1"
        insert(
            connection, "mart.project_milestone_run", run_id=run_id, due_on=f"{row['year']}-12-31",
            project_seq=row["project_seq"], milestone_no=row["milestone_no"], milestone=row["milestone"],
            status="met" if is_first else "no_data", reported_state="完成" if is_first else None,
            completed_on=date(2021, 3, 5) if is_first else None, is_late=is_first and row["year"] == "2020",
        )  # fmt: skip


def _seed(name: str) -> list[dict[str, str]]:
    with (CHECKOUT / "seeds" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _add_deliveries(connection: Connection, now: datetime) -> None:
    market = ("market_regulation", "enterprise")
    cloud = ("industry_it", "cloud_enterprise")
    held = "暂缓入库：得分 61.3%，低于目标 90%；统一社会信用代码校验未通过 1,204 行。"
    deliveries: list[tuple[str | None, str | None, str, str, float | None, str | None]] = [
        (*market, "市场主体登记信息_20210930.csv", "accepted_with_issues", 0.968123, None),
        (*cloud, "企业上云名单_20210930.xlsx", "accepted", 1.0, None),
        ("big_data_center", "resource_catalogue", HOSTILE_NAME, "accepted_with_issues", 0.942, None),
        ("big_data_center", "resource_item", "信息项_20210930.csv", "accepted", 0.995, None),
        (*cloud, "企业上云名单_20210930（更正）.xlsx", "held", 0.613, held),
        ("commerce", "ecommerce", "电子商务.xlsx", "rejected", None, "未接收：文件不是有效的 XLSX 工作簿。"),
        (None, None, "不认识的文件.csv", "rejected", None, "未接收：落地区中没有登记这个部门。"),
    ]  # fmt: skip
    for number, (department, extract, name, status, score, summary) in enumerate(deliveries, start=1):
        _add_delivery(connection, number, department, extract, name, status, score, summary, now)
    insert(
        connection, "quality.event", seq=38, kind="release", batch_id=2, actor="王审核",
        why="已与部门核实，属历史数据。", happened_at=now,
    )  # fmt: skip
    insert(
        connection, "quality.issue", batch_id=1, row_no=17, column_name="legal_representative", header="法人代表",
        rule="legal_representative.text", dimension="0301", severity="warning", message="姓名中有不常见的字符。",
        value_masked="张*", suggestion_masked=None,
    )  # fmt: skip
    for row_no in range(20, 45):
        insert(
            connection, "quality.issue", batch_id=1, row_no=row_no, column_name="uscc", header="统一社会信用代码",
            rule="uscc.check_character", dimension="0301", severity="critical", message="校验位不符。",
            value_masked="9137*************", suggestion_masked="核对营业执照",
        )  # fmt: skip
    connection.execute("create table staging.batch_1_issue (row_no bigint, value text)")
    insert(connection, "staging.batch_1_issue", row_no=17, value=SECRET)
    for number in range(60):
        insert(
            connection, "catalogue.resource", resource_key=f"k{number}", resource_code=f"3710000{number:04d}",
            title=f"政务信息资源{number}", department_code="371000-01", department_name="市教育局",
            sharing_type="无条件共享", is_open=number % 3 == 0, is_mounted=number % 7 > 0,
            last_updated_on=date(2021, 9, 1),
        )  # fmt: skip


def _add_delivery(
    connection: Connection,
    number: int,
    department: str | None,
    extract: str | None,
    name: str,
    status: str,
    score: float | None,
    summary: str | None,
    now: datetime,
) -> None:
    read = None if status == "rejected" else 2_172
    applied = number if status.startswith("accepted") else None
    sha256 = f"{number:x}" * 64
    if applied is not None:
        insert(
            connection, "quality.event", seq=applied, kind="apply", batch_id=number, actor="intake", why="质量门通过",
            happened_at=now,
        )  # fmt: skip
    insert(
        connection, "quality.batch", department=department, extract=extract, file_name=name, sha256=sha256,
        as_of=date(2021, 9, 30) if department else None, as_of_source="file_name", received_at=now, run_id=RUN,
        contract_version="a1b2c3d4e5f60718", mode="full", status=status,
        summary=summary or "已接收：共 2,180 行，入库 2,150 行，3 行拒收。",
        rows_physical=read and read + 8, rows_header=read and 1, rows_read=read,
        rows_skipped={"preamble": 2, "blank": 3, "total": 1, "repeated_header": 0, "note": 1} if read else None,
        rows_loaded=read and 2_150, rows_unchanged=read and 12, rows_duplicate=read and 7, rows_rejected=read and 3,
        rows_withdrawn=read and 0, score=score, target=0.9 if score else None, applied_seq=applied, decided_at=now,
    )  # fmt: skip
    insert(
        connection, "quality.batch_file", batch_id=number, file_no=1, file_name=name, sha256=sha256,
        size_bytes=482_113, encoding="GB18030" if name.endswith("csv") else None, rows_physical=read and read + 8,
    )  # fmt: skip
    if score is None:
        return
    for dimension, share in (("01", score), ("02", 0.99), ("03", min(1, score + 0.01))):
        insert(
            connection, "quality.score", batch_id=number, dimension=dimension, passed=int(2_172 * share),
            checked=2_172, score=round(share, 6),
        )  # fmt: skip
    for kind, name_, success in (("guard", "ledger_balances", True), ("rule", "uscc.check_character", score > 0.9)):
        insert(
            connection, "quality.gate_result", run_id=RUN, batch_id=number, suite=f"batch-{number}", expectation=name_,
            kind=kind, severity="critical", success=success, observed=f"{score:.1%}", expected="不低于 90%",
            message="行数账必须相等。" if kind == "guard" else "统一社会信用代码校验位应正确。", evaluated_at=now,
        )  # fmt: skip


def _add_sources(connection: Connection) -> None:
    for indicator_id, contract_id, batch_id in (
        ("cloud_enterprises", "industry_it__cloud_enterprise", 2),
        ("cloud_enterprises", "market_regulation__enterprise", 1),
        ("dept_sharing_rate", "big_data_center__resource_catalogue", 3),
    ):
        file_name, sha256 = connection.execute(
            "select file_name, sha256 from quality.batch where batch_id = %s", (batch_id,)
        ).fetchone() or ("", "")
        insert(
            connection, "mart.indicator_source_run", run_id=RUN, indicator_id=indicator_id, contract_id=contract_id,
            batch_id=batch_id, file_name=file_name, sha256=sha256, rows_in_force=2_162,
        )  # fmt: skip


def _add_quality(connection: Connection, now: datetime) -> None:
    cloud = {"department": "industry_it", "extract": "cloud_enterprise"}
    for month, total in ((date(2021, 8, 1), 0.97), (date(2021, 9, 1), 0.806666)):
        for kind, department in (("city", None), ("department", "industry_it")):
            for indicator, score in (("02", 0.99), ("03", 0.613), ("total", total)):
                insert(
                    connection, "quality.month_score", month=month, subject_kind=kind, subject=department or kind,
                    department=department, indicator=indicator, title="准确性", checked=1000, passed=int(score * 1000),
                    score=score, pass_mark=0.9, is_passed=score >= 0.9,
                )  # fmt: skip
    insert(
        connection, "quality.department_rank", month=date(2021, 9, 1), department="industry_it", score=0.806666,
        is_passed=False, gained=-0.163334, place=2, departments=4, on_time_share=0.5,
    )  # fmt: skip
    for department in (None, "industry_it"):
        insert(
            connection, "quality.collection_rate", month=date(2021, 9, 1), department=department, promised=2, arrived=1,
            on_time=1, arrived_share=0.5, on_time_share=0.5,
        )  # fmt: skip
    insert(
        connection, "quality.collection", contract_id="industry_it__cloud_enterprise", department="industry_it",
        title="上云企业", cycle="monthly", starts_on=date(2021, 8, 1), ends_on=date(2021, 8, 31),
        due_on=date(2021, 9, 14), delivery_count=0, is_accepted=False, state="未报",
    )  # fmt: skip
    common = {"dimension": "0301", "checked": 2_172, "last_batch_id": 5, "opened_batch_id": 5, "opened_at": now}
    insert(
        connection, "quality.work_order", **cloud, **common, rule="uscc.check_character", column_name="uscc",
        severity="critical", message="统一社会信用代码校验位应正确。", passed=1_331, due_on=date(2021, 10, 15),
        failed_deliveries=2, occurrence_no=1, state="已逾期",
    )  # fmt: skip
    insert(
        connection, "quality.work_order", **cloud, **common, rule="name.required", column_name="name",
        severity="warning", message="企业名称不应为空。", passed=1_900, due_on=date(2021, 10, 22), failed_deliveries=1,
        occurrence_no=1, closed_batch_id=2, closed_at=now, state="已办结",
    )  # fmt: skip
    insert(
        connection, "quality.work_order", **cloud, **common, rule="near_own_history", severity="warning",
        message="可比的 1 项中有 1 项突然变化。", passed=0, due_on=date(2021, 10, 22), failed_deliveries=1,
        occurrence_no=1, state="无从核对",
    )  # fmt: skip
    insert(
        connection, "quality.gate_result", run_id=RUN, suite="cross", expectation="employers_registered", kind="cross",
        severity="warning", success=False, observed="8 / 10（80%）", expected="合格比例不低于 90%",
        message="参保单位应已在市场监管登记。", evaluated_at=now, department="human_resources",
        finding="市人力资源社会保障局：10 个参保单位中 2 个没有登记。",
    )  # fmt: skip
    insert(
        connection, "quality.library_status", seq=1, library="population", title="人口库", records=2_987_654,
        core_items_filled=0.934, fresh_as_of=date(2021, 9, 30), mentions=100, resolved=98, resolved_share=0.98,
    )  # fmt: skip


def _add_objections(connection: Connection, now: datetime) -> None:
    """An objection that was upheld and not yet mended, and what it touches."""
    insert(
        connection, "quality.objection_raised", department="market_regulation", batch_id=1, row_no=17,
        contract_id="market_regulation__enterprise", column_name="legal_representative", raised_for="industry_it",
        value_masked="张*", should_be_masked="章*", why="与营业执照不符。", due_on=date(2021, 10, 22), raised_at=now,
        raised_by="industry_it",
    )  # fmt: skip
    insert(
        connection, "quality.objection_decision", objection_id=1, decision="upheld", why="已核对执照，认可。",
        decided_at=now, decided_by="market_regulation",
    )  # fmt: skip
    connection.execute("insert into objection.stated (objection_id, should_be) values (1, %s)", (SECRET,))
    for kind, subject, title in (("indicator", "cloud_enterprises", None), ("library", "legal_entity", "法人库")):
        insert(
            connection, "quality.objection_ripple", objection_id=1, department="market_regulation", kind=kind,
            handler="market_regulation", subject=subject, title=title, run_before=RUN,
            value_before=2_046 if kind == "indicator" else None,
        )  # fmt: skip
    insert(
        connection, "mart.indicator_field", indicator_id="cloud_enterprises", column_name="uscc",
        contract_id="market_regulation__enterprise",
    )  # fmt: skip


def _add_open_data(connection: Connection, settings: Settings, now: datetime) -> None:
    """Two data sets, one of them a table of counts, with their files; a difference to the city's own list."""
    for row in _seed("open_categories"):
        insert(connection, "reference.open_categories", **row)
    (settings.open_data / "data").mkdir(parents=True)
    for name in ("catalog.jsonld", "dictionary.csv", "dictionary.json"):
        (settings.open_data / name).write_text("{}", encoding="utf-8")
    for number, (dataset_id, kind, title, category) in enumerate(
        (
            ("market_regulation__enterprise", "record", "市场主体登记信息", "市场监管"),
            ("entities_by_industry", "aggregate", "分行业市场主体数", "市场监管"),
        ),
        start=1,
    ):
        (settings.open_data / "data" / f"{dataset_id}.csv").write_text("名称\n", encoding="utf-8-sig")
        insert(
            connection, "catalogue.open_dataset", dataset_id=dataset_id, kind=kind, title=title,
            description="每户一行。", open_category=category, department="market_regulation", update_cycle="每月",
            publisher="市市场监管局",
        )  # fmt: skip
        insert(
            connection, "catalogue.open_release", dataset_id=dataset_id, as_of=date(2021, 9, 30), released_at=now,
            released_by="etl", record_count=2_150, suppressed_count=None if kind == "record" else 31,
            files=[{"format": "csv", "name": f"{dataset_id}.csv", "bytes": 9, "sha256": f"{number}" * 64}],
        )  # fmt: skip
    insert(
        connection, "quality.open_data_difference", department="market_regulation",
        dataset_id="entities_by_industry", title="分行业市场主体数", open_category="市场监管", difference="台账未列",
    )  # fmt: skip


def _add_questions(connection: Connection) -> None:
    insert(
        connection, "mart.reading_flip", run_id=RUN, parameter="restricted_only_departments_count",
        title="只有“不予共享”资源的部门是否算提供共享", reading_used="no", reading="yes", seq=17,
        indicator_id="dept_sharing_rate", name="数据资源共享水平", star=4, other_star=5, is_flipped=True,
        value_text="91.89%", other_value_text="100%", source="附件2指标17未写明",
    )  # fmt: skip
    for exclusion, count, rows in (("", 34, [2, 3, 4]), ("没有编制在用的信息资源目录", 3, [20, 21, 22])):
        insert(
            connection, "mart.operand_row_run", run_id=RUN, indicator_id="dept_sharing_rate",
            operand="sharing_departments", contract_id="big_data_center__resource_catalogue", batch_id=3,
            exclusion=exclusion, row_count=count, first_row_nos="{" + ",".join(map(str, rows)) + "}",
        )  # fmt: skip
    for rank, (indicator_id, name, gap, cost) in enumerate(
        (
            ("cloud_enterprises", "企业上云数", "还差 52 家", 260_000),
            ("dept_sharing_rate", "数据资源共享水平", "还差 3 个", None),
        ),
        start=1,
    ):
        insert(
            connection, "mart.improvement", run_id=RUN, seq=rank, indicator_id=indicator_id, name=name,
            lead_responsible="市大数据中心", star=5, gap=gap, cost_cny=cost, relative_gap=0.08, effort_rank=rank,
        )  # fmt: skip
