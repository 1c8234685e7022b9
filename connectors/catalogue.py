"""What the contracts say, as rows of the warehouse: `catalogue.contract` and `catalogue.contract_item`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from connectors.contract import Contract
from connectors.database import Connection

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


def publish_contracts(connection: Connection, contracts: Mapping[str, Contract]) -> None:
    """Make the catalogue say what the contracts say, in one transaction; unchanged contracts keep their rows.

    Args:
        connection: to the warehouse, as its owner; inside a transaction, commit is the caller's.
        contracts: all of them by id; a contract that is not among them leaves the catalogue.
    """
    with connection.transaction():
        connection.execute("lock table catalogue.contract in share row exclusive mode")
        rows = connection.execute("select contract_id, version from catalogue.contract").fetchall()
        published: dict[str, str] = dict(rows)
        wanted = {contract_id: contract.version for contract_id, contract in contracts.items()}
        stale = [contract_id for contract_id, version in published.items() if wanted.get(contract_id) != version]
        fresh = [
            contract for _, contract in sorted(contracts.items()) if published.get(contract.id) != contract.version
        ]
        for table in ("contract", "contract_item"):
            connection.execute(f"delete from catalogue.{table} where contract_id = any(%s)", (stale,))
        _insert(connection, "contract", _CONTRACT_COLUMNS, (contract_row(contract) for contract in fresh))
        _insert(connection, "contract_item", _ITEM_COLUMNS, (row for c in fresh for row in item_rows(c)))


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


def _insert(connection: Connection, table: str, columns: tuple[str, ...], rows: Iterator[tuple[Any, ...]]) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(
            f"insert into catalogue.{table} ({', '.join(columns)}) values ({', '.join(['%s'] * len(columns))})", rows
        )
