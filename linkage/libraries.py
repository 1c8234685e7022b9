"""The two libraries in which identity is decided, and what their mention tables hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

LibraryName = Literal["population", "legal_entity"]


@dataclass(frozen=True)
class Library:
    """One library: its tables in schema `linkage` begin with `kind`.

    Attributes:
        number: the attribute that may identify by itself; `usable` says whether it does.
        columns: of the mention table, in order, after the place of the record; `dates` among them.
    """

    name: LibraryName
    kind: Literal["person", "entity"]
    number: str
    usable: str
    columns: tuple[str, ...]
    dates: frozenset[str]

    @property
    def mention(self) -> str:
        """The table of mentions."""
        return f"linkage.{self.kind}_mention"

    @property
    def link(self) -> str:
        """The table of links: mention to id."""
        return f"linkage.{self.kind}_link"

    @property
    def link_history(self) -> str:
        """The table of whom mentions meant before."""
        return f"linkage.{self.kind}_link_history"

    @property
    def change(self) -> str:
        """The table of changed ids."""
        return f"linkage.{self.kind}_change"

    @property
    def id(self) -> str:
        """The column of ids."""
        return f"{self.kind}_id"


POPULATION = Library(
    "population",
    "person",
    number="id_no",
    usable="is_id_usable",
    columns=(
        "id_no", "is_id_usable", "name", "former_name", "sex", "birth_date", "division", "address", "phone",
        "household_no", "mother_id_no", "mother_name", "father_id_no", "father_name",
    ),
    dates=frozenset({"birth_date"}),
)  # fmt: skip
LEGAL_ENTITY = Library(
    "legal_entity",
    "entity",
    number="uscc",
    usable="is_uscc_usable",
    columns=(
        "uscc", "is_uscc_usable", "registration_no", "organisation_code", "tax_no", "name", "other_names",
        "legal_representative", "division", "address", "established_on",
    ),
    dates=frozenset({"established_on"}),
)  # fmt: skip
LIBRARIES: Mapping[str, Library] = {library.name: library for library in (POPULATION, LEGAL_ENTITY)}
