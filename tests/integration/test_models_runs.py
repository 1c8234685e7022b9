"""Runs over the whole project: what readers see, what stays, and what an explanation rests on."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow.parquet
import pytest

from connectors.contract import Contracts
from connectors.database import Connection, connect
from connectors.raw_tables import ensure_raw_tables
from connectors.settings import CHECKOUT, Settings
from dags.support import lineage, models
from dags.support.assessing import comparing, export, readings, replaying, rules, trial
from tests.conftest import create_database, drop_database, dsn_of
from tests.integration.linked import deliver_linked, subject
from tests.integration.modelled import AS_OF, deliver, open_run, publish
from weihai import explain
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
    lineage.record(city.settings, name)
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
        _build(built, connection, "run-june-again", JUNE, ("legal_entity", "mart"))
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
