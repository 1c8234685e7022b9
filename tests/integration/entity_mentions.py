"""Hand-made mentions of entities on a real server, and what the rules make of them."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np

from connectors.database import Connection
from connectors.sample.identifiers import credit_codes, old_registration_numbers
from linkage import changes, identities
from linkage.entities.resolve import resolve
from linkage.libraries import LEGAL_ENTITY
from linkage.step import Step, make_tables

REGISTER, TAXES, PENALTIES, DEBTORS = 1, 2, 3, 4
_SOURCES = {REGISTER: "own", TAXES: "own", PENALTIES: "none", DEBTORS: "none"}
_COLUMNS = (
    "uscc", "registration_no", "organisation_code", "tax_no", "name", "other_names", "legal_representative", "division",
    "address", "established_on",
)  # fmt: skip
FOUNDED = date(2001, 5, 8)

USCC = credit_codes(["91"] * 9, np.full(9, 371002), np.arange(1, 10) * 7).to_list()
REGISTRATION = old_registration_numbers(371_000_000_000_00 + np.arange(9) * 13).to_list()


def organisation_code(uscc: str) -> str:
    """Return the organisation code inside a credit code, as courts write it."""
    return f"{uscc[8:16]}-{uscc[16]}"


def old_tax_no(uscc: str) -> str:
    """Return the tax number that went before a credit code."""
    return "371002" + uscc[8:17]


def wrong_check(uscc: str) -> str:
    """Return the code with another last character."""
    return uscc[:17] + ("1" if uscc[17] != "1" else "2")


@dataclass(frozen=True)
class Found:
    """What is decided: groups of labels that mean one entity, who means nobody, and the reviews."""

    groups: frozenset[frozenset[str]]
    nobody: frozenset[str]
    reviews: frozenset[tuple[str, frozenset[str], str]]
    """Label, group of the candidate, reason."""


class Register:
    """Mentions by label in a database, linked as a run does it."""

    def __init__(self, connection: Connection, folder: Path) -> None:
        self.connection = connection
        self._folder = folder
        self._keys: dict[str, tuple[int, UUID]] = {}
        self._numbers = itertools.count(1)
        for source, unlinked in _SOURCES.items():
            connection.execute(
                "insert into linkage.source (source_id, library, contract_id, role, unlinked)"
                " overriding system value values (%s, 'legal_entity', %s, 'entity', %s)",
                (source, f"contract_{source}", unlinked),
            )
        connection.execute(
            "create temp table touched (source_id smallint, mention_key uuid, primary key (source_id, mention_key));"
            "create temp table altered (like touched including all);"
            "create temp table before (like linkage.entity_mention)"
        )

    def state(self, label: str, source: int = REGISTER, **attributes: Any) -> None:
        """Let a mention stand in force, new or changed; it is altered."""
        key = self._keys.setdefault(label, (source, UUID(int=next(self._numbers) * 7919 % 10_007)))
        self._alter(key)
        values = [attributes.pop(c, None) for c in _COLUMNS]
        assert not attributes
        self.connection.execute(
            "insert into linkage.entity_mention (source_id, mention_key, record_key, key_no, batch_id, row_no, as_of,"
            f" is_uscc_usable, {', '.join(_COLUMNS)}) values (%s, %s, %s, 1, 1, 1, '2021-09-30', false"
            f"{', %s' * len(_COLUMNS)})".encode(),
            (*key, key[1], *values),
        )

    def withdraw(self, label: str) -> None:
        """Let a mention be in force no longer."""
        self._alter(self._keys[label])

    def _alter(self, key: tuple[int, UUID]) -> None:
        self.connection.execute(
            "with gone as (delete from linkage.entity_mention where source_id = %s and mention_key = %s returning *)"
            " insert into pg_temp.before select * from gone",
            key,
        )
        for table in ("touched", "altered"):
            self.connection.execute(f"insert into pg_temp.{table} values (%s, %s) on conflict do nothing".encode(), key)

    def link(self, *, full: bool = False) -> Found:
        """Link what was altered, or everything again."""
        make_tables(self.connection)
        step = Step(self.connection, LEGAL_ENTITY, full, self._folder)
        resolve(step)
        identities.assign(step, 1)
        changes.record(step)
        self.connection.execute("truncate pg_temp.touched, pg_temp.altered, pg_temp.before")
        return self.found()

    def found(self) -> Found:
        """Return what links and reviews say of the mentions in force."""
        labels = {key: label for label, key in self._keys.items()}
        in_force = {
            labels[source, key]
            for source, key in self.connection.execute("select source_id, mention_key from linkage.entity_mention")
        }
        ids = {label: entity for label, entity in self.ids().items() if label in in_force}
        groups = {entity: frozenset(each for each, own in ids.items() if own == entity) for entity in ids.values()}
        reviews = self.connection.execute("select source_id, mention_key, candidate_id, reason from linkage.review")
        return Found(
            frozenset(groups.values()),
            frozenset(in_force - set(ids)),
            frozenset((labels[source, key], groups[candidate], reason) for source, key, candidate, reason in reviews),
        )

    def ids(self) -> dict[str, UUID]:
        """Return the entity of every mention that was ever linked."""
        labels = {key: label for label, key in self._keys.items()}
        links = self.connection.execute("select source_id, mention_key, entity_id from linkage.entity_link")
        return {labels[source, key]: entity for source, key, entity in links}

    def rows(self) -> tuple[frozenset[tuple[object, ...]], frozenset[tuple[object, ...]]]:
        """Return the links of mentions in force, and the reviews, as they are stored."""
        links = self.connection.execute(
            "select l.source_id, l.mention_key, l.entity_id, l.method, l.weight from linkage.entity_link l"
            " join linkage.entity_mention m on m.source_id = l.source_id and m.mention_key = l.mention_key"
        )
        reviews = self.connection.execute(
            "select source_id, mention_key, candidate_id, reason, weight from linkage.review"
        )
        return frozenset(links), frozenset(reviews)

    def reached(self) -> int:
        """Return how many mentions the last incremental linking decided."""
        [reached] = self.connection.execute("select count(*) from pg_temp.reached").fetchone() or (0,)
        return int(reached)

    def method(self, label: str) -> tuple[str, float | None]:
        """Return how a mention was linked, and its weight."""
        row = self.connection.execute(
            "select method, weight from linkage.entity_link where source_id = %s and mention_key = %s",
            self._keys[label],
        ).fetchone()
        assert row is not None
        return row[0], row[1]
