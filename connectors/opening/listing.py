"""What people are told of the open data: by category, and where it differs from the city's own list."""

from __future__ import annotations

from connectors.contract import Contracts
from connectors.contract_files import OPEN_CATEGORIES
from connectors.database import Connection
from connectors.errors import UserError
from connectors.opening.datasets import open_datasets


def categories(connection: Connection, contracts: Contracts) -> dict[str, list[str]]:
    """Return for each of the 22 categories, in the plan's order, one Chinese line per data set."""
    released = {
        name: f"截至 {as_of}，{records} 行，第 {number} 次发布"
        for name, as_of, records, number in connection.execute(
            "select dataset_id, as_of, record_count, release_no from catalogue.open_data"
        )
    }
    found: dict[str, list[str]] = {category: [] for category in contracts.codes[OPEN_CATEGORIES].words}
    for dataset in open_datasets(contracts):
        kind = "统计表" if dataset.kind == "aggregate" else "逐条"
        state = released.get(dataset.id, "尚未发布")
        found[dataset.category].append(f"{dataset.id}  {dataset.title}（{kind}，{dataset.cycle}）  {state}")
    return found


def differences(connection: Connection) -> list[str]:
    """Return one Chinese line per difference.

    Raises:
        UserError: the view is not built yet.
    """
    row = connection.execute("select to_regclass('quality.open_data_difference') is not null").fetchone()
    if row != (True,):
        raise UserError("对账的视图还没有建立：先 weihai run")
    rows = connection.execute(
        "select open_category, title, difference, detail from quality.open_data_difference order by 1, 2, 3"
    )
    return [f"{category}  {title}  {what}：{detail}" for category, title, what, detail in rows]
