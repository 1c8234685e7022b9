"""Rows that stand in a delivery as they stood in an earlier one: known again, they are not read or staged anew.

What a row without a finding was read as follows from its cells, the contract and this code; a later business date does
not change it. So a home keeps, of the last delivery of each full list, what such rows were read as, found by two hashes
of their lines, or of their cells where a row is no line. A row is *known* where the record it was read as is in force
with that content. The files hold neither lines nor cells, are sealed, since hashes can be tried against guesses
(ADR 37), and may be removed at any time: then every row is read.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from connectors.contract import Contract
from connectors.database import arrow_connection
from connectors.normalise.codes import DIVISIONS_FILE
from connectors.record_columns import BASE, ROW_HASH
from connectors.scopes import Scope
from connectors.sealed_file import SealedReader, SealedWriter, UnsealedError
from connectors.settings import Settings

_SAME_FIELDS: list[pa.Field[Any]] = [
    pa.field("_row_no", pa.int64()),
    pa.field(BASE, pa.binary(16)),
    pa.field(ROW_HASH, pa.binary(16)),
    pa.field("_version", pa.int64()),
]
SAME_SCHEMA = pa.schema(_SAME_FIELDS)
"""A known row: its number in this delivery, and the batch whose version of the record holds its content."""
PRINTS = ["print_0", "print_1"]
KEYS, CONTENTS = ["key_0", "key_1"], ["content_0", "content_1"]
VERSION = "version"
_MAX_ROWS = 2_500_000
"""Of larger deliveries nothing is kept: intake would need more than 1 GB of memory."""
_SLICE_ROWS = 250_000
"""So many rows are looked at together where something is made of all of them."""


@dataclass(frozen=True)
class Same:
    """Known rows of a batch.

    Attributes:
        row_no: Int64, their numbers in the delivery.
        facts: what is known of each: the columns of the file, and `version`.
    """

    row_no: pl.Series
    facts: pl.DataFrame

    def staged(self) -> pa.RecordBatch:
        """Return the rows in `SAME_SCHEMA`."""
        columns = [
            pa.array(self.row_no.to_numpy()),
            _joined(self.facts, KEYS),
            _joined(self.facts, CONTENTS),
            pa.array(self.facts[VERSION].to_numpy()),
        ]
        return pa.RecordBatch.from_arrays(columns, schema=SAME_SCHEMA)


class _Places:
    """Finds rows by a column of hashes (UInt64)."""

    def __init__(self, hashes: pl.Series) -> None:
        values = hashes.to_numpy()
        order = np.argsort(values)
        self._sorted, self._places = values[order], order.astype(np.uint32)

    def likely(self, wanted: pl.Series) -> NDArray[np.uint32]:
        """Return the place of a row that has each hash, if any has: the caller compares. There must be rows."""
        hashes = wanted.to_numpy()
        # looked up in order, neighbours lie in the same lines of the cache
        order = np.argsort(hashes)
        at = np.empty(len(hashes), dtype=np.int64)
        at[order] = np.searchsorted(self._sorted, hashes[order])
        return self._places[np.minimum(at, len(self._sorted) - 1)]


class KnownRows:
    """The known rows of one extract."""

    def __init__(self, noted: pl.DataFrame, by_print: _Places, stored: pl.DataFrame, as_of: date) -> None:
        """Take what was noted, and what is in force.

        Args:
            noted: the columns of the file.
            by_print: its rows by the first print.
            stored: `KEYS`, `CONTENTS` and `VERSION` of the records in force; neither may be empty.
            as_of: business date of the delivery that was noted: of an earlier one nothing is known.
        """
        self.as_of = as_of
        self._records = _Records(stored)
        places, is_same = [], []
        for start in range(0, len(noted), _SLICE_ROWS):
            rows = noted.slice(start, _SLICE_ROWS)
            places.append(self._records.likely(rows))
            is_same.append(_equal(rows, stored, places[-1], [*KEYS, *CONTENTS]))
        self._record_places, self._is_same = np.concatenate(places), np.concatenate(is_same)
        self._count = int(np.count_nonzero(self._is_same))
        self._by_print = by_print
        # of what is known keys and contents are those of the records
        self._noted, self._facts = noted.drop([*KEYS, *CONTENTS]), [*noted.columns, VERSION]

    def __len__(self) -> int:
        return self._count

    def find(self, prints: pl.DataFrame) -> NDArray[np.int64]:
        """Return the place of each row among the known, by its prints; -1 where it is not known.

        Args:
            prints: `PRINTS`; null where a row cannot be known.
        """
        if not len(self):
            return np.full(len(prints), -1)
        prints = prints.fill_null(0)
        places = self._by_print.likely(prints[PRINTS[0]])
        is_known = _equal(prints, self._noted, places, PRINTS) & self._is_same[places]
        return np.where(is_known, places.astype(np.int64), -1)

    def same(self, places: NDArray[np.int64], row_no: pl.Series) -> Same:
        """Return what is known of the rows at these places; their records are met."""
        records = self._record_places[places]
        self._records.meet_at(records)
        return Same(row_no, self._noted[places].hstack(self._records.stored[records]).select(self._facts))

    def meet(self, keys: pl.DataFrame) -> None:
        """Take the record keys of rows that are read (`KEYS`): those records are met."""
        self._records.meet(keys)

    def absent(self, most: int) -> list[UUID] | None:
        """Return the keys of the records in force (of number 1) that no row met; None where there are more."""
        return self._records.absent(most)


class _Records:
    """The records in force, of number 1, found by their keys; and which of them the delivery has met."""

    def __init__(self, stored: pl.DataFrame) -> None:
        self.stored = stored
        self._by_key = _Places(stored[KEYS[0]])
        self._met = np.zeros(len(stored), dtype=np.bool_)

    def likely(self, keys: pl.DataFrame) -> NDArray[np.uint32]:
        return self._by_key.likely(keys[KEYS[0]])

    def meet(self, keys: pl.DataFrame) -> None:
        places = self.likely(keys)
        self.meet_at(places[_equal(keys, self.stored, places, KEYS)])

    def meet_at(self, places: NDArray[np.uint32]) -> None:
        self._met[places] = True

    def absent(self, most: int) -> list[UUID] | None:
        if np.count_nonzero(~self._met) > most:
            return None
        return [UUID(bytes=key) for key in _joined(self.stored.filter(pl.Series(~self._met)), KEYS).to_pylist()]


def _equal(rows: pl.DataFrame, others: pl.DataFrame, places: NDArray[np.uint32], names: list[str]) -> NDArray[np.bool_]:
    equal = np.ones(len(rows), dtype=np.bool_)
    for name in names:
        equal &= rows[name].to_numpy() == others[name].to_numpy()[places]
    return equal


def heading(*facts: object) -> int:
    """Return 64 bits that stand for what the reading of rows depends on besides what is hashed of each."""
    return int.from_bytes(hashlib.sha256(repr(facts).encode()).digest()[:8])


def prints_of_lines(lines: pl.Series, heading: int) -> pl.DataFrame:
    """Return two hashes (UInt64) of each line (String), made with different seeds.

    Args:
        lines: the text of one row each.
        heading: of 64 bits; stands for what else their reading depends on.
    """
    return pl.DataFrame({name: lines.hash(seed=seed) ^ heading for seed, name in enumerate(PRINTS)})


def prints_of_cells(cells: Mapping[str, pl.Series], heading: int) -> pl.DataFrame:
    """Return two hashes (UInt64) of the cells of each row, made with different seeds.

    Args:
        cells: the delivered texts by contract column; one at least.
        heading: of 64 bits; stands for what else their reading depends on.
    """
    rows = pl.DataFrame({name: c.fill_null("") if c.null_count() else c for name, c in cells.items()})
    return pl.DataFrame({name: rows.hash_rows(seed=seed) ^ heading for seed, name in enumerate(PRINTS)})


class Notes:
    """What the rows of a delivery are read as, written for the next delivery of its extract and scope."""

    def __init__(self, path: Path, secret: str, facts: Mapping[str, str], batch_id: int) -> None:
        """Begin; `keep` puts the file in its place.

        Args:
            path: of the file.
            secret: under which it is sealed.
            facts: what its content depends on.
            batch_id: of the delivery, which no other process works on.
        """
        self._path, self._secret, self._facts = path, secret, facts
        self._scratch = path.with_name(f".{path.name}.{batch_id}")
        self._rows = 0
        self._file: SealedWriter | None = None
        self._writer: pa.ipc.RecordBatchStreamWriter | None = None

    def note(self, facts: pl.DataFrame) -> None:
        """Write what rows were read as: `PRINTS`, `KEYS`, `CONTENTS`, marks and fingerprints."""
        self._rows += len(facts)
        if self._rows > _MAX_ROWS or not len(facts):
            return
        table = facts.to_arrow()
        if self._writer is None:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._file = SealedWriter(self._scratch.open("wb"), self._secret)
            self._writer = pa.ipc.new_stream(self._file, table.schema.with_metadata(dict(self._facts)))
        self._writer.write_table(table)

    def keep(self) -> None:
        """Finish the file: it takes the place of the last delivery's."""
        if self._writer is not None and self._rows <= _MAX_ROWS:
            self.finish()
            self._scratch.replace(self._path)

    def close(self) -> None:
        """Leave nothing but what was kept."""
        self.finish()
        self._scratch.unlink(missing_ok=True)

    def finish(self) -> None:
        """Close the file: no more is noted."""
        if self._writer is not None and self._file is not None and not self._file.closed:
            self._writer.close()
            self._file.close()


def place(settings: Settings, contract: Contract, scope: Scope | None) -> Path:
    """Return the file of an extract's deliveries of one declared scope."""
    said = json.dumps({k: sorted(v) for k, v in (scope or {}).items()}, sort_keys=True)
    return settings.known / contract.id / f"{hashlib.sha256(said.encode()).hexdigest()[:16]}.arrow"


def facts_of(contract: Contract, as_of: date) -> dict[str, str]:
    """Return what readings depend on besides the rows; with the business date they were made for."""
    used = (contract.version, code_version(), version("polars"))
    return {"context": hashlib.sha256("\n".join(used).encode()).hexdigest(), "as_of": as_of.isoformat()}


def recall(path: Path, secret: str, dsn: str, contract: Contract) -> KnownRows | None:
    """Return the noted rows whose record is in force with the noted content; None where nothing fitting was noted.

    Args:
        path: from `place`.
        secret: of the home: what was noted under another one is of no use.
        dsn: of the warehouse.
        contract: of the extract.
    """
    if not path.is_file():
        return None
    with ThreadPoolExecutor(1) as other:
        asked = other.submit(_in_force, dsn, contract)
        found = _noted(path, secret, contract)
        by_print = None if found is None else _Places(found[0][PRINTS[0]])
        stored = asked.result()
    if found is None or by_print is None or not len(found[0]) or not len(stored):
        return None
    return KnownRows(found[0], by_print, stored, found[1])


def _noted(path: Path, secret: str, contract: Contract) -> tuple[pl.DataFrame, date] | None:
    """Return what was noted and the business date it was noted for."""
    try:
        file = SealedReader(path, secret)
    except (FileNotFoundError, UnsealedError):
        return None
    with file, pa.ipc.open_stream(file) as reader:
        made = {k.decode(): v.decode() for k, v in (reader.schema.metadata or {}).items()}
        as_of = date.fromisoformat(made["as_of"])
        if made != facts_of(contract, as_of):
            return None
        return _whole(_own(reader)), as_of


def _own(batches: Iterable[pa.RecordBatch]) -> Iterator[pl.DataFrame]:
    """Yield the rows of some batches together, in memory of their own."""
    held: list[pl.DataFrame] = []
    for batch in batches:
        held.append(pl.DataFrame(pl.from_arrow(batch)))
        if sum(map(len, held)) >= _SLICE_ROWS:
            yield pl.concat([*held, held[0].clear()], rechunk=True)
            held = []
    if held:
        yield pl.concat([*held, held[0].clear()], rechunk=True)


def _whole(parts: Iterable[pl.DataFrame]) -> pl.DataFrame:
    """Return all rows in one piece; no more than one column is there twice meanwhile."""
    columns = _columns(parts)
    return pl.DataFrame([pl.concat(columns.pop(name), rechunk=True) for name in list(columns)])


def _columns(parts: Iterable[pl.DataFrame]) -> dict[str, list[pl.Series]]:
    columns: dict[str, list[pl.Series]] = {}
    for part in parts:
        for column in part.get_columns():
            columns.setdefault(column.name, []).append(column)
    return columns


def forget(settings: Settings) -> None:
    """Remove everything noted."""
    shutil.rmtree(settings.known, ignore_errors=True)


def hashes(rows: pa.RecordBatch) -> pl.DataFrame:
    """Return key and content hash of staged rows as `KEYS` and `CONTENTS`."""
    return pl.DataFrame(_halves(rows.column(BASE), KEYS) | _halves(rows.column(ROW_HASH), CONTENTS))


def _in_force(dsn: str, contract: Contract) -> pl.DataFrame:
    return _whole(_stored(dsn, contract))


def _stored(dsn: str, contract: Contract) -> Iterator[pl.DataFrame]:
    yield pl.DataFrame(schema=dict.fromkeys([*KEYS, *CONTENTS], pl.UInt64) | {VERSION: pl.Int64})
    with arrow_connection(dsn) as connection, connection.cursor() as cursor:
        # nearly all rows are in force: the index of those would lead to one after another
        for way in ("bitmapscan", "indexscan"):
            cursor.execute(f"set enable_{way} = off")
        cursor.execute(
            f'select _record_key, _row_hash, _batch_id from raw."{contract.id}"'
            " where _closed_batch_id is null and _key_no = 1"
        )
        for rows in cursor.fetch_record_batch():
            key: Any = rows.column("_record_key")
            columns = _halves(key.storage if isinstance(key, pa.ExtensionArray) else key, KEYS)
            columns |= _halves(rows.column("_row_hash"), CONTENTS)
            yield pl.DataFrame(columns).with_columns(pl.Series(VERSION, rows.column("_batch_id").to_numpy()))


def _halves(values: pa.Array[Any], names: list[str]) -> dict[str, NDArray[np.uint64]]:
    """Return the first and the last 8 of 16 bytes each (binary, without nulls)."""
    fixed: Any = values.cast(pa.binary(16))
    data = fixed.buffers()[1]
    both = np.frombuffer(b"" if data is None else memoryview(data), dtype=np.uint64)
    both = both[2 * fixed.offset : 2 * (fixed.offset + len(fixed))]
    return {name: np.ascontiguousarray(both[n::2]) for n, name in enumerate(names)}


def _joined(facts: pl.DataFrame, names: list[str]) -> pa.Array[Any]:
    both = np.stack([facts[name].to_numpy() for name in names], axis=1)
    return pa.Array.from_buffers(pa.binary(16), len(both), [None, pa.py_buffer(both.tobytes())])


@cache
def code_version() -> str:
    """Return a hash of everything that reads cells: this package, and the divisions it knows."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        digest.update(path.read_bytes())
    if DIVISIONS_FILE.is_file():
        digest.update(DIVISIONS_FILE.read_bytes())
    return digest.hexdigest()
