"""The portal behind Airflow's login: who gets in, what is served, what is not."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from dags.support import portal_pages


@pytest.fixture
def portal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with pages as `portal.swap` leaves them: a link to a hidden folder; secrets lie beside."""
    monkeypatch.setenv("WEIHAI_HOME", str(tmp_path))
    reports = tmp_path / "reports"
    pages = reports / ".portal-1"
    (pages / "auditor").mkdir(parents=True)
    (pages / "index.html").write_text("首页")
    (pages / "auditor" / "index.html").write_text("审计")
    (pages / "auditor" / "run-manual__2021-10-08T09-00-00-08-00.html").write_text("运行")
    (pages / "portal.css").write_text("body {}")
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "key").write_text("geheim")
    (reports / "gates.json").write_text("geheim")
    (pages / "stray").symlink_to(tmp_path / "secrets")
    (reports / "portal").symlink_to(".portal-1")
    return reports / "portal"


@pytest.fixture
def browser(portal: Path) -> TestClient:
    """Somebody who is logged in."""
    from airflow.api_fastapi.core_api.security import get_user

    portal_pages.application.cache_clear()
    app = portal_pages.application()
    app.dependency_overrides[get_user] = lambda: "somebody"
    return TestClient(app, root_path="/portal")


@pytest.mark.usefixtures("portal")
@pytest.mark.parametrize(
    "path", ["/", "/index.html", "/portal.css", "/absent.html", "/runs/r", "/docs", "/openapi.json"]
)
def test_nothing_is_shown_when_nobody_is_logged_in(path: str) -> None:
    portal_pages.application.cache_clear()
    stranger = TestClient(portal_pages.application())
    assert stranger.get(path, follow_redirects=False).status_code == 401


def test_pages_are_shown_with_headers_that_keep_them_in(browser: TestClient) -> None:
    first = browser.get("/")
    assert (first.status_code, first.text) == (200, "首页")
    assert first.headers["cache-control"] == "private, no-cache"
    policy = first.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self';")
    assert policy.endswith("; frame-ancestors 'self'")
    assert "http" not in policy
    assert browser.get("/auditor/").text == "审计"
    assert browser.get("/portal.css").headers["content-type"].startswith("text/css")
    again = browser.get("/", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.text) == (304, "")
    assert browser.head("/index.html").status_code == 200
    assert browser.post("/index.html").status_code == 405


@pytest.mark.parametrize(
    "path",
    [
        "/%2e%2e/gates.json",
        "/..%2fgates.json",
        "/auditor/%2e%2e/%2e%2e/%2e%2e/secrets/key",
        "/%2fetc/passwd",
        "/..%5cgates.json",
        "/stray/key",
        "/index.html%00.css",
        "/" + "a" * 5_000,
    ],
)
def test_nothing_outside_the_folder_is_served_whatever_the_path(browser: TestClient, path: str) -> None:
    answer = browser.get(path)
    assert answer.status_code == 404
    assert "geheim" not in answer.text
    assert "没有这一页" in answer.text


def test_run_leads_to_its_audit_page_when_it_was_published(browser: TestClient) -> None:
    published = browser.get("/runs/manual__2021-10-08T09%3A00%3A00%2B08%3A00", follow_redirects=False)
    assert published.headers["location"] == "/portal/auditor/run-manual__2021-10-08T09-00-00-08-00.html"
    other = browser.get("/runs/%2e%2e%2f%2e%2e", follow_redirects=False)
    assert other.status_code in (307, 404)
    assert other.headers.get("location", "/portal/auditor/index.html") == "/portal/auditor/index.html"


def test_page_says_what_to_do_when_there_is_no_portal_yet(browser: TestClient, portal: Path) -> None:
    portal.unlink()
    answer = browser.get("/")
    assert answer.status_code == 404
    assert "weihai run" in answer.text
