"""Reads of plain L3 and L4 columns by a person: who, when, which columns, how many rows, what for; never a value."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from connectors.as_of import CITY_TIME
from connectors.database import Connection
from connectors.privacy import mask_identifiers

_TOKEN = re.compile(
    r"""(?P<comment>--[^\n]*|/\*.*?\*/)
    |(?P<literal>[eEbBxXnN]?'(?:[^']|'')*'|\$(?P<tag>\w*)\$.*?\$(?P=tag)\$|\d[\w.]*)
    |(?P<word>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<quoted>(?:[uU]&)?"(?:[^"]|"")*")
    |(?P<space>\s+)
    |(?P<mark>[(),.;*=<>!+/%|:\[\]-])""",
    re.VERBOSE | re.DOTALL,
)
_PLAIN_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")
_DIGITS = re.compile(r"\d{6}")
_SHAPE_LENGTH = 4_000

_NOTED = re.compile(
    r"(?P<at>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+) \S+ \[\d+\] (?P<program>.*) LOG:  "
    r"weihai\.read relation=(?P<relation>\S+) role=(?P<role>\S+) session=(?P<session>\S+)"
)
_CHUNK = 4 * 1024**2


@dataclass(frozen=True)
class PersonalRead:
    """What of L3 and L4 a statement reads: relations and columns, as `schema.table` and `schema.table.column`."""

    tables: tuple[str, ...]
    columns: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.tables)


def shape(statement: str) -> str:
    """Return a statement without anything that may be a value: literals, comments, names that are no plain words."""
    parts, position = [], 0
    while position < len(statement):
        found = _TOKEN.match(statement, position)
        if found is None:
            parts.append("?")
            position += 1
            continue
        position = found.end()
        match found.lastgroup if found.lastgroup != "tag" else "literal":
            case "comment" | "space":
                parts.append(" ")
            case "word":
                parts.append("?" if _DIGITS.search(found[0]) else found[0])
            case "quoted":
                name = found[0][1:-1]
                parts.append(found[0] if _PLAIN_NAME.fullmatch(name) and not _DIGITS.search(name) else '"?"')
            case "mark":
                parts.append(found[0])
            case _:
                parts.append("?")
    return re.sub(r"\?[?\s]*\?", "?", re.sub(r"\s+", " ", "".join(parts))).strip()[:_SHAPE_LENGTH]


def personal_reads(owner: Connection, reader: Connection, query: str) -> PersonalRead:
    """Return the columns of L3 and L4 in the tables that a query reads, directly or through views.

    Of a table that the query names itself those columns count that it names too (all of them where it says `*`); of
    one behind a view those that stand in the plan, which lists more than is needed.

    Args:
        owner: connection that may read the catalogue.
        reader: connection of the reader's role; the query is planned on it, not run.
    """
    if query.split(None, 1)[0].lower() in ("show", "explain"):
        return PersonalRead((), ())
    # prepared: the protocol then takes a single statement only
    row = reader.execute(f"explain (verbose, format json) {query}".encode(), prepare=True).fetchone()
    plan = row[0] if row is not None else []
    tables = sorted(set(_relations(plan)))
    planned = set(re.findall(r"\w+", json.dumps(plan, ensure_ascii=False)))
    said = set(re.findall(r"\w+", query.lower()))
    levels = owner.execute(
        "select schema_name || '.' || table_name, column_name from catalogue.column_level"
        " where level in ('L3', 'L4') and schema_name || '.' || table_name = any(%s) order by 1, 2",
        (tables,),
    ).fetchall()
    read = [
        (table, column)
        for table, column in levels
        if column in planned and (column in said or "*" in query or table.split(".")[1] not in said)
    ]
    return PersonalRead(tuple(sorted({t for t, _ in read})), tuple(f"{t}.{c}" for t, c in read))


def record(
    owner: Connection,
    *,
    os_user: str | None,
    role: str,
    program: str,
    statement: str | None,
    read: PersonalRead,
    row_count: int | None,
    purpose: str | None,
) -> None:
    """Write one row of `quality.access_log`; commit is the caller's, before anything is shown.

    Args:
        statement: SQL; its shape is stored.
        purpose: the reader's own words, in which recognised identifiers are masked.
    """
    owner.execute(
        "insert into quality.access_log (os_user, role_name, program, statement, tables, columns, row_count, purpose)"
        " values (%s, %s, %s, %s, %s, %s, %s, %s)",
        (
            os_user,
            role,
            program,
            shape(statement) if statement is not None else None,
            list(read.tables),
            list(read.columns),
            row_count,
            mask_identifiers(purpose) if purpose is not None else None,
        ),
    )


def collect(owner: Connection, logs: Sequence[Path]) -> int:
    """Take the reads that the server noted in its logs over into `quality.access_log`; return how many.

    Each file is read on from where the last time ended, also under another name; commit is the caller's.

    Args:
        logs: oldest first; those that do not exist are passed over.
    """
    owner.execute("lock table quality.access_log_position in share row exclusive mode")
    taken = 0
    for path in logs:
        if not path.is_file():
            continue
        with path.open("rb") as file:
            first = file.readline()
            if not first.endswith(b"\n"):
                continue
            head = hashlib.sha256(first).hexdigest()
            row = owner.execute("select bytes_read from quality.access_log_position where log_head = %s", (head,))
            known = row.fetchone()
            file.seek(known[0] if known is not None else 0)
            while lines := file.readlines(_CHUNK):
                if not lines[-1].endswith(b"\n"):
                    file.seek(-len(lines.pop()), 1)
                    if not lines:
                        break
                taken += _take(owner, lines)
            owner.execute(
                "insert into quality.access_log_position values (%s, %s)"
                " on conflict (log_head) do update set bytes_read = excluded.bytes_read",
                (head, file.tell()),
            )
    return taken


def _take(owner: Connection, lines: Sequence[bytes]) -> int:
    rows = [
        (
            datetime.fromisoformat(found["at"]).replace(tzinfo=CITY_TIME),
            found["role"] if found["role"] == found["session"] else f"{found['session']} → {found['role']}",
            mask_identifiers(found["program"])[:64],
            [found["relation"]],
        )
        for line in lines
        if b"weihai.read" in line and (found := _NOTED.fullmatch(line.decode("utf-8", "replace").rstrip("\n")))
    ]
    with owner.cursor() as cursor:
        cursor.executemany(
            "insert into quality.access_log (happened_at, role_name, program, tables) values (%s, %s, %s, %s)", rows
        )
    return len(rows)


def _relations(plan: Any) -> Iterator[str]:
    if isinstance(plan, Mapping):
        if "Relation Name" in plan:
            yield f"{plan['Schema']}.{plan['Relation Name']}"
        for part in plan.values():
            yield from _relations(part)
    elif isinstance(plan, list):
        for part in plan:
            yield from _relations(part)
