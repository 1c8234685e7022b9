"""Raw rows of a city for the bench of the base libraries: written in the database, linked as linkage would."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from connectors.contract import Contracts
from connectors.database import Connection
from connectors.raw_tables import ensure_raw_tables, indexed_afterwards
from connectors.sql_text import give_memory
from linkage.libraries import LIBRARIES
from linkage.mention_sql import mention_key

AS_OF, NEXT = date(2021, 9, 30), date(2021, 10, 31)
CHANGED = 1_000
"""One person and one entity in so many changes."""

_NUMBER = "'371002' || to_char(date '1950-01-01' + i % 25000, 'YYYYMMDD') || lpad((i / 25000)::text, 3, '0') || 'X'"
_CODE = "'9137' || lpad(i::text, 14, '0')"
_PERSON = {"id_no": _NUMBER, "name": "'人' || i % 50021"}


@dataclass(frozen=True)
class Extract:
    """One extract: of whom it speaks, what share of them, with which values."""

    contract_id: str
    role: str
    share: float
    values: Mapping[str, str]


EXTRACTS = (
    Extract("public_security__household_population", "person", 0.87, _PERSON | {
        "sex_code": "case when i % 2 = 0 then '女' else '男' end", "ethnicity_code": "'01'",
        "birth_date": "date '1950-01-01' + i % 25000", "household_no": "'H' || i / 3",
        "relation_code": "case when i % 3 = 0 then '户主' else '子' end", "registered_division_code": "'371002'",
        "registered_address": "'威海市环翠区文化西路' || i % 9973 || '号'", "education_code": "'初级中学教育'",
        "marital_status": "'已婚'", "updated_at": "timestamptz '2019-01-01 00:00+08' + i % 900 * interval '1 day'",
    }),
    Extract("medical_security__insured", "person", 0.95, _PERSON | {
        "insured_no": "'M' || i", "birth_date": "date '1950-01-01' + i % 25000", "status": "'正常参保'",
        "insured_kind": "'职工基本医疗保险'", "division_code": "'371002'",
    }),
    Extract("human_resources__social_insurance", "person", 0.8, _PERSON | {
        "person_no": "'S' || i", "uscc": "'U' || i % 400000", "insurance_type": "'失业保险'", "period": "'202109'",
        "payment_kind": "'正常'", "status": "'参保缴费'", "phone": "'139' || lpad(i::text, 8, '0')",
    }),
    Extract("human_resources__pension_payment", "person", 0.25, _PERSON | {
        "pension_no": "'B' || i", "payment_kind": "'正常'", "period": "'202109'",
    }),
    Extract("education__student", "person", 0.12, _PERSON | {
        "student_no": "'X' || i", "birth_date": "date '2005-01-01' + i % 4000", "status": "'在读'",
    }),
    Extract("civil_affairs__marriage", "husband", 0.3, {
        "registration_no": "'J' || i", "kind": "'结婚'", "husband_id_no": _NUMBER, "husband_name": "'人' || i % 50021",
        "registered_on": "date '1990-01-01' + i % 11000",
    }),
    Extract("public_security__residence_permit", "person", 0.1, _PERSON | {
        "permit_no": "'P' || i", "current_division_code": "'371002'", "registered_on": "date '2020-01-01' + i % 600",
        "current_address": "'威海市环翠区世昌大道' || i % 9973 || '号'", "phone": "'138' || lpad(i::text, 8, '0')",
    }),
    Extract("development_reform__haibei_score", "person", 0.3, _PERSON | {"scored_on": "date '2021-09-01'"}),
    Extract("veterans__veteran", "person", 0.03, _PERSON | {"address": "'威海市' || i % 997 || '号'"}),
    Extract("market_regulation__enterprise", "entity", 1.0, {
        "uscc": _CODE, "name": "'威海市' || i || '号有限公司'", "entity_type": "'有限责任公司'", "status": "'在用'",
        "legal_representative": "'人' || i % 50021", "registered_capital": "1000000", "division_code": "'371002'",
        "established_on": "date '1995-01-01' + i % 9000", "address": "'威海市环翠区' || i % 9973 || '号'",
        "business_scope": "'销售日用百货、五金交电、建筑材料' || i % 977", "industry_code": "'5211'",
    }),
    Extract("taxation__taxpayer", "entity", 0.9, {
        "tax_no": _CODE, "uscc": _CODE, "name": "'威海市' || i || '号有限公司'", "status": "'正常'",
        "division_code": "'371002'", "address": "'威海市环翠区' || i % 9973 || '号'", "industry_code": "'5211'",
    }),
    Extract("development_reform__administrative_permit", "entity", 0.5, {
        "document_no": "'D' || i", "authority_name": "'局'", "subject_name": "'威海市' || i || '号有限公司'",
        "subject_kind": "'法人及非法人组织'", "subject_uscc": _CODE, "decided_on": "date '2021-01-01' + i % 200",
    }),
)  # fmt: skip


def load(connection: Connection, contracts: Contracts, *, persons: int, entities: int) -> int:
    """Write and link one delivery of every extract; return the number of rows."""
    ensure_raw_tables(connection, contracts)
    give_memory(connection)
    rows = 0
    for number, extract in enumerate(EXTRACTS, start=1):
        _announce(connection, number, extract.contract_id, AS_OF)
        of = persons if _library(contracts, extract) == "population" else entities
        contract = contracts[extract.contract_id]
        facts = {"role": extract.role, "contract": extract.contract_id, "library": _library(contracts, extract)}
        with indexed_afterwards(connection, contract):
            rows += _insert(connection, extract, number, AS_OF, f"i < {of} * {extract.share}", of)
        connection.execute(f'analyze raw."{extract.contract_id}"'.encode())
        connection.execute(
            "insert into linkage.source (library, contract_id, role, unlinked)"
            " values (%(library)s, %(contract)s, %(role)s, 'own')",
            facts,
        )
        library = LIBRARIES[_library(contracts, extract)]
        connection.execute(
            f"insert into {library.link} (source_id, mention_key, {library.id}, method)"
            f" select distinct s.source_id, {mention_key(contract, extract.role, 'r')},"
            f" md5('{library.kind}' || r._row_no)::uuid, 'number'"
            f' from raw."{extract.contract_id}" r join linkage.source s on s.contract_id = %(contract)s'.encode(),
            facts,
        )
    for library in LIBRARIES.values():
        connection.execute(
            f"insert into {library.change} select {library.id}, 1 from {library.link} group by 1".encode()
        )
        connection.execute(f"analyze {library.link}; analyze {library.change}".encode())
    connection.execute("select setval('linkage.change_no', 1)")
    _follow(connection)
    return rows


def change(connection: Connection, contracts: Contracts, *, persons: int, entities: int) -> None:
    """Deliver another address of one person and one entity in a thousand."""
    for number, extract in enumerate((EXTRACTS[0], EXTRACTS[9]), start=len(EXTRACTS) + 1):
        _announce(connection, number, extract.contract_id, NEXT)
        library = LIBRARIES[_library(contracts, extract)]
        of = persons if library.name == "population" else entities
        column = "registered_address" if library.name == "population" else "address"
        raw = f'raw."{extract.contract_id}"'
        connection.execute(
            "insert into quality.version_closing"
            f" select %s, _record_key, _batch_id, %s, 'replaced', %s, %s, now() from {raw}"
            f" where _row_no %% {CHANGED} = 0".encode(),
            (extract.contract_id, number, NEXT, number),
        )
        connection.execute(f"update {raw} set _closed_batch_id = %s where _row_no %% {CHANGED} = 0".encode(), (number,))
        moved = Extract(extract.contract_id, extract.role, 1, {**extract.values, column: "'文登区新址' || i"})
        _insert(connection, moved, number, NEXT, f"i % {CHANGED} = 0 and i < {of} * {extract.share}", of)
        connection.execute(
            f"update {library.change} c set change_no = 2 from generate_series(0, {of - 1}, {CHANGED}) as i"
            f" where c.{library.id} = md5('{library.kind}' || i)::uuid".encode()
        )
    _follow(connection)


def _library(contracts: Contracts, extract: Extract) -> str:
    return contracts[extract.contract_id].mentions[extract.role].library


def _announce(connection: Connection, number: int, contract_id: str, as_of: date) -> None:
    connection.execute("insert into quality.event values (%s, 'apply', %s, 'b', '', now())", (number, number))
    department, _, extract = contract_id.partition("__")
    connection.execute(
        "insert into quality.batch (department, extract, file_name, sha256, as_of, received_at, status, applied_seq)"
        " values (%s, %s, 'f', 's', %s, now(), 'accepted', %s)",
        (department, extract, as_of, number),
    )


def _insert(  # noqa: PLR0917
    connection: Connection, extract: Extract, number: int, as_of: date, where: str, of: int
) -> int:
    names = ", ".join(f'"{name}"' for name in extract.values)
    values = ", ".join(extract.values.values())
    return connection.execute(
        f'insert into raw."{extract.contract_id}" ({names}, _record_key, _row_hash, _batch_id, _row_no, _as_of,'
        f" _applied_seq) select {values}, md5('{extract.contract_id}' || i)::uuid, ''::bytea, {number}, i,"
        f" date '{as_of}', {number} from generate_series(0, {of - 1}) as i where {where}".encode()
    ).rowcount


def _follow(connection: Connection) -> None:
    connection.execute(
        "insert into linkage.state select l, (select max(seq) from quality.event), 'b'"
        " from unnest(array['population', 'legal_entity']) as l"
        " on conflict (library) do update set known_at = excluded.known_at"
    )
    connection.commit()
