"""The roles of all contracts in which somebody is spoken of, each with its number, and the version of the rules."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from connectors.contract import Contract
from connectors.database import Connection
from connectors.raw_tables import matches
from linkage.libraries import Library
from linkage.mention_sql import Role

_PACKAGE = Path(__file__).parent


def sync(connection: Connection, contracts: Mapping[str, Contract], library: Library) -> tuple[Role, ...]:
    """Number the library's roles and return those whose raw table follows its contract.

    A role keeps its number for ever. The mentions of a table that cannot follow its contract stay as they are.
    """
    declared = [
        (contract, role, mention.unlinked)
        for _, contract in sorted(contracts.items())
        for role, mention in contract.mentions.items()
        if mention.library == library.name
    ]
    with connection.cursor() as cursor:
        cursor.executemany(
            "insert into linkage.source (library, contract_id, role, unlinked) select %(library)s, %(contract)s,"
            " %(role)s, %(unlinked)s where not exists (select from linkage.source where contract_id = %(contract)s"
            " and role = %(role)s)",
            [_facts(library, *each) for each in declared],
        )
        cursor.executemany(
            "update linkage.source set unlinked = %(unlinked)s, library = %(library)s where contract_id = %(contract)s"
            " and role = %(role)s and (unlinked <> %(unlinked)s or library <> %(library)s)",
            [_facts(library, *each) for each in declared],
        )
    numbers = {
        (contract_id, role): number
        for contract_id, role, number in connection.execute("select contract_id, role, source_id from linkage.source")
    }
    following = {c.id for c in {c.id: c for c, _, _ in declared}.values() if matches(connection, c)}
    return tuple(Role(c, role, numbers[c.id, role]) for c, role, _ in declared if c.id in following)


def version(roles: Sequence[Role], library: Library, parameters: Sequence[Path]) -> str:
    """Return 16 hex digits that change with the contracts followed, the rules of linking or their parameters.

    Args:
        parameters: folders and files of the library's own rules.
    """
    digest = hashlib.sha256(library.name.encode())
    for role in roles:
        digest.update(f"{role.source_id} {role.name} {role.contract.version}\n".encode())
    own = [path for given in parameters for path in (given.rglob("*") if given.is_dir() else [given])]
    for path in sorted({*_PACKAGE.glob("*.py"), *(p for p in own if p.suffix in (".py", ".json", ".csv", ".sql"))}):
        digest.update(path.relative_to(_PACKAGE).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def _facts(library: Library, contract: Contract, role: str, unlinked: str) -> dict[str, str]:
    return {"library": library.name, "contract": contract.id, "role": role, "unlinked": unlinked}
