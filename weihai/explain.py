"""Why an indicator stands where it stands: star → rule → metric → operands → extracts → deliveries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from psycopg.rows import dict_row
from rapidfuzz import process

from connectors.database import Connection
from connectors.errors import UserError

Row = Mapping[str, Any]

_STARS = {5: "★★★★★ 五星", 4: "★★★★☆ 四星", 0: "☆☆☆☆☆ 未达四星"}
_LEVELS = {4: "四星", 5: "五星"}


class NothingToExplainError(UserError):
    """There is no such indicator, or no published run to explain it from."""


@dataclass(frozen=True)
class Explanation:
    """Everything that one published run knows of one indicator; rows are those of the mart."""

    run: Row
    indicator: Row
    value: Row
    gaps: tuple[Row, ...]
    operands: tuple[Row, ...]
    sources: tuple[Row, ...]
    rows: tuple[Row, ...]
    flips: tuple[Row, ...]
    details: tuple[str, ...]


def explain(connection: Connection, indicator: str, as_of: date | None = None) -> Explanation:
    """Gather the explanation of an indicator from the latest published run of a date.

    Args:
        indicator: its id, number (1–49) or Chinese name.
        as_of: business date; None means the latest one published.

    Raises:
        NothingToExplainError: unknown indicator (the nearest names are given), or no published run.
    """
    if _one(connection, "select to_regclass('mart.reading_flip') is not null as found", ())["found"] is not True:
        raise NothingToExplainError("还没有已发布的运行：先运行 `weihai run`")
    found = _find(connection, indicator)
    run = _run(connection, as_of)
    key = {"run_id": run["run_id"], "indicator_id": found["indicator_id"]}
    where = "where run_id = %(run_id)s and indicator_id = %(indicator_id)s"
    value = _all(connection, f"select * from mart.indicator_value_run {where}", key)
    if not value:
        raise NothingToExplainError(f"运行 {run['run_id']} 没有指标 {found['name']} 的结果：重新运行 `weihai run`")
    return Explanation(
        run=run,
        indicator=found,
        value=value[0],
        gaps=_all(connection, f"select * from mart.indicator_gap_run {where} order by star", key),
        operands=_all(connection, f"select * from mart.indicator_operand_run {where}", key),
        sources=_sources(connection, key),
        rows=_all(
            connection,
            f"select operand, exclusion, sum(row_count) as row_count from mart.operand_row_run {where}"
            " group by operand, exclusion order by operand, exclusion",
            key,
        ),
        flips=_all(connection, f"select * from mart.reading_flip {where} order by parameter, reading", key),
        details=tuple(_details(connection, key)),
    )


def _find(connection: Connection, wanted: str) -> Row:
    indicators = _all(connection, "select * from mart.indicator order by seq", ())
    for row in indicators:
        if wanted.strip() in (row["indicator_id"], row["name"], str(row["seq"])):
            return row
    names = [name for row in indicators for name in (row["indicator_id"], row["name"])]
    nearest = [name for name, _, _ in process.extract(wanted, names, limit=3, score_cutoff=40)]
    hint = f"；最接近的是 {'、'.join(nearest)}" if nearest else ""
    raise NothingToExplainError(f"没有指标“{wanted}”{hint}。可用指标编号、序号（1–{len(indicators)}）或名称")


def _run(connection: Connection, as_of: date | None) -> Row:
    rows = _all(
        connection,
        "select latest.*, run.rule_version, run.parameters from mart.latest_run as latest"
        " inner join mart.run as run on latest.run_id = run.run_id"
        " where %(as_of)s::date is null or latest.as_of = %(as_of)s order by latest.as_of desc limit 1",
        {"as_of": as_of},
    )
    if rows:
        return rows[0]
    published = _all(connection, "select as_of from mart.latest_run order by as_of desc limit 5", ())
    if not published:
        raise NothingToExplainError("还没有已发布的运行：先运行 `weihai run`")
    dates = "、".join(f"{row['as_of']}" for row in published)
    raise NothingToExplainError(f"业务日期 {as_of} 没有已发布的运行；有的是 {dates}")


def _sources(connection: Connection, key: Mapping[str, Any]) -> tuple[Row, ...]:
    return _all(
        connection,
        "select source.*, contract.title from mart.indicator_source_run as source"
        " left join catalogue.contract as contract on source.contract_id = contract.contract_id"
        " where run_id = %(run_id)s and indicator_id = %(indicator_id)s order by source.contract_id, batch_id",
        key,
    )


def _details(connection: Connection, key: Mapping[str, Any]) -> Iterator[str]:
    """What an indicator's own judgements add: the departments that do not share, the categories not opened."""
    if key["indicator_id"] == "dept_sharing_rate":
        rows = _all(
            connection,
            "select department_name as name, reason from mart.sharing_status_run"
            " where run_id = %(run_id)s and is_sharing is not true order by department_code",
            key,
        )
        yield f"未算作提供共享的部门（{len(rows)} 个）"
        yield from (f"  {row['name']}：{row['reason']}" for row in rows)
    elif key["indicator_id"] == "open_data_category_rate":
        rows = _all(
            connection,
            "select category as name, reason from mart.opening_status_run"
            " where run_id = %(run_id)s and not is_open order by seq",
            key,
        )
        yield f"未算作开放的类别（{len(rows)} 类）"
        yield from (f"  {row['name']}：{row['reason']}" for row in rows)


def _all(connection: Connection, query: str, parameters: Any) -> tuple[Row, ...]:
    with connection.cursor(row_factory=dict_row) as cursor:
        return tuple(cursor.execute(query.encode(), parameters).fetchall())


def _one(connection: Connection, query: str, parameters: Any) -> Row:
    return _all(connection, query, parameters)[0]


def lines(explanation: Explanation) -> Iterator[str]:
    """Tell the explanation in Chinese, a line at a time."""
    indicator, value, run = explanation.indicator, explanation.value, explanation.run
    yield f"指标 {indicator['seq']}  {indicator['name']}（{indicator['indicator_id']}）"
    yield f"业务日期 {run['as_of']}  运行 {run['run_id']}"
    yield f"已知至第 {run['known_at']} 次入库  规则版本 {run['rule_version']}"
    yield ""
    yield f"星级    {_STARS[value['star']] if value['star'] is not None else '— 不评星级'}"
    yield f"值      {value['value_text'] or '—'}{'（含估计值）' if value['is_estimated'] else ''}"
    if value["period_used"]:
        yield f"统计期  {value['period_used']}"
    if value["reason"]:
        yield f"说明    {value['reason']}"
    yield f"牵头    {indicator['lead_responsible']}"
    yield ""
    yield "定义"
    yield f"  {indicator['definition']}"
    yield "规则（原文）"
    yield from _rule_lines(explanation)
    yield "度量"
    yield from (f"  {name} = {_metric_text(metric)}" for name, metric in value["metric"].items())
    yield "操作数"
    yield from _operand_lines(explanation)
    yield f"  原始行逐行：weihai explain {indicator['indicator_id']} --as-of {run['as_of']} --rows 操作数"
    yield "数据来源"
    yield from _source_lines(explanation)
    yield from _flip_lines(explanation)
    if explanation.details:
        yield ""
        yield from explanation.details


def _rule_lines(explanation: Explanation) -> Iterator[str]:
    gaps = {row["star"]: row for row in explanation.gaps}
    for star, column in ((4, "four_star_text"), (5, "five_star_text")):
        text = explanation.indicator[column] or "（空）"
        if star not in gaps:
            yield f"  {_LEVELS[star]}  {text}  —— 没有这一级"
            continue
        met = gaps[star]["is_met"]
        verdict = {True: "已达到", False: "未达到", None: "无法判断"}[met]
        yield f"  {_LEVELS[star]}  {text}  —— {verdict}"
        if gaps[star]["gap"]:
            yield f"        {gaps[star]['gap']}"


def _metric_text(metric: Row) -> str:
    if metric.get("num") is None:
        return f"—（{metric['reason']}）"
    if "root" in metric:
        return f"√({metric['num']} / {metric['den']})"
    return f"{metric['num']}" if metric["den"] == 1 else f"{metric['num']} / {metric['den']}"


def _operand_lines(explanation: Explanation) -> Iterator[str]:
    found = {row["operand"]: row for row in explanation.operands}
    for definition in explanation.indicator["operands"]:
        row = found.get(definition["name"])
        value = "—" if row is None or row["value"] is None else f"{row['value']} {definition['unit']}"
        note = f"（{row['reason']}）" if row is not None and row["reason"] else ""
        yield f"  {definition['name']}  {definition['label']} = {value}{note}"
        for rows in (r for r in explanation.rows if r["operand"] == definition["name"]):
            yield f"      {'未计入：' + rows['exclusion'] if rows['exclusion'] else '计入'}  {rows['row_count']:,} 行"


def _flip_lines(explanation: Explanation) -> Iterator[str]:
    for row in explanation.flips:
        star = _STARS[row["other_star"]] if row["other_star"] is not None else "— 无法评定"
        verdict = f"星级变为 {star}" if row["is_flipped"] else "星级不变"
        yield f"换一种口径  {row['title']}：{row['reading_used']} → {row['reading']}，{verdict}"
        yield f"      值 {row['value_text'] or '—'} → {row['other_value_text'] or '—'}"


def _source_lines(explanation: Explanation) -> Iterator[str]:
    if not explanation.sources:
        yield "  没有用到任何批次"
    contract = None
    for row in explanation.sources:
        if row["contract_id"] != contract:
            contract = row["contract_id"]
            yield f"  {row['title'] or contract}（{contract}）"
        yield f"    批次 {row['batch_id']}  {row['file_name']}  有效行 {row['rows_in_force']:,}"
        yield f"      SHA-256 {row['sha256']}"
