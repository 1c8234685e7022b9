"""What is true of a sample city, written beside it: people, companies, every defect, every expected figure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from connectors.sample.operands import Operands, target_readings


@dataclass(frozen=True)
class Defect:
    """One planted defect, by the place where a spreadsheet shows it."""

    round_no: int
    contract: str
    file: str
    """Path below the round's folder."""
    row: int
    """1-based row number in the file."""
    column: str | None
    header: str | None
    defect: str
    effect: str
    original: str | None
    planted: str | None


@dataclass(frozen=True)
class SampleFile:
    """One delivered file and what intake is to make of it."""

    round_no: int
    contract: str
    file: str
    """Path below the round's folder."""
    as_of: date
    encoding: str
    rows_physical: int
    rows_skipped: Mapping[str, int]
    """Rows that are no records by kind: preamble, blank, total, repeated_header, note."""
    rows_read: int
    rows_duplicate: int
    rows_rejected: int
    verdict: str
    """`accepted` (with or without issues) or `held`."""


_DEFECT_SCHEMA = {
    "round_no": pl.Int32,
    "contract": pl.String,
    "file": pl.String,
    "row": pl.Int64,
    "column": pl.String,
    "header": pl.String,
    "defect": pl.String,
    "effect": pl.String,
    "original": pl.String,
    "planted": pl.String,
}


def write_people(folder: Path, population: pl.DataFrame) -> None:
    """Write `persons.parquet`."""
    folder.mkdir(parents=True, exist_ok=True)
    population.write_parquet(folder / "persons.parquet")


def write_round(folder: Path, as_of: date, profile: str, entities: pl.DataFrame, operands: Operands) -> None:
    """Write `entities.parquet` and `operands.json` of one round.

    `operands.json`: {as_of, profile, indicators: {id: {operand: {value, period}}}, targets: {reading: {value, met}},
    targets_met}; values are decimal texts.
    """
    folder.mkdir(parents=True, exist_ok=True)
    entities.write_parquet(folder / "entities.parquet")
    targets = target_readings(operands)
    _write_json(
        folder / "operands.json",
        {
            "as_of": as_of.isoformat(),
            "profile": profile,
            "indicators": {
                indicator: {
                    name: {"value": None if o.value is None else format(o.value, "f"), "period": o.period}
                    for name, o in values.items()
                }
                for indicator, values in operands.items()
            },
            "targets": targets,
            "targets_met": all(
                reading["met"]
                for name, reading in targets.items()
                if name in ("annex2_sharing", "annex2_opening", "main_text")
            ),
        },
    )


def write_files(folder: Path, files: Sequence[SampleFile], defects: Sequence[Defect]) -> None:
    """Write `defects.parquet` and `deliveries.json` (one entry per file, in the order of writing)."""
    columns = {name: [getattr(d, name) for d in defects] for name in _DEFECT_SCHEMA}
    pl.DataFrame(columns, schema=_DEFECT_SCHEMA).write_parquet(folder / "defects.parquet")
    _write_json(folder / "deliveries.json", [asdict(f) | {"as_of": f.as_of.isoformat()} for f in files])


def _write_json(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
