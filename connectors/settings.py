"""Where a home keeps its state, and how the warehouse is reached: the only module that reads the environment."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from connectors.errors import UserError

CHECKOUT = Path(__file__).resolve().parent.parent
DEADLINES: Mapping[str, timedelta] = {
    "intake": timedelta(minutes=120),
    "warehouse": timedelta(minutes=180),
    "assess": timedelta(minutes=60),
}


class WarehouseUnreachableError(UserError):
    """The home names no database yet; the message says how to get one."""


@dataclass(frozen=True)
class Limits:
    """Bounds on what one delivered file may cost.

    Sizes are bytes, times seconds. A workbook is loaded whole, so it has limits of its own; `unpacked_bytes` and
    `members` bound what an archive may hold, `record_bytes` one record of a JSON file,
    `batch_text_bytes` one column of a batch of Parquet rows, `response_bytes` one answer of an HTTP interface.
    """

    file_bytes: int = 8 * 1024**3
    workbook_bytes: int = 256 * 1024**2
    workbook_unpacked_bytes: int = 2 * 1024**3
    workbook_cells: int = 20_000_000
    unpacked_bytes: int = 8 * 1024**3
    members: int = 200
    record_bytes: int = 16 * 1024**2
    batch_text_bytes: int = 32 * 1024**2
    response_bytes: int = 64 * 1024**2
    columns: int = 2_000
    settle_seconds: float = 1.0


@dataclass(frozen=True)
class Settings:
    """One home (`WEIHAI_HOME`) and the database that belongs to it."""

    home: Path
    warehouse_dsn: str | None = None
    contract_folders: tuple[Path, ...] = (CHECKOUT / "connectors" / "contracts",)
    limits: Limits = field(default_factory=Limits)
    airflow_url: str | None = None
    """Where an Airflow answers that is not started by `weihai up`, as in `docker/`."""
    log_days: int = 184
    """Logs are kept for so long at least."""
    deadlines: Mapping[str, timedelta] = field(default_factory=lambda: DEADLINES, hash=False)
    """By DAG: a run that takes longer, its time in the queue included, is told as late."""

    @property
    def landing(self) -> Path:
        """Departments drop files here: `landing/<department>/inbox/<extract>/FILE`."""
        return self.home / "landing"

    @property
    def archive(self) -> Path:
        """Every delivered file, by content: `archive/<sha256[:2]>/<sha256>`."""
        return self.home / "archive"

    @property
    def pulling(self) -> Path:
        """Rows on their way from a database or HTTP interface into the landing zone; mode 0700."""
        return self.home / "pulling"

    @property
    def known(self) -> Path:
        """What the rows of the last full deliveries were read as (`known_rows`); mode 0700; may be removed."""
        return self.home / "known"

    @property
    def linking(self) -> Path:
        """What does not fit into memory while records are linked; mode 0700, empty afterwards."""
        return self.home / "linking"

    @property
    def reports(self) -> Path:
        """Gate results, auditor pages and the portal."""
        return self.home / "reports"

    @property
    def portal(self) -> Path:
        """The static pages of the latest published run."""
        return self.reports / "portal"

    @property
    def templates(self) -> Path:
        """What the portal's templates compile to; may be removed."""
        return self.home / "templates"

    @property
    def dbt(self) -> Path:
        """What dbt compiled, and its manifest."""
        return self.home / "dbt"

    @property
    def open_data(self) -> Path:
        """What is opened to the public, as files: catalogue, data dictionary, data."""
        return self.reports / "open_data"

    @property
    def logs(self) -> Path:
        """Logs of the supervisor, PostgreSQL and dbt."""
        return self.home / "logs"

    @property
    def postgres(self) -> Path:
        """State of the embedded server, and how to reach it (`connection.json`)."""
        return self.home / "postgres"

    @property
    def airflow(self) -> Path:
        """AIRFLOW_HOME of this home."""
        return self.home / "airflow"

    @property
    def secrets(self) -> Path:
        """Generated passwords and the record-key secret; mode 0700."""
        return self.home / "secrets"

    @property
    def restoring(self) -> Path:
        """There while a backup is being restored into the home, which is not usable until then."""
        return self.home / ".restoring"

    def dsn(self) -> str:
        """Return the warehouse as a libpq URI.

        Raises:
            WarehouseUnreachableError: neither `WAREHOUSE_DSN` nor a started embedded server is known.
        """
        if self.warehouse_dsn is not None:
            return self.warehouse_dsn
        connection = self.postgres / "connection.json"
        if not connection.is_file():
            raise WarehouseUnreachableError(f"{self.home} 还没有启动数据库：先运行 `weihai up`，或设置 WAREHOUSE_DSN")
        dsn: str = json.loads(connection.read_text(encoding="utf-8"))["dsn"]
        return dsn


def load_settings(environ: Mapping[str, str] = os.environ) -> Settings:
    """Read `WEIHAI_HOME`, `WAREHOUSE_DSN`, `WEIHAI_AIRFLOW_URL`, `WEIHAI_LOG_DAYS` and two lists.

    `WAREHOUSE_DSN_FILE` names a file that holds the DSN; `WEIHAI_CONTRACTS` more contract folders, `:`-separated;
    `WEIHAI_DEADLINES` minutes by DAG, like `intake=120,assess=30`.

    Raises:
        UserError: the days or minutes are no number, a DAG is unknown, or the file is not there.
    """
    home = Path(environ.get("WEIHAI_HOME") or CHECKOUT / "var").expanduser().resolve()
    extra = tuple(Path(p) for p in environ.get("WEIHAI_CONTRACTS", "").split(os.pathsep) if p)
    return Settings(
        home=home,
        warehouse_dsn=environ.get("WAREHOUSE_DSN") or _content(environ.get("WAREHOUSE_DSN_FILE")),
        contract_folders=(CHECKOUT / "connectors" / "contracts", *extra),
        airflow_url=environ.get("WEIHAI_AIRFLOW_URL") or None,
        log_days=_days(environ.get("WEIHAI_LOG_DAYS") or "184"),
        deadlines={**DEADLINES, **_deadlines(environ.get("WEIHAI_DEADLINES") or "")},
    )


def _content(file: str | None) -> str | None:
    try:
        return Path(file).read_text(encoding="utf-8").strip() if file else None
    except OSError as error:
        raise UserError(f"读不了 WAREHOUSE_DSN_FILE 指向的 {file}") from error


def _deadlines(text: str) -> dict[str, timedelta]:
    found = {}
    for entry in filter(None, text.split(",")):
        dag_id, _, minutes = entry.strip().partition("=")
        try:
            found[dag_id] = timedelta(minutes=float(minutes))
        except (ValueError, OverflowError):
            found[dag_id] = timedelta()
        if dag_id not in DEADLINES or found[dag_id] <= timedelta():
            raise UserError(f"WEIHAI_DEADLINES 应如 intake=120,assess=30（分钟），收到的是“{entry}”")
    return found


def _days(text: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise UserError(f"WEIHAI_LOG_DAYS 应为天数，收到的是“{text}”") from error
