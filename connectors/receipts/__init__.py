"""Receipts: what became of a delivery, as JSON for programs and as a workbook for people."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from connectors import archive, batches, chain
from connectors.batches import Batch, BatchFile
from connectors.contract import Contracts
from connectors.database import Connection, connect
from connectors.delivery_names import safe_name
from connectors.errors import UserError
from connectors.receipts import content, place
from connectors.receipts.offending import offending_rows
from connectors.receipts.workbook import SHEET_ISSUES, OffendingRows, PlainIssue, render
from connectors.segments import Segments
from connectors.settings import Settings
from connectors.sql_text import execute, one
from connectors.staging import exists, table

__all__ = ["Shown", "look_up", "read_json", "write"]


@dataclass(frozen=True)
class Shown:
    """Delivered rows that a receipt shows again.

    Attributes:
        findings: the findings they were looked up for.
        rows: of each segment.
    """

    findings: Sequence[PlainIssue]
    rows: list[OffendingRows]


def look_up(settings: Settings, batch: Batch) -> Shown:
    """Return the rows that a receipt of a staged batch will show; may run while the batch is decided."""
    with connect(settings.dsn()) as connection:
        parts = batches.files(connection, batch.batch_id)
        segments = Segments.of_match(batch.header_match)
        found = _plain_issues(connection, batch.batch_id, segments)
    return Shown(found, _offending(settings, segments, parts, found))


def write(
    settings: Settings, connection: Connection, contracts: Contracts, batch: Batch, shown: Shown | None = None
) -> tuple[Path, Path]:
    """Write both receipts of a batch into its department's folder, replacing earlier ones of it.

    Plain values are taken from staging while it exists; without it the masked ones are shown.

    Args:
        settings: the home.
        connection: to the warehouse.
        contracts: all there are.
        batch: as it stands.
        shown: rows that were looked up before; of use while the findings are the same.

    Returns:
        Paths of the JSON and of the workbook.
    """
    contract = contracts.get(batch.contract_id or "")
    parts = batches.files(connection, batch.batch_id)
    folder = place.folder(settings.landing, batch.department, batch.extract)
    names = _names(settings, batch, parts, folder)
    scores = content.dimension_scores(connection, batch.batch_id)
    segments = Segments.of_match(batch.header_match)
    found = _plain_issues(connection, batch.batch_id, segments)
    count, notes = one(
        connection,
        "select count(*) filter (where severity <> 'info'), count(*) filter (where severity = 'info')"
        " from quality.issue where batch_id = %(batch)s",
        {"batch": batch.batch_id},
    )
    listed = content.placed(content.issues(connection, batch.batch_id, content.JSON_ISSUES), segments, names)
    link = chain.of_batch(connection, batch.batch_id)
    document = content.as_json(batch, names[0], scores, listed, link)
    if shown is None or shown.findings != found:
        shown = Shown(found, _offending(settings, segments, parts, found))
    workbook = render(
        batch,
        contract,
        file_names=names,
        scores=scores,
        found=found,
        offending=shown.rows,
        issue_count=count,
        notes=notes,
        link=link,
    )
    stem = f"{names[0]}.{batch.batch_id}.receipt"
    paths = folder / f"{stem}.json", folder / f"{stem}.xlsx"
    place.write_whole(paths[0], json.dumps(document, ensure_ascii=False, indent=2).encode())
    place.write_whole(paths[1], workbook)
    return paths


def read_json(connection: Connection, batch: Batch) -> dict[str, Any]:
    """Return a receipt from the database alone: masked, and there even where the department removed its file."""
    scores = content.dimension_scores(connection, batch.batch_id)
    found = content.issues(connection, batch.batch_id, content.JSON_ISSUES)
    names = [part.file_name for part in batches.files(connection, batch.batch_id)]
    found = content.placed(found, Segments.of_match(batch.header_match), names)
    return content.as_json(batch, batch.file_name, scores, found, chain.of_batch(connection, batch.batch_id))


def _names(settings: Settings, batch: Batch, parts: Sequence[BatchFile], folder: Path) -> list[str]:
    """The department's own file names: as remembered, else from an earlier receipt, else masked."""
    kept = place.recall(settings.landing, batch.department, batch.delivery_key)
    if kept is not None:
        return [safe_name(n) for n in kept.files]
    ending = f".{batch.batch_id}.receipt.json"
    earlier = [p.name.removesuffix(ending) for p in folder.iterdir() if p.name.endswith(ending)]
    return [*earlier[:1], *(p.file_name for p in parts[len(earlier[:1]) :])]


def _plain_issues(connection: Connection, batch_id: int, segments: Segments) -> list[PlainIssue]:
    if exists(connection, batch_id, "_issue"):
        source = f"{table(batch_id, '_issue')} where true order by row_no nulls first, column_name nulls first, rule"
        columns = "value, suggestion"
    else:
        source = "quality.issue where batch_id = %(batch)s order by row_no nulls first, issue_id"
        columns = "value_masked, suggestion_masked"
    rows = execute(
        connection,
        f"select row_no, column_name, header, rule, dimension, severity, message, {columns} from {source}"
        " limit %(limit)s",
        {"batch": batch_id, "limit": SHEET_ISSUES},
    )
    found = []
    for row_no, column, header, rule, dimension, severity, message, value, suggestion in rows:
        at = segments.locate(row_no)
        title = segments.title(at.segment) if row_no is not None else ""
        told = (column, header, rule, dimension, severity, message, value, suggestion, at.segment, title)
        found.append(PlainIssue(at.row, *told))
    return found


def _offending(
    settings: Settings, segments: Segments, parts: Sequence[BatchFile], found: Sequence[PlainIssue]
) -> list[OffendingRows]:
    paths = {part.file_no: archive.content_path(settings.archive, part.sha256) for part in parts}
    shown = []
    for number, segment in enumerate(segments.all):
        row_nos = [i.row for i in found if i.segment == number and i.row is not None]
        if not row_nos:
            continue
        try:
            rows = offending_rows(paths[segment.file_no], segment, row_nos, limits=settings.limits)
        except UserError:
            continue
        shown.append(OffendingRows(number, segments.title(number), segment.labels, rows, segment.positions))
    return shown
