"""The portal in a real browser: it draws, filters, fits a phone, obeys its policy and is accessible."""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.browser.chromium import Tab
from tests.integration.portal_city import RUN

PAGES = (
    "index.html", "en/index.html", "indicator/dept_sharing_rate.html", "indicator/smart_lighting_rate.html",
    "plan.html", "projects.html", "improvements.html",
    "departments.html", "department/industry_it.html", "department/market_regulation.html", "receipt/1.html",
    "receipt/7.html", "catalogue.html", "auditor/index.html", "auditor/batch-5.html", f"auditor/run-{RUN}.html",
)  # fmt: skip


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def site(pages: Path) -> Iterator[str]:
    handler = functools.partial(_Quiet, directory=str(pages))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()


@pytest.mark.parametrize("page", PAGES)
def test_a_page_opens_without_complaint_or_foreign_request_when_read_from_disk(
    tab: Tab, pages: Path, page: str
) -> None:
    tab.width(1280)
    tab.open((pages / page).as_uri())
    assert tab.complaints() == []
    assert all(url.startswith(("file://", "data:", "blob:")) for url in tab.requests())
    assert tab.value("getComputedStyle(document.querySelector('header.site')).backgroundColor") == "rgb(23, 58, 99)"


@pytest.mark.parametrize("page", PAGES)
def test_a_page_opens_without_complaint_or_foreign_request_when_served(tab: Tab, site: str, page: str) -> None:
    tab.open(site + page)
    assert tab.complaints() == []
    assert all(url.startswith((site, "data:", "blob:")) for url in tab.requests())


@pytest.mark.parametrize("page", ["index.html", "indicator/dept_sharing_rate.html", "department/industry_it.html"])
def test_charts_are_drawn_from_their_tables_when_scripts_run(tab: Tab, pages: Path, page: str) -> None:
    tab.width(1280)
    tab.open((pages / page).as_uri())
    drawn = tab.value(
        "[...document.querySelectorAll('.chart canvas')].map((c) =>"
        " new Set(c.getContext('2d').getImageData(0, 0, c.width, c.height).data).size > 8)"
    )
    assert drawn == [True]


@pytest.mark.parametrize("page", PAGES)
def test_nothing_sticks_out_when_the_screen_is_a_phone(tab: Tab, pages: Path, page: str) -> None:
    tab.width(375)
    tab.open((pages / page).as_uri())
    assert tab.value("document.documentElement.scrollWidth") <= 375


def test_the_list_narrows_when_a_reader_filters(tab: Tab, pages: Path) -> None:
    tab.width(1280)
    tab.open((pages / "index.html").as_uri())
    shown = "[...document.querySelectorAll('tr.indicator')].filter((r) => r.checkVisibility()).length"
    assert tab.value(shown) == 49
    tab.value("document.querySelector('[name=star]').focus()")
    tab.value(
        "document.querySelector('[name=star]').value = '4';"
        "document.querySelector('[name=star]').dispatchEvent(new Event('input', {bubbles: true}))"
    )
    assert tab.value(shown) == 6
    assert tab.value("document.querySelector('form.filter output').textContent") == "显示 6 / 49 项"


def test_a_contract_opens_when_a_link_points_at_it(tab: Tab, pages: Path) -> None:
    tab.open((pages / "catalogue.html").as_uri() + "#market_regulation__enterprise")
    assert tab.value("document.getElementById('market_regulation__enterprise').open") is True


def test_the_keyboard_reaches_content_and_links_when_tab_is_pressed(tab: Tab, pages: Path) -> None:
    tab.width(1280)
    tab.open((pages / "index.html").as_uri())
    reached = []
    for _ in range(12):
        tab.press("Tab")
        reached.append(tab.value("document.activeElement.className + '|' + document.activeElement.textContent.trim()"))
    assert reached[0] == "skip|跳到正文"
    assert "language|English" in reached
    assert f"|{RUN}" in reached


@pytest.mark.parametrize("page", PAGES)
def test_accessibility_rules_hold_when_axe_judges_a_page(tab: Tab, pages: Path, axe: str, page: str) -> None:
    tab.width(1280)
    tab.open((pages / page).as_uri())
    tab.value(axe + "; true")
    violations = tab.value(
        "axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'best-practice']}).then((r) =>"
        " r.violations.map((v) => [v.id, v.nodes.slice(0, 3).map((n) => n.html.slice(0, 160))]))"
    )
    assert violations == []
