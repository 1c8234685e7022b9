"""What a failed gate holds back and what it lets through: one test for each row of docs/reference/gates.md.

Deliveries are real from inbox to `raw`; every one follows a good one of its own extract, and all are judged at once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from connectors import intake, landing
from connectors.contract import Contracts, load_contracts
from connectors.database import Connection, connect
from connectors.raw_tables import ensure_raw_tables
from connectors.settings import CHECKOUT, Settings
from dags.support import runs
from dags.support.alerting import events
from dags.support.alerting.alert import Kind
from expectations import gate
from tests.conftest import create_database, drop_database, dsn_of
from tests.integration.office import Office, csv_bytes

TABLE = CHECKOUT / "docs" / "reference" / "gates.md"
NOW = datetime(2021, 10, 8, 9, 0, tzinfo=ZoneInfo("Asia/Shanghai"))
SEPTEMBER, OCTOBER = date(2021, 9, 30), date(2021, 10, 7)
RUN = "run-20211008T090000"
ROWS = 40
CONTRACT = """
title: 试验
description: 质量门试验用的数据。
key: [code]
mode: incremental
cycle: daily
sharing: {type: 无条件共享}
columns:
  code: {header: 编号, type: text, required: true}
  value: {header: 数值, type: int}
  a: {header: 甲, type: text, required: warning}
  b: {header: 乙, type: text, required: warning}
  c: {header: 丙, type: text, required: warning}
  begun_on: {header: 开始日期, type: date}
  ended_on: {header: 结束日期, type: date}
rules:
  in_order:
    kind: date_order
    earlier: begun_on
    later: ended_on
    dimension: "0503"
    severity: critical
    threshold: 0.8
    message: 开始日期不应晚于结束日期。
"""
Rows = list[dict[str, Any]]


def rows(count: int = ROWS, *, value: int = 2, filled: int | None = None, in_order: int | None = None) -> Rows:
    """Rows of which the first `filled` have 甲, 乙 and 丙, and the first `in_order` have dates in order."""
    texts = [dict.fromkeys("abc", "有") if filled is None or n < filled else {} for n in range(count)]
    dates = [
        {}
        if in_order is None
        else {"begun_on": "2021-01-02", "ended_on": "2021-01-03" if n < in_order else "2021-01-01"}
        for n in range(count)
    ]
    return [{"code": f"{n:03}", "value": value, **texts[n], **dates[n]} for n in range(count)]


# completeness counts key, code, 甲, 乙, 丙; with accuracy whole, the score is the mean of both
DELIVERIES: Mapping[str, Rows] = {
    "score_critical": rows(filled=24),  # (2 + 3 × 0.6) / 5 = 0.76: 88 %
    "score_warning": rows(filled=32),  # (2 + 3 × 0.8) / 5 = 0.88: 94 %
    "rule_critical": rows(in_order=31),  # 77.5 % of 80 %; the score stays over 90 %
    "rule_warning": rows(filled=35),  # 87.5 % of 90 %; the score stays over 95 %
    "rule_info": rows(in_order=35),  # 87.5 % of 90 %; the score stays over 95 %
    "guard_critical": rows(),
    "guard_warning": rows(4 * ROWS),
    "withdrawal": rows(10),
    "not_judged": rows(),
}
HELD = {"score_critical", "rule_critical", "guard_critical", "withdrawal", "not_judged"}
CHANGES = {
    "rule_info": (("severity: critical", "severity: info"), ("threshold: 0.8", "threshold: 0.9")),
    "withdrawal": (("mode: incremental", "mode: full"),),
}


@dataclass(frozen=True)
class Row:
    """One row of the table."""

    level: str
    holds: str
    alert: str


def table() -> dict[str, Row]:
    cells = [line.strip("| ").split(" | ") for line in TABLE.read_text(encoding="utf-8").splitlines() if "| `" in line]
    return {c[0].strip("`"): Row(level=c[2], holds=c[4], alert=c[6]) for c in cells if c[0].startswith("`")}


@dataclass(frozen=True)
class Judged:
    """What became of every case's delivery, and what was told of it."""

    office: Office
    batch_ids: Mapping[str, int]
    alerts: Mapping[int, Kind]

    def status(self, case: str) -> str:
        return str(self.office.batch(self.batch_ids[case]))

    def values(self, case: str) -> set[int]:
        """The values in force: 1 from the first delivery, 2 from the one that was judged."""
        return {value for (value,) in self.office.current(case, "value")}

    def told(self, case: str) -> Kind | None:
        return self.alerts.get(self.batch_ids[case])


@pytest.fixture(scope="module")
def settings(server: str, warehouse_template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """One home and database for the whole module."""
    name = f"{warehouse_template}_table"
    create_database(server, name, template=warehouse_template)
    folder = tmp_path_factory.mktemp("table")
    department = folder / "contracts" / "test_office"
    department.mkdir(parents=True)
    for case in (*DELIVERIES, "contract_ahead"):
        text = CONTRACT
        for old, new in CHANGES.get(case, ()):
            assert old in text
            text = text.replace(old, new)
        (department / f"{case}.yml").write_text(text, encoding="utf-8")
    home = Settings(home=folder / "home", warehouse_dsn=dsn_of(server, name))
    yield Settings(
        home=home.home,
        warehouse_dsn=home.warehouse_dsn,
        contract_folders=(*home.contract_folders, folder / "contracts"),
    )
    drop_database(server, name)


@pytest.fixture(scope="module")
def judged(settings: Settings) -> Judged:
    """Every case's good delivery applied, its second one received, all judged at once, decided and told of."""
    office = Office(settings, load_contracts(settings.contract_folders), NOW)
    for case in (*DELIVERIES, "contract_ahead"):
        office.put("a.csv", _file(office.contracts, case, rows(value=1)), case, as_of=SEPTEMBER)
    office.run()
    since = office.tick()
    _leave_behind(office, "contract_ahead", "数值, type: int", "数值, type: date")
    for case, delivered in DELIVERIES.items():
        office.put("b.csv", _file(office.contracts, case, delivered), case, as_of=OCTOBER)
    office.put("b.csv", _file(office.contracts, "contract_ahead", rows()), "contract_ahead", as_of=OCTOBER)
    office.put("c.xlsx", b"PK\x03\x04 broken", "rule_info")
    waiting = landing.scan(settings.landing, office.contracts, settle_seconds=0)
    received = [intake.receive(settings, office.contracts, d, run_id=RUN, now=office.tick()) for d in waiting]
    found = {office.batch(b, "file_name, extract"): b for b in received}
    batch_ids = {case: found["b.csv", case] for case in (*DELIVERIES, "contract_ahead")}
    batch_ids["file_unusable"] = found["c.xlsx", "rule_info"]
    tampered = f"staging.batch_{batch_ids['guard_critical']}_key"
    office.execute(f"update {tampered} set disposition = 'unchanged' where row_no = 5")
    _decide(office, settings, batch_ids)
    with connect(settings.dsn()) as connection:
        alerts = {
            batch_id: alert.kind
            for alert in events.of_deliveries(connection, RUN, since=since, now=NOW)
            for batch_id in alert.facts["subjects"]
        }
    return Judged(office, batch_ids, alerts)


def _file(contracts: Contracts, case: str, delivered: Rows) -> bytes:
    return csv_bytes(contracts[f"test_office__{case}"], delivered)


def _leave_behind(office: Office, case: str, old: str, new: str) -> None:
    """Change a contract in a way that its raw table cannot follow."""
    path = office.settings.contract_folders[-1] / "test_office" / f"{case}.yml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    office.contracts = load_contracts(office.settings.contract_folders)
    with connect(office.settings.dsn()) as connection:
        assert f"test_office__{case}" in ensure_raw_tables(connection, office.contracts).refused


def _decide(office: Office, settings: Settings, batch_ids: Mapping[str, int]) -> None:
    """Judge what is staged; of one the gate does not know the contract, so that it cannot judge it."""
    staged = [b for b in batch_ids.values() if office.batch(b) == "staged"]
    known = {name: c for name, c in office.contracts.items() if name != "test_office__not_judged"}
    for verdict in gate.judge_batches(settings, known, staged, run_id=RUN, now=office.tick()):
        intake.decide(settings, office.contracts, verdict, now=office.tick())


def test_every_row_has_a_test_and_every_test_a_row() -> None:
    assert set(table()) == {*DELIVERIES, *OF_READING, *OF_RUNS}
    kinds = {kind.value for kind in Kind} - {"trial"}
    assert {row.alert for row in table().values() if not row.alert.startswith("none")} == {f"`{k}`" for k in kinds}


@pytest.mark.parametrize("case", DELIVERIES)
def test_delivery_is_held_or_goes_on_as_its_row_says(judged: Judged, case: str) -> None:
    row = table()[case]
    assert (row.level == "critical") is ("(`held`)" in row.holds) is (case in HELD)
    if case in HELD:
        assert judged.status(case) == "held"
        assert judged.values(case) == {1}
    else:
        assert row.holds == "nothing"
        assert judged.status(case).startswith("accepted")
        assert judged.values(case) == {2}
    told = judged.told(case)
    assert row.alert.startswith("none") if told is None else row.alert == f"`{told.value}`"


@pytest.mark.parametrize(
    ("case", "expectation", "severity"),
    [
        ("score_critical", "score_reaches_target", "critical"),
        ("score_warning", "score_clear_of_target", "warning"),
        ("rule_critical", "in_order", "critical"),
        ("rule_warning", "a.required", "warning"),
        ("rule_info", "in_order", "info"),
        ("guard_critical", "staged_rows_match_ledger", "critical"),
        ("guard_warning", "volume_near_history", "warning"),
        ("withdrawal", "withdrawal_within_limit", "critical"),
        ("not_judged", "gate_evaluated", "critical"),
    ],
)
def test_it_is_the_case_of_the_row_that_failed(judged: Judged, case: str, expectation: str, severity: str) -> None:
    failed = dict(
        judged.office.rows(
            "select expectation, severity from quality.gate_result where batch_id = %s and not success",
            judged.batch_ids[case],
        )
    )
    assert failed[expectation] == severity
    others = {"score_clear_of_target"} if expectation == "score_reaches_target" else set()
    assert {name for name, level in failed.items() if level == "critical"} <= {expectation}
    if severity != "warning":
        assert {name for name in failed if name.startswith("score_")} <= {expectation} | others | {
            "score_clear_of_target"
        }


def file_unusable(judged: Judged) -> None:
    assert judged.status("file_unusable") == "rejected"
    assert judged.told("file_unusable") is None
    assert judged.office.receipt(judged.batch_ids["file_unusable"])["status"] == "rejected"


def contract_ahead(judged: Judged) -> None:
    assert judged.status("contract_ahead") == "held"
    assert judged.values("contract_ahead") == {1}
    assert judged.told("contract_ahead") is Kind.BATCH_HELD


OF_READING: Mapping[str, Callable[[Judged], None]] = {
    "file_unusable": file_unusable,
    "contract_ahead": contract_ahead,
}


@pytest.mark.parametrize("case", OF_READING)
def test_delivery_that_was_not_staged_stays_out_as_its_row_says(judged: Judged, case: str) -> None:
    OF_READING[case](judged)


def test_held_delivery_is_in_force_when_a_person_releases_it(judged: Judged) -> None:
    office, batch_id = judged.office, judged.batch_ids["score_critical"]
    intake.release(office.settings, office.contracts, batch_id, actor="王", why="已电话核实", now=office.tick())
    assert judged.status("score_critical").startswith("accepted")
    assert judged.values("score_critical") == {2}


@dataclass(frozen=True)
class Assessed:
    """A warehouse in which runs can be judged and published."""

    settings: Settings
    connection: Connection

    def run(self, run_id: str) -> None:
        self.connection.execute(
            "insert into mart.run (run_id, as_of, known_at, rule_version, project_version, started_at, state)"
            " values (%s, '2021-09-30', 1, 'r', 'p', %s, 'built')",
            (run_id, NOW),
        )

    def judge(self, run_id: str, *, met: Mapping[str, bool | None] | None = None, others: int = 4) -> dict[str, Kind]:
        """Give a run its readings, all met but for those named; judge and publish it; return what was told of."""
        self.run(run_id)
        readings = ("annex2_sharing", "annex2_opening", "main_text", "annex1_literal", "annex2_credit_sharing")
        for seq, reading in enumerate(readings, 1):
            self.connection.execute(
                "insert into mart.target_reading_run (run_id, seq, reading, value, target, met)"
                " values (%s, %s, %s, 0.9, 0.9, %s)",
                (run_id, seq, reading, (met or {}).get(reading, True)),
            )
        for indicator in ("dept_sharing_rate", "open_data_category_rate", "credit_realtime_sharing_rate"):
            self.connection.execute(
                "insert into mart.reading_run values (%s, 'p', 'q', %s, '89%%', %s)", (run_id, indicator, others)
            )
        verdict = gate.judge_targets(self.settings, run_id, now=NOW)
        runs.publish_run(self.settings, run_id, "passed" if verdict.passed else "target_missed", now=NOW)
        told = list(events.of_targets(self.connection, run_id, now=NOW))
        return {name: alert.kind for alert in told for name in alert.facts["subjects"]}

    def published(self, run_id: str) -> tuple[str, str | None]:
        row = self.connection.execute("select state, verdict from mart.run where run_id = %s", (run_id,)).fetchone()
        assert row is not None
        return row[0], row[1]


@pytest.fixture(scope="module")
def assessed(settings: Settings) -> Iterator[Assessed]:
    with connect(settings.dsn(), autocommit=True) as connection:
        connection.execute(
            "create table mart.target_reading_run (run_id text, seq smallint, reading text, title text, source text,"
            " quote text, is_binding boolean, rates jsonb, value numeric, target numeric, met boolean, reason text);"
            "create table quality.cross_check_run (run_id text, check_name text, passed bigint, checked bigint,"
            " department text default '', examples text)"
        )
        yield Assessed(settings, connection)


def target_missed(assessed: Assessed) -> str:
    told = assessed.judge("missed", met={"annex2_credit_sharing": False})
    assert told == {"annex2_credit_sharing": Kind.TARGET_MISSED}
    assert assessed.published("missed") == ("published", "target_missed")
    return told["annex2_credit_sharing"].value


def target_undecided(assessed: Assessed) -> str:
    told = assessed.judge("undecided", met={"annex2_opening": None})
    assert assessed.published("undecided") == ("published", "target_missed")
    return told["annex2_opening"].value


def target_warning(assessed: Assessed) -> str:
    told = assessed.judge("warned", met={"annex1_literal": False}, others=0)
    assert set(told.values()) == {Kind.RUN_WARNED}
    assert set(told) == {
        "annex1_literal",
        *(f"in_other_readings_{n}" for n in ("sharing", "opening", "credit_sharing")),
    }
    assert assessed.published("warned") == ("published", "passed")
    return told["annex1_literal"].value


def across_failed(assessed: Assessed) -> str:
    assessed.run("across")
    assessed.connection.execute(
        "insert into quality.cross_check_run values ('across', 'no_pension_after_death', 9, 10),"
        " ('across', 'births_registered', 1, 10)"
    )
    assert len(gate.judge_across(assessed.settings, "across", now=NOW)) >= 2
    runs.publish_run(assessed.settings, "across", "passed", now=NOW)
    told = {n: a.kind for a in events.of_targets(assessed.connection, "across", now=NOW) for n in a.facts["subjects"]}
    assert told["no_pension_after_death"] is told["births_registered"] is Kind.RUN_WARNED
    assert assessed.published("across") == ("published", "passed")
    return told["births_registered"].value


def models_failed(assessed: Assessed) -> str:
    assessed.judge("before")
    assessed.run("broken")
    runs.break_run(assessed.settings, "broken", now=NOW)
    assert assessed.published("broken") == ("broken", None)
    latest = assessed.connection.execute("select run_id from mart.latest_run where run_id in ('before', 'broken')")
    assert ("broken",) not in latest.fetchall()
    assert assessed.published("before") == ("published", "passed")
    return Kind.TASK_FAILED.value


def run_late(_assessed: Assessed) -> str:
    """That it is told and goes on: `test_alerting` and the end-to-end tests."""
    return Kind.RUN_LATE.value


OF_RUNS: Mapping[str, Callable[[Assessed], str]] = {
    "models_failed": models_failed,
    "target_missed": target_missed,
    "target_undecided": target_undecided,
    "target_warning": target_warning,
    "across_failed": across_failed,
    "run_late": run_late,
}


@pytest.mark.parametrize("case", OF_RUNS)
def test_run_is_published_or_held_back_as_its_row_says(assessed: Assessed, case: str) -> None:
    assert table()[case].alert == f"`{OF_RUNS[case](assessed)}`"


def test_table_names_what_stands_in_the_suites() -> None:
    text = TABLE.read_text(encoding="utf-8")
    for path in re.findall(r"`(expectations/[^`]+|tests/[^`]+|seeds/[^`]+)`", text):
        assert (CHECKOUT / path).is_file(), path
