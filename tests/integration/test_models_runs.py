"""Runs over the whole project: what readers see, what stays, and what an explanation rests on."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow.parquet
import pytest
from typer.testing import CliRunner

from connectors.contract import Contracts
from connectors.database import Connection, connect
from connectors.errors import UserError
from connectors.raw_tables import ensure_raw_tables
from connectors.settings import CHECKOUT, Settings
from dags.support import assessment_build, lineage, models, theme_builds
from dags.support.assessing import comparing, export, readings, replaying, rules, source_rows, trial
from tests.conftest import create_database, drop_database, dsn_of
from tests.integration import star_rules
from tests.integration.linked import deliver_linked, subject
from tests.integration.modelled import AS_OF, deliver, open_run, publish
from weihai import explain, explain_rows
from weihai.cli import build_app
from weihai.commands import gap
from weihai.commands.sql import QuestionRefusedError, ask, ask_as
from weihai.roles import RoleError

REGISTER = "market_regulation__enterprise"
JUNE = date(2021, 6, 30)
CODES = [f"913710000000000{n}A" for n in range(10, 16)]


@dataclass
class City:
    """A warehouse after several runs, and what its base libraries held after each."""

    settings: Settings
    contracts: Contracts
    held: dict[str, list[tuple[Any, ...]]] = field(default_factory=dict)
    ids: dict[str, list[tuple[Any, ...]]] = field(default_factory=dict)


def _build(
    city: City,
    connection: Connection,
    name: str,
    as_of: date,
    selectors: Sequence[str] = ("legal_entity", "catalogue", "mart"),
    *,
    full_refresh: bool = False,
    folder: Path = models.PROJECT,
) -> None:
    open_run(connection, name, as_of=as_of)
    version = rules.rule_version(city.contracts, folder.parent)
    connection.execute("update mart.run set rule_version = %s where run_id = %s", (version, name))
    connection.commit()
    for selector in selectors:
        report = models.run_models(city.settings, city.contracts, selector, full_refresh=full_refresh, folder=folder)
        assert report.failed == ()
    rules.keep(connection, version, city.contracts, folder.parent)
    lineage.record(city.settings, city.contracts, name)
    source_rows.record(city.settings, name)
    readings.record(city.settings, name)
    export.keep(connection, name)
    publish(connection)
    city.held[name] = connection.execute(
        "select uscc, name, status, division_code from legal_entity.entity order by uscc, name"
    ).fetchall()
    city.ids[name] = connection.execute("select name, entity_id from legal_entity.entity order by name").fetchall()


def _open_categories(count: int) -> list[dict[str, Any]]:
    words = ["信用服务", "医疗卫生", "社保就业", "公共安全", "城建住房", "交通运输", "教育文化", "科技创新", "资源能源"]
    words += [
        "生态环境",
        "工业农业",
        "商贸流通",
        "财税金融",
        "安全生产",
        "市场监管",
        "社会救助",
        "法律服务",
        "生活服务",
    ]
    words += ["气象服务", "地理空间", "地名地址", "机构团体"]
    facts = {"published_on": date(2020, 1, 1), "last_updated_on": AS_OF, "record_count": 9, "link_status": "正常"}
    return [{"dataset_no": word, "open_category": word, **facts} for word in words[:count]]


@pytest.fixture(scope="module")
def city(
    server: str, warehouse_template: str, contracts: Contracts, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[City]:
    """June, September, June again with less to say, September from nothing."""
    name = f"{warehouse_template}_runs"
    create_database(server, name, template=warehouse_template)
    built = City(Settings(home=tmp_path_factory.mktemp("runs"), warehouse_dsn=dsn_of(server, name)), contracts)
    with connect(built.settings.dsn()) as connection:
        ensure_raw_tables(connection, contracts)
        first = [
            {"uscc": code, "name": f"甲{code[-2]}", "status": None, "_of": {"entity": subject(n)}}
            for n, code in enumerate(CODES[:4])
        ]
        first.append({"uscc": CODES[0], "name": "同码另一家", "_key": "twin", "_of": {"entity": subject(9)}})
        deliver_linked(connection, contracts, REGISTER, first, as_of=JUNE)
        departments = [
            {"department_code": f"{n}", "name": f"部门{n}", "level": "市级", "is_government_department": True}
            for n in range(20)
        ]
        deliver(connection, contracts, "institution_staffing__department", departments, as_of=JUNE)
        resources = [
            {
                "resource_code": f"{n}",
                "department_code": f"{n}",
                "sharing_type": "无条件共享",
                "is_mounted": n > 0,
            }
            for n in range(20)
        ]
        deliver(connection, contracts, "big_data_center__resource_catalogue", resources, as_of=JUNE)
        deliver(connection, contracts, "big_data_center__sharing_request", [], as_of=JUNE)
        channels = [
            {"channel_kind": kind, "channel_name": kind, "status": "在用"}
            for kind in ("互联网", "电话热线", "政务微信", "其他")
        ]
        deliver(connection, contracts, "human_resources__employment_channel", channels, as_of=JUNE)
        deliver(connection, contracts, "big_data_center__open_dataset", _open_categories(20), as_of=JUNE)
        _build(built, connection, "run-june", JUNE, models.SELECTORS)
        changed = [
            {"uscc": CODES[1], "name": "甲1", "status": "注销", "_of": {"entity": subject(1)}},
            {"uscc": CODES[5], "name": "新设", "division_code": "371082", "_of": {"entity": subject(5)}},
        ]
        deliver_linked(connection, contracts, REGISTER, changed, withdrawn=[f"['{CODES[2]}']"])
        deliver(
            connection, contracts, "big_data_center__open_dataset", _open_categories(19), withdrawn=["['地理空间']"]
        )
        _build(built, connection, "run-september", AS_OF)
        _build(built, connection, "run-june-again", JUNE, ("legal_entity", models.RESULTS))
        _build(built, connection, "run-full", AS_OF, full_refresh=True)
    yield built
    drop_database(server, name)


@pytest.fixture
def connection(city: City) -> Iterator[Connection]:
    """A connection to the city's warehouse."""
    with connect(city.settings.dsn()) as opened:
        yield opened


def test_entities_follow_the_register_when_it_changes(city: City) -> None:
    assert city.held["run-june"] == [
        (CODES[0], "同码另一家", "在用", "371000"),
        (CODES[0], "甲0", "在用", "371000"),
        (CODES[1], "甲1", "在用", "371000"),
        (CODES[2], "甲2", "在用", "371000"),
        (CODES[3], "甲3", "在用", "371000"),
    ]
    september = [row for row in city.held["run-september"] if row[0] in (CODES[1], CODES[2], CODES[5])]
    assert september == [(CODES[1], "甲1", "注销", "371000"), (CODES[5], "新设", "在用", "371082")]


def test_base_libraries_keep_the_present_when_a_run_is_for_the_past(city: City) -> None:
    assert city.held["run-june-again"] == city.held["run-september"]


def test_full_refresh_gives_the_same_tables_and_identities(city: City) -> None:
    assert city.held["run-full"] == city.held["run-september"]
    assert city.ids["run-full"] == city.ids["run-september"]


def test_results_alone_are_added_when_the_views_stand(city: City, connection: Connection) -> None:
    manifest, reached = models.manifest(city.settings), theme_builds.mark(connection)

    def chosen(version: str = "1", reached: theme_builds.Mark = reached) -> str:
        return assessment_build.selector(connection, manifest, version, reached)

    assert chosen() == "assessment"
    theme_builds.remember(connection, "assessment", "1", reached, now=datetime(2021, 10, 8, tzinfo=UTC))
    assert chosen() == "results"
    assert chosen(version="2") == "assessment"
    assert chosen(reached=replace(reached, known_at=reached.known_at + 1)) == "results_and_libraries"
    connection.execute("drop view mart.scorecard cascade")
    assert chosen() == "assessment"
    connection.rollback()


def test_scorecard_shows_49_indicators_per_date_with_trend(connection: Connection) -> None:
    counts = connection.execute("select as_of, count(*) from mart.scorecard group by 1 order by 1").fetchall()
    assert counts == [(JUNE, 49), (AS_OF, 49)]
    rows = connection.execute(
        "select as_of, indicator_id, value_text, star, gap, trend, reason from mart.scorecard"
        " where indicator_id in ('dept_sharing_rate', 'open_data_category_rate', 'pilot_programmes') order by 1, 2"
    ).fetchall()
    sharing_gap = "制定信息资源目录并提供共享的部门数量还差 1 个"
    nothing = "尚未报送：智慧城市试点登记"
    assert rows == [
        (JUNE, "dept_sharing_rate", "95%", 4, sharing_gap, None, None),
        (JUNE, "open_data_category_rate", "90.9%", 4, "已开放的公共信息资源类别数量还差 2 类", None, None),
        (JUNE, "pilot_programmes", None, None, None, None, nothing),
        (AS_OF, "dept_sharing_rate", "95%", 4, sharing_gap, "持平", None),
        (AS_OF, "open_data_category_rate", "86.36%", 0, "已开放的公共信息资源类别数量还差 1 类", "变差", None),
        (AS_OF, "pilot_programmes", None, None, None, None, nothing),
    ]


def test_readings_of_the_target_differ_when_one_rate_is_short(connection: Connection) -> None:
    rows = connection.execute(
        "select reading, round(value, 4)::text, met, target from mart.target_reading where as_of = %s order by seq",
        (AS_OF,),
    ).fetchall()
    assert [(reading, value, met) for reading, value, met, _ in rows] == [
        ("annex2_sharing", "0.9500", True),
        ("annex2_opening", "0.8636", False),
        ("main_text", "0.8636", False),
        ("annex1_literal", "0.9068", True),
        ("annex2_credit_sharing", None, None),
    ]
    assert all(target * 10 == 9 for *_, target in rows)


def test_catalogue_says_why_a_department_does_not_share(connection: Connection) -> None:
    rows = connection.execute(
        "select department_name, resource_count, mounted_count, reason from catalogue.sharing_status"
        " where not is_sharing"
    ).fetchall()
    assert rows == [("部门0", 1, 0, "无条件共享资源 1 项中 1 项未挂接数据")]


def test_running_run_is_not_shown_until_published(connection: Connection) -> None:
    before = connection.execute("select count(*) from mart.indicator_value").fetchone()
    connection.execute("update mart.run set state = 'broken' where run_id = 'run-full'")
    shown = connection.execute("select distinct run_id from mart.indicator_value where as_of = %s", (AS_OF,)).fetchall()
    assert shown == [("run-september",)]
    assert connection.execute("select count(*) from mart.indicator_value").fetchone() == before
    connection.rollback()


def test_explanation_leads_from_star_to_files(connection: Connection) -> None:
    told = "\n".join(explain.lines(explain.explain(connection, "数据资源共享水平")))
    assert "★★★★☆ 四星" in told
    assert "信息资源部门间共享率达到90%  —— 已达到" in told
    assert "rate = 19 / 20" in told
    assert "sharing_departments  制定信息资源目录并提供共享的部门数量 = 19 个" in told
    assert "政府部门名录.csv  有效行 20" in told
    assert "SHA-256 " + "2".rjust(64, "0") in told
    assert "未算作提供共享的部门（1 个）\n  部门0：无条件共享资源 1 项中 1 项未挂接数据" in told


def test_explanation_tells_the_past_when_asked_for_its_date(connection: Connection) -> None:
    told = "\n".join(explain.lines(explain.explain(connection, "18", JUNE)))
    assert "运行 run-june-again" in told
    assert "rate = 20 / 22" in told
    assert "未算作开放的类别（2 类）" in told


def test_explanation_names_the_nearest_when_indicator_is_unknown(connection: Connection) -> None:
    with pytest.raises(explain.NothingToExplainError, match="dept_sharing_rate"):
        explain.explain(connection, "dept_sharing")
    with pytest.raises(explain.NothingToExplainError, match="2021-09-30"):
        explain.explain(connection, "dept_sharing_rate", date(2020, 1, 1))


def test_question_is_answered_read_only(connection: Connection) -> None:
    headers, rows = ask(connection, "select count(*) as indicators from mart.indicator")
    assert (headers, rows) == (("indicators",), [(49,)])


@pytest.mark.parametrize(
    "query",
    [
        "delete from mart.run",
        "with gone as (delete from mart.run returning 1) select * from gone",
        "select 1; delete from mart.run",
        "select nothing from mart.run",
        "",
    ],
)
def test_question_is_refused_when_it_is_not_one_read_only_query(city: City, query: str) -> None:
    with connect(city.settings.dsn()) as connection, pytest.raises(QuestionRefusedError):
        ask(connection, query)


def test_question_is_refused_when_role_is_unknown(city: City) -> None:
    with pytest.raises(RoleError, match="nobody"):
        ask_as(city.settings, "nobody", "select 1", why=None)


def test_star_rules_hold_at_their_boundaries(city: City) -> None:
    report = models.invoke(city.settings, city.contracts, ["test", "--select", "test_type:unit"])
    assert report.failed == ()
    assert report.tests >= 19


def test_reading_flips_a_star_when_the_other_one_counts_less(connection: Connection) -> None:
    rows = connection.execute(
        "select parameter, reading_used, reading, star, other_star, value_text, other_value_text, is_flipped"
        " from mart.reading_flip where as_of = %s and indicator_id = 'employment_service_channels'",
        (JUNE,),
    ).fetchall()
    assert rows == [("other_channel_kind_counts", "yes", "no", 4, 0, "4 种", "3 种", True)]
    unchanged = connection.execute(
        "select is_flipped from mart.reading_flip where as_of = %s and indicator_id = 'dept_sharing_rate'", (JUNE,)
    ).fetchall()
    assert unchanged == [(False,)]


def test_what_if_marks_the_star_and_leaves_nothing_behind(connection: Connection) -> None:
    held = "select count(*), count(distinct run_id) from mart.indicator_operand_run"
    before = connection.execute(held).fetchone()
    run = trial.published_run(connection, JUNE)
    known = trial.measured_indicators(connection)
    operands = {
        ("dept_sharing_rate", "sharing_departments"): Decimal(20),
        ("pilot_programmes", "national_pilots"): None,
    }
    was, would = trial.compared(
        connection, run, readings={"other_channel_kind_counts": "no"}, operands=operands, known=known
    )
    flipped = {
        name: (was[name]["star"], would[name]["star"]) for name in was if was[name]["star"] != would[name]["star"]
    }
    assert flipped == {"dept_sharing_rate": (4, 5), "employment_service_channels": (4, 0)}
    assert would["pilot_programmes"]["reason"].startswith("假设缺失")
    assert connection.execute(held).fetchone() == before


def test_exports_agree_when_written_in_each_format(connection: Connection, tmp_path: Path) -> None:
    content = export.kept(connection, "run-full")
    for output in export.Format:
        export.write(content, tmp_path / f"scorecard.{output}", output)
    assert (tmp_path / "scorecard.csv").read_bytes() == content
    table = pyarrow.parquet.read_table(tmp_path / "scorecard.parquet")
    rows = list(openpyxl.load_workbook(tmp_path / "scorecard.xlsx").active.values)
    assert rows[0] == tuple(table.column_names)
    assert [row[1] for row in rows[1:]] == table.column("seq").to_pylist() == list(range(1, 50))
    assert [row[8] for row in rows[1:]] == table.column("star").to_pylist()
    stated = connection.execute("select star from mart.scorecard where as_of = %s order by seq", (AS_OF,)).fetchall()
    assert table.column("star").to_pylist() == [star for (star,) in stated]


def test_stars_are_those_of_the_plan_on_both_sides_of_every_boundary(connection: Connection) -> None:
    known = {indicator.indicator_id: indicator for indicator in star_rules.indicators()}
    expected = [case for indicator in known.values() for case in star_rules.cases(indicator)]
    given = [
        {
            name: {**known[case.indicator_id].operands[name], "value": None if value is None else float(value)}
            for name, value in case.operands.items()
        }
        for case in expected
    ]
    rows = connection.execute(
        "select mart.star_of(i.four_star_rule, i.five_star_rule, rule.four, rule.five), rule.four, rule.five"
        " from unnest(%s::text[], %s::jsonb[]) with ordinality as tried (indicator_id, operands, no)"
        " inner join mart.indicator as i using (indicator_id)"
        " cross join lateral mart.metrics("
        "  i.formula, i.metric_options, i.four_star_rule, i.five_star_rule, tried.operands) as metric"
        " cross join lateral (select mart.rule_met(i.four_star_rule, metric) as four,"
        "  mart.rule_met(i.five_star_rule, metric) as five) as rule order by tried.no",
        ([case.indicator_id for case in expected], [json.dumps(operands) for operands in given]),
    ).fetchall()
    wrong = [
        f"{case.indicator_id} {case.leaf}: {row}, not {(case.star, case.four, case.five)}"
        for case, row in zip(expected, rows, strict=True)
        if row != (case.star, case.four, case.five)
    ]
    assert wrong == []
    assert {case.indicator_id for case in expected} == set(known) - {"security_incident_deduction"}
    assert {case.star for case in expected} == {5, 4, 0, None}


def test_deduction_is_two_per_cent_an_incident_and_no_star(connection: Connection) -> None:
    rows = connection.execute(
        "select mart.metrics(formula, metric_options, four_star_rule, five_star_rule,"
        " jsonb_build_object('incident_count', jsonb_build_object('value', n))) -> 'deduction' ->> 'num',"
        " mart.star_of(four_star_rule, five_star_rule, null, null)"
        " from mart.indicator cross join generate_series(0, 2) as n"
        " where indicator_id = 'security_incident_deduction' order by n"
    ).fetchall()
    assert [(Decimal(num), star) for num, star in rows] == [(0, None), (Decimal("0.02"), None), (Decimal("0.04"), None)]


def test_improvements_rank_by_cost_where_given_and_by_relative_gap_where_not(
    connection: Connection, tmp_path: Path
) -> None:
    def ranked() -> list[tuple[Any, ...]]:
        return connection.execute(
            "select indicator_id, cost_cny, relative_gap from mart.improvement"
            " where as_of = %s and star = 5 and relative_gap is not null order by effort_rank",
            (JUNE,),
        ).fetchall()

    assert ranked() == [
        ("dept_sharing_rate", None, Decimal("0.05")),
        ("open_data_category_rate", None, Decimal("0.090909")),
        ("employment_service_channels", None, Decimal("0.2")),
    ]
    costs = tmp_path / "costs.csv"
    costs.write_text(
        "indicator_id,operand,cost_cny,source\n"
        "employment_service_channels,channel_count,300,概算\nopen_data_category_rate,opened_categories,200,概算\n",
        encoding="utf-8",
    )
    assert gap.load_costs(connection, costs) == 2
    assert [row[:2] for row in ranked()] == [
        ("employment_service_channels", 300),
        ("open_data_category_rate", 400),
        ("dept_sharing_rate", None),
    ]
    costs.write_text("indicator_id,operand,cost_cny,source\nnothing,x,1,y\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"第 2 行：没有操作数 nothing\.x"):
        gap.load_costs(connection, costs)
    connection.rollback()


def test_source_rows_of_an_operand_are_told_with_why_they_do_not_count(connection: Connection) -> None:
    explanation = explain.explain(connection, "dept_sharing_rate", JUNE)
    assert "      未计入：无条件共享资源 1 项中 1 项未挂接数据  1 行" in "\n".join(explain.lines(explanation))
    told = list(explain_rows.lines(connection, explanation, "sharing_departments", excluded=True, limit=5, offset=0))
    assert told[2] == "有效行 20：计入 19，未计入 1"
    assert told[-1].endswith("第 2 行  未计入：无条件共享资源 1 项中 1 项未挂接数据")
    with pytest.raises(UserError, match="没有操作数“nothing”；有 sharing_departments、gov_departments"):
        list(explain_rows.lines(connection, explanation, "nothing", excluded=None, limit=1, offset=0))


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["gap", "--as-of", "2021-06-30", "--owner", "大数据"], "距五星的差距"),
        (["diff", "run-june", "run-june-again"], "不同的指标 0 项"),
        (["diff", "run-june", "run-september"], "操作数 opened_categories：20 → 19"),
        (["explain", "18", "--rows", "opened_categories", "--which", "counted", "--limit", "1"], "第 1–1 行"),
        (["what-if", "--as-of", "2021-06-30", "--set", "sharing_departments=20"], "星级变化 1 项"),
        (["what-if", "--as-of", "2021-06-30", "--reading", "other_channel_kind_counts=no"], "星级变化 1 项"),
    ],
)
def test_command_answers_from_published_runs(
    city: City, monkeypatch: pytest.MonkeyPatch, command: list[str], said: str
) -> None:
    monkeypatch.setenv("WEIHAI_HOME", str(city.settings.home))
    monkeypatch.setenv("WAREHOUSE_DSN", city.settings.dsn())
    answer = CliRunner().invoke(build_app(), command, catch_exceptions=False)
    assert answer.exit_code == 0
    assert said in answer.output


@pytest.mark.parametrize(
    ("command", "complaint"),
    [
        (
            ["what-if", "--reading", "annual_period=never"],
            "annual_period.*不能取“never”；可取 latest_complete",
        ),
        (["what-if", "--reading", "nothing=1"], "没有口径参数“nothing”"),
        (["what-if", "--set", "count=1"], "有多个对应的操作数：cloud_enterprises.count"),
        (["what-if", "--set", "sharing_departments=viele"], "应为数或 null"),
        (["replay", "run-never"], "没有运行“run-never”"),
        (["export", "scorecard", "--as-of", "2019-01-01", "--out", "x.csv"], "业务日期 2019-01-01 还没有已发布的运行"),
    ],
)
def test_command_says_what_is_wrong_when_it_cannot_answer(
    city: City, monkeypatch: pytest.MonkeyPatch, command: list[str], complaint: str
) -> None:
    monkeypatch.setenv("WEIHAI_HOME", str(city.settings.home))
    monkeypatch.setenv("WAREHOUSE_DSN", city.settings.dsn())
    with pytest.raises(UserError, match=complaint):
        CliRunner().invoke(build_app(), command, catch_exceptions=False)


@pytest.fixture(scope="module")
def later(server: str, city: City, tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    """The city after a late delivery and a correction for June, assessed by a changed rule."""
    source = city.settings.dsn().rpartition("/")[2]
    name = f"{source}_later"
    create_database(server, name, template=source)
    folder = tmp_path_factory.mktemp("later")
    for part in ("dbt_project", "seeds"):
        shutil.copytree(CHECKOUT / part, folder / part)
    indicators = folder / "seeds" / "indicators.csv"
    text = indicators.read_text(encoding="utf-8")
    changed = text.replace('""threshold_pct"": 80, ""word"": ""达到""', '""threshold_pct"": 81, ""word"": ""达到""', 1)
    assert changed != text
    indicators.write_text(changed, encoding="utf-8")
    after = City(Settings(home=folder / "home", warehouse_dsn=dsn_of(server, name)), city.contracts)
    with connect(after.settings.dsn()) as connection:
        late = [row for row in _open_categories(22) if row["dataset_no"] in ("地名地址", "机构团体")]
        deliver(connection, city.contracts, "big_data_center__open_dataset", late, as_of=JUNE)
        corrected = [{"resource_code": "0", "department_code": "0", "sharing_type": "无条件共享", "is_mounted": True}]
        deliver(connection, city.contracts, "big_data_center__resource_catalogue", corrected, as_of=JUNE)
        _build(after, connection, "run-june-late", JUNE, ("seeds", "mart"), folder=folder / "dbt_project")
    yield after
    drop_database(server, name)


def test_replay_gives_the_same_bytes_when_deliveries_and_rules_came_later(later: City) -> None:
    found = replaying.replay(later.settings, "run-june")
    assert found.computed.decode("utf-8") == found.kept.decode("utf-8")
    with connect(later.settings.dsn()) as connection:
        assert export.kept(connection, "run-june-late") != found.kept
        assert connection.execute("select nspname from pg_namespace where nspname like 'replay%'").fetchall() == []
        published = connection.execute("select run_id from mart.latest_run where as_of = %s", (JUNE,)).fetchall()
    assert published == [("run-june-late",)]


def test_difference_names_operands_deliveries_and_rules_when_the_past_is_assessed_again(later: City) -> None:
    with connect(later.settings.dsn()) as connection:
        found = comparing.compare(connection, "run-june", "run-june-late")
    assert found.rule_files == {"seeds/indicators.csv": "修改"}
    told = {d.indicator_id: d for d in found.indicators}
    assert set(told) == {"dept_sharing_rate", "open_data_category_rate"}
    assert told["open_data_category_rate"].star == (4, 5)
    assert told["open_data_category_rate"].operands == (("opened_categories", Decimal(20), Decimal(22)),)
    assert told["dept_sharing_rate"].operands == (("sharing_departments", Decimal(19), Decimal(20)),)
    rows = [(d["contract_id"], d["rows_before"], d["rows_after"]) for d in told["dept_sharing_rate"].deliveries]
    assert rows == [("big_data_center__resource_catalogue", 20, 19), ("big_data_center__resource_catalogue", None, 1)]
