"""The library of legal entities, and when a library need not be built."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest

from connectors.contract import Contracts
from connectors.database import Connection, connect
from connectors.raw_tables import ensure_raw_tables
from connectors.settings import Settings
from dags.support import library_builds, models
from dags.support.library_builds import Need
from tests.conftest import create_database, drop_database, dsn_of
from tests.integration.linked import deliver_linked, subject
from tests.integration.modelled import AS_OF, open_run
from weihai import explain_record
from weihai.commands.sql import ask

REGISTER, TAX = "market_regulation__enterprise", "taxation__taxpayer"
INSTITUTION, SOCIETY = "institution_staffing__public_institution", "civil_affairs__social_organization"
PERMIT = "development_reform__administrative_permit"
SHOP, COMPANY, SCHOOL, CLUB, WRONG = (
    "92371000MA0000001A", "91371000MA0000002A", "12371000400000003A", "51371000500000004A", "91371000MA0000005A",
)  # fmt: skip
TWIN = subject(6)
VERSION = "rules 1"


def _deliver(connection: Connection, contracts: Contracts) -> None:
    def told(number: int, **facts: Any) -> dict[str, Any]:
        return facts | {"_of": {"entity": subject(number)}}

    wrong = [{"column": "uscc", "rule": "uscc.check"}]
    deliver_linked(
        connection, contracts, REGISTER,
        [
            told(1, uscc=SHOP, name="甲小吃店", status=None, legal_representative="张三"),
            told(2, uscc=COMPANY, name="乙有限公司", status="在用", registered_capital=1_000_000, address="威海市甲路",
                 division_code="371002", established_on=date(2015, 1, 1)),
            told(5, uscc=WRONG, name="戊有限公司", status="注销", cancelled_on=AS_OF, _issues=wrong),
            told(6, uscc=COMPANY, name="乙商贸有限公司", status="在用", _key="twin"),
        ],
    )  # fmt: skip
    deliver_linked(
        connection, contracts, TAX,
        [
            told(2, tax_no="T2", uscc=COMPANY, name="乙有限责任公司", status="非正常户注销", industry_code="5211"),
            told(7, tax_no="T7", uscc=None, registration_no="371000228000001", name="庚厂", status=None),
        ],
    )  # fmt: skip
    fund = {"initial_fund": 500_000, "fund_source": "财政全额拨款", "sponsor": "市教育局", "purpose": "实施义务教育"}
    deliver_linked(
        connection, contracts, INSTITUTION,
        [told(3, uscc=SCHOOL, name="丙小学", other_names="丙实验小学", status="在用", **fund)],
    )  # fmt: skip
    deliver_linked(
        connection,
        contracts,
        SOCIETY,
        [told(4, uscc=CLUB, name="丁协会", kind="社会团体", capital=30_000, status=None)],
    )
    permit = {"document_no": "D", "authority_name": "局", "subject_kind": "法人及非法人组织", "decided_on": AS_OF}
    deliver_linked(
        connection, contracts, PERMIT,
        [told(8, subject_name="辛公司", subject_uscc="91371000MA0000008A", permit_no="1", **permit)],
    )  # fmt: skip


@pytest.fixture(scope="module")
def settings(
    server: str, warehouse_template: str, contracts: Contracts, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Settings]:
    """A home whose library of legal entities was built once."""
    name = f"{warehouse_template}_entities"
    create_database(server, name, template=warehouse_template)
    home = Settings(home=tmp_path_factory.mktemp("entities"), warehouse_dsn=dsn_of(server, name))
    with connect(home.dsn()) as connection:
        ensure_raw_tables(connection, contracts)
        connection.commit()
        assert models.run_models(home, contracts, "seeds").failed == ()
        _deliver(connection, contracts)
        open_run(connection, "run", as_of=AS_OF)
        assert models.run_models(home, contracts, "legal_entity").failed == ()
    yield home
    drop_database(server, name)


@pytest.fixture
def connection(settings: Settings) -> Iterator[Connection]:
    """A connection to the home's warehouse; what a test writes is not kept."""
    with connect(settings.dsn()) as opened:
        yield opened
        opened.rollback()


def _entity(connection: Connection, number: int, columns: str) -> tuple[Any, ...] | None:
    return connection.execute(
        f"select {columns} from legal_entity.entity where entity_id = %s".encode(), (subject(number),)
    ).fetchone()


def test_kind_follows_from_register_and_code(connection: Connection) -> None:
    kinds = connection.execute("select entity_id, entity_kind from legal_entity.entity").fetchall()
    assert dict(kinds) == {
        subject(1): "个体工商户", subject(2): "企业", subject(3): "事业单位", subject(4): "社会团体",
        subject(5): "企业", TWIN: "企业", subject(7): None, subject(8): "企业",
    }  # fmt: skip


def test_register_wins_over_the_tax_office_and_each_fills_what_the_other_lacks(connection: Connection) -> None:
    assert _entity(connection, 2, "name, status, registered_capital_cny, division_code, tax_no, industry_code") == (
        "乙有限公司", "在用", 1_000_000, "371002", "T2", "5211",
    )  # fmt: skip


def test_wrong_code_is_kept_and_gives_no_division(connection: Connection) -> None:
    assert _entity(connection, 5, "uscc, is_uscc_valid, division_code, status") == (WRONG, False, None, "注销")
    assert _entity(connection, 1, "uscc, is_uscc_valid, division_code, status") == (SHOP, True, "371000", "在用")


def test_two_entities_on_one_code_stay_two(connection: Connection) -> None:
    assert _entity(connection, 6, "uscc, name") == (COMPANY, "乙商贸有限公司")
    assert _entity(connection, 2, "uscc, name") == (COMPANY, "乙有限公司")


def test_institutions_and_societies_bring_their_own_fields(connection: Connection) -> None:
    assert _entity(connection, 3, "initial_fund_cny, fund_source, sponsor, business_scope, other_names") == (
        500_000, "财政全额拨款", "市教育局", "实施义务教育", "丙实验小学",
    )  # fmt: skip
    assert _entity(connection, 4, "registered_capital_cny, status") == (30_000, "在用")


def test_every_code_leads_to_its_entity(connection: Connection) -> None:
    found = connection.execute(
        "select identifier_kind, identifier, is_valid from legal_entity.entity_identifier"
        " where entity_id = any(%s) and identifier_kind <> '名称' order by 1, 2",
        ([subject(2), subject(5), subject(7)],),
    ).fetchall()
    assert found == [
        ("注册号", "371000228000001", True),
        ("纳税人识别号", "T2", True),
        ("纳税人识别号", "T7", True),
        ("组织机构代码", COMPANY[8:17], True),
        ("组织机构代码", WRONG[8:17], False),
        ("统一社会信用代码", COMPANY, True),
        ("统一社会信用代码", WRONG, False),
    ]


def test_explanation_is_asked_for_by_code(settings: Settings) -> None:
    def question(query: str) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
        with connect(settings.dsn()) as reader:
            return ask(reader, query)

    assert explain_record.find(question, "entity", SHOP, is_plain=False) == subject(1)
    with pytest.raises(explain_record.NoSuchRecordError, match="有 2 个"):
        explain_record.find(question, "entity", COMPANY, is_plain=False)


def test_library_needs_no_build_when_nothing_changed(connection: Connection) -> None:
    assert library_builds.need(connection, "legal_entity", VERSION) is Need.EVERYTHING
    library_builds.remember(connection, "legal_entity", VERSION, now=datetime(2021, 10, 8, tzinfo=UTC))
    assert library_builds.need(connection, "legal_entity", VERSION) is Need.NOTHING
    assert library_builds.need(connection, "legal_entity", "rules 2") is Need.EVERYTHING


def test_library_needs_what_changed_or_everything_when_much_did(connection: Connection) -> None:
    library_builds.remember(connection, "legal_entity", VERSION, now=datetime(2021, 10, 8, tzinfo=UTC))
    change = "update linkage.entity_change set change_no = nextval('linkage.change_no')"
    connection.execute(f"{change} where entity_id = %s".encode(), (TWIN,))
    assert library_builds.need(connection, "legal_entity", VERSION) is Need.EVERYTHING
    connection.execute("insert into linkage.entity_change select gen_random_uuid(), 0 from generate_series(1, 20)")
    assert library_builds.need(connection, "legal_entity", VERSION) is Need.CHANGES
    connection.execute("delete from mart.model_watermark where model = 'legal_entity.entity_identifier'")
    connection.execute(change.encode())
    assert library_builds.need(connection, "legal_entity", VERSION) is Need.EVERYTHING


def test_nothing_is_left_between_the_steps_when_a_build_is_over(connection: Connection, contracts: Contracts) -> None:
    held = "select (select count(*) from legal_entity.int_entity__golden), count(*) from legal_entity.entity"
    assert connection.execute(held).fetchone() == (8, 8)
    library_builds.empty_working_tables(connection, "legal_entity", contracts)
    assert connection.execute(held).fetchone() == (0, 8)
