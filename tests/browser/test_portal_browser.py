"""The portal in a real browser, both languages: it draws, searches, prints, fits a phone and is accessible."""

from __future__ import annotations

import base64
import functools
import re
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.browser.chromium import Tab
from tests.integration.portal_city import RUN

DESKTOP, PHONE, PAPER = 1280, 360, 718
"""Widths in CSS pixels; paper is A4 less margins of 1 cm at 96 dots per inch."""
PAGES = (
    "index.html", "indicator/dept_sharing_rate.html", "indicator/cloud_enterprises.html",
    "indicator/smart_lighting_rate.html", "plan.html", "projects.html", "improvements.html",
    "departments.html", "department/industry_it.html", "department/market_regulation.html", "receipt/1.html",
    "receipt/7.html", "catalogue.html", "extract/market_regulation__enterprise.html", "lineage.html",
    "open_data.html", "auditor/index.html", "auditor/batch-5.html", f"auditor/run-{RUN}.html",
)  # fmt: skip
BOTH = (*PAGES, *(f"en/{page}" for page in PAGES))
PREFIX = "/weihai/portal/"
POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:"
SHOWN = "[...document.querySelectorAll('{}')].filter((one) => one.checkVisibility()).length"
OUTPUT = "document.querySelector('form.filter output').textContent"


class _Strict(SimpleHTTPRequestHandler):
    """Serves the pages below a prefix and under a policy, as the Airflow plugin and nginx may."""

    def translate_path(self, path: str) -> str:
        return super().translate_path(path.removeprefix(PREFIX) if path.startswith(PREFIX) else "/nowhere")

    def end_headers(self) -> None:
        self.send_header("Content-Security-Policy", POLICY)
        super().end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def site(pages: Path) -> Iterator[str]:
    handler = functools.partial(_Strict, directory=str(pages))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}{PREFIX}"
        server.shutdown()


def kind(page: str) -> str:
    """What template a page comes from: its place without the name of what it shows."""
    return re.sub(r"(indicator|department|receipt|extract|auditor/batch|auditor/run)[/-].*", r"\1", page)


def test_every_kind_of_page_is_looked_at_when_the_site_has_it(pages: Path) -> None:
    built = {p.relative_to(pages).as_posix() for p in pages.rglob("*.html")}
    assert {kind(page) for page in built} == {kind(page) for page in BOTH}


@pytest.mark.parametrize("page", PAGES)
def test_a_page_opens_without_complaint_or_foreign_request_when_read_from_disk(
    tab: Tab, pages: Path, page: str
) -> None:
    tab.width(DESKTOP)
    tab.open((pages / page).as_uri())
    assert tab.complaints() == []
    assert all(url.startswith(("file://", "data:", "blob:")) for url in tab.requests())
    assert tab.value("getComputedStyle(document.querySelector('header.site')).backgroundColor") == "rgb(23, 58, 99)"


@pytest.mark.parametrize("page", BOTH)
def test_a_page_is_accessible_and_fits_screens_and_paper_when_served_below_a_prefix(
    tab: Tab, site: str, axe: str, page: str
) -> None:
    tab.width(DESKTOP)
    tab.open(site + page)
    assert tab.complaints() == []
    assert all(url.startswith((site, "data:", "blob:")) for url in tab.requests())
    assert tab.value("document.documentElement.scrollWidth") <= DESKTOP
    tab.inject(axe)
    violations = tab.value(
        "axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']})"
        ".then((r) => r.violations.map((v) => [v.id, v.nodes.slice(0, 3).map((n) => n.html.slice(0, 160))]))"
    )
    assert violations == []
    tab.width(PHONE)
    assert tab.value("document.documentElement.scrollWidth") <= PHONE
    tab.width(PAPER)
    tab.call("Emulation.setEmulatedMedia", media="print")
    assert tab.value("document.documentElement.scrollWidth") <= PAPER
    assert tab.value("document.querySelector('header.site nav').checkVisibility()") is False
    tab.call("Emulation.setEmulatedMedia", media="")


@pytest.mark.parametrize("page", ["index.html", "indicator/dept_sharing_rate.html", "lineage.html"])
def test_a_page_prints_whole_when_printed(tab: Tab, pages: Path, page: str) -> None:
    tab.width(DESKTOP)
    tab.open((pages / page).as_uri())
    closed = tab.value("document.querySelectorAll('details:not([open])').length")
    tab.value(
        "window.opened = null; addEventListener('beforeprint', () =>"
        " { window.opened = document.querySelectorAll('details:not([open])').length })"
    )
    printed = base64.b64decode(tab.call("Page.printToPDF", preferCSSPageSize=True)["data"])
    assert printed.startswith(b"%PDF-")
    assert 1 <= len(re.findall(rb"/Type\s*/Page\b(?!s)", printed)) <= 12
    assert tab.value("window.opened") == 0
    assert tab.value("document.querySelectorAll('details:not([open])').length") == closed


@pytest.mark.parametrize(
    ("page", "charts"),
    [
        ("index.html", 1),
        ("indicator/dept_sharing_rate.html", 1),
        ("departments.html", 1),
        ("department/industry_it.html", 2),
        ("en/department/industry_it.html", 2),
    ],
)
def test_charts_are_drawn_from_their_tables_when_scripts_run(tab: Tab, pages: Path, page: str, charts: int) -> None:
    tab.width(DESKTOP)
    tab.open((pages / page).as_uri())
    drawn = tab.value(
        "[...document.querySelectorAll('.chart canvas')].map((c) =>"
        " new Set(c.getContext('2d').getImageData(0, 0, c.width, c.height).data).size > 8)"
    )
    assert drawn == [True] * charts


def test_the_list_narrows_when_a_reader_filters(tab: Tab, pages: Path) -> None:
    tab.width(DESKTOP)
    tab.open((pages / "index.html").as_uri())
    shown = SHOWN.format("tr.indicator")
    assert tab.value(shown) == 49
    tab.value("document.querySelector('[name=star]').focus()")
    tab.value(
        "document.querySelector('[name=star]').value = '4';"
        "document.querySelector('[name=star]').dispatchEvent(new Event('input', {bubbles: true}))"
    )
    assert tab.value(shown) == 6
    assert tab.value(OUTPUT) == "显示 6 / 49 项"


def test_the_catalogue_finds_columns_in_chinese_when_a_reader_types(tab: Tab, pages: Path) -> None:
    tab.width(DESKTOP)
    tab.open((pages / "catalogue.html").as_uri())
    shown, every = SHOWN.format("#contracts .entry"), tab.value(SHOWN.format("#contracts .entry"))
    assert every > 100
    tab.value("document.querySelector('[data-filter=contracts] [name=text]').focus()")
    tab.type("户籍")
    found = tab.value(shown)
    assert 0 < found < every
    assert tab.value(OUTPUT) == f"显示 {found} / {every} 项"
    assert tab.value("document.querySelector('form.filter output').getAttribute('aria-live')") == "polite"
    assert tab.value("CSS.highlights.get('found').size") >= found
    tab.press("Enter")
    assert tab.value("document.activeElement.closest('.entry').checkVisibility()") is True
    assert "extract/" in tab.value("document.activeElement.href")
    tab.value("document.querySelector('[data-filter=contracts] [name=text]').select()")
    tab.type("绝无此词")
    assert tab.value(shown) == 0
    assert tab.value(OUTPUT).startswith("没有符合的")


def test_lineage_is_walked_by_keyboard_when_links_are_followed(tab: Tab, pages: Path) -> None:
    tab.width(DESKTOP)
    tab.open((pages / "lineage.html").as_uri())
    tab.value("document.querySelector('[data-filter=lineage] [name=text]').focus()")
    tab.type("企业")
    assert 0 < tab.value(SHOWN.format("#lineage .entry")) < 150
    tab.open((pages / "indicator/cloud_enterprises.html").as_uri() + "#lineage")
    tab.value("document.querySelector('.drawing').focus()")
    tab.press("Tab")
    assert tab.value("document.activeElement.closest('svg.diagram') !== null") is True
    assert tab.value("getComputedStyle(document.activeElement.querySelector('rect')).strokeWidth") == "3px"
    target = tab.value("document.activeElement.href.baseVal")
    assert target.startswith("../extract/")
    tab.open((pages / "indicator" / target).resolve().as_uri())
    assert tab.value("document.querySelectorAll('svg.diagram a[href*=cloud_enterprises]').length") == 1


@pytest.mark.parametrize("page", PAGES)
def test_focus_is_seen_and_skips_to_content_when_tab_is_pressed(tab: Tab, pages: Path, page: str) -> None:
    tab.width(DESKTOP)
    tab.open((pages / page).as_uri())
    tab.press("Tab")
    assert tab.value("document.activeElement.className") == "skip"
    reached = []
    for _ in range(14):
        tab.press("Tab")
        reached.append(tab.value("document.activeElement.textContent.trim()"))
        assert tab.value(
            "(() => { const one = document.activeElement, style = getComputedStyle(one);"
            " const rect = one.querySelector('rect');"
            " return one === document.body || style.outlineStyle !== 'none'"
            " || (rect && getComputedStyle(rect).strokeWidth === '3px') })()"
        ), reached[-1]
    assert "English" in reached
    tab.value("document.querySelector('.skip').focus()")
    tab.press("Enter")
    assert tab.value("document.activeElement.id") == "main"
