"""What an alert says. Shown outside the city's network perhaps: no personal data, no value of a row, no secret."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import uuid4

from connectors.privacy import mask_identifiers

FORMAT = 1


class Level(StrEnum):
    """Whether somebody is to be woken (`critical`), or it can wait until they look (`warning`)."""

    CRITICAL = "critical"
    WARNING = "warning"


class Kind(StrEnum):
    """What an alert can be about; each has its row in `docs/reference/gates.md`."""

    TASK_FAILED = "task_failed"
    BATCH_HELD = "batch_held"
    BATCH_WARNED = "batch_warned"
    TARGET_MISSED = "target_missed"
    RUN_WARNED = "run_warned"
    RUN_LATE = "run_late"
    TRIAL = "trial"


@dataclass(frozen=True)
class Alert:
    """One alert.

    Attributes:
        run_id: of the run, as `mart.run` and the batches know it.
        title: what happened, in one Chinese sentence.
        what: the same in detail, one sentence each.
        look: where to look.
        act: what to do.
        links: pages of Airflow.
        facts: numbers and names for programs.
        alert_id: the same in file, webhook and every repetition.
    """

    kind: Kind
    level: Level
    at: datetime
    run_id: str
    title: str
    what: Sequence[str]
    look: str
    act: str
    links: Sequence[str] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    alert_id: str = field(default_factory=lambda: str(uuid4()))

    def document(self) -> dict[str, Any]:
        """Return it as JSON, identifiers masked wherever one strayed into a name."""
        return {
            "format": FORMAT,
            "id": self.alert_id,
            "kind": self.kind.value,
            "level": self.level.value,
            "at": self.at.isoformat(timespec="seconds"),
            "run_id": mask_identifiers(self.run_id),
            "title": mask_identifiers(self.title),
            "what": [mask_identifiers(sentence) for sentence in self.what],
            "look": mask_identifiers(self.look),
            "act": mask_identifiers(self.act),
            "links": [mask_identifiers(link) for link in self.links],
            "facts": dict(self.facts),
        }

    def text(self) -> str:
        """Return it as people read it in a chat group."""
        body = self.document()
        lines = [f"【数据仓库】{body['title']}", *body["what"], f"看哪里：{body['look']}", f"怎么办：{body['act']}"]
        return "\n".join([*lines, *body["links"]])
