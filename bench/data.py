"""The measured deliveries: the sample city's household register, clean, a million rows × 20 columns."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from connectors.contract import Contracts
from connectors.sample import write_city

AS_OF, NEXT_AS_OF = date(2021, 9, 30), date(2021, 10, 31)
CONTRACT = "public_security__household_population"
_ADDRESS = "户籍地址"
_WRITTEN_OUT = {"所属派出所": "山东省威海市公安局", "出生地": "中华人民共和国"}
"""Some registers write authorities and places out in full: the file is then about 300 MB."""
_SEED = 371_000
_CHANGED = 0.005
"""Share of the records that the second delivery gives another address."""
_PERSONS_PER_ROW = 1.25
"""Not everyone in the city is registered in it."""


@dataclass(frozen=True)
class Deliveries:
    """Files on disk: the first delivery in two encodings, and the next month's."""

    utf8: Path
    gb18030: Path
    changed: Path
    rows: int


def write(folder: Path, contracts: Contracts, rows: int) -> Deliveries:
    """Write the files, unless an earlier bench left them; the same rows every time."""
    paths = [folder / f"household_{rows}_{name}.csv" for name in ("utf8", "gb18030", "changed")]
    files = Deliveries(paths[0], paths[1], paths[2], rows)
    if not all(path.is_file() for path in paths):
        folder.mkdir(parents=True, exist_ok=True)
        register = _register(contracts, rows)
        register.write_csv(files.utf8)
        files.gb18030.write_bytes(files.utf8.read_bytes().decode().encode("gb18030"))
        moved = pl.Series(np.random.default_rng(_SEED).random(len(register)) < _CHANGED)
        address = pl.when(moved).then(pl.concat_str(pl.col(_ADDRESS), pl.lit("（新址）"))).otherwise(_ADDRESS)
        register.with_columns(address.alias(_ADDRESS)).write_csv(files.changed)
    return files


def _register(contracts: Contracts, rows: int) -> pl.DataFrame:
    alone = Contracts({CONTRACT: contracts[CONTRACT]}, contracts.codes)
    with tempfile.TemporaryDirectory() as folder:
        city = Path(folder) / "city"
        write_city(alone, city, persons=int(rows * _PERSONS_PER_ROW), seed=_SEED, profile="clean", as_of=AS_OF)
        [path] = city.rglob("*.csv")
        register = pl.read_csv(path, infer_schema=False)
    if len(register) < rows:
        raise RuntimeError(f"the city has {len(register)} registered persons, {rows} are wanted")
    whole = [pl.concat_str(pl.lit(before), pl.col(header)).alias(header) for header, before in _WRITTEN_OUT.items()]
    return register.head(rows).with_columns(whole)
