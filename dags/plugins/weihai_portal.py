"""The portal in Airflow's menu, and a run's audit page beside the run. An Airflow plugin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from airflow.plugins_manager import AirflowPlugin

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

PREFIX = "/portal"
PAGES = (
    ("nav", "数据门户", "portal", "index.html"),
    ("nav", "部门", "portal-departments", "departments.html"),
    ("nav", "审计", "portal-auditor", "auditor/index.html"),
    ("dag_run", "审计页", "portal-run", "runs/{RUN_ID}"),
)
"""Where it is shown, its name, its place in Airflow's addresses, and the page."""


class Portal:
    """The pages, made when they are first asked for: every process of Airflow loads its plugins."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        from dags.support.portal_pages import application

        await application()(scope, receive, send)


class WeihaiPortal(AirflowPlugin):
    """Who is logged in to Airflow sees the portal; nobody else."""

    name = "weihai_portal"
    fastapi_apps: ClassVar[list[dict[str, Any]]] = [{"app": Portal(), "url_prefix": PREFIX, "name": "威海数据门户"}]
    external_views: ClassVar[list[dict[str, str | None]]] = [
        {"name": name, "href": f"{PREFIX}/{page}", "destination": destination, "url_route": route, "category": None}
        for destination, name, route, page in PAGES
    ]
