"""What a person decides about a mention in doubt is obeyed by every linking, and can be undone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from typer.testing import CliRunner

from connectors.contract import Contracts
from connectors.database import connect
from connectors.errors import UserError
from connectors.settings import Settings
from dags.support import models
from linkage.decisions import Ruling, obey_rulings
from linkage.libraries import LIBRARIES
from linkage.reviewing import Verdict, decide
from tests.conftest import create_database, drop_database, dsn_of
from tests.integration.entity_mentions import USCC
from tests.integration.linking import HOUSEHOLD, INSURED, PENSION, Linker
from tests.integration.test_linkage_persons import citizen, insured, paid, registered
from weihai import cli

ENDS = ("", "_masked", "_mention", "_mention_masked")
NOW = datetime(2021, 10, 8, 9, tzinfo=UTC)
ENTERPRISE, DEBTOR = "market_regulation__enterprise", "court__judgment_debtor"
BORN = date(1970, 8, 8)
FIRST, SECOND = citizen("37100219700808119"), citizen("37100219700808135")
HOLDER = citizen("37100219640404113")
STRANGER = insured(HOLDER, "钱多多", date(1999, 9, 9), "12")


def reviews(linker: Linker, name: str, contract_id: str = INSURED) -> dict[Any, str]:
    """Handles of the doubts about the mention of a name in an extract, by candidate."""
    library = LIBRARIES[linker.library]
    rows = linker.rows(
        "select r.candidate_id, r.source_id || '-' || m.batch_id || '-' || m.row_no || '-'"
        f" || left(r.candidate_id::text, 8) from linkage.review r join {library.mention} m"
        " using (source_id, mention_key) join linkage.source s on s.source_id = r.source_id"
        f" where r.library = '{library.name}' and m.name = '{name}' and s.contract_id = '{contract_id}'"
    )
    return dict(rows)


def say(linker: Linker, what: str | int, verdict: Verdict) -> int:
    number = decide(linker.connection, str(what), verdict, actor="审核员", why=f"已核实 {FIRST}", now=NOW)
    linker.connection.commit()
    return number


def link(linker: Linker) -> None:
    """Link what changed; linking everything again must leave it as it is."""
    assert linker.link().how == "touched"
    left = linker.state()
    linker.link(full_refresh=True)
    assert linker.state() == left


@pytest.fixture(scope="module")
def linked_town(
    server: str, warehouse_template: str, contracts: Contracts, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """Two neighbours of one name and date of birth, a mention that may be either, a stranger on somebody's number.

    The name of its database.
    """
    name = f"{warehouse_template}_decisions"
    create_database(server, name, template=warehouse_template)
    settings = Settings(home=tmp_path_factory.mktemp("decisions"), warehouse_dsn=dsn_of(server, name))
    desk = Linker.open(settings, contracts)
    desk.deliver(
        HOUSEHOLD,
        [
            registered(FIRST, "陈明", BORN, registered_address="青岛路1号101"),
            registered(SECOND, "陈明", BORN, registered_address="青岛路1号102"),
            registered(HOLDER, "张伟国", date(1964, 4, 4)),
        ],
    )
    desk.link()
    desk.deliver(INSURED, [insured(None, "陈明", BORN, "6"), STRANGER])
    desk.deliver(PENSION, [paid(FIRST, "陈明", "1"), paid(FIRST, "陈明", "3"), paid(SECOND, "陈明", "2")])
    desk.link()
    desk.connection.close()
    yield name
    drop_database(server, name)


@pytest.fixture
def town(server: str, linked_town: str, contracts: Contracts, tmp_path: Path) -> Iterator[Linker]:
    """A copy of the town."""
    name = f"{linked_town}_copy"
    create_database(server, name, template=linked_town)
    settings = Settings(home=tmp_path, warehouse_dsn=dsn_of(server, name))
    desk = Linker(settings, contracts, connect(settings.dsn()))
    yield desk
    desk.connection.close()
    drop_database(server, name)


def test_mention_is_linked_when_decided_the_same_and_in_doubt_again_when_undone(town: Linker) -> None:
    people = town.ids(HOUSEHOLD, by="id_no")
    before, doubts = town.state(), reviews(town, "陈明")
    assert town.ids(INSURED)["陈明"] not in people.values()
    number = say(town, doubts[people[SECOND]], "same")
    link(town)
    assert town.ids(INSURED)["陈明"] == people[SECOND] == town.ids(PENSION, by="id_no")[SECOND]
    assert town.ids(HOUSEHOLD, by="id_no") == people
    assert reviews(town, "陈明") == {}
    assert not [r for r in town.rows("select reason from linkage.review") if r == ("several_candidates",)]
    assert town.rows("select method from linkage.person_link where method = 'decision'") == [("decision",)]
    # the household register's rows come again, the first neighbour's changed: what was decided is reached and stays
    town.deliver(HOUSEHOLD, [registered(SECOND, "陈明", BORN, registered_address="青岛路9号", household_no="7")])
    link(town)
    assert town.ids(INSURED)["陈明"] == people[SECOND]
    say(town, number, "open")
    link(town)
    assert town.state()["review"] == before["review"]
    assert town.ids(INSURED)["陈明"] not in people.values()


def test_sides_stay_apart_for_good_when_decided_different(town: Linker) -> None:
    people = town.ids(HOUSEHOLD, by="id_no")
    doubts = reviews(town, "陈明")
    apart = say(town, doubts[people[FIRST]], "different")
    link(town)
    assert people[FIRST] not in reviews(town, "陈明") or town.ids(INSURED)["陈明"] != people[FIRST]
    # now the mention states the first neighbour's own number: the same evidence as before, and more
    town.deliver(INSURED, [insured(FIRST, "陈明", BORN, "6")])
    link(town)
    assert town.ids(INSURED)["陈明"] != people[FIRST]
    assert town.ids(HOUSEHOLD, by="id_no") == people
    # withdrawn, and delivered again
    town.deliver(INSURED, [], withdrawn=[str(["6"])])
    link(town)
    town.deliver(INSURED, [insured(FIRST, "陈明", BORN, "6")])
    link(town)
    assert town.ids(INSURED)["陈明"] != people[FIRST]
    say(town, apart, "same")
    link(town)
    assert town.ids(INSURED)["陈明"] == people[FIRST]


def test_other_records_speak_for_a_side_when_its_first_one_is_withdrawn(town: Linker) -> None:
    people = town.ids(HOUSEHOLD, by="id_no")
    say(town, reviews(town, "陈明")[people[FIRST]], "same")
    link(town)
    town.deliver(HOUSEHOLD, [], withdrawn=[str(["陈明", FIRST, BORN])])
    link(town)
    assert town.ids(INSURED)["陈明"] == town.ids(PENSION, by="id_no")[FIRST] == people[FIRST]


def test_stranger_on_a_number_is_no_doubt_any_more_when_decided_different(town: Linker) -> None:
    holder, stranger = town.ids(HOUSEHOLD)["张伟国"], town.ids(INSURED)["钱多多"]
    say(town, reviews(town, "钱多多")[holder], "different")
    link(town)
    assert (town.ids(INSURED)["钱多多"], reviews(town, "钱多多")) == (stranger, {})
    town.deliver(INSURED, [STRANGER | {"division_code": "371003"}])
    link(town)
    assert reviews(town, "钱多多") == {}


def test_two_numbers_are_one_person_when_decided_so(town: Linker) -> None:
    people = town.ids(HOUSEHOLD, by="id_no")
    [handle] = reviews(town, "陈明", PENSION).values()
    number = say(town, handle, "same")
    link(town)
    [one_id] = set(town.ids(HOUSEHOLD, by="id_no").values()) - {people[HOLDER]}
    assert one_id in people.values()
    with pytest.raises(UserError, match="没有这项"):
        say(town, "1-1-1-00000000", "same")
    town.connection.rollback()
    say(town, number, "open")
    link(town)
    assert len(set(town.ids(HOUSEHOLD, by="id_no").values())) == 3


def test_decision_is_recorded_without_identifiers_and_never_changed(town: Linker) -> None:
    people = town.ids(HOUSEHOLD, by="id_no")
    doubts = reviews(town, "陈明")
    number = say(town, doubts[people[FIRST]], "same")
    [(kind, batch, why)] = town.rows("select kind, batch_id, why from quality.event where kind = 'decide'")
    assert (kind, batch, why) == ("decide", None, "已核实 371***********119*")
    for statement in (
        "update linkage.decision set verdict = 'different'",
        "delete from linkage.decision",
        "truncate linkage.decision_mention",
        "update linkage.decision_mention set side = 'candidate'",
    ):
        with pytest.raises(psycopg.errors.RaiseException, match="append-only"):
            town.connection.execute(statement.encode())
        town.connection.rollback()
    with pytest.raises(UserError, match="相同"):
        say(town, doubts[people[FIRST]], "different")
    town.connection.rollback()
    other = say(town, number, "different")
    with pytest.raises(UserError, match=f"第 {other} 号代替"):
        say(town, number, "same")
    town.connection.rollback()
    with pytest.raises(UserError, match="--why"):
        decide(town.connection, str(other), "same", actor="a", why=" ", now=NOW)
    town.connection.rollback()


def test_debtor_without_a_code_is_the_entity_when_decided_so(server: str, town: Linker) -> None:
    firm = {"uscc": USCC[0], "name": "威海恒达商贸有限公司", "legal_representative": "王强"}
    entities = Linker(town.settings, town.contracts, town.connection, "legal_entity")
    entities.deliver(ENTERPRISE, [firm])
    debtor = {"case_no": "1", "subject_name": firm["name"], "subject_kind": "法人"}
    entities.deliver(DEBTOR, [debtor])
    entities.link()
    firm_id = entities.ids(ENTERPRISE, "entity")[firm["name"]]
    assert entities.ids(DEBTOR, "entity") == {firm["name"]: None}
    number = say(entities, reviews(entities, firm["name"], DEBTOR)[firm_id], "same")
    link(entities)
    assert entities.ids(DEBTOR, "entity") == {firm["name"]: firm_id}
    entities.deliver(ENTERPRISE, [firm | {"legal_representative": "赵六"}])
    link(entities)
    assert entities.ids(DEBTOR, "entity") == {firm["name"]: firm_id}
    say(entities, number, "different")
    link(entities)
    assert entities.ids(DEBTOR, "entity") == {firm["name"]: None}
    assert reviews(entities, firm["name"], DEBTOR) == {}


def test_command_shows_both_sides_and_no_plain_value_unless_asked_for(
    town: Linker, monkeypatch: pytest.MonkeyPatch
) -> None:
    views = [f"{kind}_link_review{end}" for kind in ("person", "entity") for end in ENDS]
    assert models.invoke(town.settings, town.contracts, ["run", "--select", *views]).failed == ()
    monkeypatch.setenv("WEIHAI_HOME", str(town.settings.home))
    monkeypatch.setenv("WAREHOUSE_DSN", town.settings.dsn())
    monkeypatch.setenv("COLUMNS", "300")
    handle = reviews(town, "钱多多")[town.ids(HOUSEHOLD)["张伟国"]]
    runner, app, plain = CliRunner(), cli.build_app(), ["--role", "etl", "--why", "核查"]
    listed = runner.invoke(app, ["review", "list", *plain])
    assert (handle in listed.output, "钱多多" in listed.output) == (True, True), listed.output
    shown = runner.invoke(app, ["review", "show", handle, *plain])
    assert all(text in shown.output for text in ("疑问中的提及", "候选", HOLDER, "张伟国")), shown.output
    for view in ("link_review_masked", "link_review_mention_masked"):
        told = str(town.rows(f"select v::text from population.{view} as v"))
        assert handle in told
        assert not [text for text in (FIRST, SECOND, HOLDER, "钱多多", "张伟国", "青岛路") if text in told]
    decided = runner.invoke(app, ["review", "decide", handle, "different", "--why", "已核实"])
    assert decided.output.startswith("已记下第 1 号决定：不同"), decided.output
    assert "已核实" in runner.invoke(app, ["review", "list", "--decided"]).output


A, B, C, D = ((1, UUID(int=n)) for n in range(1, 5))
X, Y = UUID(int=101), UUID(int=102)


@pytest.mark.parametrize(
    ("rulings", "groups"),
    [
        ([Ruling(True, A, B, X, Y)], [{A, B, X, Y}]),
        ([Ruling(True, A, B, None, Y)], [{A, B, Y}]),
        ([Ruling(False, A, B, X, X)], [{A}, {B, X}]),
        ([Ruling(False, A, B, X, Y)], [{A, X}, {B, Y}]),
        ([Ruling(False, A, B, X, X), Ruling(True, A, C, X, Y)], [{A, C, Y}, {B, X}]),
        # the rules put C with D, people say that A is C and not D: C leaves with A
        ([Ruling(True, A, C, None, X), Ruling(False, A, D, None, X)], [{A, C}, {D, X}]),
    ],
)
def test_rules_give_way_where_people_decided(rulings: list[Ruling], groups: list[set[Any]]) -> None:
    obeyed = obey_rulings(rulings)
    rules: Mapping[Any, UUID | None] = {
        **{r.mention: r.mention_cluster for r in rulings},
        **{r.candidate: r.candidate_cluster for r in rulings},
    }

    def place(cluster: UUID) -> UUID:
        return obeyed.clusters.get(cluster, cluster)

    def end(mention: Any) -> UUID:
        return obeyed.mentions[mention][0] if mention in obeyed.mentions else place(rules[mention] or mention[1])

    found: dict[UUID, set[Any]] = {}
    for mention in rules:
        found.setdefault(end(mention), set()).add(mention)
    for cluster in {c for c in rules.values() if c is not None}:
        found.setdefault(place(cluster), set()).add(cluster)
    assert {frozenset(group) for group in found.values()} == {frozenset(group) for group in groups}
