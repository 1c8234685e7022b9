"""What the contracts say, as rows of the warehouse: `catalogue.contract` and `catalogue.contract_item`."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from psycopg.types.json import Jsonb
from pydantic import ValidationError

from connectors.contract import CodeList, Contract
from connectors.database import Connection
from connectors.errors import UserError

_CONTRACT_COLUMNS = (
    "contract_id",
    "department",
    "title",
    "description",
    "cycle",
    "mode",
    "sharing_type",
    "sharing_condition",
    "is_open",
    "open_category",
    "level_max",
    "version",
    "definition",
)
_ITEM_COLUMNS = (
    "contract_id",
    "item_name",
    "item_no",
    "header",
    "item_type",
    "unit",
    "level",
    "is_key",
    "is_required",
)


def publish_contracts(
    connection: Connection,
    contracts: Mapping[str, Contract],
    codes: Mapping[str, CodeList] | None = None,
    *,
    waiting: Collection[str] = (),
) -> None:
    """Make the catalogue say what the contracts say, in one transaction; unchanged contracts keep their rows.

    Args:
        connection: to the warehouse, as its owner; inside a transaction, commit is the caller's.
        contracts: all of them by id; a contract that is not among them leaves the catalogue.
        codes: all code lists by name; without them the catalogue's stay.
        waiting: ids of contracts that the warehouse cannot follow yet: the catalogue goes on saying what is in force.
    """
    with connection.transaction():
        connection.execute("lock table catalogue.contract in share row exclusive mode")
        rows = connection.execute("select contract_id, version from catalogue.contract where definition is not null")
        published: dict[str, str] = dict(rows.fetchall())
        fresh = [
            contract
            for _, contract in sorted(contracts.items())
            if contract.id not in waiting and published.get(contract.id) != contract.version
        ]
        kept = [c for c in contracts if c in waiting or published.get(c) == contracts[c].version]
        for table in ("contract", "contract_item"):
            connection.execute(f"delete from catalogue.{table} where contract_id <> all(%s)", (kept,))
        _insert(connection, "contract", _CONTRACT_COLUMNS, (contract_row(contract) for contract in fresh))
        _insert(connection, "contract_item", _ITEM_COLUMNS, (row for c in fresh for row in item_rows(c)))
        if codes is not None:
            connection.execute("delete from catalogue.code_list")
            lists = ((name, c.title, Jsonb(c.words)) for name, c in sorted(codes.items()))
            _insert(connection, "code_list", ("list_name", "title", "words"), lists)


def published_contracts(connection: Connection) -> tuple[dict[str, Contract], dict[str, CodeList]]:
    """Return the contracts and code lists that the catalogue knows.

    Raises:
        UserError: they were published by an older version that did not keep them whole.
    """
    contracts = {}
    for contract_id, definition in connection.execute("select contract_id, definition from catalogue.contract"):
        try:
            contracts[contract_id] = Contract.model_validate(definition)
        except ValidationError as error:
            raise UserError(
                f"库中的契约 {contract_id} 是旧版本存下的，无法比较：请用 --against 指明旧契约所在的文件夹"
            ) from error
    lists = connection.execute("select list_name, title, words from catalogue.code_list")
    return contracts, {name: CodeList(title=title, words=words) for name, title, words in lists}


def contract_row(contract: Contract) -> tuple[Any, ...]:
    """Return the contract's row of `catalogue.contract`."""
    return (
        contract.id,
        contract.department,
        contract.title,
        contract.description,
        contract.cycle,
        contract.mode,
        contract.sharing.type,
        contract.sharing.condition,
        contract.opening.is_open,
        contract.opening.category,
        max(field.level for field in contract.fields),
        contract.version,
        Jsonb(contract.model_dump(mode="json")),
    )


def item_rows(contract: Contract) -> Iterator[tuple[Any, ...]]:
    """Yield one row of `catalogue.contract_item` per stored field, in the order of the raw table."""
    for number, field in enumerate(contract.fields, start=1):
        column = contract.columns[field.source]
        yield (
            contract.id,
            field.name,
            number,
            column.header,
            column.type.value,
            column.unit,
            field.level.value,
            field.name in contract.key,
            column.required is True,
        )


def _insert(connection: Connection, table: str, columns: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(
            f"insert into catalogue.{table} ({', '.join(columns)}) values ({', '.join(['%s'] * len(columns))})", rows
        )
