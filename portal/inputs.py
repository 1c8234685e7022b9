"""What a run could use: every delivered file that was applied by then, with its SHA-256, for pages and for download."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import date
from pathlib import Path

from portal.mart import Run
from portal.queries import Warehouse

SHOWN = 500
"""Files that a page lists; the download has them all."""

_FILES = """
select
    batch.department || '__' || batch.extract as contract_id,
    batch.batch_id,
    batch.as_of,
    coalesce(file.file_name, batch.file_name) as file_name,
    coalesce(file.sha256, batch.sha256) as sha256,
    file.size_bytes,
    coalesce(file.rows_physical, batch.rows_physical) as rows_physical,
    coalesce(used.indicators, 0) as indicators
from quality.batch as batch
left join quality.batch_file as file using (batch_id)
left join (
    select batch_id, count(distinct indicator_id) as indicators
    from mart.indicator_source_run
    where run_id = %(run_id)s
    group by batch_id
) as used using (batch_id)
where batch.as_of <= %(as_of)s and batch.applied_seq <= %(known_at)s
order by contract_id, batch.as_of desc, batch.batch_id desc, file.file_no
"""


@dataclass(frozen=True)
class InputFile:
    """One file of a delivery that a run could use, and how many indicators rest on the delivery."""

    contract_id: str
    batch_id: int
    as_of: date
    file_name: str
    sha256: str
    size_bytes: int | None
    rows_physical: int | None
    indicators: int


def read_inputs(db: Warehouse, run: Run) -> tuple[InputFile, ...]:
    """Return the files of every delivery that was applied when the run began, for its as-of date."""
    values = {"run_id": run.run_id, "as_of": run.as_of, "known_at": run.known_at}
    return tuple(InputFile(**row) for row in db.rows(_FILES, values))


def read_used_batches(db: Warehouse, runs: Iterable[Run]) -> frozenset[int]:
    """Return the deliveries that indicators of these runs rest on."""
    rows = db.rows(
        "select distinct batch_id from mart.indicator_source_run where run_id = any(%(run_ids)s)",
        {"run_ids": [run.run_id for run in runs]},
    )
    return frozenset(row["batch_id"] for row in rows)


def read_redacted(db: Warehouse) -> Mapping[str, str]:
    """Return by SHA-256 what stands in the archive for a file since somebody was erased from it by law."""
    return {
        row["old_sha256"]: row["new_sha256"]
        for row in db.rows("select old_sha256, new_sha256 from quality.redacted_file")
    }


def write_inputs(files: Iterable[InputFile], redacted: Mapping[str, str], folder: Path) -> None:
    """Write `inputs.csv` with everything, and `inputs.sha256`, which `sha256sum --check` reads in the home.

    Args:
        files: as delivered.
        redacted: what stands for a file today, by SHA-256; the list to check names that.
        folder: where to write.
    """
    listed = list(files)
    names = [field.name for field in fields(InputFile)]
    with (folder / "inputs.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(vars(one) for one in listed)
    contents = sorted({_today(one.sha256, redacted) for one in listed})
    lines = (f"{sha256}  archive/{sha256[:2]}/{sha256}\n" for sha256 in contents)
    (folder / "inputs.sha256").write_text("".join(lines), encoding="ascii")


def _today(sha256: str, redacted: Mapping[str, str]) -> str:
    while sha256 in redacted:
        sha256 = redacted[sha256]
    return sha256


def counted(files: Iterable[InputFile]) -> Mapping[str, int]:
    """Return the numbers of files, deliveries and extracts."""
    listed = list(files)
    return {
        "files": len(listed),
        "batches": len({one.batch_id for one in listed}),
        "extracts": len({one.contract_id for one in listed}),
    }
