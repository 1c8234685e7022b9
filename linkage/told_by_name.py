"""Whether a record speaks of a person or an entity where no column says so: by its codes, else by its name's form."""

from __future__ import annotations

from collections.abc import Sequence

from connectors.contract import Contract

_CITIZEN = r"^[1-9][0-9]{5}(18|19|20)[0-9]{2}(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])[0-9]{3}[0-9X]$"
_CREDIT = r"^[0-9A-HJ-NPQRTUWXY]{18}$"
_OTHER_CODES = r"^([0-9A-Z]{8}-?[0-9X]|[0-9]{13}|[0-9]{15}|[0-9]{6}[0-9A-Z]{9})$"
"""Organisation codes, registration numbers of 13 and 15 digits, tax numbers that hold an organisation code."""
_BODIES = (
    "公司|集团|企业|工厂|商店|商行|超市|市场|饭店|酒店|宾馆|学校|大学|学院|医院|诊所|药店|药房|银行|中心|协会|学会|商会|"
    "基金会|合作社|委员会|政府|经营部|门市部|事务所|工作室|幼儿园|总店|分店|支行|支队"
)
"""Words that end no personal name."""
_SHORT_BODIES = "厂店行社部院校园所站馆局处会队场村吧"
"""Characters that end a body's name of four characters, and may end a given name."""
_DOUBLE_SURNAMES = "欧阳|司马|上官|诸葛|东方|皇甫|尉迟|公孙|慕容|令狐|长孙|宇文|司徒|夏侯|端木|百里|南宫|东郭|申屠|呼延"
_FOREIGN_BODIES = r"\y(co|ltd|inc|llc|corp|company|limited|gmbh)\y"
_HAN = "㐀-鿿𠀀-𲎯"


def speaks_of_entity(contract: Contract, alias: str) -> str:
    """Return the SQL that says, for a record of the contract, whether its mentions told by name mean an entity.

    Args:
        contract: some of its mentions are `told_by_name`.
        alias: of the record's table.

    Raises:
        ValueError: no mention of the contract is told by name.
    """
    told = [m for m in contract.mentions.values() if m.told_by_name]
    if not told:
        raise ValueError(f"{contract.id} 没有 told_by_name 的提及")
    of_persons = _columns(contract, "population", ("id_no",), alias)
    of_entities = _columns(contract, "legal_entity", ("uscc", "registration_no", "organisation_code", "tax_no"), alias)
    return is_entity(of_persons, of_entities, f'{alias}."{told[0].columns["name"]}"')


def _columns(contract: Contract, library: str, attributes: Sequence[str], alias: str) -> list[str]:
    told = [m for m in contract.mentions.values() if m.told_by_name and m.library == library]
    return [f'{alias}."{m.columns[a]}"' for m in told for a in attributes if a in m.columns]


def is_entity(person_codes: Sequence[str], entity_codes: Sequence[str], name: str) -> str:
    """Return the SQL that says whether an entity is meant; never null.

    Codes of 18 characters tell for themselves, whatever column they stand in; others by their column, shape permitting.

    Args:
        person_codes: SQL of the columns of personal numbers.
        entity_codes: SQL of the columns of entities' codes.
        name: SQL of the name.
    """
    anywhere = [_tidy(c) for c in (*person_codes, *entity_codes)]
    branches = [
        *(f"when {code} ~ '{_CITIZEN}' then false" for code in anywhere),
        *(f"when {code} ~ '{_CREDIT}' then true" for code in anywhere),
        *(f"when {_tidy(code)} ~ '{_OTHER_CODES}' then true" for code in entity_codes),
        *(f"when {_tidy(code)} <> '' then false" for code in person_codes),
        *_by_form(name),
    ]
    return f"case {' '.join(branches)} else false end"


def _tidy(code: str) -> str:
    return f"upper(coalesce({code}, ''))"


def _by_form(name: str) -> list[str]:
    bare = f"regexp_replace(regexp_replace({name}, '[（(][^）)]*[）)]', '', 'g'), '\\s', '', 'g')"
    han = f"char_length(regexp_replace({bare}, '[^{_HAN}]', '', 'g'))"
    return [
        f"when {bare} ~ '({_BODIES})' then true",
        f"when {name} ~* '{_FOREIGN_BODIES}' then true",
        f"when {name} ~ '[·•・]' then false",
        f"when {han} >= 5 then true",
        f"when {han} = 4 and {bare} ~ '[{_SHORT_BODIES}]$' and {bare} !~ '^({_DOUBLE_SURNAMES})' then true",
    ]
