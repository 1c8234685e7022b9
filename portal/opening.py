"""What the open data page shows: data sets by category, their files, and differences to the city's own list."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from portal.queries import Row, Warehouse


@dataclass(frozen=True)
class OpenData:
    """One open data set in its latest release; files are {format, name, bytes, sha256}."""

    dataset_id: str
    kind: str
    title: str
    description: str
    open_category: str
    department: str
    update_cycle: str
    as_of: date
    issued_on: date
    released_at: datetime
    release_no: int
    record_count: int
    suppressed_count: int | None
    files: Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Opening:
    """The open data sets by the plan's category (all 22, in its order), and where the city's own list differs."""

    categories: Mapping[str, tuple[OpenData, ...]]
    differences: tuple[Row, ...]

    @property
    def datasets(self) -> tuple[OpenData, ...]:
        """All data sets, in the order of the categories."""
        return tuple(dataset for datasets in self.categories.values() for dataset in datasets)

    @property
    def empty_categories(self) -> tuple[str, ...]:
        """Categories of which there is no data set yet."""
        return tuple(category for category, datasets in self.categories.items() if not datasets)


def read_opening(db: Warehouse) -> Opening:
    """Read the data sets that were exported, and the differences that were found."""
    datasets = db.grouped("open_category", OpenData, "catalogue.open_data order by kind desc, title")
    known = db.rows("select category from reference.open_categories order by seq") if db.has(_CATEGORIES) else ()
    names = [row["category"] for row in known]
    return Opening(
        {name: datasets[name] for name in (*names, *sorted(datasets.keys() - set(names)))},
        tuple(db.rows(f"select * from {_DIFFERENCES} order by department, title")) if db.has(_DIFFERENCES) else (),
    )


_CATEGORIES = "reference.open_categories"
_DIFFERENCES = "quality.open_data_difference"


def copy_open_data(exported: Path, place: Path) -> frozenset[str]:
    """Copy the exported files next to the pages; return their paths below `place`."""
    if not exported.is_dir():
        return frozenset()
    shutil.copytree(exported, place)
    return frozenset(str(path.relative_to(place)) for path in place.rglob("*") if path.is_file())
