"""The scope of a full delivery: the columns and values it speaks for; outside it nothing is withdrawn.

A division stands for everything below it: 371002 for 371002001, 371000 for the whole city (GB/T 2260, GB/T 10114).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from connectors.contract import ColumnType, Contract
from connectors.errors import RefusedError
from connectors.normalise import FINDINGS, Context, normalise

Scope = Mapping[str, Sequence[str]]


def column_names(contract: Contract) -> dict[str, str]:
    """Return the columns that a scope may name, by everything they are called: name, header, aliases."""
    return {text: name for name, c in contract.columns.items() for text in (c.header, *c.aliases, name)}


def understood(contract: Contract, scope: Scope, context: Context) -> dict[str, list[str]]:
    """Return a declared scope with its columns by name and its values as they are stored.

    Args:
        scope: columns by name or header, values as a department writes them.

    Raises:
        RefusedError: a column or a value that the contract does not know.
    """
    names = column_names(contract)
    read: dict[str, list[str]] = {}
    for said, values in scope.items():
        if said not in names:
            known = "、".join(c.header for c in contract.columns.values())
            raise RefusedError(f"声明的报送范围用了没有的列“{said[:30]}”，可用的列：{known}；请改正后重新报送。")
        name = names[said]
        read[name] = _values(contract, name, values, context)
    return read


def _values(contract: Contract, name: str, values: Sequence[str], context: Context) -> list[str]:
    column = contract.columns[name]
    if not values:
        raise RefusedError(f"声明的报送范围没有写明“{column.header}”的取值，请补全后重新报送。")
    found = normalise(pl.Series(list(values), dtype=pl.String), column, context)
    texts = found.values["value"].cast(pl.String).to_list()
    for value, text, finding in zip(values, texts, found.finding.to_list(), strict=True):
        if text is None or (finding is not None and FINDINGS[finding].fails):
            raise RefusedError(f"声明的报送范围中，“{value[:30]}”不是“{column.header}”的取值，请改正后重新报送。")
    return list(dict.fromkeys(map(str, texts)))


def covers(contract: Contract, scope: Scope, alias: str) -> str:
    """Return the SQL of: the row lies within the scope; its values are the `parameters`."""
    tests = [_covers(contract, c, f"unnest(%(scope_{c})s::text[])", alias) for c in scope]
    return " and ".join(tests) or "true"


def covers_stored(contract: Contract, columns: Sequence[str], scope: str, alias: str) -> str:
    """Return the SQL of: the row lies within the scope that a jsonb expression holds.

    Args:
        columns: those that any of the scopes names.
    """
    tests = [
        f"(not {scope} ? '{c}' or {_covers(contract, c, f'''jsonb_array_elements_text({scope} -> '{c}')''', alias)})"
        for c in columns
        if c in contract.columns
    ]
    return " and ".join(tests) or "true"


def parameters(scope: Scope | None) -> dict[str, Any]:
    """Return the values of a scope as the parameters of `covers`."""
    return {f"scope_{c}": list(v) for c, v in (scope or {}).items()}


def _covers(contract: Contract, column: str, values: str, alias: str) -> str:
    if contract.columns[column].type is ColumnType.DIVISION:
        return f'{alias}."{column}" ^@ any(select {_PREFIX} from {values} as d (code))'
    return f'{alias}."{column}"::text in (select d.code from {values} as d (code))'


_PREFIX = (
    "case when substr(d.code, 7) ~ '[1-9]' then left(d.code, 6) || regexp_replace(substr(d.code, 7), '(000)+$', '')"
    " else left(d.code, 2) || regexp_replace(substr(d.code, 3, 4), '(00)+$', '') end"
)
"""The digits a division shares with all below it: two each for province, city, county, three for each level below."""
