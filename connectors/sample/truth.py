"""What is true of a sample city, written beside it: people, companies, every defect, every expected figure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from connectors.sample.city import City
from connectors.sample.operands import Operands, target_readings


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


DEFECT_SCHEMA = {
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
"""One row per planted defect: file (path below the round's folder), row (1-based, as a spreadsheet shows it), column
and header (null: the row itself), what it is, what intake is to make of it, and the cell before and after."""
IDENTITY_SCHEMA = {
    "round_no": pl.Int32,
    "contract": pl.String,
    "file": pl.String,
    "row": pl.Int64,
    "role": pl.String,
    "person_no": pl.Int32,
    "entity_no": pl.Int32,
}
"""One row per row of a file and whom it is about: in the role `person` or `entity`, or as mother, wife, guardian …"""


def write_people(folder: Path, people: pl.DataFrame) -> None:
    """Write `persons.parquet`: everybody, with the days of their lives' events, those of the future included."""
    folder.mkdir(parents=True, exist_ok=True)
    people.write_parquet(folder / "persons.parquet")


def write_round(folder: Path, city: City, operands: Operands, plan_targets: Mapping[str, Mapping[str, str]]) -> None:
    """Write entities, bodies and status (parquet), `operands.json` and `plan_targets.json` of one round.

    `status.parquet`: person_no, life_status (alive, deceased, unborn), residence_status (registered: registered and
    living here; resident: living here, registered elsewhere; moved_away; absent), died_on, name, address.

    `operands.json`: {as_of, profile, indicators: {id: {operand: {value, period, is_estimated}}},
    targets: {reading: {value, met}}, targets_met}; values are decimal texts.

    `plan_targets.json`: {as_of, targets: {target id: {source, value, status}}}; an empty value is none.
    """
    folder.mkdir(parents=True, exist_ok=True)
    city.entities.write_parquet(folder / "entities.parquet")
    city.bodies.write_parquet(folder / "bodies.parquet")
    _statuses(city.present).write_parquet(folder / "status.parquet")
    _write_json(folder / "plan_targets.json", {"as_of": city.as_of.isoformat(), "targets": plan_targets})
    targets = target_readings(operands)
    _write_json(
        folder / "operands.json",
        {
            "as_of": city.as_of.isoformat(),
            "profile": city.profile.value,
            "indicators": {
                indicator: {
                    name: {
                        "value": None if o.value is None else format(o.value, "f"),
                        "period": o.period,
                        "is_estimated": o.is_estimated,
                    }
                    for name, o in values.items()
                }
                for indicator, values in operands.items()
            },
            "targets": targets,
            "targets_met": all(reading["met"] for name, reading in targets.items() if name != "annex1_mean"),
        },
    )


def _statuses(present: pl.DataFrame) -> pl.DataFrame:
    life = (
        pl.when(pl.col("is_dead"))
        .then(pl.lit("deceased"))
        .when("is_born")
        .then(pl.lit("alive"))
        .otherwise(pl.lit("unborn"))
    )
    residence = (
        pl.when("has_left")
        .then(pl.lit("moved_away"))
        .when(pl.col("is_here") & pl.col("is_registered"))
        .then(pl.lit("registered"))
        .when("is_here")
        .then(pl.lit("resident"))
        .otherwise(pl.lit("absent"))
    )
    return present.select(
        "person_no",
        life.alias("life_status"),
        residence.alias("residence_status"),
        pl.when("is_dead").then(pl.col("died_at").dt.date()).alias("died_on"),
        pl.col("name_now").alias("name"),
        pl.col("address_now").alias("address"),
    )


def write_files(
    folder: Path, files: Sequence[SampleFile], defects: Sequence[pl.DataFrame], identities: Sequence[pl.DataFrame]
) -> None:
    """Write `defects.parquet`, `identities.parquet` and `deliveries.json` (one entry per file, in writing order)."""
    pl.concat([pl.DataFrame(schema=DEFECT_SCHEMA), *defects]).write_parquet(folder / "defects.parquet")
    pl.concat([pl.DataFrame(schema=IDENTITY_SCHEMA), *identities]).write_parquet(folder / "identities.parquet")
    _write_json(folder / "deliveries.json", [asdict(f) | {"as_of": f.as_of.isoformat()} for f in files])


def _write_json(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
