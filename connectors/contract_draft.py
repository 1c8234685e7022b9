"""A first draft of a contract, from a real file: what a header and some rows can tell."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from connectors.contract_model import Column, ColumnType, Contract
from connectors.errors import UserError
from connectors.readers import TextFile

_HEADER_WITHIN = 30
_SAMPLE_ROWS = 500

_BY_HEADER: Sequence[tuple[str, ColumnType]] = (
    (r"统一社会信用代码", ColumnType.USCC),
    (r"身份证|公民身份号码|证件号", ColumnType.ID),
    (r"区划", ColumnType.DIVISION),
    (r"^是否|^有无", ColumnType.BOOL),
    (r"时间$", ColumnType.DATETIME),
    (r"日期", ColumnType.DATE),
    (r"年度$|年份$|月份$|期$", ColumnType.PERIOD),
    (r"资本|资金|金额|投资", ColumnType.MONEY),
)
_BY_VALUES: Sequence[tuple[str, ColumnType]] = (
    (r"[1-9]\d{5}(18|19|20)\d{9}[\dXx]", ColumnType.ID),
    (r"[0-9A-HJ-NPQRTUWXY]{2}\d{6}[0-9A-HJ-NPQRTUWXY]{10}", ColumnType.USCC),
    (r"(19|20)\d{2}[-/.年]\d{1,2}[-/.月]\d{1,2}日?", ColumnType.DATE),
    (r"(19|20)\d{2}[-/.年]\d{1,2}[-/.月]\d{1,2}日?[ T]\d{1,2}:\d{2}(:\d{2})?", ColumnType.DATETIME),
    (r"是|否", ColumnType.BOOL),
    (r"-?\d{1,15}", ColumnType.INT),
    (r"-?[\d,]+\.\d+", ColumnType.DECIMAL),
)


@dataclass(frozen=True)
class Excerpt:
    """The header and the first rows of a real file.

    Attributes:
        headers: as delivered, trimmed; columns without a header are left out.
        columns: the filled cells of each header's column, and how many rows were looked at.
    """

    headers: tuple[str, ...]
    columns: tuple[tuple[str, ...], ...]
    rows: int


def excerpt(file: TextFile) -> Excerpt:
    """Return the first visible sheet's header and first rows; the header is the fullest of the first 30 records.

    Raises:
        UserError: no record has two filled cells.
    """
    records: list[list[str]] = []
    for batch in next(sheet for sheet in file.sheets if not sheet.hidden).batches():
        records += [[(cell or "").strip() for cell in row] for row in batch.cells.head(_SAMPLE_ROWS).iter_rows()]
        if len(records) >= _SAMPLE_ROWS:
            break
    filled = [sum(map(bool, record)) for record in records[:_HEADER_WITHIN]]
    if max(filled, default=0) < 2:
        raise UserError("文件前 30 行中没有表头：请给出一个有表头和数据行的样本文件")
    start = filled.index(max(filled))
    places = [place for place, header in enumerate(records[start]) if header]
    rows = [record for record in records[start + 1 :] if any(record)]
    return Excerpt(
        headers=tuple(records[start][place] for place in places),
        columns=tuple(tuple(r[place] for r in rows if place < len(r) and r[place]) for place in places),
        rows=len(rows),
    )


def draft_contract(title: str, sample: Excerpt, contracts: Mapping[str, Contract]) -> str:
    """Return the YAML of a contract with every column of the sample, in its order.

    A header that other contracts know takes their column; the others get a placeholder name and a guessed type.
    What no file can tell (description, key, mode, cycle, sharing) is filled with the most careful value.
    """
    known = dict(_known_columns(contracts))
    columns = CommentedMap()
    for number, (header, cells) in enumerate(zip(sample.headers, sample.columns, strict=True), start=1):
        name, body = known.get(header, (f"column_{number}", {"header": header, **_guess(header, cells)}))
        if name in columns:
            name = f"column_{number}"
        columns[name] = CommentedMap(body)
        if name.startswith("column_"):
            columns.yaml_add_eol_comment("改为英文列名，核对类型与级别", name)
    key = list(columns)[_key_place(sample)]
    columns[key]["required"] = True
    contract = CommentedMap(
        title=title,
        description=f"{title}，每条记录一行。",
        key=_flow(key),
        mode="incremental",
        cycle="monthly",
        sharing={"type": "有条件共享", "condition": "经数据提供方同意后共享。"},
        columns=columns,
    )
    contract.yaml_add_eol_comment("补写：一两句话，外行也能看懂", "description")
    contract.yaml_add_eol_comment("核对：由哪些列识别一条记录", "key")
    contract.yaml_add_eol_comment("核对：full 全量、incremental 增量、append 只增", "mode")
    contract.yaml_add_eol_comment("核对：daily weekly monthly quarterly half_yearly yearly", "cycle")
    return _dump(contract)


def _key_place(sample: Excerpt) -> int:
    """Return the place of the first column filled and different in every row, codes and numbers before others."""
    distinct = [
        place
        for place, cells in enumerate(sample.columns)
        if len(cells) == sample.rows and len(set(cells)) == len(cells)
    ]
    numbers = [place for place in distinct if re.search(r"代码|编号|编码|号$", sample.headers[place])]
    return next(iter([*numbers, *distinct, 0]))


def title_of(path: Path) -> str:
    """Return the file name without its ending, dates and copy marks: a first title."""
    stem = re.sub(r"[(（]\d+[)）]|[_\-\s]*\d{4,}([-.年]\d+)*[月日]?|[_\s]+$", "", path.stem)
    return stem.strip("_- ") or path.stem


def _known_columns(contracts: Mapping[str, Contract]) -> Iterator[tuple[str, tuple[str, dict[str, Any]]]]:
    """Yield header → (name, body) of the columns that all contracts with that header agree on."""
    found: dict[str, set[str]] = {}
    columns: dict[str, tuple[str, Column]] = {}
    for contract in contracts.values():
        for name, column in contract.columns.items():
            for header in (column.header, *column.aliases):
                found.setdefault(header, set()).add(f"{name} {column.type} {column.codes} {column.unit}")
                columns.setdefault(header, (name, column))
    for header, kinds in found.items():
        if len(kinds) == 1:
            name, column = columns[header]
            stated = column.model_dump(mode="json", include={"type", "unit", "codes", "level"}, exclude_none=True)
            yield header, (name, {"header": header, **stated})


def _guess(header: str, cells: Sequence[str]) -> dict[str, Any]:
    kind = next((t for pattern, t in _BY_HEADER if re.search(pattern, header)), None)
    if kind is None and cells:
        kind = next((t for pattern, t in _BY_VALUES if all(re.fullmatch(pattern, cell) for cell in cells)), None)
    guessed: dict[str, Any] = {"type": (kind or ColumnType.TEXT).value}
    if kind is ColumnType.MONEY:
        guessed["unit"] = "CNY"
    if kind is ColumnType.ID:
        guessed["level"] = "L4"
    elif re.search(r"姓名|法定代表人|电话|手机", header):
        guessed["level"] = "L3"
    return guessed


def _flow(*texts: str) -> CommentedSeq:
    sequence = CommentedSeq(texts)
    sequence.fa.set_flow_style()
    return sequence


def _dump(contract: CommentedMap) -> str:
    yaml = YAML()
    yaml.width = 4096
    text = StringIO()
    yaml.dump(contract, text)
    return "# yaml-language-server: $schema=../../contract.schema.json\n" + text.getvalue()
