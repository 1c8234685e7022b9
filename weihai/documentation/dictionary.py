"""The data dictionary: every column that a contract delivers or a model shows, with meaning, unit, source and level."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from ruamel.yaml import YAML

from connectors.column_units import unit_of
from connectors.contract import CodeList, Column, ColumnType, Contracts
from connectors.database import Connection

HERE = Path(__file__).parent
WORKING = re.compile(r"^int_")
"""Tables and views that models use among themselves."""
_TYPES = {
    ColumnType.ID: "证件号码，按 GB 11643 校验", ColumnType.USCC: "统一社会信用代码，按 GB 32100 校验",
    ColumnType.DIVISION: "区划代码或名称", ColumnType.DATE: "日期", ColumnType.DATETIME: "日期和时间",
    ColumnType.PERIOD: "期间，YYYY 或 YYYYMM", ColumnType.BOOL: "是或否", ColumnType.INT: "整数",
    ColumnType.DECIMAL: "数", ColumnType.MONEY: "金额", ColumnType.QUANTITY: "数量", ColumnType.TEXT: "文本",
}  # fmt: skip
_WORDS_SHOWN = 12


@dataclass(frozen=True)
class Entry:
    """One column. `level` is empty where none is declared, `unit` where it has none."""

    schema: str
    table: str
    column: str
    type: str
    name: str
    description: str
    unit: str
    source: str
    level: str


@cache
def glossary() -> Mapping[str, str]:
    """Return what a column of the models means, by its name."""
    loaded: dict[str, str] = YAML(typ="safe").load((HERE / "glossary.yml").read_text(encoding="utf-8"))
    return loaded


def contract_entries(contracts: Contracts, departments: Mapping[str, str]) -> Iterator[Entry]:
    """Return the columns that departments deliver, in the contracts' order.

    Args:
        contracts: all of them.
        departments: Chinese names by id.
    """
    for contract in contracts.values():
        source = f"{departments.get(contract.department, contract.department)}《{contract.title}》"
        for name, column in contract.columns.items():
            yield Entry(
                "raw",
                contract.id,
                name,
                column.type.value,
                column.header,
                column_meaning(column, contracts.codes),
                column.unit or unit_of(name),
                source,
                contract.level(name).value,
            )


def column_meaning(column: Column, codes: Mapping[str, CodeList]) -> str:
    """Say what a delivered column means: its description, else what its header, type and code list say."""
    if column.description:
        return column.description
    if column.type is ColumnType.CODE and column.codes is not None:
        known = codes[column.codes]
        words = list(known.words)
        listed = "、".join(words[:_WORDS_SHOWN]) + ("等" if len(words) > _WORDS_SHOWN else "")
        return f"{column.header}；取值按《{known.title}》：{listed}。"
    return f"{column.header}；{_TYPES[column.type]}。"


def model_entries(
    manifest: Mapping[str, Any], contracts: Contracts, types: Mapping[tuple[str, str], Mapping[str, str]]
) -> Iterator[Entry]:
    """Return the columns of the models and seeds that are for reading, by schema, table and position.

    Args:
        manifest: dbt's `manifest.json`.
        contracts: all of them, whose headers name columns that keep their names.
        types: by schema and table, the type of each column, as the warehouse has them.
    """
    headers = column_headers(contracts)
    nodes = [n for n in manifest["nodes"].values() if n["resource_type"] in ("model", "seed")]
    for node in sorted(nodes, key=lambda n: (n["schema"], n["alias"])):
        if WORKING.match(node["alias"]) or node["unique_id"].startswith("model.weihai.int_"):
            continue
        source = _source(manifest, node["unique_id"], contracts)
        for name, type_ in types.get((node["schema"], node["alias"]), {}).items():
            stated = node["columns"].get(name, {})
            meta = (stated.get("config") or {}).get("meta") or stated.get("meta") or {}
            yield Entry(
                node["schema"],
                node["alias"],
                name,
                type_,
                headers.get(name, "") if name not in glossary() else "",
                model_meaning(name, stated.get("description") or "", headers),
                unit_of(name),
                source,
                meta.get("level", ""),
            )


def model_meaning(name: str, stated: str, headers: Mapping[str, str]) -> str:
    """Say what a model's column means: as stated beside it, by the glossary, or by the header it is delivered under.

    Returns:
        An empty text where nobody said it.
    """
    header = headers.get(name)
    return stated or glossary().get(name, "") or (f"{header}。" if header else "")


def column_headers(contracts: Contracts) -> Mapping[str, str]:
    """Return the header of each column name that is delivered under one header only."""
    found: dict[str, set[str]] = {}
    for contract in contracts.values():
        for name, column in contract.columns.items():
            found.setdefault(name, set()).add(column.header)
    return {name: headers.pop() for name, headers in found.items() if len(headers) == 1}


def _source(manifest: Mapping[str, Any], unique_id: str, contracts: Contracts) -> str:
    """Name what a model is made from: extracts, or a reference list."""
    seen, waiting, extracts = set[str](), [unique_id], set[str]()
    while waiting:
        node = waiting.pop()
        if node in seen:
            continue
        seen.add(node)
        if node.startswith("source.weihai.raw."):
            extracts.add(node.rsplit(".", 1)[-1])
        waiting += manifest["parent_map"].get(node, [])
    if not extracts:
        return "seeds" if unique_id.startswith("seed.") else ""
    titles = sorted({contracts[name].title for name in extracts if name in contracts})
    return "、".join(titles[:6]) + (f"等 {len(titles)} 个数据集" if len(titles) > 6 else "")


def stored_types(connection: Connection) -> dict[tuple[str, str], dict[str, str]]:
    """Return by schema and table the type of each column, in the table's order."""
    rows = connection.execute(
        "select n.nspname, c.relname, a.attname, format_type(a.atttypid, a.atttypmod)"
        " from pg_attribute as a join pg_class as c on c.oid = a.attrelid join pg_namespace as n on n.oid ="
        " c.relnamespace where a.attnum > 0 and not a.attisdropped and c.relkind in ('r', 'v', 'm')"
        " order by n.nspname, c.relname, a.attnum"
    ).fetchall()
    found: dict[tuple[str, str], dict[str, str]] = {}
    for schema, table, column, type_ in rows:
        found.setdefault((schema, table), {})[column] = type_
    return found


def write(entries: Sequence[Entry], folder: Path) -> None:
    """Write `dictionary.csv` and `dictionary.html`, one page that works offline."""
    names = [field.name for field in fields(Entry)]
    with (folder / "dictionary.csv").open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(names)
        writer.writerows(astuple(entry) for entry in entries)
    tables: dict[tuple[str, str], list[Entry]] = {}
    for entry in entries:
        tables.setdefault((entry.schema, entry.table), []).append(entry)
    environment = Environment(loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined)
    page = environment.get_template("dictionary.html.j2").render(tables=tables, count=len(entries))
    (folder / "dictionary.html").write_text(page, encoding="utf-8")
