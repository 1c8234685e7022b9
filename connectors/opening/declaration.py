"""The declaration of an open table of counts: `aggregates/<id>.yml`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, ValidationError, model_validator

from connectors.contract_model import CodeList, Cycle, Name, Strict, Text
from connectors.errors import UserError
from connectors.opening.districts import city_districts
from connectors.opening.figures import TOTAL, Figures
from connectors.yaml_files import YamlFileError, read_yaml

FOLDER = Path(__file__).parent / "aggregates"

Prefixes = Annotated[tuple[str, ...], Field(min_length=1)]


class Dimension(Strict):
    """A column by which is counted, in one of four ways; what fits no label counts under `other`.

    The labels are fixed by the declaration: a label that appears with a person would tell of that person.
    """

    title: Text
    column: Name
    codes: str | None = None
    """The code list whose words are the labels."""
    groups: dict[Text, Prefixes] = Field(default_factory=dict)
    """Label to the beginnings of its values; `01-05` stands for 01, 02, … 05."""
    districts: bool = False
    """Of a division code: the city's districts, zones and abolished divisions rolled up to them."""
    ages: tuple[int, ...] = ()
    """Of a date of birth: the first years of age of the groups, ascending."""
    other: Text = "其他"

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if sum((self.codes is not None, bool(self.groups), self.districts, bool(self.ages))) != 1:
            raise ValueError("codes、groups、districts、ages 须给出一个，且只给一个")
        if self.ages and (self.ages[0] != 0 or sorted(set(self.ages)) != list(self.ages)):
            raise ValueError("ages 须从 0 起递增")
        return self

    def labels(self, codes: Mapping[str, CodeList]) -> tuple[str, ...]:
        """Return the labels in order, `other` last.

        Raises:
            UserError: the code list is unknown, or a label is double or means a total.
        """
        if self.codes is not None:
            if self.codes not in codes:
                raise UserError(f"开放统计表的维度“{self.title}”用到的代码表 {self.codes} 不存在")
            named = tuple(codes[self.codes].words)
        elif not self.ages:
            named = tuple(self.beginnings)
        else:
            last = f"{self.ages[-1]}岁及以上"
            named = (*(f"{a}–{b - 1}岁" for a, b in zip(self.ages, self.ages[1:], strict=False)), last)
        labels = (*(name for name in named if name != self.other), self.other)
        if len(set(labels)) < len(labels) or TOTAL in labels:
            raise UserError(f"开放统计表的维度“{self.title}”的取值重复，或与“{TOTAL}”相同")
        return labels

    @property
    def beginnings(self) -> Mapping[str, Sequence[str]]:
        """By label the beginnings of its values, ranges spelled out; empty where values are not told apart by them."""
        if self.districts:
            return city_districts()
        return {label: _spelled_out(texts) for label, texts in self.groups.items()}


class Aggregate(Strict):
    """An open table of counts."""

    id: Name
    """The file's name."""
    title: Text
    description: Text
    category: Text
    """One of the 22 of indicator 18."""
    department: Name
    """Who answers for it."""
    cycle: Cycle
    counts: Annotated[str, Field(pattern=r"^[a-z_]+\.[a-z0-9_]+$")]
    """The relation whose rows are counted; of `raw`, the versions in force."""
    measure: Text
    """What is counted."""
    unit: Text
    where: dict[Name, Annotated[list[str], Field(min_length=1)]] = Field(default_factory=dict)
    """Only rows in which every column here has one of the values."""
    absent: tuple[Name, ...] = ()
    """Only rows in which these columns are empty."""
    dimensions: Annotated[dict[Name, Dimension], Field(min_length=1, max_length=4)]

    def figures(self, codes: Mapping[str, CodeList]) -> Figures:
        """Return its cells and totals."""
        return Figures(tuple(d.labels(codes) for d in self.dimensions.values()))

    def definition_sha256(self, codes: Mapping[str, CodeList]) -> str:
        """Return the SHA-256 of what is counted and how: two ways over one population tell each other's secrets."""
        facts = self.model_dump(mode="json", include={"counts", "where", "absent", "dimensions"})
        labels = [(d.labels(codes), d.beginnings) for d in self.dimensions.values()]
        text = json.dumps([facts, labels], ensure_ascii=False, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


@cache
def load_aggregates(folder: Path = FOLDER) -> Mapping[str, Aggregate]:
    """Return the declared tables by id.

    Raises:
        UserError: a file is no declaration, or two tables count the same relation: one would tell what the other
            withholds.
    """
    found: dict[str, Aggregate] = {}
    for path in sorted(folder.glob("*.yml")):
        try:
            found[path.stem] = Aggregate.model_validate({**read_yaml(path).data, "id": path.stem})
        except (ValidationError, YamlFileError) as error:
            raise UserError(f"{path} 不是有效的开放统计表声明：{error}") from error
    _counted_once(list(found.values()))
    return found


def _counted_once(aggregates: Sequence[Aggregate]) -> None:
    by_relation: dict[str, str] = {}
    for aggregate in aggregates:
        other = by_relation.setdefault(aggregate.counts, aggregate.id)
        if other != aggregate.id:
            raise UserError(f"{aggregate.id} 与 {other} 都统计 {aggregate.counts}：同一总体只能开放一张统计表")


def _spelled_out(texts: Sequence[str]) -> list[str]:
    found: list[str] = []
    for text in texts:
        first, dash, last = text.partition("-")
        if dash:
            found += [f"{number:0{len(first)}d}" for number in range(int(first), int(last) + 1)]
        else:
            found.append(text)
    return found
