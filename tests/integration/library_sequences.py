"""A fixed sequence of deliveries and decisions about a few people and bodies: everything that changes who is who."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import astuple, dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from linkage.libraries import LibraryName
from linkage.reviewing import Verdict
from tests.integration.entity_mentions import REGISTRATION, USCC
from tests.integration.library_builds import Delivery, Libraries
from tests.integration.linking import BIRTH, HOUSEHOLD, INSURED, PENSION, PERMIT
from tests.integration.modelled import values
from tests.integration.test_linkage_persons import citizen

DEATH, INSURANCE = "health__death_certificate", "human_resources__social_insurance"
ENTERPRISE, TAXPAYER = "market_regulation__enterprise", "taxation__taxpayer"
PENALTY, DEBTOR = "development_reform__administrative_penalty", "court__judgment_debtor"
LISTS, SCORE = "development_reform__credit_list", "development_reform__haibei_score"
LICENCE = "administrative_approval__electronic_licence"
CLASSES = "statistics__strategic_industry_class"
_EMPLOYMENT = "newgen_it_employment_share"

JUNE, LATE, JULY, AUGUST = date(2021, 6, 30), date(2021, 7, 15), date(2021, 7, 31), date(2021, 8, 31)
SEPTEMBER, OCTOBER = date(2021, 9, 30), date(2021, 10, 31)

N = {name: citizen(f"371002{born}{sequence}") for name, born, sequence in (
    ("old", "19500505", "113"), ("renamed", "19930303", "102"), ("mother", "19900606", "148"),
    ("newborn", "20210601", "111"), ("neighbour", "19700808", "119"), ("other neighbour", "19700808", "135"),
    ("held", "19640404", "113"), ("one", "19760202", "135"), ("two", "19760202", "177"), ("gone", "19660606", "115"),
    ("slip", "19670707", "126"),
)}  # fmt: skip
SLIP = N["slip"][:9] + str((int(N["slip"][9]) + 1) % 10) + N["slip"][10:]
SOFTWARE, SCIENCE = "威海恒达软件有限公司", "威海恒达科技有限公司"


@dataclass(frozen=True)
class Decision:
    """What is decided about an extract's mention of a name and who bears the candidate's number or code."""

    library: LibraryName
    contract_id: str
    name: str
    candidate: str
    verdict: Verdict


@dataclass(frozen=True)
class Step:
    """What happens between two builds, and what the libraries then say.

    Attributes:
        undone: name of a decision's mention that holds no longer.
        told: rows by query.
    """

    what: str
    deliveries: tuple[Delivery, ...]
    told: Mapping[str, list[tuple[Any, ...]]]
    decisions: tuple[Decision, ...] = ()
    undone: tuple[str, ...] = ()


def _registered(number: str | None, name: str, born: str, household: str, **more: Any) -> dict[str, Any]:
    sex = "女" if number is not None and int(number[16]) % 2 == 0 else "男"
    return {
        "id_no": number, "name": name, "birth_date": born, "sex_code": sex, "household_no": household,
        "registered_division_code": "371002", "registered_address": f"威海市环翠区古寨路{household}号",
    } | more  # fmt: skip


def _register(**instead: dict[str, Any] | None) -> list[dict[str, Any]]:
    """The household register; by keyword, rows that read otherwise; None: not on it."""
    rows: dict[str, dict[str, Any] | None] = {
        "old": _registered(N["old"], "王建国", "1950-05-05", "1"),
        "renamed": _registered(N["renamed"], "王招娣", "1993-03-03", "2"),
        "mother": _registered(N["mother"], "林秀英", "1990-06-06", "3"),
        "newborn": _registered(None, "林子昂", "2021-06-01", "3"),
        "neighbour": _registered(N["neighbour"], "陈明", "1970-08-08", "4"),
        "other_neighbour": _registered(N["other neighbour"], "陈明", "1970-08-08", "5"),
        "held": _registered(N["held"], "张伟国", "1964-04-04", "6"),
        "one": _registered(N["one"], "郑成功", "1976-02-02", "7"),
        "gone": _registered(N["gone"], "孙建军", "1966-06-06", "8"),
        "slip": None,
    }
    return [row for row in (rows | instead).values() if row is not None]


def _insured(**instead: dict[str, Any] | None) -> list[dict[str, Any]]:
    kind = {"insured_kind": "城乡居民基本医疗保险", "status": "正常参保", "division_code": "371002"}
    rows: dict[str, dict[str, Any] | None] = {
        "newborn": {"insured_no": "1", "name": "林子昂", "birth_date": "2021-06-01"},
        "neighbour": {"insured_no": "2", "name": "陈明", "birth_date": "1970-08-08"},
        "stranger": {"insured_no": "3", "id_no": N["held"], "name": "钱多多", "birth_date": "1999-09-09"},
        "gone": {"insured_no": "4", "id_no": N["gone"], "name": "孙建军", "birth_date": "1966-06-06"},
    }
    return [kind | row for row in (rows | instead).values() if row is not None]


def _permit(address: str, **more: Any) -> dict[str, Any]:
    return {
        "permit_no": "P1", "id_no": N["renamed"], "name": "王招娣", "birth_date": "1993-03-03", "sex_code": "女",
        "current_division_code": "371002", "current_address": address, "registered_on": "2021-06-01",
    } | more  # fmt: skip


SECOND_PERMIT = _permit(
    "文登区八路", permit_no="P2", id_no=N["two"], name="郑成功", birth_date="1976-02-02", sex_code="男"
)


def _paid(no: str, number: str | None, name: str, **more: Any) -> dict[str, Any]:
    return {
        "person_no": no, "payment_kind": "正常", "id_no": number, "name": name, "uscc": USCC[0],
        "employer_name": SOFTWARE, "insurance_type": "城镇职工基本养老保险", "period": "202106", "status": "参保缴费",
    } | more  # fmt: skip


def _enterprise(uscc: str | None, name: str, **more: Any) -> dict[str, Any]:
    return {
        "uscc": uscc, "name": name, "entity_type": "有限责任公司", "established_on": "2001-05-08",
        "division_code": "371002", "status": "在业",
    } | more  # fmt: skip


HENGDA = _enterprise(
    USCC[0], SOFTWARE, registration_no=REGISTRATION[0], legal_representative="刘德海", address="威海市环翠区统一路1号",
    industry_code="6513",
)  # fmt: skip
TRADING = _enterprise(None, "威海三友商贸有限公司", registration_no=REGISTRATION[2], established_on="2010-03-04")
FOUR_SEAS = _enterprise(None, "威海四海商贸有限公司", registration_no=REGISTRATION[4], established_on="2011-11-11")


def _taxed(registration_no: str) -> dict[str, Any]:
    return {
        "tax_no": "NS0001",
        "name": FOUR_SEAS["name"],
        "registration_no": registration_no,
        "status": "正常",
    }


TAXED = {
    "tax_no": USCC[3],
    "uscc": USCC[3],
    "name": "乳山宏图建材有限公司",
    "status": "正常",
    "division_code": "371083",
}


def _penalty(**more: Any) -> dict[str, Any]:
    return {
        "document_no": "威罚〔2021〕1号", "subject_name": SOFTWARE, "subject_kind": "法人及非法人组织",
        "subject_uscc": USCC[0], "penalty_kind": "罚款", "fine_wan_cny": "1.5", "decided_on": "2021-05-20",
        "authority_name": "威海市市场监督管理局", "state": "正常", "legal_representative": "刘德海",
    } | more  # fmt: skip


def _licence(no: int, holder: str, code: str, **more: Any) -> dict[str, Any]:
    return {
        "licence_id": f"1.2.156.3005.2.11100000000013338W011.11371000004360000X.LH{no:03}.001.K",
        "type_code": "11100000000013338W011", "type_name": "证照", "licence_no": f"LH{no:03}", "holder_name": holder,
        "holder_code": code, "holder_code_kind": "公民身份号码" if code in N.values() else "统一社会信用代码",
        "issuer_name": "威海市行政审批服务局", "issued_on": "2020-01-01", "valid_to": "9999-12-31", "status": "有效",
    } | more  # fmt: skip


OCEAN = _enterprise(USCC[1], "荣成远航水产有限公司", division_code="371082")
LICENCE_END = date(2021, 8, 16)
RENAMED = _registered(N["renamed"], "王春梅", "1993-03-03", "2", former_name="王招娣")
NUMBERED = _registered(N["newborn"], "林子昂", "2021-06-01", "3")
_SLIP = _registered(N["slip"], "周玉兰", "1967-07-07", "9")
_MOVED = _registered(N["neighbour"], "陈明", "1970-08-08", "4", registered_address="威海市环翠区迟路9号")
_PENSION = {"pension_no": "1", "payment_kind": "正常", "id_no": N["old"], "name": "王建国", "period": "202106"}
_BIRTH = {
    "birth_cert_no": "U210000001", "baby_name": "林子昂", "sex_code": "男", "born_at": "2021-06-01 08:00",
    "mother_name": "林秀英", "mother_id_no": N["mother"],
}  # fmt: skip
_DEATH = {"death_cert_no": "D1", "id_no": N["old"], "name": "王建国", "sex_code": "男", "died_at": "2021-09-02 10:00"}
_DEBTOR = {
    "case_no": "（2021）鲁1002执1号", "subject_name": OCEAN["name"], "published_on": "2021-06-01",
    "subject_kind": "法人及非法人组织",
}  # fmt: skip
_RED = {
    "list_kind": "红名单", "category": "A 级纳税人", "subject_name": TAXED["name"], "subject_uscc": USCC[3],
    "document_no": "威税〔2021〕1号", "decided_on": "2021-04-01",
}  # fmt: skip
_CLASS = {"industry_group": "新一代信息技术产业", "strategic_code": "1.3", "industry_code": "6513"}


def _score(name: str, day: str) -> dict[str, Any]:
    return {"id_no": N["renamed"], "name": name, "score": "1010", "scored_on": day}


def _of(name: str, what: str) -> str:
    return f"select {what} from population.person where name = '{name}' order by 1"


def _events(library: str) -> str:
    return f"select kind, count(*) from linkage.identity_event where library = '{library}' group by 1 order by 1"


_TWO = f"'{N['one']}', '{N['two']}'"
_ON_TWO_NUMBERS = f"select count(distinct person_id) from population.person_identifier where identifier in ({_TWO})"
_FOUR_SEAS = "select count(distinct entity_id) from legal_entity.entity where name = '威海四海商贸有限公司'"
_RESOLVED = "select licence_no, person_id is not null, entity_id is not null from licence.licence order by 1"

STEPS = (
    Step(
        "everything arrives",
        (
            Delivery(HOUSEHOLD, _register(), JUNE),
            Delivery(INSURED, _insured(), JUNE),
            Delivery(PERMIT, [_permit("甲路1号"), SECOND_PERMIT], JUNE),
            Delivery(PENSION, [_PENSION], JUNE),
            Delivery(
                INSURANCE,
                [
                    _paid("1", N["one"], "郑成功"),
                    _paid("2", N["two"], "郑成功"),
                    _paid("3", N["renamed"], "王招娣"),
                    _paid("4", SLIP, "周玉兰"),
                ],
                JUNE,
            ),
            Delivery(ENTERPRISE, [HENGDA, OCEAN, TRADING, FOUR_SEAS], JUNE),
            Delivery(TAXPAYER, [TAXED, _taxed(REGISTRATION[4])], JUNE),
            Delivery(PENALTY, [_penalty()], JUNE),
            Delivery(DEBTOR, [_DEBTOR], JUNE),
            Delivery(LISTS, [_RED], JUNE),
            Delivery(SCORE, [_score("王招娣", "2021-06-30")], JUNE),
            Delivery(
                LICENCE,
                [
                    _licence(1, SOFTWARE, USCC[0], valid_to="2021-08-15"),
                    _licence(2, "王建国", N["old"]),
                    _licence(3, "陈明", N["neighbour"]),
                ],
                JUNE,
            ),
            Delivery(CLASSES, [_CLASS], JUNE),
        ),
        {
            _ON_TWO_NUMBERS: [(2,)],
            _of("周玉兰", "id_no"): [],
            _FOUR_SEAS: [(1,)],
            _RESOLVED: [("LH001", False, True), ("LH002", True, False), ("LH003", True, False)],
        },
    ),
    Step(
        "a person and a body are renamed, a number is mistaken, somebody leaves the register",
        (
            Delivery(HOUSEHOLD, _register(renamed=RENAMED, gone=None), JULY),
            Delivery(BIRTH, [_BIRTH], JULY),
            Delivery(PERMIT, [_permit("乙路2号")], JULY),
            Delivery(ENTERPRISE, [HENGDA | {"name": SCIENCE}], JULY),
            Delivery(PENALTY, [_penalty(state="已修复", repaired_on="2021-07-20")], JULY),
            Delivery(TAXPAYER, [TAXED, _taxed(REGISTRATION[5])], JULY),
        ),
        {
            _of("王春梅", "id_no, current_address"): [(N["renamed"], "乙路2号")],
            f"select name from legal_entity.entity where uscc = '{USCC[0]}'": [(SCIENCE,)],
            _FOUR_SEAS: [(2,)],
            _events("legal_entity"): [("split", 1)],
        },
    ),
    Step(
        "the newborn gets a number, a body a code, a correction is taken back, and doubts are decided",
        (
            # of the same day as the delivery that it corrects
            Delivery(PERMIT, [_permit("甲路1号")], JULY),
            Delivery(HOUSEHOLD, _register(renamed=RENAMED, gone=None, newborn=NUMBERED, slip=_SLIP), AUGUST),
            Delivery(ENTERPRISE, [TRADING | {"uscc": USCC[2]}, TRADING | {"operation": "撤销"}], AUGUST),
            Delivery(TAXPAYER, [TAXED, _taxed(REGISTRATION[4])], AUGUST),
        ),
        {
            _of("王春梅", "current_address"): [("甲路1号",)],
            _of("林子昂", "id_no"): [(N["newborn"],)],
            _of("周玉兰", "id_no"): [(N["slip"],)],
            _ON_TWO_NUMBERS: [(1,)],
            # the insured neighbour, once a person of his own, and the bearer of two numbers; the newborn keeps his id
            _events("population"): [("merge", 2)],
            "select count(distinct person_id) from linkage.person_link join linkage.person_mention"
            " using (source_id, mention_key) where name = '林子昂'": [(1,)],
            _FOUR_SEAS: [(1,)],
            f"select count(*) from legal_entity.entity where name = '{TRADING['name']}' and uscc = '{USCC[2]}'": [(1,)],
        },
        decisions=(
            Decision("population", INSURED, "陈明", N["other neighbour"], "same"),
            Decision("population", INSURANCE, "郑成功", N["two"], "same"),
            Decision("legal_entity", DEBTOR, OCEAN["name"], USCC[1], "same"),
        ),
    ),
    Step(
        "lists arrive late, and a licence ends",
        (
            Delivery(HOUSEHOLD, _register(neighbour=_MOVED, newborn=None, held=None), LATE),
            Delivery(ENTERPRISE, [OCEAN | {"legal_representative": "于海"}], LATE),
            Delivery(LICENCE, [_licence(1, SOFTWARE, USCC[0], valid_to="2021-08-15", status="注销")], AUGUST),
        ),
        {
            "select valid_from, valid_to, registered_address from population.person_history where known_to is null"
            f" and id_no = '{N['neighbour']}' order by 1": [
                (JUNE, LATE, "威海市环翠区古寨路4号"), (LATE, JULY, "威海市环翠区迟路9号"),
                (JULY, None, "威海市环翠区古寨路4号"),
            ],
            "select status, in_force_until from licence.licence where licence_no = 'LH001'": [("注销", LICENCE_END)],
        },
    ),
    Step(
        "a decision is undone, a death is told",
        (
            Delivery(DEATH, [_DEATH], SEPTEMBER),
            Delivery(INSURED, _insured(stranger=None), SEPTEMBER),
        ),
        {
            _ON_TWO_NUMBERS: [(2,)],
            "select qualification from population.pension_qualification": [("deceased",)],
        },
        undone=("郑成功",),
    ),
    Step(
        "the death was a mistake, somebody returns, a record changes its number",
        (
            Delivery(DEATH, [_DEATH | {"operation": "撤销"}], OCTOBER),
            Delivery(
                HOUSEHOLD, _register(renamed=RENAMED, newborn=NUMBERED, slip=_SLIP), OCTOBER
            ),
            Delivery(PERMIT, [SECOND_PERMIT | {"id_no": N["one"]}], OCTOBER),
            Delivery(LICENCE, [_licence(2, "王建国", N["old"], status="吊销")], OCTOBER),
            Delivery(SCORE, [_score("王春梅", "2021-09-30")], OCTOBER),
        ),
        {
            "select qualification from population.pension_qualification": [("unknown",)],
            # other records stay on the number that the record left, and a person has to say
            "select reason from population.link_review where name = '郑成功'": [("weak_evidence",)],
            f"select count(*) from credit.subject_score s join population.person p using (person_id)"
            f" where p.id_no = '{N['renamed']}'": [(2,)],
        },
    ),
)  # fmt: skip
HALF = STEPS[2]


def walk(libraries: Libraries, *, compared: Collection[Step]) -> None:
    """Take in, decide, link and build step by step.

    Past runs must count the employed of a linked extract as they did when they were computed.

    Args:
        compared: steps after which everything is built again and must be what increments left.
    """
    decided: dict[str, int] = {}
    runs: list[tuple[date, int]] = []
    counted: list[Decimal | None] = []
    for step in STEPS:
        for decision in step.decisions:
            decided[decision.name] = libraries.decide(*astuple(decision))
        for name in step.undone:
            libraries.undo(decided[name])
        libraries.take_in(step.deliveries)
        libraries.build()
        if step in compared:
            assert libraries.left_by_building_everything() == {}, step.what
        assert {query: libraries.rows(query) for query in step.told} == step.told, step.what
        if not runs:
            libraries.run_models("run", "--select", f"ind_{_EMPLOYMENT}")
        [(known_at,)] = libraries.rows("select max(seq) from quality.event")
        runs.append((max(delivery.as_of for delivery in step.deliveries), known_at))
        counted.append(_employed(libraries, *runs[-1]))
    # one employed person was not known at first, two were one for a while
    assert counted == [3, 3, 3, 3, 4, 4]
    assert [_employed(libraries, *run) for run in runs] == counted


def _employed(libraries: Libraries, as_of: date, known_at: int) -> Decimal | None:
    return values(libraries.connection, _EMPLOYMENT, as_of=as_of, known_at=known_at)["newgen_it_employees"]
