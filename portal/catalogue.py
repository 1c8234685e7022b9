"""What the pages show of the catalogue: contracts with their items, registered resources, sharing and opening."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from portal.mart import Run
from portal.queries import Row, Warehouse

RESOURCES_SHOWN = 5_000


@dataclass(frozen=True)
class Item:
    """One column of a contract."""

    header: str
    item_name: str
    item_type: str
    unit: str | None
    level: str
    is_key: bool
    is_required: bool


@dataclass(frozen=True)
class Entry:
    """One contract as published in the catalogue."""

    contract_id: str
    department: str
    title: str
    description: str
    cycle: str
    mode: str
    sharing_type: str
    sharing_condition: str | None
    is_open: bool
    open_category: str | None
    level_max: str
    version: str
    items: tuple[Item, ...]


@dataclass(frozen=True)
class Catalogue:
    """The whole catalogue; the last three are empty before the first run."""

    contracts: Mapping[str, Entry]
    resources: tuple[Row, ...] = ()
    resource_count: int = 0
    sharing: tuple[Row, ...] = ()
    opening: tuple[Row, ...] = ()

    @property
    def departments(self) -> Sequence[str]:
        """Departments that have a contract, by id."""
        return sorted({entry.department for entry in self.contracts.values()})

    @property
    def sharing_types(self) -> Sequence[str]:
        """How contracts are shared."""
        return sorted({entry.sharing_type for entry in self.contracts.values()})


def read_catalogue(db: Warehouse, run: Run | None) -> Catalogue:
    """Read contracts and resources, and how far `run` found them shared and opened, as far as these exist."""
    return Catalogue(
        contracts=_contracts(db),
        resources=_resources(db),
        resource_count=_count(db, "catalogue.resource"),
        sharing=_of_run(db, run, "mart.sharing_status_run", "department_code"),
        opening=_of_run(db, run, "mart.opening_status_run", "seq"),
    )


def _contracts(db: Warehouse) -> Mapping[str, Entry]:
    if not db.has("catalogue.contract", "catalogue.contract_item"):
        return {}
    items: defaultdict[str, list[Item]] = defaultdict(list)
    for r in db.rows("select * from catalogue.contract_item order by contract_id, item_no"):
        items[r["contract_id"]].append(Item(**_only(r, Item)))
    return {
        r["contract_id"]: Entry(**_only(r, Entry), items=tuple(items[r["contract_id"]]))
        for r in db.rows("select * from catalogue.contract order by contract_id")
    }


def _only(row: Row, shape: type[Any]) -> dict[str, Any]:
    return {name: row[name] for name in shape.__dataclass_fields__ if name != "items"}


def _resources(db: Warehouse) -> tuple[Row, ...]:
    if not db.has("catalogue.resource"):
        return ()
    return tuple(
        db.rows(
            "select * from catalogue.resource order by department_code, resource_code limit %(limit)s",
            {"limit": RESOURCES_SHOWN},
        )
    )


def _of_run(db: Warehouse, run: Run | None, relation: str, order: str) -> tuple[Row, ...]:
    if run is None or not db.has(relation):
        return ()
    return tuple(
        db.rows(f"select * from {relation} where run_id = %(run_id)s order by {order}", {"run_id": run.run_id})
    )


def _count(db: Warehouse, relation: str) -> int:
    return int(db.rows(f"select count(*) as count from {relation}")[0]["count"]) if db.has(relation) else 0
