"""Records put into raw and linked, and what became of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from connectors.contract import Contracts
from connectors.database import Connection, connect
from connectors.raw_tables import ensure_raw_tables
from connectors.settings import Settings
from linkage.libraries import LIBRARIES, LibraryName
from linkage.run import Linking, link
from tests.integration import modelled

HOUSEHOLD, PERMIT = "public_security__household_population", "public_security__residence_permit"
INSURED, PENSION = "medical_security__insured", "human_resources__pension_payment"
BIRTH, STUDENT = "health__birth_certificate", "education__student"


@dataclass
class Linker:
    """Delivers records, links them, and tells whom they mean."""

    settings: Settings
    contracts: Contracts
    connection: Connection
    library: LibraryName = "population"
    _prepared: set[str] = field(default_factory=set)

    @classmethod
    def open(cls, settings: Settings, contracts: Contracts, library: LibraryName = "population") -> Linker:
        connection = connect(settings.dsn())
        ensure_raw_tables(connection, contracts)
        connection.commit()
        return cls(settings, contracts, connection, library)

    def deliver(
        self,
        contract_id: str,
        rows: Sequence[Mapping[str, Any]],
        *,
        as_of: date = modelled.AS_OF,
        withdrawn: Sequence[str] = (),
    ) -> int:
        batch = modelled.deliver(self.connection, self.contracts, contract_id, rows, as_of=as_of, withdrawn=withdrawn)
        self.connection.commit()
        return batch

    def link(self, *, full_refresh: bool = False, known_at: int | None = None) -> Linking:
        return link(self.settings, self.contracts, self.library, full_refresh=full_refresh, known_at=known_at)

    def ids(self, contract_id: str, role: str = "person", *, by: str = "name") -> dict[str, UUID | None]:
        """Return the id of every mention in force by one of its attributes."""
        library = LIBRARIES[self.library]
        rows = self.connection.execute(
            f"select m.{by}, l.{library.id} from {library.mention} m join linkage.source s using (source_id)"
            f" left join {library.link} l using (source_id, mention_key) where contract_id = %s and role = %s".encode(),
            (contract_id, role),
        ).fetchall()
        self.connection.rollback()
        return dict(rows)

    def one(self, contract_id: str, role: str = "person") -> UUID | None:
        [found] = self.ids(contract_id, role, by="mention_key").values()
        return found

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        found = self.connection.execute(query.encode()).fetchall()
        self.connection.rollback()
        return found

    def state(self) -> dict[str, list[tuple[Any, ...]]]:
        """Return everything that a full linking must leave as it is, in order."""
        library = LIBRARIES[self.library]
        return {
            "mention": self.rows(f"select * from {library.mention} order by source_id, mention_key"),
            "link": self.rows(f"select * from {library.link} order by source_id, mention_key"),
            "review": self.rows(f"select * from linkage.review where library = '{self.library}' order by 2, 3, 4"),
            "event": self.rows("select * from linkage.identity_event order by event_no"),
        }
