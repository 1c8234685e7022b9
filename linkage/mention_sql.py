"""The SQL that turns records into mentions: one renderer, so that any record is led to its person or entity alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from connectors.contract import ColumnType, Contract
from connectors.contract_model import Mention
from connectors.record_columns import MENTION_KEY
from linkage.libraries import Library
from linkage.told_by_name import speaks_of_entity

_CITY = "Asia/Shanghai"
_DOCUMENT = "^[A-Z]{1,2}[0-9]{7,10}$"
"""Passports and travel permits: they carry no check character, so that a slip in one goes unseen."""


@dataclass(frozen=True)
class Role:
    """One role of a contract: who is spoken of there, and the number of that source."""

    contract: Contract
    name: str
    source_id: int

    @property
    def mention(self) -> Mention:
        """What the contract says of the role."""
        return self.contract.mentions[self.name]

    @property
    def raw(self) -> str:
        """The raw table's quoted name."""
        return f'raw."{self.contract.id}"'

    @property
    def is_grouped(self) -> bool:
        """Several records may be one mention."""
        return bool(self.mention.grain)


def mention_key(contract: Contract, role: str, alias: str) -> str:
    """Return the SQL of a record's `mention_key` in this role: join `linkage.*_link` on it and the source.

    A record's own key, which tells rows on one key apart; where the contract names a grain, the key that intake gave
    all records with equal columns (`connectors.record_hashes`).
    """
    return f'{alias}."{MENTION_KEY if contract.mentions[role].grain else "_record_key"}"'


def is_mention(contract: Contract, role: str, alias: str) -> str:
    """Return the SQL of: this record speaks of somebody in this role."""
    mention = contract.mentions[role]
    told = [f'{alias}."{c}" is not null' for c in mention.columns.values()]
    conditions = [f"({' or '.join(told)})"]
    conditions += [_has_word(contract, column, words, alias) for column, words in mention.when.items()]
    if mention.told_by_name:
        is_entity = speaks_of_entity(contract, alias)
        conditions.append(f"({is_entity})" if mention.library == "legal_entity" else f"not ({is_entity})")
    return " and ".join(conditions)


def mention_rows(role: Role, library: Library, *, only: str | None = None) -> str:
    """Return the select of the mentions in the records in force, with the columns of the library's mention table.

    Args:
        only: a table with a column `mention_key`, to which the rows are confined.
    """
    contract, alias = role.contract, "r"
    key = mention_key(contract, role.name, alias)
    values = [
        f"{role.source_id}::smallint as source_id",
        f"{key} as mention_key",
        *(f'{alias}."_{c}" as {c}' for c in ("record_key", "key_no", "batch_id", "row_no", "as_of")),
        *(f"{_value(role, library, column, alias)} as {column}" for column in library.columns),
    ]
    where = f'{alias}."_closed_batch_id" is null and {is_mention(contract, role.name, alias)}'
    if only is not None:
        where += f" and {key} in (select o.mention_key from {only} o)"
    distinct, order = "", ""
    if role.is_grouped:
        distinct = f"distinct on ({key})"
        latest = ("_as_of", "_batch_id", "_row_no", "_record_key")
        order = f" order by {key}, " + ", ".join(f'{alias}."{c}" desc' for c in latest)
    return f"select {distinct} {', '.join(values)} from {role.raw} {alias} where {where}{order}"


def _value(role: Role, library: Library, column: str, alias: str) -> str:
    contract, columns = role.contract, role.mention.columns
    if column == library.usable:
        return _is_usable(contract, columns.get(library.number), library, alias)
    source = columns.get(column)
    if source is None:
        return f"null::{'date' if column in library.dates else 'text'}"
    kind = next(f.sql for f in contract.fields if f.name == source)
    value = f'{alias}."{source}"'
    if column in library.dates:
        return f"({value} at time zone '{_CITY}')::date" if kind == "timestamptz" else f"{value}::date"
    return value if kind == "text" else f"{value}::text"


def _is_usable(contract: Contract, column: str | None, library: Library, alias: str) -> str:
    """Intake has judged columns of the number's own type: only where it found something is the number judged again."""
    if column is None:
        return "false"
    value = f'{alias}."{column}"'
    if library.number == "uscc":
        judged, right, found = ColumnType.USCC, f"linkage.is_credit_code({value})", "format"
    else:
        document = f"{value} ~ '{_DOCUMENT}'"
        right = f'(linkage.is_citizen_number({value}, {alias}."_as_of") or {document})'
        judged, found = ColumnType.ID, "format"
    if contract.columns[column].type is judged:
        findings = " or ".join(
            f"""{alias}."_issues" @> '[{{"column": "{column}", "rule": "{column}.{rule}"}}]'"""
            for rule in ("check", found)
        )
        right = f"(case when {findings} then {right} else length({value}) = 18 end)"
    return f"coalesce({right}, false)"


def _has_word(contract: Contract, column: str, words: Sequence[str], alias: str) -> str:
    value = f'{alias}."{column}"'
    if contract.columns[column].type is ColumnType.BOOL:
        return f"{value} in ({', '.join('true' if w == '是' else 'false' for w in words)})"
    return f"{value} in ({', '.join(_literal(w) for w in words)})"


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
