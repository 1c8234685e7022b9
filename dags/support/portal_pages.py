"""The portal's static pages behind Airflow's login: only files below the portal's folder, only for reading."""

from __future__ import annotations

from functools import cache

from fastapi import Depends, FastAPI, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles

from connectors.settings import load_settings
from dags.support.runs import run_name
from portal.site import CONTENT_SECURITY_POLICY

HEADERS = {
    # behind a login: no shared cache keeps a page, and a browser asks whether its own is still the newest
    "Cache-Control": "private, no-cache",
    "Content-Security-Policy": f"{CONTENT_SECURITY_POLICY}; frame-ancestors 'self'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Referrer-Policy": "same-origin",
}
_ABSENT = """<!doctype html><html lang="zh-CN"><meta charset="utf-8"><title>没有这一页</title>
<p>门户中没有这一页。门户在第一次运行发布后生成（<code>weihai run</code>），
也可用 <code>weihai portal</code> 重建。</p></html>
"""


@cache
def application() -> FastAPI:
    """Return the app; every request of it needs a user that Airflow's auth manager knows."""
    from airflow.api_fastapi.core_api.security import get_user

    app = FastAPI(dependencies=[Depends(get_user)], docs_url=None, redoc_url=None, openapi_url=None)
    app.add_api_route("/runs/{run_id}", run_page, methods=["GET"])
    app.add_api_route("/{path:path}", page, methods=["GET", "HEAD"])
    return app


async def run_page(run_id: str, request: Request) -> Response:
    """Lead from a DAG run to its audit page, or to all of them where it was not published."""
    name = f"auditor/run-{run_name(run_id)}.html"
    found = (load_settings().portal / name).is_file()
    return RedirectResponse(f"{request.scope['root_path']}/{name if found else 'auditor/index.html'}", headers=HEADERS)


async def page(path: str, request: Request) -> Response:
    """Return a file of the portal; `StaticFiles` resolves links and refuses whatever lies outside of the folder."""
    files = StaticFiles(directory=load_settings().portal, html=True, check_dir=False)
    try:
        answer = await files.get_response(path or ".", request.scope)
    except HTTPException as error:
        answer = HTMLResponse(_ABSENT, status_code=error.status_code)
    answer.headers.update(HEADERS)
    return answer
