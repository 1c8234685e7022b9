"""The data dictionary of the open data: every column with its meaning, unit, level and code list."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa

from connectors.contract import CodeList
from connectors.opening import formulas
from connectors.opening.datasets import OpenColumn, OpenDataset

_HEADERS = ("数据集", "数据集名称", "列名", "表头", "类型", "含义", "单位", "级别", "代码表", "取值")


def write(datasets: Sequence[OpenDataset], codes: Mapping[str, CodeList], folder: Path) -> None:
    """Write `dictionary.csv` (UTF-8 with a byte order mark, as the data) and `dictionary.json`."""
    with (folder / "dictionary.csv").open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(_HEADERS)
        for dataset in datasets:
            for column in dataset.columns:
                words = "、".join(codes[column.codes].words) if column.codes else ""
                title = codes[column.codes].title if column.codes else ""
                facts = (column.header, type_name(column), column.description, column.unit, column.level, title, words)
                writer.writerow((dataset.id, dataset.title, column.name, *facts))
    document = {
        "note": formulas.NOTE,
        "datasets": [
            {"id": d.id, "title": d.title, "columns": [_described(column) for column in d.columns]} for d in datasets
        ],
        "code_lists": {
            name: {"title": codes[name].title, "words": list(codes[name].words)}
            for name in sorted({c.codes for d in datasets for c in d.columns if c.codes})
        },
    }
    (folder / "dictionary.json").write_text(
        json.dumps(document, ensure_ascii=False, indent=1) + "\n", encoding="utf-8", newline="\n"
    )


def type_name(column: OpenColumn) -> str:
    """Return what people call the type of a column."""
    kinds = (
        (pa.types.is_boolean, "是或否"),
        (pa.types.is_integer, "整数"),
        (pa.types.is_decimal, "数"),
        (pa.types.is_date, "日期"),
        (pa.types.is_timestamp, "日期和时间"),
        (pa.types.is_string, "文本"),
    )
    return next(name for is_kind, name in kinds if is_kind(column.type))


def _described(column: OpenColumn) -> dict[str, str]:
    return {
        "name": column.name,
        "header": column.header,
        "type": type_name(column),
        "description": column.description,
        "unit": column.unit,
        "level": column.level,
        "code_list": column.codes,
    }
