"""Links of records to persons and entities, put straight into `linkage` as its step would leave them."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
from psycopg import sql

from connectors.contract import Contracts
from connectors.database import Connection
from connectors.sql_text import UNIT_SEPARATOR
from tests.integration.modelled import AS_OF, deliver


def person(number: int) -> uuid.UUID:
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
    """Apply one delivery and link its records; return the batch id.

    Args:
        rows: as in `deliver`; `_of` gives the id by role, or None for a mention that is linked to nobody.
    """
    plain = [{name: value for name, value in row.items() if name != "_of"} for row in rows]
    batch_id = deliver(connection, contracts, contract_id, plain, as_of=as_of, withdrawn=withdrawn)
    for number, row in enumerate(rows, start=2):
        for role, subject in row.get("_of", {}).items():
            mention(connection, contracts, contract_id, role, batch_id, number, subject)
    if withdrawn:
        _touch_linked(connection, contracts, contract_id)
    follow(connection)
    return batch_id


def mention(
    connection: Connection,
    contracts: Contracts,
    contract_id: str,
    role: str,
    batch_id: int,
    row_no: int,
    subject: uuid.UUID | None,
) -> None:
    """Note one mention, and its link where it has a subject."""
    stated = contracts[contract_id].mentions[role]
    kind = "person" if stated.library == "population" else "entity"
    usable = "is_id_usable" if kind == "person" else "is_uscc_usable"
    key = _mention_key(contracts, contract_id, role)
    values = {attribute: sql.SQL("{}::text").format(sql.Identifier(c)) for attribute, c in stated.columns.items()}
    for attribute in {"birth_date", "established_on"} & set(values):
        values[attribute] = sql.SQL("{}::date").format(sql.Identifier(stated.columns[attribute]))
    source_id = source(connection, contracts, contract_id, role)
    number = stated.columns.get("id_no" if kind == "person" else "uscc")
    values[usable] = (
        sql.SQL("coalesce(length({}) = 18, false)").format(sql.Identifier(number)) if number else sql.SQL("false")
    )
    connection.execute(
        sql.SQL(
            "insert into {mention} (source_id, mention_key, record_key, key_no, batch_id, row_no, as_of, {names})"
            " select %s, {key}, _record_key, _key_no, _batch_id, _row_no, _as_of, {values} from {raw} as r"
            " where _batch_id = %s and _row_no = %s"
            " on conflict (source_id, mention_key) do update set batch_id = excluded.batch_id,"
            " row_no = excluded.row_no, record_key = excluded.record_key"
        ).format(
            mention=sql.Identifier("linkage", f"{kind}_mention"),
            names=sql.SQL(", ").join(map(sql.Identifier, values)),
            key=key,
            values=sql.SQL(", ").join(values.values()),
            raw=sql.Identifier("raw", contract_id),
        ),
        (source_id, batch_id, row_no),
    )
    if subject is None:
        return
    connection.execute(
        sql.SQL(
            "insert into {link} (source_id, mention_key, {id}, method) select %s, {key}, %s, 'number' from {raw} as r"
            " where _batch_id = %s and _row_no = %s"
            " on conflict (source_id, mention_key) do update set {id} = excluded.{id}"
        ).format(
            link=sql.Identifier("linkage", f"{kind}_link"),
            id=sql.Identifier(f"{kind}_id"),
            key=key,
            raw=sql.Identifier("raw", contract_id),
        ),
        (source_id, subject, batch_id, row_no),
    )
    changed(connection, kind, subject)


def changed(connection: Connection, kind: str, *subjects: uuid.UUID) -> None:
    """Note that persons or entities changed."""
    for subject in subjects:
        connection.execute(
            sql.SQL(
                "insert into {change} values (%s, nextval('linkage.change_no'))"
                " on conflict ({id}) do update set change_no = excluded.change_no"
            ).format(change=sql.Identifier("linkage", f"{kind}_change"), id=sql.Identifier(f"{kind}_id")),
            (subject,),
        )


def source(connection: Connection, contracts: Contracts, contract_id: str, role: str) -> int:
    """Return the number of a contract's role."""
    stated = contracts[contract_id].mentions[role]
    connection.execute(
        "insert into linkage.source (library, contract_id, role, unlinked) values (%s, %s, %s, %s)"
        " on conflict (contract_id, role) do nothing",
        (stated.library, contract_id, role, stated.unlinked),
    )
    row = connection.execute(
        "select source_id from linkage.source where contract_id = %s and role = %s", (contract_id, role)
    ).fetchone()
    assert row is not None
    return int(row[0])


def follow(connection: Connection) -> None:
    """Note that linkage knows all that was delivered."""
    connection.execute(
        "insert into linkage.state select library, (select coalesce(max(seq), 0) from quality.event), '1'"
        " from unnest(array['population', 'legal_entity']) as library"
        " on conflict (library) do update set known_at = excluded.known_at"
    )
    connection.commit()


def link_as_in_truth(connection: Connection, contracts: Contracts, truth: Path) -> None:
    """Link every delivered record of the sample city to whom it is about."""
    identities = pl.read_parquet(truth / "identities.parquet").select(
        "contract", pl.col("file").str.split("/").list.last(), "row", "role", "person_no", "entity_no", "round_no"
    )
    connection.execute(
        "create temporary table identity (contract text, file text, row_no bigint, role text, person_no int,"
        " entity_no int, round_no int)"
    )
    with connection.cursor().copy("copy identity from stdin") as copy:
        for row in identities.iter_rows():
            copy.write_row(row)
    connection.execute("analyze identity")
    for contract in contracts.values():
        for role, stated in contract.mentions.items():
            kind = "person" if stated.library == "population" else "entity"
            number = source(connection, contracts, contract.id, role)
            connection.execute(
                sql.SQL(
                    "insert into {link} (source_id, mention_key, {id}, method)"
                    " select distinct on (2) %s, {key}, md5(i.{no}::text)::uuid, 'number' from {raw} as r"
                    " join quality.batch as b on b.batch_id = r._batch_id"
                    " join identity as i on i.contract = %s and i.file = b.file_name and i.row_no = r._row_no"
                    " and i.role = %s and i.{no} is not null"
                    " order by 2 on conflict do nothing"
                ).format(
                    link=sql.Identifier("linkage", f"{kind}_link"),
                    id=sql.Identifier(f"{kind}_id"),
                    key=_mention_key(contracts, contract.id, role),
                    no=sql.Identifier(f"{kind}_no"),
                    raw=sql.Identifier("raw", contract.id),
                ),
                (number, contract.id, role),
            )
    for kind in ("person", "entity"):
        connection.execute(
            sql.SQL(
                "insert into {change} select {id}, nextval('linkage.change_no') from"
                " (select distinct {id} from {link}) as ids"
            ).format(
                change=sql.Identifier("linkage", f"{kind}_change"),
                link=sql.Identifier("linkage", f"{kind}_link"),
                id=sql.Identifier(f"{kind}_id"),
            )
        )
    follow(connection)


def _touch_linked(connection: Connection, contracts: Contracts, contract_id: str) -> None:
    """Note as changed whomever the contract's records speak of: some of them were withdrawn."""
    for role, stated in contracts[contract_id].mentions.items():
        kind = "person" if stated.library == "population" else "entity"
        rows = connection.execute(
            sql.SQL("select {id} from {link} where source_id = %s").format(
                id=sql.Identifier(f"{kind}_id"), link=sql.Identifier("linkage", f"{kind}_link")
            ),
            (source(connection, contracts, contract_id, role),),
        ).fetchall()
        changed(connection, kind, *(subject for (subject,) in rows))


def _mention_key(contracts: Contracts, contract_id: str, role: str) -> sql.Composable:
    grain = contracts[contract_id].mentions[role].grain
    if not grain:
        return sql.SQL("r._record_key")
    parts = sql.SQL(f" || {UNIT_SEPARATOR} || ").join(
        sql.SQL("coalesce({}, '')").format(sql.Identifier("r", column)) for column in grain
    )
    return sql.SQL("md5({})::uuid").format(parts)
