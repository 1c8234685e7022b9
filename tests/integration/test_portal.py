"""The portal's pages: whole, linked, escaped, masked, calling nobody."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterator
from datetime import datetime
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple
from urllib.parse import unquote, urlsplit
from zoneinfo import ZoneInfo

import pytest
from typer.testing import CliRunner

import portal
from connectors.chain import Head, head
from connectors.contract import Contracts
from connectors.database import connect
from connectors.settings import Settings
from portal.site import Page, Renderer
from tests.conftest import create_database, drop_database, dsn_of
from tests.integration.portal_city import HOSTILE_NAME, RUN, SECRET, build_city
from weihai.cli import build_app


class Parsed(NamedTuple):
    references: list[str]
    ids: set[str]
    text: str
    inline: list[str]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.references: list[str] = []
        self.ids: set[str] = set()
        self.texts: list[str] = []
        self.inline: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        self.ids |= {named["id"] or ""} if "id" in named else set()
        self.references += [named[name] or "" for name in ("href", "src", "action", "poster", "data") if name in named]
        self.inline += [f"{tag} {name}" for name in named if name.startswith("on") or name in ("style", "srcdoc")]
        if tag == "style" or (tag == "script" and "src" not in named):
            self.inline.append(tag)

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def parse(path: Path) -> Parsed:
    reader = _Reader()
    reader.feed(path.read_text(encoding="utf-8"))
    return Parsed(reader.references, reader.ids, " ".join(" ".join(reader.texts).split()), reader.inline)


class _Marks(HTMLParser):
    """Finds Chinese characters and punctuation that no `lang` says are Chinese: texts of the pages, not of the data."""

    CHINESE = re.compile("[\u2e80-\u9fff\uf900-\ufaff\uff01-\uff60]")
    SHOWN = ("aria-label", "title", "placeholder", "alt", "data-label", "data-count", "data-none", "data-label-4")
    VOID = ("area", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[tuple[str, str]] = [("", "")]
        self.unmarked: list[str] = []
        self.title = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        language = named.get("lang") or self.open[-1][1]
        texts = [named[name] or "" for name in self.SHOWN if name in named]
        self._judge(language, *texts)
        if tag not in self.VOID:
            self.open.append((tag, language))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop()[0] == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1][0] == "title" and self.open[-2][0] == "head":
            self.title = data
        else:
            self._judge(self.open[-1][1], data)

    def _judge(self, language: str, *texts: str) -> None:
        self.unmarked += [text for text in texts if language != "zh-CN" and self.CHINESE.search(text)]


def unmarked_chinese(path: Path) -> list[str]:
    reader = _Marks()
    text = path.read_text(encoding="utf-8")
    reader.feed(text)
    heading = re.sub("<[^>]*>", "", re.findall("<h1>(.*?)</h1>", text, flags=re.DOTALL)[0])
    title = reader.title.replace(unescape(heading).strip(), "")
    return reader.unmarked + ([title] if reader.CHINESE.search(title) else [])


NOW = datetime(2021, 10, 8, 9, 0, tzinfo=ZoneInfo("Asia/Shanghai"))


@pytest.fixture(scope="module")
def city(
    server: str, warehouse_template: str, contracts: Contracts, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Settings]:
    name = f"weihai_test_portal_{os.getpid()}"
    create_database(server, name, template=warehouse_template)
    settings = Settings(home=tmp_path_factory.mktemp("portal"), warehouse_dsn=dsn_of(server, name))
    build_city(settings, contracts, NOW)
    yield settings
    drop_database(server, name)


@pytest.fixture(scope="module")
def pages(city: Settings) -> Path:
    return portal.build(city, now=NOW).parent


@pytest.fixture(scope="module")
def chain_head(city: Settings) -> Head:
    with connect(city.dsn()) as connection:
        found = head(connection)
    assert found is not None
    return found


def test_every_link_leads_to_a_page_or_a_place_on_it_when_the_city_is_built(pages: Path) -> None:
    parsed = {path.resolve(): parse(path) for path in pages.rglob("*.html")}
    assert len(parsed) > 340
    for path, page in parsed.items():
        for reference in page.references:
            parts = urlsplit(reference)
            assert not parts.scheme, (path, reference)
            assert not parts.netloc, (path, reference)
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            assert target.is_file(), (path, reference)
            assert not parts.fragment or parts.fragment in parsed[target].ids, (path, reference)


def test_nothing_is_fetched_from_elsewhere_or_run_inline_when_a_page_opens(pages: Path) -> None:
    for path in pages.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        assert parse(path).inline == [], path
        assert "default-src 'none'" in text
        assert "//" not in re.sub(r"<[^>]*>|[^<>]+", lambda m: m[0] if m[0].startswith("<") else "", text), path
    for path in pages.glob("assets/*.*"):
        assert not re.search(
            r"url\(|@import|fetch\(|XMLHttpRequest|https?://(?!www\.w3\.org/2000/svg)", path.read_text()
        )


def test_all_49_indicators_stand_with_star_value_gap_and_owner_when_a_run_is_published(pages: Path) -> None:
    text = (pages / "index.html").read_text(encoding="utf-8")
    rows = re.findall(r'<tr class="indicator".*?</tr>', text, flags=re.DOTALL)
    assert len(rows) == 49
    sharing = next(row for row in rows if "dept_sharing_rate" in row)
    for expected in (
        "数据资源共享水平",
        "四星",
        "91.89%",
        "再有 3 个部门提供共享",
        "市大数据中心",
        "向好",
        "2021-06-30",
    ):
        assert expected in sharing
    unknown = next(row for row in rows if "smart_lighting_rate" in row)
    assert "未评定" in unknown
    assert "尚无数据来源" in unknown
    assert "0%" not in unknown
    assert 'data-star="deduction"' in next(row for row in rows if "security_incident_deduction" in row)


def test_the_four_readings_stand_side_by_side_when_a_run_is_published(pages: Path) -> None:
    text = parse(pages / "index.html").text
    for expected in (
        "附件2：信息资源部门间共享率",
        "91.89%",
        "90.9%",
        "88.9%",
        "达标",
        "未达标",
        "正文 二(二)2",
        "仅供参考",
    ):
        assert expected in text


def test_the_plan_stands_with_sources_and_readings_side_by_side_when_a_run_is_published(pages: Path) -> None:
    html = (pages / "plan.html").read_text(encoding="utf-8")
    rows = re.findall(r'<tr class="entry" id=.*?</tr>', html, flags=re.DOTALL)
    assert len(rows) == 65
    computed, reported, unknown = (
        next(row for row in rows if f'id="{target}"' in row)
        for target in ("zsb_2020_a1", "bs5g_2022_a1", "uav_2022_a1")
    )
    for expected in ("388", "已达到", "computed:target_zsb_2020_a1", "填报 412，计算值减填报值 -24"):
        assert expected in computed
    assert "落后" in reported
    assert "reported:big_data_center__plan_progress" in reported
    assert "没有数据" in unknown
    assert "尚无数据来源" in unknown
    contradiction = re.search(r'<article class="card" id="C07">.*?</article>', html, flags=re.DOTALL)
    assert contradiction is not None
    assert contradiction[0].index("2020年底前300项") < contradiction[0].index("落后") < contradiction[0].index("已达到")
    assert len(re.findall(r'<article class="card" id="C\d\d">', html)) == 16
    projects = parse(pages / "projects.html")
    assert {f"project-{n}" for n in range(1, 49)} <= projects.ids
    assert "逾期完成" in projects.text


def test_an_indicator_page_tells_rule_operands_and_files_when_it_was_computed(pages: Path) -> None:
    text = parse(pages / "indicator" / "dept_sharing_rate.html").text
    for expected in (
        "信息资源部门间共享率达到90%", "≥ 90%", "≥ 100%", "34 ÷ 37 = 91.89%", "政府部门总数量", "37", "3" * 64, "2,162",
        "任一资源未挂接即该部门不合格", "2021-06-30",
    ):  # fmt: skip
        assert expected in text
    assert "计划中没有该星级的标准" in parse(pages / "indicator" / "building_energy_submetering_rate.html").text


def test_other_readings_and_source_rows_stand_on_an_indicator_page_when_the_run_kept_them(pages: Path) -> None:
    text = (pages / "indicator" / "dept_sharing_rate.html").read_text(encoding="utf-8")
    assert "restricted_only_departments_count" in text
    assert "星级改变" in text
    assert "没有编制在用的信息资源目录" in text
    assert "20、21、22" in text
    assert "口径有别" in (pages / "index.html").read_text(encoding="utf-8")


def test_the_way_to_five_stars_is_ranked_when_a_run_is_published(pages: Path) -> None:
    text = (pages / "improvements.html").read_text(encoding="utf-8")
    assert text.index("企业上云规模") < text.index("数据资源共享水平")
    assert "260,000" in text
    assert "还差 3 个" in text


def test_a_receipt_shows_the_ledger_and_masked_values_only_when_a_value_is_sensitive(pages: Path) -> None:
    text = parse(pages / "receipt" / "1.html").text
    for expected in ("2,180", "2,172", "2,150", "张*", "法人代表", "17", "96.81%"):
        assert expected in text
    for path in pages.rglob("*.*"):
        if path.is_file() and path.suffix in (".html", ".json"):
            assert SECRET not in path.read_text(encoding="utf-8"), path


def test_a_hostile_file_name_stays_text_when_it_is_shown(pages: Path) -> None:
    for path in (
        pages / "receipt" / "3.html",
        pages / "indicator" / "dept_sharing_rate.html",
        pages / "auditor" / "batch-3.html",
    ):
        assert "<script>alert" not in path.read_text(encoding="utf-8")
        assert " ".join(HOSTILE_NAME.split()) in parse(path).text


def test_held_and_unrecognised_deliveries_are_told_when_they_wait_or_failed(pages: Path) -> None:
    assert "1 个批次暂缓入库" in parse(pages / "index.html").text
    assert "低于目标 90%" in parse(pages / "department" / "industry_it.html").text
    assert "未能识别的送达" in parse(pages / "departments.html").text
    assert "未知部门" in parse(pages / "receipt" / "7.html").text


def test_auditors_see_what_departments_say_of_each_other_when_a_run_judged_it(pages: Path) -> None:
    text = parse(pages / "auditor" / f"run-{RUN}.html").text
    assert "参保单位应已在市场监管登记。" in text
    assert "跨部门一致性" in text
    assert "10 个参保单位中 2 个没有登记" in text


def test_a_department_sees_what_to_mend_by_when_when_its_delivery_failed(pages: Path) -> None:
    text = parse(pages / "department" / "industry_it.html").text
    for words in (
        "统一社会信用代码校验位应正确。",
        "1,331 / 2,172",
        "已逾期",
        "2021-10-15",
        "连续 2 次不合格",
        "第 2 名，共 4 个部门",
        "80.66%",
        "未报",
        "已办结的工单（最近 1 个）",
        "暂时无从核对的工单（1）",
    ):
        assert words in text
    everybody = parse(pages / "departments.html").text
    assert "逾期 1" in everybody
    assert "2,987,654" in everybody
    assert "2021-09：应报 2 期，已报 1 期，按时 1 期。" in everybody


def test_auditors_see_expectations_hashes_and_decisions_when_a_batch_was_judged(pages: Path) -> None:
    batch = parse(pages / "auditor" / "batch-5.html").text
    for expected in ("未通过", "uscc.check_character", "不低于 90%", "5" * 64, "没有应用、放行或退回记录"):
        assert expected in batch
    assert "质量门通过" in parse(pages / "auditor" / "batch-1.html").text
    run = parse(pages / "auditor" / f"run-{RUN}.html")
    for expected in ("annex1_literal", "3f9c1a7e52d08b46", "latest_complete", "1" * 64):
        assert expected in run.text
    assert f"../evidence/{RUN}/targets.json" in run.references
    assert (pages / "evidence" / RUN / "batch-1.json").is_file()


def test_auditors_get_the_hash_of_every_input_and_the_head_of_the_chain_when_a_run_was_published(
    pages: Path, chain_head: Head
) -> None:
    lines = (pages / "evidence" / RUN / "inputs.sha256").read_text(encoding="ascii").splitlines()
    assert lines == [f"{n * 64}  archive/{n}{n}/{n * 64}" for n in "1234"]
    with (pages / "evidence" / RUN / "inputs.csv").open(encoding="utf-8", newline="") as file:
        listed = {row["sha256"]: row for row in csv.DictReader(file)}
    assert listed["3" * 64]["file_name"] == HOSTILE_NAME
    assert listed["1" * 64]["indicators"] == "1"
    assert listed["4" * 64]["indicators"] == "0"
    run = parse(pages / "auditor" / f"run-{RUN}.html")
    assert all(line.split()[0] in run.text for line in lines)
    index = parse(pages / "auditor" / "index.html").text
    for expected in (f"第 {chain_head.seq} 号", chain_head.hash, "送达与判定", "暂缓入库与人工处理（待处理 1）"):
        assert expected in index
    for expected in ("人工放行", "王审核", "已与部门核实，属历史数据。"):
        assert expected in index


def test_lineage_leads_from_extract_to_indicator_and_back_when_dbt_left_its_manifest(pages: Path) -> None:
    cloud = (pages / "indicator" / "cloud_enterprises.html").read_text(encoding="utf-8")
    drawn = re.search(r'<svg class="diagram".*?</svg>', cloud, flags=re.DOTALL)
    assert drawn is not None
    for expected in ("extract/market_regulation__enterprise.html", "legal_entity.entity_hist", "企业上云", "2,046 家"):
        assert expected in drawn[0]
    assert "entity_masked" not in cloud
    assert "int_entity__stated" not in cloud
    listed = parse(pages / "indicator" / "dept_sharing_rate.html").text
    assert "sharing_departments" in listed[listed.index("同样内容的列表") :]
    page = parse(pages / "extract" / "market_regulation__enterprise.html")
    assert "../indicator/cloud_enterprises.html#lineage" in page.references
    for expected in (
        "参保单位应已在市场监管登记",
        "跨部门核对",
        "legal_entity.entity_history",
        "统一社会信用代码",
    ):
        assert expected in page.text
    assert (
        "../plan.html#share_2020_a1" in parse(pages / "extract" / "big_data_center__resource_catalogue.html").references
    )
    assert "还没有库表、指标或核对用到这个数据集" in parse(pages / "extract" / "commerce__ecommerce.html").text
    index = parse(pages / "lineage.html")
    assert {"indicator/cloud_enterprises.html#lineage", "extract/industry_it__cloud_enterprise.html"} <= set(
        index.references
    )


def test_lineage_still_leads_to_extracts_when_dbt_left_no_manifest(
    settings: Settings, contracts: Contracts, clock: datetime
) -> None:
    build_city(settings, contracts, clock)
    (settings.dbt / "manifest.json").unlink()
    pages = portal.build(settings, now=clock).parent
    cloud = (pages / "indicator" / "cloud_enterprises.html").read_text(encoding="utf-8")
    assert cloud.count('class="node extract"') == 2


def test_unpublished_runs_do_not_appear_when_one_is_under_way(pages: Path) -> None:
    for path in pages.rglob("*.html"):
        assert "run-unfinished" not in path.read_text(encoding="utf-8")


def test_open_data_stand_by_category_with_files_hashes_and_protection_when_exported(pages: Path) -> None:
    page = parse(pages / "open_data.html")
    for expected in (
        "分行业市场主体数",
        "隐去 31 个数",
        "1" * 64,
        "2" * 64,
        "台账未列",
        "1 至 4 的数不公布",
        "尚无数据集的类别（21）",
    ):
        assert expected in page.text
    for name in ("catalog.jsonld", "dictionary.csv", "data/entities_by_industry.csv"):
        assert f"open_data/{name}" in page.references
    assert "1 / 22" in page.text


def test_objections_and_what_they_touch_stand_with_who_is_concerned_when_one_was_upheld(pages: Path) -> None:
    for department in ("market_regulation", "industry_it"):
        text = parse(pages / "department" / f"{department}.html").text
        for expected in (
            "与营业执照不符。",
            "张* → 章*",
            "待更正",
            "认可",
            "2021-10-22",
            "企业上云规模 2,046",
            "法人库",
        ):
            assert expected in text
    assert "与营业执照不符。" in parse(pages / "auditor" / "index.html").text
    assert "与营业执照不符。" not in parse(pages / "department" / "commerce.html").text
    items = parse(pages / "extract" / "market_regulation__enterprise.html").text
    assert "用到它的指标" in items


def test_no_chinese_stands_unmarked_when_pages_are_in_english(pages: Path) -> None:
    for path in (pages / "en").rglob("*.html"):
        assert unmarked_chinese(path) == [], path


def test_english_pages_mirror_the_chinese_ones_when_built(pages: Path) -> None:
    chinese = {p.relative_to(pages) for p in pages.rglob("*.html") if p.relative_to(pages).parts[0] != "en"}
    english = {p.relative_to(pages / "en") for p in (pages / "en").rglob("*.html")}
    assert chinese == english
    text = (pages / "en" / "index.html").read_text(encoding="utf-8")
    assert '<html lang="en">' in text
    for expected in (
        "Data sharing between departments",
        "Four stars",
        "Not gradable",
        '<bdi lang="zh-CN">市大数据中心',
    ):
        assert expected in text


def test_the_catalogue_lists_contracts_resources_and_reasons_when_published(pages: Path) -> None:
    page = parse(pages / "catalogue.html")
    assert "market_regulation__enterprise" in page.ids
    for expected in ("统一社会信用代码", "政务信息资源59", "1 项无条件共享资源未挂接", "4 个数据集超过更新期限"):
        assert expected in page.text


def test_a_friendly_page_stands_when_the_warehouse_is_empty(settings: Settings, clock: datetime) -> None:
    index = portal.build(settings, now=clock)
    assert index == settings.portal / "index.html"
    assert "还没有发布过运行结果" in parse(index).text
    assert "还没有收到任何数据" in parse(index.parent / "departments.html").text
    for path in index.parent.rglob("*.html"):
        for reference in parse(path).references:
            assert (path.parent / unquote(urlsplit(reference).path)).exists() or reference.startswith("#"), reference


def test_readers_keep_the_old_pages_whole_when_building_fails(
    settings: Settings, clock: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = portal.build(settings, now=clock)
    before = index.read_text(encoding="utf-8")

    def fail(*_: object) -> None:
        raise RuntimeError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(Renderer, "write", fail)
        with pytest.raises(RuntimeError, match="disk full"):
            portal.build(settings, now=clock)
    assert index.read_text(encoding="utf-8") == before
    assert len([p for p in settings.reports.iterdir() if p.is_dir() and not p.is_symlink()]) == 1

    later = clock.replace(day=9)
    portal.build(settings, now=later)
    assert "2021-10-09" in index.read_text(encoding="utf-8")
    assert len([p for p in settings.reports.iterdir() if p.is_dir() and not p.is_symlink()]) == 1


def test_readers_keep_the_old_pages_whole_when_those_of_the_other_language_fail(
    settings: Settings, clock: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = portal.build(settings, now=clock).read_text(encoding="utf-8")
    write = Renderer.write

    def fail_in_english(self: Renderer, page: Page) -> None:
        if not self.language.is_chinese:
            raise RuntimeError("disk full")
        write(self, page)

    monkeypatch.setattr(Renderer, "write", fail_in_english)
    with pytest.raises(RuntimeError, match="another language"):
        portal.build(settings, now=clock.replace(day=9))
    assert (settings.portal / "index.html").read_text(encoding="utf-8") == before


def test_a_process_that_may_have_no_children_writes_the_same_pages(
    settings: Settings, contracts: Contracts, clock: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    build_city(settings, contracts, clock)

    def pages() -> dict[str, bytes]:
        place = portal.build(settings, now=clock).parent
        return {str(p.relative_to(place)): p.read_bytes() for p in place.rglob("*.html")}

    beside = pages()
    assert "en/department/market_regulation.html" in beside
    monkeypatch.setattr("portal.builder.current_process", lambda: SimpleNamespace(daemon=True))
    monkeypatch.setattr("portal.builder.get_context", None)
    assert pages() == beside


def test_an_old_batch_keeps_its_receipt_when_a_run_still_rests_on_it(
    settings: Settings, contracts: Contracts, clock: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    build_city(settings, contracts, clock)
    monkeypatch.setattr("portal.deliveries.BATCHES_PER_EXTRACT", 0)
    pages = portal.build(settings, now=clock).parent
    assert {p.name for p in (pages / "receipt").iterdir()} == {"1.html", "2.html", "3.html", "5.html"}
    with connect(settings.dsn()) as connection:
        assert connection.execute("select count(*) from quality.batch").fetchone() == (7,)


def test_the_command_prints_where_the_pages_are_when_it_rebuilds_them(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEIHAI_HOME", str(settings.home))
    monkeypatch.setenv("WAREHOUSE_DSN", settings.dsn())
    result = CliRunner().invoke(build_app(), ["portal"])
    assert result.exit_code == 0, result.output
    assert result.output.strip() == str(settings.portal / "index.html")
    assert (settings.portal / "index.html").is_file()
