"""The SQL of one cell of a declaration: its condition, its conversion, its date."""

from __future__ import annotations

from collections.abc import Mapping

from connectors.contract import ColumnType, Contract
from dags.support.golden.declaration import Check, Choice, Condition

CITY = "Asia/Shanghai"
_DOCUMENT = "^[A-Z]{1,2}[0-9]{7,10}$"
"""Passports and travel permits: they carry no check character."""

_USCC_KIND = (
    "case left({row}.{column}, 2) when '11' then '机关' when '12' then '事业单位' when '13' then '群众团体'"
    " when '19' then '机关事业单位' when '51' then '社会团体' when '52' then '民办非企业单位' when '53' then '基金会'"
    " when '91' then '企业' when '92' then '个体工商户' when '93' then '农民专业合作社' else {other} end"
)
TRANSFORMS: Mapping[str, str] = {
    "city_date": "({value} at time zone 'Asia/Shanghai')::date",
    # GB 11643-1999: the 7th to 14th digits are the date of birth, an odd sequence is male
    "id_birth_date": "case when length({value}) = 18 and pg_input_is_valid(substr({value}, 7, 8), 'date')"
    " then substr({value}, 7, 8)::date end",
    "id_sex": "case when length({value}) = 18 then"
    " case when substr({value}, 17, 1) in ('1', '3', '5', '7', '9') then '男' else '女' end end",
    "marital_status": "case {value} when '结婚' then '已婚' when '离婚' then '离婚' end",
    "true": "true",
    # GB 32100-2015: the 3rd to 8th characters are the division, the 9th to 17th the organisation code
    "uscc_division": "substr({value}, 3, 6)",
    "organisation_code": "case when length({value}) = 18 then substr({value}, 9, 9) end",
    "uscc_kind": _USCC_KIND.replace("{other}", "'其他'"),
    "institution_kind": _USCC_KIND.replace("{other}", "'事业单位'"),
    "enterprise_kind": "case"
    " when left({row}.\"uscc\", 2) = '92' or {row}.\"entity_type\" like '%个体%' then '个体工商户'"
    " when left({row}.\"uscc\", 2) = '93' or {row}.\"entity_type\" like '%合作社%' then '农民专业合作社'"
    " else '企业' end",
    "in_use_when_empty": "coalesce({value}, '在用')",
    "taxpayer_status": "case coalesce({value}, '正常') when '正常' then '在用' when '非正常户注销' then '注销'"
    " when '停业' then '停用' else {value} end",
}
"""Conversions of a cell, by the name the declaration uses; `{value}` is the cell, `{row}` its record."""


def value(choice: Choice, alias: str) -> str:
    """Return the SQL of the cell's value as the field states it; null where its conditions do not hold."""
    cell = converted(choice, alias)
    if not choice.conditions:
        return cell
    return f"case when {condition(choice, alias)} then {cell} end"


def converted(choice: Choice, alias: str) -> str:
    """Return the SQL of the cell's value, whatever its conditions say."""
    cell = f'{alias}."{choice.column}"'
    if not choice.transform:
        return cell
    return TRANSFORMS[choice.transform].format(value=cell, row=alias, column=f'"{choice.column}"')


def condition(choice: Choice, alias: str) -> str:
    """Return the SQL of: all conditions of the cell hold; never null."""
    return " and ".join(_holds(choice, c, alias) for c in choice.conditions) or "true"


def moment(contract: Contract, column: str, alias: str) -> str:
    """Return the SQL of a column's date: of a moment in the city, of a month its first day."""
    cell = f'{alias}."{column}"'
    match contract.columns[column].type:
        case ColumnType.DATE:
            return cell
        case ColumnType.DATETIME:
            return f"({cell} at time zone '{CITY}')::date"
        case ColumnType.PERIOD:
            return f"case when {cell} ~ '^[0-9]{{4}}(0[1-9]|1[0-2])$' then to_date({cell}, 'YYYYMM') end"
        case kind:
            raise ValueError(f"{contract.id}.{column} is {kind}: no date")


def _holds(choice: Choice, wanted: Condition, alias: str) -> str:
    cell = f'{alias}."{wanted.subject}"'
    match wanted.check:
        case Check.SOUND:
            return f"""not {alias}."_issues" @> '[{{"rule": "{wanted.subject}"}}]'"""
        case Check.USABLE:
            return f"({_usable(choice, wanted.subject, alias)})"
        case Check.UNUSABLE:
            return f"not ({_usable(choice, wanted.subject, alias)})"
        case Check.EMPTY:
            return f"{cell} is null"
        case Check.IS:
            words = ", ".join("'" + word.replace("'", "''") + "'" for word in wanted.words)
            return f"coalesce({cell} in ({words}), false)"


def _usable(choice: Choice, column: str, alias: str) -> str:
    """A number intake has judged is judged again only where it found something: some findings are mere notes."""
    cell = f'{alias}."{column}"'
    kind = choice.contract.columns[column].type
    if choice.library == "legal_entity":
        right = f"linkage.is_credit_code({cell})"
    else:
        right = f"linkage.is_citizen_number({cell}, {alias}.\"_as_of\") or {cell} ~ '{_DOCUMENT}'"
    if kind in (ColumnType.USCC, ColumnType.ID):
        found = " or ".join(
            f"""{alias}."_issues" @> '[{{"rule": "{column}.{rule}"}}]'""" for rule in ("check", "format")
        )
        right = f"case when {found} then {right} else length({cell}) = 18 end"
    return f"coalesce({right}, false)"
