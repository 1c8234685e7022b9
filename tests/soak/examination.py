"""What must hold of any file whatever: it is answered in a sentence, or every record of it is accounted for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from connectors.checks import check
from connectors.contract import Contract
from connectors.headers import HeaderError
from connectors.readers import TextFile, UnreadableFileError, open_file
from connectors.settings import Limits
from connectors.tables import Table, find_tables
from tests.unit.delivered_files import AS_OF, CODES, contract

LIMITS = Limits(workbook_cells=2_000_000, workbook_unpacked_bytes=256 * 1024**2, unpacked_bytes=512 * 1024**2)
PERSONS = contract(
    {
        "id": {"header": "证件号码", "type": "id", "level": "L4"},
        "name": {"header": "姓名", "type": "text", "required": True},
        "born_on": {"header": "出生日期", "type": "date", "not_after_as_of": True},
        "amount_cny": {"header": "金额", "type": "money", "unit": "CNY"},
        "count": {"header": "数量", "type": "int", "minimum": 0},
        "status": {"header": "状态", "type": "code", "codes": "status"},
        "note": {"header": "备注", "type": "text"},
    },
    fallback_key=["name", "born_on"],
)
LICENCES = contract(
    {
        "number": {"header": "许可证编号", "type": "text", "required": True},
        "holder": {"header": "持证人", "type": "text"},
        "issued_on": {"header": "发证日期", "type": "date"},
    },
    extract="licence",
)


def outcome(path: Path, contracts: tuple[Contract, ...] = (PERSONS, LICENCES)) -> str:
    """Read a file as the intake does; return `read`, or `answered` where it is refused in a sentence.

    Raises:
        AssertionError: a record is unaccounted for, or the answer is no sentence.
    """
    try:
        file = open_file(path, limits=LIMITS)
        tables = find_tables(file, contracts)
        for table in tables:
            account(file, table)
    except (UnreadableFileError, HeaderError) as error:
        said = str(error)
        assert said.endswith("。"), said
        assert len(said) < 5000, f"{len(said)} characters"
        return "answered"
    return "read"


@dataclass(frozen=True)
class Account:
    """What became of a table's records: (row number, key as stored) of those accepted, row numbers of those listed."""

    physical: int
    accepted: tuple[tuple[int, object], ...]
    listed: frozenset[int]


def account(file: TextFile, table: Table) -> Account:
    """Check a table to its end against its sheet's records.

    Raises:
        AssertionError: a record is unaccounted for, or has a number that is not its own in the file.
    """
    run = check(table, CODES, as_of=AS_OF)
    accepted: list[int] = []
    keys: list[object] = []
    listed: list[int | None] = []
    shown = [table.sheet, table.member, *table.preamble, *table.header_cells]
    assert not any("\0" in text for text in shown), "a NUL, which the database does not hold"
    for batch in run:
        texts_are_stored(batch.rows, batch.issues, batch.rejected)
        accepted += batch.rows.column("_row_no").to_pylist()
        keys += batch.rows.column(table.contract.key[0]).to_pylist()
        listed += batch.issues.column("row_no").to_pylist()
    totals = run.totals
    numbers = [n for batch in file.sheets[table.sheet_no].batches() for n in batch.row_no.to_list()]
    assert numbers == list(range(1, len(numbers) + 1)), "the rows are not numbered as the file's"
    assert totals.physical == len(numbers), f"{totals.physical} rows of {len(numbers)}"
    assert totals.physical == totals.header + sum(totals.skipped.values()) + totals.read
    assert totals.read == len(accepted) + totals.rejected
    texts_are_stored(totals.issues)
    assert accepted == sorted(set(accepted)), "a row is there twice or out of order"
    assert all(table.header_row_no < n <= len(numbers) for n in accepted)
    assert all(n is None or 0 < n <= len(numbers) for n in listed)
    assert totals.rejected <= len(set(listed) - set(accepted))
    return Account(totals.physical, tuple(zip(accepted, keys, strict=True)), frozenset(n for n in listed if n))


def texts_are_stored(*batches: pa.RecordBatch) -> None:
    """Check that the database can hold every text of the batches."""
    for batch in batches:
        for field, column in zip(batch.schema, batch.columns, strict=True):
            if pa.types.is_string(field.type) or pa.types.is_large_string(field.type):
                assert not pc.any(pc.match_substring(column, "\0")).as_py(), "a NUL, which the database does not hold"
