"""Life and residence, pension qualification, credit and licences: rows made by hand, two deliveries, three dbt runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from connectors.contract import Contracts
from connectors.database import Connection, connect
from connectors.raw_tables import ensure_raw_tables
from connectors.settings import Settings
from dags.support import library_builds, models
from linkage.mention_sql import mention_key
from tests.conftest import create_database, drop_database, dsn_of
from tests.integration.linked import changed, deliver_linked, follow, link, subject, take_mentions
from tests.integration.modelled import open_run

JULY, AUGUST, SEPTEMBER = date(2021, 7, 31), date(2021, 8, 31), date(2021, 9, 30)
LONG_TERM = date(9999, 12, 31)
HOUSEHOLD, PERMIT = "public_security__household_population", "public_security__residence_permit"
DEATH, CREMATION = "health__death_certificate", "civil_affairs__cremation"
INSURED, PENSION = "medical_security__insured", "human_resources__pension_payment"
PENALTY, LICENCE = "development_reform__administrative_penalty", "administrative_approval__electronic_licence"
DEBTOR = "court__judgment_debtor"
INCREMENTAL = (
    "population.int_person__status_evidence",
    "population.person_status",
    "population.int_pension_payee__evidence",
    "credit.administrative_permit",
    "credit.administrative_penalty",
    "credit.list_entry",
    "credit.subject_score",
    "licence.licence",
)
MODELS = (
    "int_person__status_evidence",
    "person_status",
    "int_pension_payee__evidence",
    "pension_qualification",
    "path:models/credit",
    "path:models/licence",
    "working_day",
    "target_ss_auto_2022_a1",
)


def _at(day: date, hour: int = 12) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=ZoneInfo("Asia/Shanghai"))


def _id(number: int, born: str = "19500101") -> str:
    return f"371002{born}{number:03d}X"


def _household(number: int, **facts: Any) -> dict[str, Any]:
    named = {"id_no": _id(number), "name": f"户{number}", "birth_date": date(1950, 1, 1), "household_no": str(number)}
    return named | {"_of": {"person": subject(number)}} | facts


def _payment(number: int, period: str, **facts: Any) -> dict[str, Any]:
    row = {"pension_no": f"TX{number}", "id_no": _id(number), "name": f"户{number}", "period": period}
    return row | {"payment_kind": "正常", "_of": {"person": subject(number)}} | facts


def _penalty(number: int, of: Mapping[str, Any] | None = None, **facts: Any) -> dict[str, Any]:
    row = {
        "document_no": f"罚{number}",
        "authority_name": "市市场监管局",
        "subject_name": f"甲{number}",
        "subject_kind": "自然人",
        "subject_id_no": _id(number),
        "penalty_kind": "罚款",
        "decided_on": date(2021, 9, 24),
        "reported_at": _at(SEPTEMBER),
        "state": "正常",
    }
    return row | ({"_of": of} if of else {}) | facts


def _licence(number: str, holder: str, of: Mapping[str, Any] | None = None, **facts: Any) -> dict[str, Any]:
    row = {
        "licence_id": f"1.2.156.3005.2.{number}",
        "type_code": "001",
        "type_name": "证照",
        "licence_no": number,
        "holder_name": "持证人",
        "holder_code": holder,
        "holder_code_kind": "公民身份号码",
        "issued_on": date(2020, 1, 1),
        "valid_to": LONG_TERM,
        "status": "有效",
    }
    return row | ({"_of": of} if of else {}) | facts


def _first(connection: Connection, contracts: Contracts) -> None:
    def put(contract_id: str, rows: list[dict[str, Any]], as_of: date = AUGUST) -> None:
        deliver_linked(connection, contracts, contract_id, rows, as_of=as_of)

    put(
        HOUSEHOLD,
        [
            *(_household(n) for n in (1, 2, 5, 12)),
            _household(6, cancelled_on=date(2021, 5, 5), cancel_reason="因死亡注销户口"),
            _household(7, moved_out_on=date(2021, 6, 1)),
            _household(8, id_no=_id(8, "20000101"), birth_date=None),
            _household(9, cancelled_on=date(2021, 10, 1), cancel_reason="死亡"),
            _household(10, cancelled_on=date(2021, 5, 5), cancel_reason="出国定居"),
        ],
    )
    put(
        DEATH,
        [
            {"death_cert_no": "2", "died_at": _at(JULY), "_of": {"person": subject(2)},
             "_issues": [{"column": "died_at", "rule": "born_before_died"}]},
            {"death_cert_no": "6", "died_at": _at(date(2021, 5, 1), 23), "_of": {"person": subject(6)}},
            {"death_cert_no": "8", "died_at": _at(date(1999, 1, 1)), "_of": {"person": subject(8)}},
        ],
    )  # fmt: skip
    put(CREMATION, [{"cremation_no": "3", "cremated_on": date(2021, 7, 1), "_of": {"person": subject(3)}}])
    put(
        PERMIT,
        [{"permit_no": "4", "id_no": _id(4), "registered_on": date(2020, 9, 16), "expires_on": date(2021, 9, 15),
          "_of": {"person": subject(4)}}],
    )  # fmt: skip
    put(
        INSURED,
        [
            {"insured_no": "11", "id_no": _id(11), "name": "户11", "status": "正常参保",
             "_of": {"person": subject(11)}},
            {"insured_no": "12", "id_no": _id(12), "name": "户12", "status": "正常参保",
             "last_visit_on": date(2020, 10, 1), "_of": {"person": subject(12)}},
            {"insured_no": "5", "id_no": _id(5), "name": "户5", "status": "正常参保",
             "last_visit_on": date(2020, 9, 30), "_of": {"person": subject(5)}},
        ],
    )  # fmt: skip
    put("veterans__veteran", [{"id_no": _id(13), "name": "兵", "_of": {"person": subject(13)}}])
    put(
        PENSION,
        [
            _payment(1, "202108"),
            _payment(5, "202109"),
            _payment(12, "202109"),
            _payment(4, "202109", last_verified_on=date(2021, 8, 1), pension_no="TX4"),
            _payment(99, "202109", _of={}),
        ],
        SEPTEMBER,
    )
    put(
        PENALTY,
        [
            _penalty(1, {"person": subject(1)}, reported_at=_at(date(2021, 10, 9))),
            _penalty(2, {"person": subject(2)}, reported_at=_at(date(2021, 10, 10))),
            _penalty(3, {"person": subject(3)}, reported_at=_at(date(2021, 10, 11), 1)),
            _penalty(4, {"person": subject(4)}, reported_at=None, published_until=date(2024, 9, 23)),
            _penalty(5, {"person": subject(5)}, decided_on=date(2018, 12, 28), repaired_on=date(2019, 3, 1)),
            _penalty(6, state="撤销"),
            _penalty(7, subject_id_no=None),
            _penalty(8, subject_kind="个体工商户", subject_id_no=None, subject_uscc="92371000MA3XXXXX1A",
                     _of={"entity": subject(50)}, fine_wan_cny="1.25"),
        ],
    )  # fmt: skip
    put(
        "development_reform__administrative_permit",
        [
            {"document_no": "许1", "authority_name": "市水务局", "permit_no": "1", "subject_name": "乙公司",
             "subject_kind": "法人及非法人组织", "subject_uscc": "91371000MA3XXXXX1A", "decided_on": date(2021, 9, 1),
             "valid_from": date(2021, 9, 2), "valid_to": LONG_TERM, "reported_at": _at(date(2021, 9, 2)),
             "state": "正常", "_of": {"entity": subject(51)}},
        ],
    )  # fmt: skip
    put(
        "development_reform__credit_list",
        [
            {"document_no": "红1", "subject_name": "乙公司", "category": "A级纳税人", "list_kind": "红名单",
             "subject_uscc": "91371000MA3XXXXX1A", "decided_on": date(2020, 1, 1), "expires_on": SEPTEMBER,
             "_of": {"entity": subject(51)}},
        ],
    )  # fmt: skip
    put(
        DEBTOR,
        [
            {"case_no": "执1", "subject_name": "张三", "published_on": date(2020, 1, 1)},
            {"case_no": "执2", "subject_name": "李四", "id_no": _id(1), "published_on": date(2020, 1, 1),
             "removed_on": date(2021, 9, 30), "_of": {"person": subject(1)}},
        ],
    )  # fmt: skip
    put(
        "development_reform__haibei_score",
        [
            {"id_no": _id(n), "name": f"户{n}", "score": score, "grade": grade, "scored_on": AUGUST,
             "_of": {"person": subject(n)}}
            for n, score, grade in ((1, "949.5", "B"), (2, "950", "B"), (5, "1150", "A"), (7, "800", None))
        ],
    )  # fmt: skip
    put(
        LICENCE,
        [
            _licence("1", _id(1), {"person": subject(1)}),
            _licence("2", "E12345678", {"person": subject(1)}, holder_code_kind="护照号", valid_to=SEPTEMBER),
            _licence("3", _id(1), {"person": subject(1)}, status="注销"),
            _licence("4", _id(77), _issues=[{"column": "licence_id", "rule": "licence_id.check_character"}]),
        ],
    )
    put("administrative_approval__service_item", [{"item_code": "1", "item_name": "事项", "uses_elicence": True}])
    _doubt(connection, contracts, DEBTOR, "case_no = '执1'")


def _doubt(connection: Connection, contracts: Contracts, contract_id: str, record: str) -> None:
    """Have linkage doubt whether a record, until now of nobody, speaks of a person."""
    role = take_mentions(connection, contracts)[contract_id, "person"]
    connection.execute(
        "insert into linkage.review select 'population', %s, _record_key, %s, 'weak_evidence', 5"
        f" from {role.raw} where {record}".encode(),
        (role.source_id, subject(1)),
    )
    changed(connection, role, subject(1))
    follow(connection)


def _second(connection: Connection, contracts: Contracts) -> None:
    deliver_linked(
        connection,
        contracts,
        DEATH,
        [{"death_cert_no": "1", "died_at": _at(date(2021, 9, 10)), "_of": {"person": subject(1)}}],
        as_of=SEPTEMBER,
    )
    deliver_linked(
        connection,
        contracts,
        INSURED,
        [{"insured_no": "1", "id_no": _id(1), "name": "户1", "last_visit_on": date(2021, 9, 20),
          "status": "正常参保", "_of": {"person": subject(1)}}],
        as_of=SEPTEMBER,
        withdrawn=["['11']"],
    )  # fmt: skip
    deliver_linked(connection, contracts, PENSION, [_payment(1, "202109"), _payment(1, "202110")], as_of=SEPTEMBER)
    revised = _penalty(4, {"person": subject(4)}, state="已修复", repaired_on=date(2021, 9, 29))
    deliver_linked(connection, contracts, PENALTY, [revised], as_of=SEPTEMBER)
    deliver_linked(connection, contracts, LICENCE, [], as_of=SEPTEMBER, withdrawn=["['1.2.156.3005.2.3']"])
    # what no delivery touched: two persons turn out to be one, and a penalty without a subject gets one
    roles = take_mentions(connection, contracts)
    role = roles[PENALTY, "person"]
    connection.execute("update linkage.person_link set person_id = %s where person_id = %s", (subject(1), subject(2)))
    changed(connection, role, subject(1), subject(2))
    [(batch_id, row_no)] = connection.execute(
        f"select _batch_id, _row_no from raw.{PENALTY} where document_no = '罚6'".encode()
    ).fetchall()
    link(connection, role, batch_id, row_no, subject(60))
    # who may be meant by a debtor is settled, by a licence in doubt
    connection.execute("delete from linkage.review")
    _doubt(connection, contracts, LICENCE, "licence_no = '4'")


def _build(settings: Settings, contracts: Contracts, connection: Connection, *, full: bool, seeds: bool) -> None:
    open_run(connection, f"run-{full}-{seeds}", as_of=SEPTEMBER)
    selected = [*MODELS, *(["resource_type:seed"] if seeds else [])]
    arguments = ["build", "--indirect-selection", "cautious", "--exclude-resource-type", "unit_test", "--select"]
    report = models.invoke(settings, contracts, [*arguments, *selected, *(["--full-refresh"] if full else [])])
    assert report.failed == ()


class Library:
    """The library after the first delivery, after the second, and built anew over both."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.first: dict[str, list[tuple[Any, ...]]] = {}
        self.second: dict[str, list[tuple[Any, ...]]] = {}
        self.anew: dict[str, list[tuple[Any, ...]]] = {}
        self.untouched: list[list[tuple[Any, ...]]] = []

    def rows(self, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
        try:
            return self.connection.execute(query.encode(), parameters).fetchall()
        finally:
            self.connection.rollback()

    def state(self) -> dict[str, list[tuple[Any, ...]]]:
        return {table: sorted(self.rows(f"select t::text from {table} as t")) for table in INCREMENTAL}

    def status(self, number: int, day: date) -> tuple[Any, ...] | None:
        rows = self.rows(
            "select life_status, life_reason_code, residence_status, residence_reason_code"
            " from population.person_status where person_id = %s and valid_from <= %s"
            " and (valid_to is null or %s < valid_to)",
            subject(number), day, day,
        )  # fmt: skip
        assert len(rows) <= 1
        return rows[0] if rows else None


@pytest.fixture(scope="module")
def library(
    server: str, warehouse_template: str, contracts: Contracts, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Library]:
    name = f"{warehouse_template}_libraries"
    create_database(server, name, template=warehouse_template)
    settings = Settings(home=tmp_path_factory.mktemp("libraries"), warehouse_dsn=dsn_of(server, name))
    with connect(settings.dsn()) as connection:
        ensure_raw_tables(connection, contracts)
        connection.commit()
        found = Library(connection)
        untouched = "select xmin::text from population.person_status where person_id = %s"
        _first(connection, contracts)
        _build(settings, contracts, connection, full=False, seeds=True)
        found.first = found.state()
        found.untouched.append(found.rows(untouched, subject(7)))
        _second(connection, contracts)
        _build(settings, contracts, connection, full=False, seeds=False)
        found.second = found.state()
        found.untouched.append(found.rows(untouched, subject(7)))
        _build(settings, contracts, connection, full=True, seeds=False)
        found.anew = found.state()
        yield found
    drop_database(server, name)


def test_incremental_equals_full_row_by_row_when_records_and_links_changed(library: Library) -> None:
    for table in INCREMENTAL:
        assert library.second[table] == library.anew[table], table
    changed_tables = {table for table in INCREMENTAL if library.first[table] != library.second[table]}
    assert {"population.person_status", "credit.administrative_penalty", "licence.licence"} <= changed_tables
    assert library.untouched[0] == library.untouched[1] != []


def test_mention_keys_in_dbt_are_those_of_linkage(contracts: Contracts, library: Library) -> None:
    key = mention_key(contracts[PENSION], "person", "p")
    unlinked = library.rows(f"select {key} from raw.{PENSION} as p where pension_no = 'TX99'")
    assert unlinked == library.rows("select payee_id from population.pension_qualification where person_id is null")


@pytest.mark.parametrize(
    ("number", "day", "expected"),
    [
        # of one of the two persons who turned out to be one, a death before birth is stated
        (1, AUGUST, ("alive", "death_evidence_ignored", "registered", "household_registered")),
        (1, SEPTEMBER, ("deceased", "death_certificate", "unknown", "deceased")),
        (3, SEPTEMBER, ("deceased", "cremation", "unknown", "deceased")),
        (6, SEPTEMBER, ("deceased", "death_certificate", "unknown", "deceased")),
        (8, SEPTEMBER, ("alive", "death_evidence_ignored", "registered", "household_registered")),
        (9, SEPTEMBER, ("alive", "death_evidence_ignored", "unknown", None)),
        (7, SEPTEMBER, ("alive", "household_moved_out", "moved_away", "household_moved_out")),
        (10, SEPTEMBER, ("alive", "household_cancelled", "unknown", "household_cancelled")),
        (4, date(2021, 9, 15), ("alive", "permit_valid", "resident", "permit_valid")),
        (4, date(2021, 9, 16), ("alive", "permit_expired", "unknown", "permit_expired")),
        (11, AUGUST, ("alive", "insured_here", "resident", "insured_here")),
        (11, SEPTEMBER, None),
        (12, SEPTEMBER, ("alive", "household_registered", "registered", "household_registered")),
        (13, SEPTEMBER, None),
        (1, JULY, None),
    ],
)
def test_status_follows_the_most_trusted_record_when_asked_for_a_day(
    library: Library, number: int, day: date, expected: tuple[Any, ...] | None
) -> None:
    assert library.status(number, day) == expected


def test_death_date_has_its_precision_and_later_activity_is_shown(library: Library) -> None:
    rows = library.rows(
        "select person_id, death_date, death_date_precision, contradiction_code, contradiction_on"
        " from population.person_status where life_status = 'deceased' and valid_to is null order by 1"
    )
    assert rows == [
        (subject(1), date(2021, 9, 10), "exact", "medical_visit", date(2021, 9, 20)),
        (subject(3), date(2021, 7, 1), "not_after", None, None),
        (subject(6), date(2021, 5, 1), "exact", None, None),
    ]


def test_pension_payees_are_told_alive_dead_or_unknown_with_evidence(library: Library) -> None:
    rows = library.rows(
        "select person_id, qualification, evidence_code, evidence_on, unknown_reason, is_recognised_automatically,"
        " is_receiving, months_paid_after_death from population.pension_qualification order by 1"
    )
    assert rows == [
        (subject(1), "deceased", "death_certificate", date(2021, 9, 10), None, True, True, 1),
        (subject(4), "alive", "pension_verified", date(2021, 8, 1), None, False, False, 0),
        (subject(5), "unknown", "medical_visit", date(2020, 9, 30), "最近的在世证据早于 365 天", False, False, 0),
        (subject(12), "alive", "medical_visit", date(2020, 10, 1), None, True, False, 0),
        (None, "unknown", None, None, "未归并到人口基础库", False, False, 0),
    ]


@pytest.mark.parametrize(
    ("parameters", "as_of", "expected"),
    [
        ({}, SEPTEMBER, (1, 1)),
        ({"own_verification_is_automatic": "yes"}, SEPTEMBER, (1, 1)),
        ({"life_evidence_window_days": "10"}, SEPTEMBER, (1, 1)),
        ({}, AUGUST, (None, None)),
    ],
)
def test_share_recognised_automatically_is_computed_at_the_runs_clocks(
    library: Library, parameters: dict[str, str], as_of: date, expected: tuple[int | None, int | None]
) -> None:
    open_run(library.connection, f"{parameters}{as_of}", as_of=as_of, parameters=parameters)
    assert library.rows("select numerator, denominator from mart.target_ss_auto_2022_a1") == [expected]


def test_seven_working_days_are_counted_by_the_real_calendar(library: Library) -> None:
    rows = library.rows(
        "select document_no, working_days_taken, publication_due_on, is_published_late, lateness_unknown_reason"
        " from credit.administrative_penalty where document_no <= '罚5' order by 1"
    )
    due = date(2021, 10, 9)
    assert rows == [
        ("罚1", 7, due, False, None),
        ("罚2", 7, due, False, None),
        ("罚3", 8, due, True, None),
        ("罚4", 5, due, False, None),
        ("罚5", None, None, None, "不在工作日历范围内"),
    ]
    unreported = library.first["credit.administrative_penalty"]
    assert sum("没有报送时间" in row for (row,) in unreported) == 1


def test_decisions_end_when_repaired_revoked_or_no_longer_published(library: Library) -> None:
    rows = library.rows("select document_no, in_force_until, fine_cny from credit.administrative_penalty order by 1")
    assert {no: until for no, until, _ in rows} == {
        "罚1": None, "罚2": None, "罚3": None, "罚4": date(2021, 9, 29), "罚5": date(2019, 3, 1), "罚6": AUGUST,
        "罚7": None, "罚8": None,
    }  # fmt: skip
    assert {no: fine for no, _, fine in rows}["罚8"] == 12_500
    assert library.rows("select in_force_from, in_force_until, valid_to from credit.administrative_permit") == [
        (date(2021, 9, 2), None, LONG_TERM)
    ]
    assert library.rows("select document_no, in_force_until from credit.list_entry order by 1") == [
        ("执1", None), ("执2", date(2021, 9, 30)), ("红1", date(2021, 10, 1)),
    ]  # fmt: skip


def test_subjects_are_resolved_or_left_with_a_reason(library: Library) -> None:
    rows = library.rows(
        "select document_no, person_id, entity_id, unresolved_reason from credit.administrative_penalty order by 1"
    )
    assert [row for row in rows if row[0] in ("罚2", "罚6", "罚7", "罚8")] == [
        ("罚2", subject(1), None, None),
        ("罚6", subject(60), None, None),
        ("罚7", None, None, "没有号码或代码，只有名称"),
        ("罚8", None, subject(50), None),
    ]


def test_reasons_follow_doubts_though_the_records_stay_as_they_were(library: Library) -> None:
    doubted = "可能是基础库中的某个主体，待核查"
    told = {"credit.list_entry": "没有号码或代码，只有名称", "licence.licence": doubted}
    for table, second in told.items():
        first = [row for row in library.first[table] if doubted in row[0]]
        assert bool(first) == (second != doubted), table
        unresolved = f"select unresolved_reason from {table} where unresolved_reason is not null"
        assert library.rows(unresolved) == [(second,)], table


def test_summary_counts_by_kind_and_what_is_in_force_at_the_present(library: Library) -> None:
    rows = library.rows(
        "select subject_id, penalty_count, penalty_in_force_count, judgment_debtor_count,"
        " judgment_debtor_in_force_count, red_list_count, red_list_in_force_count, latest_score"
        " from credit.subject_summary where subject_id in (%s, %s, %s) order by 1",
        subject(1), subject(4), subject(51),
    )  # fmt: skip
    assert rows == [
        (subject(1), 2, 2, 1, 0, 0, 0, rows[0][-1]),
        (subject(4), 1, 0, 0, 0, 0, 0, None),
        (subject(51), 0, 0, 0, 0, 1, 1, None),
    ]
    twice = "select from credit.subject_summary group by subject_type, subject_id having count(*) > 1"
    assert library.rows(twice) == []


def test_scores_stay_as_received_and_what_does_not_fit_is_told(library: Library) -> None:
    rows = library.rows("select score, grade, note from credit.subject_score order by score")
    assert rows == [
        (800, None, "没有报送等级"),
        (rows[1][0], "B", "分值在两个等级线之间，等级照报送"),
        (950, "B", None),
        (1150, "A", "分值对应 AAA 级，等级照报送"),
    ]
    assert float(rows[1][0]) == 949.5


def test_one_number_finds_all_licences_in_force_on_a_date(library: Library) -> None:
    def held(number: str, day: date) -> list[str]:
        return [
            no for (no,) in library.rows("select licence_no from licence.by_holder(%s, %s) order by 1", number, day)
        ]

    assert held(_id(1), SEPTEMBER) == ["1", "2"]
    assert held(_id(1).lower(), date(2021, 10, 1)) == ["1"]
    assert held("E12345678", SEPTEMBER) == ["1", "2"]
    assert held(_id(1), date(2019, 12, 31)) == []
    assert held(_id(77), SEPTEMBER) == ["4"]
    assert held(_id(78), SEPTEMBER) == []
    checks = library.rows("select licence_no, is_identifier_valid from licence.licence order by 1")
    assert checks == [("1", True), ("2", True), ("4", False)]
    assert library.rows("select has_function_privilege('public', 'licence.by_holder(text, date)', 'execute')") == [
        (False,)
    ]


@pytest.mark.parametrize("reader", library_builds.READERS)
def test_a_library_is_built_only_when_its_rules_records_or_subjects_changed(
    library: Library, contracts: Contracts, reader: library_builds.ReaderName
) -> None:
    def need(version: str) -> library_builds.Need:
        return library_builds.reader_need(library.connection, reader, version)

    version = library_builds.reader_version(reader, contracts)
    assert need(version) is library_builds.Need.EVERYTHING
    library_builds.remember(library.connection, reader, version, now=_at(SEPTEMBER))
    assert need(version) is library_builds.Need.NOTHING
    assert need("other rules") is library_builds.Need.EVERYTHING
    library.connection.execute(
        "insert into linkage.person_change values (%s, nextval('linkage.change_no'))", (subject(4_000),)
    )
    assert need(version) is library_builds.Need.CHANGES
    library.connection.rollback()
