"""How far departments' records are from the truth about people and entities: every rate in one place."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Self

_FACTS = frozenset({"twins", "namesakes", "rare_names", "dotted_names", "renamed", "resettled", "same_day_divorces"})


@dataclass(frozen=True)
class Noise:
    """Shares of what makes people and entities hard to tell apart.

    The first group is true of the city itself, whatever the profile; all others are errors in the departments' records.
    """

    twins: float = 0.012
    """Of children with an elder sibling in the household."""
    namesakes: float = 0.05
    """Of persons living alone: bear the name of the neighbour in the same building."""
    rare_names: float = 0.006
    dotted_names: float = 0.004
    """Of persons living alone."""
    renamed: float = 0.004
    """Took another given name within the last five or the next two years."""
    resettled: float = 0.12
    """Of households: live elsewhere in the city than they are registered, or soon will."""
    same_day_divorces: float = 0.002
    """Of recorded marriages."""

    number_typo: float = 0.02
    number_missing: float = 0.03
    number_of_15_digits: float = 0.01
    number_lower_x: float = 0.3
    """Of the numbers that end in X."""
    two_numbers: float = 0.001
    """Persons on two numbers; each extract uses one of them."""
    shared_numbers: float = 0.0005
    """Persons on whose records another one's number stands."""
    name_variant: float = 0.01
    rare_stand_in: float = 0.5
    """Of rare characters and name dots: written by something else."""
    old_name: float = 0.3
    """Of renamed persons: still under the old name."""
    old_address: float = 0.1
    address_abbreviated: float = 0.1
    old_phone: float = 0.05
    newborn_without_number: float = 0.8
    """Of the newborns that have no number yet: listed all the same."""
    death_before_birth: float = 0.005
    """Of death certificates."""
    pension_after_death: float = 0.06
    """Of dead pensioners."""
    without_employer: float = 0.06
    """Of those insured as employees: nobody's employees."""

    code_wrong_check: float = 0.01
    code_missing: float = 0.03
    old_code: float = 0.04
    """The organisation code or the old 15-digit registration number stands for the credit code."""
    shared_codes: float = 0.0005
    """Of registered companies: on another one's valid code."""
    entity_name_variant: float = 0.03
    branches: float = 0.01
    """Of companies: a branch of a similar name is registered for tax."""
    debtors_without_identity: float = 0.4

    number_corrected: float = 0.1
    """Of the wrong numbers: put right by the next round."""

    def only_facts(self) -> Self:
        """Return the same city without an error."""
        return replace(self, **{f.name: 0.0 for f in fields(self) if f.name not in _FACTS})
