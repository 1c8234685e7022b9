"""The library of persons: which source wins per field, where every value comes from, and what was known when."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import partial
from typing import Any
from uuid import UUID

import psycopg
import pytest

from connectors import distribution
from connectors.contract import Contracts
from connectors.database import Connection, connect
from connectors.raw_tables import ensure_raw_tables
from connectors.settings import Settings
from dags.support import models
from dags.support.golden import reading
from tests.conftest import create_database, drop_database, dsn_of
from tests.integration import cluster, linked
from tests.integration.linked import deliver_linked, subject
from tests.integration.modelled import open_run
from tests.integration.versioning import Desk
from weihai import explain_record
from weihai.commands.sql import ask

REGISTER = "public_security__household_population"
PERMIT = "public_security__residence_permit"
MARRIAGE = "civil_affairs__marriage"
INSURANCE = "human_resources__social_insurance"
INSURED = "medical_security__insured"
VETERAN = "veterans__veteran"
JUNE, JULY, SEPTEMBER, OCTOBER = date(2021, 6, 30), date(2021, 7, 31), date(2021, 9, 30), date(2021, 10, 31)
NUMBERS = {n: f"3710021980030700{n:02}" for n in range(1, 40)}
MOVES, LEAVES, STAYS, ABSENT_IN_JULY, LONG_ADDRESS = 31, 32, 33, 34, 6
TABLES = ("person_history", "person_identifier")
ONE_BUILD = {"population.int_person__build", "population.int_person__touched"}
"""Small tables of one build: every node of a cluster is sent what it needs of them."""


@dataclass
class City:
    """A warehouse whose library of persons was built several times, and what it held after each."""

    settings: Settings
    contracts: Contracts
    clocks: dict[str, int] = field(default_factory=dict)
    held: dict[str, dict[str, list[tuple[Any, ...]]]] = field(default_factory=dict)

    def build(self, connection: Connection, name: str, as_of: date, *, full_refresh: bool = False) -> tuple[str, ...]:
        """Build in a run of its own, remember what is held, and return what failed."""
        open_run(connection, name, as_of=as_of)
        report = models.run_models(self.settings, self.contracts, "population", full_refresh=full_refresh)
        self.clocks[name] = connection.execute("select max(seq) from quality.event").fetchone()[0]  # type: ignore[index]
        self.held[name] = {table: contents(connection, table) for table in TABLES}
        connection.commit()
        return report.failed


def contents(connection: Connection, table: str, columns: str = "*") -> list[tuple[Any, ...]]:
    """Every row of a table of the library, in order."""
    return connection.execute(f"select {columns} from population.{table} as t order by t::text".encode()).fetchall()


def _registered(number: int, **facts: Any) -> dict[str, Any]:
    return {
        "id_no": NUMBERS[number], "name": f"人{number}", "sex_code": "男", "birth_date": date(1980, 3, 7),
        "household_no": "H1", "_of": {"person": subject(number)},
    } | facts  # fmt: skip


def _rules(connection: Connection, contracts: Contracts) -> None:
    """One person for each rule, by whom several sources speak."""
    damaged = [{"column": "name", "rule": "name.format"}]
    register = [
        _registered(1, marital_status="未婚", updated_at=datetime(2015, 1, 1, tzinfo=UTC)),
        _registered(3, name="张\ue000", _issues=damaged),
        _registered(4, birth_date=date(1990, 1, 1), _issues=[{"column": None, "rule": "birth_date_agrees"}]),
        _registered(7, household_no="H1", relation_code="户主", registered_address="威海市环翠区甲路 1 号"),
        _registered(8, relation_code="妻", moved_out_on=JUNE, registered_address="威海市环翠区甲路 1 号"),
    ]
    deliver_linked(connection, contracts, REGISTER, register, as_of=JUNE)
    married = {"kind": "结婚", "husband_id_no": NUMBERS[1], "husband_name": "人1", "registered_on": date(2018, 5, 20)}
    copy = {"kind": "补领", "husband_id_no": NUMBERS[1], "husband_name": "人1", "registered_on": date(2020, 5, 20)}
    deliver_linked(
        connection, contracts, MARRIAGE,
        [
            {"registration_no": "J1", **married, "_of": {"husband": subject(1)}},
            {"registration_no": "B1", **copy, "_of": {"husband": subject(1)}},
        ],
        as_of=JUNE,
    )  # fmt: skip
    permit = {
        "permit_no": "P1", "id_no": NUMBERS[2], "name": "李四", "current_address": "荣成市乙路 2 号",
        "phone": "13900000001", "registered_on": date(2021, 8, 15), "_of": {"person": subject(2)},
    }  # fmt: skip
    deliver_linked(connection, contracts, PERMIT, [permit], as_of=JUNE)
    insured = [
        {"insured_no": "M2", "id_no": NUMBERS[2], "name": "李肆", "_of": {"person": subject(2)}},
        {"insured_no": "M3", "id_no": NUMBERS[3], "name": "张𬱟", "_of": {"person": subject(3)}},
    ]
    deliver_linked(connection, contracts, INSURED, insured, as_of=JUNE)
    wrong = [{"column": "id_no", "rule": "id_no.check"}]
    paid = {"uscc": "U", "insurance_type": "失业保险", "payment_kind": "正常"}
    deliver_linked(
        connection, contracts, INSURANCE,
        [
            {"person_no": "S2", "id_no": NUMBERS[2], "name": "李四", "period": "202107", "phone": "13900000007", **paid,
             "_of": {"person": subject(2)}},
            {"person_no": "S2", "id_no": NUMBERS[2], "name": "李四", "period": "202109", "phone": "13900000009", **paid,
             "_of": {"person": subject(2)}},
            {"person_no": "S5", "id_no": "371002198003079999", "name": "人5", "period": "202109", **paid,
             "_issues": wrong, "_of": {"person": subject(5)}},
        ],
        as_of=JUNE,
    )  # fmt: skip
    permit |= {"permit_no": "P6", "id_no": NUMBERS[6], "name": "人6", "current_address": "乳山市", "phone": None}
    deliver_linked(connection, contracts, PERMIT, [permit | {"_of": {"person": subject(6)}}], as_of=JUNE)


def _veterans(desk: Desk, city: City, as_of: date, addresses: Mapping[int, str]) -> None:
    """Deliver the list of veterans whole, and link it: who is not on it has left it."""
    rows: list[dict[str, Any]] = [
        {"id_no": NUMBERS[n], "name": f"人{n}", "address": address} for n, address in addresses.items()
    ]
    desk.deliver(as_of, rows)
    role = linked.take_mentions(desk.connection, city.contracts)[VETERAN, "person"]
    for n in (MOVES, LEAVES, STAYS, ABSENT_IN_JULY, LONG_ADDRESS):
        desk.connection.execute(
            "insert into linkage.person_link (source_id, mention_key, person_id, method)"
            f" select distinct %s::smallint, _record_key, %s::uuid, 'number' from raw.{VETERAN} where id_no = %s"
            " on conflict do nothing",
            (role.source_id, subject(n), NUMBERS[n]),
        )
        linked.changed(desk.connection, role, subject(n))
    linked.follow(desk.connection)


@pytest.fixture(scope="module")
def city(
    server: str, warehouse_template: str, contracts: Contracts, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[City]:
    """June, September, July delivered late, October; then everything again."""
    name = f"{warehouse_template}_people"
    create_database(server, name, template=warehouse_template)
    made = City(Settings(home=tmp_path_factory.mktemp("people"), warehouse_dsn=dsn_of(server, name)), contracts)
    with connect(made.settings.dsn()) as connection:
        ensure_raw_tables(connection, contracts)
        connection.commit()
        assert models.run_models(made.settings, contracts, "seeds").failed == ()
        _rules(connection, contracts)
        desk = Desk(made.settings.dsn(), connection, contracts[VETERAN], datetime(2021, 10, 8, tzinfo=UTC))
        everywhere = {
            MOVES: "甲地",
            LEAVES: "甲地",
            STAYS: "甲地",
            ABSENT_IN_JULY: "甲地",
            LONG_ADDRESS: "乳山市丙路 3 号",
        }
        _veterans(desk, made, JUNE, everywhere)
        assert made.build(connection, "june", JUNE) == ()
        september = everywhere | {MOVES: "丙地", ABSENT_IN_JULY: "丙地"}
        del september[LEAVES]
        _veterans(desk, made, SEPTEMBER, september)
        assert made.build(connection, "september", SEPTEMBER) == ()
        late = everywhere | {MOVES: "乙地", STAYS: "乙地"}
        del late[ABSENT_IN_JULY]
        _veterans(desk, made, JULY, late)
        _veterans(desk, made, OCTOBER, september | {LEAVES: "丁地"})
        _break_identifiers(connection)
        assert made.build(connection, "broken", OCTOBER) == ("person_identifier",)
        connection.execute("drop trigger breaks on population.person_identifier")
        assert made.build(connection, "october", OCTOBER) == ()
        assert made.build(connection, "whole", OCTOBER, full_refresh=True) == ()
    yield made
    drop_database(server, name)


def _break_identifiers(connection: Connection) -> None:
    """Let the next build break off between the history and the identifiers."""
    connection.execute(
        "create function population.breaks() returns trigger language plpgsql as"
        " $$ begin raise exception 'broken off'; end $$;"
        " create trigger breaks before insert on population.person_identifier"
        " for each statement execute function population.breaks()"
    )
    connection.commit()


@pytest.fixture
def connection(city: City) -> Iterator[Connection]:
    """A connection to the city's warehouse."""
    with connect(city.settings.dsn()) as opened:
        yield opened


def _person(connection: Connection, number: int, *columns: str) -> tuple[Any, ...] | None:
    return connection.execute(
        f"select {', '.join(columns)} from population.person where person_id = %s".encode(), (subject(number),)
    ).fetchone()


def _provenance(connection: Connection, number: int, name: str) -> tuple[Any, ...] | None:
    return connection.execute(
        "select value, contract_id, rule, losers from population.person_provenance where person_id = %s and field = %s",
        (subject(number), name),
    ).fetchone()


def test_marriage_beats_the_register_when_it_is_newer(connection: Connection) -> None:
    assert _person(connection, 1, "marital_status", "name", "id_kind") == ("已婚", "人1", "居民身份证")
    value, contract_id, rule, losers = _provenance(connection, 1, "marital_status")  # type: ignore[misc]
    assert (value, contract_id, rule) == ("已婚", MARRIAGE, "recency")
    assert [lost for _, lost in losers] == ["未婚"]


def test_first_source_wins_and_the_others_are_told_when_they_differ(connection: Connection) -> None:
    assert _person(connection, 2, "name", "current_address", "birth_date") == (
        "李四", "荣成市乙路 2 号", date(1980, 3, 7),
    )  # fmt: skip
    value, contract_id, rule, losers = _provenance(connection, 2, "name")  # type: ignore[misc]
    assert (value, contract_id, rule) == ("李四", PERMIT, "validity")
    assert [lost for _, lost in losers] == ["李肆"]
    assert _provenance(connection, 2, "id_no") == (NUMBERS[2], PERMIT, "validity", None)


def test_latest_record_of_a_source_and_latest_source_win_when_recency_decides(connection: Connection) -> None:
    value, contract_id, rule, losers = _provenance(connection, 2, "phone")  # type: ignore[misc]
    assert (value, contract_id, rule) == ("13900000009", INSURANCE, "recency")
    assert [lost for _, lost in losers] == ["13900000001"]


def test_sound_name_wins_when_the_register_lost_a_character(connection: Connection) -> None:
    value, contract_id, _, losers = _provenance(connection, 3, "name")  # type: ignore[misc]
    assert (value, contract_id) == ("张𬱟", INSURED)
    assert [lost for _, lost in losers] == ["张\ue000"]


def test_birth_date_of_the_number_wins_when_the_register_disagrees_with_it(connection: Connection) -> None:
    assert _person(connection, 4, "birth_date") == (date(1980, 3, 7),)


def test_number_with_a_wrong_check_is_kept_apart(connection: Connection) -> None:
    assert _person(connection, 5, "id_no", "unverified_id_no", "sex_code") == (None, "371002198003079999", None)


def test_longest_address_wins_when_completeness_decides(connection: Connection) -> None:
    value, contract_id, rule, losers = _provenance(connection, LONG_ADDRESS, "current_address")  # type: ignore[misc]
    assert (value, contract_id, rule) == ("乳山市丙路 3 号", VETERAN, "completeness")
    assert [lost for _, lost in losers] == ["乳山市"]


def test_household_counts_who_is_on_its_register(connection: Connection) -> None:
    rows = connection.execute("select head_person_id, member_count, registered_address from population.household")
    assert rows.fetchall() == [(subject(7), 4, "威海市环翠区甲路 1 号")]


def test_every_number_leads_to_its_person(connection: Connection) -> None:
    found = connection.execute(
        "select identifier_kind, identifier, is_valid from population.person_identifier where person_id = any(%s)"
        " order by 1, 2",
        ([subject(2), subject(5)],),
    ).fetchall()
    assert found == [
        ("个人社保编号", "S2", True),
        ("个人社保编号", "S5", True),
        ("公民身份号码", NUMBERS[2], True),
        ("公民身份号码", "371002198003079999", False),
        ("医保编号", "M2", True),
        ("居住证号", "P1", True),
    ]


def test_value_equals_the_raw_cell_that_its_provenance_names(city: City, connection: Connection) -> None:
    converted = {
        (c.field, c.contract.id, c.role, c.column)
        for c in reading.load(city.contracts)["population"].choices
        if c.transform
    }
    rows = connection.execute(
        "select field, contract_id, role, column_name, batch_id, row_no, value from population.person_provenance"
    ).fetchall()
    assert {contract_id for _, contract_id, *_ in rows} >= {REGISTER, PERMIT, MARRIAGE, INSURANCE, INSURED, VETERAN}
    for name, contract_id, role, column, batch_id, row_no, value in rows:
        if (name, contract_id, role, column) in converted:
            continue
        cell = connection.execute(
            f'select "{column}"::text from raw."{contract_id}" where _batch_id = %s and _row_no = %s'.encode(),
            (batch_id, row_no),
        ).fetchone()
        assert cell == (value,), (name, contract_id, column)


def _told(connection: Connection, number: int, known_at: int) -> list[tuple[Any, ...]]:
    return connection.execute(
        "select valid_from, valid_to, current_address from population.person_history"
        " where person_id = %s and known_from <= %s and (known_to is null or known_to > %s) order by 1",
        (subject(number), known_at, known_at),
    ).fetchall()


def test_late_delivery_changes_what_is_known_from_then_on(city: City, connection: Connection) -> None:
    june, september, october = (city.clocks[name] for name in ("june", "september", "october"))
    assert _told(connection, MOVES, june) == [(JUNE, None, "甲地")]
    assert _told(connection, MOVES, september) == [(JUNE, SEPTEMBER, "甲地"), (SEPTEMBER, None, "丙地")]
    assert _told(connection, MOVES, october) == [
        (JUNE, JULY, "甲地"), (JULY, SEPTEMBER, "乙地"), (SEPTEMBER, None, "丙地"),
    ]  # fmt: skip


def test_history_shows_gaps_when_somebody_leaves_and_returns(city: City, connection: Connection) -> None:
    assert _told(connection, LEAVES, city.clocks["september"]) == [(JUNE, SEPTEMBER, "甲地")]
    assert _told(connection, LEAVES, city.clocks["october"]) == [(JUNE, SEPTEMBER, "甲地"), (OCTOBER, None, "丁地")]
    assert _told(connection, ABSENT_IN_JULY, city.clocks["october"]) == [
        (JUNE, JULY, "甲地"), (SEPTEMBER, None, "丙地"),
    ]  # fmt: skip
    assert _told(connection, STAYS, city.clocks["october"]) == [
        (JUNE, JULY, "甲地"), (JULY, SEPTEMBER, "乙地"), (SEPTEMBER, None, "甲地"),
    ]  # fmt: skip


def test_history_names_the_delivery_that_caused_each_state(connection: Connection) -> None:
    rows = connection.execute(
        "select history.valid_from, batch.as_of from population.person_history as history"
        " join quality.batch as batch on history.caused_by_batch_id = batch.batch_id"
        " where history.known_to is null and person_id = %s order by 1",
        (subject(MOVES),),
    ).fetchall()
    assert rows == [(JUNE, JUNE), (JULY, JULY), (SEPTEMBER, SEPTEMBER)]


def test_full_refresh_leaves_every_row_as_the_increments_made_it(city: City) -> None:
    assert city.held["whole"] == city.held["october"]


def test_build_from_nothing_on_a_cluster_knows_the_same_as_the_increments(city: City, server: str) -> None:
    name = f"{city.settings.dsn().rpartition('/')[2]}_anew"
    create_database(server, name, template=city.settings.dsn().rpartition("/")[2])
    anew = Settings(home=city.settings.home, warehouse_dsn=dsn_of(server, name))
    known = "person_id, valid_from, valid_to, caused_by_batch_id, name, current_address, _winners, _losers"
    with connect(anew.dsn()) as connection:
        connection.execute("drop table population.person_history, population.person_identifier cascade")
        connection.execute("delete from mart.model_watermark")
        cluster.pretend(connection)
        raw_and_links = distribution.distribute(connection, city.contracts)
        connection.commit()
        assert len(raw_and_links) == len(city.contracts) + len(distribution.LINKAGE_KEYS)
        assert distribution.distribute(connection, city.contracts) == []
        assert models.run_models(anew, city.contracts, "population", full_refresh=True).failed == ()
        built = contents(connection, "person_history", known)
        identified = contents(connection, "person_identifier")
        keys = cluster.distributed(connection)
        declared = {
            f"{node['schema']}.{node['alias']}": node["config"]["meta"].get("distribution_key")
            for node in models.manifest(anew)["nodes"].values()
            if node["resource_type"] == "model" and node["schema"] == "population"
            if node["config"]["materialized"] in ("table", "incremental")
        }
    drop_database(server, name)
    with connect(city.settings.dsn()) as connection:
        connection.execute("create temp view present as select * from population.person_history where known_to is null")
        held = connection.execute(f"select {known} from present").fetchall()
    assert sorted(map(str, built)) == sorted(map(str, held))
    assert identified == city.held["october"]["person_identifier"]
    assert {table for table, key in declared.items() if key is None} == ONE_BUILD
    assert {table: key for table, key in keys.items() if table.startswith("population.")} == {
        table: key for table, key in declared.items() if key is not None
    }


def test_at_most_one_present_state_is_held_of_a_person(connection: Connection) -> None:
    with pytest.raises(psycopg.errors.UniqueViolation):
        connection.execute(
            "insert into population.person_history (person_id, valid_from, known_from) values (%s, %s, 0)",
            (UUID(int=MOVES), OCTOBER),
        )


def _question(city: City, query: str) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
    with connect(city.settings.dsn()) as reader:
        return ask(reader, query)


def _explained(city: City, number: int, *, is_plain: bool) -> dict[str, explain_record.Origin]:
    record = explain_record.explain(partial(_question, city), "person", subject(number), is_plain=is_plain)
    return {origin.title: origin for origin in record.origins}


def test_explanation_names_source_rule_and_losers_of_every_field(city: City) -> None:
    told = _explained(city, 2, is_plain=True)
    name = told["姓名"]
    assert (name.value, name.rule) == ("李四", "校验有效者优先")
    assert name.source.endswith("（person）")
    assert name.row_no == 2
    assert [loser.partition("（")[0] for loser in name.losers or ()] == ["李肆"]
    assert told["联系电话"].value == "13900000009"


def test_explanation_shows_no_plain_value_when_masked(city: City) -> None:
    told = _explained(city, 2, is_plain=False)
    assert told["姓名"].value == "李*"
    assert told["姓名"].losers is None
    shown = str(told)
    assert not [text for text in ("李四", "李肆", NUMBERS[2], "13900000009", "荣成市乙路") if text in shown]


def test_number_leads_to_its_person_only_when_plain_values_may_be_read(city: City) -> None:
    question = partial(_question, city)
    assert explain_record.find(question, "person", NUMBERS[2].lower(), is_plain=True) == subject(2)
    with pytest.raises(explain_record.NoSuchRecordError, match="没有自然人") as refusal:
        explain_record.find(question, "person", "371002198003079998", is_plain=True)
    assert "371002198003079998" not in str(refusal.value)
    with pytest.raises(explain_record.NoSuchRecordError, match="明文"):
        explain_record.find(question, "person", NUMBERS[2], is_plain=False)
