"""Links of records to persons and entities, put straight into `linkage` as its step would leave them."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from connectors.contract import Contracts
from connectors.database import Connection
from linkage import mentions, sources
from linkage.libraries import LIBRARIES
from linkage.mention_sql import Role
from tests.integration.modelled import AS_OF, deliver


def subject(number: int) -> uuid.UUID:
    """The id of a test's person or entity."""
    return uuid.UUID(int=number)


def deliver_linked(
    connection: Connection,
    contracts: Contracts,
    contract_id: str,
    rows: Sequence[Mapping[str, Any]],
    *,
    as_of: date = AS_OF,
    withdrawn: Sequence[str] = (),
) -> int:
    """Apply one delivery, take in its mentions and link them; return the batch id.

    Args:
        rows: as in `deliver`; `_of` gives the person or entity by role.
    """
    plain = [{name: value for name, value in row.items() if name != "_of"} for row in rows]
    batch_id = deliver(connection, contracts, contract_id, plain, as_of=as_of, withdrawn=withdrawn)
    roles = take_mentions(connection, contracts)
    for number, row in enumerate(rows, start=2):
        for role, of in row.get("_of", {}).items():
            link(connection, roles[contract_id, role], batch_id, number, of)
    if withdrawn:
        for role in (r for (c, _), r in roles.items() if c == contract_id):
            library = LIBRARIES[role.mention.library]
            linked = connection.execute(
                f"select {library.id} from {library.link} where source_id = %s".encode(), (role.source_id,)
            ).fetchall()
            changed(connection, role, *(of for (of,) in linked))
    follow(connection)
    return batch_id


def take_mentions(connection: Connection, contracts: Contracts) -> dict[tuple[str, str], Role]:
    """Take in all mentions; return the roles by contract and name."""
    found: dict[tuple[str, str], Role] = {}
    for library in LIBRARIES.values():
        roles = sources.sync(connection, contracts, library)
        mentions.take_all(connection, library, roles)
        found |= {(role.contract.id, role.name): role for role in roles}
    return found


def link(connection: Connection, role: Role, batch_id: int, row_no: int, of: uuid.UUID) -> None:
    """Link the mention of one row to a person or entity."""
    library = LIBRARIES[role.mention.library]
    key = mentions.mention_key(role.contract, role.name, "r")
    connection.execute(
        f"insert into {library.link} (source_id, mention_key, {library.id}, method)"
        f" select %s, {key}, %s, 'number' from {role.raw} as r where _batch_id = %s and _row_no = %s"
        f" on conflict (source_id, mention_key) do update set {library.id} = excluded.{library.id}".encode(),
        (role.source_id, of, batch_id, row_no),
    )
    changed(connection, role, of)


def changed(connection: Connection, role: Role, *subjects: uuid.UUID) -> None:
    """Note that persons or entities changed."""
    library = LIBRARIES[role.mention.library]
    for of in subjects:
        connection.execute(
            f"insert into {library.change} values (%s, nextval('linkage.change_no'))"
            f" on conflict ({library.id}) do update set change_no = excluded.change_no".encode(),
            (of,),
        )


def follow(connection: Connection) -> None:
    """Note that linkage knows all that was delivered."""
    connection.execute(
        "insert into linkage.state select library, (select coalesce(max(seq), 0) from quality.event), '1'"
        " from unnest(array['population', 'legal_entity']) as library"
        " on conflict (library) do update set known_at = excluded.known_at"
    )
    connection.commit()


def link_as_in_truth(connection: Connection, contracts: Contracts, truth: Path) -> None:
    """Link every delivered record of the sample city to whom it is about; ids are hashes of the truth's numbers."""
    identities = pl.read_parquet(truth / "identities.parquet").select(
        "contract", pl.col("file").str.split("/").list.last(), "row", "role", "person_no", "entity_no"
    )
    connection.execute(
        "create temporary table identity (contract text, file text, row_no bigint, role text, person_no int,"
        " entity_no int)"
    )
    with connection.cursor().copy("copy identity from stdin") as copy:
        for row in identities.iter_rows():
            copy.write_row(row)
    connection.execute("analyze identity")
    for role in take_mentions(connection, contracts).values():
        library = LIBRARIES[role.mention.library]
        number = f"i.{library.kind}_no"
        key = mentions.mention_key(role.contract, role.name, "r")
        connection.execute(
            f"insert into {library.link} (source_id, mention_key, {library.id}, method)"
            f" select distinct on (2) %s::smallint, {key}, md5({number}::text)::uuid, 'number' from {role.raw} as r"
            " join quality.batch as b on b.batch_id = r._batch_id"
            " join identity as i on i.contract = %s and i.file = b.file_name and i.row_no = r._row_no"
            f" and i.role = %s and {number} is not null order by 2, 3 on conflict do nothing".encode(),
            (role.source_id, role.contract.id, role.name),
        )
    for library in LIBRARIES.values():
        connection.execute(
            f"insert into {library.change} select {library.id}, 1 from {library.link} group by 1"
            " on conflict do nothing".encode()
        )
    connection.execute("select setval('linkage.change_no', 1)")
    follow(connection)
