"""A warehouse whose libraries are built after every delivery, and compared with what building all of it again gives."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from random import Random
from typing import Any, Self

from psycopg import sql

from connectors.contract import Contracts
from connectors.database import Connection, connect
from connectors.errors import UserError
from connectors.raw_tables import ensure_raw_tables
from connectors.settings import Settings
from dags.support import models
from linkage.libraries import LIBRARIES, LibraryName
from linkage.reviewing import Verdict, decide
from linkage.run import link
from tests.integration.office import Office, csv_bytes

SCHEMAS = ("population", "legal_entity", "credit", "licence")
_KEPT = "kept"
_NOT_OF_THE_PRESENT = {"person_change", "entity_change", "state"}
"""Of `linkage`: how far readers and linkings are, not what is known."""
_WORKING = "^int_(person|entity)__(?!status_evidence)|_masked$"
"""What is of one build only, and views over the tables that are compared."""
_SELECTED = (*(f"path:models/{schema}" for schema in SCHEMAS), "fqn:weihai.libraries", "fqn:working_day")


@dataclass(frozen=True)
class Delivery:
    """One file of an extract; an incremental list withdraws by a row's `operation`."""

    contract_id: str
    rows: Sequence[Mapping[str, Any]]
    as_of: date


@dataclass
class Libraries:
    """Takes deliveries in, links and builds what they changed, and everything again."""

    settings: Settings
    contracts: Contracts
    office: Office
    connection: Connection
    _numbers: Iterable[int] = field(default_factory=itertools.count)

    @classmethod
    def open(cls, settings: Settings, contracts: Contracts) -> Self:
        """Begin with a warehouse that has its seeds, and no library yet."""
        office = Office(settings, contracts, datetime(2022, 1, 10, 1, tzinfo=UTC))
        connection = connect(settings.dsn(), autocommit=True)
        ensure_raw_tables(connection, contracts)
        opened = cls(settings, contracts, office, connection)
        opened.run_models("seed")
        return opened

    def take_in(self, deliveries: Iterable[Delivery]) -> None:
        """Have intake receive files and apply them, each in its turn."""
        for delivery in deliveries:
            contract = self.contracts[delivery.contract_id]
            self.office.department = contract.department
            name = f"{next(iter(self._numbers))}.csv"
            self.office.put(name, csv_bytes(contract, delivery.rows), contract.extract, as_of=delivery.as_of)
            [batch_id] = self.office.run()
            assert self.office.batch(batch_id).startswith("accepted"), delivery.contract_id

    def decide(self, library: LibraryName, contract_id: str, name: str, candidate: str, verdict: Verdict) -> int:
        """Decide whether an extract's mention of a name is who bears a number or code; return the decision's number."""
        kind = LIBRARIES[library].kind
        [(review_id,)] = self.rows(
            f"select distinct r.review_id from {library}.link_review r join {library}.{kind}_identifier i"
            f" on i.{kind}_id = r.candidate_id where r.contract_id = '{contract_id}' and r.name = '{name}'"
            f" and i.identifier = '{candidate}'"
        )
        return self._say(review_id, verdict)

    def decide_some(self, drawn: Random, most: int) -> int:
        """Decide about mentions in doubt at random, where other decisions allow it; return how many."""
        reviews = self.rows(
            "select review_id from population.link_review union select review_id from legal_entity.link_review"
            " order by 1"
        )
        decided = 0
        for (review_id,) in drawn.sample(reviews, min(most, len(reviews))):
            with suppress(UserError):
                self._say(review_id, drawn.choice(("same", "different")))
                decided += 1
        return decided

    def undo(self, decision: int) -> None:
        """Let a decision hold no longer."""
        self._say(str(decision), "open")

    def _say(self, what: str, verdict: Verdict) -> int:
        with self.connection.transaction():
            return decide(self.connection, what, verdict, actor="审核员", why="已核实", now=self.office.tick())

    def build(self, *, everything: bool = False) -> None:
        """Link and build what changed, or everything."""
        for library in LIBRARIES.values():
            link(self.settings, self.contracts, library.name, full_refresh=everything)
        self.run_models("run", "--select", *_SELECTED, *(["--full-refresh"] if everything else []))

    def run_models(self, *arguments: str) -> None:
        """Have dbt do something."""
        assert models.invoke(self.settings, self.contracts, arguments).failed == ()

    def keep(self, *, without: Sequence[str] = ()) -> None:
        """Remember every row of the libraries and of linkage.

        Args:
            without: columns that are left out.
        """
        self.connection.execute(f"drop schema if exists {_KEPT} cascade; create schema {_KEPT}".encode())
        for schema, name in self._relations():
            self.connection.execute(
                sql.SQL("create unlogged table {} as {}").format(
                    sql.Identifier(_KEPT, f"{schema}.{name}"), _rows_of(schema, name, without)
                )
            )

    def differences(self, *, without: Sequence[str] = ()) -> dict[str, tuple[int, int]]:
        """Return which tables are not as they were kept: how many rows went and came."""
        found = {}
        for schema, name in self._relations():
            kept, now = sql.Identifier(_KEPT, f"{schema}.{name}"), _rows_of(schema, name, without)
            row = self.connection.execute(
                sql.SQL(
                    "with now as ({now}) select (select count(*) from (table {kept} except all table now) gone),"
                    " (select count(*) from (table now except all table {kept}) come)"
                ).format(kept=kept, now=now)
            ).fetchone()
            assert row is not None
            if row != (0, 0):
                found[f"{schema}.{name}"] = (row[0], row[1])
        return found

    def left_by_building_everything(self) -> dict[str, tuple[int, int]]:
        """Return what linking and building everything again changes of what increments left."""
        self.keep()
        self.build(everything=True)
        return self.differences()

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        return self.connection.execute(query.encode()).fetchall()

    def _relations(self) -> list[tuple[str, str]]:
        found = self.rows(
            "select n.nspname, c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace"
            f" where n.nspname in {(*SCHEMAS, 'linkage')} and c.relkind in ('r', 'v')"
            f" and c.relname !~ '{_WORKING}' order by 1, 2"
        )
        return [(schema, name) for schema, name in found if name not in _NOT_OF_THE_PRESENT]


def _rows_of(schema: str, name: str, without: Sequence[str]) -> sql.Composed:
    return sql.SQL("select (to_jsonb(t) - {}::text[])::text as row from {} t").format(
        sql.Literal(list(without)), sql.Identifier(schema, name)
    )
