"""The readings that the plan leaves open: the parameters of `seeds/parameters.csv` and their allowed values."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from connectors.errors import UserError
from connectors.settings import CHECKOUT


class ParameterError(UserError):
    """There is no such parameter, or it does not take this value."""


@dataclass(frozen=True)
class Parameter:
    """One open reading.

    Attributes:
        alternatives: the values that the scorecard is tried with, the default among them.
        applies_to: ids of the indicators, or of the plan's targets, that rest on it.
    """

    name: str
    title: str
    default: str
    alternatives: tuple[str, ...]
    source: str
    applies_to: tuple[str, ...]

    @property
    def is_number(self) -> bool:
        """Whether it is a whole number, of which any may be given."""
        return all(value.isdecimal() for value in self.alternatives)

    def takes(self, value: str) -> bool:
        """Say whether it may have this value."""
        return value in self.alternatives or (self.is_number and value.isdecimal() and int(value) > 0)


def load_parameters(checkout: Path = CHECKOUT) -> dict[str, Parameter]:
    """Return the parameters by name, in the seed's order."""
    with (checkout / "seeds" / "parameters.csv").open(encoding="utf-8", newline="") as file:
        return {
            row["name"]: Parameter(
                name=row["name"],
                title=row["title"],
                default=row["default_value"],
                alternatives=tuple(row["alternatives"].split("|")),
                source=row["source"],
                applies_to=tuple(row["applies_to"].split("|")),
            )
            for row in csv.DictReader(file)
        }


def checked(given: Mapping[str, Any], parameters: Mapping[str, Parameter]) -> dict[str, str]:
    """Return a set of readings as texts.

    Raises:
        ParameterError: names the parameter, the value and what it may be.
    """
    found = {}
    for name, value in given.items():
        if name not in parameters:
            raise ParameterError(f"没有口径参数“{name}”；可用：{'、'.join(parameters)}")
        parameter, text = parameters[name], str(value)
        if isinstance(value, bool) or not parameter.takes(text):
            allowed = "、".join(parameter.alternatives) + ("，或其他正整数" if parameter.is_number else "")
            raise ParameterError(f"口径参数 {name}（{parameter.title}）不能取“{text}”；可取 {allowed}")
        found[name] = text
    return found
