"""The database roles and what each may read: the only declaration of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

OWNER = "etl"
ANALYST, AUDITOR, PUBLIC = "analyst", "auditor", "public_open"
DEPARTMENT_PREFIX = "department_"

CONTROL_SCHEMAS = ("quality", "catalogue", "mart", "reference")
"""Schemas that hold no personal data by construction: values in them are masked or counted."""


def department_role(department: str) -> str:
    """Return the role of a department."""
    return f"{DEPARTMENT_PREFIX}{department}"


@dataclass(frozen=True)
class Rule:
    """Relations by pattern (`*` as in a shell), and the roles that read them.

    `{department}` stands for each department in both. A relation with a plain column of L3 or L4, or with a column of
    unknown level outside `CONTROL_SCHEMAS`, is read under a rule with `is_personal` only.
    """

    name: str
    schema: str
    relation: str
    roles: tuple[str, ...]
    is_personal: bool = False
    """Also relations with plain columns of L3 and L4; every read of them is noted."""
    needs_level_at_most: str | None = None
    """No column may be above this level."""


RULES: tuple[Rule, ...] = (
    Rule("指标集市", "mart", "*", (ANALYST, AUDITOR)),
    Rule("代码表", "reference", "*", (ANALYST, AUDITOR)),
    Rule("目录", "catalogue", "*", (ANALYST, AUDITOR)),
    Rule("台账与质量", "quality", "*", (AUDITOR,)),
    Rule("主题库", "theme_*", "*", (ANALYST,)),
    Rule("空间库", "geo", "*", (ANALYST,)),
    Rule("宏观库", "macro", "*", (ANALYST,)),
    Rule("脱敏视图", "*", "*_masked", (ANALYST, AUDITOR)),
    Rule("开放数据", "open_data", "*", (ANALYST, AUDITOR, PUBLIC), needs_level_at_most="L1"),
    Rule("本部门数据", "raw", "{department}__*", ("department_{department}",), is_personal=True),
    *(
        Rule("本部门回执与工单", "quality", table, ("department_{department}",))
        for table in (
            *("batch", "batch_file", "issue", "check_result", "score", "gate_result", "work_order"),
            *("open_data_difference", "delivered_column", "objection", "objection_ripple"),
        )
    ),
    Rule("异议所述", "objection", "statement", ("department_{department}",), is_personal=True),
)

ROW_FILTERED = ("quality",)
"""Schemas in which a department sees the rows of its own deliveries only."""


NOTING_SCHEMAS = ("share", "objection")
"""Schemas of views that note by themselves who reads personal data."""


@dataclass(frozen=True)
class Relation:
    """A table or view as the catalogue knows it.

    Attributes:
        levels: level by column; None where none was declared.
        is_view: reading it reads nothing that its rows do not show.
    """

    schema: str
    name: str
    levels: dict[str, str | None]
    is_view: bool = False

    @property
    def is_masked(self) -> bool:
        """Whether it is a masked view: made by the macro `masked`, which a test holds every `*_masked` model to."""
        return self.is_view and self.name.endswith("_masked")

    @property
    def is_personal(self) -> bool:
        """Whether it shows a plain column of L3 or L4; a column of unknown level counts as one."""
        if self.is_masked or self.schema in CONTROL_SCHEMAS:
            return any(level in ("L3", "L4") for level in self.levels.values()) and not self.is_masked
        return any(level not in ("L1", "L2") for level in self.levels.values())


@dataclass(frozen=True, order=True)
class Grant:
    """A role may read a relation, for a reason: a rule's name or an approved request."""

    role: str
    schema: str
    relation: str
    reason: str = ""
    is_personal: bool = False


def desired_grants(
    relations: Iterable[Relation], departments: Sequence[str], rules: Sequence[Rule] = RULES
) -> list[Grant]:
    """Return what the rules let each role read; a relation that no rule names is left to its owner."""
    found = []
    for relation in relations:
        for rule in rules:
            for department in departments if "{department}" in "".join((rule.relation, *rule.roles)) else ("",):
                if not _covers(rule, relation, department) or (relation.is_personal and not rule.is_personal):
                    continue
                for role in rule.roles:
                    name = role.replace("{department}", department)
                    found.append(Grant(name, relation.schema, relation.name, rule.name, relation.is_personal))
    return found


def _covers(rule: Rule, relation: Relation, department: str) -> bool:
    if not fnmatchcase(relation.schema, rule.schema):
        return False
    if not fnmatchcase(relation.name, rule.relation.replace("{department}", department)):
        return False
    if relation.name.startswith("int_"):
        return False
    limit = rule.needs_level_at_most
    return limit is None or all(level is not None and level <= limit for level in relation.levels.values())
